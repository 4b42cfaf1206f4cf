/* SPDX-License-Identifier: Apache-2.0 */
/* What is found by calling a URL as Bitbucket would: its name, its addresses, TLS, and
 * what the server answers. */
#ifndef ADIT_AGENT_COMMAND_CHECKURL_PROBE_H
#define ADIT_AGENT_COMMAND_CHECKURL_PROBE_H

#include "agent/core/options.h"
#include "agent/doctor/dns_query.h"
#include "hook/checkurl.h"
#include "net/addr.h"

/* One URL that is looked at. */
struct checkurl_job {
	const struct options *options;
	struct checkurl check;
	struct checkurl_params params;
	struct addr connect; /* --connect; port 0: none */
	struct dns_answer dns;
	char reached[ADDR_TEXT_BYTES];
	bool probed;
};

/* Calls it where that makes sense, and adds its findings to j->check. Waits. */
void checkurl_probe(struct checkurl_job *j);

#endif
