/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would Bitbucket take this URL for a webhook, and would the hook arrive?  The part that needs no
 * network: a URL as a person typed it is taken apart leniently, everything that is wrong with it is
 * found at once, and each finding says the cause and what to type instead.  Addresses that the name
 * resolves to, and the certificate, are judged by the caller with checkurl_address() and its own
 * probes.
 *
 * "Cloud" is bitbucket.org, which calls from the internet; "DC" is a Bitbucket Data Center or
 * Server in one's own network, which may call private addresses.
 */
#ifndef ADIT_HOOK_CHECKURL_H
#define ADIT_HOOK_CHECKURL_H

#include "base/limits.h"
#include "hook/ipclass.h"
#include "hook/preset.h"

#include <stdarg.h>

enum checkurl_severity {
	CHECKURL_OK,
	CHECKURL_WARNING, /* is saved, but may not work or not for long */
	CHECKURL_REFUSED, /* "Invalid URL" */
};
const char *checkurl_severity_name(enum checkurl_severity s);

#define CHECKURL_FINDINGS 16

/* Public documents in which a claim about Bitbucket stands. */
#define CHECKURL_SOURCE_API                                                                        \
	"Bitbucket Cloud REST API, \"Create a webhook for a repository\": the url \"must "         \
	"properly "                                                                                \
	"resolve and cannot be an internal, non-routed address\" "                                 \
	"(https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/)"

struct checkurl_finding {
	const char *code; /* stable: "localhost", "slash-missing" ... */
	enum checkurl_severity cloud, dc;
	const char *source; /* who says that Cloud refuses it; NULL: that is an expectation */
	char cause[240];
	char remedy[800]; /* ends with what to type, where there is something to type */
};

/* What the caller knows; zeroed fields are unknown. */
struct checkurl_params {
	const struct preset *preset; /* what the hook is for; NULL: guessed from the path */
	const char *name;            /* tunnel name for remedies; NULL: "jenkins" */
	const char *edge;            /* domain of the edge for remedies; NULL: "EDGE" */
	uint16_t port;               /* of the edge in its URLs; 0: 443 */
	bool trying;                 /* the edge has no public name */
};

struct checkurl {
	enum checkurl_severity cloud, dc;                    /* the worst of the findings */
	struct checkurl_finding findings[CHECKURL_FINDINGS]; /* the worst first */
	size_t n_findings;
	/* as understood; "" or 0 where missing */
	char scheme[16], host[256], path[512];
	char context[64]; /* of a Jenkins that lives below a path: "/jenkins" */
	bool has_query;
	uint16_t port; /* written or by the scheme */
	bool is_address;
	enum ipclass class;          /* with is_address */
	const struct preset *preset; /* given or guessed; NULL none */
	char suggestion[600];        /* the URL to use instead, "" when it is good as it is */
	char command[480];           /* what to type for a public name, "" when the host is good */
	char typed[600];             /* private */
};

/* Any bytes. url: at most LIMIT_CHECKURL_BYTES are looked at. */
void checkurl_read(struct slice url, const struct checkurl_params *p, struct checkurl *ret);

/*
 * Adds the finding, if there is one, that this address of the host gives; p as for checkurl_read().
 * text: the address, for people.
 */
void checkurl_address(struct checkurl *c, const struct checkurl_params *p,
    const struct sockaddr *sa, socklen_t len, const char *text);

/* An edge that has this URL is reached by its own machine or network alone: no sender calls it. */
bool checkurl_is_for_trying(const char *url);

/* Every code that checkurl_read() and checkurl_address() give, for the manual and its test. */
struct checkurl_code {
	const char *code;
	enum checkurl_severity cloud, dc;
	const char *source;
};
/* Adds a finding of that code, without a remedy; NULL when there are too many,
 * but the verdict stands. */
struct checkurl_finding *checkurl_put(struct checkurl *c, const struct checkurl_code *code,
    const char *fmt, va_list ap) printf_like(3, 0);
extern const struct checkurl_code checkurl_codes[];
extern const size_t checkurl_codes_n;

#endif
