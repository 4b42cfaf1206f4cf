/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of login: the token and the WELCOME (login.c), names and ports (claim.c). */
#ifndef ADIT_EDGE_LINK_LOGIN_PRIVATE_H
#define ADIT_EDGE_LINK_LOGIN_PRIVATE_H

#include "edge/core/errand.h"
#include "edge/link/login.h"

/* One request to the store, for the token or for tunnel `index` of the HELLO. */
struct login_claim {
	struct errand errand;
	struct store_req req;
	struct session *session;
	size_t index;
	int tries;
	int fd;              /* TCP: the listening socket, until it is bound; -1 */
	struct policy *read; /* what the HELLO brings; NULL: none */
	struct buf policy;   /* sealed */
	bool release; /* the port is not free here: it is given back, then another is claimed */
};

/* A HELLO that is looked at, or a "bind": either from its message to its answer. */
struct session_login {
	struct hello hello;
	size_t pending;
	struct login_claim *claims; /* of the tunnels */
	struct login_claim token;
};

/* --- login.c --- */

/* Asks the store for this claim. done: as errand_store() has it. */
void login_submit(struct session *s, struct login_claim *c, void (*done)(struct store_req *),
    void (*back)(struct errand *));
/* An answer of the store has come. False when the session is over, and perhaps freed. */
bool login_arrived(struct session *s) must_use;
/* Nothing is pending any more: the tunnels that were not refused come up, and the agent is told. */
void login_settled(struct session *s);
/* Names and ports may be claimed now: behind a HELLO, or behind a "bind". */
bool login_claims(const struct session *s) must_use;

/* --- claim.c --- */

/* Claims tunnel i of the HELLO: it is refused, known already, or a question to the store. */
void claim_start(struct session *s, size_t i);

#endif
