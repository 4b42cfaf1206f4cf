/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The close table: every way in which an exchange can go wrong through somebody's
 * fault or absence.  One row gives the name (header `adit-error`, log, metrics),
 * who is to blame, the HTTP status and the sentence that people read.
 */
#ifndef ADIT_HTTP_CLOSE_H
#define ADIT_HTTP_CLOSE_H

#include "base/slice.h"

enum blame { BLAME_VISITOR, BLAME_AGENT, BLAME_ORIGIN, BLAME_EDGE, BLAME_NOBODY };

/* clang-format off */
/* X(symbol, name, blame, status, retry-after seconds or 0, what happened, what to do) */
#define CLOSE_TABLE(X)                                                                             \
	X(OK, "ok", NOBODY, 200, 0, "", "")                                                        \
	X(BAD_REQUEST_LINE, "bad-request-line", VISITOR, 400, 0,                                   \
	  "The request line is not valid HTTP/1.1.",                                               \
	  "Send METHOD SP target SP HTTP/1.1 and CRLF (RFC 9112 section 3).")                      \
	/* ... the http room adds the rows that its parser needs ... */                            \
	X(UNKNOWN_NAME, "unknown-name", VISITOR, 404, 0,                                           \
	  "No tunnel of this name exists on this edge.",                                           \
	  "Check the spelling, or open it: adit http 8080 --name NAME.")                           \
	X(RELEASED_NAME, "released-name", VISITOR, 410, 0,                                         \
	  "This name was given up by its owner and is not handed to anybody else.",                \
	  "Remove the webhook or link that still points here.")                                    \
	X(AGENT_AWAY, "agent-away", AGENT, 503, 5,                                                 \
	  "The agent of this tunnel is not connected.",                                            \
	  "Start it beside the server: adit start NAME; it connects again by itself.")             \
	X(ORIGIN_REFUSED, "origin-refused", ORIGIN, 502, 5,                                        \
	  "The agent is here, but the local server did not accept its connection.",                \
	  "Start the local server, or correct the address given to adit.")
/* clang-format on */

enum close_code {
#define X(symbol, ...) CLOSE_##symbol,
	CLOSE_TABLE(X)
#undef X
};

struct close_row {
	const char *name;
	enum blame blame;
	int status;
	int retry_after_s;
	const char *what, *remedy;
};
const struct close_row *close_row(enum close_code code);

#endif
