/* SPDX-License-Identifier: Apache-2.0 */
/* Gives each new stream of the link to the tunnel that it names. */
#include "agent/serve/serve.h"

#include "agent/serve/byte_stream.h"
#include "agent/serve/challenge_stream.h"
#include "agent/serve/http_stream.h"

#include <stdlib.h>

/* Blocks kept for reuse: as many as requests usually wait for their answers at once. */
#define HEADS_KEPT 32
/* Each link may have its full number while older ones are drained. */
#define STREAMS_MAX (SERVE_LINKS_MAX * LIMIT_LINK_STREAMS)

int
serve_init(struct serve *s, struct loop *l, struct resolver *r, struct screen *screen,
    struct agent_tunnel *tunnels, size_t n_tunnels)
{
	check(n_tunnels <= LIMIT_AGENT_TUNNELS);
	*s = (struct serve){
		.loop = l, .screen = screen, .tunnels = tunnels, .n_tunnels = n_tunnels
	};
	origin_shared_init(&s->origins, l, r);
	slab_init(&s->exchanges, sizeof(struct http_stream), STREAMS_MAX);
	slab_init(&s->bytes, sizeof(struct byte_stream), STREAMS_MAX);
	pool_init(&s->heads, SERVE_HEAD_BYTES, HEADS_KEPT, 2 * STREAMS_MAX);
	list_init(&s->waiting);
	s->sweep.fn = http_stream_sweep;
	s->in = malloc(SERVE_HEAD_BYTES);
	return s->in == NULL ? -1 : 0;
}

void
serve_fini(struct serve *s)
{
	check(list_empty(&s->waiting));
	loop_timer_stop(s->loop, &s->sweep);
	slab_fini(&s->exchanges);
	slab_fini(&s->bytes);
	pool_fini(&s->heads);
	origin_shared_fini(&s->origins);
	free(s->in);
}

/* clang-format off */
static const unsigned predecessors[] = {
	/* born in it; each new link */
	[TUNNEL_WANTED] = 1 << TUNNEL_WANTED | 1 << TUNNEL_UP | 1 << TUNNEL_REFUSED,
	[TUNNEL_UP] = 1 << TUNNEL_WANTED,
	[TUNNEL_REFUSED] = 1 << TUNNEL_WANTED,
	/* WANTED: it was so while we were away */
	[TUNNEL_REPLACED] = 1 << TUNNEL_WANTED | 1 << TUNNEL_UP,
	[TUNNEL_REMOVED] = 1 << TUNNEL_WANTED | 1 << TUNNEL_UP | 1 << TUNNEL_REFUSED |
	    1 << TUNNEL_REPLACED,
};
/* clang-format on */

void
serve_tunnel_move(struct agent_tunnel *t, enum tunnel_state to)
{
	check(predecessors[to] & 1u << t->state);
	/* Nobody looks at the origin of a tunnel that does not serve. */
	check(t->state == TUNNEL_UP || (!t->probing && !t->failing && t->look.state == LOOK_OFF));
	t->state = to;
	t->probing = false;
}

struct agent_tunnel *
serve_find(struct serve *s, uint16_t id)
{
	if (id >= 1 && id <= s->n_tunnels && s->tunnels[id - 1].ask.id == id)
		return &s->tunnels[id - 1];
	for (size_t i = 0; i < s->n_tunnels; i++)
		if (s->tunnels[i].ask.id == id)
			return &s->tunnels[i];
	return NULL;
}

void
serve_stream_ended(struct agent_tunnel *t)
{
	check(t->n_streams > 0);
	t->n_streams--;
}

/* An older link goes on with what it served until the next one is welcomed. */
static bool
is_up(const struct agent_tunnel *t)
{
	return t->state == TUNNEL_UP || (t->state == TUNNEL_WANTED && t->url[0] != '\0');
}

size_t
serve_index(const struct serve *s, const struct agent_tunnel *t)
{
	return (size_t)(t - s->tunnels);
}

struct tap *
serve_tap(struct serve *s, const struct agent_tunnel *t, const struct opening *o,
    enum row_kind kind)
{
	struct tap_opening opening = {
		.tunnel = serve_index(s, t),
		.kind = kind,
		.request_id = o->request_id,
		.visitor = o->visitor,
	};

	if (s->ours != NULL)
		s->ours(s->ours_owner, &opening);
	return tap_begin(s->capture, &opening);
}

void
serve_answered(struct serve *s, struct agent_tunnel *t)
{
	if (!t->failing)
		return;
	t->failing = false;
	look_stop(&t->news);
	screen_online(s->screen, t->label);
}

void
serve_answer(struct serve *s, struct agent_tunnel *t, unsigned status, int64_t us)
{
	t->answer.status = status;
	t->answer.us = us;
	t->answer.at_us = loop_now_us(s->loop);
}

/* As look.back: nobody has asked the origin since, but it takes connections again. */
static void
on_news(struct look *l)
{
	struct agent_tunnel *t = list_of(l, struct agent_tunnel, news);

	check(t->state == TUNNEL_UP && t->failing);
	t->answer.at_us = 0; /* what it says is not known yet */
	serve_answered(l->owner, t);
}

void
serve_fails(struct serve *s, struct agent_tunnel *t, bool looks)
{
	check(t->state == TUNNEL_UP);
	t->failing = true;
	t->news.back = on_news;
	t->news.owner = s;
	t->news.down = looks;
	look_wanted(&t->news, &t->origin, true);
}

/* The stream ends here: nobody has bound a flow to it. */
static void
refuse(struct carrier *c, struct stream *stream, enum link_code code)
{
	check(stream->owner == NULL); /* no flow has it: nobody else frees it */
	stream_reset(stream, code);
	stream_free(stream);
	carrier_kick(c);
}

/* Behind port 80 of a name of kind tls the edge lets through what a CA asks for. */
static bool
is_served(const struct agent_tunnel *t, const struct opening *o)
{
	switch (t->ask.kind) {
	case TUNNEL_HTTP:
		return o->kind == OPENING_HTTP;
	case TUNNEL_TCP:
		return o->kind == OPENING_BYTES;
	case TUNNEL_TLS:
		break;
	}
	return true;
}

static int
open_stream(struct serve *s, struct carrier *c, struct stream *stream, struct agent_tunnel *t,
    const struct opening *o)
{
	if (t->ask.kind == TUNNEL_TLS && o->kind == OPENING_HTTP)
		return challenge_http_open(s, c, stream, t);
	/* RFC 8737 3: a CA offers nothing else beside it. */
	if (t->here != NULL && slice_eq(o->alpn, S(TLS_ALPN_CHALLENGE)))
		return challenge_tls_open(s, c, stream, t);
	return o->kind == OPENING_HTTP ? http_stream_open(s, c, stream, t, o)
				       : byte_stream_open(s, c, stream, t, o);
}

static void
serve_or_refuse(struct serve *s, struct carrier *c, struct stream *stream, struct slice opening,
    bool ours)
{
	struct opening o;
	struct agent_tunnel *t;

	if (!opening_decode(opening, &o)) {
		refuse(c, stream, LINK_CODE_PROTOCOL);
		return;
	}
	t = serve_find(s, o.tunnel);
	if (t == NULL || !(ours ? t->state != TUNNEL_REMOVED : is_up(t)) || !is_served(t, &o)) {
		refuse(c, stream, LINK_CODE_NO_TUNNEL);
		return;
	}
	t->n_streams++;
	if (open_stream(s, c, stream, t, &o) != 0) {
		serve_stream_ended(t);
		refuse(c, stream, LINK_CODE_INTERNAL);
	}
}

void
serve_stream(struct serve *s, struct carrier *c, struct stream *stream, struct slice opening)
{
	serve_or_refuse(s, c, stream, opening, false);
}

void
serve_our_stream(struct serve *s, struct carrier *c, struct stream *stream, struct slice opening)
{
	serve_or_refuse(s, c, stream, opening, true);
}
