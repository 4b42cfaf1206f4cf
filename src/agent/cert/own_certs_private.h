/* SPDX-License-Identifier: Apache-2.0 */
/* Between own_certs.c, which has the CA and its account, and own_cert.c, the life of one certificate. */
#ifndef ADIT_AGENT_CERT_OWN_CERTS_PRIVATE_H
#define ADIT_AGENT_CERT_OWN_CERTS_PRIVATE_H

#include "agent/cert/own_certs.h"
#include "net/clienthello.h"
#include "relay/order.h"

#define OWN_CERTS_PATH_BYTES 512

enum own_cert_state {
	/* Its public name is not known.  own_cert_up() leaves it. */
	OWN_CERT_UNNAMED,
	/* It waits for its time.  The timer leaves it. */
	OWN_CERT_RESTS,
	/* The CA is asked for it.  The end of the order leaves it. */
	OWN_CERT_ORDERS,
	/* The CA is asked when to renew it.  The answer leaves it. */
	OWN_CERT_ASKS,
};

struct own_cert {
	struct own_cert *next;
	struct own_certs *all;
	struct agent_tunnel *tunnel;
	struct tls_here here;
	enum own_cert_state state;
	char host[CLIENTHELLO_HOST_BYTES];
	struct loop_timer timer; /* of RESTS */
	struct order *order;     /* of ORDERS and ASKS */
	struct tls_pair *pair;   /* that is shown; NULL: none */
	struct chain_facts facts;
	struct renewal_window window;   /* as the CA said of this certificate */
	uint64_t random;                /* for renewal_at_s(), chosen with the certificate */
	int64_t ask_s, next_s;          /* not before: the next question, the next order */
	unsigned failures;              /* in a row */
	bool complained;                /* people know that the CA does not answer */
	bool told;                      /* people know of this certificate */
	struct buf alpn_cert, alpn_key; /* what a CA is to see in a handshake; empty: nothing */
};

struct own_certs {
	struct loop *loop;
	struct screen *screen;
	struct ca *ca;
	struct tls_client *tls; /* trusts the CA's server */
	char folder[OWN_CERTS_PATH_BYTES];
	char directory[LIMIT_ACME_URL_BYTES];
	struct own_cert *first;
};

/* The account's text to disk. */
bool own_certs_store_account(struct own_certs *c);
/* FOLDER/HOST.ENDING; false: too long. */
bool own_certs_path(const struct own_certs *c, const char *host, const char *ending,
    char dst[OWN_CERTS_PATH_BYTES]) must_use;

struct own_cert *own_cert_new(struct own_certs *all, struct agent_tunnel *t) must_use;
void own_cert_up(struct own_cert *c);
void own_cert_stop(struct own_cert *c);
void own_cert_free(struct own_cert *c);

#endif
