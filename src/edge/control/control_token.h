/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens for dynamic DNS: their names, and the key with which they sign DNS updates. */
#ifndef ADIT_EDGE_CONTROL_CONTROL_TOKEN_H
#define ADIT_EDGE_CONTROL_CONTROL_TOKEN_H

#include "edge/control/control_private.h"

/* Reads "ddns" (names) and "tsig" of token.add into the job. NULL, or what is wrong with them. */
const char *control_token_read(struct control_job *job, json_t *request) must_use;
/* On the store's thread, when it is stored: whose the names are, and the key for the name server. */
void control_token_follow(struct control_job *job);
/* The answer: the only time that the secrets are shown. */
json_t *control_token_json(const struct control_job *job) must_use;
/* Wipes what the job holds of it. */
void control_token_fini(struct control_job *job);

#endif
