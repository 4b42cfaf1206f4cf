/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/sentence.h"

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
	return n < 0 ? NULL : text;
}
