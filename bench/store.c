/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store by itself, for `bench/inbox`: what of a webhook's time is the database's.
 *
 *	store put FILE ACCOUNT N AT_ONCE BYTES [TUNNEL LANES]
 *	    N deliveries of BYTES with an order key each, AT_ONCE under way; for one TUNNEL, in so
 *	    many LANES (0: without order)
 *
 * The next request is submitted where the last one is answered, on the store's own thread, so the
 * processor time is that thread's alone.  One JSON object on stdout.
 */
#include "base/clock.h"
#include "store/inbox.h"
#include "store/sqlite/engine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { AT_ONCE_MAX = 1024, TUNNELS = 4, LANES = 256 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t over = PTHREAD_COND_INITIALIZER;

struct sender {
	struct inbox_req req;
	char order[32], dedupe[32];
};

static struct store *store;
static struct sender senders[AT_ONCE_MAX];
static unsigned long n_started, n_done, n_wanted, n_failed;
static struct slice head, body;
static const char *account, *tunnel;
static unsigned long n_lanes = LANES;

static void
start(struct sender *s)
{
	unsigned long n = n_started++;

	if (tunnel != NULL)
		snprintf(s->req.tunnel, sizeof(s->req.tunnel), "%s", tunnel);
	else
		snprintf(s->req.tunnel, sizeof(s->req.tunnel), "bench%lu", n % TUNNELS);
	s->req.put.order_key = S("");
	if (n_lanes > 0)
		s->req.put.order_key = slice_of(s->order,
		    (size_t)snprintf(s->order, sizeof(s->order), "acme/web b%lu", n % n_lanes));
	s->req.put.dedupe_key = slice_of(s->dedupe,
	    (size_t)snprintf(s->dedupe, sizeof(s->dedupe), "%lx-%lu", (n + 1) * 2654435761, n));
	s->req.now_ms = s->req.mono_ms = 0;
	inbox_submit(store, &s->req);
}

/* On the store's thread. */
static void
on_put(struct inbox_req *req)
{
	struct sender *s = req->owner;

	pthread_mutex_lock(&mutex);
	n_done++;
	n_failed += req->result != STORE_OK || req->duplicate;
	if (n_done == n_wanted)
		pthread_cond_signal(&over);
	if (n_started < n_wanted)
		start(s);
	pthread_mutex_unlock(&mutex);
}

static void
prepare(struct sender *s)
{
	s->req.op = INBOX_PUT;
	s->req.done = on_put;
	s->req.owner = s;
	snprintf(s->req.account, sizeof(s->req.account), "%s", account);
	s->req.put.event = S("bitbucket:repo:push");
	s->req.put.provider_id = S("00000000-0000-0000-0000-000000000000");
	s->req.put.method = S("POST");
	s->req.put.target = S("/bitbucket-hook/");
	s->req.put.dedupe_ms = 86400000;
	s->req.put.head = head;
	s->req.put.body = body;
}

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
on_token(struct store_req *req)
{
	pthread_mutex_lock(&mutex);
	n_failed += req->result != STORE_OK;
	n_done = 1;
	pthread_cond_signal(&over);
	pthread_mutex_unlock(&mutex);
}

static void
wait_for(unsigned long n)
{
	pthread_mutex_lock(&mutex);
	while (n_done < n)
		pthread_cond_wait(&over, &mutex);
	n_done = 0;
	pthread_mutex_unlock(&mutex);
}

/* A token makes its account. */
static void
make_account(void)
{
	struct store_req req = { .op = STORE_TOKEN_ADD, .done = on_token };

	snprintf(req.account, sizeof(req.account), "%s", account);
	store_submit(store, &req);
	wait_for(1);
	store_req_fini(&req);
}

static int
put_command(const char *file, unsigned at_once)
{
	char *error;
	int64_t start_us;
	double before_s, seconds;

	store = store_open(&sqlite_engine, file, &error);
	if (store == NULL) {
		fprintf(stderr, "store: %s\n", error);
		return 1;
	}
	make_account();
	start_us = clock_mono_us();
	before_s = cpu_s();
	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < at_once && n_started < n_wanted; i++) {
		prepare(&senders[i]);
		start(&senders[i]);
	}
	pthread_mutex_unlock(&mutex);
	wait_for(n_wanted);
	seconds = (double)(clock_mono_us() - start_us) / 1e6;
	printf("{\"rate\":%.1f,\"cpu_us\":%.1f,\"per_commit\":%.1f,\"failed\":%lu}\n",
	    (double)n_wanted / seconds, (cpu_s() - before_s) * 1e6 / (double)n_wanted,
	    (double)n_wanted / (double)store_commits(store), n_failed);
	store_close(store);
	return n_failed == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static char bytes[LIMIT_INBOX_BODY_BYTES], fields[600], pad[400];
	bool good = argc == 7 || argc == 9;
	size_t n = good ? strtoul(argv[6], NULL, 10) : 0;
	unsigned at_once = good ? (unsigned)atoi(argv[5]) : 0;

	if (!good || strcmp(argv[1], "put") != 0 || at_once == 0 || at_once > AT_ONCE_MAX ||
	    n > sizeof(bytes)) {
		fputs("usage: store put FILE ACCOUNT N AT_ONCE BYTES [TUNNEL LANES]\n", stderr);
		return 2;
	}
	account = argv[3];
	n_wanted = strtoul(argv[4], NULL, 10);
	memset(bytes, 'x', n);
	memset(pad, 'h', sizeof(pad) - 1);
	body = slice_of(bytes, n);
	head = slice_of(fields,
	    (size_t)snprintf(fields, sizeof(fields),
		"POST /bitbucket-hook/ HTTP/1.1\r\nHost: drain.localhost\r\nX-Pad: %s\r\n"
		"Content-Length: %zu\r\n\r\n",
		pad, n));
	if (argc == 9) {
		tunnel = argv[7];
		n_lanes = strtoul(argv[8], NULL, 10);
	}
	return put_command(argv[2], at_once);
}
