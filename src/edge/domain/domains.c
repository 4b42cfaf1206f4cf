/* SPDX-License-Identifier: Apache-2.0 */
/* All own domains: the timer that checks them, and what follows from a check. */
#include "edge/domain/domains_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/core/own_domain.h"
#include "edge/core/settings.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/* How often it is looked whether one is due; a wall clock may jump. */
#define LOOK_US (2 * INT64_C(1000000))

/* A look at the DNS of one domain, which lives from its start to the end of the turn of its answer. */
struct domain_check {
	struct proof proof;
	struct domain *domain;
	struct loop_grave grave;
};

/* --- the table --- */

struct domain *
domains_find(struct domains *ds, struct slice name)
{
	struct map_node *node;

	for (node = map_first(&ds->names, map_hash(name)); node != NULL;
	     node = map_next_same(node)) {
		struct domain *d = map_of(node, struct domain, by_name);

		if (slice_eq(slice_str(d->state.name), name))
			return d;
	}
	return NULL;
}

struct domain *
domains_add(struct domains *ds, struct slice name)
{
	struct domain *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	check(slice_z(name, d->state.name, sizeof(d->state.name)));
	d->domains = ds;
	list_init(&d->checkers);
	list_init(&d->savers);
	if (map_put(&ds->names, &d->by_name, map_hash(name)) != 0) {
		free(d);
		return NULL;
	}
	return d;
}

/* Nobody wants it any more, and nothing that is under way comes back to it. */
static void
drop_if_over(struct domain *d)
{
	if (d->state.n > 0 || d->saving || d->check != NULL)
		return;
	check(list_empty(&d->checkers) && list_empty(&d->savers));
	map_del(&d->domains->names, &d->by_name);
	free(d);
}

/* --- what follows from a state --- */

static void
tell_certificate(struct domain *d, const struct wish *holder, const struct wish *fallen)
{
	const struct domains_calls *c = &d->domains->calls;
	/* Suspended, it keeps the certificate that it has for the 30 days. */
	enum domain_told tell = holder != NULL                                      ? TOLD_WANTED
				: fallen != NULL && fallen->state == WISH_SUSPENDED ? TOLD_PAUSED
										    : TOLD_UNWANTED;

	if (!d->domains->started)
		return; /* who gets certificates may not be there yet */
	/* Where TLS ends at the agent, the agent gets one for itself. */
	if (holder != NULL &&
	    directory_is_tls(d->domains->edge->directory, slice_str(holder->tunnel)))
		return;
	/* A wish may have been refused, for want of acme: or of room, so it is told anew each time. */
	if (tell == d->told && tell != TOLD_WANTED)
		return;
	d->told = tell;
	if (tell == TOLD_WANTED && c->want != NULL)
		c->want(c->arg, d->state.name, holder->account);
	if (tell == TOLD_PAUSED && c->pause != NULL)
		c->pause(c->arg, d->state.name);
	if (tell == TOLD_UNWANTED && c->unwant != NULL)
		c->unwant(c->arg, d->state.name);
}

/* Port 80 does not send people to https:// where they would meet an error. */
static void
look_for_certificate(const struct domain *d)
{
	const struct domains *ds = d->domains;
	bool served = true;

	if (!ds->started)
		return;
	if (ds->calls.certificate != NULL)
		json_decref(ds->calls.certificate(ds->calls.arg, d->state.name, &served));
	own_domain_certified(ds->edge->own_domains, slice_str(d->state.name), served);
}

void
domains_certificates_changed(struct domains *ds)
{
	struct map_node *node = NULL;

	while ((node = map_walk(&ds->names, node)) != NULL)
		look_for_certificate(map_of(node, struct domain, by_name));
}

static void
show(struct domain *d)
{
	struct own_domains *t = d->domains->edge->own_domains;
	struct slice name = slice_str(d->state.name);
	const struct wish *holder = wish_holder(&d->state), *fallen = wish_fallen(&d->state);
	const struct wish *w = holder != NULL ? holder : fallen;

	if (w == NULL)
		own_domain_drop(t, name);
	else if (!own_domain_set(t, name, w->account, w->tunnel, holder == NULL))
		log_event(LOG_ERROR, "no-memory", LOG_Z("domain", d->state.name));
	tell_certificate(d, holder, fallen);
	look_for_certificate(d);
}

/* --- the store --- */

static void save(struct domain *d);

static void
on_saved(struct errand *e)
{
	struct domain *d = list_of(e, struct domain, errand);
	enum store_result r = d->req.result;

	check(d->saving);
	d->saving = false;
	free((void *)(uintptr_t)d->req.bytes.p);
	if (r == STORE_OK || (r == STORE_NONE && d->req.op == ITEM_DEL))
		d->version = d->req.op == ITEM_DEL ? 0 : d->req.version;
	else
		log_event(LOG_ERROR, "domain-not-stored", LOG_Z("domain", d->state.name),
		    LOG_Z("why", store_result_text(r)));
	item_req_fini(&d->req);
	/* What the store does not take is served all the same, and put again after a check. */
	if (d->changed && !d->domains->stopped) {
		save(d);
		return;
	}
	ask_saved(d, r == STORE_NONE ? STORE_OK : r);
	drop_if_over(d);
}

static void
save(struct domain *d)
{
	char *text;

	d->changed = true;
	if (d->saving)
		return;
	text = d->state.n == 0 ? NULL : domain_json_text(&d->state);
	if (d->state.n > 0 && text == NULL) {
		ask_saved(d, STORE_FULL);
		return;
	}
	d->changed = false;
	d->saving = true;
	d->req = (struct item_req){
		.op = d->state.n == 0 ? ITEM_DEL : ITEM_PUT,
		.kind = "domain",
		.version = ITEM_ANY, /* nobody else writes this kind */
		.bytes = slice_str(text),
	};
	memcpy(d->req.name, d->state.name, sizeof(d->state.name));
	errand_item(&d->errand, &d->domains->errands, d->domains->edge->store, &d->req, on_saved);
}

void
domains_changed(struct domain *d)
{
	show(d);
	save(d);
}

/* --- checks --- */

static bool
owns(void *arg, const char *tunnel, const char *account)
{
	const struct edge *e = arg;

	return directory_owns(e->directory, slice_str(tunnel), slice_str(account));
}

static void
on_check_grave(struct loop_grave *g)
{
	free(list_of(g, struct domain_check, grave));
}

static void
end_check(struct domain_check *c)
{
	struct domains *ds = c->domain->domains;

	check(c->domain->check == c && ds->n_checks > 0);
	c->domain->check = NULL;
	ds->n_checks--;
	loop_bury(ds->edge->main_loop, &c->grave, on_check_grave);
}

static void
log_change(const struct domain *d, const struct wish *w, enum wish_state before)
{
	if (w->state != before)
		log_event(w->state == WISH_SUSPENDED ? LOG_WARN : LOG_INFO, "domain",
		    LOG_Z("domain", d->state.name), LOG_Z("account", w->account),
		    LOG_Z("tunnel", w->tunnel), LOG_Z("state", wish_state_text(w->state)),
		    LOG_Z("why", w->why));
}

static void
on_proof(struct proof *p)
{
	struct domain_check *c = list_of(p, struct domain_check, proof);
	struct domain *d = c->domain;
	struct domain_state *s = &d->state;
	enum wish_proof seen[LIMIT_DOMAIN_WISHES];
	enum wish_state before[LIMIT_DOMAIN_WISHES];

	for (size_t i = 0; i < s->n; i++) {
		seen[i] = proof_judge(p, &s->wishes[i], owns, d->domains->edge);
		before[i] = s->wishes[i].state;
	}
	end_check(c);
	d->checked_us = loop_now_us(d->domains->edge->main_loop);
	if (s->n == 0) { /* given up meanwhile */
		ask_checked(d);
		drop_if_over(d);
		return;
	}
	wish_judge(s, seen, clock_wall_ms());
	for (size_t i = 0; i < s->n; i++)
		log_change(d, &s->wishes[i], before[i]);
	ask_checked(d);
	domains_changed(d);
}

void
domains_check_now(struct domain *d)
{
	struct domains *ds = d->domains;
	struct domain_check *c;

	if (d->check != NULL || ds->n_checks >= LIMIT_DOMAIN_PROOFS || d->state.n == 0 ||
	    (c = calloc(1, sizeof(*c))) == NULL)
		return; /* the tick comes by again */
	c->domain = d;
	d->check = c;
	ds->n_checks++;
	c->proof.ask.loop = ds->edge->main_loop;
	c->proof.ask.servers = &ds->servers;
	c->proof.zone = ds->edge->domain;
	c->proof.listens = ds->listens;
	c->proof.done = on_proof;
	proof_start(&c->proof, d->state.name);
}

static void
on_tick(struct loop_timer *t)
{
	struct domains *ds = list_of(t, struct domains, tick);
	struct map_node *node = NULL;
	int64_t now = clock_wall_ms();

	while (ds->n_checks < LIMIT_DOMAIN_PROOFS && (node = map_walk(&ds->names, node)) != NULL) {
		struct domain *d = map_of(node, struct domain, by_name);

		if (d->state.next_ms != 0 && d->state.next_ms <= now)
			domains_check_now(d);
	}
	domain_notice_look(ds->notice);
	loop_timer_set(ds->edge->main_loop, &ds->tick, LOOK_US);
}

/* --- asks come in --- */

static void
on_wake(struct loop *loop, struct loop_mail *m)
{
	struct domains *ds = list_of(m, struct domains, wake);
	struct list *node;

	check(loop == ds->edge->main_loop);
	pthread_mutex_lock(&ds->lock);
	ds->woken = false;
	while ((node = list_pop(&ds->incoming)) != NULL) {
		struct domain_ask *a = list_of(node, struct domain_ask, node);

		pthread_mutex_unlock(&ds->lock);
		ask_handle(ds, a);
		pthread_mutex_lock(&ds->lock);
	}
	pthread_mutex_unlock(&ds->lock);
}

/* --- life --- */

/* One address that is listened on, and not all of the machine. */
static void
note_listener(struct domains *ds, const struct addr *a)
{
	struct sockaddr_storage ss;
	struct proof_address *to = &ds->listens.all[ds->listens.n];
	socklen_t len;

	if (a->kind != ADDR_TCP || a->host[0] == '\0' || addr_sockaddr(a, true, &ss, &len) != 0)
		return;
	if (ss.ss_family == AF_INET) {
		to->n = 4;
		memcpy(to->bytes, &((const struct sockaddr_in *)(const void *)&ss)->sin_addr, 4);
	} else {
		to->n = 16;
		memcpy(to->bytes, &((const struct sockaddr_in6 *)(const void *)&ss)->sin6_addr, 16);
	}
	ds->listens.n++;
}

void
domains_use_settings(struct domains *ds, struct settings *s)
{
	struct map_node *node = NULL;

	settings_unref(ds->settings);
	ds->settings = settings_ref(s);
	domain_notice_use_settings(ds->notice);
	/* What CAs and files there are for their certificates may be new, too. */
	while (ds->started && (node = map_walk(&ds->names, node)) != NULL)
		show(map_of(node, struct domain, by_name));
	if (s->default_tunnel[0] != '\0' || !edge_is_address(ds->edge))
		own_domain_set_default(ds->edge->own_domains, s->default_tunnel);
	dnsask_servers(&ds->servers, &s->resolver);
}

struct domains *
domains_new(struct edge *e, const struct domains_calls *calls)
{
	struct domains *ds = calloc(1, sizeof(*ds));

	if (ds == NULL)
		return NULL;
	ds->edge = e;
	if ((ds->notice = domain_notice_new(ds)) == NULL) {
		free(ds);
		return NULL;
	}
	if (calls != NULL)
		ds->calls = *calls;
	ds->errands.loop = e->main_loop;
	ds->tick.fn = on_tick;
	ds->wake.fn = on_wake;
	map_init(&ds->names);
	list_init(&ds->incoming);
	check(pthread_mutex_init(&ds->lock, NULL) == 0);
	return ds;
}

bool
domains_load(struct domains *ds, const struct item_row *row)
{
	struct domain *d = domains_add(ds, slice_str(row->name));

	if (d == NULL)
		return false;
	if (!domain_json_read(slice_of(row->bytes, row->n), &d->state)) {
		log_event(LOG_ERROR, "domain-unreadable", LOG_Z("domain", row->name));
		d->state.n = 0;
		drop_if_over(d);
		return true;
	}
	d->version = row->version;
	show(d);
	return true;
}

void
domains_start(struct domains *ds)
{
	struct map_node *node = NULL;
	struct addr own;

	check(!ds->started);
	ds->started = true;
	while ((node = map_walk(&ds->names, node)) != NULL) {
		struct domain *d = map_of(node, struct domain, by_name);

		/* One that is over is told once more: the last process may have had no time to. */
		d->told = TOLD_NOTHING;
		show(d);
	}
	note_listener(ds, &ds->edge->started->https);
	if (edge_is_address(ds->edge) && addr_parse(slice_str(ds->edge->domain), &own) == NULL)
		note_listener(ds, &own);
	loop_timer_set(ds->edge->main_loop, &ds->tick, 0);
}

void
domains_stop(struct domains *ds)
{
	struct map_node *node = NULL;
	struct list *ask;

	if (ds == NULL || ds->stopped)
		return;
	ds->stopped = true;
	loop_timer_stop(ds->edge->main_loop, &ds->tick);
	domain_notice_free(ds->notice);
	ds->notice = NULL;
	pthread_mutex_lock(&ds->lock);
	ds->closed = true;
	pthread_mutex_unlock(&ds->lock);
	/* Nobody adds to it any more. */
	while ((ask = list_pop(&ds->incoming)) != NULL)
		ask_refuse(list_of(ask, struct domain_ask, node), "stopping",
		    "the edge is stopping");
	while ((node = map_walk(&ds->names, node)) != NULL) {
		struct domain *d = map_of(node, struct domain, by_name);

		if (d->check != NULL) {
			proof_cancel(&d->check->proof);
			end_check(d->check);
		}
		ask_checked(d);
		ask_saved(d, STORE_BROKEN);
	}
}

void
domains_free(struct domains *ds)
{
	struct map_node *node;

	if (ds == NULL)
		return;
	check(ds->errands.n_pending == 0 && ds->n_checks == 0 && list_empty(&ds->incoming));
	while ((node = map_take_any(&ds->names)) != NULL)
		free(map_of(node, struct domain, by_name));
	map_fini(&ds->names);
	settings_unref(ds->settings);
	domain_notice_free(ds->notice); /* of one that was never started */
	pthread_mutex_destroy(&ds->lock);
	free(ds);
}
