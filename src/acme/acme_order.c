/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders (RFC 8555 7.4): made, looked at, finalised, and the certificate fetched and judged.
 *
 *	newOrder   {"identifiers":[{"type":"dns"|"ip", "value":}...], "profile":, "replaces":}
 *	           -> 201, Location: the order's URL, and the order as below
 *	order      {"status":"pending"|"ready"|"processing"|"valid"|"invalid",
 *	            "authorizations":[URL...], "finalize":URL, "certificate":URL, "error":problem}
 *	finalize   {"csr":base64url(DER)} -> the order again
 *	download   -> PEM, and Link: <URL>;rel="alternate" for each other chain
 *
 * The CSR is made anew each time from the stored key and names, so that a finalize that got lost can be
 * sent again: the certificate is for the same key whichever of them the CA took.
 */
#include "acme/acme_private.h"

#include "acme/cadoc.h"
#include "acme/csr.h"

#include <stdio.h>

/* --- newOrder --- */

bool
acme_put_order(struct acme *a, struct buf *out)
{
	buf_put(out, S("{\"identifiers\":["));
	for (size_t i = 0; i < a->n; i++) {
		buf_printf(out, "%s{\"type\":\"%s\",\"value\":", i > 0 ? "," : "",
		    ident_type(&a->ids[i]));
		buf_json(out, slice_str(a->ids[i].text));
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
	if (a->profile[0] != '\0' && ca_has_profile(a->ca, a->profile)) {
		buf_put(out, S(",\"profile\":"));
		buf_json(out, slice_str(a->profile));
	}
	/* A CA without RFC 9773 may refuse the member. */
	if (a->replaces[0] != '\0' && ca_has_renewal_info(a->ca)) {
		buf_put(out, S(",\"replaces\":"));
		buf_json(out, slice_str(a->replaces));
	}
	buf_putc(out, '}');
	return true;
}

static enum acme_blame
blame_of(const struct problem *p)
{
	switch (p->all.kind) {
	case PROBLEM_CAA:
	case PROBLEM_COMPOUND:
	case PROBLEM_CONNECTION:
	case PROBLEM_DNS:
	case PROBLEM_WRONG_ANSWER:
	case PROBLEM_TLS:
	case PROBLEM_UNAUTHORIZED:
		return ACME_UNPROVEN;
	case PROBLEM_INTERNAL:
	case PROBLEM_BAD_NONCE:
		return ACME_CA_DOWN;
	case PROBLEM_LIMITED:
		return ACME_LIMITED;
	default:
		return ACME_REFUSED;
	}
}

/*
 * What is only a wish is given up, and the order is asked for at once again: none was made.  A CA that
 * takes the predecessor for replaced already would refuse it for ever.
 */
void
acme_order_refused(struct acme *a, const struct problem *p, int64_t now_s)
{
	(void)now_s;
	if (a->replaces[0] != '\0') {
		a->replaces[0] = '\0';
		a->version++;
	} else if (a->profile[0] != '\0' && !a->profile_must && problem_is(p, PROBLEM_PROFILE)) {
		a->profile[0] = '\0';
		a->version++;
	} else {
		acme_fail_problem(a, blame_of(p), p, "");
	}
}

/* --- an order as the CA tells it --- */

static bool
take_authz(struct acme *a, const json_t *order)
{
	size_t n = json_array_size(json_object_get(order, "authorizations"));

	if (n == 0 || n > LIMIT_ACME_NAMES)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!cadoc_url(cadoc_item(order, "authorizations", i), a->authz[i]))
			return false;
	}
	a->n_authz = n;
	a->at = 0;
	a->responded = a->processing = a->refused = false;
	return true;
}

/* Why an order is invalid is not always said, above all when it is too old. */
static void
order_invalid(struct acme *a, const json_t *order)
{
	struct problem p;

	problem_of(json_object_get(order, "error"), &p);
	if (p.all.kind == PROBLEM_NONE)
		acme_order_anew(a, ACME_UNPROVEN,
		    a->unproven[0] != '\0' ? a->unproven
					   : "the CA has dropped the order and says no reason");
	else
		acme_fail_problem(a, blame_of(&p), &p, a->n == 1 ? a->ids[0].text : "");
}

static void
lied(struct acme *a, const char *what)
{
	acme_fail(a, ACME_LIED, "the CA's answer about the %s makes no sense", what);
}

/* RFC 8555 7.1.6: any state may be the first that is seen. */
static void
take_order(struct acme *a, const json_t *order, struct slice retry_after, int64_t now_s)
{
	struct slice status = cadoc_text(order, "status");
	bool just_finalised = a->state == ACME_AT_FINALIZE;

	if (slice_eq(status, S("pending")) && !a->proven) {
		if (!take_authz(a, order))
			lied(a, "order");
		else
			acme_move(a, ACME_AT_AUTHZ);
	} else if (slice_eq(status, S("ready")) && !just_finalised) {
		if (cadoc_url(cadoc_text(order, "finalize"), a->finalize))
			acme_move(a, ACME_AT_FINALIZE);
		else
			lied(a, "order");
	} else if (slice_eq(status, S("pending")) || slice_eq(status, S("ready")) ||
		   slice_eq(status, S("processing"))) {
		acme_move(a, ACME_AT_LOOK);
		acme_poll(a, retry_after, now_s, a->ids[0].text);
	} else if (slice_eq(status, S("valid"))) {
		acme_poll_end(a);
		if (cadoc_url(cadoc_text(order, "certificate"), a->certificate))
			acme_move(a, ACME_AT_DOWNLOAD);
		else
			lied(a, "order");
	} else if (slice_eq(status, S("invalid"))) {
		order_invalid(a, order);
	} else {
		lied(a, "order");
	}
}

void
acme_on_order(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	json_t *order = cadoc_read(ans->body);

	a->armed = false;
	if (order == NULL || !cadoc_url(slice_trim(ans->location), a->order)) {
		lied(a, "order");
	} else {
		a->version++; /* from here on this order is gone on with */
		a->proven = false;
		take_order(a, order, ans->retry_after, now_s);
	}
	json_decref(order);
}

void
acme_on_look(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	json_t *order = cadoc_read(ans->body);

	if (order == NULL)
		lied(a, "order");
	else
		take_order(a, order, ans->retry_after, now_s);
	json_decref(order);
}

/* 401, 403, 404, 410: of another account, too old, or swept away. */
void
acme_lost(struct acme *a, const struct problem *p, int64_t now_s)
{
	(void)now_s;
	if (p->status == 401 || p->status == 403 || p->status == 404 || p->status == 410)
		acme_order_anew(a, ACME_REFUSED, "the CA has lost the order again and again");
	else
		acme_fail_problem(a, blame_of(p), p, "");
}

/* --- finalize and download --- */

bool
acme_put_finalize(struct acme *a, struct buf *out)
{
	struct buf der;
	bool ok;

	buf_init(&der, 32768);
	ok = csr_make(a->key, a->ids, a->n, &der);
	buf_put(out, S("{\"csr\":\""));
	jws_base64url(out, der.p, der.n);
	buf_put(out, S("\"}"));
	buf_fini(&der);
	return ok;
}

void
acme_finalize_refused(struct acme *a, const struct problem *p, int64_t now_s)
{
	if (problem_is(p, PROBLEM_NOT_READY)) {
		acme_move(a, ACME_AT_LOOK);
		acme_poll(a, S(""), now_s, a->ids[0].text);
	} else if (p->status == 404) {
		acme_lost(a, p, now_s);
	} else {
		acme_fail_problem(a, blame_of(p), p, a->n == 1 ? a->ids[0].text : "");
	}
}

/*
 * NULL: it is ours, and is kept unless it has to lead to a certain root and does not (*ret_leads).  Else
 * a sentence in why[].
 */
static bool
take_chain(struct acme *a, struct slice pem, bool only_if_leads, int64_t now_s, bool *ret_leads,
    char why[CHAIN_WHY_BYTES])
{
	struct chain_certs c;
	bool ok;

	if (!chain_read(pem, &c)) {
		snprintf(why, CHAIN_WHY_BYTES, "it cannot be read");
		return false;
	}
	ok = chain_judge(&c, a->key, a->ids, a->n, now_s, why);
	*ret_leads = a->issuer[0] == '\0' || chain_leads_to(&c, a->issuer);
	if (ok && (*ret_leads || !only_if_leads)) {
		buf_reset(&a->chain);
		ok = chain_pem(&c, &a->chain);
		if (!ok)
			snprintf(why, CHAIN_WHY_BYTES, "there is no memory for it");
	}
	chain_fini(&c);
	return ok;
}

static void
ready(struct acme *a)
{
	check(a->chain.n > 0);
	a->version++;
	acme_move(a, ACME_AT_READY);
}

void
acme_on_download(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	char why[CHAIN_WHY_BYTES];
	bool leads = true;

	if (!take_chain(a, ans->body, false, now_s, &leads, why)) {
		acme_fail(a, ACME_LIED, "the certificate of the CA is not taken: %s", why);
		return;
	}
	/* RFC 8555 7.4.2: other chains for the same certificate. */
	a->n_alternates =
	    leads ? 0 : cadoc_alternates(ans->link, a->alternates, LIMIT_ACME_ALTERNATES);
	a->at = 0;
	if (a->n_alternates > 0)
		acme_move(a, ACME_AT_ALTERNATE);
	else
		ready(a);
}

/* Without the root that was wished for, the chain that the CA prefers is a good one, too. */
static void
next_alternate(struct acme *a, bool found)
{
	if (found || ++a->at == a->n_alternates)
		ready(a);
}

void
acme_on_alternate(struct acme *a, const struct acme_answer *ans, int64_t now_s)
{
	char why[CHAIN_WHY_BYTES];
	bool leads = false;

	next_alternate(a, take_chain(a, ans->body, true, now_s, &leads, why) && leads);
}

void
acme_alternate_refused(struct acme *a, const struct problem *p, int64_t now_s)
{
	(void)p;
	(void)now_s;
	next_alternate(a, false);
}
