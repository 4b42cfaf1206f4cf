/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The close table: every way in which an exchange can go wrong through somebody's
 * fault or absence.  One row gives the name (header `adit-error`, log, metrics),
 * who is to blame, the HTTP status and the sentence that people read.
 *
 * Names are public and stay as they are for ever; the numbers of enum close_code do
 * not: they never leave the program.
 */
#ifndef ADIT_HTTP_CLOSE_H
#define ADIT_HTTP_CLOSE_H

#include "base/slice.h"

enum blame { BLAME_VISITOR, BLAME_AGENT, BLAME_ORIGIN, BLAME_EDGE, BLAME_NOBODY };

/* clang-format off */
/* X(symbol, name, blame, status, retry-after seconds or 0, what happened, what to do) */
#define CLOSE_TABLE(X)                                                                             \
	X(OK, "ok", NOBODY, 200, 0, "", "")                                                        \
	/* The message itself.  Of a response these are only the detail (h1.fault): the visitor */ \
	/* is told origin-bad-response. */                                                         \
	X(BAD_REQUEST_LINE, "bad-request-line", VISITOR, 400, 0,                                   \
	  "The request line is not valid HTTP/1.1.",                                               \
	  "Send METHOD SP target SP HTTP/1.1 and CRLF (RFC 9112 section 3).")                      \
	X(BAD_TARGET, "bad-target", VISITOR, 400, 0,                                               \
	  "The request target is malformed or does not fit the method.",                           \
	  "Send /path?query, percent-encoded where need be, without a #fragment.")                 \
	X(BAD_SCHEME, "bad-scheme", VISITOR, 400, 0,                                               \
	  "The :scheme of the request is not https, though its connection has TLS.",               \
	  "Send https:// requests to this port.")                                                  \
	X(BAD_VERSION, "bad-version", VISITOR, 400, 0,                                             \
	  "The version is neither HTTP/1.1 nor HTTP/1.0.",                                         \
	  "Send exactly HTTP/1.1.")                                                                \
	X(VERSION_UNSUPPORTED, "version-unsupported", VISITOR, 505, 0,                             \
	  "This version of HTTP is not spoken on this connection.",                                \
	  "Use HTTP/1.1, or HTTP/2 over TLS by ALPN.")                                             \
	X(BAD_LINE_ENDING, "bad-line-ending", VISITOR, 400, 0,                                     \
	  "A line does not end with CR LF, or a CR or LF stands alone.",                           \
	  "End every line of the head and of the chunked coding with CR LF.")                      \
	X(BAD_FIELD_NAME, "bad-field-name", VISITOR, 400, 0,                                       \
	  "A header field has no name, no colon, or a character that names may not have.",         \
	  "Send Name: value, without a space before the colon.")                                   \
	X(BAD_FIELD_VALUE, "bad-field-value", VISITOR, 400, 0,                                     \
	  "A header field's value holds a control character.",                                     \
	  "Only printable characters, spaces and tabs may stand in a value.")                      \
	X(OBS_FOLD, "obs-fold", VISITOR, 400, 0,                                                   \
	  "A header field is folded over several lines.",                                          \
	  "Send each header field on one line; no line of the head may begin with a space.")       \
	X(BAD_CONNECTION, "bad-connection", VISITOR, 400, 0,                                       \
	  "The Connection field names a field that must not be removed, or too many.",             \
	  "Name only hop-by-hop fields in Connection.")                                            \
	X(BOTH_LENGTHS, "both-lengths", VISITOR, 400, 0,                                           \
	  "The message has both Content-Length and Transfer-Encoding.",                            \
	  "Send one of them; two readers could see two different messages.")                       \
	X(BAD_LENGTH, "bad-length", VISITOR, 400, 0,                                               \
	  "Content-Length is not one plain decimal number, or was sent twice.",                \
	  "Send Content-Length once, with digits only.")                                           \
	X(BAD_TRANSFER_ENCODING, "bad-transfer-encoding", VISITOR, 400, 0,                         \
	  "Transfer-Encoding is not exactly \"chunked\", was sent twice, or in HTTP/1.0.",     \
	  "Send Transfer-Encoding: chunked once, or a Content-Length.")                            \
	X(BAD_CHUNK, "bad-chunk", VISITOR, 400, 0,                                                 \
	  "The chunked coding of the body is malformed.",                                          \
	  "Send hexadecimal size, CR LF, that many bytes, CR LF (RFC 9112 section 7.1).")          \
	X(BAD_EXPECT, "bad-expect", VISITOR, 417, 0,                                               \
	  "The Expect field asks for something that is not known here.",                           \
	  "Send Expect: 100-continue once, or leave it out.")                                      \
	X(HOST_MISSING, "host-missing", VISITOR, 400, 0,                                           \
	  "The request has no Host field.",                                                        \
	  "Send Host with the name of the tunnel.")                                                \
	X(TWO_HOSTS, "two-hosts", VISITOR, 400, 0,                                                 \
	  "The request has more than one Host field.",                                             \
	  "Send Host once.")                                                                       \
	X(BAD_HOST, "bad-host", VISITOR, 400, 0,                                                   \
	  "The Host of the request is not a host name or address with an optional port.",          \
	  "Send Host: name or Host: name:port.")                                                   \
	X(DUPLICATE_AUTHORIZATION, "duplicate-authorization", VISITOR, 400, 0,                     \
	  "The request has more than one Authorization field.",                                    \
	  "Send Authorization once.")                                                              \
	X(EARLY_END, "early-end", VISITOR, 400, 0,                                                 \
	  "The connection ended before the message did.",                                          \
	  "Send as many bytes as Content-Length says, or the last chunk.")                         \
	X(BAD_STATUS_LINE, "bad-status-line", ORIGIN, 502, 0,                                      \
	  "The status line of the response is not valid HTTP/1.1.",                                \
	  "Correct the local server; it must speak HTTP/1.1.")                                     \
	X(BAD_SWITCH, "bad-switch", ORIGIN, 502, 0,                                                \
	  "A response 101 does not say what it switches to.",                                      \
	  "Correct the local server: 101 needs Connection: upgrade and Upgrade.")                  \
	X(HEAD_TOO_LARGE, "head-too-large", VISITOR, 431, 0,                                       \
	  "The header fields are larger or more than this edge takes.",                            \
	  "Send fewer or shorter fields; cookies are the usual reason.")                           \
	X(TARGET_TOO_LONG, "target-too-long", VISITOR, 414, 0,                                     \
	  "The request line is longer than this edge takes.",                                      \
	  "Move long parameters from the URL into the body.")                                      \
	X(TRAILER_TOO_LARGE, "trailer-too-large", VISITOR, 431, 0,                                 \
	  "The trailer section behind the body is larger than this edge takes.",                   \
	  "Send fewer or shorter trailer fields.")                                                 \
	/* the visitor's conduct and the policy of a route */                                      \
	X(BODY_TOO_LARGE, "body-too-large", VISITOR, 413, 0,                                       \
	  "The body is larger than this tunnel takes.",                                            \
	  "Send less, or raise the body limit of the tunnel.")                                     \
	X(SLOW_HEAD, "slow-head", VISITOR, 408, 0,                                                 \
	  "The request head did not arrive in time.",                                              \
	  "Send it again.")                                                                        \
	X(SLOW_BODY, "slow-body", VISITOR, 408, 0,                                                 \
	  "The request body arrives too slowly.",                                                  \
	  "Send it again over a better connection.")                                               \
	X(CONNECT_REFUSED, "connect-refused", VISITOR, 501, 0,                                     \
	  "This is not a forward proxy: CONNECT is not served.",                                   \
	  "Send the request itself; to tunnel TCP, open: adit tcp PORT.")                          \
	X(MISDIRECTED, "misdirected", VISITOR, 421, 0,                                             \
	  "This TLS connection was opened for another name than the request's Host.",              \
	  "Open a connection of its own for each host.")                                           \
	X(PLAIN_HTTP_ON_TLS, "plain-http-on-tls", VISITOR, 400, 0,                                 \
	  "A plain HTTP request was sent to a port that speaks TLS.",                              \
	  "Use https:// instead of http://.")                                                      \
	X(UNAUTHORIZED, "unauthorized", VISITOR, 401, 0,                                           \
	  "This tunnel asks for credentials, and none or wrong ones were sent.",                   \
	  "Send the user name and password of the tunnel.")                                        \
	X(FORBIDDEN, "forbidden", VISITOR, 403, 0,                                                 \
	  "This tunnel does not let this request through.",                                        \
	  "Its owner decides which paths and addresses are allowed: see allow: in adit.yml.")      \
	X(METHOD_NOT_ALLOWED, "method-not-allowed", VISITOR, 405, 0,                               \
	  "This tunnel does not take requests of this method.",                                    \
	  "Its owner decides which methods are allowed: see methods in the tunnel's policy.")      \
	X(RATE_LIMITED, "rate-limited", VISITOR, 429, 10,                                          \
	  "Too many requests in a short time.",                                                    \
	  "Wait as long as Retry-After says, then send it again.")                                 \
	X(BAD_SIGNATURE, "bad-signature", VISITOR, 401, 0,                                         \
	  "The webhook's signature is missing or wrong.",                                          \
	  "Give both sides the same secret: the webhook's settings and the tunnel.")               \
	/* names */                                                                                \
	X(UNKNOWN_NAME, "unknown-name", VISITOR, 404, 0,                                           \
	  "No tunnel of this name exists on this edge.",                                           \
	  "Check the spelling, or open it: adit http 8080 --name NAME.")                           \
	X(RELEASED_NAME, "released-name", VISITOR, 410, 0,                                         \
	  "The owner of this name gave it up, and nobody else gets it.",                \
	  "Remove the webhook or link that still points here.")                                    \
	X(NAME_DISABLED, "name-disabled", VISITOR, 403, 0,                                         \
	  "The operator of this edge has disabled this name.",                                     \
	  "Its owner asks the operator why; aditd name enable NAME switches it on again.")         \
	X(DOMAIN_SUSPENDED, "domain-suspended", VISITOR, 404, 0,                                   \
	  "The DNS of this domain does not show any more that its owner wants it here.",           \
	  "Its owner sets the DNS record again: adit domain list says which.")                     \
	/* agent and link */                                                                       \
	X(AGENT_AWAY, "agent-away", AGENT, 503, 5,                                                 \
	  "The agent of this tunnel is not connected.",                                            \
	  "Start it beside the server: adit start NAME; it connects again by itself.")             \
	X(NO_TUNNEL, "no-tunnel", AGENT, 503, 5,                                                   \
	  "The agent is connected, but it does not serve this tunnel now.",                        \
	  "Start it beside the server: adit start NAME.")                                          \
	X(LINK_LOST, "link-lost", AGENT, 502, 0,                                                   \
	  "The connection to the agent broke while the request was under way.",                    \
	  "Send it again if that is safe; the agent connects again by itself.")                    \
	X(TOO_MANY_STREAMS, "too-many-streams", AGENT, 503, 2,                                     \
	  "Too many requests are under way on this tunnel.",                                       \
	  "Wait as long as Retry-After says; see whether the local server hangs.")                 \
	/* origin */                                                                               \
	X(ORIGIN_REFUSED, "origin-refused", ORIGIN, 502, 5,                                        \
	  "The agent is here, but the local server did not accept its connection.",                \
	  "Start the local server, or correct the address given to adit.")                         \
	X(ORIGIN_SILENT, "origin-silent", ORIGIN, 504, 0,                                          \
	  "The local server accepted the request, but did not answer in time.",                    \
	  "See what the local server is busy with.")                                               \
	X(ORIGIN_BROKE, "origin-broke", ORIGIN, 502, 0,                                            \
	  "The local server closed the connection before it had answered.",                        \
	  "See the local server's log for a crash or a time limit.")                               \
	X(ORIGIN_TLS, "origin-tls", ORIGIN, 502, 0,                                                \
	  "TLS with the local server failed.",                                                     \
	  "Check whether it speaks TLS on this port, and whether its certificate is trusted.")     \
	X(ORIGIN_BAD_RESPONSE, "origin-bad-response", ORIGIN, 502, 0,                              \
	  "The local server's response is not valid HTTP/1.1.",                                    \
	  "The log names the fault; correct the local server or its framework.")                   \
	X(ORIGIN_LARGE_HEAD, "origin-large-head", ORIGIN, 502, 0,                                  \
	  "The head of the local server's response has more than 100 fields, or 32 KiB.",          \
	  "Let the local server send fewer or shorter fields; cookies are the usual reason.")      \
	/* edge */                                                                                 \
	X(OVERLOAD, "overload", EDGE, 503, 5,                                                      \
	  "This edge has reached one of its limits.",                                              \
	  "Wait as long as Retry-After says, then send it again.")                                 \
	X(STOPPING, "stopping", EDGE, 503, 5,                                                      \
	  "This edge is being restarted.",                                                         \
	  "Wait as long as Retry-After says, then send it again.")                                 \
	X(NO_CERTIFICATE, "no-certificate", EDGE, 503, 60,                                         \
	  "This domain has no certificate yet, so https:// does not work for it.",                 \
	  "Send it again later; its owner sees what is missing with: adit domain list.")           \
	X(STORE_FULL, "store-full", EDGE, 503, 60,                                                 \
	  "The inbox could not be written, so nothing was accepted.",                              \
	  "Send it again later; the operator of the edge must look at its disk and database.")       \
	X(INTERNAL, "internal", EDGE, 500, 0,                                                      \
	  "The edge failed through a fault of its own.",                                           \
	  "Report it with the request id.")
/* clang-format on */

enum close_code {
#define X(symbol, ...) CLOSE_##symbol,
	CLOSE_TABLE(X)
#undef X
};
enum {
#define X(...) +1
	CLOSE_ROWS = 0 CLOSE_TABLE(X)
#undef X
};

struct close_row {
	const char *name;
	enum blame blame;
	int status;
	int retry_after_s;
	const char *what, *remedy;
};
/* Never NULL: a number outside the table is answered with the row of CLOSE_INTERNAL. */
const struct close_row *close_row(enum close_code code);
/* NULL: no row has this name. */
const struct close_row *close_find(struct slice name);

#endif
