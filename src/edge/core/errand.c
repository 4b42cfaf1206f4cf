/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to other threads, and their way home. */
#include "edge/core/errand.h"

/*
 * The home is kept beside it, since back() may free the errand. came_home() is last: it may
 * end the loop that this one comes home to.
 */
static void
on_mail(struct loop *loop, struct loop_mail *m)
{
	struct errand *e = list_of(m, struct errand, mail);
	struct errands *home = e->home;

	check(home != NULL && home->loop == loop && home->n_pending > 0);
	e->home = NULL;
	home->n_pending--;
	e->back(e);
	if (home->came_home != NULL)
		home->came_home(home);
}

void
errand_begin(struct errand *e, struct errands *home, void (*back)(struct errand *e))
{
	check(e->home == NULL); /* one question at a time */
	check(home->loop != NULL && back != NULL);
	e->mail.fn = on_mail;
	e->home = home;
	e->back = back;
	home->n_pending++;
}

/*
 * Once it is posted the errand is its home's: it may be freed before
 * loop_post() returns here.
 */
void
errand_end(struct errand *e)
{
	loop_post(e->home->loop, &e->mail);
}

/* On the store's thread. */
static void
on_inbox_done(struct inbox_req *req)
{
	errand_end(req->owner);
}

void
errand_inbox(struct errand *e, struct errands *home, struct store *s, struct inbox_req *req,
    void (*back)(struct errand *e))
{
	errand_begin(e, home, back);
	req->done = on_inbox_done;
	req->owner = e;
	inbox_submit(s, req);
}

static void
on_store_done(struct store_req *req)
{
	errand_end(req->owner);
}

void
errand_store(struct errand *e, struct errands *home, struct store *s, struct store_req *req,
    void (*done)(struct store_req *req), void (*back)(struct errand *e))
{
	errand_begin(e, home, back);
	req->done = done != NULL ? done : on_store_done;
	req->owner = e;
	store_submit(s, req);
}

static void
on_item_done(struct item_req *req)
{
	errand_end(req->owner);
}

void
errand_item(struct errand *e, struct errands *home, struct store *s, struct item_req *req,
    void (*back)(struct errand *e))
{
	errand_begin(e, home, back);
	req->done = on_item_done;
	req->owner = e;
	item_submit(s, req);
}
