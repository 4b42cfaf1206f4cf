/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the kernel's routes, by connecting a socket of datagrams, which sends none. */
#include "net/own_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Somewhere behind the default route: addresses for documents, which no machine has (RFC 5737, RFC 3849). */
#define FAR_V4 "192.0.2.1"
#define FAR_V6 "2001:db8::1"

bool
own_address(int family, char *dst, size_t cap)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	bool is_v4 = family == AF_INET, ok;
	struct sockaddr *at = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = is_v4 ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	check(is_v4 || family == AF_INET6);
	if (fd < 0)
		return false;
	ok = inet_pton(AF_INET, FAR_V4, &v4.sin_addr) == 1 &&
	     inet_pton(AF_INET6, FAR_V6, &v6.sin6_addr) == 1 && connect(fd, at, len) == 0 &&
	     getsockname(fd, at, &len) == 0 &&
	     inet_ntop(family, is_v4 ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr, dst,
		 (socklen_t)cap) != NULL;
	close(fd);
	return ok;
}
