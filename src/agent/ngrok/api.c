/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels and endpoints of the API: opened, listed and ended (api.h). */
#include "agent/ngrok/api_private.h"

#include "agent/ngrok/ask.h"
#include "agent/ngrok/requests.h"
#include "agent/ngrok/shape.h"

#include <stdio.h>
#include <stdlib.h>

/* A request that waits for the edge's answer for its tunnel. */
struct ngrok_wait {
	struct ngrok_api *api;
	struct web_request *request;
	struct agent_tunnel *tunnel;
	bool endpoint; /* it is answered as an endpoint */
	struct loop_timer timer;
	struct list node; /* in api->waits */
};

const char *
ngrok_api_name(const struct agent_tunnel *t)
{
	return t->title[0] != '\0' ? t->title : "command_line";
}

/* A bare port means either address of this machine: people call that localhost. */
void
ngrok_api_address(const struct agent_tunnel *t, char *dst)
{
	const struct addr *a = &t->origin.tries[0];

	if (a->kind == ADDR_TCP && t->origin.n_tries == 2)
		snprintf(dst, 330, "%slocalhost:%u", t->ask.kind == TUNNEL_HTTP ? "http://" : "",
		    a->port);
	else
		snprintf(dst, 330, "%s", t->origin.text);
}

struct ngrok_api *
ngrok_api_of(const struct web_request *r)
{
	return inspect_web_owner(r);
}

static bool
is_listed(const struct agent_tunnel *t)
{
	return t->state != TUNNEL_REMOVED;
}

static struct agent_tunnel *
find(struct ngrok_api *api, struct slice name)
{
	struct serve *s = api->client->serve;

	for (size_t i = 0; i < s->n_tunnels; i++)
		if (is_listed(&s->tunnels[i]) &&
		    slice_eq(slice_str(ngrok_api_name(&s->tunnels[i])), name))
			return &s->tunnels[i];
	return NULL;
}

/* True; or it is answered that there is no link. */
static bool
is_ready(struct web_request *r)
{
	struct ngrok_api *api = ngrok_api_of(r);

	if (api->client != NULL && api->client->state == CLIENT_UP)
		return true;
	web_json(r, 503,
	    shape_error(104, 503, "ngrok is not ready to start tunnels",
		"a successful ngrok tunnel session has not yet been established"));
	return false;
}

static bool
is_endpoint(const struct web_request *r)
{
	return r->route->tag == NGROK_ENDPOINT;
}

static void
answer_unknown(struct web_request *r, struct slice name)
{
	char text[200];

	snprintf(text, sizeof(text), "there is no %s \"%.*s\"",
	    is_endpoint(r) ? "endpoint" : "tunnel", (int)(name.n < 120 ? name.n : 120), name.p);
	web_json(r, 404, shape_error(100, 404, text, text));
}

/* --- lists --- */

static void
list_tunnels(struct web_request *r)
{
	struct ngrok_api *api = ngrok_api_of(r);
	json_t *rows = json_array();
	bool endpoint = is_endpoint(r);

	/* Those that are up: a script that finds one may use it. */
	for (size_t i = 0; api->client != NULL && i < api->client->serve->n_tunnels; i++) {
		const struct agent_tunnel *t = &api->client->serve->tunnels[i];

		if (t->state == TUNNEL_UP || (t->state == TUNNEL_WANTED && t->url[0] != '\0'))
			json_array_append_new(rows,
			    endpoint ? shape_endpoint(api, t) : shape_tunnel(api, t));
	}
	web_json(r, 200,
	    json_pack("{s:o,s:s}", endpoint ? "endpoints" : "tunnels", rows, "uri",
		endpoint ? "/api/endpoints" : "/api/tunnels"));
}

static void
one_tunnel(struct web_request *r)
{
	struct ngrok_api *api = ngrok_api_of(r);
	struct agent_tunnel *t = api->client == NULL ? NULL : find(api, r->params[0]);

	if (t == NULL)
		answer_unknown(r, r->params[0]);
	else
		web_json(r, 200, is_endpoint(r) ? shape_endpoint(api, t) : shape_tunnel(api, t));
}

/* --- one is opened --- */

static void
end_wait(struct ngrok_wait *w)
{
	loop_timer_stop(w->api->client->loop, &w->timer);
	list_del(&w->node);
	if (w->request != NULL)
		w->request->job = NULL;
	free(w);
}

/* Nobody waits for the answer any more; the tunnel was asked for and stays. */
static void
on_gone(struct web_request *r)
{
	struct ngrok_wait *w = r->job;

	w->request = NULL;
	end_wait(w);
}

static void
answer_failed(struct web_request *r, const char *err)
{
	web_json(r, 502, shape_error(103, 502, "failed to start tunnel", err));
}

/* The tunnel goes with the answer. */
static void
fail_wait(struct ngrok_wait *w, const char *err)
{
	struct client *c = w->api->client;
	struct agent_tunnel *t = w->tunnel;
	struct web_request *r = w->request;
	char text[400];

	snprintf(text, sizeof(text), "%s", err);
	end_wait(w);
	(void)agent_tunnel_remove(c, t); /* its TLS ends at the edge: it can be removed */
	answer_failed(r, text);
}

static void
on_late(struct loop_timer *t)
{
	fail_wait(list_of(t, struct ngrok_wait, timer), "the edge did not answer in time");
}

static void
answer_up(struct ngrok_wait *w)
{
	struct web_request *r = w->request;
	struct ngrok_api *api = w->api;
	struct agent_tunnel *t = w->tunnel;
	bool endpoint = w->endpoint;

	end_wait(w);
	web_json(r, 201, endpoint ? shape_endpoint(api, t) : shape_tunnel(api, t));
}

/* As client.moved. */
static void
on_moved(struct client *c, struct agent_tunnel *t, void *owner)
{
	struct ngrok_api *api = owner;

	(void)c;
	if (api->told != NULL)
		api->told(api, t);
	LIST_EACH(node, &api->waits) {
		struct ngrok_wait *w = list_of(node, struct ngrok_wait, node);
		char text[300];

		if (w->tunnel != t)
			continue;
		snprintf(text, sizeof(text), "%s (%s)", t->text, t->code);
		if (t->state == TUNNEL_UP)
			answer_up(w);
		else
			fail_wait(w, text);
		return;
	}
}

static void
wait_for(struct web_request *r, struct agent_tunnel *t)
{
	struct ngrok_api *api = ngrok_api_of(r);
	struct ngrok_wait *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		(void)agent_tunnel_remove(api->client, t);
		answer_failed(r, "out of memory");
		return;
	}
	w->api = api;
	w->request = r;
	w->tunnel = t;
	w->endpoint = is_endpoint(r);
	w->timer.fn = on_late;
	list_push(&api->waits, &w->node);
	loop_timer_set(api->client->loop, &w->timer, (int64_t)LIMIT_NGROK_START_MS * 1000);
	r->job = w;
	r->gone = on_gone;
}

/* put: what has this name is replaced. */
static void
open_tunnel(struct web_request *r, const json_t *body, bool put)
{
	struct ngrok_api *api = ngrok_api_of(r);
	struct agent_tunnel *t = NULL, *old;
	struct ngrok_ask ask;
	char *error, text[200];
	bool ok;

	if (!is_ready(r))
		return;
	ok = is_endpoint(r) ? ngrok_ask_endpoint(body, &ask) : ngrok_ask_tunnel(body, &ask);
	old = ok ? find(api, slice_str(ask.name)) : NULL;
	if (ok && old != NULL && !put) {
		ok = false;
		snprintf(ask.why, sizeof(ask.why), "a tunnel with the name '%.100s' already exists",
		    ask.name);
	}
	if (!ok) {
		config_tunnel_fini(&ask.tunnel);
		web_json(r, 400, shape_error(102, 400, "invalid tunnel configuration", ask.why));
		return;
	}
	if (old != NULL)
		(void)agent_tunnel_remove(api->client, old);
	error = agent_tunnel_add(api->client, &ask.tunnel, ask.name, &t);
	if (error == NULL) {
		wait_for(r, t);
		return;
	}
	snprintf(text, sizeof(text), "%s", error);
	free(error);
	answer_failed(r, text);
}

static void
post_tunnel(struct web_request *r)
{
	open_tunnel(r, r->json, false);
}

/* The name is the path's. */
static void
put_endpoint(struct web_request *r)
{
	json_t *body = json_is_object(r->json) ? json_copy(r->json) : json_object();

	json_object_set_new(body, "name", json_stringn(r->params[0].p, r->params[0].n));
	open_tunnel(r, body, true);
	json_decref(body);
}

static void
delete_tunnel(struct web_request *r)
{
	struct ngrok_api *api = ngrok_api_of(r);
	struct agent_tunnel *t = api->client == NULL ? NULL : find(api, r->params[0]);

	if (t == NULL) {
		answer_unknown(r, r->params[0]);
		return;
	}
	/* Whoever waits for it to come up is told. */
	LIST_EACH(node, &api->waits) {
		struct ngrok_wait *w = list_of(node, struct ngrok_wait, node);

		if (w->tunnel == t) {
			fail_wait(w, "the tunnel was ended");
			web_empty(r, 204);
			return;
		}
	}
	if (agent_tunnel_remove(api->client, t))
		web_empty(r, 204);
	else
		web_json(r, 400,
		    shape_error(102, 400, "this tunnel ends with its agent",
			"its TLS ends at this agent, which keeps its certificate"));
}

/* --- the rest --- */

static void
get_links(struct web_request *r)
{
	web_json(r, 200, shape_links());
}

static void
get_status(struct web_request *r)
{
	web_json(r, 200, shape_status(ngrok_api_of(r)));
}

static const struct web_route rows[] = {
	{ .method = "GET",
	    .pattern = "/api/requests/http",
	    .right = WEB_READ,
	    .handle = ngrok_requests_list },
	{ .method = "GET",
	    .pattern = "/api/requests/http/:id",
	    .right = WEB_READ,
	    .handle = ngrok_requests_one },
	{ .method = "DELETE",
	    .pattern = "/api/requests/http",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = ngrok_requests_clear },
	{ .method = "POST",
	    .pattern = "/api/requests/http",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = ngrok_requests_replay },
	{ .method = "GET", .pattern = "/api", .right = WEB_READ, .handle = get_links },
	{ .method = "GET", .pattern = "/api/status", .right = WEB_READ, .handle = get_status },
	{ .method = "GET", .pattern = "/api/tunnels", .right = WEB_READ, .handle = list_tunnels },
	{ .method = "POST",
	    .pattern = "/api/tunnels",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = post_tunnel },
	{ .method = "GET",
	    .pattern = "/api/tunnels/:name",
	    .right = WEB_READ,
	    .handle = one_tunnel },
	{ .method = "DELETE",
	    .pattern = "/api/tunnels/:name",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = delete_tunnel },
	{ .method = "GET",
	    .pattern = "/api/endpoints",
	    .right = WEB_READ,
	    .handle = list_tunnels,
	    .tag = NGROK_ENDPOINT },
	{ .method = "POST",
	    .pattern = "/api/endpoints",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = post_tunnel,
	    .tag = NGROK_ENDPOINT },
	{ .method = "GET",
	    .pattern = "/api/endpoints/:name",
	    .right = WEB_READ,
	    .handle = one_tunnel,
	    .tag = NGROK_ENDPOINT },
	{ .method = "PUT",
	    .pattern = "/api/endpoints/:name",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = put_endpoint,
	    .tag = NGROK_ENDPOINT },
	{ .method = "DELETE",
	    .pattern = "/api/endpoints/:name",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = delete_tunnel,
	    .tag = NGROK_ENDPOINT },
};

/* As agent_guest.begin. */
static char *
begin(struct agent_guest *guest, struct client *c)
{
	struct ngrok_api *api = list_of(guest, struct ngrok_api, guest);

	api->client = c;
	c->moved = on_moved;
	c->moved_owner = api;
	return NULL;
}

/* As agent_guest.end; the server has gone before, and whoever waited with it. */
static void
end(struct agent_guest *guest, int exit_code)
{
	struct ngrok_api *api = list_of(guest, struct ngrok_api, guest);

	(void)exit_code;
	check(list_empty(&api->waits));
	api->client->moved = NULL;
	api->client = NULL;
}

void
ngrok_api_init(struct ngrok_api *api, struct replay *replay, bool by_token,
    struct inspect_part *ret_part)
{
	*api = (struct ngrok_api){ .guest = { .begin = begin, .end = end }, .replay = replay };
	list_init(&api->waits);
	*ret_part = (struct inspect_part){ .rows = rows,
		.n_rows = sizeof(rows) / sizeof(*rows),
		.owner = api,
		.by_token = by_token };
}
