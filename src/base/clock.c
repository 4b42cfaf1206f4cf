/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's clocks. */
#include "base/clock.h"

#include "base/check.h"

#include <stdio.h>
#include <time.h>

/* These clocks are in every kernel that adit runs on, so reading them does not fail. */
static int64_t
now_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

int64_t
clock_boot_us(void)
{
	return now_us(CLOCK_BOOTTIME);
}

int64_t
clock_wall_ms(void)
{
	return now_us(CLOCK_REALTIME) / 1000;
}

void
clock_rfc3339(int64_t wall_ms, char *dst, size_t cap)
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t n;

	check(cap >= CLOCK_RFC3339_BYTES);
	gmtime_r(&s, &tm);
	n = strftime(dst, cap, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(dst + n, cap - n, ".%03dZ", (int)(wall_ms % 1000));
}
