/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `adit ddns`: an agent keeps a name at addresses of its own machine, without asking anybody which
 * they are: its link shows one of them.
 *
 *	{"type":"ddns","name":"home","v4":"link","v6":"2001:db8::9","port":443,"or_tunnel":true,
 *	 "seen":["TICKET ADDRESS"]}
 *	"link": the address of this link, if it is of that family; "no": none; absent: as it is.
 *	port: the edge knocks there before it says that the name can be reached; or_tunnel: only an
 *	address that answers is set, else the name leads to the edge, and through a tunnel.
 *	seen: what /checkip has given: the edge knocks only where it knows the agent to be.
 *
 *	{"type":"ddns","name":"home","ok":true,"host":"home.example.org","code":"good",
 *	 "link":"203.0.113.9","class":"global","v4":"203.0.113.9","v6":"","reach4":"open","reach6":""}
 *	{"type":"ddns","name":"home","ok":false,"code":"name-taken","text":"..."}
 *
 * The account gets the name if nobody has it, as with a tunnel.
 */
#ifndef ADIT_EDGE_LINK_DDNS_MESSAGE_H
#define ADIT_EDGE_LINK_DDNS_MESSAGE_H

#include "edge/link/session.h"

/* One at a time. */
void ddns_message(struct session *s, const json_t *message);
/* The session ends: what was asked is done all the same, and nobody is told. */
void ddns_message_abandon(struct session *s);

#endif
