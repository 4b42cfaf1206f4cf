/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people read them (date.h). */
#include "base/date.h"

#include <stdio.h>
#include <time.h>

void
date_text(int64_t wall_ms, char dst[DATE_BYTES])
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;

	/*
	 * gmtime_r() refuses a year that does not fit an int: a number out of a store or an answer
	 * may be anything.
	 */
	if (gmtime_r(&s, &tm) == NULL ||
	    strftime(dst, DATE_BYTES, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(dst, DATE_BYTES, "an unknown time");
}
