/* SPDX-License-Identifier: Apache-2.0 */
/* The look at malloc's books, on the main loop (trim.h). */
#include "edge/core/trim.h"

#include "base/limits.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
/* Larger blocks are the system's own, and go back at once. The number is fixed: malloc would raise
 * it after the first large block. */
#define MMAP_BYTES (1024 * 1024)
#define FREED_BYTES (1024 * 1024)

static void
look(struct trim *t)
{
	struct mallinfo2 info = mallinfo2();

	if (info.fordblks < t->low)
		t->low = info.fordblks;
	if (info.fordblks - t->low < FREED_BYTES)
		return;
	(void)malloc_trim(0);
	t->low = info.fordblks;
}

static void
set_up(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
}
#else
static void
look(struct trim *t)
{
	(void)t; /* other libraries give back by themselves, or cannot */
}

static void
set_up(void)
{
}
#endif

static void
on_tick(struct loop_timer *timer)
{
	struct trim *t = list_of(timer, struct trim, tick);

	look(t);
	loop_timer_set(t->loop, &t->tick, (int64_t)LIMIT_TRIM_MS * 1000);
}

void
trim_start(struct trim *t, struct loop *main_loop)
{
	check(t->loop == NULL); /* once */
	set_up();
	t->loop = main_loop;
	t->tick.fn = on_tick;
	loop_timer_set(main_loop, &t->tick, (int64_t)LIMIT_TRIM_MS * 1000);
}

void
trim_stop(struct trim *t)
{
	if (t->loop != NULL)
		loop_timer_stop(t->loop, &t->tick);
	t->loop = NULL;
}
