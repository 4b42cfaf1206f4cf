/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's states on the simulated loop: a link is handed to it as if its dial had succeeded,
 * and the test plays the edge behind it.  Nothing else answers: what is dialled, the edge or the
 * origin, stays on its way.
 */
#include "agent/link/client_private.h"
#include "agent/link/through.h"
#include "agent/link/uplink.h"

#include "agent/core/exit_code.h"
#include "agent/core/lines.h"
#include "base/log.h"
#include "net/loop_sim.h"
#include "unit.h"

#include <unistd.h>

#define SECOND 1000000LL
#define LINKS 8
/* With a pause of 1 to 1.5 s: longer than a message is under way here, and five of them shorter than
 * the 15 s for which links that are drained may be silent. */
#define GOAWAY_SHUTDOWN "\0\0\0\0\0\0\0\7\0\0\3\350"
#define WELCOME                                                                                    \
	"{\"type\":\"welcome\",\"protocol\":1,\"generation\":1,\"account\":\"a\",\"tunnels\":["    \
	"{\"id\":1,\"name\":\"web\",\"url\":\"https://web\"}]}"

static struct resolver *resolver;
static struct serve serve;
static struct lines lines;
static struct agent_tunnel tunnels[4];
static struct agent_tunnel *const tunnel = &tunnels[0];
static struct client client;
static struct conn edges[LINKS]; /* the edge's end of each link */
static int n_edges, n_talks, exit_code;
static char said[65536]; /* by the client, to any edge */
static size_t n_said;

static void
on_over(struct client *c, int code)
{
	EXPECT(c == &client);
	exit_code = code;
}

static void
on_talk(struct client *c, struct slice json, void *owner)
{
	(void)c;
	EXPECT(owner == &n_talks);
	n_talks += json.n == 0;
}

static bool
is_in(void *state)
{
	return client.state == *(enum client_state *)state;
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

static bool
comes_to(enum client_state state)
{
	return sim_run_until(is_in, &state, 60 * SECOND);
}

static void
pass(int64_t us)
{
	(void)sim_run_until(never, NULL, us);
}

static void
on_edge(struct conn *c, unsigned events)
{
	static char bytes[65536];
	size_t n;

	(void)events;
	while (conn_is_open(c) && conn_read(c, bytes, sizeof(bytes), &n) == IO_OK)
		if (n_said + n < sizeof(said)) {
			memcpy(said + n_said, bytes, n);
			n_said += n;
		}
}

static void
begin(bool once)
{
	static char text[] = "127.0.0.1:8080";
	struct config_tunnel t = { .kind = TUNNEL_HTTP, .origin = text };
	struct loop *loop;

	/* No certificate is looked at here. */
	setenv("SSL_CERT_FILE", "/dev/null", 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	log_init(STDERR_FILENO, LOG_ERROR, LOG_LOGFMT);
	sim_new(1);
	sim_connect_mode(-1);
	loop = loop_new();
	resolver = resolver_new(loop);
	lines_init(&lines, -1, LINES_JSON, true);
	memset(tunnels, 0, sizeof(tunnels));
	*tunnel = (struct agent_tunnel){ .ask = { .id = 1, .kind = TUNNEL_HTTP } };
	EXPECT(serve_init(&serve, loop, resolver, &lines.screen, tunnels, once ? 0 : 1) == 0);
	EXPECT(origin_init(&tunnel->origin, &serve.origins, &t) == NULL);
	client = (struct client){ .loop = loop,
		.serve = &serve,
		.screen = &lines.screen,
		.token = "t",
		.once = once,
		.talk = once ? on_talk : NULL,
		.talk_owner = &n_talks,
		.over = on_over };
	EXPECT(client_init(&client, resolver, "127.0.0.1:443", NULL) == NULL);
	n_edges = n_talks = 0;
	n_said = 0;
	exit_code = -1;
}

/* Whatever is left ends; nothing may be left behind. */
static void
end(void)
{
	if (client.state != CLIENT_OVER)
		client_end(&client, EXIT_STOPPED);
	EXPECT(comes_to(CLIENT_OVER));
	for (int i = 0; i < n_edges; i++)
		conn_close(&edges[i]);
	pass(SECOND / 10);
	EXPECT_INT(serve.exchanges.n_out, 0);
	EXPECT_INT(client.carriers.streams.n_out, 0);
	origin_fini(&tunnel->origin);
	client_fini(&client);
	pass(SECOND / 10);
	serve_fini(&serve);
	resolver_free(resolver);
	lines_fini(&lines);
	loop_free(client.loop);
	EXPECT_INT(sim_free(), 0);
}

/* The next link: the client is as it is when it has dialled. */
static struct conn *
greet(void)
{
	struct conn conn, *edge = &edges[n_edges++];
	int fd[2];

	if (client.state == CLIENT_OFF)
		client_start(&client);
	EXPECT(comes_to(CLIENT_DIALLING));
	edge_dial_cancel(&client.dial);
	client_move(&client, CLIENT_GREETING);
	loop_timer_set(client.loop, &client.timer, (int64_t)LIMIT_HELLO_MS * 1000);
	sim_pair(fd);
	conn_init(&conn, fd[0], NULL, NULL);
	conn_init(edge, fd[1], NULL, on_edge);
	EXPECT(conn_attach(edge, client.loop) == 0);
	EXPECT(uplink_open(&client, &conn) != NULL);
	return edge;
}

static void
say(struct conn *edge, enum frame_type type, uint8_t flags, uint32_t stream, struct slice payload)
{
	char wire[FRAME_HEADER_BYTES + 1024];
	struct frame f = { (uint32_t)payload.n, (uint8_t)type, flags, stream };
	struct iovec iov = { wire, FRAME_HEADER_BYTES + payload.n };
	size_t n;

	frame_encode(&f, wire);
	memcpy(wire + FRAME_HEADER_BYTES, payload.p, payload.n);
	EXPECT(conn_write(edge, &iov, 1, &n) == IO_OK && n == iov.iov_len);
	pass(SECOND / 100);
}

static struct conn *
come_up(void)
{
	struct conn *edge = greet();

	say(edge, FRAME_CONTROL, 0, 0, S(WELCOME));
	EXPECT_INT(client.state, CLIENT_UP);
	EXPECT_INT(tunnel->state, TUNNEL_UP);
	return edge;
}

/* A visitor whose origin is still dialled: the stream stays open. */
static void
visit(struct conn *edge)
{
	char payload[512], *p = payload + FRAME_SYN_BYTES;
	struct opening o = { .tunnel = 1,
		.kind = OPENING_HTTP,
		.request_id = S("0123456789abcdef"),
		.visitor = S("192.0.2.1:1") };
	struct slice request = S("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	size_t n = opening_encode(&o, p, 256);

	frame_put_u32(payload, 65536);
	frame_put_u32(payload + 4, 65536);
	memcpy(p + n, request.p, request.n);
	say(edge, FRAME_DATA, FRAME_SYN | FRAME_FIN, 1,
	    slice_of(payload, FRAME_SYN_BYTES + n + request.n));
}

static void
go_away(struct conn *edge)
{
	say(edge, FRAME_GOAWAY, 0, 0, slice_of(GOAWAY_SHUTDOWN, 12));
}

TEST(an_edge_that_answers_no_hello)
{
	begin(false);
	greet();
	pass((int64_t)LIMIT_HELLO_MS * 1000 - SECOND);
	EXPECT_INT(client.state, CLIENT_GREETING);
	EXPECT(comes_to(CLIENT_WAITING));
	EXPECT(client.session == NULL);
	EXPECT(comes_to(CLIENT_DIALLING));
	end();
}

TEST(links_that_are_drained_are_bounded)
{
	begin(false);
	for (int i = 1; i <= SERVE_LINKS_MAX + 1; i++) {
		struct conn *edge = come_up();

		visit(edge);
		go_away(edge);
		EXPECT_INT(client.state, CLIENT_WAITING);
		EXPECT_INT(client.n_draining, i < SERVE_LINKS_MAX ? i : SERVE_LINKS_MAX - 1);
	}
	end();
}

TEST(a_welcome_behind_the_stop_starts_nothing)
{
	struct conn *edge;

	begin(false);
	edge = come_up();
	visit(edge);
	go_away(edge);
	edge = greet();
	client_stop(&client);
	EXPECT_INT(client.state, CLIENT_STOPPING);
	say(edge, FRAME_CONTROL, 0, 0, S(WELCOME));
	EXPECT_INT(client.state, CLIENT_STOPPING);
	EXPECT_INT(tunnel->state, TUNNEL_WANTED);
	client_stop(&client);
	EXPECT(comes_to(CLIENT_OVER));
	EXPECT_INT(exit_code, EXIT_STOPPED);
	end();
}

TEST(a_stop_waits_for_streams_for_a_while)
{
	begin(false);
	visit(come_up());
	client_stop(&client);
	pass(4 * SECOND);
	EXPECT_INT(client.state, CLIENT_STOPPING);
	pass(2 * SECOND);
	EXPECT_INT(client.state, CLIENT_OVER);
	EXPECT_INT(exit_code, EXIT_STOPPED);
	end();
}

TEST(replaced_with_a_stream_that_goes_on)
{
	struct conn *edge;

	begin(false);
	edge = come_up();
	visit(edge);
	say(edge, FRAME_CONTROL, 0, 0, S("{\"type\":\"replaced\",\"id\":1,\"text\":\"x\"}"));
	EXPECT_INT(tunnel->state, TUNNEL_REPLACED);
	EXPECT_INT(client.state, CLIENT_STOPPING);
	pass(8 * SECOND); /* no signal: it may go on for as long as it likes */
	EXPECT_INT(client.state, CLIENT_STOPPING);
	pass(8 * SECOND); /* but its origin is given up at last */
	EXPECT_INT(client.state, CLIENT_OVER);
	EXPECT_INT(exit_code, EXIT_REPLACED);
	end();
}

TEST(a_question_ends_with_its_link)
{
	struct conn *edge;

	begin(true);
	edge = greet();
	say(edge, FRAME_CONTROL, 0, 0, S(WELCOME));
	EXPECT_INT(client.state, CLIENT_UP);
	EXPECT_INT(n_talks, 1);
	client_later(&client, SECOND);
	pass(2 * SECOND);
	EXPECT_INT(n_talks, 2);
	conn_close(edge);
	EXPECT(comes_to(CLIENT_OVER));
	EXPECT_INT(exit_code, EXIT_BROKE);
	EXPECT_INT(n_talks, 2);
	end();
}

/* --- tunnels that come and go --- */

#define WELCOME_BIND                                                                               \
	"{\"type\":\"welcome\",\"protocol\":1,\"generation\":1,\"account\":\"a\",\"bind\":true,"   \
	"\"tunnels\":[{\"id\":1,\"name\":\"web\",\"url\":\"https://web\"}]}"

/* How often the client has said so, in plain text of its frames. */
static int
times_said(const char *text)
{
	int n = 0;

	for (size_t i = 0; i + strlen(text) <= n_said; i++)
		n += memcmp(said + i, text, strlen(text)) == 0;
	return n;
}

static struct agent_tunnel *
add(uint16_t id)
{
	struct agent_tunnel *t = &tunnels[serve.n_tunnels];

	*t = (struct agent_tunnel){ .ask = { .id = id, .kind = TUNNEL_HTTP }, .domains = "" };
	snprintf(t->ask.name, sizeof(t->ask.name), "t%u", id);
	serve.n_tunnels++;
	client_added(&client);
	return t;
}

static struct conn *
come_up_binding(void)
{
	struct conn *edge = greet();

	tunnel->domains = "";
	client.stays = true;
	say(edge, FRAME_CONTROL, 0, 0, S(WELCOME_BIND));
	EXPECT_INT(client.state, CLIENT_UP);
	return edge;
}

TEST(what_is_added_is_asked_for_and_what_is_removed_given_up)
{
	struct agent_tunnel *two, *three;
	struct conn *edge;

	begin(false);
	edge = come_up_binding();
	two = add(2);
	three = add(3);
	pass(SECOND / 10);
	/* both with one message */
	EXPECT_INT(times_said("\"bind\",\"tunnels\":[{\"id\":2"), 1);
	EXPECT_INT(times_said("{\"id\":3"), 1);
	/* before the answer nothing is said of it */
	client_removed(&client, three);
	pass(SECOND);
	EXPECT_INT(times_said("unbind"), 0);
	say(edge, FRAME_CONTROL, 0, 0,
	    S("{\"type\":\"bound\",\"tunnels\":[{\"id\":2,\"error\":\"limit\",\"text\":\"full\"},"
	      "{\"id\":3,\"name\":\"t3\",\"url\":\"https://t3\"}]}"));
	EXPECT_INT(two->state, TUNNEL_REFUSED);
	EXPECT_SLICE(slice_str(two->code), S("limit"));
	pass(SECOND);
	EXPECT_INT(times_said("{\"type\":\"unbind\",\"id\":3}"), 1);
	/* an answer that nobody waits for changes nothing */
	say(edge, FRAME_CONTROL, 0, 0,
	    S("{\"type\":\"bound\",\"tunnels\":[{\"id\":1,\"error\":\"limit\"}]}"));
	EXPECT_INT(tunnel->state, TUNNEL_UP);
	EXPECT(!three->asked);
	end();
}

/* What crossed the end of the link is in the next HELLO, or is not. */
TEST(a_link_that_ends_before_the_answer)
{
	struct agent_tunnel *two, *three;

	begin(false);
	conn_close(come_up_binding());
	two = add(2);
	three = add(3);
	client_removed(&client, three);
	EXPECT(comes_to(CLIENT_WAITING));
	n_said = 0;
	greet();
	pass(SECOND / 10);
	EXPECT_INT(times_said("\"type\":\"hello\""), 1);
	EXPECT_INT(times_said("{\"id\":2"), 1);
	EXPECT_INT(times_said("{\"id\":3"), 0);
	EXPECT_INT(two->state, TUNNEL_WANTED);
	end();
}

TEST(an_edge_that_does_not_know_bind_gets_a_new_link)
{
	struct conn *edge, *next;
	struct conn conn;
	int fd[2];

	begin(false);
	tunnel->domains = "";
	client.stays = true;
	edge = come_up();
	visit(edge);
	EXPECT_INT(tunnel->n_streams, 1);
	add(2);
	pass(SECOND / 10);
	EXPECT(client.relinking);
	EXPECT_INT(client.state, CLIENT_UP);
	/* the dial has succeeded */
	edge_dial_cancel(&client.dial);
	next = &edges[n_edges++];
	sim_pair(fd);
	conn_init(&conn, fd[0], NULL, NULL);
	conn_init(next, fd[1], NULL, on_edge);
	EXPECT(conn_attach(next, client.loop) == 0);
	n_said = 0;
	client_relinked(&client, &conn);
	pass(SECOND / 10);
	EXPECT_INT(client.state, CLIENT_GREETING);
	EXPECT_INT(times_said("{\"id\":2"), 1);
	/* the older one serves on: its visitor, and a new one */
	EXPECT_INT(client.n_draining, 1);
	say(edge, FRAME_CONTROL, 0, 0, S("{\"type\":\"replaced\",\"id\":1,\"text\":\"x\"}"));
	EXPECT_INT(tunnel->state, TUNNEL_WANTED);
	say(next, FRAME_CONTROL, 0, 0, S(WELCOME));
	EXPECT_INT(client.state, CLIENT_UP);
	EXPECT_INT(tunnel->state, TUNNEL_UP);
	say(edge, FRAME_CONTROL, 0, 0, S("{\"type\":\"replaced\",\"id\":1,\"text\":\"x\"}"));
	EXPECT_INT(tunnel->state, TUNNEL_UP);
	EXPECT_INT(client.n_draining, 1); /* its stream goes on */
	end();
}

TEST(a_link_without_tunnels_stays)
{
	struct conn *edge;

	begin(false);
	edge = come_up_binding();
	client_removed(&client, tunnel);
	pass(SECOND);
	EXPECT_INT(times_said("unbind"), 1);
	EXPECT_INT(client.state, CLIENT_UP);
	conn_close(edge);
	edge = greet();
	say(edge, FRAME_CONTROL, 0, 0,
	    S("{\"type\":\"welcome\",\"protocol\":1,\"generation\":2,\"bind\":true,\"tunnels\":[]"
	      "}"));
	EXPECT_INT(client.state, CLIENT_UP);
	end();
}

/* --- the edge's questions through the tunnels --- */

#define ANSWER(origin)                                                                             \
	"{\"type\":\"probe\",\"name\":\"web\",\"state\":\"up\",\"origin\":" origin                 \
	",\"inbox\":{\"queued\":1}}"

TEST(a_tunnel_is_asked_where_nobody_knows_how_it_answers)
{
	struct conn *edge;

	begin(false);
	tunnel->domains = "";
	through_ask(&client);
	edge = come_up();
	through_ask(&client);
	through_ask(&client);
	pass(SECOND / 100);
	EXPECT_INT(times_said("through"), 1);
	say(edge, FRAME_CONTROL, 0, 0, S(ANSWER("{\"probe\":\"ok\",\"status\":204,\"us\":7}")));
	EXPECT_INT(tunnel->answer.status, 204);
	EXPECT(client.through.status == 204 && client.through.us == 7 && client.through.at_ms != 0);
	/* It is known for a while; meanwhile the link is alive. */
	for (int64_t us = 0; us < LIMIT_SCREEN_ASK_MS * 1000LL + 2 * SECOND; us += SECOND) {
		EXPECT(us + 2 * SECOND > LIMIT_SCREEN_ASK_MS * 1000LL ||
		       times_said("through") == 1);
		through_ask(&client);
		pass(SECOND);
		say(edge, FRAME_CONTROL, 0, 0, S("{\"type\":\"other\"}"));
	}
	EXPECT_INT(times_said("through"), 2);
	say(edge, FRAME_CONTROL, 0, 0, S(ANSWER("{\"probe\":\"origin-silent\"}")));
	EXPECT(tunnel->failing && tunnel->answer.status == 0 && client.through.status == 204);
	/* Nonsense says nothing. */
	say(edge, FRAME_CONTROL, 0, 0, S(ANSWER("7")));
	say(edge, FRAME_CONTROL, 0, 0, S("{\"type\":\"probe\",\"name\":\"other\"}"));
	EXPECT(client.state == CLIENT_UP && tunnel->failing);
	say(edge, FRAME_CONTROL, 0, 0, S(ANSWER("{\"probe\":\"ok\",\"status\":200,\"us\":9}")));
	EXPECT(!tunnel->failing && tunnel->answer.status == 200);
	end();
}

TESTS(TEST_ROW(what_is_added_is_asked_for_and_what_is_removed_given_up) TEST_ROW(
    a_link_that_ends_before_the_answer) TEST_ROW(an_edge_that_does_not_know_bind_gets_a_new_link)
	TEST_ROW(a_link_without_tunnels_stays) TEST_ROW(an_edge_that_answers_no_hello)
	    TEST_ROW(links_that_are_drained_are_bounded)
		TEST_ROW(a_welcome_behind_the_stop_starts_nothing)
		    TEST_ROW(a_stop_waits_for_streams_for_a_while)
			TEST_ROW(replaced_with_a_stream_that_goes_on)
			    TEST_ROW(a_question_ends_with_its_link)
				TEST_ROW(a_tunnel_is_asked_where_nobody_knows_how_it_answers))
