/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the tree from libyaml's events, and refuses what makes YAML surprising. */
#include "conf/yamldoc.h"

#include "base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

/* The tree that is being built. */
struct build {
	struct yamldoc *doc;
	struct yamldoc_error *error;
	struct yamldoc_node *open;  /* the mapping or list that gets the next value */
	struct yamldoc_node *keyed; /* in a mapping: the node whose value comes next */
	int depth, documents;
};

static bool printf_like(3, 4) fault(struct build *b, yaml_mark_t mark, const char *fmt, ...)
{
	va_list ap;

	b->error->line = (int)mark.line + 1;
	b->error->column = (int)mark.column + 1;
	va_start(ap, fmt);
	vsnprintf(b->error->text, sizeof(b->error->text), fmt, ap);
	va_end(ap);
	return false;
}

/*
 * NULL without memory, or when there are more nodes than CONFIG_NODES. In the chain at once, so
 * that yamldoc_fini() finds it whatever happens next.
 */
static struct yamldoc_node *
node_new(struct build *b)
{
	struct yamldoc_node *n = b->doc->n < LIMIT_CONFIG_NODES ? calloc(1, sizeof(*n)) : NULL;

	if (n == NULL)
		return NULL;
	n->all = b->doc->all;
	b->doc->all = n;
	b->doc->n++;
	return n;
}

static void
attach(struct build *b, struct yamldoc_node *n)
{
	struct yamldoc_node *to = b->open;

	n->parent = to;
	if (to == NULL) {
		b->doc->root = n;
		return;
	}
	if (to->last == NULL)
		to->first = n;
	else
		to->last->next = n;
	to->last = n;
}

/*
 * What a reader of the file would not expect: a value that is written elsewhere, a type that is
 * not seen, a text that ends before it ends. NULL, or a sentence.
 */
static const char *
surprise(const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return "aliases (*name) are not used here";
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
		if (memchr(e->data.scalar.value, 0, e->data.scalar.length) != NULL)
			return "a value holds a NUL byte";
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
		break;
	default:
		break;
	}
	return anchor != NULL || tag != NULL ? "anchors and tags (&name, !tag) are not used here"
					     : NULL;
}

static char *
copy(const yaml_event_t *e)
{
	return strndup((const char *)e->data.scalar.value, e->data.scalar.length);
}

/* The node of a key is made before its value is known, so that both positions are kept. */
static bool
on_key(struct build *b, const yaml_event_t *e)
{
	struct yamldoc_node *n;

	if (e->type != YAML_SCALAR_EVENT || e->data.scalar.length == 0)
		return fault(b, e->start_mark, "a key must be a plain word");
	for (n = b->open->first; n != NULL; n = n->next)
		if (strcmp(n->key, (const char *)e->data.scalar.value) == 0)
			return fault(b, e->start_mark, "\"%.60s\" is given twice, first in line %d",
			    n->key, n->key_line);
	n = node_new(b);
	if (n == NULL || (n->key = copy(e)) == NULL)
		return fault(b, e->start_mark, "more than %d keys and values", LIMIT_CONFIG_NODES);
	n->key_line = (int)e->start_mark.line + 1;
	n->key_column = (int)e->start_mark.column + 1;
	attach(b, n);
	b->keyed = n;
	return true;
}

/* A scalar, or the beginning of a mapping or list. */
static bool
on_value(struct build *b, const yaml_event_t *e)
{
	struct yamldoc_node *n = b->keyed;

	if (n == NULL) {
		n = node_new(b);
		if (n == NULL)
			return fault(b, e->start_mark, "more than %d keys and values",
			    LIMIT_CONFIG_NODES);
		attach(b, n);
	}
	b->keyed = NULL;
	n->line = (int)e->start_mark.line + 1;
	n->column = (int)e->start_mark.column + 1;
	if (e->type == YAML_SCALAR_EVENT) {
		/* A block scalar ends at the beginning of the line behind it. */
		n->last_line = (int)e->end_mark.line + (e->end_mark.column > 0 ? 1 : 0);
		n->text = copy(e);
		return n->text != NULL || fault(b, e->start_mark, "out of memory");
	}
	n->kind = e->type == YAML_MAPPING_START_EVENT ? YAMLDOC_MAP : YAMLDOC_LIST;
	if (b->open == NULL && n->kind == YAMLDOC_MAP)
		b->doc->flow = e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	b->open = n;
	if (++b->depth > LIMIT_CONFIG_DEPTH)
		return fault(b, e->start_mark, "nested more than %d levels", LIMIT_CONFIG_DEPTH);
	return true;
}

static bool
on_event(struct build *b, const yaml_event_t *e, bool *ret_end)
{
	const char *why = surprise(e);

	if (why != NULL)
		return fault(b, e->start_mark, "%s", why);
	switch (e->type) {
	case YAML_STREAM_END_EVENT:
		*ret_end = true;
		return true;
	case YAML_DOCUMENT_START_EVENT:
		return ++b->documents == 1 || fault(b, e->start_mark, "a second document begins");
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		b->open = b->open->parent;
		b->depth--;
		return true;
	case YAML_SCALAR_EVENT:
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		if (b->open != NULL && b->open->kind == YAMLDOC_MAP && b->keyed == NULL)
			return on_key(b, e);
		return on_value(b, e);
	default:
		return true;
	}
}

static bool
run(struct build *b, yaml_parser_t *p)
{
	bool end = false, ok = true;
	yaml_event_t e;

	while (ok && !end) {
		if (!yaml_parser_parse(p, &e))
			return fault(b, p->problem_mark, "not valid YAML: %s",
			    p->problem == NULL ? "unknown problem" : p->problem);
		ok = on_event(b, &e, &end);
		yaml_event_delete(&e);
	}
	return ok;
}

bool
yamldoc_parse(struct yamldoc *doc, struct slice text, struct yamldoc_error *ret_error)
{
	struct build b = { .doc = doc, .error = ret_error };
	yaml_mark_t top = { 0 };
	yaml_parser_t p;
	bool ok;

	*doc = (struct yamldoc){ 0 };
	if (text.n > LIMIT_CONFIG_BYTES)
		return fault(&b, top, "the file is larger than %d bytes", LIMIT_CONFIG_BYTES);
	if (!yaml_parser_initialize(&p))
		return fault(&b, top, "out of memory");
	/*
	 * Not guessed from the first bytes: the file could then be read as another text than
	 * an editor shows.
	 */
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)(text.n > 0 ? text.p : ""), text.n);
	ok = run(&b, &p);
	yaml_parser_delete(&p);
	return ok;
}

void
yamldoc_fini(struct yamldoc *doc)
{
	struct yamldoc_node *n;

	for (; (n = doc->all) != NULL; doc->n--) {
		doc->all = n->all;
		free(n->key);
		if (n->text != NULL)
			explicit_bzero(n->text, strlen(n->text));
		free(n->text);
		free(n);
	}
	check(doc->n == 0); /* every node that was counted was in the chain */
	*doc = (struct yamldoc){ 0 };
}
