/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers for the doctor what was refused, in bounded memory. */
#include "edge/core/incident.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"
#include "edge/core/directory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct incident {
	uint64_t count;
	int64_t at_ms;
	char peer[56], agent[64], text[224];
};

enum {
#define X(...) +1
	N_INCIDENTS = 0 INCIDENTS(X)
#undef X
};

/* An incident gets its memory when its kind happens first: on most routes none ever does. */
struct incident_set {
	struct map_node by_key;
	char key[DIRECTORY_KEY_BYTES];
	struct incident *incidents[N_INCIDENTS];
};

struct incidents {
	pthread_mutex_t lock;
	struct map sets;
};

static const char *const codes[] = {
#define X(symbol, code) code,
	INCIDENTS(X)
#undef X
};

struct incidents *
incident_new(void)
{
	struct incidents *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	map_init(&n->sets);
	check(pthread_mutex_init(&n->lock, NULL) == 0);
	return n;
}

void
incident_free(struct incidents *n)
{
	struct map_node *node;

	if (n == NULL)
		return;
	while ((node = map_take_any(&n->sets)) != NULL) {
		struct incident_set *set = map_of(node, struct incident_set, by_key);

		for (int i = 0; i < N_INCIDENTS; i++)
			free(set->incidents[i]);
		free(set);
	}
	map_fini(&n->sets);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static struct incident_set *
find(const struct incidents *n, struct slice key)
{
	struct map_node *node;

	for (node = map_first(&n->sets, map_hash(key)); node != NULL; node = map_next_same(node)) {
		struct incident_set *set = map_of(node, struct incident_set, by_key);

		if (slice_eq(slice_str(set->key), key))
			return set;
	}
	return NULL;
}

/*
 * When it is full the routes that are in go on to be noted and new ones are not. So a
 * stranger who fills it with names hides nothing of what happens to others.
 */
static struct incident_set *
add(struct incidents *n, const char *key)
{
	struct incident_set *set;

	if (n->sets.n >= LIMIT_INCIDENTS || (set = calloc(1, sizeof(*set))) == NULL)
		return NULL;
	check(strlen(key) < sizeof(set->key)); /* else it would never be found again */
	snprintf(set->key, sizeof(set->key), "%s", key);
	if (map_put(&n->sets, &set->by_key, map_hash(slice_str(set->key))) != 0) {
		free(set);
		return NULL;
	}
	return set;
}

/* Printable ASCII alone: senders write it, and terminals show it. */
static void
copy(char *dst, size_t cap, struct slice s)
{
	size_t n = s.n < cap - 1 ? s.n : cap - 1;

	check(cap > 0);
	for (size_t i = 0; i < n; i++)
		dst[i] = s.p[i] < ' ' || s.p[i] > '~' ? '?' : s.p[i];
	dst[n] = '\0';
}

void
incident_put(struct incidents *n, const char *key, enum incident_kind kind, const char *peer,
    struct slice agent, struct slice text)
{
	struct incident_set *set;
	struct incident *note;

	check((unsigned)kind < sizeof(codes) / sizeof(*codes));
	if (n == NULL)
		return;
	pthread_mutex_lock(&n->lock);
	check(n->sets.n <= LIMIT_INCIDENTS);
	set = find(n, slice_str(key));
	if (set == NULL)
		set = add(n, key);
	if (set != NULL && set->incidents[kind] == NULL)
		set->incidents[kind] = calloc(1, sizeof(struct incident));
	note = set == NULL ? NULL : set->incidents[kind];
	if (note != NULL) {
		note->count++;
		note->at_ms = clock_wall_ms();
		copy(note->peer, sizeof(note->peer), slice_str(peer));
		copy(note->agent, sizeof(note->agent), agent);
		copy(note->text, sizeof(note->text), text);
	}
	pthread_mutex_unlock(&n->lock);
}

/* The lock is held while the text is made: a note of each kind is all there can be. */
void
incident_write(struct incidents *n, const char *key, struct buf *out)
{
	const struct incident_set *set;
	bool any = false;

	if (n == NULL) {
		buf_put(out, S("[]"));
		return;
	}
	buf_putc(out, '[');
	pthread_mutex_lock(&n->lock);
	set = find(n, slice_str(key));
	for (int i = 0; set != NULL && i < N_INCIDENTS; i++) {
		const struct incident *note = set->incidents[i];

		if (note == NULL)
			continue;
		buf_printf(out,
		    "%s{\"code\":\"%s\",\"count\":%llu,\"at_ms\":%lld,\"peer\":", any ? "," : "",
		    codes[i], (unsigned long long)note->count, (long long)note->at_ms);
		buf_json(out, slice_str(note->peer));
		buf_put(out, S(",\"agent\":"));
		buf_json(out, slice_str(note->agent));
		buf_put(out, S(",\"text\":"));
		buf_json(out, slice_str(note->text));
		buf_putc(out, '}');
		any = true;
	}
	pthread_mutex_unlock(&n->lock);
	buf_putc(out, ']');
}

/* The place of an incident in a list of at most `max`, the newest first; max: it is too old. */
static size_t
place_of(const json_t *rows, size_t max, int64_t at_ms)
{
	size_t at = json_array_size(rows);

	while (at > 0 &&
	       json_integer_value(json_object_get(json_array_get(rows, at - 1), "at_ms")) < at_ms)
		at--;
	return at < max ? at : max;
}

static bool
is_refusal(enum incident_kind kind)
{
	return kind != INCIDENT_GOOD && kind != INCIDENT_TAKEOVER && kind != INCIDENT_DOWN;
}

json_t *
incident_list(struct incidents *n, size_t max)
{
	json_t *rows = json_array();
	struct map_node *node = NULL;

	if (n == NULL)
		return rows;
	pthread_mutex_lock(&n->lock);
	while ((node = map_walk(&n->sets, node)) != NULL) {
		const struct incident_set *set = map_of(node, struct incident_set, by_key);

		for (int i = 0; i < N_INCIDENTS; i++) {
			const struct incident *x = set->incidents[i];
			size_t at;

			if (x == NULL || !is_refusal((enum incident_kind)i) ||
			    (at = place_of(rows, max, x->at_ms)) == max)
				continue;
			json_array_insert_new(rows, at,
			    json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "tunnel", set->key,
				"code", codes[i], "count", (json_int_t)x->count, "at_ms",
				(json_int_t)x->at_ms, "peer", x->peer, "agent", x->agent, "text",
				x->text));
			if (json_array_size(rows) > max)
				json_array_remove(rows, max);
		}
	}
	pthread_mutex_unlock(&n->lock);
	return rows;
}

bool
incident_is_hook(const struct h1_head *h, struct slice bytes, struct slice *ret_agent)
{
	/* A scanner may write these fields, too: all that he gets is a note. */
	static const struct slice marks[] = { S("X-Event-Key"), S("X-GitHub-Event"),
		S("X-Gitlab-Event"), S("X-Gitea-Event"), S("X-Hub-Signature"),
		S("Stripe-Signature"), S("webhook-id") };
	const struct h1_field *f;
	bool is_hook = false;
	size_t at = 0;

	f = h1_find(h, bytes, S("User-Agent"), &at);
	*ret_agent = f == NULL ? S("") : h1_text(bytes, f->value);
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		at = 0;
		is_hook = is_hook || h1_find(h, bytes, marks[i], &at) != NULL;
	}
	return is_hook || slice_starts(*ret_agent, S("Bitbucket-Webhooks/"));
}
