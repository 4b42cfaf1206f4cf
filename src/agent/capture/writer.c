/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of records on their way from the loop to the disk, and the thread that brings them there. */
#include "agent/capture/writer.h"

#include "agent/capture/shelf.h"
#include "base/clock.h"
#include "base/limits.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK_BYTES 65536
#define BLOCKS_MAX (LIMIT_CAPTURE_RING_BYTES / BLOCK_BYTES)
/* Of them, for records that are more than a part of a body. */
#define BLOCKS_NEEDED 8
/* Unused ones that are kept. */
#define BLOCKS_KEPT 4
#define NEWS_MAX 256
#define FLUSH_US 100000
#define SETTLE_NS 200000000
/* Less than this is no piece of a body. */
#define ROOM_MIN 1024

_Static_assert(SEGMENT_RECORD_BYTES + SEGMENT_PAYLOAD_BYTES <= BLOCK_BYTES, "one fits alone");

struct block {
	struct list node;
	uint32_t segment, offset;
	size_t n;
	char data[BLOCK_BYTES];
};

struct writer {
	struct loop *loop;
	void (*told)(void *owner);
	void *owner;
	/* The loop's: the block that is being filled, and where the next one begins. */
	struct block *filling;
	uint32_t segment, offset;
	struct loop_timer flush;
	/* Of both, under the lock. queue: blocks that wait, the first one is being written. */
	pthread_mutex_t lock;
	pthread_cond_t wake, written;
	uint64_t n_queued, n_written; /* blocks, since the start */
	struct list queue, unused;
	size_t n_blocks, n_unused;
	struct writer_news news[NEWS_MAX]; /* a ring; what does not fit is lost */
	size_t news_first, n_news;
	bool posted; /* the mail is on its way */
	bool stop;
	uint32_t clear; /* segments before this one are to go, 0: none */
	uint64_t bytes;
	struct loop_mail mail;
	/* The thread's. */
	pthread_t thread;
	struct shelf shelf;
	struct webhooks webhooks;
};

/* --- the loop's side --- */

/* NULL: all of them wait for the disk. */
static struct block *
get_block(struct writer *w, bool needed)
{
	struct block *b = NULL;
	size_t max = needed ? BLOCKS_MAX : BLOCKS_MAX - BLOCKS_NEEDED;

	pthread_mutex_lock(&w->lock);
	if (!list_empty(&w->unused)) {
		/* The one that came back last is warm. */
		b = list_of(w->unused.prev, struct block, node);
		if (w->n_blocks - w->n_unused < max) {
			list_del(&b->node);
			w->n_unused--;
		} else {
			b = NULL;
		}
	} else if (w->n_blocks < max) {
		b = malloc(sizeof(*b));
		if (b != NULL) {
			list_init(&b->node);
			w->n_blocks++;
		}
	}
	pthread_mutex_unlock(&w->lock);
	return b;
}

void
writer_flush(struct writer *w)
{
	struct block *b = w->filling;

	loop_timer_stop(w->loop, &w->flush);
	if (b == NULL)
		return;
	w->filling = NULL;
	pthread_mutex_lock(&w->lock);
	list_push(&w->queue, &b->node);
	w->n_queued++;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

static void
on_flush(struct loop_timer *t)
{
	writer_flush(list_of(t, struct writer, flush));
}

/* A block that is begun; a segment that has no room for all of it is over. */
static bool
begin_block(struct writer *w, bool needed)
{
	w->filling = get_block(w, needed);
	if (w->filling == NULL)
		return false;
	if (w->offset + BLOCK_BYTES > LIMIT_CAPTURE_SEGMENT_BYTES) {
		w->segment++;
		w->offset = SEGMENT_FILE_BYTES;
	}
	w->filling->segment = w->segment;
	w->filling->offset = w->offset;
	w->filling->n = 0;
	loop_timer_set(w->loop, &w->flush, FLUSH_US);
	return true;
}

uint64_t
writer_put(struct writer *w, struct segment_record *r, struct slice payload, bool needed)
{
	size_t n = SEGMENT_RECORD_BYTES + payload.n;
	uint64_t place;
	char *p;

	check(payload.n <= SEGMENT_PAYLOAD_BYTES);
	if (w->filling != NULL && w->filling->n + n > BLOCK_BYTES)
		writer_flush(w);
	if (w->filling == NULL && !begin_block(w, needed))
		return 0;
	r->magic = SEGMENT_MAGIC;
	r->length = (uint32_t)payload.n;
	p = w->filling->data + w->filling->n;
	memcpy(p, r, sizeof(*r));
	if (payload.n > 0)
		memcpy(p + sizeof(*r), payload.p, payload.n);
	segment_seal(p);
	place = segment_place(w->segment, w->offset);
	w->filling->n += n;
	w->offset += (uint32_t)n;
	return place;
}

size_t
writer_room(struct writer *w)
{
	if (w->filling != NULL && BLOCK_BYTES - w->filling->n < SEGMENT_RECORD_BYTES + ROOM_MIN)
		writer_flush(w);
	return w->filling == NULL ? SEGMENT_PAYLOAD_BYTES
				  : BLOCK_BYTES - w->filling->n - SEGMENT_RECORD_BYTES;
}

void
writer_clear(struct writer *w)
{
	writer_flush(w);
	w->segment++;
	w->offset = SEGMENT_FILE_BYTES;
	pthread_mutex_lock(&w->lock);
	w->clear = w->segment;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

static bool
copy_from(const struct block *b, uint64_t place, char *dst, size_t n)
{
	uint32_t offset = (uint32_t)place;

	if (b->segment != place >> 32 || offset < b->offset || offset - b->offset + n > b->n)
		return false;
	memcpy(dst, b->data + (offset - b->offset), n);
	return true;
}

bool
writer_pending(struct writer *w, uint64_t place, char *dst, size_t n)
{
	bool found = w->filling != NULL && copy_from(w->filling, place, dst, n);

	pthread_mutex_lock(&w->lock);
	LIST_EACH(node, &w->queue)
		found = found || copy_from(list_of(node, struct block, node), place, dst, n);
	pthread_mutex_unlock(&w->lock);
	return found;
}

bool
writer_told(struct writer *w, struct writer_news *ret)
{
	bool any;

	pthread_mutex_lock(&w->lock);
	any = w->n_news > 0;
	if (any) {
		*ret = w->news[w->news_first];
		w->news_first = (w->news_first + 1) % NEWS_MAX;
		w->n_news--;
	}
	pthread_mutex_unlock(&w->lock);
	return any;
}

uint64_t
writer_bytes(struct writer *w)
{
	uint64_t bytes;

	pthread_mutex_lock(&w->lock);
	bytes = w->bytes;
	pthread_mutex_unlock(&w->lock);
	return bytes;
}

static void
on_mail(struct loop *l, struct loop_mail *m)
{
	struct writer *w = list_of(m, struct writer, mail);

	(void)l;
	pthread_mutex_lock(&w->lock);
	w->posted = false;
	pthread_mutex_unlock(&w->lock);
	w->told(w->owner);
}

/* --- the thread --- */

static void
tell(struct writer *w, const struct writer_news *news)
{
	bool post = false;

	pthread_mutex_lock(&w->lock);
	if (w->n_news < NEWS_MAX) {
		w->news[(w->news_first + w->n_news++) % NEWS_MAX] = *news;
		post = !w->posted;
		w->posted = true;
	}
	pthread_mutex_unlock(&w->lock);
	if (post)
		loop_post(w->loop, &w->mail);
}

/* All records of a block: the index gets those that rows are made of. */
static void
look_through(struct writer *w, const struct block *b)
{
	struct slice rest = slice_of(b->data, b->n), payload;
	struct writer_news news;
	struct segment_record r;

	while (rest.n > 0) {
		uint32_t offset = b->offset + (uint32_t)(b->n - rest.n);

		check(segment_read(rest, false, &r, &payload) == SEGMENT_WHOLE);
		if (r.type == SEGMENT_END || r.type == SEGMENT_ROW)
			shelf_index(&w->shelf, &r, payload, segment_place(b->segment, offset));
		if (webhooks_see(&w->webhooks, &r, payload, &news.about)) {
			news.what = WRITER_WEBHOOK;
			news.id = r.id;
			tell(w, &news);
		}
		rest = slice_from(rest, segment_bytes(&r));
	}
}

static void
write_block(struct writer *w, const struct block *b)
{
	struct writer_news news = { .what = WRITER_FAILED };
	uint32_t first = w->shelf.first;

	if (w->shelf.failed)
		return;
	if (shelf_segment(&w->shelf, b->segment, clock_wall_ms())) {
		look_through(w, b);
		shelf_write(&w->shelf, slice_of(b->data, b->n));
	}
	if (w->shelf.failed) {
		snprintf(news.text, sizeof(news.text), "%s", w->shelf.why);
		tell(w, &news);
	} else if (w->shelf.first != first) {
		news.what = WRITER_GONE;
		news.segment = w->shelf.first;
		tell(w, &news);
	}
}

static void
recycle(struct writer *w, struct block *b)
{
	list_del(&b->node);
	if (w->n_unused < BLOCKS_KEPT) {
		list_push(&w->unused, &b->node);
		w->n_unused++;
	} else {
		free(b);
		w->n_blocks--;
	}
	w->bytes = w->shelf.bytes;
	w->n_written++;
	pthread_cond_broadcast(&w->written);
}

void
writer_settle(struct writer *w)
{
	struct timespec until;
	uint64_t last;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += SETTLE_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&w->lock);
	last = w->n_queued;
	while (w->n_written < last &&
	       pthread_cond_clockwait(&w->written, &w->lock, CLOCK_MONOTONIC, &until) == 0)
		continue;
	pthread_mutex_unlock(&w->lock);
}

static bool
is_newer(const struct writer *w)
{
	return list_of(w->queue.next, struct block, node)->segment >= w->clear;
}

static void *
run(void *arg)
{
	struct writer *w = arg;

	/* Traffic comes first. Where that is not allowed, it goes without. */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct block *b;

		while (list_empty(&w->queue) && !w->stop && w->clear == 0)
			pthread_cond_wait(&w->wake, &w->lock);
		/* Behind all that was there when it was asked for; what came since is newer. */
		if (w->clear != 0 && (list_empty(&w->queue) || is_newer(w))) {
			uint32_t before = w->clear;

			w->clear = 0;
			pthread_mutex_unlock(&w->lock);
			shelf_clear(&w->shelf, before);
			pthread_mutex_lock(&w->lock);
			w->bytes = w->shelf.bytes;
			continue;
		}
		if (list_empty(&w->queue))
			break;
		b = list_of(w->queue.next, struct block, node);
		pthread_mutex_unlock(&w->lock);
		write_block(w, b);
		pthread_mutex_lock(&w->lock);
		recycle(w, b);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- the whole --- */

bool
writer_thread(pthread_t *ret, void *(*fn)(void *), void *arg)
{
	sigset_t all, before;
	bool ok;

	/* The thread inherits it: signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	ok = pthread_create(ret, NULL, fn, arg) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}

struct writer *
writer_new(struct loop *l, const struct writer_params *p)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->loop = l;
	w->told = p->told;
	w->owner = p->owner;
	w->segment = p->number;
	w->offset = SEGMENT_FILE_BYTES;
	w->flush.fn = on_flush;
	w->mail.fn = on_mail;
	list_init(&w->queue);
	list_init(&w->unused);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	pthread_cond_init(&w->written, NULL);
	webhooks_init(&w->webhooks);
	shelf_open(&w->shelf, p->folder, p->bytes_max, p->age_ms_max);
	w->bytes = w->shelf.bytes;
	if (!writer_thread(&w->thread, run, w)) {
		w->shelf.folder = -1; /* the caller's */
		shelf_close(&w->shelf);
		free(w);
		return NULL;
	}
	return w;
}

void
writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	writer_flush(w);
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	LIST_EACH(node, &w->unused) {
		list_del(node);
		free(list_of(node, struct block, node));
	}
	webhooks_fini(&w->webhooks);
	shelf_close(&w->shelf);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	pthread_cond_destroy(&w->written);
	free(w);
}
