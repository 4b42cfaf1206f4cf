/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two exchanges: lines, heads as sets, JSON by its paths. */
#include "agent/mcp/mcp_tools.h"

#include <stdio.h>
#include <stdlib.h>

/* Rows of one answer, and levels of JSON. */
#define ROWS_MAX 100
#define DEPTH_MAX 32
#define TEXT_MAX 200

static bool
is_full(const json_t *rows)
{
	return json_array_size(rows) >= ROWS_MAX;
}

/* A value as it is shown: short. NULL: it is not there. */
static json_t *
shown(const json_t *v)
{
	char *text, *cut;
	json_t *made;

	if (v == NULL)
		return json_null();
	text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL)
		return json_null();
	if (strlen(text) <= TEXT_MAX) {
		free(text);
		return json_deep_copy(v);
	}
	/* Not in the middle of a character. */
	for (cut = text + TEXT_MAX; cut > text && ((unsigned char)*cut & 0xc0) == 0x80; cut--)
		;
	*cut = '\0';
	made = json_sprintf("%s...", text);
	free(text);
	return made;
}

static void
add(json_t *rows, const char *where, const json_t *a, const json_t *b)
{
	if (!is_full(rows))
		json_array_append_new(rows, json_pack("{s:s, s:o, s:o}", "where", where, "first",
						shown(a), "second", shown(b)));
}

static void
compare(json_t *rows, const char *path, const json_t *a, const json_t *b, int depth)
{
	const char *key;
	json_t *v;
	char at[512];

	if (is_full(rows) || json_equal(a, b))
		return;
	if (depth < DEPTH_MAX && json_is_object(a) && json_is_object(b)) {
		json_object_foreach((json_t *)(uintptr_t)a, key, v) {
			snprintf(at, sizeof(at), "%s/%s", path, key);
			compare(rows, at, v, json_object_get(b, key), depth + 1);
		}
		json_object_foreach((json_t *)(uintptr_t)b, key, v) {
			snprintf(at, sizeof(at), "%s/%s", path, key);
			if (json_object_get(a, key) == NULL)
				compare(rows, at, NULL, v, depth + 1);
		}
	} else if (depth < DEPTH_MAX && json_is_array(a) && json_is_array(b)) {
		size_t n = json_array_size(a) > json_array_size(b) ? json_array_size(a)
								   : json_array_size(b);

		for (size_t i = 0; i < n && !is_full(rows); i++) {
			snprintf(at, sizeof(at), "%s/%zu", path, i);
			compare(rows, at, json_array_get(a, i), json_array_get(b, i), depth + 1);
		}
	} else {
		add(rows, path[0] != '\0' ? path : "/", a, b);
	}
}

/* Fields of a head by name; a value that is hidden is its mark, which is equal where the value is. */
static json_t *
fields_of(const json_t *message)
{
	json_t *made = json_object(), *field;
	size_t i;

	json_array_foreach(json_object_get(message, "received"), i, field) {
		const char *name = json_string_value(json_array_get(field, 0));
		json_t *list = name == NULL ? NULL : json_object_get(made, name);

		if (name != NULL && list == NULL)
			json_object_set_new(made, name, list = json_array());
		if (list != NULL)
			json_array_append(list, json_array_get(field, 1));
	}
	return made;
}

static json_t *
heads(const json_t *a, const json_t *b, const char *message)
{
	const json_t *in_a = json_object_get(a, message), *in_b = json_object_get(b, message);
	json_t *rows = json_array(), *fields_a = fields_of(in_a), *fields_b = fields_of(in_b);

	compare(rows, "line", json_object_get(in_a, "line"), json_object_get(in_b, "line"), 0);
	compare(rows, "", fields_a, fields_b, 0);
	json_decref(fields_a);
	json_decref(fields_b);
	return rows;
}

static json_t *
bodies(struct slice a, struct slice b)
{
	json_t *rows, *tree_a, *tree_b;

	if (slice_eq(a, b))
		return json_string("equal, byte by byte");
	tree_a = json_loadb(a.n > 0 ? a.p : "", a.n, JSON_DECODE_ANY, NULL);
	tree_b = json_loadb(b.n > 0 ? b.p : "", b.n, JSON_DECODE_ANY, NULL);
	if (tree_a == NULL || tree_b == NULL) {
		size_t same = 0;

		while (same < a.n && same < b.n && a.p[same] == b.p[same])
			same++;
		rows = json_sprintf("not both JSON; %zu and %zu bytes, different from byte %zu on",
		    a.n, b.n, same);
	} else {
		rows = json_array();
		compare(rows, "", tree_a, tree_b, 0);
		if (json_array_size(rows) == 0) {
			json_decref(rows);
			rows = json_string("the same JSON, in other bytes");
		}
	}
	json_decref(tree_a);
	json_decref(tree_b);
	return rows;
}

json_t *
mcp_diff(const json_t *a, const json_t *b, struct slice body_a, struct slice body_b)
{
	static const char *const members[] = { "state", "status", "tunnel", "event", "repository",
		"branch", "verdict", "code" };
	json_t *rows = json_array();

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		compare(rows, members[i], json_object_get(a, members[i]),
		    json_object_get(b, members[i]), 0);
	return json_pack("{s:o, s:o, s:o, s:o}", "what_came_of_it", rows, "request_head",
	    heads(a, b, "request"), "request_body", bodies(body_a, body_b), "response_head",
	    heads(a, b, "response"));
}
