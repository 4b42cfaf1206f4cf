/* SPDX-License-Identifier: Apache-2.0 */
/* doc/protocol.txt does not rot: its limits are those of the table, its example is understood byte
 * by byte. */
#include "unit.h"

#include "base/limits.h"
#include "base/text.h"
#include "tunnel/hello.h"
#include "tunnel/link.h"
#include "tunnel/opening.h"

static char text[65536];

static struct slice
document(void)
{
	FILE *f = fopen("doc/protocol.txt", "r");
	size_t n;

	check(f != NULL);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	check(n > 0 && n < sizeof(text));
	return slice_of(text, n);
}

static struct slice
after(struct slice doc, const char *title)
{
	const char *at = memmem(doc.p, doc.n, title, strlen(title));

	check(at != NULL);
	return slice_from(doc, (size_t)(at - doc.p));
}

TEST(limits_are_those_of_the_table)
{
	struct slice doc = after(document(), "10. LIMITS"), line;
	int found = 0;

	while ((line = slice_cut(&doc, '\n')).p != NULL && !slice_starts(line, S("11."))) {
		struct slice rest = slice_trim(line), name = slice_cut(&rest, ' ');
		uint64_t value;

		rest = slice_trim(rest);
		if (!slice_starts(line, S("    ")) || !slice_u64(slice_cut(&rest, ' '), &value))
			continue;
		found++;
		for (size_t i = 0; i < limits_n; i++)
			if (slice_eq(slice_str(limits_table[i].name), name)) {
				EXPECT_INT(limits_table[i].value, value);
				found += 100;
			}
	}
	EXPECT_INT(found, 21 * 101);
}

/* The bytes of all hexadecimal lines of the example. */
static size_t
example(char *dst, size_t cap)
{
	struct slice doc = after(document(), "12. AN EXAMPLE"), line;
	size_t n = 0;

	while ((line = slice_cut(&doc, '\n')).p != NULL && !slice_starts(line, S("13."))) {
		struct slice word;

		if (!slice_starts(line, S("    ")))
			continue;
		line = slice_trim(line);
		while (line.n > 0 && (word = slice_cut(&line, ' ')).n == 2)
			check(n < cap && text_unhex(word, dst + n++, 1) == 1);
	}
	return n;
}

static struct slab streams;
static struct pool blocks;
static struct link l;

static void
start(enum link_side side)
{
	struct link_params p = { .side = side,
		.rx_bytes_min = LIMIT_LINK_RX_BYTES_MIN,
		.rx_bytes_max = LIMIT_LINK_RX_BYTES_MAX,
		.streams_max = 8,
		.streams = &streams,
		.out_pool = &blocks };

	slab_init(&streams, sizeof(struct stream), 8);
	pool_init(&blocks, LINK_OUT_BLOCK_BYTES, 1, 1);
	check(link_init(&l, &p, 1) == 0);
}

static void
stop(void)
{
	struct stream *s;

	while ((s = link_any_stream(&l)) != NULL)
		stream_free(s);
	link_fini(&l);
	slab_fini(&streams);
	pool_fini(&blocks);
}

TEST(example_is_understood)
{
	static struct hello h;
	char bytes[1024];
	struct slice in = slice_of(bytes, example(bytes, sizeof(bytes))),
		     hello = slice_head(in, 95);
	struct slice syn = slice_head(slice_from(in, 95), 87), rest = slice_from(in, 95 + 87);
	struct link_event ev;
	struct opening o;
	const char *why;

	start(LINK_EDGE);
	EXPECT_INT(link_feed(&l, &hello, &ev, 1), LINK_CONTROL);
	EXPECT(hello_decode(ev.bytes, &h, &why));
	EXPECT_SLICE(slice_str(h.tunnels[0].name), S("j"));
	EXPECT_INT(link_feed(&l, &hello, &ev, 1), LINK_NONE);
	EXPECT_INT(hello.n, 0);
	stop();

	start(LINK_AGENT);
	EXPECT_INT(link_feed(&l, &syn, &ev, 1), LINK_OPENED);
	EXPECT(opening_decode(ev.bytes, &o));
	EXPECT_SLICE(o.request_id, S("req-1"));
	EXPECT_SLICE(o.visitor, S("192.0.2.9:4711"));
	EXPECT_INT(ev.stream->tx_credit, 262144);
	EXPECT_INT(link_feed(&l, &syn, &ev, 1), LINK_DATA);
	EXPECT_SLICE(ev.bytes, S("GET / HTTP/1.1\r\nHost: j.example.org\r\n\r\n"));
	EXPECT(ev.fin);
	stop();

	start(LINK_EDGE);
	for (int i = 0; i < 7; i++) {
		struct stream *s = stream_open(&l, NULL);
		char *p;

		EXPECT(stream_grant(s, &p) > 6);
		memcpy(p, "\0\4open", 6);
		stream_commit(s, 6, 0, true);
	}
	EXPECT_INT(link_feed(&l, &rest, &ev, 1), LINK_DATA);
	EXPECT(!ev.fin);
	EXPECT_INT(link_feed(&l, &rest, &ev, 1), LINK_DATA);
	EXPECT_SLICE(ev.bytes, S("hi\n"));
	EXPECT(ev.fin);
	EXPECT_INT(link_feed(&l, &rest, &ev, 1), LINK_RESET);
	EXPECT_INT(ev.stream->id, 7);
	EXPECT_INT(ev.code, LINK_CODE_CANCELLED);
	EXPECT_INT(link_feed(&l, &rest, &ev, 1), LINK_GOAWAY);
	EXPECT_INT(ev.code, LINK_CODE_SHUTDOWN);
	EXPECT_INT(ev.retry_ms, 2500);
	EXPECT_INT(link_feed(&l, &rest, &ev, 1), LINK_NONE);
	EXPECT_INT(rest.n, 0);
	stop();
}

/* Every code of the table stands in the text with its meaning. */
TEST(codes_are_those_of_the_table)
{
	struct slice doc = after(document(), "Codes, and where");
	char row[32];

#define X(symbol, value, name, meaning)                                                            \
	snprintf(row, sizeof(row), "    %2d  %s ", value, #symbol);                                \
	EXPECT(memmem(doc.p, doc.n, row, strlen(row)) != NULL);                                    \
	EXPECT(memmem(doc.p, doc.n, meaning, strlen(meaning)) != NULL);
	LINK_CODES(X)
#undef X
}

TESTS(TEST_ROW(limits_are_those_of_the_table) TEST_ROW(example_is_understood)
	TEST_ROW(codes_are_those_of_the_table))
