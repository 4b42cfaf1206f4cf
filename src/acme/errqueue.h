/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fails in libcrypto is left in the thread's queue of errors, where SSL_get_error() of some
 * connection would find it.  These two stand around whatever may fail.
 */
#ifndef ADIT_ACME_ERRQUEUE_H
#define ADIT_ACME_ERRQUEUE_H

#include <openssl/err.h>

static inline int
errqueue_mark(void)
{
	return ERR_set_mark();
}

/* On an empty queue there was nothing to mark. */
static inline void
errqueue_forget(int marked)
{
	if (marked)
		ERR_pop_to_mark();
	else
		ERR_clear_error();
}

#endif
