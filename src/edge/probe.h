/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: what `adit doctor` and `adit status` ask.
 *
 * Over its link an agent asks {"type":"probe","name":"jenkins"} (or "host": a public host) and is
 * told what the edge knows of a tunnel of its own account, and gets a ticket for it that is good
 * for a minute:
 *
 *	{"type":"probe","name","state":"up|away|released|unknown|other","url","edge","now_ms","since_ms","ticket",
 *	 "policy":{...},"link":{...},"inbox":{...},"last":{...},"notes":[...]}
 *
 * With "through":true the edge asks the local server itself, through whichever link serves the
 * tunnel (through.h), and the answer has "origin":{"probe":"ok","status":200,"us":4200}.
 *
 * A request of a visitor with the field `adit-probe: TICKET` goes end to end as any other, past the
 * inbox, and is neither counted nor stored; with `adit-probe: TICKET edge` it goes through
 * everything that the edge checks, and the edge then answers itself.  Without a good ticket the
 * field means nothing.
 */
#ifndef ADIT_EDGE_PROBE_H
#define ADIT_EDGE_PROBE_H

#include "edge/visitor.h"

#include <jansson.h>

struct probe;

#define PROBE_KEY_BYTES 32

/* A CONTROL message of type "probe", of a session that is up. */
void probe_control(struct session *s, const json_t *question);
/* The session is over. */
void probe_abandon(struct session *s);

/* enum exchange_probe of this request, whose name is known. */
enum exchange_probe probe_read(const struct exchange *x, struct slice bytes);
/* Answers a probe that ends at the edge. signature: name of a sign_reason, text: its sentence; ""
 * where none is asked for. */
void probe_answer(struct exchange *x, const char *signature, const char *text,
    struct slice read_ahead);

#endif
