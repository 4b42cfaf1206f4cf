/* SPDX-License-Identifier: Apache-2.0 */
/* What a field is to a proxy. */
#include "http/rewrite_private.h"

#include "http/token.h"

/* clang-format off */
/* X(first letter, name, class); no two rows share first letter and length. */
#define NAMES(X)                                                                                   \
	X('h', "host", HOST)                                                                       \
	X('c', "content-length", LENGTH)                                                           \
	X('c', "connection", HOP)                                                                  \
	X('e', "expect", HOP)                                                                      \
	X('h', "http2-settings", HOP)                                                              \
	X('m', "max-forwards", FORWARDS)                                                           \
	X('k', "keep-alive", HOP)                                                                  \
	X('p', "proxy", HOP)                                                                       \
	X('t', "te", ASKS)                                                                         \
	X('t', "trailer", TRAILERS)                                                                  \
	X('t', "transfer-encoding", HOP)                                                           \
	X('u', "upgrade", SWITCH)                                                                  \
	X('c', "cf-connecting-ip", VISITOR)                                                        \
	X('c', "cf-connecting-ipv6", VISITOR)                                                      \
	X('c', "client-ip", VISITOR)                                                               \
	X('f', "fastly-client-ip", VISITOR)                                                        \
	X('f', "forwarded", VISITOR)                                                               \
	X('f', "front-end-https", VISITOR)                                                         \
	X('t', "true-client-ip", VISITOR)                                                          \
	X('w', "wl-proxy-client-ip", VISITOR)                                                      \
	X('x', "x-client-ip", VISITOR)                                                             \
	X('x', "x-cluster-client-ip", VISITOR)                                                     \
	X('x', "x-host", VISITOR)                                                                  \
	X('x', "x-http-host-override", VISITOR)                                                    \
	X('x', "x-originating-ip", VISITOR)                                                        \
	X('x', "x-proxyuser-ip", VISITOR)                                                          \
	X('x', "x-real-ip", VISITOR)                                                               \
	X('x', "x-rewrite-url", VISITOR)                                                           \
	X('x', "x-scheme", VISITOR)                                                                \
	X('x', "x-url-scheme", VISITOR)

/* X(name's beginning, class) */
#define PREFIXES(X)                                                                                \
	X("adit-", OURS)                                                                           \
	X("cf-pseudo-ip", VISITOR)                                                                 \
	X("forwarded-", VISITOR)                                                                   \
	X("proxy-", HOP)                                                                           \
	X("x-forwarded", VISITOR)                                                                  \
	X("x-original-", VISITOR)                                                                  \
	X("x-remote-", VISITOR)
/* clang-format on */

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* `p` (a token) against `lower`.  What is no letter and no digit is taken for '-', as servers do that
 * make environment variables of names (RFC 3875 4.1.18, and further than it), and *ret_shadow set. */
static bool
reads_as(const char *p, const char *lower, size_t n, bool *ret_shadow)
{
	bool shadow = false;

	for (size_t i = 0; i < n; i++) {
		char c = (char)(p[i] | 0x20);

		if (c == lower[i])
			continue;
		if (lower[i] != '-' || is_alnum(p[i]))
			return false;
		shadow = true;
	}
	*ret_shadow = shadow;
	return true;
}

static enum rewrite_class
classify_prefix(struct slice name, bool *ret_shadow)
{
#define X(lower, as)                                                                               \
	if ((name.p[0] | 0x20) == (lower)[0] && name.n >= sizeof(lower) - 1 &&                     \
	    reads_as(name.p, lower, sizeof(lower) - 1, ret_shadow))                                \
		return as;
	PREFIXES(X)
#undef X
	return PLAIN;
}

/* By first letter and length, so most names cost one look into a table and no comparison. */
enum rewrite_class
rewrite_classify(struct slice name)
{
	enum rewrite_class class = PLAIN;
	bool shadow = false;

	switch (name.n << 8 | ((unsigned char)name.p[0] | 0x20u)) {
#define X(letter, lower, as)                                                                       \
	case (sizeof(lower) - 1) << 8 | (letter):                                                  \
		if (reads_as(name.p, lower, sizeof(lower) - 1, &shadow))                           \
			class = as;                                                                \
		break;
		NAMES(X)
#undef X
	}
	if (class == PLAIN)
		class = classify_prefix(name, &shadow);
	return class != PLAIN && shadow ? SHADOW : class;
}

/* --- what Connection names --- */

/* At most H1_LISTED_MAX: the parser has refused a head with more. */
void
rewrite_listed(const struct h1_head *h, struct slice buf, struct rewrite_listed *ret)
{
	const struct h1_field *f;
	size_t at = 0;

	ret->n = 0;
	if ((h->flags & H1_LISTED) == 0)
		return;
	while ((f = h1_find(h, buf, S("connection"), &at)) != NULL) {
		struct slice list = h1_text(buf, f->value), token;

		while (ret->n < H1_LISTED_MAX && token_next(&list, &token))
			if (!token_is(token, S("close")) && !token_is(token, S("keep-alive")) &&
			    !token_is(token, S("upgrade")))
				ret->names[ret->n++] = token;
	}
}

bool
rewrite_is_listed(const struct rewrite_listed *l, struct slice name)
{
	for (size_t i = 0; i < l->n; i++)
		if (token_eq(l->names[i], name))
			return true;
	return false;
}
