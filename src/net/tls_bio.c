/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL reads from and writes to: a BIO over memory of the thread, and that memory. */
#include "base/limits.h"
#include "net/conn_private.h"
#include "net/tls_private.h"

#include <openssl/bio.h>
#include <pthread.h>
#include <stdlib.h>

/* Plaintext of the first write, before it is known what the socket takes. */
#define QUOTA_FIRST (64 * 1024)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t memory_key;
static BIO_METHOD *bio_method;
static _Thread_local struct tls_memory *memory;

static void
memory_free(void *p)
{
	struct tls_memory *m = p;

	free(m->in);
	free(m->seal);
	free(m->stage);
	free(m);
	memory = NULL;
}

/*
 * Made with the thread's first call and freed at its end: so connections need none of their own
 * while nothing waits.
 */
struct tls_memory *
tls_memory_get(void)
{
	struct tls_memory *m = memory;

	if (m != NULL)
		return m;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->in = malloc(TLS_IN_BYTES);
	m->stage = malloc(TLS_RECORD_BYTES);
	if (m->in == NULL || m->stage == NULL || pthread_setspecific(memory_key, m) != 0) {
		memory_free(m);
		return NULL;
	}
	memory = m;
	return m;
}

struct tls_memory *
tls_memory_have(void)
{
	return memory;
}

/* --- the BIO --- */

static size_t
take(char *dst, size_t cap, const char *src, size_t n)
{
	if (n > cap)
		n = cap;
	memcpy(dst, src, n);
	return n;
}

/* Older than anything in the thread's buffer, so it comes first. */
static int
read_kept(struct tls *t, char *dst, size_t cap)
{
	size_t n = take(dst, cap, t->kept + t->kept_at, t->kept_n);

	t->kept_at += (uint32_t)n;
	t->kept_n -= (uint32_t)n;
	if (t->kept_n == 0) {
		free(t->kept);
		t->kept = NULL;
	}
	return (int)n;
}

/* Fills the thread's buffer: 1, 0 at the end, -1 (with the retry flag when more may come). */
static int
receive(BIO *b, struct tls *t, struct tls_memory *m)
{
	struct iovec iov = { m->in, t->want };
	size_t n;

	if (t->fin)
		return 0;
	if (t->receives == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	t->receives--;
	switch (conn_raw_recv(t->conn, &iov, 1, &n)) {
	case IO_OK:
		m->in_at = 0;
		m->in_n = n;
		return 1;
	case IO_WAIT:
		BIO_set_retry_read(b);
		return -1;
	case IO_EOF:
		t->fin = true;
		return 0;
	case IO_FAIL:
		break;
	}
	return -1;
}

static int
bio_read(BIO *b, char *dst, int cap)
{
	struct tls *t = BIO_get_data(b);
	struct tls_memory *m = memory;
	size_t n;

	BIO_clear_retry_flags(b);
	if (cap <= 0)
		return 0;
	if (t->failed)
		return -1; /* tls_io_message() has had enough */
	if (t->kept_n > 0)
		return read_kept(t, dst, (size_t)cap);
	if (m->in_n == 0) {
		int r = receive(b, t, m);

		if (r <= 0)
			return r;
	}
	n = take(dst, (size_t)cap, m->in + m->in_at, m->in_n);
	m->in_at += n;
	m->in_n -= n;
	return (int)n;
}

/* There is always room: tls_write() counts before it seals, a handshake's flight is far smaller. */
static int
bio_write(BIO *b, const char *src, int n)
{
	struct tls *t = BIO_get_data(b);
	struct tls_memory *m = memory;

	BIO_clear_retry_flags(b);
	if (n < 0 || (size_t)n > TLS_SEAL_BYTES - t->out_n - m->seal_n) {
		BIO_set_retry_write(b);
		return -1;
	}
	if (m->seal == NULL && (m->seal = malloc(TLS_SEAL_BYTES)) == NULL)
		return -1;
	memcpy(m->seal + m->seal_n, src, (size_t)n);
	m->seal_n += (size_t)n;
	return n;
}

/*
 * A key update is 27 bytes on the wire and two key derivations here, and OpenSSL reads on
 * through any number of them: one connection could keep a worker busy.
 */
void
tls_io_message(int write_p, int version, int type, const void *buf, size_t n, SSL *ssl, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);

	(void)version, (void)buf, (void)n, (void)arg;
	if (write_p || type != SSL3_RT_HANDSHAKE || t == NULL || !t->ready)
		return;
	if (++t->n_messages > LIMIT_TLS_MESSAGES)
		tls_fail(t, "the other side sends TLS messages that carry nothing");
}

/*
 * OpenSSL asks to flush behind each flight: leave() does that. All other questions are
 * answered with no.
 */
static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static void
init_once(void)
{
	check(pthread_key_create(&memory_key, memory_free) == 0);
	bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "adit connection");
	check(bio_method != NULL);
	BIO_meth_set_read(bio_method, bio_read);
	BIO_meth_set_write(bio_method, bio_write);
	BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

int
tls_io_init(struct tls *t)
{
	BIO *b;

	pthread_once(&once, init_once);
	b = BIO_new(bio_method);
	if (b == NULL)
		return -1;
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b);
	t->quota = QUOTA_FIRST;
	return 0;
}

void
tls_io_fini(struct tls *t)
{
	free(t->kept);
	free(t->out);
	t->kept = t->out = NULL;
	t->kept_n = t->out_n = 0;
}
