/* SPDX-License-Identifier: Apache-2.0 */
/* From a name to an answer of its own name servers. */
#include "edge/core/dnsask.h"

#include "dns/rr.h"

#include <arpa/inet.h>
#include <stdio.h>

void
dnsask_servers(struct dnsask_servers *ret, const struct addr *addr)
{
	struct addr a = *addr;

	*ret = (struct dnsask_servers){ .port = 53 };
	if (a.kind != ADDR_TCP || a.host[0] == '\0')
		return;
	if (a.port == 0)
		a.port = 53;
	ret->port = a.port;
	addr_text(&a, ret->resolver, sizeof(ret->resolver));
}

static void ask(struct dnsask *a, enum dnsask_stage stage, const char *name, int type);

static void
move(struct dnsask *a, enum dnsask_stage to)
{
	static const unsigned predecessors[] = {
		[DNSASK_OFF] = ~0u,
		[DNSASK_CUT] = 1 << DNSASK_OFF | 1 << DNSASK_CUT,
		[DNSASK_HOST] = 1 << DNSASK_CUT | 1 << DNSASK_HOST,
		[DNSASK_ASK] = 1 << DNSASK_HOST,
	};

	check(predecessors[to] & 1u << a->stage);
	a->stage = to;
}

static void
fail(struct dnsask *a, const char *what, const char *name)
{
	move(a, DNSASK_OFF);
	snprintf(a->why, sizeof(a->why), "%s %.100s", what, name);
	a->done(a, S(""), a->why);
}

/* --- who is responsible --- */

/* Of the name itself, then of what stands above it; a zone ends where there are NS records. */
static void
next_cut(struct dnsask *a)
{
	char *dot = strchr(a->cut, '.');

	if (dot == NULL) {
		fail(a, "the DNS knows no name server for", a->name);
		return;
	}
	memmove(a->cut, dot + 1, strlen(dot + 1) + 1);
	ask(a, DNSASK_CUT, a->cut, RR_NS);
}

/* The NS records of the name that was asked for: behind a CNAME there are another's. */
static void
take_hosts(struct dnsask *a, struct dnsread *r)
{
	struct dname cut;
	struct dns_record rr;
	unsigned char rdata[DNAME_BYTES];

	if (!dname_parse(slice_str(a->cut), &cut))
		return;
	for (unsigned i = r->counts[DNS_ANSWER]; i > 0 && a->n_hosts < LIMIT_DOMAIN_SERVERS; i--) {
		ptrdiff_t n;

		dnsread_record(r, &rr);
		if (r->failed)
			return;
		if (rr.type != RR_NS || !dname_eq(dname_slice(&rr.owner), dname_slice(&cut)))
			continue;
		n = dnsread_rdata(r, &rr, rdata, sizeof(rdata));
		if (n > 0)
			dname_text(slice_of(rdata, (size_t)n), a->hosts[a->n_hosts++],
			    sizeof(a->hosts[0]));
	}
}

static void
on_cut(struct dnsask *a, struct dnsread *r)
{
	a->n_hosts = 0;
	take_hosts(a, r);
	if (a->n_hosts == 0) {
		next_cut(a);
		return;
	}
	a->at_host = 0;
	a->v6 = false;
	a->n_addresses = 0;
	a->csv[0] = '\0';
	ask(a, DNSASK_HOST, a->hosts[0], RR_A);
}

/* --- where they are --- */

static void
take_addresses(struct dnsask *a, struct dnsread *r)
{
	struct dns_record rr;
	char text[INET6_ADDRSTRLEN];

	for (unsigned i = r->counts[DNS_ANSWER]; i > 0 && a->n_addresses < LIMIT_DOMAIN_SERVERS;
	     i--) {
		size_t n = strlen(a->csv);
		bool v6;

		dnsread_record(r, &rr);
		if (r->failed)
			return;
		v6 = rr.type == RR_AAAA && rr.rdata.n == 16;
		if (!v6 && (rr.type != RR_A || rr.rdata.n != 4))
			continue;
		if (inet_ntop(v6 ? AF_INET6 : AF_INET, rr.rdata.p, text, sizeof(text)) == NULL)
			continue;
		snprintf(a->csv + n, sizeof(a->csv) - n, v6 ? "%s[%s]:%u" : "%s%s:%u",
		    n > 0 ? "," : "", text, a->servers->port);
		a->n_addresses++;
	}
}

/* IPv6 where no name server has another address. */
static void
on_host(struct dnsask *a, struct dnsread *r)
{
	take_addresses(a, r);
	a->at_host++;
	if (a->at_host == a->n_hosts && a->n_addresses == 0 && !a->v6) {
		a->v6 = true;
		a->at_host = 0;
	}
	if (a->n_addresses < LIMIT_DOMAIN_SERVERS && a->at_host < a->n_hosts)
		ask(a, DNSASK_HOST, a->hosts[a->at_host], a->v6 ? RR_AAAA : RR_A);
	else if (a->n_addresses == 0)
		fail(a, "no address is known of the name servers of", a->cut);
	else
		ask(a, DNSASK_ASK, a->name, a->type);
}

/* --- what they say --- */

static void
on_answer(struct dnsask *a, struct slice message, const struct dnsread *r)
{
	unsigned rcode = r->flags & DNS_RCODE;

	if (rcode != RR_NOERROR && rcode != RR_NXDOMAIN) {
		fail(a,
		    rcode == RR_REFUSED ? "a name server refuses to answer for"
					: "a name server fails to answer for",
		    a->name);
		return;
	}
	/* Without AA it only says who else may know. */
	if ((r->flags & DNS_AA) == 0) {
		fail(a, "a name server is not responsible for", a->name);
		return;
	}
	move(a, DNSASK_OFF);
	a->done(a, message, "");
}

/* Past the question; sticky, so that what follows reads nothing of a broken one. */
static bool
begin(struct dnsread *r, struct slice message)
{
	struct dns_question q;

	if (!dnsread_begin(r, message) || (r->flags & DNS_QR) == 0)
		return false;
	for (unsigned i = r->counts[DNS_QUESTION]; i > 0 && !r->failed; i--)
		dnsread_question(r, &q);
	return !r->failed;
}

static void
on_message(struct question *q, struct slice message)
{
	struct dnsask *a = list_of(q, struct dnsask, question);
	struct dnsread r;
	unsigned rcode;

	check(a->stage != DNSASK_OFF);
	if (message.n == 0 || !begin(&r, message)) {
		fail(a, message.n == 0 ? "no name server answers for" : "an answer is broken, of",
		    a->stage == DNSASK_HOST ? a->hosts[a->at_host] : a->name);
		return;
	}
	rcode = r.flags & DNS_RCODE;
	if (a->stage != DNSASK_ASK && rcode != RR_NOERROR && rcode != RR_NXDOMAIN) {
		fail(a, "the resolver fails to answer for",
		    a->stage == DNSASK_HOST ? a->hosts[a->at_host] : a->cut);
		return;
	}
	switch (a->stage) {
	case DNSASK_CUT:
		on_cut(a, &r);
		return;
	case DNSASK_HOST:
		on_host(a, &r);
		return;
	case DNSASK_ASK:
		on_answer(a, message, &r);
		return;
	case DNSASK_OFF:
		return;
	}
}

static void
ask(struct dnsask *a, enum dnsask_stage stage, const char *name, int type)
{
	const char *resolver = a->servers->resolver[0] == '\0' ? NULL : a->servers->resolver;
	bool own = stage == DNSASK_ASK;

	move(a, stage);
	if (!question_start(a->loop, &a->question, own ? QUESTION_AUTHORITY : QUESTION_RESOLVER,
		own ? a->csv : resolver, name, type))
		fail(a, "there is no memory to ask for", name);
}

void
dnsask_start(struct dnsask *a, const char *name, int type)
{
	check(a->stage == DNSASK_OFF);
	check(slice_z(slice_str(name), a->name, sizeof(a->name)));
	memcpy(a->cut, a->name, sizeof(a->cut));
	a->type = type;
	a->question.done = on_message;
	ask(a, DNSASK_CUT, a->cut, RR_NS);
}

void
dnsask_cancel(struct dnsask *a)
{
	question_cancel(&a->question);
	move(a, DNSASK_OFF);
}
