/* SPDX-License-Identifier: Apache-2.0 */
/* What people would see of a server's certificates: names that are missing, dates that are past. */
#include "net/tls.h"

#include "net/tls_cert.h"
#include "net/tls_private.h"

#include <openssl/x509v3.h>
#include <time.h>

enum { COVERS_NOTHING = 0, COVERS_A_NAME = 1, COVERS_DOMAIN = 2, COVERS_ALL = 4 };

/* Of these, all that are true: a name below the domain, the domain itself, "*.domain". */
static unsigned
covers(X509 *cert, const char *domain)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct slice d = slice_str(domain);
	unsigned all = COVERS_NOTHING;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int type;
		const ASN1_STRING *v =
		    GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
		struct slice n, rest;

		if (type != GEN_DNS)
			continue;
		n = slice_of(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v));
		rest = n.n > d.n ? slice_from(n, n.n - d.n) : n;
		if (!slice_ieq(rest, d))
			continue;
		if (n.n == d.n)
			all |= COVERS_DOMAIN;
		else if (slice_eq(slice_head(n, n.n - d.n), S("*.")))
			all |= COVERS_ALL;
		else if (n.p[n.n - d.n - 1] == '.')
			all |= COVERS_A_NAME;
	}
	GENERAL_NAMES_free(names);
	return all;
}

static char *
date_fault(X509 *cert, const char *path, time_t now)
{
	char date[64];

	if (X509_cmp_time(X509_get0_notAfter(cert), &now) <= 0) {
		tls_cert_date(X509_get0_notAfter(cert), date, sizeof(date));
		return tls_sentence("the certificate %s expired on %s: renew it", path, date);
	}
	if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0) {
		tls_cert_date(X509_get0_notBefore(cert), date, sizeof(date));
		return tls_sentence("the certificate %s is valid only from %s on: is the clock of "
				    "this machine right?",
		    path, date);
	}
	return NULL;
}

char *
tls_server_fault(const struct tls_server *s, const struct tls_cert_files *files, const char *domain,
    int64_t now)
{
	unsigned all = COVERS_NOTHING;
	char names[300], foreign_names[300];
	size_t foreign = SIZE_MAX;
	X509 *cert;

	if (tls_server_cert(s, 0) == NULL)
		return NULL; /* they come from elsewhere */
	if (domain[0] == '[' || domain[strspn(domain, "0123456789.")] == '\0')
		all = COVERS_ALL; /* an address in place of a domain: no names to cover */
	for (size_t i = 0; (cert = tls_server_cert(s, i)) != NULL; i++) {
		char *fault = date_fault(cert, files[i].cert_path, (time_t)now);
		unsigned c = covers(cert, domain);

		if (fault != NULL)
			return fault;
		tls_cert_names(cert, "no name", names, sizeof(names));
		/* It may be an own domain's; but where names of the edge have none, it is the reason. */
		if (c == COVERS_NOTHING && foreign == SIZE_MAX) {
			foreign = i;
			memcpy(foreign_names, names, sizeof(names));
		}
		all |= c;
	}
	/* Names of tunnels may each have a certificate; then the edge needs one for its own. */
	if ((all & COVERS_ALL) != 0 || all == (COVERS_A_NAME | COVERS_DOMAIN))
		return NULL;
	if (foreign != SIZE_MAX)
		return tls_sentence("the certificate %s is for %s, neither for *.%s nor for %s",
		    files[foreign].cert_path, foreign_names, domain, domain);
	return tls_sentence("certificates: none is for *.%s, so tunnels that are called "
			    "NAME.%s have none: get a certificate for both names, %s and *.%s",
	    domain, domain, domain, domain);
}
