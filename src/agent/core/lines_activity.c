/* SPDX-License-Identifier: Apache-2.0 */
/* Lines about what the edge did without the agent: what it refused, stored and delivered. */
#include "agent/core/lines_private.h"

#include "base/plain.h"
#include "tunnel/activity.h"

#include <time.h>

static void
put_some(struct buf *b, const char *before, const char *text)
{
	if (text[0] == '\0')
		return;
	buf_put(b, slice_str(before));
	plain_put(b, slice_str(text));
}

/* "18:04:05 " here. */
static void
put_time(struct buf *b, int64_t at_ms)
{
	time_t at = (time_t)(at_ms / 1000);
	struct tm tm;
	char when[16];

	if (localtime_r(&at, &tm) != NULL && strftime(when, sizeof(when), "%H:%M:%S ", &tm) != 0)
		buf_put(b, slice_str(when));
}

/* "18:04:05 web POST /hook 401 the edge refused it: bad-signature. The signature ..." */
static void
refused_plain(struct buf *b, const struct activity_row *r)
{
	put_some(b, " ", r->method);
	put_some(b, " ", r->path);
	if (r->status != 0)
		buf_printf(b, " %u", r->status);
	buf_put(b, r->status >= 400 || r->status == 0 ? S(" the edge refused it: ")
						      : S(" the edge answered it: "));
	plain_put(b, slice_str(r->code));
	put_some(b, ". ", r->text);
}

/* "18:04:05 web delivery 17 repo:push acme/web main parked: not-found. ..." */
static void
delivery_plain(struct buf *b, const struct activity_row *r)
{
	buf_printf(b, " delivery %llu", (unsigned long long)r->id);
	put_some(b, " ", r->event);
	put_some(b, " ", r->repository);
	put_some(b, " ", r->branch);
	put_some(b, " ", r->what == ACTIVITY_STORED ? "stored" : activity_state_word(r->state));
	put_some(b, ": ", r->code);
	put_some(b, ". ", r->text);
	if (r->due_ms != 0) {
		buf_put(b, S(" Next attempt at "));
		put_time(b, r->due_ms);
	}
}

static void
row_logfmt(struct lines *s, const struct activity_row *r)
{
	const struct {
		const char *key, *text;
	} texts[] = { { "what", activity_what_word(r->what) },
		{ "state", activity_state_word(r->state) }, { "code", r->code },
		{ "verdict", activity_verdict_word(r->verdict) }, { "policy", r->policy },
		{ "method", r->method }, { "path", r->path }, { "webhook", r->event },
		{ "repository", r->repository }, { "branch", r->branch }, { "peer", r->peer },
		{ "request_id", r->request }, { "text", r->text } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].text[0] != '\0')
			lines_member(s, texts[i].key, slice_str(texts[i].text));
	if (r->id != 0)
		lines_word(s, "delivery", "%llu", (unsigned long long)r->id);
	if (r->attempt != 0)
		lines_word(s, "attempt", "%u", r->attempt);
	if (r->status != 0)
		lines_word(s, "status", "%u", r->status);
	if (r->took_us >= 0)
		lines_ms(s, r->took_us);
}

/* The line of a delivery's request says the rest: that it is on its way, and arrived. */
static bool
is_for_people(const struct activity_row *r)
{
	return r->what != ACTIVITY_STATE ||
	       (r->state != ACTIVITY_STATE_LEASED && r->state != ACTIVITY_STATE_DELIVERED);
}

void
lines_activity(struct screen *screen, const char *name, const struct activity_row *r)
{
	struct lines *s = lines_of(screen);

	if (s->form == LINES_PLAIN && !is_for_people(r))
		return;
	lines_begin(s, "activity");
	switch (s->form) {
	case LINES_JSON:
		lines_member(s, "name", slice_str(name));
		buf_put(&s->line, S(",\"row\":"));
		activity_put_row(&s->line, r);
		break;
	case LINES_LOGFMT:
		lines_member(s, "name", slice_str(name));
		row_logfmt(s, r);
		break;
	case LINES_PLAIN:
		put_time(&s->line, r->at_ms);
		plain_put(&s->line, slice_str(name));
		if (r->what == ACTIVITY_REFUSED)
			refused_plain(&s->line, r);
		else
			delivery_plain(&s->line, r);
		break;
	}
	lines_end(s);
}

void
lines_inbox(struct screen *screen, const char *name, const struct activity_inbox *f)
{
	struct lines *s = lines_of(screen);

	if (s->form == LINES_PLAIN)
		return;
	lines_begin(s, "inbox");
	lines_member(s, "name", slice_str(name));
	lines_word(s, "queued", "%llu", (unsigned long long)f->queued);
	lines_word(s, "parked", "%llu", (unsigned long long)f->parked);
	lines_word(s, "dead", "%llu", (unsigned long long)f->dead);
	lines_word(s, "oldest_ms", "%lld", (long long)f->oldest_ms);
	lines_end(s);
}

void
lines_activity_lost(struct screen *screen, uint64_t n)
{
	struct lines *s = lines_of(screen);

	if (s->form == LINES_PLAIN)
		return;
	lines_begin(s, "activity");
	lines_word(s, "lost", "%llu", (unsigned long long)n);
	lines_end(s);
}
