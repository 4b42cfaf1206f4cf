/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of RFC 3339 and of HTTP, without the locale and without the time zone of the machine. */
#include "acme/instant.h"

#include <time.h>

#define YEAR_S (INT64_C(365) * 86400)

/* Takes so many digits off the front; -1: there are fewer, or no `after` follows (NUL: none). */
static int
take(struct slice *s, size_t digits, char after)
{
	int v = 0;

	if (s->n < digits + (after != '\0'))
		return -1;
	for (size_t i = 0; i < digits; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return -1;
		v = v * 10 + (s->p[i] - '0');
	}
	*s = slice_from(*s, digits);
	if (after != '\0') {
		if (s->p[0] != after)
			return -1;
		*s = slice_from(*s, 1);
	}
	return v;
}

/* timegm() would take the 31st of February for a day in March. */
static bool
to_seconds(const int f[6], int64_t *ret_s)
{
	struct tm tm = { .tm_year = f[0] - 1900,
		.tm_mon = f[1] - 1,
		.tm_mday = f[2],
		.tm_hour = f[3],
		.tm_min = f[4],
		.tm_sec = f[5] };
	int64_t t;

	for (int i = 0; i < 6; i++) {
		if (f[i] < 0)
			return false;
	}
	if (f[0] < 1970 || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[3] > 23 || f[4] > 59 || f[5] > 60)
		return false;
	t = timegm(&tm);
	if (tm.tm_mon != f[1] - 1)
		return false;
	*ret_s = t;
	return true;
}

/* Seconds east of UTC: "Z" or +hh:mm, and nothing behind it. */
static bool
take_offset(struct slice s, int64_t *ret_s)
{
	int sign, h, m;

	if (slice_ieq(s, S("Z"))) {
		*ret_s = 0;
		return true;
	}
	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-'))
		return false;
	sign = s.p[0] == '-' ? -1 : 1;
	s = slice_from(s, 1);
	h = take(&s, 2, ':');
	m = take(&s, 2, '\0');
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return false;
	*ret_s = sign * (int64_t)(h * 3600 + m * 60);
	return true;
}

bool
instant_rfc3339(struct slice s, int64_t *ret_s)
{
	int f[6];
	int64_t t, offset;

	f[0] = take(&s, 4, '-');
	f[1] = take(&s, 2, '-');
	f[2] = take(&s, 2, '\0');
	if (s.n == 0 || (s.p[0] != 'T' && s.p[0] != 't'))
		return false;
	s = slice_from(s, 1);
	f[3] = take(&s, 2, ':');
	f[4] = take(&s, 2, ':');
	f[5] = take(&s, 2, '\0');
	if (s.n > 1 && s.p[0] == '.') {
		for (s = slice_from(s, 1); s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9';)
			s = slice_from(s, 1);
	}
	if (!to_seconds(f, &t) || !take_offset(s, &offset))
		return false;
	*ret_s = t - offset;
	return true;
}

bool
instant_http(struct slice s, int64_t *ret_s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int f[6] = { 0, 0, 0, 0, 0, 0 };

	if (s.n != 29 || s.p[3] != ',' || s.p[4] != ' ')
		return false;
	s = slice_from(s, 5);
	f[2] = take(&s, 2, ' ');
	if (s.n < 4 || s.p[3] != ' ')
		return false;
	for (int i = 0; i < 12; i++) {
		if (memcmp(s.p, months + 3 * i, 3) == 0)
			f[1] = i + 1;
	}
	s = slice_from(s, 4);
	f[0] = take(&s, 4, ' ');
	f[3] = take(&s, 2, ':');
	f[4] = take(&s, 2, ':');
	f[5] = take(&s, 2, ' ');
	return slice_eq(s, S("GMT")) && to_seconds(f, ret_s);
}

int64_t
instant_retry_after(struct slice s, int64_t now_s)
{
	uint64_t seconds;
	int64_t at;

	s = slice_trim(s);
	if (slice_u64(s, &seconds))
		return seconds > YEAR_S ? YEAR_S : (int64_t)seconds;
	if (!instant_http(s, &at) || at <= now_s)
		return 0;
	return at - now_s > YEAR_S ? YEAR_S : at - now_s;
}
