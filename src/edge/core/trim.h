/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that was freed goes back to the system.  malloc keeps what lies between things that are
 * still in use, so an attack or a busy hour would stay in the books for ever; now and then, when
 * much was freed, it is told to give its empty pages back.
 */
#ifndef ADIT_EDGE_CORE_TRIM_H
#define ADIT_EDGE_CORE_TRIM_H

#include "net/loop.h"

struct trim {
	struct loop_timer tick;
	struct loop *loop; /* NULL: not started */
	size_t low;        /* least bytes that were free since the last time */
};

void trim_start(struct trim *t, struct loop *main_loop);
void trim_stop(struct trim *t);

#endif
