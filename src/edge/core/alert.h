/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alert tells people beside the log: inbox.alert_command gets one JSON object on its standard
 * input, inbox.alert_url gets it as a POST.  On the main loop, and never waited for; one is given
 * at a time.  What nobody took stays in the store and is given again (housekeeping.c).
 *
 *	{"event":"parked","text":"...","domain":"...","parked":2,"dead":0,"refused":0,"queued":17,
 *	 "oldest_ms":1795551660482,"late_s":0}
 *
 * event: "full" when webhooks were refused since the last alert, since the inbox of their account is
 * full; "parked" when something was parked or given up; else "lag": the oldest that is not finished
 * is too old, late_s is its age.  Certificates and own domains have objects of their own
 * (edge/cert/notice.c, edge/domain/domain_notice.c).  text: a sentence, which is all that Slack's and Mattermost's
 * incoming webhooks look at.
 */
#ifndef ADIT_EDGE_CORE_ALERT_H
#define ADIT_EDGE_CORE_ALERT_H

#include "edge/core/settings.h"
#include "net/loop.h"

struct alert;

/* NULL without memory. */
struct alert *alert_new(struct loop *main_loop) must_use;
/* The last one is still being given. Also ends a command that runs too long: call
 * it now and then. */
bool alert_is_busy(struct alert *a);
/* Of the last one, when it is not being given any more: the command ended with 0, or the POST was
 * answered 2xx. One of both is enough: somebody knows. */
bool alert_was_taken(const struct alert *a);
/* These settings hold from now on: makes ready what the POSTs share. */
void alert_use_settings(struct alert *a, const struct settings *s);
/* Not while one is being given. json: copied. */
void alert_give(struct alert *a, const struct settings *s, struct slice json);
/* A POST ends where it is; a command that still runs is left alone. Before the loop is freed. */
void alert_free(struct alert *a);

#endif
