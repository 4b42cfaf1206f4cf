/* SPDX-License-Identifier: Apache-2.0 */
/* Method, target and fields as a head; hidden values are looked up in the parent's. */
#include "agent/replay/compose.h"

/* A line without its end, cut from the front. */
static struct slice
cut_line(struct slice *s)
{
	struct slice line = slice_cut(s, '\n');

	return slice_ends(line, S("\r")) ? slice_head(line, line.n - 1) : line;
}

/* The k-th field of that name; .p NULL: there is none. */
static struct slice
field_of(struct slice head, struct slice name, size_t k)
{
	(void)slice_cut(&head, '\n');
	while (head.n > 0) {
		struct slice value = cut_line(&head);
		struct slice field = slice_cut(&value, ':');

		if (slice_ieq(field, name) && k-- == 0)
			return value.p == NULL ? S("") : slice_trim(value);
	}
	return (struct slice){ 0 };
}

static struct slice
query_of(struct slice head)
{
	struct slice line = cut_line(&head), target;

	(void)slice_cut(&line, ' ');
	target = slice_cut(&line, ' ');
	(void)slice_cut(&target, '?');
	return target;
}

/* The k-th value of that name, or where named is false the k-th piece without a name. */
static struct slice
value_of(struct slice query, struct slice name, bool named, size_t k)
{
	while (query.n > 0) {
		struct slice value = slice_cut(&query, '&'), piece = value;
		struct slice key = slice_cut(&value, '=');

		if (named != (value.p != NULL) || (named && !slice_eq(key, name)) || k-- > 0)
			continue;
		return named ? value : piece;
	}
	return (struct slice){ 0 };
}

/* How many pieces with this name (or without one) stand before the place. */
static size_t
count_before(struct slice query, const char *place, struct slice name, bool named)
{
	size_t n = 0;

	while (query.n > 0 && query.p < place) {
		struct slice value = slice_cut(&query, '&'), key = slice_cut(&value, '=');

		n += named == (value.p != NULL) && (!named || slice_eq(key, name));
	}
	return n;
}

static bool
put_target(const struct compose_draft *d, struct buf *out)
{
	struct slice rest = d->target, path = slice_cut(&rest, '?'), whole = rest;

	buf_put(out, path.n == 0 ? S("/") : path);
	if (rest.p != NULL)
		buf_putc(out, '?');
	while (rest.n > 0) {
		struct slice value = slice_cut(&rest, '&'), piece = value;
		struct slice key = slice_cut(&value, '=');
		bool named = value.p != NULL;

		if (named) {
			buf_put(out, key);
			buf_putc(out, '=');
		} else {
			value = piece;
		}
		if (slice_eq(value, S(COMPOSE_HIDDEN))) {
			value = value_of(query_of(d->parent), key, named,
			    count_before(whole, piece.p, key, named));
			if (value.p == NULL)
				return false;
		}
		buf_put(out, value);
		if (rest.n > 0)
			buf_putc(out, '&');
	}
	return true;
}

/* A token (RFC 9110 5.6.2). */
static bool
is_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], low = (char)(c | 0x20);

		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
			return false;
	}
	return s.n > 0;
}

/* No end of a line, and nothing else that a head could not hold. */
static bool
is_value(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool
is_target(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

bool
compose_is_left_out(struct slice name)
{
	static const char *const names[] = { "content-length", "transfer-encoding", "connection",
		"keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_ieq(name, slice_str(names[i])))
			return true;
	return false;
}

/* False: it is no field, or the parent has it not. */
static bool
put_field(const struct compose_draft *d, size_t i, struct buf *out)
{
	struct slice name = d->fields[i].name, value = d->fields[i].value;
	size_t k = 0;

	if (!is_name(name))
		return false;
	if (compose_is_left_out(name))
		return true;
	if (value.p == NULL) {
		for (size_t j = 0; j < i; j++)
			k += d->fields[j].value.p == NULL && slice_ieq(d->fields[j].name, name);
		value = field_of(d->parent, name, k);
	}
	if (value.p == NULL || !is_value(value))
		return false;
	buf_put(out, name);
	buf_put(out, S(": "));
	buf_put(out, slice_trim(value));
	buf_put(out, S("\r\n"));
	return true;
}

/* RFC 9110 8.6: these say that they have a body even where it is empty. */
static bool
has_length(const struct compose_draft *d)
{
	return d->body_n > 0 || slice_eq(d->method, S("POST")) || slice_eq(d->method, S("PUT")) ||
	       slice_eq(d->method, S("PATCH"));
}

bool
compose_head(const struct compose_draft *d, struct buf *out)
{
	bool has_host = false;

	if (!is_name(d->method) || !is_target(d->target))
		return false;
	buf_put(out, d->method);
	buf_putc(out, ' ');
	if (!put_target(d, out))
		return false;
	buf_put(out, S(" HTTP/1.1\r\n"));
	for (size_t i = 0; i < d->n_fields; i++)
		has_host = has_host || slice_ieq(d->fields[i].name, S("host"));
	if (!has_host) {
		if (!is_target(d->host))
			return false;
		buf_put(out, S("Host: "));
		buf_put(out, d->host);
		buf_put(out, S("\r\n"));
	}
	for (size_t i = 0; i < d->n_fields; i++)
		if (!put_field(d, i, out))
			return false;
	if (has_length(d))
		buf_printf(out, "Content-Length: %llu\r\n", (unsigned long long)d->body_n);
	buf_put(out, S("\r\n"));
	return !out->failed;
}
