/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first message of TLS (RFC 8446 4.1.2), without I/O: which name a client asks for (SNI), and
 * which protocols he offers (ALPN).  It is looked at before anybody answers it, so that whoever has the
 * name can get all of its bytes.
 *
 * Other extensions are passed over, those that mean nothing (GREASE, RFC 8701) and an encrypted hello
 * (ECH, RFC 9849) too: what is inside of one, whoever has the outer name may know.
 */
#ifndef ADIT_NET_CLIENTHELLO_H
#define ADIT_NET_CLIENTHELLO_H

#include "base/check.h"
#include "base/slice.h"

#define CLIENTHELLO_HOST_BYTES 254 /* of a host name with its NUL */
#define CLIENTHELLO_ALPN_BYTES 128

struct clienthello {
	char sni[CLIENTHELLO_HOST_BYTES]; /* lower-case, a legal host name; "": none */
	/* What is offered, joined by commas, in its order.  Left out: names with other characters
	 * than letters, digits and ./-_, as those of GREASE, and what does not fit any more. */
	char alpn[CLIENTHELLO_ALPN_BYTES];
};

enum clienthello_result {
	CLIENTHELLO_MORE, /* feed the same bytes with more behind them */
	CLIENTHELLO_DONE,
	/* Malformed, larger than LIMIT_CLIENTHELLO_BYTES, or no TLS at all: nobody can be told by
	 * it who is meant.  OpenSSL has the right words for each. */
	CLIENTHELLO_OTHER,
};

/* bytes: everything from the first one on.  How it is cut into calls changes nothing. */
enum clienthello_result clienthello_read(struct slice bytes, struct clienthello *ret) must_use;

/*
 * The value of a server_name extension (RFC 6066 3).  False: malformed, or no legal host name: letters,
 * digits, '-' and '_' in labels of 1 to 63, as a whole at most 253.
 */
bool clienthello_sni(struct slice ext, char dst[CLIENTHELLO_HOST_BYTES]) must_use;
/* A host name alone, lower-cased into dst. */
bool clienthello_host(struct slice s, char dst[CLIENTHELLO_HOST_BYTES]) must_use;

#endif
