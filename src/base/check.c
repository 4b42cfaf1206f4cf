/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed before the program aborts on a bug of its own. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * To standard error and not to the log, which may be what is broken. abort() leaves a core; the
 * supervisor starts the program anew.
 */
noreturn void
check_failed(const char *file, int line, const char *func, const char *what)
{
	fprintf(stderr, "adit: bug at %s:%d in %s: %s\n", file, line, func, what);
	abort();
}
