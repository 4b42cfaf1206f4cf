/* SPDX-License-Identifier: Apache-2.0 */
/* The rows: one for each option, with the commands that take it. */
#include "agent/core/options.h"

#include <stddef.h>

#define AT(member) offsetof(struct options, member)

/* In the order of help: the link, the tunnel, its policy, the inbox, the
 * doctor, hooks, the rest. */
static const struct args_row rows[] = {
	{ "--edge", "URL", AT(edge), OPTIONS_LINK,
	    "the edge, in place of a login: https://HOST[:PORT]" },
	{ "--ca", "FILE", AT(ca), OPTIONS_LINK,
	    "certificates (PEM) to trust for the edge, in place of the system's" },
	{ "--token-file", "FILE", AT(token_file), OPTIONS_LINK,
	    "read the token from FILE, - for standard input; else ADIT_TOKEN, else the login's" },
	{ "--file", "FILE", AT(file), OPTIONS_FILE,
	    "configuration in place of ~/.config/adit/adit.yml", .brief = "-f" },
	{ "--name", "NAME", AT(name), OPTIONS_NAME,
	    "public name; without it a random one that stays yours" },
	{ "--port", "PORT", AT(port), OPTIONS_PORT, "public port; without it any free one",
	    .min = 1, .max = 65535 },
	{ "--origin-host", "HOST", AT(origin_host), OPTIONS_ORIGIN,
	    "send this Host to the local server in place of the public name" },
	{ "--origin-ca", "FILE", AT(origin_ca), OPTIONS_ORIGIN,
	    "certificates (PEM) to trust for an https origin" },
	{ "--origin-insecure", NULL, AT(origin_insecure), OPTIONS_ORIGIN,
	    "accept any certificate of an https origin" },
	{ "--proxy-protocol", "VERSION", AT(proxy_protocol), OPTIONS_CONNECT,
	    "begin each connection to the local server with a PROXY header, 1 or 2", .min = 1,
	    .max = 2 },
	{ "--origin-silent", "SECONDS", AT(origin_silent), OPTIONS_ORIGIN,
	    "how long the local server may take to answer; 60 unless the edge says otherwise" },
	{ "--listing", NULL, AT(listing), OPTIONS_ORIGIN,
	    "with file:///DIR: show a folder without index.html as a list" },
	{ "--dotfiles", NULL, AT(dotfiles), OPTIONS_ORIGIN,
	    "with file:///DIR: serve files whose name begins with a dot, too" },
	{ "--inspect", "on|heads|off", AT(inspect), OPTIONS_ORIGIN,
	    "what is kept of requests on this machine's disk: all (on), heads, or nothing" },
	{ "--tls-at-agent", NULL, AT(tls_at_agent), OPTIONS_ACME,
	    "end the TLS of visitors here, with a certificate of this agent's own" },
	{ "--acme-directory", "URL", AT(acme_directory), OPTIONS_ACME,
	    "CA for it: letsencrypt (default), letsencrypt-staging, or the URL of a directory" },
	{ "--acme-ca-file", "FILE", AT(acme_ca_file), OPTIONS_ACME,
	    "certificates (PEM) to trust for that CA's own server, in place of the system's" },
	{ "--acme-email", "ADDRESS", AT(acme_email), OPTIONS_ACME, "where that CA may write to" },
	{ "--agree-to-terms", NULL, AT(agree), OPTIONS_ACME, "you have read the terms of that CA" },
	{ "--for", "PRESET", AT(preset), OPTIONS_POLICY,
	    "what the local server is, such as jenkins-bitbucket; see below" },
	{ "--context", "PATH", AT(context), OPTIONS_POLICY,
	    "path under which the local Jenkins runs, such as /jenkins; with --for" },
	{ "--store", NULL, AT(store), OPTIONS_POLICY,
	    "webhooks: the edge stores each on its disk, answers 202, and delivers it when it "
	    "can" },
	{ "--relay", NULL, AT(relay), OPTIONS_POLICY,
	    "the same, but the sender gets the local server's answer if it comes within 8 s" },
	{ "--secret-file", "FILE", AT(secret_files), OPTIONS_POLICY,
	    "secrets that the sender signs with, one a line; you may give several files",
	    POLICY_SECRET_FILES },
	{ "--scheme", "NAME", AT(scheme), OPTIONS_POLICY,
	    "how the sender signs, where no preset says it; implies --store; see below" },
	{ "--unsigned", NULL, AT(unsigned_ok), OPTIONS_POLICY,
	    "with --store: nobody signs these webhooks, store whatever anybody sends" },
	{ "--allow", "CIDR,...", AT(allow), OPTIONS_POLICY, "let only these addresses in" },
	{ "--deny", "CIDR,...", AT(deny), OPTIONS_POLICY, "keep these addresses out" },
	{ "--user-file", "FILE", AT(user_file), OPTIONS_POLICY,
	    "ask visitors for a password; FILE has the lines that adit passwd prints" },
	{ "--policy", "FILE", AT(policy_file), OPTIONS_POLICY,
	    "a policy as one JSON object; other options win over it" },
	{ "--body-max", "BYTES", AT(body_max), OPTIONS_POLICY, "largest body of a request" },
	{ "--rate", "N", AT(rate), OPTIONS_POLICY,
	    "requests a second, more are answered with 429" },
	{ "--http2", "on|off", AT(http2), OPTIONS_POLICY,
	    "off: visitors of this name speak HTTP/1.1 alone" },
	{ "--coalesce", NULL, AT(coalesce), OPTIONS_POLICY,
	    "stored pushes: a newer push of a branch takes the place of older ones that wait" },
	{ "--fan-out", "NAME,...", AT(fan_out), OPTIONS_POLICY,
	    "store a copy of each webhook for these tunnels of the account, too" },
	{ "--resign", NULL, AT(resign), OPTIONS_POLICY,
	    "sign late webhooks anew, since receivers would refuse the old timestamp" },
	{ "--port", "PORT", AT(ddns_port), OPTIONS_DDNS,
	    "let the edge knock at this port before it says that the name can be reached", .min = 1,
	    .max = 65535 },
	{ "--or-tunnel", NULL, AT(or_tunnel), OPTIONS_DDNS,
	    "straight to this machine while that port answers, through the tunnel when not" },
	{ "--host", "NAME=::1:2:3:4", AT(hosts), OPTIONS_DDNS,
	    "another machine of this network, by the last 64 bits of its IPv6 address",
	    OPTIONS_HOSTS },
	{ "--output", "FILE", AT(output), OPTIONS_IMPORT,
	    "write it there, and policies beside it, in place of standard output", .brief = "-o" },
	{ "--force", NULL, AT(force), OPTIONS_IMPORT, "write over files that are there" },
	{ "--from", "PROGRAM", AT(from), OPTIONS_IMPORT,
	    "ngrok, cloudflared or frp; else what is in the file says it" },
	{ "--tunnel", "NAME", AT(tunnel), OPTIONS_DOMAIN,
	    "the tunnel that it leads to; not needed where the account has one alone" },
	{ "--state", "STATE,...", AT(state), OPTIONS_FILTER,
	    "received, queued, leased, delivered, parked, dead or dropped" },
	{ "--event", "EVENT", AT(event), OPTIONS_FILTER, "event key, such as repo:push" },
	{ "--tunnel", "NAME", AT(tunnel), OPTIONS_FILTER | OPTIONS_STAT,
	    "deliveries of one tunnel" },
	{ "--repository", "NAME", AT(repository), OPTIONS_FILTER, "repository, or NAME/BRANCH" },
	{ "--since", "TIME", AT(since), OPTIONS_FILTER,
	    "received since: 2026-11-24T18:00:00Z, or 30m, 12h, 7d ago" },
	{ "--until", "TIME", AT(until), OPTIONS_FILTER, "received before" },
	{ "--limit", "N", AT(limit), OPTIONS_LIST, "no more than so many", .min = 1,
	    .max = UINT32_MAX },
	{ "--to", "TUNNEL", AT(to), OPTIONS_REPLAY,
	    "a copy of each to another tunnel of the account" },
	{ "--raw", NULL, AT(raw), OPTIONS_RAW, "print credentials, too, and exact bytes" },
	{ "--for", "cloud|dc", AT(side), OPTIONS_CHECKURL,
	    "whose verdict is the exit code: Bitbucket Cloud's (default) or Data Center's" },
	{ "--no-probe", NULL, AT(no_probe), OPTIONS_CHECKURL,
	    "look at the text only: no network is used" },
	{ "--dns", "HOST:PORT", AT(dns), OPTIONS_PROBE,
	    "name server to ask in place of the system's" },
	{ "--connect", "HOST:PORT", AT(connect), OPTIONS_PROBE,
	    "connect there, whatever DNS says: for a record that does not exist yet" },
	{ "--report", "FILE", AT(report), OPTIONS_DOCTOR,
	    "write all that the doctor saw to FILE, without secrets, for a bug report" },
	{ "--origin", "ADDRESS", AT(origin), OPTIONS_DOCTOR,
	    "the local server, where the configuration does not say it" },
	{ "--secret-file", "FILE", AT(secret_file), OPTIONS_DOCTOR | OPTIONS_HOOK_CREATE,
	    "file that holds the webhook's secret" },
	{ "--patience", "SECONDS", AT(patience), OPTIONS_DOCTOR,
	    "how long the sender waits for an answer: 10 for Bitbucket Cloud (default)", .min = 1,
	    .max = 120 },
	{ "--jenkins-user", "USER", AT(jenkins_user), OPTIONS_DOCTOR,
	    "look in Jenkins as USER whether builds start" },
	{ "--jenkins-token-file", "FILE", AT(jenkins_token), OPTIONS_DOCTOR,
	    "file that holds an API token of that user" },
	{ "--url", "URL", AT(url), OPTIONS_HOOK_URL, "the webhook's URL, as adit http prints it" },
	{ "--token-file", "FILE", AT(token_file), OPTIONS_HOOK,
	    "read Bitbucket's token from FILE, - for standard input; else BITBUCKET_TOKEN" },
	{ "--events", "EVENT,...", AT(events), OPTIONS_HOOK_CREATE,
	    "events that Bitbucket sends: repo:push (default) ..." },
	{ "--description", "TEXT", AT(description), OPTIONS_HOOK_CREATE,
	    "its name at Bitbucket, \"adit\" where not given" },
	{ "--dc", NULL, AT(dc), OPTIONS_HOOK,
	    "the repository is at a Data Center or Server; --api gives its address" },
	{ "--api", "URL", AT(api), OPTIONS_HOOK,
	    "REST API in place of https://api.bitbucket.org/2.0; with --dc the base URL" },
	{ "--ca", "FILE", AT(ca), OPTIONS_HOOK | OPTIONS_CHECKURL,
	    "certificates (PEM) to trust in place of the system's" },
	{ "--no-verify", NULL, AT(no_verify), OPTIONS_HOOK_CREATE,
	    "Bitbucket does not verify the certificate of the URL" },
	{ "--web", "ADDRESS", AT(web), OPTIONS_REQUESTS | OPTIONS_MCP | OPTIONS_SEND,
	    "web interface in place of 127.0.0.1:4040, or off" },
	{ "--to", "TUNNEL", AT(to), OPTIONS_SEND,
	    "to the local server of this tunnel, where the agent has several" },
	{ "--sign", NULL, AT(sign), OPTIONS_SEND,
	    "sign each anew with the secret that the tunnel was started with" },
	{ "--allow-replay", NULL, AT(allow_replay), OPTIONS_MCP,
	    "offer tools that send requests to the local server" },
	{ "--quiet", NULL, AT(quiet), OPTIONS_REQUESTS, "no line for each request" },
	{ "--log", "FORM", AT(log), OPTIONS_REQUESTS,
	    "lines in place of the screen of a terminal: plain, logfmt or json" },
	{ "--all", NULL, AT(all), OPTIONS_START, "every tunnel of the configuration" },
	{ "--system", NULL, AT(system), OPTIONS_SERVICE,
	    "a unit of the system, from the start of the machine on; root's default" },
	{ "--user", "NAME", AT(user), OPTIONS_SERVICE,
	    "with --system: whose tunnels they are; who typed sudo unless given" },
	{ "--dry-run", NULL, AT(dry_run), OPTIONS_DRY, "print what would be done, and do nothing",
	    .brief = "-n" },
	{ "--json", NULL, AT(json), OPTIONS_SCREEN,
	    "one JSON object a line on standard output, for scripts" },
	{ "--log-level", "LEVEL", AT(log_level), OPTIONS_SCREEN,
	    "error, warn (default), info, debug; debug prints requests without a terminal, too" },
	{ "--help", NULL, AT(help), OPTIONS_COMMON, "this text", .brief = "-h" },
	{ "--version", NULL, AT(version), OPTIONS_COMMON, "print the version" },
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))

/* Options go into *o by the rows, and what is none of them into its args. */
static struct args
reader(struct options *o)
{
	return (struct args){ .rows = rows,
		.n_rows = N_ROWS,
		.dst = o,
		.words = o->args,
		.words_max = LIMIT_TUNNELS_PER_LINK + 1 };
}

const char *
options_parse(struct options *o, unsigned groups, int argc, char **argv, char *why, size_t why_cap)
{
	struct args a = reader(o);
	const char *error;

	*o = (struct options){ 0 };
	error = args_parse(&a, groups | OPTIONS_COMMON, argc, argv);
	check(a.n_words >= 0 && a.n_words <= a.words_max);
	o->n_args = a.n_words;
	if (error != NULL)
		snprintf(why, why_cap, "%s", error);
	return error == NULL ? NULL : why;
}

const char *
options_allow(struct options *o, unsigned groups, unsigned allowed, char *why, size_t why_cap)
{
	struct args a = reader(o);
	const char *error;

	check((allowed & ~groups) == 0); /* what was not parsed cannot be allowed */
	error = args_allow(&a, groups, allowed | OPTIONS_COMMON);

	if (error != NULL)
		snprintf(why, why_cap, "%s", error);
	return error == NULL ? NULL : why;
}

const struct args_row *
options_rows(size_t *ret_n)
{
	*ret_n = N_ROWS;
	return rows;
}

void
options_help(FILE *f, unsigned groups)
{
	args_help(rows, N_ROWS, groups | OPTIONS_COMMON, f);
}

/* Its row lets 1 and 2 through. */
int
options_proxy_protocol(const struct options *o)
{
	return o->proxy_protocol == NULL ? 0 : o->proxy_protocol[0] - '0';
}
