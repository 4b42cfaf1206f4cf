/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the edge for the own domains of the configuration. */
#include "agent/link/domain_asks.h"

#include <jansson.h>

/* The domain at the place of the cursor, which moves on; empty: no more. *ret_t: whose it is. */
static struct slice
next_domain(struct client *c, struct agent_tunnel **ret_t)
{
	struct domain_asks *d = &c->domains;

	while (d->tunnel < c->serve->n_tunnels) {
		struct agent_tunnel *t = &c->serve->tunnels[d->tunnel];
		struct slice rest = slice_from(slice_str(t->domains), d->at), name;

		if (t->state == TUNNEL_UP && rest.n > 0) {
			name = slice_head(rest, slice_find(rest, ','));
			d->at += name.n + (name.n < rest.n); /* and the comma */
			*ret_t = t;
			return name;
		}
		d->tunnel++;
		d->at = 0;
	}
	return S("");
}

static void
ask_next(struct client *c)
{
	struct agent_tunnel *t = NULL;
	struct slice name = next_domain(c, &t);
	struct buf b;

	if (name.n == 0) {
		c->domains.told = true;
		return;
	}
	buf_init(&b, 2048);
	buf_put(&b, S("{\"type\":\"domain\",\"op\":\"add\",\"name\":"));
	buf_json(&b, name);
	buf_put(&b, S(",\"tunnel\":"));
	buf_json(&b, slice_str(t->label));
	buf_putc(&b, '}');
	client_say(c, buf_slice(&b));
	buf_fini(&b);
}

void
domain_asks_begin(struct client *c)
{
	c->domains.tunnel = c->domains.at = 0;
	ask_next(c);
}

static const char *
text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

/* One that is served is told once in the life of the process. */
static void
tell(struct client *c, const json_t *answer)
{
	const json_t *domain = json_object_get(answer, "domain"),
		     *record = json_array_get(json_object_get(domain, "records"), 0);
	struct screen_domain d = {
		.name = text_at(answer, "name"),
		.tunnel = text_at(domain, "tunnel"),
		.state = text_at(domain, "state"),
		.why = text_at(domain, "why"),
		.type = text_at(record, "type"),
		.value = text_at(record, "value"),
	};

	if (!json_is_true(json_object_get(answer, "ok"))) {
		d.state = "refused";
		d.why = text_at(answer, "text");
	}
	if (!c->domains.told || strcmp(d.state, "proven") != 0)
		screen_domain(c->screen, &d);
}

void
domain_asks_take(struct client *c, struct slice json)
{
	json_t *o = json_loadb(json.p, json.n, 0, NULL);

	if (strcmp(text_at(o, "type"), "domain") == 0 && strcmp(text_at(o, "op"), "add") == 0 &&
	    c->domains.tunnel < c->serve->n_tunnels) {
		tell(c, o);
		ask_next(c);
	}
	json_decref(o);
}
