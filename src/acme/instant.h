/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instants as CAs write them -> seconds since 1970-01-01 UTC.  False, and nothing written, for
 * anything else and for years before 1970 and after 9999.
 */
#ifndef ADIT_ACME_INSTANT_H
#define ADIT_ACME_INSTANT_H

#include "base/check.h"
#include "base/slice.h"

/* "2026-11-29T13:00:00Z", with a fraction (cut off) and an offset (RFC 3339 5.6). */
bool instant_rfc3339(struct slice s, int64_t *ret_s) must_use;
/* "Sun, 29 Nov 2026 13:00:00 GMT" (RFC 9110 5.6.7); the obsolete forms are not read. */
bool instant_http(struct slice s, int64_t *ret_s) must_use;
/*
 * Retry-After in seconds or as a date (RFC 9110 10.2.3) -> how long to wait from `now_s`, 0 for a
 * date that is past or what cannot be read; at most a year.
 */
int64_t instant_retry_after(struct slice s, int64_t now_s);

#endif
