/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes headers of the PROXY protocol. */
#include "net/proxyproto.h"

#include "base/wire.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE S("\r\n\r\n\0\r\nQUIT\n")
#define V2_HEAD_BYTES 16

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21 };
enum { FAMILY_UNSPEC = 0x00, FAMILY_TCP4 = 0x11, FAMILY_TCP6 = 0x21, FAMILY_UNIX = 0x31 };
enum {
	TLV_ALPN = 0x01,
	TLV_AUTHORITY = 0x02,
	TLV_CRC32C = 0x03,
	TLV_UNIQUE_ID = 0x05,
	TLV_SSL = 0x20,
	TLV_SSL_VERSION = 0x21,
};
#define CLIENT_SSL 0x01

static enum proxyproto_result
bad(const char **ret_why, const char *why)
{
	*ret_why = why;
	return PROXYPROTO_BAD;
}

static void
set_address(struct sockaddr_storage *ss, int family, const void *address, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	*ss = (struct sockaddr_storage){ 0 };
	if (family == AF_INET) {
		memcpy(&in.sin_addr, address, sizeof(in.sin_addr));
		memcpy(ss, &in, sizeof(in));
	} else {
		memcpy(&in6.sin6_addr, address, sizeof(in6.sin6_addr));
		memcpy(ss, &in6, sizeof(in6));
	}
}

/* --- version 1: "PROXY TCP4 192.0.2.1 192.0.2.9 4711 443\r\n" --- */

/* The next word; a blank stands behind each but the last. */
static struct slice
word(struct slice *line)
{
	return slice_cut(line, ' ');
}

/* As the specification spells it: no sign, no zero in front, at most 65535. */
static bool
read_port(struct slice text, uint16_t *ret)
{
	uint64_t v;

	if (text.n == 0 || text.n > 5 || (text.n > 1 && text.p[0] == '0') || !slice_u64(text, &v) ||
	    v > UINT16_MAX)
		return false;
	*ret = (uint16_t)v;
	return true;
}

static bool
read_address(struct slice text, int family, unsigned char dst[16])
{
	char z[INET6_ADDRSTRLEN];

	return slice_z(text, z, sizeof(z)) && inet_pton(family, z, dst) == 1;
}

static enum proxyproto_result
read_v1(struct slice bytes, struct proxyproto *ret, const char **ret_why)
{
	struct slice line = slice_head(bytes, PROXYPROTO_V1_BYTES), words[6];
	size_t end = slice_find(line, '\n');
	unsigned char from[16], to[16];
	uint16_t ports[2];
	int family;

	if (end == SIZE_MAX)
		return bytes.n < PROXYPROTO_V1_BYTES
			   ? PROXYPROTO_MORE
			   : bad(ret_why, "a PROXY header of version 1 has at most 107 bytes");
	if (end == 0 || line.p[end - 1] != '\r')
		return bad(ret_why, "a PROXY header of version 1 ends with CRLF");
	ret->n_bytes = end + 1;
	line.n = end - 1;
	if (slice_eq(line, S("PROXY UNKNOWN")) || slice_starts(line, S("PROXY UNKNOWN "))) {
		ret->local = true;
		return PROXYPROTO_DONE;
	}
	for (size_t i = 0; i < 5; i++)
		words[i] = word(&line);
	words[5] = line;
	family = slice_eq(words[1], S("TCP4"))   ? AF_INET
		 : slice_eq(words[1], S("TCP6")) ? AF_INET6
						 : AF_UNSPEC;
	if (!slice_eq(words[0], S("PROXY")) || family == AF_UNSPEC ||
	    !read_address(words[2], family, from) || !read_address(words[3], family, to) ||
	    !read_port(words[4], &ports[0]) || !read_port(words[5], &ports[1]))
		return bad(ret_why, "no PROXY header: \"PROXY TCP4|TCP6 FROM TO PORT PORT\" is");
	set_address(&ret->from, family, from, ports[0]);
	set_address(&ret->to, family, to, ports[1]);
	return PROXYPROTO_DONE;
}

/* --- version 2 --- */

/* CRC-32C (RFC 3720 B.4), bit by bit: headers are short. */
static uint32_t
crc32c(uint32_t crc, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return crc;
}

/* Over the whole header, with zeros where the sum itself stands; at: of its four bytes. */
static bool
sum_is_right(struct slice header, size_t at, uint32_t sum)
{
	const unsigned char *p = (const unsigned char *)header.p;
	uint32_t crc = crc32c(~0u, p, at);

	crc = crc32c(crc, (const unsigned char *)"\0\0\0\0", 4);
	return ~crc32c(crc, p + at + 4, header.n - at - 4) == sum;
}

/* What a proxy says besides is passed over, but must be whole, and its sum right. */
static bool
tlvs_are_good(struct slice header, struct slice tlvs)
{
	struct wire_in w = wire_in(tlvs);

	while (w.left.n > 0 && !w.failed) {
		uint64_t type = wire_uint(&w, 1);
		struct slice value = wire_vec(&w, 2);
		struct wire_in sum = wire_in(value);

		if (w.failed || type != TLV_CRC32C)
			continue;
		if (value.n != 4 || !sum_is_right(header, (size_t)(value.p - header.p),
					(uint32_t)wire_uint(&sum, 4)))
			return false;
	}
	return !w.failed;
}

/* Addresses of a family that is known; others are LOCAL to us, as the specification has it. */
static bool
read_addresses(struct wire_in *w, uint64_t family, struct proxyproto *ret)
{
	size_t n = family == FAMILY_TCP4 ? 4 : 16;
	struct slice from, to;
	uint16_t ports[2];

	from = wire_bytes(w, n);
	to = wire_bytes(w, n);
	ports[0] = (uint16_t)wire_uint(w, 2);
	ports[1] = (uint16_t)wire_uint(w, 2);
	if (w->failed)
		return false;
	set_address(&ret->from, n == 4 ? AF_INET : AF_INET6, from.p, ports[0]);
	set_address(&ret->to, n == 4 ? AF_INET : AF_INET6, to.p, ports[1]);
	return true;
}

static enum proxyproto_result
read_v2(struct slice bytes, struct proxyproto *ret, const char **ret_why)
{
	struct wire_in w = wire_in(bytes);
	uint64_t command, family, length;
	struct slice header;

	(void)wire_bytes(&w, SIGNATURE.n);
	command = wire_uint(&w, 1);
	family = wire_uint(&w, 1);
	length = wire_uint(&w, 2);
	if (w.failed)
		return PROXYPROTO_MORE;
	if (command != V2_LOCAL && command != V2_PROXY)
		return bad(ret_why, "a PROXY header of a version or command that is not known");
	if (length > PROXYPROTO_BYTES_MAX - V2_HEAD_BYTES)
		return bad(ret_why, "the PROXY header is longer than 4096 bytes");
	if (bytes.n < V2_HEAD_BYTES + length)
		return PROXYPROTO_MORE;
	header = slice_head(bytes, (size_t)(V2_HEAD_BYTES + length));
	w = wire_in(slice_from(header, V2_HEAD_BYTES));
	ret->n_bytes = header.n;
	ret->local = command == V2_LOCAL || (family != FAMILY_TCP4 && family != FAMILY_TCP6);
	if (ret->local)
		return PROXYPROTO_DONE; /* what it says of addresses is to be passed over */
	if (!read_addresses(&w, family, ret))
		return bad(ret_why, "the PROXY header is shorter than its addresses");
	if (!tlvs_are_good(header, w.left))
		return bad(ret_why, "the PROXY header is damaged");
	return PROXYPROTO_DONE;
}

enum proxyproto_result
proxyproto_read(struct slice bytes, struct proxyproto *ret, const char **ret_why)
{
	size_t n = bytes.n < SIGNATURE.n ? bytes.n : SIGNATURE.n;

	*ret = (struct proxyproto){ 0 };
	if (slice_eq(slice_head(bytes, n), slice_head(SIGNATURE, n)))
		return n < SIGNATURE.n ? PROXYPROTO_MORE : read_v2(bytes, ret, ret_why);
	n = bytes.n < 6 ? bytes.n : 6;
	if (!slice_eq(slice_head(bytes, n), slice_head(S("PROXY "), n)))
		return bad(ret_why, "no PROXY header");
	return read_v1(bytes, ret, ret_why);
}

/* --- writing --- */

static uint16_t
port_of(const struct sockaddr_storage *ss)
{
	struct sockaddr_in6 in6;

	memcpy(&in6, ss, sizeof(in6)); /* the port stands at the same place in both */
	return ntohs(in6.sin6_port);
}

static struct slice
address_of(const struct sockaddr_storage *ss)
{
	const char *p = (const char *)ss;

	return ss->ss_family == AF_INET
		   ? slice_of(p + offsetof(struct sockaddr_in, sin_addr), 4)
		   : slice_of(p + offsetof(struct sockaddr_in6, sin6_addr), 16);
}

static size_t
write_v1(const struct proxyproto_say *say, int family, char *dst, size_t cap)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	int n;

	if (family == AF_UNSPEC)
		n = snprintf(dst, cap, "PROXY UNKNOWN\r\n");
	else
		n = snprintf(dst, cap, "PROXY TCP%d %s %s %u %u\r\n", family == AF_INET ? 4 : 6,
		    inet_ntop(family, address_of(&say->from).p, from, sizeof(from)),
		    inet_ntop(family, address_of(&say->to).p, to, sizeof(to)),
		    (unsigned)port_of(&say->from), (unsigned)port_of(&say->to));
	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

static void
put_tlv(struct wire_out *w, unsigned type, struct slice value)
{
	if (value.n == 0)
		return;
	wire_put_uint(w, type, 1);
	wire_put_uint(w, value.n, 2);
	wire_put(w, value);
}

/* PP2_TYPE_SSL: a byte of flags, what verifying a client's certificate has given (none is asked
 * for, so it did not succeed), then TLVs of its own. */
static void
put_tls(struct wire_out *w, struct slice version)
{
	size_t more = version.n > 0 ? 3 + version.n : 0;

	wire_put_uint(w, TLV_SSL, 1);
	wire_put_uint(w, 5 + more, 2);
	wire_put_uint(w, CLIENT_SSL, 1);
	wire_put_uint(w, 1, 4);
	put_tlv(w, TLV_SSL_VERSION, version);
}

static size_t
write_v2(const struct proxyproto_say *say, int family, char *dst, size_t cap)
{
	struct wire_out w = wire_out(dst, cap), length;

	check(say->id.n <= PROXYPROTO_ID_BYTES);
	wire_put(&w, SIGNATURE);
	wire_put_uint(&w, V2_PROXY, 1);
	wire_put_uint(&w,
	    family == AF_UNSPEC ? FAMILY_UNSPEC
	    : family == AF_INET ? FAMILY_TCP4
				: FAMILY_TCP6,
	    1);
	wire_put_uint(&w, 0, 2); /* the length: below */
	if (family != AF_UNSPEC) {
		wire_put(&w, address_of(&say->from));
		wire_put(&w, address_of(&say->to));
		wire_put_uint(&w, port_of(&say->from), 2);
		wire_put_uint(&w, port_of(&say->to), 2);
	}
	put_tlv(&w, TLV_ALPN, say->alpn);
	put_tlv(&w, TLV_AUTHORITY, slice_head(say->authority, PROXYPROTO_AUTHORITY_BYTES));
	put_tlv(&w, TLV_UNIQUE_ID, say->id);
	if (say->tls)
		put_tls(&w, say->tls_version);
	if (w.failed)
		return 0;
	length = wire_out(dst + V2_HEAD_BYTES - 2, 2);
	wire_put_uint(&length, w.n - V2_HEAD_BYTES, 2);
	return w.n;
}

size_t
proxyproto_write(const struct proxyproto_say *say, char *dst, size_t cap)
{
	int family = say->from.ss_family;

	check(say->version == 1 || say->version == 2);
	if (family != say->to.ss_family || (family != AF_INET && family != AF_INET6))
		family = AF_UNSPEC;
	return say->version == 1 ? write_v1(say, family, dst, cap)
				 : write_v2(say, family, dst, cap);
}
