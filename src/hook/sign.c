/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of all signature schemes, and the verifier that reads them. */
#include "hook/sign.h"

#include "base/text.h"
#include "hook/peek.h"
#include "hook/sign_private.h"

#include <stdarg.h>
#include <stdio.h>

/* --- the schemes --- */

/*
 * Bitbucket: hex HMAC of the raw body behind the name of its hash. Data Center's test of a
 * connection is never signed, even where there is a secret.
 */
static const struct sign_form bitbucket = {
	.places = { { "X-Hub-Signature", SIGN_NAMED } }, .message = "%b", .ping = true
};
static const struct sign_form github = {
	.places = { { "X-Hub-Signature-256", SIGN_PLAIN, "sha256=" },
	    { "X-Hub-Signature", SIGN_NAMED } },
	.message = "%b"
};
/* Gitea came from Gogs and Forgejo from Gitea: each still writes the headers of those before. */
static const struct sign_form gitea = { .places = { { "X-Gitea-Signature", SIGN_PLAIN, "" },
					    { "X-Forgejo-Signature", SIGN_PLAIN, "" },
					    { "X-Gogs-Signature", SIGN_PLAIN, "" },
					    { "X-Hub-Signature-256", SIGN_PLAIN, "sha256=" } },
	.message = "%b" };
static const struct sign_form gogs = { .places = { { "X-Gogs-Signature", SIGN_PLAIN, "" } },
	.message = "%b" };
static const struct sign_form gitlab_token = { .places = { { "X-Gitlab-Token" } } };
/*
 * Standard Webhooks: base64 of id.timestamp.body, a list of versions. GitLab and Svix
 * sign so, too.
 */
static const struct sign_form standard = {
	.places = { { "webhook-signature", SIGN_LIST } },
	.encoding = SIGN_BASE64,
	.key = SIGN_KEY_WHSEC,
	.message = "%i.%t.%b",
	.time_header = "webhook-timestamp",
	.id_header = "webhook-id",
};
static const struct sign_form svix = {
	.places = { { "svix-signature", SIGN_LIST } },
	.encoding = SIGN_BASE64,
	.key = SIGN_KEY_WHSEC,
	.message = "%i.%t.%b",
	.time_header = "svix-timestamp",
	.id_header = "svix-id",
};
/*
 * Stripe: time and marks in one header; the secret is used as the text that it is,
 * whsec_ and all.
 */
static const struct sign_form stripe = {
	.places = { { "Stripe-Signature", SIGN_PAIRS } },
	.message = "%t.%b",
	.separator = ',',
	.time_key = "t",
	.mark_key = "v1",
};
static const struct sign_form slack = {
	.places = { { "X-Slack-Signature", SIGN_PLAIN, "v0=" } },
	.message = "v0:%t:%b",
	.time_header = "X-Slack-Request-Timestamp",
};
static const struct sign_form zoom = {
	.places = { { "x-zm-signature", SIGN_PLAIN, "v0=" } },
	.message = "v0:%t:%b",
	.time_header = "x-zm-request-timestamp",
};
static const struct sign_form shopify = { .places = { { "X-Shopify-Hmac-Sha256", SIGN_PLAIN, "" } },
	.encoding = SIGN_BASE64,
	.message = "%b" };
static const struct sign_form paddle = {
	.places = { { "Paddle-Signature", SIGN_PAIRS } },
	.message = "%t:%b",
	.separator = ';',
	.time_key = "ts",
	.mark_key = "h1",
};
/* SendGrid: ECDSA over time and body, with a key that is public. We can check it, never sign. */
static const struct sign_form sendgrid = {
	.places = { { "X-Twilio-Email-Event-Webhook-Signature", SIGN_PLAIN, "" } },
	.encoding = SIGN_BASE64,
	.key = SIGN_KEY_SPKI,
	.message = "%t%b",
	.time_header = "X-Twilio-Email-Event-Webhook-Timestamp",
};
/* While a secret is being changed the sender signs with both, in two headers. */
static const struct sign_form hookdeck = { .places = { { "x-hookdeck-signature", SIGN_PLAIN, "" },
					       { "x-hookdeck-signature-2", SIGN_PLAIN, "" } },
	.encoding = SIGN_BASE64,
	.message = "%b" };
static const struct sign_form jira = { .places = { { "X-Hub-Signature", SIGN_NAMED } },
	.message = "%b" };
static const struct sign_form meta = {
	.places = { { "X-Hub-Signature-256", SIGN_PLAIN, "sha256=" } }, .message = "%b"
};
static const struct sign_form twilio = { .places = { { "X-Twilio-Signature" } } };
static const struct sign_form authorization = { .places = { { "Authorization" } } };
/* Its place is made from the route's configuration. */
static const struct sign_form generic = { .message = "%b" };

/* clang-format off */
const struct sign_scheme sign_schemes[] = {
	{ "bitbucket", "Bitbucket Cloud and Data Center", "the Secret of the webhook",
	    0, true, SIGN_KIND_MAC, &bitbucket },
	{ "github", "GitHub", "the Secret of the webhook", 0, true, SIGN_KIND_MAC, &github },
	{ "gitea", "Gitea, Forgejo", "the Secret of the webhook", 0, true, SIGN_KIND_MAC, &gitea },
	{ "gogs", "Gogs", "the Secret of the webhook", 0, true, SIGN_KIND_MAC, &gogs },
	{ "gitlab-token", "GitLab, secret token", "the Secret token of the webhook",
	    0, true, SIGN_KIND_TOKEN, &gitlab_token },
	{ "gitlab-signing", "GitLab, signing token", "the signing token, whsec_...",
	    300, true, SIGN_KIND_MAC, &standard },
	{ "standard-webhooks", "Standard Webhooks",
	    "whsec_... (v1) or the public key whpk_... (v1a)", 300, true, SIGN_KIND_MAC,
	    &standard },
	{ "svix", "Svix", "the endpoint's signing secret, whsec_...", 300, true, SIGN_KIND_MAC,
	    &svix },
	{ "stripe", "Stripe", "the endpoint's signing secret, whsec_... as a whole",
	    300, true, SIGN_KIND_MAC, &stripe },
	{ "slack", "Slack", "the Signing Secret of the app", 300, true, SIGN_KIND_MAC, &slack },
	{ "zoom", "Zoom", "the Secret Token of the app", 300, true, SIGN_KIND_MAC, &zoom },
	{ "shopify", "Shopify", "the app's client secret or the webhook's key",
	    0, true, SIGN_KIND_MAC, &shopify },
	{ "paddle", "Paddle", "the notification destination's secret key",
	    300, true, SIGN_KIND_MAC, &paddle },
	{ "twilio", "Twilio", "the account's Auth Token", 0, true, SIGN_KIND_TWILIO, &twilio },
	{ "sendgrid", "SendGrid event webhook", "the verification key (base64, public)",
	    0, false, SIGN_KIND_MAC, &sendgrid },
	{ "jira", "Jira webhooks", "the Secret of the webhook", 0, true, SIGN_KIND_MAC, &jira },
	{ "meta", "Facebook, Instagram, WhatsApp", "the App Secret; further secrets: verify tokens",
	    0, true, SIGN_KIND_MAC, &meta },
	{ "atlassian-connect", "Atlassian Connect apps", "the sharedSecret of the installation",
	    60, true, SIGN_KIND_JWT, &authorization },
	{ "azure-devops", "Azure DevOps, basic authentication", "user:password of the service hook",
	    0, true, SIGN_KIND_BASIC, &authorization },
	{ "hookdeck", "Hookdeck", "the signing secret of the project", 0, true, SIGN_KIND_MAC,
	    &hookdeck },
	{ "hmac", "HMAC in a header of your choice", "the shared secret", 0, true, SIGN_KIND_MAC,
	    &generic },
};
/* clang-format on */
const size_t sign_schemes_n = sizeof(sign_schemes) / sizeof(*sign_schemes);

const struct sign_scheme *
sign_find(struct slice name)
{
	for (size_t i = 0; i < sign_schemes_n; i++) {
		if (slice_eq(slice_str(sign_schemes[i].name), name))
			return &sign_schemes[i];
	}
	return NULL;
}

void
sign_names(char *dst, size_t cap)
{
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < sign_schemes_n && n < cap; i++)
		n += (size_t)snprintf(dst + n, cap - n, "%s%s", i > 0 ? ", " : "",
		    sign_schemes[i].name);
}

/* --- reasons --- */

static const struct {
	const char *name, *text;
} reasons[] = {
#define X(symbol, name, text) [SIGN_##symbol] = { name, text },
	SIGN_REASONS(X)
#undef X
};

const char *
sign_reason_name(enum sign_reason r)
{
	check((size_t)r < sizeof(reasons) / sizeof(*reasons));
	return reasons[r].name;
}

/* True for SIGN_OK alone, so that a verifier can return what this returns. */
bool
sign_settle(struct sign_verdict *v, enum sign_reason r)
{
	check((size_t)r < sizeof(reasons) / sizeof(*reasons));
	v->reason = r;
	snprintf(v->text, sizeof(v->text), "%s", reasons[r].text);
	return r == SIGN_OK;
}

/* For the owner: neither the secret nor a signature may go into the text. */
void
sign_say(struct sign_verdict *v, enum sign_reason r, const char *fmt, ...)
{
	va_list ap;

	v->reason = r;
	va_start(ap, fmt);
	vsnprintf(v->text, sizeof(v->text), fmt, ap);
	va_end(ap);
}

/* More would make one request cost as many HMACs as somebody likes. */
size_t
sign_n_secrets(const struct sign_params *p)
{
	return p->n_secrets < LIMIT_HOOK_SECRETS ? p->n_secrets : LIMIT_HOOK_SECRETS;
}

/*
 * In both directions: a clock that is ahead is as wrong as an old request. Times are seconds
 * since 1970, of the sender and of ours.
 */
bool
sign_in_time(const struct sign_params *p, const struct hook_request *req, uint64_t seconds,
    struct sign_verdict *v)
{
	int64_t allowed =
	    p->tolerance_ms != 0 ? p->tolerance_ms : (int64_t)p->scheme->tolerance_s * 1000;
	int64_t late;

	check(seconds <= 1ull << 40); /* claim_ok() takes no later time, so ms do not overflow */
	if (allowed <= 0)
		return true;
	late = req->now_ms / 1000 - (int64_t)seconds;
	if (late * 1000 <= allowed && late * 1000 >= -allowed)
		return true;
	v->skew_s = late;
	sign_say(v, SIGN_SKEW,
	    "Signed %lld s %s (%lld s are allowed): an old request sent again, or a clock is "
	    "wrong; compare this "
	    "machine's clock with the sender's.",
	    (long long)(late < 0 ? -late : late), late < 0 ? "in the future" : "ago",
	    (long long)(allowed / 1000));
	return false;
}

/* --- verifying --- */

/* Data Center's connection test: these bytes and no others, so that nothing can
 * be smuggled in unsigned. */
static bool
is_ping(const struct hook_request *req)
{
	struct peek test = { .path = "test" };

	return slice_eq(hook_header(req, S("X-Event-Key")), S("diagnostics:ping")) &&
	       req->body.n <= 64 && peek_json(req->body, &test, 1) && test.kind == PEEK_TRUE;
}

/* A header twice is refused before anything is computed: two readers could take one each. */
bool
hook_verify(const struct sign_params *p, const struct hook_request *req, struct sign_verdict *ret)
{
	const struct sign_form *f = p->scheme->form;

	*ret = (struct sign_verdict){ 0 };
	if (f->ping && hook_header_count(req, S("X-Hub-Signature")) == 0 && is_ping(req))
		return sign_settle(ret, SIGN_PING);
	if (sign_n_secrets(p) == 0)
		return sign_settle(ret, SIGN_NO_SECRET);
	for (size_t i = 0; i < SIGN_PLACES && f->places[i].header != NULL; i++) {
		if (hook_header_count(req, slice_str(f->places[i].header)) > 1) {
			sign_say(ret, SIGN_MALFORMED, "The request has two %s fields.",
			    f->places[i].header);
			return false;
		}
	}
	switch ((enum sign_kind)p->scheme->kind) {
	case SIGN_KIND_MAC:
		return sign_mac_ok(p, req, ret);
	case SIGN_KIND_TOKEN:
		return sign_token_ok(p, req, ret);
	case SIGN_KIND_BASIC:
		return sign_basic_ok(p, req, ret);
	case SIGN_KIND_TWILIO:
		return sign_twilio_ok(p, req, ret);
	case SIGN_KIND_JWT:
		return sign_jwt_ok(p, req, ret);
	}
	return sign_settle(ret, SIGN_NO_SECRET);
}

/* --- signing --- */

void
sign_put(struct sign_writer *w, struct slice s)
{
	check(w->at <= sizeof(w->out->text));
	if (w->failed || s.n > sizeof(w->out->text) - w->at) {
		w->failed = true;
		return;
	}
	if (s.n > 0)
		memcpy(w->out->text + w->at, s.p, s.n);
	w->at += s.n;
}

void
sign_put_coded(struct sign_writer *w, enum sign_encoding e, const uint8_t *bytes, size_t n)
{
	char text[2 * HMAC_BYTES_MAX + 1];

	check(n <= HMAC_BYTES_MAX);
	if (e == SIGN_HEX)
		text_hex(bytes, n, text);
	else
		text_base64(bytes, n, text);
	sign_put(w, slice_str(text));
}

/*
 * A field takes what was put since `from`, so a writer puts one value after the other into
 * the same text.
 */
void
sign_field(struct sign_writer *w, struct slice name, size_t from)
{
	struct sign_output *o = w->out;

	check(from <= w->at);
	if (w->failed || o->n_fields == sizeof(o->fields) / sizeof(*o->fields)) {
		w->failed = true;
		return;
	}
	o->fields[o->n_fields++] =
	    (struct hook_field){ name, slice_of(o->text + from, w->at - from) };
}

/* Schemes that send the secret itself: nothing is computed, the body does not matter. */
static bool
make_secret(const struct sign_params *p, struct sign_writer *w)
{
	check(p->n_secrets > 0 && p->secrets[0].n > 0); /* hook_sign() has looked */
	if (p->scheme->kind == SIGN_KIND_BASIC) {
		char text[1400];

		if (p->secrets[0].n > 1000)
			return false;
		text_base64(p->secrets[0].p, p->secrets[0].n, text);
		sign_put(w, S("Basic "));
		sign_put(w, slice_str(text));
	} else
		sign_put(w, p->secrets[0]);
	sign_field(w, slice_str(p->scheme->form->places[0].header), 0);
	return true;
}

bool
hook_sign(const struct sign_params *p, const struct hook_request *req, struct slice id,
    struct sign_output *ret)
{
	struct sign_writer w = { .out = ret };
	bool ok = false;

	ret->n_fields = 0;
	if (!p->scheme->can_sign || p->n_secrets == 0 || p->secrets[0].n == 0)
		return false;
	switch ((enum sign_kind)p->scheme->kind) {
	case SIGN_KIND_MAC:
		ok = sign_mac_make(p, req, id, &w);
		break;
	case SIGN_KIND_TOKEN:
	case SIGN_KIND_BASIC:
		ok = make_secret(p, &w);
		break;
	case SIGN_KIND_TWILIO:
		ok = sign_twilio_make(p, req, &w);
		break;
	case SIGN_KIND_JWT:
		ok = sign_jwt_make(p, req, id, &w);
		break;
	}
	check(!ok || w.failed || ret->n_fields > 0); /* a signature stands in a field */
	return ok && !w.failed;
}

const char *
sign_again_fault(const struct sign_params *p)
{
	if (p->scheme == NULL || p->n_secrets == 0)
		return "needs a scheme and its secret";
	if (p->scheme->kind == SIGN_KIND_JWT)
		return "only the sender can sign a token of Atlassian Connect anew, since it "
		       "says more than a time";
	if (!p->scheme->can_sign)
		return "only the sender has the key that this scheme signs with";
	if (p->scheme->kind != SIGN_KIND_MAC || p->scheme->tolerance_s == 0)
		return "this scheme signs no time, so nothing gets stale";
	if (!sign_mac_makes(p, p->secrets[0]))
		return "the first secret cannot sign: it is the sender's public key (v1a), or "
		       "has not the form that the scheme needs";
	return NULL;
}

/*
 * Half of the tolerance: the request must still be good when it gets there, over a slow line or
 * behind a queue. What came with a wrong signature is never given a good one.
 */
bool
hook_sign_again(const struct sign_params *p, const struct hook_request *req,
    struct sign_output *ret)
{
	struct sign_params any_age = *p;
	struct sign_verdict v;
	struct slice id;
	uint64_t seconds;

	any_age.tolerance_ms = -1;
	if (sign_again_fault(p) != NULL || !sign_mac_claim(p, req, &seconds, &id) ||
	    req->now_ms / 1000 - (int64_t)seconds <= p->scheme->tolerance_s / 2)
		return false;
	return hook_verify(&any_age, req, &v) && hook_sign(p, req, id, ret);
}
