/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of a case of the client of CAs (acme/acme.h), from ACME_SEND to acme_answer().
 */
#ifndef ADIT_RELAY_ACME_CALL_H
#define ADIT_RELAY_ACME_CALL_H

#include "acme/acme.h"
#include "relay/fetch.h"

/* Zeroed: nothing is on its way. One at a time; it must not move while one is. */
struct acme_call {
	struct fetch *fetch;
	struct fetch_request req;
	struct fetch_answer answer;
	char host[280], fields[512];
};

/*
 * Sends it.  tls: whom to trust as the CA's server, kept by the caller meanwhile.  came(owner) is called
 * once, from within here where nothing could be sent; it must not call acme_call_take().
 */
void acme_call_send(struct acme_call *c, struct loop *l, struct tls_client *tls,
    const char *program, const struct acme_request *r, void (*came)(void *owner), void *owner);
/* What came goes to the case. Returns NULL, or why nothing came, until acme_call_end(). Where nothing was
 * sent at all, that is what the caller has put into c->answer.why. */
const char *acme_call_take(struct acme_call *c, struct acme *a, int64_t now_s);
/* Whatever is on its way ends without a call. Harmless when nothing is. */
void acme_call_end(struct acme_call *c);

#endif
