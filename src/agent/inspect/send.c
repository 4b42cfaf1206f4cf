/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are sent again, and ones that were edited: what is asked for as JSON becomes a wish of agent/replay. */
#include "agent/inspect/inspect_private.h"

#include "agent/capture/exchange.h"
#include "agent/replay/compose.h"
#include "agent/replay/replay.h"
#include "base/text.h"

#include <stdlib.h>

static void
answer(struct web_request *r, enum replay_result result, const struct replay_ids *ids)
{
	const struct replay_word *w = &replay_words[result];
	json_t *list, *o;

	if (result != REPLAY_OK) {
		web_error(r, w->status, w->code, w->text, w->todo);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < ids->n; i++)
		json_array_append_new(list, inspect_number(ids->list[i]));
	o = json_pack("{s:o}", "ids", list);
	if (ids->n_left_out > 0)
		json_object_set_new(o, "left_out", json_integer((json_int_t)ids->n_left_out));
	web_json(r, w->status, o);
}

static void
bad(struct web_request *r, const char *text)
{
	web_error(r, 400, "bad-question", text, "doc/inspector-api.md says what there is.");
}

/* Absent or null: false. */
static bool
read_flag(const json_t *o, const char *key, bool *ret)
{
	const json_t *v = json_object_get(o, key);

	*ret = json_is_true(v);
	return v == NULL || json_is_boolean(v) || json_is_null(v);
}

static bool
read_times(const json_t *o, unsigned *ret)
{
	const json_t *v = json_object_get(o, "times");
	json_int_t n = v == NULL || json_is_null(v) ? 1 : json_integer_value(v);

	*ret = n < 0 || n > LIMIT_REPLAY_TIMES ? 0 : (unsigned)n;
	return v == NULL || json_is_null(v) || json_is_integer(v);
}

static struct slice
text_of(const json_t *v)
{
	return slice_of(json_string_value(v), json_string_length(v));
}

/* Absent or null: REPLAY_WHERE_IT_WENT. */
static enum replay_result
read_place(const struct replay *e, const json_t *v, size_t *ret)
{
	*ret = REPLAY_WHERE_IT_WENT;
	if (v == NULL || json_is_null(v))
		return REPLAY_OK;
	return json_is_string(v) && replay_place(e, text_of(v), ret) ? REPLAY_OK : REPLAY_NO_TARGET;
}

/* NULL, or a sentence on what is wrong with it. */
static const char *
read_wish(const json_t *o, struct replay_wish *ret)
{
	const json_t *mode = json_object_get(o, "mode");
	const char *word = mode == NULL ? "exact" : json_string_value(mode);

	if (o != NULL && !json_is_object(o))
		return "An object is wanted.";
	if (word == NULL || (strcmp(word, "exact") != 0 && strcmp(word, "signed") != 0))
		return "mode is \"exact\" or \"signed\".";
	ret->sign = strcmp(word, "signed") == 0;
	if (!read_times(o, &ret->times))
		return "times is a number.";
	if (!read_flag(o, "onward", &ret->onward) || !read_flag(o, "gaps", &ret->gaps))
		return "onward and gaps are true or false.";
	return NULL;
}

void
inspect_replay(struct web_request *r)
{
	struct replay *e = inspector_of(r)->replay;
	struct replay_ids *ids;
	struct replay_wish w = { .times = 1 };
	const char *why = read_wish(r->json, &w);
	enum replay_result result;
	uint64_t id;

	if (why != NULL) {
		bad(r, why);
		return;
	}
	ids = calloc(1, sizeof(*ids));
	if (ids == NULL) {
		answer(r, REPLAY_NO_MEMORY, NULL);
		return;
	}
	result = read_place(e, json_object_get(r->json, "to"), &w.tunnel);
	if (result == REPLAY_OK)
		result = slice_u64(r->params[0], &id) ? replay_captured(e, id, &w, ids)
						      : REPLAY_NO_EXCHANGE;
	answer(r, result, ids);
	free(ids);
}

/* --- one that was put together --- */

struct sent_draft {
	struct compose_draft d;
	struct compose_field fields[LIMIT_HEAD_FIELDS];
	struct replay_wish wish;
	uint64_t parent;
	struct slice body;
	char *bytes; /* of body64; malloced, or NULL */
	char host[300];
};

/* [["Name","value"],["Name",null]] */
static bool
read_fields(const json_t *list, struct sent_draft *d)
{
	if (list == NULL)
		return true;
	if (!json_is_array(list) || json_array_size(list) > LIMIT_HEAD_FIELDS)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *pair = json_array_get(list, i), *value = json_array_get(pair, 1);

		if (json_array_size(pair) < 2 || !json_is_string(json_array_get(pair, 0)) ||
		    !(json_is_string(value) || json_is_null(value)))
			return false;
		d->fields[i] =
		    (struct compose_field){ text_of(json_array_get(pair, 0)), text_of(value) };
	}
	d->d.fields = d->fields;
	d->d.n_fields = json_array_size(list);
	return true;
}

static bool
read_body(const json_t *o, struct sent_draft *d)
{
	const json_t *text = json_object_get(o, "body"), *coded = json_object_get(o, "body64");
	struct slice s = text_of(coded);
	ptrdiff_t n;

	if (coded == NULL || json_is_null(coded)) {
		d->body = text_of(text);
		return text == NULL || json_is_null(text) || json_is_string(text);
	}
	if (!json_is_string(coded))
		return false;
	d->bytes = malloc(s.n + 1);
	n = d->bytes == NULL ? -1 : text_unbase64(s, false, true, d->bytes, s.n);
	if (n < 0)
		return false;
	d->body = slice_of(d->bytes, (size_t)n);
	return true;
}

/* An id is a text; a number is taken, too. */
static bool
read_parent(const json_t *v, uint64_t *ret)
{
	*ret = 0;
	if (json_is_integer(v) && json_integer_value(v) > 0) {
		*ret = (uint64_t)json_integer_value(v);
		return true;
	}
	return v == NULL || json_is_null(v) || (json_is_string(v) && slice_u64(text_of(v), ret));
}

/* NULL, or a sentence. */
static const char *
read_draft(const json_t *o, struct sent_draft *d)
{
	const json_t *method = json_object_get(o, "method"), *target = json_object_get(o, "target");

	if (!json_is_object(o))
		return "An object is wanted.";
	if (!json_is_string(method) || !json_is_string(target))
		return "method and target are texts.";
	d->d.method = text_of(method);
	d->d.target = text_of(target);
	if (d->d.target.n == 0 || d->d.target.p[0] != '/')
		return "target is a path that begins with \"/\".";
	if (!read_fields(json_object_get(o, "headers"), d))
		return "headers is a list of [name, value], at most 100.";
	if (!read_body(o, d))
		return "body is a text, body64 bytes in base64.";
	if (!read_flag(o, "sign", &d->wish.sign) || !read_times(o, &d->wish.times))
		return "sign is true or false, times a number.";
	return read_parent(json_object_get(o, "parent"), &d->parent) ? NULL : "parent is an id.";
}

/* What visitors call the tunnel; one that was never up has no name yet. */
static void
find_host(const struct inspector *i, struct sent_draft *d)
{
	const struct agent_tunnel *t = &i->client->serve->tunnels[d->wish.tunnel];
	struct slice url = slice_str(t->url), host;
	const char *colons = strstr(t->url, "://");

	if (colons != NULL)
		url = slice_from(url, (size_t)(colons - t->url) + 3);
	host = slice_cut(&url, '/');
	slice_copy(host.n > 0 ? host : S("localhost"), d->host, sizeof(d->host));
	d->d.host = slice_str(d->host);
}

static enum replay_result
send_draft(struct inspector *i, struct sent_draft *d, struct replay_ids *ids)
{
	struct captured *e = NULL;
	enum replay_result result = REPLAY_BAD_REQUEST;
	struct buf parent, head;

	buf_init(&parent, SERVE_HEAD_BYTES * 2);
	buf_init(&head, SERVE_HEAD_BYTES);
	if (d->parent != 0)
		e = exchange_open(i->client->serve->capture, d->parent);
	if (e != NULL && exchange_head(e, TAP_REQUEST, TAP_RECEIVED, &parent))
		d->d.parent = buf_slice(&parent);
	find_host(i, d);
	d->d.body_n = d->body.n;
	if (compose_head(&d->d, &head))
		result =
		    replay_composed(i->replay, d->parent, buf_slice(&head), d->body, &d->wish, ids);
	exchange_close(e);
	buf_fini(&parent);
	buf_fini(&head);
	return result;
}

void
inspect_send(struct web_request *r)
{
	struct inspector *i = inspector_of(r);
	struct sent_draft *d = calloc(1, sizeof(*d));
	struct replay_ids *ids = calloc(1, sizeof(*ids));
	const char *why = d == NULL ? NULL : read_draft(r->json, d);
	const json_t *name = json_object_get(r->json, "tunnel");

	if (d == NULL || ids == NULL)
		answer(r, REPLAY_NO_MEMORY, NULL);
	else if (why != NULL)
		bad(r, why);
	else if (!json_is_string(name) || !replay_place(i->replay, text_of(name), &d->wish.tunnel))
		answer(r, REPLAY_NO_TARGET, NULL);
	else
		answer(r, send_draft(i, d, ids), ids);
	if (d != NULL)
		free(d->bytes);
	free(d);
	free(ids);
}
