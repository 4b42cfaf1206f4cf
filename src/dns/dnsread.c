/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader of messages: bounded, and free of loops by construction. */
#include "dns/dnsread.h"

#include "base/wire.h"
#include "dns/rr.h"

/*
 * A pointer may lead to a pointer. Without a ceiling, a message full of them would cost its length
 * for each of its names; a name has no more parts than labels.
 */
#define JUMPS_MAX DNAME_LABELS

static struct slice
take(struct dnsread *r, size_t n)
{
	check(r->at <= r->all.n);
	if (r->failed || n > r->all.n - r->at) {
		r->failed = true;
		return S("");
	}
	r->at += n;
	return slice_of(r->all.p + r->at - n, n);
}

static uint32_t
take_uint(struct dnsread *r, size_t n)
{
	struct wire_in w = wire_in(take(r, n));

	return (uint32_t)wire_uint(&w, w.left.n);
}

bool
dnsread_begin(struct dnsread *r, struct slice message)
{
	*r = (struct dnsread){ .all = message };
	if (message.n > DNS_MESSAGE_BYTES)
		return false;
	r->id = (uint16_t)take_uint(r, 2);
	r->flags = (uint16_t)take_uint(r, 2);
	for (size_t i = 0; i < DNS_SECTIONS; i++)
		r->counts[i] = (uint16_t)take_uint(r, 2);
	return !r->failed;
}

/*
 * Expands the name at `at` and gives the bytes that it takes there, 0 for a fault. `end` bounds
 * what is read before the first pointer; behind one, all lies before the place where it stood.
 */
static size_t
expand(struct slice all, size_t at, size_t end, bool pointers, struct dname *ret)
{
	const unsigned char *p = (const unsigned char *)all.p;
	size_t from = at, took = 0, n = 0;
	unsigned jumps = 0;

	for (;;) {
		unsigned c;

		if (at >= end)
			return 0;
		c = p[at];
		if (c >= 0xc0) {
			if (!pointers || end - at < 2 || jumps++ == JUMPS_MAX)
				return 0;
			if (took == 0)
				took = at + 2 - from;
			end = from; /* strictly backwards: `from` falls with each pointer */
			at = from = (c & 0x3f) << 8 | p[at + 1];
			if (at < DNS_HEADER_BYTES || at >= end)
				return 0;
			continue;
		}
		if (c > DNAME_LABEL_BYTES || c >= end - at || n + 1 + c > DNAME_BYTES)
			return 0;
		memcpy(ret->p + n, p + at, 1 + c);
		n += 1 + c;
		at += 1 + c;
		if (c == 0)
			break;
	}
	ret->n = (uint8_t)n;
	return took == 0 ? at - from : took;
}

static void
take_name(struct dnsread *r, bool pointers, struct dname *ret)
{
	size_t n = r->failed ? 0 : expand(r->all, r->at, r->all.n, pointers, ret);

	if (n == 0)
		r->failed = true;
	else
		r->at += n;
}

void
dnsread_question(struct dnsread *r, struct dns_question *ret)
{
	*ret = (struct dns_question){ 0 };
	take_name(r, false, &ret->name);
	ret->type = (uint16_t)take_uint(r, 2);
	ret->class = (uint16_t)take_uint(r, 2);
}

void
dnsread_record(struct dnsread *r, struct dns_record *ret)
{
	*ret = (struct dns_record){ .at = r->at };
	take_name(r, true, &ret->owner);
	ret->type = (uint16_t)take_uint(r, 2);
	ret->class = (uint16_t)take_uint(r, 2);
	ret->ttl = take_uint(r, 4);
	ret->rdata = take(r, take_uint(r, 2));
	ret->rdata_at = r->at - ret->rdata.n;
}

ptrdiff_t
dnsread_rdata(const struct dnsread *r, const struct dns_record *rr, unsigned char *dst, size_t cap)
{
	const struct rr_shape *shape = rr_shape(rr->type);
	size_t at = rr->rdata_at, end = at + rr->rdata.n;
	struct wire_out out = wire_out(dst, cap);

	check(end <= r->all.n);
	if (rr->rdata.n < shape->before)
		return -1;
	wire_put(&out, slice_head(rr->rdata, shape->before));
	at += shape->before;
	for (unsigned i = 0; i < shape->names; i++) {
		struct dname name, lower;
		/* Some compress where they should not: it is understood (RFC 3597 4). */
		size_t n = expand(r->all, at, end, true, &name);

		if (n == 0)
			return -1;
		dname_set_lower(&lower, dname_slice(&name));
		wire_put(&out, dname_slice(&lower));
		at += n;
	}
	if (end - at < shape->after)
		return -1;
	wire_put(&out, slice_of(r->all.p + at, end - at));
	at += shape->after;
	if (out.failed || !rr_tail_ok(shape->tail, slice_of(r->all.p + at, end - at)))
		return -1;
	return (ptrdiff_t)out.n;
}

bool
dnsread_done(const struct dnsread *r)
{
	return !r->failed && r->at == r->all.n;
}
