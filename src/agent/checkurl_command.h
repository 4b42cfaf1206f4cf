/* SPDX-License-Identifier: Apache-2.0 */
/* `adit check-url URL`: what Bitbucket would say to it, and what to do about that (adit.1). */
#ifndef ADIT_AGENT_CHECKURL_COMMAND_H
#define ADIT_AGENT_CHECKURL_COMMAND_H

#include "agent/command.h"
#include "hook/checkurl.h"

int checkurl_command(const struct options *o);

/* What can only be found by calling there; the codes for the manual and its test. */
extern const struct checkurl_code checkurl_probe_codes[];
extern const size_t checkurl_probe_codes_n;

#endif
