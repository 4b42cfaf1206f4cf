/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {"type":"inbox","seq":1,"op":"list",...}: an agent looks into the inbox of its own account, over
 * its link; see query.h. One request at a time; the answer has the same type and seq.
 */
#ifndef ADIT_EDGE_LINK_INBOX_MESSAGE_H
#define ADIT_EDGE_LINK_INBOX_MESSAGE_H

#include "edge/link/session.h"

#include <jansson.h>

/* A CONTROL message of type "inbox", of a session that is up. */
void inbox_message(struct session *s, json_t *request);

#endif
