/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a ClientHello out of its records.
 *
 *	record:     22 | version 2 | length 2 | part of a message ...       (RFC 8446 5.1)
 *	message:     1 | length 3 | body                                    (4)
 *	body:       version 2 | random 32 | session <1> | ciphers <2> | compression <1> | extensions <2>
 *	extension:  type 2 | value <2>
 */
#include "net/clienthello.h"

#include "base/limits.h"
#include "base/wire.h"

#define RECORD_HEAD_BYTES 5
#define RECORD_BYTES_MAX 16384
#define RECORD_HANDSHAKE 22
#define MESSAGE_HEAD_BYTES 4
#define CLIENT_HELLO 1
#define EXTENSION_SNI 0
#define EXTENSION_ALPN 16

/* --- names --- */

bool
clienthello_host(struct slice s, char dst[CLIENTHELLO_HOST_BYTES])
{
	size_t label = 0;

	if (s.n == 0 || s.n >= CLIENTHELLO_HOST_BYTES)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		dst[i] = c;
		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
		if (++label > 63)
			return false;
	}
	dst[s.n] = '\0';
	return label > 0;
}

/* One name of the only type that there is: RFC 6066 forbids two. */
bool
clienthello_sni(struct slice ext, char dst[CLIENTHELLO_HOST_BYTES])
{
	struct wire_in w = wire_in(ext);
	struct wire_in list = wire_in(wire_vec(&w, 2));
	uint64_t type = wire_uint(&list, 1);
	struct slice name = wire_vec(&list, 2);

	return !w.failed && w.left.n == 0 && !list.failed && list.left.n == 0 && type == 0 &&
	       clienthello_host(name, dst);
}

static bool
is_plain(struct slice name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '.' && c != '/' && c != '-' && c != '_')
			return false;
	}
	return name.n > 0;
}

/* RFC 7301 3.1: names of 1 to 255 bytes, at least one. */
static bool
read_alpn(struct slice ext, char *dst)
{
	struct wire_in w = wire_in(ext);
	struct wire_in list = wire_in(wire_vec(&w, 2));
	size_t n = 0;

	if (w.failed || w.left.n > 0 || list.left.n == 0)
		return false;
	while (list.left.n > 0) {
		struct slice name = wire_vec(&list, 1);

		if (list.failed || name.n == 0)
			return false;
		if (!is_plain(name) || n + name.n + 2 > CLIENTHELLO_ALPN_BYTES)
			continue;
		if (n > 0)
			dst[n++] = ',';
		memcpy(dst + n, name.p, name.n);
		n += name.n;
	}
	dst[n] = '\0';
	return true;
}

/* --- the message --- */

/* A type twice is forbidden (RFC 8446 4.2): two readers could take two different names. */
static bool
read_extensions(struct slice all, struct clienthello *h)
{
	struct wire_in w = wire_in(all);
	bool sni = false, alpn = false;

	while (w.left.n > 0) {
		uint64_t type = wire_uint(&w, 2);
		struct slice value = wire_vec(&w, 2);

		if (w.failed)
			return false;
		if (type == EXTENSION_SNI) {
			if (sni || !clienthello_sni(value, h->sni))
				return false;
			sni = true;
		} else if (type == EXTENSION_ALPN) {
			if (alpn || !read_alpn(value, h->alpn))
				return false;
			alpn = true;
		}
	}
	return true;
}

static bool
read_body(struct slice body, struct clienthello *h)
{
	struct wire_in w = wire_in(body);
	struct slice extensions = S("");

	(void)wire_bytes(&w, 2 + 32);
	(void)wire_vec(&w, 1);
	(void)wire_vec(&w, 2);
	(void)wire_vec(&w, 1);
	/* TLS 1.2 may go without any. */
	if (!w.failed && w.left.n > 0)
		extensions = wire_vec(&w, 2);
	return !w.failed && w.left.n == 0 && read_extensions(extensions, h);
}

/* --- records --- */

/* What of a message has come so far; one in a single record stays where it is. */
struct gathered {
	struct slice part;
	char *room; /* LIMIT_CLIENTHELLO_BYTES */
	bool copied;
};

/* As much as the message needs at most. */
static void
gather(struct gathered *g, struct slice more)
{
	size_t space = LIMIT_CLIENTHELLO_BYTES - g->part.n;

	if (g->part.n == 0 && !g->copied) {
		g->part = slice_head(more, more.n < space ? more.n : space);
		return;
	}
	if (!g->copied) {
		memcpy(g->room, g->part.p, g->part.n);
		g->copied = true;
	}
	if (more.n > space)
		more.n = space;
	memcpy(g->room + g->part.n, more.p, more.n);
	g->part = slice_of(g->room, g->part.n + more.n);
}

/* 0: not known yet, or SIZE_MAX: it is none that could be read. */
static size_t
message_bytes(struct slice part)
{
	struct wire_in w = wire_in(part);
	uint64_t type = wire_uint(&w, 1), n;

	if (part.n > 0 && type != CLIENT_HELLO)
		return SIZE_MAX;
	n = wire_uint(&w, 3);
	if (w.failed)
		return 0;
	return n > LIMIT_CLIENTHELLO_BYTES ? SIZE_MAX : MESSAGE_HEAD_BYTES + (size_t)n;
}

enum clienthello_result
clienthello_read(struct slice bytes, struct clienthello *ret)
{
	char room[LIMIT_CLIENTHELLO_BYTES] UNCLEARED;
	struct gathered g = { .room = room };
	/* Records count with their heads: a byte a record would make six of one. */
	struct wire_in w = wire_in(slice_head(bytes, LIMIT_CLIENTHELLO_BYTES));
	enum clienthello_result more =
	    bytes.n < LIMIT_CLIENTHELLO_BYTES ? CLIENTHELLO_MORE : CLIENTHELLO_OTHER;

	ret->sni[0] = ret->alpn[0] = '\0';
	for (;;) {
		struct slice head = slice_head(w.left, 2);
		size_t length, message, have;

		/* Told by as little as there is: who speaks something else may wait for us. */
		if ((head.n > 0 && head.p[0] != RECORD_HANDSHAKE) || (head.n > 1 && head.p[1] != 3))
			return CLIENTHELLO_OTHER;
		if (w.left.n < RECORD_HEAD_BYTES)
			return more;
		(void)wire_bytes(&w, 3);
		length = (size_t)wire_uint(&w, 2);
		if (length == 0 || length > RECORD_BYTES_MAX)
			return CLIENTHELLO_OTHER;
		have = length < w.left.n ? length : w.left.n;
		gather(&g, wire_bytes(&w, have));
		message = message_bytes(g.part);
		if (message == SIZE_MAX)
			return CLIENTHELLO_OTHER;
		if (message != 0 && g.part.n >= message)
			break;
		if (have < length)
			return more;
	}
	return read_body(slice_from(slice_head(g.part, message_bytes(g.part)), MESSAGE_HEAD_BYTES),
		   ret)
		   ? CLIENTHELLO_DONE
		   : CLIENTHELLO_OTHER;
}
