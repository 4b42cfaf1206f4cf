/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load generator for `make bench`: HTTP/1.1 over TCP or TLS, one thread.
 *
 *	load [-m MODE] [-c CONNS] [-t SECONDS] [-r RATE] [-H HOST] [-k CA] ADDRESS PATH
 *
 * MODE rps:   keep-alive, each connection asks again as soon as it is answered (closed loop)
 *      close: a new connection for every request
 *      rate:  RATE requests a second over all connections (open loop): latency counts from the
 *             moment a request was due, not from when it could be sent
 *      bulk:  as rps; bytes count, not requests
 *      stall: asks once on each connection and never reads
 * One JSON object on stdout.  Answers that are not 2xx are counted apart: a run with errors is no
 *figure.
 */
#include "base/clock.h"
#include "http/h1.h"
#include "net/addr.h"
#include "net/conn.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum mode { MODE_RPS, MODE_CLOSE, MODE_RATE, MODE_BULK, MODE_STALL };
static const char *const mode_names[] = { "rps", "close", "rate", "bulk", "stall" };

/* Latencies in a log-linear histogram: 64 steps an octave, error below 1.6 %. */
#define STEPS 64
#define BUCKETS (STEPS * 40)

struct visitor {
	struct conn conn;
	struct h1 h1;
	char head[16384];
	size_t head_n, sent;
	bool open, busy, in_body, handshaking;
	int64_t due_us;
	struct loop_grave grave;
};

static struct {
	enum mode mode;
	int conns;
	double seconds, rate;
	const char *host, *ca;
	struct addr addr;
	struct sockaddr_storage sa;
	socklen_t sa_len;
	struct tls_client *tls;
	char request[2048];
	size_t request_n;
	struct loop *loop;
	struct visitor *visitors;
	int64_t start_us, end_us;
	uint64_t done, errors, not_2xx, bytes, issued, connects;
	uint64_t hist[BUCKETS];
	uint64_t max_us;
	struct loop_timer stop, pace;
} g = { .conns = 64, .seconds = 3, .rate = 4000, .host = "localhost" };

static void visitor_open(struct visitor *v);

static size_t
bucket(uint64_t us)
{
	unsigned shift = 0;

	while (us >> shift >= 2 * STEPS)
		shift++;
	return shift * STEPS + (us >> shift);
}

static double
bucket_us(size_t i)
{
	size_t shift = i < 2 * STEPS ? 0 : i / STEPS - 1;

	return (double)((i - shift * STEPS) << shift);
}

static double
percentile(double p)
{
	uint64_t want = (uint64_t)((double)g.done * p), sum = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		sum += g.hist[i];
		if (sum > want)
			return bucket_us(i);
	}
	return (double)g.max_us;
}

static void
record(struct visitor *v)
{
	int64_t us = clock_mono_us() - v->due_us;
	size_t i = bucket(us < 0 ? 0 : (uint64_t)us);

	g.hist[i < BUCKETS ? i : BUCKETS - 1]++;
	if ((uint64_t)us > g.max_us)
		g.max_us = (uint64_t)us;
	g.done++;
	if (v->h1.head.status / 100 != 2)
		g.not_2xx++;
}

static void
visitor_close(struct visitor *v)
{
	if (!v->open)
		return;
	v->open = false;
	conn_close(&v->conn);
}

static void
visitor_send(struct visitor *v)
{
	struct iovec iov;
	size_t n;

	while (v->sent < g.request_n) {
		iov = (struct iovec){ g.request + v->sent, g.request_n - v->sent };
		switch (conn_write(&v->conn, &iov, 1, &n)) {
		case IO_OK:
			v->sent += n;
			break;
		case IO_WAIT:
			return;
		case IO_EOF:
		case IO_FAIL:
			g.errors++;
			visitor_close(v);
			return;
		}
	}
}

static void
visitor_ask(struct visitor *v, int64_t due_us)
{
	v->busy = true;
	v->due_us = due_us;
	v->sent = v->head_n = 0;
	v->in_body = false;
	h1_reset(&v->h1);
	g.issued++;
	visitor_send(v);
}

static int64_t
next_due(void)
{
	return g.start_us + (int64_t)((double)g.issued * 1e6 / g.rate);
}

/* What a free connection does next. */
static void
visitor_next(struct visitor *v)
{
	int64_t now = clock_mono_us();

	if (now >= g.end_us)
		return;
	if (g.mode != MODE_RATE)
		visitor_ask(v, now);
	else if (next_due() <= now)
		visitor_ask(v, next_due());
}

static void
answered(struct visitor *v)
{
	bool keep = v->h1.head.flags & H1_KEEP_ALIVE && g.mode != MODE_CLOSE;

	record(v);
	v->busy = false;
	if (keep) {
		visitor_next(v);
		return;
	}
	visitor_close(v);
	if (clock_mono_us() < g.end_us)
		visitor_open(v);
}

/* Returns false when the visitor must not be touched any more this time. */
static bool
take(struct visitor *v, struct slice in)
{
	struct slice data;

	if (!v->in_body) {
		size_t n = in.n < sizeof(v->head) - v->head_n ? in.n : sizeof(v->head) - v->head_n;
		size_t before = v->head_n;
		enum h1_result r;

		memcpy(v->head + v->head_n, in.p, n);
		v->head_n += n;
		r = h1_head(&v->h1, slice_of(v->head, v->head_n));
		if (r == H1_MORE && v->head_n < sizeof(v->head))
			return true;
		if (r != H1_DONE) {
			g.errors++;
			visitor_close(v);
			return false;
		}
		v->in_body = true;
		in = slice_from(in, v->h1.head.n_bytes - before);
	}
	for (;;) {
		switch (h1_body(&v->h1, &in, &data)) {
		case H1_MORE:
			return true;
		case H1_DATA:
			break;
		case H1_DONE:
			answered(v);
			return false;
		case H1_BAD:
			g.errors++;
			visitor_close(v);
			return false;
		}
	}
}

static void
visitor_read(struct visitor *v)
{
	char *buf = loop_scratch(g.loop);
	size_t n;

	while (v->open && v->busy) {
		switch (conn_read(&v->conn, buf, LOOP_SCRATCH_BYTES, &n)) {
		case IO_OK:
			g.bytes += n;
			if (!take(v, slice_of(buf, n)) && !v->open)
				return;
			break;
		case IO_WAIT:
			return;
		case IO_EOF:
		case IO_FAIL:
			if (clock_mono_us() < g.end_us)
				g.errors++;
			visitor_close(v);
			return;
		}
	}
}

static void
on_visitor(struct conn *c, unsigned events)
{
	struct visitor *v = list_of(c, struct visitor, conn);

	if (!v->open)
		return;
	if (v->handshaking) {
		enum io io = c->tls == NULL ? IO_OK : conn_handshake(c);

		if (c->tls == NULL && loop_connect_result(c->io.fd) == EINPROGRESS)
			return;
		if (io == IO_WAIT)
			return;
		if (io != IO_OK || loop_connect_result(c->io.fd) != 0) {
			g.errors++;
			visitor_close(v);
			return;
		}
		v->handshaking = false;
		visitor_next(v);
		return;
	}
	if (events & LOOP_OUT && v->busy)
		visitor_send(v);
	if (events & LOOP_IN && g.mode != MODE_STALL)
		visitor_read(v);
}

static void
visitor_open(struct visitor *v)
{
	struct tls *tls = NULL;
	int fd = loop_connect((struct sockaddr *)&g.sa, g.sa_len);

	if (fd < 0) {
		g.errors++;
		return;
	}
	if (g.tls != NULL)
		tls = tls_connect(g.tls, g.host);
	g.connects++;
	h1_init(&v->h1, H1_RESPONSE);
	conn_init(&v->conn, fd, tls, on_visitor);
	conn_tune(&v->conn, 0, 0);
	v->open = v->handshaking = true;
	v->busy = false;
	if (conn_attach(&v->conn, g.loop) != 0) {
		g.errors++;
		visitor_close(v);
	}
}

static void
on_stop(struct loop_timer *t)
{
	(void)t;
	loop_stop(g.loop);
}

/* Open loop: gives requests that are due to free connections. */
static void
on_pace(struct loop_timer *t)
{
	int64_t now = clock_mono_us();

	for (int i = 0; i < g.conns && next_due() <= now; i++) {
		struct visitor *v = &g.visitors[i];

		if (v->open && !v->busy && !v->handshaking)
			visitor_next(v);
	}
	loop_timer_set(g.loop, t, 250);
}

static int
usage(void)
{
	fprintf(stderr,
	    "usage: load [-m rps|close|rate|bulk|stall] [-c CONNS] [-t SECONDS] [-r RATE] "
	    "[-H HOST] [-k CA] ADDRESS PATH\n");
	return 2;
}

static int
parse(int argc, char **argv)
{
	const char *why;
	int c;

	while ((c = getopt(argc, argv, "m:c:t:r:H:k:")) != -1) {
		switch (c) {
		case 'm':
			for (g.mode = MODE_RPS; strcmp(mode_names[g.mode], optarg) != 0; g.mode++)
				if (g.mode == MODE_STALL)
					return usage();
			break;
		case 'c':
			g.conns = atoi(optarg);
			break;
		case 't':
			g.seconds = atof(optarg);
			break;
		case 'r':
			g.rate = atof(optarg);
			break;
		case 'H':
			g.host = optarg;
			break;
		case 'k':
			g.ca = optarg;
			break;
		default:
			return usage();
		}
	}
	if (argc - optind != 2 || g.conns < 1 || g.seconds <= 0 || g.rate <= 0)
		return usage();
	why = addr_parse(slice_str(argv[optind]), &g.addr);
	if (why != NULL || addr_sockaddr(&g.addr, false, &g.sa, &g.sa_len) != 0) {
		fprintf(stderr, "load: %s: %s\n", argv[optind], why != NULL ? why : "not numeric");
		return 2;
	}
	g.request_n = (size_t)snprintf(g.request, sizeof(g.request),
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: */*\r\n%s\r\n",
	    argv[optind + 1], g.host, g.mode == MODE_CLOSE ? "Connection: close\r\n" : "");
	return 0;
}

int
main(int argc, char **argv)
{
	char *error = NULL;
	double seconds;

	signal(SIGPIPE, SIG_IGN);
	if (parse(argc, argv) != 0)
		return 2;
	if (g.ca != NULL) {
		struct tls_client_params p = { .ca_path = g.ca, .verify = true };

		g.tls = tls_client_new(&p, &error);
		if (g.tls == NULL) {
			fprintf(stderr, "load: %s\n", error);
			return 1;
		}
	}
	g.loop = loop_new();
	g.visitors = calloc((size_t)g.conns, sizeof(*g.visitors));
	if (g.loop == NULL || g.visitors == NULL)
		return 1;
	g.start_us = clock_mono_us();
	g.end_us = g.start_us + (int64_t)(g.seconds * 1e6);
	g.stop.fn = on_stop;
	g.pace.fn = on_pace;
	loop_timer_set(g.loop, &g.stop, g.end_us - g.start_us);
	if (g.mode == MODE_RATE)
		loop_timer_set(g.loop, &g.pace, 250);
	for (int i = 0; i < g.conns; i++)
		visitor_open(&g.visitors[i]);
	loop_run(g.loop);
	seconds = (double)(clock_mono_us() - g.start_us) / 1e6;
	printf("{\"mode\":\"%s\",\"conns\":%d,\"seconds\":%.3f,\"requests\":%llu,\"rps\":%.1f,"
	       "\"gbit_s\":%.3f,\"bytes\":%llu,\"errors\":%llu,\"not_2xx\":%llu,\"connects\":%llu,"
	       "\"issued\":%llu,\"p50_us\":%.0f,\"p90_us\":%.0f,\"p99_us\":%.0f,\"p999_us\":%.0f,"
	       "\"max_us\":%llu}\n",
	    mode_names[g.mode], g.conns, seconds, (unsigned long long)g.done,
	    (double)g.done / seconds, (double)g.bytes * 8 / seconds / 1e9,
	    (unsigned long long)g.bytes, (unsigned long long)g.errors,
	    (unsigned long long)g.not_2xx, (unsigned long long)g.connects,
	    (unsigned long long)g.issued, percentile(0.5), percentile(0.9), percentile(0.99),
	    percentile(0.999), (unsigned long long)g.max_us);
	return 0;
}
