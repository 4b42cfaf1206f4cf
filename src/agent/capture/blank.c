/* SPDX-License-Identifier: Apache-2.0 */
/* Values that must never come to the disk are overwritten with stars in a copy of a head. */
#include "agent/capture/capture_private.h"

#include <stdlib.h>

static void
star(struct slice value)
{
	memset((char *)(uintptr_t)value.p, '*', value.n);
}

/* The value of a parameter "name=value" of the target. */
static bool
blank_query(struct slice line, struct slice name)
{
	bool any = false;
	size_t at;

	(void)slice_cut(&line, ' ');
	line = slice_cut(&line, ' ');
	at = slice_find(line, '?');
	line = slice_from(line, at == SIZE_MAX ? line.n : at + 1);
	while (line.n > 0) {
		struct slice value = slice_cut(&line, '&'), key = slice_cut(&value, '=');

		if (slice_eq(key, name) && value.n > 0) {
			star(value);
			any = true;
		}
	}
	return any;
}

static bool
blank_field(struct slice lines, struct slice name)
{
	bool any = false;

	while (lines.n > 0) {
		struct slice value = slice_cut(&lines, '\n'), field = slice_cut(&value, ':');

		value = slice_trim(value.n > 0 && value.p[value.n - 1] == '\r'
				       ? slice_head(value, value.n - 1)
				       : value);
		if (slice_ieq(field, name) && value.n > 0) {
			star(value);
			any = true;
		}
	}
	return any;
}

char **
capture_names(const char *list)
{
	size_t n = list == NULL ? 0 : strlen(list), count = 1;
	char **names, *text;

	if (n == 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		count += list[i] == ',';
	names = malloc((count + 1) * sizeof(*names) + n + 1);
	if (names == NULL)
		return NULL;
	text = (char *)(names + count + 1);
	memcpy(text, list, n + 1);
	for (size_t i = 0; i < count; i++)
		names[i] = strsep(&text, ",");
	names[count] = NULL;
	return names;
}

bool
capture_blank(struct capture *c, struct slice *lines, bool first)
{
	char *const *names = c->never_store;
	struct slice copy, rest, line;
	bool any = false;

	if (names == NULL || names[0] == NULL || c->blank == NULL)
		return false;
	copy = slice_of(c->blank, lines->n < CAPTURE_BLANK_BYTES ? lines->n : CAPTURE_BLANK_BYTES);
	memcpy(c->blank, lines->p, copy.n);
	rest = copy;
	line = first ? slice_cut(&rest, '\n') : (struct slice){ 0 };
	for (; *names != NULL; names++)
		any = ((*names)[0] == '?' ? blank_query(line, slice_str(*names + 1))
					  : blank_field(rest, slice_str(*names))) ||
		      any;
	if (any)
		*lines = copy;
	return any;
}
