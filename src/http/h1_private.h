/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: h1.c (heads), h1_line.c, h1_fields.c, h1_body.c, rewrite.c. */
#ifndef ADIT_HTTP_H1_PRIVATE_H
#define ADIT_HTTP_H1_PRIVATE_H

#include "http/h1.h"

/* Names in Connection, each of which is compared with each field: more are a trick. */
#define H1_LISTED_MAX 16

/* Classes of bytes. */
enum {
	CHAR_TOKEN = 1, /* RFC 9110 5.6.2 */
	CHAR_PATH = 2,  /* of a target: RFC 3986 and what browsers leave raw in it */
	CHAR_QUERY = 4,
	CHAR_HEX = 8,
};

/* clang-format off */
#define T CHAR_TOKEN
#define B (CHAR_PATH | CHAR_QUERY)
static const uint8_t char_class[256] = {
	['!'] = T | B, ['"'] = CHAR_QUERY, ['#'] = T, ['$' ... '\''] = T | B, ['(' ... ')'] = B,
	['*' ... '+'] = T | B, [','] = B, ['-' ... '.'] = T | B, ['/'] = B,
	['0' ... '9'] = T | B | CHAR_HEX, [':' ... ';'] = B, ['<'] = CHAR_QUERY, ['='] = B,
	['>' ... '?'] = CHAR_QUERY, ['@'] = B, ['A' ... 'F'] = T | B | CHAR_HEX,
	['G' ... 'Z'] = T | B, ['['] = B, ['\\'] = CHAR_QUERY, [']'] = B, ['^' ... '`'] = T | B,
	['a' ... 'f'] = T | B | CHAR_HEX, ['g' ... 'z'] = T | B, ['{'] = B, ['|'] = T | B,
	['}'] = B, ['~'] = T | B,
};
#undef T
#undef B
/* clang-format on */

static inline bool
char_is(char c, unsigned classes)
{
	return (char_class[(unsigned char)c] & classes) != 0;
}

/* First byte in [p, end) that is not of the class. */
static inline const char *
char_skip(const char *p, const char *end, unsigned classes)
{
	while (p < end && char_is(*p, classes))
		p++;
	return p;
}

static inline struct h1_span
h1_span_of(const char *buf, const char *from, const char *to)
{
	check(buf <= from && from <= to && to - buf <= UINT16_MAX); /* h1_head() looks no further */
	return (struct h1_span){ (uint16_t)(from - buf), (uint16_t)(to - from) };
}

/* --- h1_line.c: the first line, [p, end) without its CR; CLOSE_OK or the fault --- */

enum close_code h1_parse_request_line(struct h1_head *head, const char *buf, const char *p,
    const char *end) must_use;
enum close_code h1_parse_status_line(struct h1_head *head, const char *buf, const char *p,
    const char *end) must_use;
/* As in an absolute target or in Host: a canonical host, and a port or none. */
bool h1_host_is_valid(struct slice s) must_use;

/* --- h1_fields.c --- */

/* A field whose line is whole: CLOSE_OK or the fault. */
enum close_code h1_judge_field(struct h1 *h, const char *buf, const struct h1_field *f) must_use;
/* The head is whole: framing and flags, and the faults that only now are ones. */
void h1_finish(struct h1 *h, uint32_t n_bytes);

/* Records the fault; from now on everything returns H1_BAD. */
enum h1_result h1_fail(struct h1 *h, enum close_code fault);
/* The head is whole: h->head.framing and length say what follows. */
void h1_body_begin(struct h1 *h);

#endif
