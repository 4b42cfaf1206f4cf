/* SPDX-License-Identifier: Apache-2.0 */
/* An attempt to get a certificate, from its beginning to what is served; and the question when to renew one. */
#include "edge/cert/cert_private.h"

#include "base/log.h"
#include "base/rand.h"

#include <stdio.h>
#include <stdlib.h>

#define BROKEN_PAUSE_S 600 /* of what this edge could not even begin */

static void
failed(struct cert *c, const struct acme_failure *f)
{
	struct plan_life l = cert_life(c);
	int64_t now_s = certs_now_s();
	bool of_ca = f->blame == ACME_CA_DOWN || f->blame == ACME_LIMITED || f->blame == ACME_LIED;

	c->row.failures++;
	c->row.failed_s = now_s;
	c->row.next_s =
	    plan_retry_s(f, c->row.failures, &l, c->n_ways > 0 ? c->n_ways : 1, now_s, rand_u64());
	c->row.down_s = !of_ca ? 0 : c->row.down_s != 0 ? c->row.down_s : now_s;
	snprintf(c->row.problem, sizeof(c->row.problem), "%s", f->text);
	/* The order goes on where the CA was not there; else the next attempt is a new one, with a new key. */
	if (f->blame != ACME_CA_DOWN && f->blame != ACME_LIMITED)
		row_take_pending(&c->row, NULL, "");
	log_event(LOG_ERROR, "certificate-failed", LOG_Z("name", c->row.names[0]),
	    LOG_Z("why", f->text), LOG_U("failures", c->row.failures),
	    LOG_U("again_s", (uint64_t)(c->row.next_s - now_s)));
	cert_keep(c, cert_rest);
}

/* Without a case: the configuration, or memory. */
static void
cannot_begin(struct cert *c, const char *why)
{
	struct acme_failure f = { .blame = ACME_REFUSED,
		.retry_at_s = certs_now_s() + BROKEN_PAUSE_S };

	snprintf(f.text, sizeof(f.text), "%s", why);
	failed(c, &f);
}

/* --- what an order brings --- */

/* It is on the disk: now it may be seen, and the challenges may go. */
static void
on_live(struct cert *c)
{
	drive_end(c->drive);
	c->drive = NULL;
	cert_serve(c);
	log_event(LOG_INFO, "certificate", LOG_Z("name", c->row.names[0]),
	    LOG_Z("issuer", c->row.live.facts.issuer),
	    LOG_U("days", (uint64_t)(c->row.live.facts.not_after_s - certs_now_s()) / 86400));
	c->ask_s = certs_now_s() + (int64_t)(rand_u64() % (2 * c->all->n));
	c->all->changed(c->all->owner);
	cert_rest(c);
}

/*
 * The library has judged key, names, dates and signatures.  That it is the newer one follows from its key,
 * which was made for this order: not from its dates, since CAs date back as they like.
 */
static const char *
take_live(struct cert *c)
{
	struct acme_certificate got;
	char *chain, *key;

	acme_certificate(drive_case(c->drive), &got);
	chain = strndup(got.chain.p, got.chain.n);
	key = strndup(got.key.p, got.key.n);
	if (chain == NULL || key == NULL) {
		free(chain);
		row_free_text(key);
		return "out of memory";
	}
	row_take_live(&c->row, chain, key, drive_registration(c->drive)->directory, &got.facts,
	    rand_u64());
	return NULL;
}

static void
on_over(void *owner, const struct acme_step *s)
{
	struct cert *c = owner;
	struct acme_failure f;
	const char *why = "";

	check(c->state == CERT_ORDERS && s->what != ACME_DONE);
	if (s->what == ACME_READY && (why = take_live(c)) == NULL) {
		cert_keep(c, on_live);
		return;
	}
	if (s->what == ACME_READY) {
		f = (struct acme_failure){ .blame = ACME_BROKEN };
		snprintf(f.text, sizeof(f.text), "%s", why);
	} else {
		f = *s->failure;
	}
	drive_end(c->drive);
	c->drive = NULL;
	failed(c, &f);
}

static void
on_store(void *owner, char *text)
{
	struct cert *c = owner;
	int64_t at_s;
	char *row;

	check(c->state == CERT_ORDERS);
	/* Each order counts, also the second one of an attempt; what failed before the first is none. */
	at_s = acme_ordered_s(drive_case(c->drive));
	if (at_s != 0 && at_s != c->row.orders_s[0])
		row_note_order(&c->row, at_s);
	row_take_pending(&c->row, text, drive_registration(c->drive)->directory);
	row = row_write(&c->row);
	if (row == NULL) {
		drive_stored(c->drive, false);
		return;
	}
	keep_put(&c->keep, &c->all->home, c->all->edge, KEEP_CERTIFICATE, c->row.names[0],
	    c->row.account, c->version, row);
	row_free_text(row);
}

static void
on_unseen(void *owner, const char *text)
{
	struct cert *c = owner;

	snprintf(c->unseen, sizeof(c->unseen), "%s", text);
}

static const struct drive_ops order_ops = {
	.store = on_store,
	.unseen = on_unseen,
	.over = on_over,
};

/* --- how one begins --- */

unsigned
cert_can(const struct cert *c, const char *name)
{
	const struct settings *s = c->all->settings;
	/* Behind a Unix socket somebody else ends TLS, and passes on what comes to port 80. */
	struct plan_ways w = { .alpn = s->https.kind == ADDR_TCP,
		.http = s->has_http,
		.allowed = s->acme.challenges };
	struct ident id;

	if (ident_read(slice_str(name), &id) != NULL)
		return 0;
	/* One label is delegated to us, that of the domain and its wildcard; or all of the zone is. */
	w.dns =
	    c->all->has_dns &&
	    (strcmp(ident_base(&id), c->all->edge->domain) == 0 ||
		(c->all->has_zone && edge_name_of(c->all->edge, slice_str(ident_base(&id))).n > 0));
	return plan_can(&id, &w);
}

/* The CA's own profile for servers, unless the configuration says another; an address needs a short life. */
static void
choose_profile(const struct cert *c, struct acme_wish *w)
{
	const char *configured = c->all->settings->acme.profile;
	struct ident id;

	if (ident_read(slice_str(c->row.names[0]), &id) == NULL && id.ip_n > 0)
		w->profile = "shortlived";
	else if (configured[0] != '\0') {
		w->profile = configured;
		w->profile_must = true;
	} else
		w->profile = "tlsserver";
}

static struct acme *
new_case(struct cert *c, struct registration *r, char why[ACME_WHY_BYTES])
{
	struct slice names[ROW_NAMES];
	unsigned can[ROW_NAMES];
	struct acme_wish w = { .names = names, .can = can, .n = c->row.n_names };

	for (size_t i = 0; i < c->row.n_names; i++) {
		names[i] = slice_str(c->row.names[i]);
		can[i] = cert_can(c, c->row.names[i]);
		if (can[i] != 0)
			continue;
		snprintf(why, ACME_WHY_BYTES,
		    "%s: nothing proves this name here: a wildcard needs dns: in the "
		    "configuration, "
		    "others need listen: with an address for https or http",
		    c->row.names[i]);
		return NULL;
	}
	c->n_ways = (unsigned)__builtin_popcount(can[0]);
	choose_profile(c, &w);
	/* Of another CA it would be a stranger's number. */
	if (c->row.live.chain != NULL && c->row.live.facts.id[0] != '\0' &&
	    strcmp(c->row.live.ca, r->directory) == 0)
		w.replaces = c->row.live.facts.id;
	return acme_issue(r->ca, &w, why);
}

/* Nothing is asked of a CA whose server cannot be known: its file may have gone since the start. True:
 * that is its problem now. */
static bool
cannot_trust(struct cert *c, struct registration *r)
{
	char *error = registration_connect(r);

	if (error == NULL)
		return false;
	cannot_begin(c, error);
	free(error);
	return true;
}

/* The CA whose turn it is; what was begun at another one, or is of other names, ends here. */
static const char *
choose_ca(struct cert *c, int64_t now_s)
{
	const struct settings_acme *a = &c->all->settings->acme;
	size_t at = plan_ca(a->n_cas, c->row.ca, c->row.down_s, now_s);

	if (at != c->row.ca) {
		log_event(LOG_WARN, "certificate-fallback", LOG_Z("name", c->row.names[0]),
		    LOG_Z("ca", a->cas[at].directory));
		c->row.ca = at;
		c->row.down_s = 0;
	}
	if (c->row.pending.text != NULL && strcmp(c->row.pending.ca, a->cas[at].directory) != 0)
		row_take_pending(&c->row, NULL, "");
	return a->cas[at].directory;
}

bool
cert_order(struct cert *c)
{
	const char *fault, *directory = choose_ca(c, certs_now_s());
	struct registration *r =
	    registrations_get(&c->all->registrations, c->all->settings, directory, &fault);
	struct acme *acme = NULL;
	char why[ACME_WHY_BYTES] = "out of memory";

	c->n_ways = 1;
	if (r == NULL) {
		cannot_begin(c, fault);
		return false;
	}
	/* A change of the key that was cut short goes first: jobs_go_on() sees it with the next tick. */
	if (r->alone || ca_is_rolling(r->ca) || cannot_trust(c, r))
		return false;
	if (c->row.pending.text != NULL) {
		acme = acme_load(r->ca, slice_str(c->row.pending.text));
		if (acme == NULL) /* damage, or of a library that wrote something else */
			row_take_pending(&c->row, NULL, "");
	}
	if (acme == NULL) {
		if (plan_bucket_wait_s(&r->orders, &plan_rate_orders, certs_now_s()) > 0)
			return false;
		acme = new_case(c, r, why);
		if (acme != NULL)
			plan_bucket_take(&r->orders, &plan_rate_orders, certs_now_s());
	}
	c->drive = acme == NULL ? NULL : drive_start(r, acme, &order_ops, c);
	if (c->drive == NULL) {
		cannot_begin(c, why);
		return false;
	}
	c->unseen[0] = '\0';
	log_event(LOG_INFO, "certificate-order", LOG_Z("name", c->row.names[0]),
	    LOG_Z("ca", directory));
	cert_move(c, CERT_ORDERS);
	return true;
}

/* --- when to renew it --- */

/* A window holds until the CA says another one: its instant is chosen once, and kept with it. */
static bool
take_window(struct cert *c, const struct renewal_window *w)
{
	struct renewal_window *mine = &c->row.live.window;

	c->ask_s = plan_ask_s(w->start_s == 0 ? LIMIT_CERT_ASK_S : w->ask_again_s, certs_now_s(),
	    rand_u64());
	if (mine->start_s == w->start_s && mine->end_s == w->end_s &&
	    strcmp(mine->why, w->why) == 0)
		return false;
	*mine = *w;
	c->row.live.random = rand_u64();
	log_event(LOG_INFO, "certificate-window", LOG_Z("name", c->row.names[0]),
	    LOG_U("start", (uint64_t)w->start_s), LOG_U("end", (uint64_t)w->end_s),
	    LOG_Z("why", w->why));
	return true;
}

static void
on_asked(void *owner, const struct acme_step *s)
{
	struct cert *c = owner;
	bool news = false;

	check(c->state == CERT_ASKS && s->what != ACME_READY);
	if (s->what == ACME_DONE) {
		news = take_window(c, acme_window(drive_case(c->drive)));
	} else {
		c->ask_s = plan_ask_s(RENEWAL_ASK_AGAIN_S, certs_now_s(), rand_u64());
		log_event(LOG_WARN, "certificate-window", LOG_Z("name", c->row.names[0]),
		    LOG_Z("why", s->failure->text));
	}
	drive_end(c->drive);
	c->drive = NULL;
	if (news)
		cert_keep(c, cert_rest);
	else
		cert_rest(c);
}

/* A question alone leaves nothing to be stored. */
static void
on_asked_store(void *owner, char *text)
{
	struct cert *c = owner;

	row_free_text(text);
	drive_stored(c->drive, true);
}

static const struct drive_ops ask_ops = { .store = on_asked_store, .over = on_asked };

void
cert_ask(struct cert *c)
{
	const char *why;
	struct registration *r =
	    registrations_get(&c->all->registrations, c->all->settings, c->row.live.ca, &why);
	struct acme *acme = r == NULL || r->alone || ca_is_rolling(r->ca)
				? NULL
				: acme_ask_renewal(r->ca, c->row.live.facts.id);

	c->ask_s = plan_ask_s(RENEWAL_ASK_AGAIN_S, certs_now_s(), rand_u64());
	c->drive = acme == NULL ? NULL : drive_start(r, acme, &ask_ops, c);
	if (c->drive != NULL)
		cert_move(c, CERT_ASKS);
}

void
cert_forget_question(struct cert *c)
{
	if (c->state != CERT_ASKS)
		return;
	drive_end(c->drive);
	c->drive = NULL;
	cert_move(c, CERT_RESTS);
}
