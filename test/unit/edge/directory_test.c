/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "edge/core/directory.h"
#include "edge/core/edge.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static enum directory_bound
bind_link(struct directory *d, const char *key, const char *account,
    const struct directory_link *link, struct route **ret_route, bool *ret_old)
{
	unsigned old_worker = 99;

	*ret_old = false;
	return directory_bind(d, slice_str(key), slice_str(account), link, false, ret_route,
	    ret_old, &old_worker);
}

/* Of an agent that tells nothing of itself: started when it connects. */
static enum directory_bound
bind_to(struct directory *d, const char *key, const char *account, uint64_t generation,
    unsigned worker, struct route **ret_route, bool *ret_old)
{
	struct directory_link link = {
		.generation = generation, .worker = worker, .born_us = (int64_t)generation
	};

	return bind_link(d, key, account, &link, ret_route, ret_old);
}

/* Whoever serves it is fenced at once, nobody can come, and the owner is told more than others. */
TEST(a_name_that_is_switched_off)
{
	struct directory *d = directory_new();
	struct route *r = NULL;
	unsigned at = 0;
	bool old;

	EXPECT(!directory_disable(d, S("a"), true, &at)); /* nobody has it */
	EXPECT_INT(bind_to(d, "a", "ann", 5, 3, &r, &old), DIRECTORY_BOUND);
	EXPECT(!directory_disable(d, S("a"), false, &at));
	EXPECT(route_serves(r, 5));
	EXPECT(directory_disable(d, S("a"), true, &at));
	EXPECT_INT(at, 3);
	EXPECT(route_serves(r, 0));
	EXPECT(!directory_disable(d, S("a"), true, &at));
	EXPECT_INT(directory_find(d, S("a"), &at), DIRECTORY_DISABLED);
	EXPECT(directory_owns(d, S("a"), S("ann")));
	EXPECT_INT(bind_to(d, "a", "ann", 6, 0, &r, &old), DIRECTORY_OFF);
	EXPECT_INT(bind_to(d, "a", "eve", 7, 0, &r, &old), DIRECTORY_TAKEN);
	directory_unbind(d, r, 5); /* what the fenced link still says */
	EXPECT(!directory_release(d, S("a"), &at));
	EXPECT_INT(directory_find(d, S("a"), &at), DIRECTORY_RELEASED);
	EXPECT_INT(directory_load(d, S("a"), S("ann"), false), 0); /* given back: still off */
	EXPECT_INT(directory_find(d, S("a"), &at), DIRECTORY_DISABLED);
	EXPECT(!directory_disable(d, S("a"), false, &at));
	EXPECT_INT(directory_find(d, S("a"), &at), DIRECTORY_AWAY);
	EXPECT_INT(bind_to(d, "a", "ann", 8, 1, &r, &old), DIRECTORY_BOUND);
	EXPECT(route_serves(r, 8));
	directory_free(d);
}

TEST(names_and_what_became_of_them)
{
	struct directory *d = directory_new();
	struct route *r = NULL;
	unsigned at = 0;
	bool old;

	EXPECT_INT(directory_find(d, S("a"), &at), DIRECTORY_UNKNOWN);
	EXPECT_INT(directory_load(d, S("a"), S("ann"), false), 0);
	EXPECT_INT(directory_find(d, S("a"), &at), DIRECTORY_AWAY);
	EXPECT(directory_owns(d, S("a"), S("ann")));
	EXPECT(!directory_owns(d, S("a"), S("eve")) && !directory_owns(d, S("a"), S("")));
	EXPECT(!directory_owns(d, S("b"), S("ann")));
	EXPECT_INT(bind_to(d, "a", "ann", 5, 3, &r, &old), DIRECTORY_BOUND);
	EXPECT(!old && route_serves(r, 5));
	EXPECT_INT(directory_find(d, S("a"), &at), DIRECTORY_UP);
	EXPECT_INT(at, 3);
	directory_unbind(d, r, 5);
	EXPECT_INT(directory_find(d, S("a"), &at), DIRECTORY_AWAY);
	EXPECT(!directory_release(d, S("a"), &at));
	EXPECT_INT(directory_find(d, S("a"), &at), DIRECTORY_RELEASED);
	EXPECT(!directory_owns(d, S("a"), S("ann")));
	EXPECT_INT(bind_to(d, "a", "ann", 6, 0, &r, &old), DIRECTORY_GONE);
	EXPECT_INT(directory_load(d, S("a"), S("ann"), false), 0); /* reserved again */
	EXPECT_INT(bind_to(d, "a", "ann", 7, 0, &r, &old), DIRECTORY_BOUND);
	EXPECT(directory_release(d, S("a"), &at));
	EXPECT(route_serves(r, 0));
	directory_free(d);
}

/* Off is news once, for the link that serves the route alone, and ends with the next one. */
/* The kind of the last link that has the route, also while nobody has; the store is told of it. */
TEST(whose_tls_ends_at_the_agent)
{
	const struct directory_link old = { .generation = 1, .born_us = 1 },
				    new = { .generation = 2, .born_us = 2 },
				    late = { .generation = 3, .born_us = 1 };
	struct directory *d = directory_new();
	struct policy *policy = NULL;
	struct route *r = NULL;
	char account[64];
	unsigned at = 0;
	bool taken, tls = false;

	EXPECT(!directory_is_tls(d, S("a")));
	EXPECT_INT(directory_load(d, S("a"), S("ann"), false), 0);
	directory_load_tls(d, S("a"));
	directory_stored(d, S("a"), (struct slice){ 0 }, true);
	EXPECT(directory_is_tls(d, S("a")) && !directory_is_tls(d, S("b")));
	EXPECT(!directory_unstored(d, S("a"), account, &policy, &tls));
	EXPECT_INT(bind_link(d, "a", "ann", &old, &r, &taken), DIRECTORY_BOUND);
	EXPECT(!directory_is_tls(d, S("a")));
	EXPECT(directory_unstored(d, S("a"), account, &policy, &tls) && !tls && policy == NULL);
	EXPECT_INT(directory_bind(d, S("a"), S("ann"), &new, true, &r, &taken, &at),
	    DIRECTORY_BOUND);
	EXPECT(directory_is_tls(d, S("a")));
	/* An older agent that wants it otherwise changes nothing. */
	EXPECT_INT(bind_link(d, "a", "ann", &late, &r, &taken), DIRECTORY_STALE);
	EXPECT(directory_is_tls(d, S("a")));
	directory_unbind(d, r, 2);
	EXPECT(directory_is_tls(d, S("a")));
	EXPECT(!directory_release(d, S("a"), &at) && !directory_is_tls(d, S("a")));
	EXPECT_INT(directory_load(d, S("a"), S("bob"), false), 0);
	EXPECT(!directory_is_tls(d, S("a")));
	directory_free(d);
}

TEST(a_stopped_tunnel)
{
	struct directory *d = directory_new();
	struct route *r = NULL;
	bool old;

	EXPECT_INT(directory_load(d, S("a"), S("ann"), false), 0);
	directory_load_stopped(d, S("a"), 1764000000123);
	directory_load_stopped(d, S("b"), 1764000000123);
	EXPECT_INT(bind_to(d, "a", "ann", 5, 0, &r, &old), DIRECTORY_BOUND);
	EXPECT(r->stopped && directory_stopped(d, r, 5, false) && !r->stopped);
	EXPECT(!directory_stopped(d, r, 5, false));
	EXPECT(!directory_stopped(d, r, 4, true) && !r->stopped); /* it was fenced */
	EXPECT(directory_stopped(d, r, 5, true) && r->stopped);
	EXPECT(!directory_stopped(d, r, 5, true));
	directory_free(d);
}

/* A newer link of the owner fences the older; the older cannot come back; a stranger never gets in.
 */
TEST(s03_takeover_by_generation)
{
	struct directory *d = directory_new();
	struct route *r = NULL;
	bool old;

	EXPECT_INT(bind_to(d, "a", "ann", 10, 0, &r, &old), DIRECTORY_BOUND);
	EXPECT_INT(bind_to(d, "a", "bob", 11, 0, &r, &old), DIRECTORY_TAKEN);
	EXPECT(route_serves(r, 10));
	EXPECT_INT(bind_to(d, "a", "ann", 12, 1, &r, &old), DIRECTORY_BOUND);
	EXPECT(old && !route_serves(r, 10) && route_serves(r, 12));
	EXPECT_INT(bind_to(d, "a", "ann", 11, 0, &r, &old), DIRECTORY_STALE);
	directory_unbind(d, r, 10); /* late news of the fenced one */
	EXPECT(route_serves(r, 12));
	directory_free(d);
}

/* Whichever comes back last: the process that was started last keeps the route while it serves it.
 */
TEST(the_newest_process_has_it)
{
	struct directory *d = directory_new();
	struct directory_link old = { 10, 0, 1000, "first", "one at 192.0.2.1:1" };
	struct directory_link new = { 11, 0, 5000, "second", "two at 192.0.2.2:2" };
	struct route *r = NULL;
	bool was;
	char who[200];

	EXPECT_INT(bind_link(d, "a", "ann", &old, &r, &was), DIRECTORY_BOUND);
	EXPECT_INT(bind_link(d, "a", "ann", &new, &r, &was), DIRECTORY_BOUND);
	EXPECT(was);
	old.generation = 12; /* it comes back; its age was measured a little late this time */
	old.born_us = 1900;
	EXPECT_INT(bind_link(d, "a", "ann", &old, &r, &was), DIRECTORY_STALE);
	EXPECT(route_serves(r, 11));
	directory_who(d, S("a"), who, sizeof(who));
	EXPECT(strstr(who, "on two at 192.0.2.2:2 since 20") != NULL);
	/* the newer process may connect anew, and so may the older once nobody serves the route */
	new.generation = 13;
	new.born_us = 4000;
	EXPECT_INT(bind_link(d, "a", "ann", &new, &r, &was), DIRECTORY_BOUND);
	new.generation = 11; /* a link that was slow to log in */
	EXPECT_INT(bind_link(d, "a", "ann", &new, &r, &was), DIRECTORY_STALE);
	directory_unbind(d, r, 13);
	EXPECT_INT(bind_link(d, "a", "ann", &old, &r, &was), DIRECTORY_BOUND);
	EXPECT(!was && route_serves(r, 12));
	directory_free(d);
}

TEST(ports_change_hands_only_when_forgotten)
{
	struct directory *d = directory_new();
	struct route *r = NULL;
	unsigned at;
	bool old;

	EXPECT_INT(bind_to(d, "tcp:22", "ann", 1, 0, &r, &old), DIRECTORY_BOUND);
	directory_unbind(d, r, 1);
	EXPECT_INT(bind_to(d, "tcp:22", "bob", 2, 0, &r, &old), DIRECTORY_TAKEN);
	EXPECT(!directory_forget(d, S("tcp:22"), &at));
	EXPECT_INT(bind_to(d, "tcp:22", "bob", 3, 0, &r, &old), DIRECTORY_BOUND);
	directory_free(d);
}

TEST(listener_lives_as_long_as_a_link_serves)
{
	struct directory *d = directory_new();
	struct route *r = NULL;
	int fd[2], dup;
	char byte;
	bool old;

	EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	EXPECT_INT(bind_to(d, "tcp:22", "ann", 1, 0, &r, &old), DIRECTORY_BOUND);
	directory_hold_fd(d, r, fd[0]);
	close(fd[0]);
	dup = directory_listener(d, S("tcp:22"));
	EXPECT(dup >= 0);
	close(dup);
	EXPECT_INT(bind_to(d, "tcp:22", "ann", 2, 0, &r, &old), DIRECTORY_BOUND);
	directory_unbind(d, r, 1);
	EXPECT(recv(fd[1], &byte, 1, MSG_DONTWAIT) < 0); /* still kept */
	directory_unbind(d, r, 2);
	EXPECT_INT(recv(fd[1], &byte, 1, MSG_DONTWAIT), 0);
	EXPECT_INT(directory_listener(d, S("tcp:22")), -1);
	close(fd[1]);
	directory_free(d);
}

/* Threads bind and look up at once; exactly the newest generation serves in the end. */
static _Atomic uint64_t generation;

static void *
bind_often(void *arg)
{
	struct directory *d = arg;
	struct route *r;
	unsigned at;
	bool old;

	for (int i = 0; i < 2000; i++) {
		uint64_t mine = atomic_fetch_add(&generation, 1) + 1;

		if (bind_to(d, "a", "ann", mine, 0, &r, &old) == DIRECTORY_BOUND && i % 3 == 0)
			directory_unbind(d, r, mine);
		(void)directory_find(d, S("a"), &at);
	}
	return NULL;
}

TEST(many_threads)
{
	struct directory *d = directory_new();
	pthread_t threads[4];
	struct route *r;
	bool old;

	for (int i = 0; i < 4; i++)
		EXPECT_INT(pthread_create(&threads[i], NULL, bind_often, d), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT_INT(bind_to(d, "a", "ann", 8001, 0, &r, &old), DIRECTORY_BOUND);
	EXPECT(route_serves(r, 8001));
	directory_free(d);
}

TEST(s06_one_name_for_a_host)
{
	struct edge e = { .domain = "example.org" };

	EXPECT_SLICE(edge_name_of(&e, S("a.example.org")), S("a"));
	EXPECT_INT(edge_name_of(&e, S("example.org")).n, 0);
	EXPECT_INT(edge_name_of(&e, S(".example.org")).n, 0);
	EXPECT_INT(edge_name_of(&e, S("a.b.example.org")).n, 0);
	EXPECT_INT(edge_name_of(&e, S("aexample.org")).n, 0);
	EXPECT_INT(edge_name_of(&e, S("a.example.org.evil.test")).n, 0);
	EXPECT_INT(edge_name_of(&e, S("")).n, 0);
}

TESTS(TEST_ROW(a_name_that_is_switched_off) TEST_ROW(names_and_what_became_of_them)
	TEST_ROW(whose_tls_ends_at_the_agent) TEST_ROW(a_stopped_tunnel)
	    TEST_ROW(s03_takeover_by_generation) TEST_ROW(the_newest_process_has_it)
		TEST_ROW(ports_change_hands_only_when_forgotten)
		    TEST_ROW(listener_lives_as_long_as_a_link_serves) TEST_ROW(many_threads)
			TEST_ROW(s06_one_name_for_a_host))
