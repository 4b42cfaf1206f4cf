/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/yaml.h"

#include "base/limits.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

/* Far more than LIMIT_TUNNELS_PER_LINK tunnels with every key; keeps the search for doubles short.
 */
#define NODES_MAX 4096

/* Memory that is missing while a small file is read, at the start of the program: there is nobody
 * to tell but the user. */
static void *
must(void *p)
{
	if (p == NULL) {
		fputs("adit: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static char *
format_error(const char *path, int line, int column, const char *fmt, va_list ap)
{
	char text[512], *whole;

	vsnprintf(text, sizeof(text), fmt, ap);
	if (asprintf(&whole, "%s:%d:%d: %s", path, line, column, text) < 0)
		whole = NULL;
	return must(whole);
}

char *
yaml_error(const char *path, int line, int column, const char *fmt, ...)
{
	va_list ap;
	char *whole;

	va_start(ap, fmt);
	whole = format_error(path, line, column, fmt, ap);
	va_end(ap);
	return whole;
}

static char *printf_like(3, 4) at_mark(const struct yaml *y, yaml_mark_t mark, const char *fmt, ...)
{
	va_list ap;
	char *whole;

	va_start(ap, fmt);
	whole = format_error(y->path, (int)mark.line + 1, (int)mark.column + 1, fmt, ap);
	va_end(ap);
	return whole;
}

static struct yaml_node *
add(struct yaml *y)
{
	if (y->n == y->cap) {
		size_t cap = y->cap == 0 ? 32 : 2 * y->cap;

		y->nodes = must(reallocarray(y->nodes, cap, sizeof(*y->nodes)));
		y->cap = cap;
	}
	y->nodes[y->n] = (struct yaml_node){ 0 };
	return &y->nodes[y->n++];
}

static char *
copy(const yaml_event_t *e)
{
	return must(strndup((const char *)e->data.scalar.value, e->data.scalar.length));
}

static const char *
refused_feature(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return "aliases (*name) are not used here";
	case YAML_SEQUENCE_START_EVENT:
		return "a list stands where a value or a mapping (key: value) is wanted";
	case YAML_SCALAR_EVENT:
		if (e->data.scalar.anchor != NULL || e->data.scalar.tag != NULL)
			return "anchors and tags (&name, !tag) are not used here";
		if (memchr(e->data.scalar.value, 0, e->data.scalar.length) != NULL)
			return "a value holds a NUL byte";
		return NULL;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor != NULL || e->data.mapping_start.tag != NULL
			   ? "anchors and tags (&name, !tag) are not used here"
			   : NULL;
	default:
		return NULL;
	}
}

/* True when the mapping that is open at `depth` has the key already. */
static bool
is_twice(const struct yaml *y, const char *key)
{
	int depth = 0;

	for (size_t i = y->n; i-- > 0;) {
		const struct yaml_node *n = &y->nodes[i];

		if (n->key == NULL)
			depth++;
		else if (n->value == NULL && --depth < 0)
			return false;
		if (depth == 0 && n->key != NULL && strcmp(n->key, key) == 0)
			return true;
	}
	return false;
}

static char *
on_key(struct yaml *y, const yaml_event_t *e)
{
	struct yaml_node *n;
	char *key;

	if (e->type != YAML_SCALAR_EVENT)
		return at_mark(y, e->start_mark, "a key must be a plain word");
	if (y->n >= NODES_MAX)
		return at_mark(y, e->start_mark, "more than %d keys", NODES_MAX);
	key = copy(e);
	if (is_twice(y, key)) {
		char *error = at_mark(y, e->start_mark, "\"%.60s\" is given twice", key);

		free(key);
		return error;
	}
	n = add(y);
	n->key = key;
	n->line = (int)e->start_mark.line + 1;
	n->column = (int)e->start_mark.column + 1;
	return NULL;
}

static void
on_value(struct yaml *y, const yaml_event_t *e)
{
	struct yaml_node *n = &y->nodes[y->n - 1];

	n->value_line = (int)e->start_mark.line + 1;
	n->value_column = (int)e->start_mark.column + 1;
	/* A block scalar ends at the beginning of the line behind it. */
	n->last_line = (int)e->end_mark.line + (e->end_mark.column > 0 ? 1 : 0);
	if (n->last_line < n->line)
		n->last_line = n->line;
	if (e->type == YAML_SCALAR_EVENT)
		n->value = copy(e);
}

/* The events of the outermost mapping; *depth is 0 before and behind it. */
static char *
on_event(struct yaml *y, const yaml_event_t *e, int *depth, bool *key_next)
{
	const char *why = refused_feature(e);

	if (why != NULL)
		return at_mark(y, e->start_mark, "%s", why);
	if (e->type == YAML_MAPPING_END_EVENT) {
		if (--*depth > 0)
			add(y);
		*key_next = true;
		return NULL;
	}
	if (*depth == 0) {
		if (e->type == YAML_SCALAR_EVENT && e->data.scalar.length == 0)
			return NULL; /* an empty file */
		if (e->type != YAML_MAPPING_START_EVENT)
			return at_mark(y, e->start_mark, "\"key: value\" lines are wanted here");
		y->flow = e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
		++*depth;
		*key_next = true;
		return NULL;
	}
	if (*key_next) {
		*key_next = false;
		return on_key(y, e);
	}
	on_value(y, e);
	*key_next = true;
	if (e->type == YAML_MAPPING_START_EVENT && ++*depth > LIMIT_CONFIG_DEPTH)
		return at_mark(y, e->start_mark, "nested too deeply");
	return NULL;
}

static char *
run(struct yaml *y, yaml_parser_t *p)
{
	int depth = 0, documents = 0;
	bool key_next = false, end = false;
	yaml_event_t e;
	char *error = NULL;

	while (!end && error == NULL) {
		if (!yaml_parser_parse(p, &e))
			return at_mark(y, p->problem_mark, "not valid YAML: %s",
			    p->problem == NULL ? "unknown problem" : p->problem);
		switch (e.type) {
		case YAML_STREAM_END_EVENT:
			end = true;
			break;
		case YAML_NO_EVENT:
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (++documents > 1)
				error = at_mark(y, e.start_mark, "a second document begins");
			break;
		default:
			error = on_event(y, &e, &depth, &key_next);
			break;
		}
		yaml_event_delete(&e);
	}
	return error;
}

char *
yaml_parse(struct yaml *y, struct slice text, const char *path)
{
	yaml_parser_t p;
	char *error;

	*y = (struct yaml){ .path = path };
	if (text.n > LIMIT_CONFIG_BYTES)
		return yaml_error(
		    path, 1, 1, "the file is larger than %d bytes", LIMIT_CONFIG_BYTES);
	if (!yaml_parser_initialize(&p))
		must(NULL);
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)text.p, text.n);
	error = run(y, &p);
	yaml_parser_delete(&p);
	return error;
}

void
yaml_fini(struct yaml *y)
{
	for (size_t i = 0; i < y->n; i++) {
		free(y->nodes[i].key);
		if (y->nodes[i].value != NULL)
			OPENSSL_cleanse(y->nodes[i].value, strlen(y->nodes[i].value));
		free(y->nodes[i].value);
	}
	free(y->nodes);
	*y = (struct yaml){ 0 };
}
