/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/limits.h"
#include "edge/core/source.h"

#include <arpa/inet.h>

static struct source_key
key_of(const char *text)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct source_key key;

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		memcpy(&ss, &in, sizeof(in));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(&ss, &in6, sizeof(in6));
	EXPECT(source_key(&ss, &key));
	return key;
}

static bool
same(const char *a, const char *b)
{
	struct source_key x = key_of(a), y = key_of(b);

	return memcmp(&x, &y, sizeof(x)) == 0;
}

TEST(one_source_for_a_customer)
{
	struct sockaddr_storage un = { .ss_family = AF_UNIX };
	struct source_key key;

	EXPECT(same("192.0.2.1", "::ffff:192.0.2.1"));
	EXPECT(!same("192.0.2.1", "192.0.2.2"));
	EXPECT(same("2001:db8::1", "2001:db8::ffff:1"));
	EXPECT(!same("2001:db8::1", "2001:db8:0:1::1"));
	EXPECT(!source_key(&un, &key));
}

TEST(s14_connections_of_one_address_are_counted)
{
	struct source_key a = key_of("192.0.2.1"), b = key_of("192.0.2.2");
	struct source *first, *second;
	struct sources s;

	sources_init(&s, 2, 10);
	first = sources_take(&s, &a);
	second = sources_take(&s, &a);
	EXPECT(first != NULL && first == second);
	EXPECT(sources_take(&s, &a) == NULL);
	second = sources_take(&s, &b);
	EXPECT(second != NULL && second != first);
	sources_put(&s, first);
	EXPECT(sources_take(&s, &a) == first);
	sources_put(&s, first);
	sources_put(&s, first);
	sources_put(&s, second);
	sources_put(&s, NULL);
	EXPECT_INT(s.slab.n_out, 0);
	sources_fini(&s);
}

TEST(s04_bad_tokens_are_slowed_down)
{
	struct source_key a = key_of("192.0.2.1"), b = key_of("192.0.2.2");
	struct guard *g = guard_new();
	int64_t now = 1000000;

	for (int i = 0; i < LIMIT_LOGIN_FAILS; i++) {
		EXPECT_INT(guard_wait_ms(g, &a, now), 0);
		guard_failed(g, &a, now);
	}
	EXPECT_INT(guard_wait_ms(g, &a, now), 60001);
	EXPECT_INT(guard_wait_ms(g, &b, now), 0);
	EXPECT(guard_wait_ms(g, &a, now + 59000000) > 0);
	EXPECT_INT(guard_wait_ms(g, &a, now + 60000000), 0);
	guard_failed(g, &a, now + 61000000); /* a new minute begins with one */
	EXPECT_INT(guard_wait_ms(g, &a, now + 61000000), 0);
	guard_free(g);
}

/* However many addresses there are, the table does not grow; a full set gives up its oldest. */
TEST(guard_is_bounded)
{
	struct guard *g = guard_new();
	struct source_key key = { 0 };

	for (int i = 0; i < 4 * LIMIT_LOGIN_SOURCES; i++) {
		memcpy(key.bytes, &i, sizeof(i));
		guard_failed(g, &key, 1 + i);
	}
	for (int i = 0; i < LIMIT_LOGIN_FAILS; i++)
		guard_failed(g, &key, 20000);
	EXPECT(guard_wait_ms(g, &key, 20000) > 0);
	guard_free(g);
}

TESTS(TEST_ROW(one_source_for_a_customer) TEST_ROW(s14_connections_of_one_address_are_counted)
	TEST_ROW(s04_bad_tokens_are_slowed_down) TEST_ROW(guard_is_bounded))
