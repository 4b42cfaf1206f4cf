/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of messages: bounded by its buffer, with compression of names. */
#include "dns/dnswrite.h"

#include "dns/rr.h"

#define POINTER_MAX 0x3fff /* a pointer has 14 bits */

static void
put(struct dnswrite *w, const void *p, size_t n)
{
	if (w->full || n > w->cap - w->n) {
		w->full = true;
		return;
	}
	memcpy(w->p + w->n, p, n);
	w->n += n;
}

static void
set_u16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

static unsigned
get_u16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
put_u16(struct dnswrite *w, unsigned v)
{
	unsigned char b[2];

	set_u16(b, v);
	put(w, b, sizeof(b));
}

static void
put_u32(struct dnswrite *w, uint32_t v)
{
	put_u16(w, v >> 16);
	put_u16(w, v & 0xffff);
}

void
dnswrite_begin(struct dnswrite *w, void *buf, size_t cap, size_t reserved, uint16_t id,
    uint16_t flags)
{
	check(cap >= DNS_HEADER_BYTES + reserved && cap <= DNS_MESSAGE_BYTES);
	*w = (struct dnswrite){ .p = buf, .cap = cap - reserved, .reserved = reserved };
	put_u16(w, id);
	put_u16(w, flags);
	for (int i = 0; i < DNS_SECTIONS; i++)
		put_u16(w, 0);
}

void
dnswrite_release(struct dnswrite *w)
{
	w->cap += w->reserved;
	w->reserved = 0;
}

uint16_t
dnswrite_flags(const struct dnswrite *w)
{
	return (uint16_t)get_u16(w->p + 2);
}

void
dnswrite_set_flags(struct dnswrite *w, uint16_t flags)
{
	set_u16(w->p + 2, flags);
}

void
dnswrite_set_rcode(struct dnswrite *w, unsigned rcode)
{
	set_u16(w->p + 2, (dnswrite_flags(w) & ~(unsigned)DNS_RCODE) | (rcode & DNS_RCODE));
}

static void
count(struct dnswrite *w, enum dns_section section)
{
	unsigned char *p = w->p + 4 + 2 * (size_t)section;

	/* The smallest record has 11 bytes, so 16 bits hold as many as fit into a message. */
	if (!w->full)
		set_u16(p, get_u16(p) + 1);
}

/* Does the name that stands at `at` in the message, pointers followed, equal this one? */
static bool
stands_at(const struct dnswrite *w, size_t at, const unsigned char *name)
{
	for (;;) {
		const unsigned char *p = w->p + at;

		check(at < w->n);
		if (*p >= 0xc0) {
			at = get_u16(p) & POINTER_MAX;
			continue;
		}
		if (*p != *name)
			return false;
		if (*p == 0)
			return true;
		for (unsigned i = 1; i <= *p; i++)
			if (dname_fold(p[i]) != dname_fold(name[i]))
				return false;
		at += 1u + *p;
		name += 1u + *name;
	}
}

/* Hashes of all suffixes of a name, from its end to its front: FNV-1a, 32 bits. */
static unsigned
hash_suffixes(const unsigned char *name, uint8_t starts[DNAME_LABELS], uint8_t slots[DNAME_LABELS])
{
	uint32_t hash = 2166136261u;
	unsigned n = 0;

	for (unsigned at = 0; name[at] != 0; at += 1u + name[at])
		starts[n++] = (uint8_t)at;
	for (unsigned i = n; i-- > 0;) {
		const unsigned char *label = name + starts[i];

		for (unsigned k = 0; k <= *label; k++)
			hash = (hash ^ dname_fold(label[k])) * 16777619u;
		slots[i] = (uint8_t)((hash ^ hash >> 15) % DNSWRITE_SLOTS);
	}
	return n;
}

static void
put_name(struct dnswrite *w, struct slice name, bool compress)
{
	const unsigned char *p = (const unsigned char *)name.p;
	uint8_t starts[DNAME_LABELS], slots[DNAME_LABELS];
	size_t begin = w->n;
	unsigned n, i;

	if (!compress) {
		put(w, p, name.n);
		return;
	}
	n = hash_suffixes(p, starts, slots);
	for (i = 0; i < n && !w->full; i++) {
		uint16_t at = w->slots[slots[i]];

		if (at != 0 && stands_at(w, at, p + starts[i])) {
			put_u16(w, 0xc000u | at);
			break;
		}
		put(w, p + starts[i], 1u + p[starts[i]]);
	}
	if (i == n)
		put(w, "", 1);
	/* Only now: a name that is half written must not be compared with. */
	while (i-- > 0 && !w->full)
		if (begin + starts[i] <= POINTER_MAX)
			w->slots[slots[i]] = (uint16_t)(begin + starts[i]);
}

void
dnswrite_question(struct dnswrite *w, const struct dns_question *q)
{
	put_name(w, dname_slice(&q->name), true);
	put_u16(w, q->type);
	put_u16(w, q->class);
	count(w, DNS_QUESTION);
}

static void
put_rdata(struct dnswrite *w, uint16_t type, struct slice rdata)
{
	const struct rr_shape *shape = rr_shape(type);
	size_t at = w->n + 2;

	put_u16(w, 0);
	/* Empty ones are without names, whatever the type: in an UPDATE they stand for a set. */
	if (shape->names > 0 && rdata.n > 0) {
		put(w, rdata.p, shape->before);
		rdata = slice_from(rdata, shape->before);
		for (unsigned i = 0; i < shape->names; i++) {
			struct slice last = dname_skip(rdata, dname_labels(rdata));
			size_t n = (size_t)(last.p + 1 - rdata.p);

			put_name(w, slice_head(rdata, n), shape->compressed);
			rdata = slice_from(rdata, n);
		}
	}
	if (rdata.n > 0)
		put(w, rdata.p, rdata.n);
	if (!w->full)
		set_u16(w->p + at - 2, (unsigned)(w->n - at));
}

void
dnswrite_record(struct dnswrite *w, enum dns_section section, struct slice owner, uint16_t type,
    uint16_t class, uint32_t ttl, struct slice rdata)
{
	/* A TSIG and its key's name are never compressed (RFC 8945 4.2 by way of RFC 3597 4). */
	put_name(w, owner, type != RR_TSIG);
	put_u16(w, type);
	put_u16(w, class);
	put_u32(w, ttl);
	put_rdata(w, type, rdata);
	count(w, section);
}

void
dnswrite_opt(struct dnswrite *w, uint16_t udp_bytes, unsigned rcode, bool dnssec_ok)
{
	put(w, "", 1);
	put_u16(w, RR_OPT);
	put_u16(w, udp_bytes);
	put_u16(w, (rcode >> 4 & 0xff) << 8); /* version 0 behind it */
	put_u16(w, dnssec_ok ? 0x8000 : 0);
	put_u16(w, 0);
	count(w, DNS_ADDITIONAL);
	dnswrite_set_rcode(w, rcode);
}

struct dnswrite_mark
dnswrite_mark(const struct dnswrite *w)
{
	struct dnswrite_mark m = { .n = w->n };

	for (size_t i = 0; i < DNS_SECTIONS; i++)
		m.counts[i] = (uint16_t)get_u16(w->p + 4 + 2 * i);
	return m;
}

void
dnswrite_back(struct dnswrite *w, const struct dnswrite_mark *m)
{
	check(m->n >= DNS_HEADER_BYTES && m->n <= w->n);
	w->n = m->n;
	w->full = false;
	for (size_t i = 0; i < DNS_SECTIONS; i++)
		set_u16(w->p + 4 + 2 * i, m->counts[i]);
	for (size_t i = 0; i < DNSWRITE_SLOTS; i++)
		if (w->slots[i] >= w->n)
			w->slots[i] = 0;
}
