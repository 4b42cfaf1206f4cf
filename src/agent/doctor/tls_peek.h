/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at a server's TLS, for people: every fault of its certificate at once, in place of the
 * first one that ends a handshake, and the old versions, too.  Nothing is sent over the connection.
 */
#ifndef ADIT_AGENT_DOCTOR_TLS_PEEK_H
#define ADIT_AGENT_DOCTOR_TLS_PEEK_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct tls_peek {
	int tcp_error;          /* errno of connecting, 0: connected */
	int64_t tcp_us, tls_us; /* how long each took */
	bool shaken;            /* a handshake was done, though perhaps with faults */
	char why[200];          /* where not */
	char version[16];
	bool old; /* below TLS 1.2 */
	/* Of the certificate: each fault that there is, not the first alone. */
	bool expired, early, self_signed, no_issuer, wrong_name;
	bool incomplete; /* no_issuer, and the certificate names a place where the missing one is */
	int n_sent;      /* certificates that came */
	char names[200]; /* "a.example, *.b.example" */
	char issuer[120], from[32], until[32];
	char other[120]; /* another fault of the chain; "" none */
};

/*
 * Connects and shakes hands. host: SNI and name to verify, or a number, which is verified as
 * one. ca_path: PEM, NULL: the system's. Waits, for timeout_ms at most. 0 when all is good; else
 * -1, and *ret says what is not.
 */
int tls_peek(const struct sockaddr *sa, socklen_t len, const char *host, const char *ca_path,
    int64_t timeout_ms, struct tls_peek *ret);
/* Connects only: tcp_error and tcp_us are set. */
void tls_peek_tcp(const struct sockaddr *sa, socklen_t len, int64_t timeout_ms,
    struct tls_peek *ret);

#endif
