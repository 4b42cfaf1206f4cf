/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates there are: their states, the store, what is shown. */
#include "edge/cert/cert_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "edge/core/board.h"

#include <stdio.h>
#include <stdlib.h>

int64_t
certs_now_s(void)
{
	return clock_wall_ms() / 1000;
}

bool
certs_has_acme(const struct certs *all)
{
	return all->settings->acme.n_cas > 0;
}

/* --- one of them --- */

/* By the state that is entered: those that may lead to it. */
static const unsigned predecessors[] = {
	[CERT_RESTS] = 1 << CERT_ASKS | 1 << CERT_KEEPS,
	[CERT_ASKS] = 1 << CERT_RESTS,
	[CERT_ORDERS] = 1 << CERT_RESTS,
	[CERT_KEEPS] = 1 << CERT_RESTS | 1 << CERT_ASKS | 1 << CERT_ORDERS,
};

/* Also counts who is at work: the only writer of the state. */
void
cert_move(struct cert *c, enum cert_state to)
{
	check(predecessors[to] & 1u << c->state);
	c->all->n_orders += (to == CERT_ORDERS) - (unsigned)(c->state == CERT_ORDERS);
	c->all->n_asks += (to == CERT_ASKS) - (unsigned)(c->state == CERT_ASKS);
	check(c->all->n_orders <= LIMIT_CERT_ORDERS);
	c->state = to;
}

struct cert *
certs_find(const struct certs *all, const char *name)
{
	struct map_node *n = map_first(&all->by_name, map_hash(slice_str(name)));

	for (; n != NULL; n = map_next_same(n)) {
		struct cert *c = map_of(n, struct cert, by_name);

		if (strcmp(c->row.names[0], name) == 0)
			return c;
	}
	return NULL;
}

static void
on_again(struct loop_timer *t)
{
	struct cert *c = list_of(t, struct cert, again);
	char *text = row_write(&c->row);

	check(c->state == CERT_KEEPS && !keep_is_busy(&c->keep));
	if (text == NULL) {
		loop_timer_set(c->all->home.loop, t, LIMIT_CERT_STORE_MS * 1000LL);
		return;
	}
	keep_put(&c->keep, &c->all->home, c->all->edge, KEEP_CERTIFICATE, c->row.names[0],
	    c->row.account, c->version, text);
	row_free_text(text);
}

/*
 * For both: what a case wants stored on its way, and what is stored at its end.  Nobody else writes the
 * item, so where another version is there, an answer was lost: ours is the newer one.
 */
static void
on_kept(struct keep *k, bool ok, const char *why)
{
	struct cert *c = list_of(k, struct cert, keep);

	if (c->all->stopped)
		return;
	c->version = ok ? k->req.version : k->req.result == STORE_CHANGED ? ITEM_ANY : c->version;
	if (!ok)
		log_event(LOG_ERROR, "certificate-store", LOG_Z("name", c->row.names[0]),
		    LOG_Z("why", why));
	if (c->state == CERT_ORDERS)
		drive_stored(c->drive, ok);
	else if (ok)
		c->kept(c);
	else
		loop_timer_set(c->all->home.loop, &c->again, LIMIT_CERT_STORE_MS * 1000LL);
}

void
cert_keep(struct cert *c, void (*kept)(struct cert *c))
{
	cert_move(c, CERT_KEEPS);
	c->kept = kept;
	on_again(&c->again);
}

/* In the order of their names, so that pages of a list follow one another. */
static void
enter(struct certs *all, struct cert *c)
{
	struct cert **at = &all->first;

	while (*at != NULL && strcmp((*at)->row.names[0], c->row.names[0]) < 0)
		at = &(*at)->next;
	c->next = *at;
	*at = c;
	all->n++;
}

struct cert *
cert_new(struct certs *all, struct row *row)
{
	struct cert *c = all->n < LIMIT_CERT_ROWS ? calloc(1, sizeof(*c)) : NULL;

	if (c == NULL ||
	    map_put(&all->by_name, &c->by_name, map_hash(slice_str(row->names[0]))) != 0) {
		row_fini(row);
		free(c);
		return NULL;
	}
	c->all = all;
	c->row = *row;
	c->again.fn = on_again;
	c->keep.done = on_kept;
	/* All at once after a start, but one behind the other. */
	c->ask_s = certs_now_s() + (int64_t)(rand_u64() % (2 * all->n + 1));
	enter(all, c);
	return c;
}

static void
free_cert(struct cert *c)
{
	check(c->drive == NULL && !keep_is_busy(&c->keep));
	tls_pair_unref(c->pair);
	row_fini(&c->row);
	free(c);
}

static void
on_grave(struct loop_grave *g)
{
	free_cert(list_of(g, struct cert, grave));
}

static void
leave(struct cert *c)
{
	struct cert **at = &c->all->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	map_del(&c->all->by_name, &c->by_name);
	c->all->n--;
}

static void
on_deleted(struct keep *k, bool ok, const char *why)
{
	struct cert *c = list_of(k, struct cert, keep);
	bool was_served = c->pair != NULL;

	if (c->all->stopped)
		return;
	if (!ok) { /* it is tried again with the next look */
		log_event(LOG_ERROR, "certificate-store", LOG_Z("name", c->row.names[0]),
		    LOG_Z("why", why));
		c->keep.done = on_kept;
		return;
	}
	c->version = 0;
	if (!c->unwanted) { /* somebody has changed his mind meanwhile */
		c->keep.done = on_kept;
		cert_keep(c, cert_rest);
		return;
	}
	log_event(LOG_INFO, "certificate-deleted", LOG_Z("name", c->row.names[0]));
	leave(c);
	if (was_served)
		c->all->changed(c->all->owner);
	loop_bury(c->all->home.loop, &c->grave, on_grave);
}

/* Nobody wants it any more. */
void
cert_discard(struct cert *c)
{
	check(c->state == CERT_RESTS);
	if (keep_is_busy(&c->keep))
		return;
	c->keep.done = on_deleted;
	keep_del(&c->keep, &c->all->home, c->all->edge, KEEP_CERTIFICATE, c->row.names[0]);
}

void
cert_rest(struct cert *c)
{
	cert_move(c, CERT_RESTS);
	if (c->unwanted)
		cert_discard(c);
	certs_kick(c->all);
}

void
cert_serve(struct cert *c)
{
	struct tls_cert_files f = { .cert_path = c->row.names[0],
		.key_path = c->row.names[0],
		.cert = slice_str(c->row.live.chain),
		.key = slice_str(c->row.live.key) };
	char *error = NULL;
	struct tls_pair *pair = tls_pair_new(&f, &error);

	if (pair == NULL) {
		log_event(LOG_ERROR, "certificate", LOG_Z("name", c->row.names[0]),
		    LOG_Z("why", error));
		free(error);
		return;
	}
	tls_pair_unref(c->pair);
	c->pair = pair;
}

struct plan_life
cert_life(const struct cert *c)
{
	if (c->row.live.chain == NULL)
		return (struct plan_life){ 0 };
	return (struct plan_life){ .not_before_s = c->row.live.facts.not_before_s,
		.not_after_s = c->row.live.facts.not_after_s,
		.window = &c->row.live.window,
		.random = c->row.live.random };
}

/* --- what is shown --- */

static bool
find_challenge(void *arg, const char *name, struct buf *cert, struct buf *key)
{
	struct board *b = arg;

	return !board_is_empty(b) && board_alpn(b, name, cert, key);
}

/* Those of the edge itself first: the first one is for who asks for no name. */
struct tls_server *
certs_server(const struct certs *all, const struct tls_server *base)
{
	struct tls_challenges ch = { find_challenge, all->edge->board };
	struct tls_pair **pairs = calloc(all->n + 1, sizeof(struct tls_pair *));
	struct tls_server *s;
	size_t n = 0;

	if (pairs == NULL)
		return NULL;
	for (int set = 1; set >= 0; set--)
		for (struct cert *c = all->first; c != NULL; c = c->next)
			if (c->pair != NULL && c->set == set && certs_has_acme(all))
				pairs[n++] = c->pair;
	check(n <= all->n);
	s = tls_server_with(base, pairs, n, &ch);
	free(pairs);
	return s;
}

/* --- life --- */

void
certs_start(struct certs *all)
{
	all->started = true;
	certs_kick(all);
}

void
certs_stop(struct certs *all)
{
	if (all == NULL)
		return;
	all->stopped = true;
	loop_timer_stop(all->home.loop, &all->tick);
	jobs_end(all);
	notice_free(all->notice);
	all->notice = NULL;
	for (struct cert *c = all->first; c != NULL; c = c->next) {
		loop_timer_stop(all->home.loop, &c->again);
		drive_end(c->drive);
		c->drive = NULL;
	}
}

void
certs_free(struct certs *all)
{
	struct cert *c;

	if (all == NULL)
		return;
	check(all->home.n_pending == 0);
	while ((c = all->first) != NULL) {
		leave(c);
		free_cert(c);
	}
	map_fini(&all->by_name);
	certs_forget_domains(all);
	registrations_fini(&all->registrations);
	settings_unref(all->settings);
	free(all);
}
