/* SPDX-License-Identifier: Apache-2.0 */
/* All links of a worker together: who is let in, and who has to go. */
#include "edge/link/links.h"

#include "edge/link/bind.h"
#include "edge/link/ddns_left.h"
#include "edge/link/session.h"

#include <stdlib.h>

/* Those that made room are freed at the end of the turn. */
#define SLACK 1024

void
links_arrived(struct worker *w, struct arrival *a)
{
	session_start(w, a);
}

void
links_leave(struct worker *w)
{
	LIST_EACH(it, &w->links->list)
		session_leave(list_of(it, struct session, node), LINK_CODE_SHUTDOWN,
		    "the edge is stopping");
}

/* Also of a worker that never got its links: a start that failed. */
void
links_cut(struct worker *w)
{
	struct links *l = w->links;

	while (l != NULL && !list_empty(&l->list))
		session_close(list_of(l->list.next, struct session, node), LINK_CODE_SHUTDOWN,
		    "the edge is stopping");
	ddns_left_cut(w);
}

/*
 * Without the text of the order nobody knows whose token it was: all of them log in again,
 * and whose token is good is back at once.
 */
void
links_revoke(struct worker *w, const char *token_id)
{
	LIST_EACH(it, &w->links->list) {
		struct session *s = list_of(it, struct session, node);

		if (token_id == NULL)
			session_close(s, LINK_CODE_BUSY, "the edge is out of memory");
		else if (strcmp(s->token_id, token_id) == 0)
			session_close(s, LINK_CODE_REVOKED, "the token was revoked");
	}
}

void
links_disconnect(struct worker *w, const char *key)
{
	struct tunnel *t = tunnel_find(w, slice_str(key));

	if (t != NULL)
		session_close(t->session, LINK_CODE_SHUTDOWN, "an operator has ended it");
}

/*
 * Any of them: the caller drops it and asks again, as the map may not change under a walk.
 */
static struct tunnel *
fenced(struct worker *w)
{
	struct map_node *node = NULL;

	while ((node = map_walk(&w->tunnels, node)) != NULL) {
		struct tunnel *t = map_of(node, struct tunnel, by_key);

		if (!tunnel_serves(t))
			return t;
	}
	return NULL;
}

void
links_fence(struct worker *w, const char *key)
{
	struct tunnel *t;

	if (key != NULL)
		bind_fence(w, slice_str(key));
	while (key == NULL && (t = fenced(w)) != NULL)
		bind_drop(t->session, t, "a newer link has the name, or it was released");
}

/* --- who is let in --- */

bool
links_let_in(struct worker *w, struct session *s)
{
	const struct source_key *key = s->has_source ? &s->source : NULL;
	struct lobby *l = &w->links->unknown;
	struct lobby_guest *victim = NULL;
	enum lobby_room room;

	while ((room = lobby_room(l, key, &victim)) == LOBBY_VICTIM)
		session_close(list_of(victim, struct session, unknown), LINK_CODE_BUSY,
		    "too many links have shown no token");
	return room == LOBBY_ROOM && lobby_enter(l, &s->unknown, key);
}

/* An account stands where others have an address. When all links are taken, the oldest of the account
 * with the most makes room for others, but not for that account's own. */
bool
links_know(struct session *s)
{
	struct links *links = s->worker->links;
	struct lobby_guest *victim = NULL;
	uint64_t hash = map_hash(slice_str(s->account));
	struct source_key key = { { 0 } };

	check(lobby_has(&s->unknown) && !lobby_has(&s->known));
	memcpy(key.bytes, &hash, sizeof(hash));
	lobby_leave(&links->unknown, &s->unknown);
	while (lobby_room(&links->known, &key, &victim) == LOBBY_VICTIM) {
		struct session *other = list_of(victim, struct session, known);

		/*
		 * It would make room for itself, again and again: an account with too many
		 * agents is told so.
		 */
		if (strcmp(other->account, s->account) == 0)
			return false;
		session_close(other, LINK_CODE_BUSY, "another account needs room for its link");
	}
	return lobby_enter(&links->known, &s->known, &key);
}

/* --- life --- */

struct links *
links_new(void)
{
	struct links *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	slab_init(&l->sessions, sizeof(struct session), LIMIT_LINKS + SLACK);
	list_init(&l->list);
	list_init(&l->left);
	lobby_init(&l->unknown, LIMIT_LINKS_UNKNOWN, LIMIT_LINKS_UNKNOWN_PER_ADDRESS, NULL);
	lobby_init(&l->known, LIMIT_LINKS, LIMIT_LINKS_PER_ACCOUNT, NULL);
	return l;
}

void
links_free(struct links *l)
{
	if (l == NULL)
		return;
	check(list_empty(&l->list) && list_empty(&l->left)); /* links_cut() was called */
	slab_fini(&l->sessions);
	lobby_fini(&l->unknown);
	lobby_fini(&l->known);
	free(l);
}
