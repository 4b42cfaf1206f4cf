/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on standard error, each written at once, for people or for scripts. */
#include "base/tell.h"

#include "base/buf.h"
#include "base/plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_BYTES 4096
#define LINE_BYTES (6 * TEXT_BYTES + 256) /* every byte as an escape */

static const char *program_name = "adit";
static bool as_json;

void
tell_init(const char *program, bool json)
{
	program_name = program;
	as_json = json;
}

static void
say(const char *event, const char *code, const char *text)
{
	struct buf b;

	buf_init(&b, LINE_BYTES);
	if (as_json) {
		buf_printf(&b, "{\"event\":\"%s\"", event);
		if (code != NULL) {
			buf_put(&b, S(",\"code\":"));
			buf_json_ascii(&b, slice_str(code));
		}
		buf_put(&b, S(",\"text\":"));
		buf_json_ascii(&b, slice_str(text));
		buf_put(&b, S("}\n"));
	} else {
		buf_printf(&b, "%s: ", program_name);
		plain_put_lines(&b, slice_str(text));
		buf_putc(&b, '\n');
	}
	/* One write, so that lines of several programs on one terminal stay whole. */
	if (b.failed || write(STDERR_FILENO, b.p, b.n) < 0)
		b.n = 0; /* nobody can be told */
	buf_fini(&b);
}

static void
say_formatted(const char *event, const char *code, const char *fmt, va_list ap)
{
	char text[TEXT_BYTES];

	vsnprintf(text, sizeof(text), fmt, ap);
	say(event, code, text);
}

void
tell_error(const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_formatted("error", code, fmt, ap);
	va_end(ap);
}

void
tell_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_formatted("error", "usage", fmt, ap);
	va_end(ap);
}

void
tell_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_formatted("note", NULL, fmt, ap);
	va_end(ap);
}

bool
tell_answer(struct buf *out)
{
	bool good =
	    out->n == 0 || (fwrite(out->p, 1, out->n, stdout) == out->n && fflush(stdout) == 0);

	buf_reset(out);
	return good;
}
