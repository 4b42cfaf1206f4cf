/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its head to its handler: guard, row or file, query, JSON; and whatever is refused. */
#include "web/web_private.h"

#include "http/close.h"
#include "web/json_in.h"

#include <stdlib.h>

/* --- reports of the browser: there should be none, and tests look --- */

static void
take_csp_report(struct web_request *r)
{
	struct web_server *s = web_client_of(r)->server;

	s->csp_reports++;
	slice_copy(r->body, s->csp_last, sizeof(s->csp_last));
	web_empty(r, 204);
}

static void
show_csp_reports(struct web_request *r)
{
	struct web_server *s = web_client_of(r)->server;
	json_t *last = json_string(s->csp_last); /* NULL when it is no UTF-8 */

	web_json(r, 200,
	    json_pack("{s:I, s:o}", "reports", (json_int_t)s->csp_reports, "last",
		last != NULL ? last : json_null()));
}

static const struct web_route own_rows[] = {
	{ .method = "POST",
	    .pattern = "/csp-report",
	    .right = WEB_OPEN,
	    .body = WEB_BYTES,
	    .body_max = 65536,
	    .handle = take_csp_report },
	{ .method = "GET",
	    .pattern = "/csp-report",
	    .right = WEB_READ,
	    .handle = show_csp_reports },
};

/* --- where its texts lie: in the buffer of the head, which moves when more is read into it --- */

static void
point(struct web_client *c)
{
	const struct h1_head *h = &c->h1.head;
	struct slice head = slice_head(buf_slice(&c->in), h->n_bytes);
	struct web_request *r = &c->request;

	r->method = h1_text(head, h->method);
	r->path = h1_text(head, h->path);
	r->host = h1_text(head, h->authority);
	if (r->path.n == 0)
		r->path = S("/");
}

/* --- refusing --- */

void
web_serve_fault(struct web_client *c, enum close_code code)
{
	const struct close_row *row = close_row(code);

	if (c->step == WEB_BODY)
		point(c);
	c->keep_alive = false;
	web_client_busy(c);
	web_error(&c->request, row->status, row->name, row->what, row->remedy);
}

/* A body that was not asked for may be long: it is not read, and the connection ends. */
static void
refuse(struct web_client *c, int status, const char *code, const char *text, const char *todo)
{
	if (c->step == WEB_HEAD) {
		if (c->h1.head.framing != H1_NO_BODY)
			c->keep_alive = false;
		web_client_busy(c);
	}
	web_error(&c->request, status, code, text, todo == NULL ? "" : todo);
}

/* False: it was refused. */
static bool
pass(struct web_client *c, enum web_refusal refusal)
{
	const struct web_server *s = c->server;

	switch (refusal) {
	case WEB_PASSED:
		return true;
	case WEB_FOREIGN_HOST:
		refuse(c, 421, "host-unknown", "This server does not go by the name in Host.",
		    s->host_todo != NULL ? s->host_todo
					 : "Ask for 127.0.0.1, localhost or [::1], with the port.");
		break;
	case WEB_FOREIGN_USER:
		refuse(c, 403, "other-user",
		    "This connection comes from another user of this machine.",
		    "Connect as the user who runs it.");
		break;
	case WEB_FOREIGN_PAGE:
		refuse(c, 403, "other-page", "A page of another site asks for this.",
		    "Open the page of this server itself.");
		break;
	case WEB_UNKNOWN_USER:
		web_put(&c->request, S("WWW-Authenticate"), S("Bearer realm=\"adit\""));
		refuse(c, 401, web_bearer(&c->request).p == NULL ? "token-missing" : "token-wrong",
		    "This server does not know who asks.",
		    s->token_todo != NULL ? s->token_todo : "Send Authorization: Bearer TOKEN.");
		break;
	case WEB_FORBIDDEN:
		refuse(c, 403, "forbidden", "Whoever asks may not do this.", NULL);
		break;
	}
	return false;
}

/* --- the head --- */

static const struct web_asset *
file_of(struct web_client *c)
{
	const struct web_config *config = &c->server->config;
	struct slice path = c->request.path;

	if (config->index != NULL && slice_eq(path, S("/")))
		path = slice_str(config->index);
	return config->assets == NULL ? NULL : web_asset_find(config->assets, path);
}

static void
refuse_path(struct web_client *c, const struct web_match *m, const struct web_asset *file)
{
	if (m->known || file != NULL) {
		web_put(&c->request, S("Allow"), m->known ? slice_str(m->allow) : S("GET, HEAD"));
		refuse(c, 405, "method-unknown", "This address takes another method.",
		    "Use one of the methods in Allow.");
	} else {
		refuse(c, 404, "not-found", "There is nothing at this address.", NULL);
	}
}

/* Path and query as text: both fit where they came from. */
static bool
decode(struct web_client *c, const struct web_match *m)
{
	const struct h1_head *h = &c->h1.head;
	struct slice head = slice_head(buf_slice(&c->in), h->n_bytes);
	ptrdiff_t n = m->bad ? -1
			     : web_query_parse(h1_text(head, h->query), c->text + c->request.path.n,
				   c->pairs, LIMIT_WEB_PAIRS);

	if (n < 0) {
		refuse(c, 400, "bad-encoding", "The path or the query cannot be read.",
		    "Percent-encode UTF-8 without control characters, and send fewer parameters.");
		return false;
	}
	c->n_pairs = (size_t)n;
	c->request.n_params = m->n_params;
	memcpy(c->request.params, m->params, sizeof(m->params));
	return true;
}

/* Judged by what the head says; a body of unknown length is counted as it comes. */
static bool
may_bring_body(struct web_client *c, const struct web_route *route)
{
	const struct h1_head *h = &c->h1.head;
	uint64_t max = route->body_max > 0 ? route->body_max : LIMIT_WEB_BODY_BYTES;
	bool brings = h->framing == H1_CHUNKED || (h->framing == H1_LENGTH && h->length > 0);

	if (brings &&
	    (route->body == WEB_NO_BODY || (h->framing == H1_LENGTH && h->length > max))) {
		refuse(c, 413, "body-too-large", "The body is larger than this address takes.",
		    route->body == WEB_NO_BODY ? "Send it without a body." : "Send less.");
		return false;
	}
	if (brings && route->body == WEB_JSON &&
	    !web_is_json_type(web_field(&c->request, S("Content-Type")))) {
		refuse(c, 415, "not-json", "The body is not said to be JSON.",
		    "Send Content-Type: application/json.");
		return false;
	}
	return true;
}

static void
find_row(struct web_client *c, struct web_match *m)
{
	const struct web_config *config = &c->server->config;
	struct web_match own;

	web_route_find(config->routes, config->n_routes, c->request.method, c->request.path,
	    c->text, m);
	if (m->route != NULL || m->known)
		return;
	web_route_find(own_rows, sizeof(own_rows) / sizeof(*own_rows), c->request.method,
	    c->request.path, c->text, &own);
	*m = own;
}

bool
web_serve_head(struct web_client *c)
{
	const struct web_asset *file;
	struct web_match m;

	point(c);
	if (!pass(c, web_guard_door(c)))
		return false;
	c->text = malloc(c->request.path.n + c->h1.head.query.n + 1);
	if (c->text == NULL) {
		refuse(c, 503, "no-memory", "There is no memory for this request.", NULL);
		return false;
	}
	find_row(c, &m);
	file = m.route == NULL && !m.known ? file_of(c) : NULL;
	c->request.route = m.route; /* an authorizer may look at it */
	if (!pass(c, web_guard_route(c, m.route)))
		return false;
	if (file != NULL &&
	    (slice_eq(c->request.method, S("GET")) || slice_eq(c->request.method, S("HEAD")))) {
		if (c->h1.head.framing != H1_NO_BODY)
			c->keep_alive = false;
		web_client_busy(c);
		web_reply_asset(c, file);
		return false;
	}
	if (m.route == NULL) {
		refuse_path(c, &m, file);
		return false;
	}
	if (!decode(c, &m) || !may_bring_body(c, m.route))
		return false;
	return true;
}

/* --- the handler --- */

void
web_serve(struct web_client *c)
{
	struct web_request *r = &c->request;
	char why[WEB_WHY_BYTES];

	point(c);
	r->body = buf_slice(&c->body);
	if (r->route->body == WEB_JSON && r->body.n > 0) {
		r->json = web_json_in(r->body, why);
		if (r->json == NULL) {
			refuse(c, 400, "bad-json", why, NULL);
			return;
		}
	}
	c->handled = true;
	r->route->handle(r);
	/* A handler that answers later must hear when nobody waits any more. */
	check(c->complete || r->gone != NULL);
}
