/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor asks name servers: the parent's, our own, and whoever may forbid certificates. */
#include "base/plain.h"
#include "dns/rr.h"
#include "edge/doctor/checkup_private.h"

#include <stdio.h>

/* --- the zone above --- */

static const char *
parent_of(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL ? "" : dot + 1;
}

/* The zone that a name is in, by the SOA that comes with any answer about it. */
static bool
find_zone(struct checkup_walk *w, const char *name, char dst[DNAME_TEXT_BYTES])
{
	for (; name[0] != '\0'; name = parent_of(name)) {
		struct inquiry_at at = { 0 };
		enum dns_section section;
		struct dns_record rr;

		if (inquiry_ask(w->q, &w->resolver, name, RR_SOA, true, false) != INQUIRY_ANSWERED)
			continue;
		while (inquiry_next(w->q, &at, &section, &rr)) {
			if (rr.type != RR_SOA)
				continue;
			dname_text(dname_slice(&rr.owner), dst, DNAME_TEXT_BYTES);
			return true;
		}
	}
	return false;
}

/* Up to so many name servers of a zone, by all their addresses. */
static void
find_servers(struct checkup_walk *w, const char *zone, struct checkup_addresses *ret)
{
	char names[CHECKUP_SERVERS][256];
	struct inquiry_at at = { 0 };
	enum dns_section section;
	struct dns_record rr;
	size_t n = 0;

	*ret = (struct checkup_addresses){ 0 };
	if (inquiry_ask(w->q, &w->resolver, zone, RR_NS, true, false) != INQUIRY_ANSWERED)
		return;
	while (n < CHECKUP_SERVERS && inquiry_next(w->q, &at, &section, &rr))
		if (section == DNS_ANSWER && rr.type == RR_NS)
			inquiry_target(w->q, &at, &rr, names[n++], sizeof(names[0]));
	for (size_t i = 0; i < n; i++) {
		struct checkup_addresses one;

		checkup_resolve(w, names[i], &one);
		for (size_t k = 0; k < one.n && ret->n < CHECKUP_ADDRESSES; k++)
			ret->at[ret->n++] = one.at[k];
	}
}

/* --- the delegation --- */

struct delegation {
	size_t n_asked, n_right, n_none, n_wrong;
	char wrong[256]; /* whom it is delegated to instead */
};

/* What one server of the parent says: a referral, or the NS records where it answers for both. */
static void
ask_parent(struct checkup_walk *w, const struct sockaddr_storage *server, struct delegation *d)
{
	struct inquiry_at at = { 0 };
	enum dns_section section;
	struct dns_record rr;
	bool right = false, any = false;
	struct dname zone;
	char target[256];

	check(dname_parse(slice_str(w->zone), &zone));
	if (inquiry_ask(w->q, server, w->zone, RR_NS, false, false) != INQUIRY_ANSWERED)
		return;
	d->n_asked++;
	while (inquiry_next(w->q, &at, &section, &rr)) {
		if (rr.type != RR_NS || !dname_eq(dname_slice(&rr.owner), dname_slice(&zone)))
			continue;
		inquiry_target(w->q, &at, &rr, target, sizeof(target));
		any = true;
		if (strcasecmp(target, w->settings->dns.name_server) == 0)
			right = true;
		else if (d->wrong[0] == '\0')
			snprintf(d->wrong, sizeof(d->wrong), "%s", target);
	}
	d->n_right += right;
	d->n_none += !any;
	d->n_wrong += any && !right;
}

static void
judge_delegation(struct checkup_walk *w, const char *parent, const struct delegation *d)
{
	const char *ns = w->settings->dns.name_server;

	w->delegated = d->n_right > 0 && d->n_right == d->n_asked;
	if (w->delegated)
		checkup_row(w, "delegation", CHECKUP_OK,
		    "the servers of %s send who asks for %s "
		    "to %s",
		    parent, w->zone, ns);
	else if (d->n_asked == 0)
		checkup_row(w, "delegation", CHECKUP_BAD,
		    "no name server of %s answers: ask again later, or another resolver with "
		    "--resolver",
		    parent);
	else if (d->n_wrong > 0)
		checkup_row(w, "delegation", CHECKUP_BAD,
		    "%s is delegated to %s: put this record in its place at the provider of %s: "
		    "%s. 3600 IN NS %s.",
		    w->zone, d->wrong, parent, w->zone, ns);
	else
		checkup_row(w, "delegation", CHECKUP_BAD,
		    "%s of %zu servers of %s do not delegate %s: add this record at the provider: "
		    "%s. 3600 IN NS %s. (aditd dns-plan prints all that is needed)",
		    d->n_right > 0 ? "some" : "all", d->n_asked, parent, w->zone, w->zone, ns);
}

void
checkup_delegation(struct checkup_walk *w)
{
	char parent[DNAME_TEXT_BYTES];
	struct checkup_addresses servers;
	struct delegation d = { 0 };

	if (!find_zone(w, parent_of(w->zone), parent)) {
		checkup_row(w, "delegation", CHECKUP_BAD,
		    "the resolver %s knows no zone above %s: is the domain registered? Another "
		    "resolver is asked with --resolver ADDRESS",
		    w->resolver_text, w->zone);
		return;
	}
	find_servers(w, parent, &servers);
	for (size_t i = 0; i < servers.n; i++)
		ask_parent(w, &servers.at[i], &d);
	judge_delegation(w, parent, &d);
}

/* Its name leads to us: else nobody finds it. */
void
checkup_name_server(struct checkup_walk *w)
{
	const char *ns = w->settings->dns.name_server;
	struct checkup_addresses found;
	char want[700], got[700];

	checkup_resolve(w, ns, &found);
	checkup_list(&found, got, sizeof(got));
	if (w->edge.n == 0) {
		checkup_row(w, "name server", found.n > 0 ? CHECKUP_SKIPPED : CHECKUP_BAD,
		    "%s has %s; write the edge's addresses into dns.addresses", ns, got);
		return;
	}
	checkup_list(&w->edge, want, sizeof(want));
	if (checkup_same(&w->edge, &found))
		checkup_row(w, "name server", CHECKUP_OK, "%s has %s", ns, got);
	else
		checkup_row(w, "name server", CHECKUP_BAD,
		    "%s has %s, and the edge has %s: correct its records at the provider (aditd "
		    "dns-plan prints them)",
		    ns, got, want);
	w->delegated = w->delegated && found.n > 0;
}

/* --- our own answers --- */

/* NULL, or what is wrong with what the server says. */
static const char *
wrong_with(const struct checkup_walk *w, enum inquiry_end end)
{
	if (end == INQUIRY_SILENT)
		return "no answer";
	if (end == INQUIRY_REFUSED)
		return "nobody listens there";
	if (w->q->rcode == RR_REFUSED)
		return "another name server answers there, which does not know the zone";
	if (w->q->rcode != RR_NOERROR || !(w->q->flags & DNS_AA))
		return "what answers there is not this edge";
	return NULL;
}

static bool
ask_own(struct checkup_walk *w, const char *name, bool tcp)
{
	char text[64];

	for (size_t i = 0; i < w->edge.n; i++) {
		const char *wrong =
		    wrong_with(w, inquiry_ask(w->q, &w->edge.at[i], w->zone, RR_SOA, false, tcp));

		if (wrong == NULL)
			continue;
		addr_split(&w->edge.at[i], w->edge.at[i].ss_family == AF_INET ? 16 : 28, text,
		    sizeof(text));
		checkup_row(w, name, CHECKUP_BAD,
		    "%s port %u: %s: start aditd, and open port %u for %s in every firewall on the "
		    "way (asked from this machine)",
		    text, w->port, wrong, w->port, tcp ? "TCP" : "UDP");
		return false;
	}
	checkup_row(w, name, CHECKUP_OK, "each address answers for %s", w->zone);
	return true;
}

void
checkup_transports(struct checkup_walk *w)
{
	bool udp, tcp;

	if (w->edge.n == 0) {
		checkup_row(w, "answers", CHECKUP_SKIPPED,
		    "it is not known at which address to ask: write dns.addresses");
		return;
	}
	udp = ask_own(w, "udp", false);
	tcp = ask_own(w, "tcp", true);
	w->answers = udp && tcp;
}

/* --- CAA --- */

/* The CAs that are known by the URL of their directory (section 4.2 of their own documents). */
static const struct {
	const char *host, *domain;
} known_cas[] = {
	{ "letsencrypt.org", "letsencrypt.org" },
	{ "pki.goog", "pki.goog" },
	{ "zerossl.com", "sectigo.com" },
};

/* "": not known. */
static const char *
issuer_of(const struct settings *s)
{
	if (s->dns.n_caa > 0)
		return s->dns.caa[0];
	if (s->acme.n_cas == 0)
		return "letsencrypt.org";
	for (size_t i = 0; i < sizeof(known_cas) / sizeof(*known_cas); i++)
		if (strstr(s->acme.cas[0].directory, known_cas[i].host) != NULL)
			return known_cas[i].domain;
	return "";
}

struct caa_set {
	bool answered;                  /* by the resolver, whatever it said */
	bool found, issue, issuewild;   /* records of that kind are there */
	bool allows_issue, allows_wild; /* and one of them names the issuer */
	char others[256];               /* whom they name */
};

static void
take_caa(struct caa_set *set, struct slice rdata, const char *issuer)
{
	struct slice tag, value;
	size_t n = strlen(set->others), n_tag;
	bool wild, is_us;

	if (rdata.n < 2 || (n_tag = (unsigned char)rdata.p[1]) + 2 > rdata.n)
		return;
	set->found = true;
	tag = slice_head(slice_from(rdata, 2), n_tag);
	value = slice_from(rdata, 2 + n_tag);
	value = slice_trim(slice_cut(&value, ';'));
	wild = slice_ieq(tag, S("issuewild"));
	if (!wild && !slice_ieq(tag, S("issue")))
		return;
	is_us = slice_ieq(value, slice_str(issuer));
	set->issue |= !wild;
	set->issuewild |= wild;
	set->allows_issue |= !wild && is_us;
	set->allows_wild |= wild && is_us;
	if (!is_us && value.n > 0 && n + value.n + 3 < sizeof(set->others))
		snprintf(set->others + n, sizeof(set->others) - n, "%s%.*s", n > 0 ? ", " : "",
		    PS(value));
}

/* From the domain up, as a CA climbs (RFC 8659 3): the first set that is there counts. */
static const char *
find_caa(struct checkup_walk *w, const char *issuer, struct caa_set *set)
{
	const char *name = w->settings->domain;
	bool answered = false;

	for (; name[0] != '\0'; name = parent_of(name)) {
		struct inquiry_at at = { 0 };
		enum dns_section section;
		struct dns_record rr;

		*set = (struct caa_set){ .answered = answered };
		if (inquiry_ask(w->q, &w->resolver, name, RR_CAA, true, false) != INQUIRY_ANSWERED)
			continue;
		set->answered = answered = true;
		while (inquiry_next(w->q, &at, &section, &rr))
			if (section == DNS_ANSWER && rr.type == RR_CAA)
				take_caa(set, rr.rdata, issuer);
		if (set->found)
			return name;
	}
	return NULL;
}

void
checkup_caa(struct checkup_walk *w)
{
	const char *issuer = issuer_of(w->settings), *at;
	struct caa_set set;
	bool names, wild;

	if (issuer[0] == '\0') {
		checkup_row(w, "caa", CHECKUP_SKIPPED,
		    "it is not known by which domain CAA records name this CA");
		return;
	}
	at = find_caa(w, issuer, &set);
	if (!set.answered) {
		checkup_row(w, "caa", CHECKUP_WARNING, "the resolver %s does not answer",
		    w->resolver_text);
		return;
	}
	if (at == NULL) {
		checkup_row(w, "caa", CHECKUP_OK,
		    "no CAA record: every CA may give certificates for %s", w->settings->domain);
		return;
	}
	names = !set.issue || set.allows_issue;
	wild = set.issuewild ? set.allows_wild : names;
	w->caa = names && wild;
	if (w->caa)
		checkup_row(w, "caa", CHECKUP_OK, "the records of %s allow %s", at, issuer);
	else
		checkup_row(w, "caa", CHECKUP_BAD,
		    "the CAA records of %s allow %s for %s, and not %s: add this record there: %s. "
		    "300 IN CAA 0 %s \"%s\"",
		    at, set.others[0] != '\0' ? set.others : "nobody",
		    names ? "wildcards" : "certificates", issuer, at, names ? "issuewild" : "issue",
		    issuer);
}
