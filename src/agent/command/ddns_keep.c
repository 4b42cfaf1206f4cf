/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the edge where names are, and people what came of it. */
#include "agent/command/ddns_keep.h"

#include "agent/core/exit_code.h"
#include "agent/link/netaddr.h"
#include "base/limits.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* For one answer: the edge may knock meanwhile. */
#define ANSWER_US 15000000
/* Between looks whether the port still answers, or whether a family that has gone is back. */
#define LOOK_SOON_US 30000000

/* --- what is told --- */

const char *
ddns_keep_wish(struct ddns_keep_family *f, int64_t now_us)
{
	if (f->address[0] != '\0' || f->linked || !f->had) {
		f->gone_us = 0;
		return f->address[0] != '\0' ? f->address : "link";
	}
	if (f->gone_us == 0)
		f->gone_us = now_us;
	return now_us - f->gone_us >= (int64_t)LIMIT_DDNS_GONE_MS * 1000 ? "no" : NULL;
}

bool
ddns_keep_name(struct ddns_keep_name *n, const char *text, bool host, char room[64])
{
	struct slice iid = slice_str(text), name = slice_cut(&iid, '=');
	char z[INET6_ADDRSTRLEN];
	static const unsigned char none[8];

	*n = (struct ddns_keep_name){ .name = text };
	if (!host)
		return true;
	if (!slice_z(name, room, 64) || !slice_z(iid, z, sizeof(z)) ||
	    inet_pton(AF_INET6, z, &n->iid) != 1 || memcmp(&n->iid, none, sizeof(none)) != 0)
		return false;
	n->name = room;
	n->has_iid = true;
	return name.n > 0;
}

/*
 * Of IPv6 the address that stays is named, where the edge sees one of the same network: what goes out
 * has a temporary one. Where it sees another network a translator stands between, which knows better.
 */
static void
choose_v6(struct ddns_keep *k)
{
	struct ddns_keep_family *f = &k->families[KEEP_V6];
	struct in6_addr best, seen;

	if (!netaddr_best(&best, false))
		return;
	if (f->address[0] != '\0' && inet_pton(AF_INET6, f->address, &seen) == 1 &&
	    !netaddr_same_net(&best, &seen))
		return;
	(void)inet_ntop(AF_INET6, &best, f->address, sizeof(f->address));
}

static void
put_member(struct buf *b, const char *key, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(b, ",\"%s\":", key);
	buf_json(b, slice_str(value));
}

/* Another machine has our network, and no IPv4 address of its own. */
static void
put_addresses(struct ddns_keep *k, const struct ddns_keep_name *n, struct buf *b)
{
	int64_t now = loop_now_us(k->client->loop);
	struct ddns_keep_family *v6 = &k->families[KEEP_V6];
	char joined[INET6_ADDRSTRLEN] = "";
	struct in6_addr net;

	if (!n->has_iid) {
		put_member(b, "v4", ddns_keep_wish(&k->families[KEEP_V4], now));
		put_member(b, "v6", ddns_keep_wish(v6, now));
		return;
	}
	if (inet_pton(AF_INET6, v6->address, &net) == 1) {
		net = netaddr_join(&net, &n->iid);
		(void)inet_ntop(AF_INET6, &net, joined, sizeof(joined));
		put_member(b, "v6", joined);
	}
}

static void
say(struct ddns_keep *k)
{
	const struct ddns_keep_name *n = &k->names[k->next];
	struct buf b;

	buf_init(&b, 4096);
	buf_put(&b, S("{\"type\":\"ddns\",\"name\":"));
	buf_json(&b, slice_str(n->name));
	put_addresses(k, n, &b);
	if (k->port != 0)
		buf_printf(&b, ",\"port\":%u", k->port);
	if (k->or_tunnel)
		buf_put(&b, S(",\"or_tunnel\":true"));
	buf_put(&b, S(",\"seen\":["));
	for (size_t i = 0, n_put = 0; i < KEEP_FAMILIES; i++)
		if (k->tickets[i][0] != '\0') {
			buf_put(&b, n_put++ > 0 ? S(",") : S(""));
			buf_json(&b, slice_str(k->tickets[i]));
		}
	buf_put(&b, S("]}"));
	client_say(k->client, buf_slice(&b));
	buf_fini(&b);
	k->asking = true;
	loop_timer_set(k->client->loop, &k->patience, ANSWER_US);
}

static void
look_later(struct ddns_keep *k)
{
	bool soon =
	    k->or_tunnel || k->families[KEEP_V4].gone_us != 0 || k->families[KEEP_V6].gone_us != 0;

	loop_timer_set(k->client->loop, &k->look,
	    soon ? LOOK_SOON_US : (int64_t)LIMIT_DDNS_LOOK_MS * 1000);
}

/* All names from the first one on; where that is under way, once more behind it. */
static void
tell_all(struct ddns_keep *k)
{
	if (k->asking) {
		k->again = true;
		return;
	}
	k->again = false;
	k->next = 0;
	choose_v6(k);
	say(k);
}

static void
next_name(struct ddns_keep *k)
{
	k->asking = false;
	loop_timer_stop(k->client->loop, &k->patience);
	if (k->again)
		tell_all(k);
	else if (++k->next < k->n_names)
		say(k);
	else
		look_later(k);
}

/* --- what the edge sees --- */

static void
on_seen(struct edge_seen *s, const char *address, const char *ticket)
{
	struct ddns_keep *k = s->owner;
	size_t at = s->family == AF_INET ? KEEP_V4 : KEEP_V6;

	check(k->n_asked > 0);
	snprintf(k->families[at].address, sizeof(k->families[at].address), "%s", address);
	k->tickets[at][0] = '\0';
	if (address[0] != '\0' && ticket[0] != '\0')
		snprintf(k->tickets[at], sizeof(k->tickets[at]), "%s %s", ticket, address);
	if (--k->n_asked == 0)
		tell_all(k);
}

static void
look(struct ddns_keep *k)
{
	static const int families[KEEP_FAMILIES] = { [KEEP_V4] = AF_INET, [KEEP_V6] = AF_INET6 };

	if (k->n_asked > 0 || k->client->state != CLIENT_UP)
		return;
	k->n_asked = KEEP_FAMILIES;
	for (size_t i = 0; i < KEEP_FAMILIES; i++) {
		k->seen[i].done = on_seen;
		k->seen[i].owner = k;
		k->seen[i].family = families[i];
		edge_seen_start(&k->seen[i], k->client->loop, k->client->dial.resolver,
		    k->login.edge, k->login.ca);
	}
}

static void
on_look(struct loop_timer *t)
{
	look(list_of(t, struct ddns_keep, look));
}

static void
on_settle(struct loop_timer *t)
{
	look(list_of(t, struct ddns_keep, settle));
}

/* The edge does not know the question, or has lost it. */
static void
on_patience(struct loop_timer *t)
{
	struct ddns_keep *k = list_of(t, struct ddns_keep, patience);

	log_event(LOG_WARN, "ddns-unanswered", LOG_Z("name", k->names[k->next].name));
	next_name(k);
}

/* --- what people are told --- */

static const char *
text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static const char *
advice(const struct ddns_keep *k, const json_t *answer)
{
	const char *reach4 = text_at(answer, "reach4"), *class = text_at(answer, "class");

	if (strcmp(class, "cgnat") == 0)
		return "your provider shares this IPv4 address among customers (CGNAT): nobody can "
		       "connect to it. A tunnel works: adit http PORT --name NAME";
	if (k->port != 0 && (strcmp(reach4, "refused") == 0 || strcmp(reach4, "silent") == 0) &&
	    !k->or_tunnel)
		return "the edge cannot connect to it: forward the port in your router. Where the "
		       "provider shares the address among customers (CGNAT), a tunnel works, and "
		       "nothing else: adit http PORT --name NAME";
	return "";
}

static void
tell(struct ddns_keep *k, struct ddns_keep_name *n, const json_t *answer)
{
	struct screen_address a = {
		.host = text_at(answer, "host"),
		.v4 = text_at(answer, "v4"),
		.v6 = text_at(answer, "v6"),
		.reach4 = text_at(answer, "reach4"),
		.reach6 = text_at(answer, "reach6"),
		.port = k->port,
		.text = advice(k, answer),
	};
	char told[sizeof(n->told)];

	a.tunnel = k->or_tunnel && a.v4[0] == '\0' && a.v6[0] == '\0';
	snprintf(told, sizeof(told), "%s %s %s %s %s", a.host, a.v4, a.v6, a.reach4, a.reach6);
	if (strcmp(told, n->told) == 0)
		return;
	memcpy(n->told, told, sizeof(told));
	screen_address(k->client->screen, n->name, &a);
}

static void
take_answer(struct ddns_keep *k, const json_t *answer)
{
	struct ddns_keep_name *n = &k->names[k->next];

	if (!k->asking || strcmp(text_at(answer, "type"), "ddns") != 0)
		return;
	if (json_is_true(json_object_get(answer, "ok"))) {
		if (!n->has_iid) {
			bool v6 = strchr(text_at(answer, "link"), ':') != NULL;

			k->families[KEEP_V4].had = text_at(answer, "v4")[0] != '\0';
			k->families[KEEP_V6].had = text_at(answer, "v6")[0] != '\0';
			k->families[KEEP_V4].linked = !v6;
			k->families[KEEP_V6].linked = v6;
		}
		tell(k, n, answer);
	} else if (strcmp(n->told, text_at(answer, "text")) != 0) {
		snprintf(n->told, sizeof(n->told), "%s", text_at(answer, "text"));
		screen_refused(k->client->screen, n->name, text_at(answer, "code"),
		    text_at(answer, "text"));
	}
	next_name(k);
}

/* --- what the agent calls --- */

void
ddns_keep_talk(struct client *c, struct slice json, void *owner)
{
	struct ddns_keep *k = owner;
	json_t *answer;

	if (json.n > 0) {
		answer = json_loadb(json.p, json.n, 0, NULL);
		take_answer(k, answer);
		json_decref(answer);
		return;
	}
	/* A welcome: what was known may be so no more, but the link itself tells what counts. */
	k->client = c;
	k->patience.fn = on_patience;
	k->look.fn = on_look;
	k->settle.fn = on_settle;
	k->asking = k->again = false;
	for (size_t i = 0; i < KEEP_FAMILIES; i++) {
		k->families[i].address[0] = k->tickets[i][0] = '\0';
		k->families[i].linked = false;
	}
	tell_all(k);
	look(k);
}

void
ddns_keep_changed(void *owner)
{
	struct ddns_keep *k = owner;

	if (k->client != NULL)
		loop_timer_set(k->client->loop, &k->settle, (int64_t)LIMIT_DDNS_SETTLE_MS * 1000);
}

void
ddns_keep_ended(void *owner)
{
	struct ddns_keep *k = owner;

	if (k->client == NULL)
		return;
	for (size_t i = 0; i < KEEP_FAMILIES; i++)
		edge_seen_stop(&k->seen[i]);
	loop_timer_stop(k->client->loop, &k->patience);
	loop_timer_stop(k->client->loop, &k->look);
	loop_timer_stop(k->client->loop, &k->settle);
}
