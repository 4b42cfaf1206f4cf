/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed before the program aborts on a bug of its own. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

noreturn void
check_failed(const char *file, int line, const char *func, const char *what)
{
	fprintf(stderr, "adit: bug at %s:%d in %s: %s\n", file, line, func, what);
	abort();
}
