/* SPDX-License-Identifier: Apache-2.0 */
/* Takes requests for the edge itself: finds their row, reads their body, hands back the answer. */
#include "edge/visit/own_host.h"

#include "edge/core/ticket.h"
#include "edge/visit/body.h"
#include "edge/visit/client.h"
#include "edge/visit/local_reply.h"
#include "edge/visit/own_acme_dns.h"
#include "edge/visit/own_ddns.h"
#include "net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* --- rows --- */

#define PLAIN S("text/plain; charset=utf-8")

/*
 * Which address the edge sees: one line, so that every program finds it. The ticket proves to the
 * edge itself that it has seen it (edge/link/ddns_message.h).
 */
static void
checkip(struct own_ask *a)
{
	struct sockaddr_storage ss;
	char host[ADDR_TEXT_BYTES], line[ADDR_TEXT_BYTES + 1], ticket[TICKET_TEXT_BYTES];
	char fields[128];
	int n;

	client_sockaddr(a->x, &ss);
	if (ss.ss_family == AF_UNSPEC) {
		own_answer(a, 404, "Cache-Control: no-store\r\n", PLAIN,
		    S("a Unix socket has no address\n"));
		return;
	}
	(void)addr_split(&ss, sizeof(ss), host, sizeof(host));
	n = snprintf(line, sizeof(line), "%s\n", host);
	ticket_make(a->worker->edge, host, ticket);
	snprintf(fields, sizeof(fields), "Cache-Control: no-store\r\nadit-seen: %s\r\n", ticket);
	own_answer(a, 200, fields, PLAIN, slice_of(line, (size_t)n));
}

struct own_row {
	const char *method, *path;
	void (*fn)(struct own_ask *a);
};

/* HEAD is GET without the body (RFC 9110 9.3.2). */
static const struct own_row rows[] = {
	{ "GET", "/checkip", checkip },
	{ "GET", "/nic/update", own_ddns_update },
	{ "POST", "/nic/update", own_ddns_update },
	{ "GET", "/v3/update", own_ddns_update },
	{ "POST", "/v3/update", own_ddns_update },
	{ "GET", "/update", own_ddns_update },
	{ "POST", "/update", own_ddns_update }, /* or own_acme_dns_update() */
	{ "POST", "/register", own_acme_dns_register },
};

/* NULL and *ret_path: the path is known, but not with this method. */
static const struct own_row *
find(struct slice method, struct slice path, bool *ret_path)
{
	if (slice_eq(method, S("HEAD")))
		method = S("GET");
	*ret_path = false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!slice_eq(path, slice_str(rows[i].path)))
			continue;
		*ret_path = true;
		if (slice_eq(method, slice_str(rows[i].method)))
			return &rows[i];
	}
	return NULL;
}

/* --- life --- */

static void
ask_free(struct own_ask *a)
{
	check(a->x == NULL || a->x->own == a);
	if (a->x != NULL)
		a->x->own = NULL;
	lobby_leave(&a->worker->visit->callers, &a->guest);
	buf_fini(&a->head);
	buf_fini(&a->body);
	free(a);
}

/* While its body comes nobody waits for it; later the function does. */
void
own_host_abandon(struct exchange *x)
{
	struct own_ask *a = x->own;

	if (a == NULL)
		return;
	check(a->x == x);
	if (x->state == EXCHANGE_ASK) {
		x->own = NULL;
		a->x = NULL;
	} else {
		ask_free(a);
	}
}

void
own_answer(struct own_ask *a, int status, const char *fields, struct slice type, struct slice body)
{
	struct exchange *x = a->x;

	ask_free(a);
	if (x == NULL)
		return;
	check(x->state == EXCHANGE_OWN || x->state == EXCHANGE_ASK);
	local_reply_own(x, status, fields, type, body, buf_slice(&x->rest));
}

void
own_answer_error(struct own_ask *a, enum close_code code)
{
	struct exchange *x = a->x;

	ask_free(a);
	if (x == NULL)
		return;
	check(x->state == EXCHANGE_OWN || x->state == EXCHANGE_ASK);
	local_reply_error(x, code, buf_slice(&x->rest));
}

struct slice
own_field(const struct own_ask *a, struct slice name)
{
	size_t at = 0;
	struct slice bytes = buf_slice(&a->head), none = { 0 };
	const struct h1_field *f = h1_find(&a->x->req.head, bytes, name, &at);

	return f == NULL ? none : h1_text(bytes, f->value);
}

struct slice
own_query(const struct own_ask *a)
{
	return h1_text(buf_slice(&a->head), a->x->req.head.query);
}

/* --- the body --- */

static void
refuse(struct own_ask *a, enum close_code code)
{
	a->x->keep_alive = false;
	own_answer_error(a, code);
}

/* Whole: from here on nobody makes room for others, as the answer follows soon. */
static void
complete(struct own_ask *a)
{
	struct exchange *x = a->x;

	check(x->state == EXCHANGE_OWN && x->sent == EXCHANGE_COMES);
	x->sent = EXCHANGE_WHOLE;
	lobby_leave(&a->worker->visit->callers, &a->guest);
	exchange_move(x, EXCHANGE_ASK);
	a->row->fn(a);
}

static void
feed(struct exchange *x, struct slice bytes)
{
	struct own_ask *a = x->own;
	struct slice data;

	check(a->x == x && x->state == EXCHANGE_OWN);
	for (;;) {
		switch (h1_body(&x->req, &bytes, &data)) {
		case H1_MORE:
			return;
		case H1_DATA:
			x->flow.rx_bytes += data.n;
			buf_put(&a->body, data);
			if (!a->body.failed)
				break;
			refuse(a, CLOSE_BODY_TOO_LARGE);
			return;
		case H1_DONE:
			buf_put(&x->rest, bytes);
			if (x->rest.failed)
				x->keep_alive = false;
			complete(a);
			return;
		case H1_BAD:
			refuse(a, x->req.error);
			return;
		}
	}
}

void
own_host_readable(struct exchange *x)
{
	struct slice bytes;

	if (body_read(x, &bytes))
		feed(x, bytes);
}

void
own_host_late(struct exchange *x)
{
	refuse(x->own, CLOSE_SLOW_BODY);
}

/* --- the head --- */

/* The bare domain, or an address: whoever types one means us. */
static bool
is_own(const struct exchange *x)
{
	struct in_addr v4;

	return x->name[0] == '\0' &&
	       (strcmp(x->host, x->worker->edge->domain) == 0 || x->host[0] == '[' ||
		   inet_pton(AF_INET, x->host, &v4) == 1);
}

/* Others need the room, and this one's body has been coming for the longest. */
static bool
enter(struct own_ask *a)
{
	struct lobby *l = &a->worker->visit->callers;
	struct lobby_guest *victim = NULL;
	struct source_key key;
	const struct source_key *from = client_key(a->x, &key) ? &key : NULL;

	while (lobby_room(l, from, &victim) == LOBBY_VICTIM)
		refuse(list_of(victim, struct own_ask, guest), CLOSE_OVERLOAD);
	return lobby_enter(l, &a->guest, from);
}

static void
start(struct exchange *x, const struct own_row *row, struct slice bytes)
{
	struct own_ask *a = calloc(1, sizeof(*a));
	const struct h1_head *h = &x->req.head;
	struct slice early = slice_from(bytes, h->n_bytes);
	struct iovec iov = { (void *)(uintptr_t)EXCHANGE_CONTINUE, sizeof(EXCHANGE_CONTINUE) - 1 };
	size_t n = 0;

	if (a == NULL) {
		x->keep_alive = false;
		local_reply_error(x, CLOSE_OVERLOAD, early);
		return;
	}
	check(x->own == NULL);
	a->x = x;
	a->worker = x->worker;
	a->row = row;
	buf_init(&a->head, LIMIT_HEAD_BYTES);
	buf_init(&a->body, LIMIT_OWN_BODY_BYTES);
	buf_put(&a->head, slice_head(bytes, h->n_bytes));
	x->own = a;
	exchange_move(x, EXCHANGE_OWN);
	if (a->head.failed || (h->framing != H1_NO_BODY && !enter(a))) {
		refuse(a, CLOSE_OVERLOAD);
		return;
	}
	/* What is told beforehand is refused beforehand. */
	if (h->framing == H1_LENGTH && h->length > LIMIT_OWN_BODY_BYTES) {
		refuse(a, CLOSE_BODY_TOO_LARGE);
		return;
	}
	if ((h->flags & H1_EXPECT_100) && early.n == 0) {
		x->continued = true;
		if (conn_write(x->front->conn, &iov, 1, &n) == IO_FAIL || n != iov.iov_len) {
			front_cut(x->front, FRONT_CLOSE);
			return;
		}
	}
	if (h->framing != H1_NO_BODY)
		conn_again(x->front->conn, LOOP_IN);
	feed(x, early);
}

/* With what would be right (RFC 9110 15.5.6). */
static void
refuse_method(struct exchange *x, struct slice path, struct slice read_ahead)
{
	char fields[64] = "Allow:";
	size_t n = strlen(fields);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (slice_eq(path, slice_str(rows[i].path)))
			n += (size_t)snprintf(fields + n, sizeof(fields) - n, "%s %s",
			    fields[n - 1] == ':' ? "" : ",",
			    strcmp(rows[i].method, "GET") == 0 ? "GET, HEAD" : rows[i].method);
	n += (size_t)snprintf(fields + n, sizeof(fields) - n, "\r\n");
	check(n < sizeof(fields)); /* a path has two rows at most */
	local_reply_own(x, 405, fields, PLAIN, S("this path does not take that method\n"),
	    read_ahead);
}

bool
own_host_start(struct exchange *x, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	const struct own_row *row;
	bool known = false;

	if (!is_own(x))
		return false;
	row = find(h1_text(bytes, h->method), h1_text(bytes, h->path), &known);
	if (row != NULL)
		start(x, row, bytes);
	else if (known)
		refuse_method(x, h1_text(bytes, h->path), slice_from(bytes, h->n_bytes));
	return known;
}
