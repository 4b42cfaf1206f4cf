/* SPDX-License-Identifier: Apache-2.0 */
/* The card "why did it not build": how far a webhook came, told by its row, up to the first step that failed. */
#include "agent/inspect/inspect_private.h"

#include <stdio.h>

static void
put_step(json_t *steps, const char *name, const char *state, const char *text)
{
	json_array_append_new(steps,
	    json_pack("{s:s,s:s,s:s}", "name", name, "state", state, "text", text));
}

/* What the signature was found to be; NULL advice: nothing is to be done. */
static const char *
verdict_text(const struct capture_row *r, const char **ret_advice)
{
	*ret_advice = NULL;
	switch ((enum row_verdict)r->verdict) {
	case VERDICT_OK:
		return "right";
	case VERDICT_WRONG:
		*ret_advice = "Give the sender and this tunnel the same secret.";
		return "wrong: it was made with another secret";
	case VERDICT_MISSING:
		*ret_advice = "Give the sender the secret of this tunnel: it signs nothing yet.";
		return "missing: the sender has signed nothing";
	case VERDICT_ALTERED:
		*ret_advice =
		    "Look for a proxy between the sender and the edge that changes bodies.";
		return "wrong: the body was changed on its way";
	case VERDICT_CLOCK:
		*ret_advice = "Set the clocks of the sender and of the edge.";
		return "too old, or from the future";
	case VERDICT_UNCHECKED:
	case VERDICT_NONE:
		break;
	}
	return "not checked by this tunnel";
}

static bool
is_passed_by_origin(const struct capture_row *r)
{
	return r->status >= 200 && r->status < 300 && r->state != ROW_REFUSED;
}

/* The step of the origin, and of what it starts. True: it failed. */
static bool
put_origin(const struct capture_row *r, json_t *steps, const char **ret_title,
    const char **ret_advice)
{
	char text[128];

	if (is_passed_by_origin(r)) {
		snprintf(text, sizeof(text), "answered %u", r->status);
		put_step(steps, "Origin", "ok", text);
		put_step(steps, "Build", "open", "is known to the local server alone");
		*ret_title = "The local server took this webhook.";
		*ret_advice = "Look into the local server's own log for what it did with it.";
		return false;
	}
	if (r->status == 0 && (r->took_us < 0 || r->state == ROW_QUEUED)) {
		put_step(steps, "Origin", "open", "has not answered yet");
		*ret_title = "This webhook is on its way to the local server.";
		return false;
	}
	if (r->status == 0)
		snprintf(text, sizeof(text), "did not answer (%.*s)", (int)r->code.n, r->code.p);
	else
		snprintf(text, sizeof(text), "answered %u", r->status);
	put_step(steps, "Origin", "failed", text);
	put_step(steps, "Build", "none", "");
	*ret_title = r->status == 0     ? "The local server did not answer."
		     : r->status == 404 ? "The local server has nothing at this path."
					: "The local server refused this webhook.";
	*ret_advice = r->status == 0 ? "Start it, then send this webhook again."
		      : r->status == 404
			  ? "Compare the path with the one that the local server's hook has."
			  : "Look at its answer: it says why.";
	return true;
}

void
inspect_why(struct web_request *r)
{
	const char *advice = NULL, *title = "", *verdict;
	struct capture_row row;
	bool refused, wrong, bad = true;
	json_t *steps;

	if (!inspect_find(r, &row))
		return;
	if (row.event.n == 0 && row.delivery == 0 && row.state != ROW_REFUSED) {
		web_json(r, 200, json_null());
		return;
	}
	steps = json_array();
	verdict = verdict_text(&row, &advice);
	wrong = advice != NULL;
	refused = row.state == ROW_REFUSED;
	put_step(steps, "Signature",
	    wrong                       ? "failed"
	    : row.verdict == VERDICT_OK ? "ok"
					: "none",
	    verdict);
	if (wrong) {
		title = "The edge refused this webhook for its signature.";
	} else if (refused) {
		put_step(steps, "Policy", "failed", "a rule of this tunnel refused it");
		title = "A rule of this tunnel refused this webhook.";
		advice = "Compare the request with the policy of the tunnel; its code says which "
			 "rule it was.";
	} else {
		put_step(steps, "Policy", "ok", "let it in");
		put_step(steps, "Stored", row.delivery != 0 ? "ok" : "none",
		    row.delivery != 0 ? "in the edge's inbox" : "passed on without being stored");
		bad = put_origin(&row, steps, &title, &advice);
	}
	web_json(r, 200,
	    json_pack("{s:s,s:s,s:o,s:s,s:[]}", "title", title, "state",
		bad                         ? "bad"
		: is_passed_by_origin(&row) ? "ok"
					    : "wait",
		"steps", steps, "advice", advice == NULL ? "" : advice, "actions"));
}
