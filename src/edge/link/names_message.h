/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {"type":"names","after":""} -> {"type":"names","names":["ci","jenkins","tcp:2222"],"more":false}:
 * an agent asks which names and ports its own account has, in their order, a few at a time.
 */
#ifndef ADIT_EDGE_LINK_NAMES_MESSAGE_H
#define ADIT_EDGE_LINK_NAMES_MESSAGE_H

#include "edge/link/session.h"

#include <jansson.h>

/* A CONTROL message of type "names", of a session that is up. */
void names_message(struct session *s, const json_t *question);

#endif
