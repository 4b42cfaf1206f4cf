/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a webhook is about: its event key, the ids that make it unique, the key that orders it, a
 * line for people. Read from headers and, tolerantly and without allocation, from the body: a body
 * that is no JSON, or not the JSON that was expected, gives emptier fields and never an error.
 * Everything here is text from outside: valid UTF-8, cut to size, not escaped.
 */
#ifndef ADIT_HOOK_EVENT_H
#define ADIT_HOOK_EVENT_H

#include "base/limits.h"
#include "hook/hook.h"

/* clang-format off */
#define EVENT_SENDERS(X) \
	X(GENERIC, "generic") \
	X(BITBUCKET, "bitbucket")       /* Cloud */ \
	X(BITBUCKET_DC, "bitbucket-dc") /* Data Center and Server */ \
	X(GITHUB, "github") \
	X(GITLAB, "gitlab") \
	X(GITEA, "gitea")               /* Forgejo and Gogs too */ \
	X(STRIPE, "stripe") \
	X(SLACK, "slack")
/* clang-format on */

enum event_sender {
#define X(symbol, ...) EVENT_##symbol,
	EVENT_SENDERS(X)
#undef X
};

enum event_kind {
	EVENT_OTHER,
	EVENT_PUSH,         /* commits or refs changed */
	EVENT_PULL_REQUEST, /* or merge request */
	EVENT_PING,         /* a connection test */
};

struct event {
	enum event_sender sender;
	enum event_kind kind;
	char key[64];       /* "repo:push", "push", "Push Hook", "invoice.paid"; "" unknown */
	char delivery[128]; /* the sender's id of this delivery, for people; "" none */
	/*
	 * The same for every attempt of one event, different for others; "" when the sender gives
	 * no id: then nothing may be taken for a duplicate, since equal bodies can be two events (a
	 * branch pushed to and fro).
	 */
	char dedupe[160];
	/*
	 * SHA-256 of event key and body, in hex. Two deliveries with one print may be attempts of
	 * one event under different ids (Bitbucket Cloud does not promise that its id stays), or
	 * two events: it is shown to people, nothing may be dropped by it.
	 */
	char print[65];
	uint32_t attempt;     /* X-Attempt-Number; 0 where the sender does not count */
	char repository[160]; /* "acme/web" */
	char branch[160];     /* branch or tag of the first change, or "pull/17"; "" none */
	char actor[80];
	uint16_t n_refs; /* refs of a push that were seen; order is by the first */
	bool deleted;    /* the first ref was deleted */
	/*
	 * Commits were pushed to this one branch of a known repository, and nothing else happened:
	 * not to a tag, to several refs, or its deletion.  An older one of the same key and order
	 * may make way for a newer one.
	 */
	bool branch_push;
	/* Deliveries of a route with the same key keep their order; "" has no order. */
	char order[192];
	char summary[256]; /* "repo:push acme/web main by Rosa Quarry" */
};

/* "bitbucket" */
const char *event_sender_word(enum event_sender sender);
/* By the headers that only that sender has; EVENT_GENERIC when none fits. */
enum event_sender event_guess(const struct hook_request *req);
void event_read(const struct hook_request *req, enum event_sender sender, struct event *ret);

#endif
