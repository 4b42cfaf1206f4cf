/* SPDX-License-Identifier: Apache-2.0 */
/* `adit check-url`: looks at a URL, asks DNS and the server, and prints what it found. */
#include "agent/checkurl_command.h"

#include "agent/client.h"
#include "agent/config_file.h"
#include "relay/fetch.h"
#include "agent/peek_tls.h"
#include "agent/plain.h"
#include "agent/seek.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#define DNS_MS 6000
#define PROBE_MS 8000

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
	P_SILENT,
	P_NOT_HTTP,
};

#define W CHECKURL_WARNING
#define R CHECKURL_REFUSED
#define SKIP                                                                                       \
	"Use adit's automatic certificate, or tick 'Skip certificate verification' at the "        \
	"webhook."

const struct checkurl_code checkurl_probe_codes[] = {
	[P_DNS_MISSING] = { "dns-missing", R, R },
	[P_DNS_FAILED] = { "dns-failed", R, R },
	[P_TCP] = { "tcp-closed", W, W },
	[P_TCP_SOME] = { "tcp-some", W, W },
	[P_TLS] = { "tls-failed", W, W },
	[P_SELF_SIGNED] = { "tls-self-signed", W, W },
	[P_UNTRUSTED] = { "tls-untrusted", W, W },
	[P_CHAIN] = { "tls-chain", W, W },
	[P_NAME] = { "tls-name", W, W },
	[P_EXPIRED] = { "tls-expired", W, W },
	[P_EARLY] = { "tls-not-yet", W, W },
	[P_OLD] = { "tls-version", W, W },
	[P_TO_HTTPS] = { "redirect-https", W, W },
	[P_TO_SLASH] = { "redirect-slash", W, W },
	[P_TO_LOGIN] = { "redirect-login", W, W },
	[P_REDIRECT] = { "redirect", W, W },
	[P_SILENT] = { "http-silent", W, W },
	[P_NOT_HTTP] = { "http-broken", W, W },
};
const size_t checkurl_probe_codes_n = sizeof(checkurl_probe_codes) / sizeof(*checkurl_probe_codes);

struct job {
	const struct options *options;
	struct checkurl check;
	struct checkurl_params params;
	struct config config;
	char edge[256];
	struct addr connect;
	struct seek_answer dns;
	char reached[ADDR_TEXT_BYTES];
	bool probed;
};

static void __attribute__((format(printf, 4, 5)))
add(struct job *j, enum probe_code what, const char *remedy, const char *fmt, ...)
{
	struct checkurl_finding *f;
	va_list ap;

	va_start(ap, fmt);
	f = checkurl_put(&j->check, &checkurl_probe_codes[what], fmt, ap);
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
classify(struct job *j)
{
	unsigned seen = 0;

	for (size_t i = 0; i < j->dns.n; i++) {
		const struct sockaddr *sa = (const struct sockaddr *)&j->dns.addrs[i];
		socklen_t len = size_of(&j->dns.addrs[i]);
		unsigned bit = 1u << ipclass_sockaddr(sa, len);
		char text[64];

		if ((seen & bit) != 0)
			continue;
		seen |= bit;
		seek_text(&j->dns.addrs[i], text, sizeof(text));
		checkurl_address(&j->check, &j->params, sa, len, text);
	}
}

static bool
resolve(struct job *j)
{
	const struct checkurl *c = &j->check;
	char why[128];

	seek(c->host, j->options->dns, DNS_MS, &j->dns);
	if (j->dns.result == SEEK_FOUND) {
		if (!c->is_address)
			classify(j);
		return true;
	}
	snprintf(why, sizeof(why), "%s", j->dns.why);
	if (j->dns.result == SEEK_NONE)
		add(j, P_DNS_MISSING,
		    "Make the record before the webhook: for a domain of adit's, *.DOMAIN "
		    "to the edge's address.",
		    "%.100s does not resolve (%s): Bitbucket saves no such URL.", c->host, why);
	else
		add(j, P_DNS_FAILED,
		    "Look after the name servers of the domain (and its DNSSEC), or try again "
		    "with --dns 1.1.1.1:53.",
		    "The name servers do not tell the address of %.100s: %s.", c->host, why);
	return false;
}

/* The first address that connects, with every one tried. */
static bool
reach(struct job *j, struct sockaddr_storage *ret)
{
	struct peek_tls seen;
	char bad[64] = "";
	int error = 0;
	bool any = false;

	for (size_t i = 0; i < j->dns.n; i++) {
		struct sockaddr_storage ss = j->dns.addrs[i];

		set_port(&ss, j->connect.port != 0 ? j->connect.port : j->check.port);
		peek_tcp((struct sockaddr *)&ss, size_of(&ss), PROBE_MS / 2, &seen);
		if (seen.tcp_error != 0) {
			error = seen.tcp_error;
			seek_text(&ss, bad, sizeof(bad));
		} else if (!any) {
			any = true;
			*ret = ss;
			addr_show(&ss, size_of(&ss), j->reached, sizeof(j->reached));
		}
	}
	if (!any)
		add(j, P_TCP,
		    "Open the port in the host's and the provider's firewall; behind a home router "
		    "or "
		    "CGNAT use a tunnel: adit http 8080 --name jenkins",
		    "Port %u of %s cannot be reached (%s).", j->check.port, bad, strerror(error));
	else if (error != 0)
		add(j, P_TCP_SOME,
		    "Remove the record of that address, or let the server listen there: some "
		    "senders take it first.",
		    "%s is an address of %.100s, but does not answer (%s).", bad, j->check.host,
		    strerror(error));
	return any;
}

/* --- TLS --- */

static void
judge_tls(struct job *j, const struct peek_tls *t)
{
	const char *host = j->check.host;

	if (!t->shaken) {
		add(j, P_TLS,
		    "Look at the server's TLS settings; where it speaks plain HTTP, write http://.",
		    "TLS with %.100s fails: %s.", host, t->why);
		return;
	}
	if (t->incomplete)
		add(j, P_CHAIN,
		    "Put the whole chain into the certificate file, the server's own one first.",
		    "The server sends its certificate without the intermediate one of %.80s; "
		    "browsers hide that, "
		    "Bitbucket does not.",
		    t->issuer);
	else if (t->self_signed)
		add(j, P_SELF_SIGNED, SKIP,
		    "The certificate is signed by itself or by a CA of its own (%.80s).",
		    t->issuer);
	else if (t->no_issuer || t->other[0] != '\0')
		add(j, P_UNTRUSTED, SKIP,
		    "The certificate is issued by %.80s, whom Bitbucket does not know%s%s.",
		    t->issuer, t->other[0] != '\0' ? ": " : "", t->other);
	if (t->wrong_name)
		add(j, P_NAME,
		    "Get a certificate for this very name; a wildcard stands for one part of a "
		    "name.",
		    "The certificate is for %.100s, not for %.90s.", t->names, host);
	if (t->expired)
		add(j, P_EXPIRED, "Renew it, and look why that did not happen by itself.",
		    "The certificate has expired on %s.", t->until);
	if (t->early)
		add(j, P_EARLY, "Look at the clocks of the server and of this machine.",
		    "The certificate is not valid before %s.", t->from);
	if (t->old)
		add(j, P_OLD, "Offer TLS 1.2 and 1.3.",
		    "The server speaks %s only, which Bitbucket does not.", t->version);
}

/* --- what it answers --- */

static void
judge_answer(struct job *j, const struct fetch_answer *a)
{
	const struct checkurl *c = &j->check;
	struct slice to = fetch_field(a, S("Location")), path = slice_str(c->path);
	struct preset_answer answer = { .status = a->status, .path = path, .location = to };
	struct preset_judgement judged;

	if (a->status < 300 || a->status > 399)
		return;
	if (strcmp(c->scheme, "http") == 0 && slice_starts(to, S("https://"))) {
		add(j, P_TO_HTTPS, "Write https:// in the webhook.",
		    "The server redirects http:// to https://: Bitbucket does not follow, or loses "
		    "the body.");
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

static void
ask(struct job *j, const struct sockaddr_storage *ss)
{
	const struct checkurl *c = &j->check;
	struct fetch_request req = {
		.method = "GET",
		.tls_name = c->host,
		.host = c->host,
		.target = slice_str(c->path[0] == '/' ? c->path : "/"),
		.fields = S("User-Agent: adit-check-url/" ADIT_VERSION "\r\n"),
		.insecure = true, /* judged before */
		.timeout_ms = PROBE_MS,
		.body_max = 1024,
	};
	struct fetch_answer a;

	req.addr.port = addr_split(ss, size_of(ss), req.addr.host, sizeof(req.addr.host));
	req.addr.tls = strcmp(c->scheme, "https") == 0;
	if (fetch(&req, &a) == 0)
		judge_answer(j, &a);
	else if (a.code == ETIMEDOUT)
		add(j, P_SILENT, "Look at the server behind the URL: adit doctor URL",
		    "The server takes the connection, but does not answer.");
	else
		add(j, P_NOT_HTTP, "Look whether this is the right port: adit doctor URL",
		    "The server does not answer in HTTP/1.1: %.150s.", a.why);
	fetch_fini(&a);
}

static int
use_connect(struct job *j)
{
	const char *text = j->options->connect, *why;

	if (text == NULL)
		return 0;
	why = addr_parse(slice_str(text), &j->connect);
	if (why != NULL || j->connect.kind != ADDR_TCP)
		return command_usage("--connect %s: %s", text,
		    why != NULL ? why : "HOST:PORT is wanted");
	return 0;
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

static void
probe(struct job *j)
{
	struct sockaddr_storage ss = { 0 };
	struct peek_tls tls = { 0 };
	bool found = true;

	/* Nothing that is certain to fail, or that would be another host than people mean. */
	if (j->check.host[0] == '\0' || j->check.port == 0 ||
	    (is_this_machine(&j->check) && j->connect.port == 0))
		return;
	if (strcmp(j->check.scheme, "https") != 0 && strcmp(j->check.scheme, "http") != 0)
		return;
	j->probed = true;
	if (j->connect.port == 0 || j->options->dns != NULL)
		found = resolve(j);
	if (j->connect.port != 0)
		seek(j->connect.host[0] == '\0' ? "127.0.0.1" : j->connect.host, NULL, DNS_MS,
		    &j->dns);
	if ((!found && j->connect.port == 0) || !reach(j, &ss))
		return;
	if (strcmp(j->check.scheme, "https") == 0) {
		(void)peek_tls((struct sockaddr *)&ss, size_of(&ss), j->check.host, j->options->ca,
		    PROBE_MS, &tls);
		judge_tls(j, &tls);
		if (!tls.shaken || tls.old)
			return;
	}
	ask(j, &ss);
}

/* --- what is printed --- */

static int
by_severity(const void *a, const void *b)
{
	const struct checkurl_finding *x = a, *y = b;
	int diff = (int)(y->cloud + y->dc) - (int)(x->cloud + x->dc);

	return diff;
}

static const char *
verdict_text(enum checkurl_severity s)
{
	switch (s) {
	case CHECKURL_OK:
		return "accepts it";
	case CHECKURL_WARNING:
		return "saves it, but hooks may not arrive";
	case CHECKURL_REFUSED:
		break;
	}
	return "refuses it: \"Invalid URL\"";
}

static void
write_text(const struct job *j, struct buf *b)
{
	const struct checkurl *c = &j->check;

	plain_put(b, slice_str(j->options->args[0]));
	buf_printf(b, "\nBitbucket Cloud %s\nBitbucket Data Center %s\n", verdict_text(c->cloud),
	    verdict_text(c->dc));
	for (size_t i = 0; i < c->n_findings; i++) {
		const struct checkurl_finding *f = &c->findings[i];
		enum checkurl_severity worst = f->cloud > f->dc ? f->cloud : f->dc;

		buf_printf(b, "%s %s: ", checkurl_severity_name(worst), f->code);
		plain_put(b, slice_str(f->cause));
		buf_putc(b, ' ');
		plain_put(b, slice_str(f->remedy));
		buf_putc(b, '\n');
	}
	if (c->n_findings == 0 && j->probed)
		buf_printf(b,
		    "ok: it was reached at %s. If Bitbucket says \"Invalid URL\" all the same, it "
		    "is "
		    "Bitbucket's own validator.\n",
		    j->reached);
	else if (c->n_findings == 0)
		buf_put(b, S("ok: nothing is wrong with its text; without --no-probe it is called, "
			     "too.\n"));
	if (c->command[0] != '\0')
		buf_printf(b, "type: %s\n", c->command);
	if (c->suggestion[0] != '\0') {
		buf_put(b, S("then: "));
		plain_put(b, slice_str(c->suggestion));
		buf_putc(b, '\n');
	}
}

static void
put_member(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":", key);
	buf_json_ascii(b, slice_str(value));
}

static void
write_json(const struct job *j, enum checkurl_severity verdict, struct buf *b)
{
	const struct checkurl *c = &j->check;

	buf_putc(b, '{');
	put_member(b, "url", j->options->args[0]);
	buf_printf(b,
	    ",\"verdict\":\"%s\",\"cloud\":\"%s\",\"dc\":\"%s\",\"probed\":%s,\"findings\":[",
	    checkurl_severity_name(verdict), checkurl_severity_name(c->cloud),
	    checkurl_severity_name(c->dc), j->probed ? "true" : "false");
	for (size_t i = 0; i < c->n_findings; i++) {
		const struct checkurl_finding *f = &c->findings[i];

		buf_printf(b, "%s{\"code\":\"%s\",\"cloud\":\"%s\",\"dc\":\"%s\",",
		    i > 0 ? "," : "", f->code, checkurl_severity_name(f->cloud),
		    checkurl_severity_name(f->dc));
		put_member(b, "cause", f->cause);
		buf_putc(b, ',');
		put_member(b, "remedy", f->remedy);
		buf_putc(b, '}');
	}
	buf_put(b, S("],"));
	put_member(b, "suggestion", c->suggestion);
	buf_putc(b, ',');
	put_member(b, "command", c->command);
	buf_putc(b, ',');
	put_member(b, "reached", j->reached);
	buf_put(b, S("}\n"));
}

/* Where somebody is logged in, remedies name that edge. */
static void
use_login(struct job *j)
{
	char path[512];
	struct addr edge;
	char *error = NULL;
	bool missing;

	if (j->options->file != NULL)
		snprintf(path, sizeof(path), "%s", j->options->file);
	else if (!config_file_path(path, sizeof(path)))
		return;
	error = config_file_read(path, &j->config, &missing);
	free(error);
	if (error == NULL && j->config.edge != NULL &&
	    addr_parse(slice_str(j->config.edge), &edge) == NULL && edge.kind == ADDR_TCP) {
		snprintf(j->edge, sizeof(j->edge), "%s", edge.host);
		j->params.edge = j->edge;
	}
}

int
checkurl_command(const struct options *o)
{
	struct job *j = calloc(1, sizeof(*j));
	enum checkurl_severity verdict;
	struct buf out;

	if (j == NULL)
		return EXIT_BROKE;
	j->options = o;
	if (o->side != NULL && strcmp(o->side, "cloud") != 0 && strcmp(o->side, "dc") != 0) {
		free(j);
		return command_usage("--for %s: cloud or dc is wanted", o->side);
	}
	if (use_connect(j) != 0) {
		free(j);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	use_login(j);
	checkurl_read(slice_str(o->args[0]), &j->params, &j->check);
	if (!o->no_probe)
		probe(j);
	qsort(j->check.findings, j->check.n_findings, sizeof(*j->check.findings), by_severity);
	verdict = o->side != NULL && strcmp(o->side, "dc") == 0 ? j->check.dc : j->check.cloud;
	buf_init(&out, 65536);
	if (o->json)
		write_json(j, verdict, &out);
	else
		write_text(j, &out);
	fwrite(out.p, 1, out.n, stdout);
	buf_fini(&out);
	config_fini(&j->config);
	free(j);
	return (int)verdict;
}
