/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domain names as they stand on the wire, without compression (RFC 1035 3.1): labels of 1 to 63
 * bytes, each after its length, and the empty root label at the end:
 *
 *	3 w w w 7 e x a m p l e 0
 *
 * A name is a slice of such bytes that has been judged: dnsread and dname_parse() make them, and
 * the functions here take nothing else. Two names are the same apart from ASCII case (RFC 4343).
 * No length byte is a letter, so a whole name can be folded without a look at its labels.
 */
#ifndef ADIT_DNS_DNAME_H
#define ADIT_DNS_DNAME_H

#include "base/check.h"
#include "base/slice.h"

#define DNAME_BYTES 255 /* RFC 1035 2.3.4, length bytes and root label counted */
#define DNAME_LABEL_BYTES 63
#define DNAME_LABELS 127 /* the root label not counted */
/* As text with its NUL: each byte of a label as \DDD, and a dot for each length byte. */
#define DNAME_TEXT_BYTES 1024

/* Room for one name. */
struct dname {
	uint8_t n; /* bytes; 0: no name was read */
	unsigned char p[DNAME_BYTES];
};

static inline struct slice
dname_slice(const struct dname *d)
{
	return (struct slice){ (const char *)d->p, d->n };
}

/* Copies a name. */
void dname_set(struct dname *d, struct slice name);
/* The same, in lower case. */
void dname_set_lower(struct dname *d, struct slice name);
/*
 * "www.example.org" with or without the last dot, "." for the root, \. and \DDD as in zone files
 * (RFC 1035 5.1). False for an empty label, a label or name that is too long, a bad escape.
 */
bool dname_parse(struct slice text, struct dname *ret_name) must_use;
/* The inverse, without the last dot (the root is "."); cap >= DNAME_TEXT_BYTES. */
void dname_text(struct slice name, char *dst, size_t cap);
/* Labels of a name; "www.example.org" has 3, the root 0. */
unsigned dname_labels(struct slice name);
/* The name without its first n labels, of which it has as many at least. */
struct slice dname_skip(struct slice name, unsigned n);
bool dname_eq(struct slice a, struct slice b);
/* Is it `zone` itself or a name below? */
bool dname_in(struct slice name, struct slice zone);
/* Is its first label a "*" alone (RFC 4592 2.1.1)? */
bool dname_is_wild(struct slice name);
/* "*." and the name; false where that is too long. */
bool dname_wild(struct slice name, struct dname *ret_wild) must_use;

static inline unsigned char
dname_fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

#endif
