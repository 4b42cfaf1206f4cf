/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of policy: the reader of one policy's JSON, and what its members share. */
#ifndef ADIT_HOOK_POLICY_PRIVATE_H
#define ADIT_HOOK_POLICY_PRIVATE_H

#include "hook/policy.h"

/* How long a list may be where its row names no limit of its own. */
#define POLICY_ITEMS_MAX 256

/* What is being read; the first fault stays. */
struct policy_reader {
	struct policy *p;
	char *why;
	size_t cap;
	bool failed;
};

void policy_fault(struct policy_reader *r, const char *member, const char *what);

/* One member by its row. parent: "" at the outermost. */
void policy_read_member(struct policy_reader *r, const char *parent, const char *key, json_t *v);
/* All members of an object that is a member itself. */
void policy_read_object(struct policy_reader *r, json_t *j, const char *member);

struct slice policy_text_of(json_t *j);
struct slice policy_read_text(struct policy_reader *r, json_t *j, const char *member);
/* A list of texts as slices into the JSON tree; NULL when empty or at fault.  How long it may be
 * stands in policy_keys. */
struct slice *policy_read_list(struct policy_reader *r, json_t *j, const char *member,
    size_t *ret_n);
bool policy_is_token(struct slice s);

void policy_read_request_headers(struct policy_reader *r, json_t *j, const char *member);
void policy_read_response_headers(struct policy_reader *r, json_t *j, const char *member);

#endif
