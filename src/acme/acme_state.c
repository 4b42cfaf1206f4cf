/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases: made, saved, read again, and what they brought.  The text of a certificate's case:
 *
 *	{"v":1, "directory":URL, "names":[{"name":, "can":set, "tried":set}...], "key":PEM,
 *	 "profile":, "profile_must":, "replaces":, "issuer":, "ordered":seconds, "orders":count,
 *	 "account":URL, "order":URL, "chain":PEM}
 */
#include "acme/acme_private.h"

#include "acme/cadoc.h"

#include <stdio.h>
#include <stdlib.h>

/* --- birth and death --- */

struct acme *
acme_new(struct ca *ca, enum acme_state state)
{
	struct acme *a = calloc(1, sizeof(*a));

	check(acme_rows[state].url != NULL); /* states that send are where cases begin */
	if (a == NULL)
		return NULL;
	a->ca = ca;
	a->state = state;
	a->reason = -1;
	buf_init(&a->body, LIMIT_ACME_ANSWER_BYTES);
	buf_init(&a->chain, LIMIT_ACME_ANSWER_BYTES);
	buf_init(&a->cert, LIMIT_ACME_ANSWER_BYTES);
	buf_init(&a->key_pem, ECKEY_PEM_BYTES);
	return a;
}

void
acme_free(struct acme *a)
{
	if (a == NULL)
		return;
	if (a->key_pem.p != NULL)
		OPENSSL_cleanse(a->key_pem.p, a->key_pem.cap);
	buf_fini(&a->key_pem);
	buf_fini(&a->body);
	buf_fini(&a->chain);
	buf_fini(&a->cert);
	challenge_fini(&a->challenge);
	EVP_PKEY_free(a->key);
	EVP_PKEY_free(a->cert_key);
	free(a);
}

/* A name twice would be an order that a CA refuses. */
static bool
take_name(struct acme *a, struct slice name, unsigned can, char why[ACME_WHY_BYTES])
{
	struct ident *id = &a->ids[a->n];
	const char *fault = ident_read(name, id);

	for (size_t i = 0; i < a->n && fault == NULL; i++) {
		if (ident_eq(id, &a->ids[i]))
			fault = "it is wanted twice";
	}
	if (fault == NULL && (can & challenge_possible(id)) == 0)
		fault = id->wildcard
			    ? "a wildcard is proven by DNS alone, and dns-01 does not work here"
			    : "there is no way to prove it here";
	if (fault != NULL) {
		snprintf(why, ACME_WHY_BYTES, "%.*s: %s", (int)(name.n < 256 ? name.n : 256),
		    name.p, fault);
		return false;
	}
	a->can[a->n++] = can;
	return true;
}

static bool
copy(const char *z, char *dst, size_t cap)
{
	return z == NULL || slice_z(slice_str(z), dst, cap);
}

static bool
take_wish(struct acme *a, const struct acme_wish *w, char why[ACME_WHY_BYTES])
{
	if (w->n == 0 || w->n > LIMIT_ACME_NAMES) {
		snprintf(why, ACME_WHY_BYTES, "a certificate has 1 to %d names", LIMIT_ACME_NAMES);
		return false;
	}
	for (size_t i = 0; i < w->n; i++) {
		if (!take_name(a, w->names[i], w->can[i], why))
			return false;
	}
	a->profile_must = w->profile_must;
	if (!copy(w->profile, a->profile, sizeof(a->profile)) ||
	    !copy(w->replaces, a->replaces, sizeof(a->replaces)) ||
	    !copy(w->issuer, a->issuer, sizeof(a->issuer))) {
		snprintf(why, ACME_WHY_BYTES, "profile or issuer is too long");
		return false;
	}
	return true;
}

struct acme *
acme_issue(struct ca *ca, const struct acme_wish *w, char why[ACME_WHY_BYTES])
{
	struct acme *a = acme_new(ca, ACME_AT_ORDER);

	if (a == NULL || (a->key = eckey_new()) == NULL) {
		snprintf(why, ACME_WHY_BYTES, "no key could be made");
		acme_free(a);
		return NULL;
	}
	if (!take_wish(a, w, why)) {
		acme_free(a);
		return NULL;
	}
	a->version++; /* the key is on disk before anything is asked for */
	return a;
}

struct acme *
acme_register(struct ca *ca)
{
	return acme_new(ca, ACME_AT_REGISTER);
}

struct acme *
acme_rollover(struct ca *ca)
{
	if (!ca_roll(ca))
		return NULL;
	return acme_new(ca, ACME_AT_FIND_NEXT);
}

struct acme *
acme_revoke(struct ca *ca, struct slice cert, int reason, struct slice key)
{
	struct acme *a = acme_new(ca, ACME_AT_REVOKE);

	if (a == NULL)
		return NULL;
	buf_put(&a->cert, cert);
	a->reason = reason;
	if (key.n > 0)
		a->cert_key = eckey_read(key);
	if (a->cert.failed || (key.n > 0 && a->cert_key == NULL)) {
		acme_free(a);
		return NULL;
	}
	return a;
}

struct acme *
acme_deactivate(struct ca *ca, const char *url)
{
	struct acme *a = acme_new(ca, ACME_AT_DEACTIVATE);

	if (a != NULL && !slice_z(slice_str(url), a->url, LIMIT_ACME_URL_BYTES)) {
		acme_free(a);
		return NULL;
	}
	return a;
}

struct acme *
acme_ask_renewal(struct ca *ca, const char *id)
{
	struct acme *a = acme_new(ca, ACME_AT_RENEWAL);

	if (a != NULL && !slice_z(slice_str(id), a->replaces, sizeof(a->replaces))) {
		acme_free(a);
		return NULL;
	}
	return a;
}

/* --- saved --- */

static void
put_text(struct buf *b, const char *name, struct slice text)
{
	if (text.n == 0)
		return;
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, text);
}

char *
acme_save(const struct acme *a, uint64_t *ret_version)
{
	struct buf b, pem;

	check(a->key != NULL); /* of a certificate's case */
	buf_init(&b, ACME_SAVED_BYTES);
	buf_init(&pem, ECKEY_PEM_BYTES);
	buf_put(&b, S("{\"v\":1,\"names\":["));
	for (size_t i = 0; i < a->n; i++) {
		buf_put(&b, i > 0 ? S(",{\"name\":") : S("{\"name\":"));
		buf_json(&b, slice_str(a->ids[i].text));
		buf_printf(&b, ",\"can\":%u,\"tried\":%u}", a->can[i], a->tried[i]);
	}
	buf_printf(&b, "],\"profile_must\":%s,\"ordered\":%lld,\"orders\":%u",
	    a->profile_must ? "true" : "false", (long long)a->ordered_at_s, a->orders);
	if (!eckey_pem(a->key, &pem))
		b.failed = true;
	put_text(&b, "directory", slice_str(a->ca->directory));
	put_text(&b, "key", buf_slice(&pem));
	put_text(&b, "profile", slice_str(a->profile));
	put_text(&b, "replaces", slice_str(a->replaces));
	put_text(&b, "issuer", slice_str(a->issuer));
	put_text(&b, "account", slice_str(a->account));
	put_text(&b, "order", slice_str(a->order));
	put_text(&b, "chain", a->state == ACME_AT_READY ? buf_slice(&a->chain) : S(""));
	buf_putc(&b, '}');
	if (pem.p != NULL)
		OPENSSL_cleanse(pem.p, pem.cap);
	buf_fini(&pem);
	*ret_version = a->version;
	if (buf_z(&b) == NULL) {
		buf_fini(&b);
		return NULL;
	}
	return b.p;
}

void
acme_stored(struct acme *a, uint64_t version)
{
	check(version <= a->version);
	if (version > a->stored)
		a->stored = version;
}

/* --- read again --- */

static unsigned
set_of(const json_t *o, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(o, name));

	return (unsigned)v & ((1u << CHALLENGE_KINDS) - 1);
}

static bool
load_names(struct acme *a, const json_t *o)
{
	const json_t *names = json_object_get(o, "names"), *row;
	char why[ACME_WHY_BYTES];
	size_t i;

	json_array_foreach(names, i, row) {
		if (a->n == LIMIT_ACME_NAMES ||
		    !take_name(a, cadoc_text(row, "name"), set_of(row, "can"), why))
			return false;
		a->tried[a->n - 1] = set_of(row, "tried");
	}
	return a->n > 0;
}

static bool
load_texts(struct acme *a, const json_t *o)
{
	json_int_t orders = json_integer_value(json_object_get(o, "orders"));

	a->profile_must = json_is_true(json_object_get(o, "profile_must"));
	a->ordered_at_s = json_integer_value(json_object_get(o, "ordered"));
	a->orders = orders < 0 || orders > LIMIT_ACME_ORDERS ? LIMIT_ACME_ORDERS : (unsigned)orders;
	(void)cadoc_url(cadoc_text(o, "account"), a->account);
	(void)cadoc_url(cadoc_text(o, "order"), a->order);
	buf_put(&a->chain, cadoc_text(o, "chain"));
	return a->ordered_at_s >= 0 &&
	       slice_eq(cadoc_text(o, "directory"), slice_str(a->ca->directory)) &&
	       slice_z(cadoc_text(o, "profile"), a->profile, sizeof(a->profile)) &&
	       slice_z(cadoc_text(o, "replaces"), a->replaces, sizeof(a->replaces)) &&
	       slice_z(cadoc_text(o, "issuer"), a->issuer, sizeof(a->issuer)) && !a->chain.failed &&
	       (a->key = eckey_read(cadoc_text(o, "key"))) != NULL;
}

/* Where it goes on. An order of an account that is no more ours is of no use. */
static void
choose_state(struct acme *a)
{
	struct chain_certs c;

	if (a->chain.n > 0 && chain_read(buf_slice(&a->chain), &c)) {
		if (EVP_PKEY_eq(X509_get0_pubkey(c.certs[0]), a->key) == 1)
			a->state = ACME_AT_READY;
		chain_fini(&c);
	}
	if (a->state == ACME_AT_READY)
		return;
	if (strcmp(a->account, a->ca->account) != 0)
		a->order[0] = '\0';
	a->state = a->order[0] != '\0' ? ACME_AT_LOOK : ACME_AT_ORDER;
}

struct acme *
acme_load(struct ca *ca, struct slice saved)
{
	json_t *o = cadoc_read(saved);
	struct acme *a = o == NULL ? NULL : acme_new(ca, ACME_AT_ORDER);

	if (a != NULL && (!load_names(a, o) || !load_texts(a, o))) {
		acme_free(a);
		a = NULL;
	}
	if (a != NULL)
		choose_state(a);
	json_decref(o);
	return a;
}

/* --- outcomes --- */

void
acme_certificate(struct acme *a, struct acme_certificate *ret)
{
	struct chain_certs c;

	check(a->state == ACME_AT_READY);
	check(a->key_pem.n > 0 || eckey_pem(a->key, &a->key_pem));
	check(chain_read(buf_slice(&a->chain), &c)); /* it was judged before it was kept */
	chain_facts(&c, &ret->facts);
	chain_fini(&c);
	ret->chain = buf_slice(&a->chain);
	ret->key = buf_slice(&a->key_pem);
}

const struct renewal_window *
acme_window(const struct acme *a)
{
	check(a->state == ACME_AT_DONE);
	return &a->window;
}

int64_t
acme_ordered_s(const struct acme *a)
{
	return a->ordered_at_s;
}

const char *
acme_at(const struct acme *a)
{
	return acme_rows[a->state].name;
}
