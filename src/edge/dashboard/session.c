/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of links, and the sessions that are made of them. */
#include "edge/dashboard/session.h"

#include "base/rand.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

/* A secret that may stand in a fragment of a URL as it is, and its hash. */
static void
make_secret(char text[DASHBOARD_TOKEN_BYTES], unsigned char hash[32])
{
	unsigned char secret[32];
	char padded[4 * ((sizeof(secret) + 2) / 3) + 1];
	size_t n = DASHBOARD_TOKEN_BYTES - 1;

	rand_bytes(secret, sizeof(secret));
	text_base64(secret, sizeof(secret), padded);
	for (size_t i = 0; i < n; i++)
		text[i] = padded[i] == '+' ? '-' : padded[i] == '/' ? '_' : padded[i];
	text[n] = '\0';
	SHA256((const unsigned char *)text, n, hash);
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(padded, sizeof(padded));
}

/* By the hash, so that the time of a comparison says nothing of a secret. */
static void
hash_of(struct slice text, unsigned char hash[32])
{
	SHA256((const unsigned char *)text.p, text.n, hash);
}

void
dashboard_link_new(struct dashboard_sessions *s, enum dashboard_role role, const char *account,
    int64_t now_us, char ret_code[DASHBOARD_TOKEN_BYTES])
{
	struct dashboard_link *oldest = &s->links[0];

	check((role == DASHBOARD_ACCOUNT) == (account[0] != '\0'));
	for (size_t i = 1; i < LIMIT_DASHBOARD_LINKS; i++)
		if (s->links[i].until_us < oldest->until_us)
			oldest = &s->links[i];
	*oldest = (struct dashboard_link){ .role = role,
		.until_us = now_us + LIMIT_DASHBOARD_LINK_MS * INT64_C(1000) };
	check(slice_z(slice_str(account), oldest->account, sizeof(oldest->account)));
	make_secret(ret_code, oldest->hash);
}

bool
dashboard_session_is_over(struct dashboard_session *d, int64_t now_us)
{
	if (now_us - d->since_us >= LIMIT_DASHBOARD_SESSION_MS * INT64_C(1000) ||
	    now_us - d->used_us >= LIMIT_DASHBOARD_IDLE_MS * INT64_C(1000))
		*d = (struct dashboard_session){ 0 };
	return d->id[0] == '\0';
}

static struct dashboard_link *
find_link(struct dashboard_sessions *s, struct slice code, int64_t now_us)
{
	unsigned char hash[32];

	hash_of(code, hash);
	for (size_t i = 0; i < LIMIT_DASHBOARD_LINKS; i++)
		if (s->links[i].until_us > now_us &&
		    CRYPTO_memcmp(hash, s->links[i].hash, sizeof(hash)) == 0)
			return &s->links[i];
	return NULL;
}

/* A free row, or that of the session which was used last the longest ago. */
static struct dashboard_session *
make_room(struct dashboard_sessions *s, int64_t now_us)
{
	struct dashboard_session *oldest = &s->rows[0];

	for (size_t i = 0; i < LIMIT_DASHBOARD_SESSIONS; i++) {
		if (dashboard_session_is_over(&s->rows[i], now_us))
			return &s->rows[i];
		if (s->rows[i].used_us < oldest->used_us)
			oldest = &s->rows[i];
	}
	return oldest;
}

struct dashboard_session *
dashboard_session_new(struct dashboard_sessions *s, struct slice code, int64_t now_us,
    char ret_token[DASHBOARD_TOKEN_BYTES])
{
	struct dashboard_link *link = find_link(s, code, now_us);
	struct dashboard_session *d;
	unsigned char id[4];

	if (link == NULL)
		return NULL;
	d = make_room(s, now_us);
	*d =
	    (struct dashboard_session){ .role = link->role, .since_us = now_us, .used_us = now_us };
	memcpy(d->account, link->account, sizeof(d->account));
	rand_bytes(id, sizeof(id));
	text_hex(id, sizeof(id), d->id);
	make_secret(ret_token, d->hash);
	*link = (struct dashboard_link){ 0 };
	return d;
}

struct dashboard_session *
dashboard_session_find(struct dashboard_sessions *s, struct slice token, int64_t now_us)
{
	unsigned char hash[32];

	hash_of(token, hash);
	for (size_t i = 0; i < LIMIT_DASHBOARD_SESSIONS; i++) {
		struct dashboard_session *d = &s->rows[i];

		if (CRYPTO_memcmp(hash, d->hash, sizeof(hash)) != 0 ||
		    dashboard_session_is_over(d, now_us))
			continue;
		d->used_us = now_us;
		return d;
	}
	return NULL;
}

int64_t
dashboard_session_left_ms(const struct dashboard_session *d, int64_t now_us)
{
	return LIMIT_DASHBOARD_SESSION_MS - (now_us - d->since_us) / 1000;
}

bool
dashboard_session_end(struct dashboard_sessions *s, const char *id)
{
	for (size_t i = 0; id[0] != '\0' && i < LIMIT_DASHBOARD_SESSIONS; i++)
		if (strcmp(s->rows[i].id, id) == 0) {
			s->rows[i] = (struct dashboard_session){ 0 };
			return true;
		}
	return false;
}

static const char *const words[] = { [DASHBOARD_OPERATOR] = "operator",
	[DASHBOARD_AUDITOR] = "auditor",
	[DASHBOARD_ACCOUNT] = "account" };

const char *
dashboard_role_word(enum dashboard_role role)
{
	return words[role];
}

bool
dashboard_role_of(const char *word, enum dashboard_role *ret)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], word) == 0) {
			*ret = (enum dashboard_role)i;
			return true;
		}
	return false;
}
