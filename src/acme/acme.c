/* SPDX-License-Identifier: Apache-2.0 */
/* The client of a CA: its states, and what comes next. */
#include "acme/acme_private.h"

#include <stdarg.h>
#include <stdio.h>

#define BODY_MAX 65536

static const char *
order_url(struct acme *a)
{
	return a->ca->urls[CA_NEW_ORDER];
}
static const char *
look_url(struct acme *a)
{
	return a->order;
}
static const char *
authz_url(struct acme *a)
{
	check(a->at < a->n_authz);
	return a->authz[a->at];
}
static const char *
respond_url(struct acme *a)
{
	return a->respond;
}
static const char *
finalize_url(struct acme *a)
{
	return a->finalize;
}
static const char *
download_url(struct acme *a)
{
	return a->certificate;
}
static const char *
alternate_url(struct acme *a)
{
	check(a->at < a->n_alternates);
	return a->alternates[a->at];
}
static const char *
account_url(struct acme *a)
{
	return a->ca->urls[CA_NEW_ACCOUNT];
}
static const char *
key_change_url(struct acme *a)
{
	return a->ca->urls[CA_KEY_CHANGE];
}
static const char *
revoke_url(struct acme *a)
{
	return a->ca->urls[CA_REVOKE];
}
static const char *
own_url(struct acme *a)
{
	return a->url;
}

static bool
put_respond(struct acme *a, struct buf *out)
{
	(void)a;
	buf_put(out, S("{}")); /* RFC 8555 7.5.1 */
	return true;
}

/* clang-format off */
const struct acme_row acme_rows[ACME_N_STATES] = {
	[ACME_AT_ORDER] = { "order", true, order_url, acme_put_order, acme_on_order, acme_order_refused },
	[ACME_AT_LOOK] = { "order", true, look_url, NULL, acme_on_look, acme_lost },
	[ACME_AT_AUTHZ] = { "authorisation", true, authz_url, NULL, acme_on_authz, acme_lost },
	[ACME_AT_PUBLISH] = { .name = "challenge" },
	[ACME_AT_RESPOND] = { "challenge", true, respond_url, put_respond, acme_on_respond, acme_respond_refused },
	[ACME_AT_FINALIZE] = { "signature", true, finalize_url, acme_put_finalize, acme_on_look, acme_finalize_refused },
	[ACME_AT_DOWNLOAD] = { "download", true, download_url, NULL, acme_on_download, acme_lost },
	[ACME_AT_ALTERNATE] = { "download", true, alternate_url, NULL, acme_on_alternate, acme_alternate_refused },
	[ACME_AT_READY] = { .name = "ready" },
	[ACME_AT_REGISTER] = { "account", false, account_url, acme_put_account, acme_on_register, acme_refused },
	[ACME_AT_FIND_NEXT] = { "account key", true, account_url, acme_put_find_next, acme_on_find_next, acme_find_next_refused },
	[ACME_AT_KEY_CHANGE] = { "account key", true, key_change_url, acme_put_key_change, acme_on_key_change, acme_key_change_refused },
	[ACME_AT_REVOKE] = { "revocation", true, revoke_url, acme_put_revoke, acme_on_done, acme_revoke_refused },
	[ACME_AT_DEACTIVATE] = { "deactivation", true, own_url, acme_put_deactivate, acme_on_done, acme_refused },
	[ACME_AT_RENEWAL] = { "renewal time", false, own_url, NULL, acme_on_renewal, acme_renewal_refused },
	[ACME_AT_DONE] = { .name = "done" },
	[ACME_AT_FAILED] = { .name = "failed" },
};
/* clang-format on */

/* --- states --- */

/* From where each can be reached; FAILED from all that send something, ORDER from all of an order. */
static unsigned
reached_from(enum acme_state to)
{
#define BIT(name) (1u << ACME_AT_##name)
	const unsigned order = BIT(ORDER) | BIT(LOOK) | BIT(AUTHZ) | BIT(PUBLISH) | BIT(RESPOND) |
			       BIT(FINALIZE) | BIT(DOWNLOAD) | BIT(ALTERNATE);

	switch (to) {
	case ACME_AT_ORDER:
		return order;
	case ACME_AT_LOOK:
		return BIT(ORDER) | BIT(LOOK) | BIT(AUTHZ) | BIT(FINALIZE);
	case ACME_AT_AUTHZ:
		return BIT(ORDER) | BIT(LOOK) | BIT(AUTHZ) | BIT(PUBLISH) | BIT(RESPOND) |
		       BIT(FINALIZE);
	case ACME_AT_PUBLISH:
		return BIT(AUTHZ);
	case ACME_AT_RESPOND:
		return BIT(PUBLISH);
	case ACME_AT_FINALIZE:
		return BIT(ORDER) | BIT(LOOK);
	case ACME_AT_DOWNLOAD:
		return BIT(ORDER) | BIT(LOOK) | BIT(FINALIZE);
	case ACME_AT_ALTERNATE:
		return BIT(DOWNLOAD) | BIT(ALTERNATE);
	case ACME_AT_READY:
		return BIT(DOWNLOAD) | BIT(ALTERNATE);
	case ACME_AT_FIND_NEXT:
	case ACME_AT_KEY_CHANGE:
		return BIT(FIND_NEXT) | BIT(KEY_CHANGE);
	case ACME_AT_DONE:
		return BIT(REGISTER) | BIT(FIND_NEXT) | BIT(KEY_CHANGE) | BIT(REVOKE) |
		       BIT(DEACTIVATE) | BIT(RENEWAL);
	case ACME_AT_FAILED:
		return ~(BIT(READY) | BIT(DONE) | BIT(FAILED));
	case ACME_AT_REGISTER:
	case ACME_AT_REVOKE:
	case ACME_AT_DEACTIVATE:
	case ACME_AT_RENEWAL:
	case ACME_N_STATES:
		break; /* where a case begins */
	}
	return 0;
#undef BIT
}

void
acme_move(struct acme *a, enum acme_state to)
{
	check(reached_from(to) >> a->state & 1);
	a->state = to;
}

void
acme_fail(struct acme *a, enum acme_blame blame, const char *fmt, ...)
{
	va_list ap;

	acme_move(a, ACME_AT_FAILED);
	a->failure.blame = blame;
	va_start(ap, fmt);
	vsnprintf(a->failure.text, sizeof(a->failure.text), fmt, ap);
	va_end(ap);
}

void
acme_fail_problem(struct acme *a, enum acme_blame blame, const struct problem *p, const char *name)
{
	struct buf b;

	buf_init(&b, 16384);
	problem_put(&b, p, name);
	acme_fail(a, blame, "%.*s", PS(buf_slice(&b)));
	buf_fini(&b);
}

/* Order and challenge are forgotten, the names, the key and what was tried are not. */
void
acme_order_anew(struct acme *a, enum acme_blame blame, const char *why)
{
	if (a->orders >= LIMIT_ACME_ORDERS) {
		acme_fail(a, blame, "%s", why);
		return;
	}
	a->order[0] = '\0';
	a->n_authz = a->at = 0;
	a->proven = a->responded = a->processing = a->refused = a->armed = false;
	acme_poll_end(a);
	a->version++;
	acme_move(a, ACME_AT_ORDER);
}

/* --- what comes next --- */

/* A revocation may be signed by the certificate's own key, for when the account is lost (7.6). */
bool
acme_needs_account(const struct acme *a)
{
	return acme_rows[a->state].account && !(a->state == ACME_AT_REVOKE && a->cert_key != NULL);
}

static struct acme_step
request(struct acme *a, enum acme_asked asked, const char *method, const char *url)
{
	a->asked = asked;
	return (struct acme_step){ .what = ACME_SEND, .request = { .method = method, .url = url } };
}

/*
 * A POST. Its nonce is gone whatever becomes of it: another one comes with the answer, and where none
 * comes, newNonce gives one.
 */
static struct acme_step
post(struct acme *a, enum acme_asked asked)
{
	const struct acme_row *row =
	    &acme_rows[asked == ASKED_ACCOUNT ? ACME_AT_REGISTER : a->state];
	const char *url = row->url(a);
	bool own = asked == ASKED_OWN, by_account = own && acme_needs_account(a);
	EVP_PKEY *key = a->ca->key;
	char nonce[CA_NONCE_BYTES];
	struct acme_step s;
	struct buf payload;
	bool ok;

	if (own && a->state == ACME_AT_FIND_NEXT) {
		key = a->ca->next;
		by_account = false;
	} else if (own && a->state == ACME_AT_REVOKE && a->cert_key != NULL) {
		key = a->cert_key;
	}
	check(key != NULL && ca_take_nonce(a->ca, nonce));
	check(!by_account || a->ca->account[0] != '\0');
	s = request(a, asked, "POST", url);
	buf_init(&payload, BODY_MAX);
	buf_reset(&a->body);
	ok = (row->payload == NULL || row->payload(a, &payload)) && !payload.failed &&
	     jws_sign(key, by_account ? a->ca->account : NULL, nonce, url, buf_slice(&payload),
		 &a->body);
	buf_fini(&payload);
	if (!ok) {
		a->asked = ASKED_NOTHING;
		acme_fail(a, ACME_BROKEN, "libcrypto made no signature, or there is no memory");
		return (struct acme_step){ .what = ACME_FAILED, .failure = &a->failure };
	}
	s.request.content_type = "application/jose+json";
	if (own && (a->state == ACME_AT_DOWNLOAD || a->state == ACME_AT_ALTERNATE))
		s.request.accept = "application/pem-certificate-chain";
	s.request.body = buf_slice(&a->body);
	return s;
}

/* Without the profile that must be, nothing is ordered. */
static bool
profile_missing(struct acme *a)
{
	struct buf b;

	if (a->profile[0] == '\0' || !a->profile_must || ca_has_profile(a->ca, a->profile))
		return false;
	buf_init(&b, 1024);
	for (size_t i = 0; i < a->ca->n_profiles; i++)
		buf_printf(&b, "%s%s", i == 0 ? " (it has " : ", ", a->ca->profiles[i]);
	acme_fail(a, ACME_REFUSED,
	    "the CA has no profile %s%.*s%s: set another profile: under acme:, or none", a->profile,
	    PS(buf_slice(&b)), a->ca->n_profiles > 0 ? ")" : "");
	buf_fini(&b);
	return true;
}

/*
 * A newOrder that got lost may have made an order. So its instant is on disk before it is sent, and
 * after it nothing is ordered for a minute, whoever dies. True: nothing may be sent yet.
 */
static bool
order_must_wait(struct acme *a, int64_t now_s)
{
	if (a->armed)
		return false;
	if (a->ordered_at_s > now_s)
		a->ordered_at_s = now_s; /* the clock was put back */
	if (a->ordered_at_s > 0 && now_s < a->ordered_at_s + LIMIT_ACME_ORDER_GAP_S) {
		a->not_before_s = a->ordered_at_s + LIMIT_ACME_ORDER_GAP_S;
		return true;
	}
	a->ordered_at_s = now_s;
	memcpy(a->account, a->ca->account, sizeof(a->account));
	a->orders++;
	a->armed = true;
	a->version++;
	return true;
}

static struct acme_step
send_next(struct acme *a, int64_t now_s)
{
	bool account = acme_needs_account(a) && a->ca->account[0] == '\0';

	if (!ca_knows_directory(a->ca, now_s))
		return request(a, ASKED_DIRECTORY, "GET", a->ca->directory);
	if (a->state == ACME_AT_RENEWAL) {
		const char *base = a->ca->urls[CA_RENEWAL_INFO];

		if (base[0] == '\0') {
			acme_move(a, ACME_AT_DONE);
			return acme_next(a, now_s);
		}
		snprintf(a->url, sizeof(a->url), "%s%s%s", base,
		    base[strlen(base) - 1] == '/' ? "" : "/", a->replaces);
		return request(a, ASKED_OWN, "GET", a->url);
	}
	if ((account || a->state == ACME_AT_REGISTER) && acme_account_forbidden(a))
		return acme_next(a, now_s);
	if (!account && a->state == ACME_AT_ORDER &&
	    (profile_missing(a) || order_must_wait(a, now_s)))
		return acme_next(a, now_s);
	if (a->ca->n_nonces == 0)
		return request(a, ASKED_NONCE, "HEAD", a->ca->urls[CA_NEW_NONCE]);
	return post(a, account ? ASKED_ACCOUNT : ASKED_OWN);
}

struct acme_step
acme_next(struct acme *a, int64_t now_s)
{
	bool rolls = a->state == ACME_AT_FIND_NEXT || a->state == ACME_AT_KEY_CHANGE;

	check(a->asked == ASKED_NOTHING);
	if (a->ca->stored < a->ca->version || a->stored < a->version)
		return (struct acme_step){ .what = ACME_STORE,
			.store = { a->ca->stored < a->ca->version, a->stored < a->version } };
	switch (a->state) {
	case ACME_AT_PUBLISH:
		return (struct acme_step){ .what = ACME_PUBLISH, .challenge = &a->challenge };
	case ACME_AT_READY:
		return (struct acme_step){ .what = ACME_READY };
	case ACME_AT_DONE:
		return (struct acme_step){ .what = ACME_DONE };
	case ACME_AT_FAILED:
		return (struct acme_step){ .what = ACME_FAILED, .failure = &a->failure };
	default:
		break;
	}
	if (now_s < a->not_before_s)
		return (struct acme_step){ .what = ACME_WAIT, .until_s = a->not_before_s };
	/* Which key the CA takes just now, nobody knows. */
	if (a->ca->next != NULL && !rolls)
		return (struct acme_step){ .what = ACME_WAIT, .until_s = now_s + 1 };
	return send_next(a, now_s);
}
