/* SPDX-License-Identifier: Apache-2.0 */
/* Why the edge was not reached from here: its name, the way there, its certificate and the clock
 * are looked at one after another, since one sentence of a failed dial cannot tell them apart. */
#include "agent/doctor/doctor_private.h"

#include "agent/link/proxy.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* By so much a clock may be off without being the reason: certificates are made valid from a little
 * before they are given out. */
#define CLOCK_S 300

/* The edge of the login, and the address at which it takes connections. */
struct reach {
	struct doctor *d;
	struct addr addr;
	char address[ADDR_TEXT_BYTES]; /* addr, for people */
	struct sockaddr_storage ss;    /* valid once connects() was true */
	socklen_t len;
};

static const char *
environment(const char *name)
{
	return getenv(name);
}

/* True: the way leads through a proxy, and that is what failed, or what the environment says of
 * it is wrong. What lies behind a proxy cannot be looked at from here. */
static bool
judge_proxy(struct reach *r)
{
	struct proxy proxy;
	char text[ADDR_TEXT_BYTES];
	const char *name = "https_proxy",
		   *why = proxy_from_env(environment, r->addr.host, r->addr.port, &proxy, &name);

	if (why == NULL && proxy.kind == PROXY_NONE)
		return false;
	if (why == NULL)
		addr_text(&proxy.addr, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "of %s", name);
	doctor_add(r->d, "link-proxy", "proxy", text, "error", r->d->link.why, "host",
	    r->addr.host);
	return true;
}

/* False after a finding: there is no address, or nothing answers there. */
static bool
connects(struct reach *r)
{
	struct dns_query_answer dns;
	struct tls_peek seen = { 0 };
	char text[64];

	dns_query(r->addr.host, NULL, DOCTOR_MS, &dns);
	if (dns.result != DNS_QUERY_FOUND) {
		doctor_add(r->d, "link-dns", "host", r->addr.host, "error", dns.why);
		return false;
	}
	for (size_t i = 0; i < dns.n; i++) {
		struct addr a = r->addr;

		dns_query_text(&dns.addrs[i], a.host, sizeof(a.host));
		if (addr_sockaddr(&a, false, &r->ss, &r->len) != 0)
			continue;
		tls_peek_tcp((struct sockaddr *)&r->ss, r->len, DOCTOR_MS / 2, &seen);
		if (seen.tcp_error == 0)
			return true;
		snprintf(text, sizeof(text), "%s", strerror(seen.tcp_error));
	}
	doctor_add(r->d, "link-down", "address", r->address, "error",
	    seen.tcp_error != 0 ? text : r->d->link.why);
	return false;
}

/*
 * By how many seconds this clock is before that of the server, by its Date (RFC 9110,
 * 6.6.1); 0: not known. The server may be anybody, since its certificate was refused: a hint
 * for people, no more.
 */
static int64_t
clock_off_s(const struct reach *r)
{
	struct fetch_request req = { .method = "HEAD",
		.addr = r->addr,
		.tls_name = r->addr.host,
		.host = r->addr.host,
		.target = S("/"),
		.fields = S(""),
		.body = S(""),
		.insecure = true, /* nothing of it is trusted but for a hint */
		.timeout_ms = DOCTOR_MS / 2,
		.body_max = 1024 };
	struct fetch_answer a;
	struct tm tm = { 0 };
	char date[64];
	int64_t off = 0;

	req.addr.tls = true;
	if (fetch(&req, &a) == 0 && slice_z(fetch_field(&a, S("Date")), date, sizeof(date)) &&
	    strptime(date, "%a, %d %b %Y %H:%M:%S", &tm) != NULL)
		off = clock_wall_ms() / 1000 - (int64_t)timegm(&tm);
	fetch_fini(&a);
	return off;
}

/* A certificate out of its time, or a clock that is wrong: a server that says another
 * time than ours decides. */
static void
judge_dates(struct reach *r, const struct tls_peek *t)
{
	int64_t off = clock_off_s(r);
	char now[32], seconds[24];

	doctor_date(clock_wall_ms(), now);
	snprintf(seconds, sizeof(seconds), "%lld", (long long)off);
	if (off > CLOCK_S || off < -CLOCK_S)
		doctor_add(r->d, "link-time", "seconds", seconds);
	else
		doctor_add(r->d, "link-expired", "from", t->from, "until", t->until, "now", now);
}

/* In the order of the way; the first that fails explains those behind it. A certificate of an
 * unknown issuer in place of the edge's is what a firewall shows that reads TLS. */
void
doctor_look_reach(struct doctor *d)
{
	struct reach r = { .d = d };
	struct tls_peek t = { .issuer = "nobody" };

	if (addr_parse(slice_str(d->login.edge), &r.addr) != NULL || r.addr.kind != ADDR_TCP) {
		doctor_add(d, "link-down", "address", d->login.edge, "error", d->link.why);
		return;
	}
	r.addr.port = r.addr.port != 0 ? r.addr.port : 443;
	addr_text(&r.addr, r.address, sizeof(r.address));
	if (judge_proxy(&r) || !connects(&r))
		return;
	(void)tls_peek((struct sockaddr *)&r.ss, r.len, r.addr.host, d->login.ca, DOCTOR_MS, &t);
	if (!t.shaken)
		doctor_add(d, "link-tls", "address", r.address, "error", t.why);
	else if (t.expired || t.early)
		judge_dates(&r, &t);
	else if (t.self_signed || t.no_issuer || t.other[0] != '\0')
		doctor_add(d, "link-blocked", "issuer", t.issuer, "edge", d->login.edge);
	else if (t.wrong_name)
		doctor_add(d, "link-name", "names", t.names, "host", r.addr.host);
	else
		doctor_add(d, "link-other", "address", r.address, "error", d->link.why);
}
