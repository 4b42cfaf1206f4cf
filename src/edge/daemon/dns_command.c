/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about the DNS of this edge (dns_command.h). */
#include "edge/daemon/dns_command.h"

#include "base/tell.h"
#include "edge/dns/dns_plan.h"
#include "edge/doctor/checkup.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES (256 * 1024)

static int
fail(char *sentence)
{
	tell_error("failed", "%s", sentence != NULL ? sentence : "out of memory");
	free(sentence);
	return 1;
}

/* For commands to copy: NULL where aditd finds it by itself. */
static const char *
named_file(const struct command_line *cl)
{
	return strcmp(cl->daemon.file, COMMAND_LINE_FILE) == 0 ? NULL : cl->daemon.file;
}

int
dns_command_plan(const struct command_line *cl)
{
	char *error = NULL;
	struct settings *s = options_settings(&cl->daemon, NULL, &error);
	struct dns_plan *p = s == NULL ? NULL : dns_plan_new(s, "", &error);
	struct buf out;
	bool good;

	settings_unref(s);
	if (p == NULL)
		return fail(error);
	buf_init(&out, ANSWER_BYTES);
	if (cl->admin.json)
		dns_plan_json(p, &out);
	else
		dns_plan_text(p, named_file(cl), &out);
	good = tell_answer(&out);
	buf_fini(&out);
	dns_plan_free(p);
	return good ? 0 : 1;
}

int
dns_command_doctor(const struct command_line *cl)
{
	char *error = NULL;
	struct settings *s = options_settings(&cl->daemon, NULL, &error);
	struct checkup *c = calloc(1, sizeof(*c));
	bool good = s != NULL && c != NULL && checkup_run(c, s, cl->admin.resolver, &error);
	struct buf out;

	settings_unref(s);
	if (!good) {
		free(c);
		return fail(error);
	}
	buf_init(&out, ANSWER_BYTES);
	if (cl->admin.json)
		checkup_json(c, &out);
	else
		checkup_text(c, &out);
	good = tell_answer(&out) && checkup_is_good(c);
	buf_fini(&out);
	free(c);
	return good ? 0 : 1;
}
