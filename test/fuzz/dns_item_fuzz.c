/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name's records as the store keeps them, from a file that may be damaged. Held to: what is taken
 * and written again is taken again, and is the same then.
 */
#include "dns/change.h"
#include "edge/dns/name_server_private.h"
#include "fuzz/must.h"

#include <stdlib.h>

#define ORIGIN S("\4test\0")
#define NAME S("\4home\4test\0")

static const struct zone_times times = { 1, 1, 1, 1, 1 };

static struct zone *
new_zone(void)
{
	struct zone *z = zone_new(ORIGIN, ORIGIN, ORIGIN, &times, 1);

	MUST(z != NULL);
	return z;
}

/* Bytes of what those bytes say; NULL: nothing that can be taken. */
static unsigned char *
again(struct slice bytes, size_t *ret_n)
{
	struct name_server ns = { .own = new_zone() };
	struct change *c = change_begin(ns.own);
	unsigned char *written = NULL;

	MUST(c != NULL);
	if (dns_own_take(c, NAME, bytes)) {
		written = dns_own_bytes(&ns, c, NAME, ret_n);
		MUST(written != NULL);
	}
	change_cancel(c);
	zone_free(ns.own);
	return written;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = 0, n_twice = 0;
	unsigned char *once = again(slice_of(data, size), &n), *twice;

	if (once == NULL || n == 0) {
		free(once);
		return 0;
	}
	twice = again(slice_of(once, n), &n_twice);
	MUST(twice != NULL && slice_eq(slice_of(once, n), slice_of(twice, n_twice)));
	free(once);
	free(twice);
	return 0;
}
