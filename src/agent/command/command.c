/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of commands, their help, and the start of the program. */
#include "agent/command/command.h"

#include "agent/link/agent.h"
#include "agent/command/checkurl_command.h"
#include "agent/command/completions_command.h"
#include "agent/command/config_command.h"
#include "agent/command/ddns_command.h"
#include "agent/command/domain_command.h"
#include "agent/core/config_file.h"
#include "agent/doctor/doctor_command.h"
#include "agent/core/exit_code.h"
#include "agent/command/hook_command.h"
#include "agent/command/import_command.h"
#include "agent/command/inbox_command.h"
#include "agent/command/login_command.h"
#include "agent/command/mcp_command.h"
#include "agent/command/name_command.h"
#include "agent/command/ngrok_command.h"
#include "agent/command/passwd_command.h"
#include "agent/command/replay_command.h"
#include "agent/command/service_command.h"
#include "agent/command/status_command.h"
#include "agent/command/tunnel_command.h"
#include "base/log.h"
#include "base/suggest.h"
#include "base/tell.h"
#include "conf/args.h"
#include "hook/preset.h"
#include "hook/sign.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Both are in the table, and below it, since they read it. */
static int help_command(const struct options *o);
static int version_command(const struct options *o);

/* Groups that several rows have: who asks the edge a question, who runs
 * tunnels, who calls Bitbucket. */
#define ASKS (OPTIONS_LINK | OPTIONS_SCREEN | OPTIONS_FILE)
#define RUNS (ASKS | OPTIONS_REQUESTS)
#define HOOK (OPTIONS_HOOK | OPTIONS_SCREEN)
#define MANY LIMIT_TUNNELS_PER_LINK
/* The longest usage of a command that stands in its row of the list. */
#define ROW_USAGE 12

/* clang-format off */
static const struct command commands[] = {
	{ "http", NULL, "ADDRESS", 1, 1, RUNS | OPTIONS_NAME | OPTIONS_CONNECT | OPTIONS_ORIGIN | OPTIONS_ACME | OPTIONS_POLICY,
	    tunnels_http_command, "give a local HTTP server a public name" },
	{ "tcp", NULL, "ADDRESS", 1, 1, RUNS | OPTIONS_PORT | OPTIONS_CONNECT, tunnels_tcp_command,
	    "give a local TCP server a public port" },
	{ "tls", NULL, "ADDRESS", 1, 1, RUNS | OPTIONS_NAME | OPTIONS_CONNECT, tunnels_tls_command,
	    "give a local TLS server a public name; the edge opens none of its TLS" },
	{ "start", NULL, "[TUNNEL ...]", 0, MANY, RUNS | OPTIONS_START, tunnels_start_command,
	    "run tunnels of the configuration, all on one link" },
	{ "login", NULL, "URL", 1, 1, OPTIONS_LINK | OPTIONS_FILE | OPTIONS_SCREEN, login_command,
	    "try edge and token, and store both in the configuration" },
	{ "status", NULL, "[NAME ...]", 0, MANY, ASKS, status_command,
	    "which of the account's tunnels are online, and who serves them" },
	{ "name", "list", "", 0, 0, ASKS, name_command,
	    "the names and ports that the account has" },
	{ "name", "release", "NAME", 1, 1, ASKS, name_command,
	    "give a name up for good, or a port (tcp:PORT)" },
	{ "domain", "add", "NAME", 1, 1, ASKS | OPTIONS_DOMAIN, domain_command,
	    "let a domain of yours lead to a tunnel, and say which DNS record to set" },
	{ "domain", "list", "", 0, 0, ASKS, domain_command,
	    "the own domains of the account, and what is missing" },
	{ "domain", "remove", "NAME", 1, 1, ASKS, domain_command, "give an own domain up" },
	{ "ddns", NULL, "NAME ... | show NAME", 1, MANY, ASKS | OPTIONS_DDNS, ddns_command,
	    "keep names at this machine's own address, or print what a router wants to be told" },
	{ "inbox", "list", "", 0, 0, ASKS | OPTIONS_FILTER | OPTIONS_LIST, inbox_command,
	    "stored webhooks of the account, newest first" },
	{ "inbox", "show", "ID", 1, 1, ASKS | OPTIONS_RAW, inbox_command,
	    "all about one webhook: attempts, head and body" },
	{ "inbox", "replay", "ID ... | --state STATE", 0, MANY,
	    ASKS | OPTIONS_FILTER | OPTIONS_REPLAY, inbox_command, "send webhooks again" },
	{ "inbox", "drop", "ID ... | --state STATE", 0, MANY, ASKS | OPTIONS_FILTER, inbox_command,
	    "give webhooks up: they are not sent any more" },
	{ "inbox", "export", "", 0, 0, ASKS | OPTIONS_FILTER | OPTIONS_LIST | OPTIONS_RAW,
	    inbox_command, "whole webhooks, one JSON object a line, oldest first" },
	{ "inbox", "tail", "", 0, 0, ASKS | OPTIONS_FILTER, inbox_command,
	    "webhooks that come in from now on" },
	{ "inbox", "stat", "", 0, 0, ASKS | OPTIONS_STAT, inbox_command,
	    "how many webhooks are in which state" },
	{ "check-url", NULL, "URL", 1, 1,
	    OPTIONS_CHECKURL | OPTIONS_PROBE | OPTIONS_FILE | OPTIONS_SCREEN, checkurl_command,
	    "say whether Bitbucket takes this URL for a webhook, and why not" },
	{ "doctor", NULL, "[TUNNEL|URL]", 0, 1, ASKS | OPTIONS_DOCTOR | OPTIONS_CONNECT | OPTIONS_PROBE,
	    doctor_command,
	    "walk from the webhook to the build and say what is wrong" },
	{ "hook", "create", "bitbucket OWNER/REPO", 2, 2,
	    HOOK | OPTIONS_HOOK_URL | OPTIONS_HOOK_CREATE, hook_command,
	    "make a webhook at Bitbucket, or correct the one with this URL" },
	{ "hook", "list", "bitbucket OWNER/REPO", 2, 2, HOOK, hook_command,
	    "the webhooks of a repository at Bitbucket" },
	{ "hook", "test", "bitbucket OWNER/REPO", 2, 2, HOOK | OPTIONS_HOOK_URL, hook_command,
	    "say whether the webhook is active and gets pushes; a Data Center sends its ping" },
	{ "hook", "delete", "bitbucket OWNER/REPO", 2, 2, HOOK | OPTIONS_HOOK_URL, hook_command,
	    "delete the webhook with this URL at Bitbucket" },
	{ "passwd", NULL, "NAME", 1, 1, 0, passwd_command,
	    "read a password, print a line for --user-file" },
	{ "service", "install", "[-- COMMAND ...]", 0, MANY, OPTIONS_SERVICE | OPTIONS_DRY | OPTIONS_FILE, service_command,
	    "let systemd run the tunnels of the configuration, or this command" },
	{ "service", "uninstall", "", 0, 0, OPTIONS_SERVICE | OPTIONS_DRY, service_command,
	    "stop it, and take the unit away" },
	{ "service", "status", "", 0, 0, OPTIONS_SERVICE | OPTIONS_SCREEN, service_command,
	    "whether it runs, and at every start" },
	{ "config", "check", "[FILE]", 0, 1, OPTIONS_FILE | OPTIONS_SCREEN, config_command,
	    "say whether the configuration is right; nothing is dialled" },
	{ "completions", NULL, "bash|zsh|fish|tunnels", 1, 1, OPTIONS_FILE, completions_command,
	    "print what a shell needs to complete words and options" },
	{ "config", "import", "FILE", 1, 1, OPTIONS_IMPORT | OPTIONS_SCREEN, import_command,
	    "make an adit.yml of the configuration of ngrok, cloudflared or frp" },
	{ "mcp", NULL, "", 0, 0, OPTIONS_MCP | OPTIONS_LINK | OPTIONS_FILE, mcp_command,
	    "be a server of the Model Context Protocol for coding agents, on standard input and output" },
	{ "replay", NULL, "FILE|DIR", 1, 1, OPTIONS_SEND | OPTIONS_DRY, replay_command,
	    "send requests of HAR or .http files to the local server, by the agent that runs here" },
	{ "ngrok-link", NULL, "DIR", 1, 1, 0, ngrok_link_command,
	    "make DIR/ngrok a link to this program: by that name it takes ngrok's command lines" },
	{ "version", NULL, "", 0, 0, 0, version_command, "print the version" },
	{ "help", NULL, "[COMMAND]", 0, 2, 0, help_command,
	    "print this text, or the options of a command" },
};
/* clang-format on */

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

const struct command *
command_rows(size_t *ret_n)
{
	*ret_n = N_COMMANDS;
	return commands;
}

/* The first row of that name (sub NULL), or the row of both words. */
static const struct command *
find(const char *name, const char *sub)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0 &&
		    (sub == NULL || (commands[i].sub != NULL && strcmp(commands[i].sub, sub) == 0)))
			return &commands[i];
	return NULL;
}

/* Every option that one of the rows of that name takes. */
static unsigned
all_options(const char *name)
{
	unsigned groups = 0;

	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			groups |= commands[i].options;
	return groups;
}

/* Two mistakes have an answer of their own: "stop" is no command, since an agent has no socket
 * to be told by, and options do not come before the command. */
static int
unknown_command(const char *name)
{
	const char *near = suggest(slice_str(name), commands, N_COMMANDS, sizeof(*commands));

	if (strcmp(name, "stop") == 0)
		return usage_error("an agent is stopped where it runs: press Ctrl-C there, or, "
				   "where systemd runs it, systemctl stop adit@USER or systemctl "
				   "--user stop adit");
	if (name[0] == '-')
		return usage_error("%s: the command comes first, such as adit http 8080; adit "
				   "help lists them",
		    name);
	if (near != NULL)
		return usage_error("unknown command \"%s\"; did you mean \"%s\"?", name, near);
	return usage_error("unknown command \"%s\"; adit help lists them", name);
}

/* "adit inbox" alone, or with a second word that is none of its own. */
static int
unknown_sub(const char *name, const char *sub)
{
	const char *subs[N_COMMANDS], *near;
	char list[128] = "";
	size_t n = 0, at = 0;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		subs[n++] = commands[i].sub;
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", n > 1 ? ", " : "",
		    commands[i].sub);
		check(at < sizeof(list));
	}
	check(n > 0); /* of this name there are rows with a second word */
	if (sub == NULL)
		return usage_error("say what to do: adit %s %s", name, list);
	near = suggest(slice_str(sub), subs, n, sizeof(*subs));
	return near == NULL ? usage_error("adit %s %s: only %s are known", name, sub, list)
			    : usage_error("adit %s %s: did you mean \"%s\"? Known are %s", name,
				  sub, near, list);
}

/* One line of a list of commands: both words, usage, and what it does. */
static void
print_row(FILE *f, const struct command *c)
{
	char left[64];
	/* "ID ... | --state STATE" is too long for a list; IDs are the usual way. */
	const char *usage = strchr(c->usage, '|') != NULL && c->sub != NULL ? "ID ..." : c->usage;

	if (strlen(usage) > ROW_USAGE) /* its own help has it */
		usage = "...";
	snprintf(left, sizeof(left), "%s%s%s %s", c->name, c->sub != NULL ? " " : "",
	    c->sub != NULL ? c->sub : "", usage);
	fprintf(f, "  %-22s %s\n", left, c->what);
}

static void
print_help(FILE *f)
{
	fputs("usage: adit COMMAND [OPTION ...] [ARGUMENT ...]\n\n", f);
	for (size_t i = 0; i < N_COMMANDS; i++)
		print_row(f, &commands[i]);
	fputs("\nAn address is 8080, HOST:8080, https://HOST[:PORT] or unix:/PATH; for adit http "
	      "also\n"
	      "file:///DIR (files of a folder) or sink: (answers by rules).\n"
	      "adit help COMMAND (or adit COMMAND -h) prints its options. Manuals: adit(1), "
	      "adit.yml(5),\n"
	      "adit-policy(5), adit-check-url(1), adit-doctor(1), adit-inbox(1).\n",
	    f);
}

static void
print_presets(FILE *f)
{
	fputs("\nPresets of --for:\n", f);
	for (size_t i = 0; i < presets_n; i++)
		fprintf(f, "  %-34s %s\n", presets[i].name, presets[i].title);
}

static void
print_schemes(FILE *f)
{
	fputs("\nSchemes of --scheme:\n", f);
	for (size_t i = 0; i < sign_schemes_n; i++)
		fprintf(f, "  %-34s %s\n", sign_schemes[i].name, sign_schemes[i].title);
}

/* Which manual has more: some commands have one of their own. */
static void
print_manual(FILE *f, const char *name)
{
	static const char *const own[] = { "check-url", "doctor", "inbox" };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcmp(name, own[i]) == 0) {
			fprintf(f, "\nManual: adit-%s(1)\n", name);
			return;
		}
	fputs("\nManual: adit(1)\n", f);
}

/* whole: c is the first of several rows, and all of them are meant. */
static void
print_command_help(FILE *f, const struct command *c, bool whole)
{
	if (whole && c->sub != NULL) {
		fprintf(f, "usage: adit %s WORD [OPTION ...] [ARGUMENT ...]\n\n", c->name);
		for (size_t i = 0; i < N_COMMANDS; i++)
			if (strcmp(commands[i].name, c->name) == 0)
				print_row(f, &commands[i]);
		fprintf(f, "\nOptions; adit help %s %s says which of them it takes:\n", c->name,
		    c->sub);
		options_help(f, all_options(c->name));
		print_manual(f, c->name);
		return;
	}
	fprintf(f, "usage: adit %s%s%s [OPTION ...]%s%s\n%s\n\n", c->name,
	    c->sub != NULL ? " " : "", c->sub != NULL ? c->sub : "", c->usage[0] != '\0' ? " " : "",
	    c->usage, c->what);
	options_help(f, c->options);
	if ((c->options & OPTIONS_POLICY) != 0) {
		print_presets(f);
		print_schemes(f);
	}
	print_manual(f, c->name);
}

/* `adit help`, `adit help inbox`, `adit help inbox list`. */
static int
help_command(const struct options *o)
{
	const char *sub = o->n_args > 1 ? o->args[1] : NULL;

	if (o->n_args == 0) {
		print_help(stdout);
		return EXIT_STOPPED;
	}
	if (find(o->args[0], NULL) == NULL)
		return unknown_command(o->args[0]);
	if (find(o->args[0], sub) == NULL)
		return find(o->args[0], NULL)->sub != NULL
			   ? unknown_sub(o->args[0], sub)
			   : usage_error("adit %s has no second word", o->args[0]);
	print_command_help(stdout, find(o->args[0], sub), sub == NULL);
	return EXIT_STOPPED;
}

static int
version_command(const struct options *o)
{
	(void)o;
	printf("adit %s (link protocol %d)\n", ADIT_VERSION, LINK_PROTOCOL);
	return EXIT_STOPPED;
}

/* --- the program --- */

/* S-23: memory with a token in it is not written to a disk when the program dies. */
static void
no_core(void)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		tell_error("failed", "RLIMIT_CORE: %s", strerror(errno));
}

/* Log lines go to standard error, so that standard output is for answers and events alone. */
static int
start_log(const struct options *o)
{
	enum log_level level = LOG_WARN;

	if (o->log_level != NULL && !log_level_parse(slice_str(o->log_level), &level))
		return usage_error("--log-level: error, warn, info or debug is wanted");
	log_init(STDERR_FILENO, level, o->json ? LOG_JSON : LOG_LOGFMT);
	return 0;
}

/*
 * Reads what stands behind `name`. Options may come before the second word, which says what is
 * allowed: so all options of the name are read first, and those of its other rows are refused
 * then. *ret_c: the row that is meant; NULL where `name` has several and it is not known which.
 * NULL, or what is wrong.
 */
static const char *
parse(const char *name, int argc, char **argv, struct options *o, const struct command **ret_c,
    char why[256])
{
	const struct command *c = find(name, NULL);
	/* People who know adit http try its options: they are told why those are off. */
	bool tls = strcmp(name, "tls") == 0;
	unsigned all = all_options(name) | (tls ? OPTIONS_ORIGIN | OPTIONS_POLICY : 0);
	int n_words = c->sub != NULL ? 1 : 0; /* words that name the row, before its arguments */
	const char *error = options_parse(o, all, argc, argv, why, 256);

	if (n_words > 0)
		c = o->n_args == 0 ? NULL : find(name, o->args[0]);
	*ret_c = c;
	if (error != NULL || c == NULL)
		return error;
	error = options_allow(o, all, c->options, why, 256);
	if (error != NULL && tls)
		snprintf(why + strlen(why), 256 - strlen(why),
		    ": the edge cannot read requests inside of this TLS; adit http has it");
	if (error != NULL || o->help || o->version)
		return error;
	if (o->n_args - n_words < c->args_min)
		return "an argument is missing";
	return o->n_args - n_words > c->args_max ? "too many arguments" : NULL;
}

const char *
command_judge(int n, const char *const *words, struct options *ret_o, char why[256])
{
	const struct command *c = n > 0 ? find(words[0], NULL) : NULL;
	char *argv[MANY + 1];

	if (c == NULL || (c->options & OPTIONS_REQUESTS) == 0)
		return "http, tcp, tls or start is wanted, and what belongs to it";
	check(n <= MANY + 1);
	for (int i = 1; i < n; i++)
		argv[i - 1] = (char *)(uintptr_t)words[i];
	return parse(words[0], n - 1, argv, ret_o, &c, why);
}

/* error: of parse(); c: the row as far as it is known, NULL: it is not. */
static int
mistake(const char *error, const char *name, const struct command *c)
{
	char words[32];

	if (c == NULL)
		return usage_error("%s; adit help %s has the options", error, name);
	snprintf(words, sizeof(words), "%s%s%s", name, c->sub != NULL ? " " : "",
	    c->sub != NULL ? c->sub : "");
	return usage_error("%s; usage: adit %s [OPTION ...]%s%s; adit help %s has the options",
	    error, words, c->usage[0] != '\0' ? " " : "", c->usage, words);
}

static int
run(const char *name, int argc, char **argv)
{
	char why[256];
	struct options o;
	const struct command *c;
	const char *error = parse(name, argc, argv, &o, &c, why);

	if (error != NULL)
		return mistake(error, name, c);
	if (o.version)
		return version_command(&o);
	/* `adit inbox -h` is no mistake: the help of all its rows is meant. */
	if (c == NULL && (o.n_args > 0 || !o.help))
		return unknown_sub(name, o.n_args > 0 ? o.args[0] : NULL);
	if (o.help) {
		print_command_help(stdout, c != NULL ? c : find(name, NULL), c == NULL);
		return EXIT_STOPPED;
	}
	return start_log(&o) != 0 ? EXIT_USAGE : c->run(&o);
}

int
command_main(int argc, char **argv)
{
	const char *name;

	no_core();
	if (ngrok_is_name(argc > 0 ? argv[0] : NULL)) {
		tell_init("ngrok", false);
		return ngrok_main(argc, argv);
	}
	/* Looked for before anything is parsed: a script gets the mistakes of its command
	 * line as JSON, too. */
	tell_init("adit", args_has("--json", argc, argv));
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	else if (strcmp(name, "--version") == 0)
		name = "version";
	if (find(name, NULL) == NULL)
		return unknown_command(name);
	return run(name, argc - 2, argv + 2);
}
