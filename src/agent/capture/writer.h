/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that writes segments.  The loop puts whole records into blocks of memory, decides where in
 * which segment each lies, and hands blocks over when they are full or a tenth of a second old; the
 * thread writes them, keeps the index beside each segment, and unlinks old ones.  The loop never
 * waits: where all blocks are full, a record is refused.
 *
 * The first error of the disk ends the capture; traffic goes on.
 */
#ifndef ADIT_AGENT_CAPTURE_WRITER_H
#define ADIT_AGENT_CAPTURE_WRITER_H

#include "agent/capture/segment.h"
#include "agent/capture/webhooks.h"
#include "net/loop.h"

#include <pthread.h>

struct writer;

struct writer_params {
	int folder;         /* descriptor of the folder; the writer's from now on */
	uint32_t number;    /* of the first segment that it writes */
	uint64_t bytes_max; /* of all segments */
	int64_t age_ms_max;
	/* Something can be taken by writer_told(). */
	void (*told)(void *owner);
	void *owner;
};

enum writer_event {
	WRITER_WEBHOOK, /* what a request is about */
	WRITER_GONE,    /* segments before this number are unlinked */
	WRITER_FAILED,  /* nothing is written any more: text says why */
};

struct writer_news {
	enum writer_event what;
	uint64_t id;
	struct webhook about;
	uint32_t segment;
	char text[160];
};

/* NULL without memory or a thread; the folder is the caller's then. */
struct writer *writer_new(struct loop *l, const struct writer_params *p) must_use;
/* Writes what waits, and ends the thread. NULL is harmless. */
void writer_free(struct writer *w);

/*
 * A record; magic, crc and length are set here.  Its place, or 0 where it is refused.  needed: the last
 * blocks are kept for such records.
 */
uint64_t writer_put(struct writer *w, struct segment_record *r, struct slice payload, bool needed);
/* What a record may hold that is put now without a new block, at least 1 KiB. */
size_t writer_room(struct writer *w);
/* Unlinks what has been written so far, and begins a new segment. */
void writer_clear(struct writer *w);
/* Hands over what there is. */
void writer_flush(struct writer *w);
/*
 * Waits until what was handed over by now is in its file, at most 200 ms: a disk may hang. Not for the
 * loop, but for a thread that reads files.
 */
void writer_settle(struct writer *w);
/* Copies n bytes from a place on that are still in memory. False: they are in the file. */
bool writer_pending(struct writer *w, uint64_t place, char *dst, size_t n);
/* One piece of news at a time; false: there is none. */
bool writer_told(struct writer *w, struct writer_news *ret);
/* A thread that sees no signals. */
bool writer_thread(pthread_t *ret, void *(*fn)(void *), void *arg) must_use;
/* Bytes of the segments that there are. */
uint64_t writer_bytes(struct writer *w);

#endif
