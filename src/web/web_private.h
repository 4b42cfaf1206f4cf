/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server from inside.  A client is one connection; its request lies in it and is answered before the
 * next one is read:
 *
 *	HEAD -> (BODY) -> BUSY -> HEAD ...
 *	                       -> LINGER: the end was sent, what still comes is read away
 *
 * Calls of handlers only put bytes into `out`: what is sent, and everything that follows from it
 * (gone, more, the next request), happens in client_push() at the end of the turn.  So nothing
 * is called from within a handler's own call.
 */
#ifndef ADIT_WEB_WEB_PRIVATE_H
#define ADIT_WEB_WEB_PRIVATE_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/list.h"
#include "http/answer.h"
#include "http/h1.h"
#include "net/conn.h"
#include "web/server.h"
#include "web/stream.h"

#define WEB_READ_BYTES 16384
/* Of an answer's head, and of all that may wait for a client. */
#define WEB_ANSWER_HEAD_BYTES (LIMIT_WEB_FIELDS_BYTES + 4096)
#define WEB_OUT_BYTES_MAX (LIMIT_WEB_EVENT_BYTES + LIMIT_WEB_STREAM_BYTES + WEB_ANSWER_HEAD_BYTES)

struct web_host {
	char name[256];
	uint16_t port; /* 0: any */
};

struct web_listener {
	struct loop_io io;
	struct loop_timer retry; /* descriptors are short: no edge will come for those who wait */
	struct web_server *server;
	struct list node;
	struct loop_grave grave;
	uint16_t port; /* what a Host has to name; 0: any (Unix sockets) */
};

struct web_server {
	struct web_config config;
	struct web_host *hosts; /* a copy of config.rules.hosts */
	char *token, *token_todo, *host_todo;
	struct list listeners, clients; /* clients: who was idle longest comes first */
	size_t n_clients;
	size_t body_bytes; /* of all bodies that are here now */
	bool stopped;
	uint64_t csp_reports;
	char csp_last[1024]; /* the last one, cut */
	struct loop_grave grave;
};

enum web_step { WEB_HEAD, WEB_BODY, WEB_BUSY, WEB_LINGER, WEB_DEAD };
enum web_answer { WEB_NONE, WEB_WHOLE, WEB_PIECES, WEB_EVENTS };

struct web_client {
	struct web_request request; /* first: web_client_of() */
	struct web_server *server;
	struct conn conn;
	struct list node;
	struct loop_timer timer;
	struct loop_task push; /* something was put into out, or the answer is complete */
	struct loop_grave grave;
	struct web_peer peer;
	uint16_t port; /* of the listener */
	enum web_step step;

	/* the request: its head is the front of `in`, what follows it is the next request */
	struct h1 h1;
	struct buf in, body;
	char *text; /* decoded parameters and query */
	struct web_pair pairs[LIMIT_WEB_PAIRS];
	size_t n_pairs;
	bool handled;  /* its handler was called */
	bool stalling; /* the timer is that of a client who takes nothing */
	bool keep_alive;
	bool behind; /* `in` has bytes of the next request, for which no edge comes */
	bool eof;    /* it sends nothing any more; it may still wait for its answer */

	/* the answer */
	enum web_answer answer;
	bool complete; /* nothing more is put */
	bool chunked;
	bool broken;    /* it ends by cutting the connection */
	bool untrusted; /* web_untrusted() */
	uint64_t left;  /* WEB_PIECES of a known length: bytes to come */
	uint64_t lost;  /* WEB_EVENTS: not told yet */
	bool caught_up; /* r->more is due, since "lost" was told */
	struct buf fields, out;
	struct slice tail; /* goes behind out: a file, or a text of its own (tail_text) */
	char *tail_text;   /* to be freed */
};

static inline struct web_client *
web_client_of(const struct web_request *r)
{
	return (struct web_client *)(uintptr_t)r;
}

static inline bool
web_is_head(const struct web_client *c)
{
	return slice_eq(c->request.method, S("HEAD"));
}

/* --- client.c --- */
/* Takes over fd; NULL without memory, fd is closed then. */
struct web_client *web_client_new(struct web_server *s, int fd, const struct sockaddr_storage *ss,
    socklen_t len, uint16_t port);
/* Harmless twice. Calls gone() of a request whose answer is not complete. */
void web_client_close(struct web_client *c);
/* Nothing of a request is here that would be answered: it may go when there are too many. */
bool web_client_is_idle(const struct web_client *c);
/* The server stops: it goes when its answer is complete, or at once. */
void web_client_stop(struct web_client *c);
/* Bytes were put, or the answer is complete. */
void web_client_changed(struct web_client *c);
size_t web_client_waiting(const struct web_client *c);

/* The request is read, or refused: from here on it is answered. */
void web_client_busy(struct web_client *c);

/* --- stream.c --- */
/* All that waited has been taken: says how many events were lost. */
void web_stream_lost(struct web_client *c);

/* --- serve.c --- */
/* The head is whole: guard, row or file. False: it was answered, and no body is wanted. */
bool web_serve_head(struct web_client *c);
/* The body is whole, or there is none. */
void web_serve(struct web_client *c);
/* What could not be read. */
void web_serve_fault(struct web_client *c, enum close_code code);

/* --- guard.c --- */
enum web_refusal {
	WEB_PASSED,
	WEB_FOREIGN_HOST, /* 421 */
	WEB_FOREIGN_USER, /* 403 */
	WEB_FOREIGN_PAGE, /* 403 */
	WEB_UNKNOWN_USER, /* 401 */
	WEB_FORBIDDEN,    /* 403 */
};
/* Another user of this machine, who is refused whatever he asks. */
bool web_guard_is_foreign(const struct web_client *c);
/* Before anything else: the name that was asked for, and who is connected. */
enum web_refusal web_guard_door(const struct web_client *c);
/* route NULL: a file, or nothing at all. */
enum web_refusal web_guard_route(const struct web_client *c, const struct web_route *route);
int web_guard_init(struct web_server *s);
void web_guard_fini(struct web_server *s);

/* --- reply.c --- */
/* The first thing of every answer. type NULL: there is no body; length may be WEB_UNKNOWN. */
void web_reply_head(struct web_client *c, int status, const char *type, uint64_t length);
/* A piece of the body, in the chunked coding where that is how it goes; not of an answer to HEAD. */
void web_reply_piece(struct web_client *c, struct slice s);
/* It was all. */
void web_reply_end(struct web_client *c);
/* A file; a GET or HEAD. */
void web_reply_asset(struct web_client *c, const struct web_asset *a);

/* The value of a field of the request, by position; see h1_find(). */
static inline struct slice
web_field_text(const struct web_client *c, const struct h1_field *f)
{
	return h1_text(slice_head(buf_slice(&c->in), c->h1.head.n_bytes), f->value);
}

#endif
