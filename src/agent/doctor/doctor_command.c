/* SPDX-License-Identifier: Apache-2.0 */
/* `adit doctor`: walks the stages in order and collects what each of them says. */
#include "agent/doctor/doctor_command.h"

#include "agent/core/config_file.h"
#include "agent/doctor/doctor_private.h"
#include "agent/core/builtin_origin.h"
#include "agent/core/exit_code.h"
#include "agent/core/login.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* --- what it is about --- */

/* The webhook's secret, to sign as the sender does. None is fine: then a signature cannot be
 * tried. NULL, or a malloced sentence. */
static char *
read_secret(struct doctor *d)
{
	const char *file = d->options->secret_file;
	char path[600], *slash;

	snprintf(d->secret_file, sizeof(d->secret_file), "%.399s", file != NULL ? file : "");
	if (file != NULL)
		return config_file_token(file, d->secret, sizeof(d->secret));
	/* the one that `adit http --for` has made */
	if (!config_file_path(path, sizeof(path) - 80) || (slash = strrchr(path, '/')) == NULL ||
	    d->name[0] == '\0')
		return NULL;
	snprintf(slash, 80, "/secret-%.63s", d->name);
	snprintf(d->secret_file, sizeof(d->secret_file), "%.399s", path);
	return access(path, R_OK) == 0 ? config_file_token(path, d->secret, sizeof(d->secret))
				       : NULL;
}

/* A tunnel of the configuration that has a name, by its public name or its key; name NULL: the first one.
 * NULL: it is not there, and perhaps runs on another machine. */
static const struct config_tunnel *
find_tunnel(const struct doctor *d, const char *name)
{
	const struct config *c = &d->login.config;

	for (size_t i = 0; i < c->n_tunnels; i++) {
		const struct config_tunnel *t = &c->tunnels[i];

		if (t->kind == TUNNEL_TCP)
			continue;
		if (name == NULL || (t->name != NULL && strcmp(t->name, name) == 0) ||
		    (t->label != NULL && strcmp(t->label, name) == 0))
			return t;
	}
	return NULL;
}

/* The local server: --origin, else as the tunnel has it. 0 also where neither says it; else an
 * exit code after saying why. */
static int
use_origin(struct doctor *d, const struct config_tunnel *t)
{
	const char *text = d->options->origin != NULL ? d->options->origin
			   : t != NULL                ? t->origin
						      : NULL,
		   *why, *folder;
	enum builtin_kind kind;

	if (text == NULL)
		return 0;
	why = builtin_origin(text, &kind, &folder);
	/* What is in the agent is looked at through the tunnel. */
	if (why == NULL && kind != BUILTIN_NONE)
		return 0;
	if (why == NULL)
		why = addr_parse_origin(slice_str(text), &d->origin);
	if (why == NULL && d->origin.h2 && d->options->origin != NULL)
		why = "adit doctor asks in HTTP/1.1: leave --origin out, and it looks through the "
		      "tunnel alone";
	if (why != NULL)
		return usage_error("%s: %s", text, why);
	/* That of the tunnel is looked at through the tunnel. */
	if (d->origin.h2)
		return 0;
	if (d->origin.kind == ADDR_TCP && d->origin.host[0] == '\0')
		snprintf(d->origin.host, sizeof(d->origin.host), "127.0.0.1");
	if (d->origin.port == 0)
		d->origin.port = d->origin.tls ? 443 : 80;
	check(!d->has_origin);
	addr_text(&d->origin, d->origin_text, sizeof(d->origin_text));
	d->has_origin = true;
	d->proxy_protocol = options_proxy_protocol(d->options);
	/* What the configuration says of TLS and Host is for its own address. */
	if (t != NULL && d->options->origin == NULL) {
		d->origin_ca = t->origin_ca;
		d->origin_host = t->origin_host;
		d->origin_insecure = t->origin_insecure;
		if (d->proxy_protocol == 0)
			d->proxy_protocol = (int)t->proxy_protocol;
	}
	return 0;
}

/* A URL can be looked at without any login; a login that was given must be good. 0, or an exit
 * code after saying why. */
static int
use_login(struct doctor *d)
{
	const struct options *o = d->options;
	char path[512], *error;
	bool missing = false, given = o->edge != NULL || o->file != NULL || o->token_file != NULL;

	if (!given && (!config_file_path(path, sizeof(path)) || access(path, R_OK) != 0)) {
		d->login.ca = o->ca; /* a URL can be looked at without any login */
		return 0;
	}
	/* A file without an edge in it, with tunnels for instance, is no login, either. */
	if (!given) {
		error = config_file_read(path, &d->login.config, &missing);
		free(error);
		if (error == NULL && d->login.config.edge == NULL) {
			d->login.ca = o->ca;
			return 0;
		}
		config_fini(&d->login.config);
	}
	if (login_open(&d->login, o) != 0)
		return EXIT_USAGE;
	check(d->login.edge != NULL);
	d->has_login = true;
	return 0;
}

/*
 * Asks the edge for the tunnel, once, and keeps where its answers stand. member:
 * "name", or "host" of a URL. Without a login, or an answer, all of it stays NULL and
 * stages say what they can.
 */
static void
ask_edge(struct doctor *d, const char *member, const char *value)
{
	json_t *o;

	check(d->link.probe == NULL); /* asked once */
	if (!d->has_login)
		return;
	doctor_link_ask(d->login.edge, d->login.ca, d->login.token, member, value, DOCTOR_MS,
	    &d->link);
	o = d->link.probe;
	d->policy = json_object_get(o, "policy");
	d->notes = json_object_get(o, "notes");
	d->last = json_object_get(o, "last");
	d->inbox = json_object_get(o, "inbox");
	d->passes = strcmp(doctor_text_of(o, "kind"), "tls") == 0;
	d->ticket = json_string_value(json_object_get(o, "ticket"));
	if (o != NULL)
		snprintf(d->name, sizeof(d->name), "%s", doctor_text_of(o, "name"));
	if (d->policy != NULL)
		d->preset = preset_find(slice_str(doctor_text_of(d->policy, "preset")));
}

/* The URL of the tunnel, with the path that its preset has. */
static void
make_urls(struct doctor *d, bool given)
{
	const char *url = doctor_text_of(d->link.probe, "url"),
		   *context = doctor_text_of(d->policy, "context");
	const char *path = d->preset != NULL ? d->preset->path : "/";

	snprintf(d->good_url, sizeof(d->good_url), "%.300s%.100s%.200s",
	    url[0] != '\0' ? url : "https://NAME.EDGE", context, path);
	if (!given)
		snprintf(d->url, sizeof(d->url), "%s", d->good_url);
	/* An edge for trying it has no public name: no sender reaches it,
	 * whatever URL is written. */
	d->trying = checkurl_is_for_trying(d->good_url);
	if (d->trying)
		snprintf(d->good_url, sizeof(d->good_url), "the URL of an edge with a public name");
}

/* Takes d->url apart, as far as it can be: what is wrong with it becomes findings
 * of the first stage. */
static void
read_url(struct doctor *d)
{
	struct checkurl_params p = { .preset = d->preset,
		.name = d->name[0] != '\0' ? d->name : NULL };
	const char *authority;
	size_t n;

	checkurl_read(slice_str(d->url), &p, &d->check);
	if (d->preset == NULL)
		d->preset = preset_of_path(slice_str(d->check.path));
	authority = strstr(d->url, "://");
	authority = authority == NULL ? d->url : authority + 3;
	n = strcspn(authority, "/?#");
	snprintf(d->host_header, sizeof(d->host_header), "%.*s", (int)(n < 290 ? n : 290),
	    authority);
}

/* What was named: a URL has ':', '/' or '.' in it, everything else is a tunnel. Nothing was
 * named: the first tunnel of the configuration. 0, or an exit code after saying why. */
static int
use_target(struct doctor *d)
{
	const char *arg = d->options->n_args > 0 ? d->options->args[0] : NULL;
	bool url = arg != NULL && strpbrk(arg, ":/.") != NULL;
	const struct config_tunnel *t = url ? NULL : find_tunnel(d, arg);
	struct checkurl_params none = { 0 };

	if (arg == NULL && t == NULL)
		return usage_error("name the tunnel or the URL: adit doctor jenkins");
	if (url) {
		snprintf(d->url, sizeof(d->url), "%s", arg);
		checkurl_read(slice_str(arg), &none, &d->check);
		ask_edge(d, "host", d->check.host);
		if (d->name[0] != '\0')
			t = find_tunnel(d, d->name);
	} else {
		const char *name = t != NULL && t->name != NULL ? t->name : arg;

		if (!d->has_login)
			return usage_error(
			    "%s is looked up at the edge: log in first, or give its URL", arg);
		if (name == NULL)
			return usage_error("the tunnel has no name of its own: give its URL");
		snprintf(d->name, sizeof(d->name), "%.63s", name);
		ask_edge(d, "name", name);
	}
	make_urls(d, url);
	/* A URL that was typed is judged for what it is. */
	d->trying = d->trying && !url;
	if (!url && doctor_text_of(d->link.probe, "url")[0] == '\0')
		d->url[0] = '\0';
	read_url(d);
	return use_origin(d, t);
}

/* --- the whole --- */

static void
say_passed(struct doctor *d, enum doctor_stage s)
{
	doctor_say(d, s, DOCTOR_SKIPPED, "TLS ends at the other side: the edge sees no requests");
}

/* The order of the way, and of doctor_stage: a stage stands on what those before have found. */
static void
walk(struct doctor *d)
{
	doctor_look_hook(d);
	doctor_look_dns(d);
	doctor_look_tcp(d);
	doctor_look_tls(d);
	if (d->passes) {
		say_passed(d, DOCTOR_EDGE);
		doctor_look_link(d);
		say_passed(d, DOCTOR_ORIGIN);
		say_passed(d, DOCTOR_INBOX);
	} else {
		doctor_look_edge(d);
		doctor_look_link(d);
		doctor_look_origin(d);
		doctor_look_inbox(d);
	}
	doctor_look_job(d);
}

/* Everything that is read before the walk: options, login, target, secrets. 0, or an exit
 * code after saying why. */
static int
set_up(struct doctor *d)
{
	const struct options *o = d->options;
	const char *why;
	char *error = NULL;
	int rc;

	if (o->connect != NULL && ((why = addr_parse(slice_str(o->connect), &d->connect)) != NULL ||
				      d->connect.kind != ADDR_TCP))
		return usage_error("--connect %s: HOST:PORT is wanted", o->connect);
	if ((o->jenkins_user == NULL) != (o->jenkins_token == NULL))
		return usage_error("--jenkins-user and --jenkins-token-file belong together");
	rc = use_login(d);
	if (rc == 0)
		rc = use_target(d);
	if (rc == 0)
		error = read_secret(d);
	if (rc == 0 && error == NULL && o->jenkins_token != NULL)
		error =
		    config_file_token(o->jenkins_token, d->jenkins_token, sizeof(d->jenkins_token));
	if (error != NULL)
		rc = usage_error("%s", error);
	free(error);
	return rc;
}

/* Prints, and writes the file of --report. 0, 1 where something fails, or EXIT_BROKE. */
static int
report(struct doctor *d)
{
	enum doctor_stage stage;
	const char *code;
	struct buf out;

	check(d->n_findings <= DOCTOR_FINDINGS);
	buf_init(&out, 131072);
	doctor_print(d, &out);
	fwrite(out.p, 1, out.n, stdout);
	buf_fini(&out);
	if (d->options->report != NULL && doctor_write_report(d, d->options->report) != 0)
		return EXIT_BROKE;
	return doctor_first_failure(d, &stage, &code) ? 1 : 0;
}

int
doctor_command(const struct options *o)
{
	struct doctor *d = calloc(1, sizeof(*d));
	int rc;

	if (d == NULL)
		return EXIT_BROKE;
	d->options = o;
	/* A server that hangs up while it is asked is a finding, not our end. */
	signal(SIGPIPE, SIG_IGN);
	rc = set_up(d);
	if (rc == 0) {
		walk(d);
		rc = report(d);
	}
	doctor_link_fini(&d->link);
	login_close(&d->login);
	OPENSSL_cleanse(d, sizeof(*d)); /* secret and tokens */
	free(d);
	return rc;
}
