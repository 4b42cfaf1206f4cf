/* SPDX-License-Identifier: Apache-2.0 */
/* Carries a request of the dyndns2 protocol out. */
#include "edge/ddns/ddns_update.h"

#include "base/limits.h"
#include "base/log.h"

#include <stdio.h>

static void
finish(struct ddns_update *u, enum dyndns_code code)
{
	store_req_fini(&u->login);
	u->code = code;
	u->done(u);
}

static void next_name(struct ddns_update *u);

static void
on_set(struct ddns_set *s)
{
	struct ddns_update *u = list_of(s, struct ddns_update, set);

	check(u->n < u->wanted.n_hosts);
	u->codes[u->n++] = s->code;
	next_name(u);
}

/* From the first one whose line is still missing; those that nobody has to be asked for at once. */
static void
next_name(struct ddns_update *u)
{
	char label[DIRECTORY_KEY_BYTES];

	check(u->wanted.n_hosts <= DYNDNS_HOSTS);
	while (u->n < u->wanted.n_hosts) {
		enum dyndns_code code = ddns_judge(u->edge, u->wanted.hosts[u->n], u->login.account,
		    u->login.grant.scope, label);

		if (code == DYNDNS_GOOD && !u->has_address)
			code = DYNDNS_DNSERR;
		if (code == DYNDNS_GOOD) {
			/* An agent that has left says nothing of it any more. */
			(void)ddns_speak(u->edge->ddns, label);
			u->set = (struct ddns_set){ 0 };
			ddns_set_start(&u->set, u->edge, u->home, label, u->login.account,
			    &u->wanted.v4, &u->wanted.v6, on_set);
			return;
		}
		u->codes[u->n++] = code;
	}
	finish(u, DYNDNS_GOOD);
}

/* Guesses get slow, as those of agents do (S-04). */
static void
refuse(struct ddns_update *u)
{
	if (u->has_source)
		guard_failed(u->edge->guard, &u->source, loop_now_us(u->home->loop));
	log_event(LOG_WARN, "ddns", LOG_Z("account", u->user), LOG_Z("code", "badauth"));
	finish(u, DYNDNS_BADAUTH);
}

static void
on_login(struct errand *e)
{
	struct ddns_update *u = list_of(e, struct ddns_update, errand);

	switch (u->login.result) {
	case STORE_OK:
		break;
	case STORE_FULL:
	case STORE_DAMAGED:
	case STORE_BROKEN:
	case STORE_UNSURE:
		finish(u, DYNDNS_LATER);
		return;
	default:
		refuse(u);
		return;
	}
	/* An agent's token opens tunnels: it has no business in a router. */
	if (u->login.grant.scope[0] == '\0' || strcmp(u->login.account, u->user) != 0)
		refuse(u);
	else if (u->wanted.n_hosts == 0)
		finish(u, DYNDNS_NOTFQDN);
	else if (u->wanted.n_hosts > DYNDNS_HOSTS)
		finish(u, DYNDNS_NUMHOST);
	else
		next_name(u);
}

/* The answer comes later all the same, and by one way. */
static void
on_known(struct errand *e)
{
	struct ddns_update *u = list_of(e, struct ddns_update, errand);

	if (u->code == DYNDNS_BADAUTH)
		refuse(u);
	else
		finish(u, u->code);
}

static void
end_soon(struct ddns_update *u, enum dyndns_code code)
{
	u->code = code;
	errand_begin(&u->errand, u->home, on_known);
	errand_end(&u->errand);
}

void
ddns_update_start(struct ddns_update *u, struct edge *e, struct errands *home,
    struct slice password)
{
	u->edge = e;
	u->home = home;
	check(u->done != NULL && u->n == 0);
	u->login.op = STORE_LOGIN;
	if (u->has_source && guard_wait_ms(e->guard, &u->source, loop_now_us(home->loop)) > 0) {
		end_soon(u, DYNDNS_LATER);
		return;
	}
	/* By its form alone: the store is not troubled with what cannot be one. */
	if (!store_token_ok(password) ||
	    !slice_z(password, u->login.grant.token, sizeof(u->login.grant.token))) {
		end_soon(u, DYNDNS_BADAUTH);
		return;
	}
	errand_store(&u->errand, home, e->store, &u->login, NULL, on_login);
}
