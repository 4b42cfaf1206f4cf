/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {"type":"domain","op":"add","name":"hook.example.com","tunnel":"ci"}
 *	-> {"type":"domain","op":"add","name":"hook.example.com","ok":true,...}
 * An agent asks for an own domain, for those of its account, or gives one up (edge/domain/ask.h).
 */
#ifndef ADIT_EDGE_LINK_DOMAIN_MESSAGE_H
#define ADIT_EDGE_LINK_DOMAIN_MESSAGE_H

#include "edge/link/session.h"

#include <jansson.h>

/* A CONTROL message of type "domain", of a session that is up. */
void domain_message(struct session *s, const json_t *request);
/* The session ends: what was asked is done all the same. */
void domain_message_abandon(struct session *s);

#endif
