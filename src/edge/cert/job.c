/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator orders: renewal, revocation, another key for the account. */
#include "edge/cert/cert_private.h"

#include "acme/chain.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

enum job_kind { JOB_REVOKE, JOB_ROLLOVER };

struct certs_job {
	struct certs *all;
	struct certs_job *next;
	enum job_kind kind;
	char name[IDENT_BYTES];
	int reason;
	bool by_key; /* the account could not sign it: the certificate's own key does */
	struct drive *drive;
	struct registration *waits; /* ROLLOVER: for its other cases to end */
	certs_done_fn done;         /* NULL: nobody waits */
	void *owner;
};

static void
leave(struct certs_job *j)
{
	struct certs_job **at = &j->all->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	drive_end(j->drive);
	free(j);
}

static void
end(struct certs_job *j, bool ok, const char *text)
{
	certs_done_fn done = j->done;
	void *owner = j->owner;

	log_event(ok ? LOG_INFO : LOG_ERROR,
	    j->kind == JOB_REVOKE ? "certificate-revoke" : "certificate-rollover",
	    LOG_Z("name", j->name), LOG_Z("why", text));
	if (j->drive != NULL && j->kind == JOB_ROLLOVER)
		drive_registration(j->drive)->alone = false;
	certs_kick(j->all); /* others may go on */
	leave(j);
	if (done != NULL)
		done(owner, ok, text);
}

static struct certs_job *
new_job(struct certs *all, enum job_kind kind, const char *name, certs_done_fn done, void *owner)
{
	struct certs_job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->all = all;
	j->kind = kind;
	j->done = done;
	j->owner = owner;
	snprintf(j->name, sizeof(j->name), "%s", name);
	j->next = all->jobs;
	all->jobs = j;
	return j;
}

void
certs_abandon(struct certs_job *j)
{
	if (j != NULL)
		j->done = NULL;
}

void
jobs_end(struct certs *all)
{
	while (all->jobs != NULL)
		leave(all->jobs);
}

/* A new one is ordered, whatever the dates say. What is being stored of it now is followed by a look. */
static void
force(struct cert *c)
{
	c->row.forced = true; /* until there is a new one, however often that fails */
	if (c->state == CERT_ORDERS)
		return;
	c->row.next_s = 0;
	cert_forget_question(c);
	if (c->state == CERT_RESTS && !keep_is_busy(&c->keep))
		cert_keep(c, cert_rest);
}

/* Neither kind of case has a text of its own. */
static void
on_store(void *owner, char *text)
{
	struct certs_job *j = owner;

	row_free_text(text);
	drive_stored(j->drive, true);
}

/* --- revocation --- */

static struct acme *
revocation(const struct cert *c, struct registration *r, int reason, bool by_key)
{
	struct chain_certs chain;
	struct acme *a = NULL;
	struct buf der;

	if (!chain_read(slice_str(c->row.live.chain), &chain))
		return NULL;
	buf_init(&der, LIMIT_ACME_ANSWER_BYTES);
	if (chain_der(&chain, &der))
		a = acme_revoke(r->ca, buf_slice(&der), reason,
		    by_key ? slice_str(c->row.live.key) : S(""));
	buf_fini(&der);
	chain_fini(&chain);
	return a;
}

static void on_revoked(void *owner, const struct acme_step *s);
static const struct drive_ops revoke_ops = { .store = on_store, .over = on_revoked };

/* NULL, or why it cannot begin. */
static const char *
begin_revocation(struct certs_job *j, const struct cert *c)
{
	const char *why;
	struct registration *r =
	    registrations_get(&j->all->registrations, j->all->settings, c->row.live.ca, &why);
	struct acme *a;

	if (r == NULL)
		return why;
	if (r->alone || ca_is_rolling(r->ca))
		return "the account's key is being changed; try again in a minute";
	a = revocation(c, r, j->reason, j->by_key);
	j->drive = a == NULL ? NULL : drive_start(r, a, &revoke_ops, j);
	return j->drive == NULL ? "out of memory" : NULL;
}

static void
on_revoked(void *owner, const struct acme_step *s)
{
	struct certs_job *j = owner;
	struct cert *c = certs_find(j->all, j->name);
	char text[ACME_WHY_BYTES];

	if (s->what == ACME_DONE) {
		if (c != NULL)
			force(c);
		end(j, true, "the certificate is revoked; a new one with a new key is ordered");
		return;
	}
	snprintf(text, sizeof(text), "%s", s->failure->text);
	/* The account may be the one that is lost (RFC 8555 7.6). */
	if (!j->by_key && c != NULL && c->row.live.chain != NULL &&
	    s->failure->blame == ACME_REFUSED) {
		j->by_key = true;
		drive_end(j->drive);
		j->drive = NULL;
		if (begin_revocation(j, c) == NULL)
			return;
	}
	end(j, false, text);
}

struct certs_job *
certs_revoke(struct certs *all, const char *name, int reason, certs_done_fn done, void *owner)
{
	struct cert *c = certs_find(all, name);
	struct certs_job *j;
	const char *why;

	if (c == NULL || c->row.live.chain == NULL) {
		done(owner, false, "there is no certificate of this name; see aditd cert list");
		return NULL;
	}
	j = new_job(all, JOB_REVOKE, name, done, owner);
	if (j == NULL) {
		done(owner, false, "out of memory");
		return NULL;
	}
	j->reason = reason;
	why = begin_revocation(j, c);
	if (why == NULL)
		return j;
	end(j, false, why);
	return NULL;
}

/* --- another key for the account --- */

static void
on_rolled(void *owner, const struct acme_step *s)
{
	struct certs_job *j = owner;
	char text[ACME_WHY_BYTES] = "the account at the CA has another key now";
	bool ok = s->what == ACME_DONE;

	if (!ok)
		snprintf(text, sizeof(text), "%s", s->failure->text);
	end(j, ok, text);
}

static const struct drive_ops rollover_ops = { .store = on_store, .over = on_rolled };

/* No other case sends meanwhile (acme.h): none begins from now on, and those under way end first. */
static void
begin_rollover(struct certs_job *j)
{
	struct registration *r = j->waits;
	struct acme *a;

	check(r->alone && j->drive == NULL);
	if (r->n_cases > 0)
		return;
	j->waits = NULL;
	a = acme_rollover(r->ca);
	j->drive = a == NULL ? NULL : drive_start(r, a, &rollover_ops, j);
	if (j->drive != NULL)
		return;
	r->alone = false;
	end(j, false, "out of memory");
}

struct certs_job *
certs_rollover(struct certs *all, certs_done_fn done, void *owner)
{
	const struct settings_acme *s = &all->settings->acme;
	const char *why = "acme: stands not in the configuration";
	struct registration *r = s->n_cas == 0 ? NULL
					       : registrations_get(&all->registrations,
						     all->settings, s->cas[0].directory, &why);
	struct certs_job *j;

	if (r != NULL && r->alone)
		why = "its key is being changed already";
	j = r == NULL || r->alone ? NULL : new_job(all, JOB_ROLLOVER, "", done, owner);
	if (j == NULL) {
		done(owner, false, r == NULL || r->alone ? why : "out of memory");
		return NULL;
	}
	r->alone = true;
	j->waits = r;
	certs_kick(all); /* not out of this call: who asked has no job to give up yet */
	return j;
}

void
jobs_go_on(struct certs *all)
{
	struct certs_job *j, *next;

	/* What a kill has cut short is known by its registration. */
	for (struct registration *r = all->registrations.list; r != NULL; r = r->next) {
		if (r->ca == NULL || !ca_is_rolling(r->ca) || r->alone)
			continue;
		j = new_job(all, JOB_ROLLOVER, "", NULL, NULL);
		if (j == NULL)
			return;
		r->alone = true;
		j->waits = r;
	}
	for (j = all->jobs; j != NULL; j = next) {
		next = j->next;
		if (j->waits != NULL)
			begin_rollover(j);
	}
}

/* --- a new certificate --- */

struct certs_job *
certs_renew(struct certs *all, const char *name, certs_done_fn done, void *owner)
{
	struct cert *c = certs_find(all, name);

	if (c == NULL || !cert_is_wanted(c)) {
		done(owner, false, "no certificate of this name is wanted; see aditd cert list");
		return NULL;
	}
	if (c->state == CERT_ORDERS) {
		done(owner, true, "it is under way; aditd cert show says how it goes");
		return NULL;
	}
	force(c);
	done(owner, true, "it is ordered; aditd cert show says how it goes");
	return NULL;
}
