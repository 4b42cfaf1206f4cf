/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a parsed head as src/hook reads them, and a head with the values that it made. */
#ifndef ADIT_RELAY_HEAD_FIELDS_H
#define ADIT_RELAY_HEAD_FIELDS_H

#include "base/buf.h"
#include "hook/hook.h"
#include "http/h1.h"

/* head: the bytes that were parsed; the fields point into them. There is room for
 * all. Returns how many. */
size_t head_fields(const struct h1_head *h, struct slice head, struct hook_field *fields);
/*
 * The head with these values (at most 8) in its fields of the same names, and every other byte as it is.
 * add: those that it has not stand at its end.
 */
void head_with(const struct h1_head *h, struct slice head, const struct hook_field *values,
    size_t n, bool add, struct buf *out);

#endif
