/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's link as a state machine: dial, HELLO, up, and again after a pause. */
#include "agent/link/client_private.h"

#include "agent/core/exit_code.h"
#include "agent/link/uplink.h"
#include "base/clock.h"
#include "base/rand.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* How long open streams may go on after a signal to stop. */
#define STOP_US 5000000
/* The same as CLIENT_SWEEP_US while streams of a link that was replaced may go on for hours. */
#define LONG_SWEEP_US 500000

/* clang-format off */
static const unsigned predecessors[] = {
	[CLIENT_OFF] = 0, /* born in it */
	[CLIENT_DIALLING] = 1 << CLIENT_OFF | 1 << CLIENT_WAITING,
	[CLIENT_GREETING] = 1 << CLIENT_DIALLING | 1 << CLIENT_UP,
	[CLIENT_UP] = 1 << CLIENT_GREETING,
	[CLIENT_WAITING] = 1 << CLIENT_DIALLING | 1 << CLIENT_GREETING | 1 << CLIENT_UP,
	[CLIENT_STOPPING] = 1 << CLIENT_DIALLING | 1 << CLIENT_GREETING | 1 << CLIENT_UP |
	    1 << CLIENT_WAITING,
	[CLIENT_OVER] = 1 << CLIENT_OFF | 1 << CLIENT_DIALLING | 1 << CLIENT_GREETING |
	    1 << CLIENT_UP | 1 << CLIENT_WAITING | 1 << CLIENT_STOPPING,
};
/* clang-format on */

void
client_move(struct client *c, enum client_state to)
{
	check(predecessors[to] & 1u << c->state);
	/* A link is there while it is greeted and up; none is dialled or waited for beside it. */
	check(c->session == NULL || (to != CLIENT_DIALLING && to != CLIENT_WAITING));
	check(c->session != NULL || to != CLIENT_UP);
	check(c->n_draining < SERVE_LINKS_MAX);
	if ((to == CLIENT_UP) != (c->state == CLIENT_UP) || c->moved_ms == 0)
		c->moved_ms = clock_wall_ms();
	c->state = to;
	loop_timer_stop(c->loop, &c->timer);
}

/* --- the end --- */

/* Everything is closed here, at the end of a turn, where no carrier is in the
 * middle of its work. */
static void
on_end(struct loop_task *t)
{
	struct client *c = list_of(t, struct client, end);

	client_move(c, CLIENT_OVER);
	edge_dial_cancel(&c->dial);
	loop_timer_stop(c->loop, &c->probe);
	loop_timer_stop(c->loop, &c->probed);
	loop_timer_stop(c->loop, &c->sweep);
	loop_timer_stop(c->loop, &c->sync);
	while (!list_empty(&c->draining))
		carrier_close(&list_of(c->draining.next, struct uplink, node)->carrier,
		    LINK_CODE_SHUTDOWN, "stopped");
	if (c->session != NULL)
		carrier_close(&c->session->carrier, LINK_CODE_SHUTDOWN, "stopped");
	/* client_lost() has come for each of them: nothing is left that could call. */
	check(c->session == NULL && c->n_draining == 0);
	c->over(c, c->exit_code);
}

void
client_end(struct client *c, int exit_code)
{
	if (c->state == CLIENT_OVER || !list_empty(&c->end.node))
		return;
	c->exit_code = exit_code;
	loop_at_end(c->loop, &c->end);
}

bool
client_is_ending(const struct client *c)
{
	return c->state == CLIENT_OVER || !list_empty(&c->end.node);
}

/* Of all links: whether anybody would lose something by our end. */
static size_t
open_streams(struct client *c)
{
	size_t n = c->session == NULL ? 0 : link_n_streams(&c->session->carrier.link);

	LIST_EACH(node, &c->draining)
		n += link_n_streams(&list_of(node, struct uplink, node)->carrier.link);
	return n;
}

void
client_wind_down(struct client *c, int exit_code)
{
	size_t n = open_streams(c);

	check(exit_code == EXIT_STOPPED || exit_code == EXIT_REFUSED || exit_code == EXIT_REPLACED);
	if (client_is_ending(c) || c->state == CLIENT_STOPPING)
		return;
	c->exit_code = exit_code;
	if (n == 0) {
		client_end(c, exit_code);
		return;
	}
	/* The link stays, for its streams; GOAWAY tells the edge to send its visitors elsewhere. */
	edge_dial_cancel(&c->dial);
	c->relinking = false;
	client_move(c, CLIENT_STOPPING);
	c->stop_us = exit_code == EXIT_STOPPED ? loop_now_us(c->loop) + STOP_US : INT64_MAX;
	if (c->session != NULL)
		carrier_goaway(&c->session->carrier, LINK_CODE_SHUTDOWN, 0);
	loop_timer_set(c->loop, &c->sweep, CLIENT_SWEEP_US);
	screen_stopping(c->screen, n);
}

/* --- dialling --- */

void
client_dial(struct client *c)
{
	client_move(c, CLIENT_DIALLING);
	edge_dial_start(&c->dial);
}

void
client_retry(struct client *c, const char *why)
{
	int64_t pause = c->at_once ? 0 : retry_pause_ms(&c->retry, c->floor_ms, rand_u64());

	check(c->session == NULL && pause >= 0);
	check(why != c->why); /* it is written to below */
	c->at_once = false;
	c->floor_ms = 0;
	if (c->relinking)
		edge_dial_cancel(&c->dial);
	c->relinking = c->binding = false;
	snprintf(c->why, sizeof(c->why), "%s", why);
	if (c->once) {
		client_end(c, EXIT_BROKE);
		return;
	}
	client_move(c, CLIENT_WAITING);
	loop_timer_set(c->loop, &c->timer, pause * 1000);
	screen_retry(c->screen, pause, c->why);
}

/* The time of a state is over: the pause, the patience with a silent edge, or
 * what talk() asked for. */
static void
on_timer(struct loop_timer *t)
{
	struct client *c = list_of(t, struct client, timer);

	/* With `once` the state stays as it was when the link broke: there may be none any more. */
	if (client_is_ending(c))
		return;
	if (c->state == CLIENT_WAITING)
		client_dial(c);
	else if (c->state == CLIENT_UP && c->talk != NULL)
		c->talk(c, S(""), c->talk_owner);
	else if (c->state == CLIENT_GREETING)
		carrier_close(&c->session->carrier, LINK_CODE_SILENT,
		    "the edge did not answer the HELLO");
}

/* As edge_dial.done. The timer is the HELLO's from here on: an edge that accepts and says
 * nothing would hold us for ever. */
static void
on_dialled(struct edge_dial *d, struct conn *conn, const char *why)
{
	struct client *c = list_of(d, struct client, dial);

	check((conn == NULL) == (why != NULL));
	if (c->relinking) {
		client_relinked(c, conn);
		return;
	}
	check(c->state == CLIENT_DIALLING);
	if (conn == NULL) {
		client_retry(c, why);
		return;
	}
	client_move(c, CLIENT_GREETING);
	loop_timer_set(c->loop, &c->timer, (int64_t)LIMIT_HELLO_MS * 1000);
	if (uplink_open(c, conn) == NULL) {
		conn_close(conn);
		client_retry(c, "out of memory");
	}
}

/* --- what talk() may ask for --- */

void
client_say(struct client *c, struct slice json)
{
	if (c->session != NULL)
		carrier_control(&c->session->carrier, json);
}

void
client_later(struct client *c, int64_t us)
{
	/* The timer is the state's own everywhere but in UP, where talk() has it. */
	check(c->talk != NULL && us > 0);
	loop_timer_set(c->loop, &c->timer, us);
}

void
client_finish(struct client *c, int exit_code)
{
	check(c->talk != NULL);
	client_end(c, exit_code);
}

/* --- who listens --- */

void
client_listen(struct client *c, struct client_ear *e)
{
	list_push(&c->ears, &e->node);
}

void
client_unlisten(struct client_ear *e)
{
	if (e->node.next != NULL)
		list_del(&e->node);
}

/* --- links that only finish what they have --- */

/* A link that is drained goes when its last stream has ended, or when it has had its time; so
 * does the agent when it is to stop. */
static void
on_sweep(struct loop_timer *t)
{
	struct client *c = list_of(t, struct client, sweep);
	int64_t now = loop_now_us(c->loop);

	check(c->state != CLIENT_OFF && c->state != CLIENT_OVER);
	check(list_empty(&c->draining) == (c->n_draining == 0));
	LIST_EACH(node, &c->draining) {
		struct uplink *s = list_of(node, struct uplink, node);

		if (!s->held && (link_n_streams(&s->carrier.link) == 0 ||
				    now - s->draining_us > (int64_t)LIMIT_DRAIN_MS * 1000))
			carrier_close(&s->carrier, LINK_CODE_OK, "drained");
	}
	if (c->state == CLIENT_STOPPING && (open_streams(c) == 0 || now >= c->stop_us))
		client_end(c, c->exit_code);
	if (!client_is_ending(c) && (c->state == CLIENT_STOPPING || !list_empty(&c->draining)))
		loop_timer_set(c->loop, &c->sweep,
		    c->state == CLIENT_STOPPING && c->stop_us == INT64_MAX ? LONG_SWEEP_US
									   : CLIENT_SWEEP_US);
}

/* --- the whole --- */

/* The machine's name for people, into cap bytes. HELLO takes no control characters, wherever a
 * host's name has them from. */
static void
tell_host(char *dst, size_t cap)
{
	if (gethostname(dst, cap - 1) != 0)
		dst[0] = '\0';
	for (char *p = dst; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
			*p = '?';
}

char *
client_init(struct client *c, struct resolver *r, const char *edge, const char *ca)
{
	char *error = edge_dial_init(&c->dial, c->loop, r, edge, ca, true);

	if (error != NULL)
		return error;
	if (carrier_shared_init(&c->carriers, SERVE_LINKS_MAX) != 0) {
		edge_dial_fini(&c->dial);
		return strdup("out of memory");
	}
	list_init(&c->ears);
	c->born_us = clock_boot_us();
	rand_name(c->instance, sizeof(c->instance) - 1);
	tell_host(c->host, sizeof(c->host));
	c->dial.done = on_dialled;
	list_init(&c->draining);
	loop_task_init(&c->end, on_end);
	c->timer.fn = on_timer;
	c->sync.fn = client_on_sync;
	c->probe.fn = client_on_probe;
	c->probed.fn = client_on_probed;
	c->sweep.fn = on_sweep;
	return NULL;
}

void
client_fini(struct client *c)
{
	check(c->session == NULL && list_empty(&c->draining) && c->n_draining == 0);
	edge_dial_fini(&c->dial);
	carrier_shared_fini(&c->carriers);
	hello_wipe(&c->hello);
}

void
client_start(struct client *c)
{
	check(c->state == CLIENT_OFF);
	client_dial(c);
}

void
client_stop(struct client *c)
{
	/*
	 * The first signal waits for streams for a while; where a newer agent had taken
	 * over and they had all the time they like, they have that while from now on; one
	 * more signal ends them.
	 */
	if (c->state != CLIENT_STOPPING) {
		client_wind_down(c, EXIT_STOPPED);
	} else if (c->stop_us == INT64_MAX) {
		c->exit_code = EXIT_STOPPED;
		c->stop_us = loop_now_us(c->loop) + STOP_US;
	} else {
		client_end(c, EXIT_STOPPED);
	}
}
