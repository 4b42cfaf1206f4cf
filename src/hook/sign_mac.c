/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures in a header over id, timestamp and body. */
#include "hook/sign_private.h"

#include "base/text.h"

#include <stdio.h>

/* One signature as it was sent, decoded. */
struct mark {
	bool asymmetric; /* Ed25519 or ECDSA */
	enum hmac_hash algorithm;
	uint8_t n;
	uint8_t bytes[80]; /* a DER signature of P-256 has up to 72 */
};

/* What the header fields of a request say. */
struct signature_claim {
	struct slice time, id;
	bool seen;    /* a signature field is there */
	bool refused; /* an algorithm was named that is not taken */
	size_t n_marks;
	struct mark marks[LIMIT_HOOK_SIGNATURES];
};

struct key {
	bool asymmetric;
	struct slice bytes;
	/* Decoded bytes, where `bytes` are not the secret's own. */
	uint8_t space[1024];
};

#define PARTS 10

/* --- reading --- */

/*
 * What cannot be decoded is dropped and not a fault: of several marks another may be good. More
 * than HOOK_SIGNATURES are not looked at, since each costs an HMAC.
 */
static void
add_mark(struct signature_claim *c, struct slice text, enum sign_encoding e, enum hmac_hash a,
    bool asymmetric)
{
	struct mark *m;
	ptrdiff_t n;

	if (c->n_marks == LIMIT_HOOK_SIGNATURES)
		return;
	m = &c->marks[c->n_marks];
	n = e == SIGN_HEX ? text_unhex(text, m->bytes, sizeof(m->bytes))
			  : text_unbase64(text, false, true, m->bytes, sizeof(m->bytes));
	if (n <= 0)
		return;
	check((size_t)n <= sizeof(m->bytes));
	m->n = (uint8_t)n;
	m->algorithm = a;
	m->asymmetric = asymmetric;
	c->n_marks++;
}

/*
 * "sha256=...", where the sender names the hash. It may name a strong one; SHA-1 only where the
 * owner wants it, and any other word is refused with a reason of its own.
 */
static void
read_named(const struct sign_params *p, struct signature_claim *c, struct slice value)
{
	static const struct {
		struct slice name;
		enum hmac_hash algorithm;
	} names[] = { { S("sha256"), HMAC_SHA256 }, { S("sha1"), HMAC_SHA1 },
		{ S("sha384"), HMAC_SHA384 }, { S("sha512"), HMAC_SHA512 } };
	struct slice name = slice_cut(&value, '=');

	if (value.p == NULL)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!slice_ieq(name, names[i].name))
			continue;
		if (names[i].algorithm == HMAC_SHA1 && !p->allow_sha1)
			break;
		add_mark(c, value, SIGN_HEX, names[i].algorithm, false);
		return;
	}
	c->refused = true;
}

/* Unknown names are passed over: senders add versions (Stripe's v0) that are not for us. */
static void
read_pairs(const struct sign_form *f, struct signature_claim *c, struct slice value)
{
	check(f->time_key != NULL && f->mark_key != NULL); /* "" is the name of a bare '=' */
	while (value.n > 0) {
		struct slice item = slice_trim(slice_cut(&value, f->separator)),
			     name = slice_cut(&item, '=');

		if (slice_eq(name, slice_str(f->time_key)))
			c->time = item;
		else if (slice_eq(name, slice_str(f->mark_key)))
			add_mark(c, item, SIGN_HEX, f->algorithm, false);
	}
}

/*
 * Standard Webhooks: "v1,base64 v1a,base64"; v1 is HMAC, v1a Ed25519. Others are of
 * a later version.
 */
static void
read_list(struct signature_claim *c, struct slice value)
{
	while (value.n > 0) {
		struct slice item = slice_cut(&value, ' '), version = slice_cut(&item, ',');

		if (slice_eq(version, S("v1")))
			add_mark(c, item, SIGN_BASE64, HMAC_SHA256, false);
		else if (slice_eq(version, S("v1a")))
			add_mark(c, item, SIGN_BASE64, HMAC_SHA256, true);
	}
}

static void
read_place(const struct sign_params *p, const struct sign_form *f, const struct sign_place *at,
    const struct hook_request *req, struct slice header, struct slice prefix,
    struct signature_claim *c)
{
	struct slice value = hook_header(req, header);

	if (value.p == NULL)
		return;
	c->seen = true;
	switch (at->layout) {
	case SIGN_PLAIN:
		if (slice_starts(value, prefix))
			add_mark(c, slice_from(value, prefix.n), f->encoding, f->algorithm,
			    f->key == SIGN_KEY_SPKI);
		break;
	case SIGN_NAMED:
		read_named(p, c, value);
		break;
	case SIGN_PAIRS:
		read_pairs(f, c, value);
		break;
	case SIGN_LIST:
		read_list(c, value);
		break;
	}
}

/* The form with what the route's configuration adds to scheme "hmac". */
static struct sign_form
form_of(const struct sign_params *p)
{
	struct sign_form f = *p->scheme->form;

	if (f.places[0].header == NULL) {
		f.encoding = p->encoding;
		f.algorithm = p->algorithm;
	}
	return f;
}

static struct slice
first_header(const struct sign_params *p)
{
	const char *z = p->scheme->form->places[0].header;

	return z == NULL ? p->header : slice_str(z);
}

/*
 * All places of the form are read, not the first that is there: Gitea writes several, and any
 * of them may be the one that reached us.
 */
static void
read_claim(const struct sign_params *p, const struct sign_form *f, const struct hook_request *req,
    struct signature_claim *c)
{
	c->time = c->id = (struct slice){ NULL, 0 };
	c->seen = c->refused = false;
	c->n_marks = 0;
	if (f->places[0].header == NULL) {
		if (hook_header_count(req, p->header) == 1)
			read_place(p, f, &f->places[0], req, p->header, p->prefix, c);
		else
			c->seen = hook_header_count(req, p->header) > 1;
	}
	for (size_t i = 0; i < SIGN_PLACES && f->places[i].header != NULL; i++) {
		const struct sign_place *at = &f->places[i];

		read_place(p, f, at, req, slice_str(at->header), slice_str(at->prefix), c);
	}
	if (f->time_header != NULL)
		c->time = hook_header(req, slice_str(f->time_header));
	if (f->id_header != NULL)
		c->id = hook_header(req, slice_str(f->id_header));
}

/* --- keys --- */

static struct slice
behind(struct slice s, struct slice prefix)
{
	return slice_starts(s, prefix) ? slice_from(s, prefix.n) : s;
}

/* Standard Webhooks: whsec_ (or nothing) and base64; whpk_ and 32 bytes; whsk_ and 32 bytes of seed
 * and 32 of public key. */
static bool
read_whsec(struct slice secret, bool sign, struct key *k)
{
	struct slice text = behind(behind(behind(secret, S("whsec_")), S("whpk_")), S("whsk_"));
	ptrdiff_t n = text_unbase64(text, false, true, k->space, sizeof(k->space));

	if (n <= 0)
		return false;
	k->bytes = slice_of(k->space, (size_t)n);
	k->asymmetric = true;
	if (slice_starts(secret, S("whsk_"))) {
		k->bytes = sign ? slice_head(k->bytes, 32) : slice_from(k->bytes, 32);
		return n == 64;
	}
	if (slice_starts(secret, S("whpk_")))
		return n == 32 && !sign;
	k->asymmetric = false;
	return n >= 16; /* the standard wants 24 to 64; less than 16 is no secret */
}

/*
 * False: the secret has not the form that the scheme wants. k->bytes then points nowhere that
 * may be used.
 */
static bool
read_key(const struct sign_form *f, struct slice secret, bool sign, struct key *k)
{
	ptrdiff_t n;

	switch (f->key) {
	case SIGN_KEY_TEXT:
		k->asymmetric = false;
		k->bytes = secret;
		return secret.n > 0;
	case SIGN_KEY_WHSEC:
		return read_whsec(secret, sign, k);
	case SIGN_KEY_SPKI:
		n = text_unbase64(secret, false, true, k->space, sizeof(k->space));
		k->asymmetric = true;
		k->bytes = slice_of(k->space, n > 0 ? (size_t)n : 0);
		return n > 0 && crypto_ecdsa_key_ok(k->bytes);
	}
	return false;
}

/* --- verifying --- */

/* The signed message in pieces: literals of the form's text, id, timestamp, body. */
static size_t
message(const struct sign_form *f, struct slice id, struct slice time, struct slice body,
    struct slice *parts)
{
	const char *from = f->message, *at;
	size_t n = 0;

	for (at = from; *at != '\0' && n + 2 < PARTS; at++) {
		if (*at != '%')
			continue;
		if (at > from)
			parts[n++] = slice_of(from, (size_t)(at - from));
		at++;
		parts[n++] = *at == 'i' ? id : *at == 't' ? time : body;
		from = at + 1;
	}
	/* A form that did not fit, or ends with a literal, would leave a part unsigned. */
	check(*at == '\0' && from == at);
	return n;
}

/*
 * Key and mark must be of one kind: a public key used as an HMAC key would be a secret
 * that everybody knows.
 */
static bool
mark_matches(const struct sign_form *f, const struct key *k, const struct mark *m,
    const struct slice *parts, size_t n)
{
	uint8_t mac[HMAC_BYTES_MAX];
	struct slice sig = slice_of(m->bytes, m->n);
	size_t len;

	if (k->asymmetric != m->asymmetric)
		return false;
	if (f->key == SIGN_KEY_SPKI)
		return crypto_ecdsa_ok(k->bytes, sig, parts, n);
	if (k->asymmetric)
		return m->n == 64 && crypto_ed25519_ok(k->bytes, sig, parts, n);
	len = hmac_bytes(m->algorithm);
	return m->n == len && hmac(m->algorithm, k->bytes, parts, n, mac) &&
	       crypto_same(sig, slice_of(mac, len));
}

static bool
any_mark_matches(const struct sign_form *f, const struct key *k, const struct signature_claim *c,
    const struct slice *parts, size_t n)
{
	for (size_t i = 0; i < c->n_marks; i++) {
		if (mark_matches(f, k, &c->marks[i], parts, n))
			return true;
	}
	return false;
}

/* Is there what the scheme needs, in a form that can be read? False: the reason is in *v. */
static bool
claim_ok(const struct sign_params *p, const struct sign_form *f, const struct signature_claim *c,
    uint64_t *ret_time, struct sign_verdict *v)
{
	struct slice header = first_header(p);

	if (!c->seen) {
		sign_say(v, SIGN_MISSING,
		    "The request has no %.*s field: it is not signed. Set the same secret "
		    "at the sender and at the tunnel.",
		    PS(slice_head(header, 64)));
		return false;
	}
	if (c->n_marks == 0 && c->refused) {
		sign_say(v, SIGN_ALGORITHM,
		    "The %.*s field names an algorithm that is not accepted (sha256, "
		    "sha384 and sha512 are; sha1 only if the tunnel's policy allows it).",
		    PS(slice_head(header, 64)));
		return false;
	}
	if (c->n_marks == 0) {
		sign_say(v, SIGN_MALFORMED, "The %.*s field cannot be read as a signature of %s.",
		    PS(slice_head(header, 64)), p->scheme->title);
		return false;
	}
	if (strstr(f->message, "%t") != NULL &&
	    (!slice_u64(c->time, ret_time) || *ret_time > 1ull << 40)) {
		sign_say(v, SIGN_MALFORMED,
		    "The timestamp of the signature is missing or no number.");
		return false;
	}
	/* The dots of id.timestamp.body must not move. */
	if (f->id_header != NULL && (c->id.n == 0 || slice_find(c->id, '.') != SIZE_MAX)) {
		sign_say(v, SIGN_MALFORMED, "The %s field is missing or has a dot in it.",
		    f->id_header);
		return false;
	}
	return true;
}

/*
 * Every secret is tried with every mark, newest first: while a secret is being changed, old and
 * new signatures are both good.
 */
bool
sign_mac_ok(const struct sign_params *p, const struct hook_request *req, struct sign_verdict *v)
{
	struct sign_form f = form_of(p);
	struct slice parts[PARTS];
	struct signature_claim c;
	uint64_t time = 0;
	size_t n_parts;
	bool any_key = false;

	check(p->scheme->kind == SIGN_KIND_MAC);
	read_claim(p, &f, req, &c);
	if (!claim_ok(p, &f, &c, &time, v))
		return false;
	n_parts = message(&f, c.id, c.time, req->body, parts);
	for (size_t i = 0; i < sign_n_secrets(p); i++) {
		struct key k;

		if (!read_key(&f, p->secrets[i], false, &k))
			continue;
		any_key = true;
		if (!any_mark_matches(&f, &k, &c, parts, n_parts))
			continue;
		v->secret = (uint8_t)i;
		/* Only now: a wrong signature is the more exact answer. */
		return (c.time.p == NULL || sign_in_time(p, req, time, v)) &&
		       sign_settle(v, SIGN_OK);
	}
	if (any_key)
		return sign_settle(v, SIGN_WRONG);
	sign_say(v, SIGN_BAD_SECRET, "No secret of the tunnel has the form that %s wants: %s.",
	    p->scheme->title, p->scheme->secret);
	return false;
}

/* --- signing --- */

/* Nothing is verified here: it says what the request says of itself. */
bool
sign_mac_claim(const struct sign_params *p, const struct hook_request *req, uint64_t *ret_seconds,
    struct slice *ret_id)
{
	struct sign_form f = form_of(p);
	struct sign_verdict v;
	struct signature_claim c;

	check(p->scheme->kind == SIGN_KIND_MAC);
	read_claim(p, &f, req, &c);
	*ret_id = c.id;
	return claim_ok(p, &f, &c, ret_seconds, &v);
}

bool
sign_mac_makes(const struct sign_params *p, struct slice secret)
{
	struct key k;

	return read_key(p->scheme->form, secret, true, &k);
}

static bool
compute(const struct sign_form *f, const struct key *k, const struct slice *parts, size_t n,
    uint8_t *dst, size_t *ret_n)
{
	*ret_n = k->asymmetric ? 64 : hmac_bytes(f->algorithm);
	check(*ret_n <= HMAC_BYTES_MAX);
	return k->asymmetric ? crypto_ed25519_sign(k->bytes, parts, n, dst)
			     : hmac(f->algorithm, k->bytes, parts, n, dst);
}

/* What stands before the encoded value, as read_place() would take it off again. */
static void
put_mark(const struct sign_params *p, const struct sign_form *f, struct slice time, bool asymmetric,
    struct sign_writer *w)
{
	switch (f->places[0].layout) {
	case SIGN_PLAIN:
		sign_put(w,
		    f->places[0].header == NULL ? p->prefix : slice_str(f->places[0].prefix));
		break;
	case SIGN_NAMED:
		sign_put(w, S("sha256="));
		break;
	case SIGN_PAIRS:
		sign_put(w, slice_str(f->time_key));
		sign_put(w, S("="));
		sign_put(w, time);
		sign_put(w, slice_of(&f->separator, 1));
		sign_put(w, slice_str(f->mark_key));
		sign_put(w, S("="));
		break;
	case SIGN_LIST:
		sign_put(w, asymmetric ? S("v1a,") : S("v1,"));
		break;
	}
}

bool
sign_mac_make(const struct sign_params *p, const struct hook_request *req, struct slice id,
    struct sign_writer *w)
{
	struct sign_form f = form_of(p);
	struct slice parts[PARTS], time;
	uint8_t mark[HMAC_BYTES_MAX];
	char time_text[24];
	size_t n, from;
	struct key k;

	check(sign_n_secrets(p) > 0 && w->at == 0);
	if ((f.id_header != NULL && (id.n == 0 || slice_find(id, '.') != SIZE_MAX)) ||
	    !read_key(&f, p->secrets[0], true, &k))
		return false;
	snprintf(time_text, sizeof(time_text), "%lld", (long long)(req->now_ms / 1000));
	time = slice_str(time_text);
	n = message(&f, id, time, req->body, parts);
	if (!compute(&f, &k, parts, n, mark, &n))
		return false;
	if (f.id_header != NULL) {
		sign_put(w, id);
		sign_field(w, slice_str(f.id_header), 0);
	}
	from = w->at;
	if (f.time_header != NULL) {
		sign_put(w, time);
		sign_field(w, slice_str(f.time_header), from);
	}
	from = w->at;
	put_mark(p, &f, time, k.asymmetric, w);
	sign_put_coded(w, f.encoding, mark, n);
	sign_field(w, first_header(p), from);
	return true;
}
