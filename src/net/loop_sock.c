/* SPDX-License-Identifier: Apache-2.0 */
/* The socket calls of loop.h on the real system. */
#include "net/loop.h"

#include "base/limits.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096
#define SOCK_FLAGS (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)

/* The kernel does not write to the list: const may go. */
static struct msghdr
message_of(const struct iovec *iov, int n_iov)
{
	struct msghdr msg = { .msg_iovlen = (size_t)(n_iov > IOV_MAX ? IOV_MAX : n_iov) };

	memcpy(&msg.msg_iov, &iov, sizeof(iov));
	return msg;
}

enum io
loop_recv(int fd, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct msghdr msg = message_of(iov, n_iov);
	ssize_t n;

	if (n_iov == 0 || iov->iov_len == 0)
		return IO_WAIT; /* a count of 0 would look like the end */
	do {
		n = n_iov == 1 ? recv(fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT)
			       : recvmsg(fd, &msg, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		*ret_n = (size_t)n;
		return IO_OK;
	}
	if (n == 0)
		return IO_EOF;
	return errno == EAGAIN ? IO_WAIT : IO_FAIL;
}

enum io
loop_send(int fd, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct msghdr msg = message_of(iov, n_iov);
	ssize_t n;

	do {
		n = n_iov == 1 ? send(fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL)
			       : sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? IO_WAIT : IO_FAIL;
	*ret_n = (size_t)n;
	return IO_OK;
}

bool
loop_can_send(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1;
}

size_t
loop_unacked(int fd)
{
	int n = 0;

	return ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

bool
loop_can_recv(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

int
loop_accept(int fd, struct sockaddr_storage *ret_addr, socklen_t *ret_len)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len;
	int got;

	do {
		len = sizeof(ss);
		got = accept4(fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (got < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (got < 0)
		return -1;
	*ret_addr = ss;
	*ret_len = len;
	return got;
}

static bool
set_flag(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/*
 * Streams may be quiet for hours: it is the kernel that finds out who has gone without a word.  No
 * TCP_USER_TIMEOUT beside it: that would also cut a reader that lives and takes nothing for a while.
 * What a listener has is inherited by what it accepts.
 */
static void
keep_alive(int fd, int family)
{
	if (family != AF_INET && family != AF_INET6)
		return;
	set_flag(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_flag(fd, IPPROTO_TCP, TCP_KEEPIDLE, LIMIT_TCP_PROBE_IDLE_MS / 1000);
	set_flag(fd, IPPROTO_TCP, TCP_KEEPINTVL, LIMIT_TCP_PROBE_MS / 1000);
	set_flag(fd, IPPROTO_TCP, TCP_KEEPCNT, LIMIT_TCP_PROBES);
}

int
loop_connect(const struct sockaddr *addr, socklen_t len)
{
	int fd = socket(addr->sa_family, SOCK_FLAGS, 0), saved;

	if (fd < 0)
		return -1;
	keep_alive(fd, addr->sa_family);
	/* An interrupted connect() goes on by itself, as one that was started. */
	if (connect(fd, addr, len) == 0 || errno == EINPROGRESS || errno == EINTR)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
loop_connect_result(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return errno;
	if (error != 0)
		return error;
	len = sizeof(ss);
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == 0)
		return 0;
	return errno == ENOTCONN ? EINPROGRESS : errno;
}

void
loop_shutdown(int fd)
{
	shutdown(fd, SHUT_WR);
}

void
loop_close(int fd)
{
	close(fd);
}

/* --- listening --- */

/* Is there somebody behind this Unix socket? A full backlog (EAGAIN) counts as one. */
static bool
unix_is_alive(const struct sockaddr *addr, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_FLAGS, 0);
	bool alive;

	if (fd < 0)
		return true; /* not known: do not touch it */
	alive = connect(fd, addr, len) == 0 || errno != ECONNREFUSED;
	close(fd);
	return alive;
}

/* Removes the socket that a process left behind when it died; anything else stays. */
static bool
remove_stale(const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)addr;
	struct stat st;

	if (addr->sa_family != AF_UNIX || lstat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	return !unix_is_alive(addr, len) && unlink(un->sun_path) == 0;
}

static int
bind_to(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (bind(fd, addr, len) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	if (!remove_stale(addr, len)) {
		errno = EADDRINUSE;
		return -1;
	}
	return bind(fd, addr, len);
}

static bool
set_listen_flags(int fd, int family, bool share)
{
	if (family == AF_UNIX)
		return true;
	if (!set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1))
		return false;
	if (share && !set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return false;
	return family != AF_INET6 || set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
}

int
loop_listen(const struct sockaddr *addr, socklen_t len, bool share,
    struct sockaddr_storage *ret_bound, socklen_t *ret_len)
{
	int fd = socket(addr->sa_family, SOCK_FLAGS, 0), saved;
	socklen_t bound_len = sizeof(*ret_bound);

	if (fd < 0)
		return -1;
	keep_alive(fd, addr->sa_family);
	if (set_listen_flags(fd, addr->sa_family, share) && bind_to(fd, addr, len) == 0 &&
	    listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)ret_bound, &bound_len) == 0) {
		*ret_len = bound_len;
		return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool
is_loopback(const struct sockaddr_storage *ss)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (ss->ss_family == AF_INET) {
		memcpy(&in, ss, sizeof(in));
		return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	memcpy(&in6, ss, sizeof(in6));
	return ss->ss_family == AF_INET6 && (IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) ||
						(IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) &&
						    in6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET));
}

/* BBR paces, which on loopback halves what goes through. Wide-area legs
 * keep the system's choice. */
static void
avoid_pacing(int fd)
{
	static atomic_int paces = -1; /* -1: not yet known; the same for all sockets */
	int known = atomic_load_explicit(&paces, memory_order_relaxed);
	char name[16] = "";
	socklen_t len = sizeof(name) - 1;

	if (known < 0) {
		known = getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) == 0 &&
			strncmp(name, "bbr", 3) == 0;
		atomic_store_explicit(&paces, known, memory_order_relaxed);
	}
	if (known > 0 && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) != 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

void
loop_tune(int fd, int user_timeout_ms, int notsent_lowat_bytes)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 || peer.ss_family == AF_UNIX)
		return;
	/* What an old kernel does not know it does without. */
	set_flag(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (user_timeout_ms > 0)
		set_flag(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms);
	if (notsent_lowat_bytes > 0)
		set_flag(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, notsent_lowat_bytes);
	if (is_loopback(&peer))
		avoid_pacing(fd);
}
