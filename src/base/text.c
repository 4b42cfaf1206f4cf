/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal and base64. */
#include "base/text.h"

void
text_hex(const void *src, size_t n, char *dst)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = src;

	for (size_t i = 0; i < n; i++) {
		*dst++ = digits[p[i] >> 4];
		*dst++ = digits[p[i] & 15];
	}
	*dst = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

ptrdiff_t
text_unhex(struct slice s, void *dst, size_t cap)
{
	unsigned char *out = dst;

	if (s.n % 2 != 0 || s.n / 2 > cap)
		return -1;
	for (size_t i = 0; i < s.n; i += 2) {
		int high = hex_digit(s.p[i]), low = hex_digit(s.p[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		*out++ = (unsigned char)(high << 4 | low);
	}
	return (ptrdiff_t)(s.n / 2);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
text_base64(const void *src, size_t n, char *dst)
{
	const unsigned char *p = src;

	for (; n >= 3; n -= 3, p += 3) {
		*dst++ = alphabet[p[0] >> 2];
		*dst++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
		*dst++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
		*dst++ = alphabet[p[2] & 63];
	}
	if (n > 0) {
		*dst++ = alphabet[p[0] >> 2];
		*dst++ = alphabet[(p[0] & 3) << 4 | (n == 2 ? p[1] >> 4 : 0)];
		*dst++ = n == 2 ? alphabet[(p[1] & 15) << 2] : '=';
		*dst++ = '=';
	}
	*dst = '\0';
}

static int
digit64(char c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (url ? '-' : '+'))
		return 62;
	return c == (url ? '_' : '/') ? 63 : -1;
}

/*
 * Strict, since signatures and tokens are compared by what they decode to: one value has one
 * spelling. No line breaks, no foreign alphabet, padding exactly as asked for.
 */
ptrdiff_t
text_unbase64(struct slice s, bool url, bool padded, void *dst, size_t cap)
{
	unsigned char *out = dst;
	size_t n = 0;
	uint32_t acc = 0;
	unsigned bits = 0;

	if (padded) {
		if (s.n % 4 != 0)
			return -1;
		for (int i = 0; i < 2 && s.n > 0 && s.p[s.n - 1] == '='; i++)
			s.n--;
	}
	/* Six bits alone are no byte. */
	if (s.n % 4 == 1)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		int d = digit64(s.p[i], url);

		if (d < 0)
			return -1;
		acc = acc << 6 | (uint32_t)d;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (n == cap)
			return -1;
		out[n++] = (unsigned char)(acc >> bits);
		acc &= (1u << bits) - 1;
	}
	return acc == 0 ? (ptrdiff_t)n : -1; /* bits past the end must be zero */
}
