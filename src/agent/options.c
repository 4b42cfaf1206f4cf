/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the agent's options, and the parser that reads it. */
#include "agent/options.h"

#include "base/suggest.h"

#include <string.h>

struct row {
	const char *name;  /* first: suggest() */
	const char *value; /* its name in help, NULL: a switch */
	size_t at;
	unsigned group;
	const char *what;
	int n_max; /* how often it may be given: the member is an array; 0: once */
};

#define AT(member) offsetof(struct options, member)

static const struct row rows[] = {
	{ "--edge", "URL", AT(edge), OPTIONS_LINK,
	    "the edge, in place of a login: https://HOST[:PORT]" },
	{ "--ca", "FILE", AT(ca), OPTIONS_LINK,
	    "certificates (PEM) that the edge's must lead to, in place of the system's" },
	{ "--token-file", "FILE", AT(token_file), OPTIONS_LINK,
	    "file that holds the token, - for standard input; else ADIT_TOKEN, else the login's" },
	{ "-f", "FILE", AT(file), OPTIONS_FILE,
	    "configuration in place of ~/.config/adit/adit.yml" },
	{ "--name", "NAME", AT(name), OPTIONS_NAME,
	    "public name; without it a random one that stays yours" },
	{ "--port", "PORT", AT(port), OPTIONS_PORT, "public port; without it any free one" },
	{ "--origin-host", "HOST", AT(origin_host), OPTIONS_ORIGIN,
	    "Host that the local server is sent in place of the public name" },
	{ "--origin-ca", "FILE", AT(origin_ca), OPTIONS_ORIGIN,
	    "certificates (PEM) that an https origin's must lead to" },
	{ "--origin-insecure", NULL, AT(origin_insecure), OPTIONS_ORIGIN,
	    "take any certificate of an https origin" },
	{ "--origin-silent", "SECONDS", AT(origin_silent), OPTIONS_ORIGIN,
	    "how long it may take to answer, 60 unless the edge says otherwise" },
	{ "--for", "PRESET", AT(preset), OPTIONS_POLICY,
	    "what the local server is, such as jenkins-bitbucket; see below" },
	{ "--context", "PATH", AT(context), OPTIONS_POLICY,
	    "path below which the local Jenkins lives, such as /jenkins; with --for" },
	{ "--store", NULL, AT(store), OPTIONS_POLICY,
	    "webhooks: the edge keeps each on its disk, answers 202, delivers it when it can" },
	{ "--relay", NULL, AT(relay), OPTIONS_POLICY,
	    "the same, but the sender gets the local server's answer when there is one in 8 s" },
	{ "--secret-file", "FILE", AT(secret_files), OPTIONS_POLICY,
	    "secrets that webhooks are signed with, one a line; may be given again",
	    POLICY_SECRET_FILES },
	{ "--scheme", "NAME", AT(scheme), OPTIONS_POLICY,
	    "how they are signed, where no preset says it: bitbucket, github, stripe ..." },
	{ "--allow", "CIDR,...", AT(allow), OPTIONS_POLICY, "let only these addresses in" },
	{ "--deny", "CIDR,...", AT(deny), OPTIONS_POLICY, "keep these addresses out" },
	{ "--user-file", "FILE", AT(user_file), OPTIONS_POLICY,
	    "ask for a password; lines name:hash of adit passwd" },
	{ "--policy", "FILE", AT(policy_file), OPTIONS_POLICY,
	    "a policy as one JSON object; other options go over it" },
	{ "--body-max", "BYTES", AT(body_max), OPTIONS_POLICY, "largest body of a request" },
	{ "--rate", "N", AT(rate), OPTIONS_POLICY,
	    "requests a second, more are answered with 429" },
	{ "--coalesce", NULL, AT(coalesce), OPTIONS_POLICY,
	    "stored pushes: a newer one of a branch takes the place of older ones that wait" },
	{ "--fan-out", "NAME,...", AT(fan_out), OPTIONS_POLICY,
	    "store a copy of each webhook for these tunnels of the account, too" },
	{ "--resign", NULL, AT(resign), OPTIONS_POLICY,
	    "sign anew what is delivered so late that its timestamp would be refused" },
	{ "--state", "STATE,...", AT(state), OPTIONS_INBOX,
	    "received, queued, leased, delivered, parked, dead or dropped" },
	{ "--event", "EVENT", AT(event), OPTIONS_INBOX, "event key, such as repo:push" },
	{ "--tunnel", "NAME", AT(tunnel), OPTIONS_INBOX, "deliveries of one tunnel" },
	{ "--repository", "NAME", AT(repository), OPTIONS_INBOX, "repository, or NAME/BRANCH" },
	{ "--since", "TIME", AT(since), OPTIONS_INBOX,
	    "received since: 2026-11-24T18:00:00Z, or 30m, 12h, 7d ago" },
	{ "--until", "TIME", AT(until), OPTIONS_INBOX, "received before" },
	{ "--limit", "N", AT(limit), OPTIONS_INBOX, "no more than so many" },
	{ "--to", "TUNNEL", AT(to), OPTIONS_INBOX,
	    "replay: a copy of each to another tunnel of the account" },
	{ "--raw", NULL, AT(raw), OPTIONS_INBOX,
	    "show, export: nothing is redacted, bytes are exact" },
	{ "--for", "cloud|dc", AT(side), OPTIONS_CHECKURL,
	    "whose verdict is the exit code: Bitbucket Cloud's (default) or Data Center's" },
	{ "--no-probe", NULL, AT(no_probe), OPTIONS_CHECKURL,
	    "look at the text only: no network is used" },
	{ "--dns", "HOST:PORT", AT(dns), OPTIONS_PROBE,
	    "name server to ask in place of the system's" },
	{ "--connect", "HOST:PORT", AT(connect), OPTIONS_PROBE,
	    "connect there in place of where DNS says: before the record is made" },
	{ "--report", "FILE", AT(report), OPTIONS_DOCTOR,
	    "write all that was seen to FILE, without secrets, for a bug report" },
	{ "--origin", "ADDRESS", AT(origin), OPTIONS_DOCTOR,
	    "the local server, where the configuration does not say it" },
	{ "--secret-file", "FILE", AT(secret_file), OPTIONS_DOCTOR | OPTIONS_HOOK,
	    "file that holds the webhook's secret" },
	{ "--patience", "SECONDS", AT(patience), OPTIONS_DOCTOR,
	    "what the sender waits for an answer: 10 for Bitbucket Cloud (default)" },
	{ "--jenkins-user", "USER", AT(jenkins_user), OPTIONS_DOCTOR,
	    "look in Jenkins as USER whether builds start" },
	{ "--jenkins-token-file", "FILE", AT(jenkins_token), OPTIONS_DOCTOR,
	    "file that holds an API token of that user" },
	{ "--url", "URL", AT(url), OPTIONS_HOOK, "the webhook's URL, as adit http prints it" },
	{ "--token-file", "FILE", AT(token_file), OPTIONS_HOOK,
	    "file that holds Bitbucket's token, - for standard input; else BITBUCKET_TOKEN" },
	{ "--events", "EVENT,...", AT(events), OPTIONS_HOOK,
	    "events to be called for: repo:push (default) ..." },
	{ "--description", "TEXT", AT(description), OPTIONS_HOOK,
	    "its name at Bitbucket, \"adit\" where not given" },
	{ "--dc", NULL, AT(dc), OPTIONS_HOOK,
	    "PROJECT/REPO of a Data Center or Server, whose address --api gives" },
	{ "--api", "URL", AT(api), OPTIONS_HOOK,
	    "REST API in place of https://api.bitbucket.org/2.0; with --dc the base URL" },
	{ "--ca", "FILE", AT(ca), OPTIONS_HOOK | OPTIONS_CHECKURL,
	    "certificates (PEM) that are trusted in place of the system's" },
	{ "--no-verify", NULL, AT(no_verify), OPTIONS_HOOK,
	    "Bitbucket is not to verify the certificate of the URL" },
	{ "--all", NULL, AT(all), OPTIONS_START, "every tunnel of the configuration" },
	{ "--json", NULL, AT(json), OPTIONS_SCREEN,
	    "one JSON object a line on standard output, for scripts" },
	{ "--log-level", "LEVEL", AT(log_level), OPTIONS_SCREEN,
	    "error, warn (default), info, debug; debug shows every request" },
	{ "--help", NULL, AT(help), ~0u, "this text" },
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))

static const struct row *
find(const char *arg, size_t n, unsigned groups)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if ((rows[i].group & groups) != 0 && strlen(rows[i].name) == n &&
		    memcmp(rows[i].name, arg, n) == 0)
			return &rows[i];
	return NULL;
}

static const char *
unknown(const char *arg, size_t n, char *why, size_t cap)
{
	const char *near = suggest(slice_of(arg, n), rows, N_ROWS, sizeof(*rows));
	bool elsewhere = near != NULL && strlen(near) == n && memcmp(near, arg, n) == 0;

	if (strncmp(arg, "--token", n) == 0 && n == 7)
		snprintf(why, cap,
		    "a token on the command line can be seen by everybody on this machine: "
		    "use --token-file FILE, or - for standard input, or ADIT_TOKEN");
	else if (elsewhere)
		snprintf(why, cap, "%s is no option of this command", near);
	else if (near != NULL)
		snprintf(why, cap, "unknown option %.*s; did you mean %s?", (int)n, arg, near);
	else
		snprintf(why, cap, "unknown option %.*s", (int)n, arg);
	return why;
}

/* Takes the option at argv[*i] and its value. */
static const char *
take(struct options *o, unsigned groups, int argc, char **argv, int *i, char *why, size_t cap)
{
	const char *arg = argv[*i], *eq = strchr(arg, '='), *value = eq == NULL ? NULL : eq + 1;
	size_t n = eq == NULL ? strlen(arg) : (size_t)(eq - arg);
	const struct row *row = find(arg, n, groups);
	void *dst;

	if (row == NULL)
		return unknown(arg, n, why, cap);
	dst = (char *)o + row->at;
	if (row->value == NULL) {
		if (value != NULL) {
			snprintf(why, cap, "%s takes no value", row->name);
			return why;
		}
		*(bool *)dst = true;
		return NULL;
	}
	if (value == NULL && *i + 1 < argc)
		value = argv[++*i];
	if (value == NULL || value[0] == '\0') {
		snprintf(why, cap, "%s wants a value: %s", row->name, row->value);
		return why;
	}
	for (int k = 1; *(const char **)dst != NULL && k < row->n_max; k++)
		dst = (const char **)dst + 1;
	if (*(const char **)dst != NULL) {
		snprintf(why, cap, row->n_max > 0 ? "%s is given too often" : "%s is given twice",
		    row->name);
		return why;
	}
	*(const char **)dst = value;
	return NULL;
}

const char *
options_parse(struct options *o, unsigned groups, int argc, char **argv, char *why, size_t why_cap)
{
	bool only_args = false;

	*o = (struct options){ 0 };
	for (int i = 0; i < argc; i++) {
		const char *error;

		if (!only_args && strcmp(argv[i], "--") == 0) {
			only_args = true;
			continue;
		}
		if (only_args || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (o->n_args == LIMIT_TUNNELS_PER_LINK + 1) {
				snprintf(why, why_cap, "too many arguments");
				return why;
			}
			o->args[o->n_args++] = argv[i];
			continue;
		}
		error = take(o, groups, argc, argv, &i, why, why_cap);
		if (error != NULL)
			return error;
	}
	return NULL;
}

void
options_help(FILE *f, unsigned groups)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		char left[64];

		if ((rows[i].group & groups) == 0)
			continue;
		snprintf(left, sizeof(left), "%s%s%s", rows[i].name,
		    rows[i].value != NULL ? " " : "", rows[i].value != NULL ? rows[i].value : "");
		fprintf(f, "  %-22s %s\n", left, rows[i].what);
	}
}
