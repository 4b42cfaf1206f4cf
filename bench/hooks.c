/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed webhooks for `bench/inbox`, and what they are measured beside.
 *
 *	hooks send PORT HOST PATH SENDERS SECONDS
 *	    each sender: one connection, one webhook of 2 KiB after the other
 *	hooks plain PORT DIR
 *	    a receiver that writes each body to a file of its own and fsyncs it; DIR "": it only
 *	    answers, as an origin
 *	hooks sync DIR SECONDS
 *	    appends of 2 KiB, each with fdatasync: what the disk can do
 *
 * The receiver has a thread for each connection: they wait, mostly.  One JSON object on stdout.
 */
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_BYTES 2048
#define SENDERS_MAX 1024
#define SAMPLES_MAX (1 << 22)
#define ANSWER_MS 30000

static struct sockaddr_in address = { .sin_family = AF_INET };
static const char *host, *path, *folder;
static int64_t end_us;
static unsigned n_errors, n_samples;
static _Atomic uint64_t next_number;
static uint32_t *samples_us;

static bool
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* A push as Bitbucket would send it, signed with "bench". */
static size_t
make_request(char *dst, size_t cap, uint64_t number, unsigned sender)
{
	char body[BODY_BYTES + 1], hex[65];
	unsigned char mac[32];
	unsigned n_mac = sizeof(mac);
	size_t n = (size_t)snprintf(body, sizeof(body),
	    "{\"number\":%llu,\"repository\":{\"full_name\":\"acme/"
	    "web\"},\"push\":{\"changes\":[{\"new\":{\"type\":"
	    "\"branch\",\"name\":\"b%u\"}}]},\"pad\":\"",
	    (unsigned long long)number, sender);

	memset(body + n, 'x', BODY_BYTES - n - 2);
	memcpy(body + BODY_BYTES - 2, "\"}", 2);
	HMAC(EVP_sha256(), "bench", 5, (unsigned char *)body, BODY_BYTES, mac, &n_mac);
	text_hex(mac, sizeof(mac), hex);
	n = (size_t)snprintf(dst, cap,
	    "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Bitbucket-Webhooks/2.0\r\nContent-Type: "
	    "application/json\r\n"
	    "X-Event-Key: repo:push\r\nX-Hook-UUID: bench\r\nX-Request-UUID: %016llx-%016llx\r\n"
	    "X-Hub-Signature: sha256=%s\r\nContent-Length: %d\r\n\r\n",
	    path, host, (unsigned long long)end_us, (unsigned long long)number, hex, BODY_BYTES);
	memcpy(dst + n, body, BODY_BYTES);
	return n + BODY_BYTES;
}

/* --- senders: one thread for all of them, so that the machine's time is the receiver's --- */

struct sender {
	int fd;
	int64_t start_us;
	char in[1024]; /* the answer so far */
	size_t n;
};

static bool
send_next(struct sender *s, unsigned index)
{
	char request[BODY_BYTES + 2048];
	size_t n = make_request(request, sizeof(request), next_number++, index);

	s->n = 0;
	s->start_us = clock_mono_us();
	/* One request is under way: the kernel has room for it. */
	return write_all(s->fd, request, n);
}

/* The status of an answer that has come whole, whose body is announced by Content-Length; 0: not
 * yet; -1: it is none. */
static int
read_answer(struct sender *s)
{
	ssize_t got = read(s->fd, s->in + s->n, sizeof(s->in) - 1 - s->n);
	const char *end, *length;

	if (got <= 0)
		return got < 0 && errno == EAGAIN ? 0 : -1;
	s->n += (size_t)got;
	s->in[s->n] = '\0';
	end = strstr(s->in, "\r\n\r\n");
	length = end == NULL ? NULL : strcasestr(s->in, "content-length: ");
	if (length != NULL && s->n >= (size_t)(end + 4 - s->in) + strtoul(length + 16, NULL, 10))
		return (int)strtol(s->in + 9, NULL, 10);
	return s->n < sizeof(s->in) - 1 ? 0 : -1;
}

/* False: this sender has ended. */
static bool
step(struct sender *s, unsigned index)
{
	int status = read_answer(s);
	int64_t now_us = clock_mono_us();

	if (status == 0)
		return true;
	if (status >= 200 && status <= 299) {
		if (n_samples < SAMPLES_MAX)
			samples_us[n_samples++] = (uint32_t)(now_us - s->start_us);
		if (now_us >= end_us)
			return false;
		if (send_next(s, index))
			return true;
	}
	n_errors++;
	return false;
}

static int
start_sender(struct sender *s, unsigned index, int epoll)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = index };
	int one = 1;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(s->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return -1;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &ev) != 0 || !send_next(s, index))
		return -1;
	return 0;
}

static void
send_all(unsigned n_senders)
{
	static struct sender senders[SENDERS_MAX];
	struct epoll_event events[SENDERS_MAX];
	int epoll = epoll_create1(EPOLL_CLOEXEC), n;
	unsigned left = n_senders;

	for (unsigned i = 0; i < n_senders; i++) {
		if (start_sender(&senders[i], i, epoll) != 0) {
			perror("hooks: send");
			n_errors++;
			return;
		}
	}
	while (left > 0) {
		n = epoll_wait(epoll, events, SENDERS_MAX, ANSWER_MS);
		if (n == 0) {
			fputs("hooks: no answer\n", stderr);
			n_errors++;
			return;
		}
		for (int i = 0; i < n; i++) {
			unsigned index = events[i].data.u32;

			if (!step(&senders[index], index)) {
				close(senders[index].fd);
				left--;
			}
		}
	}
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int
send_command(char **argv)
{
	unsigned n_senders = (unsigned)atoi(argv[3]);
	double seconds = atof(argv[4]);
	int64_t start_us = clock_mono_us();
	size_t n;

	if (n_senders > SENDERS_MAX)
		return 2;
	samples_us = malloc(SAMPLES_MAX * sizeof(*samples_us));
	host = argv[1];
	path = argv[2];
	end_us = start_us + (int64_t)(seconds * 1e6);
	send_all(n_senders);
	n = n_samples;
	qsort(samples_us, n, sizeof(*samples_us), by_value);
	seconds = (double)(clock_mono_us() - start_us) / 1e6;
	printf("{\"rate\":%.1f,\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u,\"done\":%zu,\"errors\":%"
	       "u}\n",
	    (double)n / seconds, n > 0 ? samples_us[n / 2] : 0,
	    n > 0 ? samples_us[n * 99 / 100] : 0, n > 0 ? samples_us[n - 1] : 0, n, n_errors);
	return n_errors == 0 ? 0 : 1;
}

/* --- what it is measured beside --- */

static bool
keep(const char *body, size_t n)
{
	char name[512];
	int fd;
	bool good;

	snprintf(name, sizeof(name), "%s/%llu", folder,
	    (unsigned long long)atomic_fetch_add(&next_number, 1));
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	good = fd >= 0 && write_all(fd, body, n) && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

static void *
plain_loop(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	int fd = (int)(intptr_t)arg;
	char *in = malloc(65536);
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, in + n, 65535 - n);
		char *end;

		if (got <= 0)
			break;
		n += (size_t)got;
		in[n] = '\0';
		end = strstr(in, "\r\n\r\n");
		if (end == NULL || n < (size_t)(end + 4 - in) + BODY_BYTES)
			continue;
		if ((folder[0] != '\0' && !keep(end + 4, BODY_BYTES)) ||
		    !write_all(fd, answer, sizeof(answer) - 1))
			break;
		n = 0;
	}
	close(fd);
	free(in);
	return NULL;
}

static int
plain_command(char **argv)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	folder = argv[1];
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1024) != 0) {
		perror("hooks: plain");
		return 1;
	}
	for (;;) {
		pthread_t thread;
		int c = accept(fd, NULL, NULL);

		if (c >= 0 && pthread_create(&thread, NULL, plain_loop, (void *)(intptr_t)c) == 0)
			pthread_detach(thread);
	}
}

static int
sync_command(char **argv)
{
	char name[512], block[BODY_BYTES] = { 'x' };
	int64_t start_us = clock_mono_us(), until_us = start_us + (int64_t)(atof(argv[1]) * 1e6);
	unsigned n = 0;
	int fd;

	snprintf(name, sizeof(name), "%s/sync", argv[0]);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	while (fd >= 0 && clock_mono_us() < until_us) {
		if (!write_all(fd, block, sizeof(block)) || fdatasync(fd) != 0) {
			perror("hooks: sync");
			return 1;
		}
		n++;
	}
	printf("{\"rate\":%.1f}\n", n * 1e6 / (double)(clock_mono_us() - start_us));
	return fd >= 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (argc > 2)
		address.sin_port = htons((uint16_t)atoi(argv[2]));
	if (argc == 7 && strcmp(argv[1], "send") == 0)
		return send_command(argv + 2);
	if (argc == 4 && strcmp(argv[1], "plain") == 0)
		return plain_command(argv + 2);
	if (argc == 4 && strcmp(argv[1], "sync") == 0)
		return sync_command(argv + 2);
	fputs("usage: hooks send PORT HOST PATH SENDERS SECONDS | plain PORT DIR | sync DIR "
	      "SECONDS\n",
	    stderr);
	return 2;
}
