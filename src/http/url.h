/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts and names (RFC 3986 section 3.2.2, RFC 1123): one canonical form for routing, policy and certificates. */
#ifndef ADIT_HTTP_URL_H
#define ADIT_HTTP_URL_H

#include "base/check.h"
#include "base/slice.h"

/*
 * host[:port] as in a Host field -> canonical host (lower case, trailing dot removed) into dst and port (0 when
 * absent).  False for anything else: userinfo, commas, spaces, empty labels, percent, bad brackets, ports past 65535.
 */
bool url_authority(struct slice s, char *dst, size_t cap, uint16_t *ret_port) must_use;

/*
 * A tunnel's name as accounts reserve it: one label of a-z, 0-9 and inner '-', 1 to 63 bytes, no "--" at 3-4, not only digits,
 * not on the reserved list (www, api, mail, admin, ns1, _acme-challenge, autodiscover, wpad, isatap, mta-sts, localhost ...).
 * The input's case is folded. NULL, or the reason in one sentence.
 */
const char *url_name(struct slice s, char *dst, size_t cap) must_use;

#endif
