/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the visitor is, by the word of proxies that are trusted: the chain of X-Forwarded-For, or where
 * there is none that of Forwarded (RFC 7239), read from its end, where the nearest proxy has added
 * what it saw itself.  The first address that is no trusted proxy is the visitor; what stands before
 * it is only his word.
 */
#ifndef ADIT_HTTP_FORWARDED_H
#define ADIT_HTTP_FORWARDED_H

#include "base/cidr.h"
#include "http/h1.h"

/* Of a longer chain only the last ones are read. */
#define FORWARDED_MAX 16

/*
 * The visitor's address, IPv4 or IPv6, port 0.  A chain of trusted proxies alone gives its first.
 * False: the fields are not there, or what stands where his address should be is none ("unknown",
 * "_hidden", a name): then whoever is connected counts as the visitor.
 */
bool forwarded_client(const struct h1_head *h, struct slice buf, const struct cidr_set *trusted,
    struct sockaddr_storage *ret);

#endif
