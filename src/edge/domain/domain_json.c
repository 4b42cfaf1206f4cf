/* SPDX-License-Identifier: Apache-2.0 */
/* An own domain as the store keeps it, and as people see it. */
#include "edge/domain/domains_private.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *
wish_json(const struct wish *w)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:I, s:s, s:b}", "account",
	    w->account, "tunnel", w->tunnel, "token", w->token, "state", wish_state_text(w->state),
	    "since", (json_int_t)w->since_ms, "asked", (json_int_t)w->asked_ms, "proven",
	    (json_int_t)w->proven_ms, "n_unseen", (int)w->n_unseen, "unseen",
	    (json_int_t)w->unseen_ms, "why", w->why, "untold", (int)w->untold);
}

char *
domain_json_text(const struct domain_state *d)
{
	json_t *wishes = json_array(), *o;
	char *text;

	for (size_t i = 0; i < d->n; i++)
		json_array_append_new(wishes, wish_json(&d->wishes[i]));
	o = json_pack("{s:I, s:i, s:I, s:o}", "next", (json_int_t)d->next_ms, "n_rival",
	    (int)d->n_rival, "rival", (json_int_t)d->rival_ms, "wishes", wishes);
	text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

static bool
read_text(const json_t *o, const char *key, char *dst, size_t cap)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL && slice_z(slice_str(text), dst, cap);
}

static int64_t
read_ms(const json_t *o, const char *key)
{
	json_int_t ms = json_integer_value(json_object_get(o, key));

	return ms < 0 ? 0 : (int64_t)ms;
}

static unsigned
read_count(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n < 0 || n > 1000000 ? 0 : (unsigned)n;
}

static bool
read_wish(const json_t *o, struct wish *w)
{
	const char *state = json_string_value(json_object_get(o, "state"));

	*w = (struct wish){
		.since_ms = read_ms(o, "since"),
		.asked_ms = read_ms(o, "asked"),
		.proven_ms = read_ms(o, "proven"),
		.n_unseen = read_count(o, "n_unseen"),
		.unseen_ms = read_ms(o, "unseen"),
	};
	if (state == NULL || !wish_state_parse(slice_str(state), &w->state))
		return false;
	w->untold = w->state == WISH_STOPPED && json_is_true(json_object_get(o, "untold"));
	return read_text(o, "account", w->account, sizeof(w->account)) &&
	       read_text(o, "tunnel", w->tunnel, sizeof(w->tunnel)) &&
	       read_text(o, "token", w->token, sizeof(w->token)) &&
	       read_text(o, "why", w->why, sizeof(w->why));
}

/* Two that hold it cannot be: what was edited by hand is refused rather than believed. */
bool
domain_json_read(struct slice text, struct domain_state *d)
{
	json_t *o = json_loadb(text.p, text.n, 0, NULL), *wishes = json_object_get(o, "wishes"), *w;
	unsigned holders = 0;
	bool good = json_array_size(wishes) <= LIMIT_DOMAIN_WISHES;
	size_t i;

	d->n = 0;
	d->next_ms = read_ms(o, "next");
	d->n_rival = read_count(o, "n_rival");
	d->rival_ms = read_ms(o, "rival");
	json_array_foreach(wishes, i, w) {
		if (!good)
			break;
		good = read_wish(w, &d->wishes[i]);
		d->n += good;
		holders += good && (d->wishes[i].state == WISH_PROVEN ||
				       d->wishes[i].state == WISH_MISSING);
	}
	json_decref(o);
	return good && d->n > 0 && holders <= 1;
}

static json_t *
record(const char *name, const char *type, const char *value)
{
	return json_pack("{s:s, s:s, s:s}", "name", name, "type", type, "value", value);
}

/* An edge without a domain has no names that a CNAME could lead to: its address is set, and the TXT
 * record proves it. */
static json_t *
first_record(const struct edge *e, const char *name, const char *tunnel)
{
	char target[DIRECTORY_KEY_BYTES + URL_HOST_BYTES];
	struct slice address = slice_str(e->domain);

	if (!edge_is_address(e)) {
		snprintf(target, sizeof(target), "%s.%s", tunnel, e->domain);
		return record(name, "CNAME", target);
	}
	if (address.p[0] != '[')
		return record(name, "A", e->domain);
	snprintf(target, sizeof(target), "%.*s", PS(slice_of(address.p + 1, address.n - 2)));
	return record(name, "AAAA", target);
}

json_t *
domain_json_row(const struct domains *ds, const struct domain *d, const struct wish *w)
{
	char txt[sizeof("_adit.") + URL_HOST_BYTES], text[200], url[330];
	json_t *row, *certificate = NULL;
	bool served;

	snprintf(txt, sizeof(txt), "_adit.%s", d->state.name);
	proof_text(w, text, sizeof(text));
	edge_host_url(ds->edge, d->state.name, url, sizeof(url));
	row = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:[o, o]}", "name", d->state.name,
	    "account", w->account, "tunnel", w->tunnel, "state", wish_state_text(w->state),
	    "since_ms", (json_int_t)w->since_ms, "next_ms",
	    (json_int_t)(w->state == WISH_STOPPED ? 0 : d->state.next_ms), "why", w->why, "url",
	    url, "records", first_record(ds->edge, d->state.name, w->tunnel),
	    record(txt, "TXT", text));
	if ((w->state == WISH_PROVEN || w->state == WISH_MISSING) && ds->calls.certificate != NULL)
		certificate = ds->calls.certificate(ds->calls.arg, d->state.name, &served);
	if (certificate != NULL)
		json_object_set_new(row, "certificate", certificate);
	return row;
}
