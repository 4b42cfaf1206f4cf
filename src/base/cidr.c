/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of IPv4 and IPv6, and whether an address is in one. */
#include "base/cidr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

/* ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2) */
static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* 192.0.2.1/24 is a slip: one host was meant, or the whole network. We do not guess. */
static bool
behind_prefix_is_zero(const struct cidr *c)
{
	for (unsigned bit = c->bits; bit < 128; bit++)
		if (c->address[bit / 8] >> (7 - bit % 8) & 1)
			return false;
	return true;
}

const char *
cidr_parse(struct slice s, struct cidr *ret)
{
	struct slice host = slice_cut(&s, '/');
	struct cidr c = { .bits = 128 };
	char text[64];
	uint64_t bits;
	bool v4;

	if (!slice_z(host, text, sizeof(text)))
		return "not an address";
	v4 = inet_pton(AF_INET, text, c.address + 12) == 1;
	if (v4)
		memcpy(c.address, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, text, c.address) != 1)
		return "not an IPv4 or IPv6 address";
	/* slice_cut() leaves NULL where there was no slash: one address then, all its bits. */
	if (s.p != NULL) {
		if (!slice_u64(s, &bits) || bits > (v4 ? 32 : 128))
			return "the prefix length is not a number of bits of this address";
		c.bits = (unsigned)bits + (v4 ? 96 : 0);
	}
	if (!behind_prefix_is_zero(&c))
		return "bits are set behind the prefix; write the network's own address";
	*ret = c;
	return NULL;
}

const char *
cidr_set_add(struct cidr_set *set, struct slice s)
{
	struct cidr c, *blocks;
	const char *why = cidr_parse(s, &c);

	if (why != NULL)
		return why;
	blocks = realloc(set->blocks, (set->n + 1) * sizeof(*blocks));
	if (blocks == NULL)
		return "out of memory";
	set->blocks = blocks;
	blocks[set->n++] = c;
	return NULL;
}

void
cidr_set_fini(struct cidr_set *set)
{
	free(set->blocks);
	*set = (struct cidr_set){ 0 };
}

bool
cidr_set_same(const struct cidr_set *a, const struct cidr_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->blocks[i].bits != b->blocks[i].bits ||
		    memcmp(a->blocks[i].address, b->blocks[i].address, 16) != 0)
			return false;
	return true;
}

static bool
matches(const struct cidr *c, const unsigned char address[16])
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;

	if (memcmp(c->address, address, whole) != 0)
		return false;
	return rest == 0 || (c->address[whole] ^ address[whole]) >> (8 - rest) == 0;
}

bool
cidr_set_has(const struct cidr_set *set, const struct sockaddr_storage *ss)
{
	unsigned char address[16];

	if (ss->ss_family == AF_INET) {
		memcpy(address, mapped, sizeof(mapped));
		memcpy(address + 12, &((const struct sockaddr_in *)(const void *)ss)->sin_addr, 4);
	} else if (ss->ss_family == AF_INET6) {
		memcpy(address, &((const struct sockaddr_in6 *)(const void *)ss)->sin6_addr, 16);
	} else {
		return false;
	}
	/* People write these lists, so they are short; order does not matter. */
	for (size_t i = 0; i < set->n; i++)
		if (matches(&set->blocks[i], address))
			return true;
	return false;
}
