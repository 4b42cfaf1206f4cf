/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/tomldoc.h"

#include "base/buf.h"
#include "base/limits.h"
#include "unit.h"

static void
print(const struct yamldoc_node *n, struct buf *b)
{
	if (n->kind == YAMLDOC_SCALAR) {
		buf_json(b, slice_str(n->text));
		return;
	}
	buf_putc(b, n->kind == YAMLDOC_MAP ? '{' : '[');
	for (const struct yamldoc_node *c = n->first; c != NULL; c = c->next) {
		if (c->key != NULL)
			buf_printf(b, "%s:", c->key);
		print(c, b);
		if (c->next != NULL)
			buf_putc(b, ',');
	}
	buf_putc(b, n->kind == YAMLDOC_MAP ? '}' : ']');
}

static void
reads(struct slice text, const char *want)
{
	struct yamldoc_error e = { 0 };
	struct yamldoc doc;
	struct buf b;

	buf_init(&b, 65536);
	if (tomldoc_parse(&doc, text, &e))
		print(doc.root, &b);
	else
		buf_printf(&b, "%d:%d: %s", e.line, e.column, e.text);
	EXPECT_SLICE(buf_slice(&b), slice_str(want));
	buf_fini(&b);
	yamldoc_fini(&doc);
}

TEST(values)
{
	reads(S(""), "{}");
	reads(S("# c\na = 1 # c\r\nb = \"x\\t\\u00e9\\\\\" \nc='\\n'\n"),
	    "{a:\"1\",b:\"x\\u0009\xc3\xa9\\\\\",c:\"\\\\n\"}");
	reads(S("a = [ 1, \"two\", [true], # c\n\n 4.5e3,\n]\n"),
	    "{a:[\"1\",\"two\",[\"true\"],\"4.5e3\"]}");
	reads(S("a = { b = 1, c.d = 'x' }\n"), "{a:{b:\"1\",c:{d:\"x\"}}}");
	reads(S("\"a b\".'c' = false"), "{a b:{c:\"false\"}}");
	reads(S("a = \"\\U0001F600\""), "{a:\"\xf0\x9f\x98\x80\"}");
}

TEST(tables)
{
	reads(S("[a.b]\nc = 1\n[a]\nd = 2\n"), "{a:{b:{c:\"1\"},d:\"2\"}}");
	reads(S("[[p]]\nn = 1\n[p.q]\nx = 2\n[[p]]\nn = 3\n[[p.r]]\ny = 4\n[[p.r]]\n"),
	    "{p:[{n:\"1\",q:{x:\"2\"}},{n:\"3\",r:[{y:\"4\"},{}]}]}");
	reads(S("a.b = 1\na.c = 2\n"), "{a:{b:\"1\",c:\"2\"}}");
}

TEST(mistakes)
{
	reads(S("a = 1\n a = 2\n"), "2:2: \"a\" is given twice, first in line 1");
	reads(S("[a]\n[a]\n"), "2:3: \"a\" is there already, in line 1");
	reads(S("a = { b = 1 }\n[a.c]\n"), "2:3: \"a\" is there already, in line 1");
	reads(S("a = [1]\n[[a]]\n"), "2:4: \"a\" is there already, in line 1");
	reads(S("a = { b = 1 }\na.c = 2\n"), "2:3: \"a\" is there already, in line 1");
	reads(S("[a]\nb = 1\n[c]\n[a.b]\n"), "4:5: \"b\" is there already, in line 2");
	reads(S("a = x\n"), "1:6: a text in quotes, a number, true or false is wanted");
	reads(S("a = 1 2\n"), "1:7: something stands behind the end of the value");
	reads(S("a = \"x\n\"\n"), "1:7: the text has no end on its line");
	reads(S("a = \"\"\"x\"\"\"\n"), "1:5: texts over several lines are not read here");
	reads(S("a = 2024-01-02\n"), "1:15: dates and times are not read here");
	reads(S("a = \"\\u0000\"\n"), "1:12: no character of a text has that number");
	reads(S("a = \"\\q\"\n"),
	    "1:7: no such escape: \\\", \\\\, \\n, \\t and \\uXXXX are known");
	reads(S("a\n"), "1:2: = is wanted behind the key");
	reads(S("= 1\n"), "1:1: a key of letters, digits, - and _ is wanted, or one in quotes");
	reads(S("[a\n"), "1:3: ] is wanted behind the name of the table");
	reads(S("a = [1 2]\n"), "1:8: a comma or ] is wanted");
	reads(S("a = {b = 1,}\n"), "1:12: a key is wanted behind the comma");
	reads(S("a = [[[[[[[[[[[[[[[[[[[[1\n"), "1:21: nested more than 16 levels");
}

TEST(places)
{
	struct yamldoc_error e;
	struct yamldoc doc;
	const struct yamldoc_node *n;

	EXPECT(tomldoc_parse(&doc, S("\n[one]\n  two.three = [\n 1 ]\n"), &e));
	n = doc.root->first;
	EXPECT_INT(n->key_line, 2);
	EXPECT_INT(n->key_column, 2);
	n = n->first;
	EXPECT_INT(n->key_column, 3);
	n = n->first;
	EXPECT_INT(n->key_line, 3);
	EXPECT_INT(n->key_column, 7);
	EXPECT_INT(n->column, 15);
	EXPECT_INT(n->first->line, 4);
	EXPECT_INT(n->first->column, 2);
	yamldoc_fini(&doc);
}

TEST(limits)
{
	struct yamldoc_error e;
	struct yamldoc doc;
	struct buf b;

	buf_init(&b, 4 * LIMIT_CONFIG_BYTES);
	for (int i = 0; i <= LIMIT_CONFIG_NODES; i++)
		buf_printf(&b, "k%d=1\n", i);
	EXPECT(!tomldoc_parse(&doc, buf_slice(&b), &e));
	yamldoc_fini(&doc);
	while (b.n <= LIMIT_CONFIG_BYTES)
		buf_put(&b, S("# a comment that nobody needs\n"));
	EXPECT(!tomldoc_parse(&doc, buf_slice(&b), &e));
	yamldoc_fini(&doc);
	buf_fini(&b);
}

TEST(looks)
{
	EXPECT(tomldoc_looks(S("# frp\n\nserverAddr = \"x:1\"\n")));
	EXPECT(tomldoc_looks(S("[[proxies]]\n")));
	EXPECT(!tomldoc_looks(S("serverAddr: x\n")));
	EXPECT(!tomldoc_looks(S("{ \"serverAddr\": \"a=b\" }")));
	EXPECT(!tomldoc_looks(S("")));
}

TESTS(TEST_ROW(values) TEST_ROW(tables) TEST_ROW(mistakes) TEST_ROW(places) TEST_ROW(limits)
	TEST_ROW(looks))
