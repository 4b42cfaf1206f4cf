/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the pool, on a real loop with Unix sockets; the passing of time is played by moving
 * marks back. */
#include "agent/serve/origin.h"

#include "unit.h"

#include <errno.h>
#include <unistd.h>

static struct loop *loop;
static struct resolver *resolver;
static struct origin_shared shared;
static struct origin origin;
static char text[128];
static int listener;

static struct origin_conn *came;
static enum link_code failed_code;
static unsigned events_seen, n_failed;

static void
on_ready(struct origin_conn *c)
{
	came = c;
}

static void
on_failed(struct origin_conn *c, enum link_code code, const char *why)
{
	(void)c;
	EXPECT(why[0] != '\0');
	failed_code = code;
	n_failed++;
}

static void
on_event(struct origin_conn *c, unsigned events)
{
	(void)c;
	events_seen |= events;
}

static const struct origin_ops ops = { .ready = on_ready, .failed = on_failed, .event = on_event };

static void
on_stop(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

/* Two turns: in the first the kernel is asked, in the second what was put off is done. */
static void
turn(void)
{
	for (int i = 0; i < 2; i++) {
		struct loop_timer stop = { .fn = on_stop };

		loop_timer_set(loop, &stop, 0);
		loop_run(loop);
	}
}

static void
start(void)
{
	struct config_tunnel t = { .origin = text };
	struct addr a;

	loop = loop_new();
	resolver = resolver_new(loop);
	origin_shared_init(&shared, loop, resolver);
	snprintf(text, sizeof(text), "unix:/tmp/adit-origin-test-%d.sock", (int)getpid());
	EXPECT(addr_parse(slice_str(text), &a) == NULL);
	listener = addr_listen(&a, false, NULL);
	EXPECT(listener >= 0);
	EXPECT(origin_init(&origin, &shared, &t) == NULL);
	came = NULL;
	events_seen = n_failed = 0;
}

static void
stop(void)
{
	origin_fini(&origin);
	turn(); /* the graveyard */
	close(listener);
	unlink(text + 5);
	origin_shared_fini(&shared);
	resolver_free(resolver);
	loop_free(loop);
}

/* A connection that is in use; its far end goes to *ret_far. */
static struct origin_conn *
connected(int *ret_far)
{
	came = NULL;
	EXPECT(origin_connect(&origin, S(""), &ops, NULL) != NULL);
	EXPECT(came == NULL); /* never from within */
	for (int i = 0; i < 100 && came == NULL; i++)
		turn();
	EXPECT(came != NULL);
	*ret_far = accept(listener, NULL, NULL);
	EXPECT(*ret_far >= 0);
	turn(); /* the first edges */
	if (came != NULL) {
		char byte;
		size_t n;

		EXPECT_INT(conn_read(&came->conn, &byte, 1, &n), IO_WAIT);
	}
	return came;
}

TEST(last_used_first)
{
	struct origin_conn *a, *b;
	int far[2];

	start();
	EXPECT(origin_take(&origin, true, &ops, NULL) == NULL);
	a = connected(&far[0]);
	b = connected(&far[1]);
	EXPECT(!a->reused);
	origin_release(a);
	origin_release(b);
	EXPECT_INT(origin.n_idle, 2);
	EXPECT(origin_take(&origin, false, &ops, NULL) == b);
	EXPECT(b->reused);
	origin_release(b);
	EXPECT(origin_take(&origin, true, &ops, NULL) == b);
	EXPECT(origin_take(&origin, true, &ops, NULL) == a);
	EXPECT_INT(origin.n_idle, 0);
	origin_drop(a);
	origin_drop(b);
	origin_drop(b); /* harmless */
	close(far[0]);
	close(far[1]);
	stop();
}

TEST(end_of_an_idle_connection)
{
	int far;

	start();
	origin_release(connected(&far));
	close(far);
	turn();
	EXPECT_INT(origin.n_idle, 0);
	stop();
}

TEST(s08_bytes_on_an_idle_connection)
{
	int far;

	start();
	origin_release(connected(&far));
	EXPECT_INT(write(far, "HTTP/1.1 200 OK\r\n", 17), 17);
	turn();
	EXPECT_INT(origin.n_idle, 0);
	close(far);
	stop();
}

/* What has come is seen though no turn of the loop has told of it yet; the next one is taken. */
TEST(s08_bytes_or_an_end_that_no_edge_has_told_of)
{
	struct origin_conn *quiet, *bytes, *end;
	int far[3];

	start();
	quiet = connected(&far[0]);
	bytes = connected(&far[1]);
	end = connected(&far[2]);
	origin_release(quiet);
	origin_release(bytes);
	origin_release(end);
	EXPECT_INT(write(far[1], "HTTP/1.1 200 OK\r\n", 17), 17);
	close(far[2]);
	EXPECT(origin_take(&origin, false, &ops, NULL) == quiet);
	EXPECT_INT(origin.n_idle, 0);
	origin_drop(quiet);
	close(far[0]);
	close(far[1]);
	stop();
}

/* The edge that tells of it came while the connection was in use, and will not come again. */
TEST(s08_end_or_bytes_before_it_is_kept)
{
	struct origin_conn *c;
	int far;

	start();
	c = connected(&far);
	close(far);
	turn();
	EXPECT((events_seen & LOOP_IN) != 0);
	origin_release(c);
	EXPECT_INT(origin.n_idle, 0);
	c = connected(&far);
	EXPECT_INT(write(far, "x", 1), 1);
	turn();
	origin_release(c);
	EXPECT_INT(origin.n_idle, 0);
	close(far);
	stop();
}

TEST(unsafe_requests_want_a_fresh_one)
{
	struct origin_conn *c;
	int far;

	start();
	c = connected(&far);
	origin_release(c);
	c->idle_us -= ORIGIN_FRESH_US + 1;
	EXPECT(origin_take(&origin, false, &ops, NULL) == NULL);
	EXPECT_INT(origin.n_idle, 1);
	EXPECT(origin_take(&origin, true, &ops, NULL) == c);
	origin_drop(c);
	close(far);
	stop();
}

TEST(idle_for_too_long)
{
	struct origin_conn *old, *fresh;
	int far[2];

	start();
	old = connected(&far[0]);
	fresh = connected(&far[1]);
	origin_release(old);
	origin_release(fresh);
	EXPECT(origin.expire.slot != 0);
	old->idle_us -= (int64_t)LIMIT_ORIGIN_POOL_IDLE_MS * 1000 + 1;
	origin.expire.fn(&origin.expire);
	EXPECT_INT(origin.n_idle, 1);
	EXPECT(origin.expire.slot != 0);
	EXPECT(origin_take(&origin, true, &ops, NULL) == fresh);
	origin_release(fresh);
	close(far[0]);
	close(far[1]);
	stop();
}

TEST(no_more_than_the_pool_holds)
{
	enum { N = LIMIT_ORIGIN_POOL + 3 };
	static struct origin_conn *conns[N];
	static int far[N];

	start();
	for (int i = 0; i < N; i++)
		conns[i] = connected(&far[i]);
	for (int i = 0; i < N; i++)
		origin_release(conns[i]);
	EXPECT_INT(origin.n_idle, LIMIT_ORIGIN_POOL);
	EXPECT(origin_take(&origin, true, &ops, NULL) == conns[N - 1]);
	origin_release(conns[N - 1]);
	for (int i = 0; i < N; i++)
		close(far[i]);
	stop();
}

TEST(nobody_listens)
{
	start();
	unlink(text + 5);
	EXPECT(origin_connect(&origin, S(""), &ops, NULL) != NULL);
	for (int i = 0; i < 100 && n_failed == 0; i++)
		turn();
	EXPECT_INT(n_failed, 1);
	EXPECT_INT(failed_code, LINK_CODE_ORIGIN_REFUSED);
	stop();
}

TEST(dropped_while_dialling)
{
	start();
	origin_drop(origin_connect(&origin, S(""), &ops, NULL));
	turn();
	EXPECT(came == NULL);
	EXPECT_INT(n_failed, 0);
	stop();
}

/* --- what people write --- */

static void
expect_text(enum tunnel_kind kind, const char *address, const char *want)
{
	char copy[128];
	struct config_tunnel t = { .kind = kind, .origin = copy };
	struct origin o;
	char *error;

	snprintf(copy, sizeof(copy), "%s", address);
	error = origin_init(&o, &shared, &t);
	if (want == NULL) {
		EXPECT(error != NULL && slice_starts(slice_str(error), slice_str(address)));
	} else {
		EXPECT(error == NULL);
		EXPECT_SLICE(slice_str(o.text), slice_str(want));
	}
	free(error);
	origin_fini(&o);
}

TEST(address_forms)
{
	start();
	expect_text(TUNNEL_HTTP, "8080", "http://127.0.0.1:8080");
	expect_text(TUNNEL_HTTP, "localhost:8080", "http://localhost:8080");
	expect_text(TUNNEL_HTTP, "[::1]:8080", "http://[::1]:8080");
	expect_text(TUNNEL_HTTP, "http://ci.internal", "http://ci.internal:80");
	expect_text(TUNNEL_HTTP, "https://ci.internal", "https://ci.internal:443");
	expect_text(TUNNEL_HTTP, "unix:/run/ci.sock", "unix:/run/ci.sock");
	expect_text(TUNNEL_TCP, "22", "127.0.0.1:22");
	expect_text(TUNNEL_TCP, "db:5432", "db:5432");
	expect_text(TUNNEL_TCP, "https://db", NULL);
	expect_text(TUNNEL_HTTP, "0", NULL);
	expect_text(TUNNEL_HTTP, "host:0", NULL);
	expect_text(TUNNEL_HTTP, "http://host/path", NULL);
	expect_text(TUNNEL_HTTP, "host", NULL);
	expect_text(TUNNEL_HTTP, "", NULL);
	stop();
}

TEST(options_that_do_not_fit)
{
	char address[] = "8080", ca[] = "/nonexistent.pem", tls[] = "https://ci.internal";
	struct config_tunnel t = { .origin = address, .origin_ca = ca };
	struct origin o;
	char *error;

	start();
	error = origin_init(&o, &shared, &t);
	EXPECT(error != NULL && strstr(error, "https://") != NULL);
	free(error);
	t.origin = tls;
	error = origin_init(&o, &shared, &t);
	EXPECT(error != NULL && strstr(error, ca) != NULL);
	free(error);
	stop();
}

TESTS(TEST_ROW(last_used_first) TEST_ROW(end_of_an_idle_connection)
	TEST_ROW(s08_bytes_on_an_idle_connection)
	    TEST_ROW(s08_bytes_or_an_end_that_no_edge_has_told_of)
		TEST_ROW(s08_end_or_bytes_before_it_is_kept)
		    TEST_ROW(unsafe_requests_want_a_fresh_one) TEST_ROW(idle_for_too_long)
			TEST_ROW(no_more_than_the_pool_holds) TEST_ROW(nobody_listens)
			    TEST_ROW(dropped_while_dialling) TEST_ROW(address_forms)
				TEST_ROW(options_that_do_not_fit))
