/* SPDX-License-Identifier: Apache-2.0 */
/* Reads JSON that came from outside. */
#include "web/json_in.h"

#include "base/limits.h"

#include <stdio.h>

/* jansson stops at 2,048 levels, each of which is a call of it and of whoever walks the value. */
static bool
is_too_deep(struct slice s)
{
	bool quoted = false;
	int depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		if (depth > LIMIT_WEB_JSON_DEPTH)
			return true;
	}
	return false;
}

json_t *
web_json_in(struct slice s, char why[WEB_WHY_BYTES])
{
	json_error_t error;
	json_t *json;

	if (is_too_deep(s)) {
		snprintf(why, WEB_WHY_BYTES, "The JSON is nested deeper than %d levels.",
		    LIMIT_WEB_JSON_DEPTH);
		return NULL;
	}
	json = json_loadb(s.p, s.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (json == NULL)
		snprintf(why, WEB_WHY_BYTES, "The JSON is wrong at line %d, column %d: %.150s.",
		    error.line, error.column, error.text);
	return json;
}

bool
web_is_json_type(struct slice content_type)
{
	struct slice type = slice_cut(&content_type, ';');

	return slice_ieq(slice_trim(type), S("application/json"));
}
