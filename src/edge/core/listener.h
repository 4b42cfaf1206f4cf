/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening socket on a loop.  When the process runs out of descriptors, one that was kept in
 * reserve serves to accept a connection and close it, so that its owner is not left hanging; then
 * there is a pause.
 */
#ifndef ADIT_EDGE_CORE_LISTENER_H
#define ADIT_EDGE_CORE_LISTENER_H

#include "base/cidr.h"
#include "net/loop.h"

/* Whoever makes room when descriptors are short has had this time to do something: who has just come
 * would else be cut before a byte of him is read, and nobody is served. */
#define LISTENER_FRESH_US (200 * 1000)

struct listener {
	struct loop_io io; /* fd -1: not open */
	struct loop_timer retry;
	int reserve;
	bool paused;
	bool is_urgent; /* whoever comes here gets the reserve when no other descriptor is left */
	/* Owns fd from now on. */
	void (*accepted)(struct listener *l, int fd, const struct sockaddr_storage *ss,
	    socklen_t len);
	void (*shortage)(struct listener *l); /* descriptors are short: something should go; NULL */
	void *owner;
	/* Set by listener_expect_proxies(); NULL: connections are what they seem. */
	const struct cidr_set *proxies;
	struct list greetings; /* private: connections whose header has not come (greeting.h) */
	size_t n_greetings;
	int64_t refused_us; /* private: when it was told last that somebody was refused */
};

/* A listener that is not open, for listener_close() to be harmless. */
void listener_init(struct listener *l);
/* Takes over a listening descriptor; -1 and errno, fd is closed then. */
int listener_open(struct listener *l, struct loop *loop, int fd,
    void (*accepted)(struct listener *l, int fd, const struct sockaddr_storage *ss, socklen_t len),
    void *owner) must_use;
/* Connections come from these proxies alone, and begin with a PROXY header; a set of none: no
 * proxies, as before.  The set must live as long as the listener. */
void listener_expect_proxies(struct listener *l, const struct cidr_set *proxies);
/* Harmless twice. May be called from accepted(). */
void listener_close(struct listener *l);

#endif
