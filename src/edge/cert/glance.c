/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at a challenge as a CA does. */
#include "edge/cert/glance.h"

#include "dns/rr.h"
#include "relay/fetch.h"

#include <stdio.h>
#include <stdlib.h>

#define HTTP_PATH "/.well-known/acme-challenge/"

struct glance {
	struct loop *loop;
	void (*done)(void *owner, const char *text);
	void *owner;
	enum challenge_kind kind;
	char name[IDENT_BYTES];
	char where[sizeof(((struct challenge *)0)->where)];
	char expected[sizeof(((struct challenge *)0)->text)];
	char text[GLANCE_TEXT_BYTES]; /* what is told */
	struct loop_timer timer; /* the deadline; and then the way out of whatever has called */
	bool over;
	struct dnsask dns;
	/* of the other two */
	struct fetch *fetch;
	struct fetch_request req;
	struct fetch_answer answer;
	struct buf cert;
	char host[IDENT_BYTES + 2]; /* with brackets around an address of IPv6 */
	char servers[sizeof(((struct dnsask_servers *)0)->resolver)];
	struct loop_grave grave;
};

/* Told with the next turn: neither a question nor a fetch is ended from within its own call. */
static void
finish(struct glance *k)
{
	k->over = true;
	loop_timer_set(k->loop, &k->timer, 1);
}

/* --- dns-01 --- */

/* The strings of a record belong together. */
static bool
is_expected(const struct glance *k, struct slice rdata)
{
	struct slice left = slice_str(k->expected);

	while (rdata.n > 0) {
		size_t n = (unsigned char)rdata.p[0];

		if (n + 1 > rdata.n || n > left.n || memcmp(rdata.p + 1, left.p, n) != 0)
			return false;
		left = slice_from(left, n);
		rdata = slice_from(rdata, n + 1);
	}
	return left.n == 0;
}

static bool
has_text(const struct glance *k, struct slice message)
{
	struct dnsread r;
	struct dns_question q;
	struct dns_record rr;

	if (!dnsread_begin(&r, message))
		return false;
	for (unsigned i = r.counts[DNS_QUESTION]; i > 0 && !r.failed; i--)
		dnsread_question(&r, &q);
	for (unsigned i = r.counts[DNS_ANSWER]; i > 0 && !r.failed; i--) {
		dnsread_record(&r, &rr);
		if (!r.failed && rr.type == RR_TXT && is_expected(k, rr.rdata))
			return true;
	}
	return false;
}

static void
on_dns(struct dnsask *a, struct slice message, const char *why)
{
	struct glance *k = list_of(a, struct glance, dns);

	if (message.n == 0)
		snprintf(k->text, sizeof(k->text),
		    "the edge looked for the TXT record of %s as the CA does, and %s; give your "
		    "DNS "
		    "provider the records that aditd dns-plan prints",
		    k->where, why);
	else if (!has_text(k, message))
		snprintf(k->text, sizeof(k->text),
		    "the edge asked the name servers of %.255s (%.200s) for the TXT record of "
		    "%.300s, and "
		    "they do not have the CA's; give your DNS provider the records that aditd "
		    "dns-plan prints",
		    a->cut, a->csv, k->where);
	finish(k);
}

/* --- the other two --- */

static bool
body_is(const struct glance *k)
{
	struct slice body = buf_slice(&k->answer.body), want = slice_str(k->expected);

	return slice_starts(body, want) &&
	       body.n <= want.n + 2; /* a CA takes an end of line, too */
}

static void
on_fetched(void *owner)
{
	struct glance *k = owner;
	bool http = k->kind == CHALLENGE_HTTP, came = k->answer.stage == FETCH_DONE;
	char got[300];

	finish(k);
	if (came && (!http || (k->answer.status == 200 && body_is(k))))
		return;
	if (came)
		snprintf(got, sizeof(got), "status %u%s came", k->answer.status,
		    k->answer.status == 200 ? " with another text" : "");
	else
		snprintf(got, sizeof(got), "%s", k->answer.why);
	snprintf(k->text, sizeof(k->text),
	    "the edge looked at %s port %u as the CA does for %s: %s; let that port of the name "
	    "lead "
	    "to this edge (aditd doctor says more), or go on where only this machine cannot reach "
	    "it",
	    k->name, k->req.addr.port, challenge_word(k->kind), got);
}

/* For tests: ADIT_CERT_PORTS=HTTPS:HTTP in the environment says where a CA looks in place of 443 and 80. */
static uint16_t
port_of(bool http)
{
	const char *text = getenv("ADIT_CERT_PORTS");
	unsigned https_port, http_port;

	if (text != NULL && sscanf(text, "%5u:%5u", &https_port, &http_port) == 2)
		return (uint16_t)(http ? http_port : https_port);
	return http ? 80 : 443;
}

static bool
start_fetch(struct glance *k, const struct challenge *c)
{
	bool http = k->kind == CHALLENGE_HTTP;

	snprintf(k->req.addr.host, sizeof(k->req.addr.host), "%s", k->name);
	k->req.addr.kind = ADDR_TCP;
	k->req.addr.port = port_of(http);
	k->req.addr.tls = !http;
	k->req.method = "GET";
	snprintf(k->host, sizeof(k->host), strchr(k->name, ':') != NULL ? "[%s]" : "%s", k->name);
	k->req.host = k->host;
	k->req.target = slice_str(http ? k->where : "/");
	k->req.insecure = true;
	k->req.timeout_ms = LIMIT_CERT_LOOK_MS;
	k->req.body_max = sizeof(k->expected);
	if (k->servers[0] != '\0')
		k->req.servers = k->servers;
	if (!http) {
		buf_put(&k->cert, buf_slice(&c->cert));
		if (k->cert.failed)
			return false;
		k->req.no_http = true;
		k->req.tls_name = k->where;
		k->req.challenge = buf_slice(&k->cert);
	}
	k->fetch = fetch_start(k->loop, &k->req, &k->answer, on_fetched, k);
	return k->fetch != NULL;
}

/* --- the contract --- */

static void
on_timer(struct loop_timer *t)
{
	struct glance *k = list_of(t, struct glance, timer);

	if (!k->over)
		snprintf(k->text, sizeof(k->text),
		    "the edge looked for the challenge of %s (%s) as the CA does, and no answer "
		    "came "
		    "in time; aditd doctor says what can be reached",
		    k->name, challenge_word(k->kind));
	k->done(k->owner, k->text);
}

static void
on_grave(struct loop_grave *g)
{
	struct glance *k = list_of(g, struct glance, grave);

	check(k->fetch == NULL);
	buf_fini(&k->cert);
	free(k);
}

void
glance_end(struct glance *k)
{
	if (k == NULL)
		return;
	loop_timer_stop(k->loop, &k->timer);
	if (k->kind == CHALLENGE_DNS) {
		dnsask_cancel(&k->dns);
	} else {
		fetch_end(k->fetch);
		fetch_fini(&k->answer);
		k->fetch = NULL;
	}
	loop_bury(k->loop, &k->grave, on_grave);
}

struct glance *
glance_start(struct loop *l, const struct dnsask_servers *servers, const struct challenge *c,
    void (*done)(void *owner, const char *text), void *owner)
{
	struct glance *k = c->kind == CHALLENGE_PERSIST ? NULL : calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->loop = l;
	k->done = done;
	k->owner = owner;
	k->kind = c->kind;
	k->timer.fn = on_timer;
	buf_init(&k->cert, LIMIT_CERTIFICATE_BYTES);
	snprintf(k->name, sizeof(k->name), "%s", c->ident.text);
	snprintf(k->where, sizeof(k->where), "%s", c->where);
	snprintf(k->expected, sizeof(k->expected), "%s", c->text);
	snprintf(k->servers, sizeof(k->servers), "%s", servers->resolver);
	loop_timer_set(l, &k->timer, LIMIT_CERT_LOOK_MS * 1000LL);
	if (c->kind == CHALLENGE_DNS) {
		k->dns = (struct dnsask){ .loop = l, .servers = servers, .done = on_dns };
		dnsask_start(&k->dns, k->where, RR_TXT);
		return k;
	}
	if (start_fetch(k, c))
		return k;
	glance_end(k);
	return NULL;
}
