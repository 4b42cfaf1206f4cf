/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A webhook request as every part of this room sees it: slices of the bytes that came, nothing
 * decoded.  Signatures are over exactly these bytes; whoever fills it must not have changed one.
 */
#ifndef ADIT_HOOK_HOOK_H
#define ADIT_HOOK_HOOK_H

#include "base/check.h"
#include "base/slice.h"

struct hook_field {
	struct slice name, value; /* value without OWS at both ends */
};

struct hook_request {
	struct slice method;
	struct slice path;  /* raw bytes of the path, without the query */
	struct slice query; /* raw, without '?' */
	struct slice url;   /* public URL that the sender called, scheme to query; "" where unknown
			       (Twilio signs it) */
	const struct hook_field *fields;
	size_t n_fields;
	struct slice body; /* after the transfer coding, before any content coding */
	int64_t now_ms;    /* wall clock */
};

/* Value of the first field of that name (case ignored); p is NULL when there is none. */
struct slice hook_header(const struct hook_request *req, struct slice name);
/* How many fields have that name. */
size_t hook_header_count(const struct hook_request *req, struct slice name);

/* Content-Type without its parameters is `type`, case ignored. */
bool hook_is_type(const struct hook_request *req, struct slice type);

/*
 * Decodes %XX and '+' of application/x-www-form-urlencoded; a broken escape stays as it is.  The
 * number of bytes, or -1 when they do not fit.  dst may be s.p's own memory.
 */
ptrdiff_t hook_form_decode(struct slice s, char *dst, size_t cap) must_use;
/* Takes the next name=value pair from the front of *form, still encoded. False at the end. */
bool hook_form_next(struct slice *form, struct slice *ret_name, struct slice *ret_value) must_use;
/* The still encoded value of a parameter whose name is written plainly; p is NULL
 * when there is none. */
struct slice hook_form_get(struct slice form, const char *name);

/* Copies valid UTF-8 up to cap - 1 bytes, cut between characters; other
 * bytes become '?'. NUL-terminated. */
void hook_copy(struct slice s, char *dst, size_t cap);

#endif
