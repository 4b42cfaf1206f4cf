/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong with TLS, in sentences that tell a person what to do. */
#include "net/tls_private.h"

#include "net/tls_cert.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SENTENCE_BYTES 512

/* Sticky: from here on every call of the connection fails with the first sentence. */
void
tls_fail(struct tls *t, const char *fmt, ...)
{
	char text[SENTENCE_BYTES];
	va_list ap;

	t->failed = true;
	if (t->why != NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->why = strdup(text);
}

/* In words that say who has to do what; NULL where OpenSSL's own are as good. */
static const char *
known_reason(const struct tls *t, int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_UNKNOWN_PROTOCOL:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
		return "the other side does not speak TLS";
	case SSL_R_NO_APPLICATION_PROTOCOL:
		return "the other side offers no protocol (ALPN) that is spoken here";
	case SSL_AD_REASON_OFFSET +
	    SSL_AD_NO_APPLICATION_PROTOCOL: /* has a name only since 3.0.14 */
		return t->link
			   ? "the server does not speak adit/1: is this the address of an aditd?"
		       : t->challenge_only ? "the server refuses acme-tls/1 (ALPN)"
					   : "the server refuses http/1.1 (ALPN)";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return "no TLS version in common";
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
		return "no TLS cipher or certificate type in common";
	case SSL_R_TLSV1_UNRECOGNIZED_NAME:
		return "the server does not know the host name that was asked for (SNI)";
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
		return "the other side does not trust this certificate's CA";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
		return "the other side says that this certificate has expired";
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
		return "the other side does not accept this certificate";
	default:
		return NULL;
	}
}

void
tls_fail_openssl(struct tls *t)
{
	unsigned long e = ERR_peek_error();
	const char *known = known_reason(t, ERR_GET_REASON(e));
	const char *reason = ERR_reason_error_string(e);

	if (ERR_GET_LIB(e) == ERR_LIB_SSL && known != NULL)
		tls_fail(t, "%s", known);
	else
		tls_fail(t, "TLS: %s", reason == NULL ? "unknown error" : reason);
	ERR_clear_error();
}

/* --- certificates --- */

static void
fail_dates(struct tls *t, X509 *cert, int error)
{
	char date[64];

	if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
		tls_cert_date(X509_get0_notAfter(cert), date, sizeof(date));
		tls_fail(t,
		    "the certificate has expired on %s: it must be renewed "
		    "(or the clock here is wrong)",
		    date);
	} else {
		tls_cert_date(X509_get0_notBefore(cert), date, sizeof(date));
		tls_fail(t, "the certificate is not valid before %s: is the clock here right?",
		    date);
	}
}

/*
 * OpenSSL calls it for each certificate of a chain; the first fault ends the handshake. It
 * never says yes where OpenSSL says no.
 */
int
tls_verify_cb(int ok, X509_STORE_CTX *x)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(x);
	int error = X509_STORE_CTX_get_error(x);
	char names[SENTENCE_BYTES / 2];

	if (ok)
		return ok;
	switch (error) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		tls_cert_names(X509_STORE_CTX_get0_cert(x), "other names", names, sizeof(names));
		tls_fail(t, "the certificate is for %s, not for %s", names, t->host);
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		fail_dates(t, cert, error);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		tls_fail(t, "certificate verify failed: %s; give its CA with --ca",
		    X509_verify_cert_error_string(error));
		break;
	default:
		tls_fail(t, "certificate verify failed: %s", X509_verify_cert_error_string(error));
		break;
	}
	return 0;
}
