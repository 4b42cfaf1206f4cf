/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the store that the start of the daemon waits for. */
#ifndef ADIT_EDGE_DAEMON_LOAD_H
#define ADIT_EDGE_DAEMON_LOAD_H

#include "edge/core/directory.h"
#include "edge/core/keyring.h"
#include "edge/core/vault.h"
#include "edge/domain/domains.h"
#include "edge/ddns/acme_dns.h"
#include "store/store.h"

/* Reads all names and ports into the directory. STORE_OK, or why not.  oldest: the name that was there
 * first and was not given up; "": none. */
enum store_result load_names(struct store *s, struct directory *d,
    char oldest[DIRECTORY_KEY_BYTES]) must_use;
/* The policies of names, which hold until their agents are back. One that cannot be opened is told
 * in the log. */
enum store_result load_policies(struct store *s, struct directory *d,
    const struct vault *vault) must_use;
/* The keys of tokens that sign DNS updates; the same. */
enum store_result load_keys(struct store *s, struct keyring *r, const struct vault *vault) must_use;
/* Own domains. One that cannot be read is told in the log. */
enum store_result load_domains(struct store *s, struct domains *ds) must_use;
/* Registrations of the acme-dns API; the same. */
enum store_result load_acme_dns(struct store *s, struct acme_dns *a) must_use;

#endif
