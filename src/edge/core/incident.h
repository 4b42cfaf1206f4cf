/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incidents, for the doctor: of each route, what was refused last and why, which its owner cannot see
 * from outside.  In memory alone, bounded, thread-safe; written where something is refused, never
 * on the way of a request that goes through a tunnel.
 */
#ifndef ADIT_EDGE_CORE_INCIDENT_H
#define ADIT_EDGE_CORE_INCIDENT_H

#include "base/buf.h"
#include "base/check.h"
#include "base/slice.h"
#include "http/h1.h"

#include <jansson.h>

/* X(symbol, code): codes of hook/doctor.h where there is a row, else words of our own. */
#define INCIDENTS(X)                                                                               \
	X(GOOD, "stored") /* an event was taken: older refusals are history */                     \
	X(ADDRESS, "edge-address")                                                                 \
	X(LOGIN, "edge-login")                                                                     \
	X(SLASH, "hook-slash")                                                                     \
	X(TOO_BIG, "edge-too-big")                                                                 \
	X(HTTP, "edge-http")                                                                       \
	X(UNSIGNED, "edge-unsigned")                                                               \
	X(STRAY, "edge-stray") /* not signed either, and nothing says that it is a webhook */      \
	X(SIGNATURE, "edge-signature")                                                             \
	X(PING, "edge-ping")                                                                       \
	X(DUPLICATE, "edge-duplicate")                                                             \
	X(DISK, "edge-disk")                                                                       \
	X(TAKEOVER, "link-two") /* another link of the account took the tunnel over */             \
	X(DOWN, "down")         /* the link that served it ended */

enum incident_kind {
#define X(symbol, code) INCIDENT_##symbol,
	INCIDENTS(X)
#undef X
};

struct incidents;

/* NULL without memory. */
struct incidents *incident_new(void) must_use;
void incident_free(struct incidents *n);
/* n NULL: nowhere. peer, text: for people, cut to size. agent: the sender's User-Agent. */
void incident_put(struct incidents *n, const char *key, enum incident_kind kind, const char *peer,
    struct slice agent, struct slice text);
/* Appends a JSON list of {"code","count","at_ms","peer","agent","text"}. */
void incident_write(struct incidents *n, const char *key, struct buf *out);

/* Of all routes, the newest first, no more than max: {"tunnel", "code","count","at_ms","peer","agent","text"}. What was
 * taken, and agents that came or went, is not in it. */
json_t *incident_list(struct incidents *n, size_t max) must_use;

/* The request calls itself a webhook: scanners and people are not
 * noted. *ret_agent: its User-Agent. */
bool incident_is_hook(const struct h1_head *h, struct slice bytes, struct slice *ret_agent);

#endif
