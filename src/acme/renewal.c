/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal times: the CA's wish (RFC 9773), and rules of our own behind it. */
#include "acme/renewal.h"

#include "acme/cadoc.h"
#include "acme/instant.h"

#define MINUTE_S 60
#define DAY_S INT64_C(86400)
#define SHORT_S (10 * DAY_S) /* a life below it is renewed at its half */

static int64_t
clamp(int64_t v, int64_t least, int64_t most)
{
	return v < least ? least : v > most ? most : v;
}

/* It stands in lists and alerts: only what is seen of a URL. */
static void
copy_url(struct slice url, char *dst, size_t cap)
{
	dst[0] = '\0';
	if (!slice_starts(url, S("https://")) && !slice_starts(url, S("http://")))
		return;
	for (size_t i = 0; i < url.n; i++) {
		if (url.p[i] <= ' ' || url.p[i] > '~')
			return;
	}
	if (!slice_z(url, dst, cap))
		dst[0] = '\0';
}

bool
renewal_read(struct slice json, struct slice retry_after, int64_t now_s, struct renewal_window *ret)
{
	json_t *o = cadoc_read(json);
	const json_t *w = json_object_get(o, "suggestedWindow");
	struct renewal_window got = { 0 };
	bool ok = instant_rfc3339(cadoc_text(w, "start"), &got.start_s) &&
		  instant_rfc3339(cadoc_text(w, "end"), &got.end_s) && got.end_s > got.start_s;

	if (ok) {
		int64_t again = instant_retry_after(retry_after, now_s);

		got.ask_again_s = again == 0 ? RENEWAL_ASK_AGAIN_S : clamp(again, MINUTE_S, DAY_S);
		copy_url(cadoc_text(o, "explanationURL"), got.why, sizeof(got.why));
		*ret = got;
	}
	json_decref(o);
	return ok;
}

int64_t
renewal_at_s(int64_t not_before_s, int64_t not_after_s, const struct renewal_window *window,
    uint64_t random)
{
	int64_t life = not_after_s - not_before_s, last, at;

	/* A CA's dates that make no sense: at once, and the next certificate may be better. */
	if (life <= 0)
		return not_before_s;
	last = not_after_s - life / 20;
	if (window != NULL && window->end_s > window->start_s)
		at = window->start_s +
		     (int64_t)(random % (uint64_t)(window->end_s - window->start_s));
	else
		at = not_before_s + (life < SHORT_S ? life / 2 : life / 3 * 2) +
		     (int64_t)(random % (uint64_t)(life / 20 + 1));
	return at < last ? at : last;
}

int64_t
renewal_alert_s(int64_t not_before_s, int64_t not_after_s)
{
	return not_after_s - (not_after_s - not_before_s) / 4;
}

int64_t
renewal_pause_s(unsigned failures, int64_t life_s, uint64_t random)
{
	static const int64_t pauses[] = { MINUTE_S, 10 * MINUTE_S, 100 * MINUTE_S, DAY_S };
	int64_t pause = pauses[failures == 0 ? 0 : failures > 4 ? 3 : failures - 1];

	check(pause >= MINUTE_S);
	if (life_s > 0 && pause > life_s / 20)
		pause = life_s / 20;
	if (pause < MINUTE_S)
		pause = MINUTE_S;
	return pause + (int64_t)(random % (uint64_t)(pause / 4 + 1));
}
