/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bufq.h"

#include "base/rand.h"
#include "unit.h"

#define BLOCK_BYTES 64 /* 48 of them for bytes */

/* A queue beside a flat model of it. */
static char model[4096];
static size_t model_n;

static bool
same(const struct bufq *q)
{
	struct iovec iov[128];
	int n = bufq_peek(q, iov, 128);
	size_t at = 0;

	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len == 0 || memcmp(iov[i].iov_base, model + at, iov[i].iov_len) != 0)
			return false;
		at += iov[i].iov_len;
	}
	return at == model_n && q->n == model_n;
}

TEST(against_a_flat_model)
{
	struct pool p;
	struct bufq q;
	char bytes[200];

	pool_init(&p, BLOCK_BYTES, 4, 1000);
	bufq_init(&q, &p, 1000);
	model_n = 0;
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)rand_below(sizeof(bytes)), done;

		if (rand_below(2) == 0) {
			rand_bytes(bytes, n);
			done = bufq_put(&q, slice_of(bytes, n));
			EXPECT_INT(done, n < 1000 - model_n ? n : 1000 - model_n);
			memcpy(model + model_n, bytes, done);
			model_n += done;
		} else {
			n = n > model_n ? model_n : n;
			bufq_skip(&q, n);
			memmove(model, model + n, model_n - n);
			model_n -= n;
		}
		EXPECT_INT(bufq_room(&q), 1000 - model_n);
		if (!same(&q)) {
			EXPECT(false && "the queue holds what was put into it");
			break;
		}
		if (model_n == 0)
			EXPECT_INT(p.n_out, 0); /* an empty queue holds no chunk */
	}
	bufq_reset(&q);
	EXPECT_INT(p.n_out, 0);
	pool_fini(&p);
}

TEST(a_pool_at_its_ceiling_takes_less)
{
	struct pool p;
	struct bufq q;
	char bytes[100] = { 0 };

	pool_init(&p, BLOCK_BYTES, 0, 1);
	bufq_init(&q, &p, 1000);
	EXPECT_INT(bufq_put(&q, slice_of(bytes, 100)), BLOCK_BYTES - 16);
	EXPECT_INT(bufq_put(&q, slice_of(bytes, 1)), 0);
	EXPECT_INT(q.n, BLOCK_BYTES - 16);
	bufq_skip(&q, q.n);
	EXPECT_INT(bufq_put(&q, slice_of(bytes, 1)), 1);
	bufq_reset(&q);
	pool_fini(&p);
}

TEST(peek_of_a_few)
{
	struct pool p;
	struct bufq q;
	struct iovec iov[2];
	char bytes[200] = { 0 };

	pool_init(&p, BLOCK_BYTES, 0, 10);
	bufq_init(&q, &p, 200);
	EXPECT_INT(bufq_peek(&q, iov, 2), 0);
	EXPECT_INT(bufq_put(&q, slice_of(bytes, 200)), 200);
	EXPECT_INT(bufq_peek(&q, iov, 2), 2);
	EXPECT_INT(iov[0].iov_len + iov[1].iov_len, 2 * (BLOCK_BYTES - 16));
	EXPECT_INT(bufq_put(&q, S("x")), 0); /* full */
	bufq_reset(&q);
	pool_fini(&p);
}

TEST(taking_moves_bytes_across_chunks)
{
	struct pool pool;
	struct bufq q;
	char all[100], got[100];
	size_t n = 0;

	pool_init(&pool, 16 + 8, 4, 64);
	bufq_init(&q, &pool, 100);
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	EXPECT_INT(bufq_put(&q, slice_of(all, sizeof(all))), sizeof(all));
	EXPECT_INT(bufq_take(&q, got, 0), 0);
	for (size_t part = 1; n < sizeof(got); part++)
		n += bufq_take(&q, got + n, part < sizeof(got) - n ? part : sizeof(got) - n);
	EXPECT(memcmp(all, got, sizeof(all)) == 0);
	EXPECT_INT(q.n, 0);
	EXPECT_INT(bufq_take(&q, got, 1), 0);
	pool_fini(&pool);
}

TESTS(TEST_ROW(taking_moves_bytes_across_chunks) TEST_ROW(against_a_flat_model)
	TEST_ROW(a_pool_at_its_ceiling_takes_less) TEST_ROW(peek_of_a_few))
