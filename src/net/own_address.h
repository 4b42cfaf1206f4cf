/* SPDX-License-Identifier: Apache-2.0 */
/* Which address this machine would call the internet from. Nothing is sent. */
#ifndef ADIT_NET_OWN_ADDRESS_H
#define ADIT_NET_OWN_ADDRESS_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

/* family: AF_INET or AF_INET6. The numeric address; false: there is no way to the internet. */
bool own_address(int family, char *dst, size_t cap) must_use;

#endif
