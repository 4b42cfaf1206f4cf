/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {"type":"inbox","seq":1,"op":"list",...}: an agent looks into the inbox of its own account, over
 * its link; see view.h. One request at a time; the answer has the same type and seq.
 */
#ifndef ADIT_EDGE_LINK_INBOX_H
#define ADIT_EDGE_LINK_INBOX_H

#include "edge/session.h"

/* A CONTROL message of a session that is up, known to be a JSON object; ignored when it is of
 * another type. */
void link_inbox_control(struct session *s, struct slice json);

#endif
