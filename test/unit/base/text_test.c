/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/rand.h"
#include "unit.h"

/* RFC 4648 section 10. */
static const struct {
	struct slice plain, base64;
} vectors[] = {
	{ S(""), S("") },
	{ S("f"), S("Zg==") },
	{ S("fo"), S("Zm8=") },
	{ S("foo"), S("Zm9v") },
	{ S("foob"), S("Zm9vYg==") },
	{ S("fooba"), S("Zm9vYmE=") },
	{ S("foobar"), S("Zm9vYmFy") },
};

TEST(base64_vectors)
{
	char text[16], back[16];

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		ptrdiff_t n;

		text_base64(vectors[i].plain.p, vectors[i].plain.n, text);
		EXPECT_SLICE(slice_str(text), vectors[i].base64);
		n = text_unbase64(vectors[i].base64, false, true, back, sizeof(back));
		EXPECT_SLICE(slice_of(back, (size_t)n), vectors[i].plain);
	}
}

TEST(base64_is_exact)
{
	static const struct slice bad[] = { S("Zg"), S("Zg="), S("Zg==="), S("Zh=="), S("Zm9"),
		S("Z"), S("===="), S("=Zg="), S("Zg==Zg=="), S("Zm9v\n"), S(" Zm9v"), S("Zm-v"),
		S("Zm9v===="), S("Z\0==") };
	char out[16];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_INT(text_unbase64(bad[i], false, true, out, sizeof(out)), -1);
	EXPECT_INT(text_unbase64(S("Zg"), false, false, out, sizeof(out)), 1);
	EXPECT_INT(text_unbase64(S("Zg=="), false, false, out, sizeof(out)), -1);
	EXPECT_INT(text_unbase64(S("-_-_"), true, false, out, sizeof(out)), 3);
	EXPECT_INT(text_unbase64(S("+/+/"), true, false, out, sizeof(out)), -1);
	EXPECT_INT(text_unbase64(S("Zm9v"), false, true, out, 2), -1);
	EXPECT_INT(text_unbase64(S("Zm9v"), false, true, out, 3), 3);
}

TEST(random_bytes_come_back)
{
	unsigned char bytes[100], back[100];
	char text[300];

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		rand_bytes(bytes, n);
		text_base64(bytes, n, text);
		EXPECT_INT(text_unbase64(slice_str(text), false, true, back, n), n);
		EXPECT(memcmp(bytes, back, n) == 0);
		text_hex(bytes, n, text);
		EXPECT_INT(strlen(text), 2 * n);
		EXPECT_INT(text_unhex(slice_str(text), back, n), n);
		EXPECT(memcmp(bytes, back, n) == 0);
	}
}

TEST(hex_is_exact)
{
	static const struct slice bad[] = { S("0"), S("0g"), S("0x"), S(" 0"), S("0\0"), S("0:"),
		S("@@"), S("``"), S("//") };
	unsigned char out[4];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_INT(text_unhex(bad[i], out, sizeof(out)), -1);
	EXPECT_INT(text_unhex(S("aAfF09"), out, 3), 3);
	EXPECT_SLICE(slice_of(out, 3), S("\xaa\xff\x09"));
	EXPECT_INT(text_unhex(S("aAfF09"), out, 2), -1);
	EXPECT_INT(text_unhex(S(""), out, 0), 0);
}

TESTS(TEST_ROW(base64_vectors) TEST_ROW(base64_is_exact) TEST_ROW(random_bytes_come_back)
	TEST_ROW(hex_is_exact))
