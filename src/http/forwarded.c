/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of forwarding fields, read from its end (forwarded.h). */
#include "http/forwarded.h"

#include "http/token.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* The last elements of the chain; the newest is at (n - 1) % FORWARDED_MAX. */
struct chain {
	struct slice at[FORWARDED_MAX];
	size_t n;
};

/* --- elements --- */

/* Cuts off what stands before the next `separator` that is in no quotes. */
static struct slice
next_part(struct slice *rest, char separator)
{
	struct slice part = *rest;
	bool quoted = false;
	size_t i = 0;

	for (; i < rest->n && (quoted || rest->p[i] != separator); i++) {
		if (rest->p[i] == '"')
			quoted = !quoted;
		else if (quoted && rest->p[i] == '\\' && i + 1 < rest->n)
			i++;
	}
	part.n = i;
	*rest = slice_from(*rest, i < rest->n ? i + 1 : i);
	return slice_trim(part);
}

/*
 * Fields in the order in which they came: a chain may be spread over several (RFC 9110 5.3).
 * Only the last FORWARDED_MAX elements are kept, in a ring.
 */
static void
collect(const struct h1_head *h, struct slice buf, struct slice name, struct chain *c)
{
	const struct h1_field *f;
	size_t at = 0;

	while ((f = h1_find(h, buf, name, &at)) != NULL) {
		struct slice rest = h1_text(buf, f->value);

		while (rest.n > 0) {
			struct slice part = next_part(&rest, ',');

			/* RFC 9110 5.6.1: empty elements are none */
			if (part.n > 0)
				c->at[c->n++ % FORWARDED_MAX] = part;
		}
	}
}

/* The value of for= in an element of Forwarded, without its quotes. */
static struct slice
node_of(struct slice element)
{
	while (element.n > 0) {
		struct slice pair = next_part(&element, ';');

		if (pair.n < 4 || !token_is(slice_head(pair, 3), S("for")) || pair.p[3] != '=')
			continue;
		pair = slice_from(pair, 4);
		if (pair.n >= 2 && pair.p[0] == '"' && pair.p[pair.n - 1] == '"')
			pair = slice_of(pair.p + 1, pair.n - 2);
		return pair;
	}
	return S("");
}

/* --- addresses --- */

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711" */
static bool
parse_address(struct slice s, struct sockaddr_storage *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	size_t colon = slice_find(s, ':'), bracket;
	char text[INET6_ADDRSTRLEN];

	if (s.n > 0 && s.p[0] == '[') {
		bracket = slice_find(s, ']');
		if (bracket == SIZE_MAX)
			return false;
		s = slice_of(s.p + 1, bracket - 1);
	} else if (colon != SIZE_MAX && slice_find(slice_from(s, colon + 1), ':') == SIZE_MAX) {
		s = slice_head(s, colon);
	}
	if (!slice_z(s, text, sizeof(text)))
		return false;
	*ret = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		memcpy(ret, &in, sizeof(in));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(ret, &in6, sizeof(in6));
	else
		return false;
	return true;
}

/*
 * From the end: each proxy adds what it saw behind what it was told. At the first word that is
 * no address the last good one counts.
 */
bool
forwarded_client(const struct h1_head *h, struct slice buf, const struct cidr_set *trusted,
    struct sockaddr_storage *ret)
{
	struct chain c = { .n = 0 };
	bool rfc7239 = false, found = false;

	collect(h, buf, S("X-Forwarded-For"), &c);
	if (c.n == 0) {
		rfc7239 = true;
		collect(h, buf, S("Forwarded"), &c);
	}
	for (size_t i = 0; i < c.n && i < FORWARDED_MAX; i++) {
		struct slice s = c.at[(c.n - 1 - i) % FORWARDED_MAX];
		struct sockaddr_storage ss;

		if (!parse_address(rfc7239 ? node_of(s) : s, &ss))
			return found;
		*ret = ss;
		found = true;
		if (!cidr_set_has(trusted, &ss))
			return true;
	}
	return found;
}
