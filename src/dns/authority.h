/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of zones without its sockets: a message in, what to do with it out.
 *
 *	authority_answer()
 *	    AUTHORITY_DROP      nothing is said: an answer, or too short for one
 *	    AUTHORITY_REPLY     reply_n bytes go back the way the request came
 *	    AUTHORITY_TRANSFER  transfer_next() gives the messages, over TCP
 *	    AUTHORITY_UPDATE    a change is open: store it, then authority_settle() answers
 *	    AUTHORITY_LATER     an UPDATE while another one is open: ask again after it
 *
 * Where a secret, a permission or an address is wanted, a table of questions asks the owner; they
 * are answered at once and from memory, and call nothing back.
 *
 * Strict (RFC 8906, RFC 9619): QR set is dropped; other opcodes NOTIMP; not one question, bytes
 * behind the message, a question by pointer, records where none belong FORMERR; another class or a
 * foreign name REFUSED; NOTIFY to us NOTAUTH, for we are nobody's secondary. Unknown types are
 * data that is not there, and never an error.
 */
#ifndef ADIT_DNS_AUTHORITY_H
#define ADIT_DNS_AUTHORITY_H

#include "dns/zones.h"
#include "dns/change.h"
#include "dns/transfer.h"
#include "dns/tsig.h"

/* Who asks. */
struct authority_asker {
	struct slice key; /* the name of the key that signed, in lower case; empty: nobody signed */
	const void *address; /* what came with the request */
};

enum authority_share { AUTHORITY_NONE, AUTHORITY_SOME, AUTHORITY_ALL };

struct authority_rules {
	/* A key by its name; false: unknown. This name and those below are in lower case. */
	bool (*key)(void *arg, struct slice name, struct tsig_key *ret);
	/* How much of a zone may be transferred. SOME: `sees` is asked for each name. */
	enum authority_share (*transfer)(void *arg, const struct authority_asker *by,
	    const struct zone *z);
	bool (*sees)(void *arg, struct slice key, struct slice name);
	/* May this name's records of that type be changed? RR_ANY: all. Never asked unsigned. */
	bool (*changes)(void *arg, const struct authority_asker *by, struct slice name,
	    uint16_t type);
};

struct authority {
	struct zones zones;
	const struct authority_rules *rules;
	void *arg;
};

struct authority_ask {
	struct slice request;
	bool tcp;
	const void *address; /* for the rules */
	int64_t now_s;       /* since 1970 */
	/* For the reply: LIMIT_DNS_UDP_BYTES at least; over TCP better DNS_MESSAGE_BYTES. */
	unsigned char *reply;
	size_t cap;
};

enum authority_verdict {
	AUTHORITY_DROP,
	AUTHORITY_REPLY,
	AUTHORITY_TRANSFER,
	AUTHORITY_UPDATE,
	AUTHORITY_LATER,
};

struct authority_update;

struct authority_said {
	size_t reply_n;
	unsigned rcode;
	bool is_signed;                  /* by a key that we know */
	struct slice about;              /* what answered (zones.h), for rrl_judge() */
	struct transfer *transfer;       /* the caller's: transfer_free() */
	struct authority_update *update; /* the caller's: authority_settle() */
};

enum authority_verdict authority_answer(struct authority *a, const struct authority_ask *ask,
    struct authority_said *ret) must_use;

/* Instead of an answer over UDP: come by TCP (TC). Its bytes in ask->reply; 0: nothing to say. */
size_t authority_slip(const struct authority_ask *ask);

/* What the UPDATE would change; belongs to it. */
struct change *authority_change(struct authority_update *u);
struct zone *authority_zone(struct authority_update *u);
/*
 * Ends an UPDATE: carries the change out where it is `stored`, else answers SERVFAIL; frees u.
 * Writes the answer into `reply` and returns its bytes. *ret_changed: the zone has a new serial,
 * its secondaries want to be notified.
 */
size_t authority_settle(struct authority_update *u, bool stored, int64_t now_s,
    unsigned char *reply, size_t cap, bool *ret_changed) must_use;

#endif
