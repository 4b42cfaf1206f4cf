/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server for people and tools on this machine: the agent's inspector and the edge's
 * dashboard.  It runs on its owner's loop and has no thread.  Rows say what there is (router.h), the guard
 * who may ask it (guard.h), handlers answer (reply.h, stream.h), and files are in the program (assets.h).
 */
#ifndef ADIT_WEB_SERVER_H
#define ADIT_WEB_SERVER_H

#include "net/addr.h"
#include "net/loop.h"
#include "web/assets.h"
#include "web/guard.h"

struct web_server;

struct web_config {
	struct loop *loop;
	const struct web_route *routes; /* must live as long as the server */
	size_t n_routes;
	const struct web_assets *assets; /* NULL: no files */
	const char *index;               /* the file that "/" is, "/inspector.html"; NULL: none */
	struct web_rules rules;
	void *owner; /* r->owner */
};

/* NULL without memory. */
struct web_server *web_server_new(const struct web_config *config) must_use;
/*
 * Listens there, too; several addresses are fine (127.0.0.1 and ::1, a Unix socket).  -1 and errno
 * (EADDRINUSE: try the next port).  A Unix socket is given mode 0600.  Where there is no host in the
 * address it is loopback.
 */
int web_server_listen(struct web_server *s, const struct addr *a, struct addr *ret_bound) must_use;
/* Takes a listening descriptor that was opened before (privileges, the simulated loop); port: of Host. */
int web_server_take(struct web_server *s, int fd, uint16_t port) must_use;
/*
 * The graceful end: nobody new, streams end, idle connections close, answers that run are finished.
 * web_server_is_idle() then tells when nobody is left; web_server_free() at any time, also at once.
 */
void web_server_stop(struct web_server *s);
bool web_server_is_idle(const struct web_server *s);
/* Closes all (each r->gone is called) and frees it at the end of the turn. NULL is fine. */
void web_server_free(struct web_server *s);

/* Reports of the browser that a page did what its CSP forbids: POST /csp-report. There should be none. */
uint64_t web_server_csp_reports(const struct web_server *s);

#endif
