/* SPDX-License-Identifier: Apache-2.0 */
/* `adit doctor [TUNNEL|URL]`: walks from the webhook to the build and says
 * what is wrong (adit.1). */
#ifndef ADIT_AGENT_DOCTOR_DOCTOR_COMMAND_H
#define ADIT_AGENT_DOCTOR_DOCTOR_COMMAND_H

#include "agent/core/options.h"

/* 0: no failure; 1: a failure was found, or the report could not be written; 2: wrong usage. */
int doctor_command(const struct options *o);

#endif
