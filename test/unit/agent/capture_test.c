/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/capture/capture.h"

#include "agent/capture/exchange.h"
#include "agent/capture/governor.h"
#include "agent/capture/history.h"
#include "agent/capture/redact.h"
#include "agent/capture/seek.h"
#include "agent/capture/tap.h"
#include "base/crc32c.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

/* A capture in a folder of its own, on a loop that runs until what waits has come. */
struct world {
	struct loop *loop;
	struct capture *capture;
	struct loop_timer timer;
	int turns;
	uint64_t seen;
	struct seek_hit hits[8];
	size_t n_hits;
	bool done;
	char stopped[200];
};

static struct world w;

static void
on_stopped(void *owner, const char *why)
{
	(void)owner;
	snprintf(w.stopped, sizeof(w.stopped), "%s", why);
}

static void
begin(const char *never_store)
{
	struct capture_options o = {
		.bytes_max = (uint64_t)64 << 20, .age_ms_max = 86400000, .never_store = never_store
	};
	char *error;

	w = (struct world){ .loop = loop_new() };
	w.capture = capture_new(w.loop);
	capture_tunnel(w.capture, 0, "jenkins", CAPTURE_ON);
	capture_tunnel(w.capture, 1, "quiet", CAPTURE_OFF);
	capture_tunnel(w.capture, 2, "heads", CAPTURE_HEADS);
	error = capture_store(w.capture, folder, &o, on_stopped, NULL);
	EXPECT(error == NULL);
	free(error);
}

static void
end(void)
{
	capture_free(w.capture);
	loop_free(w.loop);
}

static void
on_timer(struct loop_timer *t)
{
	struct capture_row r;

	capture_flush(w.capture);
	/* What a webhook is about comes from the thread. */
	if ((rows_newest(capture_rows(w.capture), &r) && r.event.n > 0) || ++w.turns > 2000) {
		loop_stop(w.loop);
		return;
	}
	loop_timer_set(w.loop, t, 1000);
}

static void
clean(void)
{
	char command[100];

	if (folder[0] == '\0')
		return;
	*strstr(folder, "/state") = '\0';
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	EXPECT(system(command) == 0);
}

static void
new_folder(void)
{
	if (folder[0] == '\0')
		atexit(clean);
	else
		clean();
	snprintf(folder, sizeof(folder), "/tmp/adit-capture-XXXXXX");
	EXPECT(mkdtemp(folder) != NULL);
	strcat(folder, "/state/capture");
}

static void
tell_head(struct tap *t, enum tap_side side, const char *text)
{
	struct h1 h;
	struct slice head = slice_str(text);

	h1_init(&h, side == TAP_REQUEST ? H1_REQUEST : H1_RESPONSE);
	h.inside = side == TAP_REQUEST;
	EXPECT(h1_head(&h, head) == H1_DONE);
	tap_head(t, side, TAP_RECEIVED, &h.head, head);
	tap_head(t, side, TAP_SENT, NULL, head);
}

#define PUSH                                                                                       \
	"POST /hook?token=secret&x=1 HTTP/1.1\r\nHost: jenkins.example.org\r\n"                    \
	"X-Event-Key: repo:push\r\nX-Hook-UUID: 7\r\nAuthorization: Bearer "                       \
	"secret\r\nContent-Length: 3\r\n\r\n"

static uint64_t
pass(size_t tunnel, const char *head, const char *body, size_t n, size_t piece)
{
	struct tap_opening o = { .tunnel = tunnel,
		.request_id = S("0123456789abcdef"),
		.visitor = S("192.0.2.1:4711") };
	struct tap *t = tap_begin(w.capture, &o);
	uint64_t id;

	EXPECT(t != NULL);
	tell_head(t, TAP_REQUEST, head);
	id = tap_id(t);
	for (size_t at = 0; at < n; at += piece)
		tap_body(t, TAP_REQUEST, slice_of(body + at, piece < n - at ? piece : n - at));
	tell_head(t, TAP_RESPONSE, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
	tap_body(t, TAP_RESPONSE, S("ok"));
	tap_trailers(t, TAP_RESPONSE, S("x-sum: 1\r\n"));
	tap_end(t, 200, S("ok"), 1234, n, 2);
	return id;
}

static void
see_exchange(uint64_t id, size_t n)
{
	struct captured *e = exchange_open(w.capture, id);
	struct exchange_piece piece;
	struct buf b;
	char got[100];

	EXPECT(e != NULL);
	if (e == NULL)
		return;
	buf_init(&b, 65536);
	EXPECT(exchange_head(e, TAP_REQUEST, TAP_RECEIVED, &b));
	EXPECT_SLICE(buf_slice(&b), S(PUSH));
	buf_reset(&b);
	EXPECT(exchange_head(e, TAP_RESPONSE, TAP_SENT, &b));
	EXPECT(slice_starts(buf_slice(&b), S("HTTP/1.1 200")));
	buf_reset(&b);
	EXPECT(exchange_trailers(e, TAP_RESPONSE, &b));
	EXPECT_SLICE(buf_slice(&b), S("x-sum: 1\r\n"));
	buf_fini(&b);
	EXPECT_INT(exchange_body_bytes(e, TAP_REQUEST), n);
	EXPECT_INT(exchange_body_bytes(e, TAP_RESPONSE), 2);
	EXPECT_INT(exchange_read(e, TAP_RESPONSE, 0, got, sizeof(got)), 2);
	EXPECT_INT(exchange_read(e, TAP_RESPONSE, 1, got, sizeof(got)), 1);
	EXPECT(got[0] == 'k');
	EXPECT_INT(exchange_read(e, TAP_RESPONSE, 2, got, sizeof(got)), 0);
	for (size_t i = 0; i < exchange_pieces(e, TAP_REQUEST); i++) {
		exchange_piece(e, TAP_REQUEST, i, &piece);
		EXPECT(piece.n > 0 && piece.at_us > 0);
	}
	exchange_close(e);
}

static const char body[] = "{\"repository\":{\"full_name\":\"acme/web\"},\"push\":{\"changes\":"
			   "[{\"new\":{\"type\":\"branch\",\"name\":\"main\"}}]}}";

TEST(an_exchange_is_read_back_and_after_a_restart)
{
	struct capture_row r;
	uint64_t id;

	new_folder();
	begin(NULL);
	id = pass(0, PUSH, body, sizeof(body) - 1, 20);
	see_exchange(id, sizeof(body) - 1); /* from memory */
	w.timer.fn = on_timer;
	loop_timer_set(w.loop, &w.timer, 0);
	loop_run(w.loop);
	EXPECT(rows_find(capture_rows(w.capture), id, &r));
	EXPECT_SLICE(r.event, S("repo:push"));
	EXPECT_SLICE(r.repository, S("acme/web"));
	EXPECT_SLICE(r.branch, S("main"));
	EXPECT_SLICE(r.provider, S("bitbucket"));
	end();
	begin(NULL);
	EXPECT(rows_find(capture_rows(w.capture), id, &r));
	EXPECT(r.status == 200 && r.state == ROW_ANSWERED && r.tunnel == 0 && r.flags == 0);
	EXPECT_SLICE(r.branch, S("main"));
	EXPECT_SLICE(r.target, S("/hook?token=secret&x=1"));
	see_exchange(id, sizeof(body) - 1);
	EXPECT(pass(0, PUSH, body, 10, 10) > id);
	end();
}

TEST(what_is_off_is_not_on_the_disk)
{
	struct capture_row r;
	uint64_t off, heads;
	struct captured *e;

	new_folder();
	begin(NULL);
	off = pass(1, PUSH, body, 10, 10);
	heads = pass(2, PUSH, body, 10, 10);
	EXPECT(rows_find(capture_rows(w.capture), off, &r) && (r.flags & ROW_UNKEPT) != 0);
	EXPECT_SLICE(r.target, S("/hook"));
	EXPECT(exchange_open(w.capture, off) == NULL);
	EXPECT(rows_find(capture_rows(w.capture), heads, &r) && r.flags == ROW_HEADS_ONLY);
	e = exchange_open(w.capture, heads);
	EXPECT(e != NULL && exchange_body_bytes(e, TAP_REQUEST) == 0);
	exchange_close(e);
	end();
	begin(NULL);
	EXPECT(!rows_find(capture_rows(w.capture), off, &r));
	EXPECT(rows_find(capture_rows(w.capture), heads, &r));
	end();
}

/* Every byte of every file of the folder. */
static bool
on_disk(const char *what)
{
	char command[200];

	snprintf(command, sizeof(command), "grep -rqa -e '%s' %s", what, folder);
	return system(command) == 0;
}

TEST(what_is_never_stored_is_not_on_the_disk)
{
	struct capture_row r;
	uint64_t id;

	new_folder();
	begin("authorization,?token");
	id = pass(0, PUSH, body, 10, 10);
	EXPECT(rows_find(capture_rows(w.capture), id, &r) && r.flags == ROW_BLANKED);
	EXPECT_SLICE(r.target, S("/hook?token=******&x=1"));
	end();
	EXPECT(on_disk("jenkins.example.org") && !on_disk("secret"));
}

TEST(a_body_is_cut_where_it_is_too_long)
{
	static char large[1024 * 1024];
	struct tap_opening o = { .request_id = S("0123456789abcdef") };
	struct capture_row r;
	struct captured *e;
	struct tap *t;
	uint64_t id;

	new_folder();
	begin(NULL);
	t = tap_begin(w.capture, &o);
	tell_head(t, TAP_REQUEST, PUSH);
	id = tap_id(t);
	/* As fast as memory: the ring fills up, or the rate does, or the size. */
	for (int i = 0; i < 64; i++)
		tap_body(t, TAP_REQUEST, slice_of(large, sizeof(large)));
	tap_end(t, 200, S("ok"), 1, 64 << 20, 0);
	EXPECT(rows_find(capture_rows(w.capture), id, &r));
	EXPECT((r.flags & (ROW_CUT_DISK | ROW_CUT_RATE | ROW_CUT_SIZE)) != 0);
	EXPECT_INT(r.tx_bytes, 64 << 20);
	e = exchange_open(w.capture, id);
	EXPECT(e != NULL && exchange_body_bytes(e, TAP_REQUEST) <= LIMIT_CAPTURE_BODY_BYTES);
	exchange_close(e);
	end();
}

static void
on_hit(void *owner, const struct seek_hit *h)
{
	(void)owner;
	if (w.n_hits < 8)
		w.hits[w.n_hits++] = *h;
}

static void
on_done(void *owner, uint64_t scanned)
{
	(void)owner;
	w.done = scanned > 0;
	loop_stop(w.loop);
}

TEST(bodies_are_searched)
{
	static const struct seek_ops ops = { .hit = on_hit, .done = on_done };
	struct captured *e;
	struct seek *s;
	uint64_t id;
	char got[8];

	new_folder();
	begin(NULL);
	id = pass(0, PUSH, body, sizeof(body) - 1, 7); /* in many pieces */
	end();
	begin(NULL);
	s = seek_start(w.capture, S("ACME/web"), &ops, NULL);
	EXPECT(s != NULL);
	loop_run(w.loop);
	EXPECT(w.done);
	seek_end(s);
	w.n_hits = 0;
	s = seek_start(w.capture, S("CME/"), &ops, NULL);
	loop_run(w.loop);
	EXPECT(w.done && w.n_hits == 1 && w.hits[0].id == id && w.hits[0].side == TAP_REQUEST);
	seek_end(s);
	e = exchange_open(w.capture, id);
	EXPECT(e != NULL);
	if (e != NULL) {
		uint64_t at = exchange_offset(e, TAP_REQUEST, w.hits[0].place);

		at = w.hits[0].before ? at - w.hits[0].at : at + w.hits[0].at;
		EXPECT_INT(exchange_read(e, TAP_REQUEST, at, got, 4), 4);
		EXPECT(memcmp(got, "cme/", 4) == 0);
	}
	exchange_close(e);
	s = seek_start(w.capture, S("nothing of the kind"), &ops, NULL);
	end(); /* while it runs */
	(void)s;
}

TEST(search_finds_what_a_plain_one_finds)
{
	char hay[200];
	uint32_t state = 1;

	for (int round = 0; round < 20000; round++) {
		char needle[6];
		size_t n = (size_t)(round % 5) + 1, plain = SIZE_MAX, len = (size_t)(round % 190);

		for (size_t i = 0; i < sizeof(hay); i++) {
			state = state * 1103515245 + 12345;
			hay[i] = "abAB1"[state >> 16 & 3];
		}
		for (size_t i = 0; i < n; i++) {
			state = state * 1103515245 + 12345;
			needle[i] = "ab"[state >> 16 & 1];
		}
		for (size_t i = 0; i + n <= len && plain == SIZE_MAX; i++)
			if (strncasecmp(hay + i, needle, n) == 0)
				plain = i;
		EXPECT(seek_find(slice_of(hay, len), slice_of(needle, n)) == plain);
	}
}

/* Each length that a crash may leave behind: what is good is read, the rest is cut. */
TEST(torn_at_each_byte)
{
	char path[128], whole[8192];
	struct captured *e;
	struct buf index;
	size_t n, good;
	ssize_t got;
	uint64_t id;
	int fd;

	new_folder();
	begin(NULL);
	id = pass(0, PUSH, body, sizeof(body) - 1, 50);
	end();
	snprintf(path, sizeof(path), "%s/00000001.seg", folder);
	fd = open(path, O_RDONLY);
	got = read(fd, whole, sizeof(whole));
	close(fd);
	EXPECT(got > 1000 && got < (ssize_t)sizeof(whole));
	n = got < 0 ? 0 : (size_t)got;
	for (size_t cut = 0; cut <= n; cut++) {
		buf_init(&index, 65536);
		if (history_index(slice_of(whole, cut), 1, true, &index, &good)) {
			EXPECT(good <= cut && good >= SEGMENT_FILE_BYTES);
			EXPECT(cut - good < 600 || cut < 600);
		} else {
			EXPECT(cut < SEGMENT_FILE_BYTES);
		}
		buf_fini(&index);
	}
	for (size_t cut = n - 1; cut > n - 400; cut -= 7) {
		struct capture_row r;

		fd = open(path, O_WRONLY | O_TRUNC);
		EXPECT(write(fd, whole, cut) == (ssize_t)cut);
		close(fd);
		snprintf(path, sizeof(path), "%s/00000001.idx", folder);
		unlink(path);
		snprintf(path, sizeof(path), "%s/00000001.seg", folder);
		begin(NULL);
		EXPECT(rows_find(capture_rows(w.capture), id, &r));
		EXPECT(r.state == ROW_FAILED || r.state == ROW_ANSWERED);
		e = exchange_open(w.capture, id);
		EXPECT(e != NULL && exchange_body_bytes(e, TAP_REQUEST) == sizeof(body) - 1);
		exchange_close(e);
		end();
	}
}

/* A second agent has a folder of its own, and reads the first one's. */
TEST(two_agents)
{
	struct world first;
	struct capture_row r;
	uint64_t a, b;

	new_folder();
	begin(NULL);
	a = pass(0, PUSH, body, sizeof(body) - 1, 50);
	capture_flush(w.capture);
	first = w;
	/* Until the thread has written it. */
	for (int i = 0; i < 5000 && !on_disk("acme/web"); i++)
		usleep(1000);
	begin(NULL);
	EXPECT(a % 10 == 0 && rows_find(capture_rows(w.capture), a, &r));
	see_exchange(a, sizeof(body) - 1);
	b = pass(0, PUSH, body, 10, 10);
	EXPECT(b % 10 == 1);
	end();
	w = first;
	EXPECT(!rows_find(capture_rows(w.capture), b, &r));
	end();
	begin(NULL);
	EXPECT(rows_find(capture_rows(w.capture), a, &r) &&
	       rows_find(capture_rows(w.capture), b, &r));
	end();
}

static const char *pin_why;

static void
on_pinned(void *owner, const char *why)
{
	(void)owner;
	pin_why = why;
	loop_stop(w.loop);
}

static const char *
pin(uint64_t id, bool pinned)
{
	pin_why = "not called";
	EXPECT(capture_pin(w.capture, id, pinned, on_pinned, NULL) != NULL);
	loop_run(w.loop);
	return pin_why;
}

TEST(what_the_edge_tells_of_a_pinned_one_outlives_a_clear_too)
{
	struct edge_row e = { .took_us = -1, .delivery = 77, .state = ROW_QUEUED };
	struct capture_row r;

	new_folder();
	begin(NULL);
	uint64_t id = pass(0, PUSH, body, sizeof(body) - 1, 50);

	e.request_id = S("0123456789abcdef");
	EXPECT(pin(id, true) == NULL);
	capture_edge_row(w.capture, &e);
	capture_clear(w.capture);
	EXPECT(rows_find(capture_rows(w.capture), id, &r) && r.delivery == 77);
	end();
	begin(NULL);
	EXPECT(rows_find(capture_rows(w.capture), id, &r) && r.delivery == 77 &&
	       (r.flags & ROW_PINNED) != 0);
	see_exchange(id, sizeof(body) - 1);
	end();
}

static int n_pinned;

static void
on_many(void *owner, const char *why)
{
	EXPECT(why == NULL);
	if (++n_pinned == *(int *)owner)
		loop_stop(w.loop);
}

/* Many at once come one after another; one whose asker has gone goes on; too many are refused. */
TEST(pinned_in_slices)
{
	static char big[1200000]; /* twice, it waits for the disk whole */
	int wanted = LIMIT_CAPTURE_PINNINGS - 1;
	uint64_t ids[LIMIT_CAPTURE_PINNINGS];
	struct pinning *left = NULL;
	struct capture_row r;

	memset(big, 'x', sizeof(big));
	new_folder();
	begin(NULL);
	n_pinned = 0;
	for (size_t i = 0; i < LIMIT_CAPTURE_PINNINGS; i++) {
		size_t n = i == 1 ? sizeof(big) : sizeof(body) - 1;

		ids[i] = pass(0, PUSH, i == 1 ? big : body, n, 20000);
		struct pinning *p = capture_pin(w.capture, ids[i], true, on_many, &wanted);

		EXPECT(p != NULL);
		if (i == 0)
			left = p;
	}
	EXPECT(capture_pin(w.capture, ids[0], true, on_many, &wanted) == NULL);
	capture_pin_leave(left);
	loop_run(w.loop);
	EXPECT_INT(n_pinned, wanted);
	for (size_t i = 0; i < LIMIT_CAPTURE_PINNINGS; i++)
		EXPECT(rows_find(capture_rows(w.capture), ids[i], &r) && r.at >> 32 == 0);
	see_exchange(ids[1], sizeof(big));
	/* It ends in the middle of one: that one is as if it had not begun. */
	ids[0] = pass(0, PUSH, big, sizeof(big), 20000);
	EXPECT(capture_pin(w.capture, ids[0], true, on_many, &wanted) != NULL);
	end();
	begin(NULL);
	EXPECT(rows_find(capture_rows(w.capture), ids[0], &r) && (r.flags & ROW_PINNED) == 0);
	see_exchange(ids[0], sizeof(big));
	end();
}

TEST(pinned_outlives_a_clear)
{
	struct capture_row r;
	uint64_t a, b;

	new_folder();
	begin(NULL);
	a = pass(0, PUSH, body, sizeof(body) - 1, 50);
	b = pass(0, PUSH, body, 10, 10);
	EXPECT(pin(a, true) == NULL);
	EXPECT(pin(a, true) == NULL); /* twice is once */
	EXPECT(pin(a + 5, true) != NULL);
	see_exchange(a, sizeof(body) - 1);
	capture_clear(w.capture);
	EXPECT(!rows_find(capture_rows(w.capture), b, &r));
	see_exchange(a, sizeof(body) - 1);
	b = pass(0, PUSH, body, 12, 12);
	see_exchange(b, 12);
	end();
	begin(NULL);
	EXPECT_INT(rows_count(capture_rows(w.capture)), 2);
	EXPECT(rows_find(capture_rows(w.capture), a, &r) && (r.flags & ROW_PINNED) != 0);
	see_exchange(a, sizeof(body) - 1);
	see_exchange(b, 12);
	EXPECT(pin(a, false) == NULL);
	EXPECT(rows_find(capture_rows(w.capture), a, &r) && (r.flags & ROW_PINNED) == 0);
	see_exchange(a, sizeof(body) - 1);
	end();
	begin(NULL);
	EXPECT(rows_find(capture_rows(w.capture), a, &r) && (r.flags & ROW_PINNED) == 0);
	see_exchange(a, sizeof(body) - 1);
	end();
}

TEST(governed_second_by_second)
{
	struct governor g = { 0 };
	int64_t now = 5000000;
	int sampled = 0;

	EXPECT(governor_ask(&g, now) == GOVERNOR_ALL);
	governor_take(&g, LIMIT_CAPTURE_BYTES_RATE);
	EXPECT(governor_allows(&g, now) && governor_ask(&g, now) == GOVERNOR_ALL);
	governor_take(&g, 1);
	EXPECT(!governor_allows(&g, now) && governor_ask(&g, now) == GOVERNOR_HEADS);
	now += 1000000;
	EXPECT(governor_ask(&g, now) == GOVERNOR_ALL);
	for (int i = 1; i < LIMIT_CAPTURE_EXCHANGES_RATE; i++)
		EXPECT(governor_ask(&g, now + i) == GOVERNOR_ALL);
	for (int i = 0; i < 2560; i++) {
		enum governor_verdict v = governor_ask(&g, now + 900000);

		EXPECT(v == GOVERNOR_COUNT || v == GOVERNOR_SAMPLE);
		sampled += v == GOVERNOR_SAMPLE;
	}
	EXPECT_INT(sampled, 10);
	EXPECT(governor_ask(&g, now + 1000000) == GOVERNOR_ALL);
}

TEST(redacted)
{
	static const char *const names[] = { "X-Event-Key", "/repository/full_name", NULL };
	const struct redact plain = { 0 }, more = { names };
	struct buf b;

	buf_init(&b, 65536);
	redact_head(&plain, S(PUSH), &b);
	EXPECT_SLICE(buf_slice(&b),
	    S("POST /hook?token=***&x=*** HTTP/1.1\r\nHost: jenkins.example.org\r\n"
	      "X-Event-Key: repo:push\r\nX-Hook-UUID: 7\r\nAuthorization: ***\r\nContent-Length: "
	      "3\r\n\r\n"));
	EXPECT(redact_hides(&more, S("x-event-key")) && !redact_hides(&plain, S("x-event-key")));
	buf_reset(&b);
	EXPECT(redact_has_pointers(&more) && !redact_has_pointers(&plain));
	EXPECT(redact_json(&more, S("{\"repository\":{\"full_name\":\"a/b\"},\"x\":1}"), &b));
	EXPECT_SLICE(buf_slice(&b), S("{\"repository\":{\"full_name\":\"***\"},\"x\":1}"));
	EXPECT(!redact_json(&more, S("no json"), &b));
	buf_fini(&b);
}

TEST(checksum)
{
	EXPECT(crc32c(0, S("123456789")) == 0xe3069283u); /* RFC 3720 */
	EXPECT(crc32c(crc32c(0, S("1234")), S("56789")) == 0xe3069283u);
}

TESTS(TEST_ROW(an_exchange_is_read_back_and_after_a_restart)
	TEST_ROW(what_is_off_is_not_on_the_disk) TEST_ROW(what_is_never_stored_is_not_on_the_disk)
	    TEST_ROW(a_body_is_cut_where_it_is_too_long) TEST_ROW(bodies_are_searched)
		TEST_ROW(search_finds_what_a_plain_one_finds) TEST_ROW(torn_at_each_byte)
		    TEST_ROW(two_agents) TEST_ROW(pinned_outlives_a_clear)
			TEST_ROW(what_the_edge_tells_of_a_pinned_one_outlives_a_clear_too)
			    TEST_ROW(pinned_in_slices) TEST_ROW(governed_second_by_second)
				TEST_ROW(redacted) TEST_ROW(checksum))
