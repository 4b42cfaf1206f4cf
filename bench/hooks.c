/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed webhooks for `bench/inbox`, and what they are measured beside.
 *
 *	hooks send PORT HOST PATH SENDERS SECONDS    each sender: one connection, one webhook of 2
 *KiB after the other hooks plain PORT DIR                         a receiver that writes each body
 *to a file of its own and fsyncs it hooks sync DIR SECONDS                       appends of 2 KiB,
 *each with fdatasync: what the disk can do
 *
 * A thread for each sender and each connection: they wait, mostly.  One JSON object on stdout.
 */
#include "base/clock.h"
#include "base/text.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_BYTES 2048
#define SENDERS_MAX 1024
#define SAMPLES_MAX (1 << 22)

static struct sockaddr_in address = { .sin_family = AF_INET };
static const char *host, *path, *folder;
static _Atomic int64_t end_us;
static _Atomic unsigned n_errors, n_samples;
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

/* Reads one answer whose body is announced by Content-Length. Its status, or 0. */
static int
read_answer(int fd)
{
	char in[4096];
	size_t n = 0;
	char *end = NULL, *length;

	while (n < sizeof(in) - 1) {
		ssize_t got = read(fd, in + n, sizeof(in) - 1 - n);

		if (got <= 0)
			return 0;
		n += (size_t)got;
		in[n] = '\0';
		end = strstr(in, "\r\n\r\n");
		length = end == NULL ? NULL : strcasestr(in, "content-length: ");
		if (length != NULL && n >= (size_t)(end + 4 - in) + strtoul(length + 16, NULL, 10))
			return (int)strtol(in + 9, NULL, 10);
	}
	return 0;
}

static void *
send_loop(void *arg)
{
	unsigned sender = (unsigned)(uintptr_t)arg;
	char *request = malloc(BODY_BYTES + 2048);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		atomic_fetch_add(&n_errors, 1);
		return NULL;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (clock_mono_us() < end_us) {
		uint64_t number = atomic_fetch_add(&next_number, 1);
		size_t n = make_request(request, BODY_BYTES + 2048, number, sender);
		int64_t start_us = clock_mono_us();
		int status = write_all(fd, request, n) ? read_answer(fd) : 0;
		unsigned at;

		if (status < 200 || status > 299) {
			atomic_fetch_add(&n_errors, 1);
			break;
		}
		at = atomic_fetch_add(&n_samples, 1);
		if (at < SAMPLES_MAX)
			samples_us[at] = (uint32_t)(clock_mono_us() - start_us);
	}
	close(fd);
	free(request);
	return NULL;
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
	pthread_t threads[SENDERS_MAX];
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
	for (unsigned i = 0; i < n_senders; i++)
		pthread_create(&threads[i], NULL, send_loop, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < n_senders; i++)
		pthread_join(threads[i], NULL);
	n = n_samples < SAMPLES_MAX ? n_samples : SAMPLES_MAX;
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
		if (!keep(end + 4, BODY_BYTES) || !write_all(fd, answer, sizeof(answer) - 1))
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
