/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a parsed head as src/hook reads them. */
#ifndef ADIT_EDGE_INBOX_HEAD_FIELDS_H
#define ADIT_EDGE_INBOX_HEAD_FIELDS_H

#include "hook/hook.h"
#include "http/h1.h"

/* head: the bytes that were parsed; the fields point into them. There is room for
 * all. Returns how many. */
size_t head_fields(const struct h1_head *h, struct slice head, struct hook_field *fields);

#endif
