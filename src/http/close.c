/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of all ends that an exchange can come to. */
#include "http/close.h"

static const struct close_row rows[] = {
#define X(symbol, name, blame, status, retry, what, remedy)                                        \
	[CLOSE_##symbol] = { name, BLAME_##blame, status, retry, what, remedy },
	CLOSE_TABLE(X)
#undef X
};

/* A number outside the table is a mistake of ours, but people must get an answer. */
const struct close_row *
close_row(enum close_code code)
{
	return &rows[(unsigned)code < CLOSE_ROWS ? code : CLOSE_INTERNAL];
}

const struct close_row *
close_find(struct slice name)
{
	for (size_t i = 0; i < CLOSE_ROWS; i++)
		if (slice_eq(slice_str(rows[i].name), name))
			return &rows[i];
	return NULL;
}
