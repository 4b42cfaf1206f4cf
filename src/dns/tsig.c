/* SPDX-License-Identifier: Apache-2.0 */
/* Signing messages and judging signatures. */
#include "dns/tsig.h"

#include "base/hmac.h"
#include "base/wire.h"
#include "dns/rr.h"

#include <openssl/crypto.h>

static const struct {
	enum hmac_hash hash;
	const char *name;
	struct slice wire;
} algorithms[] = {
	[TSIG_SHA256] = { HMAC_SHA256, "hmac-sha256", { "\13hmac-sha256", 13 } },
	[TSIG_SHA384] = { HMAC_SHA384, "hmac-sha384", { "\13hmac-sha384", 13 } },
	[TSIG_SHA512] = { HMAC_SHA512, "hmac-sha512", { "\13hmac-sha512", 13 } },
};
#define ALGORITHMS (sizeof(algorithms) / sizeof(*algorithms))

bool
tsig_algorithm_parse(struct slice s, enum tsig_algorithm *ret)
{
	if (slice_ends(s, S(".")))
		s.n--;
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (slice_ieq(s, slice_str(algorithms[i].name))) {
			*ret = (enum tsig_algorithm)i;
			return true;
		}
	}
	return false;
}

const char *
tsig_algorithm_name(enum tsig_algorithm a)
{
	return algorithms[a].name;
}

void
tsig_key_wipe(struct tsig_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

static size_t
mac_bytes(const struct tsig_key *key)
{
	return hmac_bytes(algorithms[key->algorithm].hash);
}

/* --- what is signed (RFC 8945 4.3) --- */

struct variables {
	unsigned char p[2 * DNAME_BYTES + 64];
	size_t n;
};

static void
put_variables(const struct tsig *sig, bool later, struct variables *v)
{
	struct wire_out out = wire_out(v->p, sizeof(v->p));

	if (!later) {
		wire_put(&out, dname_slice(&sig->key));
		wire_put_uint(&out, RR_CLASS_ANY, 2);
		wire_put_uint(&out, 0, 4); /* TTL */
		wire_put(&out, dname_slice(&sig->algorithm));
	}
	wire_put_uint(&out, sig->time_s, 6);
	wire_put_uint(&out, sig->fudge_s, 2);
	if (!later) {
		wire_put_uint(&out, sig->error, 2);
		wire_put_vec(&out, slice_head(sig->other, 32), 2);
	}
	check(!out.failed);
	v->n = out.n;
}

/* header and rest: the message as it was before the TSIG came to it. */
static bool
mac_of(const struct tsig_talk *talk, struct slice header, struct slice rest, const struct tsig *sig,
    unsigned char *dst)
{
	unsigned char prior[2 + TSIG_MAC_BYTES];
	struct wire_out out = wire_out(prior, sizeof(prior));
	struct variables v;

	if (talk->mac_n > 0)
		wire_put_vec(&out, slice_of(talk->mac, talk->mac_n), 2);
	check(!out.failed);
	put_variables(sig, talk->later, &v);
	return hmac(algorithms[talk->key.algorithm].hash,
	    slice_of((const char *)talk->key.secret, talk->key.n),
	    (struct slice[]){ slice_of(prior, out.n), header, rest, slice_of(v.p, v.n) }, 4, dst);
}

static void
keep_mac(struct tsig_talk *talk, struct slice mac)
{
	talk->later = talk->mac_n > 0; /* the second one is the first answer */
	memcpy(talk->mac, mac.p, mac.n);
	talk->mac_n = (uint8_t)mac.n;
}

/* --- reading --- */

bool
tsig_read(const struct dnsread *r, const struct dns_record *rr, struct tsig *ret)
{
	unsigned char canonical[DNAME_BYTES + 16];
	struct dns_record head = *rr;
	struct wire_in in = wire_in(rr->rdata);
	ptrdiff_t n;

	if (rr->type != RR_TSIG || rr->class != RR_CLASS_ANY || rr->ttl != 0)
		return false;
	*ret = (struct tsig){ .at = rr->at };
	dname_set_lower(&ret->key, dname_slice(&rr->owner));
	/* The algorithm's name by itself, as the shape has it: it must not be compressed. */
	while (!in.failed && in.left.n > 0 && in.left.p[0] != 0 && (in.left.p[0] & 0xc0) == 0)
		wire_vec(&in, 1);
	if (wire_uint(&in, 1) != 0 || in.failed)
		return false;
	head.rdata.n -= in.left.n;
	if ((n = dnsread_rdata(r, &head, canonical, sizeof(canonical))) < 0)
		return false;
	dname_set(&ret->algorithm, slice_of(canonical, (size_t)n));
	ret->time_s = wire_uint(&in, 6);
	ret->fudge_s = (uint16_t)wire_uint(&in, 2);
	ret->mac = wire_vec(&in, 2);
	ret->original_id = (uint16_t)wire_uint(&in, 2);
	ret->error = (uint16_t)wire_uint(&in, 2);
	ret->other = wire_vec(&in, 2);
	return !in.failed && in.left.n == 0 && ret->other.n <= 32;
}

static bool
in_time(const struct tsig *sig, int64_t now_s)
{
	uint64_t now = now_s < 0 ? 0 : (uint64_t)now_s;
	uint64_t apart = now > sig->time_s ? now - sig->time_s : sig->time_s - now;

	return apart <= sig->fudge_s;
}

enum tsig_error
tsig_verify(struct tsig_talk *talk, struct slice message, const struct tsig *sig, int64_t now_s)
{
	unsigned char header[DNS_HEADER_BYTES], mac[TSIG_MAC_BYTES];
	size_t full = mac_bytes(&talk->key);
	unsigned additional;

	check(sig->at >= DNS_HEADER_BYTES && sig->at <= message.n);
	if (!dname_eq(dname_slice(&sig->algorithm), algorithms[talk->key.algorithm].wire))
		return TSIG_BADKEY;
	if (sig->mac.n > full || sig->mac.n < full / 2 || sig->mac.n < 10)
		return TSIG_MALFORMED;
	/* As it was signed: with the id that it was sent under, and without the TSIG. */
	memcpy(header, message.p, sizeof(header));
	header[0] = (unsigned char)(sig->original_id >> 8);
	header[1] = (unsigned char)sig->original_id;
	additional = ((unsigned)header[10] << 8 | header[11]) - 1;
	header[10] = (unsigned char)(additional >> 8);
	header[11] = (unsigned char)additional;
	if (!mac_of(talk, slice_of(header, sizeof(header)),
		slice_from(slice_head(message, sig->at), sizeof(header)), sig, mac))
		return TSIG_UNABLE;
	if (CRYPTO_memcmp(mac, sig->mac.p, sig->mac.n) != 0)
		return TSIG_BADSIG;
	keep_mac(talk, sig->mac);
	talk->asked_s = sig->time_s;
	talk->error = !in_time(sig, now_s) ? TSIG_BADTIME : sig->mac.n < full ? TSIG_BADTRUNC : 0;
	return talk->error;
}

/* --- writing --- */

#define FIXED_BYTES (10u + 16u) /* type to length; time, fudge, three lengths, id, error */

size_t
tsig_bytes(const struct tsig_key *key)
{
	return key->name.n + algorithms[key->algorithm].wire.n + FIXED_BYTES + mac_bytes(key) +
	       6; /* our time, with BADTIME */
}

size_t
tsig_refuse_bytes(const struct tsig *sig)
{
	return sig->key.n + sig->algorithm.n + FIXED_BYTES;
}

static void
append(struct dnswrite *w, const struct tsig *sig)
{
	unsigned char rdata[DNAME_BYTES + 16 + TSIG_MAC_BYTES + 32];
	struct wire_out out = wire_out(rdata, sizeof(rdata));

	wire_put(&out, dname_slice(&sig->algorithm));
	wire_put_uint(&out, sig->time_s, 6);
	wire_put_uint(&out, sig->fudge_s, 2);
	wire_put_vec(&out, sig->mac, 2);
	wire_put_uint(&out, sig->original_id, 2);
	wire_put_uint(&out, sig->error, 2);
	wire_put_vec(&out, sig->other, 2);
	check(!out.failed);
	dnswrite_record(w, DNS_ADDITIONAL, dname_slice(&sig->key), RR_TSIG, RR_CLASS_ANY, 0,
	    slice_of(rdata, out.n));
}

static uint16_t
id_of(const struct dnswrite *w)
{
	return (uint16_t)(w->p[0] << 8 | w->p[1]);
}

bool
tsig_sign(struct tsig_talk *talk, struct dnswrite *w, int64_t now_s)
{
	unsigned char mac[TSIG_MAC_BYTES], ours[6];
	struct wire_out out = wire_out(ours, sizeof(ours));
	struct tsig sig = { .time_s = now_s < 0 ? 0 : (uint64_t)now_s,
		.fudge_s = TSIG_FUDGE_S,
		.original_id = id_of(w),
		.error = talk->error };

	if (w->full)
		return false;
	if (talk->error == TSIG_BADTIME) { /* the asker's time, and ours behind it (5.2.3) */
		wire_put_uint(&out, sig.time_s, sizeof(ours));
		sig.other = slice_of(ours, out.n);
		sig.time_s = talk->asked_s;
	}
	dname_set(&sig.key, dname_slice(&talk->key.name));
	dname_set(&sig.algorithm, algorithms[talk->key.algorithm].wire);
	sig.mac = slice_of(mac, mac_bytes(&talk->key));
	if (!mac_of(talk, slice_of(w->p, DNS_HEADER_BYTES),
		slice_of(w->p + DNS_HEADER_BYTES, w->n - DNS_HEADER_BYTES), &sig, mac))
		return false;
	append(w, &sig);
	keep_mac(talk, sig.mac);
	return !w->full;
}

void
tsig_refuse(struct dnswrite *w, const struct tsig *sig, enum tsig_error error)
{
	struct dnswrite_mark m = dnswrite_mark(w);
	struct tsig answer = *sig;

	answer.mac = answer.other = S("");
	answer.original_id = id_of(w);
	answer.error = (uint16_t)error;
	append(w, &answer);
	if (w->full)
		dnswrite_back(w, &m);
}
