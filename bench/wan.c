/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wide-area line for `make bench` and the slow tests: a TUN device in each of two network
 * namespaces, joined by this program with a one-way delay, an optional rate and an optional loss.
 * (tc netem is missing from many kernels; this needs only /dev/net/tun and root.)
 *
 *	wan NETNS_A NETNS_B ONE_WAY_MS [MBIT [LOSS_PER_MILLE]]
 *
 * Prints "ready" when both devices (wan0) exist; set addresses and bring them up then. SIGUSR1 cuts
 * the line (packets vanish, both ends hear nothing), SIGUSR2 mends it. Ends on SIGTERM, with a line
 *of counters.
 */
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PACKET_BYTES_MAX 65536
#define RING_BYTES (256u << 20)

/* Packets of one direction: a ring of {due, length, bytes}. */
struct line {
	int from, to;
	char *ring;
	size_t head, tail, used;
	int64_t free_us; /* when the line has sent what is before */
	unsigned long long packets, bytes, dropped;
};

struct packet {
	int64_t due_us;
	size_t n;
};

static int64_t delay_us;
static double us_per_byte;
static int loss_per_mille;
static volatile sig_atomic_t cut, ended;

static void
on_signal(int sig)
{
	if (sig == SIGUSR1)
		cut = 1;
	else if (sig == SIGUSR2)
		cut = 0;
	else
		ended = 1;
}

static int
open_tun(const char *netns)
{
	struct ifreq r = { 0 };
	char path[256];
	int ns, fd;

	snprintf(path, sizeof(path), "/var/run/netns/%s", netns);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) != 0) {
		perror(path);
		exit(1);
	}
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	strcpy(r.ifr_name, "wan0");
	r.ifr_flags = IFF_TUN | IFF_NO_PI;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) != 0) {
		perror("/dev/net/tun");
		exit(1);
	}
	return fd;
}

static void
ring_copy(struct line *l, size_t at, void *p, size_t n, bool in)
{
	size_t first = n < RING_BYTES - at ? n : RING_BYTES - at;

	if (in) {
		memcpy(l->ring + at, p, first);
		memcpy(l->ring, (char *)p + first, n - first);
	} else {
		memcpy(p, l->ring + at, first);
		memcpy((char *)p + first, l->ring, n - first);
	}
}

static void
take(struct line *l)
{
	static char buf[PACKET_BYTES_MAX];

	for (int i = 0; i < 64; i++) {
		ssize_t n = read(l->from, buf, sizeof(buf));
		struct packet p = { .n = (size_t)n };
		int64_t now = clock_mono_us();

		if (n <= 0)
			return;
		if (cut || rand() % 1000 < loss_per_mille ||
		    l->used + sizeof(p) + p.n > RING_BYTES) {
			l->dropped++;
			continue;
		}
		if (l->free_us < now)
			l->free_us = now;
		l->free_us += (int64_t)((double)n * us_per_byte);
		p.due_us = l->free_us + delay_us;
		ring_copy(l, l->tail, &p, sizeof(p), true);
		ring_copy(l, (l->tail + sizeof(p)) % RING_BYTES, buf, p.n, true);
		l->tail = (l->tail + sizeof(p) + p.n) % RING_BYTES;
		l->used += sizeof(p) + p.n;
	}
}

/* Delivers what is due; returns when the next packet will be, or INT64_MAX. */
static int64_t
give(struct line *l)
{
	static char buf[PACKET_BYTES_MAX];
	struct packet p;

	while (l->used > 0) {
		ring_copy(l, l->head, &p, sizeof(p), false);
		if (p.due_us > clock_mono_us())
			return p.due_us;
		ring_copy(l, (l->head + sizeof(p)) % RING_BYTES, buf, p.n, false);
		l->head = (l->head + sizeof(p) + p.n) % RING_BYTES;
		l->used -= sizeof(p) + p.n;
		if (cut || write(l->to, buf, p.n) < 0)
			l->dropped++;
		l->packets++;
		l->bytes += p.n;
	}
	return INT64_MAX;
}

int
main(int argc, char **argv)
{
	struct line ab = { 0 }, ba = { 0 };
	struct pollfd fds[2];

	if (argc < 4 || argc > 6) {
		fprintf(stderr, "usage: wan NETNS_A NETNS_B ONE_WAY_MS [MBIT [LOSS_PER_MILLE]]\n");
		return 2;
	}
	delay_us = (int64_t)(atof(argv[3]) * 1000);
	us_per_byte = argc > 4 && atof(argv[4]) > 0 ? 8 / atof(argv[4]) : 0;
	loss_per_mille = argc > 5 ? atoi(argv[5]) : 0;
	ab.from = ba.to = open_tun(argv[1]);
	ab.to = ba.from = open_tun(argv[2]);
	ab.ring = malloc(RING_BYTES);
	ba.ring = malloc(RING_BYTES);
	if (ab.ring == NULL || ba.ring == NULL)
		return 1;
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	puts("ready");
	fflush(stdout);
	fds[0] = (struct pollfd){ .fd = ab.from, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = ba.from, .events = POLLIN };
	while (!ended) {
		int64_t next = give(&ab), other = give(&ba), wait;
		struct timespec ts = { 1, 0 };

		wait = (other < next ? other : next) - clock_mono_us();
		if (wait < 1000000)
			ts = (struct timespec){ 0, wait > 0 ? wait * 1000 : 0 };
		if (ppoll(fds, 2, &ts, NULL) < 0 && errno != EINTR)
			break;
		take(&ab);
		take(&ba);
	}
	printf("{\"ab_packets\":%llu,\"ab_bytes\":%llu,\"ab_dropped\":%llu,\"ba_packets\":%llu,"
	       "\"ba_bytes\":%llu,\"ba_dropped\":%llu}\n",
	    ab.packets, ab.bytes, ab.dropped, ba.packets, ba.bytes, ba.dropped);
	free(ab.ring);
	free(ba.ring);
	return 0;
}
