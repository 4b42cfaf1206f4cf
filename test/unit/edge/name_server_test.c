/* SPDX-License-Identifier: Apache-2.0 */
/* A name server with its thread and a store: asks from another loop, notes of the board. */
#include "edge/dns/name_server.h"

#include "dns/dnsread.h"
#include "dns/dnswrite.h"
#include "dns/rr.h"
#include "edge/core/board.h"
#include "edge/core/edge.h"
#include "edge/dns/records.h"
#include "net/udp.h"
#include "store/sqlite/engine.h"
#include "unit.h"
#include "unit/store/bad_vfs.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define LEAST "domain: tunnel.test\ncertificates: [{ cert: c, key: k }]\n"
#define ZONE                                                                                       \
	LEAST "dns: { listen: [127.0.0.1:0], mode: zone, addresses: [192.0.2.7, 2001:db8::7] }\n"
#define CHALLENGE LEAST "dns: { listen: [127.0.0.1:0] }\n"

struct world {
	char path[64];
	struct edge edge;
	struct settings *settings;
	struct name_server *ns;
	struct errands home;
	int fd; /* asks over UDP */
};

static void
start(struct world *w)
{
	struct addr at = { .kind = ADDR_TCP, .host = "127.0.0.1" }, bound;
	struct name_server_socket sockets[1] = { { -1, -1 } };
	struct sockaddr_storage ss;
	socklen_t len;
	char *error = NULL;

	w->edge.store = store_open(&sqlite_engine, w->path, &error);
	EXPECT(w->edge.store != NULL);
	sockets[0].tcp = addr_listen(&at, false, &bound);
	at.port = bound.port;
	sockets[0].udp = udp_open(&at, NULL);
	EXPECT(sockets[0].tcp >= 0 && sockets[0].udp >= 0);
	w->ns = name_server_new(&w->edge, w->settings, sockets, 1);
	EXPECT(w->ns != NULL && name_server_start(w->ns) == 0);
	EXPECT(addr_sockaddr(&bound, false, &ss, &len) == 0);
	w->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	EXPECT(connect(w->fd, (struct sockaddr *)&ss, len) == 0);
}

/* As the daemon does it: the store's thread may touch a loop that it has just sent an answer to. */
static void
stop(struct world *w)
{
	name_server_stop(w->ns);
	store_close(w->edge.store);
	name_server_free(w->ns);
	close(w->fd);
}

static void
begin(struct world *w, const char *text)
{
	char *error = NULL;

	*w = (struct world){ .path = "/tmp/adit-ns-XXXXXX" };
	EXPECT(mkdtemp(w->path) != NULL);
	strcat(w->path, "/db");
	w->edge.board = board_new();
	w->edge.directory = directory_new();
	w->settings = settings_parse(slice_str(text), "/etc/aditd.yml", &error);
	if (error != NULL)
		printf("%s\n", error);
	EXPECT(w->settings != NULL);
	w->home.loop = loop_new();
	start(w);
}

static void
finish(struct world *w)
{
	char command[128];

	stop(w);
	board_free(w->edge.board);
	directory_free(w->edge.directory);
	settings_unref(w->settings);
	loop_free(w->home.loop);
	*strrchr(w->path, '/') = '\0';
	snprintf(command, sizeof(command), "rm -r %s", w->path);
	EXPECT_INT(system(command), 0);
}

static struct loop *waiting;

static void
on_answer(struct errand *e)
{
	(void)e;
	loop_stop(waiting);
}

static enum records_result
ask(struct world *w, struct records_ask *a, const char *name, enum records_op op)
{
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->op = op;
	waiting = w->home.loop;
	records_ask(w->ns, a, &w->home, on_answer);
	loop_run(w->home.loop);
	EXPECT_INT(w->home.n_pending, 0);
	return a->result;
}

/* The RDATA of all records of the answer, one after another; -1: the rcode in *ret_n. */
static size_t
look_up(struct world *w, const char *name, uint16_t type, unsigned char *dst, unsigned *ret_rcode)
{
	struct dns_question q = { .type = type, .class = RR_CLASS_IN };
	unsigned char buf[512], reply[2048];
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	struct dnswrite out;
	struct dnsread r;
	size_t n = 0;
	ssize_t got;

	EXPECT(dname_parse(slice_str(name), &q.name));
	dnswrite_begin(&out, buf, sizeof(buf), 0, 7, 0);
	dnswrite_question(&out, &q);
	EXPECT_INT(send(w->fd, buf, out.n, 0), (ssize_t)out.n);
	EXPECT_INT(poll(&p, 1, 20000), 1);
	got = recv(w->fd, reply, sizeof(reply), 0);
	EXPECT(got > 0 && dnsread_begin(&r, slice_of(reply, (size_t)got)));
	*ret_rcode = r.flags & DNS_RCODE;
	dnsread_question(&r, &q);
	for (unsigned i = 0; i < r.counts[DNS_ANSWER]; i++) {
		struct dns_record rr;

		dnsread_record(&r, &rr);
		memcpy(dst + n, rr.rdata.p, rr.rdata.n);
		n += rr.rdata.n;
	}
	EXPECT(!r.failed);
	return n;
}

static void
expect(struct world *w, const char *name, uint16_t type, const char *rdata, size_t n)
{
	unsigned char got[2048];
	unsigned rcode;
	size_t n_got = look_up(w, name, type, got, &rcode);

	EXPECT_INT(rcode, RR_NOERROR);
	EXPECT_SLICE(slice_of(got, n_got), slice_of(rdata, n));
}
#define EDGE "\xc0\x00\x02\x07"

TEST(addresses_of_a_name)
{
	struct world w;
	struct records_ask a = { .v4 = { RECORDS_SET, { 203, 0, 113, 9 } } };

	begin(&w, ZONE);
	expect(&w, "home.tunnel.test", RR_A, EDGE, 4);
	EXPECT_INT(ask(&w, &a, "home", RECORDS_ADDRESSES), RECORDS_DONE);
	EXPECT(a.has_v4 && memcmp(a.now_v4, "\xcb\x00\x71\x09", 4) == 0 && !a.has_v6);
	expect(&w, "home.tunnel.test", RR_A, "\xcb\x00\x71\x09", 4);
	expect(&w, "home.tunnel.test", RR_AAAA, "", 0); /* never mixed with the edge's */
	EXPECT_INT(ask(&w, &a, "home", RECORDS_ADDRESSES), RECORDS_SAME);
	a.v4.wish = RECORDS_LEAVE;
	a.v6 = (struct records_address){ RECORDS_SET, { 0x20, 1, [15] = 5 } };
	EXPECT_INT(ask(&w, &a, "home", RECORDS_ADDRESSES), RECORDS_DONE);
	EXPECT(a.has_v4 && a.has_v6 && a.now_v6[15] == 5);
	/* What is stored is there when the next one starts. */
	stop(&w);
	start(&w);
	expect(&w, "home.tunnel.test", RR_A, "\xcb\x00\x71\x09", 4);
	a.v4.wish = a.v6.wish = RECORDS_REMOVE;
	EXPECT_INT(ask(&w, &a, "home", RECORDS_ADDRESSES), RECORDS_DONE);
	EXPECT(!a.has_v4 && !a.has_v6);
	expect(&w, "home.tunnel.test", RR_A, EDGE, 4);
	finish(&w);
}

TEST(texts_of_a_name)
{
	struct world w;
	struct records_ask a = { .n_txt = 1, .txt = { "first" } };

	begin(&w, CHALLENGE);
	EXPECT_INT(ask(&w, &a, "id1._acme-challenge", RECORDS_TXT_ADD), RECORDS_DONE);
	snprintf(a.txt[0], sizeof(a.txt[0]), "second");
	EXPECT_INT(ask(&w, &a, "id1._acme-challenge", RECORDS_TXT_ADD), RECORDS_DONE);
	expect(&w, "id1._acme-challenge.tunnel.test", RR_TXT, "\5first\6second", 13);
	EXPECT_INT(ask(&w, &a, "id1._acme-challenge", RECORDS_TXT_ADD), RECORDS_SAME);
	snprintf(a.txt[0], sizeof(a.txt[0]), "third");
	EXPECT_INT(ask(&w, &a, "id1._acme-challenge", RECORDS_TXT_ADD), RECORDS_DONE);
	expect(&w, "id1._acme-challenge.tunnel.test", RR_TXT, "\6second\5third", 13);
	EXPECT(a.n_now_txt == 2 && strcmp(a.now_txt[1], "third") == 0);
	EXPECT_INT(ask(&w, &a, "id1._acme-challenge", RECORDS_READ), RECORDS_DONE);
	EXPECT_INT(a.n_now_txt, 2);
	a.n_txt = 0;
	EXPECT_INT(ask(&w, &a, "id1._acme-challenge", RECORDS_TXT_SET), RECORDS_DONE);
	EXPECT_INT(a.n_now_txt, 0);
	finish(&w);
}

TEST(names_that_are_nobodys)
{
	struct world w;
	struct records_ask a = { .v4 = { RECORDS_SET, { 203, 0, 113, 9 } } };
	char large[RECORDS_TXT_BYTES];

	begin(&w, ZONE);
	EXPECT_INT(ask(&w, &a, "ns", RECORDS_ADDRESSES), RECORDS_RESERVED);
	EXPECT_INT(ask(&w, &a, "*", RECORDS_ADDRESSES), RECORDS_RESERVED);
	EXPECT_INT(ask(&w, &a, "_acme-challenge", RECORDS_ADDRESSES), RECORDS_RESERVED);
	EXPECT_INT(ask(&w, &a, "", RECORDS_ADDRESSES), RECORDS_BAD);
	EXPECT_INT(ask(&w, &a, "a..b", RECORDS_ADDRESSES), RECORDS_BAD);
	EXPECT_INT(ask(&w, &a, "home.", RECORDS_ADDRESSES), RECORDS_BAD);
	memset(large, 'x', sizeof(large)); /* without a NUL */
	memcpy(a.txt[0], large, sizeof(large));
	a.n_txt = 1;
	EXPECT_INT(ask(&w, &a, "home", RECORDS_TXT_SET), RECORDS_BAD);
	EXPECT_INT(ask(&w, &a, "home", RECORDS_READ), RECORDS_DONE);
	EXPECT(!a.has_v4 && a.n_now_txt == 0);
	finish(&w);
	begin(&w, CHALLENGE);
	EXPECT_INT(ask(&w, &a, "home", RECORDS_ADDRESSES), RECORDS_OUTSIDE);
	finish(&w);
}

static void
wait_told(struct world *w)
{
	uint64_t version = board_dns_version(w->edge.board);

	for (int i = 0; i < 20000 && board_told_version(w->edge.board) != version; i++)
		usleep(1000);
	EXPECT(board_told_version(w->edge.board) == version);
}

TEST(notes_of_the_board)
{
	struct world w;
	struct board_note note = {
		.kind = BOARD_DNS, .where = "_acme-challenge.tunnel.test", .text = "one"
	};
	struct board_note deep = {
		.kind = BOARD_DNS, .where = "_acme-challenge.web.tunnel.test", .text = "deep"
	};
	struct board_note foreign = {
		.kind = BOARD_DNS, .where = "_acme-challenge.x", .text = "y"
	};

	begin(&w, ZONE);
	EXPECT(board_show(w.edge.board, &note));
	note.text = "two";
	EXPECT(board_show(w.edge.board, &note) && board_show(w.edge.board, &deep) &&
	       board_show(w.edge.board, &foreign));
	wait_told(&w);
	expect(&w, "_acme-challenge.tunnel.test", RR_TXT, "\3one\3two", 8);
	expect(&w, "_acme-challenge.web.tunnel.test", RR_TXT, "\4deep", 5);
	expect(&w, "web.tunnel.test", RR_A, EDGE, 4); /* no wildcard stands for it any more */
	board_hide(w.edge.board, BOARD_DNS, note.where, "one");
	board_hide(w.edge.board, BOARD_DNS, deep.where, "deep");
	wait_told(&w);
	expect(&w, "_acme-challenge.tunnel.test", RR_TXT, "\3two", 4);
	expect(&w, "web.tunnel.test", RR_A, EDGE, 4);
	/* What was up before it started is answered, too. */
	stop(&w);
	start(&w);
	wait_told(&w);
	expect(&w, "_acme-challenge.tunnel.test", RR_TXT, "\3two", 4);
	finish(&w);
}

static void
on_put(struct item_req *req)
{
	atomic_fetch_add((_Atomic int *)req->owner, 1);
}

/* Several are n0.NAME, n1.NAME ..., all at once, so that they share commits. */
static void
put_items(struct world *w, const char *name, int count, const char *bytes, size_t n)
{
	struct item_req *reqs = calloc((size_t)count, sizeof(*reqs));
	_Atomic int n_done = 0;

	for (int i = 0; i < count; i++) {
		reqs[i] = (struct item_req){ .op = ITEM_PUT, .kind = "dns", .version = ITEM_ANY };
		if (count > 1)
			snprintf(reqs[i].name, sizeof(reqs[i].name), "n%d.%s", i, name);
		else
			snprintf(reqs[i].name, sizeof(reqs[i].name), "%s", name);
		reqs[i].bytes = slice_of(bytes, n);
		reqs[i].done = on_put;
		reqs[i].owner = &n_done;
		item_submit(w->edge.store, &reqs[i]);
	}
	while (atomic_load(&n_done) < count)
		usleep(1000);
	for (int i = 0; i < count; i++)
		EXPECT_INT(reqs[i].result, STORE_OK);
	free(reqs);
}

static void
put_item(struct world *w, const char *name, const char *bytes, size_t n)
{
	put_items(w, name, 1, bytes, n);
}

/* What the file says is never believed: a name whose item is damaged is as if it had none. */
TEST(damaged_items_are_left_out)
{
	static const char good[] = "\1\0\1\0\0\0\74\0\4\313\0\161\11";
	struct world w;
	size_t n = sizeof(good) - 1;
	char torn[32];

	begin(&w, ZONE);
	put_item(&w, "good", good, n);
	for (size_t i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "cut%zu", i);
		put_item(&w, name, good, i); /* an end in the middle */
	}
	memcpy(torn, good, n);
	torn[2] = 2; /* NS: no type that a name has of its own */
	put_item(&w, "type", torn, n);
	torn[2] = 1;
	torn[8] = 3; /* an A record of three bytes, and one too many */
	put_item(&w, "shape", torn, n);
	put_item(&w, "a..b", good, n);
	stop(&w);
	start(&w);
	expect(&w, "good.tunnel.test", RR_A, "\xcb\x00\x71\x09", 4);
	expect(&w, "type.tunnel.test", RR_A, EDGE, 4);
	expect(&w, "shape.tunnel.test", RR_A, EDGE, 4);
	expect(&w, "cut12.tunnel.test", RR_A, EDGE, 4);
	finish(&w);
}

/* A token for one name changes all below it; so one account could else fill the zone. */
TEST(an_account_has_so_many_names)
{
	static const char one[] = "\1\0\1\0\0\0\74\0\4\313\0\161\11";
	struct world w;
	struct records_ask a = { .v4 = { RECORDS_SET, { 203, 0, 113, 9 } } };

	begin(&w, ZONE);
	EXPECT(directory_load(w.edge.directory, S("home"), S("alice"), false) == 0 &&
	       directory_load(w.edge.directory, S("nas"), S("alice"), false) == 0 &&
	       directory_load(w.edge.directory, S("other"), S("bob"), false) == 0);
	put_items(&w, "home", LIMIT_DNS_NAMES_PER_ACCOUNT - 2, one, sizeof(one) - 1);
	stop(&w);
	start(&w);
	EXPECT_INT(ask(&w, &a, "home", RECORDS_ADDRESSES), RECORDS_DONE);
	EXPECT_INT(ask(&w, &a, "nas", RECORDS_ADDRESSES), RECORDS_DONE);
	EXPECT_INT(ask(&w, &a, "one.nas", RECORDS_ADDRESSES), RECORDS_FULL);
	EXPECT_INT(ask(&w, &a, "other", RECORDS_ADDRESSES), RECORDS_DONE);  /* bob's */
	EXPECT_INT(ask(&w, &a, "nobody", RECORDS_ADDRESSES), RECORDS_DONE); /* the operator's */
	a.v4.ip[0]++;
	EXPECT_INT(ask(&w, &a, "home", RECORDS_ADDRESSES), RECORDS_DONE); /* it is there already */
	EXPECT_INT(ask(&w, &a, "n7.home", RECORDS_CLEAR), RECORDS_DONE);
	EXPECT_INT(ask(&w, &a, "one.nas", RECORDS_ADDRESSES), RECORDS_DONE);
	EXPECT_INT(ask(&w, &a, "two.nas", RECORDS_ADDRESSES), RECORDS_FULL);
	finish(&w);
}

TEST(many_asks_wait_for_one_another)
{
	enum { N = 300 };
	static struct records_ask asks[N];
	struct world w;
	char name[64];

	begin(&w, ZONE);
	memset(asks, 0, sizeof(asks));
	waiting = w.home.loop;
	for (int i = 0; i < N; i++) {
		snprintf(asks[i].name, sizeof(asks[i].name), "n%d", i % 100);
		asks[i].op = RECORDS_ADDRESSES;
		asks[i].v4 = (struct records_address){ RECORDS_SET,
			{ 203, 0, 113, (unsigned char)(i / 100) } };
		records_ask(w.ns, &asks[i], &w.home, on_answer);
	}
	while (w.home.n_pending > 0)
		loop_run(w.home.loop);
	for (int i = 0; i < N; i++)
		EXPECT_INT(asks[i].result, RECORDS_DONE);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d.tunnel.test", i);
		expect(&w, name, RR_A, "\xcb\x00\x71\x02", 4);
	}
	finish(&w);
}

/* What cannot be stored is not answered either, and what was there is; it goes on when there is space. */
TEST(a_full_disk_changes_nothing)
{
	struct world w;
	struct records_ask a = { .v4 = { RECORDS_SET, { 203, 0, 113, 9 } } }, full = a;

	bad_install();
	bad_reset(1);
	begin(&w, ZONE);
	EXPECT_INT(ask(&w, &a, "home", RECORDS_ADDRESSES), RECORDS_DONE);
	bad.full = true;
	full.v4.ip[3] = 66;
	EXPECT_INT(ask(&w, &full, "home", RECORDS_ADDRESSES), RECORDS_FAILED);
	EXPECT_INT(ask(&w, &full, "new", RECORDS_ADDRESSES), RECORDS_FAILED);
	expect(&w, "home.tunnel.test", RR_A, "\xcb\x00\x71\x09", 4);
	expect(&w, "new.tunnel.test", RR_A, EDGE, 4);
	EXPECT(full.has_v4 == false);
	bad.full = false;
	EXPECT_INT(ask(&w, &full, "new", RECORDS_ADDRESSES), RECORDS_DONE);
	expect(&w, "new.tunnel.test", RR_A, "\xcb\x00\x71\x42", 4);
	finish(&w);
}

/* Whoever asks while it stops is answered all the same. */
TEST(a_stop_leaves_nobody_waiting)
{
	enum { N = 100 };
	static struct records_ask asks[N];
	struct world w;

	begin(&w, ZONE);
	memset(asks, 0, sizeof(asks));
	waiting = w.home.loop;
	for (int i = 0; i < N; i++) {
		snprintf(asks[i].name, sizeof(asks[i].name), "n%d", i);
		asks[i].op = RECORDS_CLEAR;
		if (i % 2 == 0) {
			asks[i].op = RECORDS_ADDRESSES;
			asks[i].v4.wish = RECORDS_SET;
		}
		records_ask(w.ns, &asks[i], &w.home, on_answer);
	}
	name_server_stop(w.ns); /* harmless twice */
	while (w.home.n_pending > 0)
		loop_run(w.home.loop);
	for (int i = 0; i < N; i++)
		EXPECT(asks[i].result == RECORDS_DONE || asks[i].result == RECORDS_SAME ||
		       asks[i].result == RECORDS_FAILED);
	finish(&w);
}

/* clang-format off */
TESTS(
	TEST_ROW(addresses_of_a_name)
	TEST_ROW(texts_of_a_name)
	TEST_ROW(names_that_are_nobodys)
	TEST_ROW(notes_of_the_board)
	TEST_ROW(damaged_items_are_left_out)
	TEST_ROW(an_account_has_so_many_names)
	TEST_ROW(many_asks_wait_for_one_another)
	TEST_ROW(a_full_disk_changes_nothing)
	TEST_ROW(a_stop_leaves_nobody_waiting)
)
/* clang-format on */
