/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed messages (RFC 8945): HMAC over the message and the time, with a key that both know.
 *
 * A talk is a request and what is answered to it: each MAC is made over the one before it. Of
 * several answers (AXFR) the first covers all fields of its TSIG, others the time alone (5.3.1).
 */
#ifndef ADIT_DNS_TSIG_H
#define ADIT_DNS_TSIG_H

#include "dns/dnswrite.h"

#define TSIG_SECRET_BYTES 128
#define TSIG_MAC_BYTES 64 /* of SHA-512 */
#define TSIG_FUDGE_S 300  /* how far clocks may be apart (10) */

enum tsig_algorithm { TSIG_SHA256, TSIG_SHA384, TSIG_SHA512 };

/* Wipe it with tsig_key_wipe() when it goes. */
struct tsig_key {
	struct dname name; /* in lower case */
	enum tsig_algorithm algorithm;
	uint8_t n; /* bytes of the secret, at least one */
	unsigned char secret[TSIG_SECRET_BYTES];
};

/* "hmac-sha256", "hmac-sha384", "hmac-sha512", with or without a dot behind it. */
bool tsig_algorithm_parse(struct slice s, enum tsig_algorithm *ret) must_use;
const char *tsig_algorithm_name(enum tsig_algorithm a);
void tsig_key_wipe(struct tsig_key *key);

/* A TSIG record as it came; slices into its message. */
struct tsig {
	struct dname key, algorithm; /* in lower case */
	uint64_t time_s;             /* of signing, since 1970 */
	uint16_t fudge_s, original_id, error;
	struct slice mac, other;
	size_t at; /* where it begins in the message */
};

/* The values of the error field are on the wire (RFC 8945 3). */
enum tsig_error {
	TSIG_OK = 0,
	TSIG_MALFORMED = 1, /* FORMERR: a MAC of a length that cannot be */
	TSIG_UNABLE = 2,    /* SERVFAIL: libcrypto failed */
	TSIG_BADSIG = 16,
	TSIG_BADKEY = 17,
	TSIG_BADTIME = 18,
	TSIG_BADTRUNC = 22, /* right, but cut: we take whole MACs alone (5.2.4) */
};

struct tsig_talk {
	struct tsig_key key;
	unsigned char mac[TSIG_MAC_BYTES]; /* the last one */
	uint8_t mac_n;                     /* 0: nothing was signed yet */
	bool later;                        /* the first answer has been made, or read */
	uint16_t error;                    /* TSIG_BADTIME, TSIG_BADTRUNC: told in the answer */
	uint64_t asked_s;                  /* the request's time, for BADTIME */
};

/* False: that record is no TSIG (class ANY, TTL 0, shape). The message must stay. */
bool tsig_read(const struct dnsread *r, const struct dns_record *rr, struct tsig *ret) must_use;
/*
 * Judges a message of the talk, whose key is set. BADKEY where the algorithm is another one. Its
 * MAC is the talk's last one then, with BADTIME and BADTRUNC too: their answers are signed, others
 * are not (5.3.2).
 */
enum tsig_error tsig_verify(struct tsig_talk *talk, struct slice message, const struct tsig *sig,
    int64_t now_s) must_use;

/* Room for the record that tsig_sign() or tsig_refuse() appends. */
size_t tsig_bytes(const struct tsig_key *key);
size_t tsig_refuse_bytes(const struct tsig *sig);
/* Appends the TSIG; all else is written, rcode and OPT too. False: no room, or libcrypto failed. */
bool tsig_sign(struct tsig_talk *talk, struct dnswrite *w, int64_t now_s) must_use;
/* The same without a MAC: BADKEY and BADSIG. What does not fit is left out. */
void tsig_refuse(struct dnswrite *w, const struct tsig *sig, enum tsig_error error);

#endif
