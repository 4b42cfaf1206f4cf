/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADIT_BASE_UTF8_H
#define ADIT_BASE_UTF8_H

#include "base/slice.h"

/* Bytes of the well-formed UTF-8 sequence at the start (RFC 3629), 0 when there is none. */
size_t utf8_next(struct slice s);

#endif
