/* SPDX-License-Identifier: Apache-2.0 */
/* Prints certificates. */
#include "edge/admin/admin_cert.h"

#include "base/date.h"
#include "base/plain.h"

#include <stdio.h>
#include <string.h>

static const char *
text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

/* What a CA or a configuration has named: a terminal must not obey it. */
static void
say(const char *text, size_t width)
{
	struct buf b;

	buf_init(&b, 4 * strlen(text) + width + 1);
	plain_put_column(&b, slice_str(text), width);
	printf("%.*s", PS(buf_slice(&b)));
	buf_fini(&b);
}

static void
date(const json_t *o, const char *key, char dst[32])
{
	json_int_t ms = json_integer_value(json_object_get(o, key));

	if (ms == 0)
		strcpy(dst, "-");
	else
		date_text(ms, dst);
}

void
admin_cert_row(const json_t *r)
{
	char end[32], next[32];

	date(r, "end_ms", end);
	date(r, "next_ms", next);
	say(text_at(r, "name"), 35);
	printf(" %-9s ends %-25s next %-25s ", text_at(r, "state"), end, next);
	say(text_at(r, "issuer"), 0);
	putchar('\n');
	if (text_at(r, "problem")[0] != '\0') {
		fputs("    ", stdout);
		say(text_at(r, "problem"), 0);
		putchar('\n');
	}
	if (text_at(r, "remedy")[0] != '\0')
		printf("    %s\n", text_at(r, "remedy"));
}

/* "names:    a, b" */
static void
show_list(const char *title, const json_t *list)
{
	const json_t *v;
	size_t i;

	printf("%-12s", title);
	json_array_foreach(list, i, v) {
		fputs(i > 0 ? ", " : "", stdout);
		say(json_string_value(v), 0);
	}
	putchar('\n');
}

static void
show_text(const char *title, const char *text)
{
	if (text[0] == '\0')
		return;
	printf("%-12s", title);
	say(text, 0);
	putchar('\n');
}

static void
show_date(const char *title, const json_t *o, const char *key)
{
	char text[32];

	date(o, key, text);
	if (strcmp(text, "-") != 0)
		printf("%-12s%s\n", title, text);
}

void
admin_cert_show(const json_t *a)
{
	const json_t *w = json_object_get(a, "window");
	char from[32], to[32];

	show_list("names", json_object_get(a, "names"));
	show_text("state", text_at(a, "state"));
	show_text("step", text_at(a, "at"));
	show_text("account", text_at(a, "account"));
	show_text("issuer", text_at(a, "issuer"));
	show_date("begins", a, "begin_ms");
	show_date("ends", a, "end_ms");
	show_date("next", a, "next_ms");
	date(w, "start_ms", from);
	date(w, "end_ms", to);
	if (strcmp(from, "-") != 0)
		printf("%-12s%s to %s, the CA says\n", "renewal", from, to);
	show_text("because", text_at(w, "why"));
	show_list("proven by", json_object_get(a, "ways"));
	show_text("CA", text_at(a, "ca"));
	show_text("account at", text_at(a, "account_url"));
	if (json_integer_value(json_object_get(a, "failures")) > 0) {
		printf("%-12s%lld in a row, the last one at ", "failures",
		    (long long)json_integer_value(json_object_get(a, "failures")));
		date(a, "failed_ms", from);
		puts(from);
	}
	show_text("problem", text_at(a, "problem"));
	show_text("not seen", text_at(a, "unseen"));
	show_text("what to do", text_at(a, "remedy"));
	if (!json_is_true(json_object_get(a, "wanted")))
		puts("Nothing wants this certificate any more: it is not renewed.");
}
