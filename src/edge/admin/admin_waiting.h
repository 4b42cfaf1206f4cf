/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After `aditd name release` and `aditd token revoke`: which webhooks wait, and what becomes
 * of them.  The edge is asked for that on the same connection, and the answer gets the
 * members that scripts read.
 */
#ifndef ADIT_EDGE_ADMIN_ADMIN_WAITING_H
#define ADIT_EDGE_ADMIN_ADMIN_WAITING_H

#include <jansson.h>

/* request: what was asked and done; adds "inbox" (and "tokens": valid ones of the account). */
void admin_waiting_name(int fd, const json_t *request, json_t *answer);
void admin_waiting_token(int fd, const json_t *request, json_t *answer);
/* The same as sentences, on standard output. */
void admin_waiting_show_name(const json_t *answer);
void admin_waiting_show_token(const json_t *answer);

#endif
