/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "The zone has changed": told to secondaries, which then ask for it (RFC 1996). The caller sends
 * it to each secondary over UDP, and again after a while as long as it has not answered (3.6).
 */
#ifndef ADIT_DNS_NOTIFY_H
#define ADIT_DNS_NOTIFY_H

#include "dns/tsig.h"
#include "dns/zone.h"

#define NOTIFY_BYTES 1232 /* it always fits */

/* One message to one secondary, until it is answered. */
struct notify {
	struct dname origin;
	uint16_t id;
	bool sign;
	struct tsig_talk talk;
};

/*
 * Writes it into buf[NOTIFY_BYTES]. id: random, of this message alone. key: NULL, or what to sign
 * it with, copied. The same bytes are sent again where it must be. 0: libcrypto failed. Wipe
 * n->talk.key at its end.
 */
size_t notify_write(struct notify *n, const struct zone *z, uint16_t id, const struct tsig_key *key,
    int64_t now_s, void *buf) must_use;

enum notify_reply {
	NOTIFY_TAKEN,   /* the secondary knows */
	NOTIFY_REFUSED, /* it does not want it: trying again does not help (3.10) */
	NOTIFY_FOREIGN, /* not an answer to this one, or not by whom has the key: go on waiting */
};
enum notify_reply notify_judge(const struct notify *n, struct slice message, int64_t now_s);

#endif
