/* SPDX-License-Identifier: Apache-2.0 */
/* The first half of an exchange: the request's head is read, judged, and sent to the origin. */
#ifndef ADIT_AGENT_SERVE_HTTP_REQUEST_H
#define ADIT_AGENT_SERVE_HTTP_REQUEST_H

#include "agent/serve/http_stream.h"

/* As flow_ops.head. */
size_t http_request_head(struct flow *f, struct slice bytes, bool fin);
/* The connection ended or broke before the answer's head was whole: the request is sent once more,
 * or the stream ends. */
void http_request_broken(struct http_stream *x);

#endif
