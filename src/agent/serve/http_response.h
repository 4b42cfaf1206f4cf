/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of an exchange: the origin's answer is read, judged, and passed on. */
#ifndef ADIT_AGENT_SERVE_HTTP_RESPONSE_H
#define ADIT_AGENT_SERVE_HTTP_RESPONSE_H

#include "agent/serve/http_stream.h"

/* The connection may have bytes of the answer's head. */
void http_response_readable(struct http_stream *x);

#endif
