/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the next piece of a body that stays here (body.h). */
#include "edge/visit/body.h"

bool
body_read(struct exchange *x, struct slice *ret)
{
	struct conn *c = x->front->conn;
	char *scratch = loop_scratch(x->worker->loop);
	size_t n;

	check(x->sent == EXCHANGE_COMES); /* nothing is to be read behind its end */
	switch (conn_read(c, scratch, LIMIT_DATA_FRAME_BYTES, &n)) {
	case IO_OK:
		if (c->readable)
			conn_again(c, LOOP_IN);
		*ret = slice_of(scratch, n);
		return true;
	case IO_WAIT:
		return false;
	case IO_EOF:
	case IO_FAIL:
		front_cut(x->front, FRONT_CLOSE);
		return false;
	}
	return false;
}
