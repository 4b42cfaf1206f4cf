/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells people, once, of an own domain that nobody looks at any more since it had no proof for too long:
 * the same way as certificates and the inbox tell of their troubles.  What nobody took stands in the
 * store, and is given again after inbox.alert_pause_s, over a restart too.
 */
#include "edge/domain/domains_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/core/alert.h"

#include <stdio.h>
#include <stdlib.h>

struct domain_notice {
	struct domains *domains;
	struct alert *alert;
	int64_t next_ms; /* no other one before */
	bool giving; /* the alert about this wish was begun, and its end was not looked at yet */
	char name[URL_HOST_BYTES], account[64];
};

struct domain_notice *
domain_notice_new(struct domains *ds)
{
	struct domain_notice *n = calloc(1, sizeof(*n));

	if (n == NULL || (n->alert = alert_new(ds->edge->main_loop)) == NULL) {
		free(n);
		return NULL;
	}
	n->domains = ds;
	return n;
}

void
domain_notice_free(struct domain_notice *n)
{
	if (n == NULL)
		return;
	alert_free(n->alert);
	free(n);
}

void
domain_notice_use_settings(struct domain_notice *n)
{
	alert_use_settings(n->alert, n->domains->settings);
}

static void
give(struct domain_notice *n, const struct domain *d, const struct wish *w)
{
	const char *edge = n->domains->edge->domain;
	char text[WISH_WHY_BYTES + 3 * URL_HOST_BYTES + 512], *json;
	json_t *o;

	snprintf(text, sizeof(text),
	    "adit at %s: the own domain %s of the account %s is not looked at any more, since it "
	    "had "
	    "no proof for %s: %s; once its DNS is right: adit domain add %s",
	    edge, d->state.name, w->account, w->proven_ms == 0 ? "14 days" : "30 days", w->why,
	    d->state.name);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "event", "domain", "text", text,
	    "domain", edge, "name", d->state.name, "account", w->account, "tunnel", w->tunnel,
	    "why", w->why);
	json = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	log_event(LOG_WARN, "domain-alert", LOG_Z("domain", d->state.name),
	    LOG_Z("account", w->account), LOG_Z("why", w->why));
	n->giving = json != NULL;
	snprintf(n->name, sizeof(n->name), "%s", d->state.name);
	snprintf(n->account, sizeof(n->account), "%s", w->account);
	if (json != NULL)
		alert_give(n->alert, n->domains->settings, slice_str(json));
	free(json);
	json_decref(o);
}

static void
look_at_last(struct domain_notice *n)
{
	struct domain *d = domains_find(n->domains, slice_str(n->name));
	struct wish *w = d == NULL ? NULL : wish_find(&d->state, n->account);

	n->giving = false;
	if (!alert_was_taken(n->alert) || w == NULL || !w->untold)
		return;
	w->untold = false;
	log_event(LOG_INFO, "domain-alert-taken", LOG_Z("domain", d->state.name),
	    LOG_Z("account", w->account));
	domains_changed(d);
}

void
domain_notice_look(struct domain_notice *n)
{
	struct map_node *node = NULL;
	int64_t now_ms = clock_wall_ms();

	if (alert_is_busy(n->alert))
		return;
	if (n->giving)
		look_at_last(n);
	/* A clock that was set back must not silence it for longer than the pause. */
	if (now_ms < n->next_ms &&
	    n->next_ms - now_ms <= n->domains->settings->inbox.alert_pause_s * 1000)
		return;
	while ((node = map_walk(&n->domains->names, node)) != NULL) {
		struct domain *d = map_of(node, struct domain, by_name);

		for (size_t i = 0; i < d->state.n; i++) {
			if (!d->state.wishes[i].untold)
				continue;
			check(d->state.wishes[i].state == WISH_STOPPED);
			n->next_ms = now_ms + n->domains->settings->inbox.alert_pause_s * 1000;
			give(n, d, &d->state.wishes[i]);
			return;
		}
	}
}
