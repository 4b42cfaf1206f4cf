/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of edge/doctor: one walk. */
#ifndef ADIT_EDGE_DOCTOR_CHECKUP_PRIVATE_H
#define ADIT_EDGE_DOCTOR_CHECKUP_PRIVATE_H

#include "edge/doctor/checkup.h"
#include "edge/doctor/inquiry.h"

#define CHECKUP_ADDRESSES 16
#define CHECKUP_SERVERS 4 /* of a zone that are asked */

struct checkup_addresses {
	size_t n;
	struct sockaddr_storage at[CHECKUP_ADDRESSES]; /* with the port that is asked */
	bool answered;                                 /* the resolver said something */
};

struct checkup_walk {
	struct checkup *out;
	const struct settings *settings;
	struct sockaddr_storage resolver;
	char resolver_text[80];
	uint16_t port;     /* of name servers */
	char zone[300];    /* that the edge serves; "": none */
	struct inquiry *q; /* the last one */
	struct checkup_addresses edge;
	/* What the ways depend on. */
	bool delegated, answers, addressed, caa, https, http;
};

struct checkup_row *checkup_row(struct checkup_walk *w, const char *name, enum checkup_state state,
    const char *fmt, ...) printf_like(4, 5);
/* A and AAAA of a name, by the resolver. */
void checkup_resolve(struct checkup_walk *w, const char *name, struct checkup_addresses *ret);
/* "192.0.2.1, 2001:db8::1" */
void checkup_list(const struct checkup_addresses *a, char *dst, size_t cap);
/* "name and name have ...": both sets are the same but for their order. */
bool checkup_same(const struct checkup_addresses *a, const struct checkup_addresses *b);

/* --- checkup_dns.c --- */

void checkup_delegation(struct checkup_walk *w);
void checkup_name_server(struct checkup_walk *w);
void checkup_transports(struct checkup_walk *w);
void checkup_caa(struct checkup_walk *w);

#endif
