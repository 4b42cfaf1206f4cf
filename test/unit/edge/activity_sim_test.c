/* SPDX-License-Identifier: Apache-2.0 */
/* What a link that watches is told, and that it is never told too much. */
#include "unit/edge/sim_world.h"

#include "edge/core/activity.h"

static unsigned n_messages, n_refused, n_states;
static uint64_t n_lost;

static void
on_control(struct agent *a, struct slice json)
{
	struct activity_reader r;
	struct activity_row row;

	(void)a;
	if (!activity_begin(&r, json))
		return;
	n_messages++;
	n_lost += r.lost;
	while (activity_next_row(&r, &row))
		*(row.what == ACTIVITY_REFUSED ? &n_refused : &n_states) += 1;
	activity_end(&r);
}

static struct tunnel *
watch(struct agent *a, unsigned worker)
{
	struct session *s = list_of(w->workers[worker]->links->list.prev, struct session, node);

	n_messages = n_refused = n_states = 0;
	n_lost = 0;
	a->controlled = on_control;
	s->activity = activity_new(&s->carrier, w->workers[worker], s->account);
	activity_add(s->activity, session_tunnel(s, 0));
	return session_tunnel(s, 0);
}

static void
refuse(struct tunnel *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct activity_row r = { .what = ACTIVITY_REFUSED, .took_us = 1 };

		if (activity_has_room(t->activity))
			activity_take(t, &r);
	}
}

static void
deliver(struct tunnel *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct activity_row r = { .what = ACTIVITY_STATE, .id = i + 1, .took_us = -1 };

		activity_take(t, &r);
	}
}

TEST(few_messages_a_second_and_all_is_told_or_counted)
{
	struct tunnel *t;

	world_open(1);
	t = watch(serve(0), 0);
	for (unsigned i = 0; i < 100; i++) {
		refuse(t, 100);
		pass_time(SECOND / 100);
	}
	pass_time(SECOND);
	EXPECT(n_messages >= 10 && n_messages <= 16); /* the last ones empty what waits */
	EXPECT_INT(n_refused + n_lost, 10000);
	EXPECT(n_refused >= 500 && n_refused <= 800);
	world_close();
}

TEST(a_row_is_told_at_once_where_nothing_was_told_lately)
{
	struct tunnel *t;

	world_open(1);
	t = watch(serve(0), 0);
	refuse(t, 1);
	pass_time(SECOND / 1000);
	EXPECT_INT(n_refused, 1);
	world_close();
}

TEST(refusals_make_room_for_deliveries)
{
	struct tunnel *t;

	world_open(1);
	t = watch(serve(0), 0);
	refuse(t, 1000);
	deliver(t, 150);
	pass_time(2 * SECOND);
	EXPECT_INT(n_states, 150);
	EXPECT_INT(n_refused, LIMIT_ACTIVITY_ROWS - 150);
	EXPECT_INT(n_refused + n_lost, 1000);
	deliver(t, 300);
	refuse(t, 1);
	pass_time(2 * SECOND);
	EXPECT_INT(n_states, 150 + LIMIT_ACTIVITY_ROWS);
	world_close();
}

TEST(an_agent_that_reads_nothing_keeps_its_link)
{
	struct session *s;
	struct tunnel *t;
	struct agent *a;
	size_t most = 0;

	world_open(1);
	a = serve(0);
	t = watch(a, 0);
	s = t->session;
	a->deaf = true;
	for (unsigned i = 0; i < 500; i++) {
		size_t n = link_control_waiting(&s->carrier.link);

		most = n > most ? n : most;
		deliver(t, 100);
		pass_time(SECOND / 100);
	}
	EXPECT_INT(s->state, SESSION_UP);
	EXPECT(most < LIMIT_ACTIVITY_CTL_BYTES + LIMIT_CONTROL_BYTES);
	world_close();
}

TEST(what_happens_on_another_worker_is_told_by_mail)
{
	struct activity_row r = { .what = ACTIVITY_STORED, .id = 4, .took_us = -1 };
	struct tunnel *t;
	struct agent *a;

	world_open(2);
	a = serve(0);
	/* Nobody watches. */
	activity_tell(&w->edge, w->workers[1], "a", &r);
	t = watch(a, 0);
	EXPECT_INT(w->edge.watching, 1);
	activity_tell(&w->edge, w->workers[1], "a", &r);
	activity_tell(&w->edge, NULL, "a", &r);
	activity_tell(&w->edge, w->workers[0], "a", &r);
	activity_tell(&w->edge, w->workers[0], "b", &r);
	pass_time(SECOND);
	EXPECT_INT(n_states, 3);
	EXPECT(t->activity != NULL);
	agent_leave(a);
	pass_time(SECOND);
	EXPECT_INT(w->edge.watching, 0);
	activity_tell(&w->edge, w->workers[1], "a", &r);
	pass_time(SECOND);
	world_close();
}

TESTS(TEST_ROW(few_messages_a_second_and_all_is_told_or_counted)
	TEST_ROW(a_row_is_told_at_once_where_nothing_was_told_lately)
	    TEST_ROW(refusals_make_room_for_deliveries)
		TEST_ROW(an_agent_that_reads_nothing_keeps_its_link)
		    TEST_ROW(what_happens_on_another_worker_is_told_by_mail))
