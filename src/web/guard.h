/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask what.  Pages of other sites run in the same browser, names of theirs may be made to lead
 * here, and other users of the machine reach loopback as well.  In this order, and before any handler:
 *
 *  1. Host is one of ours, else 421 (DNS rebinding), for files, too.
 *  2. The other side of the connection is ours or root's, else 403 (where web_rules.peers says so).
 *  3. What is no GET or HEAD, and all that is not WEB_OPEN: Origin is absent or ours, Sec-Fetch-Site is
 *     absent, "same-origin" or "none", else 403.
 *  4. All that is not WEB_OPEN: the authorizer says yes, else 401 or 403.
 *
 * A preflight (OPTIONS) is 405 like any method that no row has, and gets no CORS header.
 */
#ifndef ADIT_WEB_GUARD_H
#define ADIT_WEB_GUARD_H

#include "web/request.h"

enum web_verdict {
	WEB_YES,
	WEB_ASK, /* 401: it is not known who asks; the answer says what to send */
	WEB_NO,  /* 403 */
};

enum web_peers {
	WEB_PEERS_OURS, /* another user's connection is refused; one of ours needs no token */
	WEB_PEERS_ANY,  /* the authorizer alone decides: ssh -L connects as somebody else */
};

struct web_rules {
	/* Copied: besides 127.0.0.1, localhost and [::1] with the port that listens, "name" with
	 * any port, or "name:port". */
	const char *const *hosts;
	size_t n_hosts;
	enum web_peers peers;
	/* Of at least 16 bytes; NULL: there is none, and whoever is asked for it is refused. Copied. */
	const char *token;
	/* What whoever is refused is told to do: "Open the address that adit printed." Copied; may be NULL. */
	const char *token_todo, *host_todo;
	/* NULL: web_authorize(). */
	enum web_verdict (*authorize)(const struct web_request *r, enum web_right right);
};

/* What there is for everybody: a peer that is ours (WEB_PEERS_OURS), or the token. */
enum web_verdict web_authorize(const struct web_request *r, enum web_right right);
/* Both at once, in a time that does not tell where they differ. */
bool web_same_token(struct slice a, struct slice b);

#endif
