/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli), by the machine's own instruction where it has one. */
#ifndef ADIT_BASE_CRC32C_H
#define ADIT_BASE_CRC32C_H

#include "base/slice.h"

/* crc: 0, or what came out for the bytes before these. */
uint32_t crc32c(uint32_t crc, struct slice bytes);

#endif
