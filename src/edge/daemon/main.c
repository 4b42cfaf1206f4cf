/* SPDX-License-Identifier: Apache-2.0 */
/* aditd: the edge, and the commands that ask one that runs (aditd.8). */
#include "base/limits.h"
#include "edge/daemon/command_line.h"
#include "edge/daemon/dns_command.h"
#include "edge/daemon/selfcheck.h"

#include <stdio.h>
#include <string.h>

static int
print_limits(void)
{
	for (size_t i = 0; i < limits_n; i++)
		printf("%-24s %12lld %-13s %s\n", limits_table[i].name, limits_table[i].value,
		    limits_table[i].unit, limits_table[i].what);
	return 0;
}

static int
set_up(const struct command_line *cl)
{
	struct setup_options o = cl->setup;

	o.file = cl->daemon.file;
	o.domain = cl->daemon.domain;
	o.ip = cl->daemon.ip;
	o.https = cl->daemon.https;
	o.http = cl->daemon.http;
	o.account = cl->n_words > 1 ? cl->words[1] : NULL;
	o.resolver = cl->admin.resolver;
	o.json = cl->admin.json;
	return setup_run(&o, COMMAND_LINE_FILE);
}

/* Commands that need no running edge. */
static const struct {
	const char *name;
	int (*run)(const struct command_line *cl);
} local_commands[] = {
	{ "setup", set_up },
	{ "dns-plan", dns_command_plan },
	{ "doctor", dns_command_doctor },
	{ "completions", command_line_completions },
};

static int
administer(struct command_line *cl)
{
	char path[200];

	for (size_t i = 0; i < sizeof(local_commands) / sizeof(*local_commands); i++)
		if (strcmp(cl->command->name, local_commands[i].name) == 0)
			return local_commands[i].run(cl);

	if (cl->admin.socket == NULL) {
		if (!options_socket(&cl->daemon, path, sizeof(path)))
			return 1;
		cl->admin.socket = path;
		cl->admin.configured = cl->daemon.dev == NULL;
	}
	return admin_run(&cl->admin, cl->command, cl->n_words, (const char *const *)cl->words);
}

int
main(int argc, char **argv)
{
	struct command_line cl;
	int rc = command_line_read(&cl, argc, argv);

	if (rc >= 0)
		return rc;
	if (cl.limits)
		return print_limits();
	if (cl.command != NULL)
		return administer(&cl);
	if (cl.check)
		return selfcheck_run(&cl.daemon);
	return daemon_run(&cl.daemon);
}
