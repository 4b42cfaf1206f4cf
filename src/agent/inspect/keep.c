/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept: an exchange is pinned, or not any more, and all others are forgotten. */
#include "agent/inspect/inspect_private.h"

#include <stdio.h>
#include <stdlib.h>

static void
on_gone(struct web_request *r)
{
	capture_pin_leave(r->job);
}

/* As capture_pin() tells it. */
static void
on_pinned(void *owner, const char *why)
{
	struct web_request *r = owner;
	char text[200];

	if (why == NULL) {
		web_empty(r, 204);
		return;
	}
	snprintf(text, sizeof(text), "This request cannot be pinned or unpinned: %s.", why);
	web_error(r, 409, "not-pinned", text, "");
}

void
inspect_pin(struct web_request *r)
{
	struct capture *c = inspector_of(r)->client->serve->capture;
	struct capture_row row;
	struct pinning *p;

	if (!inspect_find(r, &row))
		return;
	p = capture_pin(c, row.id, r->route->tag == INSPECT_PIN, on_pinned, r);
	if (p == NULL) {
		web_error(r, 503, "busy", "Too many requests are being pinned.",
		    "Try again in a moment.");
		return;
	}
	r->job = p;
	r->gone = on_gone;
}

void
inspect_clear(struct web_request *r)
{
	struct inspector *i = inspector_of(r);

	capture_clear(i->client->serve->capture);
	i->counted = 0;
	inspect_watch_lost(i);
	web_empty(r, 204);
}
