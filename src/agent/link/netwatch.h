/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a link doubtful before any timer of its own notices: the machine slept (CLOCK_BOOTTIME
 * ran ahead of CLOCK_MONOTONIC), this process was stopped for a while, or an address of the machine
 * came or went (netlink).
 */
#ifndef ADIT_AGENT_LINK_NETWATCH_H
#define ADIT_AGENT_LINK_NETWATCH_H

#include "net/loop.h"

struct netwatch {
	/* why: "resumed from sleep", "was stopped for a while", "an address changed" */
	void (*changed)(struct netwatch *w, const char *why);
	struct loop *loop;
	/* private */
	struct loop_io
	    netlink; /* fd -1 where the system has none to give: the clocks still watch */
	struct loop_timer tick;
	int64_t mono_us, boot_us;
};

/* w lives until netwatch_stop(). Never fails: without netlink the clocks still watch. */
void netwatch_start(struct netwatch *w, struct loop *l,
    void (*changed)(struct netwatch *, const char *));
void netwatch_stop(struct netwatch *w);

/* What two looks at both clocks, which should be tick_us apart, say: NULL, or the reason. For
 * netwatch.c and its test. */
const char *netwatch_judge(int64_t mono_passed_us, int64_t boot_passed_us, int64_t tick_us);
/* True when netlink messages tell of an address that matters for reaching other machines. */
bool netwatch_is_address_change(struct slice messages);

#endif
