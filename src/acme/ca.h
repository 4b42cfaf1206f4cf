/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CA as one account of ours sees it: its directory (RFC 8555 7.1.1), nonces (6.5), the account's key
 * and URL (7.3).  It has no I/O; cases (acme.h) share it and fill it.  One thread at a time.
 *
 * What must outlive the process is one text of JSON, which holds keys: the caller keeps it sealed.
 */
#ifndef ADIT_ACME_CA_H
#define ADIT_ACME_CA_H

#include "base/check.h"
#include "base/slice.h"

#define CA_SAVED_BYTES 8192 /* at most, of a saved one */

/* From the configuration; nothing of it is kept in the saved text. Copied. */
struct ca_options {
	const char *directory; /* its https URL */
	const char *email;     /* NULL: none */
	bool agree_to_terms;
	const char *eab_key_id; /* NULL: no external account (7.3.4) */
	struct slice eab_hmac;  /* its key, decoded */
};

struct ca;

/*
 * saved: what ca_save() gave for this directory, or empty: then a key is made.  NULL: *why has a
 * sentence; a text of another directory is refused, since its account is not known there.
 */
struct ca *ca_new(const struct ca_options *o, struct slice saved, const char **why) must_use;
void ca_free(struct ca *ca);

/*
 * The text, which the caller frees after it has overwritten it; NULL without memory.  *ret_version
 * goes to ca_stored() once the text is on disk.
 */
char *ca_save(const struct ca *ca, uint64_t *ret_version) must_use;
void ca_stored(struct ca *ca, uint64_t version);

/* The account's URL, for CAA records and people; "" until it is known. */
const char *ca_account(const struct ca *ca);
/*
 * The value of a CAA record (RFC 8659, RFC 8657) that lets this account alone have certificates, by what
 * is proven on the name's own ports: 'letsencrypt.org; accounturi=...; validationmethods=...'.  False: the
 * directory or the account is not known, or the CA does not say its name.
 */
bool ca_caa_value(const struct ca *ca, char *dst, size_t cap) must_use;
/* A change of the account's key was begun and is not known to be over: acme_rollover() goes on with it. */
bool ca_is_rolling(const struct ca *ca);
/* The directory is known and names where to ask for a renewal's time (RFC 9773). */
bool ca_has_renewal_info(const struct ca *ca);

#endif
