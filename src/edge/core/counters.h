/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every counter of the edge, in one table, a row each: it makes the member of struct
 * worker_counters and what `aditd status` shows; a test checks that aditd(8) has each row.
 *
 * X(where status shows it, name there and of the member, kind, unit, help)
 */
#ifndef ADIT_EDGE_CORE_COUNTERS_H
#define ADIT_EDGE_CORE_COUNTERS_H

#include "base/check.h"
#include "edge/core/tally.h"
#include "http/close.h"

#include <jansson.h>

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define COUNTERS(X)                                                                                \
	X(WORKER, links,          GAUGE,   "links",      "links of agents that are up")            \
	X(WORKER, links_total,    COUNTER, "links",      "links of agents since the start")        \
	X(WORKER, visitors,       GAUGE,   "visitors",   "open connections of visitors")           \
	X(WORKER, visitors_total, COUNTER, "visitors",   "connections of visitors since the start") \
	X(WORKER, exchanges,      GAUGE,   "requests",   "requests that are under way")            \
	X(WORKER, requests,       COUNTER, "requests",   "requests of visitors")                   \
	X(WORKER, answers_own,    COUNTER, "answers",    "error pages and redirects of the edge itself") \
	X(WORKER, tcp,            GAUGE,   "visitors",   "open connections of TCP and TLS tunnels") \
	X(WORKER, tcp_total,      COUNTER, "visitors",   "connections of TCP and TLS tunnels since the start") \
	X(WORKER, tls_total,      COUNTER, "visitors",   "of those, connections whose TLS ends at the agent") \
	X(WORKER, tls_refused,    COUNTER, "visitors",   "the same, that found no agent or no room")  \
	X(WORKER, rx_bytes,       COUNTER, "bytes",      "bodies and byte streams from visitors")  \
	X(WORKER, tx_bytes,       COUNTER, "bytes",      "bodies and byte streams to visitors")    \
	X(INBOX,  stored,         COUNTER, "deliveries", "webhooks stored, copies for more targets too") \
	X(INBOX,  duplicates,     COUNTER, "webhooks",   "repeated webhooks that were known again") \
	X(INBOX,  bad_signatures, COUNTER, "webhooks",   "webhooks refused for their signature")   \
	X(INBOX,  not_stored,     COUNTER, "webhooks",   "webhooks refused with 503")              \
	X(INBOX,  account_full,   COUNTER, "webhooks",   "of those, as the inbox of the account is full") \
	X(INBOX,  delivered,      COUNTER, "deliveries", "webhooks that the local server has taken") \
	X(INBOX,  retried,        COUNTER, "attempts",   "attempts that failed and are made again") \
	X(INBOX,  parked,         COUNTER, "deliveries", "webhooks parked")                        \
	X(INBOX,  dead,           COUNTER, "deliveries", "webhooks given up")                      \
	X(INBOX,  coalesced,      COUNTER, "deliveries", "webhooks that a newer one replaced")
/* clang-format on */

/* From received to delivered: upper bounds in ms; what is later falls into the last bucket. */
#define LAG_MS                                                                                     \
	{                                                                                          \
		10, 30, 100, 300, 1000, 3000, 10000, 60000, 600000, 3600000, 86400000              \
	}
#define LAG_BUCKETS 12

/* Written by the worker alone, read by anybody. */
struct worker_counters {
#define X(where, name, kind, unit, help) _Atomic uint64_t name;
	COUNTERS(X)
#undef X
	_Atomic uint64_t lag[LAG_BUCKETS], lag_ms;
	struct tally tally;                  /* of requests; a probe is none */
	_Atomic uint64_t errors[CLOSE_ROWS]; /* of these, by the row that says what went wrong */
};

enum counter_where { COUNTER_OF_WORKER, COUNTER_OF_INBOX };
enum counter_kind { COUNTER_COUNTER, COUNTER_GAUGE }; /* a gauge goes down, too */

struct counter {
	const char *name;
	size_t at; /* in struct worker_counters */
	enum counter_where where;
	enum counter_kind kind;
	const char *unit, *help;
};

extern const struct counter counters_table[];
extern const size_t counters_n;

static inline void
counter_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

/* A gauge goes down by one: whatever leaves was counted when it came. */
static inline void
gauge_down(_Atomic uint64_t *c)
{
	uint64_t n = atomic_load_explicit(c, memory_order_relaxed);

	check(n > 0);
	atomic_store_explicit(c, n - 1, memory_order_relaxed);
}

/* The value of a member; at: its offset. */
uint64_t counter_at(const struct worker_counters *w, size_t at);
/* Adds the rows of w that status shows there to the members of o that have their names. */
void counters_add_json(json_t *o, enum counter_where where, const struct worker_counters *w);

#endif
