/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acme-dns API: whoever has a CNAME from _acme-challenge.HIS-DOMAIN to a name that was registered
 * here gets wildcard certificates for that domain, with any program that speaks the API (lego,
 * certbot, acme.sh, cert-manager).
 *
 *	register   a new ID, its user and its password; ID._acme-challenge.DOMAIN is the CNAME's target
 *	update     a TXT value there; the newest two stay, for a name and its wildcard
 *
 * A registration can do nothing else, so strangers may be let in (acme_dns: on), as many as
 * LIMIT_ACME_DNS, so many an hour of one network.  All calls from any thread.
 */
#ifndef ADIT_EDGE_DDNS_ACME_DNS_H
#define ADIT_EDGE_DDNS_ACME_DNS_H

#include "edge/core/edge.h"
#include "edge/dns/records.h"

#define ACME_DNS_KIND "acme-dns" /* of its items */
#define ACME_DNS_ID_BYTES 40     /* a UUID of 36 characters and a NUL */
#define ACME_DNS_PASSWORD_BYTES 48
#define ACME_DNS_TXT_BYTES 43 /* SHA-256 in base64url: what a CA wants to see (RFC 8555 8.4) */

struct acme_dns;

/* NULL without memory. */
struct acme_dns *acme_dns_new(void) must_use;
void acme_dns_free(struct acme_dns *a);
/* What the store has of kind ACME_DNS_KIND, before there are threads. False: it is none of ours. */
bool acme_dns_load(struct acme_dns *a, const char *id, struct slice bytes) must_use;

enum acme_dns_result {
	ACME_DNS_DONE,
	ACME_DNS_OFF,       /* the configuration does not want it */
	ACME_DNS_BAD,       /* the request: `why` says what */
	ACME_DNS_FORBIDDEN, /* user, password or address */
	ACME_DNS_BUSY,      /* too many were registered */
	ACME_DNS_FAILED,    /* store or name server */
};

/* Zeroed at first; the asker's until done(). */
struct acme_dns_ask {
	/* in */
	struct sockaddr_storage source;
	char user[ACME_DNS_ID_BYTES], password[ACME_DNS_PASSWORD_BYTES]; /* update */
	void (*done)(struct acme_dns_ask *k); /* on the home's loop; it may free k */
	void *owner;
	/* out, of register: user and password, too */
	enum acme_dns_result result;
	const char *why; /* a word of the API: "bad_txt" */
	char id[ACME_DNS_ID_BYTES], txt[ACME_DNS_TXT_BYTES + 1];
	char allowfrom[512]; /* as a JSON list */
	/* private */
	struct edge *edge;
	struct errands *home;
	struct errand errand;
	struct item_req item;
	struct acme_dns_row *row;
	struct records_ask records;
};

/* json: the body of the request. It is answered later, always. */
void acme_dns_register(struct acme_dns_ask *k, struct edge *e, struct errands *home,
    struct slice json);
void acme_dns_update(struct acme_dns_ask *k, struct edge *e, struct errands *home,
    struct slice json);

#endif
