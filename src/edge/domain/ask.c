/* SPDX-License-Identifier: Apache-2.0 */
/* What agents and the operator ask about own domains. */
#include "edge/domain/ask.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/domain/domain_name.h"
#include "edge/domain/domains_private.h"

#include <stdio.h>
#include <stdlib.h>

#define ASK_MAGIC 0x61736b64u
/* Rows of one answer: about 1 KiB each, and an answer fits into a CONTROL frame. */
#define LIST_PAGE 24
/* Who asks again so soon is told what is known; agents ask each time they connect. */
#define AGAIN_US (2 * INT64_C(1000000))
#define AGAIN_PROVEN_US (3600 * INT64_C(1000000))

/* --- the way there and back --- */

/* On the loop that asked. */
static void
on_home(struct errand *e)
{
	struct domain_ask *a = list_of(e, struct domain_ask, errand);
	json_t *answer = a->answer;

	check(a->magic == ASK_MAGIC);
	if (a->abandoned)
		json_decref(answer);
	else
		a->done(a->owner, answer);
	json_decref(a->request);
	a->magic = 0;
	free(a);
}

void
ask_answer(struct domain_ask *a, json_t *answer)
{
	check(a->magic == ASK_MAGIC && a->answer == NULL && list_empty(&a->node));
	a->answer = answer;
	errand_end(&a->errand);
}

static json_t *
refusal(const char *code, const char *text)
{
	return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "text", text);
}

void
ask_refuse(struct domain_ask *a, const char *code, const char *text)
{
	ask_answer(a, refusal(code, text));
}

/* False: nobody takes asks any more. */
static bool
post(struct domains *ds, struct domain_ask *a)
{
	bool wake, open;

	pthread_mutex_lock(&ds->lock);
	open = !ds->closed;
	wake = open && !ds->woken;
	if (open) {
		list_push(&ds->incoming, &a->node);
		ds->woken = true;
	}
	pthread_mutex_unlock(&ds->lock);
	if (wake)
		loop_post(ds->edge->main_loop, &ds->wake);
	return open;
}

struct domain_ask *
domain_ask(struct edge *e, struct errands *home, const char *account, const char *op,
    const json_t *request, domain_done_fn done, void *owner)
{
	struct domain_ask *a = e->domains == NULL ? NULL : calloc(1, sizeof(*a));

	if (a == NULL) {
		done(owner, refusal("failed", "the edge has no room for own domains now"));
		return NULL;
	}
	a->magic = ASK_MAGIC;
	a->edge = e;
	a->done = done;
	a->owner = owner;
	a->request = json_deep_copy(request); /* ours alone: counts of references are no atomics */
	list_init(&a->node);
	snprintf(a->op, sizeof(a->op), "%s", op == NULL ? "" : op);
	snprintf(a->account, sizeof(a->account), "%s", account == NULL ? "" : account);
	errand_begin(&a->errand, home, on_home);
	if (!post(e->domains, a))
		ask_refuse(a, "stopping", "the edge is stopping");
	return a;
}

void
domain_abandon(struct domain_ask *a)
{
	if (a == NULL)
		return;
	check(a->magic == ASK_MAGIC);
	a->abandoned = true;
}

/* --- add --- */

/* "" where it is missing, or no text. */
static const char *
member(const struct domain_ask *a, const char *key)
{
	const char *text = json_string_value(json_object_get(a->request, key));

	return text != NULL ? text : "";
}

struct only_tunnel {
	const char *account;
	size_t n;
	char key[DIRECTORY_KEY_BYTES];
};

/* Under the directory's lock. */
static bool
count_tunnel(const struct route *r, void *arg)
{
	struct only_tunnel *only = arg;

	if (r->tombstone || strcmp(r->account, only->account) != 0 ||
	    strncmp(r->key, "tcp:", 4) == 0)
		return true;
	if (only->n++ == 0)
		memcpy(only->key, r->key, sizeof(only->key));
	return only->n < 2;
}

/* The tunnel that is meant: that of the request, or the only one that the account has. */
static bool
find_tunnel(struct domains *ds, struct domain_ask *a, char key[DIRECTORY_KEY_BYTES])
{
	struct directory *dir = ds->edge->directory;
	struct only_tunnel only = { .account = a->account };
	const char *named = member(a, "tunnel");
	char why[300];

	if (named[0] == '\0') {
		directory_each(dir, count_tunnel, &only);
		if (only.n != 1) {
			ask_refuse(a, "bad-tunnel",
			    only.n == 0 ? "the account has no tunnel yet: open one first, adit "
					  "http ADDRESS --name NAME"
					: "the account has several tunnels: say which one with "
					  "--tunnel NAME");
			return false;
		}
		memcpy(key, only.key, sizeof(only.key));
		return true;
	}
	if (directory_owns(dir, slice_str(named), slice_str(a->account)) &&
	    strncmp(named, "tcp:", 4) != 0 && slice_z(slice_str(named), key, DIRECTORY_KEY_BYTES))
		return true;
	snprintf(why, sizeof(why),
	    "the account has no tunnel %.64s: open it first, adit http ADDRESS --name %.64s", named,
	    named);
	ask_refuse(a, "bad-tunnel", why);
	return false;
}

static size_t
count_wishes(const struct domains *ds, const char *account)
{
	struct map_node *node = NULL;
	size_t n = 0;

	while ((node = map_walk(&ds->names, node)) != NULL)
		n += wish_find(&map_of(node, struct domain, by_name)->state, account) != NULL;
	return n;
}

/* A wish that is not there yet; NULL: it was refused. */
static struct wish *
add_wish(struct domains *ds, struct domain_ask *a, const char *name, struct domain **d)
{
	int64_t now = clock_wall_ms(), wait_ms = 0;
	struct wish *w = NULL;
	char why[160];

	if (count_wishes(ds, a->account) >= LIMIT_DOMAINS_PER_ACCOUNT) {
		snprintf(why, sizeof(why),
		    "the account has %d own domains, and no more are kept: adit domain remove "
		    "gives one up",
		    LIMIT_DOMAINS_PER_ACCOUNT);
		ask_refuse(a, "limit", why);
		return NULL;
	}
	if (!quota_take(&ds->quota, a->account, now, &wait_ms)) {
		snprintf(why, sizeof(why),
		    "too many new own domains in an hour: ask again in %lld minutes",
		    (long long)(wait_ms / 60000 + 1));
		ask_refuse(a, "limit", why);
		return NULL;
	}
	if (*d == NULL && ds->names.n < LIMIT_DOMAINS)
		*d = domains_add(ds, slice_str(name));
	if (*d != NULL)
		w = wish_add(&(*d)->state, a->account, now);
	if (w == NULL)
		ask_refuse(a, "limit",
		    *d == NULL ? "the edge has no room for more own domains"
			       : "too many accounts ask for this domain");
	return w;
}

static void
add(struct domains *ds, struct domain_ask *a)
{
	char name[URL_HOST_BYTES], why[400], key[DIRECTORY_KEY_BYTES];
	struct domain *d;
	struct wish *w;
	bool fresh;
	int64_t now_us = loop_now_us(ds->edge->main_loop);

	if (!domain_name(slice_str(member(a, "name")), ds->edge->domain, name, why, sizeof(why))) {
		ask_refuse(a, "bad-domain", why);
		return;
	}
	if (!find_tunnel(ds, a, key))
		return;
	d = domains_find(ds, slice_str(name));
	w = d == NULL ? NULL : wish_find(&d->state, a->account);
	fresh = w == NULL;
	if (fresh && (w = add_wish(ds, a, name, &d)) == NULL)
		return;
	snprintf(w->tunnel, sizeof(w->tunnel), "%s", key);
	list_push(&d->checkers, &a->node);
	if (!fresh && d->check == NULL && d->checked_us != 0 &&
	    now_us - d->checked_us < (w->state == WISH_PROVEN ? AGAIN_PROVEN_US : AGAIN_US)) {
		domains_changed(d);
		ask_checked(d);
		return;
	}
	wish_again(&d->state, w, clock_wall_ms());
	domains_changed(d);
	domains_check_now(d);
}

void
ask_checked(struct domain *d)
{
	struct list *node;

	while ((node = list_pop(&d->checkers)) != NULL) {
		struct domain_ask *a = list_of(node, struct domain_ask, node);
		struct wish *w = wish_find(&d->state, a->account);

		if (w == NULL)
			ask_refuse(a, "unknown-domain", "the domain was removed meanwhile");
		else
			ask_answer(a, json_pack("{s:b, s:o}", "ok", 1, "domain",
					  domain_json_row(d->domains, d, w)));
	}
}

/* --- list --- */

/* The first names behind `after`, in their order: the table has none. */
struct domain_page {
	size_t n;
	bool more;
	struct domain *rows[LIST_PAGE];
};

static void
take_row(struct domain_page *p, struct domain *d)
{
	size_t at = p->n;

	while (at > 0 && strcmp(p->rows[at - 1]->state.name, d->state.name) > 0)
		at--;
	p->more = p->more || p->n == LIST_PAGE;
	if (at == LIST_PAGE)
		return;
	if (p->n < LIST_PAGE)
		p->n++;
	memmove(p->rows + at + 1, p->rows + at, (p->n - at - 1) * sizeof(*p->rows));
	p->rows[at] = d;
}

static void
list(struct domains *ds, struct domain_ask *a)
{
	/* The control socket pages by the member that its rows have. */
	const char *after = member(a, a->account[0] == '\0' ? "name" : "after");
	struct map_node *node = NULL;
	struct domain_page p = { 0 };
	json_t *rows = json_array();

	while ((node = map_walk(&ds->names, node)) != NULL) {
		struct domain *d = map_of(node, struct domain, by_name);

		if (strcmp(d->state.name, after) > 0 && d->state.n > 0 &&
		    (a->account[0] == '\0' || wish_find(&d->state, a->account) != NULL))
			take_row(&p, d);
	}
	for (size_t i = 0; i < p.n; i++)
		for (size_t j = 0; j < p.rows[i]->state.n; j++) {
			const struct wish *w = &p.rows[i]->state.wishes[j];

			if (a->account[0] == '\0' || strcmp(w->account, a->account) == 0)
				json_array_append_new(rows, domain_json_row(ds, p.rows[i], w));
		}
	ask_answer(a, json_pack("{s:b, s:o, s:b}", "ok", 1, "rows", rows, "more", p.more));
}

/* --- remove --- */

static void
remove_wishes(struct domain *d, const char *account)
{
	for (size_t i = d->state.n; i-- > 0;) {
		struct wish *w = &d->state.wishes[i];

		if (account[0] != '\0' && strcmp(w->account, account) != 0)
			continue;
		log_event(LOG_INFO, "domain-removed", LOG_Z("domain", d->state.name),
		    LOG_Z("account", w->account));
		wish_remove(&d->state, w, clock_wall_ms());
	}
}

/* The operator gives up every wish for it. */
static void
remove_domain(struct domains *ds, struct domain_ask *a)
{
	const char *typed = member(a, "name");
	char name[URL_HOST_BYTES];
	uint16_t port;
	struct domain *d = NULL;

	if (url_authority(slice_str(typed), name, sizeof(name), &port))
		d = domains_find(ds, slice_str(name));
	if (d == NULL || d->state.n == 0 ||
	    (a->account[0] != '\0' && wish_find(&d->state, a->account) == NULL)) {
		ask_refuse(a, "unknown-domain",
		    a->account[0] != '\0' ? "the account has no own domain of this name: adit "
					    "domain list prints those that it has"
					  : "no account has an own domain of this name");
		return;
	}
	remove_wishes(d, a->account);
	list_push(&d->savers, &a->node);
	domains_changed(d);
}

void
ask_saved(struct domain *d, enum store_result result)
{
	struct list *node;

	while ((node = list_pop(&d->savers)) != NULL) {
		struct domain_ask *a = list_of(node, struct domain_ask, node);

		if (result == STORE_OK)
			ask_answer(a, json_pack("{s:b}", "ok", 1));
		else
			ask_refuse(a, "store", store_result_text(result));
	}
}

/* --- which of them --- */

static const struct {
	const char *op;
	void (*fn)(struct domains *ds, struct domain_ask *a);
	bool operator; /* the operator may, too */
} rows[] = {
	{ "add", add, false },
	{ "list", list, true },
	{ "remove", remove_domain, true },
};

void
ask_handle(struct domains *ds, struct domain_ask *a)
{
	check(a->magic == ASK_MAGIC && list_empty(&a->node));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(a->op, rows[i].op) != 0 || (a->account[0] == '\0' && !rows[i].operator))
			continue;
		rows[i].fn(ds, a);
		return;
	}
	ask_refuse(a, "unknown-op", "there is no such request about own domains");
}
