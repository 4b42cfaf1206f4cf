/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/core/lines.h"

#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

static struct lines lines;
static int pipe_fds[2];

static void
start(bool json, bool requests)
{
	if (pipe(pipe_fds) != 0)
		abort();
	lines_init(&lines, pipe_fds[1], json ? LINES_JSON : LINES_PLAIN, requests);
}

/* What was written since start(). */
static struct slice
written(void)
{
	static char text[65536];
	ssize_t n;

	fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
	n = read(pipe_fds[0], text, sizeof(text));
	return slice_of(text, n < 0 ? 0 : (size_t)n);
}

static void
stop(void)
{
	lines_fini(&lines);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

TEST(json_lines)
{
	start(true, true);
	screen_up(&lines.screen, "jenkins", "https://jenkins.localhost", "http://127.0.0.1:8080",
	    SCREEN_TLS_EDGE, NULL, NULL);
	EXPECT_SLICE(written(),
	    S("{\"event\":\"up\",\"name\":\"jenkins\",\"url\":\"https://jenkins.localhost\","
	      "\"origin\":\"http://127.0.0.1:8080\"}\n"));
	screen_down(&lines.screen, "the \"other\" side");
	EXPECT_SLICE(written(), S("{\"event\":\"down\",\"reason\":\"the \\\"other\\\" side\"}\n"));
	screen_retry(&lines.screen, 1234, "connection refused");
	EXPECT_SLICE(written(),
	    S("{\"event\":\"retry\",\"in_ms\":1234,\"reason\":\"connection refused\"}\n"));
	screen_refused(&lines.screen, "", "bad-token", "No such token.");
	EXPECT_SLICE(written(),
	    S("{\"event\":\"refused\",\"code\":\"bad-token\",\"text\":\"No such token.\"}\n"));
	screen_refused(&lines.screen, "ci", "name-taken", "");
	EXPECT_SLICE(written(),
	    S("{\"event\":\"refused\",\"name\":\"ci\",\"code\":\"name-taken\",\"text\":\"\"}\n"));
	screen_speaks_tls(&lines.screen, "ci", "http://a\"b:1");
	EXPECT_SLICE(written(),
	    S("{\"event\":\"origin-tls\",\"name\":\"ci\",\"origin\":\"http://a\\\"b:1\","
	      "\"text\":\"the local server speaks TLS: use https://a\\\"b:1\"}\n"));
	screen_replaced(&lines.screen, "ci", "");
	EXPECT_SLICE(written(), S("{\"event\":\"replaced\",\"name\":\"ci\",\"text\":\"\"}\n"));
	screen_stopping(&lines.screen, 2);
	EXPECT_SLICE(written(), S("{\"event\":\"stopping\",\"open\":2}\n"));
	stop();
}

/* For who collects lines: values with anything but plain characters are quoted. */
TEST(logfmt)
{
	struct slice line;

	start(false, true);
	lines.form = LINES_LOGFMT;
	screen_retry(&lines.screen, 1234, "connection \"refused\"\n\x1b[2J");
	line = written();
	EXPECT(slice_starts(line, S("time=2")) && slice_ends(line, S("\n")));
	EXPECT_SLICE(slice_from(line, 5 + 24),
	    S(" event=retry in_ms=1234 reason=\"connection \\\"refused\\\"\\n\\u001b[2J\"\n"));
	screen_up(&lines.screen, "ci", "https://ci.localhost", "", SCREEN_TLS_AGENT, NULL, NULL);
	EXPECT_SLICE(slice_from(written(), 5 + 24),
	    S(" event=up name=ci url=https://ci.localhost origin=\"\" tls=agent\n"));
	stop();
}

/* Nobody is to be told. */
TEST(silent)
{
	struct screen s = { 0 };

	screen_up(&s, "ci", "https://ci.localhost", "", SCREEN_TLS_EDGE, NULL, NULL);
	screen_retry(&s, 1, "");
	screen_request(&s, &(struct screen_request){ .name = "ci", .outcome = "ok" });
	EXPECT(!s.requests);
}

/* What the edge's probe found is said with "up". */
TEST(probes)
{
	struct screen_probe good = { "ok", 403, 4321 }, bad = { .code = "origin-refused" },
			    odd = { .code = "edge-silent" };

	start(true, false);
	screen_up(&lines.screen, "ci", "https://ci.localhost", "http://[::1]:1", SCREEN_TLS_EDGE,
	    &good, NULL);
	EXPECT_SLICE(written(),
	    S("{\"event\":\"up\",\"name\":\"ci\",\"url\":\"https://ci.localhost\",\"origin\":"
	      "\"http://[::1]:1\",\"probe\":\"ok\",\"status\":403,\"ms\":4.321}\n"));
	screen_up(&lines.screen, "ci", "https://ci.localhost", "http://[::1]:1", SCREEN_TLS_EDGE,
	    &bad, NULL);
	EXPECT_SLICE(written(),
	    S("{\"event\":\"up\",\"name\":\"ci\",\"url\":\"https://ci.localhost\",\"origin\":"
	      "\"http://[::1]:1\",\"probe\":\"origin-refused\"}\n"));
	stop();
	start(false, false);
	screen_up(&lines.screen, "ci", "https://ci.localhost", "http://[::1]:1", SCREEN_TLS_EDGE,
	    &good, NULL);
	EXPECT_SLICE(written(), S("https://ci.localhost -> http://[::1]:1\n"));
	screen_up(&lines.screen, "ci", "https://ci.localhost", "http://[::1]:1", SCREEN_TLS_EDGE,
	    &bad, NULL);
	EXPECT_SLICE(written(),
	    S("https://ci.localhost -> http://[::1]:1\n  not online yet:   origin-refused. The "
	      "agent "
	      "is here, but the local server did not accept its connection. Start the local "
	      "server, or correct the address given to adit.\n"));
	screen_up(&lines.screen, "ci", "https://ci.localhost", "http://[::1]:1", SCREEN_TLS_EDGE,
	    &odd, NULL);
	EXPECT_SLICE(written(),
	    S("https://ci.localhost -> http://[::1]:1\n  not online yet:   edge-silent\n"));
	screen_replaced(&lines.screen, "ci",
	    "taken over by another agent of this account, on b at 192.0.2.1:1");
	EXPECT_SLICE(written(),
	    S("ci: taken over by another agent of this account, on b at 192.0.2.1:1\n"));
	screen_replaced(&lines.screen, "ci", "");
	EXPECT_SLICE(written(), S("ci: taken over by another agent of this account\n"));
	stop();
}

TEST(plain_lines)
{
	start(false, false);
	screen_up(&lines.screen, "jenkins", "https://jenkins.localhost", "http://127.0.0.1:8080",
	    SCREEN_TLS_EDGE, NULL, NULL);
	EXPECT_SLICE(written(), S("https://jenkins.localhost -> http://127.0.0.1:8080\n"));
	screen_retry(&lines.screen, 3021, "connection refused");
	EXPECT_SLICE(written(), S("connecting in 3.0 s: connection refused\n"));
	screen_refused(&lines.screen, "ci", "name-taken", "Another account owns it.");
	EXPECT_SLICE(written(),
	    S("ci: refused by the edge: Another account owns it. (name-taken)\n"));
	stop();
}

static const struct screen_request request = {
	.name = "ci",
	.request_id = { "r1", 2 },
	.method = { "POST", 4 },
	.path = { "/hook\x1b[2J/", 10 },
	.status = 201,
	.outcome = "ok",
	.took_us = 12345,
	.rx_bytes = 7,
	.tx_bytes = 9,
};

TEST(requests)
{
	start(false, false);
	screen_request(&lines.screen, &request);
	EXPECT_SLICE(written(), S(""));
	stop();
	start(true, true);
	screen_request(&lines.screen, &request);
	EXPECT_SLICE(written(),
	    S("{\"event\":\"request\",\"name\":\"ci\",\"request_id\":\"r1\",\"method\":\"POST\","
	      "\"path\":\"/hook\\u001b[2J/\",\"outcome\":\"ok\",\"status\":201,\"ms\":12.345,"
	      "\"bytes_in\":9,\"bytes_out\":7}\n"));
	stop();
}

/* What visitors and the edge send cannot move the cursor, clear the screen or begin a line of its
 * own. */
TEST(s23_terminal_is_not_obeyed)
{
	start(false, true);
	screen_request(&lines.screen, &request);
	EXPECT_SLICE(slice_from(written(), sizeof("12:34:56 ") - 1),
	    S("ci POST /hook\\x1b[2J/ 201 12.3 ms\n"));
	screen_down(&lines.screen, "a\nb\r\x9b"
				   "c\xc2\x9b"
				   "d\x7f\xc3\xa4");
	EXPECT_SLICE(written(), S("link lost: a\\x0ab\\x0d\\x9bc\\xc2\\x9bd\\x7f\xc3\xa4\n"));
	stop();
}

/* A pipe that nobody reads: lines are lost whole, nothing waits, and the loss is told. */
TEST(a_full_pipe_does_not_block)
{
	struct slice out;

	start(true, false);
	for (int i = 0; i < 5000; i++)
		screen_down(&lines.screen, "some reason that fills the pipe");
	EXPECT(lines.dropped > 0);
	out = written();
	EXPECT(out.n > 0 && out.p[out.n - 1] == '\n');
	while (written().n > 0)
		;
	screen_down(&lines.screen, "x");
	out = written();
	EXPECT(slice_starts(out, S("{\"event\":\"down\",\"dropped\":")));
	EXPECT_INT(lines.dropped, 0);
	stop();
}

TESTS(TEST_ROW(json_lines) TEST_ROW(logfmt) TEST_ROW(silent) TEST_ROW(probes) TEST_ROW(plain_lines)
	TEST_ROW(requests) TEST_ROW(s23_terminal_is_not_obeyed)
	    TEST_ROW(a_full_pipe_does_not_block))
