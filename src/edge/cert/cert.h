/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that the edge gets of a CA and renews by itself (acme: in aditd.yml(5)), on the main
 * loop.  Which ones there are to be is said by the settings (the domain with its wildcard or without, the
 * edge's address), by tunnels that come up where there is no wildcard, and by cert_want().
 *
 * Whatever goes wrong touches nothing that is served: a certificate and its key are replaced by a newer
 * pair, after that one is on the disk.
 */
#ifndef ADIT_EDGE_CERT_CERT_H
#define ADIT_EDGE_CERT_CERT_H

#include "edge/core/edge.h"
#include "net/tls.h"

#include <jansson.h>

struct certs;

/*
 * Reads what the store has, so call it before there are threads. changed: called on the main loop when
 * certs_server() would give another one. NULL: *ret_error, a malloced sentence.
 */
struct certs *certs_new(struct edge *e, struct settings *s, void (*changed)(void *owner),
    void *owner, char **ret_error) must_use;
/* From now on orders are made. */
void certs_start(struct certs *c);
void certs_use_settings(struct certs *c, struct settings *s);
/* Nothing more is begun; then, after the store has finished, certs_free(). */
void certs_stop(struct certs *c);
void certs_free(struct certs *c);

/* What base shows, and all certificates that are here. NULL without memory. */
struct tls_server *certs_server(const struct certs *c, const struct tls_server *base) must_use;

/* A tunnel of this name is up: where no wildcard covers it, it gets a certificate of its own. */
void certs_route_up(struct certs *c, const char *key);
/*
 * A name of an account, "": the edge's, is to have a certificate.  It is ordered in the background, within
 * the quotas.  NULL, or one sentence (static): it cannot have any.
 */
const char *certs_want(struct certs *c, const char *name, const char *account) must_use;
/* What there is stays and is not renewed, until certs_want() names it again. Harmless without one. */
void certs_pause(struct certs *c, const char *name);
/* Not any more: certificate and key are deleted. Harmless where there is none. */
void certs_unwant(struct certs *c, const char *name);

/* Is there one that has not expired? NULL: no. */
bool certs_any(const struct certs *c);

/* --- for the control socket --- */

/* An array of at most LIMIT_STORE_ROWS rows behind this name, "": from the first; *ret_more. */
json_t *certs_list(const struct certs *c, const char *after, bool *ret_more) must_use;
/* All about one; NULL: there is none of that name. */
json_t *certs_show(const struct certs *c, const char *name) must_use;

/* An operator's order whose end is told. */
struct certs_job;
/* ok: it is done; text: a sentence in either case. Called once, on the main loop. */
typedef void (*certs_done_fn)(void *owner, bool ok, const char *text);
/*
 * Each gives a job, or NULL: done() was called already.
 *	renew     a new certificate, whatever the dates say; told when it has begun
 *	revoke    and a new one; reason: of RFC 5280 5.3.1
 *	rollover  another key for the account at the CA
 */
struct certs_job *certs_renew(struct certs *c, const char *name, certs_done_fn done, void *owner);
struct certs_job *certs_revoke(struct certs *c, const char *name, int reason, certs_done_fn done,
    void *owner);
struct certs_job *certs_rollover(struct certs *c, certs_done_fn done, void *owner);
/* Who asked has gone: the job goes on and tells nobody. Harmless with NULL. */
void certs_abandon(struct certs_job *j);

#endif
