/* SPDX-License-Identifier: Apache-2.0 */
/* Says which records the provider of the domain needs, and waits until DNS has them. */
#include "edge/setup/setup_private.h"

#include "base/tell.h"
#include "edge/dns/dns_plan.h"
#include "net/dns_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stands for every name below the domain when a wildcard is looked for. */
#define ANY_NAME "adit-setup"

/* True: `value` is among the addresses of the answer. */
static bool
has_address(const struct dns_query_answer *a, const char *value)
{
	char text[64];

	for (size_t i = 0; i < a->n; i++) {
		dns_query_text(&a->addrs[i], text, sizeof(text));
		if (strcmp(text, value) == 0)
			return true;
	}
	return false;
}

/* NULL, or why the name has not this address. */
static const char *
look_for_address(const struct setup *s, const char *name, const char *value, char why[200])
{
	struct dns_query_answer a;
	char host[300], other[64];

	snprintf(host, sizeof(host), "%s%s", name[0] == '*' ? ANY_NAME : "",
	    name + (name[0] == '*' ? 1 : 0));
	dns_query(host, s->o->resolver, LIMIT_SETUP_ASK_MS, &a);
	if (has_address(&a, value))
		return NULL;
	if (a.n == 0) {
		snprintf(why, 200, "%s", a.why);
		return why;
	}
	dns_query_text(&a.addrs[0], other, sizeof(other));
	snprintf(why, 200, "it leads to %s", other);
	return why;
}

/*
 * A delegation, while the edge that it leads to is not running: who asks gets no answer then.
 * Without one, the provider's servers say that there is no such name, or give the wildcard's address.
 */
static const char *
look_for_delegation(const struct setup *s, const char *name)
{
	struct dns_query_answer a;

	dns_query(name, s->o->resolver, LIMIT_SETUP_ASK_MS, &a);
	return a.result == DNS_QUERY_FAILED || a.result == DNS_QUERY_LATE ? NULL
									  : "it is not delegated";
}

/* How many records are missing; their lines are added to `b`. */
static size_t
look(const struct setup *s, const struct dns_plan *p, bool runs, struct buf *b)
{
	size_t missing = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct dns_plan_record *r = &p->records[i];
		const char *why = NULL;
		char room[200];

		if (strcmp(r->type, "A") == 0 || strcmp(r->type, "AAAA") == 0)
			why = look_for_address(s, r->name, r->value, room);
		else if (strcmp(r->type, "NS") == 0 && !runs)
			why = look_for_delegation(s, r->name);
		if (why == NULL)
			continue;
		missing++;
		buf_printf(b, "  %s %s %s: %s\n", r->name, r->type, r->value, why);
	}
	return missing;
}

static bool
wait_for(struct setup *s, const struct dns_plan *p)
{
	struct buf now, before;
	bool runs = setup_edge_runs(s), done = false, told;

	buf_init(&now, 64 * 1024);
	buf_init(&before, 64 * 1024);
	do {
		buf_reset(&now);
		done = look(s, p, runs, &now) == 0;
		told = slice_eq(buf_slice(&now), buf_slice(&before));
		if (!done && !told)
			setup_say(s,
			    "Not in DNS yet, or not everywhere (Ctrl-C ends the wait; aditd "
			    "setup goes on later):\n%.*s",
			    PS(buf_slice(&now)));
		buf_reset(&before);
		buf_put(&before, buf_slice(&now));
	} while (!done && setup_pause(s, LIMIT_SETUP_DNS_MS));
	if (!done)
		tell_error("no-dns",
		    "records are missing in DNS: %.*s; add them at the provider of the domain, and "
		    "type aditd setup again. --no-dns-check goes on without them",
		    PS(slice_trim(buf_slice(&before))));
	buf_fini(&now);
	buf_fini(&before);
	return done;
}

/* What the plan says to do next, setup does. */
static void
print_plan(const struct setup *s, const struct dns_plan *p)
{
	struct buf b;
	const char *text, *end;

	buf_init(&b, 256 * 1024);
	dns_plan_text(p, NULL, &b);
	text = buf_z(&b);
	end = text == NULL ? NULL : strstr(text, "\nThen:\n");
	if (end != NULL)
		setup_say(s, "\n%.*s\n", (int)(end - text), text);
	buf_fini(&b);
}

bool
setup_dns(struct setup *s)
{
	struct dns_plan *p;
	char *error = NULL;
	bool good;

	if (s->settings->domain[0] == '\0')
		return true;
	if (s->settings->dns.n_listen == 0) {
		setup_say(s,
		    "\nThe domain %s and its wildcard *.%s need records (A, and AAAA where there "
		    "is "
		    "IPv6) with the address of this server.\n",
		    s->settings->domain, s->settings->domain);
		return true;
	}
	p = dns_plan_new(s->settings, "", &error);
	if (p == NULL) {
		tell_error("failed", "%s", error);
		free(error);
		return false;
	}
	print_plan(s, p);
	good = s->o->no_dns_check || wait_for(s, p);
	dns_plan_free(p);
	return good;
}
