/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {"type":"release","name":"ci"} -> {"type":"release","name":"ci","ok":true}: an account gives up
 * one of its own names, or a port ("tcp:2222"), over any of its links.  A name becomes a tombstone
 * as with `aditd name release`; a port is free for everybody.  One at a time.
 */
#ifndef ADIT_EDGE_LINK_RELEASE_MESSAGE_H
#define ADIT_EDGE_LINK_RELEASE_MESSAGE_H

#include "edge/link/session.h"

#include <jansson.h>

/* A CONTROL message of type "release", of a session that is up. */
void release_message(struct session *s, const json_t *request);
/* The session is over: nobody waits for the answer any more. */
void release_abandon(struct session *s);

#endif
