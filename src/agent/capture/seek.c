/* SPDX-License-Identifier: Apache-2.0 */
/* Looks through the bodies and heads of all segments for some bytes. */
#include "agent/capture/seek.h"

#include "agent/capture/capture_private.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WINDOW_BYTES (1024 * 1024)
/* Hits that wait for the loop; then the thread waits. */
#define HITS_MAX 64
/* Of one exchange and side, so that a body full of it does not hide all others. */
#define HITS_OF_PIECE 4

struct seek {
	struct list node; /* in capture->seeks */
	struct loop *loop;
	struct writer *writer; /* NULL: nothing is written any more */
	struct seek_ops ops;
	void *owner;
	char needle[SEEK_NEEDLE_BYTES];
	size_t n_needle;
	/* Of both, under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t taken;
	struct seek_hit hits[HITS_MAX];
	size_t first, n_hits;
	bool posted, over;
	_Atomic uint64_t scanned;
	struct loop_mail mail;
	/* The loop's. */
	bool in_mail;
	bool ended; /* seek_end() was called: freed when its mail has come */
	pthread_t thread;
	atomic_bool cancelled;
	/* The thread's. */
	int folders[DISK_FOLDERS];
	char *window;
	int file;
	uint32_t number;
};

/* --- the search in memory --- */

typedef unsigned char vector __attribute__((vector_size(16)));

static vector
repeat(unsigned char c)
{
	return (vector){ c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c };
}

static bool
same(const char *p, struct slice needle)
{
	for (size_t i = 0; i < needle.n; i++)
		if (tolower((unsigned char)p[i]) != (unsigned char)needle.p[i])
			return false;
	return true;
}

/* Sixteen places at once: where the first and the last byte fit, the rest is compared. */
size_t
seek_find(struct slice hay, struct slice needle)
{
	unsigned char a = (unsigned char)needle.p[0], z = (unsigned char)needle.p[needle.n - 1];
	vector first = repeat(a), last = repeat(z);
	/* Upper and lower case of a letter differ in this bit. */
	vector fold_a = repeat(islower(a) ? 0x20 : 0), fold_z = repeat(islower(z) ? 0x20 : 0);
	size_t i = 0;

	for (; i + needle.n + 15 <= hay.n; i += 16) {
		vector x, y, hit;
		uint64_t halves[2];

		memcpy(&x, hay.p + i, 16);
		memcpy(&y, hay.p + i + needle.n - 1, 16);
		hit = (vector)((x | fold_a) == first) & (vector)((y | fold_z) == last);
		memcpy(halves, &hit, 16);
		if ((halves[0] | halves[1]) == 0)
			continue;
		for (size_t k = 0; k < 16; k++)
			if (hit[k] != 0 && same(hay.p + i + k, needle))
				return i + k;
	}
	for (; i + needle.n <= hay.n; i++)
		if (same(hay.p + i, needle))
			return i;
	return SIZE_MAX;
}

/* --- the thread --- */

static void
post(struct seek *s)
{
	if (s->posted)
		return;
	s->posted = true;
	loop_post(s->loop, &s->mail);
}

static void
tell(struct seek *s, const struct seek_hit *h)
{
	pthread_mutex_lock(&s->lock);
	while (s->n_hits == HITS_MAX && !s->cancelled)
		pthread_cond_wait(&s->taken, &s->lock);
	if (!s->cancelled) {
		s->hits[(s->first + s->n_hits++) % HITS_MAX] = *h;
		post(s);
	}
	pthread_mutex_unlock(&s->lock);
}

static void
found(struct seek *s, const struct segment_record *r, uint64_t place, struct slice around,
    size_t at, size_t before)
{
	struct seek_hit h = { .id = r->id,
		.side = (r->side & SEGMENT_RESPONSE) != 0 ? TAP_RESPONSE : TAP_REQUEST,
		.head = r->type == SEGMENT_HEAD,
		.place = place,
		.before = at < before,
		.at = (uint32_t)(at < before ? before - at : at - before) };
	size_t from = at > SEEK_EXCERPT_BYTES / 3 ? at - SEEK_EXCERPT_BYTES / 3 : 0;

	h.n = around.n - from < SEEK_EXCERPT_BYTES ? around.n - from : SEEK_EXCERPT_BYTES;
	memcpy(h.excerpt, around.p + from, h.n);
	tell(s, &h);
}

/* The end of the piece before this one, where it lies in this segment; its bytes. */
static size_t
tail_before(struct seek *s, const struct segment_record *r, char *dst)
{
	uint64_t place = r->back;
	struct segment_record before;

	for (int i = 0; i < 4 && place >> 32 == s->number && place != 0; i++) {
		off_t offset = (off_t)(uint32_t)place;
		size_t n;

		if (pread(s->file, &before, sizeof(before), offset) != sizeof(before) ||
		    before.magic != SEGMENT_MAGIC || before.id != r->id)
			return 0;
		if (before.type == SEGMENT_BODY && before.side == r->side) {
			n = before.length < s->n_needle - 1 ? before.length : s->n_needle - 1;
			offset += (off_t)(SEGMENT_RECORD_BYTES + before.length - n);
			return pread(s->file, dst, n, offset) == (ssize_t)n ? n : 0;
		}
		place = before.back < place ? before.back : 0;
	}
	return 0;
}

static void
look_at_piece(struct seek *s, const struct segment_record *r, struct slice payload, uint64_t place)
{
	struct slice needle = slice_of(s->needle, s->n_needle);
	char joint[2 * SEEK_NEEDLE_BYTES];
	size_t before = s->n_needle > 1 ? tail_before(s, r, joint) : 0, at, n;

	if (before > 0) {
		n = payload.n < s->n_needle - 1 ? payload.n : s->n_needle - 1;
		memcpy(joint + before, payload.p, n);
		at = seek_find(slice_of(joint, before + n), needle);
		if (at < before)
			found(s, r, place, slice_of(joint, before + n), at, before);
	}
	at = 0;
	for (int i = 0; i < HITS_OF_PIECE && at < payload.n; i++) {
		n = seek_find(slice_from(payload, at), needle);
		if (n == SIZE_MAX)
			break;
		found(s, r, place, payload, at + n, 0);
		at += n + needle.n;
	}
}

static void
look_at_record(struct seek *s, const struct segment_record *r, struct slice payload, uint64_t place)
{
	size_t at;

	if (r->type == SEGMENT_BODY) {
		look_at_piece(s, r, payload, place);
	} else if (r->type == SEGMENT_HEAD && (r->side & SEGMENT_SENT) == 0) {
		at = seek_find(payload, slice_of(s->needle, s->n_needle));
		if (at != SIZE_MAX)
			found(s, r, place, payload, at, 0);
	}
}

static void
look_through_file(struct seek *s)
{
	off_t offset = SEGMENT_FILE_BYTES;

	while (!s->cancelled) {
		ssize_t got = pread(s->file, s->window, WINDOW_BYTES, offset);
		struct slice rest = slice_of(s->window, got < 0 ? 0 : (size_t)got), payload;
		struct segment_record r;

		while (segment_read(rest, false, &r, &payload) == SEGMENT_WHOLE) {
			size_t at = (size_t)(rest.p - s->window);

			look_at_record(s, &r, payload,
			    segment_place(s->number, (uint32_t)((size_t)offset + at)));
			rest = slice_from(rest, segment_bytes(&r));
		}
		if (got <= 0 || rest.p == s->window)
			return;
		offset += rest.p - s->window;
		s->scanned += (uint64_t)(rest.p - s->window);
	}
}

static int
newest_first(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

/* The folder's segments, and what is pinned (0) last. */
static size_t
list_folder(int folder, uint32_t *list, size_t max)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	size_t n = 0;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	list[n++] = 0;
	while (n < max && (e = readdir(dir)) != NULL)
		if (segment_name_read(e->d_name, ".seg", &list[n]))
			n++;
	closedir(dir);
	qsort(list, n, sizeof(*list), newest_first);
	return n;
}

#define FILES_MAX 65536

static void *
run(void *arg)
{
	struct seek *s = arg;
	uint32_t *list = malloc(FILES_MAX * sizeof(*list));

	if (s->writer != NULL)
		writer_settle(s->writer);
	for (size_t i = 0; i < DISK_FOLDERS && list != NULL; i++) {
		size_t n = s->folders[i] < 0 ? 0 : list_folder(s->folders[i], list, FILES_MAX);

		for (size_t k = 0; k < n && !s->cancelled; k++) {
			char name[32] = "pinned.seg";

			if (list[k] != 0)
				snprintf(name, sizeof(name), "%08u.seg", list[k]);
			s->number = list[k];
			s->file = openat(s->folders[i], name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
			if (s->file < 0)
				continue;
			look_through_file(s);
			close(s->file);
		}
	}
	free(list);
	pthread_mutex_lock(&s->lock);
	s->over = true;
	if (!s->cancelled)
		post(s);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- the loop's side --- */

static void
release(struct seek *s)
{
	list_del(&s->node);
	for (size_t i = 0; i < DISK_FOLDERS; i++)
		if (s->folders[i] >= 0)
			close(s->folders[i]);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->taken);
	free(s->window);
	free(s);
}

static bool
take_hit(struct seek *s, struct seek_hit *ret)
{
	bool any;

	pthread_mutex_lock(&s->lock);
	any = s->n_hits > 0;
	if (any) {
		*ret = s->hits[s->first];
		s->first = (s->first + 1) % HITS_MAX;
		s->n_hits--;
		pthread_cond_signal(&s->taken);
	}
	pthread_mutex_unlock(&s->lock);
	return any;
}

/* Frees it, unless another mail of the thread's is on its way, which comes here, too. */
static void
let_go(struct seek *s)
{
	bool posted;

	pthread_mutex_lock(&s->lock);
	posted = s->posted;
	pthread_mutex_unlock(&s->lock);
	if (!posted)
		release(s);
}

static void
on_mail(struct loop *l, struct loop_mail *m)
{
	struct seek *s = list_of(m, struct seek, mail);
	struct seek_hit h;
	bool over;

	(void)l;
	pthread_mutex_lock(&s->lock);
	s->posted = false;
	over = s->over;
	s->in_mail = true;
	pthread_mutex_unlock(&s->lock);
	while (!s->ended && take_hit(s, &h))
		s->ops.hit(s->owner, &h);
	if (!s->ended && over)
		s->ops.done(s->owner, s->scanned);
	s->in_mail = false;
	if (s->ended)
		let_go(s);
}

struct seek *
seek_start(struct capture *c, struct slice needle, const struct seek_ops *ops, void *owner)
{
	struct seek *s;

	if (!c->has_disk || needle.n == 0 || needle.n > SEEK_NEEDLE_BYTES)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->loop = c->loop;
	s->writer = c->writer;
	s->ops = *ops;
	s->owner = owner;
	s->mail.fn = on_mail;
	s->n_needle = needle.n;
	for (size_t i = 0; i < needle.n; i++)
		s->needle[i] = (char)tolower((unsigned char)needle.p[i]);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->taken, NULL);
	list_init(&s->node);
	s->window = malloc(WINDOW_BYTES);
	for (size_t i = 0; i < DISK_FOLDERS; i++) {
		size_t from = i == 0 ? c->disk.own : i == c->disk.own ? 0 : i;

		s->folders[i] = c->disk.folders[from] < 0
				    ? -1
				    : fcntl(c->disk.folders[from], F_DUPFD_CLOEXEC, 0);
	}
	capture_flush(c);
	if (s->window == NULL || !writer_thread(&s->thread, run, s)) {
		release(s);
		return NULL;
	}
	list_push(&c->seeks, &s->node);
	return s;
}

uint64_t
seek_scanned(const struct seek *s)
{
	return s->scanned;
}

void
seek_end(struct seek *s)
{
	if (s->ended)
		return;
	pthread_mutex_lock(&s->lock);
	s->cancelled = true;
	pthread_cond_signal(&s->taken);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->ended = true;
	if (!s->in_mail)
		let_go(s);
}

void
seek_free_all(struct capture *c)
{
	LIST_EACH(node, &c->seeks) {
		struct seek *s = list_of(node, struct seek, node);

		/* Nobody brings its mail any more, so it is freed here alone. */
		s->in_mail = true;
		seek_end(s);
		release(s);
	}
}
