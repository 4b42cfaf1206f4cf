/* SPDX-License-Identifier: Apache-2.0 */
/* Names that no agent gets by asking; the operator of an edge gives them
 * away (aditd name reserve). */
#ifndef ADIT_HTTP_RESERVED_H
#define ADIT_HTTP_RESERVED_H

#include "base/slice.h"

#include <stddef.h>

struct reserved_name {
	const char *name, *why;
};

/* aditd.yml(5) has the same rows. */
extern const struct reserved_name reserved_names[];
extern const size_t reserved_names_n;

/* name: canonical (url_name()). NULL, or why it is kept. */
const char *reserved_why(struct slice name);

#endif
