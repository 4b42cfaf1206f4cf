/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CONTROL messages: JSON objects with a "type".
 *
 * agent -> edge
 *	{"type":"hello","protocol":1,"agent":"adit/0.1.0","token":"...",
 *	 "host":"build-1","instance":"k3vq...","age_ms":5120,"probe":true,"watch":true,
 *	 "tunnels":[{"id":1,"kind":"http","name":"jenkins"},{"id":2,"kind":"tcp","port":2222},
 *	            {"id":3,"kind":"http","policy":{...}}]}
 *	No name: a random one that stays the account's.
 * edge -> agent
 *	{"type":"welcome","protocol":1,"edge":"aditd/0.1.0","account":"...","generation":7,
 *	 "tunnels":[{"id":1,"name":"jenkins","url":"https://jenkins.example.org","probe":true},
 *	            {"id":2,"port":2222,"url":"tcp://..."},
 *	            {"id":3,"error":"name-taken","text":"..."}]}
 *	{"type":"refused","code":"bad-token","text":"...","retry_ms":0}	(then GOAWAY)
 *	{"type":"replaced","id":1,"text":"..."}
 *	Another agent of the account serves this tunnel now.
 *	{"type":"probed","id":1,"probe":"ok","status":200,"us":4200}
 *	How the edge's own request to the origin went, where the welcome promised one.
 *	{"type":"waiting","id":1,"waits":true}
 *	Something waits for this tunnel, whose origin did not answer; the agent may look whether it
 *	is back, and say so: {"type":"origin","id":1}
 *	{"type":"activity",...}
 *	What the edge did without the agent (activity.h), where the hello says "watch".
 *
 * Both, where both said "bind":true at first
 *	{"type":"bind","tunnels":[...]}		agent: as in HELLO, beside those that it has
 *	{"type":"bound","tunnels":[...]}	edge: as in WELCOME
 *	{"type":"unbind","id":2}		agent: no new streams of it
 *
 * Unknown members are ignored, unknown types too. "protocol" is the highest version
 * that the sender speaks.
 */
#ifndef ADIT_TUNNEL_HELLO_H
#define ADIT_TUNNEL_HELLO_H

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/slice.h"

#define LINK_PROTOCOL 1
/* A day: the longest wait for an origin that a tunnel may ask for. */
#define HELLO_ORIGIN_SILENT_MS_MAX 86400000

enum tunnel_kind { TUNNEL_HTTP, TUNNEL_TCP, TUNNEL_TLS };

struct hello_tunnel {
	uint16_t id; /* agent's own number, 1.. */
	enum tunnel_kind kind;
	char name[64]; /* "" : any */
	uint16_t port; /* TCP: wanted, 0 = any */
	/* of an unnamed tunnel in the agent's configuration: same key, same random name */
	char key[64];
	/* JSON object (hook/policy.h), malloced, NULL: none; freed by hello_wipe() */
	char *policy;
	uint32_t origin_silent_ms; /* wait for the origin's response head; 0: as the edge says */
	/* in a welcome */
	char url[300];
	char error[32]; /* "" : it is up */
	char text[200]; /* sentence for people */
	bool probe;     /* HELLO_PROBED follows */
};

enum hello_type {
	HELLO_HELLO,
	HELLO_WELCOME,
	HELLO_REFUSED,
	HELLO_REPLACED,
	HELLO_PROBED,
	HELLO_WAITING,
	HELLO_BIND,
	HELLO_BOUND,
	HELLO_UNBIND,
	HELLO_ACTIVITY, /* its members are read by activity.h */
	HELLO_OTHER,
};

struct hello {
	enum hello_type type;
	int protocol;
	char program[64]; /* "adit/0.1.0" */
	char token[128];  /* hello; wiped by hello_wipe() */
	char host[64];    /* hello: the agent's machine, for people; "" not told */
	/* hello: the agent's process, "" not told, and how long it has run: the process that was
	   started last keeps a tunnel, whichever of two comes back last */
	char instance[33];
	uint64_t age_ms;
	bool probe;    /* hello: HELLO_PROBED is wanted of each HTTP tunnel */
	bool trailers; /* hello, welcome: the sender understands TRAILERS frames */
	bool binds;    /* hello, welcome: the same of bind and unbind */
	bool watch;    /* hello: HELLO_ACTIVITY is wanted */
	char account[64];
	uint64_t generation;
	char code[32], text[200]; /* refused, replaced; probed: "ok", or a row of the close table */
	uint16_t id;              /* replaced, probed, waiting, unbind */
	uint16_t status;          /* probed: of the origin's answer, 0: none */
	uint64_t us;              /* probed: until then */
	bool waits;               /* waiting */
	uint32_t retry_ms;
	size_t n_tunnels;
	struct hello_tunnel tunnels[LIMIT_TUNNELS_PER_LINK];
};

/* False: not JSON, a member of the wrong type, too long or missing; *ret_why is a static sentence.
 * What *ret held before is forgotten: wipe it first. */
bool hello_decode(struct slice json, struct hello *ret, const char **ret_why) must_use;
void hello_encode(const struct hello *h, struct buf *out);
void hello_wipe(struct hello *h);

/*
 * True for JSON that is nested deeper than any CONTROL may be: jansson recurses as deep as the text is
 * nested, so this is asked before it reads one.
 */
bool hello_is_deep(struct slice json);

#endif
