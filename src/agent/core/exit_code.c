/* SPDX-License-Identifier: Apache-2.0 */
/* Says what is wrong with a command line. */
#include "agent/core/exit_code.h"

#include "base/tell.h"

#include <stdarg.h>
#include <stdio.h>

int
usage_error(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tell_usage("%s", text);
	return EXIT_USAGE;
}
