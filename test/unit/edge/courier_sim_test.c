/* SPDX-License-Identifier: Apache-2.0 */
/* Couriers and upkeep over days of virtual time: retries, jumps of the wall clock, alerts,
 * retention. */
#include "base/clock.h"
#include "base/log.h"
#include "edge/inbox/courier.h"
#include "edge/inbox/housekeeping.h"
#include "store/inbox.h"
#include "unit/edge/sim_world.h"

#include <sys/mman.h>

#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static _Atomic int64_t wall_us = 1700000000 * SECOND;

/* In the place of base/clock.c: the clocks follow the simulated one, the wall clock may jump beside
 * it. */
int64_t
clock_mono_us(void)
{
	return atomic_load(&sim_clock_us);
}

int64_t
clock_boot_us(void)
{
	return atomic_load(&sim_clock_us);
}

int64_t
clock_wall_ms(void)
{
	return (atomic_load(&sim_clock_us) + atomic_load(&wall_us)) / 1000;
}

/* For the log and adit-received-at, at which nobody looks here. */
void
clock_rfc3339(int64_t wall_ms, char *dst, size_t cap)
{
	snprintf(dst, cap, "%lld", (long long)wall_ms);
}

/* --- the inbox --- */

static void
on_inbox(struct inbox_req *req)
{
	(void)req;
}

/* The store answers in order, so that the next answer of it means that this one is there. */
static enum store_result
ask_inbox(struct inbox_req *req)
{
	struct store_req last = { .op = STORE_NAME_LOOKUP };

	req->done = on_inbox;
	inbox_submit(w->edge.store, req);
	(void)!await_store(w->edge.store, &last);
	return req->result;
}

static uint64_t
put(const char *tunnel, const char *key, int number)
{
	char body[32];
	struct inbox_req r = { .op = INBOX_PUT,
		.account = "ann",
		.put.event = S("repo:push"),
		.put.method = S("POST"),
		.put.target = S("/hook"),
		.put.head = S("POST /hook HTTP/1.1\r\nHost: a.example.org\r\n\r\n"),
		.put.order_key = slice_str(key),
		.put.body =
		    slice_of(body, (size_t)snprintf(body, sizeof(body), "%s%d", key, number)) };

	snprintf(r.tunnel, sizeof(r.tunnel), "%s", tunnel);
	EXPECT_INT(ask_inbox(&r), STORE_OK);
	inbox_req_fini(&r);
	courier_wake(w->workers[0], tunnel);
	return r.id;
}

static struct inbox_counts
counts(void)
{
	struct inbox_req r = { .op = INBOX_COUNT };

	EXPECT_INT(ask_inbox(&r), STORE_OK);
	return r.counts;
}

static uint64_t
count(enum inbox_state state)
{
	return counts().n[state];
}

static void
replay(uint64_t id)
{
	struct inbox_req r = { .op = INBOX_REPLAY, .account = "ann", .change.id = id };

	EXPECT_INT(ask_inbox(&r), STORE_OK);
	inbox_req_fini(&r);
	courier_wake(w->workers[0], "a");
}

/* --- origins --- */

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

enum { NOTES = 512 };

/* What reached the origins, in order. */
static struct {
	struct incident {
		int64_t at_us;
		char text[32], tunnel; /* body; id of the tunnel */
		bool taken;
	} notes[NOTES];
	int n;
	const char *answer; /* NULL: nobody listens */
	void (*between)(void);
} origin;

static void
reply(struct agent *a, struct ask *k)
{
	struct incident *note = &origin.notes[origin.n % NOTES];
	const char *body = strstr(k->got, "\r\n\r\n");

	EXPECT(body != NULL);
	origin.n++;
	*note = (struct incident){ .at_us = sim_now_us(),
		.taken = origin.answer != NULL && strcmp(origin.answer, OK) == 0 };
	snprintf(note->text, sizeof(note->text), "%s", body == NULL ? "" : body + 4);
	if (origin.answer == NULL)
		stream_reset(k->stream, LINK_CODE_ORIGIN_REFUSED);
	else
		agent_say(a, k, origin.answer, true);
	stream_free(k->stream);
	k->stream = NULL;
	if (origin.between != NULL)
		origin.between();
}

/* Takes requests and never answers; at the end of the edge's patience the slot is free again. */
static void
swallow(struct agent *a, struct ask *k)
{
	(void)a;
	(void)k;
	origin.n++;
}

static struct agent *
arrive_with(const char *name, void (*answer)(struct agent *a, struct ask *k), const char *policy)
{
	struct hello_tunnel h = { .id = 1, .kind = TUNNEL_HTTP };
	struct agent *a;

	snprintf(h.name, sizeof(h.name), "%s", name);
	h.policy = strdup(policy);
	w->agents[w->n_agents].serve = answer;
	a = link_up_as(0, "ann", &h);
	EXPECT_SLICE(slice_str(h.error), S(""));
	free(h.policy);
	return a;
}

static struct agent *
arrive(const char *name, void (*answer)(struct agent *a, struct ask *k))
{
	return arrive_with(name, answer, "{\"deliver\":{\"skip_after\":1000000}}");
}

static void
begin(void)
{
	struct store_req r = { .op = STORE_TOKEN_ADD, .account = "ann" };

	atomic_store(&sim_clock_us, 1000000);
	world_open(1);
	EXPECT_INT(await_store(w->edge.store, &r), STORE_OK);
	store_req_fini(&r);
	memset(&origin, 0, sizeof(origin));
}

/* --- the schedule --- */

static const int64_t schedule_s[] = { 5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300, 300, 300,
	300, 300, 300, 1800, 7200, 18000, 36000, 50400, 72000, 70485 };
enum { PAUSES = sizeof(schedule_s) / sizeof(*schedule_s) };

static void
no_clock_jumps(void)
{
}

static void
jump(void *arg)
{
	static const int64_t days[] = { 365, -730, 400, -1, 7, -40 };
	static unsigned n;

	(void)arg;
	atomic_fetch_add(&wall_us, days[n++ % 6] * DAY);
}

/* A year ahead, two years back, and so on: between the answer and its settling, and amid the pause.
 */
static void
clock_jumps(void)
{
	jump(NULL);
	sim_at(2 * SECOND, jump, NULL);
}

static void
expect_schedule(void)
{
	int64_t want = 0;

	EXPECT_INT(origin.n, PAUSES + 1);
	for (int i = 0; i < PAUSES && i + 1 < origin.n; i++) {
		int64_t at = origin.notes[i + 1].at_us - origin.notes[0].at_us;

		/* Up to a quarter of the pause later; nothing adds up over the days. */
		want += schedule_s[i] * SECOND;
		EXPECT(at >= want && at <= want + schedule_s[i] * SECOND / 4 + SECOND / 20);
	}
}

/*
 * a receiver that is down for days: the schedule to its end, then dead and kept; by hand it
 * goes out once more.  Wall clocks that jump at each attempt change nothing.
 */
static void
down_for_days(void (*between)(void))
{
	struct inbox_req show = { .op = INBOX_SHOW, .account = "ann" };

	begin();
	origin.between = between;
	arrive("a", reply);
	show.show.id = put("a", "main", 1);
	pass_time(5 * DAY);
	expect_schedule();
	EXPECT_INT(count(INBOX_DEAD), 1);
	EXPECT_INT(ask_inbox(&show), STORE_OK);
	EXPECT_INT(show.items[0].attempts, PAUSES + 1);
	EXPECT_INT(show.n_attempts, PAUSES + 1);
	inbox_req_fini(&show);
	origin.answer = OK;
	pass_time(DAY);
	EXPECT_INT(origin.n, PAUSES + 1);
	replay(show.show.id);
	pass_time(SECOND);
	EXPECT_INT(origin.n, PAUSES + 2);
	EXPECT_INT(count(INBOX_DELIVERED), 1);
	world_close();
}

TEST(q05_down_for_days)
{
	down_for_days(no_clock_jumps);
}

TEST(q05_down_for_days_while_the_clock_jumps)
{
	down_for_days(clock_jumps);
}

/*
 * An origin that refuses, and an agent that reconnects 23 times in 10 s: a delivery was given up
 * within seconds, since each attempt counted.  It is tried each time, and lives as long as any
 * other; the next of its branch waits for it as ever.
 */
TEST(an_agent_that_flaps_uses_nothing_up)
{
	struct inbox_req show = { .op = INBOX_SHOW, .account = "ann" };
	struct agent *a;

	begin();
	a = arrive_with("a", reply, "{\"deliver\":{\"skip_after\":5}}");
	show.show.id = put("a", "main", 1);
	(void)put("a", "main", 2);
	pass_time(SECOND);
	EXPECT_INT(origin.n, 1);
	for (int i = 0; i < 23; i++) {
		agent_leave(a);
		pass_time(SECOND * 10 / 23);
		a = arrive_with("a", reply, "{\"deliver\":{\"skip_after\":5}}");
	}
	EXPECT(origin.n > 5);
	/* No more often than once a second, even so. */
	EXPECT(origin.n <= 12);
	pass_time(71 * HOUR);
	EXPECT_INT(count(INBOX_DEAD), 0);
	EXPECT_INT(count(INBOX_QUEUED), 2);
	pass_time(10 * HOUR);
	EXPECT(count(INBOX_DEAD) >= 1);
	EXPECT_INT(ask_inbox(&show), STORE_OK);
	EXPECT(show.items[0].fails <= PAUSES + 1);
	inbox_req_fini(&show);
	world_close();
}

/* The origin asked for an hour: an agent that comes back does not know better. */
TEST(a_reconnect_does_not_override_retry_after)
{
	struct agent *a;

	begin();
	origin.answer = "HTTP/1.1 503 No\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n";
	a = arrive("a", reply);
	(void)put("a", "main", 1);
	pass_time(SECOND);
	EXPECT_INT(origin.n, 1);
	agent_leave(a);
	pass_time(10 * SECOND);
	a = arrive("a", reply);
	pass_time(HOUR - 20 * SECOND);
	EXPECT_INT(origin.n, 1);
	pass_time(30 * SECOND);
	EXPECT_INT(origin.n, 2);
	world_close();
}

/* Each key's first arrivals are in order; each delivery was taken once. */
static void
expect_taken(int n_keys, int per_key)
{
	int next[8] = { 0 }, taken = 0;

	EXPECT(origin.n <= NOTES);
	for (int i = 0; i < origin.n && i < NOTES; i++) {
		struct incident *note = &origin.notes[i];
		int key = note->text[0] - 'a';

		if (!note->taken || key < 0 || key >= n_keys)
			continue;
		EXPECT_INT(atoi(note->text + 1), next[key]++);
		taken++;
	}
	EXPECT_INT(taken, n_keys * per_key);
}

static void
put_many(int n_keys, int per_key)
{
	for (int i = 0; i < per_key; i++)
		for (int k = 0; k < n_keys; k++)
			(void)put("a", (char[]){ (char)('a' + k), '\0' }, i);
}

/* The receiver is back after two days: what waits goes out at its next attempt, in order, once. */
TEST(q05_back_after_two_days)
{
	begin();
	origin.answer = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
	origin.between = clock_jumps;
	arrive("a", reply);
	put_many(3, 5);
	pass_time(2 * DAY);
	EXPECT_INT(count(INBOX_QUEUED), 15);
	/* One of each key is tried; the others wait behind it and cost nothing. */
	EXPECT(origin.n <= 3 * PAUSES);
	origin.answer = OK;
	pass_time(2 * DAY);
	EXPECT_INT(count(INBOX_DELIVERED), 15);
	expect_taken(3, 5);
	world_close();
}

/* The agent is away for two days: nothing is tried, and all goes out when it is back. */
TEST(q05_agent_away_for_two_days)
{
	struct agent *a;

	begin();
	origin.answer = NULL;
	a = arrive("a", reply);
	put_many(3, 5);
	pass_time(HOUR);
	agent_leave(a);
	origin.n = 0;
	atomic_fetch_sub(&wall_us, 800 * DAY);
	pass_time(2 * DAY);
	EXPECT_INT(origin.n, 0);
	origin.answer = OK;
	arrive("a", reply);
	pass_time(SECOND);
	EXPECT_INT(count(INBOX_DELIVERED), 15);
	/* Their lag is told as what it was, later than any bound. */
	EXPECT_INT(w->workers[0]->counters.lag[LAG_BUCKETS - 1], 15);
	expect_taken(3, 5);
	world_close();
}

/* One that follows another in its lane is leased where the other is settled. */
TEST(a_lane_costs_one_commit_a_delivery)
{
	enum { N = 40 };
	uint64_t before;

	begin();
	put_many(1, N);
	before = store_commits(w->edge.store);
	origin.answer = OK;
	arrive("a", reply);
	pass_time(10 * SECOND);
	EXPECT_INT(count(INBOX_DELIVERED), N);
	expect_taken(1, N);
	EXPECT(store_commits(w->edge.store) - before <= N + 4);
	/* and at the end there is somebody who looks when something comes or is due */
	origin.answer = NULL;
	put_many(1, 2);
	pass_time(SECOND);
	origin.answer = OK;
	pass_time(10 * SECOND);
	EXPECT_INT(count(INBOX_DELIVERED), N + 2);
	world_close();
}

/* With coalesce each lease is on the disk before anything is sent: a power cut must not make what
 * the origin may have seen look as if it had not. */
TEST(what_may_make_way_is_synced)
{
	enum { N = 20 };
	uint64_t before;

	begin();
	put_many(1, N);
	before = store_commits(w->edge.store);
	origin.answer = OK;
	arrive_with("a", reply, "{\"mode\":\"store\",\"unsigned\":true,\"coalesce\":true}");
	pass_time(10 * SECOND);
	EXPECT_INT(count(INBOX_DELIVERED), N);
	EXPECT(store_commits(w->edge.store) - before >= N);
	world_close();
}

/* What the receiver asks for is done: later with 429, not again with 410. */
TEST(q05_retry_after_and_gone)
{
	begin();
	origin.answer = "HTTP/1.1 429 No\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n";
	origin.between = clock_jumps;
	arrive("a", reply);
	(void)put("a", "main", 1);
	pass_time(2 * HOUR);
	EXPECT_INT(origin.n, 1);
	pass_time(2 * SECOND);
	EXPECT_INT(origin.n, 2);
	origin.answer = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
	pass_time(3 * HOUR);
	EXPECT_INT(origin.n, 3);
	EXPECT_INT(count(INBOX_PARKED), 1);
	pass_time(5 * DAY);
	EXPECT_INT(origin.n, 3);
	world_close();
}

/* A receiver that holds on to all that it gets has `concurrency` of them, and its neighbour waits
 * for nothing. */
TEST(q05_a_silent_target_starves_nobody)
{
	begin();
	origin.answer = OK;
	arrive("mute", swallow);
	arrive("a", reply);
	for (int i = 0; i < 40; i++)
		(void)put("mute", "", i);
	pass_time(SECOND);
	EXPECT_INT(origin.n, 8);
	EXPECT_INT(count(INBOX_LEASED), 8);
	put_many(2, 10);
	pass_time(SECOND);
	EXPECT_INT(count(INBOX_DELIVERED), 20);
	expect_taken(2, 10);
	EXPECT_INT(count(INBOX_LEASED), 8);
	/* None of the others is tried while these are out. */
	pass_time((int64_t)(LIMIT_ORIGIN_SILENT_MS + LIMIT_EDGE_SILENT_MS) * 1000 - 5 * SECOND);
	EXPECT_INT(origin.n, 28);
	world_close();
}

/* --- after an outage --- */

static void
say_origin(struct agent *a)
{
	link_control(&a->link, S("{\"type\":\"origin\",\"id\":1}"));
	agent_flush(a);
}

/*
 * Five are down for so long that their pauses are minutes; the agent was told that something waits,
 * says that the origin is back, and all are out within a second.
 */
TEST(the_queue_goes_out_when_the_origin_is_back)
{
	struct agent *a;
	int n;

	begin();
	a = arrive("a", reply);
	for (int i = 0; i < 5; i++)
		(void)put("a", "", i);
	pass_time(SECOND);
	EXPECT(strstr(a->control, "{\"type\":\"waiting\",\"id\":1,\"waits\":true}") != NULL);
	pass_time(30 * MINUTE);
	n = origin.n;
	origin.answer = OK;
	say_origin(a);
	say_origin(a);
	pass_time(SECOND / 2);
	EXPECT_INT(origin.n, n + 5);
	EXPECT_INT(count(INBOX_DELIVERED), 5);
	EXPECT(strstr(a->control, "\"waits\":false") != NULL);
	/* Nothing waits: the word of the agent is worth nothing. */
	say_origin(a);
	pass_time(SECOND);
	EXPECT_INT(origin.n, n + 5);
	world_close();
}

/* It accepts, and fails again: one attempt for each time that the agent says so, not five. */
TEST(one_delivery_tries_an_origin_that_is_back)
{
	struct agent *a;
	int n;

	begin();
	a = arrive("a", reply);
	for (int i = 0; i < 5; i++)
		(void)put("a", "", i);
	pass_time(30 * MINUTE);
	for (int i = 0; i < 3; i++) {
		n = origin.n;
		say_origin(a);
		pass_time(3 * SECOND / 2);
		EXPECT(origin.n >= n + 1 && origin.n <= n + 2);
		a->control[0] = '\0';
	}
	/* Getting ready is no answer, but a reason to wait with all of them. */
	origin.answer =
	    "HTTP/1.1 503 No\r\nX-Jenkins: 2.5\r\nContent-Type: text/html\r\n\r\n"
	    "<title>Starting Jenkins</title>Please wait while Jenkins is getting ready to work";
	n = origin.n;
	say_origin(a);
	pass_time(4 * SECOND);
	EXPECT(origin.n >= n + 1 && origin.n <= n + 2);
	EXPECT(strstr(a->control, "\"waits\":false") == NULL);
	origin.answer = OK;
	pass_time(20 * SECOND);
	EXPECT_INT(count(INBOX_DELIVERED), 5);
	world_close();
}

/* It takes the first one and works on it: the others do not wait for its answer. */
TEST(the_rest_does_not_wait_for_a_slow_first_answer)
{
	struct agent *a;
	int n;

	begin();
	a = arrive("a", reply);
	for (int i = 0; i < 5; i++)
		(void)put("a", "", i);
	pass_time(30 * MINUTE);
	a->serve = swallow;
	n = origin.n;
	say_origin(a);
	pass_time(4 * SECOND);
	EXPECT(origin.n >= n + 1 && origin.n <= n + 2);
	pass_time(3 * SECOND);
	EXPECT_INT(origin.n, n + 5);
	world_close();
}

/* --- upkeep --- */

static int log_fd;

static void
on_nothing(struct edge *e, const char *key)
{
	(void)e;
	(void)key;
}

/* With upkeep, and its log in memory. */
static struct housekeeping *
begin_upkeep(void)
{
	log_fd = memfd_create("log", MFD_CLOEXEC);
	log_init(log_fd, LOG_WARN, LOG_LOGFMT);
	begin();
	w->edge.route_up = on_nothing;
	w->edge.main_loop = loop_new();
	return housekeeping_start(&w->edge, w->settings);
}

static void
end_upkeep(struct housekeeping *u)
{
	housekeeping_stop(u);
	pass_time(SECOND);
	housekeeping_free(u);
	world_close();
	close(log_fd);
	log_init(STDERR_FILENO, LOG_INFO, LOG_LOGFMT);
}

/* How many alerts were given; *ret_late_s is what the last one says. */
static int
alerts(int *ret_late_s)
{
	static char text[1 << 16];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);
	int found = 0;
	char *p = text;

	text[n > 0 ? n : 0] = '\0';
	*ret_late_s = -1;
	while ((p = strstr(p, "event=inbox-alert ")) != NULL) {
		char *late = strstr(p, "late_s=");

		*ret_late_s = late == NULL ? -1 : atoi(late + 7);
		found++;
		p++;
	}
	return found;
}

#define EXPECT_ALERTS(n, late_from_s, late_to_s)                                                   \
	do {                                                                                       \
		int late_s;                                                                        \
                                                                                                   \
		EXPECT_INT(alerts(&late_s), n);                                                    \
		EXPECT(late_s >= (late_from_s) && late_s <= (late_to_s));                          \
	} while (0)

/* Being late is told once, not for each delivery and not again after the pause; then it begins
 * anew. */
TEST(q05_late_is_told_once)
{
	struct housekeeping *u = begin_upkeep();
	struct agent *a;

	put_many(3, 2);
	pass_time(14 * MINUTE);
	EXPECT_ALERTS(0, -1, -1);
	put_many(1, 1);
	pass_time(2 * MINUTE);
	EXPECT_ALERTS(1, 900, 903);
	pass_time(44 * MINUTE);
	EXPECT_ALERTS(1, 900, 903);
	origin.answer = OK;
	a = arrive("a", reply);
	pass_time(MINUTE);
	EXPECT_INT(count(INBOX_DELIVERED), 7);
	agent_leave(a);
	put_many(1, 1);
	pass_time(14 * MINUTE);
	EXPECT_ALERTS(1, 900, 903);
	pass_time(2 * MINUTE);
	EXPECT_ALERTS(2, 900, 903);
	end_upkeep(u);
}

/* An alert that comes too soon after another one is late, not lost. */
TEST(q05_late_and_parked_share_the_pause)
{
	struct housekeeping *u = begin_upkeep();

	origin.answer = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
	(void)put("b", "main", 1);
	pass_time(14 * MINUTE);
	arrive("a", reply);
	(void)put("a", "main", 1);
	pass_time(3 * SECOND);
	EXPECT_INT(count(INBOX_PARKED), 1);
	EXPECT_ALERTS(1, 0, 0);
	pass_time(9 * MINUTE);
	EXPECT_ALERTS(1, 0, 0);
	pass_time(MINUTE);
	EXPECT_ALERTS(2, 24 * 60, 24 * 60 + 5);
	end_upkeep(u);
}

/* A wall clock that is set makes nothing late, and hides nothing that is. */
TEST(r09_late_is_no_matter_of_the_wall_clock)
{
	struct housekeeping *u = begin_upkeep();

	put_many(1, 1);
	atomic_fetch_add(&wall_us, 400 * DAY);
	pass_time(10 * MINUTE);
	EXPECT_ALERTS(0, -1, -1);
	atomic_fetch_sub(&wall_us, 800 * DAY);
	pass_time(4 * MINUTE);
	EXPECT_ALERTS(0, -1, -1);
	pass_time(2 * MINUTE);
	EXPECT_ALERTS(1, 900, 903);
	end_upkeep(u);
}

static struct housekeeping *
look_again(struct housekeeping *u, int64_t after_us)
{
	housekeeping_stop(u);
	pass_time(SECOND);
	housekeeping_free(u);
	pass_time(after_us - SECOND);
	u = housekeeping_start(&w->edge, w->settings);
	pass_time(5 * SECOND);
	return u;
}

/* what is finished goes after its days, what waits never, whatever the wall clock says. */
TEST(q07_kept_for_its_days)
{
	struct housekeeping *u = begin_upkeep();
	struct agent *a;

	origin.answer = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
	a = arrive("a", reply);
	(void)put("a", "main", 1);
	pass_time(SECOND);
	origin.answer = OK;
	(void)put("a", "main", 2);
	pass_time(SECOND);
	agent_leave(a);
	(void)put("a", "main", 3);
	atomic_fetch_add(&wall_us, 400 * DAY);
	u = look_again(u, 29 * DAY);
	EXPECT_INT(count(INBOX_DELIVERED), 1);
	atomic_fetch_sub(&wall_us, 800 * DAY);
	u = look_again(u, DAY);
	EXPECT_INT(count(INBOX_DELIVERED), 0);
	EXPECT_INT(count(INBOX_PARKED), 1);
	u = look_again(u, 59 * DAY);
	EXPECT_INT(count(INBOX_PARKED), 1);
	u = look_again(u, DAY);
	EXPECT_INT(count(INBOX_PARKED), 0);
	u = look_again(u, 300 * DAY);
	EXPECT_INT(count(INBOX_QUEUED), 1);
	end_upkeep(u);
}

/* clang-format off */
TESTS(TEST_ROW(the_queue_goes_out_when_the_origin_is_back) TEST_ROW(one_delivery_tries_an_origin_that_is_back) TEST_ROW(the_rest_does_not_wait_for_a_slow_first_answer) 
	TEST_ROW(q05_down_for_days)
	TEST_ROW(q05_down_for_days_while_the_clock_jumps)
	TEST_ROW(an_agent_that_flaps_uses_nothing_up)
	TEST_ROW(a_reconnect_does_not_override_retry_after)
	TEST_ROW(q05_back_after_two_days)
	TEST_ROW(q05_agent_away_for_two_days)
	TEST_ROW(a_lane_costs_one_commit_a_delivery)
	TEST_ROW(what_may_make_way_is_synced)
	TEST_ROW(q05_retry_after_and_gone)
	TEST_ROW(q05_a_silent_target_starves_nobody)
	TEST_ROW(q05_late_is_told_once)
	TEST_ROW(q05_late_and_parked_share_the_pause)
	TEST_ROW(r09_late_is_no_matter_of_the_wall_clock)
	TEST_ROW(q07_kept_for_its_days)
)
