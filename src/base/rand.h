/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Randomness of the kernel alone: nothing to seed, nothing that two processes could share after a
 * fork. For secrets and for spreading alike, since the call is cheap enough for both.
 */
#ifndef ADIT_BASE_RAND_H
#define ADIT_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the kernel's generator; aborts when there is none. */
void rand_bytes(void *dst, size_t n);
uint64_t rand_u64(void);
/* Uniform in [0, below); below > 0. */
uint64_t rand_below(uint64_t below);
/*
 * A random name of `n` characters a-z and 2-7 (5 bits each), NUL-terminated: 16
 * characters are 80 bits.  The first is always a letter.  dst holds n + 1.
 */
void rand_name(char *dst, size_t n);

#endif
