/* SPDX-License-Identifier: Apache-2.0 */
/* Drives one case of a CA: requests, waits, and what the owner does in between. */
#include "relay/order.h"

#include "base/clock.h"
#include "relay/fetch.h"

#include <stdio.h>
#include <stdlib.h>

enum order_state { ORDER_RUNS, ORDER_SENDS, ORDER_WAITS, ORDER_STORES, ORDER_SHOWS, ORDER_OVER };

struct order {
	enum order_state state;
	struct order_params p;
	struct acme *acme;
	struct loop_timer timer;
	struct loop_grave grave;
	/* a request */
	struct fetch *fetch;
	struct fetch_request req;
	struct fetch_answer answer;
	char host[280], fields[512];
};

/* clang-format off */
static const unsigned predecessors[] = {
	[ORDER_RUNS] = 1 << ORDER_SENDS | 1 << ORDER_WAITS | 1 << ORDER_STORES | 1 << ORDER_SHOWS,
	[ORDER_SENDS] = 1 << ORDER_RUNS,
	[ORDER_WAITS] = 1 << ORDER_RUNS | 1 << ORDER_STORES,
	[ORDER_STORES] = 1 << ORDER_RUNS,
	[ORDER_SHOWS] = 1 << ORDER_RUNS,
	[ORDER_OVER] = 1 << ORDER_RUNS | 1 << ORDER_SENDS | 1 << ORDER_WAITS | 1 << ORDER_STORES |
	    1 << ORDER_SHOWS,
};
/* clang-format on */

/* The only writer of the state. */
static void
move(struct order *o, enum order_state to)
{
	check(predecessors[to] & 1u << o->state);
	o->state = to;
}

static int64_t
now_s(void)
{
	return clock_wall_ms() / 1000;
}

/* Out of whatever called: neither a fetch nor the owner is called back into. */
static void
later(struct order *o, int64_t us)
{
	loop_timer_set(o->p.loop, &o->timer, us);
}

/* --- requests --- */

static void
on_answer(void *owner)
{
	later(owner, 1);
}

static void
drop_answer(struct order *o)
{
	fetch_end(o->fetch);
	o->fetch = NULL;
	fetch_fini(&o->answer);
}

/* Several Link fields tell of several chains (RFC 8555 7.4.2). */
static void
join_links(const struct fetch_answer *a, struct buf *out)
{
	struct slice head = buf_slice(&a->head);
	const struct h1_field *f;
	size_t at = 0;

	while ((f = h1_find(&a->h1.head, head, S("Link"), &at)) != NULL) {
		buf_put(out, out->n > 0 ? S(", ") : S(""));
		buf_put(out, h1_text(head, f->value));
	}
}

/* What came, or that nothing came, goes to the case. */
static void
take_answer(struct order *o)
{
	const struct fetch_answer *a = &o->answer;
	struct acme_answer answer = { .why = a->why };
	struct buf links;

	buf_init(&links, LIMIT_HEAD_BYTES);
	if (o->fetch != NULL && a->stage == FETCH_DONE && a->body.n >= a->body.max) {
		answer.why = "its answer is too long";
	} else if (o->fetch != NULL && a->stage == FETCH_DONE) {
		join_links(a, &links);
		answer = (struct acme_answer){ .status = a->status,
			.nonce = fetch_field(a, S("Replay-Nonce")),
			.location = fetch_field(a, S("Location")),
			.retry_after = fetch_field(a, S("Retry-After")),
			.link = buf_slice(&links),
			.body = buf_slice(&a->body) };
	}
	acme_answer(o->acme, &answer, now_s());
	buf_fini(&links);
	if (answer.status == 0)
		o->p.ops->unanswered(o->p.owner, answer.why);
	drop_answer(o);
}

/* https://HOST[:PORT]/PATH into host and request; false: it has no such form. */
static bool
split_url(struct order *o, struct slice url)
{
	struct slice rest = slice_starts(url, S("https://")) ? slice_from(url, 8) : S("");
	size_t slash = slice_find(rest, '/');
	struct slice host = slice_head(rest, slash == SIZE_MAX ? rest.n : slash);
	struct addr *addr = &o->req.addr;

	o->req.target = slash == SIZE_MAX ? S("/") : slice_from(rest, slash);
	if (host.n == 0 || !slice_z(host, o->host, sizeof(o->host)) ||
	    addr_parse(slice_head(url, 8 + host.n), addr) != NULL || addr->kind != ADDR_TCP ||
	    addr->host[0] == '\0')
		return false;
	addr->tls = true;
	if (addr->port == 0)
		addr->port = 443;
	return true;
}

static void
send_request(struct order *o, const struct acme_request *r)
{
	bool body = r->content_type != NULL;

	move(o, ORDER_SENDS);
	o->req = (struct fetch_request){ .method = r->method,
		.tls = o->p.tls,
		.host = o->host,
		.body = body ? r->body : S(""),
		.timeout_ms = LIMIT_CERT_FETCH_MS,
		.body_max = LIMIT_ACME_ANSWER_BYTES };
	snprintf(o->fields, sizeof(o->fields), "User-Agent: %s\r\nAccept: %s\r\n%s%s%s",
	    o->p.program, r->accept != NULL ? r->accept : "*/*", body ? "Content-Type: " : "",
	    body ? r->content_type : "", body ? "\r\n" : "");
	o->req.fields = slice_str(o->fields);
	o->answer = (struct fetch_answer){ .stage = FETCH_DNS };
	if (split_url(o, slice_str(r->url)))
		o->fetch = fetch_start(o->p.loop, &o->req, &o->answer, on_answer, o);
	else
		snprintf(o->answer.why, sizeof(o->answer.why), "this is no https:// URL");
	if (o->fetch == NULL)
		on_answer(o);
}

/* --- steps --- */

static void
wait_until(struct order *o, int64_t until_s)
{
	int64_t ms = until_s * 1000 - clock_wall_ms();

	move(o, ORDER_WAITS);
	later(o, (ms > 0 ? ms : 1) * 1000);
}

/* One step: what it leads to ends in later(), or in a call of the owner's. */
static void
go_on(struct order *o)
{
	struct acme_step s;

	check(o->state == ORDER_RUNS);
	s = acme_next(o->acme, now_s());
	switch (s.what) {
	case ACME_STORE:
		move(o, ORDER_STORES);
		/* The account first: a case of an account whose key is lost would be worth nothing. */
		o->p.ops->store(o->p.owner, s.store.ca);
		return;
	case ACME_SEND:
		send_request(o, &s.request);
		return;
	case ACME_WAIT:
		wait_until(o, s.until_s);
		return;
	case ACME_PUBLISH:
		move(o, ORDER_SHOWS);
		o->p.ops->show(o->p.owner, s.challenge);
		return;
	case ACME_READY:
	case ACME_DONE:
	case ACME_FAILED:
		move(o, ORDER_OVER);
		o->p.ops->over(o->p.owner, &s);
		return;
	}
}

static void
on_timer(struct loop_timer *t)
{
	struct order *o = list_of(t, struct order, timer);

	check(o->state != ORDER_STORES && o->state != ORDER_SHOWS && o->state != ORDER_OVER);
	if (o->state == ORDER_SENDS)
		take_answer(o);
	if (o->state != ORDER_RUNS)
		move(o, ORDER_RUNS);
	go_on(o);
}

struct order *
order_start(const struct order_params *p, struct acme *acme)
{
	struct order *o = calloc(1, sizeof(*o));

	check(acme != NULL && p->tls != NULL);
	if (o == NULL) {
		acme_free(acme);
		return NULL;
	}
	o->p = *p;
	o->p.tls = tls_client_ref(p->tls);
	o->acme = acme;
	o->timer.fn = on_timer;
	later(o, 1);
	return o;
}

struct acme *
order_case(const struct order *o)
{
	return o->acme;
}

void
order_stored(struct order *o, bool ok)
{
	check(o->state == ORDER_STORES);
	move(o, ok ? ORDER_RUNS : ORDER_WAITS);
	later(o, ok ? 1 : (int64_t)LIMIT_CERT_STORE_MS * 1000);
}

void
order_shown(struct order *o, const char *why)
{
	check(o->state == ORDER_SHOWS);
	if (why == NULL)
		acme_published(o->acme);
	else
		acme_unpublishable(o->acme, why);
	move(o, ORDER_RUNS);
	later(o, 1);
}

static void
on_grave(struct loop_grave *g)
{
	struct order *o = list_of(g, struct order, grave);

	check(o->state == ORDER_OVER && o->fetch == NULL);
	acme_free(o->acme);
	tls_client_unref(o->p.tls);
	free(o);
}

void
order_end(struct order *o)
{
	if (o == NULL)
		return;
	loop_timer_stop(o->p.loop, &o->timer);
	drop_answer(o);
	if (o->state != ORDER_OVER)
		move(o, ORDER_OVER);
	loop_bury(o->p.loop, &o->grave, on_grave);
}
