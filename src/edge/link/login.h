/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The login of a session: HELLO -> token -> names and ports -> WELCOME.  The store answers by mail,
 * also when the session is over by then; the session is freed only after that.
 */
#ifndef ADIT_EDGE_LINK_LOGIN_H
#define ADIT_EDGE_LINK_LOGIN_H

#include "edge/link/session.h"

/* A CONTROL message of a session that waits for HELLO. */
void login_hello(struct session *s, struct slice json);
/* A "bind" of a session that is up: more tunnels, each claimed as those of a HELLO are. */
void login_bind(struct session *s, struct slice json);
/* The session is over: true when the store still works for it, and session_free()
 * will be called then. */
bool login_abandon(struct session *s);

/* A name that was given up: who can give it back, and how. */
void login_refuse_released(struct hello_tunnel *h);
/* A name that is switched off, for its own account. */
#define LOGIN_DISABLED_TEXT                                                                        \
	"the operator of the edge has disabled this name; ask them, then start adit again"

/* In session.c */
void session_free(struct session *s);
/* Tells the agent why, and ends the link. */
void session_refuse(struct session *s, enum link_code link_code, const char *code, const char *text,
    uint32_t retry_ms);

#endif
