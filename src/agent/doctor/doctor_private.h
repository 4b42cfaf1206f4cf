/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the doctor: what was found. A stage looks, adds findings (rows of
 * hook/doctor.h) and says in one line what it saw; a stage that cannot look says why.
 *
 * Stages run in the order of the way from the webhook to the build, each once. A later one reads
 * what an earlier one has left here: an address to call, that TLS works, what the edge knows.
 * None of them ends the walk, since the first failure is not always the one that matters.
 */
#ifndef ADIT_AGENT_DOCTOR_DOCTOR_PRIVATE_H
#define ADIT_AGENT_DOCTOR_DOCTOR_PRIVATE_H

#include "agent/cert/own_certs.h"
#include "agent/doctor/doctor_link.h"
#include "agent/core/login.h"
#include "agent/core/options.h"
#include "agent/doctor/tls_peek.h"
#include "hook/checkurl.h"
#include "hook/doctor.h"
#include "net/dns_query.h"
#include "relay/fetch.h"

/* More than one run ever has: findings past it are left out. */
#define DOCTOR_FINDINGS 24
#define DOCTOR_STAGES (DOCTOR_JOB + 1)
/* For one question to a name server, a server, or the edge: as long as Bitbucket Cloud waits. */
#define DOCTOR_MS 10000

/* Of a stage, from what it said and found: not looked at, nothing found, a warning, a failure. */
enum doctor_state { DOCTOR_SKIPPED, DOCTOR_GOOD, DOCTOR_DOUBT, DOCTOR_BAD };

struct doctor_finding {
	const struct doctor_row *row;
	char text[480], remedy[480]; /* of the row, with its values filled in */
};

struct doctor {
	const struct options *options;
	struct login login; /* without one: ca alone, of --ca */
	bool has_login;     /* the edge may be asked */
	/* the webhook */
	/* The URL as it was typed, or as the edge says ("": not known); the tunnel's
	 * name; the URL's authority. */
	char url[2048], name[64], host_header[300];
	char good_url[700];    /* that should stand there, for people to copy */
	struct checkurl check; /* url, taken apart and judged as text */
	const struct preset
	    *preset; /* of the tunnel's policy, else guessed from the path; NULL: none */
	/* what the edge says; members of link.probe, NULL: not told */
	struct doctor_link link;
	json_t *policy, *notes, *last, *inbox;
	const char *ticket; /* by it the edge knows the doctor's requests; NULL: none was given */
	char secret[256], secret_file[400]; /* "": the webhook's secret is not known */
	bool passes; /* the TLS of visitors ends at the other side: requests cannot be seen here */
	bool trying; /* the edge has no public name, and no other URL was given */
	bool jenkins_seen; /* the local server has said so itself */
	/* the way there */
	struct addr connect; /* --connect; port 0: none */
	struct dns_query_answer dns;
	struct sockaddr_storage to; /* that is called */
	bool has_to, tls_shaken;    /* it takes connections; a handshake was done, faults or not */
	char clock_off[24];         /* s */
	char sender[40];            /* of the webhooks */
	char refuses[96];           /* what the sender does with a URL that it cannot reach */
	/* the local server */
	struct addr origin;
	bool has_origin;       /* it is known here: it can be asked without the tunnel */
	char origin_text[320]; /* for people */
	const char *origin_ca, *origin_host;
	bool origin_insecure;
	int proxy_protocol; /* version of the PROXY header that the origin wants, 0: none */
	char jenkins_token[256];
	struct doctor_finding findings[DOCTOR_FINDINGS];
	size_t n_findings;
	struct {
		enum doctor_state state;
		char text[320];
	} stages[DOCTOR_STAGES];
};

/* Adds a row once, with pairs of key and value. Values go through doctor_text(). */
#define doctor_add(...) doctor_add_pairs(__VA_ARGS__, (char *)NULL)
void doctor_add_pairs(struct doctor *d, const char *code, ...) __attribute__((sentinel));
bool doctor_has(const struct doctor *d, const char *code);
/* What the stage saw. DOCTOR_GOOD becomes what its findings make of it. */
void doctor_say(struct doctor *d, enum doctor_stage s, enum doctor_state state, const char *fmt,
    ...) printf_like(4, 5);

/*
 * A request by the public way, to the address that was found (has_to).  depth: how far it may go,
 * "edge": the edge answers itself, "": all the way.  fields: lines with their CRLF; empty: our own
 * User-Agent.  0 when answered; fetch_fini() in either case.
 */
int doctor_ask(struct doctor *d, const char *method, const char *depth, struct slice body,
    struct slice fields, int64_t timeout_ms, struct fetch_answer *ret) must_use;
/* A push that no job waits for, signed where the secret is known: lines with their CRLF, and the
 * body, into two empty buffers. */
void doctor_push(const struct doctor *d, struct buf *fields, struct buf *body);
/* "2026-11-24 18:00:00 UTC"; "never" for 0. */
void doctor_date(int64_t ms, char dst[32]);
/* The webhook's path without the context path that the tunnel's policy has; points into d. */
struct slice doctor_bare_path(const struct doctor *d);
/* A string or number of the edge's answer, "" or 0 where there is none. The edge's bytes:
 * printed in plain characters, and never relied on. */
const char *doctor_text_of(const json_t *o, const char *key);
int64_t doctor_number_of(const json_t *o, const char *key);

/* doctor_sender.c: what rows call the sender. It is Bitbucket unless the tunnel says otherwise. */
bool doctor_is_bitbucket(const struct doctor *d);
/* Values for rows, into an array with room for 4; how many. They live as long as the doctor. */
size_t doctor_sender_values(struct doctor *d, struct doctor_value *values);

/* doctor_print.c */
/* All stages with their findings, for people or (--json) for scripts. */
void doctor_print(const struct doctor *d, struct buf *out);
/* For a bug report. 0, or -1 after saying why; forgets the ticket. */
int doctor_write_report(struct doctor *d, const char *path) must_use;
/* The first stage that fails, and its code, "" where it has none; false: none does. */
bool doctor_first_failure(const struct doctor *d, enum doctor_stage *ret_stage,
    const char **ret_code);
/* doctor_way.c: URL, name, connection and certificate, without any login. */
void doctor_look_hook(struct doctor *d);
void doctor_look_dns(struct doctor *d);
void doctor_look_tcp(struct doctor *d);
void doctor_look_tls(struct doctor *d);
/* doctor_edge.c; the first: when an event was refused last for what the edge remembers, 0: none. */
int64_t doctor_refused_ms(const struct doctor *d);
void doctor_look_edge(struct doctor *d);
void doctor_look_link(struct doctor *d);
/* doctor_reach.c: a finding on why the edge was not reached. */
void doctor_look_reach(struct doctor *d);
/* doctor_origin.c: through the tunnel, and from its own side where has_origin. */
void doctor_look_origin(struct doctor *d);
/* doctor_inbox.c: what the edge has told of the inbox; nothing is asked here. */
void doctor_look_inbox(struct doctor *d);
/* doctor_job.c: needs --jenkins-user; else it says so. */
void doctor_look_job(struct doctor *d);

/* A request to the local server itself (has_origin), with the Host and certificate of the tunnel's
 * configuration. As doctor_ask(); used by doctor_job.c, too. */
int doctor_ask_origin(const struct doctor *d, const char *method, const char *path,
    struct slice fields, struct slice body, struct fetch_answer *ret) must_use;
/* The answer's body, as far as it was read, has this text. */
bool doctor_has_text(const struct fetch_answer *a, const char *text);

#endif
