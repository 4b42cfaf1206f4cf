/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are in the program.  tools/assets makes a table of files of a folder (src/web/ui, say) and the
 * Makefile links it; paths are compared whole, so there is nothing to climb out of.
 */
#ifndef ADIT_WEB_ASSETS_H
#define ADIT_WEB_ASSETS_H

#include "base/slice.h"

struct web_asset {
	const char *path; /* "/lib/api.js" */
	const char *type;
	const char *etag; /* of its content, without quotes */
	bool hashed;      /* its name has the hash of its content: it never changes */
	/* Both forms are there, so that nothing has to be packed or unpacked here. */
	const unsigned char *plain, *plain_end, *gz, *gz_end;
};

struct web_assets {
	const struct web_asset *rows;
	size_t n;
};

/* The pages of the agent and of the edge, each with what they share: src/web/ui. */
extern const struct web_assets web_inspector, web_dashboard;

/* NULL: there is none of that path. */
const struct web_asset *web_asset_find(const struct web_assets *assets, struct slice path);
/* Whether a client with this Accept-Encoding (.p NULL: none was sent) takes gzip (RFC 9110 12.5.3). */
bool web_takes_gzip(struct slice accept_encoding);
/* Whether If-None-Match names this tag, weak or strong, or "*". */
bool web_etag_matches(struct slice if_none_match, struct slice etag);

#endif
