/* SPDX-License-Identifier: Apache-2.0 */
/* One lock around a pointer and its counters (sink.h). */
#include "agent/builtin/sink.h"

#include <stdatomic.h>

void
sink_init(struct sink *s)
{
	s->rules = NULL;
	check(pthread_mutex_init(&s->lock, NULL) == 0);
}

void
sink_fini(struct sink *s)
{
	sink_rules_unref(s->rules);
	s->rules = NULL;
	pthread_mutex_destroy(&s->lock);
}

void
sink_use(struct sink *s, struct sink_rules *rules)
{
	struct sink_rules *old;

	pthread_mutex_lock(&s->lock);
	old = s->rules;
	s->rules = rules;
	pthread_mutex_unlock(&s->lock);
	sink_rules_unref(old);
}

json_t *
sink_json(struct sink *s)
{
	json_t *list;

	pthread_mutex_lock(&s->lock);
	list = sink_rules_json(s->rules);
	pthread_mutex_unlock(&s->lock);
	return list;
}

const struct sink_rule *
sink_hit(struct sink *s, struct slice method, struct slice path, struct sink_rules **ret_rules)
{
	struct sink_rule *rule;

	pthread_mutex_lock(&s->lock);
	rule = sink_rules_find(s->rules, method, path);
	*ret_rules = rule != NULL ? s->rules : NULL;
	if (rule != NULL) {
		rule->hits++;
		atomic_fetch_add(&s->rules->refs, 1);
	}
	pthread_mutex_unlock(&s->lock);
	return rule;
}
