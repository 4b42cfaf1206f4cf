/* SPDX-License-Identifier: Apache-2.0 */
/* Writes, removes and describes the unit, and has systemctl do its part. */
#include "agent/command/service_command.h"

#include "agent/command/service_place.h"
#include "agent/command/service_unit.h"
#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "base/tell.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN(p, ...) service_systemctl(p, (const char *const[]){ __VA_ARGS__, NULL })

/* What stands at the path of the unit. */
enum there { THERE_NOTHING, THERE_OURS, THERE_FOREIGN };

static enum there
look(const struct service_place *p, char *ret_text, size_t cap)
{
	FILE *f = fopen(p->path, "re");
	size_t n;

	ret_text[0] = '\0';
	if (f == NULL)
		return errno == ENOENT || errno == ENOTDIR ? THERE_NOTHING : THERE_FOREIGN;
	n = fread(ret_text, 1, cap - 1, f);
	ret_text[n] = '\0';
	fclose(f);
	return strncmp(ret_text, SERVICE_UNIT_MARK "\n", strlen(SERVICE_UNIT_MARK) + 1) == 0
		   ? THERE_OURS
		   : THERE_FOREIGN;
}

static int
foreign(const struct service_place *p)
{
	tell_error("failed",
	    "%s was not written by adit service: move it away, or keep it, and run systemctl "
	    "yourself",
	    p->path);
	return EXIT_BROKE;
}

/* systemctl has said why. */
static int
failed(const struct service_place *p, const char *what)
{
	tell_error("failed", "systemctl %s has failed; \"journalctl %s-u adit\" says more", what,
	    p->system ? "" : "--user ");
	return EXIT_BROKE;
}

/* --- install --- */

/*
 * A service has no ADIT_TOKEN and no terminal: all that it needs must stand in files.  cmd: what the
 * words say; NULL: the file alone.  0, or an exit code after saying why.
 */
static int
check_login(const char *path, const struct options *cmd)
{
	struct config *c = calloc(1, sizeof(*c));
	bool missing = false, tokened = cmd != NULL && cmd->token_file != NULL;
	char *error;
	int rc = 0;

	if (c == NULL)
		return EXIT_BROKE;
	error = config_file_read(path, c, &missing);
	if (error != NULL && !missing)
		tell_usage("%s", error);
	if (error != NULL && !missing)
		rc = EXIT_USAGE;
	else if (tokened && cmd->edge != NULL)
		rc = 0;
	else if (c->edge == NULL || (!tokened && c->token == NULL && c->token_file == NULL))
		rc = usage_error("%s has no edge and token: a service reads them there and not in "
				 "ADIT_TOKEN; adit login stores both",
		    path);
	else if (cmd == NULL && c->n_tunnels == 0)
		rc = usage_error("%s has no tunnels: write one there, or give a command line: adit "
				 "service install -- http 8080 --name NAME",
		    path);
	free(error);
	config_fini(c);
	free(c);
	return rc;
}

/* The words behind --, which are judged as they would be then. */
static int
check_words(const struct service_place *p, const struct options *o, struct options *cmd)
{
	char why[256];
	const char *error;

	if (o->file != NULL)
		return usage_error("--file belongs behind --, to the command");
	error = command_judge(o->n_args - 1, o->args + 1, cmd, why);
	if (error != NULL)
		return usage_error("behind --: %s", error);
	if (cmd->token_file != NULL && strcmp(cmd->token_file, "-") == 0)
		return usage_error("behind --: a service has no standard input: --token-file FILE");
	return check_login(cmd->file != NULL ? cmd->file : p->config, cmd);
}

/* Where this program is. False after saying why. */
static bool
find_program(char dst[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", dst, PATH_MAX - 1);

	dst[n < 0 ? 0 : n] = '\0';
	if (n > 0 && access(dst, X_OK) == 0)
		return true;
	tell_error("failed", "the path of this program is not known: %s",
	    n < 0 ? strerror(errno) : "its file has gone");
	return false;
}

/* The unit's text, or an exit code after saying why. */
static int
compose(const struct service_place *p, const struct options *o, struct buf *out)
{
	char program[PATH_MAX], file[PATH_MAX], here[PATH_MAX];
	const char *words[4] = { "start", "--all", "--file", file };
	struct service_unit u = { .user = p->system ? p->user : NULL,
		.program = program,
		.words = words,
		.n_words = o->file != NULL ? 4 : 2 };
	struct options cmd;
	int rc = 0;

	if (o->n_args > 1) {
		rc = check_words(p, o, &cmd);
		u.words = o->args + 1;
		u.n_words = o->n_args - 1;
		u.folder = getcwd(here, sizeof(here));
		if (rc == 0 && u.folder == NULL)
			return usage_error("the folder that you are in: %s", strerror(errno));
	} else if (o->file != NULL && realpath(o->file, file) == NULL) {
		return usage_error("--file %s: %s", o->file, strerror(errno));
	} else {
		rc = check_login(o->file != NULL ? file : p->config, NULL);
	}
	if (rc != 0)
		return rc;
	if (!find_program(program))
		return EXIT_BROKE;
	return service_unit_write(out, &u)
		   ? 0
		   : usage_error("a control character in a path or a word: a unit cannot hold it");
}

/* Folders above the unit, which a fresh user may not have. NULL, or the one that failed. */
static const char *
make_folders(char *path)
{
	for (char *p = path + 1;; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return path;
		*p = was;
		if (was == '\0')
			return NULL;
	}
}

/* Whole or not at all: a half unit is one that systemd complains of. */
static int
write_unit(const struct service_place *p, struct slice text)
{
	char folder[sizeof(p->folder)], next[sizeof(p->path) + 8];
	FILE *f;
	bool ok;

	snprintf(folder, sizeof(folder), "%s", p->folder);
	if (make_folders(folder) != NULL) {
		tell_error("failed", "%s: %s", folder, strerror(errno));
		return EXIT_BROKE;
	}
	snprintf(next, sizeof(next), "%s.new", p->path);
	f = fopen(next, "we");
	ok = f != NULL && fchmod(fileno(f), 0644) == 0 && fwrite(text.p, 1, text.n, f) == text.n;
	ok = f != NULL && fclose(f) == 0 && ok && rename(next, p->path) == 0;
	if (!ok)
		tell_error("failed", "%s: %s", p->path, strerror(errno));
	return ok ? 0 : EXIT_BROKE;
}

static void
print_after(const struct service_place *p)
{
	const char *user = p->system ? "" : "--user ";

	printf("%s runs adit now, and at every %s. Its lines: journalctl %s-u adit\n", p->path,
	    p->system ? "start of the machine" : "login", user);
	if (!p->system && !p->lingers)
		printf("It ends when you log out. Without a login it runs after: loginctl "
		       "enable-linger\n");
}

static int
install(const struct service_place *p, const struct options *o)
{
	char old[SERVICE_UNIT_BYTES + 1];
	enum there there = look(p, old, sizeof(old));
	struct buf text;
	int rc;

	buf_init(&text, SERVICE_UNIT_BYTES);
	rc = compose(p, o, &text);
	if (rc == 0 && there == THERE_FOREIGN)
		rc = foreign(p);
	if (rc == 0 && p->dry)
		printf("would write %s:\n%.*s", p->path, PS(buf_slice(&text)));
	else if (rc == 0 && (rc = service_place_systemd(p)) == 0)
		rc = write_unit(p, buf_slice(&text));
	if (rc == 0 && RUN(p, "daemon-reload") != 0)
		rc = failed(p, "daemon-reload");
	if (rc == 0 && RUN(p, "enable", "--now", SERVICE_UNIT) != 0)
		rc = failed(p, "enable --now");
	/* One that ran already runs the older text. */
	if (rc == 0 && there == THERE_OURS && !slice_eq(slice_str(old), buf_slice(&text)) &&
	    RUN(p, "restart", SERVICE_UNIT) != 0)
		rc = failed(p, "restart");
	if (rc == 0 && !p->dry)
		print_after(p);
	buf_fini(&text);
	return rc;
}

/* --- uninstall and status --- */

static int
uninstall(const struct service_place *p)
{
	char text[SERVICE_UNIT_BYTES + 1];
	int rc;

	switch (look(p, text, sizeof(text))) {
	case THERE_NOTHING:
		printf("there is no %s: nothing to remove\n", p->path);
		return EXIT_STOPPED;
	case THERE_FOREIGN:
		return foreign(p);
	case THERE_OURS:
		break;
	}
	if (!p->dry && (rc = service_place_systemd(p)) != 0)
		return rc;
	if (RUN(p, "disable", "--now", SERVICE_UNIT) != 0)
		return failed(p, "disable --now");
	if (p->dry) {
		printf("would remove %s\n", p->path);
	} else if (unlink(p->path) != 0) {
		tell_error("failed", "%s: %s", p->path, strerror(errno));
		return EXIT_BROKE;
	}
	if (RUN(p, "daemon-reload") != 0)
		return failed(p, "daemon-reload");
	if (!p->dry)
		printf("removed %s; configuration and login stay\n", p->path);
	return EXIT_STOPPED;
}

/* 0: it runs; 1: it does not. */
static int
status(const struct service_place *p, bool json)
{
	char text[SERVICE_UNIT_BYTES + 1], enabled[64], active[64];
	bool ours = look(p, text, sizeof(text)) == THERE_OURS;
	int rc = service_place_systemd(p);
	struct buf out;

	if (rc != 0)
		return rc;
	service_ask(p, (const char *const[]){ "is-enabled", SERVICE_UNIT, NULL }, enabled,
	    sizeof(enabled));
	service_ask(p, (const char *const[]){ "is-active", SERVICE_UNIT, NULL }, active,
	    sizeof(active));
	buf_init(&out, 4096);
	if (json) {
		buf_printf(&out, "{\"event\":\"service\",\"unit\":");
		buf_json(&out, slice_str(p->path));
		buf_printf(&out, ",\"installed\":%s,\"enabled\":", ours ? "true" : "false");
		buf_json(&out, slice_str(enabled));
		buf_printf(&out, ",\"active\":");
		buf_json(&out, slice_str(active));
		buf_printf(&out, ",\"lingers\":%s}\n", p->lingers ? "true" : "false");
	} else {
		buf_printf(&out, "unit:     %s%s\nat start: %s\nnow:      %s\n", p->path,
		    ours ? "" : " (not written by adit service)",
		    enabled[0] != '\0' ? enabled : "not known",
		    active[0] != '\0' ? active : "not known");
		if (!p->system)
			buf_printf(&out, "logout:   %s\n",
			    p->lingers ? "it stays"
				       : "it ends; it stays after loginctl enable-linger");
	}
	fputs(buf_z(&out) != NULL ? buf_z(&out) : "", stdout);
	buf_fini(&out);
	return strcmp(active, "active") == 0 ? EXIT_STOPPED : EXIT_BROKE;
}

int
service_command(const struct options *o)
{
	struct service_place p;
	int rc = service_place_find(&p, o);

	if (rc != 0)
		return rc;
	if (strcmp(o->args[0], "install") == 0)
		return install(&p, o);
	return strcmp(o->args[0], "uninstall") == 0 ? uninstall(&p) : status(&p, o->json);
}
