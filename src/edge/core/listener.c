/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts on a listening socket, and survives a lack of descriptors. */
#include "edge/core/listener.h"

#include "base/log.h"
#include "edge/core/greeting.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Then whoever is connected has his turn, though more wait. */
#define ACCEPTS_PER_EVENT 64
#define PAUSE_US (100 * 1000)

/* -1 where there is none left: it is tried again before each round of accept(). */
static int
open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Errors of one connection that went before it was accepted (accept(2)); others are a shortage. */
static bool
is_gone(int error)
{
	switch (error) {
	case ECONNABORTED:
	case EINTR:
	case EPROTO:
	case EPERM:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
		return true;
	default:
		return false;
	}
}

/* No descriptor is left: lets one connection go at once rather than never, or serves it with the one
 * that is in reserve. */
static void
shed(struct listener *l, int error)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	int fd;

	check(l->io.fd >= 0);
	if (l->reserve >= 0) {
		close(l->reserve);
		l->reserve = -1;
		fd = loop_accept(l->io.fd, &ss, &len);
		if (fd >= 0 && l->is_urgent)
			l->accepted(l, fd, &ss, len);
		else if (fd >= 0)
			loop_close(fd);
		/* accepted() may have closed the listener. */
		if (l->io.fd < 0)
			return;
		l->reserve = open_reserve();
	}
	if (!l->paused)
		log_event(LOG_WARN, "accept-paused", LOG_Z("why", strerror(error)));
	l->paused = true;
	if (l->shortage != NULL)
		l->shortage(l);
	loop_timer_set(l->io.loop, &l->retry, PAUSE_US);
}

static void
accept_some(struct listener *l)
{
	check(l->io.fd >= 0); /* a closed one is not watched, and has no timer */
	if (l->reserve < 0)
		l->reserve = open_reserve();
	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof(ss);
		int fd = loop_accept(l->io.fd, &ss, &len);

		if (fd < 0 && errno == EAGAIN) {
			l->paused = false;
			return;
		}
		if (fd < 0 && !is_gone(errno)) {
			shed(l, errno);
			return;
		}
		if (fd < 0)
			continue;
		if (l->proxies != NULL)
			greeting_start(l, fd, &ss);
		else
			l->accepted(l, fd, &ss, len);
		if (l->io.fd < 0)
			return;
	}
	loop_again(&l->io, LOOP_IN);
}

static void
on_io(struct loop_io *io, unsigned events)
{
	struct listener *l = list_of(io, struct listener, io);

	if (events & LOOP_IN)
		accept_some(l);
}

/* No edge will come for those who wait already (loop_accept()), so time has to. */
static void
on_retry(struct loop_timer *t)
{
	accept_some(list_of(t, struct listener, retry));
}

void
listener_init(struct listener *l)
{
	*l = (struct listener){ .io = { .fd = -1 }, .reserve = -1 };
}

int
listener_open(struct listener *l, struct loop *loop, int fd,
    void (*accepted)(struct listener *, int, const struct sockaddr_storage *, socklen_t),
    void *owner)
{
	check(fd >= 0 && accepted != NULL);
	*l = (struct listener){
		.io = { .fd = fd, .fn = on_io },
		.retry = { .fn = on_retry },
		.reserve = open_reserve(),
		.accepted = accepted,
		.owner = owner,
	};
	list_init(&l->greetings);
	if (loop_watch(loop, &l->io) == 0)
		return 0;
	listener_close(l);
	return -1;
}

void
listener_expect_proxies(struct listener *l, const struct cidr_set *proxies)
{
	l->proxies = proxies->n > 0 ? proxies : NULL;
}

/* errno stays as it was: listener_open() fails through here. */
void
listener_close(struct listener *l)
{
	int error = errno;

	if (l->io.fd < 0)
		return;
	greetings_end(l);
	if (l->io.loop != NULL) {
		loop_timer_stop(l->io.loop, &l->retry);
		loop_unwatch(&l->io);
	}
	loop_close(l->io.fd);
	l->io.fd = -1;
	if (l->reserve >= 0)
		close(l->reserve);
	l->reserve = -1;
	errno = error;
}
