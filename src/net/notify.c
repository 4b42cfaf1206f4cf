/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram to the supervisor (notify.h). */
#include "net/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* sd_notify(3) without its library: one datagram. Nobody who listens is no fault: 0. */
int
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = path == NULL ? 0 : strlen(path);
	ssize_t sent;
	int fd, error;

	if (n < 2 || n >= sizeof(un.sun_path))
		return 0;
	memcpy(un.sun_path, path, n);
	if (un.sun_path[0] == '@')
		un.sun_path[0] = '\0'; /* the abstract name space */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	error = errno;
	close(fd);
	errno = error;
	return sent < 0 ? -1 : 0;
}
