/* SPDX-License-Identifier: Apache-2.0 */
/* Judges names of dynamic DNS, counts their changes, and carries them to the name server. */
#include "edge/ddns/ddns.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "edge/core/keyring.h"
#include "hook/rates.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define RATE (LIMIT_DDNS_CHANGES / 3600.0)

/* Names with two ways are few, and each of them is some account's. */
struct speaker {
	struct map_node node;
	char label[DIRECTORY_KEY_BYTES];
	uint64_t turn;
};

struct ddns {
	pthread_mutex_t lock;
	struct rates changes; /* by name */
	struct map speakers;
	uint64_t turn;
};

struct ddns *
ddns_new(void)
{
	struct ddns *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	pthread_mutex_init(&d->lock, NULL);
	map_init(&d->speakers);
	return d;
}

void
ddns_free(struct ddns *d)
{
	struct map_node *n;

	if (d == NULL)
		return;
	while ((n = map_take_any(&d->speakers)) != NULL)
		free(map_of(n, struct speaker, node));
	map_fini(&d->speakers);
	rates_fini(&d->changes);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* --- whose it is --- */

enum dyndns_code
ddns_judge(const struct edge *e, const char *host, const char *account, const char *scope,
    char label[DIRECTORY_KEY_BYTES])
{
	struct slice whole = slice_str(host), name;
	unsigned at = 0;

	if (whole.n > 0 && whole.p[whole.n - 1] == '.')
		whole.n--;
	if (slice_find(whole, '.') == SIZE_MAX || slice_find(whole, '?') != SIZE_MAX ||
	    whole.p[0] == '.')
		return DYNDNS_NOTFQDN;
	name = edge_name_of(e, whole);
	if (name.n == 0 || !slice_z(name, label, DIRECTORY_KEY_BYTES))
		return DYNDNS_NOHOST;
	switch (directory_find(e->directory, name, &at)) {
	case DIRECTORY_UNKNOWN:
	case DIRECTORY_RELEASED:
		return DYNDNS_NOHOST;
	case DIRECTORY_DISABLED: /* its tunnel is: an address of its own is none */
	case DIRECTORY_AWAY:
	case DIRECTORY_UP:
		break;
	}
	if (!directory_owns(e->directory, name, slice_str(account)) ||
	    (scope[0] != '\0' && !keyring_allows(scope, name)))
		return DYNDNS_NOT_YOURS;
	return DYNDNS_GOOD;
}

/* --- how often --- */

/* Without memory nobody is counted. */
static bool
count(struct ddns *d, const char *label)
{
	unsigned char key[RATES_KEY_BYTES] = { 0 };
	uint64_t hash = map_hash(slice_str(label));
	struct rates_bucket *b;
	int64_t wait_us;
	bool good;

	memcpy(key, &hash, sizeof(hash));
	pthread_mutex_lock(&d->lock);
	b = rates_of(&d->changes, key);
	good = b == NULL || rates_take(b, RATE, LIMIT_DDNS_CHANGES, clock_mono_us(), &wait_us);
	pthread_mutex_unlock(&d->lock);
	return good;
}

static void
uncount(struct ddns *d, const char *label)
{
	unsigned char key[RATES_KEY_BYTES] = { 0 };
	uint64_t hash = map_hash(slice_str(label));
	struct rates_bucket *b;

	memcpy(key, &hash, sizeof(hash));
	pthread_mutex_lock(&d->lock);
	b = rates_of(&d->changes, key);
	if (b != NULL)
		rates_give(b, RATE);
	pthread_mutex_unlock(&d->lock);
}

/* --- who says where it is --- */

/* Under the lock. */
static struct speaker *
speaker_of(const struct ddns *d, const char *label)
{
	struct map_node *n = map_first(&d->speakers, map_hash(slice_str(label)));

	while (n != NULL && strcmp(map_of(n, struct speaker, node)->label, label) != 0)
		n = map_next_same(n);
	return n == NULL ? NULL : map_of(n, struct speaker, node);
}

uint64_t
ddns_speak(struct ddns *d, const char *label)
{
	struct speaker *s;
	uint64_t turn = 0;

	pthread_mutex_lock(&d->lock);
	s = speaker_of(d, label);
	if (s == NULL && (s = calloc(1, sizeof(*s))) != NULL) {
		snprintf(s->label, sizeof(s->label), "%s", label);
		if (map_put(&d->speakers, &s->node, map_hash(slice_str(label))) != 0) {
			free(s);
			s = NULL;
		}
	}
	if (s != NULL)
		turn = s->turn = ++d->turn;
	pthread_mutex_unlock(&d->lock);
	return turn;
}

bool
ddns_speaks(struct ddns *d, const char *label, uint64_t turn)
{
	const struct speaker *s;
	bool good;

	pthread_mutex_lock(&d->lock);
	s = speaker_of(d, label);
	good = s != NULL && s->turn == turn;
	pthread_mutex_unlock(&d->lock);
	return good;
}

/* --- the change --- */

static struct records_address
address_of(const struct dyndns_family *f)
{
	struct records_address a = { RECORDS_LEAVE, { 0 } };

	check(f->wish == DYNDNS_LEAVE || f->wish == DYNDNS_SET || f->wish == DYNDNS_REMOVE);
	if (f->wish != DYNDNS_LEAVE)
		a.wish = f->wish == DYNDNS_SET ? RECORDS_SET : RECORDS_REMOVE;
	memcpy(a.ip, f->bytes, sizeof(a.ip));
	return a;
}

static bool
is_so(const struct records_address *a, bool has, const unsigned char *now, size_t n)
{
	switch (a->wish) {
	case RECORDS_LEAVE:
		return true;
	case RECORDS_REMOVE:
		return !has;
	case RECORDS_SET:
		break;
	}
	return has && memcmp(a->ip, now, n) == 0;
}

static enum dyndns_code
code_of(const struct ddns_set *s)
{
	const struct records_ask *ask = &s->ask;

	switch (ask->result) {
	case RECORDS_DONE:
	case RECORDS_SAME:
		break;
	case RECORDS_OUTSIDE:
	case RECORDS_RESERVED:
	case RECORDS_BAD:
		return DYNDNS_DNSERR;
	case RECORDS_FULL:
	case RECORDS_FAILED:
		return DYNDNS_LATER;
	}
	if (ask->op == RECORDS_ADDRESSES)
		return ask->result == RECORDS_DONE ? DYNDNS_GOOD : DYNDNS_NOCHG;
	/* It was only looked at, for it has changed too often. */
	return is_so(&ask->v4, ask->has_v4, ask->now_v4, 4) &&
		       is_so(&ask->v6, ask->has_v6, ask->now_v6, 16)
		   ? DYNDNS_NOCHG
		   : DYNDNS_ABUSE;
}

static void
on_records(struct errand *e)
{
	struct ddns_set *s = list_of(e, struct ddns_set, ask.errand);

	check(s->done != NULL);
	s->code = code_of(s);
	if (s->counted && s->code != DYNDNS_GOOD)
		uncount(s->edge->ddns, s->ask.name);
	if (s->code == DYNDNS_DNSERR || s->code == DYNDNS_ABUSE || s->code == DYNDNS_LATER)
		log_event(LOG_WARN, "ddns", LOG_Z("name", s->ask.name),
		    LOG_Z("account", s->ask.account), LOG_Z("code", dyndns_word(s->code)),
		    LOG_Z("why", s->code == DYNDNS_ABUSE ? "it has changed too often in this hour"
							 : records_result_text(s->ask.result)));
	else if (s->code == DYNDNS_GOOD)
		log_event(LOG_INFO, "ddns", LOG_Z("name", s->ask.name),
		    LOG_Z("account", s->ask.account), LOG_Z("code", "good"));
	s->done(s);
}

/* There is nobody to ask: the same way, so that done() is never called from here. */
static void
on_nobody(struct errand *e)
{
	struct ddns_set *s = list_of(e, struct ddns_set, ask.errand);

	s->code = DYNDNS_DNSERR;
	s->done(s);
}

void
ddns_set_start(struct ddns_set *s, struct edge *e, struct errands *home, const char *label,
    const char *account, const struct dyndns_family *v4, const struct dyndns_family *v6,
    void (*done)(struct ddns_set *s))
{
	struct records_ask *ask = &s->ask;

	s->edge = e;
	s->home = home;
	s->done = done;
	snprintf(ask->name, sizeof(ask->name), "%s", label);
	snprintf(ask->account, sizeof(ask->account), "%s", account);
	ask->v4 = address_of(v4);
	ask->v6 = address_of(v6);
	if (e->name_server == NULL) {
		errand_begin(&ask->errand, home, on_nobody);
		errand_end(&ask->errand);
		return;
	}
	s->counted = count(e->ddns, label);
	ask->op = s->counted ? RECORDS_ADDRESSES : RECORDS_READ;
	records_ask(e->name_server, ask, home, on_records);
}

/* --- a name that is given up --- */

static void
on_cleared(struct errand *e)
{
	struct records_ask *ask = list_of(e, struct records_ask, errand);

	if (ask->result == RECORDS_FAILED)
		log_event(LOG_ERROR, "ddns", LOG_Z("name", ask->name),
		    LOG_Z("why", "its records could not be deleted"));
	free(ask);
}

void
ddns_forget(struct edge *e, struct errands *home, const char *label)
{
	struct records_ask *ask;

	if (e->name_server == NULL || (ask = calloc(1, sizeof(*ask))) == NULL)
		return;
	ask->op = RECORDS_CLEAR;
	snprintf(ask->name, sizeof(ask->name), "%s", label);
	records_ask(e->name_server, ask, home, on_cleared);
}
