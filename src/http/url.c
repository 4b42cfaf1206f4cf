/* SPDX-License-Identifier: Apache-2.0 */
/* Brings hosts and names into one form. */
#include "http/url.h"

#include <arpa/inet.h>

#define LABEL_BYTES_MAX 63

/* clang-format off */
/* Letters, digits and '-' (RFC 1123), folded to lower case; 0 for every other byte. */
static const char ldh[256] = {
	['-'] = '-',
#define D(c) [c] = c
	D('0'), D('1'), D('2'), D('3'), D('4'), D('5'), D('6'), D('7'), D('8'), D('9'),
#undef D
#define L(up, low) [up] = low, [low] = low
	L('A', 'a'), L('B', 'b'), L('C', 'c'), L('D', 'd'), L('E', 'e'), L('F', 'f'), L('G', 'g'),
	L('H', 'h'), L('I', 'i'), L('J', 'j'), L('K', 'k'), L('L', 'l'), L('M', 'm'), L('N', 'n'),
	L('O', 'o'), L('P', 'p'), L('Q', 'q'), L('R', 'r'), L('S', 's'), L('T', 't'), L('U', 'u'),
	L('V', 'v'), L('W', 'w'), L('X', 'x'), L('Y', 'y'), L('Z', 'z'),
#undef L
};
/* clang-format on */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* As people and programs write it: no sign, no leading zero, not 0, five digits at most. */
static bool
parse_port(struct slice s, uint16_t *ret_port)
{
	unsigned v = 0;

	if (s.n == 0 || s.n > 5 || s.p[0] == '0')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return false;
		v = v * 10 + (unsigned)(s.p[i] - '0');
	}
	if (v > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)v;
	return true;
}

/* Digits only, or 0x and hexadecimal digits: resolvers take such a last label
 * for an IPv4 address. */
static bool
is_number(struct slice label)
{
	size_t i = 0;

	if (label.n >= 2 && label.p[0] == '0' && label.p[1] == 'x') {
		for (i = 2; i < label.n; i++)
			if (!is_digit(label.p[i]) && !(label.p[i] >= 'a' && label.p[i] <= 'f'))
				return false;
		return true;
	}
	while (i < label.n && is_digit(label.p[i]))
		i++;
	return i == label.n;
}

/*
 * Four plain numbers: other spellings (127.1, 0x7f.1) are for some resolvers the same host and
 * for us another.
 */
static bool
is_ipv4(struct slice s)
{
	int parts = 0;

	while (s.p != NULL) {
		struct slice part = slice_cut(&s, '.');
		uint64_t v;

		if (part.n > 3 || !slice_u64(part, &v) || v > 255)
			return false;
		if (part.n > 1 && part.p[0] == '0')
			return false;
		parts++;
	}
	return parts == 4;
}

/* Folds a host name into dst (at least URL_HOST_BYTES); its length, or 0 when it is none. */
static size_t
fold_name(struct slice s, char *dst)
{
	size_t label = 0; /* where the current one begins */

	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	if (s.n == 0 || s.n >= URL_HOST_BYTES)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = ldh[(unsigned char)s.p[i]];

		if (c == 0) {
			if (s.p[i] != '.' || i == label || i - label > LABEL_BYTES_MAX ||
			    dst[label] == '-' || dst[i - 1] == '-')
				return 0;
			label = i + 1;
			c = '.';
		}
		dst[i] = c;
	}
	if (s.n == label || s.n - label > LABEL_BYTES_MAX || dst[label] == '-' ||
	    dst[s.n - 1] == '-')
		return 0;
	if (is_digit(dst[label]) && is_number(slice_of(dst + label, s.n - label)) &&
	    !is_ipv4(slice_of(dst, s.n)))
		return 0;
	return s.n;
}

/* s: what stands between the brackets. */
static size_t
fold_ipv6(struct slice s, char *dst)
{
	char z[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN];
	struct in6_addr in;
	size_t n;

	/* inet_pton() takes neither zone ids nor brackets, and one spelling of the IPv4 tail */
	if (!slice_z(s, z, sizeof(z)) || inet_pton(AF_INET6, z, &in) != 1)
		return 0;
	if (inet_ntop(AF_INET6, &in, text, sizeof(text)) == NULL)
		return 0;
	n = strlen(text);
	dst[0] = '[';
	memcpy(dst + 1, text, n);
	dst[n + 1] = ']';
	return n + 2;
}

/*
 * What is left of the host behind the first colon must be a port: nothing is cut
 * off and forgotten.
 */
bool
url_authority(struct slice s, char *dst, size_t cap, uint16_t *ret_port)
{
	uint16_t port = 0;
	size_t n, at;

	check(cap >= URL_HOST_BYTES);
	if (s.n > 0 && s.p[0] == '[') {
		at = slice_find(s, ']');
		if (at == SIZE_MAX)
			return false;
		n = fold_ipv6(slice_of(s.p + 1, at - 1), dst);
		at++;
	} else {
		at = slice_find(s, ':');
		if (at == SIZE_MAX)
			at = s.n;
		n = fold_name(slice_head(s, at), dst);
	}
	if (n == 0)
		return false;
	if (at < s.n && (s.p[at] != ':' || !parse_port(slice_from(s, at + 1), &port)))
		return false;
	check(n < URL_HOST_BYTES);
	dst[n] = '\0';
	*ret_port = port;
	return true;
}

/* --- names of tunnels --- */

/* The reasons are whole sentences: an agent prints them as they stand. */
const char *
url_name(struct slice s, char *dst, size_t cap)
{
	char name[LABEL_BYTES_MAX + 1];
	struct slice folded = { name, s.n };

	check(cap > LABEL_BYTES_MAX);
	if (s.n == 0)
		return "A name must not be empty.";
	if (s.n > LABEL_BYTES_MAX)
		return "A name has at most 63 characters.";
	for (size_t i = 0; i < s.n; i++) {
		name[i] = ldh[(unsigned char)s.p[i]];
		if (s.p[i] == '.')
			return "A name is one label: it has no dots; the edge adds its domain.";
		if (name[i] == 0)
			return "A name consists of the letters a-z, digits and '-'.";
	}
	if (name[0] == '-' || name[s.n - 1] == '-')
		return "A name neither begins nor ends with '-'.";
	if (s.n >= 4 && name[2] == '-' && name[3] == '-')
		return "A name has no \"--\" in third place: that is kept for IDN (xn--).";
	if (is_number(folded))
		return "A name must not be a number.";
	memcpy(dst, name, s.n);
	dst[s.n] = '\0';
	return NULL;
}
