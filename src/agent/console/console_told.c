/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent and the edge tell the console: events, and answers to questions through the tunnels. */
#include "agent/console/console_private.h"

#include "agent/link/uplink.h"
#include "base/clock.h"

#include <jansson.h>
#include <stdio.h>

static struct console *
console_of(struct screen *s)
{
	struct console *c = list_of(s, struct console, screen);

	console_dirty(c);
	return c;
}

size_t
console_find(const struct console *c, const char *label)
{
	for (size_t i = 0; c->client != NULL && i < c->client->serve->n_tunnels; i++)
		if (strcmp(c->client->serve->tunnels[i].label, label) == 0)
			return i;
	return SIZE_MAX;
}

/* An answer through a tunnel. */
static void
take_answer(struct console *c, size_t i, const char *code, unsigned status, int64_t us)
{
	struct console_tunnel *t = &c->tunnels[i];

	snprintf(t->code, sizeof(t->code), "%s", code);
	t->status = status;
	t->us = us;
	t->at_ms = console_now_ms(c);
}

/* --- events --- */

static void
told_up(struct screen *s, const char *name, const char *url, const char *origin,
    enum screen_tls tls, const struct screen_probe *probe, const struct screen_hook *hook)
{
	struct console *c = console_of(s);
	size_t i = console_find(c, name);

	(void)url;
	(void)origin;
	(void)tls;
	(void)hook;
	if (!c->was_up)
		c->moved_ms = console_now_ms(c);
	c->was_up = true;
	c->why[0] = '\0';
	if (i < LIMIT_AGENT_TUNNELS && probe != NULL)
		take_answer(c, i, probe->code, probe->status, probe->us);
}

static void
told_online(struct screen *s, const char *name)
{
	struct console *c = console_of(s);
	size_t i = console_find(c, name);

	if (i < LIMIT_AGENT_TUNNELS)
		snprintf(c->tunnels[i].code, sizeof(c->tunnels[i].code), "ok");
	console_notice(c, "%s is online again", name);
}

static void
told_certificate(struct screen *s, const char *name, const char *host, const char *issuer,
    const char *until, const char *caa)
{
	(void)host;
	(void)caa;
	console_notice(console_of(s), "%s: certificate of %s until %s", name, issuer, until);
}

static void
told_no_certificate(struct screen *s, const char *name, const char *why, int64_t again_s)
{
	(void)again_s;
	console_notice(console_of(s), "%s: no certificate: %s", name, why);
}

static void
told_domain(struct screen *s, const struct screen_domain *d)
{
	if (d->why[0] == '\0')
		console_notice(console_of(s), "%s leads to %s", d->name, d->tunnel);
	else
		console_notice(console_of(s), "%s is not served yet: %s", d->name, d->why);
}

static void
told_address(struct screen *s, const char *name, const struct screen_address *a)
{
	console_notice(console_of(s), "%s: %s%s%s", name, a->host, a->text[0] != '\0' ? "; " : "",
	    a->text);
}

static void
told_down(struct screen *s, const char *why)
{
	struct console *c = console_of(s);

	c->moved_ms = console_now_ms(c);
	c->was_up = false;
	snprintf(c->why, sizeof(c->why), "%s", why);
	for (size_t i = 0; i < LIMIT_AGENT_TUNNELS; i++)
		c->tunnels[i].code[0] = '\0';
}

static void
told_retry(struct screen *s, int64_t pause_ms, const char *why)
{
	struct console *c = console_of(s);

	c->again_ms = console_now_ms(c) + pause_ms;
	snprintf(c->why, sizeof(c->why), "%s", why);
}

static void
told_refused(struct screen *s, const char *name, const char *code, const char *text)
{
	struct console *c = console_of(s);
	size_t i = console_find(c, name);
	const char *why = text[0] != '\0' ? text : code;

	if (name[0] == '\0')
		snprintf(c->refused, sizeof(c->refused), "%s", why);
	else if (i < LIMIT_AGENT_TUNNELS)
		snprintf(c->tunnels[i].why, sizeof(c->tunnels[i].why), "%s", why);
}

static void
told_replaced(struct screen *s, const char *name, const char *text)
{
	console_notice(console_of(s), "%s: %s", name,
	    text[0] != '\0' ? text : "taken over by another agent of this account");
}

static void
told_speaks_tls(struct screen *s, const char *name, const char *origin)
{
	(void)origin;
	console_notice(console_of(s),
	    "%s: the local server speaks TLS: use https:// in its address", name);
}

static void
told_stopping(struct screen *s, size_t n)
{
	console_of(s)->n_open = n;
}

/* Its row is the capture's; here it is a proof that the tunnel works. */
static void
told_request(struct screen *s, const struct screen_request *r)
{
	struct console *c = list_of(s, struct console, screen);
	size_t i = r->status == 0 ? SIZE_MAX : console_find(c, r->name);

	if (i < LIMIT_AGENT_TUNNELS)
		take_answer(c, i, "ok", r->status, r->took_us);
}

const struct screen_calls console_calls = {
	.up = told_up,
	.online = told_online,
	.certificate = told_certificate,
	.no_certificate = told_no_certificate,
	.domain = told_domain,
	.address = told_address,
	.down = told_down,
	.retry = told_retry,
	.refused = told_refused,
	.replaced = told_replaced,
	.speaks_tls = told_speaks_tls,
	.stopping = told_stopping,
	.request = told_request,
};

/* --- the edge's questions --- */

/* {"type":"probe"}, doc/protocol.txt: how the local server answered. The client takes the rest of it. */
static void
take_probe(struct console *c, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	const json_t *origin = json_object_get(o, "origin");
	const char *code = json_string_value(json_object_get(origin, "probe"));
	size_t i = name == NULL ? SIZE_MAX : console_find(c, name);

	if (i >= LIMIT_AGENT_TUNNELS || code == NULL ||
	    c->client->serve->tunnels[i].state != TUNNEL_UP)
		return;
	take_answer(c, i, code, (unsigned)json_integer_value(json_object_get(origin, "status")),
	    json_integer_value(json_object_get(origin, "us")));
}

void
console_heard(struct client_ear *e, struct client *client, struct slice json)
{
	struct console *c = list_of(e, struct console, ear);
	json_t *o = json_loadb(json.p, json.n, 0, NULL);
	const char *type = json_string_value(json_object_get(o, "type"));

	(void)client;
	if (type != NULL && strcmp(type, "probe") == 0) {
		take_probe(c, o);
		console_dirty(c);
	}
	json_decref(o);
}
