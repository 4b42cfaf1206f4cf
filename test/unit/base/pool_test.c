/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "unit.h"

TEST(ceiling_and_reuse)
{
	struct pool p;
	void *block[4];

	pool_init(&p, 64, 2, 3);
	for (int i = 0; i < 3; i++) {
		block[i] = pool_get(&p);
		EXPECT(block[i] != NULL);
		memset(block[i], 0xa5, 64);
	}
	EXPECT(pool_get(&p) == NULL);
	EXPECT_INT(p.n_out, 3);
	for (int i = 0; i < 3; i++)
		pool_put(&p, block[i]);
	EXPECT_INT(p.n_out, 0);
	EXPECT_INT(p.n_free, 2); /* the third was freed: a burst does not stay */
	block[3] = pool_get(&p);
	EXPECT(block[3] == block[1]); /* last in, first out: warm in the cache */
	pool_put(&p, block[3]);
	pool_fini(&p);
	EXPECT_INT(p.n_free, 0);
}

TEST(keeping_none)
{
	struct pool p;
	void *block;

	pool_init(&p, sizeof(void *), 0, 1);
	block = pool_get(&p);
	EXPECT(block != NULL);
	EXPECT(pool_get(&p) == NULL);
	pool_put(&p, block);
	EXPECT_INT(p.n_free, 0);
	pool_fini(&p);
}

TESTS(TEST_ROW(ceiling_and_reuse) TEST_ROW(keeping_none))
