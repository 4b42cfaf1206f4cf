/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's pages: sessions, requests, figures. */
#include "edge/dashboard/dashboard.h"

#include "base/log.h"
#include "base/sentence.h"
#include "edge/control/asker.h"
#include "edge/control/metrics.h"
#include "edge/dashboard/session.h"
#include "web/assets.h"
#include "web/reply.h"
#include "web/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Where none is named: the next free one from here on. */
#define PORT_FIRST 4041
#define PORTS 20
/* All families, and those of every tunnel that has its own. */
#define METRICS_BYTES (1024 * 1024)

struct dashboard {
	struct dashboard_config config;
	struct web_server *server;
	struct dashboard_sessions sessions;
	char address[ADDR_TEXT_BYTES];
};

static int64_t
now_us(const struct dashboard *d)
{
	return loop_now_us(d->config.edge->main_loop);
}

/* --- sessions --- */

static struct dashboard_session *
session_of(const struct web_request *r)
{
	struct dashboard *d = r->owner;
	struct slice token = web_bearer(r);

	return token.p == NULL ? NULL : dashboard_session_find(&d->sessions, token, now_us(d));
}

/* What a role may ask is judged by the request itself. */
static enum web_verdict
authorize(const struct web_request *r, enum web_right right)
{
	(void)right;
	return session_of(r) != NULL ? WEB_YES : WEB_ASK;
}

static json_t *
session_json(const struct dashboard_session *s)
{
	return json_pack("{s:s, s:s, s:s}", "id", s->id, "role", dashboard_role_word(s->role),
	    "account", s->account);
}

static void
open_session(struct web_request *r)
{
	struct dashboard *d = r->owner;
	const char *code = json_string_value(json_object_get(r->json, "code"));
	char token[DASHBOARD_TOKEN_BYTES];
	struct dashboard_session *s =
	    code == NULL ? NULL
			 : dashboard_session_new(&d->sessions, slice_str(code), now_us(d), token);
	json_t *o;

	if (s == NULL) {
		log_event(LOG_WARN, "dashboard-refused", LOG_Z("peer", r->peer->text));
		web_error(r, 401, "bad-code",
		    "This link was opened already, or is older than a minute.",
		    "Ask for another one: aditd dashboard");
		return;
	}
	log_event(LOG_INFO, "dashboard-session", LOG_Z("session", s->id),
	    LOG_Z("role", dashboard_role_word(s->role)), LOG_Z("account", s->account),
	    LOG_Z("peer", r->peer->text));
	o = session_json(s);
	json_object_set_new(o, "left_ms", json_integer(dashboard_session_left_ms(s, now_us(d))));
	json_object_set_new(o, "token", json_string(token));
	web_json(r, 200, o);
}

static void
show_session(struct web_request *r)
{
	const struct dashboard *d = r->owner;
	const struct dashboard_session *s = session_of(r);
	json_t *o = session_json(s);

	json_object_set_new(o, "left_ms", json_integer(dashboard_session_left_ms(s, now_us(d))));
	web_json(r, 200, o);
}

static void
end_session(struct web_request *r)
{
	struct dashboard *d = r->owner;

	check(dashboard_session_end(&d->sessions, session_of(r)->id));
	web_empty(r, 204);
}

/* --- requests --- */

struct page_ask {
	struct asker asker;
	struct web_request *r; /* NULL: the page has gone */
	struct loop *loop;
	struct loop_grave grave;
};

static void
on_ask_grave(struct loop_grave *g)
{
	free(list_of(g, struct page_ask, grave));
}

/* By the code of a refusal, which says more. */
static int
status_of(const json_t *answer)
{
	static const struct {
		const char *code;
		int status;
	} rows[] = { { "forbidden", 403 }, { "unknown-op", 404 }, { "none", 404 },
		{ "bad-request", 400 }, { "memory", 503 } };
	const char *code = json_string_value(json_object_get(answer, "code"));

	if (json_is_true(json_object_get(answer, "ok")))
		return 200;
	for (size_t i = 0; code != NULL && i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].code, code) == 0)
			return rows[i].status;
	return 409;
}

/* The asker is still at work when it calls, so it goes at the end of the turn. */
static void
on_answer(struct asker *a, json_t *answer)
{
	struct page_ask *p = list_of(a, struct page_ask, asker);
	struct web_request *r = p->r;

	loop_bury(p->loop, &p->grave, on_ask_grave);
	p->r = NULL;
	r->gone = NULL;
	web_json(r, answer == NULL ? 503 : status_of(answer), answer);
}

static void
on_gone(struct web_request *r)
{
	struct page_ask *p = r->job;

	p->r = NULL;
	asker_leave(&p->asker);
	loop_bury(p->loop, &p->grave, on_ask_grave);
}

static void
note(const struct dashboard_session *s, const char *op)
{
	if (asker_changes(op))
		log_event(LOG_INFO, "dashboard", LOG_Z("op", op), LOG_Z("session", s->id),
		    LOG_Z("role", dashboard_role_word(s->role)), LOG_Z("account", s->account));
}

static void
ask(struct web_request *r)
{
	static const enum asker_role roles[] = { [DASHBOARD_OPERATOR] = ASKER_OPERATOR,
		[DASHBOARD_AUDITOR] = ASKER_AUDITOR,
		[DASHBOARD_ACCOUNT] = ASKER_ACCOUNT };
	const struct dashboard *d = r->owner;
	const struct dashboard_session *s = session_of(r);
	const char *op = json_string_value(json_object_get(r->json, "op"));
	struct page_ask *p;

	if (op == NULL) {
		web_error(r, 400, "bad-request", "The request has no \"op\".", "");
		return;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		web_error(r, 503, "memory", "The edge is out of memory.", "Try again.");
		return;
	}
	note(s, op);
	asker_init(&p->asker, d->config.control, on_answer);
	p->asker.role = roles[s->role];
	memcpy(p->asker.account, s->account, sizeof(p->asker.account));
	snprintf(p->asker.who, sizeof(p->asker.who), "session %s (%s)", s->id,
	    s->account[0] != '\0' ? "account" : dashboard_role_word(s->role));
	p->r = r;
	p->loop = d->config.edge->main_loop;
	r->job = p;
	r->gone = on_gone;
	asker_ask(&p->asker, r->json);
}

/* --- figures and health --- */

static void
metrics(struct web_request *r)
{
	const struct dashboard *d = r->owner;
	struct slice accept = web_field(r, S("Accept"));
	enum exposition_format format = exposition_accept(accept);
	struct buf text;

	buf_init(&text, METRICS_BYTES);
	metrics_write(d->config.edge, d->config.ops, d->config.owner, &text, format);
	if (text.failed)
		web_error(r, 503, "too-large", "The metrics do not fit.",
		    "Name fewer metrics.tunnels.");
	else
		web_text(r, 200, exposition_type_text(format), buf_slice(&text));
	buf_fini(&text);
}

/* The loop turns, or nothing would be answered. */
static void
healthz(struct web_request *r)
{
	const struct dashboard *d = r->owner;

	if (store_healthy(d->config.edge->store))
		web_text(r, 200, "text/plain; charset=utf-8", S("ok\n"));
	else
		web_text(r, 503, "text/plain; charset=utf-8", S("the store does not work\n"));
}

/* Whether new work is welcome, and why not. */
static void
readyz(struct web_request *r)
{
	const struct dashboard *d = r->owner;
	json_t *why = json_array();

	if (d->config.ops->stopping(d->config.owner))
		json_array_append_new(why, json_string("the edge stops"));
	if (!store_healthy(d->config.edge->store))
		json_array_append_new(why, json_string("the store does not work"));
	if (!d->config.ops->certified(d->config.owner))
		json_array_append_new(why, json_string("there is no certificate yet"));
	web_json(r, json_array_size(why) == 0 ? 200 : 503,
	    json_pack("{s:b, s:o}", "ready", json_array_size(why) == 0, "why", why));
}

static const struct web_route routes[] = {
	{ .method = "GET", .pattern = "/metrics", .right = WEB_OPEN, .handle = metrics },
	{ .method = "GET", .pattern = "/healthz", .right = WEB_OPEN, .handle = healthz },
	{ .method = "GET", .pattern = "/readyz", .right = WEB_OPEN, .handle = readyz },
	{ .method = "POST",
	    .pattern = "/v1/session",
	    .right = WEB_OPEN,
	    .body = WEB_JSON,
	    .handle = open_session },
	{ .method = "GET", .pattern = "/v1/session", .right = WEB_READ, .handle = show_session },
	{ .method = "DELETE", .pattern = "/v1/session", .right = WEB_WRITE, .handle = end_session },
	{ .method = "POST",
	    .pattern = "/v1/ask",
	    .right = WEB_READ,
	    .body = WEB_JSON,
	    .handle = ask },
};

/* --- what an operator asks by the socket --- */

static json_t *
refuse(const char *code, const char *text)
{
	return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "text", text);
}

static json_t *
make_link(struct dashboard *d, const json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "role"));
	const char *account = json_string_value(json_object_get(request, "account"));
	enum dashboard_role role = DASHBOARD_OPERATOR;
	char code[DASHBOARD_TOKEN_BYTES];

	if (word != NULL && !dashboard_role_of(word, &role))
		return refuse("bad-request", "a role is operator, auditor or account");
	if (account == NULL)
		account = "";
	if ((role == DASHBOARD_ACCOUNT) != (account[0] != '\0') || strlen(account) >= 64)
		return refuse("bad-request", "the role account, and no other, names an account");
	if (d->address[0] == '\0')
		return refuse("off", "the dashboard is off: see dashboard: in aditd.yml");
	dashboard_link_new(&d->sessions, role, account, now_us(d), code);
	if (slice_starts(slice_str(d->address), S("unix:")))
		return json_pack("{s:b, s:s, s:s}", "ok", 1, "socket", d->address + 5, "code",
		    code);
	return json_pack("{s:b, s:s+++}", "ok", 1, "url", "http://", d->address, "/#t=", code);
}

static json_t *
list_sessions(struct dashboard *d)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < LIMIT_DASHBOARD_SESSIONS; i++) {
		struct dashboard_session *s = &d->sessions.rows[i];
		json_t *row;

		if (dashboard_session_is_over(s, now_us(d)))
			continue;
		row = session_json(s);
		json_object_set_new(row, "age_ms", json_integer((now_us(d) - s->since_us) / 1000));
		json_object_set_new(row, "idle_ms", json_integer((now_us(d) - s->used_us) / 1000));
		json_array_append_new(rows, row);
	}
	return json_pack("{s:b, s:o, s:b}", "ok", 1, "rows", rows, "more", 0);
}

json_t *
dashboard_request(struct dashboard *d, const json_t *request)
{
	const char *op = json_string_value(json_object_get(request, "op"));
	const char *id = json_string_value(json_object_get(request, "id"));

	check(op != NULL);
	if (strcmp(op, "dashboard.link") == 0)
		return make_link(d, request);
	if (strcmp(op, "dashboard.sessions") == 0)
		return list_sessions(d);
	if (id == NULL || !dashboard_session_end(&d->sessions, id))
		return refuse("none", "there is no such session; see aditd dashboard sessions");
	return json_pack("{s:b}", "ok", 1);
}

/* --- coming and going --- */

static bool
listen_on(struct dashboard *d, const struct addr *a)
{
	struct addr bound;

	if (web_server_listen(d->server, a, &bound) != 0)
		return false;
	if (d->address[0] == '\0')
		addr_text(&bound, d->address, sizeof(d->address));
	return true;
}

/* False: none of the usual ports is free. That is no reason for an edge not to start. */
static bool
listen_somewhere(struct dashboard *d)
{
	struct addr a = { .kind = ADDR_TCP, .host = "127.0.0.1" };

	if (d->config.any_port)
		return listen_on(d, &a);
	for (uint16_t i = 0; i < PORTS; i++) {
		a.port = (uint16_t)(PORT_FIRST + i);
		if (!listen_on(d, &a))
			continue;
		if (i > 0)
			log_event(LOG_WARN, "dashboard", LOG_Z("address", d->address),
			    LOG_Z("why", "port 4041 is taken"));
		return true;
	}
	return false;
}

/* Those that the settings name must work. */
static char *
listen_all(struct dashboard *d)
{
	const struct settings_dashboard *s = &d->config.settings->dashboard;
	char text[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < s->n_listen; i++)
		if (!listen_on(d, &s->listen[i])) {
			addr_text(&s->listen[i], text, sizeof(text));
			return sentence("dashboard.listen: %s: %s", text, strerror(errno));
		}
	if (s->n_listen == 0 && !s->off && !listen_somewhere(d))
		log_event(LOG_WARN, "dashboard", LOG_Z("why", "no port from 4041 to 4060 is free"));
	return NULL;
}

struct dashboard *
dashboard_new(const struct dashboard_config *config, char **ret_error)
{
	struct dashboard *d = calloc(1, sizeof(*d));
	const char *hosts[SETTINGS_DASHBOARD_HOSTS];
	const struct settings_dashboard *s = &config->settings->dashboard;
	struct web_config web = { .loop = config->edge->main_loop,
		.routes = routes,
		.n_routes = sizeof(routes) / sizeof(*routes),
		.assets = &web_dashboard,
		.index = "/dashboard.html",
		.rules = { .hosts = hosts,
		    .n_hosts = s->n_hosts,
		    .peers = WEB_PEERS_ANY,
		    .token_todo = "Ask for a link on the machine of the edge: aditd dashboard",
		    .authorize = authorize },
		.owner = d };

	for (size_t i = 0; i < s->n_hosts; i++)
		hosts[i] = s->hosts[i];
	*ret_error = NULL;
	if (d != NULL) {
		d->config = *config;
		d->server = web_server_new(&web);
	}
	if (d == NULL || d->server == NULL)
		*ret_error = sentence("out of memory");
	else
		*ret_error = listen_all(d);
	if (*ret_error == NULL)
		return d;
	dashboard_free(d);
	return NULL;
}

const char *
dashboard_address(const struct dashboard *d)
{
	return d->address;
}

void
dashboard_free(struct dashboard *d)
{
	if (d == NULL)
		return;
	web_server_free(d->server);
	free(d);
}
