/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about the DNS of this edge (dns_command.h). */
#include "edge/daemon/dns_command.h"

#include "base/tell.h"
#include "edge/dns/dns_plan.h"
#include "edge/doctor/checkup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES (256 * 1024)
#define ACCOUNT_BYTES 400 /* a URL of the CA */

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

/* Is there an edge to ask? Whoever plans one has none yet, and that is no fault. */
static bool
edge_runs(const char *path)
{
	struct addr a = { .kind = ADDR_UNIX };
	struct sockaddr_storage ss;
	socklen_t len;
	bool runs;
	int fd;

	if (!slice_z(slice_str(path), a.path, sizeof(a.path)) ||
	    addr_sockaddr(&a, false, &ss, &len) != 0)
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	runs = fd >= 0 && connect(fd, (struct sockaddr *)&ss, len) == 0;
	if (fd >= 0)
		close(fd);
	return runs;
}

/*
 * The account at the CA, where an edge runs that has one; else "". Of several CAs it is not known
 * whose it is.
 */
static void
find_account(const struct command_line *cl, const struct settings *s, char uri[ACCOUNT_BYTES])
{
	struct admin_options o = cl->admin;
	char wild[260];
	const char *text;
	json_t *answer;
	int fd;

	uri[0] = '\0';
	if (o.socket == NULL)
		o.socket = s->control.path;
	if (s->acme.n_cas != 1 || s->dns.n_caa != 1 || !edge_runs(o.socket) ||
	    (fd = admin_dial(&o)) < 0)
		return;
	snprintf(wild, sizeof(wild), "*.%s", s->domain);
	answer = admin_ask(fd, json_pack("{s:s, s:s}", "op", "cert.show", "name", wild));
	text = json_string_value(json_object_get(answer, "account_url"));
	if (text != NULL && strlen(text) < ACCOUNT_BYTES)
		strcpy(uri, text);
	json_decref(answer);
	close(fd);
}

int
dns_command_plan(const struct command_line *cl)
{
	char *error = NULL;
	struct settings *s = options_settings(&cl->daemon, NULL, &error);
	char account[ACCOUNT_BYTES] = "";
	struct dns_plan *p;
	struct buf out;
	bool good;

	if (s != NULL)
		find_account(cl, s, account);
	p = s == NULL ? NULL : dns_plan_new(s, account, &error);
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
