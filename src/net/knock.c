/* SPDX-License-Identifier: Apache-2.0 */
/* Connects, and looks what came of it. */
#include "net/knock.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

static void
finish(struct knock *k, enum knock_result r)
{
	knock_cancel(k);
	k->done(k, r);
}

static void
on_timer(struct loop_timer *t)
{
	struct knock *k = list_of(t, struct knock, timer);

	finish(k, k->known);
}

static void
on_event(struct loop_io *io, unsigned events)
{
	struct knock *k = list_of(io, struct knock, io);
	int error = 0;
	socklen_t n = sizeof(error);

	(void)events; /* an end without LOOP_OUT tells as much */
	if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	finish(k, error == 0 ? KNOCK_OPEN : error == ECONNREFUSED ? KNOCK_REFUSED : KNOCK_SILENT);
}

void
knock_start(struct knock *k, struct loop *l, const struct sockaddr_storage *ss, int64_t timeout_us)
{
	socklen_t len =
	    ss->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int fd;

	check(k->loop == NULL && k->done != NULL);
	k->loop = l;
	k->timer.fn = on_timer;
	k->known = KNOCK_SILENT;
	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	k->io = (struct loop_io){ .fd = fd, .fn = on_event };
	if (fd >= 0 && connect(fd, (const struct sockaddr *)ss, len) != 0 && errno != EINPROGRESS) {
		if (errno == ECONNREFUSED)
			k->known = KNOCK_REFUSED;
		timeout_us = 0;
	} else if (fd < 0 || loop_watch(l, &k->io) != 0) {
		timeout_us = 0;
	}
	loop_timer_set(l, &k->timer, timeout_us);
}

void
knock_cancel(struct knock *k)
{
	if (k->loop == NULL)
		return;
	loop_timer_stop(k->loop, &k->timer);
	loop_unwatch(&k->io);
	if (k->io.fd >= 0)
		close(k->io.fd);
	k->io.fd = -1;
	k->loop = NULL;
}

const char *
knock_text(enum knock_result r)
{
	switch (r) {
	case KNOCK_OPEN:
		return "open";
	case KNOCK_REFUSED:
		return "refused";
	case KNOCK_SILENT:
		break;
	}
	return "silent";
}
