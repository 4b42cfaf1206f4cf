/* SPDX-License-Identifier: Apache-2.0 */
/* Text of other machines on its way to a terminal. */
#ifndef ADIT_AGENT_PLAIN_H
#define ADIT_AGENT_PLAIN_H

#include "base/buf.h"

/* Appends s; what a terminal could obey (C0 and C1 controls, in UTF-8, too) becomes '?'. */
void plain_put(struct buf *out, struct slice s);

#endif
