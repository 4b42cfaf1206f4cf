/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that is full: who of the visitors, senders of webhooks and accounts makes room. */
#include "edge/visit/crowd.h"
#include "edge/core/vault.h"
#include "unit/edge/sim_world.h"

#include <arpa/inet.h>

static struct far *
visit_from(const char *address)
{
	struct far *f = &w->visitors[w->n_visitors++];
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_storage ss = { 0 };
	struct conn conn;
	int fd[2];

	EXPECT_INT(inet_pton(AF_INET, address, &in.sin_addr), 1);
	memcpy(&ss, &in, sizeof(in));
	sim_pair(fd);
	conn_init(&conn, fd[0], NULL, NULL);
	conn_init(&f->conn, fd[1], NULL, on_far);
	EXPECT_INT(conn_attach(&f->conn, w->workers[0]->loop), 0);
	EXPECT_INT(worker_send(w->workers[0], &conn, &ss, address, "192.0.2.2:80", ARRIVAL_VISITOR,
		       S("")),
	    0);
	return f;
}

static struct far *
ask_from(const char *address, const char *text)
{
	struct far *f = visit_from(address);

	pass_time(SECOND / 100);
	far_say(f, text);
	pass_time(SECOND / 10);
	return f;
}

static struct agent *
serve_as(const char *account, const char *name, char *policy)
{
	struct hello_tunnel h = { .id = 1, .kind = TUNNEL_HTTP, .policy = policy };
	struct agent *a;

	snprintf(h.name, sizeof(h.name), "%s", name);
	a = link_up_as(0, account, &h);
	EXPECT_SLICE(slice_str(h.error), S(""));
	return a;
}

/* What is stored is sealed. */
static void
world_open_with_key(void)
{
	struct store_req ann = { .op = STORE_TOKEN_ADD, .account = "ann" };
	struct store_req bob = { .op = STORE_TOKEN_ADD, .account = "bob" };
	char *error = NULL;

	world_open(1);
	EXPECT_INT(await_store(w->edge.store, &ann), STORE_OK);
	EXPECT_INT(await_store(w->edge.store, &bob), STORE_OK);
	store_req_fini(&ann);
	store_req_fini(&bob);
	snprintf(w->settings->state_dir, sizeof(w->settings->state_dir), "%s", w->dir);
	w->edge.vault = vault_open(w->settings, &error);
	EXPECT(w->edge.vault != NULL);
}

static void
world_close_with_key(void)
{
	struct vault *k = w->edge.vault;

	world_close();
	vault_free(k);
}

static void
room_for(struct shares *s, size_t n)
{
	s->accounts.n_max = s->networks.n_max = n;
}

/* S-14: ann's local server is silent, and her visitors are all that the worker may have. */
TEST(s14_a_tunnel_that_swallows_everything_makes_room)
{
	struct agent *bob;
	struct far *silent[3], *f;

	world_open(1);
	room_for(&w->workers[0]->visit->exchange_shares, 3);
	serve_as("ann", "a", NULL);
	bob = serve_as("bob", "b", NULL);
	silent[0] = ask_from("192.0.2.1", GET);
	silent[1] = ask_from("198.51.100.1", GET);
	silent[2] = ask_from("203.0.113.1", GET);
	f = ask_from("10.0.0.1", "GET / HTTP/1.1\r\nHost: b.example.org\r\n\r\n");
	EXPECT(said(silent[0], "HTTP/1.1 503") && said(silent[0], "overload") && silent[0]->eof);
	EXPECT(silent[1]->n == 0 && silent[2]->n == 0);
	EXPECT_INT(bob->n_asks, 1);
	agent_say(bob, &bob->asks[0], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true);
	pass_time(SECOND / 10);
	EXPECT(said(f, "HTTP/1.1 200 OK"));
	EXPECT_INT(w->workers[0]->visit->exchange_shares.accounts.n, 2);
	world_close();
}

/* S-14: one stranger at other people's tunnels, one of whom serves many more. */
TEST(s14_an_address_that_takes_everything_makes_room)
{
	struct far *bad[3], *f;

	world_open(1);
	room_for(&w->workers[0]->visit->exchange_shares, 4);
	serve_as("ann", "a", NULL);
	serve_as("bob", "b", NULL);
	f = ask_from("10.0.0.1", GET);
	bad[0] = ask_from("192.0.2.1", "GET / HTTP/1.1\r\nHost: b.example.org\r\n\r\n");
	bad[1] = ask_from("192.0.2.2", GET);
	bad[2] = ask_from("192.0.2.3", GET);
	ask_from("10.1.0.1", GET);
	EXPECT(said(bad[0], "HTTP/1.1 503") && bad[1]->n == 0 && bad[2]->n == 0 && f->n == 0);
	world_close();
}

/* An answer that has begun cannot become another: the connection is cut. */
TEST(an_exchange_in_the_middle_of_its_answer_is_cut)
{
	struct agent *ann;
	struct far *f;

	world_open(1);
	room_for(&w->workers[0]->visit->exchange_shares, 1);
	ann = serve_as("ann", "a", NULL);
	f = ask_from("192.0.2.1", GET);
	agent_say(ann, &ann->asks[0], "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", false);
	pass_time(SECOND / 10);
	EXPECT(said(f, "half"));
	ask_from("10.0.0.1", GET);
	EXPECT((f->reset || f->eof) && !said(f, "HTTP/1.1 503"));
	EXPECT_INT(ann->n_asks, 2);
	world_close();
}

/* whoever has just been accepted is read before he may have to go. */
TEST(r10_without_descriptors_the_idle_go_and_not_the_new)
{
	struct far *idle, *fresh;

	world_open(1);
	idle = visit_from("192.0.2.1");
	pass_time(SECOND);
	fresh = visit_from("198.51.100.1");
	pass_time(SECOND / 100);
	visit_shed(w->workers[0]);
	visit_shed(w->workers[0]);
	far_say(fresh, GET);
	pass_time(SECOND / 100);
	EXPECT(idle->eof && said(fresh, "404"));
	pass_time(SECOND / 2);
	visit_shed(w->workers[0]);
	pass_time(SECOND / 100);
	EXPECT(fresh->eof);
	world_close();
}

#define HOOK(name, length)                                                                         \
	"POST /hook HTTP/1.1\r\nHost: " name ".example.org\r\nContent-Length: " length "\r\n\r\n"

static void
say_much(struct far *f)
{
	static char body[20001];

	memset(body, 'b', sizeof(body) - 1);
	far_say(f, body);
	pass_time(SECOND / 10);
}

static char stores[] = "{\"mode\":\"store\",\"unsigned\":true}";

/* S-14: webhooks that do not end hold all the memory that there is for them. */
TEST(s14_slow_webhooks_make_room)
{
	struct far *slow[2], *f;
	struct shares *s;
	size_t kib;

	world_open_with_key();
	s = &w->workers[0]->visit->intake_shares;
	serve_as("ann", "a", stores);
	serve_as("bob", "b", stores);
	slow[0] = ask_from("192.0.2.1", HOOK("a", "100000"));
	say_much(slow[0]);
	kib = s->accounts.n;
	EXPECT(kib >= 20);
	slow[1] = ask_from("198.51.100.1", HOOK("a", "100000"));
	say_much(slow[1]);
	EXPECT_INT(s->accounts.n, 2 * kib);
	room_for(s, 2 * kib);
	f = ask_from("10.0.0.1", HOOK("b", "2") "ok");
	EXPECT(said(f, "HTTP/1.1 202"));
	EXPECT(said(slow[0], "HTTP/1.1 503") && said(slow[0], "overload") && slow[0]->eof);
	EXPECT_INT(slow[1]->n, 0);
	EXPECT_INT(s->accounts.n, kib);
	world_close_with_key();
}

/* The one that grows is the oldest of the fullest: it is refused, and nobody else. */
TEST(a_webhook_that_grows_beyond_what_there_is)
{
	struct far *large, *small;
	struct shares *s;

	world_open_with_key();
	s = &w->workers[0]->visit->intake_shares;
	serve_as("ann", "a", stores);
	serve_as("bob", "b", stores);
	large = ask_from("192.0.2.1", HOOK("a", "100000"));
	small = ask_from("198.51.100.1", HOOK("b", "3") "x");
	room_for(s, 16);
	say_much(large);
	EXPECT(said(large, "HTTP/1.1 503"));
	far_say(small, "ok");
	pass_time(SECOND / 10);
	EXPECT(said(small, "HTTP/1.1 202"));
	world_close_with_key();
}

TESTS(TEST_ROW(s14_a_tunnel_that_swallows_everything_makes_room)
	TEST_ROW(s14_an_address_that_takes_everything_makes_room)
	    TEST_ROW(an_exchange_in_the_middle_of_its_answer_is_cut)
		TEST_ROW(r10_without_descriptors_the_idle_go_and_not_the_new)
		    TEST_ROW(s14_slow_webhooks_make_room)
			TEST_ROW(a_webhook_that_grows_beyond_what_there_is))
