/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of records: made, shared, compared. */
#include "dns/rrset.h"

#include "dns/zone_private.h"

#include <stdlib.h>

struct rrset *
rrset_ref(struct rrset *s)
{
	check(s->refs > 0);
	s->refs++;
	return s;
}

void
rrset_unref(struct rrset *s)
{
	if (s == NULL)
		return;
	check(s->refs > 0);
	if (--s->refs > 0)
		return;
	zone_node_unref(s->node);
	free(s);
}

struct slice
rrset_owner(const struct rrset *s)
{
	return zone_node_name(s->node);
}

bool
rrset_next(const struct rrset *s, size_t *at, struct slice *ret_rdata)
{
	const unsigned char *p = s->rdata + *at;
	size_t n;

	if (*at == s->bytes)
		return false;
	check(*at + 2 <= s->bytes);
	n = (size_t)p[0] << 8 | p[1];
	check(n <= s->bytes - *at - 2);
	*ret_rdata = slice_of(p + 2, n);
	*at += 2 + n;
	return true;
}

bool
rrset_has(const struct rrset *s, struct slice rdata)
{
	struct slice r;

	for (size_t at = 0; rrset_next(s, &at, &r);)
		if (slice_eq(r, rdata))
			return true;
	return false;
}

bool
rrset_eq(const struct rrset *a, const struct rrset *b)
{
	struct slice r;

	if (a == b)
		return true;
	if (a == NULL || b == NULL || a->ttl != b->ttl || a->n != b->n || a->bytes != b->bytes)
		return false;
	for (size_t at = 0; rrset_next(a, &at, &r);)
		if (!rrset_has(b, r))
			return false;
	return true;
}

static struct rrset *
make(struct zone_node *node, uint16_t type, uint32_t ttl, size_t bytes)
{
	struct rrset *s = malloc(sizeof(*s) + bytes);

	if (s == NULL)
		return NULL;
	*s = (struct rrset){ .node = zone_node_ref(node), .refs = 1, .ttl = ttl, .type = type };
	return s;
}

static void
append(struct rrset *s, struct slice rdata)
{
	unsigned char *p = s->rdata + s->bytes;

	p[0] = (unsigned char)(rdata.n >> 8);
	p[1] = (unsigned char)rdata.n;
	if (rdata.n > 0)
		memcpy(p + 2, rdata.p, rdata.n);
	s->bytes += (uint32_t)(2 + rdata.n);
	s->n++;
}

struct rrset *
rrset_with(struct zone_node *node, uint16_t type, uint32_t ttl, const struct rrset *old,
    struct slice rdata)
{
	struct rrset *s = make(node, type, ttl, (old == NULL ? 0 : old->bytes) + 2 + rdata.n);

	if (s == NULL)
		return NULL;
	if (old != NULL) {
		check(old->node == node && old->type == type && old->n < UINT16_MAX);
		memcpy(s->rdata, old->rdata, old->bytes);
		s->bytes = old->bytes;
		s->n = old->n;
	}
	append(s, rdata);
	return s;
}

struct rrset *
rrset_without(const struct rrset *old, struct slice rdata)
{
	struct rrset *s = make(old->node, old->type, old->ttl, old->bytes);
	struct slice r;

	check(old->n > 1);
	for (size_t at = 0; s != NULL && rrset_next(old, &at, &r);)
		if (!slice_eq(r, rdata))
			append(s, r);
	check(s == NULL || s->n == old->n - 1);
	return s;
}

size_t
rrset_cost(const struct rrset *s)
{
	return zone_heap_bytes(sizeof(*s) + s->bytes);
}
