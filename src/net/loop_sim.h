/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated twin of the loop, for tests (*_sim_test.c): loop.h over a virtual clock and a
 * network in memory.  Several loops of one process, edge and agent say, share one world and one
 * scheduler in one thread; the same seed gives the same run.
 *
 * Descriptors are numbers above a million that only loop_*() knows.  Mail of real other
 * threads is taken, but nothing waits for it: virtual time goes on.
 */
#ifndef ADIT_NET_LOOP_SIM_H
#define ADIT_NET_LOOP_SIM_H

#include "net/loop.h"

/* Of connections that are made from now on, each way. */
struct sim_link {
	int64_t latency_us;   /* one way */
	int64_t jitter_us;    /* at most so much more; order is kept */
	uint64_t bytes_per_s; /* 0: without limit */
	size_t buffer_bytes;  /* sent and not yet read by the other side */
	size_t chunk_bytes;   /* bytes arrive in pieces of random size up to this */
	bool shorts;          /* writes are cut short at random, too */
	bool refuses;         /* writes are refused at random though there is room */
};

/* Before any loop_new(). */
void sim_new(uint64_t seed);
/* After the last loop_free(). Returns how many descriptors were never closed. */
size_t sim_free(void);
void sim_set_link(const struct sim_link *link);
int64_t sim_now_us(void);
uint64_t sim_rand(uint64_t below);

/* Runs all loops until cond(arg) holds (true), or virtual time has gone on by for_us (false). */
bool sim_run_until(bool (*cond)(void *arg), void *arg, int64_t for_us);
/* fn(arg) at a moment, between two turns. */
void sim_at(int64_t delay_us, void (*fn)(void *arg), void *arg);

/* Since sim_new(): sends that were refused, and how often somebody asked whether there is room, which
 * would cost a system call each time. */
uint64_t sim_refused(void);
uint64_t sim_looks(void);

/* Two connected descriptors. */
void sim_pair(int ret_fd[2]);
/* The source address of connections from now on; NULL: 127.0.0.1. */
void sim_connect_from(const struct sockaddr *addr, socklen_t len);
/* What connecting does from now on: 0 succeeds where somebody listens, an errno
 * fails, -1 is silence. */
void sim_connect_mode(int code);

/* The wire is cut: nothing arrives any more, nobody is told. What user timeout was set counts. */
void sim_cut(int fd);
/* Both ends get ECONNRESET. */
void sim_reset(int fd);
/* The other end of a connection, -1 while it is not accepted. */
int sim_peer(int fd);
/* A stopped process: its kernel goes on to receive, the loop does not run. */
void sim_freeze(struct loop *l, bool frozen);

#endif
