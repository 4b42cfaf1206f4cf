/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own domains of all accounts, on the main loop: they are kept in the store (items of the kind
 * "domain"), checked by the schedule of wish.h, and shown to visitors by edge/core/own_domain.  Who
 * asks for one uses ask.h.
 */
#ifndef ADIT_EDGE_DOMAIN_DOMAINS_H
#define ADIT_EDGE_DOMAIN_DOMAINS_H

#include "edge/core/edge.h"
#include "store/item.h"

#include <jansson.h>

struct domains;

/* What others do for own domains; given at birth. Both on the main loop, after
 * domains_start(), and each may be NULL. */
struct domains_calls {
	/* It is proven: a certificate is to be had, and kept. Again after each start. */
	void (*want)(void *arg, const char *name, const char *account);
	/* It has no proof for the time being: what there is stays, and is not renewed until it is
	 * wanted again. Again after each start. */
	void (*pause)(void *arg, const char *name);
	/* It is not ours any more. */
	void (*unwant)(void *arg, const char *name);
	/* What there is, for people: {"state":...,"end_ms":...,"next_ms":...,"problem":...};
	 * *ret_served: handshakes for this name are answered. */
	json_t *(*certificate)(void *arg, const char *name, bool *ret_served);
	void *arg;
};

/* NULL without memory. e->own_domains is there. */
struct domains *domains_new(struct edge *e, const struct domains_calls *calls) must_use;
/* Before domains_start(): a row as the store has it. False: no memory; a row that cannot be read is
 * logged, and passed over. */
bool domains_load(struct domains *ds, const struct item_row *row) must_use;
/* Begins to look at them. */
void domains_start(struct domains *ds);
void domains_use_settings(struct domains *ds, struct settings *s);
/* Another one is shown, or none any more. */
void domains_certificates_changed(struct domains *ds);
/* Whoever asks is refused from now on, and whoever waits is. Before workers are stopped. */
void domains_stop(struct domains *ds);
/* After the store has finished, and the loop has run once more. */
void domains_free(struct domains *ds);

#endif
