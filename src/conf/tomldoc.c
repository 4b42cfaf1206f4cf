/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the bytes, a line or a value at a time; nothing is looked at twice. */
#include "conf/tomldoc.h"

#include "base/buf.h"
#include "base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* yamldoc_node.mark: what may still be added to a table or an array. */
enum tomldoc_mark {
	OPEN,   /* anything: it came to be on the way to a deeper one */
	HEADED, /* its [header] was there: another one is a mistake */
	DOTTED, /* made by a dotted key: no header may name it */
	ARRAY,  /* of [[headers]]: another one adds an element */
	CLOSED, /* written whole, with brackets or braces */
};

struct tomldoc {
	struct yamldoc *doc;
	struct yamldoc_error *error;
	struct slice text;
	/* Where it is, where its line began, and the part of a key that was read last. */
	size_t at, line_at, key_at;
	int line;
};

static bool printf_like(2, 3) fault(struct tomldoc *r, const char *fmt, ...)
{
	va_list ap;

	r->error->line = r->line;
	r->error->column = (int)(r->at - r->line_at) + 1;
	va_start(ap, fmt);
	vsnprintf(r->error->text, sizeof(r->error->text), fmt, ap);
	va_end(ap);
	return false;
}

/* The next byte; -1 at the end, which no byte is. */
static int
look(const struct tomldoc *r, size_t ahead)
{
	return r->text.n - r->at > ahead ? (unsigned char)r->text.p[r->at + ahead] : -1;
}

static void
spaces(struct tomldoc *r)
{
	while (look(r, 0) == ' ' || look(r, 0) == '\t')
		r->at++;
}

/* Up to the line's end: a comment at most. */
static bool
rest_of_line(struct tomldoc *r)
{
	spaces(r);
	if (look(r, 0) == '#')
		while (look(r, 0) != '\n' && look(r, 0) != -1)
			r->at++;
	if (look(r, 0) == '\r' && look(r, 1) == '\n')
		r->at++;
	if (look(r, 0) == -1)
		return true;
	if (look(r, 0) != '\n')
		return fault(r, "something stands behind the end of the value");
	r->line_at = ++r->at;
	r->line++;
	return true;
}

/* Spaces, comments and whole lines: what may stand between the values of an array. */
static bool
gap(struct tomldoc *r)
{
	for (;;) {
		spaces(r);
		if (look(r, 0) != '#' && look(r, 0) != '\n' && look(r, 0) != '\r')
			return true;
		if (!rest_of_line(r))
			return false;
	}
}

/* --- nodes --- */

static struct yamldoc_node *
node_new(struct tomldoc *r, struct yamldoc_node *to, enum yamldoc_kind kind, const char *key)
{
	struct yamldoc_node *n = r->doc->n < LIMIT_CONFIG_NODES ? calloc(1, sizeof(*n)) : NULL;

	if (n != NULL && key != NULL && (n->key = strdup(key)) == NULL) {
		free(n);
		n = NULL;
	}
	if (n == NULL) {
		(void)fault(r, "more than %d keys and values", LIMIT_CONFIG_NODES);
		return NULL;
	}
	n->kind = kind;
	n->line = n->key_line = r->line;
	n->column = (int)(r->at - r->line_at) + 1;
	n->key_column = key != NULL ? (int)(r->key_at - r->line_at) + 1 : n->column;
	n->all = r->doc->all;
	r->doc->all = n;
	r->doc->n++;
	n->parent = to;
	if (to == NULL)
		r->doc->root = n;
	else if (to->last == NULL)
		to->first = n;
	else
		to->last->next = n;
	if (to != NULL)
		to->last = n;
	return n;
}

static struct yamldoc_node *
child(const struct yamldoc_node *map, const char *key)
{
	for (struct yamldoc_node *n = map->first; n != NULL; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

/* --- texts --- */

/* Of \uXXXX or \UXXXXXXXX, as UTF-8. */
static bool
escape_unicode(struct tomldoc *r, struct buf *out, int digits)
{
	uint32_t c = 0;

	for (int i = 0; i < digits; i++, r->at++) {
		int d = look(r, 0);

		if (d >= '0' && d <= '9')
			d -= '0';
		else if ((d | 32) >= 'a' && (d | 32) <= 'f')
			d = (d | 32) - 'a' + 10;
		else
			return fault(r, "%d hexadecimal digits are wanted", digits);
		c = c << 4 | (uint32_t)d;
	}
	if (c < 0x20 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return fault(r, "no character of a text has that number");
	if (c < 0x80) {
		buf_putc(out, (char)c);
		return true;
	}
	if (c >= 0x10000) {
		buf_putc(out, (char)(0xf0 | c >> 18));
		buf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
	} else if (c >= 0x800) {
		buf_putc(out, (char)(0xe0 | c >> 12));
	}
	if (c >= 0x800)
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	else
		buf_putc(out, (char)(0xc0 | c >> 6));
	buf_putc(out, (char)(0x80 | (c & 0x3f)));
	return true;
}

/* Behind the backslash. */
static bool
escape(struct tomldoc *r, struct buf *out)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	int c = look(r, 0);
	const char *found = c > 0 ? strchr(from, c) : NULL;

	if (found == NULL && c != 'u' && c != 'U')
		return fault(r, "no such escape: \\\", \\\\, \\n, \\t and \\uXXXX are known");
	r->at++;
	if (found == NULL)
		return escape_unicode(r, out, c == 'u' ? 4 : 8);
	buf_putc(out, to[found - from]);
	return true;
}

/* "text" or 'text', from its quote on. */
static bool
quoted(struct tomldoc *r, struct buf *out)
{
	int quote = look(r, 0);

	if (look(r, 1) == quote && look(r, 2) == quote)
		return fault(r, "texts over several lines are not read here");
	r->at++;
	for (int c; (c = look(r, 0)) != quote;) {
		if (c == -1 || (c < 0x20 && c != '\t') || c == 0x7f)
			return fault(r, "the text has no end on its line");
		r->at++;
		if (c == '\\' && quote == '"') {
			if (!escape(r, out))
				return false;
		} else {
			buf_putc(out, (char)c);
		}
	}
	r->at++;
	return !out->failed || fault(r, "a text of at most %d bytes is wanted", 4096);
}

static bool
is_bare(int c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' ||
	       c == '-';
}

/* One part of a key, into out. */
static bool
key_part(struct tomldoc *r, struct buf *out)
{
	buf_reset(out);
	r->key_at = r->at;
	if (look(r, 0) == '"' || look(r, 0) == '\'') {
		if (!quoted(r, out))
			return false;
	} else {
		while (is_bare(look(r, 0)))
			buf_putc(out, r->text.p[r->at++]);
	}
	if (out->n == 0 || out->n > 255)
		return fault(r, "a key of letters, digits, - and _ is wanted, or one in quotes");
	return buf_z(out) != NULL || fault(r, "out of memory");
}

/* --- values --- */

static bool value(struct tomldoc *r, struct yamldoc_node *to, const char *key, int depth);
static bool pair(struct tomldoc *r, struct yamldoc_node *map, int depth);

static bool
array(struct tomldoc *r, struct yamldoc_node *list, int depth)
{
	r->at++;
	list->mark = CLOSED;
	for (;;) {
		if (!gap(r))
			return false;
		if (look(r, 0) == ']')
			break;
		if (!value(r, list, NULL, depth + 1) || !gap(r))
			return false;
		if (look(r, 0) == ']')
			break;
		if (look(r, 0) != ',')
			return fault(r, "a comma or ] is wanted");
		r->at++;
	}
	r->at++;
	return true;
}

/* { key = value, ... } on one line. */
static bool
braces(struct tomldoc *r, struct yamldoc_node *map, int depth)
{
	r->at++;
	spaces(r);
	while (look(r, 0) != '}') {
		if (!pair(r, map, depth + 1))
			return false;
		spaces(r);
		if (look(r, 0) == '}')
			break;
		if (look(r, 0) != ',')
			return fault(r, "a comma or } is wanted");
		r->at++;
		spaces(r);
		if (look(r, 0) == '}')
			return fault(r, "a key is wanted behind the comma");
	}
	r->at++;
	map->mark = CLOSED;
	return true;
}

static bool
scalar(struct tomldoc *r, struct yamldoc_node *n, struct buf *out)
{
	if (look(r, 0) == '"' || look(r, 0) == '\'') {
		if (!quoted(r, out))
			return false;
	} else {
		while (is_bare(look(r, 0)) || look(r, 0) == '+' || look(r, 0) == '.')
			buf_putc(out, r->text.p[r->at++]);
		if (out->n == 0 ||
		    (strcmp(buf_z(out), "true") != 0 && strcmp(out->p, "false") != 0 &&
			out->p[strspn(out->p, "0123456789+-._eE")] != '\0'))
			return fault(r, "a text in quotes, a number, true or false is wanted");
		if (look(r, 0) == ':' || (strspn(out->p, "0123456789") == 4 && out->p[4] == '-'))
			return fault(r, "dates and times are not read here");
	}
	if (buf_z(out) == NULL)
		return fault(r, "out of memory");
	n->text = strdup(out->n > 0 ? out->p : "");
	n->last_line = n->line;
	return n->text != NULL || fault(r, "out of memory");
}

static bool
value(struct tomldoc *r, struct yamldoc_node *to, const char *key, int depth)
{
	int c = look(r, 0);
	enum yamldoc_kind kind = c == '[' ? YAMLDOC_LIST : c == '{' ? YAMLDOC_MAP : YAMLDOC_SCALAR;
	struct yamldoc_node *n;
	struct buf out;
	bool ok;

	if (depth > LIMIT_CONFIG_DEPTH)
		return fault(r, "nested more than %d levels", LIMIT_CONFIG_DEPTH);
	n = node_new(r, to, kind, key);
	if (n == NULL)
		return false;
	if (kind == YAMLDOC_LIST)
		return array(r, n, depth);
	if (kind == YAMLDOC_MAP)
		return braces(r, n, depth);
	buf_init(&out, 4096);
	ok = scalar(r, n, &out);
	if (out.p != NULL)
		explicit_bzero(out.p, out.cap);
	buf_fini(&out);
	return ok;
}

/* --- keys and headers --- */

/* The table that a dotted key leads through. NULL after a fault. */
static struct yamldoc_node *
through(struct tomldoc *r, struct yamldoc_node *map, const char *key)
{
	struct yamldoc_node *n = child(map, key);

	if (n == NULL) {
		n = node_new(r, map, YAMLDOC_MAP, key);
		if (n != NULL)
			n->mark = DOTTED;
	} else if (n->kind != YAMLDOC_MAP || n->mark != DOTTED) {
		(void)fault(r, "\"%.60s\" is there already, in line %d", key, n->key_line);
		return NULL;
	}
	return n;
}

/* key = value, or a.b = value. */
static bool
pair(struct tomldoc *r, struct yamldoc_node *map, int depth)
{
	struct yamldoc_node *n = NULL;
	struct buf key;
	bool ok;

	buf_init(&key, 256);
	for (;; depth++) {
		ok = key_part(r, &key);
		spaces(r);
		if (!ok || look(r, 0) != '.')
			break;
		r->at++;
		spaces(r);
		map = depth > LIMIT_CONFIG_DEPTH ? NULL : through(r, map, key.p);
		if (map == NULL) {
			ok = depth <= LIMIT_CONFIG_DEPTH ? false : fault(r, "nested too deep");
			break;
		}
	}
	if (ok && (n = child(map, key.p)) != NULL) {
		r->at = r->key_at;
		ok = fault(r, "\"%.60s\" is given twice, first in line %d", key.p, n->key_line);
	}
	if (ok && look(r, 0) != '=')
		ok = fault(r, "= is wanted behind the key");
	if (ok) {
		r->at++;
		spaces(r);
		ok = value(r, map, key.p, depth + 1);
	}
	buf_fini(&key);
	return ok;
}

/* The table that a part of a header leads to, or into. NULL after a fault. */
static struct yamldoc_node *
step(struct tomldoc *r, struct yamldoc_node *map, const char *key, bool last, bool many)
{
	struct yamldoc_node *n = child(map, key);

	if (n == NULL) {
		n = node_new(r, map, last && many ? YAMLDOC_LIST : YAMLDOC_MAP, key);
		if (n == NULL)
			return NULL;
		n->mark = !last ? OPEN : many ? ARRAY : HEADED;
		return last && many ? node_new(r, n, YAMLDOC_MAP, NULL) : n;
	}
	if (last && many && n->mark == ARRAY)
		return node_new(r, n, YAMLDOC_MAP, NULL);
	if (!last && n->mark == ARRAY)
		return n->last;
	if (!last && n->kind == YAMLDOC_MAP && n->mark != CLOSED)
		return n;
	if (last && !many && n->kind == YAMLDOC_MAP && n->mark == OPEN) {
		n->mark = HEADED;
		return n;
	}
	(void)fault(r, "\"%.60s\" is there already, in line %d", key, n->key_line);
	return NULL;
}

/* [a.b] or [[a.b]]; *map: the table that its lines belong to. */
static bool
header(struct tomldoc *r, struct yamldoc_node **map)
{
	bool many = look(r, 1) == '[', ok, last = false;
	struct yamldoc_node *n = r->doc->root;
	struct buf key;

	r->at += many ? 2 : 1;
	buf_init(&key, 256);
	for (int depth = 0; !last; depth++) {
		spaces(r);
		ok = key_part(r, &key);
		spaces(r);
		last = ok && look(r, 0) != '.';
		if (ok && depth > LIMIT_CONFIG_DEPTH - 2)
			ok = fault(r, "nested more than %d levels", LIMIT_CONFIG_DEPTH);
		n = ok ? step(r, n, key.p, last, many) : NULL;
		if (n == NULL)
			break;
		r->at += last ? 0 : 1;
	}
	buf_fini(&key);
	if (n == NULL)
		return false;
	if (look(r, 0) != ']' || (many && look(r, 1) != ']'))
		return fault(r, "%s is wanted behind the name of the table", many ? "]]" : "]");
	r->at += many ? 2 : 1;
	*map = n;
	return rest_of_line(r);
}

static int
depth_of(const struct yamldoc_node *n)
{
	int depth = 0;

	for (; n->parent != NULL; n = n->parent)
		depth++;
	return depth;
}

bool
tomldoc_parse(struct yamldoc *doc, struct slice text, struct yamldoc_error *ret_error)
{
	struct tomldoc r = { .doc = doc, .error = ret_error, .text = text, .line = 1 };
	struct yamldoc_node *map;
	bool ok = true;

	*doc = (struct yamldoc){ 0 };
	if (text.n > LIMIT_CONFIG_BYTES)
		return fault(&r, "the file is larger than %d bytes", LIMIT_CONFIG_BYTES);
	map = node_new(&r, NULL, YAMLDOC_MAP, NULL);
	if (map == NULL)
		return false;
	while (ok && (ok = gap(&r)) && look(&r, 0) != -1) {
		if (look(&r, 0) == '[')
			ok = header(&r, &map);
		else
			ok = pair(&r, map, depth_of(map)) && rest_of_line(&r);
	}
	return ok;
}

bool
tomldoc_looks(struct slice text)
{
	while (text.n > 0) {
		struct slice line = slice_trim(slice_cut(&text, '\n'));

		if (line.n > 0 && line.p[0] == '[')
			return true;
		if (line.n > 0 && line.p[0] != '#' && line.p[0] != '\r')
			return slice_find(line, '=') < slice_find(line, ':');
	}
	return false;
}
