/* SPDX-License-Identifier: Apache-2.0 */
/* Notices that the machine slept or that its addresses changed. */
#include "agent/link/netwatch.h"

#include "base/clock.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

/* Often enough that a link is asked within seconds of waking up. */
#define TICK_US 2000000
/* What a busy machine may be late without a reason. */
#define SLEPT_US 1000000
/* The same of a process that was stopped (SIGSTOP, a debugger, a frozen container). */
#define STOPPED_US 5000000

const char *
netwatch_judge(int64_t mono_passed_us, int64_t boot_passed_us, int64_t tick_us)
{
	if (boot_passed_us - mono_passed_us > SLEPT_US)
		return "resumed from sleep";
	if (mono_passed_us > tick_us + STOPPED_US)
		return "was stopped for a while";
	return NULL;
}

bool
netwatch_is_address_change(struct slice messages)
{
	struct nlmsghdr h;
	struct ifaddrmsg a;

	while (messages.n >= sizeof(h)) {
		memcpy(&h, messages.p, sizeof(h));
		/* The kernel's own bytes, but read like any others: a length is not believed. */
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > messages.n)
			return false;
		if ((h.nlmsg_type == RTM_NEWADDR || h.nlmsg_type == RTM_DELADDR) &&
		    h.nlmsg_len >= sizeof(h) + sizeof(a)) {
			memcpy(&a, messages.p + sizeof(h), sizeof(a));
			if (a.ifa_scope < RT_SCOPE_LINK) /* not of the loopback, not link-local */
				return true;
		}
		messages = slice_from(messages, NLMSG_ALIGN(h.nlmsg_len));
	}
	return false;
}

static void
on_tick(struct loop_timer *t)
{
	struct netwatch *w = list_of(t, struct netwatch, tick);
	int64_t mono = clock_mono_us(), boot = clock_boot_us();
	const char *why = netwatch_judge(mono - w->mono_us, boot - w->boot_us, TICK_US);

	w->mono_us = mono;
	w->boot_us = boot;
	loop_timer_set(w->loop, &w->tick, TICK_US);
	if (why != NULL)
		w->changed(w, why);
}

static void
on_netlink(struct loop_io *io, unsigned events)
{
	struct netwatch *w = list_of(io, struct netwatch, netlink);
	_Alignas(struct nlmsghdr) char bytes[8192];
	bool changed = false;
	ssize_t n;

	(void)events;
	check(io->fd >= 0);
	/* ENOBUFS: messages were lost, so something did change. */
	while ((n = recv(io->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0 ||
	       (n < 0 && errno == ENOBUFS))
		changed =
		    changed || n < 0 || netwatch_is_address_change(slice_of(bytes, (size_t)n));
	if (changed)
		w->changed(w, "an address changed");
}

static void
open_netlink(struct netwatch *w)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	w->netlink = (struct loop_io){ .fd = fd, .fn = on_netlink };
	if (fd < 0)
		return;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    loop_watch(w->loop, &w->netlink) != 0) {
		close(fd);
		w->netlink.fd = -1;
	}
}

void
netwatch_start(struct netwatch *w, struct loop *l, void (*changed)(struct netwatch *, const char *))
{
	*w = (struct netwatch){ .loop = l, .changed = changed };
	w->tick.fn = on_tick;
	w->mono_us = clock_mono_us();
	w->boot_us = clock_boot_us();
	loop_timer_set(l, &w->tick, TICK_US);
	open_netlink(w);
}

void
netwatch_stop(struct netwatch *w)
{
	loop_timer_stop(w->loop, &w->tick);
	if (w->netlink.fd < 0)
		return;
	loop_unwatch(&w->netlink);
	close(w->netlink.fd);
	w->netlink.fd = -1;
}
