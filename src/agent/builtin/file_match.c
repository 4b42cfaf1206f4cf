/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges, entity tags and dates of HTTP (file_match.h). */
#include "agent/builtin/file_match.h"

#include <stdio.h>
#include <string.h>

enum file_range
file_range(struct slice value, uint64_t size, uint64_t *ret_first, uint64_t *ret_n)
{
	struct slice first, last = slice_from(value, value.n < 6 ? value.n : 6);
	uint64_t from, to;

	if (value.n < 7 || !slice_ieq(slice_head(value, 6), S("bytes=")) ||
	    slice_find(last, ',') != SIZE_MAX || slice_find(last, '-') == SIZE_MAX)
		return FILE_RANGE_NONE;
	first = slice_cut(&last, '-');
	if (first.n == 0) {
		/* The last bytes. */
		if (!slice_u64(last, &to))
			return FILE_RANGE_NONE;
		if (to == 0 || size == 0)
			return FILE_RANGE_BEYOND;
		*ret_n = to < size ? to : size;
		*ret_first = size - *ret_n;
		return FILE_RANGE_PART;
	}
	if (!slice_u64(first, &from) || (last.n > 0 && !slice_u64(last, &to)) ||
	    (last.n > 0 && to < from))
		return FILE_RANGE_NONE;
	if (from >= size)
		return FILE_RANGE_BEYOND;
	if (last.n == 0 || to >= size)
		to = size - 1;
	*ret_first = from;
	*ret_n = to - from + 1;
	return FILE_RANGE_PART;
}

static struct slice
trimmed(struct slice s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = slice_from(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s = slice_head(s, s.n - 1);
	return s;
}

bool
file_tag_listed(struct slice list, struct slice tag)
{
	if (slice_eq(trimmed(list), S("*")))
		return true;
	/* A tag of ours has no comma: one with a comma is cut, and is none of ours either way. */
	while (list.n > 0) {
		struct slice one = trimmed(slice_cut(&list, ','));

		if (slice_starts(one, S("W/")))
			one = slice_from(one, 2);
		if (slice_eq(one, tag))
			return true;
	}
	return false;
}

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void
file_date(time_t t, char dst[FILE_DATE_BYTES])
{
	struct tm tm;

	/* Not strftime(): it speaks the user's language. */
	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 0 || tm.tm_year > 8099)
		gmtime_r(&(time_t){ 0 }, &tm);
	snprintf(dst, FILE_DATE_BYTES, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
	    days + 3 * tm.tm_wday, tm.tm_mday % 100, months + 3 * tm.tm_mon,
	    (tm.tm_year + 1900) % 10000, tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
}

time_t
file_date_read(struct slice s)
{
	char text[FILE_DATE_BYTES], month[4], again[FILE_DATE_BYTES];
	struct tm tm = { 0 };
	const char *at;
	time_t t;

	if (s.n != 29 || !slice_z(s, text, sizeof(text)) ||
	    sscanf(text + 5, "%2d %3s %4d %2d:%2d:%2d", &tm.tm_mday, month, &tm.tm_year,
		&tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return -1;
	at = strstr(months, month);
	if (at == NULL || strlen(month) != 3 || (at - months) % 3 != 0)
		return -1;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	t = timegm(&tm);
	/* Whatever sscanf() was lenient about is different when it is written anew. */
	file_date(t, again);
	return strcmp(text, again) == 0 ? t : -1;
}
