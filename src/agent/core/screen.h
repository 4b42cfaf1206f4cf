/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent tells the people or the script that started it: one call an event, which goes to
 * whoever shows it: lines (lines.h), or a screen on a terminal (agent/console).
 */
#ifndef ADIT_AGENT_CORE_SCREEN_H
#define ADIT_AGENT_CORE_SCREEN_H

#include "base/slice.h"

struct activity_inbox;
struct activity_row;

struct screen {
	const struct screen_calls *calls; /* NULL: nobody is told */
	bool requests;                    /* requests are told, too */
	char web[160];                    /* where the agent's web server listens, "": nowhere */
};

/* Of a tunnel with a policy: what goes where at the sender of webhooks. "": nothing to say. */
struct screen_hook {
	const char *url;  /* to paste */
	const char *mode; /* pass, store, relay */
	const char *secret_file;
	const char *events, *next;
	bool fresh;   /* the secret was made just now */
	bool open;    /* no signature is checked */
	bool implied; /* it is stored because a scheme was named, and nobody said --store */
	bool brief;   /* people have seen it */
};
/* What the edge's own request found, which went through the tunnel to the local server and back. */
struct screen_probe {
	const char *code; /* "ok", else as in adit-error; "edge-silent": it did not say in time */
	unsigned status;  /* of the answer, 0: none */
	int64_t us;
};
/* Who ends the TLS of a tunnel's visitors. */
enum screen_tls { SCREEN_TLS_EDGE, SCREEN_TLS_AGENT, SCREEN_TLS_ORIGIN };
/* probe: NULL: none was made; hook: NULL without a policy. */
void screen_up(struct screen *s, const char *name, const char *url, const char *origin,
    enum screen_tls tls, const struct screen_probe *probe, const struct screen_hook *hook);
/* What was not online when the tunnel came up is online now. */
void screen_online(struct screen *s, const char *name);
/* A tunnel whose TLS ends here has this certificate; caa: the record, without its owner, that keeps others from getting one,
 * "": it is not known. */
void screen_certificate(struct screen *s, const char *name, const char *host, const char *issuer,
    const char *until, const char *caa);
/* It has none, or no newer one: why, and in how many seconds it is tried again, 0: not. */
void screen_no_certificate(struct screen *s, const char *name, const char *why, int64_t again_s);
/* A name of dynamic DNS, as DNS has it now. */
struct screen_address {
	const char *host, *v4, *v6;  /* "": none */
	const char *reach4, *reach6; /* open, refused, silent, unknown; "": nobody knocked */
	unsigned port;
	bool tunnel;      /* it leads to the edge, and through a tunnel */
	const char *text; /* a sentence of advice, "": none */
};
void screen_address(struct screen *s, const char *name, const struct screen_address *a);
/* An own domain, as the edge sees it. */
struct screen_domain {
	const char *name, *tunnel;
	const char *state;        /* "refused", or as in doc/protocol.txt 13 */
	const char *why;          /* "": it is served */
	const char *type, *value; /* of the record that proves it, "": not known */
};
void screen_domain(struct screen *s, const struct screen_domain *d);
/* The agent's web server listens at address, and people open link; address "": it does not, for the
 * reason that link has then. */
void screen_web(struct screen *s, const char *address, const char *link);
/* The link is lost. */
void screen_down(struct screen *s, const char *why);
void screen_retry(struct screen *s, int64_t pause_ms, const char *why);
/* name "": the agent as a whole. */
void screen_refused(struct screen *s, const char *name, const char *code, const char *text);
void screen_replaced(struct screen *s, const char *name, const char *text);
/* The origin of a tunnel speaks TLS, but its address says plain HTTP. */
void screen_speaks_tls(struct screen *s, const char *name, const char *origin);
/* The agent was told to stop; n exchanges are still running. */
void screen_stopping(struct screen *s, size_t n);

struct screen_request {
	const char *name; /* of the tunnel */
	struct slice request_id;
	struct slice method, path; /* path without its query: that may hold secrets (S-23) */
	unsigned status;           /* 0: no answer */
	const char *outcome;       /* "ok", or the link code's name */
	int64_t took_us;
	uint64_t rx_bytes, tx_bytes; /* of the answer's and the request's body */
};
/* Nothing unless s->requests: what is told is not even gathered then. */
void screen_request(struct screen *s, const struct screen_request *r);

/* What the edge did without the agent (tunnel/activity.h), what waits in a tunnel's inbox, how many rows
 * were lost. The same. */
void screen_activity(struct screen *s, const char *name, const struct activity_row *r);
void screen_inbox(struct screen *s, const char *name, const struct activity_inbox *f);
void screen_activity_lost(struct screen *s, uint64_t n);

/* Where events go: as the functions above, each of them once. */
struct screen_calls {
	void (*up)(struct screen *s, const char *name, const char *url, const char *origin,
	    enum screen_tls tls, const struct screen_probe *probe, const struct screen_hook *hook);
	void (*online)(struct screen *s, const char *name);
	void (*certificate)(struct screen *s, const char *name, const char *host,
	    const char *issuer, const char *until, const char *caa);
	void (*no_certificate)(struct screen *s, const char *name, const char *why,
	    int64_t again_s);
	void (*domain)(struct screen *s, const struct screen_domain *d);
	void (*address)(struct screen *s, const char *name, const struct screen_address *a);
	void (*web)(struct screen *s, const char *address, const char *link); /* NULL: not told */
	void (*down)(struct screen *s, const char *why);
	void (*retry)(struct screen *s, int64_t pause_ms, const char *why);
	void (*refused)(struct screen *s, const char *name, const char *code, const char *text);
	void (*replaced)(struct screen *s, const char *name, const char *text);
	void (*speaks_tls)(struct screen *s, const char *name, const char *origin);
	void (*stopping)(struct screen *s, size_t n);
	void (*request)(struct screen *s, const struct screen_request *r);
	/* NULL: this one has its rows from elsewhere. */
	void (*activity)(struct screen *s, const char *name, const struct activity_row *r);
	void (*inbox)(struct screen *s, const char *name, const struct activity_inbox *f);
	void (*activity_lost)(struct screen *s, uint64_t n);
};

#endif
