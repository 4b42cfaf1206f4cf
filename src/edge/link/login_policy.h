/* SPDX-License-Identifier: Apache-2.0 */
/* The policies that a HELLO brings: read once, and refused before they take the place of others. */
#ifndef ADIT_EDGE_LINK_LOGIN_POLICY_H
#define ADIT_EDGE_LINK_LOGIN_POLICY_H

#include "edge/link/session.h"

/*
 * The policy of a tunnel of the HELLO.  Where the name has the very same one, it is that: what it
 * knows of visitors (rates, who was let in) outlives the link.  NULL: it is refused, and h says why.
 */
struct policy *login_policy(struct session *s, const struct hello *hello, struct hello_tunnel *h,
    const char *name) must_use;
/* Copies go to the account's own tunnels. hello: of which some names may be claimed yet; NULL: the
 * store has said whose they are. False: h says why. */
bool login_fan_out(struct session *s, const struct hello *hello, struct hello_tunnel *h,
    const struct policy *p) must_use;

#endif
