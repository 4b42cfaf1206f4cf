/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that a sink has now: set by the agent's thread, asked by the one of builtin.h. */
#ifndef ADIT_AGENT_BUILTIN_SINK_H
#define ADIT_AGENT_BUILTIN_SINK_H

#include "agent/core/sink_rule.h"

#include <pthread.h>

struct sink {
	pthread_mutex_t lock;
	struct sink_rules *rules; /* NULL: none */
};

void sink_init(struct sink *s);
void sink_fini(struct sink *s);
/* Takes the reference over. */
void sink_use(struct sink *s, struct sink_rules *rules);
/* The rules with their hits. NULL without memory. */
json_t *sink_json(struct sink *s) must_use;
/*
 * The rule that answers, which is counted; NULL: none fits.  *ret_rules: to be given back by
 * sink_rules_unref() when the answer is gone.
 */
const struct sink_rule *sink_hit(struct sink *s, struct slice method, struct slice path,
    struct sink_rules **ret_rules);

#endif
