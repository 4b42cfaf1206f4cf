/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: requests of the doctor.  One of a visitor with the field `adit-probe: TICKET` goes end to
 * end as any other, past the inbox, and is neither counted nor stored; with `adit-probe: TICKET
 * edge` it goes through everything that the edge checks, and the edge then answers itself.  Without
 * a good ticket the field means nothing.
 */
#ifndef ADIT_EDGE_VISIT_PROBE_H
#define ADIT_EDGE_VISIT_PROBE_H

#include "edge/visit/exchange.h"

/* enum exchange_probe of this request, whose name is known. */
enum exchange_probe probe_read(const struct exchange *x, struct slice bytes);
/* Answers a probe that ends at the edge. signature: name of a sign_reason, text: its sentence; ""
 * where none is asked for. */
void probe_answer(struct exchange *x, const char *signature, const char *text,
    struct slice read_ahead);

#endif
