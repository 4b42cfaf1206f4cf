/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate is for: names (RFC 8555 7.1.4), wildcards (7.1.3) and addresses (RFC 8738), in
 * one canonical spelling.
 */
#ifndef ADIT_ACME_IDENT_H
#define ADIT_ACME_IDENT_H

#include "base/check.h"
#include "base/slice.h"

#define IDENT_BYTES 256 /* of the text and its NUL */
#define IDENT_REVERSE_BYTES 80

struct ident {
	char text[IDENT_BYTES]; /* "a.example.org", "*.example.org", "203.0.113.9", "2001:db8::1" */
	bool wildcard;
	uint8_t ip_n; /* 0: a name; 4 or 16 bytes of an address */
	uint8_t ip[16];
};

/*
 * Reads one of people or of a CA: letters of either case, a dot at the end.  NULL and *ret, or one
 * sentence on what is wrong with it.  A name needs two labels; an underscore is no part of one.
 */
const char *ident_read(struct slice s, struct ident *ret) must_use;
/* "dns" or "ip". */
const char *ident_type(const struct ident *id);
/* The name without "*.": where a wildcard is proven (RFC 8555 8.4). */
const char *ident_base(const struct ident *id);
bool ident_eq(const struct ident *a, const struct ident *b);
/* 9.113.0.203.in-addr.arpa: the server name with which an address is asked (RFC 8738 section 6). */
void ident_reverse(const struct ident *id, char dst[IDENT_REVERSE_BYTES]);

#endif
