/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name server for tests: the library src/dns on one UDP and one TCP socket of 127.0.0.1, which it
 * serves one after another. Prints its port. What it serves stands in a file of lines:
 *
 *	zone ORIGIN NAME_SERVER MAILBOX SERIAL
 *	rr NAME TTL TYPE HEX      of the zone named last; the RDATA without compression
 *	key NAME ALGORITHM HEX    may transfer all zones and change all names
 *	open                      everybody may transfer
 *	notify PORT               who is told of changes, with the first key where there is one
 */
#include "dns/authority.h"
#include "dns/notify.h"
#include "dns/rr.h"

#include "base/clock.h"
#include "base/rand.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define KEYS 8
#define CLIENTS 32
#define BATCH 64
#define LINE 80000

static struct {
	struct tsig_key keys[KEYS];
	size_t n_keys;
	bool open;
	uint16_t notify;
	struct zone *zone;
	struct change *change;
	int udp, listener;
} lab;

/* --- rules --- */

static bool
find_key(void *arg, struct slice name, struct tsig_key *ret)
{
	(void)arg;
	for (size_t i = 0; i < lab.n_keys; i++) {
		if (dname_eq(dname_slice(&lab.keys[i].name), name)) {
			*ret = lab.keys[i];
			return true;
		}
	}
	return false;
}

static enum authority_share
may_transfer(void *arg, const struct authority_asker *by, const struct zone *z)
{
	(void)arg;
	(void)z;
	return lab.open || by->key.n > 0 ? AUTHORITY_ALL : AUTHORITY_NONE;
}

static bool
may_see(void *arg, struct slice key, struct slice name)
{
	(void)arg;
	(void)key;
	(void)name;
	return true;
}

static bool
may_change(void *arg, const struct authority_asker *by, struct slice name, uint16_t type)
{
	(void)arg;
	(void)by;
	(void)name;
	return type != RR_NS && type != RR_SOA && type != RR_CNAME;
}

static const struct authority_rules rules = { find_key, may_transfer, may_see, may_change };
static struct authority authority = { .rules = &rules };

/* --- its file --- */

static struct dname
name_of(const char *text)
{
	struct dname d;

	if (!dname_parse(slice_str(text), &d))
		errx(1, "%s: no name", text);
	return d;
}

static void
commit(void)
{
	enum change_end end;

	if (lab.change == NULL)
		return;
	end = change_commit(lab.change);
	if (end != CHANGE_MADE && end != CHANGE_NONE)
		errx(1, "change: %d", end);
	lab.change = NULL;
}

static void
read_zone(char *rest)
{
	char *origin = strtok(rest, " "), *server = strtok(NULL, " "), *mailbox = strtok(NULL, " ");
	char *serial = strtok(NULL, " ");
	struct dname o, s, m;

	if (serial == NULL)
		errx(1, "zone: four words wanted");
	commit();
	o = name_of(origin);
	s = name_of(server);
	m = name_of(mailbox);
	lab.zone = zone_new(dname_slice(&o), dname_slice(&s), dname_slice(&m),
	    &(struct zone_times){ 14400, 3600, 604800, 60, 300 },
	    /* The change that follows makes it this. */
	    (uint32_t)strtoul(serial, NULL, 10) - 1);
	if (lab.zone == NULL || !zones_add(&authority.zones, lab.zone))
		errx(1, "%s: cannot be added", origin);
	lab.change = change_begin(lab.zone);
}

static void
read_rr(char *rest)
{
	static unsigned char rdata[65536];
	char *name = strtok(rest, " "), *ttl = strtok(NULL, " "), *type = strtok(NULL, " ");
	char *hex = strtok(NULL, " ");
	struct dname d = name_of(name);
	ptrdiff_t n = text_unhex(slice_str(hex == NULL ? "" : hex), rdata, sizeof(rdata));
	enum change_result result;

	if (n < 0 || lab.change == NULL)
		errx(1, "%s: no RDATA, or no zone", name);
	result = change_add(lab.change, dname_slice(&d), (uint16_t)atoi(type),
	    (uint32_t)strtoul(ttl, NULL, 10), slice_of(rdata, (size_t)n));
	if (result != CHANGE_OK)
		errx(1, "%s %s: %d", name, type, result);
}

static void
read_key(char *rest)
{
	char *name = strtok(rest, " "), *algorithm = strtok(NULL, " "), *hex = strtok(NULL, " ");
	struct tsig_key *key = &lab.keys[lab.n_keys++];
	ptrdiff_t n = text_unhex(slice_str(hex), key->secret, sizeof(key->secret));

	key->name = name_of(name);
	key->n = (uint8_t)n;
	if (n <= 0 || !tsig_algorithm_parse(slice_str(algorithm), &key->algorithm))
		errx(1, "%s: no key", name);
}

static void
read_file(const char *path)
{
	static char line[LINE];
	FILE *f = fopen(path, "r");

	if (f == NULL)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		char *rest = line + strcspn(line, " \n");

		line[strcspn(line, "\n")] = '\0';
		if (*rest != '\0')
			*rest++ = '\0';
		if (strcmp(line, "zone") == 0)
			read_zone(rest);
		else if (strcmp(line, "rr") == 0)
			read_rr(rest);
		else if (strcmp(line, "key") == 0)
			read_key(rest);
		else if (strcmp(line, "open") == 0)
			lab.open = true;
		else if (strcmp(line, "notify") == 0)
			lab.notify = (uint16_t)atoi(rest);
	}
	commit();
	fclose(f);
}

/* --- sockets --- */

static int
bound(int kind, uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0), one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (kind == SOCK_STREAM)
		listen(fd, 64);
	getsockname(fd, (struct sockaddr *)&a, &len);
	*port = ntohs(a.sin_port);
	return fd;
}

static void
notify(struct zone *z)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(lab.notify) };
	struct notify n;
	unsigned char buf[NOTIFY_BYTES];
	size_t len = notify_write(&n, z, (uint16_t)rand_u64(), lab.n_keys > 0 ? &lab.keys[0] : NULL,
	    clock_wall_ms() / 1000, buf);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (lab.notify != 0)
		sendto(lab.udp, buf, len, 0, (struct sockaddr *)&a, sizeof(a));
}

/* What an answer is written into, and how many bytes it has; a transfer goes straight to fd. */
static size_t
serve(struct slice request, int tcp_fd, unsigned char *reply, size_t cap)
{
	struct authority_ask ask = { .request = request,
		.tcp = tcp_fd >= 0,
		.now_s = clock_wall_ms() / 1000,
		.reply = reply,
		.cap = cap };
	struct authority_said said;
	bool changed;
	struct zone *z;
	size_t n;

	switch (authority_answer(&authority, &ask, &said)) {
	case AUTHORITY_DROP:
	case AUTHORITY_LATER: /* one after another, so there is none */
		return 0;
	case AUTHORITY_REPLY:
		return said.reply_n;
	case AUTHORITY_UPDATE:
		z = authority_zone(said.update);
		n = authority_settle(said.update, true, ask.now_s, reply, cap, &changed);
		if (changed)
			notify(z);
		return n;
	case AUTHORITY_TRANSFER:
		fprintf(stderr, "transfer of type %d\n",
		    (unsigned char)request.p[12 + strlen(request.p + 12) + 2]);
		for (enum transfer_step step = TRANSFER_MORE; step == TRANSFER_MORE;) {
			unsigned char head[2];

			step = transfer_next(said.transfer, reply, cap, ask.now_s, &n);
			head[0] = (unsigned char)(n >> 8);
			head[1] = (unsigned char)n;
			if (step == TRANSFER_FAIL ||
			    send(tcp_fd, head, 2, MSG_NOSIGNAL | MSG_MORE) != 2 ||
			    send(tcp_fd, reply, n, MSG_NOSIGNAL) != (ssize_t)n)
				break;
		}
		transfer_free(said.transfer);
		return 0;
	}
	return 0;
}

/* Many at a time, which is what the kernel's part of each costs least with. */
static void
serve_udp(void)
{
	static unsigned char requests[BATCH][4096], replies[BATCH][LIMIT_DNS_UDP_BYTES];
	struct sockaddr_in from[BATCH];
	struct iovec in[BATCH], out[BATCH];
	struct mmsghdr got[BATCH], answers[BATCH];
	int n, n_answers = 0;

	for (int i = 0; i < BATCH; i++) {
		in[i] = (struct iovec){ requests[i], sizeof(requests[i]) };
		got[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i],
					       .msg_namelen = sizeof(from[i]),
					       .msg_iov = &in[i],
					       .msg_iovlen = 1 } };
	}
	n = recvmmsg(lab.udp, got, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		size_t reply_n = serve(slice_of(requests[i], got[i].msg_len), -1,
		    replies[n_answers], sizeof(replies[n_answers]));

		if (reply_n == 0)
			continue;
		out[n_answers] = (struct iovec){ replies[n_answers], reply_n };
		answers[n_answers] = got[i];
		answers[n_answers].msg_hdr.msg_iov = &out[n_answers];
		n_answers++;
	}
	if (n_answers > 0)
		sendmmsg(lab.udp, answers, (unsigned)n_answers, 0);
}

/* Whole messages; false: the client has gone, or is too slow. */
static bool
serve_tcp(int fd)
{
	static unsigned char request[65536], reply[65537];
	unsigned char head[2];
	size_t n;

	if (recv(fd, head, 2, MSG_WAITALL) != 2)
		return false;
	n = (size_t)head[0] << 8 | head[1];
	if (recv(fd, request, n, MSG_WAITALL) != (ssize_t)n)
		return false;
	n = serve(slice_of(request, n), fd, reply + 2, DNS_MESSAGE_BYTES);
	reply[0] = (unsigned char)(n >> 8);
	reply[1] = (unsigned char)n;
	return n == 0 || send(fd, reply, n + 2, MSG_NOSIGNAL) == (ssize_t)n + 2;
}

static void
take_client(struct pollfd *fds)
{
	struct timeval patience = { .tv_sec = 5 };
	int fd = accept4(lab.listener, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 2; i < 2 + CLIENTS && fd >= 0; i++) {
		if (fds[i].fd < 0) {
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
			fds[i].fd = fd;
			return;
		}
	}
	if (fd >= 0)
		close(fd);
}

static void
open_sockets(void)
{
	uint16_t port;

	/* One number for both: that of the first, where nobody has it. */
	for (int tries = 0; tries < 100; tries++) {
		port = 0;
		lab.listener = bound(SOCK_STREAM, &port);
		lab.udp = bound(SOCK_DGRAM, &port);
		if (lab.udp >= 0) {
			printf("%u\n", port);
			fflush(stdout);
			return;
		}
		close(lab.listener);
	}
	errx(1, "no port is free");
}

static void
say_figures(void)
{
	struct zone_figures f;

	for (size_t i = 0; i < authority.zones.n; i++) {
		zone_figures(authority.zones.of[i], &f);
		fprintf(stderr, "%zu names, %zu sets, %zu records, %zu bytes, %zu a name\n",
		    f.names, f.sets, f.records, f.bytes, f.bytes / f.names);
	}
}

static volatile sig_atomic_t ended;

static void
on_term(int number)
{
	(void)number;
	ended = 1;
}

int
main(int argc, char **argv)
{
	struct pollfd fds[2 + CLIENTS];

	if (argc != 2)
		errx(2, "dns_responder FILE");
	/* Without SA_RESTART, so that poll() comes back. */
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, NULL);
	read_file(argv[1]);
	say_figures();
	open_sockets();
	fds[0] = (struct pollfd){ .fd = lab.udp, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = lab.listener, .events = POLLIN };
	for (int i = 2; i < 2 + CLIENTS; i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	while (!ended) {
		if (poll(fds, 2 + CLIENTS, -1) < 0) {
			if (errno != EINTR)
				err(1, "poll");
			continue;
		}
		if (fds[0].revents != 0)
			serve_udp();
		if (fds[1].revents != 0)
			take_client(fds);
		for (int i = 2; i < 2 + CLIENTS; i++) {
			if (fds[i].fd >= 0 && fds[i].revents != 0 && !serve_tcp(fds[i].fd)) {
				close(fds[i].fd);
				fds[i].fd = -1;
			}
		}
	}
	for (size_t i = 0; i < authority.zones.n; i++)
		zone_free(authority.zones.of[i]);
	return 0;
}
