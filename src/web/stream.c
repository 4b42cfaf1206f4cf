/* SPDX-License-Identifier: Apache-2.0 */
/* Live updates, and what happens to a client who does not take them. */
#include "web/stream.h"

#include "web/web_private.h"

#include <stdio.h>
#include <stdlib.h>

void
web_stream_begin(struct web_request *r)
{
	struct web_client *c = web_client_of(r);

	check(r->gone != NULL);
	web_reply_head(c, 200, "text/event-stream", WEB_UNKNOWN);
	c->answer = WEB_EVENTS;
	web_client_changed(c);
}

static bool
put_event(struct web_client *c, const char *event, const char *text)
{
	struct buf piece;
	bool whole;

	buf_init(&piece, LIMIT_WEB_EVENT_BYTES);
	buf_printf(&piece, "event: %s\ndata: ", event);
	buf_put(&piece, slice_str(text));
	buf_put(&piece, S("\n\n"));
	whole = !piece.failed;
	if (whole)
		web_reply_piece(c, buf_slice(&piece));
	buf_fini(&piece);
	web_client_changed(c);
	return whole;
}

bool
web_stream_event(struct web_request *r, const char *event, json_t *json)
{
	struct web_client *c = web_client_of(r);
	char *text = NULL;
	bool told = false;

	check(c->answer == WEB_EVENTS && !c->complete);
	/* Once something is lost all is, until that was told: what comes later would hide the gap. */
	if (c->lost == 0 && web_client_waiting(c) < LIMIT_WEB_STREAM_BYTES && json != NULL)
		text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(json);
	if (text != NULL)
		told = put_event(c, event, text);
	free(text);
	if (!told) {
		c->lost++;
		web_client_changed(c);
	}
	return told;
}

void
web_stream_lost(struct web_client *c)
{
	char text[40];

	snprintf(text, sizeof(text), "{\"n\":%llu}", (unsigned long long)c->lost);
	c->lost = 0;
	c->caught_up = true;
	(void)put_event(c, "lost", text);
}

bool
web_stream_is_idle(const struct web_request *r)
{
	return web_client_waiting(web_client_of(r)) == 0;
}

void
web_stream_end(struct web_request *r)
{
	struct web_client *c = web_client_of(r);

	check(c->answer == WEB_EVENTS && !c->complete);
	web_reply_end(c);
}
