/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages find and say, and how they read the edge's answer. */
#include "agent/doctor/doctor_private.h"

#include "base/date.h"

#include <stdarg.h>
#include <stdio.h>

/* The sender's values and those of the longest row. */
#define KEYS_MAX 24

const char *
doctor_text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

int64_t
doctor_number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* Presets know paths without it: a Jenkins may live below any path. */
struct slice
doctor_bare_path(const struct doctor *d)
{
	struct slice path = slice_str(d->check.path),
		     context = slice_str(doctor_text_of(d->policy, "context"));

	return slice_starts(path, context) ? slice_from(path, context.n) : path;
}

void
doctor_date(int64_t ms, char dst[32])
{
	if (ms <= 0) {
		snprintf(dst, 32, "never");
		return;
	}
	date_text(ms, dst);
}

bool
doctor_has(const struct doctor *d, const char *code)
{
	for (size_t i = 0; i < d->n_findings; i++)
		if (strcmp(d->findings[i].row->code, code) == 0)
			return true;
	return false;
}

/* Fills a row's text in. A text that does not fit is left out as a whole: half of
 * a remedy is none. */
static void
fill_in(const char *template, const struct doctor_value *values, size_t n, char *dst, size_t cap)
{
	struct buf b;

	check(cap > 0);
	buf_init(&b, 4096);
	doctor_text(template, values, n, &b);
	snprintf(dst, cap, "%.*s", b.failed ? 0 : (int)b.n, b.n > 0 ? b.p : "");
	buf_fini(&b);
}

/* A row is told once, by whichever stage sees it first: the same fault shows at several stages. */
void
doctor_add_pairs(struct doctor *d, const char *code, ...)
{
	struct doctor_value values[KEYS_MAX];
	struct doctor_finding *f = &d->findings[d->n_findings];
	const char *key;
	size_t n;
	va_list ap;

	if (doctor_has(d, code) || d->n_findings == DOCTOR_FINDINGS)
		return;
	n = doctor_sender_values(d, values);
	va_start(ap, code);
	while ((key = va_arg(ap, const char *)) != NULL) {
		check(n < KEYS_MAX);
		values[n++] = (struct doctor_value){ key, slice_str(va_arg(ap, const char *)) };
	}
	va_end(ap);
	f->row = doctor_find(slice_str(code));
	check(f->row != NULL && f->row->stage < DOCTOR_STAGES);
	fill_in(f->row->text, values, n, f->text, sizeof(f->text));
	fill_in(f->row->remedy, values, n, f->remedy, sizeof(f->remedy));
	d->n_findings++;
}

void
doctor_say(struct doctor *d, enum doctor_stage s, enum doctor_state state, const char *fmt, ...)
{
	va_list ap;

	/* Whether it is BAD or in DOUBT beyond that is for its findings to say. */
	check(s < DOCTOR_STAGES && state != DOCTOR_DOUBT);
	d->stages[s].state = state;
	va_start(ap, fmt);
	vsnprintf(d->stages[s].text, sizeof(d->stages[s].text), fmt, ap);
	va_end(ap);
}
