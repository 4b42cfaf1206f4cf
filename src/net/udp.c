/* SPDX-License-Identifier: Apache-2.0 */
/* Datagram sockets (udp.h). */
#include "net/udp.h"

#include "net/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/uio.h>

/* What the kernel keeps for us while we are busy with others: bursts of questions. */
#define RECEIVE_BYTES (1024 * 1024)

static bool
set_flag(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* Which address was asked is told by the kernel with each datagram. */
static bool
ask_for_address(int fd, int family)
{
	if (family == AF_INET)
		return set_flag(fd, IPPROTO_IP, IP_PKTINFO, 1);
	/* A socket of both families tells of IPv4 as of a mapped address. */
	return set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) &&
	       set_flag(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/*
 * Answers are small enough for every path, and forged "too big" messages shall not make the kernel
 * cut them into fragments that others can be put in place of (RFC 8900, 9715).
 */
static void
ignore_path_mtu(int fd, int family)
{
	(void)set_flag(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	if (family == AF_INET6)
		(void)set_flag(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
}

static int
open_at(struct sockaddr_storage *ss, socklen_t *len)
{
	int fd = socket(ss->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -1;
	ignore_path_mtu(fd, ss->ss_family);
	(void)set_flag(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
	if (ask_for_address(fd, ss->ss_family) &&
	    bind(fd, (const struct sockaddr *)ss, *len) == 0 &&
	    getsockname(fd, (struct sockaddr *)ss, len) == 0)
		return fd;
	error = errno;
	loop_close(fd);
	errno = error;
	return -1;
}

int
udp_open(const struct addr *a, struct addr *ret_bound)
{
	struct sockaddr_storage ss;
	struct addr v4 = *a;
	socklen_t len;
	char host[INET6_ADDRSTRLEN];
	int fd;

	if (a->kind != ADDR_TCP || addr_sockaddr(a, true, &ss, &len) != 0) {
		errno = EINVAL;
		return -1;
	}
	fd = open_at(&ss, &len);
	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) && a->host[0] == '\0') {
		/* A kernel without IPv6. */
		strcpy(v4.host, "0.0.0.0");
		if (addr_sockaddr(&v4, true, &ss, &len) == 0)
			fd = open_at(&ss, &len);
	}
	if (fd >= 0 && ret_bound != NULL) {
		*ret_bound = *a;
		ret_bound->port = addr_split(&ss, len, host, sizeof(host));
	}
	return fd;
}

/* --- messages --- */

static struct msghdr
header_of(struct udp_message *m, struct iovec *iov)
{
	return (struct msghdr){ .msg_name = &m->peer,
		.msg_namelen = m->peer_len,
		.msg_iov = iov,
		.msg_iovlen = 1,
		.msg_control = m->control_n > 0 ? m->control : NULL,
		.msg_controllen = m->control_n };
}

/* Does the way to it depend on the interface? */
static bool
is_link_local(const struct sockaddr_storage *ss)
{
	struct sockaddr_in6 in6;

	if (ss->ss_family != AF_INET6)
		return false;
	memcpy(&in6, ss, sizeof(in6));
	return IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr);
}

/*
 * What was told of a datagram that came, turned into what is asked for of one that goes: from that
 * address, by whichever interface leads there.
 */
static void
keep_address(struct udp_message *m, struct msghdr *h)
{
	struct cmsghdr *c = h->msg_controllen > 0 ? CMSG_FIRSTHDR(h) : NULL;
	struct in_pktinfo v4;
	struct in6_pktinfo v6;

	m->control_n = 0;
	if (c == NULL || (h->msg_flags & MSG_CTRUNC) != 0)
		return;
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		memcpy(&v4, CMSG_DATA(c), sizeof(v4));
		v4.ipi_ifindex = 0;
		memcpy(CMSG_DATA(c), &v4, sizeof(v4));
		m->control_n = CMSG_SPACE(sizeof(v4));
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		memcpy(&v6, CMSG_DATA(c), sizeof(v6));
		if (!is_link_local(&m->peer))
			v6.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(c), &v6, sizeof(v6));
		m->control_n = CMSG_SPACE(sizeof(v6));
	}
}

enum io
udp_recv(int fd, struct udp_message *m, size_t n, size_t *ret_n)
{
	struct mmsghdr got[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	int n_got;

	_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) <= UDP_CONTROL_BYTES, "room");
	check(n > 0 && n <= UDP_BATCH);
	for (size_t i = 0; i < n; i++) {
		m[i].peer_len = sizeof(m[i].peer);
		m[i].control_n = sizeof(m[i].control);
		iov[i] = (struct iovec){ m[i].bytes, m[i].n };
		got[i] = (struct mmsghdr){ .msg_hdr = header_of(&m[i], &iov[i]) };
	}
	do
		n_got = recvmmsg(fd, got, (unsigned)n, MSG_DONTWAIT, NULL);
	while (n_got < 0 && errno == EINTR);
	/* Errors of earlier answers (ICMP) are told here, too: they end nothing. */
	if (n_got < 0)
		return errno == EAGAIN ? IO_WAIT : IO_FAIL;
	for (int i = 0; i < n_got; i++) {
		struct msghdr *h = &got[i].msg_hdr;

		m[i].peer_len = h->msg_namelen;
		m[i].n = (h->msg_flags & MSG_TRUNC) != 0 ? 0 : got[i].msg_len;
		keep_address(&m[i], h);
	}
	*ret_n = (size_t)n_got;
	return IO_OK;
}

/* The kernel stops at the first that it does not take: that one is passed over. */
size_t
udp_send(int fd, const struct udp_message *m, size_t n)
{
	struct mmsghdr out[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	size_t at = 0, taken = 0;

	check(n <= UDP_BATCH);
	for (size_t i = 0; i < n; i++) {
		struct udp_message *w = (void *)(uintptr_t)&m[i]; /* the kernel only reads it */

		iov[i] = (struct iovec){ m[i].bytes, m[i].n };
		out[i] = (struct mmsghdr){ .msg_hdr = header_of(w, &iov[i]) };
	}
	while (at < n) {
		int done = sendmmsg(fd, out + at, (unsigned)(n - at), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		taken += done > 0 ? (size_t)done : 0;
		at += done > 0 ? (size_t)done : 1;
	}
	return taken;
}

void
udp_address(int fd, struct udp_message *m, const struct sockaddr_storage *to, socklen_t len)
{
	struct sockaddr_storage own;
	struct sockaddr_in in;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	socklen_t own_len = sizeof(own);

	m->peer = *to;
	m->peer_len = len;
	m->control_n = 0;
	if (to->ss_family != AF_INET || getsockname(fd, (struct sockaddr *)&own, &own_len) != 0 ||
	    own.ss_family != AF_INET6)
		return;
	memcpy(&in, to, sizeof(in));
	in6.sin6_port = in.sin_port;
	in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&in6.sin6_addr.s6_addr[12], &in.sin_addr, 4);
	memset(&m->peer, 0, sizeof(m->peer));
	memcpy(&m->peer, &in6, sizeof(in6));
	m->peer_len = sizeof(in6);
}
