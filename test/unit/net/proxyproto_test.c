/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxyproto.h"

#include "net/addr.h"
#include "unit.h"

static struct proxyproto said;
static const char *why;

/* Byte by byte the same as at once; what follows the header changes nothing. */
static enum proxyproto_result
read_all(struct slice bytes)
{
	enum proxyproto_result once = proxyproto_read(bytes, &said, &why), r = PROXYPROTO_MORE;
	size_t n = 0;

	while (n < bytes.n && r == PROXYPROTO_MORE)
		r = proxyproto_read(slice_head(bytes, ++n), &said, &why);
	EXPECT_INT(r, once);
	if (once == PROXYPROTO_DONE)
		EXPECT_INT(n, said.n_bytes);
	return once;
}

static struct slice
shown(const struct sockaddr_storage *ss)
{
	static char text[ADDR_TEXT_BYTES];

	addr_show(ss, sizeof(*ss), text, sizeof(text));
	return slice_str(text);
}

TEST(v1_is_read_as_it_is_spelled)
{
	static const char *const bad[] = {
		"PROXY TCP4 192.0.2.1 192.0.2.9 4711 443\n",     /* no CR */
		"PROXY  TCP4 192.0.2.1 192.0.2.9 4711 443\r\n",  /* two blanks */
		"PROXY TCP4 192.0.2.1 192.0.2.9 4711\r\n",       /* a word less */
		"PROXY TCP4 192.0.2.1 192.0.2.9 4711 443 x\r\n", /* a word more */
		"PROXY TCP4 192.0.2.1 192.0.2.9 04711 443\r\n",  /* a zero in front */
		"PROXY TCP4 192.0.2.1 192.0.2.9 65536 443\r\n",  /* too large */
		"PROXY TCP4 192.0.2.1 192.0.2.9 +1 443\r\n",
		"PROXY TCP4 192.0.2.256 192.0.2.9 1 443\r\n",
		"PROXY TCP4 2001:db8::1 2001:db8::2 1 443\r\n", /* the other family */
		"PROXY TCP6 192.0.2.1 192.0.2.9 1 443\r\n",
		"PROXY UDP4 192.0.2.1 192.0.2.9 1 443\r\n",
		"PROXY UNKNOWNX\r\n",
		"proxy TCP4 192.0.2.1 192.0.2.9 1 443\r\n",
		"GET / HTTP/1.1\r\n",
		"\x16\x03\x01",
	};

	EXPECT_INT(read_all(S("PROXY TCP4 192.0.2.1 192.0.2.9 4711 443\r\nGET / HTTP/1.1\r\n")),
	    PROXYPROTO_DONE);
	EXPECT_SLICE(shown(&said.from), S("192.0.2.1:4711"));
	EXPECT_SLICE(shown(&said.to), S("192.0.2.9:443"));
	EXPECT(!said.local);
	EXPECT_INT(read_all(S("PROXY TCP6 2001:db8::1 ::ffff:192.0.2.9 0 65535\r\n")),
	    PROXYPROTO_DONE);
	EXPECT_SLICE(shown(&said.from), S("[2001:db8::1]:0"));
	EXPECT_INT(read_all(S("PROXY UNKNOWN\r\n")), PROXYPROTO_DONE);
	EXPECT(said.local);
	EXPECT_INT(read_all(S("PROXY UNKNOWN ffff::1 whatever\r\nx")), PROXYPROTO_DONE);
	EXPECT(said.local);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_INT(read_all(slice_str(bad[i])), PROXYPROTO_BAD);
}

TEST(v1_ends_within_107_bytes)
{
	char line[PROXYPROTO_V1_BYTES + 2];

	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	EXPECT_INT(proxyproto_read(slice_of(line, PROXYPROTO_V1_BYTES - 1), &said, &why),
	    PROXYPROTO_MORE);
	EXPECT_INT(proxyproto_read(slice_of(line, PROXYPROTO_V1_BYTES), &said, &why),
	    PROXYPROTO_BAD);
	memcpy(line + PROXYPROTO_V1_BYTES - 2, "\r\n", 2);
	EXPECT_INT(proxyproto_read(slice_of(line, sizeof(line)), &said, &why), PROXYPROTO_DONE);
	EXPECT_INT(said.n_bytes, PROXYPROTO_V1_BYTES);
}

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define TCP4 "\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x09\x12\x67\x01\xbb"

TEST(v2_is_read_to_its_length)
{
	EXPECT_INT(read_all(S(V2 "\x21" TCP4 "GET /")), PROXYPROTO_DONE);
	EXPECT_SLICE(shown(&said.from), S("192.0.2.1:4711"));
	EXPECT_INT(said.n_bytes, 28);
	/* LOCAL, and families that are not ours: whatever stands there is passed over. */
	EXPECT_INT(read_all(S(V2 "\x20" TCP4)), PROXYPROTO_DONE);
	EXPECT(said.local);
	EXPECT_INT(read_all(S(V2 "\x21\x31\0\x02xy")), PROXYPROTO_DONE);
	EXPECT(said.local);
	EXPECT_INT(read_all(S(V2 "\x21\0\0\0")), PROXYPROTO_DONE);
	EXPECT(said.local);
	/* An unknown TLV behind the addresses. */
	EXPECT_INT(read_all(S(V2 "\x21\x11\0\x11\xc0\0\x02\x01\xc0\0\x02\x09\x12\x67\x01\xbb"
				 "\xea\0\x02hi")),
	    PROXYPROTO_DONE);
	EXPECT_INT(said.n_bytes, 33);
}

TEST(v2_that_is_not_whole_is_refused)
{
	EXPECT_INT(read_all(S(V2 "\x11" TCP4)), PROXYPROTO_BAD); /* version 1 */
	EXPECT_INT(read_all(S(V2 "\x22" TCP4)), PROXYPROTO_BAD); /* a command */
	EXPECT_INT(read_all(S(V2 "\x21\x11\0\x04\xc0\0\x02\x01")), PROXYPROTO_BAD);
	EXPECT_INT(read_all(S(V2 "\x21\x11\x10\0")), PROXYPROTO_BAD); /* 4,112 bytes */
	EXPECT_INT(read_all(S(V2 "\x21\x11\0\x0e\xc0\0\x02\x01\xc0\0\x02\x09\x12\x67\x01\xbb"
				 "\xea\0")),
	    PROXYPROTO_BAD); /* half a TLV */
	EXPECT_INT(read_all(S("\r\n\r\n\0\r\nQUIX\n")), PROXYPROTO_BAD);
}

/* The sum was made by another implementation (bit-wise CRC-32C in Python). */
TEST(v2_sum_is_checked)
{
	char header[] = V2 "\x21\x11\0\x13\xc0\0\x02\x01\xc0\0\x02\x09\x12\x67\x01\xbb\x03\0\x04"
			   "\x00\x00\x00\x00";
	struct slice bytes = { header, sizeof(header) - 1 };

	EXPECT_INT(proxyproto_read(bytes, &said, &why), PROXYPROTO_BAD);
	memcpy(header + 31, "\x35\x7b\xb2\x9d", 4);
	EXPECT_INT(proxyproto_read(bytes, &said, &why), PROXYPROTO_DONE);
	header[20] ^= 1;
	EXPECT_INT(proxyproto_read(bytes, &said, &why), PROXYPROTO_BAD);
}

static struct sockaddr_storage
address(const char *text)
{
	struct sockaddr_storage ss = { 0 };
	struct addr a;
	socklen_t len;

	EXPECT(addr_parse(slice_str(text), &a) == NULL);
	EXPECT_INT(addr_sockaddr(&a, false, &ss, &len), 0);
	return ss;
}

TEST(what_is_written_can_be_read)
{
	struct proxyproto_say say = { .version = 1,
		.from = address("192.0.2.1:4711"),
		.to = address("192.0.2.9:443"),
		.authority = S("ci.example.org"),
		.alpn = S("h2"),
		.id = S("0123456789abcdef"),
		.tls = true,
		.tls_version = S("TLSv1.3") };
	char out[PROXYPROTO_BYTES_MAX];
	size_t n = proxyproto_write(&say, out, sizeof(out));

	EXPECT_SLICE(slice_of(out, n), S("PROXY TCP4 192.0.2.1 192.0.2.9 4711 443\r\n"));
	say.version = 2;
	n = proxyproto_write(&say, out, sizeof(out));
	EXPECT_SLICE(slice_of(out, n),
	    S(V2 "\x21\x11\0\x47\xc0\0\x02\x01\xc0\0\x02\x09\x12\x67\x01\xbb"
		 "\x01\0\x02h2\x02\0\x0e"
		 "ci.example.org\x05\0\x10"
		 "0123456789abcdef"
		 "\x20\0\x0f\x01\0\0\0\x01\x21\0\x07TLSv1.3"));
	EXPECT_INT(read_all(slice_of(out, n)), PROXYPROTO_DONE);
	EXPECT_SLICE(shown(&said.from), S("192.0.2.1:4711"));
	EXPECT_INT(proxyproto_write(&say, out, n - 1), 0);
	say.from = address("[2001:db8::1]:1");
	say.to = address("[2001:db8::2]:2");
	n = proxyproto_write(&say, out, sizeof(out));
	EXPECT_INT(read_all(slice_of(out, n)), PROXYPROTO_DONE);
	EXPECT_SLICE(shown(&said.to), S("[2001:db8::2]:2"));
	say.version = 1;
	n = proxyproto_write(&say, out, sizeof(out));
	EXPECT_SLICE(slice_of(out, n), S("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"));
	say.to = address("192.0.2.9:443"); /* two families: nothing true can be said */
	n = proxyproto_write(&say, out, sizeof(out));
	EXPECT_SLICE(slice_of(out, n), S("PROXY UNKNOWN\r\n"));
	say.version = 2;
	n = proxyproto_write(&say, out, sizeof(out));
	EXPECT_INT(read_all(slice_of(out, n)), PROXYPROTO_DONE);
	EXPECT(said.local);
}

TESTS(TEST_ROW(v1_is_read_as_it_is_spelled) TEST_ROW(v1_ends_within_107_bytes)
	TEST_ROW(v2_is_read_to_its_length) TEST_ROW(v2_that_is_not_whole_is_refused)
	    TEST_ROW(v2_sum_is_checked) TEST_ROW(what_is_written_can_be_read))
