/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trailer fields: what follows a body (RFC 9110 6.5), on its way through a proxy.
 *
 * Between two hops a trailer section is text: lines "Name: value\r\n" without the empty line.  It is
 * never merged into a head.  What frames or routes a message, says who the visitor is, or asks for
 * rights means something in a head only; behind a body it is dropped, whoever sends it.
 */
#ifndef ADIT_HTTP_TRAILER_H
#define ADIT_HTTP_TRAILER_H

#include "base/check.h"
#include "base/limits.h"
#include "base/slice.h"
#include "http/close.h"

/*
 * The next field of a section, its value without whitespace at both ends; false at the end, or with
 * *ret_fault set (CLOSE_OK before) where a line is no field.
 */
bool trailer_next(struct slice *lines, struct slice *ret_name, struct slice *ret_value,
    enum close_code *ret_fault) must_use;

/* Whether a field of this name may stand in a trailer section at all (RFC 9110 6.5.1). */
bool trailer_may(struct slice name) must_use;

/* Names of fields, in any case. */
struct trailer_drop {
	const struct slice *names;
	size_t n;
};

/*
 * Writes the fields that pass, and are not named in `drop`, in their order, in the form that is said
 * above: at most LIMIT_TRAILER_BYTES.  *ret_n may be 0: none passes.  CLOSE_OK, or what is wrong with the section;
 * nothing of it is to be used then.
 */
enum close_code trailer_pass(struct slice lines, struct trailer_drop drop,
    char dst[LIMIT_TRAILER_BYTES], size_t *ret_n) must_use;

#endif
