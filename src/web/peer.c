/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the kernel who is on the other side of a connection. */
#include "web/peer.h"

#include "net/addr.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <unistd.h>

/* One question: who has the socket from `from` to `to`? */
struct diag_question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 ask;
};

/* v4-mapped addresses belong to sockets that the kernel keeps as IPv4. */
static bool
put_address(const struct sockaddr_storage *ss, uint8_t *ret_family, __be32 dst[4], __be16 *ret_port)
{
	if (ss->ss_family == AF_INET) {
		struct sockaddr_in a;

		memcpy(&a, ss, sizeof(a));
		*ret_family = AF_INET;
		*ret_port = a.sin_port;
		memcpy(dst, &a.sin_addr, 4);
		return true;
	}
	if (ss->ss_family == AF_INET6) {
		struct sockaddr_in6 a;
		bool mapped;

		memcpy(&a, ss, sizeof(a));
		mapped = IN6_IS_ADDR_V4MAPPED(&a.sin6_addr);
		*ret_family = mapped ? AF_INET : AF_INET6;
		*ret_port = a.sin6_port;
		memcpy(dst, a.sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
		return true;
	}
	return false;
}

static bool
make_question(const struct sockaddr_storage *from, const struct sockaddr_storage *to,
    struct diag_question *q)
{
	uint8_t family;
	struct inet_diag_sockid *id = &q->ask.id;

	*q = (struct diag_question){
		.head = { .nlmsg_len = sizeof(*q),
		    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		    .nlmsg_flags = NLM_F_REQUEST },
		.ask = { .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u },
	};
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return put_address(from, &q->ask.sdiag_family, id->idiag_src, &id->idiag_sport) &&
	       put_address(to, &family, id->idiag_dst, &id->idiag_dport) &&
	       family == q->ask.sdiag_family;
}

/*
 * A socket without an inode belongs to no process any more; its user reads as 0.  The kernel looks at the
 * user first and at the inode then, so an inode tells that the user was true.
 */
static bool
take_answer(const char *p, size_t n, const struct diag_question *q, uid_t *ret_uid)
{
	struct nlmsghdr head;
	struct inet_diag_msg msg;

	if (n < NLMSG_LENGTH(sizeof(msg)))
		return false;
	memcpy(&head, p, sizeof(head));
	memcpy(&msg, p + NLMSG_HDRLEN, sizeof(msg));
	if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || msg.idiag_inode == 0 ||
	    msg.id.idiag_sport != q->ask.id.idiag_sport ||
	    msg.id.idiag_dport != q->ask.id.idiag_dport)
		return false;
	*ret_uid = msg.idiag_uid;
	return true;
}

static bool
ask_once(int netlink, const struct diag_question *q, uid_t *ret_uid)
{
	char answer[1024];
	ssize_t n;

	if (send(netlink, q, sizeof(*q), 0) != (ssize_t)sizeof(*q))
		return false;
	/* The kernel answers within send(): there is nothing to wait for. */
	n = recv(netlink, answer, sizeof(answer), MSG_DONTWAIT);
	return n > 0 && take_answer(answer, (size_t)n, q, ret_uid);
}

static bool
ask_tcp(int fd, const struct sockaddr_storage *from, uid_t *ret_uid)
{
	struct sockaddr_storage to = { 0 };
	socklen_t len = sizeof(to);
	struct diag_question q;
	int netlink;
	bool known;

	if (getsockname(fd, (struct sockaddr *)&to, &len) != 0 || !make_question(from, &to, &q))
		return false;
	netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	if (netlink < 0)
		return false;
	known = ask_once(netlink, &q, ret_uid);
	/* Root is believed only if it is root twice: a socket that was closed between the kernel's two looks
	 * has no inode now. */
	if (known && *ret_uid == 0)
		known = ask_once(netlink, &q, ret_uid);
	close(netlink);
	return known;
}

void
web_peer_ask(int fd, const struct sockaddr_storage *ss, socklen_t len, struct web_peer *ret)
{
	*ret = (struct web_peer){ 0 };
	addr_show(ss, len, ret->text, sizeof(ret->text));
	if (ss->ss_family == AF_UNIX) {
		struct ucred who;
		socklen_t n = sizeof(who);

		ret->local = true;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0) {
			ret->known = true;
			ret->uid = who.uid;
		}
		return;
	}
	ret->known = ask_tcp(fd, ss, &ret->uid);
}
