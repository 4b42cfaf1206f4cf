/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serving the streams that the edge opens: an HTTP exchange (http_stream.c) or plain bytes
 * (byte_stream.c) between a stream and a connection to the tunnel's origin.
 *
 * The edge names a tunnel by the number that the agent gave it.  A number that is not
 * served, or not in this way, is answered with NO_TUNNEL; there is no other way to make the
 * agent dial anything (S-13).
 */
#ifndef ADIT_AGENT_SERVE_SERVE_H
#define ADIT_AGENT_SERVE_SERVE_H

#include "agent/capture/capture.h"
#include "agent/capture/tap.h"
#include "agent/serve/look.h"
#include "agent/serve/origin.h"
#include "agent/core/policy_text.h"
#include "agent/core/screen.h"
#include "relay/flow.h"
#include "tunnel/hello.h"
#include "tunnel/opening.h"

enum tunnel_state {
	/* Not yet answered for on this link.  The edge's welcome leaves it. */
	TUNNEL_WANTED,
	/* The edge sends visitors here.  The next link wants it anew; a newer agent replaces it. */
	TUNNEL_UP,
	/* The edge has said why not.  The next link asks once more. */
	TUNNEL_REFUSED,
	/* A newer agent of the account serves it: it is not asked for again. */
	TUNNEL_REPLACED,
	/* Taken away while the agent runs.  What is open of it ends by itself, and then another
	 * gets its place. */
	TUNNEL_REMOVED,
};

/* The TLS of a tunnel's visitors ends here: what they are shown. Kept by agent/cert. */
struct tls_here {
	/* Certificates, and a CA's challenge for whoever offers acme-tls/1; never NULL. */
	struct tls_server *server;
	/* What a CA asks for on port 80 (RFC 8555 8.3), and gets; "": nothing. */
	char token[257], text[512];
};

/* A tunnel of this agent. */
struct agent_tunnel {
	struct hello_tunnel ask; /* what HELLO says; id is its index + 1 */
	char label[64];          /* what people call it: name, key in the file, or the origin */
	char title[128];         /* the same for programs: of an API, or the key in the file; "" */
	char url[300];           /* when up */
	const char *domains;     /* own ones, with commas between them; the configuration's */
	enum tunnel_state state;
	bool probing; /* up, but people are told only after the edge's probe */
	/* The newest link has asked for it; it was answered that it is up there. */
	bool asked, granted;
	char code[32], text[200];  /* why it was refused last */
	size_t n_streams;          /* that are open */
	struct config_tunnel *own; /* it came while the agent ran: what it is made of, malloced */
	bool is_open;              /* the origin is: set and closed by who made the tunnel */
	struct origin origin;
	struct tls_here *here; /* NULL: no TLS ends here */
	struct look look;
	struct look news; /* the same for people who were told that the origin is not there */
	bool failing;     /* they were: they are told when it answers, too */
	struct policy_made policy; /* json is HELLO's; the rest is told when it is up */
	/* The local server's newest answer. */
	struct {
		unsigned status; /* 0: it has not answered, or nobody knows */
		int64_t us;      /* that it took */
		int64_t at_us;   /* when that was learnt, on the loop's clock; 0: never */
	} answer;
	bool told;     /* once is enough for people */
	bool told_tls; /* the same of an origin that speaks TLS on a plain address */
};

/* What all streams of a loop share. */
struct serve {
	struct loop *loop;
	struct screen *screen;
	struct capture *capture; /* set by the caller after serve_init(); NULL: none */
	/* Knows exchanges that are sent from here by their request id, and tells their taps what they
	 * are; NULL: there are none. */
	void (*ours)(void *owner, struct tap_opening *o);
	void *ours_owner;
	struct origin_shared origins;
	struct slab exchanges, bytes;
	struct pool heads;   /* blocks of SERVE_HEAD_BYTES for heads that must be kept */
	char *in;            /* SERVE_HEAD_BYTES: an answer's head is read into it */
	struct list waiting; /* exchanges that wait for their origin's answer, or for the edge to
				end them */
	struct loop_timer sweep; /* looks through it while it is not empty */
	struct agent_tunnel *tunnels;
	size_t n_tunnels; /* places; some may be of REMOVED ones */
};
/* Links that may live at once: one, and older ones that are being drained. */
#define SERVE_LINKS_MAX 4
/* A head and what rewriting adds to it; no more than the flow's scratch. */
#define SERVE_HEAD_BYTES (LIMIT_HEAD_BYTES + H1_INSIDE_BYTES + 1024)
_Static_assert(SERVE_HEAD_BYTES <= FLOW_HEAD_SCRATCH_BYTES, "heads are written into either");

/* -1 without memory. tunnels: their origins are opened by the caller. */
int serve_init(struct serve *s, struct loop *l, struct resolver *r, struct screen *screen,
    struct agent_tunnel *tunnels, size_t n_tunnels) must_use;
/* All streams must have ended, and the loop's graveyard been emptied. */
void serve_fini(struct serve *s);

/* As carrier_ops.opened. */
void serve_stream(struct serve *s, struct carrier *c, struct stream *stream, struct slice opening);
/* The same of a stream that this program has opened itself: the tunnel's origin is asked whatever the
 * edge has said of the tunnel. */
void serve_our_stream(struct serve *s, struct carrier *c, struct stream *stream,
    struct slice opening);
/* The origin of a tunnel is there, or has answered: people are told where they think
 * that it is not. */
void serve_answered(struct serve *s, struct agent_tunnel *t);
/* How the local server has answered last; status 0: it has not. */
void serve_answer(struct serve *s, struct agent_tunnel *t, unsigned status, int64_t us);
/* People were told that it does not answer: it is looked at until it does, where
 * that can be seen. */
void serve_fails(struct serve *s, struct agent_tunnel *t, bool looks);
/* The tunnel of a number, NULL when there is none. Numbers are places as long as none was removed. */
struct agent_tunnel *serve_find(struct serve *s, uint16_t id);
/* A stream of it has ended and will not look at it again. */
void serve_stream_ended(struct agent_tunnel *t);
/* Its place in the list. */
size_t serve_index(const struct serve *s, const struct agent_tunnel *t);
/* Tells the capture, which there must be, of an exchange or a byte stream; as tap_begin(). */
struct tap *serve_tap(struct serve *s, const struct agent_tunnel *t, const struct opening *o,
    enum row_kind kind);
/* The only writer of a tunnel's state. What belongs to UP alone ends with it. */
void serve_tunnel_move(struct agent_tunnel *t, enum tunnel_state to);

#endif
