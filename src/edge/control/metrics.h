/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scraper sees of the edge: every family has a row in this table, and a row in aditd(8).
 * Alert rules and the panels in etc/ are compared with it by a test.
 *
 * No label is an address, a path, an event or an account's text; names of tunnels stand in the
 * families of a tunnel alone, of those tunnels that metrics.tunnels of aditd.yml names.
 *
 * X(symbol, name without _total and _info, type, unit, help)
 */
#ifndef ADIT_EDGE_CONTROL_METRICS_H
#define ADIT_EDGE_CONTROL_METRICS_H

#include "edge/control/control.h"
#include "http/exposition.h"

/* clang-format off */
#define METRICS(X)                                                                                 \
	X(BUILD, "adit_build", INFO, "", "The program and its version")                            \
	X(LINKS, "adit_links", GAUGE, "", "Links of agents that are up")                           \
	X(LINKS_OPENED, "adit_links_opened", COUNTER, "", "Links of agents since the start")       \
	X(TUNNELS, "adit_tunnels", GAUGE, "", "Tunnels: up; away, whose agent was lost; stopped, whose agent said so; disabled") \
	X(VISITORS, "adit_visitor_connections", GAUGE, "", "Open connections of visitors")         \
	X(VISITORS_OPENED, "adit_visitor_connections_opened", COUNTER, "", "Connections of visitors since the start") \
	X(STREAMS, "adit_byte_streams", GAUGE, "", "Open connections of TCP and TLS tunnels")      \
	X(STREAMS_OPENED, "adit_byte_streams_opened", COUNTER, "", "Connections of TCP and TLS tunnels since the start") \
	X(UNDER_WAY, "adit_requests_under_way", GAUGE, "", "Requests that are being answered")     \
	X(REQUESTS, "adit_requests", COUNTER, "", "Requests, by the class of their status; none: the visitor left") \
	X(TOOK, "adit_request_duration_seconds", HISTOGRAM, "seconds", "From the last byte of the head to the end of the answer") \
	X(ERRORS, "adit_errors", COUNTER, "", "Requests that went wrong, by the code in adit-error") \
	X(BYTES, "adit_bytes", COUNTER, "", "Bytes of bodies and byte streams, rx from visitors and tx to them") \
	X(HANDSHAKES, "adit_handshakes", COUNTER, "", "TLS handshakes that have ended or failed")  \
	X(STORED, "adit_inbox_stored", COUNTER, "", "Webhooks stored, copies for more targets too") \
	X(DELIVERED, "adit_inbox_delivered", COUNTER, "", "Webhooks that the local server has taken") \
	X(RETRIED, "adit_inbox_retried", COUNTER, "", "Attempts that failed and are made again")   \
	X(PARKED, "adit_inbox_parked", COUNTER, "", "Webhooks parked")                             \
	X(DEAD, "adit_inbox_dead", COUNTER, "", "Webhooks given up")                               \
	X(DUPLICATES, "adit_inbox_duplicates", COUNTER, "", "Repeated webhooks that were known again") \
	X(COALESCED, "adit_inbox_coalesced", COUNTER, "", "Webhooks that a newer one replaced")    \
	X(INBOX_REFUSED, "adit_inbox_refused", COUNTER, "", "Webhooks that were not taken: signature, full account, or the store") \
	X(INBOX, "adit_inbox_deliveries", GAUGE, "", "Deliveries in the inbox, by state, when last counted") \
	X(INBOX_BYTES, "adit_inbox_bytes", GAUGE, "bytes", "Bytes of these")                       \
	X(OLDEST, "adit_inbox_oldest_seconds", GAUGE, "seconds", "Age of the oldest delivery that is not finished, 0: none") \
	X(LAG, "adit_inbox_delivery_lag_seconds", HISTOGRAM, "seconds", "From received to delivered") \
	X(COMMITS, "adit_store_commits", COUNTER, "", "Transactions that the store has made")      \
	X(STORE_FAILED, "adit_store_failed", GAUGE, "", "1: the store does not work, or is damaged; the log says why") \
	X(CERTIFICATE, "adit_certificate_expiry_seconds", GAUGE, "seconds", "End of a certificate that a CA gave, in seconds since 1970") \
	X(DNS, "adit_dns_events", COUNTER, "", "What the name server has done, by kind")           \
	X(DRAINING, "adit_stopping", GAUGE, "", "1: the edge stops and takes no new visitors")     \
	X(LIMIT, "adit_limit", GAUGE, "", "Limits that gauges here can reach")                     \
	X(LIMIT_USED, "adit_limit_used", GAUGE, "", "How much of these is used")                   \
	X(TUNNEL_UP, "adit_tunnel_up", GAUGE, "", "1: an agent serves the tunnel")                 \
	X(TUNNEL_REQUESTS, "adit_tunnel_requests", COUNTER, "", "Requests of the tunnel, as in adit_requests") \
	X(TUNNEL_TOOK, "adit_tunnel_request_duration_seconds", HISTOGRAM, "seconds", "The same of the tunnel alone") \
	X(CPU, "process_cpu_seconds", COUNTER, "seconds", "User and system time")                  \
	X(RESIDENT, "process_resident_memory_bytes", GAUGE, "bytes", "Resident memory")            \
	X(FDS, "process_open_fds", GAUGE, "", "Open file descriptors")                             \
	X(FDS_MAX, "process_max_fds", GAUGE, "", "Most file descriptors that may be open")         \
	X(START, "process_start_time_seconds", GAUGE, "seconds", "Start of the process, in seconds since 1970")
/* clang-format on */

extern const struct exposition_family metrics_table[];
extern const size_t metrics_n;

/* On the main loop. */
void metrics_write(const struct edge *e, const struct control_ops *ops, void *owner,
    struct buf *out, enum exposition_format format);

#endif
