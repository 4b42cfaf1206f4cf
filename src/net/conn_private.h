/* SPDX-License-Identifier: Apache-2.0 */
/* Between conn.c and the TLS layer under it (tls_io.c): the raw
 * socket upwards, records downwards. */
#ifndef ADIT_NET_CONN_PRIVATE_H
#define ADIT_NET_CONN_PRIVATE_H

#include "net/conn.h"

/* The socket's calls; they keep sock_in and sock_out. */
enum io conn_raw_recv(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n);
enum io conn_raw_send(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n);

/* As conn_*() of the same names; c->tls is set. */
enum io tls_handshake(struct conn *c);
enum io tls_read(struct conn *c, void *dst, size_t cap, size_t *ret_n);
enum io tls_write(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n);
/* Sends what waits. IO_OK when nothing waits any more. */
enum io tls_flush(struct conn *c);
/* Queues close_notify and sends what the socket takes. */
void tls_shut(struct conn *c);
bool tls_has_buffered(const struct tls *t);
size_t tls_waiting(const struct tls *t);
/* NULL when the layer has no complaint. */
const char *tls_why(const struct tls *t);

#endif
