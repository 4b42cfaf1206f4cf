/* SPDX-License-Identifier: Apache-2.0 */
/* Origins that are no address: they are in the agent itself. */
#ifndef ADIT_AGENT_CORE_BUILTIN_ORIGIN_H
#define ADIT_AGENT_CORE_BUILTIN_ORIGIN_H

#include "base/check.h"

enum builtin_kind {
	BUILTIN_NONE,  /* an address: something listens there */
	BUILTIN_FILES, /* "file:///DIR": what is in a folder */
	BUILTIN_SINK,  /* "sink:": nothing; requests are answered by rules, and recorded */
};

/* *ret_folder: of FILES, within `origin`. NULL, or the reason in one sentence. */
const char *builtin_origin(const char *origin, enum builtin_kind *ret_kind,
    const char **ret_folder) must_use;

#endif
