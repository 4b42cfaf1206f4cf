/* SPDX-License-Identifier: Apache-2.0 */
/* What is found by calling a URL as Bitbucket would: its name, its addresses, TLS, and
 * what the server answers. */
#ifndef ADIT_AGENT_COMMAND_CHECKURL_PROBE_H
#define ADIT_AGENT_COMMAND_CHECKURL_PROBE_H

#include "agent/core/options.h"
#include "hook/checkurl.h"
#include "net/addr.h"
#include "net/dns_query.h"

/* One URL that is looked at. */
struct checkurl_job {
	const struct options *options;
	struct checkurl check;         /* what its text says; findings of the network are added */
	struct checkurl_params params; /* as for checkurl_read() */
	struct addr connect;           /* --connect; port 0: none */
	struct dns_query_answer dns;   /* of the host, or of --connect */
	char reached[ADDR_TEXT_BYTES]; /* the address that was connected to; "": none */
	bool probed;                   /* the network was used */
};

/*
 * Calls it where that makes sense, and adds its findings to j->check: nothing is called that is
 * certain to fail, and nothing on this machine, which is another host than the one that Bitbucket
 * would mean.  The caller has filled in options, check, params and connect.  Waits.
 */
void checkurl_probe(struct checkurl_job *j);

#endif
