/* SPDX-License-Identifier: Apache-2.0 */
/* Which names may be own domains at all, whoever asks for them. Pure, but for the list of public
 * suffixes, which is compiled into libpsl. */
#ifndef ADIT_EDGE_DOMAIN_DOMAIN_NAME_H
#define ADIT_EDGE_DOMAIN_DOMAIN_NAME_H

#include "base/check.h"
#include "base/slice.h"
#include "http/url.h"

/*
 * What somebody typed -> the canonical host in dst.  zone: the edge's own domain.  False: why says in
 * one sentence what is wrong and what to type.
 */
bool domain_name(struct slice text, const char *zone, char dst[URL_HOST_BYTES], char *why,
    size_t why_cap) must_use;

#endif
