/* SPDX-License-Identifier: Apache-2.0 */
/* Drives a case: requests, waits, challenges, and what must be stored in between. */
#include "edge/cert/drive.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/cert/glance.h"
#include "edge/cert/row.h"
#include "edge/core/board.h"
#include "relay/acme_call.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define TOLD_POLL_US (50 * 1000)
#define SOON_US 1
#define NOTES (LIMIT_ACME_NAMES * CHALLENGE_KINDS)

enum drive_state {
	DRIVE_RUNS,
	DRIVE_SENDS,
	DRIVE_WAITS,
	DRIVE_LOOKS,
	DRIVE_STORES,
	DRIVE_OVER,
};

/* By the state that is entered: those that may lead to it. */
static const unsigned predecessors[] = {
	[DRIVE_RUNS] = 1 << DRIVE_SENDS | 1 << DRIVE_WAITS | 1 << DRIVE_LOOKS | 1 << DRIVE_STORES,
	[DRIVE_SENDS] = 1 << DRIVE_RUNS,
	[DRIVE_WAITS] = 1 << DRIVE_RUNS | 1 << DRIVE_STORES,
	[DRIVE_LOOKS] = 1 << DRIVE_RUNS,
	[DRIVE_STORES] = 1 << DRIVE_RUNS,
	[DRIVE_OVER] = 1 << DRIVE_RUNS | 1 << DRIVE_SENDS | 1 << DRIVE_WAITS | 1 << DRIVE_LOOKS |
		       1 << DRIVE_STORES,
};

/* What is up on the board for this case. */
struct shown {
	struct shown *next;
	enum board_kind kind;
	char *text; /* of DNS notes; NULL */
	char where[];
};

struct drive {
	enum drive_state state;
	struct registration *reg;
	struct acme *acme;
	const struct drive_ops *ops;
	void *owner;
	struct loop_timer timer;
	struct shown *shown;
	/* waiting for the name server */
	bool tells;
	uint64_t told_version;
	int64_t told_until_us;
	const struct challenge *challenge; /* what is told, and then looked at: the case's */
	struct glance *glance;             /* LOOKS; NULL */
	/* a request */
	struct acme_call call;
	/* storing */
	struct keep keep; /* the registration's text */
	uint64_t version; /* of the text that is being stored, the case's or the registration's */
	struct loop_grave grave;
};

static void
move(struct drive *d, enum drive_state to)
{
	check(predecessors[to] & 1u << d->state);
	d->state = to;
}

static struct loop *
loop_of(const struct drive *d)
{
	return d->reg->all->home->loop;
}

static int64_t
now_s(void)
{
	return clock_wall_ms() / 1000;
}

/* Out of whatever called: neither a fetch nor the owner is called back into. */
static void
later(struct drive *d, int64_t us)
{
	loop_timer_set(loop_of(d), &d->timer, us);
}

/*
 * For tests: with ADIT_CERT_KILL=N in the environment the process is gone, as by a power cut, when it
 * comes by here for the N-th time.  That is before and behind everything that is seen outside.
 */
static void
may_die(void)
{
	static long left;
	const char *n;

	if (left == 0)
		left = (n = getenv("ADIT_CERT_KILL")) == NULL ? -1 : strtol(n, NULL, 10);
	if (left > 0 && --left == 0)
		raise(SIGKILL);
}

/* --- challenges --- */

static void
hide_all(struct drive *d)
{
	struct shown *s;

	while ((s = d->shown) != NULL) {
		d->shown = s->next;
		board_hide(d->reg->all->edge->board, s->kind, s->where, s->text);
		free(s->text);
		free(s);
	}
}

static bool
remember(struct drive *d, const struct board_note *n)
{
	struct shown *s = malloc(sizeof(*s) + strlen(n->where) + 1);

	if (s == NULL)
		return false;
	strcpy(s->where, n->where);
	s->kind = n->kind;
	s->text = n->kind == BOARD_DNS ? strdup(n->text) : NULL;
	s->next = d->shown;
	d->shown = s;
	return true;
}

/* Behind a look: whatever came of it, the CA is asked. */
static void
on_looked(void *owner, const char *text)
{
	struct drive *d = owner;

	if (text[0] != '\0') {
		log_event(LOG_WARN, "certificate-unseen", LOG_Z("name", d->challenge->ident.text),
		    LOG_Z("kind", challenge_word(d->challenge->kind)), LOG_Z("why", text));
		d->ops->unseen(d->owner, text);
	}
	glance_end(d->glance);
	d->glance = NULL;
	move(d, DRIVE_RUNS);
	acme_published(d->acme);
	later(d, SOON_US);
}

static void
look(struct drive *d)
{
	d->glance = glance_start(loop_of(d), &d->reg->all->servers, d->challenge, on_looked, d);
	if (d->glance != NULL) {
		move(d, DRIVE_LOOKS);
		return;
	}
	acme_published(d->acme);
	later(d, SOON_US);
}

/* The operator's standing record is not ours to put up: it is there, or the CA says that it is not. */
static void
publish(struct drive *d, const struct challenge *c)
{
	struct board *b = d->reg->all->edge->board;
	struct board_note n = { .where = c->where, .text = c->text };

	log_event(LOG_INFO, "certificate-challenge", LOG_Z("name", c->ident.text),
	    LOG_Z("kind", challenge_word(c->kind)), LOG_Z("where", c->where),
	    LOG_Z("text", c->kind == CHALLENGE_PERSIST ? c->text : ""));
	switch (c->kind) {
	case CHALLENGE_DNS:
		n.kind = BOARD_DNS;
		break;
	case CHALLENGE_ALPN:
		n.kind = BOARD_ALPN;
		n.cert = buf_slice(&c->cert);
		n.key = buf_slice(&c->key);
		break;
	case CHALLENGE_HTTP:
		n.kind = BOARD_HTTP;
		n.where = c->token;
		break;
	case CHALLENGE_PERSIST:
		acme_published(d->acme);
		later(d, SOON_US);
		return;
	}
	if (!remember(d, &n) || !board_show(b, &n)) {
		acme_unpublishable(d->acme, "the edge has no room for more challenges at one time");
		later(d, SOON_US);
		return;
	}
	/* A question before the name server has it would plant "no such record" at the CA's side. */
	d->tells = n.kind == BOARD_DNS;
	d->told_version = board_dns_version(b);
	d->told_until_us = loop_now_us(loop_of(d)) + LIMIT_CERT_TOLD_MS * 1000LL;
	d->challenge = c;
	if (d->tells)
		later(d, SOON_US);
	else
		look(d);
}

/* Until the name server answers with it, or will not. */
static void
wait_until_told(struct drive *d)
{
	if (board_told_version(d->reg->all->edge->board) >= d->told_version) {
		d->tells = false;
		look(d);
	} else if (loop_now_us(loop_of(d)) < d->told_until_us) {
		later(d, TOLD_POLL_US);
	} else {
		d->tells = false;
		acme_unpublishable(d->acme, "the edge's own name server did not take the record");
		later(d, SOON_US);
	}
}

/* --- requests --- */

static void
on_answer(void *owner)
{
	later(owner, SOON_US);
}

/* What came, or that nothing came, goes to the case. */
static void
take_answer(struct drive *d)
{
	may_die();
	(void)acme_call_take(&d->call, d->acme, now_s());
	acme_call_end(&d->call);
}

static void
send_request(struct drive *d, const struct acme_request *r)
{
	char *error = registration_connect(d->reg);

	move(d, DRIVE_SENDS);
	log_event(LOG_DEBUG, "certificate-request", LOG_Z("method", r->method),
	    LOG_Z("url", r->url), LOG_Z("at", acme_at(d->acme)));
	if (error == NULL) {
		acme_call_send(&d->call, loop_of(d), d->reg->tls, "aditd/" ADIT_VERSION, r,
		    on_answer, d);
	} else {
		snprintf(d->call.answer.why, sizeof(d->call.answer.why), "%s", error);
		on_answer(d);
	}
	free(error);
}

/* --- storing --- */

static void
on_grave(struct loop_grave *g)
{
	struct drive *d = list_of(g, struct drive, grave);

	check(d->call.fetch == NULL && d->shown == NULL && !keep_is_busy(&d->keep));
	check(d->reg->n_cases > 0);
	d->reg->n_cases--;
	acme_free(d->acme);
	free(d);
}

/* What is not on the disk is stored again later: until then the case stands still. */
static void
stored(struct drive *d, bool ok)
{
	move(d, ok ? DRIVE_RUNS : DRIVE_WAITS);
	later(d, ok ? SOON_US : LIMIT_CERT_STORE_MS * 1000LL);
}

static void
on_kept(struct keep *k, bool ok, const char *why)
{
	struct drive *d = list_of(k, struct drive, keep);

	if (d->state == DRIVE_OVER) { /* drive_end() has left it to this */
		loop_bury(loop_of(d), &d->grave, on_grave);
		return;
	}
	may_die();
	if (ok)
		ca_stored(d->reg->ca, d->version);
	else
		log_event(LOG_ERROR, "certificate-store", LOG_Z("ca", d->reg->directory),
		    LOG_Z("why", why));
	stored(d, ok);
}

/* The account first: a case that names an account whose key is lost would be worth nothing. */
static void
store(struct drive *d, bool ca)
{
	char *text = ca ? ca_save(d->reg->ca, &d->version) : acme_save(d->acme, &d->version);

	move(d, DRIVE_STORES);
	if (text == NULL) {
		stored(d, false);
	} else if (ca) {
		keep_put(&d->keep, d->reg->all->home, d->reg->all->edge, KEEP_CA, d->reg->directory,
		    "", ITEM_ANY, text);
		row_free_text(text);
	} else {
		d->ops->store(d->owner, text);
	}
}

void
drive_stored(struct drive *d, bool ok)
{
	check(d->state == DRIVE_STORES && !keep_is_busy(&d->keep));
	may_die();
	if (ok)
		acme_stored(d->acme, d->version);
	stored(d, ok);
}

/* --- the steps --- */

static void
wait(struct drive *d, int64_t until_s)
{
	int64_t ms = until_s * 1000 - clock_wall_ms();

	move(d, DRIVE_WAITS);
	later(d, (ms > 0 ? ms : 1) * 1000);
}

/* One step: what it leads to ends in later(), or in a call of somebody else. */
static void
go_on(struct drive *d)
{
	struct acme_step s;

	check(d->state == DRIVE_RUNS);
	may_die();
	s = acme_next(d->acme, now_s());
	switch (s.what) {
	case ACME_STORE:
		store(d, s.store.ca);
		return;
	case ACME_SEND:
		send_request(d, &s.request);
		return;
	case ACME_WAIT:
		wait(d, s.until_s);
		return;
	case ACME_PUBLISH:
		publish(d, s.challenge);
		return;
	case ACME_READY:
	case ACME_DONE:
	case ACME_FAILED:
		move(d, DRIVE_OVER);
		d->ops->over(d->owner, &s);
		return;
	}
}

static void
on_timer(struct loop_timer *t)
{
	struct drive *d = list_of(t, struct drive, timer);

	switch (d->state) {
	case DRIVE_RUNS:
		if (d->tells)
			wait_until_told(d);
		else
			go_on(d);
		return;
	case DRIVE_SENDS:
		take_answer(d);
		move(d, DRIVE_RUNS);
		go_on(d);
		return;
	case DRIVE_WAITS:
		move(d, DRIVE_RUNS);
		go_on(d);
		return;
	case DRIVE_LOOKS: /* nothing is waited for but the look, or the store */
	case DRIVE_STORES:
	case DRIVE_OVER:
		check(d->state == DRIVE_RUNS);
		return;
	}
}

/* --- the contract --- */

struct drive *
drive_start(struct registration *r, struct acme *acme, const struct drive_ops *ops, void *owner)
{
	struct drive *d = calloc(1, sizeof(*d));

	check(acme != NULL && r->ca != NULL);
	if (d == NULL) {
		acme_free(acme);
		return NULL;
	}
	d->reg = r;
	d->acme = acme;
	d->ops = ops;
	d->owner = owner;
	d->timer.fn = on_timer;
	d->keep.done = on_kept;
	r->n_cases++;
	later(d, SOON_US);
	return d;
}

struct acme *
drive_case(const struct drive *d)
{
	return d->acme;
}

struct registration *
drive_registration(const struct drive *d)
{
	return d->reg;
}

void
drive_end(struct drive *d)
{
	if (d == NULL)
		return;
	loop_timer_stop(loop_of(d), &d->timer);
	acme_call_end(&d->call);
	glance_end(d->glance);
	d->glance = NULL;
	hide_all(d);
	if (d->state != DRIVE_OVER)
		move(d, DRIVE_OVER);
	if (!keep_is_busy(&d->keep))
		loop_bury(loop_of(d), &d->grave, on_grave);
}
