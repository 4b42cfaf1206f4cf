/* SPDX-License-Identifier: Apache-2.0 */
/* Writes sentences about faults to standard error. */
#include "base/sentence.h"

#include <stdarg.h>
#include <stdio.h>

char *
sentence(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	check(n >= 0);
	return text;
}
