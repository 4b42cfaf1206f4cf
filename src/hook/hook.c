/* SPDX-License-Identifier: Apache-2.0 */
/* Finds header fields of a webhook request. */
#include "hook/hook.h"

#include "base/text.h"
#include "base/utf8.h"

static const struct hook_field *
next_field(const struct hook_request *req, struct slice name, size_t *at)
{
	while (*at < req->n_fields) {
		const struct hook_field *f = &req->fields[(*at)++];

		if (slice_ieq(f->name, name))
			return f;
	}
	return NULL;
}

/*
 * A field that is there without a value has p set, one that is missing has not: the two
 * are different mistakes.
 */
struct slice
hook_header(const struct hook_request *req, struct slice name)
{
	size_t at = 0;
	const struct hook_field *f = next_field(req, name, &at);

	if (f == NULL)
		return (struct slice){ NULL, 0 };
	return f->value.p == NULL ? S("") : f->value;
}

size_t
hook_header_count(const struct hook_request *req, struct slice name)
{
	size_t at = 0, n = 0;

	while (next_field(req, name, &at) != NULL)
		n++;
	return n;
}

/* Parameters such as charset do not count. */
bool
hook_is_type(const struct hook_request *req, struct slice type)
{
	struct slice value = hook_header(req, S("Content-Type"));

	return slice_ieq(slice_trim(slice_cut(&value, ';')), type);
}

/* A '%' without two digits stays as it is: a sender that writes it has signed it so. */
ptrdiff_t
hook_form_decode(struct slice s, char *dst, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (n == cap)
			return -1;
		if (c == '+')
			c = ' ';
		else if (c == '%' && s.n - i > 2 &&
			 text_unhex(slice_of(s.p + i + 1, 2), &c, 1) == 1)
			i += 2;
		dst[n++] = c;
	}
	check(n <= s.n); /* so it may be done in place */
	return (ptrdiff_t)n;
}

/* Empty pairs (&&) are passed over; a name without '=' has an empty value (WHATWG URL, 5.1). */
bool
hook_form_next(struct slice *form, struct slice *ret_name, struct slice *ret_value)
{
	while (form->n > 0) {
		struct slice pair = slice_cut(form, '&');

		if (pair.n == 0)
			continue;
		*ret_name = slice_cut(&pair, '=');
		*ret_value = pair.p == NULL ? S("") : pair;
		return true;
	}
	return false;
}

struct slice
hook_form_get(struct slice form, const char *name)
{
	struct slice n, v;

	while (hook_form_next(&form, &n, &v)) {
		if (slice_eq(n, slice_str(name)))
			return v;
	}
	return (struct slice){ NULL, 0 };
}

/* Never cut within a character, so that what is stored stays UTF-8. */
void
hook_copy(struct slice s, char *dst, size_t cap)
{
	size_t n = 0;

	check(cap > 0);
	while (s.n > 0) {
		size_t step = utf8_next(s);
		bool bad = step == 0;

		if (bad)
			step = 1;
		if (n + step >= cap)
			break;
		if (bad)
			dst[n] = '?';
		else
			memcpy(dst + n, s.p, step);
		n += step;
		s = slice_from(s, step);
	}
	dst[n] = '\0';
}
