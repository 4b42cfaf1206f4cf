/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of an exchange: the origin's answer is read, judged, and passed on. */
#ifndef ADIT_AGENT_SERVE_HTTP_RESPONSE_H
#define ADIT_AGENT_SERVE_HTTP_RESPONSE_H

#include "agent/serve/http_stream.h"

/* The connection may have bytes of the answer's head. */
void answer_readable(struct exchange *x);

/* --- what exchange.c lends it --- */
void exchange_move(struct exchange *x, enum exchange_state to);
void exchange_end(struct exchange *x, enum link_code code);
/* The connection ended or broke before the answer's head was whole. */
void exchange_broken(struct exchange *x);

#endif
