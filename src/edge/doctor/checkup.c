/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of aditd doctor: addresses, ports, ways, and what is printed. */
#include "edge/doctor/checkup.h"

#include "base/plain.h"
#include "base/rand.h"
#include "base/sentence.h"
#include "conf/file.h"
#include "dns/rr.h"
#include "edge/doctor/checkup_private.h"
#include "hook/ipclass.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define CONNECT_MS 3000

struct checkup_row *
checkup_row(struct checkup_walk *w, const char *name, enum checkup_state state, const char *fmt,
    ...)
{
	struct checkup_row *r = &w->out->rows[w->out->n];
	va_list ap;

	check(w->out->n < CHECKUP_ROWS);
	w->out->n++;
	r->name = name;
	r->state = state;
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	return r;
}

/* --- addresses --- */

static void
set_port(struct sockaddr_storage *ss, uint16_t port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (ss->ss_family == AF_INET) {
		memcpy(&in, ss, sizeof(in));
		in.sin_port = htons(port);
		memcpy(ss, &in, sizeof(in));
		return;
	}
	memcpy(&in6, ss, sizeof(in6));
	in6.sin6_port = htons(port);
	memcpy(ss, &in6, sizeof(in6));
}

static void
add(struct checkup_addresses *a, int family, const void *ip, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_storage *ss = &a->at[a->n];

	if (a->n == CHECKUP_ADDRESSES)
		return;
	memset(ss, 0, sizeof(*ss));
	if (family == AF_INET) {
		memcpy(&in.sin_addr, ip, 4);
		memcpy(ss, &in, sizeof(in));
	} else {
		memcpy(&in6.sin6_addr, ip, 16);
		memcpy(ss, &in6, sizeof(in6));
	}
	a->n++;
}

void
checkup_resolve(struct checkup_walk *w, const char *name, struct checkup_addresses *ret)
{
	static const uint16_t types[] = { RR_A, RR_AAAA };

	*ret = (struct checkup_addresses){ 0 };
	for (size_t i = 0; i < 2; i++) {
		struct inquiry_at at = { 0 };
		enum dns_section section;
		struct dns_record rr;

		if (inquiry_ask(w->q, &w->resolver, name, types[i], true, false) !=
		    INQUIRY_ANSWERED)
			continue;
		ret->answered = true;
		while (inquiry_next(w->q, &at, &section, &rr))
			if (section == DNS_ANSWER && rr.type == types[i] &&
			    rr.rdata.n == (i == 0 ? 4 : 16))
				add(ret, i == 0 ? AF_INET : AF_INET6, rr.rdata.p, w->port);
	}
}

static void
show(const struct sockaddr_storage *ss, char dst[64])
{
	addr_split(ss, ss->ss_family == AF_INET ? 16 : 28, dst, 64);
}

void
checkup_list(const struct checkup_addresses *a, char *dst, size_t cap)
{
	size_t at = 0;

	snprintf(dst, cap, "no address");
	for (size_t i = 0; i < a->n && at < cap; i++) {
		char text[64];

		show(&a->at[i], text);
		at += (size_t)snprintf(dst + at, cap - at, "%s%s", i > 0 ? ", " : "", text);
	}
}

static bool
has(const struct checkup_addresses *a, const struct sockaddr_storage *ss)
{
	char one[64], other[64];

	show(ss, one);
	for (size_t i = 0; i < a->n; i++) {
		show(&a->at[i], other);
		if (strcmp(one, other) == 0)
			return true;
	}
	return false;
}

bool
checkup_same(const struct checkup_addresses *a, const struct checkup_addresses *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!has(b, &a->at[i]))
			return false;
	for (size_t i = 0; i < b->n; i++)
		if (!has(a, &b->at[i]))
			return false;
	return a->n > 0;
}

/* The domain, and a name that nobody has: that is what a tunnel looks like. */
static void
look_at_addresses(struct checkup_walk *w)
{
	struct checkup_addresses domain, wild;
	char name[300], unique[17], want[700], got[700];
	const struct checkup_addresses *bad = NULL;

	rand_name(unique, 12);
	snprintf(name, sizeof(name), "%s.%s", unique, w->settings->domain);
	checkup_resolve(w, w->settings->domain, &domain);
	checkup_resolve(w, name, &wild);
	if (w->edge.n == 0) {
		checkup_list(&wild, got, sizeof(got));
		checkup_row(w, "addresses", CHECKUP_SKIPPED,
		    "*.%s has %s; the configuration does not say which addresses this edge has: "
		    "write them into dns.addresses",
		    w->settings->domain, got);
		w->addressed = wild.n > 0;
		w->edge = domain; /* where the world will look for it */
		return;
	}
	if (!checkup_same(&w->edge, &domain))
		bad = &domain;
	else if (!checkup_same(&w->edge, &wild))
		bad = &wild;
	w->addressed = bad == NULL;
	checkup_list(&w->edge, want, sizeof(want));
	if (bad == NULL) {
		checkup_row(w, "addresses", CHECKUP_OK, "%s and *.%s have %s", w->settings->domain,
		    w->settings->domain, want);
		return;
	}
	checkup_list(bad, got, sizeof(got));
	checkup_row(w, "addresses", CHECKUP_BAD,
	    "%s%s has %s, and the edge has %s: correct the records at the provider (aditd dns-plan "
	    "prints them) or dns.addresses in the configuration",
	    bad == &wild ? "*." : "", w->settings->domain, got, want);
}

/* --- ports --- */

static bool
connects(const struct sockaddr_storage *to, uint16_t port)
{
	struct sockaddr_storage ss = *to;
	struct pollfd p = { .events = POLLOUT };
	int error = 0, rc;
	socklen_t len = sizeof(error);

	set_port(&ss, port);
	p.fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p.fd < 0)
		return false;
	rc = connect(p.fd, (const struct sockaddr *)&ss, ss.ss_family == AF_INET ? 16 : 28);
	if (rc != 0 && errno == EINPROGRESS && poll(&p, 1, CONNECT_MS) == 1 &&
	    getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0)
		rc = error;
	close(p.fd);
	return rc == 0;
}

/* *ret_reached: by all addresses, on the port that a CA looks at. */
static void
look_at_port(struct checkup_walk *w, const char *name, uint16_t port, uint16_t wanted,
    const char *key, const char *way, bool *ret_reached)
{
	char text[64];

	for (size_t i = 0; i < w->edge.n; i++) {
		if (connects(&w->edge.at[i], port))
			continue;
		show(&w->edge.at[i], text);
		checkup_row(w, name, port == 80 ? CHECKUP_WARNING : CHECKUP_BAD,
		    "nobody answers at %s port %u: start aditd, and open the port in every "
		    "firewall on the way (asked from this machine)",
		    text, port);
		return;
	}
	if (w->edge.n == 0) {
		checkup_row(w, name, CHECKUP_SKIPPED, "it is not known at which address to ask");
		return;
	}
	*ret_reached = port == wanted;
	if (port == wanted)
		checkup_row(w, name, CHECKUP_OK, "port %u answers at each address", port);
	else
		checkup_row(w, name, CHECKUP_WARNING,
		    "port %u answers; a CA looks at port %u for %s: set %s to %u, or forward that "
		    "port",
		    port, wanted, way, key, wanted);
}

static void
look_at_ports(struct checkup_walk *w)
{
	const struct settings *s = w->settings;
	uint16_t https = s->public_port != 0 ? (uint16_t)s->public_port : s->https.port;

	if (s->https.kind == ADDR_TCP)
		look_at_port(w, "port 443", https, 443, "listen.https", "tls-alpn-01", &w->https);
	else
		checkup_row(w, "port 443", CHECKUP_SKIPPED,
		    "listen.https is a Unix socket: whoever is in front of it has the port");
	if (!s->has_http)
		checkup_row(w, "port 80", CHECKUP_WARNING,
		    "nothing listens for http-01: write listen: { http: 80 } to have that way, "
		    "too");
	else if (s->http.kind == ADDR_TCP)
		look_at_port(w, "port 80", s->http.port, 80, "listen.http", "http-01", &w->http);
	else
		checkup_row(w, "port 80", CHECKUP_SKIPPED,
		    "listen.http is a Unix socket: whoever is in front of it has the port");
}

/* --- ways --- */

static bool
is_public(const struct checkup_walk *w)
{
	for (size_t i = 0; i < w->edge.n; i++)
		if (ipclass_sockaddr((const struct sockaddr *)&w->edge.at[i],
			w->edge.at[i].ss_family == AF_INET ? 16 : 28) == IPCLASS_GLOBAL)
			return true;
	return false;
}

static void
say_ways(struct checkup_walk *w)
{
	bool port = w->https || w->http;
	bool dns = w->delegated && w->answers && w->caa;
	bool name = port && w->addressed && w->caa;
	bool ip = port && is_public(w);
	/* Who brings certificates needs no way. */
	bool wanted = w->settings->acme.n_cas > 0 || w->zone[0] != '\0';
	const char *which = w->https && w->http ? "tls-alpn-01 and http-01"
			    : w->https          ? "tls-alpn-01"
						: "http-01";

	if (dns)
		checkup_row(w, "dns-01", CHECKUP_OK,
		    "works here: one certificate for *.%s and all tunnels", w->settings->domain);
	else
		checkup_row(w, "dns-01", name || !wanted ? CHECKUP_WARNING : CHECKUP_BAD,
		    "does not work here, so no certificate for *.%s: %s", w->settings->domain,
		    w->zone[0] == '\0' ? "write dns: { listen: [53] } into the configuration, then "
					 "aditd dns-plan"
				       : "see the lines above");
	if (name)
		checkup_row(w, "per name", CHECKUP_OK, "%s: a certificate for each name by itself",
		    which);
	else
		checkup_row(w, "per name", dns ? CHECKUP_SKIPPED : CHECKUP_WARNING,
		    "does not work here: it wants the addresses above, and port 443 or 80");
	checkup_row(w, "address", ip ? CHECKUP_OK : CHECKUP_SKIPPED, "%s",
	    ip ? "a CA may give a certificate for the edge's address itself, too"
	       : "no certificate for the edge's address itself: it wants a public one, and port "
		 "443 or 80");
}

/* --- the walk --- */

static bool
take_resolver(struct checkup_walk *w, const char *text, char **ret_error)
{
	struct addr a = { .kind = ADDR_TCP, .port = SETTINGS_DNS_PORT };
	socklen_t len;

	if (!slice_z(slice_str(text), a.host, sizeof(a.host)) ||
	    addr_sockaddr(&a, true, &w->resolver, &len) != 0) {
		if (addr_parse(slice_str(text), &a) != NULL || a.kind != ADDR_TCP || a.tls ||
		    a.host[0] == '\0' || addr_sockaddr(&a, true, &w->resolver, &len) != 0) {
			*ret_error = sentence("--resolver %s: a numeric address is wanted, with or "
					      "without a port",
			    text);
			return false;
		}
	}
	w->port = a.port;
	snprintf(w->resolver_text, sizeof(w->resolver_text), "%.70s", text);
	return true;
}

/* The first "nameserver" (resolv.conf(5)). */
static bool
find_resolver(struct checkup_walk *w, char **ret_error)
{
	struct slice all = S(""), line, word, rest;
	char *bytes = file_read(RESOLV_CONF, 65536, &all, NULL), text[80];
	bool found = false;

	for (rest = all; !found && rest.n > 0;) {
		line = slice_trim(slice_cut(&rest, '\n'));
		word = slice_cut(&line, ' ');
		found = slice_eq(word, S("nameserver")) &&
			slice_z(slice_trim(line), text, sizeof(text));
	}
	file_free(bytes, all);
	if (found)
		return take_resolver(w, text, ret_error);
	*ret_error = sentence(RESOLV_CONF " names no resolver: aditd doctor --resolver ADDRESS");
	return false;
}

static void
take_settings(struct checkup_walk *w)
{
	const struct settings_dns *d = &w->settings->dns;

	for (size_t i = 0; i < d->n_addresses; i++) {
		struct sockaddr_storage ss;
		socklen_t len;

		check(addr_sockaddr(&d->addresses[i], true, &ss, &len) == 0);
		set_port(&ss, w->port);
		w->edge.at[w->edge.n++] = ss;
	}
	if (d->n_listen == 0) {
		checkup_row(w, "dns", CHECKUP_SKIPPED,
		    "the configuration has no dns: all names stay with the provider");
		return;
	}
	snprintf(w->zone, sizeof(w->zone), "%s%s",
	    d->mode == SETTINGS_DNS_ZONE ? "" : "_acme-challenge.", w->settings->domain);
	checkup_row(w, "dns", CHECKUP_OK, "mode %s: this edge answers for %s",
	    d->mode == SETTINGS_DNS_ZONE ? "zone" : "challenge", w->zone);
}

bool
checkup_run(struct checkup *c, const struct settings *s, const char *resolver, char **ret_error)
{
	struct checkup_walk w = { .out = c, .settings = s, .caa = true };

	_Static_assert(CHECKUP_ADDRESSES >= SETTINGS_DNS_ADDRESSES, "room");
	c->n = 0;
	if (resolver != NULL ? !take_resolver(&w, resolver, ret_error)
			     : !find_resolver(&w, ret_error))
		return false;
	w.q = calloc(1, sizeof(*w.q));
	if (w.q == NULL) {
		*ret_error = sentence("out of memory");
		return false;
	}
	take_settings(&w);
	if (w.zone[0] != '\0') {
		checkup_delegation(&w);
		checkup_name_server(&w);
		checkup_transports(&w);
	}
	look_at_addresses(&w);
	checkup_caa(&w);
	look_at_ports(&w);
	say_ways(&w);
	free(w.q);
	return true;
}

bool
checkup_is_good(const struct checkup *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->rows[i].state == CHECKUP_BAD)
			return false;
	return true;
}

/* --- printing: names of others' records are in the texts --- */

static const char *const states[] = { "ok", "-", "warning", "FAILED" };

void
checkup_text(const struct checkup *c, struct buf *b)
{
	for (size_t i = 0; i < c->n; i++) {
		buf_printf(b, "%-11s %-8s ", c->rows[i].name, states[c->rows[i].state]);
		plain_put(b, slice_str(c->rows[i].text));
		buf_putc(b, '\n');
	}
}

void
checkup_json(const struct checkup *c, struct buf *b)
{
	static const char *const words[] = { "ok", "skipped", "warning", "failed" };

	buf_printf(b, "{\"ok\":%s,\"rows\":[", checkup_is_good(c) ? "true" : "false");
	for (size_t i = 0; i < c->n; i++) {
		buf_printf(b, "%s{\"name\":\"%s\",\"state\":\"%s\",\"text\":", i > 0 ? "," : "",
		    c->rows[i].name, words[c->rows[i].state]);
		buf_json_ascii(b, slice_str(c->rows[i].text));
		buf_putc(b, '}');
	}
	buf_put(b, S("]}\n"));
}
