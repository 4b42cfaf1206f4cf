/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of names' own records, one after another, whoever wants them: an UPDATE (RFC 2136) or an
 * ask of another thread. Each is staged, stored, carried out in both zones, and answered then.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "dns/rr.h"
#include "edge/dns/name_server_private.h"

#include <stdio.h>
#include <stdlib.h>

static void
work_move(struct dns_work *w, enum dns_work_state to)
{
	/* From which states each one is reached. */
	static const unsigned from[] = {
		[DNS_WORK_FREE] = 1u << DNS_WORK_STORING | 1u << DNS_WORK_UNDOING,
		[DNS_WORK_STORING] = 1u << DNS_WORK_FREE,
		[DNS_WORK_UNDOING] = 1u << DNS_WORK_STORING,
	};

	check((from[to] & 1u << w->state) != 0);
	w->state = to;
}

/* --- the end --- */

/* To whoever has sent the UPDATE, if he is still there. */
static void
answer_update(struct name_server *ns, struct dns_work *w, bool good)
{
	unsigned char *reply = ns->room->tcp + 2;
	bool changed, by_tcp = w->asker.conn != NULL;
	size_t n = authority_settle(w->update, good, clock_wall_ms() / 1000, reply,
	    by_tcp || w->asker.port == NULL ? DNS_MESSAGE_BYTES : LIMIT_DNS_UDP_BYTES, &changed);

	if (changed) {
		counter_add(&ns->counters.updates, 1);
		dns_own_used(ns, zone_serial(ns->zone));
		dns_notify_all(ns);
	}
	if (by_tcp) {
		dns_tcp_updated(w->asker.conn, n);
	} else if (w->asker.port != NULL && n > 0) {
		w->asker.to.bytes = reply;
		w->asker.to.n = n;
		(void)udp_send(w->asker.port->io.fd, &w->asker.to, 1);
	}
}

static void
clear(struct name_server *ns)
{
	struct dns_work *w = &ns->work;

	check(w->n_pending == 0);
	if (w->state != DNS_WORK_FREE)
		work_move(w, DNS_WORK_FREE);
	for (size_t i = 0; i < w->n_items; i++) {
		struct dns_put_item *item = &w->items[i];

		/* What was counted and did not come, and what has gone. */
		if (item->comes || item->goes)
			dns_quota_give(ns, dname_slice(&item->name));
		free(item->bytes);
	}
	free(w->items);
	free(w->touched);
	*w = (struct dns_work){ 0 };
}

/* Where nothing is carried out. */
static void
refuse(struct name_server *ns, enum records_result result)
{
	struct dns_work *w = &ns->work;

	change_cancel(w->own);
	w->own = NULL;
	for (size_t i = 0; i < w->n_items; i++)
		w->items[i].goes = false;
	if (w->update != NULL) {
		answer_update(ns, w, false);
	} else {
		change_cancel(w->served);
		records_end(ns, w->ask, result);
	}
	clear(ns);
}

/* Stored: served, and answered. */
static void
carry_out(struct name_server *ns)
{
	struct dns_work *w = &ns->work;
	enum change_end own = change_commit(w->own);
	bool good = own == CHANGE_MADE || own == CHANGE_NONE;

	w->own = NULL;
	for (size_t i = 0; good && i < w->n_items; i++)
		w->items[i].comes = false;
	good = good && dns_render(ns, w->served, w->touched, w->n_touched);
	if (!good)
		log_event(LOG_ERROR, "dns-not-served", LOG_Z("why", "out of memory"));
	if (w->update != NULL) {
		answer_update(ns, w, good);
	} else {
		counter_add(&ns->counters.asks, 1);
		if (good)
			good = dns_render_commit(ns, w->served);
		else
			change_cancel(w->served);
		records_end(ns, w->ask, good ? RECORDS_DONE : RECORDS_FAILED);
	}
	clear(ns);
}

/* --- storing --- */

static void on_stored(struct errand *e);

static void
submit(struct name_server *ns, struct dns_put_item *item, const unsigned char *bytes, size_t n)
{
	item->req.op = n > 0 ? ITEM_PUT : ITEM_DEL;
	item->req.version = ITEM_ANY;
	item->req.bytes = slice_of(bytes, n);
	ns->work.n_pending++;
	errand_item(&item->errand, &ns->home, ns->edge->store, &item->req, on_stored);
}

/* Puts back what was there before, as far as it was changed. */
static void
undo(struct name_server *ns)
{
	struct dns_work *w = &ns->work;

	work_move(w, DNS_WORK_UNDOING);
	for (size_t i = 0; i < w->n_items; i++) {
		struct dns_put_item *item = &w->items[i];
		size_t n = 0;
		unsigned char *old;

		if (!item->stored)
			continue;
		old = dns_own_bytes(ns, NULL, dname_slice(&item->name), &n);
		free(item->bytes);
		item->bytes = old;
		if (old != NULL)
			submit(ns, item, old, n);
	}
}

static void
after_storing(struct name_server *ns)
{
	struct dns_work *w = &ns->work;
	size_t n_stored = 0;

	for (size_t i = 0; i < w->n_items; i++)
		n_stored += w->items[i].stored;
	if (w->state == DNS_WORK_STORING && n_stored < w->n_items && n_stored > 0) {
		undo(ns);
		if (w->n_pending > 0)
			return;
	}
	if (w->state == DNS_WORK_STORING && n_stored == w->n_items)
		carry_out(ns);
	else
		refuse(ns, RECORDS_FAILED);
	dns_work_next(ns);
}

static void
on_stored(struct errand *e)
{
	struct dns_put_item *item = list_of(e, struct dns_put_item, errand);
	struct name_server *ns = item->ns;
	enum store_result r = item->req.result;

	check(ns->work.n_pending > 0 && ns->work.state != DNS_WORK_FREE);
	/* What is to be deleted may not have been there. */
	item->stored = r == STORE_OK || (r == STORE_NONE && item->req.op == ITEM_DEL);
	if (!item->stored)
		log_event(LOG_ERROR, "dns-records", LOG_Z("name", item->req.name),
		    LOG_Z("why", store_result_text(r)));
	if (--ns->work.n_pending == 0)
		after_storing(ns);
}

/* Names of the change, each once. False without memory. */
static bool
list_names(struct dns_work *w, const struct change *c)
{
	const struct change_row *at = NULL;
	const struct rrset *was, *is;
	struct slice name;
	size_t cap = 0;

	while (change_next(c, &at, &name, &was, &is)) {
		size_t i = 0;

		while (i < w->n_touched && !dname_eq(dname_slice(&w->touched[i]), name))
			i++;
		if (i < w->n_touched)
			continue;
		if (w->n_touched == cap) {
			struct dname *grown =
			    reallocarray(w->touched, cap = 2 * cap + 4, sizeof(*grown));

			if (grown == NULL)
				return false;
			w->touched = grown;
		}
		dname_set_lower(&w->touched[w->n_touched++], name);
	}
	return true;
}

/* One item for each name that has changed. False: no memory, or a name is too long for the store. */
static bool
make_items(struct name_server *ns, struct dns_work *w)
{
	w->items = calloc(w->n_touched + 1, sizeof(*w->items));
	for (size_t i = 0; w->items != NULL && i < w->n_touched; i++) {
		struct dns_put_item *item = &w->items[w->n_items];
		struct slice name = dname_slice(&w->touched[i]);
		size_t n = 0, n_old = 0;
		unsigned char *bytes = dns_own_bytes(ns, w->own, name, &n),
			      *old = dns_own_bytes(ns, NULL, name, &n_old);
		bool same = bytes != NULL && old != NULL &&
			    slice_eq(slice_of(bytes, n), slice_of(old, n_old));

		free(old);
		if (bytes == NULL || old == NULL ||
		    !dns_zone_short(ns, name, item->req.name, sizeof(item->req.name))) {
			free(bytes);
			return false;
		}
		if (same) {
			free(bytes);
			continue;
		}
		*item = (struct dns_put_item){ .ns = ns, .req = item->req, .bytes = bytes };
		item->req.bytes.n = n;
		item->name = w->touched[i];
		strcpy(item->req.kind, "dns");
		w->n_items++;
	}
	return w->items != NULL;
}

/* A CA looks at each of them, and forty of its servers ask at a time. */
static bool
has_few_texts(const struct dns_work *w)
{
	for (size_t i = 0; i < w->n_touched; i++) {
		const struct rrset *s = change_set(w->own, dname_slice(&w->touched[i]), RR_TXT);

		if (s != NULL && s->n > LIMIT_DNS_TEXTS)
			return false;
	}
	return true;
}

/* Room for these names and those above them, in both zones; so that what is stored can be served. */
static bool
has_room(const struct name_server *ns, size_t n)
{
	struct zone_figures served, own;

	zone_figures(ns->zone, &served);
	zone_figures(ns->own, &own);
	return served.names + 2 * n <= LIMIT_DNS_NAMES && own.names + 2 * n <= LIMIT_DNS_NAMES;
}

/* One account shall not fill the zone for all. */
static bool
count_names(struct name_server *ns)
{
	struct dns_work *w = &ns->work;

	for (size_t i = 0; i < w->n_items; i++) {
		struct dns_put_item *item = &w->items[i];
		const struct zone_node *node = zone_node_of(ns->own, dname_slice(&item->name));
		bool was = node != NULL && zone_sets(node) != NULL, is = item->req.bytes.n > 0;

		if (!was && is && !dns_quota_take(ns, dname_slice(&item->name)))
			return false;
		item->comes = !was && is;
		item->goes = was && !is;
	}
	return true;
}

/* Both changes are staged. */
static void
store(struct name_server *ns, const char *account)
{
	struct dns_work *w = &ns->work;

	if (!list_names(w, w->update != NULL ? w->served : w->own) || !make_items(ns, w)) {
		refuse(ns, RECORDS_FAILED);
		return;
	}
	if (!has_room(ns, w->n_touched) || !has_few_texts(w) || !count_names(ns)) {
		refuse(ns, RECORDS_FULL);
		return;
	}
	work_move(w, DNS_WORK_STORING);
	if (w->n_items == 0) {
		/* An UPDATE may have taken away what stands in for nothing. */
		if (w->update != NULL)
			carry_out(ns);
		else
			refuse(ns, RECORDS_SAME);
		return;
	}
	for (size_t i = 0; i < w->n_items; i++) {
		struct dns_put_item *item = &w->items[i];

		if (account != NULL)
			snprintf(item->req.account, sizeof(item->req.account), "%s", account);
		submit(ns, item, item->bytes, item->req.bytes.n);
	}
}

/* --- UPDATE --- */

void
dns_work_update(struct name_server *ns, struct authority_update *u, const struct dns_asker *asker)
{
	struct dns_work *w = &ns->work;

	check(w->state == DNS_WORK_FREE && w->update == NULL && w->ask == NULL);
	w->update = u;
	w->asker = *asker;
	w->served = authority_change(u);
	w->own = change_begin(ns->own);
	if (w->own == NULL || !dns_own_translate(w->served, w->own))
		refuse(ns, RECORDS_FAILED);
	else
		store(ns, NULL);
}

/* --- asks --- */

static void
begin_ask(struct name_server *ns, struct records_ask *ask)
{
	struct dns_work *w = &ns->work;
	enum records_result result = RECORDS_DONE;
	struct dname name;

	w->ask = ask;
	if (!dns_zone_long(ns, ask->name, &name))
		result = RECORDS_BAD;
	else if (!dname_in(dname_slice(&name), zone_origin(ns->zone)))
		result = RECORDS_OUTSIDE;
	if (result == RECORDS_DONE && ask->op != RECORDS_READ) {
		w->own = change_begin(ns->own);
		w->served = change_begin(ns->zone);
		result = w->own != NULL && w->served != NULL ? records_stage(ns, ask, &name)
							     : RECORDS_FAILED;
	}
	if (result == RECORDS_DONE && ask->op != RECORDS_READ)
		store(ns, ask->account);
	else
		refuse(ns, result);
}

void
dns_work_ask(struct name_server *ns, struct records_ask *ask)
{
	ask->next = NULL;
	if (ns->asks == NULL)
		ns->asks_end = &ns->asks;
	*ns->asks_end = ask;
	ns->asks_end = &ask->next;
	if (ns->work.state == DNS_WORK_FREE)
		dns_work_next(ns);
}

/* --- who waits --- */

void
dns_work_later(struct name_server *ns, struct dns_port *p, const struct udp_message *m)
{
	struct dns_later *l;

	/* Clients of UDP ask again by themselves. */
	if (ns->n_later == LIMIT_DNS_UPDATES || (l = malloc(sizeof(*l) + m->n)) == NULL)
		return;
	*l = (struct dns_later){ .port = p, .m = *m };
	memcpy(l->bytes, m->bytes, m->n);
	if (ns->later == NULL)
		ns->later_end = &ns->later;
	*ns->later_end = l;
	ns->later_end = &l->next;
	ns->n_later++;
}

static void
take_later(struct name_server *ns)
{
	struct dns_later *l = ns->later;

	check(ns->n_later > 0);
	ns->later = l->next;
	ns->n_later--;
	l->m.bytes = l->bytes;
	if (l->port->io.fd >= 0)
		dns_udp_again(l->port, &l->m);
	free(l);
}

void
dns_work_next(struct name_server *ns)
{
	if (ns->work.state != DNS_WORK_FREE)
		return;
	check(ns->work.update == NULL && ns->work.ask == NULL);
	if (ns->board_waits)
		dns_board_take(ns);
	while (ns->work.state == DNS_WORK_FREE && ns->asks != NULL) {
		struct records_ask *ask = ns->asks;

		ns->asks = ask->next;
		begin_ask(ns, ask);
	}
	while (ns->work.state == DNS_WORK_FREE && ns->later != NULL)
		take_later(ns);
	if (ns->work.state == DNS_WORK_FREE)
		dns_tcp_again(ns);
}

void
dns_work_forget(struct name_server *ns, const struct dns_conn *c)
{
	if (ns->work.asker.conn == c)
		ns->work.asker.conn = NULL;
}

void
dns_work_stop(struct name_server *ns)
{
	while (ns->asks != NULL) {
		struct records_ask *ask = ns->asks;

		ns->asks = ask->next;
		records_end(ns, ask, RECORDS_FAILED);
	}
	while (ns->later != NULL) {
		struct dns_later *l = ns->later;

		ns->later = l->next;
		ns->n_later--;
		free(l);
	}
	ns->work.asker.port = NULL;
}
