/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where TLS ends that came another way than by a socket.  The calls of such a connection take and give
 * TLS, as the server's side of it; on its socket are the plain bytes.
 *
 *	conn_write() ---> records are opened ---> socket
 *	conn_read()  <--- records are sealed <--- socket
 *
 * So what carries bytes between a stream and a connection carries TLS to a server that speaks none.
 * Each direction's end is passed on: close_notify and FIN.  A handshake that fails, or a record that
 * cannot be opened, leaves its alert to be read, then an end; what is written from then on is dropped.
 */
#ifndef ADIT_NET_TLS_END_H
#define ADIT_NET_TLS_END_H

#include "net/conn.h"

/* Of a plain connection from which nothing was read; t is owned from now on, of tls_accept(). -1
 * without memory: t is freed. conn_handshake(): IO_OK once the handshake is done, else IO_WAIT. */
int tls_end_at(struct conn *c, struct tls *t) must_use;
/* TLS has failed: what is read from now on is an alert, and the end. */
bool tls_end_failed(const struct conn *c);

#endif
