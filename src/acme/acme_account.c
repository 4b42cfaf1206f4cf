/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts and their keys (RFC 8555 7.3), revocation (7.6), deactivation, and when to renew (RFC 9773).
 *
 *	newAccount   {"termsOfServiceAgreed":, "contact":["mailto:..."], "externalAccountBinding":JWS}
 *	             -> 201 or 200, Location: the account's URL
 *	keyChange    JWS by the new key of {"account":URL, "oldKey":JWK}, within one by the old key
 *	revokeCert   {"certificate":base64url(DER), "reason":}
 *	renewalInfo  -> {"suggestedWindow":{"start":, "end":}, "explanationURL":}
 */
#include "acme/acme_private.h"

#include "acme/cadoc.h"

#include <stdio.h>

/* --- the account --- */

/* What the configuration lacks is said before the CA is asked. True: the case has ended. */
bool
acme_account_forbidden(struct acme *a)
{
	const struct ca *ca = a->ca;

	if (ca->eab_wanted && ca->eab_key_id[0] == '\0')
		acme_fail(a, ACME_REFUSED,
		    "the CA wants an account that was made on its pages: set eab: {key_id:, "
		    "hmac_file:} "
		    "under acme:");
	else if (ca->terms[0] != '\0' && !ca->agree_to_terms)
		acme_fail(a, ACME_REFUSED,
		    "the CA has terms (%.300s): read them, then set agree_to_terms: yes under "
		    "acme:",
		    ca->terms);
	else
		return false;
	return true;
}

/* The same text finds an account that there is: the CA answers 200 and not 201 (7.3.1). */
bool
acme_put_account(struct acme *a, struct buf *out)
{
	struct ca *ca = a->ca;
	bool ok = true;

	buf_printf(out, "{\"termsOfServiceAgreed\":%s", ca->agree_to_terms ? "true" : "false");
	if (ca->email[0] != '\0') {
		char contact[300];

		snprintf(contact, sizeof(contact), "mailto:%s", ca->email);
		buf_put(out, S(",\"contact\":["));
		buf_json(out, slice_str(contact));
		buf_putc(out, ']');
	}
	if (ca->eab_key_id[0] != '\0') {
		buf_put(out, S(",\"externalAccountBinding\":"));
		ok = jws_eab(ca->key, ca->eab_key_id, slice_of(ca->eab_hmac, ca->eab_hmac_n),
		    ca->urls[CA_NEW_ACCOUNT], out);
	}
	buf_putc(out, '}');
	return ok;
}

void
acme_on_account(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	char url[LIMIT_ACME_URL_BYTES];

	(void)now_s;
	a->tries = a->nonce_tries = 0;
	if (cadoc_url(slice_trim(ans->location), url))
		ca_set_account(a->ca, url);
	else
		acme_fail(a, ACME_LIED, "the CA's answer about our account has no URL");
}

void
acme_on_register(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	acme_on_account(a, ans, now_s);
	if (a->state == ACME_AT_REGISTER)
		acme_move(a, ACME_AT_DONE);
}

/* --- another key for it (7.3.5) --- */

bool
acme_put_find_next(struct acme *a, struct buf *out)
{
	(void)a;
	buf_put(out, S("{\"onlyReturnExisting\":true}"));
	return true;
}

/* The CA knows the new key: the change was made before, and its answer got lost. */
void
acme_on_find_next(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	bool ours = slice_eq(slice_trim(ans->location), slice_str(a->ca->account));

	(void)now_s;
	ca_rolled(a->ca, ours);
	if (ours)
		acme_move(a, ACME_AT_DONE);
	else
		acme_fail(a, ACME_LIED, "the CA says that our new key is of another account");
}

void
acme_find_next_refused(struct acme *a, const struct problem *p, int64_t now_s)
{
	if (problem_is(p, PROBLEM_ACCOUNT_GONE))
		acme_move(a, ACME_AT_KEY_CHANGE);
	else
		acme_key_change_refused(a, p, now_s);
}

/* Signed by the new key, without a nonce; around it comes the JWS of the old one. */
bool
acme_put_key_change(struct acme *a, struct buf *out)
{
	struct buf payload;
	bool ok;

	buf_init(&payload, 4096);
	buf_put(&payload, S("{\"account\":"));
	buf_json(&payload, slice_str(a->ca->account));
	buf_put(&payload, S(",\"oldKey\":"));
	ok = jws_jwk(a->ca->key, &payload);
	buf_putc(&payload, '}');
	ok =
	    ok && !payload.failed &&
	    jws_sign(a->ca->next, NULL, NULL, a->ca->urls[CA_KEY_CHANGE], buf_slice(&payload), out);
	buf_fini(&payload);
	return ok;
}

void
acme_on_key_change(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	(void)ans;
	(void)now_s;
	ca_rolled(a->ca, true);
	acme_move(a, ACME_AT_DONE);
}

/* The old key stays what it was. */
void
acme_key_change_refused(struct acme *a, const struct problem *p, int64_t now_s)
{
	(void)now_s;
	ca_rolled(a->ca, false);
	acme_fail_problem(a, ACME_REFUSED, p, "");
}

/* --- revocation and deactivation --- */

bool
acme_put_revoke(struct acme *a, struct buf *out)
{
	buf_put(out, S("{\"certificate\":\""));
	jws_base64url(out, a->cert.p, a->cert.n);
	buf_put(out, S("\""));
	if (a->reason >= 0)
		buf_printf(out, ",\"reason\":%d", a->reason);
	buf_putc(out, '}');
	return true;
}

void
acme_revoke_refused(struct acme *a, const struct problem *p, int64_t now_s)
{
	if (problem_is(p, PROBLEM_REVOKED))
		acme_move(a, ACME_AT_DONE);
	else
		acme_refused(a, p, now_s);
}

bool
acme_put_deactivate(struct acme *a, struct buf *out)
{
	(void)a;
	buf_put(out, S("{\"status\":\"deactivated\"}"));
	return true;
}

void
acme_on_done(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	(void)ans;
	(void)now_s;
	if (a->state == ACME_AT_DEACTIVATE && strcmp(a->url, a->ca->account) == 0)
		ca_set_account(a->ca, "");
	acme_move(a, ACME_AT_DONE);
}

void
acme_refused(struct acme *a, const struct problem *p, int64_t now_s)
{
	(void)now_s;
	acme_fail_problem(a, ACME_REFUSED, p, "");
}

/* --- when to renew (RFC 9773) --- */

void
acme_on_renewal(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	if (renewal_read(ans->body, ans->retry_after, now_s, &a->window))
		acme_move(a, ACME_AT_DONE);
	else
		acme_fail(a, ACME_LIED, "the CA's answer about the time of renewal makes no sense");
}

void
acme_renewal_refused(struct acme *a, const struct problem *p, int64_t now_s)
{
	acme_refused(a, p, now_s);
}
