/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler asks of a request. */
#include "web/request.h"

#include "web/web_private.h"

struct slice
web_query(const struct web_request *r, struct slice name)
{
	const struct web_client *c = web_client_of(r);

	for (size_t i = 0; i < c->n_pairs; i++)
		if (slice_eq(c->pairs[i].name, name))
			return c->pairs[i].value;
	return (struct slice){ NULL, 0 };
}

bool
web_query_u64(const struct web_request *r, struct slice name, uint64_t *value)
{
	struct slice text = web_query(r, name);

	return text.p == NULL || slice_u64(text, value);
}

struct slice
web_field(const struct web_request *r, struct slice name)
{
	const struct web_client *c = web_client_of(r);
	struct slice head = slice_head(buf_slice(&c->in), c->h1.head.n_bytes);
	size_t at = 0;
	const struct h1_field *f = h1_find(&c->h1.head, head, name, &at);

	return f == NULL ? (struct slice){ NULL, 0 } : web_field_text(c, f);
}

struct slice
web_bearer(const struct web_request *r)
{
	static const struct slice scheme = { "Bearer ", 7 };
	struct slice value = web_field(r, S("Authorization")); /* h1 takes no second one */

	if (!slice_ieq(slice_head(value, scheme.n), scheme))
		return (struct slice){ NULL, 0 };
	return slice_trim(slice_from(value, scheme.n));
}

struct slice
web_cookie(const struct web_request *r, struct slice name)
{
	const struct web_client *c = web_client_of(r);
	struct slice head = slice_head(buf_slice(&c->in), c->h1.head.n_bytes);
	const struct h1_field *f;

	for (size_t at = 0; (f = h1_find(&c->h1.head, head, S("Cookie"), &at)) != NULL;) {
		struct slice list = web_field_text(c, f);

		while (list.n > 0) {
			struct slice value = slice_cut(&list, ';'), this = slice_cut(&value, '=');

			if (slice_eq(slice_trim(this), name))
				return slice_trim(value);
		}
	}
	return (struct slice){ NULL, 0 };
}
