/* SPDX-License-Identifier: Apache-2.0 */
/* Makes tickets and knows them again: a time and a MAC of it and the name. */
#include "edge/core/ticket.h"

#include "base/clock.h"
#include "base/hmac.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define TICKET_MS 60000
#define TICKET_MAC_BYTES 16

/* The word before them keeps a MAC of this key from being taken for anything else. */
static bool
make_mac(const struct edge *e, const char *name, const char *until,
    char dst[2 * TICKET_MAC_BYTES + 1])
{
	unsigned char mac[HMAC_BYTES_MAX];
	char text[DIRECTORY_KEY_BYTES + 40];
	int len = snprintf(text, sizeof(text), "adit-probe %s %s", until, name);

	check(len > 0 && (size_t)len < sizeof(text)); /* all of the name is under the MAC */
	if (!hmac(HMAC_SHA256, slice_of((const char *)e->probe_key, sizeof(e->probe_key)),
		(struct slice[]){ slice_of(text, (size_t)len) }, 1, mac))
		return false;
	text_hex(mac, TICKET_MAC_BYTES, dst);
	return true;
}

/* By the wall clock, which all workers read alike; the probe comes within seconds. */
void
ticket_make(const struct edge *e, const char *name, char dst[TICKET_TEXT_BYTES])
{
	snprintf(dst, 17, "%016llx", (unsigned long long)(clock_wall_ms() + TICKET_MS));
	if (!make_mac(e, name, dst, dst + 16))
		dst[0] = '\0'; /* no ticket, which nobody takes for one */
}

bool
ticket_is_good(const struct edge *e, const char *name, struct slice s)
{
	char until[17], mac[2 * TICKET_MAC_BYTES + 1];

	if (s.n != TICKET_TEXT_BYTES - 1 || !slice_z(slice_head(s, 16), until, sizeof(until)) ||
	    !make_mac(e, name, until, mac))
		return false;
	/*
	 * In constant time, or a stranger could guess it digit by digit. The time is read
	 * only from what has the right MAC.
	 */
	return CRYPTO_memcmp(mac, s.p + 16, 2 * TICKET_MAC_BYTES) == 0 &&
	       (int64_t)strtoull(until, NULL, 16) > clock_wall_ms();
}
