/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams, many with each call, and the address of ours that each of them was sent to: whoever
 * answers must answer from there, since a host with several addresses is else not believed.
 *
 * Watch a descriptor with loop.h as any other. It has no twin in the simulated network.
 */
#ifndef ADIT_NET_UDP_H
#define ADIT_NET_UDP_H

#include "base/check.h"
#include "base/io.h"
#include "net/addr.h"

#define UDP_BATCH 64
#define UDP_CONTROL_BYTES 40 /* struct in6_pktinfo with its header */

struct udp_message {
	struct sockaddr_storage peer;
	socklen_t peer_len;
	/* Private: which of our addresses it is about. Copy it with the rest. */
	size_t control_n;
	_Alignas(size_t) unsigned char control[UDP_CONTROL_BYTES];
	unsigned char *bytes; /* the caller's */
	size_t n; /* in: room for one that comes; out, and of one that goes: its bytes */
};

/*
 * A socket bound to a numeric address, non-blocking. "*" is both families, as addr_listen() has it.
 * -1 and errno. ret_bound: as addr_listen().
 */
int udp_open(const struct addr *a, struct addr *ret_bound) must_use;

/*
 * Receives up to n <= UDP_BATCH; *ret_n of them came. IO_WAIT: none. One that is longer than its
 * room has n 0.
 */
enum io udp_recv(int fd, struct udp_message *m, size_t n, size_t *ret_n) must_use;
/*
 * Sends n <= UDP_BATCH, as far as the kernel takes them: what it does not take is lost, as it could be
 * anywhere on its way. Returns how many it took.
 */
size_t udp_send(int fd, const struct udp_message *m, size_t n);
/* A message of this socket to somebody who has not asked; by a socket of both families to either. */
void udp_address(int fd, struct udp_message *m, const struct sockaddr_storage *to, socklen_t len);

#endif
