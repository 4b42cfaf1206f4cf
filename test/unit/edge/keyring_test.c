/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "edge/core/keyring.h"

static struct keyring_key
key(const char *id, const char *scope, char secret, int64_t expires_ms)
{
	struct keyring_key k = { .account = "ann", .expires_ms = expires_ms };

	snprintf(k.id, sizeof(k.id), "%s", id);
	snprintf(k.scope, sizeof(k.scope), "%s", scope);
	memset(k.secret, secret, sizeof(k.secret));
	return k;
}

TEST(keys_come_and_go)
{
	struct keyring *r = keyring_new();
	struct keyring_key a = key("AbC1", "home", 'a', 0), b = key("xyz", "nas", 'b', 5000), got;

	EXPECT(!keyring_find(r, S("AbC1"), 1, &got));
	EXPECT(keyring_put(r, &a) && keyring_put(r, &b));
	EXPECT(keyring_find(r, S("abc1"), 1, &got) && got.secret[0] == 'a');
	EXPECT_SLICE(slice_str(got.id), S("AbC1"));
	EXPECT(keyring_find(r, S("XYZ"), 4999, &got) && got.secret[31] == 'b');
	EXPECT(!keyring_find(r, S("xyz"), 5000, &got));
	EXPECT(!keyring_find(r, S(""), 1, &got));
	EXPECT(!keyring_find(r, S("abcdefghijklmnopqrstuvwxyz"), 1, &got));
	a.secret[0] = 'c';
	EXPECT(keyring_put(r, &a));
	EXPECT(keyring_find(r, S("ABC1"), 1, &got) && got.secret[0] == 'c');
	keyring_drop(r, "aBc1");
	keyring_drop(r, "aBc1");
	EXPECT(!keyring_find(r, S("abc1"), 1, &got));
	keyring_free(r);
	keyring_free(NULL);
}

TEST(scopes)
{
	EXPECT(keyring_allows("home,nas", S("home")) && keyring_allows("home,nas", S("nas")));
	EXPECT(!keyring_allows("home,nas", S("hom")) && !keyring_allows("home,nas", S("home,nas")));
	EXPECT(!keyring_allows("home,nas", S("")) && !keyring_allows("", S("")));
}

TESTS(TEST_ROW(keys_come_and_go) TEST_ROW(scopes))
