/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the DNS says of an own domain now, looked up at its authorities:
 *
 *	CNAME           the chain, until it ends in a tunnel's name of this edge (that is a proof), or ends
 *	TXT             of _adit.NAME
 *	A, AAAA         of the end of the chain
 *	EDGE_A, EDGE_AAAA   of a tunnel's name: the edge's addresses
 */
#ifndef ADIT_EDGE_DOMAIN_PROOF_H
#define ADIT_EDGE_DOMAIN_PROOF_H

#include "edge/core/dnsask.h"
#include "edge/domain/wish.h"

#define PROOF_TEXTS 16
#define PROOF_ADDRESSES 16

enum proof_stage {
	PROOF_OFF,
	PROOF_CNAME,
	PROOF_TXT,
	PROOF_A,
	PROOF_AAAA,
	PROOF_EDGE_A,
	PROOF_EDGE_AAAA,
};

struct proof_address {
	unsigned char n, bytes[16]; /* n: 4 or 16 */
};

struct proof_addresses {
	size_t n;
	struct proof_address all[PROOF_ADDRESSES];
};

struct proof {
	struct dnsask ask;
	const char *zone;               /* the edge's own domain */
	struct proof_addresses listens; /* where the edge listens, as far as that is one address */
	/* Called once, never from within proof_start(); untold[0] is set where the DNS did not answer. */
	void (*done)(struct proof *p);
	void *owner;
	/* what was found */
	char name[URL_HOST_BYTES];
	char end[DNAME_TEXT_BYTES];       /* of the chain of CNAMEs */
	char tunnel[DIRECTORY_KEY_BYTES]; /* its name, where the chain ends in one */
	unsigned n_cnames;
	char texts[PROOF_TEXTS][128]; /* that begin with account= */
	size_t n_texts;
	struct proof_addresses found, edges;
	char untold[160];
	/* private */
	enum proof_stage stage;
	char edge_host[URL_HOST_BYTES + DIRECTORY_KEY_BYTES];
	struct loop_timer deadline;
};

/*
 * ask.loop, ask.servers, zone, listens, done and owner are set.  tunnel: a name of this edge, whose
 * addresses are the edge's.
 */
void proof_start(struct proof *p, const char *name);
void proof_cancel(struct proof *p);

/* What a message of the authority says at this stage, into *p, whatever its bytes are; true: it
 * says something that counts. */
bool proof_read(struct proof *p, enum proof_stage stage, struct slice message);

/* "account=ID token=HEX": what the TXT record must say. */
void proof_text(const struct wish *w, char *dst, size_t cap);
/* owns: of the directory: does the account have this tunnel's name? Where there is no proof, w->why
 * says what is missing. */
enum wish_proof proof_judge(const struct proof *p, struct wish *w,
    bool (*owns)(void *arg, const char *tunnel, const char *account), void *arg);

#endif
