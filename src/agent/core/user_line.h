/* SPDX-License-Identifier: Apache-2.0 */
/* A user of a tunnel, as --user-file and policies have him: "name:hash". */
#ifndef ADIT_AGENT_CORE_USER_LINE_H
#define ADIT_AGENT_CORE_USER_LINE_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

/* bcrypt reads no more than 72 bytes; a longer password would be a shorter
 * one without anybody knowing. */
#define USER_LINE_PASSWORD_BYTES 72

/* False where the name is empty or holds a colon, the password is empty or too long, or it cannot
 * be hashed. It takes a tenth of a second. */
bool user_line(const char *name, const char *password, char *dst, size_t cap) must_use;

#endif
