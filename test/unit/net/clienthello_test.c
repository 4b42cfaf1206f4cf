/* SPDX-License-Identifier: Apache-2.0 */
#include "net/clienthello.h"

#include "base/limits.h"
#include "base/wire.h"
#include "unit.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

static struct clienthello said;
static char room[65536];
static const char body_of_nothing[LIMIT_CLIENTHELLO_BYTES];

/* Byte by byte the same as at once; what follows the hello changes nothing. */
static enum clienthello_result
read_all(struct slice bytes)
{
	enum clienthello_result once = clienthello_read(bytes, &said), r = CLIENTHELLO_MORE;
	struct clienthello parts = { 0 };
	size_t n = 0;

	while (n < bytes.n && r == CLIENTHELLO_MORE)
		r = clienthello_read(slice_head(bytes, ++n), &parts);
	EXPECT_INT(r, once);
	if (once == CLIENTHELLO_DONE) {
		EXPECT_SLICE(slice_str(parts.sni), slice_str(said.sni));
		EXPECT_SLICE(slice_str(parts.alpn), slice_str(said.alpn));
	}
	return once;
}

/* A message with these extensions, in records of `cut` bytes, into room. */
static struct slice
hello(struct slice extensions, size_t cut)
{
	static char body[40000], message[40000];
	struct wire_out b = wire_out(body, sizeof(body)), m = wire_out(message, sizeof(message)),
			w = wire_out(room, sizeof(room));
	struct slice rest;

	wire_put_uint(&b, 0x0303, 2);
	for (int i = 0; i < 4; i++)
		wire_put_uint(&b, 0x0123456789abcdefu, 8);
	wire_put_vec(&b, S("session"), 1);
	wire_put_vec(&b, S("\x13\x01\x13\x02"), 2);
	wire_put_vec(&b, S("\0"), 1);
	if (extensions.p != NULL)
		wire_put_vec(&b, extensions, 2);
	wire_put_uint(&m, 1, 1);
	wire_put_vec(&m, slice_of(body, b.n), 3);
	for (rest = slice_of(message, m.n); rest.n > 0; rest = slice_from(rest, cut)) {
		wire_put(&w, S("\x16\x03\x01"));
		wire_put_vec(&w, slice_head(rest, cut), 2);
	}
	EXPECT(!b.failed && !m.failed && !w.failed);
	return slice_of(room, w.n);
}

#define SNI(length, list, name, text) "\0\0\0" length "\0" list "\0\0" name text
#define SNI_WEB SNI("\x14", "\x12", "\x0f", "Web.Example.ORG")
#define ALPN_TWO "\0\x10\0\x0e\0\x0c\2h2\10http/1.1"

TEST(name_and_protocols_are_read)
{
	EXPECT_INT(read_all(hello(S(SNI_WEB ALPN_TWO), 16384)), CLIENTHELLO_DONE);
	EXPECT_SLICE(slice_str(said.sni), S("web.example.org"));
	EXPECT_SLICE(slice_str(said.alpn), S("h2,http/1.1"));
	/* Without extensions, and without any that matters. */
	EXPECT_INT(read_all(hello((struct slice){ 0 }, 16384)), CLIENTHELLO_DONE);
	EXPECT_INT(read_all(hello(S(""), 16384)), CLIENTHELLO_DONE);
	EXPECT_INT(read_all(hello(S("\x0a\x0a\0\0\xfe\x0d\0\3ech"), 16384)), CLIENTHELLO_DONE);
	EXPECT_SLICE(slice_str(said.sni), S(""));
	EXPECT_SLICE(slice_str(said.alpn), S(""));
	/* A protocol of GREASE, and one that no list of ours may have in it, are left out. */
	EXPECT_INT(read_all(hello(S("\0\x10\0\x11\0\x0f\2\x0a\x0a\2h2\3a,b\4imap"), 16384)),
	    CLIENTHELLO_DONE);
	EXPECT_SLICE(slice_str(said.alpn), S("h2,imap"));
}

TEST(records_may_be_cut_anywhere)
{
	for (size_t cut = 1; cut < 120; cut++) {
		EXPECT_INT(read_all(hello(S(SNI_WEB ALPN_TWO), cut)), CLIENTHELLO_DONE);
		EXPECT_SLICE(slice_str(said.sni), S("web.example.org"));
	}
}

/* Key shares of ML-KEM make hellos of 1,800 bytes, with more of them it is more. */
TEST(large_hellos_are_read_up_to_the_limit)
{
	static char ext[33000];
	struct wire_out w;

	for (size_t n = 1000; n < 16200; n += 1013) {
		w = wire_out(ext, sizeof(ext));
		wire_put_uint(&w, 51, 2);
		wire_put_vec(&w, slice_of(body_of_nothing, n), 2);
		wire_put(&w, S(SNI_WEB));
		EXPECT_INT(read_all(hello(slice_of(ext, w.n), 16384)), CLIENTHELLO_DONE);
		EXPECT_SLICE(slice_str(said.sni), S("web.example.org"));
	}
	w = wire_out(ext, sizeof(ext));
	wire_put_uint(&w, 51, 2);
	wire_put_vec(&w, slice_of(body_of_nothing, LIMIT_CLIENTHELLO_BYTES), 2);
	EXPECT_INT(read_all(hello(slice_of(ext, w.n), 16384)), CLIENTHELLO_OTHER);
	/* Small enough, but in records of one byte it is not. */
	EXPECT_INT(read_all(hello(slice_of(ext, 0), 1)), CLIENTHELLO_DONE);
	w = wire_out(ext, sizeof(ext));
	wire_put_uint(&w, 51, 2);
	wire_put_vec(&w, slice_of(body_of_nothing, 3000), 2);
	EXPECT_INT(read_all(hello(slice_of(ext, w.n), 1)), CLIENTHELLO_OTHER);
}

TEST(what_is_malformed_is_left_to_others)
{
	static const struct slice bad[] = {
		S("\0\0\0\0"),           /* an empty list of names */
		S("\0\0\0\5\0\3\0\0\0"), /* an empty name */
		S(SNI_WEB SNI_WEB),      /* twice */
		S(ALPN_TWO ALPN_TWO),
		S("\0\x10\0\2\0\0"),   /* no protocol */
		S("\0\x10\0\3\0\1\0"), /* an empty one */
		S("\0\x10\0\3\0\2h"),  /* a list that ends too early */
		S("\0\0\0\x14\0\x12\0\0\x0e"
		  "Web.Example.ORG"),                 /* a byte behind the name */
		S(SNI("\x06", "\x04", "\x01", "\0")), /* characters */
		S(SNI("\x07", "\x05", "\x02", "a.")),
		S(SNI("\x07", "\x05", "\x02", ".a")),
		S(SNI("\x07", "\x05", "\x02", "a/")),
		S("\0"),
		S("\0\0\0"),
		S("\0\0\0\2x"),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_INT(read_all(hello(bad[i], 16384)), CLIENTHELLO_OTHER);
	EXPECT_INT(read_all(S("GET / HTTP/1.1\r\n")), CLIENTHELLO_OTHER);
	EXPECT_INT(read_all(S("\x16\x02\0\0\5hello")), CLIENTHELLO_OTHER);
	EXPECT_INT(read_all(S("\x16\3\1\0\0")), CLIENTHELLO_OTHER);
	EXPECT_INT(read_all(S("\x16\3\1\x40\1")), CLIENTHELLO_OTHER);
	EXPECT_INT(read_all(S("\x16\3\1\0\4\2\0\0\0")), CLIENTHELLO_OTHER); /* another message */
	EXPECT_INT(read_all(S("\x16\3\1\0\1\1\x17\3\3\0\1x")),
	    CLIENTHELLO_OTHER);                                               /* another record */
	EXPECT_INT(read_all(S("\x16\3\1\0\4\1\1\0\0")), CLIENTHELLO_OTHER);   /* 64 KiB */
	EXPECT_INT(read_all(S("\x16\3\1\0\5\1\0\0\1\3")), CLIENTHELLO_OTHER); /* no body */
	EXPECT_INT(clienthello_read(S(""), &said), CLIENTHELLO_MORE);
	EXPECT_INT(clienthello_read(S("\x16"), &said), CLIENTHELLO_MORE);
}

/* What the library that everybody uses sends. */
TEST(hellos_of_openssl_are_read)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < 2; i++) {
		SSL *ssl = SSL_new(ctx);
		BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
		char *p;
		long n;

		EXPECT_INT(SSL_set_max_proto_version(ssl, versions[i]), 1);
		EXPECT_INT(SSL_set_tlsext_host_name(ssl, "ci.example.org"), 1);
		EXPECT_INT(SSL_set_alpn_protos(ssl, (const unsigned char *)"\012acme-tls/1", 11),
		    0);
		SSL_set_bio(ssl, in, out);
		EXPECT_INT(SSL_connect(ssl), -1);
		n = BIO_get_mem_data(out, &p);
		EXPECT_INT(read_all(slice_of(p, (size_t)n)), CLIENTHELLO_DONE);
		EXPECT_SLICE(slice_str(said.sni), S("ci.example.org"));
		EXPECT_SLICE(slice_str(said.alpn), S("acme-tls/1"));
		SSL_free(ssl);
	}
	SSL_CTX_free(ctx);
}

TESTS(TEST_ROW(name_and_protocols_are_read) TEST_ROW(records_may_be_cut_anywhere)
	TEST_ROW(large_hellos_are_read_up_to_the_limit)
	    TEST_ROW(what_is_malformed_is_left_to_others) TEST_ROW(hellos_of_openssl_are_read))
