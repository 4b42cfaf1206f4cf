/* SPDX-License-Identifier: Apache-2.0 */
/* Reads members of a CA's documents, and its Link fields. */
#include "acme/cadoc.h"

json_t *
cadoc_read(struct slice text)
{
	json_t *o = text.n == 0 ? NULL : json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);

	if (o != NULL && !json_is_object(o)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

struct slice
cadoc_text(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_string(v) ? slice_of(json_string_value(v), json_string_length(v)) : S("");
}

/* Plain http would let anybody on the way answer for the CA. */
bool
cadoc_url(struct slice url, char dst[LIMIT_ACME_URL_BYTES])
{
	bool ok = slice_starts(url, S("https://")) && url.n > 8;

	for (size_t i = 0; i < url.n && ok; i++)
		ok = url.p[i] > ' ' && url.p[i] <= '~' && url.p[i] != '"' && url.p[i] != '\\';
	ok = ok && slice_z(url, dst, LIMIT_ACME_URL_BYTES);
	if (!ok)
		dst[0] = '\0';
	return ok;
}

struct slice
cadoc_item(const json_t *o, const char *name, size_t i)
{
	const json_t *v = json_array_get(json_object_get(o, name), i);

	return json_is_string(v) ? slice_of(json_string_value(v), json_string_length(v)) : S("");
}

/* One of `; name=value` with its value in quotes or without. */
static bool
is_alternate(struct slice param)
{
	struct slice name = slice_trim(slice_cut(&param, '=')), value = slice_trim(param);

	if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = slice_of(value.p + 1, value.n - 2);
	return slice_ieq(name, S("rel")) && slice_ieq(value, S("alternate"));
}

/* Commas within <...> belong to the URL. */
size_t
cadoc_alternates(struct slice link, char (*dst)[LIMIT_ACME_URL_BYTES], size_t max)
{
	size_t n = 0;

	while (n < max && link.n > 0) {
		struct slice before = slice_cut(&link, '<'), url = slice_cut(&link, '>'), params;
		bool alternate = false;

		(void)before;
		params = slice_cut(&link, ',');
		while (params.n > 0 && !alternate)
			alternate = is_alternate(slice_cut(&params, ';'));
		if (alternate && cadoc_url(url, dst[n]))
			n++;
	}
	check(n <= max);
	return n;
}
