/* SPDX-License-Identifier: Apache-2.0 */
/* Makes tokens for names of dynamic DNS, with or without a key for signed DNS updates. */
#include "edge/control/control_token.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/text.h"
#include "edge/core/keyring.h"
#include "edge/core/vault.h"
#include "http/url.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

/* "Home, nas" becomes "home,nas"; a full name of this edge is taken, too. */
static const char *
read_names(const struct edge *e, struct slice list, char dst[STORE_SCOPE_BYTES])
{
	size_t n = 0, count = 0;

	do {
		struct slice one = slice_trim(slice_cut(&list, ',')), label;
		char name[64];
		const char *why;

		label = edge_name_of(e, one);
		why = url_name(label.n > 0 ? label : one, name, sizeof(name));
		if (why != NULL)
			return why;
		if (++count > LIMIT_TOKEN_NAMES)
			return "a token is for 16 names at most";
		n += (size_t)snprintf(dst + n, STORE_SCOPE_BYTES - n, "%s%s", n > 0 ? "," : "",
		    name);
		check(n < STORE_SCOPE_BYTES);
	} while (list.p != NULL);
	return NULL;
}

const char *
control_token_read(struct control_job *job, json_t *request)
{
	struct edge *e = job->control->edge;
	struct store_grant *grant = &job->req.grant;
	json_t *names = json_object_get(request, "ddns"), *tsig = json_object_get(request, "tsig");
	const char *why;

	buf_init(&job->sealed, 512);
	if (names == NULL && tsig == NULL)
		return NULL;
	if (!json_is_string(names))
		return "\"ddns\" names what the token is for: home,nas";
	why = read_names(e, slice_str(json_string_value(names)), grant->scope);
	if (why != NULL || !json_is_true(tsig))
		return why;
	rand_bytes(job->secret, sizeof(job->secret));
	job->has_key = true;
	vault_seal(e->vault, S(KEYRING_WHERE), slice_of(job->secret, sizeof(job->secret)),
	    &job->sealed);
	if (job->sealed.failed)
		return "out of memory";
	grant->key = buf_slice(&job->sealed);
	return NULL;
}

void
control_token_follow(struct control_job *job)
{
	struct edge *e = job->control->edge;
	const struct store_grant *grant = &job->req.grant;
	struct slice left = slice_str(grant->scope);
	struct keyring_key key = { .expires_ms = grant->expires_ms };
	bool good = true;

	while (left.n > 0)
		good = directory_load(e->directory, slice_cut(&left, ','),
			   slice_str(job->req.account), false) == 0 &&
		       good;
	if (job->has_key) {
		memcpy(key.id, grant->id, sizeof(key.id));
		memcpy(key.account, job->req.account, sizeof(key.account));
		memcpy(key.scope, grant->scope, sizeof(key.scope));
		memcpy(key.secret, job->secret, sizeof(key.secret));
		good = keyring_put(e->keyring, &key) && good;
		OPENSSL_cleanse(&key, sizeof(key));
	}
	/* It is stored all the same, and is there after the next start. */
	if (!good)
		log_event(LOG_ERROR, "token-incomplete", LOG_Z("token", grant->id));
}

json_t *
control_token_json(const struct control_job *job)
{
	const struct store_grant *grant = &job->req.grant;
	char secret[4 * ((KEYRING_SECRET_BYTES + 2) / 3) + 1];
	json_t *answer = json_pack("{s:b, s:s, s:s, s:s}", "ok", 1, "account", job->req.account,
	    "id", grant->id, "token", grant->token);

	if (grant->scope[0] != '\0')
		json_object_set_new(answer, "ddns", json_string(grant->scope));
	if (!job->has_key)
		return answer;
	text_base64(job->secret, sizeof(job->secret), secret);
	json_object_set_new(answer, "tsig",
	    json_pack("{s:s, s:s, s:s}", "name", grant->id, "algorithm", "hmac-sha256", "secret",
		secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	return answer;
}

void
control_token_fini(struct control_job *job)
{
	OPENSSL_cleanse(job->secret, sizeof(job->secret));
	buf_fini(&job->sealed);
}
