/* SPDX-License-Identifier: Apache-2.0 */
/* The way from the sender to the edge: the webhook's URL, its name,
 * the connection, the certificate. */
#include "agent/doctor/doctor_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

/* After a move senders keep the old address for as long: an hour is what people wait. */
#define TTL_MAX_S 3600
/* Whose certificates are got automatically. */
#define ACME_ISSUER "letsencrypt.org"

static socklen_t
size_of(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* --- the webhook --- */

/* Which row of the doctor says the same as a finding of check-url; NULL: none, and it is no
 * fault here. Read from the top: the longer beginning comes first. */
static const struct {
	const char *code, *row; /* a code that begins so */
} rows_of_url[] = {
	{ "localhost", "hook-localhost" },
	{ "address-loopback", "hook-localhost" },
	{ "address-spelling", NULL },
	{ "address-bare", NULL },
	{ "address-", "hook-private" },
	{ "local-name", "hook-private" },
	{ "private-dns", "hook-private" },
	{ "slash-missing", "hook-slash" },
	{ "slash-doubled", "hook-slash" },
	{ "server-url", "hook-server-url" },
};

/* The row of a host that no sender reaches: of an edge for trying it that is no fault, but
 * what it is for. */
static const char *
unreachable(const struct doctor *d, const char *row)
{
	bool host = strcmp(row, "hook-localhost") == 0 || strcmp(row, "hook-private") == 0;

	return host && d->trying ? "hook-trying" : row;
}

/* What check-url found in the text of the URL, as a row of the doctor where there is one, else
 * in its own words. */
static void
add_finding(struct doctor *d, const struct checkurl_finding *f)
{
	const struct checkurl *c = &d->check;
	const char *class = c->is_address ? ipclass_text(c->class) : "a name of a private network";

	if (f->cloud == CHECKURL_OK)
		return; /* of a Data Center alone: it is told when one has called so */
	for (size_t i = 0; i < sizeof(rows_of_url) / sizeof(*rows_of_url); i++) {
		if (strncmp(f->code, rows_of_url[i].code, strlen(rows_of_url[i].code)) != 0)
			continue;
		if (rows_of_url[i].row != NULL)
			doctor_add(d, unreachable(d, rows_of_url[i].row), "host", c->host, "class",
			    class, "path", c->path, "url", d->good_url);
		return;
	}
	if (f->cloud == CHECKURL_REFUSED)
		doctor_add(d, "hook-url", "cause", f->cause, "remedy", f->remedy);
}

/* Nothing has come yet, where something would have been kept. What was refused has come, though:
 * then that is told, and not that the sender is silent. */
static void
look_for_silence(struct doctor *d)
{
	char since[32], date[32];
	int64_t refused = doctor_refused_ms(d);

	if (d->policy == NULL || d->last != NULL ||
	    strcmp(doctor_text_of(d->policy, "mode"), "pass") == 0)
		return;
	doctor_date(doctor_number_of(d->link.probe, "since_ms"), since);
	doctor_date(refused, date);
	if (refused != 0) {
		doctor_add(d, "hook-refused", "since", since, "date", date);
		return;
	}
	doctor_add(d, "hook-silent", "since", since);
	if (doctor_is_bitbucket(d))
		doctor_add(d, "hook-history");
}

void
doctor_look_hook(struct doctor *d)
{
	const struct checkurl *c = &d->check;
	char shown[200];

	if (d->url[0] == '\0') {
		doctor_say(d, DOCTOR_HOOK, DOCTOR_SKIPPED, "the edge does not say the URL");
		return;
	}
	/* Secrets that people put into a URL are shown to nobody: reports
	 * are pasted into tickets. */
	snprintf(shown, sizeof(shown), "%.180s", d->url);
	if (strcspn(shown, "?") < strlen(shown)) /* tokens stand in queries */
		snprintf(shown + strcspn(shown, "?"), 5, "?...");
	if (strchr(shown, '@') != NULL)
		snprintf(shown, sizeof(shown), "a URL with a user in it");
	for (size_t i = 0; i < c->n_findings; i++)
		add_finding(d, &c->findings[i]);
	look_for_silence(d);
	doctor_say(d, DOCTOR_HOOK, DOCTOR_GOOD, "%.190s", shown);
}

/* --- DNS --- */

/* Names of tunnels lead to the edge. Where the two have no address in common, the record is an
 * old one, or the agent knows another edge than the world. */
static void
compare_with_edge(struct doctor *d)
{
	struct dns_query_answer edge;
	struct addr addr;
	char ours[64], theirs[64];

	check(d->dns.n > 0);
	if (d->login.edge == NULL || addr_parse(slice_str(d->login.edge), &addr) != NULL ||
	    addr.kind != ADDR_TCP)
		return;
	dns_query(addr.host, d->options->dns, DOCTOR_MS, &edge);
	if (edge.result != DNS_QUERY_FOUND || dns_query_meet(&edge, &d->dns))
		return;
	/* An edge that is reached by a way of its own, from this very
	 * network: nothing to compare. */
	if (ipclass_sockaddr((struct sockaddr *)&edge.addrs[0], size_of(&edge.addrs[0])) !=
	    IPCLASS_GLOBAL)
		return;
	dns_query_text(&d->dns.addrs[0], ours, sizeof(ours));
	dns_query_text(&edge.addrs[0], theirs, sizeof(theirs));
	doctor_add(d, "dns-elsewhere", "host", d->check.host, "address", ours, "edge", theirs);
}

/* Every address counts: a sender takes any of them. */
static void
judge_addresses(struct doctor *d)
{
	char text[64], ttl[16];

	for (size_t i = 0; i < d->dns.n; i++) {
		const struct sockaddr_storage *ss = &d->dns.addrs[i];
		enum ipclass class = ipclass_sockaddr((const struct sockaddr *)ss, size_of(ss));

		dns_query_text(ss, text, sizeof(text));
		if (class != IPCLASS_GLOBAL && !doctor_has(d, "hook-localhost"))
			doctor_add(d, unreachable(d, "hook-private"), "host", d->check.host,
			    "class", ipclass_text(class), "url", d->good_url);
	}
	snprintf(ttl, sizeof(ttl), "%d", d->dns.ttl);
	if (d->dns.ttl > TTL_MAX_S)
		doctor_add(d, "dns-ttl", "host", d->check.host, "ttl", ttl);
}

/*
 * The record that is wanted, as a zone file has it: to the addresses of the edge where its name has
 * public ones, else to its name.  A host of two labels is the zone itself, which may have no CNAME.
 */
static void
write_record(const struct doctor *d, const char *domain, char *dst, size_t cap)
{
	struct dns_query_answer edge = { .result = DNS_QUERY_NONE };
	struct addr addr;
	char address[64];
	bool known = d->login.edge != NULL && addr_parse(slice_str(d->login.edge), &addr) == NULL &&
		     addr.kind == ADDR_TCP;
	bool deep = strchr(domain, '.') != NULL;

	if (known)
		dns_query(addr.host, d->options->dns, DOCTOR_MS, &edge);
	if (edge.result == DNS_QUERY_FOUND) {
		dns_query_text(&edge.addrs[0], address, sizeof(address));
		snprintf(dst, cap, "%s%s. 300 IN %s %s", deep ? "*." : "",
		    deep ? domain : d->check.host, strchr(address, ':') != NULL ? "AAAA" : "A",
		    address);
	} else {
		snprintf(dst, cap, "%s%s. 300 IN A ADDRESS-OF-THE-EDGE", deep ? "*." : "",
		    deep ? domain : d->check.host);
	}
}

/* No address was found. Where no name server answers, nothing is known of the record,
 * so none is proposed. */
static void
add_missing(struct doctor *d)
{
	const char *host = d->check.host,
		   *domain = strchr(host, '.') != NULL ? strchr(host, '.') + 1 : host;
	char record[400];

	if (d->dns.result == DNS_QUERY_LATE) {
		doctor_add(d, "dns-silent", "host", host, "error", d->dns.why, "target",
		    d->options->n_args > 0 ? d->options->args[0] : d->name);
		return;
	}
	write_record(d, domain, record, sizeof(record));
	doctor_add(d, "dns-missing", "host", host, "error", d->dns.why, "domain", domain, "record",
	    record);
}

void
doctor_look_dns(struct doctor *d)
{
	const char *host = d->check.host;
	char text[64], ttl[32] = "";

	if (strcmp(doctor_text_of(d->link.probe, "state"), "released") == 0) {
		doctor_add(d, "dns-released", "host", host, "date", "an earlier day");
		doctor_say(d, DOCTOR_DNS, DOCTOR_GOOD, "the name was given up");
		return;
	}
	if (host[0] == '\0' || d->check.is_address ||
	    (d->connect.port != 0 && d->options->dns == NULL)) {
		doctor_say(d, DOCTOR_DNS, DOCTOR_SKIPPED,
		    d->connect.port != 0 ? "not asked: --connect is given"
					 : "there is no name to look up");
		/* A number is its own answer, and the next stages read it there. */
		if (d->check.is_address)
			dns_query(host, NULL, DOCTOR_MS, &d->dns);
		return;
	}
	dns_query(host, d->options->dns, DOCTOR_MS, &d->dns);
	if (d->dns.result != DNS_QUERY_FOUND) {
		add_missing(d);
		doctor_say(d, DOCTOR_DNS, DOCTOR_GOOD, "%.200s: %s", host, d->dns.why);
		return;
	}
	judge_addresses(d);
	compare_with_edge(d);
	dns_query_text(&d->dns.addrs[0], text, sizeof(text));
	if (d->dns.ttl > 0)
		snprintf(ttl, sizeof(ttl), ", TTL %d s", d->dns.ttl);
	doctor_say(d, DOCTOR_DNS, DOCTOR_GOOD, "%.150s is %s%s%s", host, text,
	    d->dns.n > 1 ? " and others" : "", ttl);
}

/* --- TCP --- */

/* ss: an address without a port. The first one that connects is called by
 * the stages that follow. */
static bool
try_one(struct doctor *d, struct sockaddr_storage ss, uint16_t port, struct tls_peek *seen)
{
	check(port != 0);
	if (ss.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&ss)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)&ss)->sin_port = htons(port);
	tls_peek_tcp((struct sockaddr *)&ss, size_of(&ss), DOCTOR_MS / 2, seen);
	if (seen->tcp_error == 0 && !d->has_to) {
		d->has_to = true;
		d->to = ss;
	}
	return seen->tcp_error == 0;
}

/* Every address is tried, since a sender may take any: one that is dead beside a good one is a
 * fault of its own, and IPv6 is the one that people forget. */
void
doctor_look_tcp(struct doctor *d)
{
	struct dns_query_answer by_hand;
	const struct dns_query_answer *a = &d->dns;
	uint16_t port = d->check.port;
	char text[64], number[8], v6[64] = "", bad[64] = "";
	struct tls_peek seen = { 0 };
	int error = 0;

	if (d->connect.port != 0) {
		dns_query(d->connect.host[0] != '\0' ? d->connect.host : "127.0.0.1", NULL,
		    DOCTOR_MS, &by_hand);
		a = &by_hand;
		port = d->connect.port;
	}
	if (a->n == 0 || port == 0) {
		doctor_say(d, DOCTOR_TCP, DOCTOR_SKIPPED, "there is no address to call");
		return;
	}
	for (size_t i = 0; i < a->n; i++) {
		if (try_one(d, a->addrs[i], port, &seen))
			continue;
		error = seen.tcp_error;
		dns_query_text(&a->addrs[i], bad, sizeof(bad));
		if (a->addrs[i].ss_family == AF_INET6)
			memcpy(v6, bad, sizeof(v6));
	}
	snprintf(number, sizeof(number), "%u", port);
	if (!d->has_to) {
		doctor_add(d, "tcp-closed", "port", number, "address", bad, "error",
		    strerror(error));
		doctor_say(d, DOCTOR_TCP, DOCTOR_GOOD, "%s", strerror(error));
		return;
	}
	if (v6[0] != '\0')
		doctor_add(d, "dns-ipv6", "host", d->check.host, "address", v6);
	dns_query_text(&d->to, text, sizeof(text));
	doctor_say(d, DOCTOR_TCP, DOCTOR_GOOD, "%s takes connections on port %s", text, number);
}

/* --- TLS --- */

/* A certificate that is missing or was not renewed may be one that nobody may
 * give out (RFC 8659). */
static void
look_for_caa(struct doctor *d)
{
	struct dns_query_caa caa;
	char why[480];

	if (d->dns.result != DNS_QUERY_FOUND || d->check.is_address)
		return;
	dns_query_caa(d->check.host, d->options->dns, ACME_ISSUER, DOCTOR_MS, &caa);
	if (!caa.forbidden)
		return;
	snprintf(why, sizeof(why), "the CAA record of %s allows %s%s", caa.domain,
	    caa.allowed[0] != '\0' ? "only " : "nobody", caa.allowed);
	doctor_add(d, "tls-acme", "host", d->check.host, "error", why, "domain", caa.domain,
	    "issuer", ACME_ISSUER);
}

/* A parameter of an "issue" record, whole. */
static bool
has_parameter(struct slice value, struct slice want)
{
	bool found = false;

	while (value.n > 0 && !found)
		found = slice_eq(slice_trim(slice_cut(&value, ';')), want);
	return found;
}

/*
 * A name whose TLS ends at this agent: whoever has the address that it leads to, or its DNS, can prove
 * it to a CA, where no record names our account alone (RFC 8657).
 */
static void
look_for_binding(struct doctor *d)
{
	char record[1600], *account, *end;
	struct dns_query_caa caa;
	const char *line;

	if (d->dns.result != DNS_QUERY_FOUND ||
	    !own_certs_record(&d->login.config.acme, d->check.host, record, sizeof(record)))
		return;
	account = strstr(record, "accounturi=");
	end = account == NULL ? NULL : account + strcspn(account, ";\"");
	dns_query_caa(d->check.host, d->options->dns, ACME_ISSUER, DOCTOR_MS, &caa);
	/* Each record that lets somebody sign must name it. */
	for (line = caa.issue; end != NULL && line[0] != '\0'; line += strcspn(line, "\n") + 1) {
		struct slice value = slice_of(line, strcspn(line, "\n"));
		struct slice ours = slice_of(account, (size_t)(end - account));

		if (value.n > 1 && !has_parameter(value, ours))
			end = NULL;
	}
	if (end == NULL || caa.issue[0] == '\0')
		doctor_add(d, "tls-caa", "host", d->check.host, "record", record);
}

/* By days, as the edge tells: then dates of certificates say nothing. */
static bool
is_clock_wrong(struct doctor *d)
{
	int64_t edge = doctor_number_of(d->link.probe, "now_ms"),
		off_s = (d->link.answered_ms - edge) / 1000;

	snprintf(d->clock_off, sizeof(d->clock_off), "%lld", (long long)off_s);
	return edge != 0 && (off_s > 86400 || off_s < -86400);
}

/* Each fault that a sender would refuse the certificate for. Dates say nothing where our own
 * clock is wrong: then that is the fault. An incomplete chain explains the unknown issuer. */
static void
judge_tls(struct doctor *d, const struct tls_peek *t)
{
	const char *host = d->check.host;

	check(t->shaken); /* or there was no certificate to be judged */
	if (t->expired || t->self_signed)
		look_for_caa(d);
	if ((t->expired || t->early) && is_clock_wrong(d))
		doctor_add(d, "link-time", "seconds", d->clock_off);
	else if (t->expired || t->early)
		doctor_add(d, "tls-expired", "host", host, "from", t->from, "until", t->until);
	if (t->incomplete)
		doctor_add(d, "tls-chain");
	else if (t->self_signed || t->no_issuer || t->other[0] != '\0')
		doctor_add(d, "tls-untrusted", "host", host, "issuer", t->issuer);
	if (t->wrong_name)
		doctor_add(d, "tls-name", "names", t->names, "host", host);
	if (t->old)
		doctor_add(d, "tls-version", "version", t->version);
}

void
doctor_look_tls(struct doctor *d)
{
	struct tls_peek t = { 0 };

	if (!d->has_to || strcmp(d->check.scheme, "https") != 0) {
		doctor_say(d, DOCTOR_TLS, DOCTOR_SKIPPED,
		    d->has_to ? "the URL is http://" : "there is no connection");
		return;
	}
	(void)tls_peek((struct sockaddr *)&d->to, size_of(&d->to), d->check.host, d->login.ca,
	    DOCTOR_MS, &t);
	/* An edge whose certificate has not come yet cannot shake hands: why it has not may
	 * be a CAA record. */
	if (!t.shaken) {
		look_for_caa(d);
		doctor_add(d, "tls-version", "version", "something else");
		doctor_say(d, DOCTOR_TLS, DOCTOR_GOOD, "%s", t.why);
		return;
	}
	d->tls_shaken = true;
	judge_tls(d, &t);
	if (d->passes)
		look_for_binding(d);
	doctor_say(d, DOCTOR_TLS, DOCTOR_GOOD, "%s, certificate of %.60s until %s", t.version,
	    t.issuer, t.until);
}
