/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/net/pair.h"

#include "base/clock.h"
#include "base/limits.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>

static struct loop *loop;
static char trace[512]; /* what happened, one letter each */

static void
note(char c)
{
	size_t n = strlen(trace);

	if (n + 1 < sizeof(trace))
		trace[n] = c;
}

static void
setup(void)
{
	memset(trace, 0, sizeof(trace));
	loop = loop_new();
	EXPECT(loop != NULL);
}

static void
teardown(void)
{
	loop_free(loop);
}

/* --- timers --- */

struct lettered {
	struct loop_timer timer;
	char letter;
	bool last;
};

static void
on_lettered(struct loop_timer *t)
{
	struct lettered *x = list_of(t, struct lettered, timer);

	note(x->letter);
	if (x->last)
		loop_stop(loop);
}

TEST(timers_fire_in_order)
{
	struct lettered x[] = {
		{ .letter = 'c', .last = true },
		{ .letter = 'a' },
		{ .letter = 'b' },
		{ .letter = 'x' },
	};

	setup();
	for (int i = 0; i < 4; i++)
		x[i].timer.fn = on_lettered;
	loop_timer_set(loop, &x[0].timer, 6000);
	loop_timer_set(loop, &x[1].timer, 20000);
	loop_timer_set(loop, &x[2].timer, 4000);
	loop_timer_set(loop, &x[3].timer, 3000);
	loop_timer_set(loop, &x[1].timer, 2000); /* moved */
	loop_timer_stop(loop, &x[3].timer);
	loop_timer_stop(loop, &x[3].timer);
	loop_run(loop);
	EXPECT(strcmp(trace, "abc") == 0);
	teardown();
}

static int64_t fired_last_us;
static size_t n_fired;

static void
on_random(struct loop_timer *t)
{
	EXPECT(t->at_us >= fired_last_us);
	EXPECT(t->at_us <= loop_now_us(loop));
	EXPECT_INT(t->slot, 0);
	fired_last_us = t->at_us;
	if (--n_fired == 0)
		loop_stop(loop);
}

TEST(timers_many)
{
	enum { N = 1000 };
	static struct loop_timer t[N];
	uint64_t x = 88172645463325252u;

	setup();
	fired_last_us = 0;
	n_fired = 0;
	for (int i = 0; i < 3 * N; i++) {
		struct loop_timer *it = &t[x % N];

		it->fn = on_random;
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		if (x % 5 == 0)
			loop_timer_stop(loop, it);
		else
			loop_timer_set(loop, it, (int64_t)(x % 20000));
	}
	for (int i = 0; i < N; i++)
		n_fired += t[i].slot != 0;
	EXPECT(n_fired > N / 2);
	EXPECT(run_until_stopped(loop));
	teardown();
}

static void
on_rearm(struct loop_timer *t)
{
	note('t');
	if (strlen(trace) == 3)
		loop_stop(loop);
	else
		loop_timer_set(loop, t, 0);
}

TEST(timer_of_no_delay_runs_once_a_turn)
{
	struct loop_timer t = { .fn = on_rearm };

	setup();
	loop_timer_set(loop, &t, 0);
	loop_run(loop);
	EXPECT(strcmp(trace, "ttt") == 0);
	teardown();
}

/* --- the order of a turn --- */

static struct loop_task task_a, task_b;
static struct loop_grave grave;

static void
on_grave(struct loop_grave *g)
{
	(void)g;
	note('g');
}

static void
on_task_a(struct loop_task *t)
{
	(void)t;
	note('a');
	if (strlen(trace) < 8)
		loop_at_end(loop, &task_a); /* of the next turn */
	else
		loop_stop(loop);
}

static void
on_task_b(struct loop_task *t)
{
	(void)t;
	note('b');
}

static void
on_mail(struct loop *l, struct loop_mail *m)
{
	EXPECT(l == loop);
	(void)m;
	note('m');
	loop_at_end(loop, &task_a);
	loop_at_end(loop, &task_b);
	loop_at_end(loop, &task_a);
}

static void
on_turn_timer(struct loop_timer *t)
{
	static struct loop_mail mail = { .fn = on_mail };

	(void)t;
	note('t');
	loop_bury(loop, &grave, on_grave);
	loop_post(loop, &mail);
}

TEST(order_of_a_turn)
{
	struct loop_timer t = { .fn = on_turn_timer };

	setup();
	loop_task_init(&task_a, on_task_a);
	loop_task_init(&task_b, on_task_b);
	loop_timer_set(loop, &t, 1);
	loop_run(loop);
	EXPECT(strcmp(trace, "tmabgaaa") == 0);
	loop_at_end(loop, &task_b);
	loop_task_cancel(&task_b);
	teardown();
}

/* --- descriptors --- */

struct watched {
	struct loop_io io;
	unsigned seen;
	size_t n_calls;
	struct watched *drop; /* unwatched by the first call */
	bool again;
};

static void
on_watched(struct loop_io *io, unsigned events)
{
	struct watched *w = list_of(io, struct watched, io);

	w->seen |= events;
	w->n_calls++;
	if (w->drop != NULL) {
		loop_unwatch(&w->drop->io);
		/* As if the memory were another's already. */
		memset(&w->drop->io, 0, sizeof(w->drop->io));
	}
	if (w->again) {
		w->again = false;
		loop_again(io, LOOP_IN);
	}
}

static void
on_stop_timer(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

/* A few turns. */
static void
settle(void)
{
	struct loop_timer t = { .fn = on_stop_timer };

	loop_timer_set(loop, &t, 1000);
	loop_run(loop);
}

static void
watch(struct watched *w, int fd)
{
	*w = (struct watched){ .io = { .fd = fd, .fn = on_watched } };
	EXPECT_INT(loop_watch(loop, &w->io), 0);
}

TEST(edges_come_once)
{
	struct watched w;
	int fd[2];
	char buf[8];
	struct iovec iov = { buf, sizeof(buf) };
	size_t n;

	setup();
	unix_pair(fd);
	watch(&w, fd[0]);
	settle();
	EXPECT_INT(w.seen, LOOP_OUT);
	EXPECT_INT(w.n_calls, 1);
	EXPECT_INT(write(fd[1], "ab", 2), 2);
	settle();
	EXPECT_INT(w.n_calls, 2);
	EXPECT(w.seen & LOOP_IN);
	settle();
	EXPECT_INT(w.n_calls, 2); /* unread, yet not told again */
	EXPECT_INT(loop_recv(fd[0], &iov, 1, &n), IO_OK);
	EXPECT_INT(n, 2);
	EXPECT_INT(loop_recv(fd[0], &iov, 1, &n), IO_WAIT);
	close(fd[1]);
	settle();
	EXPECT(w.io.ended);
	EXPECT_INT(loop_recv(fd[0], &iov, 1, &n), IO_EOF);
	loop_unwatch(&w.io);
	loop_unwatch(&w.io);
	close(fd[0]);
	teardown();
}

TEST(again_is_told_next_turn)
{
	struct watched w;
	int fd[2];

	setup();
	unix_pair(fd);
	watch(&w, fd[0]);
	w.again = true;
	settle();
	EXPECT_INT(w.n_calls, 2);
	EXPECT_INT(w.seen, LOOP_IN | LOOP_OUT);
	loop_again(&w.io, LOOP_IN);
	loop_unwatch(&w.io);
	settle();
	EXPECT_INT(w.n_calls, 2);
	loop_again(&w.io, LOOP_IN); /* not watched: nothing */
	close(fd[0]);
	close(fd[1]);
	teardown();
}

/* Both are ready in one batch; the first takes the second away. */
TEST(unwatched_in_the_batch)
{
	struct watched a, b;
	int fd[2];

	setup();
	unix_pair(fd);
	watch(&a, fd[0]);
	watch(&b, fd[1]);
	a.drop = &b;
	b.drop = &a;
	settle();
	EXPECT_INT(a.n_calls + b.n_calls, 1);
	close(fd[0]);
	close(fd[1]);
	loop_unwatch(&a.io);
	loop_unwatch(&b.io);
	teardown();
}

/* --- mail between threads --- */

enum { SENDERS = 4, LETTERS = 5000 };

struct letter {
	struct loop_mail mail;
	int sender, number;
};

static int next_number[SENDERS];
static int n_letters;

static void
on_letter(struct loop *l, struct loop_mail *m)
{
	struct letter *x = list_of(m, struct letter, mail);

	EXPECT_INT(x->number, next_number[x->sender]);
	next_number[x->sender]++;
	free(x);
	if (++n_letters == SENDERS * LETTERS)
		loop_stop(l);
}

static void *
send_letters(void *arg)
{
	const int *sender = arg;

	for (int i = 0; i < LETTERS; i++) {
		struct letter *x = malloc(sizeof(*x));

		*x = (struct letter){ .mail.fn = on_letter, .sender = *sender, .number = i };
		loop_post(loop, &x->mail);
	}
	return NULL;
}

TEST(mail_keeps_order_per_sender)
{
	pthread_t thread[SENDERS];
	int id[SENDERS];

	setup();
	n_letters = 0;
	memset(next_number, 0, sizeof(next_number));
	for (int i = 0; i < SENDERS; i++) {
		id[i] = i;
		EXPECT_INT(pthread_create(&thread[i], NULL, send_letters, &id[i]), 0);
	}
	EXPECT(run_until_stopped(loop));
	for (int i = 0; i < SENDERS; i++)
		pthread_join(thread[i], NULL);
	EXPECT_INT(n_letters, SENDERS * LETTERS);
	teardown();
}

static struct loop *other;
static struct loop_mail ball;

static void on_ball_here(struct loop *l, struct loop_mail *m);

static void
on_ball_there(struct loop *l, struct loop_mail *m)
{
	EXPECT(l == other);
	m->fn = on_ball_here;
	loop_post(loop, m);
}

static void
on_ball_here(struct loop *l, struct loop_mail *m)
{
	if (++n_letters == 2000) {
		loop_stop(l);
		return;
	}
	m->fn = on_ball_there;
	loop_post(other, m);
}

static void
on_end_other(struct loop *l, struct loop_mail *m)
{
	(void)m;
	loop_stop(l);
}

static void *
run_other(void *arg)
{
	(void)arg;
	loop_run(other);
	return NULL;
}

/* A loop that sleeps is woken by every single letter. */
TEST(mail_wakes_a_sleeping_loop)
{
	static struct loop_mail end = { .fn = on_end_other };
	pthread_t thread;

	setup();
	n_letters = 0;
	other = loop_new();
	EXPECT_INT(pthread_create(&thread, NULL, run_other, NULL), 0);
	ball.fn = on_ball_there;
	loop_post(other, &ball);
	EXPECT(run_until_stopped(loop));
	loop_post(other, &end);
	pthread_join(thread, NULL);
	loop_free(other);
	teardown();
}

/* --- sockets --- */

static int
option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	EXPECT_INT(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

/* Connections of both kinds, made and accepted. */
TEST(the_kernel_finds_out_who_has_gone)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage bound;
	socklen_t len;
	int fd[3];

	fd[0] = loop_listen((struct sockaddr *)&to, sizeof(to), false, &bound, &len);
	EXPECT(fd[0] >= 0);
	fd[1] = loop_connect((struct sockaddr *)&bound, len);
	EXPECT(fd[1] >= 0);
	fd[2] = -1;
	for (int i = 0; i < 1000 && fd[2] < 0; i++) {
		struct pollfd wait = { .fd = fd[0], .events = POLLIN };

		poll(&wait, 1, 100);
		fd[2] = loop_accept(fd[0], &bound, &len);
	}
	for (int i = 1; i < 3; i++) {
		EXPECT_INT(option(fd[i], SOL_SOCKET, SO_KEEPALIVE), 1);
		EXPECT_INT(option(fd[i], IPPROTO_TCP, TCP_KEEPIDLE) * 1000,
		    LIMIT_TCP_PROBE_IDLE_MS);
		EXPECT_INT(option(fd[i], IPPROTO_TCP, TCP_KEEPINTVL) * 1000, LIMIT_TCP_PROBE_MS);
		EXPECT_INT(option(fd[i], IPPROTO_TCP, TCP_KEEPCNT), LIMIT_TCP_PROBES);
		EXPECT_INT(option(fd[i], IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	}
	for (int i = 0; i < 3; i++)
		loop_close(fd[i]);
}

TESTS(TEST_ROW(the_kernel_finds_out_who_has_gone) TEST_ROW(timers_fire_in_order)
	TEST_ROW(timers_many) TEST_ROW(timer_of_no_delay_runs_once_a_turn) TEST_ROW(order_of_a_turn)
	    TEST_ROW(edges_come_once) TEST_ROW(again_is_told_next_turn)
		TEST_ROW(unwatched_in_the_batch) TEST_ROW(mail_keeps_order_per_sender)
		    TEST_ROW(mail_wakes_a_sleeping_loop))
