/* SPDX-License-Identifier: Apache-2.0 */
/* `adit http`, `adit tcp`, `adit tls` and `adit start`: from options or adit.yml to running tunnels. */
#include "agent/command/tunnel_command.h"

#include "agent/command/web_side.h"
#include "agent/console/console.h"
#include "agent/link/agent.h"
#include "agent/core/exit_code.h"
#include "agent/core/lines.h"
#include "agent/core/login.h"
#include "base/log.h"
#include "base/suggest.h"
#include "http/url.h"

#include <stdlib.h>
#include <unistd.h>

/* A tunnel of the configuration owns its strings, one of the command line borrows them: the type
 * is that of the owner. */
static char *
text(const char *z)
{
	return (char *)(uintptr_t)z; /* only read through struct config_tunnel */
}

/* False: there is no such form. */
static bool
lines_form_of(const struct options *o, enum lines_form *ret)
{
	*ret = o->json ? LINES_JSON : LINES_PLAIN;
	if (o->log == NULL || strcmp(o->log, "plain") == 0)
		return true;
	*ret = strcmp(o->log, "json") == 0 ? LINES_JSON : LINES_LOGFMT;
	return *ret == LINES_JSON || strcmp(o->log, "logfmt") == 0;
}

/* Runs the agent with a screen where there is a terminal for it and nobody wants lines. */
static int
show(const struct options *o, const struct agent_params *params, enum lines_form form,
    const struct config_web *web)
{
	struct agent_params p = *params;
	struct console *c = o->json || o->quiet || o->log != NULL ? NULL : console_new();
	struct web_side side;
	struct lines lines;
	int rc;

	/* A line for each request is for people who look on; a log of them is asked for. */
	lines_init(&lines, STDOUT_FILENO, form,
	    !o->quiet && (log_wants(LOG_DEBUG) || isatty(STDOUT_FILENO) == 1 || o->log != NULL));
	p.screen = &lines.screen;
	web_side_init(&side, o->web, web, CONFIG_API_TOKEN, p.edge);
	side.inspector.doctor.ca = p.ca;
	side.inspector.doctor.file = o->file;
	side.inspector.doctor.secret_file = o->secret_file;
	/* Of a tunnel of the configuration the doctor finds more than its address. */
	if (o->n_args > 0 && p.tunnels[0].origin == o->args[0] &&
	    strncmp(o->args[0], "file:", 5) != 0 && strcmp(o->args[0], "sink") != 0)
		side.inspector.doctor.origin = o->args[0];
	if (c != NULL) {
		p.screen = console_screen(c);
		console_tools(c, &side.replay, side.web.link);
		side.guests[side.n_guests++] = console_guest(c);
	}
	p.guests = side.guests;
	p.n_guests = side.n_guests;
	rc = agent_run(&p, NULL);
	console_free(c);
	lines_fini(&lines);
	return rc;
}

/* Runs these tunnels with the edge and token of the options. */
static int
run(const struct options *o, struct login *e, const struct config_tunnel *tunnels, size_t n)
{
	/* Options go over what the file says. */
	const struct config_acme *file = &e->config.acme;
	const struct config_acme acme = {
		.directory = o->acme_directory != NULL ? text(o->acme_directory) : file->directory,
		.ca_file = o->acme_ca_file != NULL ? text(o->acme_ca_file) : file->ca_file,
		.email = o->acme_email != NULL ? text(o->acme_email) : file->email,
		.agree = o->agree || file->agree,
	};
	enum lines_form form;
	struct agent_params p = {
		.edge = e->edge,
		.ca = e->ca,
		.token = e->token,
		.tunnels = tunnels,
		.n_tunnels = n,
		.acme = &acme,
		.inspect = &e->config.inspect,
		.sink = &e->config.sink,
	};

	check(n >= 1 && n <= LIMIT_TUNNELS_PER_LINK);
	if (!lines_form_of(o, &form))
		return usage_error("--log %s: plain, logfmt or json is wanted", o->log);
	return show(o, &p, form, &e->config.web);
}

/* Options are strings of the command line: nothing of t is to be freed. */
static int
run_one(const struct options *o, const struct config_tunnel *t)
{
	struct login e;
	int rc = login_open(&e, o);

	if (rc != 0)
		return rc;
	rc = run(o, &e, t, 1);
	login_close(&e);
	return rc;
}

/* Options as a policy's text, as adit.yml would give it: one composer makes the JSON of both. */
static void
take_policy(struct policy_text *p, const struct options *o)
{
	*p = (struct policy_text){
		.preset = text(o->preset),
		.context = text(o->context),
		.scheme = text(o->scheme),
		.allow = text(o->allow),
		.deny = text(o->deny),
		.user_file = text(o->user_file),
		.policy_file = text(o->policy_file),
		.body_max = text(o->body_max),
		.rate = text(o->rate),
		.fan_out = text(o->fan_out),
		.http2 = text(o->http2),
		.coalesce = o->coalesce,
		.resign = o->resign,
		.store = o->store,
		.unsigned_ok = o->unsigned_ok,
		.relay = o->relay,
	};
	for (size_t i = 0; i < POLICY_SECRET_FILES; i++)
		p->secret_files[i] = text(o->secret_files[i]);
}

/* 0, or an exit code after saying why. */
static int
take_inspect(const struct options *o, struct config_tunnel *t)
{
	static const char *const words[] = { "on", "heads", "off" };

	for (size_t i = 0; o->inspect != NULL && i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(o->inspect, words[i]) == 0) {
			t->inspect = (int64_t)i;
			return 0;
		}
	}
	return o->inspect == NULL
		   ? 0
		   : usage_error("--inspect %s: on, heads or off is wanted", o->inspect);
}

/* 0, or an exit code after saying why. */
static int
take_name(const struct options *o, struct config_tunnel *t, char *dst, size_t cap)
{
	const char *why = o->name == NULL ? NULL : url_name(slice_str(o->name), dst, cap);

	if (why != NULL)
		return usage_error("--name %s: %s", o->name, why);
	t->name = o->name == NULL ? NULL : dst;
	return 0;
}

int
tunnels_http_command(const struct options *o)
{
	struct config_tunnel t = {
		.kind = TUNNEL_HTTP,
		.origin = text(o->args[0]),
		.origin_host = text(o->origin_host),
		.origin_ca = text(o->origin_ca),
		.origin_insecure = o->origin_insecure,
		.listing = o->listing,
		.dotfiles = o->dotfiles,
		.tls_at_agent = o->tls_at_agent,
		.proxy_protocol = options_proxy_protocol(o),
	};
	char name[64];
	uint64_t silent;
	int rc;

	take_policy(&t.policy, o);
	if (o->tls_at_agent &&
	    (policy_text_given(&t.policy) || o->origin_host != NULL || o->origin_silent != NULL))
		return usage_error("--tls-at-agent: neither the edge nor the agent reads requests "
				   "then, so options that are about requests are off: policies, "
				   "webhooks, --origin-host and --origin-silent");
	if (!o->tls_at_agent && (o->acme_directory != NULL || o->acme_ca_file != NULL ||
				    o->acme_email != NULL || o->agree))
		return usage_error("options of a CA are for --tls-at-agent");
	if (o->origin_silent != NULL) {
		if (!slice_u64(slice_str(o->origin_silent), &silent) || silent < 1 ||
		    silent > HELLO_ORIGIN_SILENT_MS_MAX / 1000)
			return usage_error("--origin-silent %s: seconds, 1 to %d, are wanted",
			    o->origin_silent, HELLO_ORIGIN_SILENT_MS_MAX / 1000);
		t.origin_silent_s = (int64_t)silent;
	}
	rc = take_inspect(o, &t);
	if (rc != 0)
		return rc;
	rc = take_name(o, &t, name, sizeof(name));
	return rc != 0 ? rc : run_one(o, &t);
}

int
tunnels_tls_command(const struct options *o)
{
	struct config_tunnel t = { .kind = TUNNEL_TLS,
		.origin = text(o->args[0]),
		.proxy_protocol = options_proxy_protocol(o) };
	char name[64];
	int rc = take_name(o, &t, name, sizeof(name));

	return rc != 0 ? rc : run_one(o, &t);
}

int
tunnels_tcp_command(const struct options *o)
{
	struct config_tunnel t = { .kind = TUNNEL_TCP,
		.origin = text(o->args[0]),
		.proxy_protocol = options_proxy_protocol(o) };
	uint64_t port;

	if (o->port != NULL) {
		if (!slice_u64(slice_str(o->port), &port) || port < 1 || port > 65535)
			return usage_error("--port %s: a number from 1 to 65535 is wanted",
			    o->port);
		t.port = (uint16_t)port;
	}
	return run_one(o, &t);
}

/* --- adit start --- */

/* By its key in the file, not by its public name: a tunnel need not have one. */
static const struct config_tunnel *
find(const struct config *c, const char *label)
{
	for (size_t i = 0; i < c->n_tunnels; i++)
		if (strcmp(c->tunnels[i].label, label) == 0)
			return &c->tunnels[i];
	return NULL;
}

/*
 * Copies of the named tunnels, in the order of the command line, into list
 * (LIMIT_TUNNELS_PER_LINK of them); their strings stay the config's. 0, or
 * EXIT_USAGE after saying why.
 */
static int
pick(const struct options *o, const struct login *e, struct config_tunnel *list, size_t *ret_n)
{
	const struct config *c = &e->config;
	size_t n = 0;

	for (int i = 0; i < o->n_args; i++) {
		const struct config_tunnel *t = find(c, o->args[i]);
		const char *near;

		if (t == NULL) {
			near = suggest(slice_str(o->args[i]), c->tunnels, c->n_tunnels,
			    sizeof(*c->tunnels));
			return near == NULL
				   ? usage_error("%s has no tunnel \"%s\"", e->path, o->args[i])
				   : usage_error("%s has no tunnel \"%s\"; did you mean \"%s\"?",
					 e->path, o->args[i], near);
		}
		/* One link serves a tunnel once. */
		for (size_t j = 0; j < n; j++)
			if (list[j].label == t->label)
				return usage_error("tunnel \"%s\" is named twice", o->args[i]);
		check(n < LIMIT_TUNNELS_PER_LINK); /* the row of `start` takes no more words */
		list[n++] = *t;
	}
	*ret_n = n;
	return 0;
}

int
tunnels_start_command(const struct options *o)
{
	struct config_tunnel list[LIMIT_TUNNELS_PER_LINK];
	struct login e;
	size_t n = 0;
	int rc;

	/* None is started by chance: all of them must be meant. */
	if (o->all == (o->n_args > 0))
		return usage_error("name the tunnels to start, or give --all");
	rc = login_open(&e, o);
	if (rc != 0)
		return rc;
	if (e.config.n_tunnels == 0)
		rc = usage_error("%s has no tunnels", e.path);
	else if (o->all)
		rc = run(o, &e, e.config.tunnels, e.config.n_tunnels);
	else if ((rc = pick(o, &e, list, &n)) == 0)
		rc = run(o, &e, list, n);
	login_close(&e);
	return rc;
}
