/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the edge itself: pages for rows of the close table, redirects; and the
 * line in the log. */
#include "edge/visit/local_reply.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/core/incident.h"
#include "edge/core/own_domain.h"
#include "edge/visit/client.h"
#include "edge/visit/crowd.h"
#include "edge/visit/refusal.h"
#include "hook/policy.h"
#include "http/grpc.h"
#include "http/page.h"
#include "http/rewrite.h"

#include <stdio.h>

/* Whether the request's message is sound, so that the next one can follow on the connection. */
static bool
is_sound(enum close_code code)
{
	enum blame blame = close_row(code)->blame;

	return blame == BLAME_AGENT || blame == BLAME_ORIGIN || code == CLOSE_UNKNOWN_NAME ||
	       code == CLOSE_RELEASED_NAME || code == CLOSE_NAME_DISABLED;
}

/* What is left of the request must be short, or it costs more than a new connection. */
static bool
can_drain(const struct exchange *x)
{
	const struct h1_head *h = &x->req.head;

	if (x->sent != EXCHANGE_COMES || h->framing == H1_NO_BODY)
		return true;
	if ((h->flags & H1_EXPECT_100) && !x->continued)
		return false; /* nobody knows whether the body will come */
	return h->framing != H1_LENGTH || h1_left(&x->req) <= LIMIT_EARLY_DRAIN_BYTES;
}

/* TLS takes only so much at once: while the socket has room for more no edge tells of it. */
static void
wait_for_socket(struct exchange *x)
{
	struct conn *c = x->front->conn;

	check(x->page.n > 0); /* else nothing would end the wait */
	if (!crowd_exchange(x, "")) {
		front_cut(x->front, FRONT_CLOSE);
		return;
	}
	if (x->state != EXCHANGE_ANSWER)
		exchange_move(x, EXCHANGE_ANSWER);
	if (c->writable)
		conn_again(c, LOOP_OUT);
}

/* Writes an answer that is whole into visit->page: the one place that does. */
static void
put(struct exchange *x, struct answer *head, struct slice body)
{
	struct buf *page = &x->worker->visit->page;
	char *room = x->worker->shared.head;
	struct answer_to to;
	size_t n;

	exchange_answer_to(x, &to);
	n = exchange_write_head(x, head, &to, room, FLOW_HEAD_SCRATCH_BYTES);
	buf_reset(page);
	buf_put(page, slice_of(room, n));
	/*
	 * A head that does not fit: the connection is closed, since half a head is
	 * worse than none.
	 */
	page->failed |= n == 0;
	/* Content-Length stays what it would be for GET (RFC 9110 9.3.2). */
	if (!to.head_request)
		buf_put(page, body);
}

/* Writes visit->page; what the socket does not take waits in the exchange. */
void
local_reply_send(struct exchange *x, struct slice read_ahead)
{
	struct buf *page = &x->worker->visit->page;
	struct iovec iov = { page->p, page->n };
	size_t n = 0;

	counter_add(&x->worker->counters.answers_own, 1);
	if (page->failed || conn_write(x->front->conn, &iov, 1, &n) == IO_FAIL) {
		front_cut(x->front, FRONT_CLOSE);
		return;
	}
	check(n <= page->n);
	if (n == page->n) {
		front_answered(x->front, read_ahead);
		return;
	}
	/*
	 * The page is the worker's and will be used again: the rest is copied, and so is
	 * what was read ahead unless it lies in the exchange already.
	 */
	buf_put(&x->page, slice_from(buf_slice(page), n));
	if (read_ahead.p != x->rest.p)
		buf_put(&x->rest, read_ahead);
	if (x->page.failed || x->rest.failed)
		front_cut(x->front, FRONT_CLOSE);
	else
		wait_for_socket(x);
}

/* False: an answer has begun, or something else waits for the socket, and
 * the connection was cut. */
static bool
stop_flow(struct exchange *x)
{
	bool clean = x->flow.out.n == 0 && x->status == 0;

	if (!exchange_flows(x))
		return true;
	flow_end(&x->flow, LINK_CODE_CANCELLED);
	check(x->flow.stream == NULL); /* nothing of the origin's comes between our bytes */
	if (clean)
		return true;
	front_cut(x->front, FRONT_RESET);
	return false;
}

/* Of a tunnel with a preset, whose path is the only reason to refuse: which one it takes. */
static size_t
what_it_takes(const struct exchange *x, char *dst, size_t cap)
{
	const struct policy *p = x->policy;
	int n;

	if (p == NULL || p->preset == NULL || p->n_paths > 0 || p->allow.n > 0 || p->deny.n > 0 ||
	    p->preset->paths[0] == NULL || p->preset->paths[1] != NULL ||
	    p->preset->methods == NULL || strcmp(p->preset->methods, "POST") != 0)
		return 0;
	n = snprintf(dst, cap, "This tunnel is for %s and takes POST %.*s%s alone.",
	    p->preset->name, PS(slice_head(p->context, 100)), p->preset->path);
	return n < 0 || (size_t)n >= cap ? 0 : (size_t)n;
}

void
local_reply_error(struct exchange *x, enum close_code code, struct slice read_ahead)
{
	struct page page = {
		.code = code,
		.accept = slice_str(x->accept),
		.host = slice_str(x->host),
	};
	char allow[256], remedy[300];
	struct answer head UNCLEARED;
	struct buf body;

	if (code == CLOSE_FORBIDDEN)
		page.remedy = slice_of(remedy, what_it_takes(x, remedy, sizeof(remedy)));
	if (code == CLOSE_METHOD_NOT_ALLOWED && x->policy != NULL)
		page.allow = slice_of(allow, policy_methods(x->policy, allow, sizeof(allow)));
	x->error = code;
	refusal_tell(x, code, NULL);
	if (!stop_flow(x))
		return;
	x->status = grpc_is(&x->req.head) ? 200 : (uint16_t)close_row(code)->status;
	/*
	 * An end of the visitor's (FIN) leaves nothing to keep the connection for, unless
	 * the next request has been read already.
	 */
	x->keep_alive = x->keep_alive && is_sound(code) && !x->worker->draining && can_drain(x) &&
			(!x->front->conn->eof || read_ahead.n > 0);
	exchange_answer_to(x, &page.to);
	buf_init(&body, PAGE_BYTES_MAX);
	if (grpc_is(&x->req.head))
		grpc_answer(code, &head);
	else
		page_make(&page, &head, &body);
	put(x, &head, buf_slice(&body));
	buf_fini(&body);
	local_reply_send(x, read_ahead);
}

void
local_reply_own(struct exchange *x, int status, const char *fields, struct slice type,
    struct slice body, struct slice read_ahead)
{
	struct answer head UNCLEARED;

	x->status = (uint16_t)status;
	x->keep_alive =
	    x->keep_alive && !x->worker->draining && !x->front->conn->eof && can_drain(x);
	answer_begin(&head, status, S(""));
	answer_put_lines(&head, slice_str(fields));
	if (type.n > 0)
		answer_put(&head, S("Content-Type"), type);
	answer_put_number(&head, S("Content-Length"), body.n);
	put(x, &head, body);
	local_reply_send(x, read_ahead);
}

/* The body is whole here, so that its length can be told where the origin did not. */
static void
frame_whole(struct answer *a, size_t body_bytes)
{
	if (a->framing != H1_CHUNKED && a->framing != H1_UNTIL_CLOSE)
		return;
	a->framing = H1_LENGTH;
	answer_put_number(a, S("Content-Length"), body_bytes);
}

bool
local_reply_write_relayed(struct exchange *x, struct slice head, struct slice body,
    uint64_t delivery)
{
	const struct h1_head *h = &x->res.head;
	struct answer answer UNCLEARED;
	struct answer_to to;

	check(x->state == EXCHANGE_STORE && x->status == 0);
	h1_init(&x->res, H1_RESPONSE);
	x->res.inside = true;
	x->res.head_request = x->req_head;
	if (h1_head(&x->res, head) != H1_DONE || (h->framing == H1_LENGTH && h->length != body.n))
		return false;
	x->keep_alive =
	    x->keep_alive && !x->worker->draining && !x->front->conn->eof && can_drain(x);
	exchange_answer_to(x, &to);
	rewrite_to_visitor(h, head, &to, &answer);
	frame_whole(&answer, body.n);
	answer_put_number(&answer, S("adit-delivery"), delivery);
	x->status = h->status;
	put(x, &answer, h->framing == H1_NO_BODY ? S("") : body);
	return !x->worker->visit->page.failed;
}

/* A hook that is called by http:// loses its body on the way to https://. */
static void
note_redirect(struct exchange *x, struct slice bytes)
{
	const struct refusal why = { .text = "A webhook came to http://, and was told to go to "
					     "https://: its sender may not.",
		.head = slice_head(bytes, x->req.head.n_bytes) };
	char peer[PEER_TEXT_BYTES];
	struct slice agent;

	if (x->probe == EXCHANGE_NO_PROBE &&
	    slice_eq(h1_text(bytes, x->req.head.method), S("POST")) &&
	    incident_is_hook(&x->req.head, bytes, &agent)) {
		client_text(x, peer);
		incident_put(x->worker->edge->incidents, x->name, INCIDENT_HTTP, peer, agent,
		    S(""));
		refusal_tell_as(x, 308, "redirect", &why);
	}
}

/* An own domain that the CA has not given a certificate yet: https:// would end with an error. Where
 * TLS ends at the agent, that one has it. */
static bool
lacks_certificate(const struct exchange *x)
{
	const struct edge *e = x->worker->edge;

	return !own_domain_is_certified(e, slice_str(x->host)) &&
	       !directory_is_tls(e->directory, slice_str(x->name));
}

/*
 * 308 and not 301: a POST stays a POST (RFC 9110 15.4.9). The host is one that
 * was found to lead to the tunnel, so that nobody can be led elsewhere.
 */
void
local_reply_redirect(struct exchange *x, struct slice bytes)
{
	struct slice path = h1_text(bytes, x->req.head.path);
	struct slice query = h1_text(bytes, x->req.head.query);
	char url[330], location[330 + 2 * LIMIT_REQUEST_LINE_BYTES];
	struct answer head UNCLEARED;

	if (lacks_certificate(x)) {
		local_reply_error(x, CLOSE_NO_CERTIFICATE, slice_from(bytes, x->req.head.n_bytes));
		return;
	}
	note_redirect(x, bytes);
	x->status = 308;
	x->keep_alive = x->keep_alive && !x->worker->draining && can_drain(x);
	/* "OPTIONS *", and an absolute target without a path. */
	if (path.n == 0 || path.p[0] != '/')
		path = S("/");
	edge_host_url(x->worker->edge, x->host, url, sizeof(url));
	answer_begin(&head, 308, S(""));
	answer_put(&head, S("Location"),
	    slice_of(location, (size_t)snprintf(location, sizeof(location), "%s%.*s%s%.*s", url,
				   PS(path), query.n > 0 ? "?" : "", PS(query))));
	answer_put(&head, S("Content-Length"), S("0"));
	put(x, &head, S(""));
	local_reply_send(x, slice_from(bytes, x->req.head.n_bytes));
}

void
local_reply_writable(struct exchange *x)
{
	struct iovec iov = { x->page.p, x->page.n };
	size_t n = 0;

	check(x->state == EXCHANGE_ANSWER && x->page.n > 0);
	if (conn_write(x->front->conn, &iov, 1, &n) == IO_FAIL) {
		front_cut(x->front, FRONT_CLOSE);
		return;
	}
	buf_skip(&x->page, n);
	if (x->page.n == 0)
		front_answered(x->front, buf_slice(&x->rest));
	else
		wait_for_socket(x);
}
