/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhooks of a repository by the REST APIs of Bitbucket Cloud and of Data Center.  A call is
 * waited for; the token goes to the API's own host alone, and over http:// only to this machine.
 */
#ifndef ADIT_AGENT_COMMAND_BITBUCKET_H
#define ADIT_AGENT_COMMAND_BITBUCKET_H

#include "base/buf.h"
#include "base/check.h"
#include "net/addr.h"

#include <jansson.h>

struct bitbucket {
	bool dc;
	const char *ca;    /* PEM, NULL: the system's */
	const char *token; /* "user:password" is sent as Basic, else as Bearer */
	char owner[128], repo[128];
	/* private */
	struct addr addr;
	char host[300], path[512]; /* of the API */
};

/* api: NULL: Bitbucket Cloud's own. repository: "OWNER/REPO". NULL, or a static sentence. */
const char *bitbucket_init(struct bitbucket *b, const char *api, const char *repository) must_use;

struct bitbucket_answer {
	int status;    /* 0: there was none */
	json_t *body;  /* NULL: none, or no JSON */
	char why[600]; /* a sentence with what to do, when it went wrong */
};
void bitbucket_answer_fini(struct bitbucket_answer *a);

/* A webhook as both have it. */
struct bitbucket_hook {
	char id[80];
	const char *url, *description; /* live as long as the list */
	bool active, secret;
	const json_t *events;
};

/* Each is 0, or -1 and ret->why. */

/* All pages; *ret_list is a new list of the hooks as JSON. */
int bitbucket_list(struct bitbucket *b, json_t **ret_list, struct bitbucket_answer *ret) must_use;
void bitbucket_read(const struct bitbucket *b, const json_t *item, struct bitbucket_hook *ret);
/* id NULL: a new one. secret NULL: it stays as it is. */
int bitbucket_put(struct bitbucket *b, const char *id, const char *url, const char *description,
    const char *events, const char *secret, bool verify, struct bitbucket_answer *ret) must_use;
int bitbucket_delete(struct bitbucket *b, const char *id, struct bitbucket_answer *ret) must_use;
/* Data Center only: lets it send a ping to the URL. ret->body: what became of it. */
int bitbucket_test(struct bitbucket *b, const char *id, const char *url,
    struct bitbucket_answer *ret) must_use;

#endif
