/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor prints: for people, for scripts, for a bug report. */
#include "agent/doctor/doctor_private.h"

#include "base/plain.h"
#include "base/clock.h"
#include "base/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

/* What its findings make of what a stage said: a failure is BAD, a warning makes it doubtful. */
static enum doctor_state
state_of(const struct doctor *d, enum doctor_stage s)
{
	enum doctor_state state = d->stages[s].state;

	check(state != DOCTOR_DOUBT); /* only findings make a stage doubtful */
	for (size_t i = 0; i < d->n_findings; i++) {
		const struct doctor_row *row = d->findings[i].row;

		if (row->stage != s)
			continue;
		if (row->severity == DOCTOR_FAILURE)
			state = DOCTOR_BAD;
		else if (row->severity == DOCTOR_WARNING && state != DOCTOR_BAD)
			state = DOCTOR_DOUBT;
	}
	return state;
}

/* By enum doctor_state. */
static const char *const state_names[] = { "skipped", "ok", "warning", "FAILED" };

/* The first finding of a stage that is a failure; "" where it has none. */
static const char *
code_of(const struct doctor *d, int stage)
{
	const char *code = "";

	for (size_t i = d->n_findings; i-- > 0;)
		if ((int)d->findings[i].row->stage == stage &&
		    d->findings[i].row->severity == DOCTOR_FAILURE)
			code = d->findings[i].row->code;
	return code;
}

bool
doctor_first_failure(const struct doctor *d, enum doctor_stage *ret_stage, const char **ret_code)
{
	for (int s = 0; s < DOCTOR_STAGES; s++) {
		if (state_of(d, (enum doctor_stage)s) != DOCTOR_BAD)
			continue;
		*ret_stage = (enum doctor_stage)s;
		*ret_code = code_of(d, s);
		return true;
	}
	return false;
}

/* All stages that fail: the first is not always the one that matters. */
static void
write_failures(const struct doctor *d, struct buf *b)
{
	const char *between = "\nIt fails at: ";

	for (int s = 0; s < DOCTOR_STAGES; s++) {
		const char *code = code_of(d, s);

		if (state_of(d, (enum doctor_stage)s) != DOCTOR_BAD)
			continue;
		buf_printf(b, "%s%s%s%s", between, doctor_stage_name((enum doctor_stage)s),
		    code[0] != '\0' ? ", " : "", code);
		between = "; ";
	}
	buf_putc(b, '\n');
}

/* Stages in their order, the findings of each below it, then where it fails. Texts hold bytes of
 * the edge, of servers and of the command line: printed in plain characters. */
static void
write_text(const struct doctor *d, struct buf *b)
{
	enum doctor_stage first;
	const char *code;

	for (int s = 0; s < DOCTOR_STAGES; s++) {
		buf_printf(b, "%-7s %-8s ", doctor_stage_name((enum doctor_stage)s),
		    state_names[state_of(d, (enum doctor_stage)s)]);
		plain_put(b, slice_str(d->stages[s].text));
		buf_putc(b, '\n');
		for (size_t i = 0; i < d->n_findings; i++) {
			const struct doctor_finding *f = &d->findings[i];

			if ((int)f->row->stage != s)
				continue;
			buf_printf(b, "        %s %s: ", doctor_severity_name(f->row->severity),
			    f->row->code);
			plain_put(b, slice_str(f->text));
			buf_putc(b, ' ');
			plain_put(b, slice_str(f->remedy));
			buf_putc(b, '\n');
		}
	}
	if (doctor_first_failure(d, &first, &code))
		write_failures(d, b);
	else
		buf_put(b, S("\nNothing fails, as far as could be seen.\n"));
}

static void
put_member(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":", key);
	buf_json_ascii(b, slice_str(value));
}

/* In the order in which they were found, which is that of the stages but for
 * some that show early. */
static void
put_findings(const struct doctor *d, struct buf *b)
{
	buf_put(b, S("\"findings\":["));
	for (size_t i = 0; i < d->n_findings; i++) {
		const struct doctor_finding *f = &d->findings[i];

		buf_printf(b,
		    "%s{\"code\":\"%s\",\"number\":%d,\"stage\":\"%s\",\"severity\":\"%s\",",
		    i > 0 ? "," : "", f->row->code, f->row->number,
		    doctor_stage_name(f->row->stage), doctor_severity_name(f->row->severity));
		put_member(b, "text", f->text);
		buf_putc(b, ',');
		put_member(b, "remedy", f->remedy);
		buf_putc(b, '}');
	}
	buf_putc(b, ']');
}

/* Without the query, in which tokens stand. */
static void
put_url(const struct doctor *d, struct buf *b)
{
	char bare[sizeof(d->url)];

	snprintf(bare, sizeof(bare), "%s", d->url);
	bare[strcspn(bare, "?#")] = '\0';
	if (strchr(bare, '@') != NULL)
		snprintf(bare, sizeof(bare), "(a URL with a user in it)");
	put_member(b, "url", bare);
}

/* One object on one line (adit-doctor.1). first_code is "" where a stage fails without a
 * row of its own. */
static void
write_json(const struct doctor *d, struct buf *b)
{
	enum doctor_stage first = DOCTOR_HOOK;
	const char *code = "";
	bool failed = doctor_first_failure(d, &first, &code);
	char now[32];

	clock_rfc3339(clock_wall_ms(), now, sizeof(now));
	buf_printf(b, "{\"adit\":\"%s\",\"date\":\"%s\",\"ok\":%s,", ADIT_VERSION, now,
	    failed ? "false" : "true");
	put_url(d, b);
	buf_printf(b, ",\"first_stage\":\"%s\",\"first_code\":\"%s\",\"stages\":[",
	    failed ? doctor_stage_name(first) : "", code);
	for (int s = 0; s < DOCTOR_STAGES; s++) {
		enum doctor_state state = state_of(d, (enum doctor_stage)s);

		buf_printf(b, "%s{\"stage\":\"%s\",\"state\":\"%s\",", s > 0 ? "," : "",
		    doctor_stage_name((enum doctor_stage)s),
		    state == DOCTOR_BAD ? "failed" : state_names[state]);
		put_member(b, "text", d->stages[s].text);
		buf_putc(b, '}');
	}
	buf_put(b, S("],"));
	put_findings(d, b);
	buf_put(b, S("}\n"));
}

/*
 * What is printed as JSON, the system, and the edge's answer without its ticket, which would
 * let a reader of the report make requests in our name. Others may not read the file: it
 * names hosts and paths.
 */
int
doctor_write_report(struct doctor *d, const char *path)
{
	struct utsname u;
	struct buf b;
	char *probe;
	int fd;

	if (d->link.probe != NULL)
		json_object_del(d->link.probe, "ticket");
	check(json_object_get(d->link.probe, "ticket") == NULL);
	d->ticket = NULL;
	probe = d->link.probe == NULL ? NULL
				      : json_dumps(d->link.probe, JSON_COMPACT | JSON_ENSURE_ASCII);
	buf_init(&b, 262144);
	write_json(d, &b);
	if (uname(&u) == 0)
		buf_printf(&b, "{\"system\":\"%s %s %s\"}\n", u.sysname, u.release, u.machine);
	if (probe != NULL)
		buf_printf(&b, "{\"edge\":%s}\n", probe);
	free(probe);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || b.failed || write(fd, b.p, b.n) != (ssize_t)b.n) {
		tell_error("failed", "%s: %s", path,
		    fd < 0 ? strerror(errno) : "it could not be written");
		if (fd >= 0)
			close(fd);
		buf_fini(&b);
		return -1;
	}
	buf_fini(&b);
	return close(fd);
}

void
doctor_print(const struct doctor *d, struct buf *out)
{
	if (d->options->json)
		write_json(d, out);
	else
		write_text(d, out);
}
