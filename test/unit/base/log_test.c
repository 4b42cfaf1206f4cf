/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/limits.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <jansson.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static char line[8192];

static struct slice
write_line(enum log_format format, struct slice value)
{
	const struct log_field fields[] = { LOG_S("value", value), LOG_U("n", -7), { 0 } };

	return slice_of(line,
	    log_line(format, LOG_WARN, 1764000000123, "something", fields, line, sizeof(line)));
}

/* What a reader must find: the value with every byte that is no UTF-8 as U+FFFD. */
static struct slice
expected(struct slice s)
{
	static char out[4096];
	size_t n = 0;

	while (s.n > 0) {
		size_t k = utf8_next(s);
		struct slice piece = k == 0 ? S("\xef\xbf\xbd") : slice_head(s, k);

		memcpy(out + n, piece.p, piece.n);
		n += piece.n;
		s = slice_from(s, k == 0 ? 1 : k);
	}
	return slice_of(out, n);
}

static bool
one_line_of_ascii(struct slice s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return s.n > 0 && s.p[s.n - 1] == '\n';
}

static void
expect_json(struct slice text, struct slice value)
{
	json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	json_t *v = json_object_get(root, "value");

	EXPECT(root != NULL);
	EXPECT_INT(json_object_size(root), 5);
	EXPECT_SLICE(slice_of(json_string_value(v), json_string_length(v)), expected(value));
	EXPECT_INT(json_integer_value(json_object_get(root, "n")), -7);
	json_decref(root);
}

/* key=word or key="JSON string", one SP between. */
static void
expect_logfmt(struct slice text, struct slice value)
{
	int n_fields = 0;

	text.n--; /* LF */
	while (text.n > 0) {
		struct slice key = slice_cut(&text, '='), raw = text;
		size_t n = 0;

		EXPECT(key.n > 0 && slice_find(key, ' ') == SIZE_MAX);
		if (raw.n > 0 && raw.p[0] == '"') {
			for (n = 1; n < raw.n && raw.p[n] != '"'; n++)
				n += raw.p[n] == '\\';
			n++;
		} else {
			while (n < raw.n && raw.p[n] != ' ')
				n++;
		}
		EXPECT(n <= raw.n);
		raw = slice_head(raw, n);
		text = slice_from(text, n);
		EXPECT(text.n == 0 || text.p[0] == ' ');
		text = slice_from(text, 1);
		n_fields++;
		if (!slice_eq(key, S("value")))
			continue;
		if (raw.n > 0 && raw.p[0] == '"') {
			json_t *v =
			    json_loadb(raw.p, raw.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

			EXPECT(v != NULL);
			EXPECT_SLICE(slice_of(json_string_value(v), json_string_length(v)),
			    expected(value));
			json_decref(v);
		} else {
			EXPECT_SLICE(raw, expected(value));
		}
	}
	EXPECT_INT(n_fields, 5);
}

static void
expect_value(struct slice value)
{
	struct slice text = write_line(LOG_JSON, value);

	EXPECT(one_line_of_ascii(text));
	expect_json(text, value);
	text = write_line(LOG_LOGFMT, value);
	EXPECT(one_line_of_ascii(text));
	expect_logfmt(text, value);
}

TEST(forms)
{
	EXPECT_SLICE(write_line(LOG_LOGFMT, S("plain")),
	    S("time=2025-11-24T16:00:00.123Z level=warn event=something value=plain n=-7\n"));
	EXPECT_SLICE(write_line(LOG_LOGFMT, S("two words")),
	    S("time=2025-11-24T16:00:00.123Z level=warn event=something value=\"two words\" "
	      "n=-7\n"));
	EXPECT_SLICE(write_line(LOG_JSON, S("plain")),
	    S("{\"time\":\"2025-11-24T16:00:00.123Z\",\"level\":\"warn\",\"event\":\"something\","
	      "\"value\":\"plain\",\"n\":-7}\n"));
}

/* Whatever a visitor sends, a line stays one line of ASCII and reads back equal. */
TEST(s10_s23_any_bytes_stay_one_line)
{
	static const struct slice nasty[] = { S(""), S(" "), S("\""), S("\\"), S("\\\""), S("="),
		S("a=b"), S("\n"), S("\r\nlevel=error event=fake"), S("\0"), S("a\0b"),
		S("\x1b[2J"),
		S("\xc2\x9b"
		  "2J"),
		S("\xe2\x80\xae"
		  "txt.exe"),
		S("\xf0\x9f\x98\x80"), S("\xff\xfe"), S("\x7f"), S("\xe2\x80\xa8"), S("{\"a\":1}"),
		S("\"}\n{") };
	char bytes[300];

	for (size_t i = 0; i < sizeof(nasty) / sizeof(*nasty); i++)
		expect_value(nasty[i]);
	for (int i = 0; i < 3000 && unit_faults == 0; i++) {
		size_t n = (size_t)rand_below(sizeof(bytes));

		rand_bytes(bytes, n);
		if (i % 2 == 0) /* mostly text, some of it syntax */
			for (size_t k = 0; k < n; k++)
				bytes[k] =
				    "ab \"\\={}\n\r\t\xc3\xa9,:"[(unsigned char)bytes[k] % 16];
		expect_value(slice_of(bytes, n));
		if (unit_faults > 0)
			for (size_t k = 0; k < n; k++)
				printf("%02x%s", (unsigned char)bytes[k], k + 1 == n ? "\n" : "");
	}
}

TEST(long_values_are_cut_between_characters)
{
	static char euros[3 * 1000];
	struct slice text;

	for (size_t i = 0; i < sizeof(euros); i++)
		euros[i] = "\xe2\x82\xac"[i % 3];
	text = write_line(LOG_JSON, slice_of(euros, sizeof(euros)));
	EXPECT(one_line_of_ascii(text));
	EXPECT(memmem(text.p, text.n, "fffd", 4) == NULL);
	EXPECT(memmem(text.p, text.n, "\\u20ac\",\"n\":-7}", 15) != NULL);
}

TEST(a_long_line_loses_its_last_fields_whole)
{
	static char bytes[1000];
	struct log_field fields[12] = { 0 };
	char small[256];
	struct slice text;
	json_t *root;

	memset(bytes, 1, sizeof(bytes)); /* six characters each */
	for (int i = 0; i < 11; i++)
		fields[i] = LOG_S(&"abcdefghijk"[i], slice_of(bytes, sizeof(bytes)));
	text = slice_of(line, log_line(LOG_JSON, LOG_INFO, 0, "big", fields, line, sizeof(line)));
	EXPECT(one_line_of_ascii(text));
	root = json_loadb(text.p, text.n, 0, NULL);
	EXPECT_INT(json_object_size(root), 3 + 1); /* one of them fits */
	json_decref(root);
	fields[0] = LOG_U("n", 1);
	text =
	    slice_of(small, log_line(LOG_JSON, LOG_INFO, 0, "big", fields, small, sizeof(small)));
	root = json_loadb(text.p, text.n, 0, NULL);
	EXPECT_INT(json_object_size(root), 3 + 1);
	json_decref(root);
}

TEST(levels)
{
	enum log_level level = LOG_ERROR;
	int fds[2];
	char got[1000];
	ssize_t n;

	EXPECT(log_level_parse(S("debug"), &level) && level == LOG_DEBUG);
	EXPECT(!log_level_parse(S("DEBUG"), &level));
	EXPECT(!log_level_parse(S(""), &level));
	EXPECT(pipe2(fds, O_NONBLOCK) == 0);
	log_init(fds[1], LOG_WARN, LOG_JSON);
	EXPECT(log_wants(LOG_ERROR) && log_wants(LOG_WARN) && !log_wants(LOG_INFO));
	log_event(LOG_INFO, "dropped");
	log_event(LOG_WARN, "kept");
	log_event(LOG_ERROR, "kept-too", LOG_Z("why", "because"));
	n = read(fds[0], got, sizeof(got) - 1);
	EXPECT(n > 0);
	got[n > 0 ? n : 0] = '\0';
	EXPECT(strstr(got, "dropped") == NULL);
	EXPECT(strstr(got, "\"event\":\"kept\"}\n") != NULL);
	EXPECT(strstr(got, "\"event\":\"kept-too\",\"why\":\"because\"}\n") != NULL);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	log_event(LOG_ERROR, "nobody-reads"); /* must not stop the traffic */
	close(fds[1]);
	log_init(STDERR_FILENO, LOG_INFO, LOG_LOGFMT);
}

/* Reads until nothing more comes. A terminal hands bytes over some time after they were written. */
static size_t
drain(int fd, char *dst, size_t cap)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;
	ssize_t k;

	while (n < cap && poll(&p, 1, 100) == 1 && (k = read(fd, dst + n, cap - n)) > 0)
		n += (size_t)k;
	return n;
}

static size_t
count(struct slice text, const char *what)
{
	size_t n = 0, len = strlen(what);

	for (const char *p = text.p;
	     (p = memmem(p, text.n - (size_t)(p - text.p), what, len)) != NULL; p += len)
		n++;
	return n;
}

/* Of all lines that tell how many were lost. text ends with NUL. */
static size_t
sum_lost(const char *text)
{
	static const char what[] = " level=warn event=log-lost lines=";
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p += sizeof(what) - 1)
		n += strtoul(p + sizeof(what) - 1, NULL, 10);
	return n;
}

/*
 * Nobody reads: each line is written or counted, and none waits; the alarm ends a test that hangs.
 * `reader` does not block.
 */
static void
expect_no_wait(int reader, int writer)
{
	static char got[1 << 20];
	const size_t n_early = 3000;
	size_t n, n_late = 0, n_came;

	alarm(60);
	log_init(writer, LOG_INFO, LOG_LOGFMT);
	log_event(LOG_INFO, "first"); /* what an earlier test lost is told with it */
	EXPECT(drain(reader, got, sizeof(got) - 1) > 0);
	for (size_t i = 0; i < n_early; i++)
		log_event(LOG_INFO, "early", LOG_U("i", i),
		    LOG_Z("text", "some more bytes of a line"));
	n = drain(reader, got, sizeof(got) - 1);
	n_came = count(slice_of(got, n), "bytes of a line\"\n");
	EXPECT(n_came > 0 && n_came < n_early);
	do { /* there is room again */
		log_event(LOG_INFO, "late");
		n_late++;
		n += drain(reader, got + n, sizeof(got) - 1 - n);
	} while (count(slice_of(got, n), " event=late\n") == 0);
	got[n] = '\0';
	EXPECT_INT(count(slice_of(got, n), "bytes of a line\"\n") +
		       count(slice_of(got, n), " event=late\n") + sum_lost(got),
	    n_early + n_late);
	EXPECT(sum_lost(got) > 0);
	alarm(0);
	log_init(STDERR_FILENO, LOG_INFO, LOG_LOGFMT);
}

TEST(a_pipe_that_nobody_reads_makes_nobody_wait)
{
	int fds[2];

	EXPECT(pipe(fds) == 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	expect_no_wait(fds[0], fds[1]);
	close(fds[0]);
	close(fds[1]);
}

TEST(a_socket_that_nobody_reads_makes_nobody_wait)
{
	int fds[2];

	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 &&
	       fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	expect_no_wait(fds[0], fds[1]);
	close(fds[0]);
	close(fds[1]);
}

/* It takes a line in part; its bytes are counted from the next line on. */
TEST(a_terminal_that_nobody_reads_makes_nobody_wait)
{
	struct termios raw;
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
		return; /* no pseudo-terminals here */
	EXPECT(tcgetattr(slave, &raw) == 0);
	cfmakeraw(&raw);
	EXPECT(tcsetattr(slave, TCSANOW, &raw) == 0 && fcntl(master, F_SETFL, O_NONBLOCK) == 0);
	expect_no_wait(master, slave);
	EXPECT((fcntl(slave, F_GETFL) & O_NONBLOCK) == 0); /* the shell's is as it was */
	close(slave);
	close(master);
}

TEST(the_last_lines_are_kept_whole)
{
	static char tail[LIMIT_LOG_TAIL_BYTES];
	int null = open("/dev/null", O_WRONLY);
	uint64_t next, later;
	size_t n;

	log_init(null, LOG_INFO, LOG_LOGFMT);
	log_event(LOG_INFO, "before");
	EXPECT(log_tail(0, tail, sizeof(tail), &next) == 0 && next == 0);
	log_keep();
	log_event(LOG_INFO, "first");
	n = log_tail(0, tail, sizeof(tail), &next);
	EXPECT(n == next && slice_find(slice_of(tail, n), '\n') == n - 1);
	EXPECT(log_tail(next, tail, sizeof(tail), &later) == 0 && later == next);
	for (int i = 0; i < 3000; i++)
		log_event(LOG_INFO, "many", LOG_U("i", i));
	for (size_t cap = 0; cap <= sizeof(tail); cap += cap < 200 ? 1 : 4711) {
		n = log_tail(0, tail, cap, &next);
		EXPECT(n <= cap &&
		       (n == 0 || (memcmp(tail, "time=", 5) == 0 && tail[n - 1] == '\n')));
	}
	n = log_tail(0, tail, sizeof(tail), &next);
	EXPECT(n > sizeof(tail) - 200);
	log_event(LOG_INFO, "last");
	n = log_tail(next, tail, sizeof(tail), &later);
	EXPECT(n > 0 && later == next + n && slice_find(slice_of(tail, n), '\n') == n - 1);
	/* A position of another life of the program is none. */
	EXPECT(log_tail(later + 1, tail, sizeof(tail), &next) > n && next == later);
	close(null);
}

TESTS(TEST_ROW(the_last_lines_are_kept_whole) TEST_ROW(forms)
	TEST_ROW(s10_s23_any_bytes_stay_one_line) TEST_ROW(long_values_are_cut_between_characters)
	    TEST_ROW(a_long_line_loses_its_last_fields_whole) TEST_ROW(levels)
		TEST_ROW(a_pipe_that_nobody_reads_makes_nobody_wait)
		    TEST_ROW(a_socket_that_nobody_reads_makes_nobody_wait)
			TEST_ROW(a_terminal_that_nobody_reads_makes_nobody_wait))
