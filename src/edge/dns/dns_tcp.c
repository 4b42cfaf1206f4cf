/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions over TCP (RFC 7766): each message behind its length in two bytes, as many as the client
 * likes on one connection.
 *
 *	read  ->  a whole message  ->  answered  ->  written  ->  the next one
 *
 * While an answer waits for the socket nothing is read, so who does not take answers cannot ask on;
 * a transfer is made message by message as the socket takes it. A question must come whole within
 * LIMIT_DNS_TCP_IDLE_MS, an answer must be taken within LIMIT_DNS_TCP_STALL_MS. When all places are
 * taken, the one that has been still for the longest in the fullest network makes room.
 */
#include "edge/dns/name_server_private.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#define LENGTH_BYTES 2
#define READ_BYTES 4096
/* Then others have their turn. */
#define STEPS_PER_EVENT 16
/* Those that were shown out are freed at the end of the turn. */
#define SLACK 64
#define TRANSFER_BYTES 32768

struct dns_conn {
	struct conn conn;
	struct name_server *ns;
	struct list node;
	struct loop_timer deadline;
	struct loop_grave grave;
	struct lobby_guest guest;
	struct sockaddr_storage ss;
	struct buf in, out; /* both empty, without memory, while it is idle */
	struct transfer *transfer;
	/* An UPDATE of his: nothing is read until it is answered. */
	enum { DNS_UPDATE_NONE, DNS_UPDATE_ASKED, DNS_UPDATE_LATER, DNS_UPDATE_LOST } update;
};

_Static_assert(TRANSFER_BYTES >= TRANSFER_BYTES_MIN, "room for any record");

static void
on_grave(struct loop_grave *g)
{
	struct dns_conn *c = list_of(g, struct dns_conn, grave);

	check(!lobby_has(&c->guest) && !conn_is_open(&c->conn) && c->transfer == NULL);
	slab_put(&c->ns->conns, c);
}

static void
end_transfer(struct dns_conn *c)
{
	if (c->transfer == NULL)
		return;
	check(c->ns->n_transfers > 0);
	transfer_free(c->transfer);
	c->transfer = NULL;
	c->ns->n_transfers--;
}

static void
finish(struct dns_conn *c)
{
	struct name_server *ns = c->ns;

	check(!list_empty(&c->node)); /* once: the second time it would be in no list */
	conn_close(&c->conn);
	loop_timer_stop(ns->loop, &c->deadline);
	lobby_leave(&ns->guests, &c->guest);
	end_transfer(c);
	dns_work_forget(ns, c);
	buf_fini(&c->in);
	buf_fini(&c->out);
	list_del(&c->node);
	loop_bury(ns->loop, &c->grave, on_grave);
}

static void
wait_for(struct dns_conn *c, int64_t ms)
{
	loop_timer_set(c->ns->loop, &c->deadline, ms * 1000);
}

/* --- writing --- */

/*
 * What was done: MORE may go on at once, WAIT not before the socket has room or bytes, OVER is the
 * end of the connection.
 */
enum dns_step { DNS_STEP_MORE, DNS_STEP_WAIT, DNS_STEP_OVER };

/* Of an answer with its length in front, what the socket does not take now is kept. */
static enum dns_step
send_answer(struct dns_conn *c, unsigned char *bytes, size_t n)
{
	struct iovec iov = { bytes, LENGTH_BYTES + n };
	size_t done = 0;

	check(c->out.n == 0 && n <= DNS_MESSAGE_BYTES);
	bytes[0] = (unsigned char)(n >> 8);
	bytes[1] = (unsigned char)n;
	if (conn_write(&c->conn, &iov, 1, &done) == IO_FAIL)
		return DNS_STEP_OVER;
	if (done == iov.iov_len)
		return DNS_STEP_MORE;
	buf_put(&c->out, slice_of(bytes + done, iov.iov_len - done));
	if (c->out.failed)
		return DNS_STEP_OVER;
	wait_for(c, LIMIT_DNS_TCP_STALL_MS);
	return DNS_STEP_WAIT;
}

static enum dns_step
flush(struct dns_conn *c)
{
	struct iovec iov = { c->out.p, c->out.n };
	size_t done = 0;

	if (c->out.n == 0 || c->update == DNS_UPDATE_LOST)
		return DNS_STEP_MORE;
	switch (conn_write(&c->conn, &iov, 1, &done)) {
	case IO_OK:
		buf_skip(&c->out, done);
		break;
	case IO_WAIT:
		return DNS_STEP_WAIT;
	case IO_EOF:
	case IO_FAIL:
		return DNS_STEP_OVER;
	}
	if (c->out.n > 0)
		return DNS_STEP_WAIT;
	buf_fini(&c->out);
	buf_init(&c->out, LENGTH_BYTES + DNS_MESSAGE_BYTES);
	wait_for(c, LIMIT_DNS_TCP_IDLE_MS);
	return DNS_STEP_MORE;
}

/* The next message of a transfer. */
static enum dns_step
go_on_with_transfer(struct dns_conn *c)
{
	unsigned char *room = c->ns->room->tcp;
	size_t n = 0;

	wait_for(c, LIMIT_DNS_TCP_IDLE_MS);
	switch (transfer_next(c->transfer, room + LENGTH_BYTES, TRANSFER_BYTES,
	    clock_wall_ms() / 1000, &n)) {
	case TRANSFER_MORE:
		break;
	case TRANSFER_LAST:
		end_transfer(c);
		break;
	case TRANSFER_FAIL:
		return DNS_STEP_OVER;
	}
	return send_answer(c, room, n);
}

/* --- answering --- */

static enum dns_step
begin_transfer(struct dns_conn *c, struct transfer *t)
{
	c->transfer = t;
	c->ns->n_transfers++;
	counter_add(&c->ns->counters.transfers, 1);
	if (c->ns->n_transfers <= LIMIT_DNS_TRANSFERS)
		return DNS_STEP_MORE;
	log_event(LOG_WARN, "dns-transfers-full");
	return DNS_STEP_OVER;
}

static enum dns_step
answer(struct dns_conn *c, struct slice request)
{
	struct name_server *ns = c->ns;
	struct authority_ask ask = { .request = request,
		.tcp = true,
		.address = &c->ss,
		.now_s = clock_wall_ms() / 1000,
		.reply = ns->room->tcp + LENGTH_BYTES,
		.cap = DNS_MESSAGE_BYTES };
	struct authority_said said;

	switch (authority_answer(&ns->authority, &ask, &said)) {
	case AUTHORITY_DROP:
		return DNS_STEP_OVER; /* who sends answers to a server is not worth a place */
	case AUTHORITY_LATER:
		c->update = DNS_UPDATE_LATER;
		return DNS_STEP_WAIT;
	case AUTHORITY_REPLY:
		return send_answer(c, ns->room->tcp, said.reply_n);
	case AUTHORITY_TRANSFER:
		return begin_transfer(c, said.transfer);
	case AUTHORITY_UPDATE:
		c->update = DNS_UPDATE_ASKED;
		loop_timer_stop(ns->loop, &c->deadline); /* the store's time is not his */
		dns_work_update(ns, said.update, &(struct dns_asker){ .conn = c });
		return DNS_STEP_MORE;
	}
	return DNS_STEP_OVER;
}

/* The whole message at the front of c->in; false: it has not come yet. */
static bool
first_message(const struct dns_conn *c, struct slice *ret)
{
	const unsigned char *p = (const unsigned char *)c->in.p;
	size_t n;

	if (c->in.n < LENGTH_BYTES)
		return false;
	n = (size_t)p[0] << 8 | p[1];
	*ret = slice_of(p + LENGTH_BYTES, n);
	return c->in.n >= LENGTH_BYTES + n;
}

static enum dns_step
read_more(struct dns_conn *c)
{
	size_t cap = c->in.max - c->in.n, n = 0;
	char *room = buf_room(&c->in, cap < READ_BYTES ? cap : READ_BYTES);

	check(cap > 0); /* a whole message fits, and none is there */
	if (room == NULL)
		return DNS_STEP_OVER;
	switch (conn_read(&c->conn, room, cap < READ_BYTES ? cap : READ_BYTES, &n)) {
	case IO_OK:
		c->in.n += n;
		return DNS_STEP_MORE;
	case IO_WAIT:
		break;
	case IO_EOF:
	case IO_FAIL:
		return DNS_STEP_OVER;
	}
	if (c->in.n == 0) {
		buf_fini(&c->in);
		buf_init(&c->in, LENGTH_BYTES + DNS_MESSAGE_BYTES);
	}
	return DNS_STEP_WAIT;
}

static enum dns_step
step(struct dns_conn *c)
{
	struct slice message;
	enum dns_step done = flush(c);

	if (done != DNS_STEP_MORE)
		return done;
	if (c->update != DNS_UPDATE_NONE)
		return c->update == DNS_UPDATE_LOST ? DNS_STEP_OVER : DNS_STEP_WAIT;
	if (c->transfer != NULL)
		return go_on_with_transfer(c);
	if (!first_message(c, &message))
		return read_more(c);
	lobby_touch(&c->guest);
	counter_add(&c->ns->counters.tcp, 1);
	wait_for(c, LIMIT_DNS_TCP_IDLE_MS);
	done = answer(c, message);
	if (c->update != DNS_UPDATE_LATER)
		buf_skip(&c->in, LENGTH_BYTES + message.n);
	return done;
}

/* Written in the next turn: this may be called by this very connection's step. */
void
dns_tcp_updated(struct dns_conn *c, size_t n)
{
	unsigned char *bytes = c->ns->room->tcp;

	check(c->update == DNS_UPDATE_ASKED && c->out.n == 0);
	bytes[0] = (unsigned char)(n >> 8);
	bytes[1] = (unsigned char)n;
	buf_put(&c->out, slice_of(bytes, LENGTH_BYTES + n));
	c->update = n == 0 || c->out.failed ? DNS_UPDATE_LOST : DNS_UPDATE_NONE;
	wait_for(c, LIMIT_DNS_TCP_STALL_MS);
	conn_again(&c->conn, LOOP_IN | LOOP_OUT);
}

void
dns_tcp_again(struct name_server *ns)
{
	for (struct list *at = ns->list.next; at != &ns->list; at = at->next) {
		struct dns_conn *c = list_of(at, struct dns_conn, node);

		if (c->update != DNS_UPDATE_LATER)
			continue;
		c->update = DNS_UPDATE_NONE;
		conn_again(&c->conn, LOOP_IN);
	}
}

static void
on_conn(struct conn *conn, unsigned events)
{
	struct dns_conn *c = list_of(conn, struct dns_conn, conn);

	check(conn_is_open(conn) && c->ns != NULL);
	for (int i = 0; i < STEPS_PER_EVENT; i++) {
		switch (step(c)) {
		case DNS_STEP_MORE:
			break;
		case DNS_STEP_WAIT:
			return;
		case DNS_STEP_OVER:
			finish(c);
			return;
		}
	}
	conn_again(conn, events);
}

static void
on_deadline(struct loop_timer *t)
{
	finish(list_of(t, struct dns_conn, deadline));
}

/* --- coming and going --- */

static bool
enter(struct name_server *ns, struct dns_conn *c)
{
	struct source_key at, *key = source_key(&c->ss, &at) ? &at : NULL;
	struct lobby_guest *victim = NULL;
	enum lobby_room room;

	while ((room = lobby_room(&ns->guests, key, &victim)) == LOBBY_VICTIM)
		finish(list_of(victim, struct dns_conn, guest));
	return room == LOBBY_ROOM && lobby_enter(&ns->guests, &c->guest, key);
}

static void
on_accepted(struct listener *l, int fd, const struct sockaddr_storage *ss, socklen_t len)
{
	struct name_server *ns = l->owner;
	struct dns_conn *c = slab_get(&ns->conns);

	(void)len;
	if (c != NULL)
		c->ss = *ss;
	if (c == NULL || !enter(ns, c)) {
		if (c != NULL)
			slab_put(&ns->conns, c);
		loop_close(fd);
		return;
	}
	c->ns = ns;
	c->deadline.fn = on_deadline;
	buf_init(&c->in, LENGTH_BYTES + DNS_MESSAGE_BYTES);
	buf_init(&c->out, LENGTH_BYTES + DNS_MESSAGE_BYTES);
	list_push(&ns->list, &c->node);
	conn_init(&c->conn, fd, NULL, on_conn);
	conn_tune(&c->conn, 0, 0);
	wait_for(c, LIMIT_DNS_TCP_IDLE_MS);
	if (conn_attach(&c->conn, ns->loop) != 0)
		finish(c);
}

void
dns_tcp_init(struct name_server *ns)
{
	list_init(&ns->list);
	lobby_init(&ns->guests, LIMIT_DNS_TCP, LIMIT_DNS_TCP_PER_ADDRESS, NULL);
	slab_init(&ns->conns, sizeof(struct dns_conn), LIMIT_DNS_TCP + SLACK);
}

int
dns_tcp_open(struct name_server *ns, struct listener *l, int fd)
{
	return listener_open(l, ns->loop, fd, on_accepted, ns);
}

void
dns_tcp_end(struct name_server *ns)
{
	while (!list_empty(&ns->list))
		finish(list_of(ns->list.next, struct dns_conn, node));
	check(ns->n_transfers == 0);
}

void
dns_tcp_fini(struct name_server *ns)
{
	check(list_empty(&ns->list));
	lobby_fini(&ns->guests);
	slab_fini(&ns->conns);
}
