/* SPDX-License-Identifier: Apache-2.0 */
/* When a delivery is tried again, and when it is given up. */
#include "hook/result.h"

enum result_class
result_of_status(int status)
{
	if (status >= 200 && status <= 299)
		return RESULT_DONE;
	if (status == 408 || status == 425 || status == 429 || status < 200 || status > 499)
		return RESULT_RETRY;
	/* 3xx too: nobody may turn a POST into a GET, and a redirect that is followed
	 * once hides the mistake. */
	return RESULT_PARK;
}

/* --- the schedule --- */

#define S_(s) ((s)*1000LL)
#define MIN_(m) S_((m)*60LL)
#define H_(h) MIN_((h)*60LL)

/* Pauses one after the other: dense for an hour, since a CI that restarts is back soon, then like
 * Standard Webhooks; the last one ends with the schedule. */
static const int64_t pauses_ms[] = {
	S_(5),
	S_(10),
	S_(20),
	S_(40),
	S_(80),
	S_(160),
	MIN_(5),
	MIN_(5),
	MIN_(5),
	MIN_(5),
	MIN_(5),
	MIN_(5),
	MIN_(5),
	MIN_(5),
	MIN_(5),
	MIN_(5),
	MIN_(30),
	H_(2),
	H_(5),
	H_(10),
	H_(14),
	H_(20),
	H_(24),
};
#define PAUSES (sizeof(pauses_ms) / sizeof(*pauses_ms))
/* The origin says that it is starting: looked at often, as it costs no attempt. */
#define HOLD_MS S_(5)

/* Until the next step of the schedule after spent_ms. */
static int64_t
pause_after(int64_t spent_ms)
{
	int64_t at_ms = 0;

	check(0 <= spent_ms && spent_ms < RESULT_SCHEDULE_MS); /* later it is given up */
	for (size_t i = 0; i < PAUSES && at_ms <= spent_ms; i++)
		at_ms += pauses_ms[i];
	if (at_ms <= spent_ms || at_ms > RESULT_SCHEDULE_MS)
		at_ms = RESULT_SCHEDULE_MS;
	return at_ms - spent_ms > pauses_ms[0] ? at_ms - spent_ms : pauses_ms[0];
}

/*
 * Random, so that what failed together does not come back together. firm: the origin asked for
 * the pause itself, and knows better than a person in a hurry.
 */
static struct result_plan
wait_for(int64_t pause_ms, int64_t retry_after_ms, uint64_t random)
{
	/* Later, never earlier: else the last attempt could come before the schedule's end. */
	int64_t delay = pause_ms + (int64_t)(random % (uint64_t)(pause_ms / 4 + 1));

	check(pause_ms >= HOLD_MS && delay >= pause_ms);
	if (retry_after_ms > RESULT_RETRY_AFTER_MS_MAX)
		retry_after_ms = RESULT_RETRY_AFTER_MS_MAX;
	if (retry_after_ms < 0)
		return (struct result_plan){ RESULT_STEP_WAIT, delay, false };
	/* Up to a second later, so that a crowd that was told one time does not come at one time. */
	if (delay < retry_after_ms)
		delay = retry_after_ms + (int64_t)(random % 1000);
	return (struct result_plan){ RESULT_STEP_WAIT, delay, true };
}

/*
 * Holding and being away use up no attempt. What fails behind the end of the schedule is dead,
 * however few attempts it had.
 */
struct result_plan
result_next(int64_t spent_ms, enum result_class c, int64_t retry_after_ms, uint64_t random)
{
	switch (c) {
	case RESULT_DONE:
		return (struct result_plan){ RESULT_STEP_DONE, 0, false };
	case RESULT_PARK:
		return (struct result_plan){ RESULT_STEP_PARK, 0, false };
	case RESULT_AWAY:
		return (struct result_plan){ RESULT_STEP_AWAY, 0, false };
	case RESULT_HOLD:
		return wait_for(HOLD_MS, retry_after_ms, random);
	case RESULT_RETRY:
		break;
	}
	if (spent_ms >= RESULT_SCHEDULE_MS)
		return (struct result_plan){ RESULT_STEP_DEAD, 0, false };
	return wait_for(pause_after(spent_ms < 0 ? 0 : spent_ms), retry_after_ms, random);
}

/* --- Retry-After --- */

/*
 * Two or four digits of a date; a field that is no number, or past its largest, makes the
 * whole date none.
 */
static bool
number_of(struct slice s, unsigned max, unsigned *ret)
{
	uint64_t v;

	if (!slice_u64(s, &v) || v > max)
		return false;
	*ret = (unsigned)v;
	return true;
}

static bool
month_of(struct slice s, unsigned *ret)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < 12 && s.n == 3; i++) {
		if (memcmp(names + 3 * (size_t)i, s.p, 3) == 0) {
			*ret = i + 1;
			return true;
		}
	}
	return false;
}

/* Days from 1970-01-01 to that date of the Gregorian calendar (years from March, so that the leap
 * day is last). */
static int64_t
days_of(unsigned year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2), era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (int64_t)((month + 9) % 12) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate; the two obsolete forms are not sent any more). */
static bool
date_of(struct slice s, int64_t *ret_ms)
{
	unsigned day, month, year, hour, minute, second;

	if (s.n != 29 || memcmp(s.p + 3, ", ", 2) != 0 || !slice_ends(s, S(" GMT")) ||
	    s.p[7] != ' ' || s.p[11] != ' ' || s.p[16] != ' ' || s.p[19] != ':' || s.p[22] != ':')
		return false;
	if (!number_of(slice_of(s.p + 5, 2), 31, &day) || !month_of(slice_of(s.p + 8, 3), &month) ||
	    !number_of(slice_of(s.p + 12, 4), 9999, &year) ||
	    !number_of(slice_of(s.p + 17, 2), 23, &hour) ||
	    !number_of(slice_of(s.p + 20, 2), 59, &minute) ||
	    !number_of(slice_of(s.p + 23, 2), 60, &second) || day == 0 || year < 1970)
		return false;
	*ret_ms = (days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000;
	return true;
}

/* A date in the past means now. Seconds without end are cut to a day: the schedule goes on. */
int64_t
result_retry_after(struct slice value, int64_t now_ms)
{
	uint64_t seconds;
	int64_t at_ms;

	if (slice_u64(value, &seconds))
		return seconds > RESULT_RETRY_AFTER_MS_MAX / 1000 ? RESULT_RETRY_AFTER_MS_MAX
								  : (int64_t)seconds * 1000;
	if (!date_of(value, &at_ms))
		return -1;
	return at_ms > now_ms ? at_ms - now_ms : 0;
}
