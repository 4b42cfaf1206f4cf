/* SPDX-License-Identifier: Apache-2.0 */
/* Notes for CAs, a list under a mutex: there are a handful, and seldom any. */
#include "edge/core/board.h"

#include "base/limits.h"
#include "base/list.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct note {
	struct list node;
	enum board_kind kind;
	char *where, *text; /* text NULL: of ALPN */
	struct buf cert, key;
};

struct board {
	_Atomic size_t n;
	pthread_mutex_t mutex; /* for all below */
	struct list notes;
	uint64_t dns_version, told_version;
	void (*changed)(void *arg); /* set before there are threads */
	void *arg;
};

struct board *
board_new(void)
{
	struct board *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	list_init(&b->notes);
	pthread_mutex_init(&b->mutex, NULL);
	return b;
}

static void
note_free(struct note *n)
{
	if (n == NULL)
		return;
	check(list_empty(&n->node)); /* nobody finds it any more */
	if (n->key.p != NULL)
		explicit_bzero(n->key.p, n->key.n);
	buf_fini(&n->key);
	buf_fini(&n->cert);
	free(n->where);
	free(n->text);
	free(n);
}

static void
take_down(struct board *b, struct note *n)
{
	size_t before = atomic_fetch_sub(&b->n, 1);

	check(before > 0);
	list_del(&n->node);
	note_free(n);
}

void
board_free(struct board *b)
{
	if (b == NULL)
		return;
	while (!list_empty(&b->notes))
		take_down(b, list_of(b->notes.next, struct note, node));
	check(atomic_load(&b->n) == 0);
	pthread_mutex_destroy(&b->mutex);
	free(b);
}

/* --- who puts them up --- */

static struct note *
note_new(const struct board_note *from)
{
	struct note *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	list_init(&n->node);
	n->kind = from->kind;
	n->where = strdup(from->where);
	n->text = from->text != NULL ? strdup(from->text) : NULL;
	buf_init(&n->cert, LIMIT_CERTIFICATE_BYTES);
	buf_init(&n->key, LIMIT_CERTIFICATE_BYTES);
	buf_put(&n->cert, from->cert);
	buf_put(&n->key, from->key);
	if (n->where != NULL && (n->text != NULL) == (from->text != NULL) && !n->cert.failed &&
	    !n->key.failed)
		return n;
	note_free(n);
	return NULL;
}

/* text NULL: any. */
static struct note *
find(const struct board *b, enum board_kind kind, struct slice where, const char *text)
{
	for (struct list *l = b->notes.next; l != &b->notes; l = l->next) {
		struct note *n = list_of(l, struct note, node);

		if (n->kind == kind && slice_eq(slice_str(n->where), where) &&
		    (text == NULL || (n->text != NULL && strcmp(n->text, text) == 0)))
			return n;
	}
	return NULL;
}

/* A TXT record stands beside others of its name; of the other kinds there is one. */
static struct note *
same(const struct board *b, const struct board_note *n)
{
	return find(b, n->kind, slice_str(n->where), n->kind == BOARD_DNS ? n->text : NULL);
}

/* Behind a change, with the mutex held, which it gives up. */
static void
leave(struct board *b, bool dns)
{
	if (dns)
		b->dns_version++;
	pthread_mutex_unlock(&b->mutex);
	/* Outside of the lock: he may read at once. */
	if (dns && b->changed != NULL)
		b->changed(b->arg);
}

bool
board_show(struct board *b, const struct board_note *note)
{
	struct note *n = note_new(note), *old;
	bool changes = false, done = false;

	check(note->kind == BOARD_ALPN || note->text != NULL);
	pthread_mutex_lock(&b->mutex);
	old = same(b, note);
	if (old != NULL && note->kind == BOARD_DNS) {
		done = true;
	} else if (n != NULL && (old != NULL || atomic_load(&b->n) < LIMIT_BOARD_NOTES)) {
		if (old != NULL)
			take_down(b, old);
		list_push(&b->notes, &n->node);
		atomic_fetch_add(&b->n, 1);
		n = NULL;
		changes = done = true;
	}
	leave(b, changes && note->kind == BOARD_DNS);
	note_free(n);
	return done;
}

void
board_hide(struct board *b, enum board_kind kind, const char *where, const char *text)
{
	struct note *n;

	pthread_mutex_lock(&b->mutex);
	n = find(b, kind, slice_str(where), text);
	if (n != NULL)
		take_down(b, n);
	leave(b, n != NULL && kind == BOARD_DNS);
}

uint64_t
board_dns_version(struct board *b)
{
	uint64_t version;

	pthread_mutex_lock(&b->mutex);
	version = b->dns_version;
	pthread_mutex_unlock(&b->mutex);
	return version;
}

uint64_t
board_told_version(struct board *b)
{
	uint64_t version;

	pthread_mutex_lock(&b->mutex);
	version = b->told_version;
	pthread_mutex_unlock(&b->mutex);
	return version;
}

/* --- who reads them --- */

bool
board_is_empty(const struct board *b)
{
	return atomic_load_explicit(&b->n, memory_order_relaxed) == 0;
}

bool
board_http(struct board *b, struct slice token, char *dst, size_t cap)
{
	const struct note *n;
	bool found;

	pthread_mutex_lock(&b->mutex);
	n = find(b, BOARD_HTTP, token, NULL);
	found = n != NULL && strlen(n->text) < cap;
	if (found)
		memcpy(dst, n->text, strlen(n->text) + 1);
	pthread_mutex_unlock(&b->mutex);
	return found;
}

bool
board_alpn(struct board *b, const char *server_name, struct buf *cert, struct buf *key)
{
	const struct note *n;

	pthread_mutex_lock(&b->mutex);
	n = find(b, BOARD_ALPN, slice_str(server_name), NULL);
	if (n != NULL) {
		buf_put(cert, slice_of(n->cert.p, n->cert.n));
		buf_put(key, slice_of(n->key.p, n->key.n));
	}
	pthread_mutex_unlock(&b->mutex);
	return n != NULL && !cert->failed && !key->failed;
}

uint64_t
board_each_dns(struct board *b, void (*each)(void *arg, const char *where, const char *text),
    void *arg)
{
	uint64_t version;

	pthread_mutex_lock(&b->mutex);
	for (struct list *l = b->notes.next; l != &b->notes; l = l->next) {
		struct note *n = list_of(l, struct note, node);

		if (n->kind == BOARD_DNS)
			each(arg, n->where, n->text);
	}
	version = b->dns_version;
	pthread_mutex_unlock(&b->mutex);
	return version;
}

void
board_watch(struct board *b, void (*changed)(void *arg), void *arg)
{
	b->changed = changed;
	b->arg = arg;
}

void
board_told(struct board *b, uint64_t version)
{
	pthread_mutex_lock(&b->mutex);
	check(version <= b->dns_version);
	if (version > b->told_version)
		b->told_version = version;
	pthread_mutex_unlock(&b->mutex);
}
