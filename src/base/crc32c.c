/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C: eight bytes at once with SSE 4.2, else four by tables that are made when they are needed first. */
#include "base/crc32c.h"

#include <pthread.h>

#define POLYNOMIAL 0x82f63b78u

static uint32_t tables[4][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
make_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][i] = crc;
	}
	for (size_t k = 1; k < 4; k++)
		for (uint32_t i = 0; i < 256; i++)
			tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 255];
}

static uint32_t
by_tables(uint32_t crc, const unsigned char *p, size_t n)
{
	pthread_once(&once, make_tables);
	for (; n >= 4; p += 4, n -= 4) {
		crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
		       (uint32_t)p[3] << 24;
		crc = tables[3][crc & 255] ^ tables[2][crc >> 8 & 255] ^
		      tables[1][crc >> 16 & 255] ^ tables[0][crc >> 24];
	}
	for (; n > 0; p++, n--)
		crc = crc >> 8 ^ tables[0][(crc ^ *p) & 255];
	return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const unsigned char *p, size_t n)
{
	uint64_t wide = crc, word;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	for (; n > 0; p++, n--)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return crc;
}
#endif

uint32_t
crc32c(uint32_t crc, struct slice bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;

#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(~crc, p, bytes.n);
#endif
	return ~by_tables(~crc, p, bytes.n);
}
