/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the answer of an origin to a delivery means, and when to try again.  Pure: time, and
 * randomness are parameters.
 *
 * The schedule is time that a delivery has spent, 72 hours of it, whatever the number of attempts:
 * at once, then after 5 s x 2^n up to 5 min through the first hour, then 30 min, 2 h, 5 h, 10 h,
 * 14 h, 20 h, and at 72 h for the last time.  Each pause is up to a quarter longer.
 */
#ifndef ADIT_HOOK_RESULT_H
#define ADIT_HOOK_RESULT_H

#include "base/check.h"
#include "base/slice.h"

enum result_class {
	RESULT_DONE,  /* delivered */
	RESULT_RETRY, /* may be better later: 408, 425, 429, 5xx, refused, silent, broken */
	RESULT_PARK,  /* a mistake in the set-up: waits for a person */
	RESULT_HOLD,  /* the origin is starting: the whole queue waits, attempts are not counted */
	RESULT_AWAY,  /* no agent: nothing was tried; goes on the moment it returns */
};

/* 1xx and nonsense are RESULT_RETRY. */
enum result_class result_of_status(int status);

enum result_step {
	RESULT_STEP_DONE,
	RESULT_STEP_WAIT, /* try again after delay_ms */
	RESULT_STEP_PARK,
	RESULT_STEP_DEAD, /* the schedule's time has passed */
	RESULT_STEP_AWAY, /* wait for the agent, however long */
};

struct result_plan {
	enum result_step step;
	int64_t delay_ms;
	bool firm; /* the origin has asked for the pause: nobody may shorten it */
};

/*
 * spent_ms: of the schedule, this attempt included.  retry_after_ms: -1 when the answer
 * had none. random: 64 uniform bits.  A Retry-After lengthens the pause, never shortens
 * it, up to RESULT_RETRY_AFTER_MS_MAX.
 */
struct result_plan result_next(int64_t spent_ms, enum result_class c, int64_t retry_after_ms,
    uint64_t random);
#define RESULT_RETRY_AFTER_MS_MAX 86400000
/* What fails later than this is given up. */
#define RESULT_SCHEDULE_MS (72 * 3600 * 1000LL)

/* Retry-After, seconds or HTTP-date (RFC 9110 10.2.3); -1 when it is neither. Never less than 0. */
int64_t result_retry_after(struct slice value, int64_t now_ms);

#endif
