/* SPDX-License-Identifier: Apache-2.0 */
/* What the program does when it is called ngrok (ngrok_command.h). */
#include "agent/command/ngrok_command.h"

#include "agent/command/ngrok_words.h"
#include "agent/command/web_side.h"
#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "agent/core/login.h"
#include "agent/link/agent.h"
#include "agent/ngrok/ask.h"
#include "agent/ngrok/log.h"
#include "base/log.h"
#include "base/tell.h"
#include "conf/file.h"
#include "conf/yamldoc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool
ngrok_is_name(const char *argv0)
{
	const char *slash = argv0 == NULL ? NULL : strrchr(argv0, '/');

	return argv0 != NULL && strcmp(slash != NULL ? slash + 1 : argv0, "ngrok") == 0;
}

static int fail(const char *fmt, ...) printf_like(1, 2);

/* As scripts find it: on standard error, and exit code 1. */
static int
fail(const char *fmt, ...)
{
	va_list ap;

	fputs("ERROR:  ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_BROKE;
}

/* --- configuration in the form that ngrok has --- */

/* Numbers and words stay texts, true and false do not: the API takes either. */
static json_t *
json_of(const struct yamldoc_node *n)
{
	json_t *made;

	if (n->kind == YAMLDOC_SCALAR)
		return strcmp(n->text, "true") == 0    ? json_true()
		       : strcmp(n->text, "false") == 0 ? json_false()
						       : json_string(n->text);
	made = n->kind == YAMLDOC_MAP ? json_object() : json_array();
	for (const struct yamldoc_node *c = n->first; c != NULL; c = c->next)
		if (n->kind == YAMLDOC_MAP)
			json_object_set_new(made, c->key, json_of(c));
		else
			json_array_append_new(made, json_of(c));
	return made;
}

/* The files, later ones over earlier ones. NULL after saying why; an object else. */
static json_t *
read_configs(const struct ngrok_words *w)
{
	json_t *all = json_object();

	for (int i = 0; i < w->n_configs; i++) {
		struct yamldoc_error error;
		struct yamldoc doc = { 0 };
		struct slice text;
		char *bytes = file_read(w->configs[i], LIMIT_CONFIG_BYTES, &text, NULL);
		bool ok;

		/* Scripts name one that nobody has written yet. */
		if (bytes == NULL && errno == ENOENT)
			continue;
		if (bytes == NULL) {
			fail("%s: %s", w->configs[i], strerror(errno));
			json_decref(all);
			return NULL;
		}
		ok = yamldoc_parse(&doc, text, &error);
		file_free(bytes, text);
		if (ok && doc.root != NULL && doc.root->kind == YAMLDOC_MAP) {
			json_t *one = json_of(doc.root);

			json_object_update(all, one);
			json_decref(one);
		}
		yamldoc_fini(&doc);
		if (!ok) {
			fail("%s:%d:%d: %s", w->configs[i], error.line, error.column, error.text);
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

static const char *
text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* Of either version: at the top, or below agent: */
static const char *
setting(const json_t *config, const char *key)
{
	const char *text = text_at(config, key);

	return text != NULL ? text : text_at(json_object_get(config, "agent"), key);
}

/* --- tunnels --- */

struct ngrok_tunnels {
	struct ngrok_ask asks[LIMIT_TUNNELS_PER_LINK];
	struct config_tunnel list[LIMIT_TUNNELS_PER_LINK];
	size_t n;
};

/* 0, or an exit code after saying why. body: borrowed. */
static int
add(struct ngrok_tunnels *t, const json_t *body, const char *name, bool endpoint)
{
	struct ngrok_ask *ask;
	json_t *copy;
	bool ok;

	if (t->n == LIMIT_TUNNELS_PER_LINK)
		return fail("an agent has at most %d tunnels", LIMIT_TUNNELS_PER_LINK);
	ask = &t->asks[t->n];
	copy = json_copy((json_t *)(uintptr_t)body);
	json_object_set_new(copy, "name", json_string(name));
	ok = endpoint ? ngrok_ask_endpoint(copy, ask) : ngrok_ask_tunnel(copy, ask);
	json_decref(copy);
	if (!ok) {
		config_tunnel_fini(&ask->tunnel);
		return fail("%s", ask->why);
	}
	t->list[t->n] = ask->tunnel;
	/* By what it is called in the file its random name is kept. */
	if (strcmp(name, "command_line") != 0)
		t->list[t->n].label = ask->name;
	t->n++;
	return 0;
}

static bool
is_named(const struct ngrok_words *w, const char *name)
{
	for (int i = 1; i < w->n_args; i++)
		if (strcmp(w->args[i], name) == 0)
			return true;
	return w->all;
}

/* Tunnels and endpoints of the configuration that are named, or all. */
static int
take_from_config(struct ngrok_tunnels *t, const struct ngrok_words *w, json_t *config)
{
	json_t *endpoints = json_object_get(config, "endpoints"), *body;
	const char *name;
	int rc = 0;

	json_object_foreach(json_object_get(config, "tunnels"), name, body) {
		if (rc == 0 && is_named(w, name))
			rc = add(t, body, name, false);
	}
	for (size_t i = 0; rc == 0 && i < json_array_size(endpoints); i++) {
		body = json_array_get(endpoints, i);
		name = text_at(body, "name");
		if (name != NULL && is_named(w, name))
			rc = add(t, body, name, true);
	}
	if (rc == 0 && t->n == 0)
		rc = fail("no tunnel of that name in the configuration: give --config FILE");
	return rc;
}

/* --- running --- */

static const char *
find_token(const struct ngrok_words *w, const json_t *config)
{
	const char *variable = getenv("NGROK_AUTHTOKEN"), *file = setting(config, "authtoken");

	return w->authtoken != NULL                      ? w->authtoken
	       : variable != NULL && variable[0] != '\0' ? variable
	       : file != NULL && file[0] != '\0'         ? file
							 : NULL;
}

/* Of --log. -1: nowhere. */
static int
open_log(const struct ngrok_words *w)
{
	if (w->log == NULL || strcmp(w->log, "false") == 0)
		return isatty(STDOUT_FILENO) == 1 ? STDOUT_FILENO : -1;
	if (strcmp(w->log, "stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(w->log, "stderr") == 0)
		return STDERR_FILENO;
	return open(w->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int
run(const struct ngrok_words *w, const json_t *config, const struct ngrok_tunnels *t)
{
	const char *token = find_token(w, config), *address = setting(config, "web_addr");
	struct options o = { 0 };
	struct ngrok_log log;
	struct web_side side;
	struct login e;
	struct agent_params p;
	int rc;

	/* What goes wrong on the way is a line of the log. */
	log_init(-1, LOG_ERROR, LOG_LOGFMT);
	if (token != NULL && setenv("ADIT_TOKEN", token, 1) != 0)
		return fail("out of memory");
	rc = login_open(&e, &o);
	if (rc != 0)
		return EXIT_BROKE;
	if (address != NULL && strcmp(address, "false") == 0)
		address = "off";
	ngrok_log_init(&log, open_log(w),
	    w->log_format != NULL && strcmp(w->log_format, "json") == 0,
	    w->log_level != NULL && strcmp(w->log_level, "debug") == 0);
	web_side_init(&side, address, &e.config.web, CONFIG_API_OPEN, e.edge);
	side.api.told = ngrok_log_told;
	p = (struct agent_params){
		.edge = e.edge,
		.ca = e.ca,
		.token = e.token,
		.tunnels = t->list,
		.n_tunnels = t->n,
		.inspect = &e.config.inspect,
		.screen = &log.screen,
		.guests = side.guests,
		.n_guests = side.n_guests,
		.stays = t->n == 0,
	};
	rc = agent_run(&p, NULL);
	ngrok_log_fini(&log);
	login_close(&e);
	return rc == EXIT_STOPPED ? 0 : EXIT_BROKE;
}

/* --- the commands --- */

static int
run_command(struct ngrok_words *w)
{
	struct ngrok_tunnels *t = calloc(1, sizeof(*t));
	json_t *config = read_configs(w);
	const char *word = w->args[0];
	int rc = config == NULL || t == NULL ? EXIT_BROKE : 0;

	if (rc == 0 && strcmp(word, "start") == 0) {
		if (!w->none)
			rc = take_from_config(t, w, config);
	} else if (rc == 0) {
		json_object_set_new(w->tunnel, "proto", json_string(word));
		if (w->n_args > 1)
			json_object_set_new(w->tunnel, "addr", json_string(w->args[1]));
		rc = add(t, w->tunnel, "command_line", false);
	}
	if (rc == 0)
		rc = run(w, config, t);
	for (size_t i = 0; t != NULL && i < t->n; i++)
		config_tunnel_fini(&t->asks[i].tunnel);
	free(t);
	json_decref(config);
	return rc;
}

/* The file that was named has a line of it then; else it is kept as by adit login. */
static int
save_token(const struct ngrok_words *w, const char *token)
{
	char line[300], path[512], *error;
	struct slice old = S("");
	char *bytes;
	struct buf text;

	if (token == NULL || strlen(token) > 127 || token[strcspn(token, "\"\\\n")] != '\0')
		return fail("authtoken: a token is wanted");
	if (w->n_configs == 0) {
		struct config c = { 0 };

		if (!config_file_path(path, sizeof(path)))
			return fail("neither XDG_CONFIG_HOME nor HOME is set");
		error = config_file_read(path, &c, NULL);
		free(error);
		error = config_file_save_login(path, c.edge != NULL ? c.edge : "", c.ca, token);
		config_fini(&c);
	} else {
		snprintf(path, sizeof(path), "%s", w->configs[w->n_configs - 1]);
		bytes = file_read(path, LIMIT_CONFIG_BYTES, &old, NULL);
		buf_init(&text, LIMIT_CONFIG_BYTES + 512);
		snprintf(line, sizeof(line), "authtoken: \"%s\"\n", token);
		buf_put(&text, slice_str(line));
		for (struct slice rest = bytes == NULL ? S("") : old; rest.n > 0;) {
			struct slice one = slice_cut(&rest, '\n');

			if (slice_starts(one, S("authtoken:")))
				continue;
			buf_put(&text, one);
			buf_putc(&text, '\n');
		}
		error = text.failed ? strdup("the file is too long")
				    : config_file_replace(path, buf_slice(&text));
		if (bytes != NULL)
			file_free(bytes, old);
		if (text.p != NULL)
			explicit_bzero(text.p, text.cap);
		buf_fini(&text);
	}
	if (error != NULL) {
		fail("%s", error);
		free(error);
		return EXIT_BROKE;
	}
	printf("Authtoken saved to configuration file: %s\n", path);
	return 0;
}

static int
check_config(const struct ngrok_words *w)
{
	json_t *config = read_configs(w);

	if (config == NULL)
		return EXIT_BROKE;
	json_decref(config);
	printf("Valid configuration file%s%s\n", w->n_configs > 0 ? " at " : "",
	    w->n_configs > 0 ? w->configs[0] : "");
	return 0;
}

static int
config_command(const struct ngrok_words *w)
{
	const char *word = w->n_args > 1 ? w->args[1] : "";

	if (strcmp(word, "add-authtoken") == 0)
		return save_token(w, w->n_args > 2 ? w->args[2] : NULL);
	if (strcmp(word, "add-api-key") == 0) {
		puts("API key saved: no, this agent has none; nothing was written");
		return 0;
	}
	if (strcmp(word, "check") == 0)
		return check_config(w);
	if (strcmp(word, "upgrade") == 0) {
		puts("Nothing to upgrade: this agent reads both versions of the file");
		return 0;
	}
	return fail("unknown command: config %s", word);
}

static void
print_help(void)
{
	puts("adit " ADIT_VERSION
	     ", called by the name ngrok: it takes the command lines of that program, and "
	     "your own edge\nstands behind them. Known are http, tcp, tls, start, authtoken, "
	     "config add-authtoken|check|upgrade,\nversion, update.\n\n"
	     "  ngrok http 8080\n  ngrok start --none --log=stdout\n\n"
	     "The edge is that of adit login. More: doc/from-ngrok.md, adit(1)");
}

static int
print_version(void)
{
	puts("ngrok version " NGROK_VERSION);
	return 0;
}

static int
run_words(struct ngrok_words *w)
{
	const char *word = w->n_args > 0 ? w->args[0] : "help";

	if (w->version || strcmp(word, "version") == 0)
		return print_version();
	if (w->help || strcmp(word, "help") == 0) {
		print_help();
		return 0;
	}
	if (strcmp(word, "http") == 0 || strcmp(word, "tcp") == 0 || strcmp(word, "tls") == 0 ||
	    strcmp(word, "start") == 0)
		return run_command(w);
	if (strcmp(word, "authtoken") == 0)
		return save_token(w, w->n_args > 1 ? w->args[1] : NULL);
	if (strcmp(word, "config") == 0)
		return config_command(w);
	if (strcmp(word, "update") == 0) {
		puts("No update: this is adit, which your packages update");
		return 0;
	}
	if (strcmp(word, "api") == 0)
		return fail("there is no cloud behind this agent, so \"api\" is off; adit status "
			    "asks your own edge");
	return fail("unknown command: %s", word);
}

int
ngrok_main(int argc, char **argv)
{
	struct ngrok_words w;
	int rc;

	/* Wrappers read lines as they come. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (ngrok_words_parse(&w, argc - 1, argv + 1))
		rc = run_words(&w);
	else
		rc = fail("%s", w.why);
	json_decref(w.tunnel);
	return rc;
}

/* --- adit ngrok-link --- */

int
ngrok_link_command(const struct options *o)
{
	char self[PATH_MAX], path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return usage_error("/proc/self/exe: %s", strerror(errno));
	self[n] = '\0';
	if ((size_t)snprintf(path, sizeof(path), "%s/ngrok", o->args[0]) >= sizeof(path))
		return usage_error("%s: too long", o->args[0]);
	if (symlink(self, path) != 0)
		return usage_error("%s: %s", path, strerror(errno));
	printf("%s is a link to %s now\n", path, self);
	return EXIT_STOPPED;
}
