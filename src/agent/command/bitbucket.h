/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhooks of a repository, by the REST APIs of Bitbucket Cloud (2.0, "webhooks" of a
 * repository) and of Data Center and Server (latest, "webhooks" of a repository). The two differ
 * in paths, in the names of members, in how pages are linked and in how errors are told; here
 * they look the same.
 *
 * A call is waited for, since a command has nothing else to do. The token goes to the API's own
 * host alone, and over http:// only to this machine.
 */
#ifndef ADIT_AGENT_COMMAND_BITBUCKET_H
#define ADIT_AGENT_COMMAND_BITBUCKET_H

#include "base/buf.h"
#include "base/check.h"
#include "net/addr.h"

#include <jansson.h>

struct bitbucket {
	bool dc;           /* Data Center or Server; set before bitbucket_init() */
	const char *ca;    /* PEM, NULL: the system's */
	const char *token; /* "user:password" is sent as Basic, else as Bearer */
	/* Cloud: workspace and slug; Data Center: key of the project, or ~USER, and slug. */
	char owner[128], repo[128];
	/* private: where the API is */
	struct addr addr;
	char host[300], path[512]; /* for the Host field; of the API, without a slash at its end */
};

/* api: NULL: Bitbucket Cloud's own. repository: "OWNER/REPO". NULL, or a static sentence. */
const char *bitbucket_init(struct bitbucket *b, const char *api, const char *repository) must_use;

struct bitbucket_answer {
	int status;    /* HTTP's, 0: there was no answer */
	json_t *body;  /* NULL: none, or no JSON */
	char why[600]; /* "": it went well; else a sentence with what to do */
};
/* Frees the body. Harmless twice. */
void bitbucket_answer_fini(struct bitbucket_answer *a);

/* A webhook as both have it; nothing in it is owned. */
struct bitbucket_hook {
	char id[80];                   /* Cloud: a UUID in braces; Data Center: a number */
	const char *url, *description; /* live as long as the list */
	bool active, secret;           /* switched on; signed, with what the API never tells */
	const json_t *events;          /* array of strings: "repo:push" */
};

/* Each is 0, or -1 and ret->why. *ret is to be bitbucket_answer_fini()ed in either case. */

/* All pages, up to a bound; *ret_list is a new array of the hooks as Bitbucket wrote them, for
 * bitbucket_read(), and is the caller's to json_decref(). */
int bitbucket_list(struct bitbucket *b, json_t **ret_list, struct bitbucket_answer *ret) must_use;
/* One of that array. What is missing or of another type reads as "" or false. */
void bitbucket_read(const struct bitbucket *b, const json_t *item, struct bitbucket_hook *ret);
/*
 * Makes one (id NULL), or writes over the one with this id. events:
 * "repo:push,pullrequest:created". secret NULL: it stays as it is. verify: Bitbucket verifies
 * the certificate of the URL. ret->body: the hook as it is now.
 */
int bitbucket_put(struct bitbucket *b, const char *id, const char *url, const char *description,
    const char *events, const char *secret, bool verify, struct bitbucket_answer *ret) must_use;
/* A hook that is gone already is -1 with status 404; the caller may take that for success. */
int bitbucket_delete(struct bitbucket *b, const char *id, struct bitbucket_answer *ret) must_use;
/* Data Center only: lets it send a ping to the URL. ret->body: what became of it. */
int bitbucket_test(struct bitbucket *b, const char *id, const char *url,
    struct bitbucket_answer *ret) must_use;

#endif
