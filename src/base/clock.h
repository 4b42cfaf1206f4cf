/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two clocks that are never mixed: monotonic for every timer, wall for people,
 * certificates and signatures.  Pure rooms take time as a parameter instead.
 */
#ifndef ADIT_BASE_CLOCK_H
#define ADIT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_us(void);
/* CLOCK_BOOTTIME: runs on while the machine sleeps; a jump against mono is a resume. */
int64_t clock_boot_us(void);
int64_t clock_wall_ms(void); /* since 1970-01-01 UTC */
/* RFC 3339 with milliseconds, "2026-11-24T18:00:00.000Z"; dst of at least so many bytes. */
#define CLOCK_RFC3339_BYTES 25
void clock_rfc3339(int64_t wall_ms, char *dst, size_t cap);

#endif
