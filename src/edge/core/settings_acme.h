/* SPDX-License-Identifier: Apache-2.0 */
/* What aditd.yml says under acme: (aditd.yml(5)): which CAs are asked for certificates, and how. */
#ifndef ADIT_EDGE_CORE_SETTINGS_ACME_H
#define ADIT_EDGE_CORE_SETTINGS_ACME_H

#include "base/check.h"
#include "base/slice.h"

#include <stdint.h>

#define SETTINGS_CAS 4 /* the first, and those of fallback */

struct settings_ca {
	char directory[1024];  /* https URL */
	char ca_file[1024];    /* "": the system's authorities */
	char ca_file_at[1100]; /* where the configuration names it: FILE:LINE:COLUMN */
	char eab_key_id[256];  /* "": no external account */
	char eab_hmac_file[1024];
	struct slice eab_hmac; /* decoded, malloced; p NULL: not read */
};

struct settings_acme {
	struct settings_ca cas[SETTINGS_CAS];
	size_t n_cas; /* 0: no acme: in the file */
	char email[256];
	bool agree;
	char profile[64];    /* "": tlsserver where it is offered */
	char ip[64];         /* the edge's own address, "": none is wanted */
	unsigned challenges; /* CHALLENGE_CAN() of those that may be used; 0: all that work */
};

struct schema_read;
struct yamldoc_node;
/* A schema_fn. */
bool settings_acme_read(struct schema_read *r, const struct yamldoc_node *n, void *dst);

/* Reads the keys of external accounts, with the rights of this process. NULL, or a malloced sentence. */
char *settings_acme_keys(struct settings_acme *a) must_use;
/* As the user who runs aditd: each ca_file can be read, and holds certificates. NULL, or a malloced
 * sentence with the place in the configuration. */
char *settings_acme_trust(const struct settings_acme *a) must_use;
/* Takes those that have been read already, where their files are the same. */
void settings_acme_keep_keys(struct settings_acme *next, const struct settings_acme *now);
void settings_acme_fini(struct settings_acme *a);

#endif
