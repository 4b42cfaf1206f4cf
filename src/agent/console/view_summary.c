/* SPDX-License-Identifier: Apache-2.0 */
/* What stays on the terminal when the screen has gone. */
#include "agent/console/view_private.h"

#include "base/plain.h"

static void
put(struct buf *out, const char *text)
{
	plain_put(out, slice_str(text));
}

static void
put_tunnel(const struct view *v, const struct view_tunnel *t, struct buf *out)
{
	const struct tunnel_figures *f = &t->figures;
	char n[VIEW_SHORT_BYTES], ago[VIEW_SHORT_BYTES];

	put(out, t->url[0] != '\0' ? t->url : t->name);
	buf_put(out, S(" -> "));
	put(out, t->origin);
	if (t->health == VIEW_HEALTH_REFUSED || t->health == VIEW_HEALTH_REPLACED) {
		buf_put(out,
		    t->health == VIEW_HEALTH_REFUSED ? S(": refused by the edge: ") : S(": "));
		put(out, t->why);
	} else {
		buf_printf(out, ": %s request%s", view_count(f->requests, n),
		    f->requests == 1 ? "" : "s");
		if (f->failed > 0)
			buf_printf(out, ", %s failed", view_count(f->failed, n));
		buf_printf(out, " in %s", view_ago(v->run_ms, ago));
		if (f->wait > 0 || f->parked > 0)
			buf_printf(out, "; %llu wait and %llu are parked at the edge",
			    (unsigned long long)f->wait, (unsigned long long)f->parked);
	}
	buf_putc(out, '\n');
}

void
view_summary(const struct view *v, struct buf *out)
{
	if (v->state == VIEW_REFUSED) {
		buf_put(out, S("refused by the edge: "));
		put(out, v->why);
		buf_putc(out, '\n');
	}
	for (size_t i = 0; i < v->n_tunnels; i++)
		put_tunnel(v, &v->tunnels[i], out);
}
