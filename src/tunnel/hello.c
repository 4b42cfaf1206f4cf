/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading is strict about what it knows (type, length, range; a member twice is
 * an error) and blind to what it does not.  Texts may end on a terminal: no
 * control characters.  What a name or token may look like is the edge's affair.
 */
#include "tunnel/hello.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* A century: an age in us still fits. */
#define AGE_MS_MAX (100LL * 366 * 86400 * 1000)

static const char *const type_names[] = {
	[HELLO_HELLO] = "hello",
	[HELLO_WELCOME] = "welcome",
	[HELLO_REFUSED] = "refused",
	[HELLO_REPLACED] = "replaced",
	[HELLO_PROBED] = "probed",
	[HELLO_WAITING] = "waiting",
	[HELLO_BIND] = "bind",
	[HELLO_BOUND] = "bound",
	[HELLO_UNBIND] = "unbind",
	[HELLO_ACTIVITY] = "activity",
};
static const char *const kind_names[] = {
	[TUNNEL_HTTP] = "http",
	[TUNNEL_TCP] = "tcp",
	[TUNNEL_TLS] = "tls",
};
#define N_TYPES (sizeof(type_names) / sizeof(*type_names))
#define N_KINDS (sizeof(kind_names) / sizeof(*kind_names))

/* --- reading: members; the first failure stays --- */

struct hello_reader {
	const char *why; /* NULL while all is well */
};

static void
fail(struct hello_reader *r, const char *why)
{
	if (r->why == NULL)
		r->why = why;
}

/* Texts of messages go to logs and terminals as they are. */
static bool
has_control(const char *z)
{
	for (; *z != '\0'; z++)
		if ((unsigned char)*z < ' ' || *z == 0x7f)
			return true;
	return false;
}

/* A member that is missing stays ""; need() says where that is a fault. cap counts the NUL. */
static void
read_text(struct hello_reader *r, const json_t *o, const char *key, char *dst, size_t cap)
{
	const json_t *v = json_object_get(o, key);

	if (v == NULL)
		return;
	if (!json_is_string(v))
		fail(r, "a member that should be a string is something else");
	else if (json_string_length(v) >= cap)
		fail(r, "a string is too long");
	else if (has_control(json_string_value(v)))
		fail(r, "a string has control characters");
	else
		memcpy(dst, json_string_value(v), json_string_length(v) + 1);
}

/* 0 where it is missing or at fault. */
static uint64_t
read_uint(struct hello_reader *r, const json_t *o, const char *key, uint64_t max)
{
	const json_t *v = json_object_get(o, key);

	if (v == NULL)
		return 0;
	if (!json_is_integer(v))
		fail(r, "a member that should be a whole number is something else");
	else if (json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
		fail(r, "a number is out of range");
	else
		return (uint64_t)json_integer_value(v);
	return 0;
}

static bool
read_bool(struct hello_reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (v != NULL && !json_is_boolean(v))
		fail(r, "a member that should be true or false is something else");
	return json_is_true(v);
}

static void
need(struct hello_reader *r, bool present, const char *why)
{
	if (!present)
		fail(r, why);
}

/* The index of a name in a list, or n. */
static size_t
index_of(const char *name, const char *const *names, size_t n)
{
	size_t i = 0;

	while (i < n && strcmp(names[i], name) != 0)
		i++;
	return i;
}

static uint16_t
read_id(struct hello_reader *r, const json_t *o)
{
	uint16_t id = (uint16_t)read_uint(r, o, "id", UINT16_MAX);

	need(r, id > 0, "a tunnel has no id");
	return id;
}

/* --- reading: messages --- */

/* What it means is the edge's affair; here it is an object that fits into a message. */
static void
read_policy(struct hello_reader *r, const json_t *o, struct hello_tunnel *t)
{
	const json_t *v = json_object_get(o, "policy");

	if (v == NULL)
		return;
	if (!json_is_object(v)) {
		fail(r, "a tunnel's policy is not an object");
		return;
	}
	t->policy = json_dumps(v, JSON_COMPACT);
	need(r, t->policy != NULL, "out of memory");
}

static void
read_tunnel(struct hello_reader *r, const json_t *o, bool wanted, struct hello_tunnel *t)
{
	char kind[8] = "";

	if (!json_is_object(o)) {
		fail(r, "a tunnel is not an object");
		return;
	}
	t->id = read_id(r, o);
	t->port = (uint16_t)read_uint(r, o, "port", UINT16_MAX);
	read_text(r, o, "name", t->name, sizeof(t->name));
	if (!wanted) {
		read_text(r, o, "url", t->url, sizeof(t->url));
		read_text(r, o, "error", t->error, sizeof(t->error));
		read_text(r, o, "text", t->text, sizeof(t->text));
		t->probe = read_bool(r, o, "probe");
		return;
	}
	read_text(r, o, "key", t->key, sizeof(t->key));
	read_policy(r, o, t);
	t->origin_silent_ms =
	    (uint32_t)read_uint(r, o, "origin_silent_ms", HELLO_ORIGIN_SILENT_MS_MAX);
	read_text(r, o, "kind", kind, sizeof(kind));
	t->kind = (enum tunnel_kind)index_of(kind, kind_names, N_KINDS);
	need(r, t->kind < N_KINDS, "a tunnel is of no known kind");
}

/* There are TUNNELS_PER_LINK at most, so comparing each with each costs little. */
static void
read_tunnels(struct hello_reader *r, const json_t *o, bool wanted, struct hello *h)
{
	const json_t *a = json_object_get(o, "tunnels");

	if (!json_is_array(a)) {
		fail(r, "the list of tunnels is missing");
		return;
	}
	if (json_array_size(a) > LIMIT_TUNNELS_PER_LINK) {
		fail(r, "too many tunnels");
		return;
	}
	h->n_tunnels = json_array_size(a);
	for (size_t i = 0; i < h->n_tunnels && r->why == NULL; i++) {
		read_tunnel(r, json_array_get(a, i), wanted, &h->tunnels[i]);
		for (size_t k = 0; k < i; k++)
			need(r, h->tunnels[k].id != h->tunnels[i].id,
			    "two tunnels have the same id");
	}
}

static void
read_protocol(struct hello_reader *r, const json_t *o, struct hello *h)
{
	h->protocol = (int)read_uint(r, o, "protocol", INT32_MAX);
	need(r, h->protocol >= 1, "the protocol's version is missing");
}

static void
read_message(struct hello_reader *r, const json_t *o, struct hello *h)
{
	switch (h->type) {
	case HELLO_HELLO:
		read_protocol(r, o, h);
		read_text(r, o, "agent", h->program, sizeof(h->program));
		read_text(r, o, "token", h->token, sizeof(h->token));
		need(r, h->token[0] != '\0', "the token is missing");
		read_text(r, o, "host", h->host, sizeof(h->host));
		read_text(r, o, "instance", h->instance, sizeof(h->instance));
		h->age_ms = read_uint(r, o, "age_ms", AGE_MS_MAX);
		h->probe = read_bool(r, o, "probe");
		h->trailers = read_bool(r, o, "trailers");
		h->binds = read_bool(r, o, "bind");
		h->watch = read_bool(r, o, "watch");
		read_tunnels(r, o, true, h);
		break;
	case HELLO_WELCOME:
		read_protocol(r, o, h);
		read_text(r, o, "edge", h->program, sizeof(h->program));
		read_text(r, o, "account", h->account, sizeof(h->account));
		h->generation = read_uint(r, o, "generation", INT64_MAX);
		h->trailers = read_bool(r, o, "trailers");
		h->binds = read_bool(r, o, "bind");
		read_tunnels(r, o, false, h);
		break;
	case HELLO_REFUSED:
		read_text(r, o, "code", h->code, sizeof(h->code));
		need(r, h->code[0] != '\0', "the code is missing");
		read_text(r, o, "text", h->text, sizeof(h->text));
		h->retry_ms = (uint32_t)read_uint(r, o, "retry_ms", UINT32_MAX);
		break;
	case HELLO_REPLACED:
		h->id = read_id(r, o);
		read_text(r, o, "text", h->text, sizeof(h->text));
		break;
	case HELLO_PROBED:
		h->id = read_id(r, o);
		read_text(r, o, "probe", h->code, sizeof(h->code));
		need(r, h->code[0] != '\0', "the probe's outcome is missing");
		h->status = (uint16_t)read_uint(r, o, "status", 999);
		h->us = read_uint(r, o, "us", INT64_MAX);
		break;
	case HELLO_WAITING:
		h->id = read_id(r, o);
		h->waits = read_bool(r, o, "waits");
		break;
	case HELLO_BIND:
		read_tunnels(r, o, true, h);
		break;
	case HELLO_BOUND:
		read_tunnels(r, o, false, h);
		break;
	case HELLO_UNBIND:
		h->id = read_id(r, o);
		break;
	case HELLO_ACTIVITY:
	case HELLO_OTHER:
		break;
	}
}

/*
 * Asked before the text is parsed, since the parser calls itself for each level. Strings are
 * skipped, escapes in them too.
 */
bool
hello_is_deep(struct slice json)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < json.n; i++) {
		char c = json.p[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']'))
			depth--;
		if (depth > LIMIT_CONTROL_DEPTH)
			return true;
	}
	return false;
}

/* A type that is not known here is of a later version: HELLO_OTHER, which is passed over. */
static void
read_object(struct hello_reader *r, const json_t *o, struct hello *ret)
{
	const json_t *type = json_object_get(o, "type");
	size_t i;

	if (!json_is_object(o) || !json_is_string(type)) {
		fail(r, "not an object with a type");
		return;
	}
	i = index_of(json_string_value(type), type_names, N_TYPES);
	ret->type = i < N_TYPES ? (enum hello_type)i : HELLO_OTHER;
	read_message(r, o, ret);
}

/* The parser's own copy of the token does not stay in freed memory. */
static void
wipe_token(const json_t *o)
{
	const json_t *token = json_object_get(o, "token");

	if (json_is_string(token))
		explicit_bzero((char *)(uintptr_t)json_string_value(token),
		    json_string_length(token));
}

/* Where it fails *ret is wiped: a token may have been read already. */
bool
hello_decode(struct slice json, struct hello *ret, const char **ret_why)
{
	struct hello_reader r = { 0 };
	json_t *o;

	*ret = (struct hello){ .type = HELLO_OTHER };
	if (json.n > LIMIT_CONTROL_BYTES || hello_is_deep(json)) {
		*ret_why = "too large or too deeply nested";
		return false;
	}
	o = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	if (o == NULL) {
		*ret_why = "not valid JSON";
		return false;
	}
	read_object(&r, o, ret);
	wipe_token(o);
	json_decref(o);
	if (r.why == NULL)
		return true;
	hello_wipe(ret);
	*ret_why = r.why;
	return false;
}

/* --- writing --- */

static void
put_text(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, ",\"%s\":", key);
	buf_json(out, slice_str(text));
}

static void
put_some(struct buf *out, const char *key, const char *text)
{
	if (text[0] != '\0')
		put_text(out, key, text);
}

static void
put_abilities(struct buf *out, const struct hello *h)
{
	if (h->trailers)
		buf_put(out, S(",\"trailers\":true"));
	if (h->binds)
		buf_put(out, S(",\"bind\":true"));
}

static void
put_tunnels(struct buf *out, const struct hello *h)
{
	bool asks = h->type == HELLO_HELLO || h->type == HELLO_BIND;

	buf_put(out, S(",\"tunnels\":["));
	for (size_t i = 0; i < h->n_tunnels; i++) {
		const struct hello_tunnel *t = &h->tunnels[i];

		buf_printf(out, "%s{\"id\":%u", i > 0 ? "," : "", t->id);
		if (asks)
			put_text(out, "kind", kind_names[t->kind]);
		put_some(out, "name", t->name);
		if (t->port != 0)
			buf_printf(out, ",\"port\":%u", t->port);
		if (asks) {
			put_some(out, "key", t->key);
			if (t->origin_silent_ms != 0)
				buf_printf(out, ",\"origin_silent_ms\":%u",
				    (unsigned)t->origin_silent_ms);
			if (t->policy != NULL) {
				buf_put(out, S(",\"policy\":"));
				buf_put(out, slice_str(t->policy));
			}
		} else {
			put_some(out, "url", t->url);
			put_some(out, "error", t->error);
			put_some(out, "text", t->text);
			if (t->probe)
				buf_put(out, S(",\"probe\":true"));
		}
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

void
hello_encode(const struct hello *h, struct buf *out)
{
	check(h->type < N_TYPES);
	buf_printf(out, "{\"type\":\"%s\"", type_names[h->type]);
	switch (h->type) {
	case HELLO_HELLO:
		buf_printf(out, ",\"protocol\":%d", h->protocol);
		put_text(out, "agent", h->program);
		put_text(out, "token", h->token);
		put_some(out, "host", h->host);
		put_some(out, "instance", h->instance);
		if (h->age_ms != 0)
			buf_printf(out, ",\"age_ms\":%llu", (unsigned long long)h->age_ms);
		if (h->probe)
			buf_put(out, S(",\"probe\":true"));
		put_abilities(out, h);
		if (h->watch)
			buf_put(out, S(",\"watch\":true"));
		put_tunnels(out, h);
		break;
	case HELLO_WELCOME:
		buf_printf(out, ",\"protocol\":%d", h->protocol);
		put_text(out, "edge", h->program);
		put_text(out, "account", h->account);
		buf_printf(out, ",\"generation\":%llu", (unsigned long long)h->generation);
		put_abilities(out, h);
		put_tunnels(out, h);
		break;
	case HELLO_REFUSED:
		put_text(out, "code", h->code);
		put_text(out, "text", h->text);
		buf_printf(out, ",\"retry_ms\":%u", (unsigned)h->retry_ms);
		break;
	case HELLO_REPLACED:
		buf_printf(out, ",\"id\":%u", h->id);
		put_text(out, "text", h->text);
		break;
	case HELLO_PROBED:
		buf_printf(out, ",\"id\":%u", h->id);
		put_text(out, "probe", h->code);
		buf_printf(out, ",\"status\":%u,\"us\":%llu", h->status, (unsigned long long)h->us);
		break;
	case HELLO_WAITING:
		buf_printf(out, ",\"id\":%u,\"waits\":%s", h->id, h->waits ? "true" : "false");
		break;
	case HELLO_BIND:
	case HELLO_BOUND:
		put_tunnels(out, h);
		break;
	case HELLO_UNBIND:
		buf_printf(out, ",\"id\":%u", h->id);
		break;
	case HELLO_ACTIVITY:
	case HELLO_OTHER:
		break;
	}
	buf_putc(out, '}');
}

void
hello_wipe(struct hello *h)
{
	for (size_t i = 0; i < h->n_tunnels; i++) {
		char *policy = h->tunnels[i].policy;

		if (policy != NULL)
			explicit_bzero(policy, strlen(policy));
		free(policy);
	}
	explicit_bzero(h, sizeof(*h));
}
