/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the row of a request, and decodes what is percent-encoded in its path and query. */
#include "web/router.h"

#include "base/utf8.h"

#include <stdio.h>

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Whatever is decoded here ends in JSON, in logs or on a screen: no control characters, and UTF-8. */
static bool
is_text(struct slice s)
{
	while (s.n > 0) {
		size_t n = utf8_next(s);

		if (n == 0 || (unsigned char)s.p[0] < 0x20 || s.p[0] == 0x7f)
			return false;
		s = slice_from(s, n);
	}
	return true;
}

ptrdiff_t
web_decode(struct slice s, bool plus, char *dst)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			int high = s.n - i > 2 ? hex_digit(s.p[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_digit(s.p[i + 2]);

			if (low < 0)
				return -1;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		dst[n++] = c;
	}
	return is_text(slice_of(dst, n)) ? (ptrdiff_t)n : -1;
}

ptrdiff_t
web_query_parse(struct slice query, char *text, struct web_pair *pairs, size_t cap)
{
	size_t n = 0;

	while (query.n > 0) {
		struct slice value = slice_cut(&query, '&'), name = slice_cut(&value, '=');
		ptrdiff_t n_name, n_value;

		if (name.n == 0 && value.n == 0)
			continue;
		if (n == cap || (n_name = web_decode(name, true, text)) < 0 ||
		    (n_value = web_decode(value, true, text + n_name)) < 0)
			return -1;
		pairs[n].name = slice_of(text, (size_t)n_name);
		pairs[n].value = slice_of(text + n_name, (size_t)n_value);
		text += n_name + n_value;
		n++;
	}
	return (ptrdiff_t)n;
}

/* Compares segment by segment; parameters are noted as they were sent. */
static bool
fits(const char *pattern, struct slice path, struct slice *params, size_t *ret_n)
{
	struct slice want = slice_str(pattern);
	size_t n = 0;

	while (want.p != NULL && path.p != NULL) {
		struct slice w = slice_cut(&want, '/'), p = slice_cut(&path, '/');

		if (w.n > 0 && w.p[0] == ':') {
			check(n < WEB_PARAMS_MAX); /* rows are ours */
			if (p.n == 0)
				return false;
			params[n++] = p;
		} else if (!slice_eq(w, p)) {
			return false;
		}
	}
	*ret_n = n;
	return want.p == NULL && path.p == NULL;
}

static void
allow(struct web_match *m, const char *method)
{
	size_t n = strlen(m->allow);
	const char *more = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;

	if (strstr(m->allow, more) == NULL)
		snprintf(m->allow + n, sizeof(m->allow) - n, "%s%s", n > 0 ? ", " : "", more);
}

static void
take_params(struct web_match *m, const struct slice *raw, size_t n, char *text)
{
	for (size_t i = 0; i < n; i++) {
		ptrdiff_t got = web_decode(raw[i], false, text);

		if (got < 0) {
			m->bad = true;
			return;
		}
		m->params[i] = slice_of(text, (size_t)got);
		text += got;
	}
	m->n_params = n;
}

void
web_route_find(const struct web_route *rows, size_t n, struct slice method, struct slice path,
    char *text, struct web_match *ret)
{
	struct slice get = slice_eq(method, S("HEAD")) ? S("GET") : method;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < n; i++) {
		struct slice raw[WEB_PARAMS_MAX];
		size_t n_raw;

		if (!fits(rows[i].pattern, path, raw, &n_raw))
			continue;
		if (slice_eq(get, slice_str(rows[i].method))) {
			ret->route = &rows[i];
			take_params(ret, raw, n_raw, text);
			return;
		}
		ret->known = true;
		allow(ret, rows[i].method);
	}
}
