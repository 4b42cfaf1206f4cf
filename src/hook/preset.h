/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What adit knows about receivers of webhooks, as rows of one table: which requests may
 * reach them, how they are signed, and what their answers really mean (Jenkins says 200
 * when nothing was built).
 */
#ifndef ADIT_HOOK_PRESET_H
#define ADIT_HOOK_PRESET_H

#include "hook/result.h"
#include "hook/sign.h"

enum preset_mode { PRESET_PASS, PRESET_STORE, PRESET_RELAY };
/* "pass", "store", "relay" */
const char *preset_mode_text(enum preset_mode mode);

#define PRESET_PATHS 8
#define PRESET_HEADERS 4

struct preset {
	const char *name;                /* for --for: "jenkins-bitbucket" */
	const char *title;               /* "Jenkins, plugin Bitbucket" */
	const char *methods;             /* "POST", "GET POST"; NULL: any */
	const char *paths[PRESET_PATHS]; /* exact bytes; all NULL and prefix NULL: any path */
	const char *prefix;              /* and below it plain segments only; NULL: none */
	enum preset_mode mode;
	const char *scheme; /* sign_find(); NULL: not signed, or the origin checks itself */
	const char *path;   /* to append to the public URL */
	const char *query;  /* to append, a part in capitals is to be filled in; NULL: none */
	const char *events; /* to tick at the sender, for people */
	const char *headers[PRESET_HEADERS]; /* without which the receiver does nothing; forwarded
						untouched */
	const char *next;                    /* what to do after pasting, one sentence */
	int judge;                           /* private */
};

extern const struct preset presets[];
extern const size_t presets_n;
const struct preset *preset_find(struct slice name);
/* The preset whose path this is, also without its slash or in another case; NULL: none. */
const struct preset *preset_of_path(struct slice path);

/* Whether it takes requests of this method, whatever the path. */
bool preset_takes(const struct preset *p, struct slice method);

enum preset_access {
	PRESET_ALLOWED,
	PRESET_METHOD, /* 405 */
	PRESET_SLASH,  /* the path lacks the final slash (or has one too many): 403, and tell the
			  owner */
	PRESET_OTHER,  /* 403 */
};

/*
 * path: the raw bytes of the request target's path, never decoded; where the origin has a context
 * path, the caller has taken it off. Every other spelling of an allowed path is refused, since the
 * origin might read it as another one.
 */
enum preset_access preset_access(const struct preset *p, struct slice method, struct slice path);

/* An answer of the origin; slices may be empty. */
struct preset_answer {
	int status;
	struct slice path;     /* that was asked for */
	struct slice location; /* of a 3xx */
	struct slice body;     /* the first KiB */
	bool jenkins;          /* it had an X-Jenkins field */
};

struct preset_judgement {
	enum result_class class;
	bool nothing;       /* 2xx, but nothing was built as far as the answer tells */
	const char *code;   /* stable: "delivered", "matched-0", "slash", "crumb", "starting" ... */
	const char *text;   /* what it means, one sentence */
	const char *advice; /* what to do; "" when nothing */
};

/* p may be NULL: judged by the status alone. */
struct preset_judgement preset_judge(const struct preset *p, const struct preset_answer *a);

#endif
