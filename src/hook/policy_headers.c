/* SPDX-License-Identifier: Apache-2.0 */
/* The members request_headers and response_headers: what a route sets and removes in heads. */
#include "hook/policy_private.h"

#include <stdio.h>
#include <stdlib.h>

/* RFC 9110 5.5; a CR or LF in it would be a line of its own. */
static bool
is_field_value(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

/* Fields that frame messages or speak of the connection are the proxy's own affair. */
static bool
is_ours(struct slice name)
{
	static const char *const ours[] = { "content-length", "transfer-encoding", "connection",
		"upgrade", "te", "trailer", "expect", "keep-alive", "host" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (slice_ieq(name, slice_str(ours[i])))
			return true;
	return slice_ieq(slice_head(name, 5), S("adit-"));
}

/* "set" and "remove" of one direction; lines: where the lines to add are kept. */
static void
read_headers(struct policy_reader *r, json_t *j, const char *member, struct policy_headers *h,
    char **lines)
{
	json_t *set = json_object_get(j, "set"), *remove = json_object_get(j, "remove"), *v;
	size_t n_set = json_object_size(set), n_remove = 0, bytes = 1;
	struct slice *removed = NULL;
	const char *key;

	if (!json_is_object(j) || (set != NULL && !json_is_object(set)) ||
	    json_object_size(j) != (size_t)(set != NULL) + (size_t)(remove != NULL)) {
		policy_fault(r, member, "takes set (an object) and remove (a list)");
		return;
	}
	if (remove != NULL)
		removed = policy_read_list(r, remove, member, &n_remove);
	h->drop = calloc(n_set + n_remove + 1, sizeof(*h->drop));
	json_object_foreach(set, key, v) {
		if (!policy_is_token(slice_str(key)) || is_ours(slice_str(key)) ||
		    !json_is_string(v) || !is_field_value(policy_text_of(v)))
			policy_fault(r, member, "not a header field that may be set");
		bytes += strlen(key) + json_string_length(v) + 4;
	}
	*lines = malloc(bytes);
	if (h->drop == NULL || *lines == NULL)
		policy_fault(r, member, "out of memory");
	for (size_t i = 0; i < n_remove && !r->failed; i++) {
		if (!policy_is_token(removed[i]) || is_ours(removed[i]))
			policy_fault(r, member,
			    "not the name of a header field that may be changed");
		h->drop[h->n_drop++] = removed[i];
	}
	free(removed);
	if (r->failed || *lines == NULL)
		return;
	h->add = slice_of(*lines, 0);
	json_object_foreach(set, key, v) {
		h->drop[h->n_drop++] = slice_str(key);
		h->add.n +=
		    (size_t)sprintf(*lines + h->add.n, "%s: %s\r\n", key, json_string_value(v));
	}
	check(h->n_drop == n_set + n_remove && h->add.n < bytes); /* as was counted above */
}

void
policy_read_request_headers(struct policy_reader *r, json_t *j, const char *member)
{
	read_headers(r, j, member, &r->p->request, &r->p->lines[0]);
}

void
policy_read_response_headers(struct policy_reader *r, json_t *j, const char *member)
{
	read_headers(r, j, member, &r->p->response, &r->p->lines[1]);
}
