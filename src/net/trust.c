/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the certificates that this system trusts. */
#include "net/trust.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Gentoo */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL, CentOS */
	"/etc/pki/tls/certs/ca-bundle.crt",                  /* older ones of them */
	"/etc/ssl/ca-bundle.pem",                            /* openSUSE */
	"/etc/ssl/cert.pem",                                 /* Alpine, OpenBSD, macOS */
	"/usr/local/share/certs/ca-root-nss.crt",            /* FreeBSD */
	"/etc/ssl/certs/ca-bundle.crt",                      /* NixOS */
	"/var/lib/ca-certificates/ca-bundle.pem",            /* openSUSE without the link above */
	NULL,
};

const char *
trust_first(const char *const *paths)
{
	for (; *paths != NULL; paths++)
		if (access(*paths, R_OK) == 0)
			return *paths;
	return NULL;
}

/* Somebody has said where, or it is where OpenSSL was told to look when it was built. */
static bool
openssl_knows(void)
{
	return getenv(X509_get_default_cert_file_env()) != NULL ||
	       getenv(X509_get_default_cert_dir_env()) != NULL ||
	       access(X509_get_default_cert_file(), R_OK) == 0 ||
	       access(X509_get_default_cert_dir(), R_OK | X_OK) == 0;
}

const char *
trust_system(SSL_CTX *ctx)
{
	const char *bundle;

	if (openssl_knows())
		return SSL_CTX_set_default_verify_paths(ctx) == 1
			   ? NULL
			   : "the system's certificates cannot be loaded";
	bundle = trust_first(bundles);
	if (bundle == NULL)
		return "this system has no certificates to trust: install its package "
		       "ca-certificates, or set SSL_CERT_FILE to a file of them (PEM)";
	return SSL_CTX_load_verify_file(ctx, bundle) == 1
		   ? NULL
		   : "the system's bundle of certificates cannot be loaded";
}
