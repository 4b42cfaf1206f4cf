/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "tunnel/frame.h"

TEST(layout)
{
	struct frame f = {
		.length = 0x010203, .type = FRAME_CONTROL, .flags = 0xa, .stream = 0x04050607
	};
	char p[FRAME_HEADER_BYTES];

	frame_encode(&f, p);
	EXPECT_SLICE(slice_of(p, sizeof(p)), S("\1\2\3\x5a\4\5\6\7"));
}

TEST(any_header_survives)
{
	uint64_t v = 1;

	for (int i = 0; i < 10000; i++) {
		struct frame f;
		char a[FRAME_HEADER_BYTES], b[FRAME_HEADER_BYTES];

		v = v * 6364136223846793005u + 1442695040888963407u;
		memcpy(a, &v, sizeof(a));
		frame_decode(a, &f);
		frame_encode(&f, b);
		EXPECT(memcmp(a, b, sizeof(a)) == 0);
		EXPECT(f.length <= 0xffffff && f.type <= 15 && f.flags <= 15);
	}
}

TEST(code_names)
{
	EXPECT_SLICE(slice_str(link_code_name(LINK_CODE_OK)), S("ok"));
	EXPECT_SLICE(slice_str(link_code_name(LINK_CODE_INTERNAL)), S("internal"));
	EXPECT_SLICE(slice_str(link_code_name(LINK_CODE_ORIGIN_LARGE_HEAD + 1)), S("unknown"));
	EXPECT_SLICE(slice_str(link_code_name(0xffffffff)), S("unknown"));
}

TESTS(TEST_ROW(layout) TEST_ROW(any_header_survives) TEST_ROW(code_names))
