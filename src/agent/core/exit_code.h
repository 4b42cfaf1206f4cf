/* SPDX-License-Identifier: Apache-2.0 */
/* How the program ends, and the error that is the caller's own (adit.1, EXIT STATUS). */
#ifndef ADIT_AGENT_CORE_EXIT_CODE_H
#define ADIT_AGENT_CORE_EXIT_CODE_H

#include "base/check.h"

enum exit_code {
	EXIT_STOPPED = 0,  /* by a signal */
	EXIT_BROKE = 1,    /* it could not go on */
	EXIT_USAGE = 2,    /* the command line or a file is wrong: the same again would be, too */
	EXIT_REFUSED = 3,  /* the edge refused the token, or every tunnel */
	EXIT_REPLACED = 4, /* a newer agent of the account serves all tunnels */
};

/* Says what is wrong with the command line (tell_usage()). Returns EXIT_USAGE. */
int usage_error(const char *fmt, ...) printf_like(1, 2);

#endif
