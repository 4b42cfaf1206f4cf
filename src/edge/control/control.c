/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: its clients, their lines, and the answers. */
#include "edge/control/control.h"

#include "base/limits.h"
#include "base/log.h"
#include "edge/control/audit.h"
#include "edge/control/control_private.h"
#include "edge/core/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 16384

static void
on_grave(struct loop_grave *g)
{
	struct control_client *c = list_of(g, struct control_client, grave);

	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

/* Harmless twice. What the store does for it is done all the same. */
static void
client_close(struct control_client *c)
{
	struct control *ctl = c->asker.control;

	if (c->dead)
		return;
	check(ctl->n_clients > 0);
	c->dead = true;
	asker_leave(&c->asker);
	conn_close(&c->conn);
	list_del(&c->node);
	ctl->n_clients--;
	loop_bury(ctl->edge->main_loop, &c->grave, on_grave);
}

/* --- answers --- */

/*
 * Behind the last byte of an answer the next request is read, which may have come already;
 * or it is the end.
 */
static void
write_out(struct control_client *c)
{
	while (c->out.n > 0) {
		struct iovec iov = { c->out.p, c->out.n };
		size_t n;

		switch (conn_write(&c->conn, &iov, 1, &n)) {
		case IO_OK:
			buf_skip(&c->out, n);
			break;
		case IO_WAIT:
			return;
		case IO_EOF:
		case IO_FAIL:
			client_close(c);
			return;
		}
	}
	if (c->eof)
		client_close(c);
	else if (c->in.n > 0)
		conn_again(&c->conn, LOOP_IN);
}

static void
on_answer(struct asker *a, json_t *answer)
{
	struct control_client *c = list_of(a, struct control_client, asker);
	char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);

	json_decref(answer);
	check(!c->dead);
	if (text != NULL) {
		buf_put(&c->out, slice_str(text));
		buf_putc(&c->out, '\n');
	}
	/* What was put of it goes: half a line of JSON would be read as a broken one. */
	if (text == NULL || c->out.failed) {
		buf_reset(&c->out);
		buf_put(&c->out, S("{\"ok\":false,\"code\":\"too-large\",\"text\":\"the answer "
				   "does not fit\"}\n"));
	}
	free(text);
	write_out(c);
}

/* --- requests --- */

static void
request(struct control_client *c, struct slice line)
{
	json_error_t error;
	json_t *json = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, &error);

	if (!json_is_object(json))
		control_refuse(&c->asker, "bad-request",
		    "a request is one JSON object on one line");
	else
		asker_ask(&c->asker, json);
	json_decref(json);
}

/*
 * A line at a time: called for each edge, and once more behind each answer (conn_again()).
 */
static void
take_line(struct control_client *c)
{
	struct slice in = buf_slice(&c->in), line;
	size_t end = slice_find(in, '\n');

	if (asker_is_busy(&c->asker) || c->out.n > 0)
		return;
	if (end == SIZE_MAX) {
		if (c->eof || in.n >= LIMIT_CONTROL_LINE_BYTES)
			client_close(c);
		return;
	}
	line = slice_head(in, end);
	request(c, line);
	check(c->dead || c->in.n > end); /* nobody but this takes lines out */
	if (!c->dead)
		buf_skip(&c->in, end + 1);
}

static void
on_conn(struct conn *conn, unsigned events)
{
	struct control_client *c = list_of(conn, struct control_client, conn);
	char *room;
	size_t n = 0;

	if (c->dead)
		return;
	if (events & LOOP_OUT)
		write_out(c);
	if (c->dead || (events & LOOP_IN) == 0)
		return;
	/*
	 * A client that does not wait for answers is read no further than a line
	 * and a read.
	 */
	room = c->in.n < LIMIT_CONTROL_LINE_BYTES ? buf_room(&c->in, READ_BYTES) : NULL;
	switch (room == NULL ? IO_WAIT : conn_read(&c->conn, room, READ_BYTES, &n)) {
	case IO_OK:
		c->in.n += n;
		if (c->conn.readable)
			conn_again(&c->conn, LOOP_IN);
		break;
	case IO_WAIT:
		break;
	case IO_EOF:
		c->eof = true;
		/*
		 * Who waits for a tunnel and goes wants no answer; others get theirs, as
		 * "printf ... | nc" ends its side at once.
		 */
		if (c->asker.wait_key[0] != '\0') {
			client_close(c);
			return;
		}
		break;
	case IO_FAIL:
		client_close(c);
		return;
	}
	take_line(c);
}

/* --- coming and going --- */

/* The mode of the socket says so, too (0600); this holds where a folder was left open. */
static bool
may_connect(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return false;
	return who.uid == 0 || who.uid == geteuid();
}

static void
name_client(int fd, char *dst, size_t cap)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0)
		snprintf(dst, cap, "uid %u by the command line", (unsigned)who.uid);
	else
		snprintf(dst, cap, "the command line");
}

static void
on_accepted(struct listener *l, int fd, const struct sockaddr_storage *ss, socklen_t len)
{
	struct control *ctl = l->owner;
	struct control_client *c = NULL;

	(void)ss;
	(void)len;
	if (!may_connect(fd))
		log_event(LOG_WARN, "control-refused", LOG_Z("why", "another user"));
	else if (ctl->n_clients < LIMIT_CONTROL_CLIENTS)
		c = calloc(1, sizeof(*c));
	if (c == NULL) {
		loop_close(fd);
		return;
	}
	asker_init(&c->asker, ctl, on_answer);
	name_client(fd, c->asker.who, sizeof(c->asker.who));
	buf_init(&c->in, LIMIT_CONTROL_LINE_BYTES + READ_BYTES);
	buf_init(&c->out, LIMIT_CONTROL_LINE_BYTES);
	conn_init(&c->conn, fd, NULL, on_conn);
	list_push(&ctl->clients, &c->node);
	ctl->n_clients++;
	check(ctl->n_clients <= LIMIT_CONTROL_CLIENTS && !ctl->closed);
	if (conn_attach(&c->conn, ctl->edge->main_loop) != 0)
		client_close(c);
}

void
control_route_up(struct control *ctl, const char *key)
{
	LIST_EACH(it, &ctl->clients) {
		struct control_client *c = list_of(it, struct control_client, node);

		if (strcmp(c->asker.wait_key, key) == 0)
			control_wait_over(&c->asker, true);
	}
}

struct control *
control_new(struct edge *e, int fd, const struct control_ops *ops, void *owner)
{
	struct control *ctl = calloc(1, sizeof(*ctl));

	if (ctl == NULL)
		return NULL;
	ctl->edge = e;
	ctl->ops = ops;
	ctl->owner = owner;
	list_init(&ctl->clients);
	ctl->errands.loop = e->main_loop;
	if (listener_open(&ctl->listener, e->main_loop, fd, on_accepted, ctl) != 0) {
		free(ctl);
		return NULL;
	}
	ctl->listener.is_urgent = true;
	ctl->audit = audit_open(ops->settings(owner)->state_dir); /* NULL: nothing is noted */
	return ctl;
}

void
control_close(struct control *ctl)
{
	if (ctl == NULL || ctl->closed)
		return;
	ctl->closed = true;
	listener_close(&ctl->listener);
	while (!list_empty(&ctl->clients))
		client_close(list_of(ctl->clients.next, struct control_client, node));
	check(ctl->n_clients == 0);
}

void
control_free(struct control *ctl)
{
	if (ctl == NULL)
		return;
	control_close(ctl);
	check(ctl->errands.n_pending == 0);
	audit_close(ctl->audit);
	free(ctl);
}
