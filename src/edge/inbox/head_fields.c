/* SPDX-License-Identifier: Apache-2.0 */
/* Hands the fields of a parsed head to signatures, handshakes and events. */
#include "edge/inbox/head_fields.h"

size_t
head_fields(const struct h1_head *h, struct slice head, struct hook_field *fields)
{
	for (size_t i = 0; i < h->n_fields; i++)
		fields[i] = (struct hook_field){ h1_text(head, h->fields[i].name),
			h1_text(head, h->fields[i].value) };
	return h->n_fields;
}
