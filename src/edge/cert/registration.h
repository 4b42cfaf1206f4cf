/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registrations: what an "account" of RFC 8555 is, ours at a CA.  There is one for each directory that the
 * configuration names, with the key that the store has of it ("ca", directory), or a new one.  Cases of all
 * certificates share them.
 */
#ifndef ADIT_EDGE_CERT_REGISTRATION_H
#define ADIT_EDGE_CERT_REGISTRATION_H

#include "edge/cert/keep.h"
#include "edge/cert/plan.h"
#include "edge/core/dnsask.h"

struct registrations;

struct registration {
	struct registrations *all;
	struct registration *next;
	char directory[1024];
	char ca_file[1024];
	struct ca *ca;
	struct tls_client *tls; /* of its server; NULL until it is asked first */
	size_t n_cases;         /* at work */
	bool alone;             /* one of them changes the key: no other one begins */
	bool renew;             /* its options have changed: made anew when it is idle */
	struct plan_bucket orders;
};

struct registrations {
	struct edge *edge;
	struct errands *home;
	struct registration *list;
	struct dnsask_servers servers; /* that are asked about challenges */
	/* What the store had at the start, until it is used. */
	struct saved_registration {
		struct saved_registration *next;
		char *text;
		char directory[];
	} * saved;
};

void registrations_init(struct registrations *all, struct edge *e, struct errands *home);
/* No case may be at work. */
void registrations_fini(struct registrations *all);
/* A row of the store, at the start. False without memory. */
bool registrations_load(struct registrations *all, const struct item_row *row) must_use;
/* New options hold for accounts as soon as no case of theirs is at work. */
void registrations_use_settings(struct registrations *all, const struct settings *s);
/* The account of that directory if it is known, or is one of the settings'. NULL and *why. */
struct registration *registrations_get(struct registrations *all, const struct settings *s,
    const char *directory, const char **why) must_use;
/* Ready for requests: NULL, or a malloced sentence on why its server's certificate cannot be verified. */
char *registration_connect(struct registration *a) must_use;

#endif
