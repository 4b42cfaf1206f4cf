/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people read them, everywhere in one form. */
#ifndef ADIT_BASE_DATE_H
#define ADIT_BASE_DATE_H

#include <stdint.h>

#define DATE_BYTES 32

/* "2026-11-24 18:00:00 UTC" of milliseconds since 1970. */
void date_text(int64_t wall_ms, char dst[DATE_BYTES]);

#endif
