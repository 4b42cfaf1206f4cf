/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for the proof of an own domain, and says what is missing. */
#include "edge/domain/proof.h"

#include "dns/rr.h"

#include <stdio.h>

#define TXT_PREFIX S("account=")

static void go(struct proof *p, enum proof_stage stage);

static void
move(struct proof *p, enum proof_stage to)
{
	check(to == PROOF_OFF || to == p->stage + 1 ||
	      (to == PROOF_CNAME && p->stage == PROOF_CNAME));
	p->stage = to;
}

static void
finish(struct proof *p)
{
	move(p, PROOF_OFF);
	loop_timer_stop(p->ask.loop, &p->deadline);
	p->done(p);
}

/* --- answers --- */

/* The records of the answer section, one after another. */
static bool
next_record(struct dnsread *r, unsigned *left, struct dns_record *ret)
{
	if (*left == 0)
		return false;
	(*left)--;
	dnsread_record(r, ret);
	return !r->failed;
}

static unsigned
begin(struct dnsread *r, struct slice message)
{
	struct dns_question q;

	if (!dnsread_begin(r, message))
		return 0;
	for (unsigned i = r->counts[DNS_QUESTION]; i > 0 && !r->failed; i--)
		dnsread_question(r, &q);
	return r->failed ? 0 : r->counts[DNS_ANSWER];
}

/* The CNAME of the end of the chain, which becomes the new end. */
static bool
take_cname(struct proof *p, struct slice message)
{
	struct dnsread r;
	struct dns_record rr;
	struct dname end;
	unsigned char rdata[DNAME_BYTES];
	unsigned left = begin(&r, message);

	if (!dname_parse(slice_str(p->end), &end))
		return false;
	while (next_record(&r, &left, &rr)) {
		ptrdiff_t n;

		if (rr.type != RR_CNAME || !dname_eq(dname_slice(&rr.owner), dname_slice(&end)))
			continue;
		n = dnsread_rdata(&r, &rr, rdata, sizeof(rdata));
		if (n > 0)
			dname_text(slice_of(rdata, (size_t)n), p->end, sizeof(p->end));
		return n > 0;
	}
	return false;
}

/* A name right below the edge's zone. */
static bool
ends_in_tunnel(struct proof *p)
{
	struct slice end = slice_str(p->end), zone = slice_str(p->zone);

	if (end.n < zone.n + 2 || !slice_ends(end, zone))
		return false;
	end = slice_head(end, end.n - zone.n - 1);
	return p->end[end.n] == '.' && slice_find(end, '.') == SIZE_MAX &&
	       slice_z(end, p->tunnel, sizeof(p->tunnel));
}

/* The strings of one TXT record belong together (RFC 7208 3.3 reads them so, too). */
static void
take_text(struct proof *p, struct slice rdata)
{
	char *dst = p->texts[p->n_texts];
	size_t n = 0, cap = sizeof(p->texts[0]);

	while (rdata.n > 0) {
		size_t one = (unsigned char)rdata.p[0];

		if (one + 1 > rdata.n || n + one >= cap)
			return;
		memcpy(dst + n, rdata.p + 1, one);
		n += one;
		rdata = slice_from(rdata, one + 1);
	}
	dst[n] = '\0';
	if (slice_starts(slice_of(dst, n), TXT_PREFIX) && strlen(dst) == n)
		p->n_texts++;
}

static void
take_texts(struct proof *p, struct slice message)
{
	struct dnsread r;
	struct dns_record rr;
	unsigned left = begin(&r, message);

	while (p->n_texts < PROOF_TEXTS && next_record(&r, &left, &rr))
		if (rr.type == RR_TXT)
			take_text(p, rr.rdata);
}

static void
take_addresses(struct proof_addresses *to, struct slice message)
{
	struct dnsread r;
	struct dns_record rr;
	unsigned left = begin(&r, message);

	while (to->n < PROOF_ADDRESSES && next_record(&r, &left, &rr)) {
		struct proof_address *a = &to->all[to->n];

		if ((rr.type != RR_A || rr.rdata.n != 4) &&
		    (rr.type != RR_AAAA || rr.rdata.n != 16))
			continue;
		a->n = (unsigned char)rr.rdata.n;
		memcpy(a->bytes, rr.rdata.p, rr.rdata.n);
		to->n++;
	}
}

bool
proof_read(struct proof *p, enum proof_stage stage, struct slice message)
{
	switch (stage) {
	case PROOF_OFF:
		return false;
	case PROOF_CNAME:
		if (!take_cname(p, message))
			return false;
		if (!ends_in_tunnel(p))
			p->tunnel[0] = '\0';
		return true;
	case PROOF_TXT:
		take_texts(p, message);
		return p->n_texts > 0;
	case PROOF_A:
	case PROOF_AAAA:
		take_addresses(&p->found, message);
		return p->found.n > 0;
	case PROOF_EDGE_A:
	case PROOF_EDGE_AAAA:
		take_addresses(&p->edges, message);
		return p->edges.n > 0;
	}
	return false;
}

static void
on_answer(struct dnsask *a, struct slice message, const char *why)
{
	struct proof *p = list_of(a, struct proof, ask);
	bool found;

	check(p->stage != PROOF_OFF);
	/* Where the edge's own addresses cannot be asked for, those at which it listens are left. */
	if (message.n == 0 && p->stage < PROOF_EDGE_A) {
		snprintf(p->untold, sizeof(p->untold), "%s", why);
		finish(p);
		return;
	}
	found = proof_read(p, p->stage, message);
	switch (p->stage) {
	case PROOF_OFF:
		return;
	case PROOF_CNAME:
		if (!found)
			go(p, PROOF_TXT);
		else if (p->tunnel[0] != '\0' || ++p->n_cnames > LIMIT_DOMAIN_CNAMES)
			finish(p);
		else
			go(p, PROOF_CNAME);
		return;
	case PROOF_TXT:
		/* Without one of them no address proves anything. */
		if (!found)
			finish(p);
		else
			go(p, PROOF_A);
		return;
	case PROOF_A:
	case PROOF_AAAA:
	case PROOF_EDGE_A:
		go(p, p->stage + 1);
		return;
	case PROOF_EDGE_AAAA:
		finish(p);
		return;
	}
}

/* --- questions --- */

static void
go(struct proof *p, enum proof_stage stage)
{
	char name[sizeof(p->name) + sizeof("_adit.")];

	move(p, stage);
	switch (stage) {
	case PROOF_OFF:
		return;
	case PROOF_CNAME:
		dnsask_start(&p->ask, p->end, RR_CNAME);
		return;
	case PROOF_TXT:
		snprintf(name, sizeof(name), "_adit.%s", p->name);
		dnsask_start(&p->ask, name, RR_TXT);
		return;
	case PROOF_A:
	case PROOF_AAAA:
		dnsask_start(&p->ask, p->end, stage == PROOF_A ? RR_A : RR_AAAA);
		return;
	case PROOF_EDGE_A:
	case PROOF_EDGE_AAAA:
		dnsask_start(&p->ask, p->edge_host, stage == PROOF_EDGE_A ? RR_A : RR_AAAA);
		return;
	}
}

static void
on_deadline(struct loop_timer *t)
{
	struct proof *p = list_of(t, struct proof, deadline);

	dnsask_cancel(&p->ask);
	snprintf(p->untold, sizeof(p->untold), "the name servers of %.100s are too slow", p->name);
	finish(p);
}

void
proof_start(struct proof *p, const char *name)
{
	check(p->stage == PROOF_OFF);
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->end, sizeof(p->end), "%s", name);
	/* Its addresses are the edge's. Those of a tunnel's name may be what its account has set. */
	snprintf(p->edge_host, sizeof(p->edge_host), "%s", p->zone);
	p->tunnel[0] = p->untold[0] = '\0';
	p->n_cnames = 0;
	p->n_texts = p->found.n = p->edges.n = 0;
	p->ask.done = on_answer;
	p->deadline.fn = on_deadline;
	loop_timer_set(p->ask.loop, &p->deadline, (int64_t)LIMIT_DOMAIN_PROOF_MS * 1000);
	go(p, PROOF_CNAME);
}

void
proof_cancel(struct proof *p)
{
	if (p->stage == PROOF_OFF)
		return;
	dnsask_cancel(&p->ask);
	loop_timer_stop(p->ask.loop, &p->deadline);
	move(p, PROOF_OFF);
}

/* --- what it proves --- */

static bool
meet(const struct proof_addresses *a, const struct proof_addresses *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (a->all[i].n == b->all[j].n &&
			    memcmp(a->all[i].bytes, b->all[j].bytes, a->all[i].n) == 0)
				return true;
	return false;
}

void
proof_text(const struct wish *w, char *dst, size_t cap)
{
	snprintf(dst, cap, "account=%s token=%s", w->account, w->token);
}

static bool
has_text(const struct proof *p, const struct wish *w)
{
	char wanted[128];

	proof_text(w, wanted, sizeof(wanted));
	for (size_t i = 0; i < p->n_texts; i++)
		if (strcmp(p->texts[i], wanted) == 0)
			return true;
	return false;
}

enum wish_proof
proof_judge(const struct proof *p, struct wish *w,
    bool (*owns)(void *arg, const char *tunnel, const char *account), void *arg)
{
	char *why = w->why;
	size_t cap = sizeof(w->why);

	why[0] = '\0';
	if (p->untold[0] != '\0') {
		snprintf(why, cap, "%s", p->untold);
		return WISH_UNTOLD;
	}
	if (p->tunnel[0] != '\0' && owns(arg, p->tunnel, w->account))
		return WISH_SEEN;
	if (p->tunnel[0] != '\0')
		snprintf(why, cap,
		    "its CNAME leads to the tunnel %s, which is not one of this account",
		    p->tunnel);
	else if (p->n_cnames > LIMIT_DOMAIN_CNAMES)
		snprintf(why, cap, "its CNAMEs go on and on");
	else if (!has_text(p, w) && p->n_texts > 0)
		snprintf(why, cap, "the TXT record of _adit.%s says something else", p->name);
	else if (!has_text(p, w) && p->n_cnames > 0)
		snprintf(why, cap, "its CNAME leads to %.120s, which is no tunnel of this edge",
		    p->end);
	else if (!has_text(p, w))
		snprintf(why, cap, "the DNS has no record that proves it");
	else if (meet(&p->found, &p->edges) || meet(&p->found, &p->listens))
		return WISH_SEEN;
	else
		snprintf(why, cap,
		    p->found.n == 0 ? "the TXT record is there, but the name has no address"
				    : "the TXT record is there, but the name's address is not this "
				      "edge's");
	return WISH_UNSEEN;
}
