/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "hook/seal.h"

TEST(what_was_sealed_opens_only_in_its_place)
{
	unsigned char key[SEAL_KEY_BYTES] = "0123456789abcdef0123456789abcde",
		      other[SEAL_KEY_BYTES] = "x";
	static const struct slice text = { "{\"secrets\":[\"canary\"]}", 22 };
	char sealed[64 + SEAL_EXTRA_BYTES], open[sizeof(sealed)];
	struct slice s = { sealed, text.n + SEAL_EXTRA_BYTES };

	EXPECT(seal_close(key, S("jenkins"), text, sealed));
	EXPECT(memmem(sealed, s.n, "canary", 6) == NULL);
	EXPECT_INT(seal_open(key, S("jenkins"), s, open), 22);
	EXPECT_SLICE(slice_of(open, 22), text);
	EXPECT_INT(seal_open(other, S("jenkins"), s, open), -1);
	EXPECT_INT(seal_open(key, S("jenkinz"), s, open), -1);
	for (size_t i = 0; i < s.n; i++) {
		sealed[i] ^= 1;
		EXPECT_INT(seal_open(key, S("jenkins"), s, open), -1);
		sealed[i] ^= 1;
		EXPECT_INT(seal_open(key, S("jenkins"), slice_head(s, i), open), -1);
	}
}

TESTS(TEST_ROW(what_was_sealed_opens_only_in_its_place))
