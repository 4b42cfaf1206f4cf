/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

#include "unit.h"

struct item {
	int v;
	struct list node;
};

static int
value(struct list *node)
{
	return list_of(node, struct item, node)->v;
}

TEST(order)
{
	struct list l;
	struct item it[4];
	int want = 1;

	list_init(&l);
	EXPECT(list_empty(&l));
	EXPECT(list_pop(&l) == NULL);
	for (int i = 0; i < 4; i++)
		it[i].v = i;
	list_push(&l, &it[2].node);
	list_push(&l, &it[3].node);
	list_push_front(&l, &it[1].node);
	LIST_EACH(node, &l)
		EXPECT_INT(value(node), want++);
	EXPECT_INT(want, 4);
	EXPECT_INT(value(list_pop(&l)), 1);
	list_del(&it[3].node);
	list_del(&it[3].node); /* harmless twice */
	EXPECT_INT(value(list_pop(&l)), 2);
	EXPECT(list_empty(&l));
}

TEST(the_body_may_delete)
{
	struct list l;
	struct item it[5];

	list_init(&l);
	for (int i = 0; i < 5; i++) {
		it[i].v = i;
		list_push(&l, &it[i].node);
	}
	LIST_EACH(node, &l)
		if (value(node) % 2 == 0)
			list_del(node);
	EXPECT_INT(value(list_pop(&l)), 1);
	EXPECT_INT(value(list_pop(&l)), 3);
	EXPECT(list_empty(&l));
}

TEST(splice)
{
	struct list a, b;
	struct item it[4];

	list_init(&a);
	list_init(&b);
	list_splice(&a, &b);
	EXPECT(list_empty(&a));
	for (int i = 0; i < 4; i++) {
		it[i].v = i;
		list_push(i < 2 ? &a : &b, &it[i].node);
	}
	list_splice(&a, &b);
	EXPECT(list_empty(&b));
	for (int i = 0; i < 4; i++)
		EXPECT_INT(value(list_pop(&a)), i);
}

TESTS(TEST_ROW(order) TEST_ROW(the_body_may_delete) TEST_ROW(splice))
