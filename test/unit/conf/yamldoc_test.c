/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/yamldoc.h"

#include "base/buf.h"
#include "base/limits.h"
#include "unit.h"

static void
refused(struct slice text, const char *want)
{
	struct yamldoc_error e = { 0 };
	struct yamldoc doc;
	char all[500];

	EXPECT(!yamldoc_parse(&doc, text, &e));
	snprintf(all, sizeof(all), "%d:%d: %s", e.line, e.column, e.text);
	EXPECT_SLICE(slice_str(all), slice_str(want));
	yamldoc_fini(&doc);
}

TEST(places)
{
	struct yamldoc_error e;
	struct yamldoc doc;
	const struct yamldoc_node *n;

	EXPECT(yamldoc_parse(&doc,
	    S("# c\nedge: \"two\n  lines\" # c\nlist:\n - a\n - b: c\nempty:\nlast: |\n  x\n  y\n"),
	    &e));
	EXPECT(!doc.flow);
	n = doc.root->first;
	EXPECT_SLICE(slice_str(n->text), S("two lines"));
	EXPECT_INT(n->key_line, 2);
	EXPECT_INT(n->key_column, 1);
	EXPECT_INT(n->line, 2);
	EXPECT_INT(n->column, 7);
	EXPECT_INT(n->last_line, 3);
	n = n->next;
	EXPECT_INT(n->kind, YAMLDOC_LIST);
	EXPECT_SLICE(slice_str(n->first->text), S("a"));
	EXPECT(n->first->key == NULL);
	EXPECT_SLICE(slice_str(n->last->first->key), S("b"));
	n = n->next;
	EXPECT_INT(n->kind, YAMLDOC_SCALAR);
	EXPECT_SLICE(slice_str(n->text), S(""));
	EXPECT_INT(n->next->last_line, 10);
	yamldoc_fini(&doc);
}

TEST(braces)
{
	struct yamldoc_error e;
	struct yamldoc doc;

	EXPECT(yamldoc_parse(&doc, S("{ a: 1 }\n"), &e));
	EXPECT(doc.flow);
	yamldoc_fini(&doc);
	EXPECT(yamldoc_parse(&doc, S("# nothing\n"), &e));
	EXPECT(doc.root == NULL);
	yamldoc_fini(&doc);
}

/* What YAML can do and our files do not need. */
TEST(surprises_are_refused)
{
	refused(S("a: 1\na: 2\n"), "2:1: \"a\" is given twice, first in line 1");
	refused(S("t:\n  x: {o: 1}\n  x: {o: 2}\n"), "3:3: \"x\" is given twice, first in line 2");
	refused(S("a: &x y\n"), "1:4: anchors and tags (&name, !tag) are not used here");
	refused(S("a: !!str y\n"), "1:4: anchors and tags (&name, !tag) are not used here");
	refused(S("a: !x {}\n"), "1:4: anchors and tags (&name, !tag) are not used here");
	refused(S("a: *x\n"), "1:4: aliases (*name) are not used here");
	refused(S("a: b\n---\na: c\n"), "2:1: a second document begins");
	refused(S("? [a]\n: b\n"), "1:3: a key must be a plain word");
	refused(S("? {a: b}\n: c\n"), "1:3: a key must be a plain word");
	refused(S("\"\": b\n"), "1:1: a key must be a plain word");
	refused(S("a: \"b\\0c\"\n"), "1:4: a value holds a NUL byte");
}

TEST(bounds)
{
	struct buf b;

	refused(S("[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]\n"),
	    "1:17: nested more than 16 levels");
	buf_init(&b, 2 * LIMIT_CONFIG_BYTES);
	buf_put(&b, S("list:\n"));
	for (int i = 0; i < LIMIT_CONFIG_NODES; i++)
		buf_put(&b, S("- a\n"));
	refused(buf_slice(&b), "8192:3: more than 8192 keys and values");
	while (b.n <= LIMIT_CONFIG_BYTES)
		buf_put(&b, S("# a line of no meaning\n"));
	refused(buf_slice(&b), "1:1: the file is larger than 1048576 bytes");
	buf_fini(&b);
}

TESTS(TEST_ROW(places) TEST_ROW(braces) TEST_ROW(surprises_are_refused) TEST_ROW(bounds))
