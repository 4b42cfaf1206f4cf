/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, passwords and rates against a policy that was read (policy.c). */
#include "hook/policy.h"

#include "base/rand.h"
#include "base/text.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#define CREDENTIALS_BYTES 512

/*
 * Below a prefix only plain spellings: what an origin might fold into another path (dot segments,
 * empty segments, backslashes, encoded dots, slashes and NULs, path parameters behind dots) could
 * leave the prefix again.
 */
static bool
is_dots(struct slice segment)
{
	if (segment.n == 0 || segment.p[0] != '.')
		return false;
	return segment.n == 1 || strchr("./;", segment.p[1]) != NULL;
}

/*
 * Behind a '%'.  Neither a dot, a slash, a backslash, NUL or another '%', nor what some read as one:
 * overlong UTF-8 (%c0%ae, %e0%80%ae) and escapes of another kind (%u002e).
 */
static bool
is_plain_escape(struct slice rest)
{
	unsigned char c, next;

	if (text_unhex(slice_head(rest, 2), &c, 1) != 1)
		return false;
	if (c == '\0' || strchr("./\\%", c) != NULL || c == 0xc0 || c == 0xc1)
		return false;
	if ((c != 0xe0 && c != 0xf0) || rest.n < 5 || rest.p[2] != '%')
		return true;
	return text_unhex(slice_of(rest.p + 3, 2), &next, 1) != 1 ||
	       next >= (c == 0xe0 ? 0xa0 : 0x90);
}

/* Asked below prefixes alone: an exact path is compared byte for byte and needs no rules. */
static bool
is_plain(struct slice path)
{
	for (size_t i = 0; i < path.n; i++) {
		struct slice rest = slice_from(path, i + 1);

		if (path.p[i] == '\\')
			return false;
		if (path.p[i] == '/' && rest.n > 0 &&
		    (rest.p[0] == '/' || rest.p[0] == ';' || is_dots(rest)))
			return false;
		if (path.p[i] == '%' && !is_plain_escape(rest))
			return false;
	}
	return true;
}

/* Without a list every path is allowed (or the preset decides). */
static bool
path_allowed(const struct policy *p, struct slice path)
{
	for (size_t i = 0; i < p->n_paths; i++) {
		const struct policy_path *row = &p->paths[i];

		if (row->prefix ? slice_starts(path, row->text) && is_plain(path)
				: slice_eq(path, row->text))
			return true;
	}
	return p->n_paths == 0;
}

static bool
method_allowed(const struct policy *p, struct slice method)
{
	for (size_t i = 0; i < p->n_methods; i++)
		if (slice_eq(method, p->methods[i]))
			return true;
	return p->n_methods == 0;
}

bool
policy_stores(const struct policy *p, struct slice method)
{
	static const char *const safe[] = { "GET", "HEAD", "OPTIONS", "TRACE" };
	bool named = p->n_methods > 0 || (p->preset != NULL && p->preset->methods != NULL);

	for (size_t i = 0; !named && i < sizeof(safe) / sizeof(*safe); i++)
		if (slice_eq(method, slice_str(safe[i])))
			return false;
	return true;
}

size_t
policy_methods(const struct policy *p, char *dst, size_t cap)
{
	const struct preset *preset = p->n_paths == 0 ? p->preset : NULL;
	struct slice rest = S("GET HEAD POST PUT PATCH DELETE OPTIONS"), method;
	size_t n = 0;

	if (p->mode != PRESET_PASS)
		rest = S("POST PUT PATCH DELETE");
	if (preset != NULL && preset->methods != NULL)
		rest = slice_str(preset->methods);
	for (size_t i = 0; p->n_methods > 0 ? i < p->n_methods : rest.n > 0; i++) {
		method = p->n_methods > 0 ? p->methods[i] : slice_cut(&rest, ' ');
		if ((preset != NULL && !preset_takes(preset, method)) || n + method.n + 2 > cap)
			continue;
		if (n > 0)
			n += (size_t)(stpcpy(dst + n, ", ") - (dst + n));
		memcpy(dst + n, method.p, method.n);
		n += method.n;
	}
	check(n <= cap);
	return n;
}

/* A path that is not below the context belongs to another program behind the same tunnel. */
static enum policy_verdict
judge_preset(const struct policy *p, struct slice method, struct slice path)
{
	if (!slice_starts(path, p->context))
		return POLICY_PATH;
	switch (preset_access(p->preset, method, slice_from(path, p->context.n))) {
	case PRESET_ALLOWED:
		return POLICY_ALLOW;
	case PRESET_METHOD:
		return POLICY_METHOD;
	case PRESET_SLASH:
		return POLICY_SLASH;
	case PRESET_OTHER:
		break;
	}
	return POLICY_PATH;
}

static unsigned char known_key[32];

static void
known_key_make(void)
{
	rand_bytes(known_key, sizeof(known_key));
}

/* The keyed hash of a user's credentials; the key never leaves the process. */
static void
known_hash(struct slice authorization, unsigned char dst[32])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned n = 32;

	pthread_once(&once, known_key_make);
	check(HMAC(EVP_sha256(), known_key, sizeof(known_key),
		  (const unsigned char *)authorization.p, authorization.n, dst, &n) != NULL);
}

struct policy_known {
	unsigned char hash[32];
	int64_t until_us;
};

/*
 * All rows are compared, whatever the first one said: the time tells nobody that his guess is
 * in some row.
 */
bool
policy_knows(struct policy *p, struct slice authorization, int64_t now_us)
{
	unsigned char hash[32];
	int hit = 0;

	known_hash(authorization, hash);
	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; p->known != NULL && i < LIMIT_PASSWORD_KNOWN; i++)
		hit |= (CRYPTO_memcmp(p->known[i].hash, hash, sizeof(hash)) == 0) &
		       (p->known[i].until_us > now_us);
	pthread_mutex_unlock(&p->lock);
	return hit;
}

/*
 * The oldest row makes way. It is forgotten after PASSWORD_KNOWN_MS, so that a password that
 * was changed does not live on for long.
 */
void
policy_remember(struct policy *p, struct slice authorization, int64_t now_us)
{
	struct policy_known *row;

	pthread_mutex_lock(&p->lock);
	if (p->known == NULL)
		p->known = calloc(LIMIT_PASSWORD_KNOWN, sizeof(*p->known));
	if (p->known != NULL) {
		row = &p->known[p->known_at++ % LIMIT_PASSWORD_KNOWN];
		known_hash(authorization, row->hash);
		row->until_us = now_us + (int64_t)LIMIT_PASSWORD_KNOWN_MS * 1000;
	}
	pthread_mutex_unlock(&p->lock);
}

/*
 * Address, path, method, preset, password: the cheap ones first, and nobody learns whether a
 * password was right who may not come in anyway.
 */
enum policy_verdict
policy_judge(struct policy *p, const struct sockaddr_storage *visitor, struct slice method,
    struct slice path, struct slice authorization, int64_t now_us)
{
	enum policy_verdict v;

	if (cidr_set_has(&p->deny, visitor) ||
	    (p->allow.n > 0 && !cidr_set_has(&p->allow, visitor)))
		return POLICY_ADDRESS;
	if (!path_allowed(p, path))
		return POLICY_PATH;
	if (!method_allowed(p, method))
		return POLICY_METHOD;
	/* a route's own list of paths takes the place of the preset's */
	if (p->preset != NULL && p->n_paths == 0) {
		v = judge_preset(p, method, path);
		if (v != POLICY_ALLOW)
			return v;
	}
	if (p->n_users > 0 && (authorization.n == 0 || !policy_knows(p, authorization, now_us)))
		return POLICY_PASSWORD;
	return POLICY_ALLOW;
}

/*
 * crypt_r() says by a text that does not begin with '$' that it failed (crypt(3)). Its memory
 * holds the password and is wiped.
 */
static bool
hash_matches(const char *hash, const char *password)
{
	struct crypt_data *data;
	const char *got;
	bool good;

	if (strncmp(hash, "$argon2id$", 10) == 0)
		return argon2id_verify(hash, password, strlen(password)) == ARGON2_OK;
	data = calloc(1, sizeof(*data));
	if (data == NULL)
		return false;
	got = crypt_r(password, hash, data);
	good = got != NULL && got[0] == '$' && strlen(got) == strlen(hash) &&
	       CRYPTO_memcmp(got, hash, strlen(hash)) == 0;
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return good;
}

bool
policy_password(const struct policy *p, struct slice authorization)
{
	char clear[CREDENTIALS_BYTES + 1];
	struct slice encoded = authorization, scheme = slice_cut(&encoded, ' '), password, name;
	const struct policy_user *user = NULL;
	ptrdiff_t n;
	bool good;

	if (!slice_ieq(scheme, S("Basic")) || p->n_users == 0)
		return false;
	n = text_unbase64(slice_trim(encoded), false, true, clear, CREDENTIALS_BYTES);
	if (n < 0 || memchr(clear, 0, (size_t)n) != NULL)
		return false;
	clear[n] = '\0';
	password = slice_of(clear, (size_t)n);
	name = slice_cut(&password, ':');
	/* what SHA-crypt costs grows with the password, too */
	if (password.p == NULL || password.n > LIMIT_PASSWORD_BYTES)
		return false;
	for (size_t i = 0; i < p->n_users; i++)
		if (slice_eq(p->users[i].name, name))
			user = &p->users[i];
	/* somebody's hash is computed for an unknown user, too */
	good =
	    hash_matches(user != NULL ? user->hash : p->users[0].hash, password.p) && user != NULL;
	OPENSSL_cleanse(clear, sizeof(clear));
	return good;
}

/* --- rates --- */

#define GUESS_RATE (LIMIT_PASSWORD_GUESSES / 60.0)

/* Under the lock. Without memory the address is not limited by itself. */
static bool
take_of(struct rates *r, const unsigned char *source, double rate, double burst, int64_t now_us)
{
	struct rates_bucket *b = source == NULL || rate <= 0 ? NULL : rates_of(r, source);
	int64_t wait_us;

	return b == NULL || rates_take(b, rate, burst, now_us, &wait_us);
}

/* The visitor's own bucket first: one who comes too often takes nothing from the others. */
bool
policy_take(struct policy *p, const unsigned char *source, int64_t now_us)
{
	int64_t wait_us;
	bool got;

	pthread_mutex_lock(&p->lock);
	got = take_of(&p->visitors, source, p->visitor_rate, p->visitor_burst, now_us);
	if (got && p->rate > 0)
		got = rates_take(&p->bucket, p->rate, p->burst, now_us, &wait_us);
	pthread_mutex_unlock(&p->lock);
	return got;
}

bool
policy_guess(struct policy *p, const unsigned char *source, int64_t now_us)
{
	bool got;

	pthread_mutex_lock(&p->lock);
	got = take_of(&p->guesses, source, GUESS_RATE, LIMIT_PASSWORD_GUESSES, now_us);
	pthread_mutex_unlock(&p->lock);
	return got;
}

void
policy_no_guess(struct policy *p, const unsigned char *source)
{
	struct rates_bucket *b;

	pthread_mutex_lock(&p->lock);
	b = source == NULL ? NULL : rates_of(&p->guesses, source);
	if (b != NULL)
		rates_give(b, GUESS_RATE);
	pthread_mutex_unlock(&p->lock);
}
