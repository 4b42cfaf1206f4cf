/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message of a stranger. What is read of it is written again, into a buffer of a size that its
 * first byte says, and read again: the same questions and records come out, apart from those that
 * did not fit.
 */
#include "dns/dnswrite.h"
#include "dns/rr.h"
#include "fuzz/must.h"

#define RDATA_BYTES 70000

/* Reads one record with its RDATA; false at the end and at a fault. */
static bool
next(struct dnsread *r, struct dns_record *rr, unsigned char *rdata, ptrdiff_t *ret_n)
{
	do {
		if (r->failed || r->at == r->all.n)
			return false;
		dnsread_record(r, rr);
		if (r->failed)
			return false;
		MUST(rr->owner.n > 0 && r->at <= r->all.n);
		*ret_n = dnsread_rdata(r, rr, rdata, RDATA_BYTES);
	} while (*ret_n < 0);
	return true;
}

/* A name as text is the same name again. */
static void
must_be_text(struct slice name)
{
	char text[DNAME_TEXT_BYTES];
	struct dname again;

	dname_text(name, text, sizeof(text));
	MUST(dname_parse(slice_str(text), &again) && slice_eq(name, dname_slice(&again)));
}

static void
must_be_the_same(struct slice message, struct slice written, uint32_t n)
{
	static unsigned char rdata[RDATA_BYTES], again[RDATA_BYTES];
	struct dnsread r, s;
	struct dns_record a, b;
	struct dns_question q, t;
	ptrdiff_t a_n, b_n;

	MUST(dnsread_begin(&r, message) && dnsread_begin(&s, written));
	dnsread_question(&r, &q);
	dnsread_question(&s, &t);
	MUST(slice_eq(dname_slice(&q.name), dname_slice(&t.name)));
	while (n-- > 0) {
		MUST(next(&r, &a, rdata, &a_n) && next(&s, &b, again, &b_n));
		MUST(dname_eq(dname_slice(&a.owner), dname_slice(&b.owner)));
		must_be_text(dname_slice(&a.owner));
		MUST(a.type == b.type && a.class == b.class && a.ttl == b.ttl);
		MUST(slice_eq(slice_of(rdata, (size_t)a_n), slice_of(again, (size_t)b_n)));
	}
	MUST(dnsread_done(&s));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static unsigned char rdata[RDATA_BYTES], out[DNS_MESSAGE_BYTES];
	struct slice message;
	struct dnsread r;
	struct dnswrite w;
	struct dns_question q;
	struct dns_record rr;
	ptrdiff_t rdata_n;
	uint32_t kept = 0;

	struct dname name;

	if (n == 0)
		return 0;
	if (dname_parse(slice_of(data, n), &name))
		must_be_text(dname_slice(&name));
	message = slice_of(data + 1, n - 1);
	if (!dnsread_begin(&r, message))
		return 0;
	dnsread_question(&r, &q);
	if (r.failed)
		return 0;
	dnswrite_begin(&w, out, data[0] == 255 ? sizeof(out) : 300 + 16 * (size_t)data[0], 0, r.id,
	    r.flags);
	dnswrite_question(&w, &q);
	MUST(!w.full);
	while (next(&r, &rr, rdata, &rdata_n)) {
		struct dnswrite_mark m = dnswrite_mark(&w);

		dnswrite_record(&w, DNS_ANSWER, dname_slice(&rr.owner), rr.type, rr.class, rr.ttl,
		    slice_of(rdata, (size_t)rdata_n));
		if (w.full) {
			dnswrite_back(&w, &m);
			break;
		}
		kept++;
	}
	MUST(w.n <= w.cap);
	must_be_the_same(message, slice_of(out, w.n), kept);
	return 0;
}
