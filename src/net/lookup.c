/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel is made anew when it is idle and some seconds old: c-ares reads
 * resolv.conf only once, and a laptop changes its network.
 */
#include "net/lookup.h"

#include "base/limits.h"
#include "net/ares_loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/* ASK_MS is the wait for one answer of one server; c-ares waits longer with each of the tries. */
#define CHANNEL_LIFE_US (5 * INT64_C(1000000))
#define ASK_MS 2000
#define ASK_TRIES 3

struct lookups {
	struct loop *loop;
	struct ares_loop ares;
	int64_t made_us;
	const char *servers; /* NULL: the system's */
	struct list running; /* of struct lookup_private */
	size_t n_running;
};

struct lookup_private {
	struct lookups *ls;
	struct lookup *q; /* NULL: cancelled */
	struct list node;
};

static bool
channel_up(struct lookups *ls)
{
	struct ares_options options = { .timeout = ASK_MS, .tries = ASK_TRIES };

	/* A channel with questions under way is kept, however old: they would end with it. */
	if (ls->ares.up &&
	    (ls->n_running > 0 || loop_now_us(ls->loop) - ls->made_us < CHANNEL_LIFE_US))
		return true;
	ares_loop_close(&ls->ares);
	ls->made_us = loop_now_us(ls->loop);
	return ares_loop_open(&ls->ares, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES,
	    ls->servers);
}

void
lookups_servers(struct lookups *ls, const char *csv)
{
	ls->servers = csv;
}

/* --- questions --- */

/*
 * What people have to know: there is no such name, nobody answers, or the server says that it
 * cannot. The numbers are those that connecting gives, too.
 */
static int
code_of(int status, const char **ret_why)
{
	switch (status) {
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		*ret_why = "there is no host of that name";
		return ENOENT;
	case ARES_EBADNAME:
		*ret_why = "this is not a legal host name";
		return ENOENT;
	case ARES_ETIMEOUT:
		*ret_why = "the name servers do not answer";
		return ETIMEDOUT;
	case ARES_ECONNREFUSED:
		*ret_why = "no name server can be reached";
		return ETIMEDOUT;
	case ARES_ENOMEM:
		*ret_why = "out of memory";
		return ENOMEM;
	default:
		*ret_why = "the name server has failed";
		return EAGAIN;
	}
}

/* Of a host with very many addresses the first are tried; the rest would outlive any patience. */
static size_t
collect(const struct ares_addrinfo *ai, struct sockaddr_storage *addrs)
{
	size_t n = 0;

	for (const struct ares_addrinfo_node *a = ai->nodes; a != NULL && n < LIMIT_DIAL_ADDRESSES;
	     a = a->ai_next) {
		if (a->ai_addrlen > sizeof(*addrs))
			continue;
		memset(&addrs[n], 0, sizeof(*addrs));
		memcpy(&addrs[n++], a->ai_addr, a->ai_addrlen);
	}
	return n;
}

/*
 * Also called for what lookups_free() and channel_up() end, and for what was cancelled (q
 * NULL). The private part is freed before the owner is called: he may ask anew at once.
 */
static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct lookup_private *p = arg;
	struct lookup *q = p->q;
	struct sockaddr_storage addrs[LIMIT_DIAL_ADDRESSES];
	const char *why = "";
	size_t n = 0;
	int code = 0;

	(void)timeouts;
	list_del(&p->node);
	check(p->ls->n_running > 0);
	p->ls->n_running--;
	free(p);
	if (status == ARES_SUCCESS && ai != NULL)
		n = collect(ai, addrs);
	if (n == 0)
		code = code_of(status == ARES_SUCCESS ? ARES_ENODATA : status, &why);
	if (ai != NULL)
		ares_freeaddrinfo(ai);
	check((n > 0) == (code == 0)); /* addresses, or why there are none */
	if (q == NULL)
		return;
	q->private = NULL;
	q->done(q, addrs, n, code, why);
}

/*
 * done() may be called before this returns: c-ares answers from /etc/hosts, and we
 * refuse, at once.
 */
void
lookup_start(struct lookups *ls, struct lookup *q, const char *host, int family)
{
	struct ares_addrinfo_hints hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
	struct lookup_private *p = NULL;

	check(q->private == NULL);
	if (ls->n_running >= LIMIT_LOOKUPS) {
		q->done(q, NULL, 0, EAGAIN, "too many names are being looked up");
		return;
	}
	if (channel_up(ls))
		p = calloc(1, sizeof(*p));
	if (p == NULL) {
		q->done(q, NULL, 0, ENOMEM,
		    "names cannot be looked up: out of memory or descriptors");
		return;
	}
	*p = (struct lookup_private){ .ls = ls, .q = q };
	list_push(&ls->running, &p->node);
	ls->n_running++;
	q->private = p;
	ares_getaddrinfo(ls->ares.channel, host, NULL, &hints, on_answer, p);
	ares_loop_tick(&ls->ares);
}

/* The question itself runs on to its end, which is near. */
void
lookup_cancel(struct lookup *q)
{
	if (q->private != NULL)
		q->private->q = NULL;
	q->private = NULL;
}

struct lookups *
lookups_new(struct loop *l)
{
	struct lookups *ls = calloc(1, sizeof(*ls));

	if (ls == NULL)
		return NULL;
	ls->loop = l;
	ares_loop_init(&ls->ares, l);
	list_init(&ls->running);
	return ls;
}

void
lookups_free(struct lookups *ls)
{
	if (ls == NULL)
		return;
	LIST_EACH(node, &ls->running) {
		struct lookup *q = list_of(node, struct lookup_private, node)->q;

		if (q != NULL)
			lookup_cancel(q);
	}
	ares_loop_close(&ls->ares);
	check(list_empty(&ls->running));
	check(ls->n_running == 0);
	free(ls);
}
