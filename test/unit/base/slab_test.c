/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"

#include "unit.h"

#define OBJECT_BYTES 40

TEST(zeroed_aligned_and_bounded)
{
	enum { MAX = 70 }; /* more than two pages of objects, the last one not full */
	struct slab s;
	char *object[MAX];

	slab_init(&s, OBJECT_BYTES, MAX);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MAX; i++) {
			object[i] = slab_get(&s);
			EXPECT(object[i] != NULL);
			if (object[i] == NULL)
				return;
			EXPECT((uintptr_t)object[i] % _Alignof(max_align_t) == 0);
			for (int b = 0; b < OBJECT_BYTES; b++)
				EXPECT(object[i][b] == 0);
			memset(object[i], 0x5a, OBJECT_BYTES);
		}
		EXPECT(slab_get(&s) == NULL);
		EXPECT_INT(s.n_out, MAX);
		for (int i = 0; i < MAX; i++)
			for (int b = 0; b < OBJECT_BYTES; b++)
				EXPECT(object[i][b] == 0x5a); /* nobody else's */
		for (int i = 0; i < MAX; i++)
			slab_put(&s, object[i]);
	}
	slab_fini(&s);
}

/* What is behind them is as it was left, and of nobody else. */
TEST(only_so_many_bytes_are_zeroed)
{
	struct slab s;
	char *object;

	slab_init(&s, OBJECT_BYTES, 1);
	slab_zeroes(&s, 16);
	object = slab_get(&s);
	EXPECT(object != NULL);
	if (object == NULL)
		return;
	memset(object, 0x5a, OBJECT_BYTES);
	slab_put(&s, object);
	EXPECT(slab_get(&s) == object);
	for (int b = 0; b < OBJECT_BYTES; b++)
		EXPECT(object[b] == (b < 16 ? 0 : 0x5a));
	slab_put(&s, object);
	slab_fini(&s);
}

/* A burst goes back, but for what one survivor holds and a little. */
TEST(pages_go_back)
{
	enum { MAX = 3200 };
	static void *object[MAX];
	struct slab s;

	slab_init(&s, OBJECT_BYTES, MAX);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MAX; i++)
			object[i] = slab_get(&s);
		EXPECT(object[MAX - 1] != NULL && slab_get(&s) == NULL);
		EXPECT_INT(s.n_total, MAX);
		for (int i = 0; i < MAX; i++) /* 7 and MAX have no common divisor */
			if (i * 7 % MAX != 1600)
				slab_put(&s, object[i * 7 % MAX]);
		EXPECT_INT(s.n_out, 1);
		EXPECT(s.n_total <= 3 * 32);
		slab_put(&s, object[1600]);
	}
	slab_fini(&s);
	EXPECT_INT(s.n_total, 0);
}

TEST(small_objects_and_none)
{
	struct slab s;
	char *a, *b;

	slab_init(&s, 1, 2);
	a = slab_get(&s);
	b = slab_get(&s);
	EXPECT(a != NULL && b != NULL && a != b);
	EXPECT(slab_get(&s) == NULL);
	slab_put(&s, a);
	EXPECT(slab_get(&s) == a);
	slab_put(&s, a);
	slab_put(&s, b);
	slab_fini(&s);
	slab_init(&s, 8, 0);
	EXPECT(slab_get(&s) == NULL);
	slab_fini(&s);
}

TESTS(TEST_ROW(zeroed_aligned_and_bounded) TEST_ROW(only_so_many_bytes_are_zeroed)
	TEST_ROW(pages_go_back) TEST_ROW(small_objects_and_none))
