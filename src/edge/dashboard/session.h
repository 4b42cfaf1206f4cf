/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who uses the dashboard.  An operator makes a link with a code in it; whoever opens it first, within a
 * minute, gets a session for the code, and a token that stands for the session.  A session ends after
 * LIMIT_DASHBOARD_SESSION_MS, or when nothing was asked for LIMIT_DASHBOARD_IDLE_MS, or when somebody
 * ends it.  Codes and tokens are kept as SHA-256 alone, and all of it in memory: a restart ends all sessions.
 *
 * Without I/O; time is a parameter, of a clock that never jumps.
 */
#ifndef ADIT_EDGE_DASHBOARD_SESSION_H
#define ADIT_EDGE_DASHBOARD_SESSION_H

#include "base/check.h"
#include "base/limits.h"
#include "base/slice.h"

#include <stdint.h>

enum dashboard_role {
	DASHBOARD_OPERATOR, /* all that `aditd` can do */
	DASHBOARD_AUDITOR,  /* reads everything but heads and bodies */
	DASHBOARD_ACCOUNT,  /* what belongs to one account, and may change that */
};

#define DASHBOARD_TOKEN_BYTES 44 /* base64 of 32 bytes, and the NUL */

struct dashboard_session {
	char id[9]; /* for lists: says nothing of the token; "": the row is free */
	unsigned char hash[32];
	enum dashboard_role role;
	char account[64];          /* of DASHBOARD_ACCOUNT */
	int64_t since_us, used_us; /* made; asked last */
};

struct dashboard_link {
	unsigned char hash[32];
	enum dashboard_role role;
	char account[64];
	int64_t until_us; /* 0: the row is free */
};

struct dashboard_sessions {
	struct dashboard_session rows[LIMIT_DASHBOARD_SESSIONS];
	struct dashboard_link links[LIMIT_DASHBOARD_LINKS];
};

/* A code for a link; the oldest link goes where there are too many. */
void dashboard_link_new(struct dashboard_sessions *s, enum dashboard_role role, const char *account,
    int64_t now_us, char ret_code[DASHBOARD_TOKEN_BYTES]);
/* The code is used up by it. NULL: it is none, or too old. Where there are too many sessions, the one
 * that was used last the longest ago ends. */
struct dashboard_session *dashboard_session_new(struct dashboard_sessions *s, struct slice code,
    int64_t now_us, char ret_token[DASHBOARD_TOKEN_BYTES]);
/* NULL: nobody's token, or its session has ended. Counts as use. */
struct dashboard_session *dashboard_session_find(struct dashboard_sessions *s, struct slice token,
    int64_t now_us);
/* Has it ended by now? Its row is free then. */
bool dashboard_session_is_over(struct dashboard_session *d, int64_t now_us);
/* Until it ends, however much it is used. */
int64_t dashboard_session_left_ms(const struct dashboard_session *d, int64_t now_us);
/* False: there is none of that id. */
bool dashboard_session_end(struct dashboard_sessions *s, const char *id);

const char *dashboard_role_word(enum dashboard_role role);
bool dashboard_role_of(const char *word, enum dashboard_role *ret) must_use;

#endif
