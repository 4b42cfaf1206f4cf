/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate as the store has it: to JSON and back. */
#include "edge/cert/row.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define VERSION 1

/* --- texts --- */

void
row_free_text(char *text)
{
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

void
row_fini(struct row *r)
{
	free(r->live.chain);
	row_free_text(r->live.key);
	row_free_text(r->pending.text);
	*r = (struct row){ 0 };
}

void
row_take_live(struct row *r, char *chain, char *key, const char *ca,
    const struct chain_facts *facts, uint64_t random)
{
	check(chain != NULL && key != NULL);
	free(r->live.chain);
	row_free_text(r->live.key);
	memset(&r->live, 0, sizeof(r->live)); /* the window was the other one's */
	r->live.chain = chain;
	r->live.key = key;
	r->live.facts = *facts;
	r->live.random = random;
	snprintf(r->live.ca, sizeof(r->live.ca), "%s", ca);
	row_take_pending(r, NULL, "");
	r->failures = 0;
	r->next_s = r->down_s = r->told_s = 0;
	r->forced = false;
	r->problem[0] = '\0';
}

void
row_take_pending(struct row *r, char *text, const char *ca)
{
	row_free_text(r->pending.text);
	r->pending.text = text;
	snprintf(r->pending.ca, sizeof(r->pending.ca), "%s", text == NULL ? "" : ca);
}

void
row_note_order(struct row *r, int64_t now_s)
{
	memmove(r->orders_s + 1, r->orders_s, sizeof(r->orders_s) - sizeof(r->orders_s[0]));
	r->orders_s[0] = now_s;
}

/* --- writing --- */

static json_t *
live_json(const struct row *r)
{
	const struct renewal_window *w = &r->live.window;

	if (r->live.chain == NULL)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:{s:I, s:I, s:s}}", "chain",
	    r->live.chain, "key", r->live.key, "ca", r->live.ca, "id", r->live.facts.id, "issuer",
	    r->live.facts.issuer, "not_before", (json_int_t)r->live.facts.not_before_s, "not_after",
	    (json_int_t)r->live.facts.not_after_s, "random", (json_int_t)r->live.random, "window",
	    "start", (json_int_t)w->start_s, "end", (json_int_t)w->end_s, "why", w->why);
}

static json_t *
pending_json(const struct row *r)
{
	if (r->pending.text == NULL)
		return json_null();
	return json_pack("{s:s, s:s}", "text", r->pending.text, "ca", r->pending.ca);
}

char *
row_write(const struct row *r)
{
	json_t *names = json_array(), *orders = json_array(), *o;
	char *text;

	check(r->n_names > 0 && r->n_names <= ROW_NAMES);
	for (size_t i = 0; i < r->n_names; i++)
		json_array_append_new(names, json_string(r->names[i]));
	for (size_t i = 0; i < ROW_ORDERS; i++)
		json_array_append_new(orders, json_integer((json_int_t)r->orders_s[i]));
	o = json_pack("{s:i, s:o, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s}", "v",
	    VERSION, "names", names, "account", r->account, "live", live_json(r), "pending",
	    pending_json(r), "orders", orders, "ca", (json_int_t)r->ca, "failures",
	    (json_int_t)r->failures, "next", (json_int_t)r->next_s, "down", (json_int_t)r->down_s,
	    "failed", (json_int_t)r->failed_s, "told", (json_int_t)r->told_s, "forced", r->forced,
	    "problem", r->problem);
	text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

/* --- reading --- */

static int64_t
number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static bool
copy(const json_t *o, const char *key, char *dst, size_t cap)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v) &&
	       slice_z(slice_of(json_string_value(v), json_string_length(v)), dst, cap);
}

static char *
duplicate(const json_t *o, const char *key)
{
	const char *z = json_string_value(json_object_get(o, key));

	return z == NULL ? NULL : strdup(z);
}

static bool
read_live(const json_t *o, struct row *r)
{
	const json_t *w = json_object_get(o, "window");

	if (json_is_null(o))
		return true;
	r->live.chain = duplicate(o, "chain");
	r->live.key = duplicate(o, "key");
	r->live.facts.not_before_s = number(o, "not_before");
	r->live.facts.not_after_s = number(o, "not_after");
	r->live.random = (uint64_t)number(o, "random");
	r->live.window.start_s = number(w, "start");
	r->live.window.end_s = number(w, "end");
	return r->live.chain != NULL && r->live.key != NULL &&
	       copy(o, "ca", r->live.ca, sizeof(r->live.ca)) &&
	       copy(o, "id", r->live.facts.id, sizeof(r->live.facts.id)) &&
	       copy(o, "issuer", r->live.facts.issuer, sizeof(r->live.facts.issuer)) &&
	       copy(w, "why", r->live.window.why, sizeof(r->live.window.why));
}

static bool
read_pending(const json_t *o, struct row *r)
{
	if (json_is_null(o))
		return true;
	r->pending.text = duplicate(o, "text");
	return r->pending.text != NULL && copy(o, "ca", r->pending.ca, sizeof(r->pending.ca));
}

static bool
read_names(const json_t *names, struct row *r)
{
	const json_t *v;
	size_t i;

	if (json_array_size(names) == 0 || json_array_size(names) > ROW_NAMES)
		return false;
	json_array_foreach(names, i, v)
		if (!json_is_string(v) ||
		    !slice_z(slice_str(json_string_value(v)), r->names[i], sizeof(r->names[i])))
			return false;
	r->n_names = i;
	return true;
}

bool
row_read(struct slice text, struct row *ret)
{
	json_t *o = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	bool ok;

	*ret = (struct row){ 0 };
	ok = number(o, "v") == VERSION && read_names(json_object_get(o, "names"), ret) &&
	     copy(o, "account", ret->account, sizeof(ret->account)) &&
	     read_live(json_object_get(o, "live"), ret) &&
	     read_pending(json_object_get(o, "pending"), ret) &&
	     copy(o, "problem", ret->problem, sizeof(ret->problem));
	for (size_t i = 0; i < ROW_ORDERS; i++)
		ret->orders_s[i] =
		    json_integer_value(json_array_get(json_object_get(o, "orders"), i));
	ret->ca = (size_t)number(o, "ca");
	ret->failures = (unsigned)number(o, "failures");
	ret->next_s = number(o, "next");
	ret->down_s = number(o, "down");
	ret->failed_s = number(o, "failed");
	ret->told_s = number(o, "told");
	ret->forced = json_is_true(json_object_get(o, "forced"));
	json_decref(o); /* its strings hold keys; jansson cannot wipe them */
	if (!ok)
		row_fini(ret);
	return ok;
}
