/* SPDX-License-Identifier: Apache-2.0 */
/* What the store has of certificates and accounts, before there are threads. */
#include "edge/cert/cert_private.h"

#include "base/log.h"
#include "base/sentence.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

static void
on_done(struct item_req *req)
{
	sem_post(req->owner);
}

/* The store answers on its own thread; nothing else happens in this one yet. */
static enum store_result
ask(struct store *s, struct item_req *req)
{
	sem_t done;

	check(sem_init(&done, 0, 0) == 0);
	req->done = on_done;
	/* This function waits until nobody uses it any more. */
	/* cppcheck-suppress autoVariables */
	req->owner = &done;
	item_submit(s, req);
	while (sem_wait(&done) != 0)
		continue; /* a signal */
	sem_destroy(&done);
	return req->result;
}

/* What cannot be read is told and left where it is: another key of the vault may open it. */
static bool
load_cert(struct certs *all, const struct item_row *i)
{
	char *text = keep_open(all->edge, KEEP_CERTIFICATE, slice_of(i->bytes, i->n));
	struct cert *c;
	struct row row;

	if (text == NULL || !row_read(slice_str(text), &row)) {
		log_event(LOG_ERROR, "certificate-lost", LOG_Z("name", i->name),
		    LOG_Z("why",
			text == NULL ? "it was sealed with another key" : "it cannot be read"));
		row_free_text(text);
		return true;
	}
	row_free_text(text);
	c = cert_new(all, &row);
	if (c == NULL)
		return false;
	c->version = i->version;
	certs_charge(all, c);
	if (c->row.live.chain != NULL)
		cert_serve(c);
	return true;
}

static bool
load_registration(struct certs *all, const struct item_row *i)
{
	if (!registrations_load(&all->registrations, i))
		log_event(LOG_ERROR, "certificate-lost", LOG_Z("ca", i->name),
		    LOG_Z("why", "the key of the account was sealed with another key"));
	return true;
}

static char *
load_kind(struct certs *all, const char *kind,
    bool (*take)(struct certs *all, const struct item_row *i))
{
	struct item_req req = { .op = ITEM_LIST };
	enum store_result r;
	bool ok = true, more = true;

	snprintf(req.kind, sizeof(req.kind), "%s", kind);
	while (more && ok) {
		r = ask(all->edge->store, &req);
		if (r != STORE_OK)
			return sentence("reading the certificates: %s", store_result_text(r));
		for (size_t i = 0; i < req.n_rows && ok; i++)
			ok = take(all, &req.rows[i]);
		more = req.more && req.n_rows > 0;
		if (more)
			memcpy(req.name, req.rows[req.n_rows - 1].name, sizeof(req.name));
		item_req_fini(&req);
	}
	return ok ? NULL : sentence("reading the certificates: out of memory");
}

struct certs *
certs_new(struct edge *e, struct settings *s, void (*changed)(void *owner), void *owner,
    char **ret_error)
{
	struct certs *all = calloc(1, sizeof(*all));
	char *error;

	if (all == NULL)
		return NULL;
	all->edge = e;
	all->changed = changed;
	all->owner = owner;
	all->home.loop = e->main_loop;
	all->tick.fn = certs_on_tick;
	map_init(&all->by_name);
	registrations_init(&all->registrations, e, &all->home);
	all->settings = settings_ref(s);
	all->has_dns = s->dns.n_listen > 0; /* no reload changes that */
	all->has_zone = all->has_dns && s->dns.mode == SETTINGS_DNS_ZONE;
	error = load_kind(all, KEEP_CA, load_registration);
	if (error == NULL)
		error = load_kind(all, KEEP_CERTIFICATE, load_cert);
	if (error == NULL && (all->notice = notice_new(all)) != NULL) {
		certs_use_settings(all, s);
		return all;
	}
	certs_stop(all);
	certs_free(all);
	*ret_error = error;
	return NULL;
}
