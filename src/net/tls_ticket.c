/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tickets are sealed under keys of this process that live for 12 hours and
 * open old tickets for 12 more.  What a ticket may resume is bound by the session id
 * context (tls.c): the same certificate and name only.
 */
#include "net/tls_private.h"

#include "base/clock.h"
#include "base/rand.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>

#define KEY_LIFE_US (12 * 3600 * INT64_C(1000000))

struct ticket_key {
	unsigned char name[16], aes[32], mac[32];
	int64_t made_us; /* 0: none */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ticket_key keys[2]; /* newest first */

/* Under the lock. The key before the last is forgotten: what it sealed costs a full handshake. */
static void
renew(int64_t now_us)
{
	keys[1] = keys[0];
	rand_bytes(&keys[0], offsetof(struct ticket_key, made_us));
	keys[0].made_us = now_us;
}

/* The newest key, or the one of that name; false when there is none. *ret_old: not the newest. */
static bool
find_key(const unsigned char *name, struct ticket_key *ret_key, bool *ret_old)
{
	int64_t now_us = clock_mono_us();
	int found = -1;

	pthread_mutex_lock(&lock);
	if (keys[0].made_us == 0 || now_us - keys[0].made_us >= KEY_LIFE_US)
		renew(now_us);
	for (int i = 0; i < 2 && found < 0; i++) {
		bool fresh = keys[i].made_us != 0 && now_us - keys[i].made_us < 2 * KEY_LIFE_US;

		if (fresh &&
		    (name == NULL || memcmp(keys[i].name, name, sizeof(keys[i].name)) == 0))
			found = i;
	}
	check(name != NULL || found == 0); /* the newest is never too old to seal with */
	if (found >= 0)
		*ret_key = keys[found];
	pthread_mutex_unlock(&lock);
	*ret_old = found == 1;
	return found >= 0;
}

/* OpenSSL computes the HMAC over the ticket itself; it wants the key and the hash. */
static bool
set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	static char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* OpenSSL's contract: -1 failure, 0 no such key (full handshake), 1 good, 2 good and
 * worth a new ticket. */
static int
ticket_cb(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int seal)
{
	struct ticket_key key;
	bool old;
	int r;

	(void)ssl;
	if (!find_key(seal ? NULL : name, &key, &old))
		return 0;
	if (seal) {
		memcpy(name, key.name, sizeof(key.name));
		rand_bytes(iv, 16);
		r = EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes, iv);
	} else {
		r = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes, iv);
	}
	if (r != 1 || !set_mac(mac, &key))
		r = -1;
	OPENSSL_cleanse(&key, sizeof(key));
	return r == 1 && old ? 2 : r;
}

int
tls_tickets_init(SSL_CTX *ctx)
{
	return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_cb) == 1 ? 0 : -1;
}
