/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and judges trailer fields. */
#include "http/trailer.h"

#include "base/wire.h"
#include "http/h1_private.h"
#include "http/rewrite_private.h"

/*
 * Fields that are more than a plain one only in a head (RFC 9110 6.5.1): conditions and other wishes
 * of a request, credentials, what tells how a body is to be read, what controls an answer.
 * rewrite_classify() knows those that frame, route, or speak of the visitor.
 */
static const char *const heads_only[] = { "accept-ranges", "age", "allow", "authorization",
	"cache-control", "content-disposition", "content-encoding", "content-range", "content-type",
	"cookie", "date", "early-data", "expires", "if-match", "if-modified-since", "if-none-match",
	"if-range", "if-unmodified-since", "location", "origin", "pragma", "range", "retry-after",
	"set-cookie", "strict-transport-security", "vary", "warning", "www-authenticate" };

/* '_' reads as '-' for servers that make variables of names: see rewrite_classify(). */
static bool
reads_as(struct slice name, const char *lower)
{
	if (strlen(lower) != name.n)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != lower[i] && !(lower[i] == '-' && c == '_'))
			return false;
	}
	return true;
}

bool
trailer_may(struct slice name)
{
	check(name.n > 0);
	if (rewrite_classify(name) != PLAIN)
		return false;
	for (size_t i = 0; i < sizeof(heads_only) / sizeof(*heads_only); i++)
		if (reads_as(name, heads_only[i]))
			return false;
	return true;
}

static bool
is_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\t' && ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f))
			return false;
	return true;
}

/* A lone LF ends a line here and is found in it as no text, or as the missing CR. */
bool
trailer_next(struct slice *lines, struct slice *ret_name, struct slice *ret_value,
    enum close_code *ret_fault)
{
	struct slice line = *lines;
	size_t end = slice_find(line, '\n'), colon;

	*ret_fault = CLOSE_OK;
	if (line.n == 0)
		return false;
	if (end == SIZE_MAX || end == 0 || line.p[end - 1] != '\r') {
		*ret_fault = CLOSE_BAD_LINE_ENDING;
		return false;
	}
	*lines = slice_from(line, end + 1);
	line = slice_head(line, end - 1);
	colon = slice_find(line, ':');
	if (colon == SIZE_MAX || colon == 0 ||
	    char_skip(line.p, line.p + colon, CHAR_TOKEN) != line.p + colon)
		*ret_fault = CLOSE_BAD_FIELD_NAME;
	else if (!is_text(slice_from(line, colon)))
		*ret_fault = CLOSE_BAD_FIELD_VALUE;
	if (*ret_fault != CLOSE_OK)
		return false;
	*ret_name = slice_head(line, colon);
	*ret_value = slice_trim(slice_from(line, colon + 1));
	return true;
}

static bool
is_dropped(struct slice name, struct trailer_drop drop)
{
	for (size_t i = 0; i < drop.n; i++)
		if (slice_ieq(name, drop.names[i]))
			return true;
	return false;
}

enum close_code
trailer_pass(struct slice lines, struct trailer_drop drop, char dst[LIMIT_TRAILER_BYTES],
    size_t *ret_n)
{
	struct wire_out w = wire_out(dst, LIMIT_TRAILER_BYTES);
	struct slice name, value;
	enum close_code fault;
	size_t n_fields = 0;

	while (trailer_next(&lines, &name, &value, &fault)) {
		if (++n_fields > LIMIT_TRAILER_FIELDS)
			return CLOSE_TRAILER_TOO_LARGE;
		if (trailer_may(name) && !is_dropped(name, drop))
			rewrite_put(&w, name, value);
	}
	if (fault != CLOSE_OK)
		return fault;
	if (w.failed)
		return CLOSE_TRAILER_TOO_LARGE;
	*ret_n = w.n;
	return CLOSE_OK;
}
