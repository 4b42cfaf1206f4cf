/* SPDX-License-Identifier: Apache-2.0 */
/* Golden frames of the status screen: test/fixtures/screen.txt has them, `view_test -w` writes it anew. */
#include "agent/console/paint.h"
#include "agent/console/view.h"
#include "base/buf.h"

#include "unit.h"

#define NOW 1795957185000LL /* 12:59:45 UTC */

static struct capture_row
row(uint64_t id, int64_t ago_s, enum row_state state, unsigned status, const char *repository,
    const char *branch, enum row_verdict verdict, int64_t took_us, uint64_t delivery)
{
	return (struct capture_row){ .id = id,
		.begun_ms = NOW - ago_s * 1000,
		.state = (uint8_t)state,
		.status = (uint16_t)status,
		.method = S("POST"),
		.target = S("/bitbucket-hook/?token=secret"),
		.host = S("jenkins.tunnel.example.org"),
		.event = repository[0] != '\0' ? S("repo:push") : S(""),
		.provider = S("bitbucket"),
		.repository = slice_str(repository),
		.branch = slice_str(branch),
		.verdict = (uint8_t)verdict,
		.took_us = took_us,
		.delivery = delivery,
		.tx_bytes = 2100,
		.rx_bytes = 17,
		.name = S("jenkins"),
		.client = S("192.0.2.1"),
		.request_id = S("4f2a6c1e8d"),
		.code = state == ROW_REFUSED ? S("edge-signature") : S("") };
}

static struct view_tunnel tunnels[3];
static struct capture_row rows[40];

/* Two tunnels, one of which fails, and twelve rows of all kinds. */
static struct view
online(void)
{
	struct view v = { .now_ms = NOW,
		.state = VIEW_ONLINE,
		.why = "",
		.asked_ms = 3200,
		.asked_us = 14300,
		.link_us = 18000,
		.up_ms = 11520000,
		.run_ms = 11600000,
		.version = "0.2",
		.account = "alice",
		.edge = "tunnel.example.org",
		.web = "http://127.0.0.1:4040",
		.tunnels = tunnels,
		.n_tunnels = 2,
		.rows = rows,
		.following = true,
		.filter = "",
		.filter_wrong = "",
		.notice = "",
		.can = VIEW_CAN_REPLAY | VIEW_CAN_OPEN };
	size_t n = 0;

	tunnels[0] = (struct view_tunnel){ .name = "jenkins",
		.url = "https://jenkins.tunnel.example.org",
		.origin = "http://127.0.0.1:8080",
		.health = VIEW_HEALTH_ONLINE,
		.why = "",
		.status = 200,
		.us = 12000,
		.stores = true,
		.figures = { .requests = 1284,
		    .p50_us = 12000,
		    .p90_us = 85000,
		    .p99_us = 240000,
		    .wait = 3,
		    .parked = 1,
		    .oldest_ms = NOW - 250000 } };
	tunnels[1] = (struct view_tunnel){ .name = "preview",
		.url = "https://preview.tunnel.example.org",
		.origin = "http://127.0.0.1:3000",
		.health = VIEW_HEALTH_FAILING,
		.why = "nothing listens on 127.0.0.1:3000",
		.stores = true };
	rows[n++] = row(30, 4, ROW_DELIVERED, 200, "acme/web", "main", VERDICT_OK, 31000, 8814);
	rows[n++] = row(29, 5, ROW_REFUSED, 401, "acme/web", "", VERDICT_WRONG, 1000, 0);
	rows[n++] = row(28, 33, ROW_SENDING, 0, "acme/web", "feat/cart-vat", VERDICT_OK, -1, 8812);
	rows[n++] = row(27, 50, ROW_QUEUED, 0, "acme/web", "feat/cart-vat", VERDICT_OK, 3000, 8811);
	rows[n++] =
	    row(26, 102, ROW_RETRYING, 503, "acme/infra", "main", VERDICT_OK, 75000000, 8810);
	rows[n++] =
	    row(25, 145, ROW_REPLAY, 404, "acme/billing", "release/2.4", VERDICT_OK, 16000, 8813);
	rows[n++] =
	    row(24, 760, ROW_PARKED, 404, "acme/billing", "release/2.4", VERDICT_OK, 18000, 8809);
	rows[n++] = row(23, 1108, ROW_DROPPED, 0, "acme/web", "main", VERDICT_OK, 3000, 8806);
	rows[n++] =
	    row(22, 1183, ROW_REFUSED, 413, "acme/assets", "main", VERDICT_UNCHECKED, 2000, 0);
	rows[n++] = row(21, 1264, ROW_ANSWERED, 404, "", "", VERDICT_NONE, 1200, 0);
	rows[n++] =
	    row(20, 1717, ROW_DEAD, 500, "acme/legacy", "main", VERDICT_ALTERED, 2100000, 8790);
	rows[n++] = row(19, 1773, ROW_OPEN, 0, "", "", VERDICT_NONE, -1, 0);
	v.n_rows = n;
	rows[11].kind = ROW_KIND_WEBSOCKET;
	return v;
}

static struct view
reconnecting(void)
{
	struct view v = online();

	v.state = VIEW_RECONNECTING;
	v.again_ms = 2400;
	v.attempt = 4;
	v.up_ms = 130000;
	v.why = "connection refused by tunnel.example.org:443";
	tunnels[0].health = tunnels[1].health = VIEW_HEALTH_UNKNOWN;
	tunnels[1].why = "";
	return v;
}

static struct view
failing(void)
{
	struct view v = online();

	v.state = VIEW_FAILING;
	v.why = "no local server answers";
	tunnels[0].health = VIEW_HEALTH_FAILING;
	tunnels[0].why = "the local server does not answer in time";
	v.notice = "jenkins: online since 12:40:01";
	return v;
}

static struct view
refused(void)
{
	struct view v = online();

	v.state = VIEW_REFUSED;
	v.why = "No such token: adit login stores a new one.";
	tunnels[0].health = tunnels[1].health = VIEW_HEALTH_UNKNOWN;
	v.n_rows = 0;
	return v;
}

/* Nothing has come yet, and there is no inspector. */
static struct view
empty(void)
{
	struct view v = online();

	v.n_rows = 0;
	v.n_tunnels = 1;
	v.web = "";
	v.can = 0;
	tunnels[0].hook_path = "/bitbucket-hook/";
	tunnels[0].secret_file = "/home/alice/.config/adit/secrets/jenkins";
	tunnels[0].events = "Push, Pull request created";
	tunnels[0].next = "in Jenkins: Configure, Build Triggers, Build when a change is pushed";
	tunnels[0].figures = (struct tunnel_figures){ 0 };
	return v;
}

static struct view
filter(void)
{
	struct view v = online();

	v.filter = "state:parked repo:acme/billing";
	v.typing = true;
	v.rows = &rows[6];
	v.n_rows = 1;
	v.selected = 24;
	v.following = false;
	return v;
}

static struct view
detail(void)
{
	struct view v = online();

	v.page = VIEW_DETAIL;
	v.following = false;
	v.n_newer = 17;
	v.detail = rows[1];
	v.attempts[0] = rows[4];
	v.attempts[0].attempt = 2;
	v.attempts[1] = rows[6];
	v.attempts[1].attempt = 1;
	v.n_attempts = 2;
	return v;
}

static struct view
keys(void)
{
	struct view v = online();

	v.page = VIEW_KEYS;
	return v;
}

/* What a stranger can put into a name, a path, a reason. */
static struct view
hostile(void)
{
	struct view v = online();

	tunnels[0].name = "\xe6\x9d\xb1\xe4\xba\xac\x1b[2J";
	tunnels[0].why = "\xe2\x80\xae gnp.exe \xe2\x80\x8b";
	tunnels[0].health = VIEW_HEALTH_FAILING;
	rows[0].repository = S("acme/\x1b]0;pwned\x07");
	rows[1].repository =
	    S("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe9\x95\xb7\xe3\x81\x84"
	      "\xe5\x90\x8d\xe5\x89\x8d\xe3\x81\xa7\xe3\x81\x99");
	rows[2].repository = S("Zalgo\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85/e\xcc\x81");
	rows[2].branch = S("\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa \xe2\x9d\xa4\xef\xb8\x8f");
	rows[3].repository = S("a\xff\xfe\x80 b");
	rows[4].branch = S("\xe2\x80\xae"
			   "nimda");
	rows[9].target = S("/\r\n\tx\x9b"
			   "2J");
	v.selected = 29;
	v.following = false;
	v.notice = "\x1b[31mred\n";
	v.web = "http://127.0.0.1:4040/\x1b\\";
	return v;
}

static const struct {
	const char *name;
	struct view (*make)(void);
} states[] = {
	{ "online", online },
	{ "reconnecting", reconnecting },
	{ "failing", failing },
	{ "refused", refused },
	{ "empty", empty },
	{ "filter", filter },
	{ "detail", detail },
	{ "keys", keys },
	{ "hostile", hostile },
};
static const unsigned sizes[][2] = { { 80, 24 }, { 40, 10 }, { 120, 30 }, { 200, 60 }, { 30, 6 } };

/* All frames as text, each below a line that names it. */
static void
render(struct buf *out)
{
	char line[8192];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t j = 0; j < sizeof(states) / sizeof(*states); j++) {
			struct view v = states[j].make();
			struct grid g;

			if (grid_init(&g, sizes[i][0], sizes[i][1]) != 0)
				abort();
			if (v.n_rows > view_room(&v, g.columns, g.lines))
				v.n_rows = view_room(&v, g.columns, g.lines);
			view_draw(&v, &g);
			buf_printf(out, "== %ux%u %s ==\n", g.columns, g.lines, states[j].name);
			for (unsigned y = 0; y < g.lines; y++) {
				buf_put(out, grid_line(&g, y, line, sizeof(line)));
				buf_putc(out, '\n');
			}
			grid_fini(&g);
		}
}

/* Where both texts differ first, as a line of each. */
static void
tell_difference(struct slice is, struct slice wanted)
{
	for (size_t n = 1; is.n > 0 || wanted.n > 0; n++) {
		struct slice a = slice_cut(&is, '\n'), b = slice_cut(&wanted, '\n');

		if (!slice_eq(a, b)) {
			printf("screen.txt:%zu:\n  is     %.*s\n  wanted %.*s\n", n, PS(a), PS(b));
			return;
		}
	}
}

TEST(golden)
{
	struct buf is, wanted;
	FILE *f = fopen("test/fixtures/screen.txt", "r");
	size_t n;

	buf_init(&is, 1 << 20);
	buf_init(&wanted, 1 << 20);
	render(&is);
	EXPECT(f != NULL);
	if (f != NULL) {
		n = fread(buf_room(&wanted, 1 << 18), 1, 1 << 18, f);
		wanted.n += n;
		fclose(f);
	}
	EXPECT(!is.failed && slice_eq(buf_slice(&is), buf_slice(&wanted)));
	tell_difference(buf_slice(&is), buf_slice(&wanted));
	buf_fini(&is);
	buf_fini(&wanted);
}

/* Whatever a stranger says: no control, no mark of direction, nothing invisible leaves in a frame but
 * what the painter itself writes. */
TEST(hostile_strings_stand_there)
{
	struct view v = hostile();
	struct buf out;
	struct grid g;

	buf_init(&out, 1 << 20);
	EXPECT(grid_init(&g, 120, 30) == 0);
	view_draw(&v, &g);
	EXPECT(g.n_links == 2); /* the other URL could end its own sequence */
	for (size_t i = 0; i < (size_t)g.columns * g.lines; i++) {
		struct slice s = slice_of(g.cells[i].text, g.cells[i].n);
		struct width_piece p;

		if (s.n == 0)
			continue;
		width_next(s, &p);
		EXPECT(p.from == s.n && p.columns <= 2);
	}
	paint(NULL, &g, true, &out);
	for (size_t i = 0; i < out.n; i++)
		EXPECT((unsigned char)out.p[i] >= ' ' || out.p[i] == '\x1b');
	EXPECT(memmem(out.p, out.n, "\x1b]0;", 4) == NULL);
	EXPECT(memmem(out.p, out.n, "\xe2\x80\xae", 3) == NULL);
	buf_fini(&out);
	grid_fini(&g);
}

/* S-23: no query of a request in any frame. */
TEST(s23_no_query)
{
	struct buf is;

	buf_init(&is, 1 << 20);
	render(&is);
	EXPECT(memmem(is.p, is.n, "secret=", 7) == NULL && memmem(is.p, is.n, "token=", 6) == NULL);
	buf_fini(&is);
}

/* Any size at all, and many tunnels: nothing is put beside the grid. */
TEST(every_size)
{
	static struct view_tunnel many[64];
	struct view v;
	struct grid g;

	for (unsigned x = 0; x < 210; x += 3)
		for (unsigned y = 0; y < 70; y += 1) {
			v = states[(x + y) % 9].make();
			for (size_t i = 0; i < 64; i++)
				many[i] = tunnels[i % 2];
			if (x % 2 == 0) {
				v.tunnels = many;
				v.n_tunnels = y < 64 ? y : 64;
			}
			EXPECT(grid_init(&g, x, y) == 0);
			EXPECT(view_room(&v, x, y) <= y);
			view_draw(&v, &g);
			grid_fini(&g);
		}
}

static const struct unit_test tests[] = { TEST_ROW(golden) TEST_ROW(hostile_strings_stand_there)
	    TEST_ROW(s23_no_query) TEST_ROW(every_size) };

int
main(int argc, char **argv)
{
	setenv("TZ", "UTC", 1);
	if (argc > 1 && strcmp(argv[1], "-w") == 0) {
		struct buf out;
		FILE *f = fopen("test/fixtures/screen.txt", "w");

		buf_init(&out, 1 << 20);
		render(&out);
		if (f == NULL || fwrite(out.p, 1, out.n, f) != out.n || fclose(f) != 0)
			return 1;
		buf_fini(&out);
		return 0;
	}
	return unit_main(tests, sizeof(tests) / sizeof(*tests), argc > 1 ? argv[1] : NULL);
}
