/* SPDX-License-Identifier: Apache-2.0 */
/* JWS, JWK and thumbprints (RFC 7515, 7517, 7638). */
#include "acme/jws.h"

#include "acme/errqueue.h"
#include "base/hmac.h"
#include "base/text.h"

#include <openssl/sha.h>

/* Of a header or of the text that is signed; a CSR of all names is the longest payload. */
#define TEXT_MAX 65536

void
jws_base64url(struct buf *out, const void *src, size_t n)
{
	char *dst = buf_room(out, 4 * ((n + 2) / 3) + 1);
	size_t len;

	if (dst == NULL)
		return;
	text_base64(src, n, dst);
	len = strlen(dst);
	while (len > 0 && dst[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++)
		dst[i] = (char)(dst[i] == '+' ? '-' : dst[i] == '/' ? '_' : dst[i]);
	out->n += len;
}

bool
jws_jwk(EVP_PKEY *key, struct buf *out)
{
	uint8_t xy[ECKEY_XY_BYTES];

	if (!eckey_xy(key, xy))
		return false;
	buf_put(out, S("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\""));
	jws_base64url(out, xy, 32);
	buf_put(out, S("\",\"y\":\""));
	jws_base64url(out, xy + 32, 32);
	buf_put(out, S("\"}"));
	return !out->failed;
}

bool
jws_thumbprint(EVP_PKEY *key, char dst[JWS_THUMB_BYTES])
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct buf jwk, text;
	bool ok;

	buf_init(&jwk, JWS_JWK_BYTES);
	buf_init(&text, JWS_THUMB_BYTES + 2);
	ok = jws_jwk(key, &jwk);
	if (ok) {
		SHA256((const uint8_t *)jwk.p, jwk.n, hash);
		jws_base64url(&text, hash, sizeof(hash));
		ok = slice_z(buf_slice(&text), dst, JWS_THUMB_BYTES);
	}
	check(!ok || strlen(dst) == JWS_THUMB_BYTES - 1);
	buf_fini(&text);
	buf_fini(&jwk);
	return ok;
}

/* {"protected":"...","payload":"...  and the text that is signed: both parts with a dot between. */
static bool
put_parts(const struct buf *head, struct slice payload, struct buf *out, struct buf *covered)
{
	jws_base64url(covered, head->p, head->n);
	buf_put(out, S("{\"protected\":\""));
	buf_put(out, buf_slice(covered));
	buf_putc(covered, '.');
	buf_put(out, S("\",\"payload\":\""));
	jws_base64url(out, payload.p, payload.n);
	jws_base64url(covered, payload.p, payload.n);
	return !head->failed && !covered->failed && !out->failed;
}

static void
put_signature(const uint8_t *sig, size_t n, struct buf *out)
{
	buf_put(out, S("\",\"signature\":\""));
	jws_base64url(out, sig, n);
	buf_put(out, S("\"}"));
}

bool
jws_sign(EVP_PKEY *key, const char *kid, const char *nonce, const char *url, struct slice payload,
    struct buf *out)
{
	uint8_t sig[ECKEY_SIG_BYTES];
	struct buf head, covered;
	bool ok = true;

	buf_init(&head, TEXT_MAX);
	buf_init(&covered, TEXT_MAX);
	buf_put(&head, S("{\"alg\":\"ES256\","));
	if (kid != NULL) {
		buf_put(&head, S("\"kid\":"));
		buf_json(&head, slice_str(kid));
	} else {
		buf_put(&head, S("\"jwk\":"));
		ok = jws_jwk(key, &head);
	}
	if (nonce != NULL) {
		buf_put(&head, S(",\"nonce\":"));
		buf_json(&head, slice_str(nonce));
	}
	buf_put(&head, S(",\"url\":"));
	buf_json(&head, slice_str(url));
	buf_putc(&head, '}');
	ok = ok && put_parts(&head, payload, out, &covered) &&
	     eckey_sign(key, buf_slice(&covered), sig);
	if (ok)
		put_signature(sig, sizeof(sig), out);
	buf_fini(&covered);
	buf_fini(&head);
	return ok && !out->failed;
}

bool
jws_eab(EVP_PKEY *account_key, const char *key_id, struct slice hmac_key, const char *url,
    struct buf *out)
{
	uint8_t sig[SHA256_DIGEST_LENGTH];
	struct buf head, covered, jwk;
	bool ok;

	buf_init(&head, TEXT_MAX);
	buf_init(&covered, TEXT_MAX);
	buf_init(&jwk, JWS_JWK_BYTES);
	buf_put(&head, S("{\"alg\":\"HS256\",\"kid\":"));
	buf_json(&head, slice_str(key_id));
	buf_put(&head, S(",\"url\":"));
	buf_json(&head, slice_str(url));
	buf_putc(&head, '}');
	ok = hmac_key.n <= 1024 && jws_jwk(account_key, &jwk) &&
	     put_parts(&head, buf_slice(&jwk), out, &covered) &&
	     hmac(HMAC_SHA256, hmac_key, (struct slice[]){ buf_slice(&covered) }, 1, sig);
	if (ok)
		put_signature(sig, sizeof(sig), out);
	buf_fini(&jwk);
	buf_fini(&covered);
	buf_fini(&head);
	return ok && !out->failed;
}
