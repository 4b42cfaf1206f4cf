/* SPDX-License-Identifier: Apache-2.0 */
/* Between preset.c, whose rows name who answers, and preset_judge.c, which knows
 * what their answers mean. */
#ifndef ADIT_HOOK_PRESET_PRIVATE_H
#define ADIT_HOOK_PRESET_PRIVATE_H

#include "hook/preset.h"

/* Who answers: bits, so that a rule can hold for several. */
enum judge {
	JUDGE_BITBUCKET = 1 << 0,
	JUDGE_BRANCH_SOURCE = 1 << 1,
	JUDGE_PPR = 1 << 2,
	JUDGE_SERVER = 1 << 3,
	JUDGE_GITHUB = 1 << 4,
	JUDGE_GITLAB = 1 << 5,
	JUDGE_GENERIC = 1 << 6,
	JUDGE_BUILDBOT = 1 << 7,
	JUDGE_PLAIN = 1 << 8,
};
#define JUDGE_JENKINS                                                                              \
	(JUDGE_BITBUCKET | JUDGE_BRANCH_SOURCE | JUDGE_PPR | JUDGE_SERVER | JUDGE_GITHUB |         \
	    JUDGE_GITLAB | JUDGE_GENERIC)
#define JUDGE_ALL (JUDGE_JENKINS | JUDGE_BUILDBOT | JUDGE_PLAIN)

#endif
