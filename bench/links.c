/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many idle agents in one process, for `make bench`: how fast the edge accepts links and what each
 *costs it.
 *
 *	links [-j PARALLEL] [-n TUNNELS] ADDRESS HOST CA TOKEN-FILE COUNT
 *
 * Opens COUNT links, PARALLEL at a time, each with TUNNELS unnamed tunnels (0 as a rule); prints
 *one JSON line when all were welcomed, holds them (answering PINGs) until stdin ends.
 */
#include "base/clock.h"
#include "net/addr.h"
#include "relay/carrier.h"
#include "tunnel/hello.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct agent {
	struct conn conn; /* until the handshake is done */
	struct carrier carrier;
	int number;
	bool up;
};

static struct {
	struct addr addr;
	struct sockaddr_storage sa;
	socklen_t sa_len;
	const char *host;
	char token[128];
	struct tls_client *tls;
	struct loop *loop;
	struct carrier_shared shared;
	struct agent *agents;
	struct loop_io stdin_io;
	int count, parallel, tunnels, started, welcomed, lost;
	int64_t start_us;
} g = { .parallel = 64 };

static void start_next(void);

static void
on_control(struct carrier *c, struct slice json)
{
	struct agent *a = c->owner;
	double seconds;

	if (a->up)
		return;
	if (memmem(json.p, json.n, "welcome", 7) == NULL) {
		fprintf(stderr, "links: refused: %.*s\n", PS(json));
		exit(1);
	}
	a->up = true;
	if (++g.welcomed < g.count) {
		start_next();
		return;
	}
	seconds = (double)(clock_mono_us() - g.start_us) / 1e6;
	printf("{\"links\":%d,\"seconds\":%.3f,\"links_per_s\":%.1f}\n", g.welcomed, seconds,
	    g.welcomed / seconds);
	fflush(stdout);
}

static void
on_closed(struct carrier *c, uint32_t code, const char *why)
{
	(void)c;
	if (g.lost++ == 0)
		fprintf(stderr, "links: a link was lost: %s: %s\n", link_code_name(code), why);
}

static const struct carrier_ops ops = { .control = on_control, .closed = on_closed };

static void
say_hello(struct agent *a)
{
	struct hello *h = calloc(1, sizeof(*h));
	struct buf out;

	if (h == NULL)
		exit(1);
	h->type = HELLO_HELLO;
	h->protocol = LINK_PROTOCOL;
	snprintf(h->program, sizeof(h->program), "links/1");
	snprintf(h->token, sizeof(h->token), "%s", g.token);
	h->n_tunnels = (size_t)g.tunnels;
	for (int i = 0; i < g.tunnels; i++) {
		h->tunnels[i].id = (uint16_t)(i + 1);
		h->tunnels[i].kind = TUNNEL_HTTP;
		snprintf(h->tunnels[i].key, sizeof(h->tunnels[i].key), "links-%d-%d", a->number, i);
	}
	buf_init(&out, LIMIT_CONTROL_BYTES);
	hello_encode(h, &out);
	carrier_control(&a->carrier, buf_slice(&out));
	buf_fini(&out);
	free(h);
}

static void
on_conn(struct conn *c, unsigned events)
{
	struct agent *a = list_of(c, struct agent, conn);
	enum io io;

	(void)events;
	if (loop_connect_result(c->io.fd) == EINPROGRESS)
		return;
	io = conn_handshake(c);
	if (io == IO_WAIT)
		return;
	if (io != IO_OK) {
		fprintf(stderr, "links: %s\n", conn_error(c));
		exit(1);
	}
	conn_detach(c);
	if (carrier_init(&a->carrier, g.loop, &g.shared, c, LINK_AGENT, &ops, a) != 0) {
		perror("links");
		exit(1);
	}
	say_hello(a);
}

static void
start_next(void)
{
	struct agent *a;
	int fd;

	if (g.started == g.count)
		return;
	a = &g.agents[g.started];
	a->number = g.started++;
	fd = loop_connect((struct sockaddr *)&g.sa, g.sa_len);
	if (fd < 0) {
		perror("links: connect");
		exit(1);
	}
	conn_init(&a->conn, fd, tls_connect(g.tls, g.host), on_conn);
	if (conn_attach(&a->conn, g.loop) != 0) {
		perror("links");
		exit(1);
	}
}

static void
on_stdin(struct loop_io *io, unsigned events)
{
	char c;

	(void)events;
	if (read(io->fd, &c, 1) == 0)
		loop_stop(g.loop);
}

static void
read_token(const char *path)
{
	FILE *f = fopen(path, "r");

	if (f == NULL || fgets(g.token, sizeof(g.token), f) == NULL) {
		perror(path);
		exit(1);
	}
	g.token[strcspn(g.token, "\r\n")] = '\0';
	fclose(f);
}

int
main(int argc, char **argv)
{
	struct tls_client_params p = { .verify = true, .link = true };
	struct rlimit files;
	char *error = NULL;
	const char *why;
	int c;

	signal(SIGPIPE, SIG_IGN);
	while ((c = getopt(argc, argv, "j:n:")) != -1) {
		if (c == 'j')
			g.parallel = atoi(optarg);
		else if (c == 'n')
			g.tunnels = atoi(optarg);
	}
	if (argc - optind != 5) {
		fprintf(stderr,
		    "usage: links [-j PARALLEL] [-n TUNNELS] ADDRESS HOST CA TOKEN-FILE COUNT\n");
		return 2;
	}
	argv += optind;
	why = addr_parse(slice_str(argv[0]), &g.addr);
	if (why != NULL || addr_sockaddr(&g.addr, false, &g.sa, &g.sa_len) != 0) {
		fprintf(stderr, "links: %s: %s\n", argv[0], why != NULL ? why : "not numeric");
		return 2;
	}
	g.host = argv[1];
	p.ca_path = argv[2];
	read_token(argv[3]);
	g.count = atoi(argv[4]);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	g.tls = tls_client_new(&p, &error);
	g.loop = loop_new();
	g.agents = calloc((size_t)g.count, sizeof(*g.agents));
	if (g.tls == NULL || g.loop == NULL || g.agents == NULL ||
	    carrier_shared_init(&g.shared, (size_t)g.count) != 0) {
		fprintf(stderr, "links: %s\n", error != NULL ? error : "no memory");
		return 1;
	}
	g.stdin_io = (struct loop_io){ .fd = 0, .fn = on_stdin };
	if (loop_watch(g.loop, &g.stdin_io) != 0)
		return 1;
	g.start_us = clock_mono_us();
	for (int i = 0; i < g.parallel; i++)
		start_next();
	loop_run(g.loop);
	fprintf(stderr, "links: %d lost\n", g.lost);
	return g.lost > 0;
}
