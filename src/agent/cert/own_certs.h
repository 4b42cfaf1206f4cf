/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of the agent's own, for tunnels whose TLS ends here.  Each is asked of one CA as soon as
 * the tunnel is up and its public name known, proven through the tunnel itself (tls-alpn-01, or http-01
 * by port 80 of the edge), renewed when the CA wishes (RFC 9773) or after 2/3 of its life, and shown until
 * there is a newer one.  A failure takes nothing from what is shown.
 *
 * Keys never leave this machine: the account's, and each certificate's, lie in files of mode 0600 in one
 * folder, from which the next start goes on, at whatever step this one ended:
 *
 *	STATE/acme-DIRECTORY/account.json    the account
 *	                    /HOST.case       a certificate that is being got, with its key
 *	                    /HOST.pem        key and chain of the one that is shown
 *	                    /HOST.caa        the record that binds the name to the account, for the doctor
 */
#ifndef ADIT_AGENT_CERT_OWN_CERTS_H
#define ADIT_AGENT_CERT_OWN_CERTS_H

#include "agent/core/config.h"
#include "agent/core/screen.h"
#include "agent/serve/serve.h"

struct own_certs;

/* Nothing is asked of anybody yet. NULL and a malloced sentence. */
struct own_certs *own_certs_new(struct loop *l, struct screen *s, const struct config_acme *a,
    char **ret_error) must_use;
/* The TLS of this tunnel ends here: t->here lives as long as these. -1 without memory. */
int own_certs_add(struct own_certs *c, struct agent_tunnel *t) must_use;
/* The tunnel is up, and its URL known: its certificate is looked after from now on. */
void own_certs_up(struct own_certs *c, struct agent_tunnel *t);
/*
 * The CAA record that an agent of this user and machine has told for a host, without its owner: 'CAA 0
 * issue "..."'.  False: it has told none.
 */
bool own_certs_record(const struct config_acme *a, const char *host, char *dst,
    size_t cap) must_use;
/* Nothing is under way any more; harmless with NULL. own_certs_free() then waits for the end of the turn. */
void own_certs_stop(struct own_certs *c);
/* After the loop has ended; harmless with NULL. */
void own_certs_free(struct own_certs *c);

#endif
