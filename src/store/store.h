/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: accounts, tokens, names, ports, audit (and, with the inbox, deliveries).
 * Asynchronous: a request is submitted from any thread and done on the store's own thread, which
 * commits many requests with one fsync; req->done() is called there after the commit, in the order
 * of submission: it should only post the request back to its loop.
 *
 * Whoever opens it names the engine (engine.h) that keeps it all, and is the only one who knows it.
 * An engine that fails is broken for good: every later request gets STORE_BROKEN, nothing is
 * retried, the process says so.  What was refused with STORE_BROKEN is not stored, after a restart
 * neither; where that cannot be made certain, it is STORE_UNSURE.  Tokens are kept as SHA-256 only.
 */
#ifndef ADIT_STORE_STORE_H
#define ADIT_STORE_STORE_H

#include "base/check.h"
#include "base/slice.h"
#include "store/store_result.h"

struct store;
struct engine_ops;

/* NULL and a malloced sentence. */
struct store *store_open(const struct engine_ops *engine, const char *where,
    char **ret_error) must_use;
/* Finishes what was submitted, then ends the thread. */
void store_close(struct store *s);

enum store_op {
	/*
	 * in: account (made when new), label, expires, scope, key; out: token_id, token (clear, only
	 * here). A token with a scope gets its names for the account; refused: which one it cannot have
	 */
	STORE_TOKEN_ADD,
	/* in: account ("" = all), token_id (rows after it); out: at most LIMIT_STORE_ROWS rows */
	STORE_TOKEN_LIST,
	/* in: token_id (rows after it); out: as many of those with a key that were not revoked */
	STORE_TOKEN_KEYS,
	/* in: token_id; out: account */
	STORE_TOKEN_REVOKE,
	/* in: token (clear); out: account, token_id, expires, scope. Same work for
	 * an unknown one (S-05) */
	STORE_LOGIN,
	/* in: account, name ("" = random: the one kept for `key`, or a new one), key; out: name */
	/* also in: set_policy, policy (empty: none), tls: kept with the name, as opaque bytes */
	STORE_NAME_CLAIM,
	/* in: account ("" = operator), name: becomes a tombstone for ever */
	STORE_NAME_RELEASE,
	/* in: name; out: account: the operator switches it off, or on; nobody else can. GONE: a tombstone */
	STORE_NAME_DISABLE,
	STORE_NAME_ENABLE,
	/* in: account ("" = all), name (rows after it); out: at most LIMIT_STORE_ROWS rows */
	STORE_NAME_LIST,
	/* in: name (rows after it); out: names and policies, at most LIMIT_STORE_POLICIES rows */
	STORE_NAME_POLICIES,
	/* in: name; out: account; OK, NONE or GONE */
	STORE_NAME_LOOKUP,
	/*
	 * in: account, port (0 = the one kept for `key`, or a free one of port_min..port_max), key
	 * out: port; STORE_LIMIT also when the range is used up
	 */
	STORE_PORT_CLAIM,
	/* in: account ("" = operator), port */
	STORE_PORT_RELEASE,
	/* in: port (rows after it); out: at most LIMIT_STORE_ROWS rows */
	STORE_PORT_LIST,
	/* in: name ("": port), stopped: its agent was stopped in order, or there is one again */
	STORE_STOPPED,
	/* in: account, event, text */
	STORE_AUDIT,
	/* out: text: one line of counters */
	STORE_STAT,
};

/* LIMIT_TOKEN_NAMES names of 63 characters, with commas between. */
#define STORE_SCOPE_BYTES 1024

struct store_row {
	char token_id[24], account[64], name[64], label[64];
	uint16_t port;
	bool revoked, tombstone, tls, disabled;
	char *policy; /* malloced; freed by store_req_fini() */
	size_t n_policy;
	char *scope, *key; /* of a token, malloced as well; NULL: none */
	size_t n_key;
	int64_t created_ms, expires_ms, used_ms, stopped_ms; /* wall clock, 0 = none */
};

/* Private: how a request of any kind waits for the store's thread. */
struct store_job {
	struct store_job *next;
	const struct store_job_kind *kind;
	enum store_result result;
	bool settled;
};

/* A token: TOKEN_ADD, TOKEN_LIST, TOKEN_REVOKE, LOGIN. */
struct store_grant {
	char id[24], token[128], label[64];
	char scope
	    [STORE_SCOPE_BYTES]; /* "": an agent's; "home,nas": for dynamic DNS of these names */
	char refused[64];
	struct slice
	    key; /* for signed DNS updates, sealed; empty: none; the caller's until done() */
	int64_t expires_ms; /* wall clock, 0: never */
};

/* A name or a port: NAME_*, PORT_*, STOPPED. */
struct store_route {
	char name[64], key[64];
	uint16_t port, port_min, port_max;
	uint32_t per_account_max; /* CLAIM: names or ports of an account, 0 = no limit */
	bool set_policy, stopped;
	bool tls;            /* with set_policy: the TLS of its visitors ends at the agent */
	struct slice policy; /* the caller's until done() */
};

/* AUDIT, STAT. */
struct store_note {
	char event[64], text[256];
};

/* Texts end with a NUL. What of the union counts, and which way, stands at the operation. */
struct store_req {
	enum store_op op;
	void (*done)(struct store_req *req);
	void *owner;
	char account[64];
	int64_t now_ms; /* wall clock, 0: the store looks itself */
	union {
		struct store_grant grant;
		struct store_route route;
		struct store_note note;
	};
	/* out */
	enum store_result result;
	struct store_row *rows; /* malloced; freed by store_req_fini() */
	size_t n_rows;
	/* private */
	struct store_job job;
};

/* The request stays the caller's and must live until done(). */
void store_submit(struct store *s, struct store_req *req);
/* Frees rows and wipes the token. */
void store_req_fini(struct store_req *req);
/* False after a write or fsync has failed. Any thread. */
bool store_healthy(const struct store *s);
/* What is wrong, for people: why store_healthy() is false, that there is no space, or what is damaged;
 * "". Any thread; until the same thread's next call. */
const char *store_error(struct store *s);
/* How many commits have written, each with one fsync, since the store was opened. Any thread. */
uint64_t store_commits(const struct store *s);

/*
 * A token in clear: "adit_" token_id "_" secret (43 characters base62, 256 bits) checksum (6): the
 * prefix and the checksum let secret scanners find it.  False when it is not of that form (nothing
 * secret is compared).
 */
bool store_token_ok(struct slice token);

#endif
