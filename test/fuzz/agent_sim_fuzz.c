/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent between a hostile edge and an origin that does as it likes, on the simulated loop.
 *
 * The input is a script: frames well formed or not, control messages, the answers of the origin,
 * its ends, time.  Whatever the edge says: nothing is left behind when the link has gone, and what
 * reaches the origin is HTTP by our own strict parser, request by request (S-08, S-13).
 */
#include "agent/serve/byte_stream.h"
#include "agent/serve/http_stream.h"
#include "agent/core/lines.h"
#include "agent/link/uplink.h"
#include "base/log.h"
#include "fuzz/must.h"
#include "net/loop_sim.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#define SECOND 1000000LL
#define TUNNELS 4
#define VISITS 8
#define RUNS_PER_WORLD 64
#define KEPT_BYTES 16384

/* A connection at the origin's side. */
struct visit {
	struct conn conn;
	bool open, web, raw; /* web: requests are checked; raw: an upgrade was agreed to */
	char got[KEPT_BYTES];
	size_t n, n_answered;
};

static struct world {
	struct loop *loop;
	struct resolver *resolver;
	struct serve serve;
	struct lines lines;
	struct client client;
	struct agent_tunnel tunnels[TUNNELS];
	int listener[TUNNELS];
	struct loop_io accept[TUNNELS];
	struct visit visits[VISITS];
	unsigned n_visits;
	uint8_t answer;
	struct conn edge;
	bool edge_reads;
	uint32_t next_stream;
} w;

/* --- the script --- */

struct script {
	const uint8_t *p;
	size_t n;
};

static uint8_t
next(struct script *s)
{
	if (s->n == 0)
		return 0;
	s->n--;
	return *s->p++;
}

static struct slice
next_bytes(struct script *s, size_t n)
{
	struct slice got = slice_of(s->p, n < s->n ? n : s->n);

	s->p += got.n;
	s->n -= got.n;
	return got;
}

/* --- the origin --- */

static const char *const answers[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"HTTP/1.0 200 OK\r\n\r\nuntil the end",
	"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nraw",
	"",
	"HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
	"no HTTP at all\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\nshort",
	"HTTP/1.1 304 Not Modified\r\n\r\n",
};
enum { ANSWERS = sizeof(answers) / sizeof(*answers), CLOSES = 2, SWITCHES = 3 };

static void
visit_say(struct visit *v, struct slice s)
{
	struct iovec iov = { (void *)(uintptr_t)s.p, s.n };
	size_t n;

	if (v->open && s.n > 0)
		(void)!conn_write(&v->conn, &iov, 1, &n);
}

static void
visit_close(struct visit *v)
{
	if (v->open)
		conn_close(&v->conn);
	v->open = false;
}

/* All that has come is whole requests, and perhaps the beginning of another. How many are whole. */
static size_t
check_requests(const struct visit *v)
{
	struct slice rest = slice_of(v->got, v->n), data;
	struct h1 *h = calloc(1, sizeof(*h));
	enum h1_result r;
	size_t n = 0;

	MUST(h != NULL);
	while (rest.n > 0) {
		h1_init(h, H1_REQUEST);
		r = h1_head(h, rest);
		MUST(r != H1_BAD);
		if (r != H1_DONE)
			break;
		rest = slice_from(rest, h->head.n_bytes);
		while ((r = h1_body(h, &rest, &data)) == H1_DATA)
			;
		MUST(r != H1_BAD);
		if (r != H1_DONE)
			break;
		n++;
		if (h->head.flags & H1_UPGRADE)
			break; /* what follows is not HTTP */
	}
	free(h);
	return n;
}

static void
visit_answer(struct visit *v)
{
	const char *text = answers[w.answer % ANSWERS];

	if (!v->web || v->raw || v->n == KEPT_BYTES || check_requests(v) <= v->n_answered)
		return;
	v->n_answered++;
	v->raw = w.answer % ANSWERS == SWITCHES;
	visit_say(v, slice_str(text));
	if (w.answer % ANSWERS == CLOSES)
		visit_close(v);
}

static void
on_visit(struct conn *c, unsigned events)
{
	struct visit *v = list_of(c, struct visit, conn);
	static char bytes[65536];
	size_t n;

	while (v->open && (events & LOOP_IN)) {
		enum io io = conn_read(c, bytes, sizeof(bytes), &n);

		if (io != IO_OK)
			break;
		if (n > KEPT_BYTES - v->n)
			n = KEPT_BYTES - v->n;
		memcpy(v->got + v->n, bytes, n);
		v->n += n;
		visit_answer(v);
	}
}

static void
on_accept(struct loop_io *io, unsigned events)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	(void)events;
	while ((fd = loop_accept(io->fd, &ss, &len)) >= 0) {
		struct visit *v = &w.visits[w.n_visits++ % VISITS];

		visit_close(v);
		memset(v, 0, sizeof(*v));
		conn_init(&v->conn, fd, NULL, on_visit);
		v->web = io == &w.accept[0];
		v->open = conn_attach(&v->conn, w.loop) == 0;
		MUST(v->open);
	}
}

/* --- the edge --- */

static void
edge_say(struct slice s)
{
	struct iovec iov = { (void *)(uintptr_t)s.p, s.n };
	size_t n;

	if (conn_is_open(&w.edge) && s.n > 0)
		(void)!conn_write(&w.edge, &iov, 1, &n);
}

static void
on_edge(struct conn *c, unsigned events)
{
	static char bytes[65536];
	size_t n;

	while (w.edge_reads && (events & LOOP_IN) &&
	       conn_read(c, bytes, sizeof(bytes), &n) == IO_OK)
		;
}

static void
edge_frame(enum frame_type type, uint8_t flags, uint32_t stream, struct slice payload)
{
	char wire[FRAME_HEADER_BYTES + 4096];
	struct frame f = { (uint32_t)payload.n, (uint8_t)type, flags, stream };

	MUST(payload.n <= 4096);
	frame_encode(&f, wire);
	memcpy(wire + FRAME_HEADER_BYTES, payload.p, payload.n);
	edge_say(slice_of(wire, FRAME_HEADER_BYTES + payload.n));
}

static void
edge_u32(enum frame_type type, uint32_t stream, uint32_t value)
{
	char p[4];

	frame_put_u32(p, value);
	edge_frame(type, 0, stream, slice_of(p, 4));
}

static const char *const requests[] = {
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD /x?token=1 HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\n\r\nno length",
	"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart",
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
	"GET / HTTP/1.1\r\nHo",
	"",
	"DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
	"GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: a\r\n\r\n",
};
enum { REQUESTS = sizeof(requests) / sizeof(*requests) };

static void
edge_open(struct script *s)
{
	char payload[2048], *p = payload + FRAME_SYN_BYTES;
	uint8_t what = next(s), more = next(s);
	struct opening o = {
		.tunnel = (uint16_t)((what & 3) + (more >> 4 & 1)),
		.kind = what & 4 ? OPENING_BYTES : OPENING_HTTP,
		.request_id = S("0123456789abcdef"),
		.visitor = S("192.0.2.1:1"),
		.origin_silent_ms = what & 8 ? 1000u << (more >> 5) : 0,
	};
	struct slice request = slice_str(requests[(what >> 4) % REQUESTS]);
	size_t n = opening_encode(&o, p, 1024);

	MUST(n > 0);
	frame_put_u32(payload, more & 1 ? 65536 : (uint32_t)request.n);
	frame_put_u32(payload + 4, more & 2 ? 16384 : more & 4 ? 1 << 20 : 3);
	memcpy(p + n, request.p, request.n);
	edge_frame(FRAME_DATA, FRAME_SYN | (more & 8 ? FRAME_FIN : 0), w.next_stream++,
	    slice_of(payload, FRAME_SYN_BYTES + n + request.n));
}

static const char *const messages[] = {
	"{\"type\":\"waiting\",\"id\":1,\"waits\":true}",
	"{\"type\":\"waiting\",\"id\":3,\"waits\":true}",
	"{\"type\":\"waiting\",\"id\":1,\"waits\":false}",
	"{\"type\":\"replaced\",\"id\":1,\"text\":\"x\"}",
	"{\"type\":\"replaced\",\"id\":2,\"text\":\"x\"}",
	"{\"type\":\"probed\",\"id\":1,\"probe\":\"ok\",\"status\":200,\"us\":1}",
	"{\"type\":\"refused\",\"code\":\"busy\",\"text\":\"x\",\"retry_ms\":10}",
	"{\"type\":\"refused\",\"code\":\"bad-token\",\"text\":\"x\",\"retry_ms\":0}",
	"{\"type\":\"to-come\",\"id\":1}",
	"{\"type\":\"waiting\",\"id\":0}",
	"{\"type\":\"hello\",\"protocol\":1,\"token\":\"t\",\"tunnels\":[]}",
	"{\"type\":\"welcome\",\"protocol\":1,\"generation\":1,\"tunnels\":[{\"id\":1,\"error\":"
	"\"x\"},"
	"{\"id\":2,\"error\":\"store-full\"},{\"id\":3,\"error\":\"replaced\"}]}",
	"{\"type\":\"welcome\",\"protocol\":1,\"generation\":1,\"account\":\"a\",\"tunnels\":[{"
	"\"id\":1,"
	"\"name\":\"web\",\"url\":\"https://"
	"w\",\"probe\":true},{\"id\":2,\"port\":1,\"url\":\"tcp://x\"},"
	"{\"id\":3,\"name\":\"dead\",\"url\":\"u\"},{\"id\":4,\"name\":\"tls\",\"url\":\"https://"
	"t\"},"
	"{\"id\":9,\"url\":\"u\"}]}",
};
enum { MESSAGES = sizeof(messages) / sizeof(*messages), WELCOME = MESSAGES - 1 };

/* --- time --- */

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

static void
pass_time(int64_t us)
{
	(void)sim_run_until(never, NULL, us);
}

/* --- the world --- */

static void
on_over(struct client *c, int exit_code)
{
	(void)c;
	(void)exit_code;
}

static void
open_tunnel(int i, enum tunnel_kind kind, uint16_t port, bool listens)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static char text[TUNNELS][32];
	struct config_tunnel t = { .kind = kind, .origin = text[i] };
	struct sockaddr_storage bound;
	socklen_t len;

	snprintf(text[i], sizeof(text[i]), "127.0.0.1:%u", port);
	MUST(origin_init(&w.tunnels[i].origin, &w.serve.origins, &t) == NULL);
	w.tunnels[i].ask.id = (uint16_t)(i + 1);
	w.tunnels[i].ask.kind = kind;
	if (!listens)
		return;
	w.listener[i] = loop_listen((struct sockaddr *)&in, sizeof(in), false, &bound, &len);
	w.accept[i] = (struct loop_io){ .fd = w.listener[i], .fn = on_accept };
	MUST(w.listener[i] >= 0 && loop_watch(w.loop, &w.accept[i]) == 0);
}

static void
begin_world(void)
{
	/* No certificate is ever looked at here, and reading all that a system trusts takes longer
	 * than the runs of a world. */
	setenv("SSL_CERT_FILE", "/dev/null", 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	log_init(STDERR_FILENO, LOG_ERROR, LOG_LOGFMT);
	sim_new(1);
	w.loop = loop_new();
	w.resolver = resolver_new(w.loop);
	MUST(w.loop != NULL && w.resolver != NULL);
	lines_init(&w.lines, -1, LINES_JSON, true);
	MUST(serve_init(&w.serve, w.loop, w.resolver, &w.lines.screen, w.tunnels, TUNNELS) == 0);
	open_tunnel(0, TUNNEL_HTTP, 8080, true);
	open_tunnel(1, TUNNEL_TCP, 22, true);
	open_tunnel(2, TUNNEL_HTTP, 9, false);
	open_tunnel(3, TUNNEL_TLS, 8443, true);
	w.client = (struct client){ .loop = w.loop,
		.serve = &w.serve,
		.screen = &w.lines.screen,
		.token = "t",
		.over = on_over };
	MUST(client_init(&w.client, w.resolver, "127.0.0.1:443", NULL) == NULL);
}

static void
on_turn(struct loop_timer *t)
{
	(void)t;
}

/* Also where no event is due: the graveyard is emptied. */
static void
one_turn(void)
{
	static struct loop_timer turn = { .fn = on_turn };

	loop_timer_set(w.loop, &turn, 0);
	pass_time(SECOND / 100);
}

/* The simulated network keeps what it was: now and then it begins anew. */
static void
end_world(void)
{
	client_fini(&w.client);
	for (int i = 0; i < TUNNELS; i++) {
		origin_fini(&w.tunnels[i].origin);
		if (w.listener[i] != 0) {
			loop_unwatch(&w.accept[i]);
			loop_close(w.listener[i]);
		}
	}
	one_turn();
	serve_fini(&w.serve);
	resolver_free(w.resolver);
	lines_fini(&w.lines);
	loop_free(w.loop);
	MUST(sim_free() == 0);
	memset(&w, 0, sizeof(w));
}

/* A link past its handshake; the client is as it was when it had dialled. */
static void
connect_link(void)
{
	struct conn conn;
	int fd[2];

	for (int i = 0; i < TUNNELS; i++) {
		w.tunnels[i].state = TUNNEL_WANTED;
		w.tunnels[i].probing = false;
	}
	w.client.state = CLIENT_GREETING;
	w.client.at_once = false;
	w.n_visits = 0;
	w.answer = 0;
	w.next_stream = 1;
	w.edge_reads = true;
	sim_connect_mode(0);
	sim_pair(fd);
	conn_init(&conn, fd[0], NULL, NULL);
	conn_init(&w.edge, fd[1], NULL, on_edge);
	MUST(conn_attach(&w.edge, w.loop) == 0);
	MUST(uplink_open(&w.client, &conn) != NULL);
}

/* The edge goes away; nothing of its streams stays. */
static void
disconnect_link(void)
{
	struct client *c = &w.client;

	conn_close(&w.edge);
	pass_time(SECOND / 10);
	while (!list_empty(&c->draining))
		carrier_close(&list_of(c->draining.next, struct uplink, node)->carrier,
		    LINK_CODE_OK, "over");
	if (c->session != NULL)
		carrier_close(&c->session->carrier, LINK_CODE_OK, "over");
	one_turn();
	MUST(c->session == NULL && list_empty(&c->draining));
	edge_dial_cancel(&c->dial);
	loop_timer_stop(w.loop, &c->timer);
	loop_timer_stop(w.loop, &c->sweep);
	loop_timer_stop(w.loop, &c->probed);
	for (int i = 0; i < TUNNELS; i++) {
		w.tunnels[i].look.down = false;
		while (!list_empty(&w.tunnels[i].origin.idle))
			origin_drop(list_of(w.tunnels[i].origin.idle.next, struct origin_conn,
			    node));
	}
	for (int i = 0; i < VISITS; i++)
		visit_close(&w.visits[i]);
	one_turn();
	MUST(w.serve.exchanges.n_out == 0);
	MUST(w.serve.bytes.n_out == 0);
	MUST(w.serve.heads.n_out == 0);
	MUST(w.serve.origins.conns.n_out == 0);
	MUST(w.client.carriers.streams.n_out == 0);
	MUST(w.client.carriers.out_blocks.n_out == 0);
}

static void
step(struct script *s)
{
	uint8_t op = next(s), a = next(s);
	struct visit *v = &w.visits[a % VISITS];
	char p[8192];

	switch (op % 16) {
	case 0:
		edge_say(next_bytes(s, a));
		break;
	case 1:
		edge_frame((enum frame_type)(a & 15), a >> 4, next(s), next_bytes(s, next(s)));
		break;
	case 2:
		edge_open(s);
		break;
	case 3:
		edge_frame(FRAME_DATA, next(s) & 1 ? FRAME_FIN : 0, a, next_bytes(s, next(s)));
		break;
	case 4:
		edge_frame(FRAME_CONTROL, 0, 0, slice_str(messages[a % MESSAGES]));
		break;
	case 5:
		edge_u32(FRAME_WINDOW, a, 1u << (next(s) & 31));
		break;
	case 6:
		edge_u32(FRAME_RST, a, next(s));
		break;
	case 7:
		memset(p, 0, 12);
		p[7] = (char)a;
		edge_frame(FRAME_GOAWAY, 0, 0, slice_of(p, 12));
		break;
	case 8:
		pass_time((int64_t)1 << (a % 27));
		break;
	case 9:
		w.answer = a;
		break;
	case 10:
		visit_say(v, next_bytes(s, next(s)));
		break;
	case 11:
		visit_close(v);
		break;
	case 12:
		edge_frame(FRAME_PING, a & 1, 0, S("12345678"));
		break;
	case 13:
		w.edge_reads = (a & 1) != 0;
		if (w.edge_reads && conn_is_open(&w.edge))
			loop_again(&w.edge.io, LOOP_IN);
		break;
	case 14:
		sim_connect_mode(a % 3 == 0 ? 0 : a % 3 == 1 ? ECONNREFUSED : -1);
		break;
	case 15:
		memset(p, a, 4096);
		edge_frame(FRAME_DATA, 0, next(s), slice_of(p, 4096));
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static unsigned n_runs;
	struct script s = { data, n < 4096 ? n : 4096 };

	if (w.loop == NULL)
		begin_world();
	connect_link();
	if (next(&s) & 1)
		edge_frame(FRAME_CONTROL, 0, 0, slice_str(messages[WELCOME]));
	pass_time(1000);
	while (s.n > 0) {
		step(&s);
		pass_time(300);
	}
	pass_time(SECOND);
	disconnect_link();
	if (++n_runs % RUNS_PER_WORLD == 0)
		end_world();
	return 0;
}
