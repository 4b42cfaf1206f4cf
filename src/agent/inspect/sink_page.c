/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the sink, to look at and to replace: GET and PUT /v1/sink. */
#include "agent/inspect/inspect_private.h"

bool
inspect_sink_on(struct inspector *i)
{
	const struct serve *s = i->client->serve;

	for (size_t k = 0; k < s->n_tunnels; k++)
		if (s->tunnels[k].state != TUNNEL_REMOVED &&
		    strcmp(s->tunnels[k].origin.text, "sink:") == 0)
			return true;
	return false;
}

void
inspect_sink(struct web_request *r)
{
	struct inspector *i = inspector_of(r);

	web_json(r, 200,
	    json_pack("{s:b,s:o}", "on", inspect_sink_on(i), "rules",
		sink_json(&i->client->serve->origins.sink)));
}

void
inspect_sink_put(struct web_request *r)
{
	char why[SINK_WHY_BYTES], text[SINK_WHY_BYTES + 32];
	struct sink_rules *rules;
	size_t at = 0;

	rules = sink_rules_read(json_object_get(r->json, "rules"), why, &at);
	if (rules == NULL) {
		snprintf(text, sizeof(text), "Rule %zu: %s.", at + 1, why);
		web_error(r, 400, "bad-rule", text, "Nothing was changed: mend it, and send all.");
		return;
	}
	sink_use(&inspector_of(r)->client->serve->origins.sink, rules);
	inspect_sink(r);
}
