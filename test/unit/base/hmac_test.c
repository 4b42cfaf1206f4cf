/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hmac.h"

#include "base/text.h"
#include "unit.h"

/* RFC 4231 4.3 and RFC 2202 3: key "Jefe". */
TEST(test_vectors)
{
	static const struct {
		enum hmac_hash hash;
		const char *hex;
	} rows[] = {
		{ HMAC_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		{ HMAC_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ HMAC_SHA384, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
			       "8e2240ca5e69e2c78b3239ecfab21649" },
		{ HMAC_SHA512, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
			       "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
	};
	const struct slice parts[] = { S("what do ya want "), S(""), S("for nothing?") };
	unsigned char mac[HMAC_BYTES_MAX];
	char hex[2 * HMAC_BYTES_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		EXPECT(hmac(rows[i].hash, S("Jefe"), parts, 3, mac));
		text_hex(mac, hmac_bytes(rows[i].hash), hex);
		EXPECT_SLICE(slice_of(hex, 2 * hmac_bytes(rows[i].hash)), slice_str(rows[i].hex));
	}
}

TEST(an_empty_key_signs_nothing)
{
	unsigned char mac[HMAC_BYTES_MAX];

	EXPECT(!hmac(HMAC_SHA256, S(""), (struct slice[]){ S("x") }, 1, mac));
}

TESTS(TEST_ROW(test_vectors) TEST_ROW(an_empty_key_signs_nothing))
