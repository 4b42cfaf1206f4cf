/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "agent/command/service_unit.h"

static const char *
word(const char *w)
{
	static struct buf b;
	bool ok;

	buf_fini(&b);
	buf_init(&b, 256);
	ok = service_unit_word(&b, w);
	return ok ? buf_z(&b) : "refused";
}

TEST(words_are_kept_from_systemd)
{
	EXPECT_SLICE(slice_str(word("8080")), S("\"8080\""));
	EXPECT_SLICE(slice_str(word("")), S("\"\""));
	EXPECT_SLICE(slice_str(word("a b;c'd")), S("\"a b;c'd\""));
	EXPECT_SLICE(slice_str(word("say \"x\" \\")), S("\"say \\\"x\\\" \\\\\""));
	EXPECT_SLICE(slice_str(word("%h/$HOME")), S("\"%%h/$$HOME\""));
	EXPECT_SLICE(slice_str(word("a\nExecStartPre=/bin/evil")), S("refused"));
	EXPECT_SLICE(slice_str(word("a\x7f")), S("refused"));
}

TEST(both_units)
{
	const char *const words[] = { "http", "8080" };
	struct service_unit u = { .program = "/usr/bin/adit", .words = words, .n_words = 2 };
	struct buf b;

	buf_init(&b, SERVICE_UNIT_BYTES);
	EXPECT(service_unit_write(&b, &u));
	EXPECT(strstr(buf_z(&b), "ExecStart=\"/usr/bin/adit\" \"http\" \"8080\"\n") != NULL);
	EXPECT(strstr(buf_z(&b), "WantedBy=default.target\n") != NULL);
	EXPECT(strstr(buf_z(&b), "User=") == NULL);
	buf_reset(&b);
	u.user = "alice";
	u.folder = "/home/alice/50%";
	EXPECT(service_unit_write(&b, &u));
	EXPECT(strstr(buf_z(&b), "User=alice\nWorkingDirectory=/home/alice/50%%\n") != NULL);
	EXPECT(strstr(buf_z(&b), "WantedBy=multi-user.target\n") != NULL);
	buf_reset(&b);
	u.folder = "/home/a\nUser=root";
	EXPECT(!service_unit_write(&b, &u));
	buf_fini(&b);
}

TESTS(TEST_ROW(words_are_kept_from_systemd) TEST_ROW(both_units))
