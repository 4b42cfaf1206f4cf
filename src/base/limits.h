/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every ceiling of both programs, in one table: `aditd -T` prints it, a test
 * checks that the manual names each row.  A buffer, count or wait without a
 * row here is a bug.
 *
 * X(name, value, unit, what it bounds)
 */
#ifndef ADIT_BASE_LIMITS_H
#define ADIT_BASE_LIMITS_H

#include <stddef.h>

/* clang-format off */
#define LIMITS(X)                                                                                  \
	X(HEAD_BYTES,            32768, "bytes", "head of a request or response")                  \
	X(HEAD_FIELDS,             100, "fields", "header fields of a message")                    \
	X(REQUEST_LINE_BYTES,     8192, "bytes", "request line")                                   \
	X(CHUNK_EXT_BYTES,         256, "bytes", "extensions of one chunk")                        \
	X(TRAILER_BYTES,          8192, "bytes", "trailer section of a message")                   \
	X(TRAILER_FIELDS,           64, "fields", "trailer fields of a message that is passed on") \
	X(DATA_FRAME_BYTES,      16384, "bytes", "payload of a DATA frame, its opening apart")     \
	X(OPENING_BYTES,          1024, "bytes", "opening of a stream")                            \
	X(CONTROL_BYTES,         65536, "bytes", "payload of a CONTROL frame")                     \
	X(LINK_OUT_BYTES,       262144, "bytes", "frames of a link that wait to be sealed")        \
	X(LINK_CTL_BYTES,       262144, "bytes", "control frames of a link that wait")             \
	X(LINK_STREAMS,           4096, "streams", "open streams of a link")                       \
	X(LINK_RX_BYTES_MIN,   4194304, "bytes", "receive budget of a link at its start")          \
	X(LINK_RX_BYTES_MAX,  33554432, "bytes", "receive budget of a link at its largest")        \
	X(STREAM_RX_BYTES_MIN,   16384, "bytes", "receive window that every stream is guaranteed") \
	X(STREAM_RX_BYTES_INIT, 262144, "bytes", "receive window of a new stream while budget lasts") \
	X(STREAM_RX_BYTES_FIRST, 65536, "bytes", "credit that the first bytes of a stream need not wait for") \
	X(STREAMS_RX_FIRST,        128, "streams", "streams of a link that may still send and got that credit") \
	X(STREAM_RX_BYTES_MAX, 16777216, "bytes", "receive window of a stream at its largest")     \
	X(LINK_RX_BYTES_ALL, 100663296, "bytes", "all receive windows of a link: RX_BYTES_MAX + STREAMS * STREAM_RX_BYTES_MIN") \
	X(LINK_GLITCHES,         4096, "frames", "frames of a link that move nothing, forgiven at once") \
	X(LINK_GLITCHES_RATE,    1024, "frames/s", "frames of a link that move nothing, forgiven in a second") \
	X(LINK_WINDOW_BYTES_MIN,   256, "bytes", "smaller WINDOW frames count as moving nothing")   \
	X(CONTROL_DEPTH,             8, "levels", "nesting of a CONTROL frame's JSON")             \
	X(LINK_IDLE_MS,          10000, "ms", "silence of a link before a PING is sent")           \
	X(LINK_DEAD_MS,          15000, "ms", "silence of a link before it is given up")           \
	X(TLS_HANDSHAKE_MS,      10000, "ms", "TLS handshake")                                     \
	X(CLIENTHELLO_MS,         5000, "ms", "wait for a whole ClientHello")                      \
	X(CLIENTHELLO_BYTES,     16384, "bytes", "ClientHello with its records in which a server name is looked for") \
	X(PROXY_GREETING_MS,      3000, "ms", "wait for a PROXY header of a proxy")                \
	X(PROXY_GREETINGS,        4096, "connections", "of a listener whose PROXY header has not come yet") \
	X(TLS_MESSAGES,             32, "messages", "key updates and such between 1 MiB of a TLS connection") \
	X(HELLO_MS,              10000, "ms", "wait for an agent's HELLO")                         \
	X(VISITOR_HEAD_MS,       15000, "ms", "wait for the rest of a request head")               \
	X(NOTSENT_BYTES,        131072, "bytes", "bytes of one connection that wait unsent in the kernel")   \
	X(VISITOR_IDLE_MS,       60000, "ms", "idle keep-alive connection of a visitor")           \
	X(TCP_PROBE_IDLE_MS,     60000, "ms", "silence of a TCP connection before it is probed (keep-alive)") \
	X(TCP_PROBE_MS,          15000, "ms", "between such probes")                               \
	X(TCP_PROBES,                4, "probes", "without an answer before the connection is given up") \
	X(BODY_GRACE_MS,         10000, "ms", "slow body before the minimum rate counts")          \
	X(BODY_RATE_BYTES,        1024, "bytes/s", "minimum rate of a request body")               \
	X(ORIGIN_CONNECT_MS,     10000, "ms", "connecting to an origin")                           \
	X(ORIGIN_SILENT_MS,      60000, "ms", "wait for an origin's response head, once it has the request") \
	X(LOOK_MS,                2000, "ms", "between looks of the agent at an origin that was not there, to twice that") \
	X(LOOK_MS_MAX,          300000, "ms", "the same, when it was back and did not answer again and again") \
	X(STREAM_STALL_MS,      300000, "ms", "bytes of an exchange that nobody reads") \
	X(EARLY_DRAIN_BYTES,     65536, "bytes", "request body read away after an early response") \
	X(INTERIM_HEADS,           16, "heads", "interim answers (1xx) of one exchange")              \
	X(ORIGIN_POOL,             768, "connections", "idle connections kept to an origin")       \
	X(ORIGIN_POOL_IDLE_MS,   20000, "ms", "idle connection kept to an origin")                 \
	X(ORIGIN_H2_STREAMS,       256, "streams", "HTTP/2 streams of one connection to an origin") \
	X(ORIGIN_H2_CONNS,          16, "connections", "HTTP/2 connections to one origin")         \
	X(ORIGIN_H2_RX_BYTES,    65536, "bytes", "answer of an HTTP/2 stream of an origin that waits") \
	X(ORIGIN_H2_TX_BYTES,    32736, "bytes", "request of the same that waits")                 \
	X(ORIGIN_H2_PING_MS,      5000, "ms", "silence of such a connection before it is asked, and for the answer") \
	X(VISITORS,             100000, "connections", "visitors of a worker")                     \
	X(VISITORS_PER_ADDRESS,   4096, "connections", "visitors from one address, of a worker")   \
	X(LINKS,                 20000, "links", "links of a worker")                              \
	X(LINKS_PER_ACCOUNT,     10000, "links", "links of one account, of a worker")             \
	X(LINKS_UNKNOWN,           512, "links", "links of a worker whose token has not been looked at") \
	X(LINKS_UNKNOWN_PER_ADDRESS, 128, "links", "the same, of one address")                    \
	X(TUNNELS_PER_LINK,         64, "tunnels", "tunnels of a link")                            \
	X(AGENT_TUNNELS,           128, "tunnels", "tunnels of an agent, with those whose streams are ending") \
	X(NGROK_RAW_BYTES,       65536, "bytes", "of a body in an answer of /api/requests/http")   \
	X(NGROK_START_MS,        10000, "ms", "wait of /api/ for the edge's answer for a tunnel")  \
	X(BIND_MS,                 150, "ms", "from one change of an agent's tunnels to the next, past the first sixteen") \
	X(WORKERS,                  64, "threads", "workers of the edge")                          \
	X(LOOKUPS,                1024, "lookups", "host names that a worker looks up at one time")   \
	X(DIAL_ADDRESSES,           16, "addresses", "addresses of a host that are tried")          \
	X(REFUSED_SEND_MS,         200, "ms", "after a send that the kernel refused: then it is asked whether it has room") \
	X(LOOP_CHUNKS,           16384, "chunks", "16 KiB chunks of a worker that hold waiting bytes") \
	X(LOOP_CHUNKS_KEPT,        256, "chunks", "unused chunks that a worker keeps for reuse")   \
	X(RETRY_MS_MIN,            500, "ms", "first pause of the agent before it dials again")    \
	X(RETRY_MS_MAX,          30000, "ms", "longest pause of the agent before it dials again")  \
	X(STABLE_MS,             30000, "ms", "life of a link after which the pauses start anew")  \
	X(CONFIG_BYTES,        1048576, "bytes", "configuration file")                             \
	X(CONFIG_DEPTH,             16, "levels", "nesting of a configuration file")               \
	X(CONFIG_NODES,          8192, "nodes", "keys and values of a configuration file")         \
	X(CERTIFICATES,          1024, "certificates", "certificates of the edge")                 \
	X(BOARD_NOTES,             256, "notes", "answers to challenges of a CA that are up at once") \
	X(CERTIFICATE_BYTES,   262144, "bytes", "file of a certificate or key")                    \
	X(READER_MS,            10000, "ms", "wait of a reload for the files that only root may read") \
	X(SILENT,                 8192, "connections", "connections that have not sent a whole ClientHello") \
	X(SILENT_PER_ADDRESS,      512, "connections", "the same, of one address")               \
	X(HANDSHAKES,             2048, "connections", "TLS handshakes under way with visitors")    \
	X(HANDSHAKES_LINKS,       1024, "connections", "TLS handshakes under way with agents")      \
	X(HANDSHAKES_PER_ADDRESS,  512, "connections", "each of the two, of one address")           \
	X(EXCHANGES,            65536, "exchanges", "exchanges under way of a worker")             \
	X(H2_STREAMS,              100, "streams", "HTTP/2 streams of a connection at one time")      \
	X(H2_STREAMS_TOTAL,      10000, "streams", "HTTP/2 streams of a connection, then it is asked to come anew") \
	X(H2_CLOSES,               200, "streams", "HTTP/2 streams of a connection that end badly, forgiven at once") \
	X(H2_CLOSES_RATE,           50, "streams/s", "the same, forgiven in a second")                \
	X(H2_GLITCHES,            1000, "frames", "HTTP/2 frames of a connection that move nothing, forgiven at once") \
	X(H2_GLITCHES_RATE,        100, "frames/s", "the same, forgiven in a second")                 \
	X(H2_BYTES,          134217728, "bytes", "bodies of HTTP/2 of a worker that wait, in both directions") \
	X(H2_RX_BYTES,         3342336, "bytes", "request bodies of an HTTP/2 connection that wait")  \
	X(H2_STREAM_RX_BYTES,    16384, "bytes", "the same, of one stream, whatever the others do")   \
	X(H2_STREAM_TX_BYTES,    32736, "bytes", "answer of an HTTP/2 stream that waits for its turn") \
	X(H2_SETTINGS_MS,        10000, "ms", "wait for the first SETTINGS of HTTP/2")                \
	X(H2_PING_MS,            15000, "ms", "silence of an HTTP/2 connection before a PING is sent, and the wait for its answer") \
	X(H2_STALL_MS,           30000, "ms", "HTTP/2 stream that grants no credit for what waits")   \
	X(H2_RATE_BYTES,           512, "bytes/s", "minimum rate of an HTTP/2 stream that grants credit in small pieces, over twice that") \
	X(PARTIAL_HEADS,         8192, "heads", "request heads that have come in part, of a worker") \
	X(PARTIAL_BYTES,     33554432, "bytes", "memory of request heads that have come in part, of a worker") \
	X(OWN_BODIES,              256, "bodies", "bodies of requests for the edge itself that are coming, of a worker") \
	X(OWN_BODY_BYTES,         8192, "bytes", "body of a request for the edge itself")          \
	X(LINGER_MS,             2000, "ms", "input of a visitor read away after our last byte")   \
	X(EDGE_SILENT_MS,       60000, "ms", "further wait of the edge for the agent to say so")   \
	X(PROBE_MS,              3000, "ms", "wait of the edge for a local server's answer to a probe") \
	X(PROBED_MS,             5000, "ms", "wait of the agent for the outcome of the edge's probe") \
	X(SCREEN_COLUMNS,          512, "columns", "of a terminal that the status screen uses")   \
	X(SCREEN_LINES,            256, "lines", "the same")                                       \
	X(SCREEN_FRAME_MS,         100, "ms", "from one frame of the status screen to the next")   \
	X(SCREEN_OUT_BYTES,    4194304, "bytes", "of a frame that the terminal has not taken; no other is made before") \
	X(SCREEN_SCAN,           20000, "rows", "that a filter of the status screen looks through for a frame") \
	X(SCREEN_ASK_MS,         20000, "ms", "between two questions of the status screen through the tunnels") \
	X(STATUS_BYTES,        262144, "bytes", "names that adit status asks for")                 \
	X(SEEN_MS,               10000, "ms", "wait of adit ddns for the edge to say which address it sees") \
	X(DDNS_LOOK_MS,        3600000, "ms", "between such questions while nothing changes")      \
	X(DDNS_SETTLE_MS,        10000, "ms", "from a change of an address of the machine to the next one") \
	X(DDNS_GONE_MS,         600000, "ms", "before adit ddns removes the address of a family that has gone") \
	X(DDNS_LEFT_MS,          60000, "ms", "from the end of an agent's link to the end of its straight way (adit ddns --or-tunnel)") \
	X(KNOCK_MS,               3000, "ms", "wait of the edge for a port that an agent says is open") \
	X(DDNS_CHANGES,             60, "changes/h", "changes of the addresses of one name")       \
	X(ACME_DNS,              10000, "registrations", "names of the acme-dns API")              \
	X(ACME_DNS_REGISTER,        10, "registrations/h", "new names of the acme-dns API, of one address") \
	X(ACME_DNS_NETWORKS,         8, "networks", "from which one name of the acme-dns API may be changed") \
	X(TOKEN_NAMES,              16, "names", "names of dynamic DNS that one token is for")     \
	X(NAMES_PER_ACCOUNT,     1000, "names", "names of an account")                             \
	X(PORTS_PER_ACCOUNT,      100, "ports", "TCP ports of an account")                         \
	X(DOMAINS,               10000, "domains", "own domains of all accounts")                  \
	X(DOMAINS_PER_ACCOUNT,     100, "domains", "own domains of an account")                    \
	X(DOMAINS_PER_TUNNEL,       16, "domains", "own domains of a tunnel in adit.yml")          \
	X(DOMAINS_NEW,              20, "domains/h", "new own domains of all accounts")            \
	X(DOMAINS_NEW_PER_ACCOUNT,   5, "domains/h", "new own domains of an account")              \
	X(DOMAIN_WISHES,             4, "accounts", "accounts that ask for the same own domain")   \
	X(DOMAIN_PROOFS,             8, "domains", "own domains whose DNS is looked at at once")   \
	X(DOMAIN_PROOF_MS,       20000, "ms", "look at the DNS of one own domain")                 \
	X(DOMAIN_CNAMES,             8, "records", "CNAMEs that are followed from an own domain")  \
	X(DOMAIN_SERVERS,            4, "addresses", "name servers of a zone that are asked")      \
	X(CONTROL_CLIENTS,         64, "connections", "clients of the control socket")             \
	X(LOGIN_SOURCES,         4096, "addresses", "addresses whose bad tokens are remembered")   \
	X(DASHBOARD_SESSIONS,       64, "sessions", "sessions of the dashboard")                   \
	X(DASHBOARD_LINKS,          16, "links", "links to the dashboard that nobody has opened yet") \
	X(DASHBOARD_LINK_MS,     60000, "ms", "a link to the dashboard, until it is opened")       \
	X(DASHBOARD_IDLE_MS,   1800000, "ms", "session of the dashboard in which nothing is asked") \
	X(DASHBOARD_SESSION_MS, 43200000, "ms", "session of the dashboard at all")                 \
	X(LOG_TAIL_BYTES,        65536, "bytes", "last lines of the log, kept for an operator")     \
	X(AUDIT_FILE_BYTES,    1048576, "bytes", "one of the two files of what operators changed") \
	X(AUDIT_SHOWN,             200, "rows", "changes by operators in memory and in an answer") \
	X(TUNNELS_SHOWN,           200, "tunnels", "tunnels in one answer to an operator")         \
	X(INCIDENTS_SHOWN,         200, "rows", "refusals in one answer to an operator")           \
	X(METRICS_TUNNELS,          64, "tunnels", "tunnels that have metrics of their own")       \
	X(CONTROL_LINE_BYTES,   262144, "bytes", "request or answer on the control socket")        \
	X(WEB_CONNECTIONS,          64, "connections", "clients of the inspector or the dashboard") \
	X(WEB_HEAD_MS,           10000, "ms", "wait for the rest of a request head of such a client") \
	X(WEB_IDLE_MS,           60000, "ms", "idle keep-alive connection of such a client")       \
	X(WEB_STALL_MS,          30000, "ms", "request body that does not come, or answer that is not taken, of such a client") \
	X(WEB_BODY_BYTES,      1048576, "bytes", "request body of such a client, where its row names no limit") \
	X(WEB_BODIES_BYTES,  134217728, "bytes", "request bodies of all such clients together")    \
	X(WEB_JSON_DEPTH,           32, "levels", "nesting of JSON in a request of such a client")  \
	X(WEB_PAIRS,                32, "parameters", "parameters of the query of such a request") \
	X(WEB_FIELDS_BYTES,       4096, "bytes", "headers that one answer to such a client has of its own") \
	X(WEB_OUT_BYTES,        262144, "bytes", "download that waits for such a client to take it") \
	X(WEB_STREAM_BYTES,      65536, "bytes", "live updates that wait for such a client; further ones are lost, and it is told how many") \
	X(MCP_LINE_BYTES,      1048576, "bytes", "one line to adit mcp")                           \
	X(MCP_ANSWER_BYTES,     262144, "bytes", "what one tool of adit mcp answers")              \
	X(WEB_EVENT_BYTES,      262144, "bytes", "one live update")                                \
	X(WEB_HEARTBEAT_MS,      15000, "ms", "silence of live updates before a comment is sent")  \
	X(STORE_BATCH,            1024, "requests", "requests that share one commit of the store") \
	X(STORE_BATCH_BYTES,   8388608, "bytes", "bodies that share one commit of the store")      \
	X(STORE_LATE,              256, "deliveries", "settlements that a power cut may take back")  \
	X(STORE_LATE_MS,           100, "ms", "before a settlement is synced")                     \
	X(STORE_ROWS,             1000, "rows", "rows of one answer of the store")                 \
	X(ITEM_BYTES,          1048576, "bytes", "certificate, account of a CA, or records of a name, as stored") \
	X(STORE_POLICIES,          100, "rows", "policies of one answer of the store")             \
	X(POLICY_BYTES,          65536, "bytes", "policy of a tunnel")                             \
	X(STORE_CACHE_BYTES,  33554432, "bytes", "page cache of the store")                        \
	X(STORE_WAL_BYTES,    16777216, "bytes", "write-ahead log of the store before a checkpoint") \
	X(STORE_CHECK_MS,         1000, "ms", "check of the store before it serves after an unclean stop") \
	X(STORE_SPACE_BYTES,  67108864, "bytes", "free disk space below which nothing new is stored") \
	X(STORE_SPARE_BYTES,   4194304, "bytes", "disk space that is held for the operator on a full disk") \
	X(HOOK_SECRETS,              8, "secrets", "secrets of a route that are tried")            \
	X(HOOK_SIGNATURES,          16, "signatures", "signatures in one header of a webhook")     \
	X(HOOK_PARAMS,             256, "parameters", "parameters of a form or query that is signed") \
	X(HOOK_FORM_BYTES,      262144, "bytes", "webhook body as a form that is decoded")         \
	X(HOOK_EXPLAIN_BYTES,    65536, "bytes", "webhook body that a wrong signature is explained for") \
	X(HOOK_JSON_DEPTH,          64, "levels", "nesting of a webhook's JSON that is looked at") \
	X(CHECKURL_BYTES,         8192, "bytes", "URL that check-url looks at")                    \
	X(RELAY_BYTES,          65536, "bytes", "answer of an origin that is passed on in mode relay") \
	X(RELAY_MS,              8000, "ms", "wait for an origin in mode relay before 202 is answered") \
	X(COURIER_BYTES,      4194304, "bytes", "deliveries of one tunnel on their way at once, one is always") \
	X(WEBHOOK_BYTES,      1048576, "bytes", "body of a webhook where its route names no limit") \
	X(INTAKE_BYTES,      268435456, "bytes", "webhooks of a worker that are being read or stored")  \
	X(INTAKE_BYTES_SHARE, 134217728, "bytes", "the same, of one account or of one network")    \
	X(TRIM_MS,               3000, "ms", "between looks of the edge for memory that was freed") \
	X(HOUSEKEEPING_MS,       2000, "ms", "between looks of the edge for old and late deliveries")  \
	X(ALERT_URL_MS,          10000, "ms", "answer to an alert's POST")                         \
	X(ALERT_TRIES,               3, "attempts", "POSTs of one alert")                          \
	X(ALERT_MS,             30000, "ms", "run time of an alert command")                       \
	X(PASSWORD_QUEUE,        512, "guesses", "passwords that wait to be looked at, of all accounts") \
	X(PASSWORD_QUEUE_ACCOUNT, 16, "guesses", "passwords of one account that wait to be looked at") \
	X(PASSWORD_SHARED,       256, "guesses", "requests that share the answer of one that waits") \
	X(PASSWORD_GUESSES,       10, "guesses/min", "wrong passwords from one address for one tunnel") \
	X(PASSWORD_BYTES,        128, "bytes", "password that is looked at")                      \
	X(PASSWORD_KNOWN,         64, "credentials", "credentials of a tunnel that were right lately") \
	X(PASSWORD_KNOWN_MS,  600000, "ms", "time for which right credentials are not hashed again") \
	X(PASSWORD_SHA_ROUNDS, 1000000, "rounds", "cost of a SHA-256 or SHA-512 hash of a policy") \
	X(PASSWORD_BCRYPT_COST,   13, "log2 rounds", "cost of a bcrypt hash of a policy")         \
	X(PASSWORD_KIB,        65536, "KiB", "memory of an argon2id or yescrypt hash of a policy") \
	X(PASSWORD_PASSES,         5, "passes", "cost (t) of an argon2id hash of a policy")       \
	X(PASSWORD_LANES,          4, "lanes", "threads (p) of an argon2id hash of a policy")     \
	X(RATE_REQUESTS,     1000000, "requests/s", "highest rate of a policy")                   \
	X(RATE_SECONDS,       100000, "s", "time between two requests at the lowest rate of a policy") \
	X(RATE_SOURCES,          512, "addresses", "addresses whose rates and guesses a tunnel remembers") \
	X(INBOX_BODY_BYTES,   16777216, "bytes", "body of a stored delivery, whatever its route allows") \
	X(FAN_OUT,                   8, "tunnels", "further tunnels that one webhook is stored for") \
	X(INBOX_LEASE,              64, "deliveries", "deliveries of one lease request")           \
	X(INBOX_STEP,              500, "deliveries", "deliveries that one request replays, drops or deletes") \
	X(INBOX_SCAN,            20000, "deliveries", "deliveries that one list request looks at") \
	X(INBOX_ATTEMPTS,           50, "attempts", "attempts that are kept of a delivery, the newest") \
	X(ANSWER_BYTES,         65536, "bytes", "answer to a delivery that is looked at for what it means") \
	X(INBOX_ANSWER_BYTES,     1024, "bytes", "answer of the origin that is kept of an attempt") \
	X(INBOX_DEDUPE_MS,   604800000, "ms", "longest window in which a repeated delivery is known again") \
	X(INBOX_DEDUPE_RUNS,      1024, "runs", "runs of 8,192 deliveries that are known again, 16 KiB each") \
	X(ACTIVITY_ROWS,           200, "rows", "activity of a link that waits to be told to its agent") \
	X(ACTIVITY_MESSAGE_ROWS,    50, "rows", "of one message of activity")                      \
	X(ACTIVITY_MESSAGE_BYTES, 49152, "bytes", "of one message of activity")                    \
	X(ACTIVITY_MS,             100, "ms", "between messages of activity to one link")          \
	X(ACTIVITY_INBOX_MS,      1000, "ms", "between looks at what waits in the inbox of a link's tunnels") \
	X(ACTIVITY_CTL_BYTES,    16384, "bytes", "control frames of a link that wait, above which activity is kept back") \
	X(INCIDENTS,              4096, "routes", "routes of which the edge remembers what it refused last") \
	X(DNS_ZONES,                64, "zones", "zones that the edge's DNS serves")               \
	X(DNS_NAMES,            250000, "names", "names of a zone, those without records of their own too") \
	X(DNS_SET_BYTES,         16384, "bytes", "records of one name and type")                   \
	X(DNS_JOURNAL,           16384, "sets", "changed sets of a zone that are remembered for IXFR") \
	X(DNS_CNAMES,                8, "names", "names that one answer follows")                   \
	X(DNS_UDP_BYTES,          1232, "bytes", "DNS answer over UDP, whatever the asker takes")  \
	X(DNS_UPDATE_RECORDS,      256, "records", "prerequisites and changes of one DNS update")  \
	X(DNS_RATE,                 50, "answers/s", "equal DNS answers over UDP to one network (/24, /56)") \
	X(DNS_RATE_ROWS,         16384, "rows", "networks and answers whose rates are remembered") \
	X(DNS_TCP,                 256, "connections", "DNS clients over TCP")                      \
	X(DNS_TCP_PER_ADDRESS,      64, "connections", "the same, of one address")                 \
	X(DNS_TCP_IDLE_MS,        5000, "ms", "wait for a whole DNS question over TCP")            \
	X(DNS_TCP_STALL_MS,      10000, "ms", "wait until a client over TCP has taken a DNS answer") \
	X(DNS_TRANSFERS,            16, "transfers", "zone transfers under way")                   \
	X(DNS_UPDATES,              64, "updates", "DNS updates over UDP that wait for another one") \
	X(DNS_NAMES_PER_ACCOUNT,  2000, "names", "names of an account with DNS records of their own") \
	X(DNS_TEXTS,                20, "records", "TXT records that a name has of its own")       \
	X(DNS_NOTIFY_MS,          3000, "ms", "before a secondary is notified again; then twice that, and so on") \
	X(DNS_NOTIFY_TRIES,          8, "attempts", "to notify a secondary of a change")           \
	X(ACME_ANSWER_BYTES,    262144, "bytes", "answer of a CA")                                 \
	X(ACME_URL_BYTES,         1024, "bytes", "URL of a CA")                                    \
	X(ACME_NAMES,               25, "names", "names and addresses of a certificate")           \
	X(ACME_NONCES,               8, "nonces", "nonces of a CA that are kept")                  \
	X(ACME_NONCE_TRIES,         10, "attempts", "of a request whose nonce the CA refuses")     \
	X(ACME_TRIES,                8, "attempts", "of a request that a CA does not answer, or with a fault of its own") \
	X(ACME_ORDERS,               4, "orders", "orders of one attempt to get a certificate")    \
	X(ACME_ORDER_GAP_S,         60, "s", "between two orders for the same names")              \
	X(ACME_POLL_S,            1800, "s", "wait for a CA to look at a name, or to sign")        \
	X(ACME_LIMITED_S,          300, "s", "Retry-After of a CA that an attempt waits for; a longer one ends it") \
	X(ACME_ALTERNATES,           8, "chains", "other chains of a certificate that the edge looks at") \
	X(ACME_DIRECTORY_S,      86400, "s", "before the directory of a CA is read again")         \
	X(CERT_ROWS,             10000, "certificates", "certificates that the edge gets of CAs")  \
	X(CERT_SHOWN,              100, "certificates", "certificates of one answer of the control socket") \
	X(CERT_ORDERS,               2, "orders", "orders for certificates that are under way at one time") \
	X(CERT_ORDERS_BURST,       100, "orders", "orders of an account of a CA, at once")         \
	X(CERT_ORDER_S,             60, "s", "before one order more")                              \
	X(CERT_DOMAIN,              40, "certificates", "new ones of a registered domain, at once") \
	X(CERT_DOMAIN_S,         15120, "s", "before one more of them")                            \
	X(CERT_SAME,                 4, "certificates", "with the same names, at once")            \
	X(CERT_SAME_S,          151200, "s", "before one more of them")                            \
	X(CERT_NEW_EDGE,            20, "names", "names that get a certificate for the first time, in an hour") \
	X(CERT_ASK_S,            43200, "s", "between questions to a CA when a certificate is to be renewed") \
	X(CERT_DOWN_S,           43200, "s", "faults of a CA before the next one is asked, where there is one") \
	X(CERT_KEEP_S,         2592000, "s", "before a certificate that has ended and that nobody wants is deleted") \
	X(CERT_FETCH_MS,         30000, "ms", "wait for an answer of a CA")                        \
	X(CERT_TOLD_MS,          10000, "ms", "wait for the edge's name server to have a challenge") \
	X(CERT_LOOK_MS,           5000, "ms", "for a look at a challenge of a CA before the CA is asked")     \
	X(CERT_STORE_MS,         30000, "ms", "before what the store refused of a certificate is stored again") \
	X(CAPTURE_ROWS,         100000, "rows", "exchanges that the agent's list remembers")         \
	X(CAPTURE_TEXT_BYTES,  6291456, "bytes", "text of these rows")                              \
	X(CAPTURE_WORDS,          2048, "words", "methods, hosts, events and such that these rows share") \
	X(CAPTURE_TARGET_BYTES,    512, "bytes", "path and query of a row; the head has all of it")  \
	X(CAPTURE_TAPS,          16384, "exchanges", "exchanges of an agent that have a row while they run") \
	X(SETUP_FILE_BYTES,        16384, "bytes", "configuration that aditd setup writes, and answer that it prints") \
	X(SETUP_ANSWER_BYTES,    1048576, "bytes", "answer of a command that aditd setup asks its edge with") \
	X(SETUP_ADDRESSES,             4, "addresses", "of a server, and places for DNS, that aditd setup is given") \
	X(SETUP_WAIT_S,             3600, "s", "aditd setup waits for records, edge and certificate, unless --wait says another time") \
	X(SETUP_ASK_MS,             6000, "ms", "wait for an answer of DNS about one record in aditd setup") \
	X(SETUP_DNS_MS,             5000, "ms", "before aditd setup asks for missing records again") \
	X(SETUP_EDGE_MS,             500, "ms", "before aditd setup asks its edge again") \
	X(CAPTURE_RING_BYTES,  4194304, "bytes", "records that wait for the agent's disk; more is not kept") \
	X(CAPTURE_SEGMENT_BYTES, 16777216, "bytes", "one file of kept exchanges")                   \
	X(CAPTURE_PINNED_BYTES, 268435456, "bytes", "pinned exchanges of an agent, beside its other files") \
	X(CAPTURE_PINNINGS,         64, "exchanges", "that wait to be pinned, or not any more, at one time") \
	X(INSPECT_DOCTOR_MS, 120000, "ms", "that the doctor of a page may take") \
	X(INSPECT_DOCTOR_BYTES, 262144, "bytes", "that it may say") \
	X(CAPTURE_BODY_BYTES, 16777216, "bytes", "of one body that are kept")                       \
	X(CAPTURE_RECORDS,      262144, "records", "of one exchange that are kept")                 \
	X(CAPTURE_BYTES_RATE, 33554432, "bytes/s", "kept; above it heads alone")                    \
	X(CAPTURE_EXCHANGES_RATE, 20000, "exchanges/s", "kept; above it one of 256")                \
	X(CAPTURE_WEBHOOKS,         16, "requests", "webhooks that are read at one time for what they are about") \
	X(CAPTURE_WEBHOOK_BYTES, 65536, "bytes", "of the body that is read for it")                 \
	X(REPLAYS,                1000, "requests", "that wait in an agent to be sent again")       \
	X(REPLAYS_AT_ONCE,           4, "requests", "that an agent sends again at one time")        \
	X(REPLAY_TIMES,            100, "times", "one request is sent again at once")              \
	X(INSPECT_ROWS,                500, "requests", "of one answer of the inspector")          \
	X(INSPECT_EVENT_ROWS,          200, "requests", "that a page which follows is told at once") \
	X(INSPECT_RELATIVES,         10000, "requests", "that are looked through for those which belong to one") \
	X(INSPECT_PIECES,            20000, "pieces", "of one body whose times are told")          \
	X(INSPECT_WORDS,                32, "words", "of a filter; what is more is passed over")   \
	X(INSPECT_SEND_BYTES,      8388608, "bytes", "request that a page has put together")       \
	X(INSPECT_EXPORT,             1000, "requests", "of one export")                           \
	X(INSPECT_IMPORT_BYTES,   16777216, "bytes", "file that is imported")                      \
	X(INSPECT_SEARCHES,          4, "searches", "that an agent makes at one time; a further one is answered 429") \
	X(INSPECT_HITS,            500, "requests", "that one search finds")                       \
	X(INSPECT_REDACT_BYTES, 1048576, "bytes", "body in which configured values are hidden; a longer one is not shown then") \
	X(INSPECT_LOOK_BYTES,   262144, "bytes", "of a body in which a search looks for its second word") \
	X(SINK_RULES,               64, "rules", "of a sink")                                       \
	X(SINK_PATH_BYTES,         512, "bytes", "pattern of a path in such a rule")                \
	X(SINK_HEADER_BYTES,      4096, "bytes", "header fields that such a rule gives")            \
	X(SINK_BODY_BYTES,       65536, "bytes", "body that such a rule gives")                     \
	X(SINK_DELAY_MS,         60000, "ms", "that such a rule waits at most")                     \
	X(FILES_LISTED,          10000, "names", "in the list of a folder that the agent serves")   \
	X(FILES_LIST_BYTES,    8388608, "bytes", "of such a list as a page")                        \
	X(AUDIT_ROWS,           100000, "rows", "audit log; older rows are deleted")               \
	X(LOGIN_FAILS,              10, "failures", "bad tokens from one address in a minute")     \
	X(STOP_MS,                5000, "ms", "of a stop, from the cut of connections to the end of the process") \
	X(DRAIN_MS,              30000, "ms", "graceful stop, from SIGTERM to the end of the process")
/* clang-format on */

/*
 * The same numbers as constants, LIMIT_HEAD_BYTES and so on, so that arrays can have
 * them as sizes.
 */
enum {
#define X(name, value, unit, what) LIMIT_##name = (value),
	LIMITS(X)
#undef X
};

/* A row as `aditd -T` prints it. */
struct limit {
	const char *name;
	long long value;
	const char *unit, *what;
};

extern const struct limit limits_table[];
extern const size_t limits_n;

#endif
