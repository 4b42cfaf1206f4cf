/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor's own link to the edge: a HELLO without tunnels, the question
 * for a tunnel (edge/link/status_message.h), and then what lies in its
 * inbox (edge/inbox/query.h). Waited for.
 */
#ifndef ADIT_AGENT_DOCTOR_DOCTOR_LINK_H
#define ADIT_AGENT_DOCTOR_DOCTOR_LINK_H

#include "base/check.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct doctor_link {
	bool reached;  /* TLS with the edge was done */
	bool welcomed; /* and it knows the token */
	char why[256]; /* where not, or where there is no answer: a sentence */
	char code[32]; /* of the edge's refusal; "" none */
	json_t *probe; /* its answer: an object with a string "type"; NULL: none */
	/* Lists of deliveries, newest first; NULL: not told, or there are none. */
	json_t *stuck, *waiting, *delivered;
	int64_t asked_ms, answered_ms; /* wall clock, around the question */
};

/*
 * Asks and waits, for timeout_ms at most. edge, ca, token: as for a link that runs tunnels; this
 * one brings none, so it takes nothing over from an agent that does. member: "name" or "host",
 * of what is asked about. *ret is to be doctor_link_fini()ed.
 */
void doctor_link_ask(const char *edge, const char *ca, const char *token, const char *member,
    const char *value, int64_t timeout_ms, struct doctor_link *ret);
void doctor_link_fini(struct doctor_link *d);

#endif
