/* SPDX-License-Identifier: Apache-2.0 */
/* What every read and write returns: waiting is not an error. */
#ifndef ADIT_BASE_IO_H
#define ADIT_BASE_IO_H

enum io {
	IO_OK,   /* at least one byte moved */
	IO_WAIT, /* nothing now; readiness will be told */
	IO_EOF,  /* the other side has ended its direction in order */
	IO_FAIL, /* the connection is broken; errno or the layer's text says how */
};

#endif
