/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/net/pair.h"

#include "base/buf.h"
#include "net/tls_private.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

static struct loop *loop;
static struct side client, server;

static void
stop_when_decided(struct side *s)
{
	(void)s;
	if ((client.up || client.failed) && (server.up || server.failed))
		loop_stop(loop);
}

/* A handshake to its end; sides stay for looking at, until over(). */
static void
shake(struct tls *c, struct tls *s)
{
	int fd[2];

	EXPECT(c != NULL && s != NULL);
	loop = loop_new();
	unix_pair(fd);
	side_init(&client, fd[0], c, 1, 0);
	side_init(&server, fd[1], s, 2, 0);
	client.stop_at_up = server.stop_at_up = true;
	client.moved = server.moved = stop_when_decided;
	EXPECT_INT(conn_attach(&client.conn, loop), 0);
	EXPECT_INT(conn_attach(&server.conn, loop), 0);
	EXPECT(run_until_stopped(loop));
}

static void
over(void)
{
	side_fini(&client);
	side_fini(&server);
	loop_free(loop);
}

static bool
both_up(void)
{
	return client.up && server.up && !client.failed && !server.failed;
}

static void
expect_why(const struct side *s, const char *words)
{
	if (!s->failed || strstr(s->why, words) == NULL)
		printf("     said: \"%s\"\n", s->why);
	EXPECT(s->failed && strstr(s->why, words) != NULL);
}

static struct tls *
new_server(void)
{
	struct tls_server *s = server_of(certs());
	struct tls *t = tls_accept(s);

	tls_server_unref(s);
	return t;
}

/* ca NULL: does not verify. */
static struct tls *
new_client(const char *ca, bool link, const char *host)
{
	struct tls_client *c = client_of(ca, link);
	struct tls *t = tls_connect(c, host);

	tls_client_unref(c);
	return t;
}

/* --- what is agreed on --- */

TEST(link_and_visitor)
{
	shake(new_client(certs(), true, "localhost"), new_server());
	EXPECT(both_up());
	EXPECT_SLICE(tls_alpn(server.conn.tls), S("adit/1"));
	EXPECT_SLICE(tls_alpn(client.conn.tls), S("adit/1"));
	EXPECT_SLICE(slice_str(tls_sni(server.conn.tls)), S("localhost"));
	EXPECT_SLICE(slice_str(tls_version(server.conn.tls)), S("TLSv1.3"));
	over();
	shake(new_client(certs(), false, "a.example.test."), new_server());
	EXPECT(both_up());
	EXPECT_SLICE(tls_alpn(server.conn.tls), S("http/1.1"));
	EXPECT_SLICE(slice_str(tls_sni(server.conn.tls)), S("a.example.test"));
	over();
}

/* S-18: ALPACA. What no one here speaks is refused, not ignored (RFC 7301 3.2). */
TEST(s18_alpn_matrix)
{
	static const struct {
		const char *offer;
		unsigned n;
		const char *picked; /* NULL: refused */
	} rows[] = {
		{ "", 0, "" },
		{ "\x08http/1.1", 9, "http/1.1" },
		{ "\x06"
		  "adit/1",
		    7, "adit/1" },
		{ "\x02h2\x08http/1.1", 12, "http/1.1" },
		{ "\x08http/1.1\x06"
		  "adit/1",
		    16, "adit/1" },
		{ "\x08http/1.0", 9, "http/1.0" },
		{ "\x08http/1.0\x08http/1.1", 18, "http/1.1" },
		{ "\x02h2", 3, NULL },
		{ "\x03"
		  "ftp\x04smtp",
		    9, NULL },
		{ "\x06"
		  "adit/2",
		    7, NULL },
		{ "\x05"
		  "adit/",
		    6, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct tls *t = new_client(certs(), false, "localhost");

		EXPECT_INT(SSL_set_alpn_protos(t->ssl, (const unsigned char *)rows[i].offer,
			       rows[i].n),
		    0);
		shake(t, new_server());
		EXPECT_INT(both_up(), rows[i].picked != NULL);
		if (rows[i].picked != NULL)
			EXPECT_SLICE(tls_alpn(server.conn.tls), slice_str(rows[i].picked));
		else
			expect_why(&server, "offers no protocol (ALPN)");
		over();
	}
}

TEST(s18_link_below_tls13_is_refused)
{
	struct tls *t = new_client(certs(), true, "localhost");

	SSL_set_min_proto_version(t->ssl, TLS1_2_VERSION);
	SSL_set_max_proto_version(t->ssl, TLS1_2_VERSION);
	shake(t, new_server());
	expect_why(&server, "a link needs TLS 1.3");
	expect_why(&client, "does not speak adit/1");
	over();
}

static int
ignore_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
    unsigned in_n, void *arg)
{
	(void)ssl, (void)out, (void)out_n, (void)in, (void)in_n, (void)arg;
	return SSL_TLSEXT_ERR_NOACK;
}

TEST(server_that_ignores_alpn_is_no_edge)
{
	struct tls *s = new_server();

	SSL_CTX_set_alpn_select_cb(SSL_get_SSL_CTX(s->ssl), ignore_alpn, NULL);
	shake(new_client(certs(), true, "localhost"), s);
	expect_why(&client, "is this the address of an aditd");
	over();
	/* A visitor's client does without. */
	s = new_server();
	SSL_CTX_set_alpn_select_cb(SSL_get_SSL_CTX(s->ssl), ignore_alpn, NULL);
	shake(new_client(certs(), false, "localhost"), s);
	EXPECT(both_up());
	EXPECT_INT(tls_alpn(client.conn.tls).n, 0);
	over();
}

TEST(s18_old_versions_and_ciphers_are_refused)
{
	struct tls *t = new_client(certs(), false, "localhost");

	SSL_set_security_level(t->ssl, 0);
	SSL_set_cipher_list(t->ssl, "ALL:@SECLEVEL=0");
	SSL_set_min_proto_version(t->ssl, TLS1_VERSION);
	SSL_set_max_proto_version(t->ssl, TLS1_1_VERSION);
	shake(t, new_server());
	EXPECT(!client.up && !server.up);
	expect_why(&server, "no TLS version in common");
	over();

	t = new_client(certs(), false, "localhost");
	SSL_set_max_proto_version(t->ssl, TLS1_2_VERSION);
	SSL_set_cipher_list(t->ssl, "ECDHE-ECDSA-AES128-SHA");
	shake(t, new_server());
	expect_why(&server, "no TLS cipher");
	over();

	t = new_client(certs(), false, "localhost");
	SSL_set_max_proto_version(t->ssl, TLS1_2_VERSION);
	shake(t, new_server());
	EXPECT(both_up());
	EXPECT_SLICE(slice_str(tls_version(server.conn.tls)), S("TLSv1.2"));
	EXPECT_SLICE(slice_str(SSL_get_cipher(server.conn.tls->ssl)),
	    S("ECDHE-ECDSA-AES128-GCM-SHA256"));
	over();
}

TEST(s18_no_renegotiation)
{
	struct tls *t = new_client(certs(), false, "localhost");

	SSL_set_max_proto_version(t->ssl, TLS1_2_VERSION);
	shake(t, new_server());
	EXPECT(both_up());
	EXPECT(SSL_get_options(server.conn.tls->ssl) & SSL_OP_NO_RENEGOTIATION);
	EXPECT_INT(SSL_renegotiate(server.conn.tls->ssl), 0);
	EXPECT_INT(SSL_renegotiate(client.conn.tls->ssl), 0);
	over();
}

/* --- certificates by name --- */

static void
expect_cert_for(struct tls_server *s, const char *sni, const char *name, const char *not_name)
{
	struct tls *t = new_client(NULL, false, sni == NULL ? "192.0.2.1" : sni);
	X509 *cert;

	shake(t, tls_accept(s));
	EXPECT(both_up());
	cert = SSL_get1_peer_certificate(client.conn.tls->ssl);
	EXPECT(cert != NULL);
	EXPECT_INT(X509_check_host(cert, name, 0, 0, NULL), 1);
	EXPECT_INT(X509_check_host(cert, not_name, 0, 0, NULL), 0);
	X509_free(cert);
	over();
}

TEST(certificate_by_sni)
{
	static const char *const wild_names[] = { "*.wild.test" };
	static const char *const exact_names[] = { "x.wild.test", "Upper.Test" };
	char wild[64], exact[64], path[6][96], *error = NULL;
	struct tls_cert_files files[3];
	struct tls_server *s;
	const char *dirs[3] = { certs(), wild, exact };

	make_certs(wild, wild_names, 1);
	make_certs(exact, exact_names, 2);
	for (int i = 0; i < 3; i++) {
		snprintf(path[2 * i], sizeof(path[0]), "%s/cert.pem", dirs[i]);
		snprintf(path[2 * i + 1], sizeof(path[0]), "%s/key.pem", dirs[i]);
		files[i] = (struct tls_cert_files){ path[2 * i], path[2 * i + 1] };
	}
	s = tls_server_new(files, 3, &error);
	EXPECT(s != NULL);
	expect_cert_for(s, NULL, "localhost", "x.wild.test");
	expect_cert_for(s, "unknown.test", "localhost", "x.wild.test");
	expect_cert_for(s, "y.wild.test", "y.wild.test", "localhost");
	expect_cert_for(s, "Y.WILD.test", "y.wild.test", "localhost");
	expect_cert_for(s, "x.wild.test", "upper.test", "y.wild.test");
	expect_cert_for(s, "upper.test", "upper.test", "localhost");
	expect_cert_for(s, "a.b.wild.test", "localhost", "y.wild.test");
	expect_cert_for(s, "wild.test", "localhost", "y.wild.test");
	tls_server_unref(s);
	remove_dir(wild);
	remove_dir(exact);
}

/* --- servers that grow --- */

static struct tls_pair *
pair_of(const char *dir)
{
	char cert[96], key[96], *error = NULL;
	struct tls_cert_files f = { cert, key };
	struct tls_pair *p;

	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	p = tls_pair_new(&f, &error);
	EXPECT(p != NULL);
	return p;
}

/* What a server says to a name that it has no certificate for; NULL: to none. */
static void
expect_no_cert(struct tls_server *s, const char *sni)
{
	shake(new_client(NULL, false, sni == NULL ? "192.0.2.1" : sni), tls_accept(s));
	expect_why(&server, "no certificate for this name");
	EXPECT(client.failed);
	over();
}

TEST(certificates_come_at_run_time)
{
	static const char *const more_names[] = { "own.test" };
	struct tls_challenges none = { NULL, NULL };
	char *error = NULL, dir[64];
	struct tls_server *empty = tls_server_new(NULL, 0, &error), *base = server_of(certs());
	struct tls_server *with, *both, *again;
	struct tls_pair *pair, *twice[2];

	make_certs(dir, more_names, 1);
	pair = twice[0] = twice[1] = pair_of(dir);
	EXPECT(empty != NULL);
	expect_no_cert(empty, "own.test");
	expect_no_cert(empty, NULL);
	with = tls_server_with(empty, &pair, 1, &none);
	expect_cert_for(with, "own.test", "own.test", "localhost");
	expect_cert_for(with, NULL, "own.test", "localhost");
	expect_no_cert(with, "other.test");
	/* Where there is a default one it stays that, and a name that it has, too. */
	both = tls_server_with(base, &pair, 1, &none);
	expect_cert_for(both, "own.test", "own.test", "localhost");
	expect_cert_for(both, "other.test", "localhost", "own.test");
	again = tls_server_with(with, twice, 2, &none);
	tls_server_unref(with);
	tls_pair_unref(pair);
	expect_cert_for(again, "own.test", "own.test", "localhost");
	tls_server_unref(again);
	tls_server_unref(both);
	tls_server_unref(base);
	tls_server_unref(empty);
	remove_dir(dir);
}

/* One certificate is for an address: who asks for no name gets it. */
TEST(certificate_of_an_address)
{
	static const char *const name[] = { "own.test" }, *const address[] = { "192.0.2.1" };
	struct tls_challenges none = { NULL, NULL };
	char *error = NULL, one[64], two[64];
	struct tls_server *empty = tls_server_new(NULL, 0, &error), *with;
	struct tls_pair *pairs[2];

	make_certs(one, name, 1);
	make_certs(two, address, 1);
	pairs[0] = pair_of(one);
	pairs[1] = pair_of(two);
	with = tls_server_with(empty, pairs, 2, &none);
	shake(new_client(NULL, false, "192.0.2.1"), tls_accept(with));
	EXPECT(both_up());
	{
		X509 *cert = SSL_get1_peer_certificate(client.conn.tls->ssl);

		EXPECT_INT(X509_check_ip_asc(cert, "192.0.2.1", 0), 1);
		X509_free(cert);
	}
	over();
	expect_cert_for(with, "own.test", "own.test", "localhost");
	tls_pair_unref(pairs[0]);
	tls_pair_unref(pairs[1]);
	remove_dir(one);
	remove_dir(two);
	tls_server_unref(with);
	tls_server_unref(empty);
}

static size_t
read_whole(const char *path, char *dst, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	EXPECT(f != NULL);
	n = fread(dst, 1, cap, f);
	fclose(f);
	return n;
}

/* The pair of a folder as the DER that a board would give, for the name "asked.test" alone. */
static bool
find_asked(void *arg, const char *name, struct buf *cert, struct buf *key)
{
	char path[96], text[8192];
	const char *dir = arg;
	unsigned char *der = NULL;
	EVP_PKEY *pkey;
	X509 *x;
	BIO *in;
	int n;

	if (strcmp(name, "asked.test") != 0)
		return false;
	snprintf(path, sizeof(path), "%s/cert.pem", dir);
	in = BIO_new_mem_buf(text, (int)read_whole(path, text, sizeof(text)));
	x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	n = i2d_X509(x, &der);
	buf_put(cert, slice_of(der, (size_t)n));
	OPENSSL_free(der);
	X509_free(x);
	BIO_free(in);
	der = NULL;
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	in = BIO_new_mem_buf(text, (int)read_whole(path, text, sizeof(text)));
	pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	n = i2d_PrivateKey(pkey, &der);
	buf_put(key, slice_of(der, (size_t)n));
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	BIO_free(in);
	return true;
}

static struct tls *
ca_client(const char *host)
{
	static const unsigned char alpn[] = "\x0a" TLS_ALPN_CHALLENGE;
	struct tls *t = new_client(NULL, false, host);

	EXPECT_INT(SSL_set_alpn_protos(t->ssl, alpn, sizeof(alpn) - 1), 0);
	return t;
}

TEST(challenge_is_shown_to_who_asks_for_it)
{
	static const char *const names[] = { "challenge.test" };
	char dir[64];
	struct tls_challenges ch = { find_asked, dir };
	struct tls_server *base = server_of(certs()), *with;
	X509 *cert;

	make_certs(dir, names, 1);
	with = tls_server_with(base, NULL, 0, &ch);
	shake(ca_client("asked.test"), tls_accept(with));
	EXPECT(both_up());
	EXPECT_SLICE(tls_alpn(server.conn.tls), S(TLS_ALPN_CHALLENGE));
	cert = SSL_get1_peer_certificate(client.conn.tls->ssl);
	EXPECT_INT(X509_check_host(cert, "challenge.test", 0, 0, NULL), 1);
	X509_free(cert);
	over();
	/* Not for other names, and not for others who ask: visitors and links see what they always see. */
	shake(ca_client("localhost"), tls_accept(with));
	EXPECT(client.failed && server.failed);
	over();
	expect_cert_for(with, "asked.test", "localhost", "challenge.test");
	shake(new_client(certs(), true, "localhost"), tls_accept(with));
	EXPECT(both_up());
	EXPECT_SLICE(tls_alpn(server.conn.tls), S(TLS_ALPN_LINK));
	over();
	/* A server that knows of no board speaks no such protocol. */
	shake(ca_client("asked.test"), tls_accept(base));
	EXPECT(client.failed && server.failed);
	over();
	tls_server_unref(with);
	tls_server_unref(base);
	remove_dir(dir);
}

TEST(illegal_sni_is_refused)
{
	static const char *const names[] = { "a b", "a..b", ".a", "a.", "a/b", "a:443",
		"\xc3\xa4.test", "*.a" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct tls *t = new_client(NULL, false, "localhost");

		EXPECT_INT(SSL_set_tlsext_host_name(t->ssl, (uintptr_t)names[i]), 1);
		shake(t, new_server());
		expect_why(&server, "not a legal host name");
		EXPECT(client.failed);
		over();
	}
}

TEST(sni_is_lower_cased)
{
	shake(new_client(certs(), false, "LocalHost"), new_server());
	EXPECT(both_up());
	EXPECT_SLICE(slice_str(tls_sni(server.conn.tls)), S("localhost"));
	over();
}

/* --- resumption --- */

static SSL_SESSION *
ticket_of(struct tls_server *s, const char *host)
{
	SSL_SESSION *session;
	size_t n;
	char c;

	shake(new_client(certs(), false, host), tls_accept(s));
	EXPECT(both_up());
	conn_detach(&client.conn); /* no edges any more: reading asks the socket */
	EXPECT_INT(conn_read(&client.conn, &c, 1, &n),
	    IO_WAIT); /* the ticket is behind the handshake */
	session = SSL_get1_session(client.conn.tls->ssl);
	EXPECT(SSL_SESSION_is_resumable(session));
	SSL_set_shutdown(client.conn.tls->ssl,
	    SSL_SENT_SHUTDOWN); /* or OpenSSL takes it for a bad one */
	over();
	return session;
}

static bool
is_resumed(struct tls_server *s, SSL_SESSION *session, const char *host)
{
	struct tls *t = new_client(certs(), false, host);
	bool resumed;

	EXPECT_INT(SSL_set_session(t->ssl, session), 1);
	shake(t, tls_accept(s));
	EXPECT(both_up());
	resumed = SSL_session_reused(server.conn.tls->ssl) == 1;
	over();
	return resumed;
}

TEST(s18_no_resumption_across_hosts)
{
	struct tls_server *s = server_of(certs()), *reloaded = server_of(certs());
	SSL_SESSION *session = ticket_of(s, "a.example.test");

	EXPECT(is_resumed(s, session, "a.example.test"));
	SSL_SESSION_free(session);
	session = ticket_of(s, "a.example.test");
	EXPECT(!is_resumed(s, session, "b.example.test"));
	EXPECT(!is_resumed(reloaded, session, "a.example.test"));
	SSL_SESSION_free(session);
	tls_server_unref(s);
	tls_server_unref(reloaded);
}

TEST(no_early_data)
{
	struct tls_server *s = server_of(certs());
	SSL_SESSION *session = ticket_of(s, "localhost");

	EXPECT_INT(SSL_SESSION_get_max_early_data(session), 0);
	SSL_SESSION_free(session);
	tls_server_unref(s);
}

/* --- what clients do not accept, and what they say --- */

TEST(wrong_ca)
{
	static const char *const names[] = { "localhost" };
	char other[64];

	make_certs(other, names, 1);
	shake(new_client(other, true, "localhost"), new_server());
	expect_why(&client, "give its CA with --ca");
	expect_why(&server, "does not trust this certificate's CA");
	over();
	remove_dir(other);
}

TEST(wrong_name)
{
	shake(new_client(certs(), true, "other.test"), new_server());
	expect_why(&client, "the certificate is for localhost, *.example.test, not for other.test");
	over();
	shake(new_client(certs(), true, "a.b.example.test"), new_server());
	expect_why(&client, "not for a.b.example.test");
	over();
	shake(new_client(certs(), true, "127.0.0.2"), new_server());
	expect_why(&client, "not for 127.0.0.2");
	over();
	shake(new_client(NULL, true, "other.test"), new_server());
	EXPECT(both_up());
	over();
}

TEST(addresses_as_names)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };

	for (int i = 0; i < 2; i++) {
		shake(new_client(certs(), true, hosts[i]), new_server());
		EXPECT(both_up());
		EXPECT_SLICE(slice_str(tls_sni(server.conn.tls)),
		    S("")); /* RFC 6066 3: no addresses */
		over();
	}
}

static void *
load(const char *dir, const char *file, bool key)
{
	char path[128];
	FILE *f;
	void *p;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "r");
	EXPECT(f != NULL);
	p = key ? (void *)PEM_read_PrivateKey(f, NULL, NULL, NULL)
		: (void *)PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	return p;
}

/* Signs the leaf anew with other dates. */
static void
set_dates(const char *dir, long from_s, long to_s)
{
	X509 *cert = load(dir, "cert.pem", false);
	EVP_PKEY *ca_key = load(dir, "ca.key", true);
	char path[128];
	FILE *f;

	X509_gmtime_adj(X509_getm_notBefore(cert), from_s);
	X509_gmtime_adj(X509_getm_notAfter(cert), to_s);
	EXPECT(X509_sign(cert, ca_key, EVP_sha256()) > 0);
	snprintf(path, sizeof(path), "%s/cert.pem", dir);
	f = fopen(path, "w");
	EXPECT_INT(PEM_write_X509(f, cert), 1);
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(ca_key);
}

TEST(dates_that_are_wrong)
{
	static const char *const names[] = { "localhost" };
	static const struct {
		long from, to;
		const char *words;
	} rows[] = { { -7200, -3600, "the certificate has expired on 2" },
		{ 3600, 7200, "the certificate is not valid before 2" } };
	char dir[64];

	make_certs(dir, names, 1);
	for (int i = 0; i < 2; i++) {
		struct tls_server *s;

		set_dates(dir, rows[i].from, rows[i].to);
		s = server_of(dir);
		shake(new_client(dir, true, "localhost"), tls_accept(s));
		expect_why(&client, rows[i].words);
		over();
		tls_server_unref(s);
	}
	remove_dir(dir);
}

static void
plain_against(struct tls *t, const char *bytes, bool then_close, const char *words)
{
	struct side *s = &server;
	int fd[2];

	loop = loop_new();
	unix_pair(fd);
	side_init(s, fd[0], t, 1, 0);
	side_init(&client, -1, NULL, 1, 0);
	client.failed = true;
	s->moved = stop_when_decided;
	EXPECT_INT(write(fd[1], bytes, strlen(bytes)), (long long)strlen(bytes));
	if (then_close)
		shutdown(fd[1], SHUT_WR);
	EXPECT_INT(conn_attach(&s->conn, loop), 0);
	EXPECT(run_until_stopped(loop));
	expect_why(s, words);
	close(fd[1]);
	over();
}

TEST(other_side_does_not_speak_tls)
{
	plain_against(new_server(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false,
	    "does not speak TLS");
	plain_against(new_client(NULL, true, "x"), "HTTP/1.1 400 Bad Request\r\n\r\n", false,
	    "does not speak TLS");
	plain_against(new_client(NULL, true, "x"), "SSH-2.0-OpenSSH_9\r\n", false,
	    "does not speak TLS");
	plain_against(new_server(), "", true, "closed the connection during the TLS handshake");
	plain_against(new_server(), "\x16\x03\x01", true,
	    "closed the connection during the TLS handshake");
}

/* --- files --- */

static void
expect_refused(const char *cert, const char *key, const char *words)
{
	struct tls_cert_files f = { cert, key };
	char *error = NULL;

	EXPECT(tls_server_new(&f, 1, &error) == NULL);
	if (error == NULL || strstr(error, words) == NULL)
		printf("     said: \"%s\"\n", error == NULL ? "" : error);
	EXPECT(error != NULL && strstr(error, words) != NULL);
	free(error);
}

TEST(files_that_do_not_load)
{
	static const char *const names[] = { "localhost" };
	char cert[96], key[96], other[64], other_key[96], *error = NULL;
	struct tls_client_params p = { .ca_path = "/nonexistent/ca.pem", .verify = true };

	make_certs(other, names, 1);
	snprintf(cert, sizeof(cert), "%s/cert.pem", certs());
	snprintf(key, sizeof(key), "%s/key.pem", certs());
	snprintf(other_key, sizeof(other_key), "%s/key.pem", other);
	expect_refused("/nonexistent/c.pem", key, "/nonexistent/c.pem: No such file or directory");
	expect_refused(cert, "/nonexistent/k.pem", "/nonexistent/k.pem");
	expect_refused(key, key, "holds no PEM block of that kind");
	expect_refused(cert, other_key, "does not belong to");
	EXPECT(tls_client_new(&p, &error) == NULL);
	EXPECT(error != NULL && strstr(error, "/nonexistent/ca.pem") != NULL);
	free(error);
	remove_dir(other);
}

TEST(dev_certs_are_kept_and_renewed)
{
	static const char *const names[] = { "localhost", "*.a.test" };
	static const char *const more[] = { "localhost", "b.test" };
	static const char *const evil[] = { "localhost,DNS:x" };
	char dir[64], path[128], *error;
	struct stat first, second;

	make_certs(dir, names, 2);
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	EXPECT_INT(stat(path, &first), 0);
	EXPECT_INT(first.st_mode & 0777, 0600);
	EXPECT(tls_make_dev_certs(dir, names, 2) == NULL);
	EXPECT_INT(stat(path, &second), 0);
	EXPECT_INT(first.st_ino, second.st_ino);
	EXPECT(tls_make_dev_certs(dir, more, 2) == NULL);
	EXPECT_INT(stat(path, &second), 0);
	EXPECT(first.st_ino != second.st_ino);
	set_dates(dir, -7200, 3600); /* valid, but not for another day */
	EXPECT(tls_make_dev_certs(dir, more, 2) == NULL);
	EXPECT_INT(stat(path, &first), 0);
	EXPECT(first.st_ino != second.st_ino);
	error = tls_make_dev_certs(dir, evil, 1);
	EXPECT(error != NULL && strstr(error, "is no name") != NULL);
	free(error);
	error = tls_make_dev_certs("/nonexistent/dir", names, 2);
	EXPECT(error != NULL && strstr(error, "/nonexistent/dir") != NULL);
	free(error);
	remove_dir(dir);
}

TESTS(TEST_ROW(link_and_visitor) TEST_ROW(s18_alpn_matrix) TEST_ROW(s18_link_below_tls13_is_refused)
	TEST_ROW(server_that_ignores_alpn_is_no_edge)
	    TEST_ROW(s18_old_versions_and_ciphers_are_refused) TEST_ROW(s18_no_renegotiation)
		TEST_ROW(certificate_by_sni) TEST_ROW(certificates_come_at_run_time)
		    TEST_ROW(certificate_of_an_address)
			TEST_ROW(challenge_is_shown_to_who_asks_for_it)
			    TEST_ROW(illegal_sni_is_refused) TEST_ROW(sni_is_lower_cased)
				TEST_ROW(s18_no_resumption_across_hosts) TEST_ROW(no_early_data)
				    TEST_ROW(wrong_ca) TEST_ROW(wrong_name)
					TEST_ROW(addresses_as_names) TEST_ROW(dates_that_are_wrong)
					    TEST_ROW(other_side_does_not_speak_tls)
						TEST_ROW(files_that_do_not_load)
						    TEST_ROW(dev_certs_are_kept_and_renewed))
