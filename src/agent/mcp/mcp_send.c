/* SPDX-License-Identifier: Apache-2.0 */
/* The tools that send something: only where adit mcp was started with --allow-replay. */
#include "agent/mcp/mcp_tools.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

/* body: taken. */
static char *
post(struct mcp *m, const char *path, json_t *body, char why[512])
{
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT), *answer = NULL;

	if (text != NULL)
		answer = mcp_told(mcp_ask_json(m, "POST", path, text, why), false, why);
	free(text);
	json_decref(body);
	return answer;
}

char *
mcp_replay(struct mcp *m, const json_t *args, char why[512])
{
	const char *mode;
	char id[24], path[64];

	if (!mcp_id_arg(args, "id", id, why) || !mcp_text_arg(args, "mode", &mode, why))
		return NULL;
	snprintf(path, sizeof(path), "/v1/exchanges/%s/replay", id);
	return post(m, path, json_pack("{s:s}", "mode", mode[0] != '\0' ? mode : "exact"), why);
}

/* The parent's fields, changed. A value that is hidden is null: the agent fills it in. */
static json_t *
edited(const json_t *parent, const json_t *changes)
{
	json_t *list = json_array(), *field, *value;
	const char *key;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(parent, "request"), "received"), i,
	    field) {
		const char *name = json_string_value(json_array_get(field, 0));
		bool changed = false;

		json_object_foreach((json_t *)(uintptr_t)changes, key, value)
			changed = changed || (name != NULL && strcasecmp(key, name) == 0);
		if (name != NULL && !changed)
			json_array_append_new(list,
			    json_pack("[s, O]", name,
				json_is_true(json_array_get(field, 2)) ? json_null()
								       : json_array_get(field, 1)));
	}
	json_object_foreach((json_t *)(uintptr_t)changes, key, value) {
		if (!json_is_null(value))
			json_array_append_new(list, json_pack("[s, O]", key, value));
	}
	return list;
}

/* Bytes of the parent's body as the API takes them. */
static json_t *
same_body(struct mcp *m, const char *id)
{
	struct buf b;
	char *text = NULL;
	json_t *made = NULL;

	buf_init(&b, LIMIT_MCP_LINE_BYTES / 2);
	if (mcp_body(m, id, "request", &b) && (text = malloc(b.n * 4 / 3 + 8)) != NULL) {
		EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)(b.n > 0 ? b.p : ""),
		    (int)b.n);
		made = json_string(text);
	}
	free(text);
	buf_fini(&b);
	return made;
}

static bool
is_cut(const json_t *parent)
{
	const json_t *body = json_object_get(json_object_get(parent, "request"), "body");

	return json_is_string(json_object_get(body, "cut"));
}

/* As it was asked; else where the first one was signed, and the edge has looked at that. */
static bool
is_to_be_signed(const json_t *parent, const json_t *args)
{
	const json_t *asked = json_object_get(args, "sign");
	const char *verdict = json_string_value(json_object_get(parent, "verdict"));

	if (asked != NULL)
		return json_is_true(asked);
	return verdict != NULL && verdict[0] != '\0' && strcmp(verdict, "unchecked") != 0;
}

char *
mcp_edit(struct mcp *m, const json_t *args, char why[512])
{
	const json_t *body = json_object_get(args, "body"),
		     *changes = json_object_get(args, "headers");
	const char *method, *target, *line;
	char id[24], old_method[32] = "", old_target[8192] = "";
	json_t *parent, *ask;

	if (!mcp_id_arg(args, "id", id, why) || !mcp_text_arg(args, "method", &method, why) ||
	    !mcp_text_arg(args, "target", &target, why))
		return NULL;
	if ((body != NULL && !json_is_string(body)) ||
	    (changes != NULL && !json_is_object(changes))) {
		snprintf(why, 512, "body is a text, headers an object");
		return NULL;
	}
	parent = mcp_exchange(m, id, why);
	if (parent == NULL)
		return NULL;
	line = json_string_value(json_object_get(json_object_get(parent, "request"), "line"));
	if (body == NULL && is_cut(parent)) {
		json_decref(parent);
		snprintf(why, 512, "its body was not kept whole: give a body");
		return NULL;
	}
	if (line == NULL || sscanf(line, "%31s %8191s", old_method, old_target) != 2) {
		json_decref(parent);
		snprintf(why, 512, "this request was not kept");
		return NULL;
	}
	ask = json_pack("{s:O, s:s, s:s, s:o, s:s, s:b}", "tunnel",
	    json_object_get(parent, "tunnel"), "method", method[0] != '\0' ? method : old_method,
	    "target", target[0] != '\0' ? target : old_target, "headers", edited(parent, changes),
	    "parent", id, "sign", is_to_be_signed(parent, args));
	json_decref(parent);
	if (body != NULL)
		json_object_set(ask, "body", (json_t *)(uintptr_t)body);
	else if (json_object_set_new(ask, "body64", same_body(m, id)) != 0) {
		json_decref(ask);
		snprintf(why, 512, "its body is not kept, or too large: give a body");
		return NULL;
	}
	return post(m, "/v1/send", ask, why);
}
