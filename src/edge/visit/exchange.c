/* SPDX-License-Identifier: Apache-2.0 */
/* A request of a visitor and its answer: from the steps that it goes to its end. */
#include "edge/visit/exchange.h"

#include "base/clock.h"
#include "edge/core/board.h"
#include "edge/visit/access.h"
#include "edge/visit/challenge_answer.h"
#include "edge/visit/client.h"
#include "edge/visit/crowd.h"
#include "edge/visit/exchange_log.h"
#include "edge/visit/forward.h"
#include "edge/visit/intake.h"
#include "edge/visit/last_hop.h"
#include "edge/visit/local_reply.h"
#include "edge/visit/own_host.h"
#include "edge/visit/probe.h"
#include "edge/visit/response.h"
#include "edge/visit/route.h"
#include "http/grpc.h"

/* A head in part, the longest, and what one read may bring behind it. */
#define HEAD_BUF_BYTES (2 * LIMIT_HEAD_BYTES + LIMIT_DATA_FRAME_BYTES)

/* --- it comes and goes --- */

/* By the state that is entered: those that may lead to it (drawn in exchange.h). */

/* clang-format off */
#define READING (1 << EXCHANGE_HEAD | 1 << EXCHANGE_AHEAD)
#define ROUTED (1 << EXCHANGE_HEAD | 1 << EXCHANGE_PASSWORD)
static const unsigned predecessors[] = {
	[EXCHANGE_HEAD] = 1 << EXCHANGE_AHEAD,
	[EXCHANGE_AHEAD] = 1 << EXCHANGE_HEAD,
	/* Twice, where the users were others when the answer came. */
	[EXCHANGE_PASSWORD] = ROUTED,
	[EXCHANGE_INTAKE] = ROUTED,
	[EXCHANGE_STORE] = 1 << EXCHANGE_INTAKE,
	[EXCHANGE_OWN] = 1 << EXCHANGE_HEAD,
	[EXCHANGE_ASK] = 1 << EXCHANGE_OWN,
	[EXCHANGE_FLOW] = ROUTED,
	[EXCHANGE_SWITCHED] = 1 << EXCHANGE_FLOW,
	[EXCHANGE_ANSWER] = READING | 1 << EXCHANGE_PASSWORD | 1 << EXCHANGE_INTAKE | 1 << EXCHANGE_STORE |
	    1 << EXCHANGE_OWN | 1 << EXCHANGE_ASK | 1 << EXCHANGE_FLOW,
	[EXCHANGE_MOVED] = ROUTED,
};
/* clang-format on */

void
exchange_move(struct exchange *x, enum exchange_state to)
{
	check(predecessors[to] & 1u << x->state);
	x->state = to;
	/* All three are small. */
	if (to == EXCHANGE_INTAKE || to == EXCHANGE_OWN || to == EXCHANGE_ANSWER)
		x->deadline_us =
		    loop_now_us(x->worker->loop) + x->worker->settings->limits.head_ms * 1000;
}

struct exchange *
exchange_start(struct front *f)
{
	struct exchange *x = slab_get(&f->worker->visit->exchanges);

	if (x == NULL)
		return NULL;
	x->front = f;
	x->worker = f->worker;
	h1_init(&x->req, H1_REQUEST);
	h1_init(&x->res, H1_RESPONSE);
	x->id[0] = x->name[0] = x->host[0] = x->accept[0] = x->method[0] = x->path[0] = '\0';
	x->trace[0] = x->referer[0] = x->agent[0] = '\0';
	buf_init(&x->head, HEAD_BUF_BYTES);
	buf_init(&x->rest, HEAD_BUF_BYTES);
	buf_init(&x->page, VISIT_PAGE_BYTES);
	counter_add(&x->worker->counters.exchanges, 1);
	return x;
}

static void
on_exchange_grave(struct loop_grave *g)
{
	struct exchange *x = list_of(g, struct exchange, grave);

	/* Nothing leads to it any more: no thread's answer, no stream, no place that it took. */
	check(x->access == NULL && x->intake == NULL && x->own == NULL);
	check(x->flow.stream == NULL);
	check(!lobby_has(&x->partial) && !share_takes(&x->share));
	slab_put(&x->worker->visit->exchanges, x);
}

void
exchange_end(struct exchange *x)
{
	struct worker *w = x->worker;

	exchange_log(x);
	access_abandon(x);
	intake_abandon(x);
	own_host_abandon(x);
	policy_unref(x->policy);
	if (exchange_flows(x))
		flow_end(&x->flow, LINK_CODE_CANCELLED);
	crowd_no_partial(x);
	shares_leave(&w->visit->exchange_shares, &x->share);
	buf_fini(&x->head);
	buf_fini(&x->rest);
	buf_fini(&x->page);
	gauge_down(&w->counters.exchanges);
	loop_bury(w->loop, &x->grave, on_exchange_grave);
}

/* --- what others write heads with --- */

void
exchange_answer_to(const struct exchange *x, struct answer_to *ret)
{
	*ret = (struct answer_to){
		.visitor_minor = x->req.head.minor,
		.keep_alive = x->keep_alive,
		.head_request = x->req_head,
		.request_id = slice_str(x->id),
		.via = slice_str(x->worker->settings->via),
		.wall_ms = clock_wall_ms(),
	};
}

size_t
exchange_write_head(const struct exchange *x, struct answer *a, const struct answer_to *to,
    char *dst, size_t cap)
{
	answer_common(a, to);
	/* Rules are for what the origin says; our own pages are not its answers. */
	if (a->relayed && x->policy != NULL && x->policy->response.n_drop > 0) {
		answer_drop(a, x->policy->response.drop, x->policy->response.n_drop);
		answer_put_lines(a, x->policy->response.add);
	}
	return answer_write(a, to, dst, cap);
}

/* What is needed of the head when its buffer has gone. */
static void
copy_for_log(struct exchange *x, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	const struct h1_field *accept;
	size_t at = 0;

	x->start_us = loop_now_us(x->worker->loop);
	x->keep_alive = (h->flags & H1_KEEP_ALIVE) != 0;
	worker_request_id(x->worker, x->id);
	accept = h1_find(h, bytes, S("Accept"), &at);
	if (accept != NULL)
		slice_copy(h1_text(bytes, accept->value), x->accept, sizeof(x->accept));
	exchange_log_keep(x, bytes);
}

/* --- the steps of a request --- */

/* What is known of a request while its steps follow one another; nothing of it outlives a wait. */
struct going {
	struct slice bytes; /* from the first byte of the head on */
	struct tunnel *tunnel;
	enum close_code code; /* CLOSE_OK, or why no tunnel will serve it */
	char account[64];     /* whose route it is, "": nobody's */
};

enum request_step { STEP_MORE, STEP_WAIT, STEP_DONE };

/* What was read behind the head: body, or the next request. */
static struct slice
read_ahead_of(const struct exchange *x, const struct going *g)
{
	return slice_from(g->bytes, x->req.head.n_bytes);
}

/* True: its tunnel is on another worker, and so is the request now. */
static bool
hand_over(struct exchange *x, struct going *g)
{
	struct worker *to = NULL;

	if (g->code == CLOSE_OK)
		g->code = route_find(x, &g->tunnel, &to);
	if (to != NULL)
		front_hand_over(x->front, to, g->bytes);
	return to != NULL;
}

/*
 * A request for such a name that can be read here: by TLS with a certificate of ours, which was meant
 * for another name; or plain, and then only a CA's question (RFC 8555 8.3) goes to the agent.
 */
static enum request_step
route_tls(struct exchange *x, struct going *g)
{
	struct slice path = h1_text(g->bytes, x->req.head.path);

	if (front_tls(x->front) != NULL) {
		x->keep_alive = false;
		g->tunnel = NULL;
		g->code = CLOSE_MISDIRECTED;
		return STEP_MORE;
	}
	if (slice_starts(path, S("/.well-known/acme-challenge/")))
		return STEP_MORE;
	local_reply_redirect(x, g->bytes);
	return STEP_DONE;
}

static enum request_step
route(struct exchange *x, struct going *g)
{
	const struct h1_head *h = &x->req.head;

	copy_for_log(x, g->bytes);
	client_find(x, g->bytes);
	if (!board_is_empty(x->worker->edge->board) && challenge_answer(x, g->bytes))
		return STEP_DONE;
	g->code = route_look(x, g->bytes);
	/*
	 * A client that does not know where it is, a body that nobody will read, an edge
	 * that stops: the connection is not worth keeping for any of them.
	 */
	if (g->code != CLOSE_OK)
		x->keep_alive = false;
	if (hand_over(x, g))
		return STEP_DONE;
	x->probe = probe_read(x, g->bytes);
	if (x->probe == EXCHANGE_NO_PROBE)
		counter_add(&x->worker->counters.requests, 1);
	x->req_head = slice_eq(h1_text(g->bytes, h->method), S("HEAD"));
	if (route_is_tls(x, g->tunnel, g->code))
		return route_tls(x, g);
	if (x->name[0] == '\0' || front_tls(x->front) != NULL ||
	    x->worker->settings->http_mode != SETTINGS_HTTP_REDIRECT)
		return STEP_MORE;
	local_reply_redirect(x, g->bytes);
	return STEP_DONE;
}

/* A name that is not served now has its policy all the same. */
static void
find_policy(struct exchange *x, struct going *g)
{
	/* Here it either has a tunnel, or a reason why not: hand_over() took the others. */
	check((g->tunnel != NULL) == (g->code == CLOSE_OK));
	policy_unref(x->policy);
	x->policy = NULL;
	if (g->tunnel != NULL) {
		x->policy = policy_ref(g->tunnel->policy);
		x->route = g->tunnel->route;
		slice_copy(slice_str(g->tunnel->account), g->account, sizeof(g->account));
	} else if (g->code == CLOSE_AGENT_AWAY) {
		x->policy =
		    directory_policy(x->worker->edge->directory, slice_str(x->name), g->account);
	}
}

/* May this request pass? It may have to wait for a password here, and then comes again. */
static enum request_step
admit(struct exchange *x, struct going *g)
{
	find_policy(x, g);
	if (!crowd_exchange(x, g->account)) {
		x->keep_alive = false;
		local_reply_error(x, CLOSE_OVERLOAD, read_ahead_of(x, g));
		return STEP_DONE;
	}
	if (x->policy == NULL)
		return STEP_MORE;
	switch (access_check(x, x->policy, g->account, g->bytes)) {
	case ACCESS_OK:
		return STEP_MORE;
	case ACCESS_WAITS:
		return STEP_WAIT;
	case ACCESS_ANSWERED:
		break;
	}
	return STEP_DONE;
}

/* Into the inbox, through the tunnel, or an answer of our own. */
static enum request_step
serve(struct exchange *x, struct going *g)
{
	const struct policy *p = x->policy;

	/* Whatever no tunnel has: an edge that stops answers for itself until it has stopped. */
	if ((g->code == CLOSE_UNKNOWN_NAME || g->code == CLOSE_STOPPING) && x->name[0] == '\0' &&
	    own_host_start(x, g->bytes))
		return STEP_DONE;
	/* Behind admit(): whoever may not pass is not told what would be there. */
	if (g->code == CLOSE_OK && last_hop_answer(x, g->bytes))
		return STEP_DONE;
	if (p != NULL && p->mode != PRESET_PASS && x->probe != EXCHANGE_PROBE_THROUGH)
		intake_start(x, x->policy, g->account, g->bytes);
	else if (g->code != CLOSE_OK)
		local_reply_error(x, g->code, read_ahead_of(x, g));
	else if (p != NULL && p->body_max != 0 && x->req.head.framing == H1_LENGTH &&
		 x->req.head.length > p->body_max)
		local_reply_error(x, CLOSE_BODY_TOO_LARGE, read_ahead_of(x, g));
	else if (x->probe == EXCHANGE_PROBE_EDGE)
		probe_answer(x, "", "", read_ahead_of(x, g));
	else
		forward_start(x, g->tunnel, g->bytes);
	return STEP_DONE;
}

static enum request_step (*const steps[])(struct exchange *x, struct going *g) = { route, admit,
	serve };

enum { AT_ROUTE, AT_ADMIT };

static void
go_on(struct exchange *x, struct going *g, size_t at)
{
	while (steps[at](x, g) == STEP_MORE) {
		at++;
		check(at < sizeof(steps) / sizeof(*steps)); /* serve() is never followed */
	}
}

void
exchange_request(struct exchange *x, struct slice bytes)
{
	struct going g = { .bytes = bytes };

	check(x->state == EXCHANGE_HEAD && bytes.n >= x->req.head.n_bytes);
	go_on(x, &g, AT_ROUTE);
}

void
exchange_admit_again(struct exchange *x)
{
	struct going g = { .bytes = buf_slice(&x->head) };

	check(x->state == EXCHANGE_PASSWORD && x->access == NULL);
	check(x->head.n >= x->req.head.n_bytes); /* the head was kept whole for this */
	if (!hand_over(x, &g))
		go_on(x, &g, AT_ADMIT);
	else if (x->probe == EXCHANGE_NO_PROBE) /* it counts there; a probe never did */
		gauge_down(&x->worker->counters.requests);
}

/* --- time --- */

/*
 * The visitor owes us body bytes at a minimum rate.  While bytes of it wait to be read it is us, or
 * the origin, who is slow.
 */
static bool
is_slow(struct exchange *x, int64_t now_us)
{
	int64_t rate = x->worker->settings->limits.body_rate_bytes, window_us = now_us - x->rate_us;
	uint64_t got = x->flow.rx_bytes - x->rate_bytes;

	check(x->flow.rx_bytes >= x->rate_bytes);
	if (rate == 0 || x->front->conn->readable) {
		x->rate_us = now_us;
		x->rate_bytes = x->flow.rx_bytes;
		return false;
	}
	if (window_us < (int64_t)LIMIT_BODY_GRACE_MS * 1000)
		return false;
	x->rate_us = now_us;
	x->rate_bytes = x->flow.rx_bytes;
	return (int64_t)got < rate * (window_us / 1000000);
}

/*
 * The agent knows when the origin has the whole request, and how long it may be silent from there;
 * it tells of it.  Here it is only seen that an agent which does not is waited for no longer.  On a
 * slow line a request that was sent is not yet there: its time begins when it is.
 */
static bool
is_silent(struct exchange *x, int64_t now_us)
{
	if (x->status != 0 || x->flow.carrier == NULL ||
	    (x->sent == EXCHANGE_COMES && !exchange_upgrades(x)))
		return false;
	if (x->sent != EXCHANGE_ARRIVED) {
		x->since_us = now_us;
		if (carrier_has_arrived(x->flow.carrier, x->sent_mark))
			x->sent = EXCHANGE_ARRIVED;
	}
	return now_us - x->since_us > ((int64_t)x->silent_ms + LIMIT_EDGE_SILENT_MS) * 1000;
}

/* An upgrade owes none: its bytes are not read before 101. */
static bool
owes_body(const struct exchange *x)
{
	return x->sent == EXCHANGE_COMES && !exchange_upgrades(x);
}

/* Bytes wait for the visitor, or the visitor's for the origin, and nobody takes them. */
static bool
is_stalled(struct exchange *x, int64_t now_us)
{
	const struct conn *c = x->front->conn;
	bool theirs = owes_body(x) && (c->readable || x->flow.in_early.n > 0);
	size_t unacked;

	if (x->flow.out.n == 0 && conn_waiting(c) == 0) {
		x->unacked = 0;
		if (!theirs)
			return false;
	} else if ((unacked = conn_unacked(c)) != x->unacked) {
		x->unacked = unacked; /* the kernel's buffer is large, and empties all the same */
		x->flow.active_us = now_us;
	}
	return now_us - x->flow.active_us > x->worker->settings->limits.stream_stall_ms * 1000;
}

/* Upgrades live as long as both sides want them to, unless the operator says otherwise. */
static bool
is_idle(const struct exchange *x, int64_t now_us)
{
	int64_t idle_ms = x->worker->settings->limits.stream_idle_ms;

	return idle_ms != 0 && now_us - x->flow.active_us > idle_ms * 1000;
}

static void
flow_tick(struct exchange *x, int64_t now_us)
{
	if (is_silent(x, now_us) || is_stalled(x, now_us))
		response_fail(x, CLOSE_ORIGIN_SILENT);
	else if (owes_body(x) && !grpc_is(&x->req.head) && is_slow(x, now_us))
		response_fail(x, CLOSE_SLOW_BODY);
}

void
exchange_tick(struct exchange *x, int64_t now_us)
{
	switch (x->state) {
	case EXCHANGE_FLOW:
		flow_tick(x, now_us);
		return;
	case EXCHANGE_SWITCHED:
		if (is_idle(x, now_us))
			response_fail(x, CLOSE_ORIGIN_SILENT);
		return;
	case EXCHANGE_INTAKE:
		if (now_us >= x->deadline_us)
			intake_late(x);
		return;
	case EXCHANGE_OWN:
		if (now_us >= x->deadline_us)
			own_host_late(x);
		return;
	case EXCHANGE_ANSWER:
		if (now_us >= x->deadline_us)
			front_cut(x->front, FRONT_CLOSE);
		return;
	case EXCHANGE_PASSWORD: /* these end by themselves */
	case EXCHANGE_STORE:
	case EXCHANGE_ASK:
		return;
	case EXCHANGE_HEAD: /* the front's */
	case EXCHANGE_AHEAD:
	case EXCHANGE_MOVED: /* ended in the turn of its move */
		check(exchange_is_busy(x));
		return;
	}
}

void
exchange_conn_event(struct exchange *x, unsigned events)
{
	switch (x->state) {
	case EXCHANGE_FLOW:
	case EXCHANGE_SWITCHED:
		flow_conn_event(&x->flow, events);
		return;
	case EXCHANGE_INTAKE:
		if (events & LOOP_IN)
			intake_readable(x);
		return;
	case EXCHANGE_OWN:
		if (events & LOOP_IN)
			own_host_readable(x);
		return;
	case EXCHANGE_ANSWER:
		if (events & LOOP_OUT)
			local_reply_writable(x);
		return;
	case EXCHANGE_PASSWORD: /* nothing is read; an end is seen when the answer is written */
	case EXCHANGE_STORE:
	case EXCHANGE_ASK:
		return;
	case EXCHANGE_HEAD: /* the front's */
	case EXCHANGE_AHEAD:
	case EXCHANGE_MOVED: /* ended in the turn of its move */
		check(exchange_is_busy(x));
		return;
	}
}
