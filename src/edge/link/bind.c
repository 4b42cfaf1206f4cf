/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels of a link come and go: into the worker's map and the directory, and out of them. */
#include "edge/link/bind.h"

#include "base/log.h"
#include "edge/core/activity.h"
#include "edge/core/incident.h"
#include "edge/core/own_domain.h"
#include "edge/core/stopped.h"
#include "edge/inbox/courier.h"
#include "edge/link/login.h"
#include "edge/tcp/tcp_port.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * First nobody finds it any more, then what it had open is closed. The directory changes
 * nothing where a newer link has the route already.
 */
void
bind_retire(struct session *s, struct tunnel *t)
{
	struct worker *w = s->worker;

	if (!t->up)
		return;
	check(t->session == s && s->n_up > 0);
	t->up = false;
	s->n_up--;
	map_del(&w->tunnels, &t->by_key);
	tcp_port_close(t);
	if (t->courier != NULL)
		courier_close(t->courier);
	t->courier = NULL;
	if (t->activity != NULL)
		activity_drop(t->activity, t);
	t->activity = NULL;
	policy_unref(t->policy);
	t->policy = NULL;
	directory_unbind(w->edge->directory, t->route, s->self.generation);
}

void
bind_stopped(struct session *s, const struct tunnel *t, struct slice why)
{
	stopped_tell(s->worker->edge, t->route, s->self.generation, true);
	incident_put(s->worker->edge->incidents, t->route->key, INCIDENT_DOWN, s->peer, S(""), why);
}

/* A number that is not served has been taken over meanwhile, or was never there. */
void
bind_give_up(struct session *s, int64_t id)
{
	for (size_t i = 0; i < s->n_tunnels; i++) {
		struct tunnel *t = session_tunnel(s, i);

		if (t->id != id || !t->up)
			continue;
		log_event(LOG_INFO, "tunnel-unbound", LOG_Z("tunnel", t->route->key),
		    LOG_Z("account", s->account), LOG_U("generation", s->self.generation));
		bind_stopped(s, t, S("the agent has ended the tunnel"));
		bind_retire(s, t);
	}
}

/* Without memory the agent is not told: it gets no streams any more, and that is all. */
static void
say_replaced(struct session *s, struct tunnel *t, const char *text)
{
	struct hello *h = calloc(1, sizeof(*h));
	struct buf out;

	if (h == NULL)
		return;
	h->type = HELLO_REPLACED;
	h->id = t->id;
	snprintf(h->text, sizeof(h->text), "%s", text);
	buf_init(&out, LIMIT_CONTROL_BYTES);
	hello_encode(h, &out);
	if (!out.failed)
		carrier_control(&s->carrier, buf_slice(&out));
	buf_fini(&out);
	free(h);
}

void
bind_drop(struct session *s, struct tunnel *t, const char *text)
{
	if (!t->up)
		return;
	log_event(LOG_INFO, "tunnel-replaced", LOG_Z("tunnel", t->route->key),
	    LOG_Z("account", s->account), LOG_U("generation", s->self.generation),
	    LOG_Z("why", text));
	incident_put(s->worker->edge->incidents, t->route->key, INCIDENT_TAKEOVER, s->peer, S(""),
	    slice_str(text));
	bind_retire(s, t);
	say_replaced(s, t, text);
	if (s->n_up == 0)
		session_leave(s, LINK_CODE_REPLACED, "no tunnel is left to this link");
}

/* By mail, so the route may have changed hands again by now: it is looked at anew. */
void
bind_fence(struct worker *w, struct slice key)
{
	struct tunnel *t = tunnel_entered(w, key);
	char who[200];
	unsigned at;

	if (t == NULL || tunnel_serves(t))
		return;
	if (directory_find(w->edge->directory, key, &at) == DIRECTORY_DISABLED)
		snprintf(who, sizeof(who), "%s", LOGIN_DISABLED_TEXT);
	else if (directory_owns(w->edge->directory, key, slice_str(t->account)))
		directory_who(w->edge->directory, key, who, sizeof(who));
	else
		snprintf(who, sizeof(who), "the %s was released",
		    t->port != NULL ? "port" : "name");
	bind_drop(t->session, t, who);
}

/* The words go into the WELCOME, where the agent finds them beside its tunnel. */
static void
refuse_bind(struct hello_tunnel *h, const char *code, const char *text)
{
	snprintf(h->error, sizeof(h->error), "%s", code);
	snprintf(h->text, sizeof(h->text), "%s", text);
}

/* The link that served the route until now is fenced already; this tells it so. */
static void
tell_old(struct worker *w, const char *key, unsigned old_worker)
{
	if (old_worker != w->index)
		worker_fence(edge_worker(w->edge, old_worker), key);
	else
		bind_fence(w, slice_str(key));
}

static bool
claim_route(struct session *s, struct tunnel *t, struct hello_tunnel *h, const char *key)
{
	struct worker *w = s->worker;
	unsigned old_worker = 0;
	char who[sizeof(h->text)];
	bool old = false;

	check(!t->up && t->session == s);
	switch (directory_bind(w->edge->directory, slice_str(key), slice_str(s->account), &s->self,
	    t->kind == TUNNEL_TLS, &t->route, &old, &old_worker)) {
	case DIRECTORY_BOUND:
		break;
	case DIRECTORY_STALE:
		directory_who(w->edge->directory, slice_str(key), who, sizeof(who));
		refuse_bind(h, "replaced", who);
		return false;
	case DIRECTORY_TAKEN:
		refuse_bind(h, "name-taken", "this name or port belongs to another account");
		return false;
	case DIRECTORY_GONE:
		login_refuse_released(h);
		return false;
	case DIRECTORY_OFF:
		refuse_bind(h, "name-disabled", LOGIN_DISABLED_TEXT);
		return false;
	case DIRECTORY_NOMEM:
		refuse_bind(h, "memory", "the edge is out of memory");
		return false;
	}
	/*
	 * The newer link is in the directory by now: from here on the older one gets
	 * no new streams.
	 */
	if (old)
		tell_old(w, key, old_worker);
	if (map_put(&w->tunnels, &t->by_key, map_hash(slice_str(key))) != 0) {
		directory_unbind(w->edge->directory, t->route, s->self.generation);
		refuse_bind(h, "memory", "the edge is out of memory");
		return false;
	}
	stopped_tell(w->edge, t->route, s->self.generation, false);
	t->up = true;
	s->n_up++;
	return true;
}

/* A place for one tunnel more. NULL: there is none; the words are in h. */
static struct tunnel *
take_place(struct session *s, struct hello_tunnel *h)
{
	size_t at = 0;

	while (at < s->n_tunnels && (session_tunnel(s, at)->up || session_tunnel(s, at)->probing))
		at++;
	if (at >= s->n_first && s->later == NULL)
		s->later = calloc(LIMIT_TUNNELS_PER_LINK, sizeof(*s->later));
	if (at >= s->n_first && s->later == NULL)
		refuse_bind(h, "memory", "the edge is out of memory");
	else if (s->n_up >= LIMIT_TUNNELS_PER_LINK || at == s->n_first + LIMIT_TUNNELS_PER_LINK)
		refuse_bind(h, "limit", "the link has as many tunnels as it may");
	else if (at == s->n_tunnels)
		s->n_tunnels++;
	return h->error[0] == '\0' ? session_tunnel(s, at) : NULL;
}

void
bind_tunnel(struct session *s, struct hello_tunnel *h, struct policy *policy, int fd)
{
	struct edge *e = s->worker->edge;
	struct tunnel *t = take_place(s, h);
	char key[DIRECTORY_KEY_BYTES];

	check(s->state == SESSION_UP);
	check((fd >= 0) == (h->kind == TUNNEL_TCP)); /* claim.c opens ports alone */
	if (t == NULL) {
		if (fd >= 0)
			loop_close(fd);
		return;
	}
	if (h->kind == TUNNEL_TCP)
		snprintf(key, sizeof(key), "tcp:%u", h->port);
	else
		snprintf(key, sizeof(key), "%.63s", h->name);
	*t = (struct tunnel){
		.worker = s->worker,
		.carrier = &s->carrier,
		.session = s,
		.account = s->account,
		.generation = s->self.generation,
		.id = h->id,
		.kind = h->kind,
		.origin_silent_ms = h->origin_silent_ms,
	};
	t->policy = policy_ref(policy);
	/* By the key: names that differ in their case are one. */
	for (size_t i = 0; i < s->n_tunnels; i++)
		if (session_tunnel(s, i)->up && strcmp(session_tunnel(s, i)->route->key, key) == 0)
			refuse_bind(h, "name-twice", "the agent asks for this name or port twice");
	if (h->kind == TUNNEL_HTTP && edge_is_address(s->worker->edge) &&
	    !own_domain_claim_default(s->worker->edge, key))
		refuse_bind(h, "no-domain",
		    "this edge has no domain, so there is one tunnel on it, and another has its "
		    "place; its operator names it (default_tunnel: in aditd.yml), or gives the "
		    "edge "
		    "a domain");
	if (h->error[0] != '\0' || !claim_route(s, t, h, key)) {
		policy_unref(t->policy);
		if (fd >= 0)
			loop_close(fd);
		return;
	}
	check(s->n_up <= s->n_tunnels);
	if (h->kind == TUNNEL_TCP && tcp_port_open(t, fd) != 0) {
		bind_retire(s, t);
		refuse_bind(h, "memory", "the edge is out of memory");
		return;
	}
	/* One that passes TLS through has none: that of an HTTP tunnel before it ends here. */
	if (h->kind != TUNNEL_TCP)
		directory_set_policy(e->directory, slice_str(key), t->policy);
	if (h->kind == TUNNEL_HTTP && s->activity != NULL)
		activity_add(s->activity, t);
	/* Also where nothing is stored now: something may have been, or is replayed to it. */
	if (h->kind == TUNNEL_HTTP)
		t->courier = courier_new(t, t->policy);
	if (h->kind == TUNNEL_TCP)
		snprintf(h->url, sizeof(h->url), "tcp://%.250s:%u", e->domain, h->port);
	else
		edge_url(e, h->name, h->url, sizeof(h->url));
	log_event(LOG_INFO, "tunnel-up", LOG_Z("tunnel", key), LOG_Z("account", s->account),
	    LOG_U("generation", s->self.generation), LOG_Z("peer", s->peer));
	edge_tell_up(e, key);
}
