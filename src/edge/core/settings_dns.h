/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What aditd.yml says of DNS: where the edge answers, for which zone, and who else has a part in it.
 * None of it is changed by a reload.
 */
#ifndef ADIT_EDGE_CORE_SETTINGS_DNS_H
#define ADIT_EDGE_CORE_SETTINGS_DNS_H

#include "conf/schema.h"
#include "net/addr.h"

#define SETTINGS_DNS_LISTEN 8
#define SETTINGS_DNS_ADDRESSES 16
#define SETTINGS_DNS_SECONDARIES 8
#define SETTINGS_DNS_KEYS 32
#define SETTINGS_DNS_KEY_NAMES 32
#define SETTINGS_DNS_CAA 8
#define SETTINGS_DNS_SECRET_BYTES 128
#define SETTINGS_DNS_PORT 53

enum settings_dns_mode {
	SETTINGS_DNS_CHALLENGE, /* _acme-challenge.DOMAIN alone */
	SETTINGS_DNS_ZONE,      /* DOMAIN, and all below it */
};

enum settings_acme_dns {
	SETTINGS_ACME_DNS_OFF,
	SETTINGS_ACME_DNS_CLOSED, /* who has registered goes on */
	SETTINGS_ACME_DNS_ON,
};

struct settings_dns_key {
	char name[254];
	int64_t algorithm; /* index of settings_dns_algorithms[] */
	char *secret_file; /* malloced */
	/* Between settings_dns_read_keys() and settings_dns_wipe_keys(). */
	unsigned char secret[SETTINGS_DNS_SECRET_BYTES];
	size_t n_secret;
	char (*names)[254]; /* malloced: what it may change, as names below the domain; "home" */
	size_t n_names;
};

struct settings_dns_secondary {
	struct addr address; /* numeric, with its port */
	char key[254];
	char name[254]; /* in the zone's NS records; "": it is not there */
};

struct settings_dns {
	struct addr listen[SETTINGS_DNS_LISTEN]; /* none: no DNS */
	size_t n_listen;
	int64_t mode;                                  /* enum settings_dns_mode */
	int64_t acme_dns;                              /* enum settings_acme_dns */
	char name_server[254];                         /* "": ns.DOMAIN */
	struct addr addresses[SETTINGS_DNS_ADDRESSES]; /* numeric, port 0 */
	size_t n_addresses;
	struct settings_dns_secondary secondaries[SETTINGS_DNS_SECONDARIES];
	size_t n_secondaries;
	struct settings_dns_key keys[SETTINGS_DNS_KEYS];
	size_t n_keys;
	char caa[SETTINGS_DNS_CAA][254]; /* CAs by their domains */
	size_t n_caa;
};

extern const char *const settings_dns_algorithms[]; /* ends with NULL */

/* The value of "dns", a mapping, into a struct settings_dns. */
bool settings_dns_read(struct schema_read *r, const struct yamldoc_node *n, void *dst) must_use;
/*
 * What only the whole can tell: fills in what was not said. https: what visitors are listened for
 * at. False and r->error, at `root`.
 */
bool settings_dns_whole(struct schema_read *r, const struct yamldoc_node *root,
    struct settings_dns *d, const char *domain, const struct addr *https) must_use;
void settings_dns_fini(struct settings_dns *d);
bool settings_dns_same(const struct settings_dns *a, const struct settings_dns *b);

/* Reads the secrets, with the rights of this process. NULL, or a malloced sentence. */
char *settings_dns_read_keys(struct settings_dns *d) must_use;
void settings_dns_wipe_keys(struct settings_dns *d);

#endif
