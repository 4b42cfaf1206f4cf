/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scraper sees of an agent: every family has a row in this table, and a row in adit(1).
 * Alert rules and the panels in etc/ are compared with it by a test.  What both programs count has
 * one meaning in each: this one begins with adit_agent_, and has no family of the edge's.
 *
 * Names of tunnels are the only label of somebody's making: an agent has LIMIT_AGENT_TUNNELS of them.
 *
 * X(symbol, name without _total and _info, type, unit, help)
 */
#ifndef ADIT_AGENT_INSPECT_AGENT_METRICS_H
#define ADIT_AGENT_INSPECT_AGENT_METRICS_H

#include "http/exposition.h"
#include "web/server.h"

/* clang-format off */
#define AGENT_METRICS(X)                                                                           \
	X(BUILD, "adit_agent_build", INFO, "", "The program and its version")                      \
	X(LINK_UP, "adit_agent_link_up", GAUGE, "", "1: the link to the edge is up")               \
	X(LINK_RTT, "adit_agent_link_rtt_seconds", GAUGE, "seconds", "Round trip of the link, 0: not measured yet") \
	X(LINKS, "adit_agent_links", COUNTER, "", "Links that came up since the start")            \
	X(TUNNEL_UP, "adit_agent_tunnel_up", GAUGE, "", "1: the tunnel is online and its local server answers") \
	X(REQUESTS, "adit_agent_requests", COUNTER, "", "Requests that have passed through, by tunnel") \
	X(FAILED, "adit_agent_requests_failed", COUNTER, "", "Requests that the local server did not answer") \
	X(REFUSED, "adit_agent_requests_refused", COUNTER, "", "Requests that the edge refused")   \
	X(UNDER_WAY, "adit_agent_requests_under_way", GAUGE, "", "Requests that are being answered") \
	X(WAITING, "adit_agent_inbox_waiting", GAUGE, "", "Stored webhooks that wait, as the edge said last") \
	X(PARKED, "adit_agent_inbox_parked", GAUGE, "", "Stored webhooks that are parked, as the edge said last") \
	X(OLDEST, "adit_agent_inbox_oldest_seconds", GAUGE, "seconds", "Age of the oldest webhook that waits, 0: none") \
	X(CAPTURE_ON, "adit_agent_capture_on", GAUGE, "", "1: requests are kept on the disk")      \
	X(CAPTURE_BYTES, "adit_agent_capture_bytes", GAUGE, "bytes", "What is kept on the disk")   \
	X(CAPTURE_CUT, "adit_agent_capture_cut", COUNTER, "", "Bodies that were not kept whole, by reason") \
	X(CPU, "process_cpu_seconds", COUNTER, "seconds", "User and system time")                  \
	X(RESIDENT, "process_resident_memory_bytes", GAUGE, "bytes", "Resident memory")            \
	X(FDS, "process_open_fds", GAUGE, "", "Open file descriptors")                             \
	X(FDS_MAX, "process_max_fds", GAUGE, "", "Most file descriptors that may be open")         \
	X(START, "process_start_time_seconds", GAUGE, "seconds", "Start of the process, in seconds since 1970")
/* clang-format on */

extern const struct exposition_family agent_metrics_table[];
extern const size_t agent_metrics_n;

/* Handlers of the inspector's rows. */
void agent_metrics(struct web_request *r);
void agent_healthz(struct web_request *r);
void agent_readyz(struct web_request *r);

#endif
