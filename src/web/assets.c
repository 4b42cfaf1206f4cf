/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are in the program: which one, and in which form. */
#include "web/assets.h"

const struct web_asset *
web_asset_find(const struct web_assets *assets, struct slice path)
{
	for (size_t i = 0; i < assets->n; i++)
		if (slice_eq(slice_str(assets->rows[i].path), path))
			return &assets->rows[i];
	return NULL;
}

/* "q=0", "q=0.0" and so on: this coding is not wanted. */
static bool
is_refused(struct slice params)
{
	while (params.n > 0) {
		struct slice value = slice_trim(slice_cut(&params, ';')),
			     name = slice_cut(&value, '=');
		bool zero = value.n > 0 && value.p[0] == '0';

		if (!slice_ieq(slice_trim(name), S("q")))
			continue;
		for (size_t i = 1; i < value.n && zero; i++)
			zero = value.p[i] == '0' || value.p[i] == '.';
		return zero;
	}
	return false;
}

bool
web_takes_gzip(struct slice accept_encoding)
{
	bool any = false;

	while (accept_encoding.n > 0) {
		struct slice params = slice_cut(&accept_encoding, ',');
		struct slice coding = slice_trim(slice_cut(&params, ';'));

		if (slice_ieq(coding, S("gzip")) || slice_ieq(coding, S("x-gzip")))
			return !is_refused(params);
		if (slice_eq(coding, S("*")))
			any = !is_refused(params);
	}
	return any;
}

bool
web_etag_matches(struct slice if_none_match, struct slice etag)
{
	while (if_none_match.n > 0) {
		struct slice tag = slice_trim(slice_cut(&if_none_match, ','));

		if (slice_eq(tag, S("*")))
			return true;
		if (slice_starts(tag, S("W/")))
			tag = slice_from(tag, 2);
		if (tag.n >= 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"' &&
		    slice_eq(slice_of(tag.p + 1, tag.n - 2), etag))
			return true;
	}
	return false;
}
