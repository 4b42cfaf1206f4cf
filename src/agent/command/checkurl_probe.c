/* SPDX-License-Identifier: Apache-2.0 */
/* check-url on the network: each step adds what it finds, and the next one is not taken where it
 * would fail for the same reason. */
#include "agent/command/checkurl_probe.h"

#include "agent/doctor/tls_peek.h"
#include "http/close.h"
#include "relay/fetch.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>

/* Bitbucket Cloud waits for 10 s in all: what takes longer than these is told as a fault. */
#define DNS_MS 6000
#define PROBE_MS 8000

/* What can be found, in the order in which it is looked for: DNS, TCP, TLS, redirects, answers. */
enum probe_code {
	P_DNS_MISSING,
	P_DNS_FAILED,
	P_TCP,
	P_TCP_SOME,
	P_TLS,
	P_SELF_SIGNED,
	P_UNTRUSTED,
	P_CHAIN,
	P_NAME,
	P_EXPIRED,
	P_EARLY,
	P_OLD,
	P_TO_HTTPS,
	P_TO_SLASH,
	P_TO_LOGIN,
	P_REDIRECT,
	P_UNKNOWN,
	P_AWAY,
	P_FORBIDDEN,
	P_LOGIN,
	P_NOT_FOUND,
	P_METHOD,
	P_GONE,
	P_ERROR,
	P_SILENT,
	P_NOT_HTTP,
};

/*
 * As far as its documents say, Bitbucket looks at DNS alone when a webhook is saved: only what
 * DNS says can make it refuse. All that comes later is a warning, since the webhook is saved and
 * then does not arrive.
 */
#define W CHECKURL_WARNING
#define R CHECKURL_REFUSED
#define SKIP                                                                                       \
	"Use a certificate of a public authority, or tick 'Skip certificate verification' at "     \
	"the webhook."
/* Who says so, for what is claimed of Bitbucket. */
#define PAYLOADS                                                                                   \
	"Bitbucket Cloud, \"Event payloads\": https:// URLs need a certificate of a public "       \
	"authority "                                                                               \
	"(https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/)"

static const struct checkurl_code codes[] = {
	[P_DNS_MISSING] = { "dns-missing", R, R, CHECKURL_SOURCE_API },
	[P_DNS_FAILED] = { "dns-failed", R, R, CHECKURL_SOURCE_API },
	[P_TCP] = { "tcp-closed", W, W, NULL },
	[P_TCP_SOME] = { "tcp-some", W, W, NULL },
	[P_TLS] = { "tls-failed", W, W, NULL },
	[P_SELF_SIGNED] = { "tls-self-signed", W, W, PAYLOADS },
	[P_UNTRUSTED] = { "tls-untrusted", W, W, PAYLOADS },
	[P_CHAIN] = { "tls-chain", W, W, NULL },
	[P_NAME] = { "tls-name", W, W, NULL },
	[P_EXPIRED] = { "tls-expired", W, W, NULL },
	[P_EARLY] = { "tls-not-yet", W, W, NULL },
	[P_OLD] = { "tls-version", W, W, NULL },
	[P_TO_HTTPS] = { "redirect-https", W, W, NULL },
	[P_TO_SLASH] = { "redirect-slash", W, W, NULL },
	[P_TO_LOGIN] = { "redirect-login", W, W, NULL },
	[P_REDIRECT] = { "redirect", W, W, NULL },
	[P_UNKNOWN] = { "http-unknown-name", W, W, NULL },
	[P_AWAY] = { "http-away", W, W, NULL },
	[P_FORBIDDEN] = { "http-forbidden", W, W, NULL },
	[P_LOGIN] = { "http-login", W, W, NULL },
	[P_NOT_FOUND] = { "http-not-found", W, W, NULL },
	[P_METHOD] = { "http-method", W, W, NULL },
	[P_GONE] = { "http-gone", W, W, NULL },
	[P_ERROR] = { "http-error", W, W, NULL },
	[P_SILENT] = { "http-silent", W, W, NULL },
	[P_NOT_HTTP] = { "http-broken", W, W, NULL },
};

/* Adds a finding with its remedy; fmt: the cause, in a sentence. */
static void __attribute__((format(printf, 4, 5)))
add(struct checkurl_job *j, enum probe_code what, const char *remedy, const char *fmt, ...)
{
	struct checkurl_finding *f;
	va_list ap;

	check(codes[what].code != NULL);
	va_start(ap, fmt);
	f = checkurl_put(&j->check, &codes[what], fmt, ap);
	va_end(ap);
	if (f != NULL)
		snprintf(f->remedy, sizeof(f->remedy), "%s", remedy);
}

/* --- DNS and TCP --- */

static void
set_port(struct sockaddr_storage *ss, uint16_t port)
{
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)ss)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)ss)->sin_port = htons(port);
}

static socklen_t
size_of(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* Every address that is not public, once for each kind. */
static void
classify(struct checkurl_job *j)
{
	unsigned seen = 0;

	for (size_t i = 0; i < j->dns.n; i++) {
		const struct sockaddr *sa = (const struct sockaddr *)&j->dns.addrs[i];
		socklen_t len = size_of(&j->dns.addrs[i]);
		enum ipclass class = ipclass_sockaddr(sa, len);
		unsigned bit = 1u << class;
		char text[64];

		check(class < 8 * sizeof(seen));
		if ((seen & bit) != 0)
			continue;
		seen |= bit;
		dns_query_text(&j->dns.addrs[i], text, sizeof(text));
		checkurl_address(&j->check, &j->params, sa, len, text);
	}
}

/* Looks the host up. False after a finding: there is no address to be called. */
static bool
resolve(struct checkurl_job *j)
{
	const struct checkurl *c = &j->check;
	char why[128];

	dns_query(c->host, j->options->dns, DNS_MS, &j->dns);
	if (j->dns.result == DNS_QUERY_FOUND) {
		if (!c->is_address)
			classify(j);
		return true;
	}
	snprintf(why, sizeof(why), "%s", j->dns.why);
	/* No such name is for its owner to mend; a name server that fails may work
	 * again in a minute. */
	if (j->dns.result == DNS_QUERY_NONE)
		add(j, P_DNS_MISSING,
		    "Add the DNS record before you make the webhook: for the domain of an "
		    "edge, *.DOMAIN with the edge's address.",
		    "%.100s does not resolve (%s), and Bitbucket wants a name that does.", c->host,
		    why);
	else
		add(j, P_DNS_FAILED,
		    "Check the name servers of the domain (and its DNSSEC), or try again "
		    "with --dns 1.1.1.1:53.",
		    "The name servers gave no answer for %.100s: %s.", c->host, why);
	return false;
}

/* The first address that connects, with every one tried: a sender may begin with any of them,
 * and one that is dead costs it seconds or the delivery. */
static bool
reach(struct checkurl_job *j, struct sockaddr_storage *ret)
{
	struct tls_peek seen;
	char bad[64] = "";
	int error = 0;
	bool any = false;

	for (size_t i = 0; i < j->dns.n; i++) {
		struct sockaddr_storage ss = j->dns.addrs[i];

		set_port(&ss, j->connect.port != 0 ? j->connect.port : j->check.port);
		tls_peek_tcp((struct sockaddr *)&ss, size_of(&ss), PROBE_MS / 2, &seen);
		if (seen.tcp_error != 0) {
			error = seen.tcp_error;
			dns_query_text(&ss, bad, sizeof(bad));
		} else if (!any) {
			any = true;
			*ret = ss;
			addr_show(&ss, size_of(&ss), j->reached, sizeof(j->reached));
		}
	}
	if (!any)
		add(j, P_TCP,
		    "Open the port in the firewalls of the host and of the provider. "
		    "Behind a home router or CGNAT, use a tunnel: adit http 8080 --name "
		    "jenkins",
		    "Port %u of %s cannot be reached (%s).", j->check.port, bad, strerror(error));
	else if (error != 0)
		add(j, P_TCP_SOME,
		    "Remove the record of that address, or let the server listen there: "
		    "some senders try it first.",
		    "%s is an address of %.100s, but does not answer (%s).", bad, j->check.host,
		    strerror(error));
	return any;
}

/* --- TLS --- */

/* What a sender that verifies certificates would say. Self-signed and unknown issuers exclude
 * one another; the other faults are told beside them. */
static void
judge_tls(struct checkurl_job *j, const struct tls_peek *t)
{
	const char *host = j->check.host;

	if (!t->shaken) {
		add(j, P_TLS,
		    "Check the server's TLS settings; if it speaks plain HTTP, write "
		    "http://.",
		    "TLS with %.100s fails: %s.", host, t->why);
		return;
	}
	/* First, since a missing intermediate certificate looks like an
	 * unknown issuer otherwise. */
	if (t->incomplete)
		add(j, P_CHAIN,
		    "Put the whole chain into the certificate file, the server's own one first.",
		    "The server sends its certificate without the intermediate one of "
		    "%.80s; browsers find that one themselves, other programs do not.",
		    t->issuer);
	else if (t->self_signed)
		add(j, P_SELF_SIGNED, SKIP,
		    "The certificate is signed by itself or by a CA of its own (%.80s).",
		    t->issuer);
	else if (t->no_issuer || t->other[0] != '\0')
		add(j, P_UNTRUSTED, SKIP,
		    "The certificate is issued by %.80s, which senders do not know%s%s.", t->issuer,
		    t->other[0] != '\0' ? ": " : "", t->other);
	if (t->wrong_name)
		add(j, P_NAME,
		    "Get a certificate for this very name; a wildcard stands for one part of a "
		    "name.",
		    "The certificate is for %.100s, not for %.90s.", t->names, host);
	if (t->expired)
		add(j, P_EXPIRED, "Renew it, and find out why that did not happen by itself.",
		    "The certificate has expired on %s.", t->until);
	if (t->early)
		add(j, P_EARLY, "Check the clocks of the server and of this machine.",
		    "The certificate is not valid before %s.", t->from);
	if (t->old)
		add(j, P_OLD, "Offer TLS 1.2 and 1.3.",
		    "The server speaks %s only, which today's senders refuse.", t->version);
}

/* --- what it answers --- */

/* Senders of webhooks do not follow redirects, or follow them with a GET and without the body. */
static void
judge_redirect(struct checkurl_job *j, const struct fetch_answer *a)
{
	const struct checkurl *c = &j->check;
	struct slice to = fetch_field(a, S("Location"));
	struct preset_answer answer = {
		.status = a->status, .path = slice_str(c->path), .location = to
	};
	struct preset_judgement judged;

	if (strcmp(c->scheme, "http") == 0 && slice_starts(to, S("https://"))) {
		add(j, P_TO_HTTPS, "Write https:// in the webhook.",
		    "The server redirects http:// to https://: a sender that follows the "
		    "redirect loses the body.");
		return;
	}
	judged = preset_judge(c->preset, &answer);
	if (strcmp(judged.code, "slash") == 0)
		add(j, P_TO_SLASH, "Add the final '/' to the URL.",
		    "The server redirects %.150s to the same path "
		    "with a slash: the POST is lost.",
		    c->path);
	else if (strcmp(judged.code, "login") == 0)
		add(j, P_TO_LOGIN, judged.advice, "%s", judged.text);
	else
		add(j, P_REDIRECT, judged.advice, "The server redirects to %.*s.",
		    to.n > 120 ? 120 : PS(to));
}

/* An edge of adit says in one word what is wrong (adit-error, a row of the close table). A row
 * that fits none of these is the edge's own affair and says nothing of the URL. */
static void
judge_edge(struct checkurl_job *j, const struct close_row *row)
{
	char path[200];
	const struct preset *p = j->check.preset;

	snprintf(path, sizeof(path), "Use the path that adit prints for the tunnel%s%s.",
	    p != NULL ? ", for example " : "", p != NULL ? p->path : "");
	if (strcmp(row->name, "forbidden") == 0)
		add(j, P_FORBIDDEN, path, "The tunnel does not let %.150s through (403 %s).",
		    j->check.path, row->name);
	else if (row->status == 404)
		add(j, P_UNKNOWN, row->remedy, "%s (404 %s)", row->what, row->name);
	else if (row->status == 410)
		add(j, P_GONE, row->remedy, "%s (410 %s)", row->what, row->name);
	else if (row->status == 401)
		add(j, P_LOGIN, "Take user_file off the tunnel: webhooks cannot log in.",
		    "%s (401 %s)", row->what, row->name);
	else if (row->blame == BLAME_AGENT)
		add(j, P_AWAY, row->remedy, "%s (%d %s)", row->what, row->status, row->name);
	else if (row->status >= 500)
		add(j, P_ERROR, row->remedy, "%s (%d %s)", row->what, row->status, row->name);
}

/* What a server says to a webhook's request that it is not asked for in earnest. The preset of
 * the URL's path knows what the usual receivers mean by it. */
static void
judge_refusal(struct checkurl_job *j, const struct fetch_answer *a)
{
	const struct checkurl *c = &j->check;
	struct preset_answer answer = { .status = a->status,
		.path = slice_str(c->path),
		.body = slice_head(buf_slice(&a->body), 1024),
		.jenkins = fetch_field(a, S("X-Jenkins")).p != NULL };
	struct preset_judgement judged = preset_judge(c->preset, &answer);
	const char *advice =
	    judged.advice[0] != '\0' ? judged.advice : "Look into the server's log.";
	unsigned status = a->status;
	enum probe_code what;

	check(status >= 400); /* what is less is no refusal */
	/* It wants a signature: then it is the receiver, and this was no push of Bitbucket's. */
	if (strcmp(judged.code, "signature") == 0 || strcmp(judged.code, "token") == 0)
		return;
	switch (status) {
	case 401:
		what = P_LOGIN;
		break;
	case 403:
		what = P_FORBIDDEN;
		break;
	case 404:
		what = P_NOT_FOUND;
		break;
	case 405:
		what = P_METHOD;
		break;
	case 410:
		what = P_GONE;
		break;
	default:
		if (status < 500)
			return; /* it reads what it gets, and this was no event that it knows */
		what = P_ERROR;
	}
	add(j, what, advice, "The server answers %.150s with %u. %s", c->path, status, judged.text);
}

/* A request as the sender would make it, to an address that has answered before: neither DNS nor
 * a second address is tried, so that what fails is the server. */
static int
call(struct checkurl_job *j, const struct sockaddr_storage *ss, bool post, struct fetch_answer *ret)
{
	const struct checkurl *c = &j->check;
	const char *path = strstr(c->typed, c->path);
	char host[300];
	struct fetch_request req = {
		.method = post ? "POST" : "GET",
		.tls_name = c->host,
		.host = host,
		.target = slice_str(c->path[0] == '/' ? c->path : "/"),
		.fields = post ? S("User-Agent: adit-check-url/" ADIT_VERSION "\r\n"
				   "Content-Type: application/json\r\n"
				   "X-Event-Key: diagnostics:ping\r\n"
				   "X-Request-Id: adit-check-url\r\n")
			       : S("User-Agent: adit-check-url/" ADIT_VERSION "\r\n"),
		.body = post ? S("{\"test\": true}") : S(""),
		.insecure = true, /* judged before */
		.timeout_ms = PROBE_MS,
		.body_max = 1024, /* enough for the words by which receivers are known */
	};

	snprintf(host, sizeof(host), c->port == 80 || c->port == 443 ? "%s" : "%s:%u", c->host,
	    c->port);
	/* With the query as it was typed: receivers take tokens from there. */
	if (c->has_query && path != NULL && path != c->typed)
		req.target = slice_head(slice_str(path), strcspn(path, "#"));
	req.addr.port = addr_split(ss, size_of(ss), req.addr.host, sizeof(req.addr.host));
	req.addr.tls = strcmp(c->scheme, "https") == 0;
	return fetch(&req, ret);
}

/*
 * First a GET, which changes nothing anywhere. Where that is refused it says little of a
 * receiver of POSTs, and the ping follows that Bitbucket Data Center sends as "Test connection";
 * an edge of adit is not asked twice, since it says all with the first answer.
 */
static void
ask(struct checkurl_job *j, const struct sockaddr_storage *ss)
{
	struct fetch_answer a;
	const struct close_row *row = NULL;
	int rc = call(j, ss, false, &a);
	bool refused = rc == 0 && a.status >= 400;

	if (refused)
		row = close_find(fetch_field(&a, S("adit-error")));
	if (refused && row == NULL) {
		fetch_fini(&a);
		rc = call(j, ss, true, &a);
	}
	if (rc != 0 && a.code == ETIMEDOUT)
		add(j, P_SILENT, "Look at the server behind the URL: adit doctor URL",
		    "The server takes the connection, but does not answer.");
	else if (rc != 0)
		add(j, P_NOT_HTTP, "Check that this is the right port: adit doctor URL",
		    "The server does not answer in HTTP/1.1: %.150s.", a.why);
	else if (row != NULL)
		judge_edge(j, row);
	else if (a.status >= 300 && a.status <= 399)
		judge_redirect(j, &a);
	else if (a.status >= 400)
		judge_refusal(j, &a);
	fetch_fini(&a);
}

/* Here it is another machine than the one that Bitbucket would call. */
static bool
is_this_machine(const struct checkurl *c)
{
	size_t n = strlen(c->host);

	return (c->is_address && c->class == IPCLASS_LOOPBACK) ||
	       strcasecmp(c->host, "localhost") == 0 ||
	       (n > 10 && strcasecmp(c->host + n - 10, ".localhost") == 0);
}

void
checkurl_probe(struct checkurl_job *j)
{
	struct sockaddr_storage ss = { 0 };
	struct tls_peek tls = { 0 };
	bool found = true;

	/* Nothing that is certain to fail, or that would be another host than people mean. */
	if (j->check.host[0] == '\0' || j->check.port == 0 ||
	    (is_this_machine(&j->check) && j->connect.port == 0))
		return;
	if (strcmp(j->check.scheme, "https") != 0 && strcmp(j->check.scheme, "http") != 0)
		return;
	j->probed = true;
	/* With --connect the name is looked up only where a name server was given, too: then
	 * both are wanted, what DNS says now and what answers where it will point to. */
	if (j->connect.port == 0 || j->options->dns != NULL)
		found = resolve(j);
	if (j->connect.port != 0)
		dns_query(j->connect.host[0] == '\0' ? "127.0.0.1" : j->connect.host, NULL, DNS_MS,
		    &j->dns);
	if ((!found && j->connect.port == 0) || !reach(j, &ss))
		return;
	if (strcmp(j->check.scheme, "https") == 0) {
		(void)tls_peek((struct sockaddr *)&ss, size_of(&ss), j->check.host, j->options->ca,
		    PROBE_MS, &tls);
		judge_tls(j, &tls);
		/* Without a handshake, or with one of a version that fetch() refuses,
		 * no answer can come. */
		if (!tls.shaken || tls.old)
			return;
	}
	ask(j, &ss);
}
