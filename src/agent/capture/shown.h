/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kept body as people may see it.  Where the configuration names values in JSON (redact.h), a body is shown
 * with stars in their place; one that cannot be looked through is not shown at all: it may hold them.
 */
#ifndef ADIT_AGENT_CAPTURE_SHOWN_H
#define ADIT_AGENT_CAPTURE_SHOWN_H

#include "agent/capture/exchange.h"

enum shown_as {
	SHOWN_WHOLE,    /* nothing is to be hidden: read it with exchange_read() */
	SHOWN_REDACTED, /* it is in the buffer */
	SHOWN_NOT,      /* no JSON (or packed, or cut), or longer than LIMIT_INSPECT_REDACT_BYTES */
};

/* out: empty; its maximum should be twice the limit. Left alone where the whole is shown. */
enum shown_as shown_body(struct capture *c, struct captured *e, enum tap_side side,
    struct buf *out);

#endif
