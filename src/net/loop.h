/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: one per thread, shared by nothing.  loop_epoll.c is the real
 * one (edge-triggered, each descriptor registered once, never modified);
 * loop_sim.c is its twin for tests, with a virtual clock and an in-memory
 * network.  Everything above sees only this header, system calls on sockets
 * included, so that the whole of it runs in either.
 *
 * A turn: kernel events are dispatched, due timers run, mail of other threads is
 * delivered, tasks of loop_at_end() run (that is where links are flushed: once
 * a turn, many frames in one call), the graveyard is emptied.
 *
 * Nothing is freed inside an event: see loop_bury().
 */
#ifndef ADIT_NET_LOOP_H
#define ADIT_NET_LOOP_H

#include "base/check.h"
#include "base/io.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/slice.h"

#include <sys/socket.h>
#include <sys/uio.h>

struct loop;

enum {
	LOOP_IN = 1,  /* bytes, a connection or the end may be read */
	LOOP_OUT = 2, /* bytes may be written; a connect has ended */
};

/* One watched descriptor. fn gets LOOP_IN | LOOP_OUT as they become ready (edges). */
struct loop_io {
	int fd;
	struct loop *loop; /* NULL while not watched */
	void (*fn)(struct loop_io *io, unsigned events);
	bool ended; /* the kernel has told of an end or an error: a short read is not yet all there
		       is */
	struct list again; /* private */
	unsigned again_events;
	struct list doubted;
};

struct loop_timer {
	void (*fn)(struct loop_timer *t);
	int64_t at_us;
	size_t slot; /* private; 0 = not set */
};

struct loop_task {
	void (*fn)(struct loop_task *t);
	struct list node; /* points to itself while not queued */
};

/* Mail between threads; owned by the receiver from loop_post() on. */
struct loop_mail {
	struct loop_mail *next;
	void (*fn)(struct loop *loop, struct loop_mail *m);
};

struct loop_grave {
	struct loop_grave *next;
	void (*fn)(struct loop_grave *g);
};

/* NULL without memory or descriptors (errno). */
struct loop *loop_new(void) must_use;
/* All descriptors, timers and chunks must be given back before. */
void loop_free(struct loop *l);
/* Runs until loop_stop(); the turn in which it was called is finished. */
void loop_run(struct loop *l);
/* From this thread only; from another, post a mail that calls it. */
void loop_stop(struct loop *l);
/* Of this turn's start, monotonic. */
int64_t loop_now_us(const struct loop *l);

/* Registers io->fd for both directions, edge-triggered. -1 and errno on failure. */
int loop_watch(struct loop *l, struct loop_io *io) must_use;
/* The descriptor stays open. Harmless when not watched. */
void loop_unwatch(struct loop_io *io);
/*
 * A send was refused (IO_WAIT).  Almost always the socket is full, and the kernel's edge will tell
 * of room; but a kernel that lacked memory refuses, too, and tells nothing.  Where no edge comes
 * within REFUSED_SEND_MS the socket is looked at, and LOOP_OUT is told if there is room.
 */
void loop_refused(struct loop_io *io);
/* Calls io->fn with these events in the next turn, though the kernel stays silent:
 * for work that was cut short to be fair. */
void loop_again(struct loop_io *io, unsigned events);

/* Sets or moves; fn runs once, never in the turn's timer step in which it was set. */
void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t delay_us);
void loop_timer_stop(struct loop *l, struct loop_timer *t);

static inline void
loop_task_init(struct loop_task *t, void (*fn)(struct loop_task *))
{
	t->fn = fn;
	list_init(&t->node);
}
/* Runs once at the end of this turn; queuing it twice is queuing it once. What is queued while
 * these tasks run waits for the end of the next turn, which then begins without waiting. */
void loop_at_end(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop_task *t);

/* From any thread; wakes the loop. Mail of one sender arrives in order. */
void loop_post(struct loop *l, struct loop_mail *m);

/* fn(g) runs after everything else of this turn: the place where objects are freed. */
void loop_bury(struct loop *l, struct loop_grave *g, void (*fn)(struct loop_grave *));

/* Scratch memory of this thread, LOOP_SCRATCH_BYTES of it, valid until the caller
 * returns to the loop: for reading into. The cipher layer has its own. */
#define LOOP_SCRATCH_BYTES (256 * 1024)
char *loop_scratch(struct loop *l);
/* 16 KiB chunks for bufq. */
struct pool *loop_chunks(struct loop *l);

/* --- sockets: the system calls, as the twin must be able to stand in ---
 * All descriptors are non-blocking and close-on-exec. Errors: IO_FAIL and errno. */

enum io loop_recv(int fd, const struct iovec *iov, int n_iov, size_t *ret_n);
/* A short count is IO_OK; IO_WAIT when nothing could be written. */
enum io loop_send(int fd, const struct iovec *iov, int n_iov, size_t *ret_n);
/* Is there room?  For loop_refused(): it costs a system call. */
bool loop_can_send(int fd);
/* Sent bytes that the other side's kernel has not acknowledged (of a Unix socket: not read). */
size_t loop_unacked(int fd);
/* Has anything come, bytes or an end or an error, that no edge may have told of yet? */
bool loop_can_recv(int fd);
/* -1 and errno (EAGAIN when there is none). After EMFILE and its kin the edge is spent while
 * connections wait: ask again by a timer or when a descriptor is free. */
int loop_accept(int fd, struct sockaddr_storage *ret_addr, socklen_t *ret_len);
/* Starts to connect, with TCP keep-alive; LOOP_OUT tells the end, loop_connect_result() how. -1 and errno. */
int loop_connect(const struct sockaddr *addr, socklen_t len) must_use;
/* 0, EINPROGRESS while undecided, or the errno of the failure. */
int loop_connect_result(int fd);
void loop_shutdown(int fd);
void loop_close(int fd);
/* What addr_listen() and conn_tune() stand on; see there. With TCP keep-alive, which is inherited. */
int loop_listen(const struct sockaddr *addr, socklen_t len, bool share,
    struct sockaddr_storage *ret_bound, socklen_t *ret_len) must_use;
void loop_tune(int fd, int user_timeout_ms, int notsent_lowat_bytes);

#endif
