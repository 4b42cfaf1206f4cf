/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes of the kernel. */
#include "base/rand.h"

#include "base/check.h"

#include <errno.h>
#include <sys/random.h>

void
rand_bytes(void *dst, size_t n)
{
	char *p = dst;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		/*
		 * It waits, once after the start of the machine, until the kernel has entropy.
		 */
		if (got < 0 && errno == EINTR)
			continue;
		check(got > 0);
		p += got;
		n -= (size_t)got;
	}
}

uint64_t
rand_u64(void)
{
	uint64_t v;

	rand_bytes(&v, sizeof(v));
	return v;
}

uint64_t
rand_below(uint64_t below)
{
	uint64_t v, limit;

	check(below > 0);
	/* What lies behind the last whole multiple would make small results likelier. */
	limit = UINT64_MAX - UINT64_MAX % below;
	do {
		v = rand_u64();
	} while (v >= limit);
	return v % below;
}

void
rand_name(char *dst, size_t n)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (size_t i = 0; i < n; i++) {
		unsigned char b;

		/* Not a digit in front: a name of digits could be read as an address. */
		do {
			rand_bytes(&b, 1);
			b &= 31;
		} while (i == 0 && b >= 26);
		dst[i] = alphabet[b];
	}
	dst[n] = '\0';
}
