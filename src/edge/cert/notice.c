/* SPDX-License-Identifier: Apache-2.0 */
/* Tells people that a certificate ends soon and could not be renewed: as the inbox tells of its troubles. */
#include "edge/cert/cert_private.h"

#include "base/log.h"
#include "edge/core/alert.h"

#include <stdio.h>
#include <stdlib.h>

#define AGAIN_S 86400 /* what nobody has repaired is told once a day */

struct notice {
	struct certs *all;
	struct alert *alert;
	int64_t next_s; /* no other one before */
	bool giving;    /* an alert about `name` was begun, and its end was not looked at yet */
	char name[IDENT_BYTES];
};

struct notice *
notice_new(struct certs *all)
{
	struct notice *n = calloc(1, sizeof(*n));

	if (n == NULL || (n->alert = alert_new(all->home.loop)) == NULL) {
		free(n);
		return NULL;
	}
	n->all = all;
	return n;
}

void
notice_free(struct notice *n)
{
	if (n == NULL)
		return;
	alert_free(n->alert);
	free(n);
}

void
notice_use_settings(struct notice *n)
{
	alert_use_settings(n->alert, n->all->settings);
}

/* The last quarter of its life: by then it should have been renewed twice over. */
static bool
is_late(const struct cert *c, int64_t now_s)
{
	const struct chain_facts *f = &c->row.live.facts;

	return c->row.live.chain != NULL && cert_is_wanted(c) &&
	       now_s >= renewal_alert_s(f->not_before_s, f->not_after_s) &&
	       now_s - c->row.told_s >= AGAIN_S;
}

static void
give(struct notice *n, const struct cert *c, int64_t now_s)
{
	int64_t left_s = c->row.live.facts.not_after_s - now_s;
	const char *why = c->row.problem[0] != '\0' ? c->row.problem : "it is still tried";
	char text[ACME_WHY_BYTES + IDENT_BYTES + 256], *json;
	json_t *o;

	snprintf(text, sizeof(text),
	    "adit at %s: the certificate for %s %s %lld h, and it could not be renewed: %.1000s; "
	    "look with: aditd cert show %s",
	    n->all->edge->domain, c->row.names[0], left_s < 0 ? "has ended since" : "ends in",
	    (long long)(left_s < 0 ? -left_s : left_s) / 3600, why, c->row.names[0]);
	o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "event", "certificate", "text", text,
	    "domain", n->all->edge->domain, "name", c->row.names[0], "left_s", (json_int_t)left_s,
	    "why", why);
	json = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	log_event(LOG_WARN, "certificate-alert", LOG_Z("name", c->row.names[0]),
	    LOG_U("left_s", (uint64_t)(left_s < 0 ? 0 : left_s)), LOG_Z("why", why));
	n->giving = json != NULL;
	snprintf(n->name, sizeof(n->name), "%s", c->row.names[0]);
	if (json != NULL)
		alert_give(n->alert, n->all->settings, slice_str(json));
	free(json);
	json_decref(o);
}

/* What nobody took is told again with the next look. */
static void
look_at_last(struct notice *n, int64_t now_s)
{
	struct cert *c = certs_find(n->all, n->name);

	n->giving = false;
	if (!alert_was_taken(n->alert) || c == NULL)
		return;
	c->row.told_s = now_s; /* an order under way stores it with what it has */
	if (c->state == CERT_RESTS && !keep_is_busy(&c->keep))
		cert_keep(c, cert_rest);
}

void
notice_look(struct notice *n)
{
	int64_t now_s = certs_now_s();

	if (alert_is_busy(n->alert))
		return;
	if (n->giving)
		look_at_last(n, now_s);
	if (now_s < n->next_s)
		return;
	for (struct cert *c = n->all->first; c != NULL; c = c->next)
		if (is_late(c, now_s)) {
			n->next_s = now_s + n->all->settings->inbox.alert_pause_s;
			give(n, c, now_s);
			return;
		}
}
