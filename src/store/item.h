/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small things that the store keeps whole: a certificate with its order, a CA's account, the records
 * of a name.  Each has a kind, a name and a version that grows with every change; what is in it is
 * its owner's to know, who seals what is secret before it comes here.
 *
 *	PUT   a new version, in place of the one that its owner has seen
 *	DEL   the same without a successor
 *	LIST  all of a kind in the order of their names, some at a time
 *
 * Whoever has seen an old version gets STORE_CHANGED and reads again.
 */
#ifndef ADIT_STORE_ITEM_H
#define ADIT_STORE_ITEM_H

#include "store/store.h"

enum item_op { ITEM_PUT, ITEM_DEL, ITEM_LIST };

#define ITEM_ANY UINT64_MAX /* whatever version is there, or none */
#define ITEM_KIND_BYTES 16
#define ITEM_NAME_BYTES 256

struct item_row {
	char name[ITEM_NAME_BYTES], account[64];
	uint64_t version;
	int64_t changed_ms; /* wall clock */
	char *bytes;        /* malloced; freed by item_req_fini() */
	size_t n;
};

/* Texts end with a NUL. */
struct item_req {
	enum item_op op;
	void (*done)(struct item_req *req); /* on the store's thread, as in store.h */
	void *owner;
	char kind[ITEM_KIND_BYTES];
	char name
	    [ITEM_NAME_BYTES]; /* PUT, DEL: which one; LIST: those behind it, "": from the first */
	char account[64];      /* PUT: whose it is, "": the edge's; LIST: "": everybody's */
	/* PUT, DEL in: the version in whose place it comes, 0: there is none, or ITEM_ANY. PUT out: its own. */
	uint64_t version;
	struct slice bytes; /* PUT: at most LIMIT_ITEM_BYTES; the caller's until done() */
	int64_t now_ms;     /* wall clock, 0: the store looks itself */
	/* out */
	enum store_result result; /* DEL of nothing: STORE_NONE */
	struct item_row
	    *rows; /* LIST: at most LIMIT_STORE_ROWS, and about LIMIT_STORE_BATCH_BYTES */
	size_t n_rows;
	bool more; /* LIST: there are others behind the last row */
	/* private */
	uint64_t expected;
	struct store_job job;
};

/* The request stays the caller's and must live until done(). */
void item_submit(struct store *s, struct item_req *req);
void item_req_fini(struct item_req *req);

#endif
