/* SPDX-License-Identifier: Apache-2.0 */
/* What the store has of certificates and accounts, before there are threads. */
#include "edge/cert/cert_private.h"

#include "base/log.h"
#include "base/sentence.h"
#include "edge/core/await.h"

#include <stdio.h>
#include <stdlib.h>

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
take_certs(const struct item_req *page, void *arg)
{
	for (size_t i = 0; i < page->n_rows; i++)
		if (!load_cert(arg, &page->rows[i]))
			return false;
	return true;
}

static bool
take_registrations(const struct item_req *page, void *arg)
{
	struct certs *all = arg;

	for (size_t i = 0; i < page->n_rows; i++)
		if (!registrations_load(&all->registrations, &page->rows[i]))
			log_event(LOG_ERROR, "certificate-lost", LOG_Z("ca", page->rows[i].name),
			    LOG_Z("why", "the key of the account was sealed with another key"));
	return true;
}

/* Accounts first: a certificate's order belongs to one. */
static char *
load(struct certs *all)
{
	struct store *s = all->edge->store;
	enum store_result r = await_items(s, KEEP_CA, take_registrations, all);

	if (r == STORE_OK)
		r = await_items(s, KEEP_CERTIFICATE, take_certs, all);
	if (r == STORE_OK)
		return NULL;
	return sentence("reading the certificates: %s",
	    r == STORE_FULL ? "out of memory" : store_result_text(r));
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
	error = load(all);
	if (error == NULL && (all->notice = notice_new(all)) != NULL) {
		certs_use_settings(all, s);
		return all;
	}
	certs_stop(all);
	certs_free(all);
	*ret_error = error;
	return NULL;
}
