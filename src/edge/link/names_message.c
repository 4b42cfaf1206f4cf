/* SPDX-License-Identifier: Apache-2.0 */
/* Answers an agent that asks which names its account has. */
#include "edge/link/names_message.h"

#include <stdlib.h>

/* Names of one answer. */
#define NAMES_PAGE 64

/* The first few of an account behind `after`, in order. */
struct names_page {
	const char *account, *after;
	size_t n;
	bool more;
	char keys[NAMES_PAGE][DIRECTORY_KEY_BYTES];
};

/* Under the directory's lock. */
static bool
take_name(const struct route *r, void *arg)
{
	struct names_page *l = arg;
	size_t at = l->n;

	if (r->tombstone || strcmp(r->account, l->account) != 0 || strcmp(r->key, l->after) <= 0)
		return true;
	/*
	 * The directory has no order, so the page keeps the first few it has seen: memory
	 * for a page, whatever the account has.
	 */
	while (at > 0 && strcmp(l->keys[at - 1], r->key) > 0)
		at--;
	l->more = l->more || l->n == NAMES_PAGE;
	if (at == NAMES_PAGE)
		return true;
	if (l->n < NAMES_PAGE)
		l->n++;
	check(at < l->n && l->n <= NAMES_PAGE);
	memmove(l->keys[at + 1], l->keys[at], (l->n - at - 1) * sizeof(l->keys[0]));
	memcpy(l->keys[at], r->key, sizeof(r->key));
	return true;
}

void
names_message(struct session *s, const json_t *question)
{
	const char *after = json_string_value(json_object_get(question, "after"));
	struct names_page *l = calloc(1, sizeof(*l));
	struct buf b;

	if (l == NULL)
		return; /* whoever asks gives up after a while */
	l->account = s->account;
	l->after = after != NULL ? after : "";
	directory_each(s->worker->edge->directory, take_name, l);
	buf_init(&b, LIMIT_CONTROL_BYTES);
	buf_put(&b, S("{\"type\":\"names\",\"names\":["));
	for (size_t i = 0; i < l->n; i++) {
		buf_put(&b, i > 0 ? S(",") : S(""));
		buf_json(&b, slice_str(l->keys[i]));
	}
	buf_printf(&b, "],\"more\":%s}", l->more ? "true" : "false");
	if (!b.failed)
		carrier_control(&s->carrier, buf_slice(&b));
	buf_fini(&b);
	free(l);
}
