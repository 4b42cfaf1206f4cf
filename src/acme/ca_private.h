/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a CA, which cases work on. */
#ifndef ADIT_ACME_CA_PRIVATE_H
#define ADIT_ACME_CA_PRIVATE_H

#include "acme/ca.h"
#include "acme/jws.h"

#include "base/limits.h"

#define CA_PROFILES 8
#define CA_NONCE_BYTES 256
#define CA_URLS 6

/* Rows of the directory in the order of their names in ca.c. */
enum ca_url {
	CA_NEW_NONCE,
	CA_NEW_ACCOUNT,
	CA_NEW_ORDER,
	CA_REVOKE,
	CA_KEY_CHANGE,
	CA_RENEWAL_INFO
};

struct ca {
	char directory[LIMIT_ACME_URL_BYTES];
	char email[256], eab_key_id[256];
	uint8_t eab_hmac[256];
	size_t eab_hmac_n;
	bool agree_to_terms;

	/* Saved. next: of a rollover that is under way. */
	EVP_PKEY *key, *next;
	char account[LIMIT_ACME_URL_BYTES];
	uint64_t version, stored; /* changes made, and of them on disk */

	char thumbprint[JWS_THUMB_BYTES];

	/* The directory; read_at_s 0: not known. */
	int64_t read_at_s;
	char urls[CA_URLS][LIMIT_ACME_URL_BYTES];
	char terms[LIMIT_ACME_URL_BYTES];
	char caa[256];                  /* its name in CAA records (caaIdentities), "": not told */
	char hash_prefix[256];          /* of dns-persist-01 (draft -02) */
	char profiles[CA_PROFILES][64]; /* those that may be asked for */
	size_t n_profiles;
	bool eab_wanted;

	/* The newest is used first: it is the likeliest to be known still. */
	char nonces[LIMIT_ACME_NONCES][CA_NONCE_BYTES];
	size_t n_nonces;
};

bool ca_read_directory(struct ca *ca, struct slice json, int64_t now_s) must_use;
bool ca_knows_directory(const struct ca *ca, int64_t now_s);
bool ca_has_profile(const struct ca *ca, const char *profile);
/* What is no nonce is not kept. */
void ca_put_nonce(struct ca *ca, struct slice nonce);
bool ca_take_nonce(struct ca *ca, char dst[CA_NONCE_BYTES]) must_use;
/* "": the CA does not know it any more. */
void ca_set_account(struct ca *ca, const char *url);
/* Begins a change of the key; false: no key could be made. */
bool ca_roll(struct ca *ca) must_use;
/* Its end, for good or not. */
void ca_rolled(struct ca *ca, bool changed);

#endif
