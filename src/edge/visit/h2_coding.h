/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a struct h2_front is read and written with.  The texts between this and the exchange are those
 * of HTTP/1.1, since the one parser of heads and bodies reads them: a body without a length is read in
 * the chunked coding, and an answer's coding is taken off again.  So trailers pass both ways without
 * a line of their own here.
 */
#ifndef ADIT_EDGE_VISIT_H2_CODING_H
#define ADIT_EDGE_VISIT_H2_CODING_H

#include "net/conn.h"

extern const struct conn_ops h2_coding_ops;

#endif
