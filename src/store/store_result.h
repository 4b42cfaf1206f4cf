/* SPDX-License-Identifier: Apache-2.0 */
/* What came of a job of the store. */
#ifndef ADIT_STORE_STORE_RESULT_H
#define ADIT_STORE_STORE_RESULT_H

enum store_result {
	STORE_OK,
	STORE_NONE,    /* no such row */
	STORE_TAKEN,   /* name or port belongs to another account */
	STORE_GONE,    /* name is a tombstone */
	STORE_CHANGED, /* another version of the item is there */
	STORE_LIMIT,   /* the account has as many as it may */
	STORE_REVOKED, /* token revoked or expired */
	STORE_FULL,    /* no space on the disk */
	STORE_BROKEN,  /* the store has failed; see store_error() */
	STORE_DAMAGED, /* a page of the file that this needs is damaged; the rest goes on */
	STORE_UNSURE,  /* it failed in the commit of this: the next start finds it stored, or not */
	STORE_INVALID, /* not well formed: an empty or endless name, a port out of range */
};

/* For people; static. */
const char *store_result_text(enum store_result r);

#endif
