/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a link: the protocol machine between a TLS connection and its streams.
 * No I/O, no clock, no callbacks: bytes that came are fed, events are taken, frames
 * to be sent are drained; time is a parameter.
 *
 * Receiving: the link buffers no stream data. A LINK_DATA event is a slice of the input; the owner
 * writes it to its connection or keeps it (never more than the window that was granted), and says
 * stream_eaten() when the bytes have left to the visitor or origin: only then credit goes back.
 *
 * Sending: an owner that has bytes says stream_want(). When link_turn() names the stream, the owner
 * lets its bytes be read straight into the space of stream_grant() and says stream_commit().
 * Streams take turns (deficit round robin; new ones and those with little to send first); frames of
 * control leave before data.
 *
 *	receive:  while ((what = link_feed(l, &in, &ev, now)) != LINK_NONE) ...
 *	send:     while ((s = link_turn(l)) != NULL) {
 *			n = stream_grant(s, &p); ...; stream_commit(s, ...);
 *		  }
 *		  out = link_out(l); write; link_out_done(l, written)
 *
 * Flow control, in bytes of stream data (openings and headers are free): the rules stand in
 * doc/protocol.txt, the algorithm in window.c. Every stream is guaranteed STREAM_RX_BYTES_MIN; what
 * is free of the link's budget is lent; a window doubles while its reader keeps up within about two
 * round trips and falls back when its reader is blocked; a reserve stays that only streams with
 * progress can take. All windows together never exceed link_rx_ceiling().
 */
#ifndef ADIT_TUNNEL_LINK_H
#define ADIT_TUNNEL_LINK_H

#include "base/check.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/slab.h"
#include "base/slice.h"
#include "tunnel/frame.h"

#include <sys/uio.h>

/* Streams are opened by the edge only, since visitors come from there; numbers grow from 1. */
enum link_side { LINK_EDGE, LINK_AGENT };

struct link;

struct stream {
	uint32_t id; /* 0 until its first commit has opened it */
	void *owner; /* the user's; the link never looks at it */
	struct link *link;
	bool rx_ended; /* FIN or RST came */
	bool tx_ended; /* FIN was committed, or RST sent or received */
	/* private to tunnel/ from here on */
	bool opened;         /* SYN was sent or received */
	bool dead;           /* RST was sent or received */
	bool blocked;        /* wants to send, but has no credit */
	bool rx_blocked;     /* its reader does not keep up */
	uint32_t last_block; /* the output block that it has written to last */
	struct map_node by_id;
	struct list all;       /* in link.all */
	struct list round;     /* in one of the link's queues of wanting streams */
	struct list returning; /* in link.returning: credit goes back with the next frames */
	/* sending */
	int64_t tx_credit; /* bytes that may be sent */
	int64_t tx_recent_us;
	uint32_t tx_recent; /* bytes sent since tx_recent_us: tells small streams from bulk */
	uint32_t deficit;   /* bytes that it may still send in this round */
	/* receiving */
	int64_t rx_credit;     /* bytes that the other side may still send */
	uint32_t rx_held;      /* received, not yet eaten */
	uint32_t rx_window;    /* rx_credit + rx_held are brought up to this again */
	uint32_t rx_share;     /* what it counts for in link.rx_promised */
	uint32_t rx_eaten;     /* since rx_epoch_us */
	uint32_t rx_held_min;  /* least that was held since rx_epoch_us */
	int64_t rx_epoch_us;   /* since when eating is being measured */
	int64_t rx_eaten_us;   /* when something was eaten last */
	int64_t rx_blocked_us; /* since when its reader has been blocked */
	int64_t rx_useful_us;  /* when half of the window was last needed */
};

struct link_params {
	enum link_side side;
	size_t rx_bytes_min, rx_bytes_max; /* budget: LIMIT_LINK_RX_BYTES_* unless configured */
	size_t streams_max;
	struct slab *streams;  /* of struct stream; of this thread, shared by its links */
	struct pool *out_pool; /* blocks of LINK_OUT_BLOCK_BYTES; held only while frames wait */
};
/* Free space in front of the frames, so that control frames can leave in the same write. */
#define LINK_OUT_FRONT_BYTES 1024
/* Header and opening of the largest frame. */
#define LINK_FRAME_EXTRA_BYTES (FRAME_HEADER_BYTES + FRAME_SYN_BYTES + 2 + LIMIT_OPENING_BYTES)
#define LINK_OUT_BLOCK_BYTES                                                                       \
	(LINK_OUT_FRONT_BYTES + LIMIT_LINK_OUT_BYTES + LIMIT_DATA_FRAME_BYTES +                    \
	    LINK_FRAME_EXTRA_BYTES)

/* What all receive windows of a link may come to, held and promised together. */
static inline size_t
link_rx_ceiling(const struct link_params *p)
{
	return p->rx_bytes_max + p->streams_max * LIMIT_STREAM_RX_BYTES_MIN;
}

enum link_phase {
	LINK_HEAD,
	LINK_SMALL,
	LINK_SYN,
	LINK_GATHER,
	LINK_SECTION, /* a trailer section */
	LINK_BODY,
	LINK_SKIP,
};

/* Zero-cost when idle: no table, no buffer. Fields are private; size matters: 10,000 idle links. */
struct link {
	struct link_params params;
	struct map streams;      /* the opened ones, by number */
	struct list all;         /* all of them */
	struct list fresh, bulk; /* wanting streams: new or small ones, the rest */
	struct list returning;   /* streams whose credit goes back */
	uint32_t n_streams;
	uint32_t last_id, n_ids; /* opened last, by either side; how many (stops at 2^31) */
	int64_t now_us;          /* latest time told by anybody */
	/* receiving */
	enum link_phase phase;
	struct frame frame; /* whose payload is being fed */
	uint32_t frame_left;
	struct stream *rx_stream; /* of the frame, NULL when it has gone */
	char small[16];           /* header, then a payload of fixed size */
	uint8_t small_n;
	char *
	    gather; /* payload that must be whole: opening, control, trailers; malloced, NULL when none */
	uint32_t gather_n, gather_want, gather_cap;
	bool gathered;    /* it was told; freed by the next link_feed() */
	int32_t glitches; /* frames that moved nothing, less what time and work forgive */
	int64_t glitches_us;
	/* windows */
	size_t rx_promised; /* bytes that all streams together hold and may still be sent */
	size_t rx_lent;     /* of these, beyond STREAM_RX_BYTES_MIN of each stream */
	size_t rx_budget;   /* most that may be lent, as last measured */
	size_t rx_stalled;  /* lent to streams that eat nothing, as last counted */
	int64_t census_us;
	int64_t rtt_us, rtt_at_us; /* smallest lately and when, 0 = unknown */
	int64_t rate_from_us;
	uint64_t rate_bytes, rate_max; /* measured delivery rate, bytes per second */
	/* sending */
	char *out; /* block of out_pool, or NULL */
	uint32_t out_from, out_to;
	uint32_t out_edge; /* end of the frame in which out_from lies, or out_from */
	uint32_t out_room; /* bytes of frames that a block takes */
	int64_t rate_out_us;
	uint64_t rate_out_bytes; /* sent since: out_room follows */
	uint32_t out_block;      /* counts blocks that were sent whole */
	uint32_t n_sending;      /* opened streams that have not said FIN */
	uint32_t fresh_run;      /* bytes that fresh streams sent while bulk waited */
	char *ctl;               /* control frames, malloced, NULL when none */
	uint32_t ctl_from, ctl_to, ctl_cap;
	bool ctl_started; /* a part was sent: the rest goes before anything else */
	bool ctl_hold;    /* must not overtake the SYN in the output block */
	bool out_is_ctl;  /* what link_out() gave last */
	/* liveness */
	int64_t heard_us, said_us; /* last byte received, sent */
	int64_t ping_us;           /* PING on its way since, or 0 */
	int64_t pinged_us;         /* when the latest PING was put in */
	int64_t asked_us;          /* first PING that left since something was heard, or 0 */
	bool ping_queued;          /* a PING waits in the control queue ... */
	bool ping_merged;          /* ... or was merged into the block */
	uint32_t ping_end;         /* where it ends there */
	bool probing;
	uint64_t ping_opaque;
	bool goaway_sent, goaway_received, bad_told;
	enum link_code dead; /* why it failed, for people */
};

int link_init(struct link *l, const struct link_params *p, int64_t now_us) must_use;
/* All streams must have been freed by their owners; see link_any_stream(). */
void link_fini(struct link *l);
/* Any stream that still lives, NULL when none: for tearing down. */
struct stream *link_any_stream(struct link *l);
size_t link_n_streams(const struct link *l);

enum link_what {
	LINK_NONE, /* the input is used up */
	/* agent: ev->stream is new, ev->bytes its opening (opening.h): set owner, or reset it */
	LINK_OPENED,
	/* ev->bytes of ev->stream; ev->fin: the direction ends with them (they may be empty) */
	LINK_DATA,
	/* ev->bytes: the trailer section of ev->stream, whole; the direction ends with it */
	LINK_TRAILERS,
	LINK_RESET,   /* ev->code; the stream is dead both ways: owner calls stream_free() */
	LINK_CONTROL, /* ev->bytes: a JSON object */
	LINK_GOAWAY,  /* ev->code, ev->retry_ms: no stream will be accepted any more */
	LINK_PONG,    /* ev->rtt_us */
	/* ev->code: the other side broke the protocol; a GOAWAY is queued: drain, close */
	LINK_BAD,
};

struct link_event {
	enum link_what what;
	struct stream *stream;
	struct slice bytes; /* valid until the input or the link changes */
	bool fin;
	uint32_t code, retry_ms;
	int64_t rtt_us;
};

/* Takes from the front of *in up to one event. Frames of streams that have gone are swallowed. */
enum link_what link_feed(struct link *l, struct slice *in, struct link_event *ret_ev,
    int64_t now_us);

/* --- streams --- */

/*
 * Edge: a new stream, which opens (and gets its number) with its first commit.
 * NULL: too many, going away, or no memory.
 */
struct stream *stream_open(struct link *l, void *owner) must_use;
/* The owner has bytes or an end to send. */
void stream_want(struct stream *s);
/*
 * The stream whose turn it is, taken out of the queue: grant, commit, and stream_want() again if
 * there is more. NULL: nobody wants or can, or the output is full.
 */
struct stream *link_turn(struct link *l);
/* True while a grant could be made at once without waiting for a turn: for small first messages. */
bool link_has_room(const struct link *l);
/*
 * Space for the next payload, at most DATA_FRAME_BYTES and the credit: *ret_p, its size, 0 when
 * there is no credit or room. A stream that was not opened yet gets OPENING_BYTES + 2 more; write
 * wire length (2 bytes) and opening first. Nothing else of the link may be called before the
 * commit, which may be of nothing; after 0, of nothing or a FIN.
 */
size_t stream_grant(struct stream *s, char **ret_p) must_use;
/*
 * After stream_grant(): further space behind it, for a reader that scatters: pieces of one frame
 * each, as many as the stream may have in a row. Returns how many; only the last that is written to
 * may be filled in part.
 */
int stream_grant_more(struct stream *s, struct iovec *iov, int n_iov) must_use;
/* opening_n: bytes of opening with its length (first commit only, else 0), then n bytes of data. */
void stream_commit(struct stream *s, size_t opening_n, size_t n, bool fin);
/*
 * Behind a grant that took n bytes: they are a trailer section, 1 to LIMIT_TRAILER_BYTES, and the
 * end.  Only of an opened stream, and to another side that understands it.
 */
void stream_commit_trailers(struct stream *s, size_t n);
/* What comes next needs more credit than there is: its turn comes when there is more. */
void stream_want_credit(struct stream *s);
/* n received bytes have been written on. */
void stream_eaten(struct stream *s, size_t n, int64_t now_us);
/* The connection that the stream's bytes go to cannot take any, or can again. */
void stream_reader_blocked(struct stream *s, bool blocked);
/* Sends RST unless both directions have ended; the owner then frees it. */
void stream_reset(struct stream *s, enum link_code code);
/* Gives the stream up; without a reset or both ends it is reset (CANCELLED) first. */
void stream_free(struct stream *s);

/* --- the connection --- */

/* 1 to LIMIT_CONTROL_BYTES; any other length, or too much waiting, ends the link. */
void link_control(struct link *l, struct slice json);
/* A CONTROL frame that came was asked for, or its work is bounded otherwise: most of its weight as a
 * glitch is taken back, so that pages of a long list may come one after the other. */
void link_forgive(struct link *l);
void link_goaway(struct link *l, enum link_code code, uint32_t retry_ms);
/* Looks whether the other side lives (after a resume or a network change): a PING now. */
void link_probe(struct link *l, int64_t now_us);
/* Frames to be sent, control first, whole frames in order; empty when none. */
struct slice link_out(struct link *l);
void link_out_done(struct link *l, size_t n, int64_t now_us);
/* Bytes that link_out() has still to give. */
size_t link_out_waiting(const struct link *l);
/* Those of them that are frames of control: many, where the other side reads slowly. */
static inline size_t
link_control_waiting(const struct link *l)
{
	return l->ctl_to - l->ctl_from;
}
/*
 * Call when the time it returned has come (or more often): sends PINGs. Returns the next time in
 * us, or -1: the link is dead (l->dead says why: LINK_CODE_SILENT, mostly).
 */
int64_t link_tick(struct link *l, int64_t now_us);

#endif
