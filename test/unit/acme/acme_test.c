/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client against a CA that is made of answers: what is asked when, what each fault leads to, and
 * that a case which is read again goes on.
 */
#include "acme/acme.h"

#include "acme_lab.h"

#define DIR "https://ca.test/dir"
#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define URN "urn:ietf:params:acme:error:"

/* The CA; what a test changes of its answers stands in the first members. */
struct fake {
	const char *meta, *order_status;
	struct acme_answer once; /* status > 0: of the next request at `once_at` */
	const char *once_at;
	const char *authz_status, *challenges;
	bool foreign_key;

	int64_t now_s;
	int orders, accounts, requests, nonces, published;
	int64_t ordered_s[16];
	EVP_PKEY *key; /* of the CSR */
	char last_order[8192];
	char body[65536], nonce[32];
	struct lab_ca ca;
	struct ca *us;
};

static void
fake_begin(struct fake *f)
{
	struct ca_options o = { .directory = DIR, .agree_to_terms = true, .email = "a@b.example" };
	const char *why;

	*f = (struct fake){ .meta = "{\"profiles\":{\"short\":\"six days\"}}",
		.authz_status = "pending",
		.challenges = "\"dns-01\",\"http-01\"",
		.now_s = NOW };
	f->ca = lab_ca("Lab Root", NULL);
	f->us = ca_new(&o, S(""), &why);
	EXPECT(f->us != NULL);
}

static void
fake_end(struct fake *f)
{
	lab_ca_free(&f->ca);
	EVP_PKEY_free(f->key);
	ca_free(f->us);
}

static struct acme_answer
reply(struct fake *f, int status, const char *location)
{
	snprintf(f->nonce, sizeof(f->nonce), "nonce%d", ++f->nonces);
	return (struct acme_answer){ .status = status,
		.nonce = slice_str(f->nonce),
		.location = slice_str(location),
		.body = slice_str(f->body) };
}

static void
put_authz(struct fake *f)
{
	char rest[128], *kind, *save = NULL;
	size_t n = (size_t)snprintf(f->body, sizeof(f->body),
	    "{\"identifier\":{\"type\":\"dns\",\"value\":\"a.example.org\"},\"status\":\"%s\","
	    "\"challenges\":[",
	    f->authz_status);

	snprintf(rest, sizeof(rest), "%s", f->challenges);
	for (kind = strtok_r(rest, ",", &save); kind != NULL; kind = strtok_r(NULL, ",", &save))
		n += (size_t)snprintf(f->body + n, sizeof(f->body) - n,
		    "%s{\"type\":%s,\"url\":\"https://ca.test/chall/1\",\"token\":\"" TOKEN
		    "\",\"status\":\"%s\"%s}",
		    kind == rest ? "" : ",", kind,
		    strcmp(f->authz_status, "invalid") == 0 ? "invalid" : f->authz_status,
		    strcmp(f->authz_status, "invalid") == 0 ? ",\"error\":{\"type\":\"" URN
							      "dns\",\"detail\":\"NXDOMAIN\"}"
							    : "");
	snprintf(f->body + n, sizeof(f->body) - n, "]}");
}

static void
put_order(struct fake *f, const char *status)
{
	snprintf(f->body, sizeof(f->body),
	    "{\"status\":\"%s\",\"authorizations\":[\"https://ca.test/authz/"
	    "1\"],\"finalize\":\"https://ca.test/fin/1\","
	    "\"certificate\":\"https://ca.test/cert/1\"}",
	    status);
}

static void
put_cert(struct fake *f)
{
	EVP_PKEY *other = f->foreign_key ? eckey_new() : NULL;
	struct lab_wish w = { .key = other != NULL ? other : f->key,
		.names = { "a.example.org" },
		.from_s = NOW - DAY,
		.to_s = NOW + 90 * DAY,
		.serial = 7 };
	X509 *x = lab_cert(&f->ca, &w);
	char *pem = lab_pem(x, f->ca.cert);

	snprintf(f->body, sizeof(f->body), "%s", pem);
	free(pem);
	X509_free(x);
	EVP_PKEY_free(other);
}

static struct acme_answer
fake_answer(struct fake *f, const struct acme_request *r, const char *at)
{
	const char *path = r->url + strlen("https://ca.test");

	f->requests++;
	f->body[0] = '\0';
	if (f->once_at != NULL && strcmp(f->once_at, at) == 0 && strcmp(r->method, "POST") == 0 &&
	    strcmp(path, "/acct") != 0) {
		struct acme_answer a = f->once;

		f->once_at = NULL;
		if (strcmp(path, "/order") == 0)
			f->ordered_s[f->orders++] = f->now_s;
		snprintf(f->nonce, sizeof(f->nonce), "nonce%d", ++f->nonces);
		a.nonce = slice_str(f->nonce);
		return a;
	}
	if (strcmp(path, "/dir") == 0) {
		snprintf(f->body, sizeof(f->body),
		    "{\"newNonce\":\"https://ca.test/nonce\",\"newAccount\":\"https://ca.test/"
		    "acct\",\"newOrder\":\"https://ca.test/order\","
		    "\"revokeCert\":\"https://ca.test/revoke\",\"keyChange\":\"https://ca.test/"
		    "key\",\"renewalInfo\":\"https://ca.test/ari\","
		    "\"meta\":%s}",
		    f->meta);
	} else if (strcmp(path, "/acct") == 0) {
		f->accounts++;
		return reply(f, 201, "https://ca.test/acct/1");
	} else if (strcmp(path, "/order") == 0) {
		f->ordered_s[f->orders++] = f->now_s;
		slice_copy(lab_part(r->body, "payload"), f->last_order, sizeof(f->last_order));
		f->order_status = "pending";
		put_order(f, "pending");
		return reply(f, 201, "https://ca.test/order/1");
	} else if (strcmp(path, "/order/1") == 0) {
		put_order(f, f->order_status);
	} else if (strcmp(path, "/authz/1") == 0) {
		put_authz(f);
		if (strcmp(f->authz_status, "valid") == 0 &&
		    strcmp(f->order_status, "pending") == 0)
			f->order_status = "ready";
	} else if (strcmp(path, "/chall/1") == 0) {
		f->authz_status = "valid";
	} else if (strcmp(path, "/fin/1") == 0) {
		EVP_PKEY_free(f->key);
		f->key = lab_csr_key(r->body);
		f->order_status = "valid";
		put_order(f, "processing");
	} else if (strcmp(path, "/cert/1") == 0) {
		put_cert(f);
	}
	return reply(f, 200, "");
}

static void
store(struct fake *f, struct acme *a, const struct acme_step *s, char **text)
{
	uint64_t v;

	if (s->store.ca) {
		free(ca_save(f->us, &v));
		ca_stored(f->us, v);
	}
	if (s->store.own) {
		free(*text);
		*text = acme_save(a, &v);
		acme_stored(a, v);
	}
}

/*
 * Runs it to its end, with the clock put forward at each wait.  life: after so many steps the process dies,
 * and the next one lives for a step longer; 0: never.  text: what was stored last, the caller's.
 */
static struct acme_step
run(struct fake *f, struct acme **a, int life, char **text)
{
	for (int steps = 1;; steps++) {
		struct acme_step s = acme_next(*a, f->now_s);

		EXPECT(steps < 2000);
		if (s.what >= ACME_READY || steps >= 2000)
			return s;
		if (s.what == ACME_WAIT) {
			EXPECT(s.until_s > f->now_s);
			f->now_s = s.until_s;
		} else if (s.what == ACME_STORE) {
			store(f, *a, &s, text);
		} else if (s.what == ACME_PUBLISH) {
			f->published++;
			acme_published(*a);
		} else {
			struct acme_answer ans = fake_answer(f, &s.request, acme_at(*a));

			if (steps != life) /* else nobody hears it */
				acme_answer(*a, &ans, f->now_s);
		}
		if (steps == life && *text != NULL) {
			acme_free(*a);
			*a = acme_load(f->us, slice_str(*text));
			EXPECT(*a != NULL);
			life++;
			steps = 0;
		}
	}
}

static struct acme *
wish(struct fake *f, struct acme_wish *w)
{
	static const struct slice names[] = { { "a.example.org", 13 } };
	static const unsigned can[] = { CHALLENGE_CAN(CHALLENGE_DNS) |
					CHALLENGE_CAN(CHALLENGE_HTTP) };
	char why[ACME_WHY_BYTES];
	struct acme *a;

	w->names = names;
	w->can = can;
	w->n = 1;
	a = acme_issue(f->us, w, why);
	EXPECT(a != NULL);
	return a;
}

/* One case from its wish to its end; the last step's sentence, "" for READY. */
static const char *
one(struct fake *f, struct acme_wish w, int life)
{
	static char text[ACME_WHY_BYTES];
	struct acme *a = wish(f, &w);
	struct acme_certificate c;
	struct acme_step s;
	char *saved = NULL;

	s = run(f, &a, life, &saved);
	text[0] = '\0';
	if (s.what == ACME_FAILED) {
		slice_copy(slice_str(s.failure->text), text, sizeof(text));
	} else {
		EVP_PKEY *key;

		acme_certificate(a, &c);
		key = eckey_read(c.key);
		EXPECT(key != NULL && EVP_PKEY_eq(key, f->key) == 1);
		EXPECT(c.facts.not_after_s == NOW + 90 * DAY);
		EVP_PKEY_free(key);
	}
	for (int i = 1; i < f->orders; i++)
		EXPECT(f->ordered_s[i] >= f->ordered_s[i - 1] + 60);
	free(saved);
	acme_free(a);
	return text;
}

TEST(straight)
{
	struct fake f;

	fake_begin(&f);
	EXPECT_SLICE(slice_str(one(&f,
			 (struct acme_wish){ .profile = "short", .replaces = "abc.def" }, 0)),
	    S(""));
	EXPECT_SLICE(slice_str(f.last_order),
	    S("{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example.org\"}],\"profile\":"
	      "\"short\",\"replaces\":\"abc.def\"}"));
	EXPECT(f.orders == 1 && f.accounts == 1 && f.published == 1);
	fake_end(&f);
}

/* Lives of 2, 3, 4... steps, each of which loses an answer or what was not stored. */
TEST(killed)
{
	for (int life = 2; life < 14; life++) {
		struct fake f;

		fake_begin(&f);
		EXPECT_SLICE(slice_str(one(&f, (struct acme_wish){ 0 }, life)), S(""));
		fake_end(&f);
	}
}

static struct acme_answer
trouble(int status, const char *body, const char *retry_after)
{
	return (struct acme_answer){
		.status = status, .body = slice_str(body), .retry_after = slice_str(retry_after)
	};
}

/* A fault at one place, and how it ends: "" for a certificate. */
TEST(faults)
{
	static const struct {
		const char *at;
		int status;
		const char *body, *retry_after, *says;
		int orders;
	} rows[] = {
		{ "order", 0, "", "", "", 2 }, /* lost: the next one a minute later */
		{ "order", 500, "<html>", "", "", 2 },
		{ "order", 503, "", "120", "", 2 },
		{ "order", 400, "{\"type\":\"" URN "badNonce\"}", "", "", -2 },
		{ "order", 429, "{\"type\":\"" URN "rateLimited\"}", "30", "", 2 },
		{ "order", 429, "{\"type\":\"" URN "rateLimited\",\"detail\":\"too many\"}",
		    "86400",
		    "a limit of the CA is reached (\"too many\"): nothing has to be typed: it is "
		    "tried again",
		    1 },
		{ "order", 409, "{\"type\":\"" URN "alreadyReplaced\"}", "", "", -2 },
		{ "order", 400, "{\"type\":\"" URN "accountDoesNotExist\"}", "", "", -2 },
		{ "order", 200, "garbage", "", "the CA's answer about the order makes no sense",
		    1 },
		{ "order", 201, "{}", "", "the CA's answer about the order makes no sense", 1 },
		{ "authorisation", 404, "{}", "", "", 2 },
		{ "authorisation", 200, "{}", "",
		    "the CA's answer about an authorisation makes no sense", 1 },
		{ "authorisation", 200,
		    "{\"identifier\":{\"value\":\"evil.example\"},\"status\":\"valid\"}", "",
		    "the CA's answer about an authorisation makes no sense", 1 },
		{ "challenge", 400, "{\"type\":\"" URN "malformed\"}", "",
		    "a.example.org: the CA did not understand us", 1 },
		{ "challenge", 0, "", "", "", 1 },
		{ "signature", 403, "{\"type\":\"" URN "orderNotReady\"}", "", "", 1 },
		{ "signature", 0, "", "", "", 1 },
		{ "signature", 403, "{\"type\":\"" URN "badCSR\"}", "",
		    "a.example.org: the CA does not take the request for this certificate: another "
		    "profile: under acme: may",
		    1 },
		{ "download", 502, "", "", "", 1 },
		{ "download", 200, "-----BEGIN", "",
		    "the certificate of the CA is not taken: it cannot be read", 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fake f;

		fake_begin(&f);
		f.once_at = rows[i].at;
		f.once = trouble(rows[i].status, rows[i].body, rows[i].retry_after);
		if (rows[i].orders < 0) {
			/* Nothing was ordered: the second comes at once. */
			struct acme_wish w = { .replaces = "a.b" };
			struct acme *a = wish(&f, &w);
			char *saved = NULL;

			EXPECT_INT(run(&f, &a, 0, &saved).what, ACME_READY);
			EXPECT(f.orders == 2 && f.now_s < NOW + 60);
			free(saved);
			acme_free(a);
		} else {
			EXPECT_SLICE(slice_str(one(&f, (struct acme_wish){ 0 }, 0)),
			    slice_str(rows[i].says));
			EXPECT_INT(f.orders, rows[i].orders);
		}
		fake_end(&f);
	}
}

TEST(not_our_key)
{
	struct fake f;

	fake_begin(&f);
	f.foreign_key = true;
	EXPECT_SLICE(slice_str(one(&f, (struct acme_wish){ 0 }, 0)),
	    S("the certificate of the CA is not taken: it is for another key"));
	fake_end(&f);
}

/* Each kind once, an order for each, and then the sentence. */
TEST(nothing_proves_it)
{
	struct fake f;
	struct acme_wish w = { 0 };
	struct acme *a;
	char *saved = NULL;
	int fails = 0;

	fake_begin(&f);
	a = wish(&f, &w);
	for (;;) {
		struct acme_step s = acme_next(a, f.now_s);

		if (s.what >= ACME_READY) {
			EXPECT(s.what == ACME_FAILED && s.failure->blame == ACME_UNPROVEN);
			EXPECT(slice_starts(slice_str(s.failure->text),
			    S("a.example.org: the CA could not look the name up (\"NXDOMAIN\"): "
			      "check the NS")));
			break;
		}
		if (s.what == ACME_WAIT)
			f.now_s = s.until_s;
		else if (s.what == ACME_STORE)
			store(&f, a, &s, &saved);
		else if (s.what == ACME_PUBLISH)
			fails++, acme_published(a);
		else {
			struct acme_answer ans = fake_answer(&f, &s.request, acme_at(a));

			/* The CA tells of the failed challenge alone. */
			if (strcmp(acme_at(a), "challenge") == 0) {
				f.authz_status = "invalid";
				f.challenges = fails == 1 ? "\"dns-01\"" : "\"http-01\"";
			}
			if (strstr(s.request.url, "/order") != NULL && f.orders == 2 && fails == 1)
				f.authz_status = "pending", f.challenges = "\"dns-01\",\"http-01\"";
			acme_answer(a, &ans, f.now_s);
		}
	}
	EXPECT(f.orders == 2 && fails == 2 && f.ordered_s[1] - f.ordered_s[0] >= 60);
	free(saved);
	acme_free(a);
	fake_end(&f);
}

/* Which has no end by itself: an order that is processed for ever, nonces that are never right. */
TEST(patience)
{
	struct fake f;
	struct acme *a;
	struct acme_wish w = { 0 };
	char *saved = NULL;
	int n = 0;

	fake_begin(&f);
	f.authz_status = "processing";
	a = wish(&f, &w);
	EXPECT_INT(run(&f, &a, 0, &saved).what, ACME_FAILED);
	EXPECT(f.now_s >= NOW + 1800 && f.now_s < NOW + 2000 && f.requests < 100);
	EXPECT(f.published == 1); /* shown again, but the CA is not told twice */
	acme_free(a);
	free(saved);
	saved = NULL;

	a = wish(&f, &w);
	for (;;) {
		struct acme_step s = acme_next(a, f.now_s);

		if (s.what == ACME_FAILED) {
			EXPECT_INT(s.failure->blame, ACME_CA_DOWN);
			break;
		}
		if (s.what == ACME_STORE) {
			store(&f, a, &s, &saved);
		} else {
			struct acme_answer ans = trouble(400, "{\"type\":\"" URN "badNonce\"}", "");

			EXPECT_INT(s.what, ACME_SEND);
			ans.nonce = S("fresh");
			acme_answer(a, &ans, f.now_s);
			n++;
		}
	}
	EXPECT_INT(n, LIMIT_ACME_NONCE_TRIES + 1);
	acme_free(a);
	free(saved);
	fake_end(&f);
}

/* Nobody answers, or with more than is read: it ends, and says that it was the CA. */
TEST(no_answer)
{
	char *large = calloc(1, LIMIT_ACME_ANSWER_BYTES + 2);

	memset(large, ' ', LIMIT_ACME_ANSWER_BYTES + 1);
	for (int i = 0; i < 2; i++) {
		struct acme_wish w = { 0 };
		struct acme_step s;
		struct fake f;
		struct acme *a;
		char *saved = NULL;
		int n = 0;

		fake_begin(&f);
		a = wish(&f, &w);
		while ((s = acme_next(a, f.now_s)).what < ACME_READY) {
			struct acme_answer ans =
			    i == 0 ? trouble(0, "", "") : trouble(200, large, "");

			if (s.what == ACME_STORE)
				store(&f, a, &s, &saved);
			else if (s.what == ACME_WAIT)
				f.now_s = s.until_s;
			else
				acme_answer(a, &ans, f.now_s), n++;
		}
		EXPECT(s.what == ACME_FAILED && s.failure->blame == ACME_CA_DOWN);
		EXPECT_INT(n, LIMIT_ACME_TRIES + 1);
		EXPECT(f.now_s > NOW + 120 && f.now_s < NOW + 400);
		free(saved);
		acme_free(a);
		fake_end(&f);
	}
	free(large);
}

/* A CA that loses each order gets four, a minute apart. */
TEST(orders_have_a_ceiling)
{
	struct acme_wish w = { 0 };
	struct acme_step s;
	struct fake f;
	struct acme *a;
	char *saved = NULL;

	fake_begin(&f);
	a = wish(&f, &w);
	while ((s = acme_next(a, f.now_s)).what < ACME_READY) {
		if (s.what == ACME_STORE) {
			store(&f, a, &s, &saved);
		} else if (s.what == ACME_WAIT) {
			f.now_s = s.until_s;
		} else {
			struct acme_answer ans = fake_answer(&f, &s.request, acme_at(a));

			if (strcmp(acme_at(a), "authorisation") == 0)
				ans.status = 404;
			acme_answer(a, &ans, f.now_s);
		}
	}
	EXPECT_INT(s.what, ACME_FAILED);
	EXPECT_INT(f.orders, LIMIT_ACME_ORDERS);
	EXPECT(f.now_s >= NOW + 60 * (LIMIT_ACME_ORDERS - 1));
	free(saved);
	acme_free(a);
	fake_end(&f);
}

TEST(cannot_be_shown)
{
	struct fake f;
	struct acme_wish w = { 0 };
	struct acme_step s;
	struct acme *a;
	char *saved = NULL;

	fake_begin(&f);
	a = wish(&f, &w);
	while ((s = acme_next(a, f.now_s)).what < ACME_READY) {
		if (s.what == ACME_STORE) {
			store(&f, a, &s, &saved);
		} else if (s.what == ACME_PUBLISH) {
			acme_unpublishable(a, "no port 80");
		} else {
			struct acme_answer ans = fake_answer(&f, &s.request, acme_at(a));

			EXPECT(s.what == ACME_SEND);
			acme_answer(a, &ans, f.now_s);
		}
	}
	EXPECT_INT(s.what, ACME_FAILED);
	EXPECT_SLICE(slice_str(s.failure->text),
	    S("a.example.org: http-01 cannot be shown: no port 80"));
	EXPECT_INT(f.orders, 1);
	free(saved);
	acme_free(a);
	fake_end(&f);
}

TEST(refused_before_asking)
{
	static const struct {
		const char *name;
		unsigned can;
		const char *says;
	} rows[] = {
		{ "localhost", 1, "localhost: it has only one label, and no CA signs that" },
		{ "*.example.org", CHALLENGE_CAN(CHALLENGE_HTTP),
		    "*.example.org: a wildcard is proven by DNS alone, and dns-01 does not work "
		    "here" },
		{ "::1", CHALLENGE_CAN(CHALLENGE_DNS), "::1: there is no way to prove it here" },
	};
	struct fake f;

	fake_begin(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char why[ACME_WHY_BYTES];
		struct slice name = slice_str(rows[i].name);

		EXPECT(acme_issue(f.us,
			   &(struct acme_wish){ .names = &name, .can = &rows[i].can, .n = 1 },
			   why) == NULL);
		EXPECT_SLICE(slice_str(why), slice_str(rows[i].says));
	}
	f.meta = "{\"externalAccountRequired\":true}";
	EXPECT(slice_starts(slice_str(one(&f, (struct acme_wish){ 0 }, 0)),
	    S("the CA wants an account that was made on its pages")));
	EXPECT_INT(f.accounts, 0);
	fake_end(&f);
}

/* The text that is kept: read and written again it is the same; of another directory it is refused. */
TEST(saved)
{
	struct ca_options o = { .directory = "https://other.test/dir" };
	struct acme_wish w = {
		.profile = "short", .replaces = "a.b", .issuer = "Lab Root", .profile_must = true
	};
	struct fake f;
	struct acme *a, *b;
	struct ca *other;
	const char *why;
	char *x, *y;
	uint64_t v;

	fake_begin(&f);
	a = wish(&f, &w);
	x = acme_save(a, &v);
	b = acme_load(f.us, slice_str(x));
	EXPECT(b != NULL);
	y = acme_save(b, &v);
	EXPECT_SLICE(slice_str(x), slice_str(y));
	acme_free(b);
	other = ca_new(&o, S(""), &why);
	EXPECT(acme_load(other, slice_str(x)) == NULL);
	EXPECT(acme_load(f.us, S("")) == NULL && acme_load(f.us, S("{}")) == NULL &&
	       acme_load(f.us, slice_head(slice_str(x), 100)) == NULL);
	free(y);
	y = ca_save(f.us, &v);
	EXPECT(ca_new(&o, slice_str(y), &why) == NULL);
	EXPECT_SLICE(slice_str(why), S("the saved account is of another directory"));
	free(x);
	free(y);
	ca_free(other);
	acme_free(a);
	fake_end(&f);
}

TESTS(TEST_ROW(straight) TEST_ROW(killed) TEST_ROW(faults) TEST_ROW(not_our_key)
	TEST_ROW(nothing_proves_it) TEST_ROW(patience) TEST_ROW(no_answer)
	    TEST_ROW(orders_have_a_ceiling) TEST_ROW(cannot_be_shown)
		TEST_ROW(refused_before_asking) TEST_ROW(saved))
