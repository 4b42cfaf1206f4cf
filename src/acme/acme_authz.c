/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorisations (RFC 8555 7.5): which name, which way to prove it, and what the CA saw.
 *
 *	authorisation  {"identifier":{"type":, "value":}, "wildcard":true,
 *	                "status":"pending"|"valid"|"invalid"|"expired"|"deactivated"|"revoked",
 *	                "challenges":[challenge...]}
 *	challenge      {"type":"dns-01", "url":, "token":, "error":problem,
 *	                "status":"pending"|"processing"|"valid"|"invalid"}
 *
 * One authorisation is walked to its end before the next is looked at: a name that cannot be proven then
 * costs one failed validation, and CAs count those. Nothing of a challenge is stored: token and account
 * make the answer again after a restart, and what is shown is shown anew.
 */
#include "acme/acme_private.h"

#include "acme/cadoc.h"

#include <stdio.h>

static void
lied(struct acme *a)
{
	acme_fail(a, ACME_LIED, "the CA's answer about an authorisation makes no sense");
}

/* Which of ours it is about: a wildcard's has the name below it (7.1.4). LIMIT_ACME_NAMES: none. */
static size_t
whose(const struct acme *a, const json_t *authz)
{
	const json_t *o = json_object_get(authz, "identifier");
	bool wildcard = json_is_true(json_object_get(authz, "wildcard"));
	struct ident id;

	if (ident_read(cadoc_text(o, "value"), &id) != NULL)
		return LIMIT_ACME_NAMES;
	for (size_t i = 0; i < a->n; i++) {
		if (a->ids[i].wildcard == wildcard && a->ids[i].ip_n == id.ip_n &&
		    strcmp(ident_base(&a->ids[i]), id.text) == 0)
			return i;
	}
	return LIMIT_ACME_NAMES;
}

/* The challenge of that kind; NULL when it is not offered. */
static const json_t *
find(const json_t *authz, enum challenge_kind kind)
{
	const json_t *all = json_object_get(authz, "challenges"), *c;
	size_t i;

	json_array_foreach(all, i, c) {
		if (slice_eq(cadoc_text(c, "type"), slice_str(challenge_word(kind))))
			return c;
	}
	return NULL;
}

/* --- the choice --- */

/* Usable here and now: not tried in vain, with a URL and what it is made of. */
static const json_t *
usable(const struct acme *a, const json_t *authz, enum challenge_kind kind, bool processing)
{
	size_t i = a->ident;
	unsigned may = a->can[i] & challenge_possible(&a->ids[i]) & ~a->tried[i];
	const json_t *c = may & CHALLENGE_CAN(kind) ? find(authz, kind) : NULL;
	struct slice status = cadoc_text(c, "status");
	char url[LIMIT_ACME_URL_BYTES];

	if (c == NULL || !cadoc_url(cadoc_text(c, "url"), url) ||
	    !slice_eq(status, processing ? S("processing") : S("pending")))
		return NULL;
	if (kind == CHALLENGE_PERSIST)
		return cadoc_item(c, "issuerDomainNames", 0).n +
				   cadoc_item(c, "issuer-domain-names", 0).n >
			       0
			   ? c
			   : NULL;
	return challenge_token_ok(cadoc_text(c, "token")) ? c : NULL;
}

/* The CA's own name for our account, when it says one (draft -01), goes into the record as it is. */
static bool
make_standing(struct acme *a, const json_t *c)
{
	char issuer[CHALLENGE_ISSUER_BYTES], account[LIMIT_ACME_URL_BYTES];
	struct slice name = cadoc_item(c, "issuerDomainNames", 0);
	struct ident id;

	if (name.n == 0)
		name = cadoc_item(c, "issuer-domain-names", 0);
	if (ident_read(name, &id) != NULL || !slice_z(slice_str(id.text), issuer, sizeof(issuer)))
		return false;
	if (!cadoc_url(cadoc_text(c, "accounturi"), account))
		memcpy(account, a->ca->account, sizeof(account));
	return challenge_standing(&a->challenge,
	    &(struct challenge_standing){ issuer, account, a->ca->hash_prefix, a->ca->thumbprint });
}

static void
publish(struct acme *a, const json_t *c, enum challenge_kind kind, bool processing)
{
	struct challenge *ch = &a->challenge;
	bool ok;

	challenge_fini(ch);
	*ch = (struct challenge){ .kind = kind, .ident = a->ids[a->ident] };
	if (kind == CHALLENGE_PERSIST)
		ok = make_standing(a, c);
	else
		ok = slice_z(cadoc_text(c, "token"), ch->token, sizeof(ch->token)) &&
		     challenge_make(ch, a->ca->thumbprint);
	if (!ok) {
		acme_fail(a, ACME_BROKEN, "%s: the answer to the challenge %s cannot be made",
		    a->ids[a->ident].text, challenge_word(kind));
		return;
	}
	check(cadoc_url(cadoc_text(c, "url"), a->respond)); /* usable() has looked */
	a->processing = processing;
	acme_move(a, ACME_AT_PUBLISH);
}

static void
put_kinds(struct buf *b, unsigned kinds)
{
	const char *sep = "";

	for (enum challenge_kind k = 0; k < CHALLENGE_KINDS; k++) {
		if (kinds & CHALLENGE_CAN(k)) {
			buf_printf(b, "%s%s", sep, challenge_word(k));
			sep = ", ";
		}
	}
	if (sep[0] == '\0')
		buf_put(b, S("nothing"));
}

static void
no_way(struct acme *a, const json_t *authz)
{
	unsigned offered = 0;
	struct buf b;

	if (a->unproven[0] != '\0') {
		acme_fail(a, ACME_UNPROVEN, "%s", a->unproven);
		return;
	}
	for (enum challenge_kind k = 0; k < CHALLENGE_KINDS; k++)
		offered |= find(authz, k) != NULL ? CHALLENGE_CAN(k) : 0;
	buf_init(&b, 512);
	buf_put(&b, S("the CA takes "));
	put_kinds(&b, offered);
	buf_put(&b, S(" as a proof, and here works "));
	put_kinds(&b, a->can[a->ident] & challenge_possible(&a->ids[a->ident]));
	acme_fail(a, ACME_REFUSED, "%s: %.*s", a->ids[a->ident].text, PS(buf_slice(&b)));
	buf_fini(&b);
}

/* One that the CA looks at already comes first: its answer must be shown until it has. */
static void
choose(struct acme *a, const json_t *authz)
{
	for (int processing = 1; processing >= 0; processing--) {
		for (enum challenge_kind k = 0; k < CHALLENGE_KINDS; k++) {
			const json_t *c = usable(a, authz, k, processing);

			if (c != NULL) {
				publish(a, c, k, processing);
				return;
			}
		}
	}
	no_way(a, authz);
}

/* --- the outcome --- */

/* What the CA says of the challenge that failed, for people; the kind that it was. */
static bool
find_failed(struct acme *a, const json_t *authz, enum challenge_kind *ret)
{
	const char *name = a->ids[a->ident].text;
	struct problem p;
	struct buf b;

	for (enum challenge_kind k = 0; k < CHALLENGE_KINDS; k++) {
		const json_t *c = find(authz, k);

		if (c == NULL || !slice_eq(cadoc_text(c, "status"), S("invalid")))
			continue;
		problem_of(json_object_get(c, "error"), &p);
		buf_init(&b, 16384);
		if (p.all.kind != PROBLEM_NONE)
			problem_put(&b, &p, name);
		else
			buf_printf(&b, "%s: the CA did not take the proof by %s", name,
			    challenge_word(k));
		slice_copy(buf_slice(&b), a->unproven, sizeof(a->unproven));
		buf_fini(&b);
		*ret = k;
		return true;
	}
	return false;
}

/* An authorisation that failed takes its order with it (7.1.6). Another kind needs another order. */
static void
authz_lost(struct acme *a, const json_t *authz)
{
	size_t i = a->ident;
	enum challenge_kind kind;
	bool failed = find_failed(a, authz, &kind);

	if (failed) {
		a->tried[i] |= CHALLENGE_CAN(kind);
		a->version++;
	}
	if (failed && (a->can[i] & challenge_possible(&a->ids[i]) & ~a->tried[i]) == 0)
		acme_fail(a, ACME_UNPROVEN, "%s", a->unproven);
	else
		acme_order_anew(a, ACME_UNPROVEN,
		    a->unproven[0] != '\0' ? a->unproven : "the CA has dropped an authorisation");
}

static void
next_authz(struct acme *a)
{
	a->responded = a->processing = a->refused = false;
	acme_poll_end(a);
	if (++a->at < a->n_authz)
		return;
	a->at = 0;
	a->proven = true;
	acme_move(a, ACME_AT_LOOK);
}

void
acme_on_authz(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	json_t *authz = cadoc_read(ans->body);
	struct slice status = cadoc_text(authz, "status");

	a->ident = authz == NULL ? LIMIT_ACME_NAMES : whose(a, authz);
	if (a->ident == LIMIT_ACME_NAMES)
		lied(a);
	else if (slice_eq(status, S("valid")))
		next_authz(a);
	else if (!slice_eq(status, S("pending")) && !slice_eq(status, S("processing")))
		authz_lost(a, authz);
	else if (a->refused)
		acme_fail(a, ACME_REFUSED, "%s", a->unproven);
	else if (a->responded)
		acme_poll(a, ans->retry_after, now_s, a->ids[a->ident].text);
	else
		choose(a, authz);
	json_decref(authz);
}

/* --- the challenge --- */

static void
watch(struct acme *a, struct slice retry_after, int64_t now_s)
{
	a->responded = true;
	acme_move(a, ACME_AT_AUTHZ);
	acme_poll(a, retry_after, now_s, a->ids[a->ident].text);
}

void
acme_published(struct acme *a)
{
	check(a->state == ACME_AT_PUBLISH);
	if (a->processing) {
		a->responded = true;
		acme_move(a, ACME_AT_AUTHZ);
	} else {
		acme_move(a, ACME_AT_RESPOND);
	}
}

/* Nobody has told the CA to look yet: the same authorisation takes another kind. */
void
acme_unpublishable(struct acme *a, const char *why)
{
	check(a->state == ACME_AT_PUBLISH);
	a->tried[a->ident] |= CHALLENGE_CAN(a->challenge.kind);
	snprintf(a->unproven, sizeof(a->unproven), "%s: %s cannot be shown: %s",
	    a->ids[a->ident].text, challenge_word(a->challenge.kind), why);
	a->version++;
	acme_move(a, ACME_AT_AUTHZ);
}

void
acme_on_respond(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	watch(a, ans->retry_after, now_s);
}

/* The challenge may be over already; what became of it, the authorisation tells. */
void
acme_respond_refused(struct acme *a, const struct problem *p, int64_t now_s)
{
	struct buf b;

	if (p->status == 404) {
		acme_lost(a, p, now_s);
		return;
	}
	buf_init(&b, 16384);
	problem_put(&b, p, a->ids[a->ident].text);
	slice_copy(buf_slice(&b), a->unproven, sizeof(a->unproven));
	buf_fini(&b);
	a->refused = true;
	watch(a, S(""), now_s);
}
