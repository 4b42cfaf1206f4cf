/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy of a tunnel as people write it, by options or in adit.yml, and the JSON object
 * (hook/policy.h) that is made of it for the edge.  It is tried here first, so that a mistake is
 * told before anything is dialled.
 */
#ifndef ADIT_AGENT_CORE_POLICY_TEXT_H
#define ADIT_AGENT_CORE_POLICY_TEXT_H

#include "base/check.h"
#include "base/limits.h"

#include <stdbool.h>

#define POLICY_SECRET_FILES 4

/* As it was typed, nothing read or tried yet; NULL and false: not given. Zeroed: no policy. */
struct policy_text {
	char *preset; /* --for */
	char *context;
	char *scheme;
	char *secret_files[POLICY_SECRET_FILES]; /* newest first; one secret a line */
	char *allow, *deny;                      /* CIDR[,CIDR...] */
	char *user_file;                         /* lines name:hash, as adit passwd prints them */
	char *policy_file; /* a whole JSON object; what else is given goes over it */
	char *body_max, *rate;
	char *fan_out; /* NAME[,NAME...] */
	char *http2;   /* on or off */
	bool store, relay, coalesce, resign, unsigned_ok;
};

struct policy_made {
	char *json; /* NULL: no policy; malloced, holds secrets */
	/* what to tell people, see struct screen_hook; "": nothing */
	const char *events, *next;
	/* The same for programs, NULL: none: how webhooks are signed (sign.h), and who sends them, where
	 * preset or scheme say it: "bitbucket". */
	const char *scheme, *provider;
	char mode[8];
	char path[256];   /* to append to the public URL */
	char secret[512]; /* the file that the secret is in */
	bool fresh;       /* it was made just now */
	bool is_open;     /* webhooks are stored, and no signature is checked */
	bool is_implied;  /* they are stored because a scheme was named */
};

/* Anything of it was given. */
bool policy_text_given(const struct policy_text *p);
/*
 * label: what a secret that has to be made is kept under.  NULL, or a malloced sentence; then *ret
 * is empty. A preset with a scheme gets a secret of 32 characters in the configuration's folder,
 * mode 0600, where none is given.
 */
char *policy_text_compose(const struct policy_text *p, const char *label,
    struct policy_made *ret) must_use;
/* Wipes and frees the JSON. Harmless with a zeroed one. */
void policy_made_fini(struct policy_made *m);

#endif
