/* SPDX-License-Identifier: Apache-2.0 */
/* What a server of zones does with each request. */
#include "dns/authority.h"

#include "dns/request.h"
#include "dns/rr.h"
#include "dns/update.h"

#include <stdlib.h>

#define REFUSAL_BYTES 200 /* kept back for a TSIG that says no */

/* One request on its way to its reply. */
struct turn {
	struct authority *a;
	const struct authority_ask *ask;
	struct request rq;
	struct dnswrite w;
	bool sign; /* `talk` has a key, and answers are signed with it */
	struct tsig_talk talk;
	enum tsig_error refusal; /* BADKEY, BADSIG: told, not signed */
	struct authority_asker by;
};

/* An UPDATE that waits for its end. */
struct authority_update {
	struct zone *zone;
	struct change *change;
	struct request rq; /* its slices are not used any more */
	bool tcp, sign;
	struct tsig_talk talk;
};

/* --- replies --- */

/* Copied: opcode and RD. AA and TC come later; RA, AD and CD are of resolvers. */
static uint16_t
reply_flags(const struct dnsread *r)
{
	return (uint16_t)(DNS_QR | (r->flags & (DNS_OPCODE | DNS_RD)));
}

static size_t
reply_bytes(const struct request *rq, bool tcp, size_t cap)
{
	size_t n = rq->udp_bytes < LIMIT_DNS_UDP_BYTES ? rq->udp_bytes : LIMIT_DNS_UDP_BYTES;

	check(cap >= LIMIT_DNS_UDP_BYTES);
	if (tcp)
		n = DNS_MESSAGE_BYTES;
	return n < cap ? n : cap;
}

/* A header alone. */
static size_t
bare_reply(const struct dnsread *r, unsigned rcode, unsigned char *reply, size_t cap)
{
	struct dnswrite w;

	dnswrite_begin(&w, reply, cap < DNS_MESSAGE_BYTES ? cap : DNS_MESSAGE_BYTES, 0, r->id,
	    (uint16_t)(reply_flags(r) | rcode));
	return w.n;
}

/* Header and question; what OPT and TSIG will take is kept back. */
static void
begin_reply(struct dnswrite *w, const struct request *rq, unsigned char *buf, size_t cap,
    size_t sig)
{
	struct dnswrite_mark m;

	dnswrite_begin(w, buf, cap, (rq->has_edns ? DNSWRITE_OPT_BYTES : 0) + sig, rq->r.id,
	    reply_flags(&rq->r));
	m = dnswrite_mark(w);
	dnswrite_question(w, &rq->question);
	if (w->full) { /* a long name and a long key's name within 512 bytes */
		dnswrite_back(w, &m);
		dnswrite_set_flags(w, (uint16_t)(dnswrite_flags(w) | DNS_TC));
	}
}

/* rcode, OPT, TSIG. False: cannot be signed, and goes out not at all. */
static bool
end_reply(struct dnswrite *w, const struct request *rq, unsigned rcode, struct tsig_talk *talk,
    int64_t now_s)
{
	dnswrite_release(w);
	dnswrite_set_rcode(w, rcode);
	if (rq->has_edns)
		dnswrite_opt(w, LIMIT_DNS_UDP_BYTES, rcode, rq->dnssec_ok);
	return talk == NULL || tsig_sign(talk, w, now_s);
}

static enum authority_verdict
reply(struct turn *t, unsigned rcode, struct authority_said *ret)
{
	if (!end_reply(&t->w, &t->rq, rcode, t->sign ? &t->talk : NULL, t->ask->now_s))
		return AUTHORITY_DROP;
	if (t->refusal != TSIG_OK)
		tsig_refuse(&t->w, &t->rq.tsig, t->refusal);
	ret->rcode = rcode;
	ret->is_signed = t->by.key.n > 0;
	ret->reply_n = t->w.n;
	return AUTHORITY_REPLY;
}

/* --- signatures --- */

/* RR_NOERROR, or what to answer: RFC 8945 5.2. */
static unsigned
judge_signature(struct turn *t)
{
	enum tsig_error error;

	if (!t->rq.has_tsig)
		return RR_NOERROR;
	if (t->a->rules == NULL ||
	    !t->a->rules->key(t->a->arg, dname_slice(&t->rq.tsig.key), &t->talk.key)) {
		t->refusal = TSIG_BADKEY;
		return RR_NOTAUTH;
	}
	error = tsig_verify(&t->talk, t->ask->request, &t->rq.tsig, t->ask->now_s);
	if (error == TSIG_MALFORMED)
		return RR_FORMERR;
	if (error == TSIG_UNABLE)
		return RR_SERVFAIL;
	if (error == TSIG_BADKEY || error == TSIG_BADSIG) {
		t->refusal = error;
		return RR_NOTAUTH;
	}
	t->sign = true;
	if (error != TSIG_OK)
		return RR_NOTAUTH;
	t->by.key = dname_slice(&t->talk.key.name);
	return RR_NOERROR;
}

static size_t
signature_bytes(const struct turn *t)
{
	if (t->sign)
		return tsig_bytes(&t->talk.key);
	/* Names of a stranger: what is longer goes without (tsig_refuse()). */
	if (t->refusal == TSIG_OK || tsig_refuse_bytes(&t->rq.tsig) > REFUSAL_BYTES)
		return 0;
	return tsig_refuse_bytes(&t->rq.tsig);
}

/* --- AXFR, IXFR --- */

static enum authority_verdict
transfer(struct turn *t, struct authority_said *ret)
{
	struct zone *z = zones_at(&t->a->zones, dname_slice(&t->rq.question.name));
	bool incremental = t->rq.question.type == RR_IXFR;
	struct transfer_request request = {
		.id = t->rq.r.id,
		.flags = (uint16_t)(reply_flags(&t->rq.r) | DNS_AA),
		.question = t->rq.question,
		.incremental = incremental,
		.serial = t->rq.serial,
		.talk = t->sign ? &t->talk : NULL,
		.arg = t->a->arg,
	};
	enum authority_share share;

	if (!t->ask->tcp && !incremental)
		return reply(t, RR_FORMERR, ret); /* RFC 5936 4.2 */
	if (t->rq.question.class != RR_CLASS_IN)
		return reply(t, RR_REFUSED, ret);
	if (z == NULL)
		return reply(t, RR_NOTAUTH, ret);
	share = t->a->rules == NULL ? AUTHORITY_NONE : t->a->rules->transfer(t->a->arg, &t->by, z);
	if (share == AUTHORITY_NONE)
		return reply(t, RR_REFUSED, ret);
	if (!t->ask->tcp) { /* the SOA alone: come by TCP (RFC 1995 2) */
		struct dns_question soa = t->rq.question;

		soa.type = RR_SOA;
		return reply(t, zones_answer(&t->a->zones, &soa, &t->w, &ret->about), ret);
	}
	if (share == AUTHORITY_SOME)
		request.may_see = t->a->rules->sees;
	if ((ret->transfer = transfer_new(z, &request)) == NULL)
		return reply(t, RR_SERVFAIL, ret);
	return AUTHORITY_TRANSFER;
}

/* --- UPDATE --- */

static bool
may_change(void *arg, struct slice name, uint16_t type)
{
	const struct turn *t = arg;

	return t->a->rules->changes(t->a->arg, &t->by, name, type);
}

/* Hands an open change over to the caller. */
static struct authority_update *
hold_update(const struct turn *t, struct zone *z, struct change *c)
{
	struct authority_update *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	*u = (struct authority_update){ .zone = z, .change = c, .rq = t->rq, .tcp = t->ask->tcp };
	u->sign = t->sign;
	u->talk = t->talk;
	return u;
}

static enum authority_verdict
update(struct turn *t, struct authority_said *ret)
{
	const struct dns_question *q = &t->rq.question;
	struct zone *z = zones_at(&t->a->zones, dname_slice(&q->name));
	struct change *c;
	unsigned rcode;

	if (q->type != RR_SOA)
		return reply(t, RR_FORMERR, ret);
	if (z == NULL || q->class != RR_CLASS_IN)
		return reply(t, RR_NOTAUTH, ret);
	if (t->by.key.n == 0) /* nobody changes anything without a name */
		return reply(t, RR_REFUSED, ret);
	if (zone_is_open(z))
		return AUTHORITY_LATER;
	if ((c = change_begin(z)) == NULL)
		return reply(t, RR_SERVFAIL, ret);
	rcode = update_apply(c, zone_origin(z), &t->rq.r, may_change, t);
	if (rcode == RR_NOERROR && (ret->update = hold_update(t, z, c)) != NULL)
		return AUTHORITY_UPDATE;
	change_cancel(c);
	return reply(t, rcode == RR_NOERROR ? RR_SERVFAIL : rcode, ret);
}

struct change *
authority_change(struct authority_update *u)
{
	return u->change;
}

struct zone *
authority_zone(struct authority_update *u)
{
	return u->zone;
}

static unsigned
settle_rcode(struct authority_update *u, bool stored, bool *ret_changed)
{
	enum change_end end;

	*ret_changed = false;
	if (!stored) {
		change_cancel(u->change);
		return RR_SERVFAIL;
	}
	end = change_commit(u->change);
	*ret_changed = end == CHANGE_MADE;
	return end == CHANGE_MADE || end == CHANGE_NONE ? RR_NOERROR
	       : end == CHANGE_FULL                     ? RR_REFUSED
							: RR_SERVFAIL;
}

size_t
authority_settle(struct authority_update *u, bool stored, int64_t now_s, unsigned char *dst,
    size_t cap, bool *ret_changed)
{
	unsigned rcode = settle_rcode(u, stored, ret_changed);
	struct dnswrite w;
	size_t n;

	begin_reply(&w, &u->rq, dst, reply_bytes(&u->rq, u->tcp, cap),
	    u->sign ? tsig_bytes(&u->talk.key) : 0);
	n = end_reply(&w, &u->rq, rcode, u->sign ? &u->talk : NULL, now_s) ? w.n : 0;
	tsig_key_wipe(&u->talk.key);
	free(u);
	return n;
}

/* --- a request --- */

static enum authority_verdict
decide(struct turn *t, struct authority_said *ret)
{
	size_t cap = reply_bytes(&t->rq, t->ask->tcp, t->ask->cap);
	unsigned rcode = judge_signature(t);
	const struct dns_question *q = &t->rq.question;

	begin_reply(&t->w, &t->rq, t->ask->reply, cap, signature_bytes(t));
	if (t->rq.has_edns && t->rq.edns_version > 0)
		return reply(t, RR_BADVERS, ret);
	if (rcode != RR_NOERROR)
		return reply(t, rcode, ret);
	if (t->rq.opcode == DNS_NOTIFY)
		return reply(t, RR_NOTAUTH, ret);
	if (t->rq.opcode == DNS_UPDATE)
		return update(t, ret);
	if (q->type == RR_AXFR || q->type == RR_IXFR)
		return transfer(t, ret);
	rcode = zones_answer(&t->a->zones, q, &t->w, &ret->about);
	return reply(t, rcode, ret);
}

enum authority_verdict
authority_answer(struct authority *a, const struct authority_ask *ask, struct authority_said *ret)
{
	struct turn t = { .a = a, .ask = ask, .by.address = ask->address };
	enum authority_verdict verdict = AUTHORITY_REPLY;

	*ret = (struct authority_said){ 0 };
	switch (request_read(&t.rq, ask->request)) {
	case REQUEST_DROP:
		return AUTHORITY_DROP;
	case REQUEST_FORMERR:
		ret->rcode = RR_FORMERR;
		break;
	case REQUEST_NOTIMP:
		ret->rcode = RR_NOTIMP;
		break;
	case REQUEST_GOOD:
		verdict = decide(&t, ret);
		if (t.rq.has_tsig)
			tsig_key_wipe(&t.talk.key);
		return verdict;
	}
	ret->reply_n = bare_reply(&t.rq.r, ret->rcode, ask->reply, ask->cap);
	return verdict;
}

size_t
authority_slip(const struct authority_ask *ask)
{
	struct request rq;
	struct dnswrite w;

	if (request_read(&rq, ask->request) != REQUEST_GOOD)
		return 0;
	begin_reply(&w, &rq, ask->reply, reply_bytes(&rq, false, ask->cap), 0);
	dnswrite_set_flags(&w, (uint16_t)(dnswrite_flags(&w) | DNS_TC));
	return end_reply(&w, &rq, RR_NOERROR, NULL, ask->now_s) ? w.n : 0;
}
