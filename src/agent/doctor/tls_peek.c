/* SPDX-License-Identifier: Apache-2.0 */
/* A handshake that goes on in spite of faults and notes each of them. */
#include "agent/doctor/tls_peek.h"

#include "base/clock.h"
#include "net/tls_cert.h"
#include "net/trust.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One look: a socket of its own and the time at which it ends. */
struct tls_look {
	struct tls_peek *seen;
	int fd;
	int64_t end_us;
};

/* False when the time is over, which the caller tells. */
static bool
wait_for(const struct tls_look *l, short events)
{
	struct pollfd p = { .fd = l->fd, .events = events };
	int64_t left = (l->end_us - clock_mono_us()) / 1000;

	check(l->fd >= 0);
	return left > 0 && poll(&p, 1, (int)left) == 1;
}

/* --- what is wrong with the certificate: all of it --- */

/* As SSL_CTX_set_verify() calls it, once for each fault of each certificate of the chain. 1 lets
 * the handshake go on, so that the next fault is seen, too. */
static int
on_verify(int ok, X509_STORE_CTX *x)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_peek *p = SSL_get_app_data(ssl);

	if (ok)
		return 1;
	switch (X509_STORE_CTX_get_error(x)) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		p->wrong_name = true;
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		p->expired = true;
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		p->early = true;
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		p->self_signed = true;
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		p->no_issuer = true;
		break;
	default:
		snprintf(p->other, sizeof(p->other), "%s",
		    X509_verify_cert_error_string(X509_STORE_CTX_get_error(x)));
	}
	return 1;
}

/*
 * What it says of itself. The chain lacks a certificate where the issuer is unknown, nothing
 * but the server's own was sent, and that one names a place to fetch the issuer's from
 * (caIssuers, RFC 5280, 4.2.2.1).
 */
static void
read_certificate(SSL *ssl, struct tls_peek *p)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	AUTHORITY_INFO_ACCESS *aia;

	if (cert == NULL)
		return;
	p->n_sent = sk_X509_num(SSL_get_peer_cert_chain(ssl));
	tls_cert_names(cert, "no name", p->names, sizeof(p->names));
	tls_cert_issuer(cert, p->issuer, sizeof(p->issuer));
	tls_cert_date(X509_get0_notBefore(cert), p->from, sizeof(p->from));
	tls_cert_date(X509_get0_notAfter(cert), p->until, sizeof(p->until));
	aia = X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);
	for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(aia); i++)
		if (OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(aia, i)->method) == NID_ad_ca_issuers)
			p->incomplete = p->no_issuer && p->n_sent == 1;
	AUTHORITY_INFO_ACCESS_free(aia);
}

/* --- the handshake --- */

/* Why there was no handshake, in words that lead to what is to be mended; else OpenSSL's. */
static const char *
reason_of(const struct tls_look *l)
{
	unsigned long e = ERR_peek_error();
	const char *text = ERR_reason_error_string(e);

	if (clock_mono_us() >= l->end_us)
		return "the TLS handshake was not done in time";
	switch (ERR_GET_REASON(e)) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
		return "it does not speak TLS on this port";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return "no TLS version in common";
	case SSL_R_TLSV1_UNRECOGNIZED_NAME:
		return "it does not know the host name that was asked for (SNI)";
	}
	return e == 0 || text == NULL ? "the connection was closed during the TLS handshake" : text;
}

/* The socket does not wait, so the handshake is driven here until it is done, fails, or is late. */
static bool
shake(struct tls_look *l, SSL *ssl)
{
	for (;;) {
		int rc = SSL_connect(ssl);

		if (rc == 1)
			return true;
		switch (SSL_get_error(ssl, rc)) {
		case SSL_ERROR_WANT_READ:
			if (wait_for(l, POLLIN))
				continue;
			break;
		case SSL_ERROR_WANT_WRITE:
			if (wait_for(l, POLLOUT))
				continue;
			break;
		default:
			break;
		}
		snprintf(l->seen->why, sizeof(l->seen->why), "%s", reason_of(l));
		return false;
	}
}

/* Everything down to TLS 1.0 is taken, to be able to say that it is too old. */
static SSL_CTX *
new_context(const char *ca_path, struct tls_peek *p)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const char *why = NULL;

	if (ctx == NULL)
		return NULL;
	/* Distributions forbid the old ones by level; a handshake with them is a finding. */
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
	if (ca_path == NULL)
		why = trust_system(ctx);
	else if (SSL_CTX_load_verify_locations(ctx, ca_path, NULL) != 1)
		why = "cannot be read as certificates";
	if (why == NULL)
		return ctx;
	snprintf(p->why, sizeof(p->why), "%.80s%s%s", ca_path == NULL ? "" : ca_path,
	    ca_path == NULL ? "" : " ", why);
	SSL_CTX_free(ctx);
	return NULL;
}

static bool
is_number(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static void
look_at_tls(struct tls_look *l, SSL_CTX *ctx, const char *host)
{
	struct tls_peek *p = l->seen;
	SSL *ssl = SSL_new(ctx);
	int64_t start = clock_mono_us();

	check(p->tcp_error == 0);
	if (ssl == NULL)
		return;
	SSL_set_app_data(ssl, p);
	SSL_set_fd(ssl, l->fd);
	/* A number is no name: SNI has none (RFC 6066, 3), and it is verified as an address. */
	if (is_number(host)) {
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
	} else {
		SSL_set1_host(ssl, host);
		SSL_set_tlsext_host_name(ssl, (uintptr_t)host); /* its macro drops const */
	}
	ERR_clear_error();
	p->shaken = shake(l, ssl);
	check(p->shaken == (p->why[0] == '\0'));
	p->tls_us = clock_mono_us() - start;
	if (p->shaken) {
		snprintf(p->version, sizeof(p->version), "%s", SSL_get_version(ssl));
		p->old = SSL_version(ssl) < TLS1_2_VERSION;
		read_certificate(ssl, p);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	ERR_clear_error();
}

/* True when connected. Else l->seen->tcp_error; l->fd is open or -1 in either
 * case, and the caller's. */
static bool
dial(struct tls_look *l, const struct sockaddr *sa, socklen_t len)
{
	int64_t start = clock_mono_us();
	int error = 0;
	socklen_t n = sizeof(error);

	l->fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0) {
		l->seen->tcp_error = errno;
		return false;
	}
	if (connect(l->fd, sa, len) != 0) {
		error = errno;
		if (error == EINPROGRESS && !wait_for(l, POLLOUT))
			error = ETIMEDOUT;
		else if (error == EINPROGRESS)
			(void)getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	}
	l->seen->tcp_error = error;
	l->seen->tcp_us = clock_mono_us() - start;
	return error == 0;
}

void
tls_peek_tcp(const struct sockaddr *sa, socklen_t len, int64_t timeout_ms, struct tls_peek *ret)
{
	struct tls_look l = { ret, -1, clock_mono_us() + timeout_ms * 1000 };

	*ret = (struct tls_peek){ 0 };
	(void)dial(&l, sa, len);
	if (l.fd >= 0)
		close(l.fd);
}

int
tls_peek(const struct sockaddr *sa, socklen_t len, const char *host, const char *ca_path,
    int64_t timeout_ms, struct tls_peek *ret)
{
	struct tls_look l = { ret, -1, clock_mono_us() + timeout_ms * 1000 };
	SSL_CTX *ctx;

	*ret = (struct tls_peek){ 0 };
	ctx = new_context(ca_path, ret);
	if (dial(&l, sa, len) && ctx != NULL)
		look_at_tls(&l, ctx, host);
	SSL_CTX_free(ctx);
	if (l.fd >= 0)
		close(l.fd);
	return ret->shaken && !ret->old && !ret->expired && !ret->early && !ret->self_signed &&
		       !ret->no_issuer && !ret->wrong_name && ret->other[0] == '\0'
		   ? 0
		   : -1;
}
