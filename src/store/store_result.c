/* SPDX-License-Identifier: Apache-2.0 */
/* What came of a job, in words for people (store_result.h). */
#include "store/store_result.h"

const char *
store_result_text(enum store_result r)
{
	switch (r) {
	case STORE_OK:
		return "ok";
	case STORE_NONE:
		return "there is no such thing";
	case STORE_TAKEN:
		return "it belongs to another account";
	case STORE_GONE:
		return "the name was released and is never given out again";
	case STORE_CHANGED:
		return "somebody else has changed it meanwhile";
	case STORE_LIMIT:
		return "the account has as many as it may";
	case STORE_REVOKED:
		return "the token was revoked or has expired";
	case STORE_FULL:
		return "no space on the disk of the store";
	case STORE_BROKEN:
		return "the store has failed";
	case STORE_DAMAGED:
		return "the page of the database that this needs is damaged";
	case STORE_UNSURE:
		return "the store has failed; a restart shows whether this was stored";
	case STORE_INVALID:
		return "the request is not well formed";
	}
	return "unknown";
}
