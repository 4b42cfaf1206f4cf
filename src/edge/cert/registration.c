/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts at CAs, from the configuration and from the store. */
#include "edge/cert/registration.h"

#include "edge/cert/row.h"
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>

void
registrations_init(struct registrations *all, struct edge *e, struct errands *home)
{
	*all = (struct registrations){ .edge = e, .home = home };
}

static void
forget(struct registration *a)
{
	check(a->n_cases == 0); /* cases need it */
	ca_free(a->ca);
	a->ca = NULL;
	tls_client_unref(a->tls);
	a->tls = NULL;
}

void
registrations_fini(struct registrations *all)
{
	struct saved_registration *s;
	struct registration *a;

	while ((a = all->list) != NULL) {
		all->list = a->next;
		forget(a);
		free(a);
	}
	while ((s = all->saved) != NULL) {
		all->saved = s->next;
		row_free_text(s->text);
		free(s);
	}
}

/* --- what is stored --- */

static bool
remember(struct registrations *all, const char *directory, char *text)
{
	struct saved_registration *s = malloc(sizeof(*s) + strlen(directory) + 1);

	if (s == NULL) {
		row_free_text(text);
		return false;
	}
	strcpy(s->directory, directory);
	s->text = text;
	s->next = all->saved;
	all->saved = s;
	return true;
}

bool
registrations_load(struct registrations *all, const struct item_row *row)
{
	char *text = keep_open(all->edge, KEEP_CA, slice_of(row->bytes, row->n));

	return text != NULL && remember(all, row->name, text);
}

/* Taken out: the account has it from then on. NULL: there is none. */
static char *
take_saved(struct registrations *all, const char *directory)
{
	for (struct saved_registration **at = &all->saved; *at != NULL; at = &(*at)->next) {
		struct saved_registration *s = *at;
		char *text = s->text;

		if (strcmp(s->directory, directory) != 0)
			continue;
		*at = s->next;
		free(s);
		return text;
	}
	return NULL;
}

/* --- making them --- */

static const struct settings_ca *
configured(const struct settings *s, const char *directory)
{
	for (size_t i = 0; i < s->acme.n_cas; i++)
		if (strcmp(s->acme.cas[i].directory, directory) == 0)
			return &s->acme.cas[i];
	return NULL;
}

/* The key goes on to the one that is made anew, by the text that would be stored. */
static void
let_go(struct registrations *all, struct registration *a)
{
	uint64_t version;
	char *text = a->ca == NULL ? NULL : ca_save(a->ca, &version);

	/* Without memory the store's own text would be needed: it stays as it is. */
	if (a->ca != NULL && (text == NULL || !remember(all, a->directory, text)))
		return;
	forget(a);
	a->renew = false;
}

static const char *
make(struct registrations *all, const struct settings *s, struct registration *a,
    const struct settings_ca *c)
{
	struct ca_options o = { .directory = a->directory,
		.email = s->acme.email[0] == '\0' ? NULL : s->acme.email,
		.agree_to_terms = s->acme.agree,
		.eab_key_id = c == NULL || c->eab_key_id[0] == '\0' ? NULL : c->eab_key_id,
		.eab_hmac = c == NULL ? S("") : c->eab_hmac };
	char *saved = take_saved(all, a->directory);
	const char *why = "out of memory";

	snprintf(a->ca_file, sizeof(a->ca_file), "%s", c == NULL ? "" : c->ca_file);
	a->ca = ca_new(&o, slice_str(saved == NULL ? "" : saved), &why);
	if (a->ca == NULL && saved != NULL && remember(all, a->directory, saved))
		return why; /* it is not lost: who repairs it finds it at the next start */
	row_free_text(saved);
	return a->ca == NULL ? why : NULL;
}

void
registrations_use_settings(struct registrations *all, const struct settings *s)
{
	dnsask_servers(&all->servers, &s->resolver);
	for (struct registration *a = all->list; a != NULL; a = a->next)
		a->renew = true;
}

struct registration *
registrations_get(struct registrations *all, const struct settings *s, const char *directory,
    const char **why)
{
	const struct settings_ca *c = configured(s, directory);
	struct registration *a = all->list;

	while (a != NULL && strcmp(a->directory, directory) != 0)
		a = a->next;
	*why = "the configuration does not name this CA any more";
	if (a == NULL && c == NULL)
		return NULL;
	if (a == NULL) {
		*why = "out of memory";
		a = calloc(1, sizeof(*a));
		if (a == NULL)
			return NULL;
		a->all = all;
		a->next = all->list;
		all->list = a;
		snprintf(a->directory, sizeof(a->directory), "%s", directory);
	}
	if (a->renew && a->n_cases == 0)
		let_go(all, a);
	if (a->ca == NULL && (*why = make(all, s, a, c)) != NULL)
		return NULL;
	return a;
}

/* The system's authorities take long to read: once for all requests to this CA. */
char *
registration_connect(struct registration *a)
{
	struct tls_client_params p = { .ca_path = a->ca_file[0] == '\0' ? NULL : a->ca_file,
		.verify = true };
	char *error = NULL;

	if (a->tls == NULL)
		a->tls = tls_client_new(&p, &error);
	return a->tls != NULL ? NULL : error != NULL ? error : strdup("out of memory");
}
