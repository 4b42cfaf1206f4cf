/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sub-commands, and what all of them need to reach the edge. */
#include "agent/command.h"

#include "agent/agent.h"
#include "agent/checkurl_command.h"
#include "agent/config_file.h"
#include "agent/doctor_command.h"
#include "agent/hook_command.h"
#include "agent/inbox_command.h"
#include "agent/login.h"
#include "agent/passwd.h"
#include "agent/status_command.h"
#include "base/suggest.h"
#include "agent/tunnels.h"
#include "base/log.h"
#include "hook/preset.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static int help_command(const struct options *o);
static int version_command(const struct options *o);

#define RUNS (OPTIONS_LINK | OPTIONS_SCREEN | OPTIONS_FILE)

static const struct command commands[] = {
	{ "http", "ADDRESS", 1, 1, RUNS | OPTIONS_NAME | OPTIONS_ORIGIN | OPTIONS_POLICY,
	    tunnels_http_command, "give a local HTTP server a public name" },
	{ "tcp", "ADDRESS", 1, 1, RUNS | OPTIONS_PORT, tunnels_tcp_command,
	    "give a local TCP server a public port" },
	{ "start", "[TUNNEL ...]", 0, LIMIT_TUNNELS_PER_LINK, RUNS | OPTIONS_START,
	    tunnels_start_command, "run tunnels of the configuration, all on one link" },
	{ "login", "URL", 1, 1, OPTIONS_LINK | OPTIONS_FILE | OPTIONS_SCREEN, login_command,
	    "store edge and token in the configuration, after trying them" },
	{ "inbox", "list|show|replay|drop|export|tail|stat [ID ...]", 1, LIMIT_TUNNELS_PER_LINK,
	    OPTIONS_LINK | OPTIONS_SCREEN | OPTIONS_FILE | OPTIONS_INBOX, inbox_command,
	    "the account's stored webhooks: look, send again, give up" },
	{ "passwd", "NAME", 1, 1, 0, passwd_command,
	    "read a password, print a line for --user-file" },
	{ "check-url", "URL", 1, 1,
	    OPTIONS_CHECKURL | OPTIONS_PROBE | OPTIONS_FILE | OPTIONS_SCREEN, checkurl_command,
	    "would Bitbucket take this URL for a webhook, and if not, why" },
	{ "doctor", "[TUNNEL|URL]", 0, 1,
	    OPTIONS_DOCTOR | OPTIONS_PROBE | OPTIONS_LINK | OPTIONS_FILE | OPTIONS_SCREEN,
	    doctor_command, "walk from the webhook to the build and say what is wrong" },
	{ "status", "[NAME ...]", 0, LIMIT_TUNNELS_PER_LINK,
	    OPTIONS_LINK | OPTIONS_SCREEN | OPTIONS_FILE, status_command,
	    "what of the account's tunnels is online, and who serves it" },
	{ "hook", "create|list|test|delete bitbucket OWNER/REPO", 3, 3,
	    OPTIONS_HOOK | OPTIONS_SCREEN, hook_command,
	    "the webhook at Bitbucket, by its REST API" },
	{ "version", "", 0, 0, 0, version_command, "print the version" },
	{ "help", "[COMMAND]", 0, 1, 0, help_command,
	    "print this text, or the options of a command" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int
command_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("adit: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

static int
unknown_command(const char *name)
{
	const char *near = suggest(slice_str(name), commands, N_COMMANDS, sizeof(*commands));

	if (near != NULL)
		return command_usage("unknown command \"%s\"; did you mean \"%s\"?", name, near);
	return command_usage("unknown command \"%s\"; adit help lists them", name);
}

static void
print_help(FILE *f)
{
	fputs("usage: adit COMMAND [OPTION ...] [ARGUMENT ...]\n\n", f);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		char left[64];

		snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].usage);
		fprintf(f, "  %-22s %s\n", left, commands[i].what);
	}
	fputs("\nAn address is 8080, HOST:8080, https://HOST[:PORT] or unix:/PATH.\n"
	      "adit help COMMAND prints its options; adit(1) has it all.\n",
	    f);
}

static void
print_command_help(FILE *f, const struct command *c)
{
	fprintf(f, "usage: adit %s [OPTION ...] %s\n%s\n\n", c->name, c->usage, c->what);
	options_help(f, c->options);
	if ((c->options & OPTIONS_POLICY) == 0)
		return;
	fputs("\nPresets of --for:\n", f);
	for (size_t i = 0; i < presets_n; i++)
		fprintf(f, "  %-34s %s\n", presets[i].name, presets[i].title);
}

static int
help_command(const struct options *o)
{
	const struct command *c;

	if (o->n_args == 0) {
		print_help(stdout);
		return EXIT_STOPPED;
	}
	c = find(o->args[0]);
	if (c == NULL)
		return unknown_command(o->args[0]);
	print_command_help(stdout, c);
	return EXIT_STOPPED;
}

static int
version_command(const struct options *o)
{
	(void)o;
	printf("adit %s (link protocol %d)\n", ADIT_VERSION, LINK_PROTOCOL);
	return EXIT_STOPPED;
}

/* --- the edge and the token --- */

/* The variable is wiped: it would stay readable in /proc for as long as the agent runs. */
static char *
token_from_environment(char *dst, size_t cap)
{
	char *value = getenv("ADIT_TOKEN");

	if (value == NULL || value[0] == '\0')
		return NULL;
	if (strlen(value) >= cap)
		return strdup("ADIT_TOKEN is no token: too long");
	memcpy(dst, value, strlen(value) + 1);
	OPENSSL_cleanse(value, strlen(value));
	return NULL;
}

static char *
find_token(struct command_edge *e, const struct options *o)
{
	const struct config *c = &e->config;
	char *error;

	if (o->token_file != NULL)
		return config_file_token(o->token_file, e->token, sizeof(e->token));
	error = token_from_environment(e->token, sizeof(e->token));
	if (error != NULL || e->token[0] != '\0')
		return error;
	if (c->token != NULL && strlen(c->token) < sizeof(e->token)) {
		memcpy(e->token, c->token, strlen(c->token) + 1);
		return NULL;
	}
	if (c->token_file != NULL)
		return config_file_token(c->token_file, e->token, sizeof(e->token));
	return strdup("no token: adit login URL --token-file FILE stores one, --token-file FILE or "
		      "ADIT_TOKEN gives one for once");
}

/* A login's file need not be there; one that was named must. */
static char *
read_config(struct command_edge *e, const struct options *o)
{
	bool missing = false;
	char *error;

	if (o->file != NULL)
		snprintf(e->path, sizeof(e->path), "%s", o->file);
	else if (!config_file_path(e->path, sizeof(e->path)))
		return NULL;
	error = config_file_read(e->path, &e->config, &missing);
	if (error != NULL && missing && o->file == NULL) {
		free(error);
		return NULL;
	}
	return error;
}

int
command_edge_open(struct command_edge *e, const struct options *o)
{
	char *error;

	*e = (struct command_edge){ 0 };
	error = read_config(e, o);
	e->edge = o->edge != NULL ? o->edge : e->config.edge;
	/* The CA of a login belongs to the edge of that login. */
	e->ca = o->ca != NULL || o->edge != NULL ? o->ca : e->config.ca;
	if (error == NULL && e->edge == NULL)
		error = strdup("no edge: adit login URL stores one, --edge URL gives one for once");
	if (error == NULL)
		error = find_token(e, o);
	if (error == NULL)
		return 0;
	fprintf(stderr, "adit: %s\n", error);
	free(error);
	command_edge_close(e);
	return EXIT_USAGE;
}

void
command_edge_close(struct command_edge *e)
{
	OPENSSL_cleanse(e->token, sizeof(e->token));
	config_fini(&e->config);
}

/* --- the program --- */

/* S-23: memory with a token in it is not written to a disk when the program dies. */
static void
no_core(void)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		perror("adit: RLIMIT_CORE");
}

static int
start_log(const struct options *o)
{
	enum log_level level = LOG_WARN;

	if (o->log_level != NULL && !log_level_parse(slice_str(o->log_level), &level))
		return command_usage("--log-level: error, warn, info or debug is wanted");
	log_init(STDERR_FILENO, level, o->json ? LOG_JSON : LOG_LOGFMT);
	return 0;
}

static int
run(const struct command *c, int argc, char **argv)
{
	char why[256];
	struct options o;
	const char *error = options_parse(&o, c->options, argc, argv, why, sizeof(why));

	if (error == NULL && o.help) {
		print_command_help(stdout, c);
		return EXIT_STOPPED;
	}
	if (error == NULL && o.n_args < c->args_min)
		error = "an argument is missing";
	if (error == NULL && o.n_args > c->args_max)
		error = "too many arguments";
	if (error != NULL)
		return command_usage(
		    "%s\nusage: adit %s [OPTION ...] %s; adit help %s has the options", error,
		    c->name, c->usage, c->name);
	if (start_log(&o) != 0)
		return EXIT_USAGE;
	return c->run(&o);
}

int
command_main(int argc, char **argv)
{
	const struct command *c;
	const char *name;

	no_core();
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	else if (strcmp(name, "--version") == 0)
		name = "version";
	c = find(name);
	if (c == NULL)
		return unknown_command(name);
	return run(c, argc - 2, argv + 2);
}
