/* SPDX-License-Identifier: Apache-2.0 */
/* What this process uses, as the kernel counts it (proc(5), getrusage(2)). */
#ifndef ADIT_BASE_PROCESS_H
#define ADIT_BASE_PROCESS_H

#include "base/check.h"

#include <stdint.h>

struct process_use {
	int64_t cpu_us;             /* user and system, all threads */
	uint64_t resident_bytes;    /* 0: not known */
	uint64_t open_fds, fds_max; /* 0: not known */
	double start_s;             /* seconds since 1970; 0: not known */
};

/* What cannot be found out is 0.  Reads some files of /proc: not for a worker. */
void process_use(struct process_use *ret);

#endif
