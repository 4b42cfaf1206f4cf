/* SPDX-License-Identifier: Apache-2.0 */
/* Between conn.c and the TLS layer under it (tls_io.c): the raw
 * socket upwards, records downwards. */
#ifndef ADIT_NET_CONN_PRIVATE_H
#define ADIT_NET_CONN_PRIVATE_H

#include "net/conn.h"

/* The socket's calls; they keep sock_in and sock_out. */
enum io conn_raw_recv(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n);
enum io conn_raw_send(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n);

/* c->tls is set. */
extern const struct conn_ops tls_conn_ops;
/* NULL when the layer has no complaint. */
const char *tls_why(const struct tls *t);

#endif
