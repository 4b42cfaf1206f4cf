/* SPDX-License-Identifier: Apache-2.0 */
/* The tunnels of an agent: those that it starts with, and those that come and go while it runs. */
#include "agent/link/agent_private.h"

#include "base/text.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The stable key of a tunnel without a name: its key in the file, or a hash of kind, origin and
 * this machine's name. dst: 64 bytes. */
static void
tunnel_key(const struct config_tunnel *t, const char *machine, char *dst)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct buf b;

	if (t->label != NULL) {
		snprintf(dst, 64, "%s", t->label);
		return;
	}
	buf_init(&b, 8192);
	buf_printf(&b, "%d\n%s\n%s", (int)t->kind, t->origin, machine);
	SHA256((const unsigned char *)b.p, b.n, digest);
	text_hex(digest, 16, dst);
	buf_fini(&b);
}

/* The CA is opened for the first of them. NULL, or a malloced sentence. */
static char *
end_tls(struct agent *a, struct agent_tunnel *t)
{
	char *error = NULL;

	if (a->client.certs == NULL)
		a->client.certs = own_certs_new(a->loop, a->screen, a->params->acme, &error);
	if (error == NULL && own_certs_add(a->client.certs, t) != 0)
		error = strdup("out of memory");
	return error;
}

/* Two tunnels of one origin at a time have two names. */
static void
unique_key(const struct agent *a, const struct config_tunnel *from, const char *machine,
    struct agent_tunnel *t)
{
	size_t n = 1, length;

	tunnel_key(from, machine, t->ask.key);
	length = strlen(t->ask.key);
	for (size_t i = 0; i < a->serve.n_tunnels && length < 56; i++) {
		const struct agent_tunnel *other = &a->tunnels[i];

		if (other == t || other->state == TUNNEL_REMOVED ||
		    strcmp(other->ask.key, t->ask.key) != 0)
			continue;
		snprintf(t->ask.key + length, sizeof(t->ask.key) - length, "-%zu", ++n);
		i = (size_t)-1; /* that one may be in use, too: from the first */
	}
}

static bool
is_id_used(const struct agent *a, uint16_t id)
{
	for (size_t i = 0; i < a->serve.n_tunnels; i++)
		if (a->tunnels[i].ask.id == id)
			return true;
	return id == 0;
}

/* What the HELLO says of it, and its origin. t->is_open says whether that is to be closed. */
static char *
open_tunnel(struct agent *a, const struct config_tunnel *from, struct agent_tunnel *t)
{
	char machine[256] = "", *error;

	if (gethostname(machine, sizeof(machine) - 1) != 0)
		machine[0] = '\0';
	*t = (struct agent_tunnel){ .own = t->own };
	error = origin_init(&t->origin, &a->serve.origins, from);
	if (error != NULL)
		return error;
	t->is_open = true;
	/* A number is used again only after all others: what is late means the older one. */
	do
		a->last_id++;
	while (is_id_used(a, a->last_id));
	t->ask.id = a->last_id;
	t->ask.kind = from->tls_at_agent ? TUNNEL_TLS : (enum tunnel_kind)from->kind;
	t->ask.port = (uint16_t)from->port;
	t->domains = from->domains != NULL ? from->domains : "";
	t->ask.origin_silent_ms = (uint32_t)from->origin_silent_s * 1000;
	if (from->name != NULL)
		snprintf(t->ask.name, sizeof(t->ask.name), "%s", from->name);
	else
		unique_key(a, from, machine, t);
	error = policy_text_compose(&from->policy, from->name != NULL ? from->name : t->ask.key,
	    &t->policy);
	if (error == NULL && from->tls_at_agent)
		error = end_tls(a, t);
	if (error != NULL)
		return error;
	snprintf(t->title, sizeof(t->title), "%s", from->label != NULL ? from->label : "");
	snprintf(t->label, sizeof(t->label), "%.63s",
	    from->label != NULL  ? from->label
	    : from->name != NULL ? from->name
				 : t->origin.text);
	if (a->serve.capture != NULL)
		capture_tunnel(a->serve.capture, (size_t)(t - a->tunnels), t->label,
		    from->tls_at_agent ? CAPTURE_ON : (enum capture_level)from->inspect);
	return NULL;
}

static void
close_tunnel(struct agent_tunnel *t)
{
	if (t->is_open)
		origin_fini(&t->origin);
	t->is_open = false;
}

static void
free_tunnel(struct agent_tunnel *t)
{
	policy_made_fini(&t->policy);
	if (t->own != NULL)
		config_tunnel_fini(t->own);
	free(t->own);
	t->own = NULL;
}

char *
agent_tunnels_open(struct agent *a)
{
	const struct agent_params *p = a->params;
	char *error = NULL;

	check(p->n_tunnels <= LIMIT_TUNNELS_PER_LINK); /* as options and adit.yml let through */
	for (size_t i = 0; i < p->n_tunnels && error == NULL; i++) {
		a->serve.n_tunnels++;
		error = open_tunnel(a, &p->tunnels[i], &a->tunnels[i]);
	}
	return error;
}

void
agent_tunnels_close(struct agent *a)
{
	for (size_t i = 0; i < a->serve.n_tunnels; i++)
		close_tunnel(&a->tunnels[i]);
}

void
agent_tunnels_free(struct agent *a)
{
	for (size_t i = 0; i < a->serve.n_tunnels; i++)
		free_tunnel(&a->tunnels[i]);
}

/* --- while the agent runs --- */

/* A place that nothing of a removed tunnel looks at any more, or one more. NULL: there is none. */
static struct agent_tunnel *
take_place(struct agent *a)
{
	struct serve *s = &a->serve;
	size_t n_live = 0, at = s->n_tunnels;

	for (size_t i = 0; i < s->n_tunnels; i++) {
		const struct agent_tunnel *t = &a->tunnels[i];

		n_live += t->state != TUNNEL_REMOVED;
		/* The edge must not have it any more either: its number is how it is told. */
		if (t->state == TUNNEL_REMOVED && t->n_streams == 0 && !t->asked && at > i)
			at = i;
	}
	if (n_live == LIMIT_TUNNELS_PER_LINK || at == LIMIT_AGENT_TUNNELS)
		return NULL;
	if (at == s->n_tunnels)
		s->n_tunnels++;
	close_tunnel(&a->tunnels[at]);
	free_tunnel(&a->tunnels[at]);
	return &a->tunnels[at];
}

char *
agent_tunnel_add(struct client *c, struct config_tunnel *from, const char *title,
    struct agent_tunnel **ret)
{
	struct agent *a = list_of(c, struct agent, client);
	struct config_tunnel *own = malloc(sizeof(*own));
	struct agent_tunnel *t = own == NULL ? NULL : take_place(a);
	char *error;

	if (t == NULL) {
		error = own == NULL ? strdup("out of memory")
				    : strdup("this agent has as many tunnels as it may");
		free(own);
		config_tunnel_fini(from);
		return error;
	}
	*own = *from;
	*from = (struct config_tunnel){ 0 };
	t->own = own;
	error = open_tunnel(a, own, t);
	if (error != NULL) {
		/* Nobody has asked for it; the next one takes the place. */
		t->asked = false;
		t->state = TUNNEL_WANTED;
		serve_tunnel_move(t, TUNNEL_REMOVED);
		return error;
	}
	snprintf(t->title, sizeof(t->title), "%s", title);
	c->stays = true;
	client_added(c);
	*ret = t;
	return NULL;
}

bool
agent_tunnel_remove(struct client *c, struct agent_tunnel *t)
{
	if (t->here != NULL)
		return false;
	check(t->state != TUNNEL_REMOVED);
	c->stays = true;
	client_removed(c, t);
	return true;
}
