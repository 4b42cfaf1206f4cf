/* SPDX-License-Identifier: Apache-2.0 */
/* Reads test/fixtures/smuggling.txt, whose head says what stands in it. */
#ifndef ADIT_TEST_SMUGGLING_H
#define ADIT_TEST_SMUGGLING_H

#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define SMUGGLING_FILE "test/fixtures/smuggling.txt"
#define SMUGGLING_BYTES_MAX 65536

struct smuggling {
	char name[64], row[32], where[8];
	unsigned good;
	struct buf bytes;
	/* private */
	FILE *file;
	char line[4096];
	bool pending; /* line holds the next case's first line */
};

static void
smuggling_bad(const struct smuggling *s, const char *what)
{
	fprintf(stderr, "%s: %s: %s: %s\n", SMUGGLING_FILE, s->name, what, s->line);
	exit(1);
}

/* One escape or plain byte from *at on; moves it. */
static void
smuggling_put_one(struct smuggling *s, const char **at)
{
	char byte;

	if (**at != '\\') {
		buf_putc(&s->bytes, *(*at)++);
		return;
	}
	++*at;
	switch (*(*at)++) {
	case 'r':
		buf_putc(&s->bytes, '\r');
		return;
	case 'n':
		buf_putc(&s->bytes, '\n');
		return;
	case 't':
		buf_putc(&s->bytes, '\t');
		return;
	case '0':
		buf_putc(&s->bytes, '\0');
		return;
	case '\\':
		buf_putc(&s->bytes, '\\');
		return;
	case 'x':
		if (text_unhex(slice_of(*at, strnlen(*at, 2)), &byte, 1) == 1) {
			buf_putc(&s->bytes, byte);
			*at += 2;
			return;
		}
		break;
	}
	smuggling_bad(s, "unknown escape");
}

static void
smuggling_put_line(struct smuggling *s, const char *at)
{
	while (*at != '\0') {
		unsigned long times;
		const char *from;
		char *end;

		if (at[0] != '\\' || at[1] != '*') {
			smuggling_put_one(s, &at);
			continue;
		}
		times = strtoul(at + 2, &end, 10);
		if (*end != '{' || strchr(end, '}') == NULL)
			smuggling_bad(s, "\\*N{...} expected");
		from = end + 1;
		while (times-- > 0)
			for (at = from; *at != '}';)
				smuggling_put_one(s, &at);
		at++;
	}
}

static void
smuggling_open(struct smuggling *s)
{
	*s = (struct smuggling){ .file = fopen(SMUGGLING_FILE, "r") };
	buf_init(&s->bytes, SMUGGLING_BYTES_MAX);
	if (s->file == NULL) {
		perror(SMUGGLING_FILE);
		exit(1);
	}
}

/* The next case into *s; false at the end, and the reader is closed. */
static bool
smuggling_next(struct smuggling *s)
{
	bool begun = false;

	buf_reset(&s->bytes);
	while (s->pending || fgets(s->line, sizeof(s->line), s->file) != NULL) {
		s->line[strcspn(s->line, "\n")] = '\0';
		if (strncmp(s->line, "== ", 3) == 0) {
			s->pending = begun;
			if (begun)
				break;
			begun = true;
			if (sscanf(s->line, "== %63s %31s %u %7s", s->name, s->row, &s->good,
				s->where) != 4)
				smuggling_bad(s, "== NAME ROW GOOD WHERE expected");
		} else if (strncmp(s->line, "| ", 2) == 0) {
			smuggling_put_line(s, s->line + 2);
		} else if (s->line[0] != '#' && s->line[0] != '\0') {
			smuggling_bad(s, "neither case, bytes nor comment");
		}
	}
	if (s->bytes.failed)
		smuggling_bad(s, "too large");
	if (!begun) {
		buf_fini(&s->bytes);
		fclose(s->file);
	}
	return begun;
}

#endif
