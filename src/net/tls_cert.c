/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told of a certificate. */
#include "net/tls_cert.h"

#include "base/check.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

/* Of one name. */
#define NAME_SHOWN 70

/* Names in a certificate are whatever its maker wrote: a terminal must not obey them. */
static void
clean(char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

/* Those of subjectAltName, as many as fit; `otherwise` where there is none. */
void
tls_cert_names(X509 *cert, const char *otherwise, char *dst, size_t cap)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	size_t n = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && n + NAME_SHOWN + 10 < cap; i++) {
		int type, length;
		const ASN1_STRING *v =
		    GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);

		if (type != GEN_DNS)
			continue;
		length = ASN1_STRING_length(v);
		n += (size_t)snprintf(dst + n, cap - n, "%s%.*s", n > 0 ? ", " : "",
		    length > NAME_SHOWN ? NAME_SHOWN : length,
		    (const char *)ASN1_STRING_get0_data(v));
	}
	GENERAL_NAMES_free(names);
	check(n < cap);
	if (n == 0)
		snprintf(dst, cap, "%s", otherwise);
	clean(dst);
}

void
tls_cert_issuer(X509 *cert, char *dst, size_t cap)
{
	X509_NAME *name = X509_get_issuer_name(cert);

	if (X509_NAME_get_text_by_NID(name, NID_commonName, dst, (int)cap) <= 0 &&
	    X509_NAME_get_text_by_NID(name, NID_organizationName, dst, (int)cap) <= 0)
		snprintf(dst, cap, "an issuer without a name");
	clean(dst);
}

void
tls_cert_date(const ASN1_TIME *time, char *dst, size_t cap)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1 ||
	    strftime(dst, cap, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(dst, cap, "an unknown date");
}
