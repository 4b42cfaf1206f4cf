/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file, as it stands in for loop_epoll.c and loop_sock.c together: it must define
 * all of their functions.  Two parts: the wire (sockets, segments, moments) and the
 * scheduler (turns of loops, the clock).
 *
 * Edges are as mean as epoll's: they come once, when bytes or space arrive, and whoever did
 * not use them up is not told again.
 */
#include "net/loop_sim.h"

#include "net/loop_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>

#define FD_BASE 1000000
/* Turns without the clock going on: somebody spins. Each turn costs a microsecond of it, too. */
#define TURN_US 1

enum sock_state { CONNECTING, CONNECTED, LISTENING, CLOSED };

struct sock {
	int fd;
	enum sock_state state;
	struct loop_io *io; /* NULL: not watched */
	struct list node;   /* of its loop's edges */
	unsigned edges;
	struct sim_link link;
	struct sock *peer;
	/* what we receive */
	char *rx;
	size_t rx_at, rx_n, rx_cap;
	bool fin_in;
	/* what we send */
	size_t in_flight;
	int64_t wire_free_us, last_us;
	bool fin_out, want_out;
	bool cut;
	int error, user_timeout_ms;
	/* listening */
	struct list backlog; /* of `queued` */
	struct list queued;
	struct sockaddr_storage addr; /* bound or, of a stream, the other side's */
	socklen_t addr_len;
};

/* Something that happens at a moment. */
struct moment {
	int64_t at_us;
	uint64_t seq; /* of one time, in the order made */
	void (*fn)(struct moment *m);
	struct sock *s;
	void (*call)(void *arg);
	void *arg;
	size_t n;
	char bytes[];
};

struct loop_sim {
	struct loop core;
	struct list node;  /* of the world */
	struct list edges; /* of struct sock */
	bool frozen;
};

static struct world {
	int64_t now_us;
	uint64_t random, seq;
	struct sim_link link;
	struct sock **socks;
	size_t n_socks, cap_socks;
	struct moment **heap; /* by at_us and seq; heap[0] is not used */
	size_t n_moments, cap_moments;
	struct list loops;
	struct sockaddr_storage from;
	socklen_t from_len;
	int connect_mode;
	uint16_t port;
	uint64_t refused, looks; /* see sim_refused() */
	bool running, up;
} world;

uint64_t
sim_rand(uint64_t below)
{
	/* xorshift64* */
	world.random ^= world.random >> 12;
	world.random ^= world.random << 25;
	world.random ^= world.random >> 27;
	return (world.random * 0x2545F4914F6CDD1Du >> 11) % below;
}

uint64_t
sim_refused(void)
{
	return world.refused;
}

uint64_t
sim_looks(void)
{
	return world.looks;
}

int64_t
sim_now_us(void)
{
	return world.now_us;
}

static void *
need(void *p)
{
	check(p != NULL);
	return p;
}

/* --- moments --- */

static bool
is_before(const struct moment *a, const struct moment *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

static void
put_moment(struct moment *m)
{
	size_t slot;

	if (world.n_moments + 1 >= world.cap_moments) {
		world.cap_moments = world.cap_moments == 0 ? 256 : 2 * world.cap_moments;
		world.heap = need(realloc(world.heap, world.cap_moments * sizeof(m)));
	}
	check(m->at_us >= world.now_us); /* nothing happens in the past */
	m->seq = world.seq++;
	slot = ++world.n_moments;
	while (slot > 1 && is_before(m, world.heap[slot / 2])) {
		world.heap[slot] = world.heap[slot / 2];
		slot /= 2;
	}
	world.heap[slot] = m;
}

static struct moment *
take_moment(void)
{
	struct moment *first, *last;
	size_t slot = 1, child;

	check(world.n_moments > 0);
	first = world.heap[1];
	last = world.heap[world.n_moments--];
	while ((child = 2 * slot) <= world.n_moments) {
		if (child < world.n_moments && is_before(world.heap[child + 1], world.heap[child]))
			child++;
		if (!is_before(world.heap[child], last))
			break;
		world.heap[slot] = world.heap[child];
		slot = child;
	}
	world.heap[slot] = last;
	return first;
}

static struct moment *
add_moment(int64_t at_us, void (*fn)(struct moment *), struct sock *s, size_t n_bytes)
{
	struct moment *m = need(calloc(1, sizeof(*m) + n_bytes));

	m->at_us = at_us;
	m->fn = fn;
	m->s = s;
	m->n = n_bytes;
	put_moment(m);
	return m;
}

static void
on_call(struct moment *m)
{
	m->call(m->arg);
}

void
sim_at(int64_t delay_us, void (*fn)(void *arg), void *arg)
{
	struct moment *m = add_moment(world.now_us + delay_us, on_call, NULL, 0);

	m->call = fn;
	m->arg = arg;
}

/* --- sockets --- */

static struct sock *
sock_new(enum sock_state state)
{
	struct sock *s = need(calloc(1, sizeof(*s)));

	if (world.n_socks == world.cap_socks) {
		world.cap_socks = world.cap_socks == 0 ? 64 : 2 * world.cap_socks;
		world.socks = need(realloc(world.socks, world.cap_socks * sizeof(s)));
	}
	/* Numbers are never used twice: a stale one is a bug that shows. */
	s->fd = FD_BASE + (int)world.n_socks;
	world.socks[world.n_socks++] = s;
	s->state = state;
	s->link = world.link;
	list_init(&s->node);
	list_init(&s->backlog);
	list_init(&s->queued);
	return s;
}

/*
 * A number that was closed is never taken for another socket: using it is a bug that
 * stops the test.
 */
static struct sock *
sock_of(int fd)
{
	check(fd >= FD_BASE && (size_t)(fd - FD_BASE) < world.n_socks);
	check(world.socks[fd - FD_BASE]->state != CLOSED);
	return world.socks[fd - FD_BASE];
}

/* What epoll would report of it now, were it level-triggered. */
static unsigned
level_of(const struct sock *s)
{
	unsigned events = 0;

	if (s->rx_n > 0 || s->fin_in || s->error != 0 || !list_empty(&s->backlog))
		events |= LOOP_IN;
	if (s->error != 0 || (s->state == CONNECTED && s->in_flight < s->link.buffer_bytes))
		events |= LOOP_OUT;
	return events;
}

/* Told once; what was not used up is not told again, as with epoll's edges. */
static void
edge(struct sock *s, unsigned events)
{
	if (s->io == NULL || events == 0)
		return;
	s->edges |= events;
	if (list_empty(&s->node))
		list_push(&list_of(s->io->loop, struct loop_sim, core)->edges, &s->node);
}

/* The first one stays, as a kernel keeps it. It wakes both directions. */
static void
set_error(struct sock *s, int code)
{
	if (s->state == CLOSED || s->error != 0)
		return;
	s->error = code;
	edge(s, LOOP_IN | LOOP_OUT);
}

static void
on_reset(struct moment *m)
{
	if (!m->s->cut)
		set_error(m->s, ECONNRESET);
}

/* Bytes for a socket that is closed are answered with a reset, as in TCP. */
static void
on_segment(struct moment *m)
{
	struct sock *s = m->s;

	if (s->cut)
		return;
	if (s->state == CLOSED) {
		add_moment(world.now_us + s->link.latency_us, on_reset, s->peer, 0);
		return;
	}
	if (s->rx_n == 0)
		s->rx_at = 0;
	if (s->rx_at + s->rx_n + m->n > s->rx_cap) {
		s->rx_cap = 2 * (s->rx_at + s->rx_n + m->n);
		s->rx = need(realloc(s->rx, s->rx_cap));
	}
	memcpy(s->rx + s->rx_at + s->rx_n, m->bytes, m->n);
	s->rx_n += m->n;
	edge(s, LOOP_IN);
}

static void
on_fin(struct moment *m)
{
	struct sock *s = m->s;

	if (s->cut || s->state == CLOSED)
		return;
	s->fin_in = true;
	edge(s, LOOP_IN | (s->fin_out ? LOOP_OUT : 0u));
}

/* The other side has read: there is space again. */
static void
on_credit(struct moment *m)
{
	struct sock *s = m->s;

	if (s->cut)
		return;
	check(m->n <= s->in_flight); /* who reads it can have got it from here alone */
	s->in_flight -= m->n;
	if (s->want_out && s->in_flight <= s->link.buffer_bytes / 3 * 2) {
		s->want_out = false;
		edge(s, LOOP_OUT);
	}
}

/* The end of a write that was cut short though there was space. */
static void
on_nudge(struct moment *m)
{
	if (m->s->state == CONNECTED && m->s->in_flight < m->s->link.buffer_bytes)
		edge(m->s, LOOP_OUT);
	else
		m->s->want_out = true;
}

static void
on_user_timeout(struct moment *m)
{
	if (m->s->in_flight > 0)
		set_error(m->s, ETIMEDOUT);
}

static void
arm_user_timeout(struct sock *s)
{
	if (s->cut && s->user_timeout_ms > 0)
		add_moment(world.now_us + s->user_timeout_ms * INT64_C(1000), on_user_timeout, s,
		    0);
}

/* When n bytes that leave now are there: behind those that left before. */
static int64_t
arrival_us(struct sock *s, size_t n)
{
	int64_t at = world.now_us;

	if (s->link.bytes_per_s > 0) {
		if (s->wire_free_us > at)
			at = s->wire_free_us;
		at += (int64_t)(n * UINT64_C(1000000) / s->link.bytes_per_s);
		s->wire_free_us = at;
	}
	at += s->link.latency_us;
	if (s->link.jitter_us > 0)
		at += (int64_t)sim_rand((uint64_t)s->link.jitter_us);
	if (at < s->last_us)
		at = s->last_us;
	s->last_us = at;
	return at;
}

static void
send_fin(struct sock *s)
{
	if (s->fin_out)
		return;
	s->fin_out = true;
	add_moment(arrival_us(s, 0), on_fin, s->peer, 0);
}

/* --- loop.h: reading and writing --- */

static enum io
fail(int code)
{
	errno = code;
	return IO_FAIL;
}

/* What was read gives the sender space again, but only when the word of it has come back to him. */
enum io
loop_recv(int fd, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct sock *s = sock_of(fd);
	size_t n = 0;

	if (n_iov == 0 || iov->iov_len == 0)
		return IO_WAIT;
	for (int i = 0; i < n_iov && s->rx_n > 0; i++) {
		size_t part = s->rx_n < iov[i].iov_len ? s->rx_n : iov[i].iov_len;

		memcpy(iov[i].iov_base, s->rx + s->rx_at, part);
		s->rx_at += part;
		s->rx_n -= part;
		n += part;
	}
	if (n > 0) {
		add_moment(world.now_us + s->link.latency_us, on_credit, s->peer, 0)->n = n;
		*ret_n = n;
		return IO_OK;
	}
	if (s->error != 0)
		return fail(s->error);
	if (s->state != CONNECTED)
		return s->state == CONNECTING ? IO_WAIT : fail(ENOTCONN);
	return s->fin_in ? IO_EOF : IO_WAIT;
}

/* Bytes `at` to `at + n` of the vector. */
static void
gather(const struct iovec *iov, int n_iov, size_t at, char *dst, size_t n)
{
	for (int i = 0; i < n_iov && n > 0; i++) {
		size_t have = iov[i].iov_len, take;

		if (at >= have) {
			at -= have;
			continue;
		}
		take = have - at < n ? have - at : n;
		memcpy(dst, (const char *)iov[i].iov_base + at, take);
		dst += take;
		n -= take;
		at = 0;
	}
}

/*
 * In pieces of random size, each with an arrival of its own: a reader that counts on whole
 * writes fails here.
 */
static void
transmit(struct sock *s, const struct iovec *iov, int n_iov, size_t n)
{
	for (size_t at = 0; at < n;) {
		size_t piece = 1 + sim_rand(s->link.chunk_bytes);
		struct moment *m;

		if (piece > n - at)
			piece = n - at;
		m = add_moment(arrival_us(s, piece), on_segment, s->peer, piece);
		gather(iov, n_iov, at, m->bytes, piece);
		at += piece;
	}
	if (s->in_flight == 0)
		arm_user_timeout(s);
	s->in_flight += n;
}

static enum io
refuse(void)
{
	world.refused++;
	return IO_WAIT;
}

enum io
loop_send(int fd, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct sock *s = sock_of(fd);
	size_t total = 0, n;

	if (s->error != 0)
		return fail(s->error);
	if (s->fin_out)
		return fail(EPIPE);
	if (s->state != CONNECTED)
		return s->state == CONNECTING ? IO_WAIT : fail(ENOTCONN);
	for (int i = 0; i < n_iov; i++)
		total += iov[i].iov_len;
	check(s->in_flight <= s->link.buffer_bytes);
	n = s->link.buffer_bytes - s->in_flight;
	if (n > total)
		n = total;
	if (n > 0 && s->link.refuses && sim_rand(4) == 0)
		return refuse();
	if (n > 1 && s->link.shorts && sim_rand(4) == 0) {
		n = 1 + sim_rand(n - 1);
		add_moment(world.now_us + 1 + (int64_t)sim_rand(500), on_nudge, s, 0);
	} else if (n < total) {
		s->want_out = true;
	}
	if (n == 0 && total > 0)
		return refuse();
	transmit(s, iov, n_iov, n);
	*ret_n = n;
	return IO_OK;
}

bool
loop_can_send(int fd)
{
	const struct sock *s = sock_of(fd);

	world.looks++;
	return s->state == CONNECTED && s->in_flight < s->link.buffer_bytes;
}

size_t
loop_unacked(int fd)
{
	return sock_of(fd)->in_flight;
}

bool
loop_can_recv(int fd)
{
	const struct sock *s = sock_of(fd);

	return s->rx_n > 0 || s->fin_in || s->error != 0;
}

void
loop_shutdown(int fd)
{
	struct sock *s = sock_of(fd);

	if (s->state == CONNECTED)
		send_fin(s);
}

static void
close_listener(struct sock *s)
{
	struct list *node;

	while ((node = list_pop(&s->backlog)) != NULL)
		loop_close(list_of(node, struct sock, queued)->fd);
}

void
loop_close(int fd)
{
	struct sock *s = sock_of(fd);

	check(s->io == NULL);
	if (s->state == LISTENING) {
		close_listener(s);
	} else if (s->peer != NULL && s->rx_n > 0) {
		/* Unread bytes: a reset, as in TCP. */
		add_moment(arrival_us(s, 0), on_reset, s->peer, 0);
	} else if (s->peer != NULL && s->error == 0) {
		send_fin(s);
	}
	s->state = CLOSED;
	free(s->rx);
	s->rx = NULL;
	s->rx_at = s->rx_n = s->rx_cap = 0;
}

void
loop_tune(int fd, int user_timeout_ms, int notsent_lowat_bytes)
{
	(void)notsent_lowat_bytes;
	if (user_timeout_ms > 0)
		sock_of(fd)->user_timeout_ms = user_timeout_ms;
}

/* --- loop.h: connecting --- */

static struct sock *
find_listener(const struct sockaddr_storage *to)
{
	struct sock *found = NULL;
	uint64_t n = 0;

	for (size_t i = 0; i < world.n_socks; i++) {
		struct sock *s = world.socks[i];
		const struct sockaddr_in *a = (const void *)&s->addr, *b = (const void *)to;

		if (s->state != LISTENING ||
		    (s->addr.ss_family == AF_UNIX) != (to->ss_family == AF_UNIX))
			continue;
		/* Ports are all that counts on this one machine; sin_port and
		 * sin6_port are one place. */
		if (to->ss_family == AF_UNIX ? memcmp(&s->addr, to, sizeof(struct sockaddr_un)) == 0
					     : a->sin_port == b->sin_port) {
			/* Of several that share it, any. */
			if (sim_rand(++n) == 0)
				found = s;
		}
	}
	return found;
}

static void
on_connected(struct moment *m)
{
	struct sock *s = m->s;

	if (s->state != CONNECTING)
		return;
	s->state = CONNECTED;
	edge(s, LOOP_OUT);
}

static void
on_refused(struct moment *m)
{
	if (m->s->state == CONNECTING)
		set_error(m->s, (int)m->n);
}

static struct sock *
make_peer(struct sock *s)
{
	struct sock *peer = sock_new(CONNECTED);

	peer->link = s->link;
	s->peer = peer;
	peer->peer = s;
	return peer;
}

/* The listener is looked for when the SYN arrives: it may have come or gone since connect(). */
static void
on_syn(struct moment *m)
{
	struct sock *s = m->s, *listener = find_listener(&s->addr), *peer;

	if (s->state != CONNECTING)
		return;
	if (listener == NULL) {
		add_moment(world.now_us + s->link.latency_us, on_refused, s, 0)->n = ECONNREFUSED;
		return;
	}
	peer = make_peer(s);
	peer->addr = world.from;
	peer->addr_len = world.from_len;
	if (s->addr.ss_family == AF_UNIX) {
		peer->addr = (struct sockaddr_storage){ .ss_family = AF_UNIX };
		peer->addr_len = sizeof(sa_family_t);
	} else {
		((struct sockaddr_in *)(void *)&peer->addr)->sin_port = htons(world.port++);
	}
	list_push(&listener->backlog, &peer->queued);
	edge(listener, LOOP_IN);
	add_moment(world.now_us + s->link.latency_us, on_connected, s, 0);
}

int
loop_connect(const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_storage to = { 0 };
	struct sock *s;

	memcpy(&to, addr, len < sizeof(to) ? len : sizeof(to));
	if (to.ss_family == AF_UNIX && find_listener(&to) == NULL) {
		errno = ENOENT;
		return -1;
	}
	s = sock_new(CONNECTING);
	s->addr = to;
	s->addr_len = len;
	if (to.ss_family == AF_UNIX)
		s->link.latency_us = 0;
	if (world.connect_mode == 0)
		add_moment(world.now_us + s->link.latency_us, on_syn, s, 0);
	else if (world.connect_mode > 0)
		add_moment(world.now_us + 2 * s->link.latency_us, on_refused, s, 0)->n =
		    (size_t)world.connect_mode;
	return s->fd;
}

int
loop_connect_result(int fd)
{
	struct sock *s = sock_of(fd);

	if (s->error != 0)
		return s->error;
	return s->state == CONNECTING ? EINPROGRESS : 0;
}

int
loop_listen(const struct sockaddr *addr, socklen_t len, bool share,
    struct sockaddr_storage *ret_bound, socklen_t *ret_len)
{
	struct sockaddr_storage to = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&to;
	struct sock *s;

	memcpy(&to, addr, len < sizeof(to) ? len : sizeof(to));
	if (to.ss_family != AF_UNIX && in->sin_port == 0)
		in->sin_port = htons(world.port++);
	if (!share && find_listener(&to) != NULL) {
		errno = EADDRINUSE;
		return -1;
	}
	s = sock_new(LISTENING);
	s->addr = *ret_bound = to;
	s->addr_len = *ret_len = len;
	return s->fd;
}

int
loop_accept(int fd, struct sockaddr_storage *ret_addr, socklen_t *ret_len)
{
	struct list *node = list_pop(&sock_of(fd)->backlog);
	struct sock *s;

	if (node == NULL) {
		errno = EAGAIN;
		return -1;
	}
	s = list_of(node, struct sock, queued);
	*ret_addr = s->addr;
	*ret_len = s->addr_len;
	return s->fd;
}

/* --- loop.h: loops --- */

struct loop *
loop_new(void)
{
	struct loop_sim *l = need(calloc(1, sizeof(*l)));

	check(world.up);
	check(loop_core_init(&l->core) == 0);
	l->core.now_us = world.now_us;
	list_init(&l->edges);
	list_push(&world.loops, &l->node);
	return &l->core;
}

void
loop_free(struct loop *core)
{
	struct loop_sim *l = list_of(core, struct loop_sim, core);

	if (core == NULL)
		return;
	loop_core_fini(core);
	list_del(&l->node);
	free(l);
}

int
loop_watch(struct loop *l, struct loop_io *io)
{
	struct sock *s;

	if (io->fd < FD_BASE) {
		errno = EBADF;
		return -1;
	}
	s = sock_of(io->fd);
	check(s->io == NULL);
	loop_core_watch(l, io);
	s->io = io;
	edge(s, level_of(s));
	return 0;
}

void
loop_unwatch(struct loop_io *io)
{
	struct sock *s;

	if (io->loop == NULL)
		return;
	s = sock_of(io->fd);
	list_del(&s->node);
	s->edges = 0;
	s->io = NULL;
	loop_core_unwatch(io);
}

void
loop_wake(struct loop *l)
{
	(void)l; /* the scheduler looks at the mail of all */
}

static bool
has_mail(struct loop_sim *l)
{
	return atomic_load_explicit(&l->core.mail, memory_order_relaxed) != NULL;
}

/* Mail counts, though its sender may be a real thread. */
static bool
can_run(struct loop_sim *l)
{
	return !l->frozen && (!list_empty(&l->edges) || loop_core_busy(&l->core) || has_mail(l) ||
				 loop_core_due_us(&l->core) <= world.now_us);
}

static void
turn(struct loop_sim *l)
{
	struct list again, edges, *node;

	list_init(&again);
	list_init(&edges);
	list_splice(&again, &l->core.again);
	list_splice(&edges, &l->edges);
	l->core.now_us = world.now_us;
	while ((node = list_pop(&edges)) != NULL) {
		struct sock *s = list_of(node, struct sock, node);
		unsigned events = s->edges;

		/* epoll tells all that is so when it tells of an edge; nobody may count on that. */
		if (sim_rand(2) == 0)
			events |= level_of(s);
		s->edges = 0;
		if (s->fin_in || s->error != 0)
			s->io->ended = true;
		loop_core_dispatch(s->io, events);
	}
	loop_core_turn(&l->core, &again);
	world.now_us += TURN_US;
}

/* One turn of every loop that has something to do, from a random one on. False when none had. */
static bool
run_loops(void)
{
	struct loop_sim *ready[64];
	size_t n = 0, first;

	LIST_EACH(node, &world.loops) {
		struct loop_sim *l = list_of(node, struct loop_sim, node);

		if (can_run(l) && n < 64)
			ready[n++] = l;
	}
	if (n == 0)
		return false;
	first = sim_rand(n);
	for (size_t i = 0; i < n; i++)
		turn(ready[(first + i) % n]);
	return true;
}

/* When something happens next: a moment of the wire, or a timer of a loop that is not frozen. */
static int64_t
next_us(void)
{
	int64_t at = world.n_moments > 0 ? world.heap[1]->at_us : INT64_MAX;

	LIST_EACH(node, &world.loops) {
		struct loop_sim *l = list_of(node, struct loop_sim, node);
		int64_t due = loop_core_due_us(&l->core);

		if (!l->frozen && due < at)
			at = due;
	}
	return at;
}

static void
run_moments(void)
{
	while (world.n_moments > 0 && world.heap[1]->at_us <= world.now_us) {
		struct moment *m = take_moment();

		m->fn(m);
		free(m);
	}
}

/*
 * What is due happens first, then each loop that has something to do gets a turn; when none
 * has, the clock jumps to whatever comes next.
 */
bool
sim_run_until(bool (*cond)(void *arg), void *arg, int64_t for_us)
{
	int64_t until = world.now_us + for_us, next;

	check(!world.running); /* loops do not nest */
	world.running = true;
	while (!cond(arg) && world.now_us < until) {
		run_moments();
		if (run_loops())
			continue;
		next = next_us();
		if (next > world.now_us)
			world.now_us = next < until ? next : until;
	}
	world.running = false;
	return cond(arg);
}

static bool
is_stopped(void *arg)
{
	return ((struct loop *)arg)->stopped;
}

void
loop_run(struct loop *l)
{
	/* A year: whoever waits longer waits for nothing. */
	check(sim_run_until(is_stopped, l, INT64_C(365) * 86400 * 1000000));
	l->stopped = false;
}

/* --- the world --- */

void
sim_new(uint64_t seed)
{
	static const struct sim_link link = {
		.latency_us = 50,
		.buffer_bytes = 256 * 1024,
		.chunk_bytes = 16 * 1024,
	};

	check(!world.up);
	world = (struct world){
		.now_us = 1000000,
		.random = (seed + 1) * 0x9E3779B97F4A7C15u | 1,
		.link = link,
		.port = 40000,
		.up = true,
	};
	list_init(&world.loops);
	sim_connect_from(NULL, 0);
}

/* How many sockets were left open: a test checks that there are none. */
size_t
sim_free(void)
{
	size_t n_open = 0;

	check(list_empty(&world.loops));
	for (size_t i = 0; i < world.n_socks; i++) {
		if (world.socks[i]->state != CLOSED)
			n_open++;
		free(world.socks[i]->rx);
		free(world.socks[i]);
	}
	while (world.n_moments > 0)
		free(take_moment());
	free(world.heap);
	free(world.socks);
	world = (struct world){ 0 };
	return n_open;
}

void
sim_set_link(const struct sim_link *link)
{
	check(link->buffer_bytes > 0 && link->chunk_bytes > 0);
	world.link = *link;
}

void
sim_pair(int ret_fd[2])
{
	struct sock *s = sock_new(CONNECTED), *peer = make_peer(s);

	ret_fd[0] = s->fd;
	ret_fd[1] = peer->fd;
}

void
sim_connect_from(const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_in loopback = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	if (addr == NULL) {
		addr = (const struct sockaddr *)&loopback;
		len = sizeof(loopback);
	}
	memset(&world.from, 0, sizeof(world.from));
	memcpy(&world.from, addr, len);
	world.from_len = len;
}

void
sim_connect_mode(int code)
{
	world.connect_mode = code;
}

/* Nobody is told: only who has set a time for unacknowledged bytes learns of it by himself. */
void
sim_cut(int fd)
{
	struct sock *ends[2] = { sock_of(fd), sock_of(fd)->peer };

	for (int i = 0; i < 2; i++) {
		if (ends[i] == NULL)
			continue;
		ends[i]->cut = true;
		arm_user_timeout(ends[i]);
	}
}

/* At once at both ends, whatever is still under way between them. */
void
sim_reset(int fd)
{
	struct sock *s = sock_of(fd);

	set_error(s, ECONNRESET);
	if (s->peer != NULL)
		set_error(s->peer, ECONNRESET);
}

int
sim_peer(int fd)
{
	struct sock *peer = sock_of(fd)->peer;

	return peer == NULL || peer->state == CLOSED ? -1 : peer->fd;
}

void
sim_freeze(struct loop *l, bool frozen)
{
	list_of(l, struct loop_sim, core)->frozen = frozen;
}
