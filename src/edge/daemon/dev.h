/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aditd --dev DIR: a whole edge on loopback.  DIR gets a CA of its own with a certificate for
 * localhost and *.localhost, a store, a control socket, and one token; one line of JSON on stdout
 * says where everything is.
 */
#ifndef ADIT_EDGE_DAEMON_DEV_H
#define ADIT_EDGE_DAEMON_DEV_H

#include "edge/core/settings.h"
#include "store/store.h"

/* Settings for DIR and its certificates, which are made. domain may be NULL: localhost. NULL
 * and a malloced sentence. */
struct settings *dev_settings(const char *dir, const char *domain, char **ret_error) must_use;
/* Sees that DIR/token holds a token that is good. NULL or a malloced sentence. */
char *dev_token(const char *dir, struct store *store) must_use;
/* The line. dashboard: its address, "": none. http may be NULL. False when it could not be written. */
bool dev_ready(const char *dir, const struct settings *s, const char *dashboard,
    const struct addr *https, const struct addr *http) must_use;

#endif
