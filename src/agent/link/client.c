/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's link as a state machine: dial, HELLO, up, and again after a pause. */
#include "agent/link/client.h"

#include "agent/core/exit_code.h"
#include "agent/link/uplink.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* How long open streams may go on after a signal to stop. */
#define STOP_US 5000000
/* What a probe's answer may take, at least: then the link is dead (R-03 wants it
 * back within 2 s). */
#define PROBE_US 1200000
#define SWEEP_US 50000
/* The same while streams of a link that was replaced may go on for hours. */
#define LONG_SWEEP_US 500000

/* The only writer of the state. */
static void
move(struct client *c, enum client_state to)
{
	check(c->state != CLIENT_OVER);
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

	move(c, CLIENT_OVER);
	edge_dial_cancel(&c->dial);
	loop_timer_stop(c->loop, &c->probe);
	loop_timer_stop(c->loop, &c->probed);
	loop_timer_stop(c->loop, &c->sweep);
	while (!list_empty(&c->draining))
		carrier_close(&list_of(c->draining.next, struct uplink, node)->carrier,
		    LINK_CODE_SHUTDOWN, "stopped");
	if (c->session != NULL)
		carrier_close(&c->session->carrier, LINK_CODE_SHUTDOWN, "stopped");
	c->over(c, c->exit_code);
}

static void
end(struct client *c, int exit_code)
{
	if (c->state == CLIENT_OVER || !list_empty(&c->end.node))
		return;
	c->exit_code = exit_code;
	loop_at_end(c->loop, &c->end);
}

/* True while an end is decided on, or has come. */
static bool
is_ending(const struct client *c)
{
	return c->state == CLIENT_OVER || !list_empty(&c->end.node);
}

static size_t
open_streams(struct client *c)
{
	size_t n = c->session == NULL ? 0 : link_n_streams(&c->session->carrier.link);

	LIST_EACH(node, &c->draining)
		n += link_n_streams(&list_of(node, struct uplink, node)->carrier.link);
	return n;
}

/* No new streams; those that are open may go on: for a while after a signal, for as long as they
 * like where a newer agent serves the tunnels. */
static void
wind_down(struct client *c, int exit_code)
{
	size_t n = open_streams(c);

	if (is_ending(c) || c->state == CLIENT_STOPPING)
		return;
	c->exit_code = exit_code;
	if (n == 0) {
		end(c, exit_code);
		return;
	}
	edge_dial_cancel(&c->dial);
	move(c, CLIENT_STOPPING);
	c->stop_us = exit_code == EXIT_STOPPED ? loop_now_us(c->loop) + STOP_US : INT64_MAX;
	if (c->session != NULL)
		carrier_goaway(&c->session->carrier, LINK_CODE_SHUTDOWN, 0);
	loop_timer_set(c->loop, &c->sweep, SWEEP_US);
	screen_stopping(c->screen, n);
}

/* --- dialling --- */

static void
start_dial(struct client *c)
{
	move(c, CLIENT_DIALLING);
	edge_dial_start(&c->dial);
}

static void
retry_later(struct client *c, const char *why)
{
	int64_t pause = c->at_once ? 0 : retry_pause_ms(&c->retry, c->floor_ms, rand_u64());

	c->at_once = false;
	c->floor_ms = 0;
	snprintf(c->why, sizeof(c->why), "%s", why);
	if (c->once) {
		end(c, EXIT_BROKE);
		return;
	}
	move(c, CLIENT_WAITING);
	loop_timer_set(c->loop, &c->timer, pause * 1000);
	screen_retry(c->screen, pause, c->why);
}

static void
on_timer(struct loop_timer *t)
{
	struct client *c = list_of(t, struct client, timer);

	if (c->state == CLIENT_WAITING)
		start_dial(c);
	else if (c->state == CLIENT_UP && c->talk != NULL)
		c->talk(c, S(""), c->talk_owner);
	else if (c->state == CLIENT_GREETING)
		carrier_close(&c->session->carrier, LINK_CODE_SILENT,
		    "the edge did not answer the HELLO");
}

static void
on_dialled(struct edge_dial *d, struct conn *conn, const char *why)
{
	struct client *c = list_of(d, struct client, dial);

	if (conn == NULL) {
		retry_later(c, why);
		return;
	}
	move(c, CLIENT_GREETING);
	loop_timer_set(c->loop, &c->timer, (int64_t)LIMIT_HELLO_MS * 1000);
	if (uplink_open(c, conn) == NULL) {
		conn_close(conn);
		retry_later(c, "out of memory");
	}
}

/* --- what links say --- */

static size_t
count(const struct client *c, enum tunnel_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < c->serve->n_tunnels; i++)
		n += c->serve->tunnels[i].state == state;
	return n;
}

void
client_say(struct client *c, struct slice json)
{
	if (c->session != NULL)
		carrier_control(&c->session->carrier, json);
}

void
client_later(struct client *c, int64_t us)
{
	loop_timer_set(c->loop, &c->timer, us);
}

void
client_finish(struct client *c, int exit_code)
{
	end(c, exit_code);
}

void
client_welcomed(struct client *c, struct uplink *s)
{
	if (c->once && c->talk == NULL) {
		end(c, EXIT_STOPPED);
		return;
	}
	move(c, CLIENT_UP);
	if (c->talk != NULL) {
		c->talk(c, S(""), c->talk_owner);
		return;
	}
	if (count(c, TUNNEL_UP) > 0) {
		loop_timer_set(c->loop, &c->probed, (int64_t)LIMIT_PROBED_MS * 1000);
		return;
	}
	if (count(c, TUNNEL_WANTED) > 0)
		carrier_close(&s->carrier, LINK_CODE_OK, "the edge can serve no tunnel now");
	else
		end(c, count(c, TUNNEL_REFUSED) > 0 ? EXIT_REFUSED : EXIT_REPLACED);
}

/* Whoever waits for "up" waits no longer. */
static void
on_probed(struct loop_timer *timer)
{
	struct client *c = list_of(timer, struct client, probed);

	for (size_t i = 0; i < c->serve->n_tunnels; i++) {
		struct agent_tunnel *t = &c->serve->tunnels[i];

		if (t->state == TUNNEL_UP)
			uplink_tell_probed(c, t, NULL);
	}
}

/* Refusals that no later attempt would change. */
static bool
is_final(const char *code)
{
	static const char *const codes[] = { "bad-token", "token-revoked", "bad-hello" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

void
client_refused(struct client *c, const char *code, const char *text, uint32_t retry_ms)
{
	snprintf(c->why, sizeof(c->why), "%s", text[0] != '\0' ? text : code);
	if (is_final(code)) {
		screen_refused(c->screen, "", code, text);
		end(c, EXIT_REFUSED);
		return;
	}
	c->floor_ms = retry_ms;
	carrier_close(&c->session->carrier, LINK_CODE_OK, c->why);
}

static void
on_origin_back(struct look *l)
{
	struct agent_tunnel *t = list_of(l, struct agent_tunnel, look);
	char json[64];
	int n = snprintf(json, sizeof(json), "{\"type\":\"origin\",\"id\":%u}", t->ask.id);

	log_event(LOG_INFO, "origin-back", LOG_Z("tunnel", t->label));
	client_say(l->owner, slice_of(json, (size_t)n));
}

void
client_waiting(struct client *c, struct agent_tunnel *t, bool waits)
{
	t->look.back = on_origin_back;
	t->look.owner = c;
	look_wanted(&t->look, &t->origin, waits);
}

/* Nobody is there to be told. */
static void
stop_looking(struct client *c)
{
	for (size_t i = 0; i < c->serve->n_tunnels; i++) {
		c->serve->tunnels[i].failing = false;
		look_stop(&c->serve->tunnels[i].look);
		look_stop(&c->serve->tunnels[i].news);
	}
}

void
client_replaced(struct client *c, struct agent_tunnel *t, const char *text)
{
	t->state = TUNNEL_REPLACED;
	t->failing = false;
	look_stop(&t->look);
	look_stop(&t->news);
	screen_replaced(c->screen, t->label, text);
	if (count(c, TUNNEL_UP) == 0 && count(c, TUNNEL_WANTED) == 0)
		wind_down(c, count(c, TUNNEL_REFUSED) > 0 ? EXIT_REFUSED : EXIT_REPLACED);
}

static void
on_sweep(struct loop_timer *t)
{
	struct client *c = list_of(t, struct client, sweep);
	int64_t now = loop_now_us(c->loop);

	LIST_EACH(node, &c->draining) {
		struct uplink *s = list_of(node, struct uplink, node);

		if (link_n_streams(&s->carrier.link) == 0 ||
		    now - s->draining_us > (int64_t)LIMIT_DRAIN_MS * 1000)
			carrier_close(&s->carrier, LINK_CODE_OK, "drained");
	}
	if (c->state == CLIENT_STOPPING && (open_streams(c) == 0 || now >= c->stop_us))
		end(c, c->exit_code);
	if (!is_ending(c) && (c->state == CLIENT_STOPPING || !list_empty(&c->draining)))
		loop_timer_set(c->loop, &c->sweep,
		    c->state == CLIENT_STOPPING && c->stop_us == INT64_MAX ? LONG_SWEEP_US
									   : SWEEP_US);
}

/* The edge opens no more streams on this link: it finishes what it has while the
 * next one is dialled. */
static void
drain(struct client *c, struct uplink *s)
{
	if (c->n_draining == SERVE_LINKS_MAX - 1)
		carrier_close(&list_of(c->draining.next, struct uplink, node)->carrier,
		    LINK_CODE_OK, "too many links are being drained");
	c->session = NULL;
	stop_looking(c);
	loop_timer_stop(c->loop, &c->probed);
	s->draining_us = loop_now_us(c->loop);
	list_push(&c->draining, &s->node);
	c->n_draining++;
	loop_timer_set(c->loop, &c->sweep, SWEEP_US);
}

void
client_goaway(struct client *c, struct uplink *s, uint32_t code, uint32_t retry_ms)
{
	char why[64];

	if (s != c->session || is_ending(c))
		return;
	if (code == LINK_CODE_REVOKED) {
		snprintf(c->why, sizeof(c->why), "the token was revoked, or has expired");
		screen_refused(c->screen, "", link_code_name(code), c->why);
		end(c, EXIT_REFUSED);
		return;
	}
	if (code == LINK_CODE_REPLACED) {
		for (size_t i = 0; i < c->serve->n_tunnels; i++)
			if (c->serve->tunnels[i].state == TUNNEL_UP)
				client_replaced(c, &c->serve->tunnels[i], "");
		return;
	}
	c->floor_ms = retry_ms;
	if (c->state != CLIENT_UP)
		return; /* its end follows, or we are stopping anyway */
	snprintf(why, sizeof(why), "the edge ends the link: %s", link_code_name(code));
	screen_down(c->screen, why);
	drain(c, s);
	retry_later(c, why);
}

void
client_lost(struct client *c, struct uplink *s, const char *why)
{
	char text[256];

	if (s != c->session) {
		list_del(&s->node);
		c->n_draining--;
		return;
	}
	c->session = NULL;
	stop_looking(c);
	loop_timer_stop(c->loop, &c->probe);
	loop_timer_stop(c->loop, &c->probed);
	if (s->up_us != 0)
		retry_lived(&c->retry, loop_now_us(c->loop) - s->up_us);
	if (is_ending(c))
		return;
	if (c->state == CLIENT_STOPPING) {
		if (list_empty(&c->draining))
			end(c, c->exit_code);
		return;
	}
	snprintf(text, sizeof(text), "%s", why);
	if (s->up_us != 0)
		screen_down(c->screen, text);
	retry_later(c, text);
}

/* --- doubts --- */

/* Any byte is an answer. */
static bool
is_answered(const struct client *c)
{
	return c->session->carrier.link.heard_us > c->probe_us;
}

static void
on_probe(struct loop_timer *t)
{
	struct client *c = list_of(t, struct client, probe);

	if (c->session == NULL || is_answered(c))
		return;
	c->at_once = true; /* it is not the edge that went away: no reason to wait */
	carrier_close(&c->session->carrier, LINK_CODE_SILENT, "the edge does not answer any more");
}

void
client_check_link(struct client *c, const char *why)
{
	int64_t patience = PROBE_US;

	log_event(LOG_INFO, "probe", LOG_Z("why", why));
	if (is_ending(c) || c->state == CLIENT_STOPPING)
		return;
	if (c->state == CLIENT_WAITING) {
		start_dial(c);
		return;
	}
	if (c->session == NULL || (c->probe.slot != 0 && !is_answered(c)))
		return;
	c->probe_us = loop_now_us(c->loop);
	link_probe(&c->session->carrier.link, c->probe_us);
	carrier_kick(&c->session->carrier);
	if (4 * c->session->carrier.rtt_us > patience)
		patience = 4 * c->session->carrier.rtt_us;
	loop_timer_set(c->loop, &c->probe, patience);
}

/* --- the whole --- */

/* HELLO takes no control characters, wherever a host's name has them from. */
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
	char *error = edge_dial_init(&c->dial, c->loop, r, edge, ca);

	if (error != NULL)
		return error;
	if (carrier_shared_init(&c->carriers, SERVE_LINKS_MAX) != 0) {
		edge_dial_fini(&c->dial);
		return strdup("out of memory");
	}
	c->born_us = clock_boot_us();
	rand_name(c->instance, sizeof(c->instance) - 1);
	tell_host(c->host, sizeof(c->host));
	c->dial.done = on_dialled;
	list_init(&c->draining);
	loop_task_init(&c->end, on_end);
	c->timer.fn = on_timer;
	c->probe.fn = on_probe;
	c->probed.fn = on_probed;
	c->sweep.fn = on_sweep;
	return NULL;
}

void
client_fini(struct client *c)
{
	check(c->session == NULL && list_empty(&c->draining));
	edge_dial_fini(&c->dial);
	carrier_shared_fini(&c->carriers);
	hello_wipe(&c->hello);
}

void
client_start(struct client *c)
{
	start_dial(c);
}

void
client_stop(struct client *c)
{
	if (c->state != CLIENT_STOPPING) {
		wind_down(c, EXIT_STOPPED);
	} else if (c->stop_us == INT64_MAX) {
		c->exit_code = EXIT_STOPPED;
		c->stop_us = loop_now_us(c->loop) + STOP_US;
	} else {
		end(c, EXIT_STOPPED);
	}
}
