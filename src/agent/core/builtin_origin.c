/* SPDX-License-Identifier: Apache-2.0 */
/* Tells file:///DIR and sink: from addresses. */
#include "agent/core/builtin_origin.h"

#include <stddef.h>
#include <string.h>

const char *
builtin_origin(const char *origin, enum builtin_kind *ret_kind, const char **ret_folder)
{
	*ret_kind = BUILTIN_NONE;
	*ret_folder = NULL;
	if (strncmp(origin, "sink:", 5) == 0) {
		if (origin[5] != '\0')
			return "nothing follows sink: its rules are in adit.yml and in the "
			       "inspector";
		*ret_kind = BUILTIN_SINK;
		return NULL;
	}
	if (strncmp(origin, "file:", 5) != 0)
		return NULL;
	/* No host, and no folder that depends on where the agent was started. */
	if (strncmp(origin, "file:///", 8) != 0)
		return "a folder is written with its whole path: file:///srv/www";
	*ret_kind = BUILTIN_FILES;
	*ret_folder = origin + 7;
	return NULL;
}
