/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the kernel's list of IPv6 addresses. */
#include "agent/link/netaddr.h"

#include "hook/ipclass.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is said of one address. */
struct told {
	struct in6_addr address;
	bool there;
	uint32_t flags, preferred_s;
};

static void
take_attribute(struct told *t, unsigned type, struct slice value)
{
	struct ifa_cacheinfo info;

	if ((type == IFA_ADDRESS && !t->there) || type == IFA_LOCAL) {
		if (value.n == sizeof(t->address)) {
			memcpy(&t->address, value.p, sizeof(t->address));
			t->there = true;
		}
	} else if (type == IFA_FLAGS && value.n == sizeof(t->flags)) {
		memcpy(&t->flags, value.p, sizeof(t->flags));
	} else if (type == IFA_CACHEINFO && value.n >= sizeof(info)) {
		memcpy(&info, value.p, sizeof(info));
		t->preferred_s = info.ifa_prefered;
	}
}

/* The kernel's own bytes, but read like any others: a length is not believed. */
static struct told
read_address(const struct ifaddrmsg *a, struct slice attributes)
{
	struct told t = { .flags = a->ifa_flags, .preferred_s = UINT32_MAX };
	struct rtattr head;

	while (attributes.n >= sizeof(head)) {
		memcpy(&head, attributes.p, sizeof(head));
		if (head.rta_len < sizeof(head) || head.rta_len > attributes.n)
			break;
		take_attribute(&t, head.rta_type,
		    slice_head(slice_from(attributes, RTA_LENGTH(0)),
			head.rta_len - RTA_LENGTH(0)));
		attributes = slice_from(attributes, RTA_ALIGN(head.rta_len));
	}
	return t;
}

static bool
will_do(const struct ifaddrmsg *a, const struct told *t, bool inside)
{
	const uint32_t unfit =
	    IFA_F_TEMPORARY | IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED;
	enum ipclass class = ipclass_v6(t->address.s6_addr);

	return t->there && a->ifa_family == AF_INET6 && a->ifa_scope == RT_SCOPE_UNIVERSE &&
	       (t->flags & unfit) == 0 &&
	       (class == IPCLASS_GLOBAL || (inside && class == IPCLASS_ULA));
}

/* Of two that stay as long the lower one, so that the order of the list says nothing. A public one
 * is better than any other. */
static bool
is_better(const struct told *t, const struct netaddr_choice *c)
{
	bool is_public = ipclass_v6(t->address.s6_addr) == IPCLASS_GLOBAL;
	bool was_public = ipclass_v6(c->address.s6_addr) == IPCLASS_GLOBAL;

	if (!c->found || is_public != was_public)
		return !c->found || is_public;
	if (t->preferred_s != c->preferred_s)
		return t->preferred_s > c->preferred_s;
	return memcmp(&t->address, &c->address, sizeof(t->address)) < 0;
}

void
netaddr_take(struct netaddr_choice *c, struct slice messages, bool inside)
{
	struct nlmsghdr h;
	struct ifaddrmsg a;

	while (messages.n >= sizeof(h)) {
		struct told t;

		memcpy(&h, messages.p, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > messages.n)
			return;
		if (h.nlmsg_type == RTM_NEWADDR && h.nlmsg_len >= NLMSG_LENGTH(sizeof(a))) {
			memcpy(&a, messages.p + NLMSG_HDRLEN, sizeof(a));
			t = read_address(&a, slice_from(slice_head(messages, h.nlmsg_len),
						 NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(a))));
			if (will_do(&a, &t, inside) && is_better(&t, c))
				*c = (struct netaddr_choice){ true, t.address, t.preferred_s };
		}
		messages = slice_from(messages, NLMSG_ALIGN(h.nlmsg_len));
	}
}

/* The list ends with a message of its own. */
static bool
is_done(struct slice messages)
{
	struct nlmsghdr h;

	while (messages.n >= sizeof(h)) {
		memcpy(&h, messages.p, sizeof(h));
		if (h.nlmsg_type == NLMSG_DONE || h.nlmsg_type == NLMSG_ERROR ||
		    h.nlmsg_len < sizeof(h) || h.nlmsg_len > messages.n)
			return true;
		messages = slice_from(messages, NLMSG_ALIGN(h.nlmsg_len));
	}
	return false;
}

/* The kernel answers while it is asked: nobody is waited for. */
bool
netaddr_best(struct in6_addr *ret, bool inside)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg a;
	} ask = { .h = { .nlmsg_len = sizeof(ask),
		      .nlmsg_type = RTM_GETADDR,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.a = { .ifa_family = AF_INET6 } };
	_Alignas(struct nlmsghdr) char bytes[16384];
	struct netaddr_choice c = { 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n = 0;

	if (fd < 0)
		return false;
	if (send(fd, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask))
		while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
			netaddr_take(&c, slice_of(bytes, (size_t)n), inside);
			if (is_done(slice_of(bytes, (size_t)n)))
				break;
		}
	close(fd);
	if (c.found)
		*ret = c.address;
	return c.found;
}

struct in6_addr
netaddr_join(const struct in6_addr *net, const struct in6_addr *host)
{
	struct in6_addr joined = *net;

	memcpy(joined.s6_addr + 8, host->s6_addr + 8, 8);
	return joined;
}

bool
netaddr_same_net(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a->s6_addr, b->s6_addr, 8) == 0;
}
