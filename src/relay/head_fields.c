/* SPDX-License-Identifier: Apache-2.0 */
/* Hands the fields of a parsed head to signatures, handshakes and events, and puts new ones into it. */
#include "relay/head_fields.h"

#include "base/check.h"

#define VALUES_MAX 8

size_t
head_fields(const struct h1_head *h, struct slice head, struct hook_field *fields)
{
	for (size_t i = 0; i < h->n_fields; i++)
		fields[i] = (struct hook_field){ h1_text(head, h->fields[i].name),
			h1_text(head, h->fields[i].value) };
	return h->n_fields;
}

void
head_with(const struct h1_head *h, struct slice head, const struct hook_field *values, size_t n,
    bool add, struct buf *out)
{
	bool found[VALUES_MAX] = { false };
	size_t at = 0;

	check(n <= VALUES_MAX);
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct h1_field *f = &h->fields[i];

		for (size_t k = 0; k < n; k++) {
			if (!slice_ieq(h1_text(head, f->name), values[k].name))
				continue;
			buf_put(out, slice_head(slice_from(head, at), f->value.at - at));
			buf_put(out, values[k].value);
			at = f->value.at + f->value.n;
			found[k] = true;
			break;
		}
	}
	/* Up to the empty line at its end. */
	buf_put(out, slice_head(slice_from(head, at), head.n - 2 - at));
	for (size_t k = 0; add && k < n; k++)
		if (!found[k])
			buf_printf(out, "%.*s: %.*s\r\n", PS(values[k].name), PS(values[k].value));
	buf_put(out, slice_from(head, head.n - 2));
}
