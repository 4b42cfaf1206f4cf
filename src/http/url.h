/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts and names (RFC 3986 section 3.2.2, RFC 1123): one canonical form for
 * routing, policy and certificates.
 */
#ifndef ADIT_HTTP_URL_H
#define ADIT_HTTP_URL_H

#include "base/check.h"
#include "base/slice.h"

#define URL_HOST_BYTES 254 /* the longest canonical host and its NUL */

/*
 * host[:port] as in a Host field -> canonical host (lower case, trailing dot removed, IPv6 in
 * brackets and in the spelling of RFC 5952) into dst (cap >= URL_HOST_BYTES) and port (0 when
 * absent).  False, and nothing useful in dst, for anything else: userinfo, commas, spaces,
 * underscores, empty labels, percent, bad brackets, zone ids, IPv4 in any other spelling than four
 * plain decimal numbers, a port that is empty, 0, past 65535 or has leading zeros.
 */
bool url_authority(struct slice s, char *dst, size_t cap, uint16_t *ret_port) must_use;

/*
 * A tunnel's name as accounts reserve it: one label of a-z, 0-9 and inner '-', 1 to 63 bytes, no
 * "--" at 3-4 (so no IDN in its xn-- form either), not a number (decimal or 0x).  Some are kept
 * back all the same (http/reserved.h).  The input's case is folded.  NULL and the name in dst (cap >= 64), or the reason in one sentence
 * and dst untouched.
 */
const char *url_name(struct slice s, char *dst, size_t cap) must_use;

#endif
