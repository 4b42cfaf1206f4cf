/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the members of a policy by their rows: of what kind each is, how long; the first fault stays. */
#include "hook/policy_private.h"

#include <stdio.h>
#include <stdlib.h>

/* The first fault is what people read: what follows is often its consequence. */
void
policy_fault(struct policy_reader *r, const char *member, const char *what)
{
	if (!r->failed)
		snprintf(r->why, r->cap, "policy: %s: %s", member, what);
	r->failed = true;
}

struct slice
policy_text_of(json_t *j)
{
	return slice_of(json_string_value(j), json_string_length(j));
}

struct slice
policy_read_text(struct policy_reader *r, json_t *j, const char *member)
{
	if (!json_is_string(j)) {
		policy_fault(r, member, "must be a text");
		return S("");
	}
	return policy_text_of(j);
}

struct slice *
policy_read_list(struct policy_reader *r, json_t *j, const char *member, size_t *ret_n)
{
	size_t n = json_array_size(j);
	struct slice *list;

	*ret_n = 0;
	if (!json_is_array(j) || n > POLICY_ITEMS_MAX) {
		policy_fault(r, member, "must be a list of texts, not too long");
		return NULL;
	}
	if (n == 0)
		return NULL;
	list = calloc(n, sizeof(*list));
	if (list == NULL) {
		policy_fault(r, member, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		list[i] = policy_read_text(r, json_array_get(j, i), member);
	*ret_n = n;
	return list;
}

/* RFC 9110 5.6.2: names of fields, and methods. */
bool
policy_is_token(struct slice s)
{
	static const char extra[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
			(c != '\0' && strchr(extra, c) != NULL)))
			return false;
	}
	return s.n > 0;
}

const char *
policy_kind_name(enum policy_kind kind)
{
	static const char *const names[] = {
		[POLICY_TEXT] = "text",
		[POLICY_NUMBER] = "number",
		[POLICY_FLAG] = "true or false",
		[POLICY_LIST] = "list of texts",
		[POLICY_OBJECT] = "object",
	};

	check((size_t)kind < sizeof(names) / sizeof(*names));
	return names[kind];
}

void
policy_key_limits(const struct policy_key *k, char *dst, size_t cap)
{
	if (k->limits != NULL)
		snprintf(dst, cap, "%s", k->limits);
	else
		snprintf(dst, cap, k->kind == POLICY_LIST ? "at most %.0f" : "0 to %.0f", k->max);
}

/*
 * 0 is no flag and "5" no number: what is written in another way than the manual says is
 * not guessed at.
 */
static bool
is_kind(const json_t *j, enum policy_kind kind)
{
	switch (kind) {
	case POLICY_TEXT:
		return json_is_string(j);
	case POLICY_NUMBER:
		return json_is_number(j);
	case POLICY_FLAG:
		return json_is_boolean(j);
	case POLICY_LIST:
		return json_is_array(j);
	case POLICY_OBJECT:
		return json_is_object(j);
	}
	return false;
}

void
policy_read_member(struct policy_reader *r, const char *parent, const char *key, json_t *v)
{
	const struct policy_key *k = policy_keys, *end = k + policy_keys_n;
	size_t n = strlen(parent);
	char what[96], limits[64];
	double size;

	for (; k < end; k++) {
		const char *dot = strchr(k->name, '.');

		if (n == 0 ? dot == NULL && strcmp(k->name, key) == 0
			   : dot != NULL && (size_t)(dot - k->name) == n &&
				 memcmp(k->name, parent, n) == 0 && strcmp(dot + 1, key) == 0)
			break;
	}
	if (k == end) {
		policy_fault(r, n == 0 ? key : parent,
		    n == 0 ? "no such member"
			   : "has a member that does not exist; see adit-policy(5)");
		return;
	}
	policy_key_limits(k, limits, sizeof(limits));
	check(k->limits != NULL || k->max > 0); /* a row says how far a member may go */
	size = k->kind == POLICY_LIST ? (double)json_array_size(v) : json_number_value(v);
	snprintf(what, sizeof(what), "must be a %s", policy_kind_name(k->kind));
	if (!is_kind(v, k->kind)) {
		policy_fault(r, k->name, k->kind == POLICY_FLAG ? "must be true or false" : what);
	} else if (k->max > 0 && !(size >= 0 && size <= k->max)) {
		snprintf(what, sizeof(what), k->kind == POLICY_LIST ? "too many: %s" : "must be %s",
		    limits);
		policy_fault(r, k->name, what);
	} else {
		k->read(r, v, k->name);
	}
}

void
policy_read_object(struct policy_reader *r, json_t *j, const char *member)
{
	const char *key;
	json_t *v;

	json_object_foreach(j, key, v)
		policy_read_member(r, member, key, v);
}
