/* SPDX-License-Identifier: Apache-2.0 */
/* `adit doctor`: walks the stages in order and collects what each of them says. */
#include "agent/doctor/doctor_command.h"

#include "agent/link/client.h"
#include "agent/core/config_file.h"
#include "agent/doctor/doctor_private.h"
#include "agent/core/exit_code.h"
#include "agent/core/login.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/rand.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define KEYS_MAX 24

/* --- what stages use --- */

const char *
doctor_text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

int64_t
doctor_number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

struct slice
doctor_bare_path(const struct doctor *d)
{
	struct slice path = slice_str(d->check.path),
		     context = slice_str(doctor_text_of(d->policy, "context"));

	return slice_starts(path, context) ? slice_from(path, context.n) : path;
}

void
doctor_date(int64_t ms, char dst[32])
{
	if (ms <= 0) {
		snprintf(dst, 32, "never");
		return;
	}
	date_text(ms, dst);
}

bool
doctor_has(const struct doctor *d, const char *code)
{
	for (size_t i = 0; i < d->n_findings; i++)
		if (strcmp(d->findings[i].row->code, code) == 0)
			return true;
	return false;
}

static void
fill_in(const char *template, const struct doctor_value *values, size_t n, char *dst, size_t cap)
{
	struct buf b;

	buf_init(&b, 4096);
	doctor_text(template, values, n, &b);
	snprintf(dst, cap, "%.*s", b.failed ? 0 : (int)b.n, b.n > 0 ? b.p : "");
	buf_fini(&b);
}

void
doctor_add_pairs(struct doctor *d, const char *code, ...)
{
	struct doctor_value values[KEYS_MAX];
	struct doctor_finding *f = &d->findings[d->n_findings];
	const char *key;
	size_t n;
	va_list ap;

	if (doctor_has(d, code) || d->n_findings == DOCTOR_FINDINGS)
		return;
	n = doctor_sender_values(d, values);
	va_start(ap, code);
	while (n < KEYS_MAX && (key = va_arg(ap, const char *)) != NULL)
		values[n++] = (struct doctor_value){ key, slice_str(va_arg(ap, const char *)) };
	va_end(ap);
	f->row = doctor_find(slice_str(code));
	check(f->row != NULL);
	fill_in(f->row->text, values, n, f->text, sizeof(f->text));
	fill_in(f->row->remedy, values, n, f->remedy, sizeof(f->remedy));
	d->n_findings++;
}

void
doctor_say(struct doctor *d, enum doctor_stage s, enum doctor_state state, const char *fmt, ...)
{
	va_list ap;

	d->stages[s].state = state;
	va_start(ap, fmt);
	vsnprintf(d->stages[s].text, sizeof(d->stages[s].text), fmt, ap);
	va_end(ap);
}

int
doctor_ask(struct doctor *d, const char *method, const char *depth, struct slice body,
    struct slice fields, int64_t timeout_ms, struct fetch_answer *ret)
{
	struct fetch_request req = {
		.method = method,
		.tls_name = d->check.host,
		.host = d->host_header,
		.body = body,
		.insecure = true, /* judged before */
		.timeout_ms = timeout_ms,
		.body_max = 65536,
	};
	const char *path = strstr(d->url, "://");
	struct buf all;
	int rc;

	buf_init(&all, 8192);
	if (d->ticket != NULL)
		buf_printf(&all, "adit-probe: %s%s%s\r\n", d->ticket, depth[0] != '\0' ? " " : "",
		    depth);
	if (fields.n == 0)
		buf_put(&all, S("User-Agent: adit-doctor/" ADIT_VERSION "\r\n"));
	buf_put(&all, fields);
	req.fields = buf_slice(&all);
	req.addr.tls = strcmp(d->check.scheme, "https") == 0;
	req.addr.port = addr_split(&d->to, sizeof(d->to), req.addr.host, sizeof(req.addr.host));
	path = path == NULL ? NULL : strchr(path + 3, '/');
	req.target = slice_str(path != NULL ? path : "/");
	/* behind a token of the generic trigger stands a job, which must not start */
	if (d->preset != NULL && strcmp(d->preset->name, "jenkins-generic") == 0)
		req.target = slice_cut(&req.target, '?');
	rc = fetch(&req, ret);
	buf_fini(&all);
	return rc;
}

static void
sign(const struct doctor *d, struct buf *fields, struct slice body)
{
	struct slice secret = slice_str(d->secret);
	struct sign_params p = { .secrets = &secret, .n_secrets = 1 };
	struct hook_request req = { .method = S("POST"),
		.path = slice_str(d->check.path),
		.query = S(""),
		.url = slice_str(d->url),
		.body = body,
		.now_ms = clock_wall_ms() };
	const char *scheme = doctor_text_of(d->policy, "scheme");
	struct sign_output *out;

	if (scheme[0] == '\0' && d->preset != NULL && d->preset->scheme != NULL)
		scheme = d->preset->scheme;
	p.scheme = sign_find(slice_str(scheme));
	out = malloc(sizeof(*out));
	if (d->secret[0] != '\0' && p.scheme != NULL && p.scheme->can_sign && out != NULL &&
	    hook_sign(&p, &req, S("adit-doctor"), out)) {
		for (size_t i = 0; i < out->n_fields; i++)
			buf_printf(fields, "%.*s: %.*s\r\n", PS(out->fields[i].name),
			    PS(out->fields[i].value));
	}
	free(out);
}

/* The ping of senders whose receivers would call a push of Bitbucket's an error. */
static bool
put_ping(const struct doctor *d, const char *id, struct buf *fields, struct buf *body)
{
	const char *name = d->preset != NULL ? d->preset->name : "";

	if (strcmp(name, "jenkins-github") == 0) {
		buf_printf(body, "{\"zen\":\"adit doctor\",\"adit_probe\":\"%s\"}", id);
		buf_printf(fields,
		    "User-Agent: GitHub-Hookshot/adit\r\nX-GitHub-Event: ping\r\n"
		    "X-GitHub-Delivery: adit-probe-%s\r\n",
		    id);
	} else if (strcmp(name, "jenkins-bitbucket-server") == 0) {
		buf_put(body, S("{\"test\": true}"));
		buf_printf(fields,
		    "User-Agent: adit-doctor/" ADIT_VERSION "\r\nX-Event-Key: diagnostics:ping\r\n"
		    "X-Request-Id: adit-probe-%s\r\n",
		    id);
	} else {
		return false;
	}
	return true;
}

void
doctor_push(const struct doctor *d, struct buf *fields, struct buf *body)
{
	char id[17];

	rand_name(id, 16);
	if (!put_ping(d, id, fields, body)) {
		buf_printf(body,
		    "{\"adit_probe\":\"%s\",\"push\":{\"changes\":[]},\"repository\":{\"type\":"
		    "\"repository\",\"name\":\"doctor\",\"full_name\":\"adit-probe/doctor\","
		    "\"scm\":\"git\",\"is_private\":true,\"links\":{"
		    "\"html\":{\"href\":\"https://bitbucket.org/adit-probe/doctor\"},\"self\":{"
		    "\"href\":\"https://api.bitbucket.org/2.0/repositories/adit-probe/doctor\"}},"
		    "\"owner\":{\"nickname\":\"adit\",\"display_name\":\"adit doctor\","
		    "\"type\":\"team\"}},\"actor\":{\"nickname\":\"adit\","
		    "\"display_name\":\"adit doctor\",\"type\":\"user\"}}",
		    id);
		buf_printf(fields,
		    "User-Agent: Bitbucket-Webhooks/2.0\r\nX-Event-Key: repo:push\r\n"
		    "X-Hook-UUID: adit-probe\r\nX-Request-UUID: adit-probe-%s\r\n"
		    "X-Attempt-Number: 1\r\n",
		    id);
	}
	buf_printf(fields, "Content-Type: application/json\r\nX-Adit-Probe: %s\r\n", id);
	sign(d, fields, buf_slice(body));
}

/* --- what it is about --- */

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

static const struct config_tunnel *
find_tunnel(const struct doctor *d, const char *name)
{
	const struct config *c = &d->login.config;

	for (size_t i = 0; i < c->n_tunnels; i++) {
		const struct config_tunnel *t = &c->tunnels[i];

		if (t->kind != TUNNEL_HTTP)
			continue;
		if (name == NULL || (t->name != NULL && strcmp(t->name, name) == 0) ||
		    (t->label != NULL && strcmp(t->label, name) == 0))
			return t;
	}
	return NULL;
}

static int
use_origin(struct doctor *d, const struct config_tunnel *t)
{
	const char *text = d->options->origin != NULL ? d->options->origin
			   : t != NULL                ? t->origin
						      : NULL,
		   *why;

	if (text == NULL)
		return 0;
	why = addr_parse(slice_str(text), &d->origin);
	if (why != NULL)
		return usage_error("%s: %s", text, why);
	if (d->origin.kind == ADDR_TCP && d->origin.host[0] == '\0')
		snprintf(d->origin.host, sizeof(d->origin.host), "127.0.0.1");
	if (d->origin.port == 0)
		d->origin.port = d->origin.tls ? 443 : 80;
	addr_text(&d->origin, d->origin_text, sizeof(d->origin_text));
	d->has_origin = true;
	if (t != NULL && d->options->origin == NULL) {
		d->origin_ca = t->origin_ca;
		d->origin_host = t->origin_host;
		d->origin_insecure = t->origin_insecure;
	}
	return 0;
}

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
	d->has_login = true;
	return 0;
}

static void
ask_edge(struct doctor *d, const char *member, const char *value)
{
	json_t *o;

	if (!d->has_login)
		return;
	doctor_link_ask(d->login.edge, d->login.ca, d->login.token, member, value, DOCTOR_MS,
	    &d->link);
	o = d->link.probe;
	d->policy = json_object_get(o, "policy");
	d->notes = json_object_get(o, "notes");
	d->last = json_object_get(o, "last");
	d->inbox = json_object_get(o, "inbox");
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
	d->trying = checkurl_is_for_trying(d->good_url);
	if (d->trying)
		snprintf(d->good_url, sizeof(d->good_url), "the URL of an edge with a public name");
}

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
	d->trying = d->trying && !url;
	if (!url && doctor_text_of(d->link.probe, "url")[0] == '\0')
		d->url[0] = '\0';
	read_url(d);
	return use_origin(d, t);
}

/* --- the whole --- */

static void
walk(struct doctor *d)
{
	doctor_look_hook(d);
	doctor_look_dns(d);
	doctor_look_tcp(d);
	doctor_look_tls(d);
	doctor_look_edge(d);
	doctor_look_link(d);
	doctor_look_origin(d);
	doctor_look_inbox(d);
	doctor_look_job(d);
}

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

static int
report(struct doctor *d)
{
	enum doctor_stage stage;
	const char *code;
	struct buf out;

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
	signal(SIGPIPE, SIG_IGN);
	rc = set_up(d);
	if (rc == 0) {
		walk(d);
		rc = report(d);
	}
	doctor_link_fini(&d->link);
	login_close(&d->login);
	OPENSSL_cleanse(d, sizeof(*d));
	free(d);
	return rc;
}
