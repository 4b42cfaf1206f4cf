/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of aditd that talk to a running edge. */
#include "edge/admin/admin.h"

#include "base/limits.h"
#include "base/slice.h"
#include "edge/admin/admin_cert.h"
#include "edge/admin/admin_inbox.h"
#include "edge/admin/admin_show.h"
#include "edge/admin/admin_waiting.h"
#include "base/tell.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* --- the socket --- */

/*
 * What is most often wrong, by where the path has come from: it was named, or stands in a
 * file that the running edge has read earlier.
 */
static void
tell_no_edge(const struct admin_options *o, int error)
{
	const char *hint = "";

	if (error == ENOENT || error == ECONNREFUSED)
		hint =
		    o->configured
			? "; is aditd running? If you have changed listen.control, restart aditd: "
			  "until then it has its old socket, which --control PATH reaches"
			: "; is aditd running? --control, --dev or -f say where its socket is";
	tell_error("no-edge", "%s: %s%s", o->socket, strerror(error), hint);
}

int
admin_dial(const struct admin_options *o)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (!slice_z(slice_str(o->socket), un.sun_path, sizeof(un.sun_path))) {
		tell_usage("%s: the path of a socket has at most %zu bytes", o->socket,
		    sizeof(un.sun_path) - 1);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	tell_no_edge(o, errno);
	if (fd >= 0)
		close(fd);
	return -1;
}

/*
 * False: the edge has closed. Without MSG_NOSIGNAL the command would end without a
 * word then (SIGPIPE).
 */
static bool
send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* One line, without its end; malloced, NULL when the edge closed. */
static char *
receive_line(int fd)
{
	char *line = malloc(LIMIT_CONTROL_LINE_BYTES + 1);
	size_t n = 0;

	while (line != NULL && n < LIMIT_CONTROL_LINE_BYTES) {
		ssize_t got = recv(fd, line + n, LIMIT_CONTROL_LINE_BYTES - n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
		/* Nothing can follow it: one answer to one request. */
		if (line[n - 1] == '\n') {
			line[n - 1] = '\0';
			return line;
		}
	}
	free(line);
	return NULL;
}

/* Consumes the request. NULL: told on stderr. */
json_t *
admin_ask(int fd, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT), *line = NULL;
	json_t *answer = NULL;
	json_error_t error;

	json_decref(request);
	if (text != NULL && send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1))
		line = receive_line(fd);
	if (line != NULL)
		answer = json_loads(line, 0, &error);
	free(text);
	free(line);
	if (answer == NULL)
		tell_error("no-edge", "the edge closed the control socket without an answer");
	return answer;
}

/* --- the subcommands --- */

/* clang-format off */
const struct admin_command admin_commands[] = {
	{ "token", "add", "ACCOUNT", 1, 1, ADMIN_TOKEN, "make a token, and print it this once",
	    "token.add", { "account" }, .show = admin_show_added },
	{ "token", "list", "[ACCOUNT]", 0, 1, 0, "list tokens by their ids",
	    "token.list", { "account" }, "id", admin_show_token },
	{ "token", "revoke", "ID", 1, 1, 0, "revoke a token; its links end at once",
	    "token.revoke", { "id" }, .show = admin_waiting_show_token, .add = admin_waiting_token },
	{ "name", "reserve", "NAME ACCOUNT", 2, 2, 0, "give a name to an account",
	    "name.reserve", { "name", "account" }, .show = admin_show_name_held },
	{ "name", "release", "NAME", 1, 1, 0, "give a name up: visitors are answered 410 from then on",
	    "name.release", { "name" }, .show = admin_waiting_show_name, .add = admin_waiting_name },
	{ "name", "disable", "NAME", 1, 1, 0, "switch a name off: its tunnel ends, visitors are answered 403",
	    "name.disable", { "name" }, .show = admin_show_name_disabled },
	{ "name", "enable", "NAME", 1, 1, 0, "switch a disabled name on again",
	    "name.enable", { "name" }, .show = admin_show_name_enabled },
	{ "name", "list", "[ACCOUNT]", 0, 1, 0, "list names, and whose they are",
	    "name.list", { "account" }, "name", admin_show_name },
	{ "port", "release", "PORT", 1, 1, 0, "free the port of a TCP tunnel",
	    "port.release", { "port" } },
	{ "cert", "list", "", 0, 0, 0, "certificates of CAs: issuer, end, next attempt, what is wrong",
	    "cert.list", .cursor = "name", .show_row = admin_cert_row },
	{ "cert", "show", "NAME", 1, 1, 0, "all about one certificate",
	    "cert.show", { "name" }, .show = admin_cert_show },
	{ "cert", "renew", "NAME", 1, 1, 0, "get a new certificate now", "cert.renew", { "name" },
	    .show = admin_show_text },
	{ "cert", "revoke", "NAME", 1, 1, ADMIN_REVOKE, "revoke a certificate, and get a new one",
	    "cert.revoke", { "name" }, .show = admin_show_text },
	{ "cert", "rollover", "", 0, 0, 0, "give the account at the CA another key", "cert.rollover",
	    .show = admin_show_text },
	{ "domain", "list", "", 0, 0, 0, "list own domains, whose they are, and their state",
	    "domain.list", { NULL }, "name", admin_show_domain },
	{ "domain", "remove", "NAME", 1, 1, 0, "take an own domain from every account that has it",
	    "domain.remove", { "name" } },
	{ "dashboard", NULL, "[ROLE [ACCOUNT]]", 0, 2, 0,
	    "print a link to the dashboard, good once and for a minute", "dashboard.link",
	    { "role", "account" }, .show = admin_show_link },
	{ "overview", NULL, "", 0, 0, 0, "the edge on one page, and what is wrong with it", "overview",
	    .show = admin_show_overview },
	{ "tunnel", "list", "[ACCOUNT]", 0, 1, 0, "list tunnels, also those that are away", "tunnel.list",
	    { "account" }, "name", admin_show_tunnel },
	{ "tunnel", "disconnect", "NAME", 1, 1, 0, "end the link of the agent that serves a tunnel",
	    "tunnel.disconnect", { "name" } },
	{ "refused", NULL, "", 0, 0, 0, "what was refused last, and why", "refused",
	    .show_row = admin_show_refused },
	{ "audit", NULL, "", 0, 0, 0, "what operators changed, by commands or the dashboard", "audit",
	    .show_row = admin_show_audit },
	{ "log", NULL, "", 0, 0, 0, "print the last lines of the running edge's log", "log",
	    .show_row = admin_show_line },
	{ "config", "show", "", 0, 0, 0, "print the settings that hold now, without secrets", "config",
	    .show_row = admin_show_setting },
	{ "session", "list", "", 0, 0, 0, "list sessions of the dashboard", "dashboard.sessions",
	    .show_row = admin_show_session },
	{ "session", "end", "ID", 1, 1, 0, "end a session of the dashboard", "dashboard.end", { "id" } },
	{ "metrics", NULL, "", 0, 0, 0, "print what a scraper sees", "metrics",
	    .show = admin_show_metrics },
	{ "status", NULL, "", 0, 0, 0, "print counters and the tunnels that are up",
	    "status", .show = admin_show_status },
	{ "limits", NULL, "", 0, 0, 0, "print the limits of the running aditd",
	    "limits", .show_row = admin_show_limit },
	{ "wait", "up", "NAME", 1, 1, ADMIN_WAIT, "wait until a tunnel is up", "wait", { "up" } },
	{ "reload", NULL, "", 0, 0, 0, "read configuration and certificates again",
	    "reload", .show = admin_show_text },
	{ "stop", NULL, "", 0, 0, 0, "stop in order", "stop" },
	{ "setup", NULL, "[ACCOUNT]", 0, 1, ADMIN_LOCAL | ADMIN_SETUP,
	    "set an edge up: configuration, DNS, certificate, start, first token" },
	{ "dns-plan", NULL, "", 0, 0, ADMIN_LOCAL, "print the DNS records to add at your provider" },
	{ "doctor", NULL, "", 0, 0, ADMIN_LOCAL | ADMIN_DOCTOR,
	    "see whether DNS, ports and CAs find this edge, and what to do" },
	{ "completions", NULL, "bash|zsh|fish", 1, 1, ADMIN_LOCAL,
	    "print what a shell needs to complete words and options" },
	{ "inbox", "list", "", 0, 0, ADMIN_FILTER | ADMIN_LIST, "stored webhooks, newest first" },
	{ "inbox", "show", "ID", 1, 1, ADMIN_RAW, "all about one webhook: attempts, head and body" },
	{ "inbox", "replay", "ID ... | --state STATE", 0, INBOXTALK_IDS, ADMIN_FILTER | ADMIN_REPLAY,
	    "send webhooks again" },
	{ "inbox", "drop", "ID ... | --state STATE", 0, INBOXTALK_IDS, ADMIN_FILTER,
	    "give webhooks up: they are not sent any more" },
	{ "inbox", "export", "", 0, 0, ADMIN_FILTER | ADMIN_LIST | ADMIN_RAW,
	    "whole webhooks, one JSON object a line, oldest first" },
	{ "inbox", "tail", "", 0, 0, ADMIN_FILTER, "webhooks that come in from now on" },
	{ "inbox", "stat", "", 0, 0, ADMIN_STAT, "how many webhooks are in which state" },
};
/* clang-format on */
const size_t admin_commands_n = sizeof(admin_commands) / sizeof(*admin_commands);

static void
show(const struct admin_options *o, const struct admin_command *cmd, const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "rows"), *row;
	size_t i;

	if (o->json) {
		json_dumpf(answer, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (cmd->show != NULL) {
		cmd->show(answer);
	} else if (cmd->show_row != NULL) {
		json_array_foreach(rows, i, row)
			cmd->show_row(row);
	}
}

/* Where the next page begins, in the request; false when this was the last. */
static bool
turn_page(const struct admin_command *cmd, const json_t *answer, json_t *request)
{
	const json_t *rows = json_object_get(answer, "rows");
	json_t *last = json_array_get(rows, json_array_size(rows) - 1);

	if (cmd->cursor == NULL || !json_is_true(json_object_get(answer, "more")) || last == NULL)
		return false;
	return json_object_set(request, cmd->cursor, json_object_get(last, cmd->cursor)) == 0;
}

/*
 * Page after page on one connection. A page that is refused makes the whole a failure,
 * though some were shown.
 */
static int
converse(const struct admin_options *o, const struct admin_command *cmd, json_t *request)
{
	int fd = admin_dial(o), rc = 1;
	bool more = fd >= 0;

	while (more) {
		json_t *answer = admin_ask(fd, json_deep_copy(request));

		more = false;
		if (answer != NULL && json_is_true(json_object_get(answer, "ok"))) {
			rc = 0;
			if (cmd->add != NULL)
				cmd->add(fd, request, answer);
			show(o, cmd, answer);
			more = turn_page(cmd, answer, request);
		} else if (answer != NULL) {
			rc = 1;
			tell_error(admin_text_at(answer, "code"), o->json ? "%s" : "%s (%s)",
			    admin_text_at(answer, "text"), admin_text_at(answer, "code"));
		}
		json_decref(answer);
	}
	if (fd >= 0)
		close(fd);
	json_decref(request);
	return rc;
}

/* Numbers of the command line are numbers in JSON; what is none is refused by the edge. */
static json_t *
value(const char *member, const char *text, uint64_t scale)
{
	uint64_t n;

	if (strcmp(member, "port") != 0 && scale == 0)
		return json_string(text);
	return slice_u64(slice_str(text), &n) && n < INT64_MAX / 1000
		   ? json_integer((json_int_t)(n * (scale == 0 ? 1 : scale)))
		   : json_string(text);
}

static json_t *
make_request(const struct admin_options *o, const struct admin_command *cmd, int argc,
    const char *const *argv)
{
	json_t *request = json_pack("{s:s}", "op", cmd->op);

	/* read_command() has counted them by the same row. */
	check(argc <= (int)(sizeof(cmd->args) / sizeof(*cmd->args)));
	check(argc <= 0 || cmd->args[argc - 1] != NULL);
	for (int i = 0; i < argc; i++)
		json_object_set_new(request, cmd->args[i], value(cmd->args[i], argv[i], 0));
	if (o->label != NULL)
		json_object_set_new(request, "label", json_string(o->label));
	if (o->days != NULL)
		json_object_set_new(request, "days", value("days", o->days, 1));
	if (o->reason != NULL)
		json_object_set_new(request, "reason", value("reason", o->reason, 1));
	if (o->ddns != NULL)
		json_object_set_new(request, "ddns", json_string(o->ddns));
	if (o->tsig)
		json_object_set_new(request, "tsig", json_true());
	if (o->timeout != NULL)
		json_object_set_new(request, "timeout_ms", value("timeout_ms", o->timeout, 1000));
	return request;
}

int
admin_run(const struct admin_options *o, const struct admin_command *cmd, int argc,
    const char *const *argv)
{
	int n_words = cmd->sub != NULL ? 2 : 1;

	check(argc >= n_words);
	if (cmd->op == NULL)
		return admin_inbox(o, argc - 1, argv + 1);
	return converse(o, cmd, make_request(o, cmd, argc - n_words, argv + n_words));
}
