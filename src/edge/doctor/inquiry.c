/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a name server and waits (inquiry.h). */
#include "edge/doctor/inquiry.h"

#include "base/clock.h"
#include "base/rand.h"
#include "dns/dnswrite.h"
#include "dns/rr.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define TRIES 2
#define UDP_BYTES 1232

/* --- sockets --- */

static int
dial(const struct sockaddr_storage *server, int kind)
{
	socklen_t len = server->ss_family == AF_INET6 ? 28 : 16;
	int fd = socket(server->ss_family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t error_len = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)server, len) == 0)
		return fd;
	if (errno == EINPROGRESS && poll(&p, 1, INQUIRY_MS) == 1 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) == 0 && error == 0)
		return fd;
	if (error == 0 && errno == EINPROGRESS)
		error = ETIMEDOUT;
	else if (error == 0)
		error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Bytes, 0 for the end or when the time is over, -1 for an error. */
static ssize_t
receive(int fd, void *dst, size_t cap, int64_t end_us)
{
	int64_t left_ms = (end_us - clock_mono_us()) / 1000;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (left_ms <= 0 || poll(&p, 1, (int)left_ms) != 1)
		return 0;
	return recv(fd, dst, cap, MSG_DONTWAIT);
}

static bool
receive_all(int fd, unsigned char *dst, size_t n, int64_t end_us)
{
	while (n > 0) {
		ssize_t got = receive(fd, dst, n, end_us);

		if (got <= 0)
			return false;
		dst += got;
		n -= (size_t)got;
	}
	return true;
}

/* --- messages --- */

static size_t
write_question(unsigned char *buf, size_t cap, const struct dns_question *question, uint16_t id,
    bool recursive)
{
	struct dnswrite w;

	dnswrite_begin(&w, buf, cap, 0, id, recursive ? DNS_RD : 0);
	dnswrite_question(&w, question);
	dnswrite_opt(&w, UDP_BYTES, 0, false);
	check(!w.full);
	return w.n;
}

/* Is it the answer to that question? */
static bool
judge(struct inquiry *q, const struct dns_question *question, uint16_t id)
{
	struct dns_question echo;
	struct dnsread r;

	if (!dnsread_begin(&r, slice_of(q->bytes, q->n)) || r.id != id || !(r.flags & DNS_QR) ||
	    r.counts[DNS_QUESTION] != 1)
		return false;
	dnsread_question(&r, &echo);
	q->flags = r.flags;
	q->rcode = r.flags & DNS_RCODE;
	return !r.failed && echo.type == question->type &&
	       dname_eq(dname_slice(&echo.name), dname_slice(&question->name));
}

static enum inquiry_end
ask_udp(struct inquiry *q, int fd, const struct dns_question *question, bool recursive)
{
	unsigned char buf[512];

	for (int i = 0; i < TRIES; i++) {
		uint16_t id = (uint16_t)rand_u64();
		size_t n = write_question(buf, sizeof(buf), question, id, recursive);
		int64_t end_us = clock_mono_us() + INQUIRY_MS * 1000;
		ssize_t got;

		if (send(fd, buf, n, MSG_NOSIGNAL) < 0)
			return INQUIRY_REFUSED;
		while ((got = receive(fd, q->bytes, sizeof(q->bytes), end_us)) > 0) {
			q->n = (size_t)got;
			if (judge(q, question, id))
				return INQUIRY_ANSWERED;
		}
		if (got < 0 && errno != EAGAIN)
			return INQUIRY_REFUSED; /* told by ICMP */
	}
	return INQUIRY_SILENT;
}

static enum inquiry_end
ask_tcp(struct inquiry *q, int fd, const struct dns_question *question, bool recursive)
{
	unsigned char buf[514], head[2];
	uint16_t id = (uint16_t)rand_u64();
	size_t n = write_question(buf + 2, sizeof(buf) - 2, question, id, recursive);
	int64_t end_us = clock_mono_us() + INQUIRY_MS * 1000;

	buf[0] = (unsigned char)(n >> 8);
	buf[1] = (unsigned char)n;
	if (send(fd, buf, n + 2, MSG_NOSIGNAL) != (ssize_t)n + 2 ||
	    !receive_all(fd, head, 2, end_us))
		return INQUIRY_SILENT;
	q->n = (size_t)head[0] << 8 | head[1];
	return receive_all(fd, q->bytes, q->n, end_us) && judge(q, question, id) ? INQUIRY_ANSWERED
										 : INQUIRY_SILENT;
}

enum inquiry_end
inquiry_ask(struct inquiry *q, const struct sockaddr_storage *server, const char *name,
    uint16_t type, bool recursive, bool tcp)
{
	struct dns_question question = { .type = type, .class = RR_CLASS_IN };
	int fd;

	q->n = 0;
	q->end = INQUIRY_REFUSED;
	if (!dname_parse(slice_str(name), &question.name))
		return q->end;
	fd = dial(server, tcp ? SOCK_STREAM : SOCK_DGRAM);
	if (fd < 0) {
		q->end = errno == ETIMEDOUT ? INQUIRY_SILENT : INQUIRY_REFUSED;
		return q->end;
	}
	q->end = tcp ? ask_tcp(q, fd, &question, recursive) : ask_udp(q, fd, &question, recursive);
	close(fd);
	if (q->end == INQUIRY_ANSWERED && !tcp && (q->flags & DNS_TC) != 0)
		return inquiry_ask(q, server, name, type, recursive, true);
	return q->end;
}

/* --- what it says --- */

bool
inquiry_next(const struct inquiry *q, struct inquiry_at *at, enum dns_section *ret_section,
    struct dns_record *ret)
{
	struct dns_question skip;

	if (!at->begun) {
		at->begun = true;
		at->section = DNS_ANSWER;
		if (!dnsread_begin(&at->r, slice_of(q->bytes, q->n)))
			at->r.failed = true;
		else
			dnsread_question(&at->r, &skip);
	}
	while (at->section < DNS_SECTIONS && at->i == at->r.counts[at->section]) {
		at->section++;
		at->i = 0;
	}
	if (at->section == DNS_SECTIONS || at->r.failed)
		return false;
	dnsread_record(&at->r, ret);
	at->i++;
	*ret_section = (enum dns_section)at->section;
	return !at->r.failed;
}

void
inquiry_target(const struct inquiry *q, const struct inquiry_at *at, const struct dns_record *rr,
    char *dst, size_t cap)
{
	unsigned char rdata[DNAME_BYTES];
	char text[DNAME_TEXT_BYTES];
	ptrdiff_t n = dnsread_rdata(&at->r, rr, rdata, sizeof(rdata));

	(void)q;
	dst[0] = '\0';
	if (n <= 0 || (rr->type != RR_NS && rr->type != RR_CNAME))
		return;
	dname_text(slice_of(rdata, (size_t)n), text, sizeof(text));
	snprintf(dst, cap, "%.*s", (int)cap - 1, text);
}
