/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the command line of aditd by rows, and prints the rows as help. */
#include "edge/daemon/command_line.h"

#include "base/limits.h"
#include "base/suggest.h"
#include "base/tell.h"
#include "conf/args.h"
#include "conf/shell.h"

#include <stddef.h>

/* Beside enum admin_group. */
enum {
	RUN = 1 << 0,     /* aditd itself */
	WHERE = 1 << 1,   /* both: which aditd is meant */
	COMMAND = 1 << 2, /* every command */
};

#define AT(member) offsetof(struct command_line, member)

/* clang-format off */
static const struct args_row rows[] = {
	{ "--file", "FILE", AT(daemon.file), RUN | WHERE, "configuration, in place of " COMMAND_LINE_FILE, .brief = "-f" },
	{ "--dev", "DIR", AT(daemon.dev), RUN | WHERE,
	    "an edge for trying: all on loopback; it makes a CA and a token in DIR" },
	{ "--check", NULL, AT(check), RUN, "check configuration and certificates, and exit", .brief = "-n" },
	{ "--limits", NULL, AT(limits), RUN, "print all limits, and exit", .brief = "-T" },
	{ "--https", "ADDR", AT(daemon.https), RUN | ADMIN_SETUP, "listen here: PORT, HOST:PORT or unix:/PATH" },
	{ "--http", "ADDR", AT(daemon.http), RUN | ADMIN_SETUP, "the same, for visitors without TLS" },
	{ "--domain", "NAME", AT(daemon.domain), RUN | ADMIN_SETUP, "tunnels are reached at https://TUNNEL.NAME" },
	{ "--ip", "ADDRESS", AT(daemon.ip), RUN | ADMIN_SETUP, "a certificate for this address, too; without a configuration: for it alone" },
	{ "--workers", "N", AT(daemon.workers), RUN, "threads; 0 means one for each processor",
	    .max = LIMIT_WORKERS },
	{ "--log-level", "LEVEL", AT(daemon.log_level), RUN, "error, warn, info or debug" },
	{ "--log-format", "FORMAT", AT(daemon.log_format), RUN, "logfmt or json" },
	{ "--no-access-log", NULL, AT(daemon.no_access_log), RUN, "no line for each request" },
	{ "--control", "PATH", AT(admin.socket), COMMAND, "control socket of the aditd to ask" },
	{ "--json", NULL, AT(admin.json), RUN | WHERE,
	    "answers and errors as JSON, one object a line, for scripts" },
	{ "--label", "TEXT", AT(admin.label), ADMIN_TOKEN, "what the token is for" },
	{ "--days", "N", AT(admin.days), ADMIN_TOKEN, "the token expires after so many days",
	    .min = 1, .max = 36500 },
	{ "--ddns", "NAME,...", AT(admin.ddns), ADMIN_TOKEN,
	    "the token is for dynamic DNS of these names alone, which the account gets" },
	{ "--tsig", NULL, AT(admin.tsig), ADMIN_TOKEN, "and signs DNS updates (nsupdate), too" },
	{ "--timeout", "SECONDS", AT(admin.timeout), ADMIN_WAIT, "how long to wait, 30 unless given",
	    .max = 86400 },
	{ "--reason", "N", AT(admin.reason), ADMIN_REVOKE,
	    "of RFC 5280: 1 for a stolen key, 4 for a newer one, 5 for a name given up", .max = 10 },
	{ "--resolver", "ADDRESS", AT(admin.resolver), ADMIN_DOCTOR | ADMIN_SETUP,
	    "ask this name server in place of the system's" },
	{ "--state", "STATE,...", AT(admin.inbox.states), ADMIN_FILTER,
	    "received, queued, leased, delivered, parked, dead or dropped" },
	{ "--account", "ACCOUNT", AT(admin.inbox.account), ADMIN_FILTER | ADMIN_STAT,
	    "webhooks of one account" },
	{ "--tunnel", "NAME", AT(admin.inbox.tunnel), ADMIN_FILTER | ADMIN_STAT, "webhooks of one tunnel" },
	{ "--event", "EVENT", AT(admin.inbox.event), ADMIN_FILTER, "event key, such as repo:push" },
	{ "--repository", "NAME", AT(admin.inbox.repository), ADMIN_FILTER,
	    "repository, or NAME/BRANCH" },
	{ "--since", "TIME", AT(admin.inbox.since), ADMIN_FILTER,
	    "received since: 2026-11-24T18:00:00Z, or 30m, 12h, 7d ago" },
	{ "--until", "TIME", AT(admin.inbox.until), ADMIN_FILTER, "received before" },
	{ "--limit", "N", AT(admin.inbox.limit), ADMIN_LIST, "no more than so many",
	    .min = 1, .max = UINT32_MAX },
	{ "--to", "TUNNEL", AT(admin.inbox.to), ADMIN_REPLAY, "a copy of each to another tunnel" },
	{ "--email", "ADDRESS", AT(setup.email), RUN | ADMIN_SETUP, "mail address for the CA" },
	{ "--agree-to-terms", NULL, AT(setup.agree), RUN | ADMIN_SETUP, "you agree to the CA's terms of service" },
	{ "--directory", "CA", AT(setup.directory), RUN | ADMIN_SETUP,
	    "letsencrypt (default), letsencrypt-staging, google, zerossl or an https:// URL" },
	{ "--ca-file", "FILE", AT(setup.ca_file), RUN | ADMIN_SETUP, "certificates (PEM) to trust for the CA's own server" },
	{ "--dns-mode", "MODE", AT(setup.dns_mode), ADMIN_SETUP,
	    "challenge (default): the edge answers for one name; zone: for the whole domain; off" },
	{ "--address", "ADDRESS", AT(setup.addresses), ADMIN_SETUP,
	    "public address of this server; you may give several", .n_max = LIMIT_SETUP_ADDRESSES },
	{ "--dns-listen", "ADDR", AT(setup.dns_listen), ADMIN_SETUP,
	    "answer DNS here, in place of port 53 of the server's own addresses", .n_max = LIMIT_SETUP_ADDRESSES },
	{ "--no-dns-check", NULL, AT(setup.no_dns_check), ADMIN_SETUP, "do not wait for the records" },
	{ "--wait", "SECONDS", AT(setup.wait), ADMIN_SETUP, "how long to wait in all, 3600 unless given",
	    .max = 7 * 86400 },
	{ "--yes", NULL, AT(setup.yes), ADMIN_SETUP, "ask nothing: take what the options say" },
	{ "--dry-run", NULL, AT(setup.dry_run), ADMIN_SETUP, "print the configuration, and do nothing" },
	{ "--raw", NULL, AT(admin.inbox.raw), ADMIN_RAW, "print credentials, too, and exact bytes" },
	{ "--help", NULL, AT(help), ~0u, "this text", .brief = "-h" },
	{ "--version", NULL, AT(version), ~0u, "print the version" },
};
/* clang-format on */

/* Of admin_commands, and two more. */
#define COMMANDS_MAX 96
#define N_ROWS (sizeof(rows) / sizeof(*rows))

/* The first row of that name (sub NULL), or the row of both words. */
static const struct admin_command *
find(const char *name, const char *sub)
{
	for (size_t i = 0; i < admin_commands_n; i++) {
		const struct admin_command *c = &admin_commands[i];

		if (strcmp(c->name, name) == 0 &&
		    (sub == NULL || (c->sub != NULL && strcmp(c->sub, sub) == 0)))
			return c;
	}
	return NULL;
}

/* --- help --- */

/*
 * Of a usage with a choice only the first half has room here; `aditd help COMMAND`
 * has it all.
 */
static void
print_row(const struct admin_command *c)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%s%s %s", c->name, c->sub != NULL ? " " : "",
	    c->sub != NULL ? c->sub : "", strchr(c->usage, '|') != NULL ? "ID ..." : c->usage);
	printf("  %-26s %s\n", left, c->what);
}

static void
print_help(void)
{
	printf("aditd " ADIT_VERSION ": the edge of adit\n"
	       "\n"
	       "usage: aditd [OPTION ...]                          run the edge\n"
	       "       aditd COMMAND [OPTION ...] [ARGUMENT ...]   ask the one that runs\n"
	       "\n");
	args_help(rows, N_ROWS, RUN, stdout);
	printf("\nCommands:\n");
	for (size_t i = 0; i < admin_commands_n; i++)
		print_row(&admin_commands[i]);
	printf("\nTheir options; aditd help COMMAND says which of them it takes:\n");
	args_help(rows, N_ROWS,
	    COMMAND | ADMIN_TOKEN | ADMIN_WAIT | ADMIN_FILTER | ADMIN_LIST | ADMIN_REPLAY |
		ADMIN_RAW | ADMIN_REVOKE | ADMIN_DOCTOR,
	    stdout);
	printf("\naditd(8) has it all; aditd.yml(5) has the configuration.\n");
}

static void
print_command_help(const struct admin_command *c)
{
	printf("usage: aditd %s%s%s [OPTION ...]%s%s\n%s\n\n", c->name, c->sub != NULL ? " " : "",
	    c->sub != NULL ? c->sub : "", c->usage[0] != '\0' ? " " : "", c->usage, c->what);
	args_help(rows, N_ROWS, WHERE | COMMAND | c->options, stdout);
}

/* All commands that begin with this word. */
static void
print_word_help(const char *name)
{
	unsigned options = 0;

	printf("usage: aditd %s WORD [OPTION ...] [ARGUMENT ...]\n\n", name);
	for (size_t i = 0; i < admin_commands_n; i++) {
		if (strcmp(admin_commands[i].name, name) != 0)
			continue;
		print_row(&admin_commands[i]);
		options |= admin_commands[i].options;
	}
	printf("\nOptions; aditd help %s WORD says which of them it takes:\n", name);
	args_help(rows, N_ROWS, WHERE | COMMAND | options, stdout);
}

/* --- completions --- */

int
command_line_completions(const struct command_line *cl)
{
	static const struct shell_value values[] = {
		{ "[COMMAND]", SHELL_COMMANDS, NULL },
		{ "LEVEL", SHELL_WORDS, "error warn info debug" },
		{ "FORMAT", SHELL_WORDS, "logfmt json" },
		{ "STATE,...", SHELL_WORDS,
		    "received queued leased delivered parked dead dropped" },
	};
	struct shell_command list[COMMANDS_MAX];
	struct shell_program p = { .name = "aditd",
		.rows = rows,
		.n_rows = N_ROWS,
		.commands = list,
		.alone = RUN,
		.values = values,
		.n_values = sizeof(values) / sizeof(*values) };
	struct buf out;
	bool known, ok;

	check(admin_commands_n + 2 <= COMMANDS_MAX);
	for (size_t i = 0; i < admin_commands_n; i++) {
		const struct admin_command *c = &admin_commands[i];

		list[p.n_commands++] = (struct shell_command){ c->name, c->sub, c->usage, c->what,
			WHERE | COMMAND | c->options };
	}
	list[p.n_commands++] =
	    (struct shell_command){ "help", NULL, "[COMMAND]", "the options of a command", 0 };
	list[p.n_commands++] =
	    (struct shell_command){ "version", NULL, "", "print the version", 0 };
	buf_init(&out, SHELL_SCRIPT_BYTES);
	known = shell_write(&out, &p, cl->words[1]);
	if (!known)
		tell_usage("completions %s: bash, zsh or fish is wanted", cl->words[1]);
	else if (out.failed || fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0)
		tell_error("failed", "the script could not be written");
	ok = known && !out.failed && ferror(stdout) == 0;
	buf_fini(&out);
	return !known ? 2 : ok ? 0 : 1;
}

/* --- mistakes --- */

static int
unknown_command(const char *name)
{
	const char *near =
	    suggest(slice_str(name), admin_commands, admin_commands_n, sizeof(*admin_commands));

	if (near != NULL)
		tell_usage("unknown command \"%s\"; did you mean \"%s\"?", name, near);
	else
		tell_usage("unknown command \"%s\"; aditd help lists them", name);
	return 2;
}

/* "aditd token" alone, or with a second word that is none of its own. */
static int
unknown_sub(const char *name, const char *sub)
{
	char list[128] = "";
	size_t at = 0;

	for (size_t i = 0; i < admin_commands_n; i++)
		if (strcmp(admin_commands[i].name, name) == 0)
			at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
			    at > 0 ? ", " : "", admin_commands[i].sub);
	check(at < sizeof(list)); /* else a command has more second words than fit here */
	if (sub == NULL)
		tell_usage("say what to do: aditd %s %s", name, list);
	else
		tell_usage("aditd %s %s: only %s are known", name, sub, list);
	return 2;
}

/* --- reading --- */

/* `aditd help [WORD [WORD]]`, and -h behind words. */
static int
help(const char *const *words, int n)
{
	const struct admin_command *c = n == 0 ? NULL : find(words[0], NULL);

	if (n == 0) {
		print_help();
		return 0;
	}
	if (c == NULL)
		return unknown_command(words[0]);
	if (c->sub == NULL)
		print_command_help(c);
	else if (n == 1)
		print_word_help(words[0]);
	else if ((c = find(words[0], words[1])) == NULL)
		return unknown_sub(words[0], words[1]);
	else
		print_command_help(c);
	return 0;
}

static int
read_command(struct command_line *cl, struct args *a)
{
	const char *const *w = (const char *const *)cl->words;
	const struct admin_command *c = find(w[0], NULL);
	int n_args;

	check(cl->n_words > 0);
	if (c == NULL)
		return unknown_command(w[0]);
	if (c->sub != NULL) {
		c = cl->n_words < 2 ? NULL : find(w[0], w[1]);
		if (c == NULL)
			return unknown_sub(w[0], cl->n_words < 2 ? NULL : w[1]);
	}
	n_args = cl->n_words - (c->sub != NULL ? 2 : 1);
	/*
	 * An option that belongs to another command is a mistake, not a
	 * wish without effect.
	 */
	if (args_allow(a, ~0u, WHERE | COMMAND | c->options) == NULL && n_args >= c->args_min &&
	    n_args <= c->args_max) {
		cl->command = c;
		return -1;
	}
	tell_usage("%s; usage: aditd %s%s%s [OPTION ...]%s%s",
	    a->why[0] != '\0'      ? a->why
	    : n_args < c->args_min ? "an argument is missing"
				   : "too many arguments",
	    c->name, c->sub != NULL ? " " : "", c->sub != NULL ? c->sub : "",
	    c->usage[0] != '\0' ? " " : "", c->usage);
	return 2;
}

int
command_line_read(struct command_line *cl, int argc, char **argv)
{
	struct args a = { .rows = rows,
		.n_rows = N_ROWS,
		.dst = cl,
		.words = cl->words,
		.words_max = sizeof(cl->words) / sizeof(*cl->words) };
	const char *const *words = (const char *const *)cl->words;

	*cl = (struct command_line){ 0 };
	/*
	 * Before the line is read: what is wrong with it is told in the form that
	 * was asked for.
	 */
	tell_init("aditd", args_has("--json", argc, argv));
	if (args_parse(&a, ~0u, argc - 1, argv + 1) != NULL) {
		tell_usage("%s; aditd help has the options", a.why);
		return 2;
	}
	check(a.n_words >= 0 && a.n_words <= a.words_max);
	cl->n_words = a.n_words;
	if (cl->version || (a.n_words == 1 && strcmp(words[0], "version") == 0)) {
		puts("aditd " ADIT_VERSION);
		return 0;
	}
	if (a.n_words > 0 && strcmp(words[0], "help") == 0)
		return help(words + 1, a.n_words - 1);
	if (cl->help)
		return help(words, a.n_words);
	if (a.n_words > 0) {
		int rc = read_command(cl, &a);

		if (rc >= 0)
			return rc;
	} else if (args_allow(&a, ~0u, RUN) != NULL) {
		tell_usage("%s: it belongs to a command; aditd help lists them", a.why);
		return 2;
	}
	cl->daemon.agree = cl->setup.agree;
	cl->daemon.email = cl->setup.email;
	cl->daemon.directory = cl->setup.directory;
	cl->daemon.ca_file = cl->setup.ca_file;
	if (cl->daemon.file == NULL)
		cl->daemon.file = COMMAND_LINE_FILE;
	return -1;
}
