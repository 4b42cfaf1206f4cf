/* SPDX-License-Identifier: Apache-2.0 */
/* Gives the rows of commands and options to the writers of completions, and knows what values are. */
#include "agent/command/completions_command.h"

#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "base/tell.h"
#include "conf/shell.h"
#include "hook/preset.h"
#include "hook/sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX 64

/* Names of presets and schemes, with blanks between them. */
static void
list_names(char *presets_text, char *schemes_text, size_t cap)
{
	size_t at = 0;

	for (size_t i = 0; i < presets_n; i++)
		at += (size_t)snprintf(presets_text + at, cap - at, "%s ", presets[i].name);
	check(at < cap);
	at = 0;
	for (size_t i = 0; i < sign_schemes_n; i++)
		at += (size_t)snprintf(schemes_text + at, cap - at, "%s ", sign_schemes[i].name);
	check(at < cap);
}

static int
write_script(const char *shell)
{
	static char preset_names[1024], scheme_names[1024];
	const struct shell_value values[] = {
		{ "PRESET", SHELL_WORDS, preset_names },
		{ "--scheme", SHELL_WORDS, scheme_names },
		{ "--name", SHELL_TUNNELS, NULL },
		{ "--tunnel", SHELL_TUNNELS, NULL },
		{ "--fan-out", SHELL_TUNNELS, NULL },
		{ "TUNNEL", SHELL_TUNNELS, NULL },
		{ "TUNNEL ...", SHELL_TUNNELS, NULL },
		{ "TUNNEL|URL", SHELL_TUNNELS, NULL },
		{ "[NAME ...]", SHELL_TUNNELS, NULL },
		{ "COMMAND", SHELL_COMMANDS, NULL },
		{ "--context", SHELL_NOTHING, NULL },
		{ "LEVEL", SHELL_WORDS, "error warn info debug" },
		{ "FORM", SHELL_WORDS, "plain logfmt json" },
		{ "VERSION", SHELL_WORDS, "1 2" },
		{ "STATE,...", SHELL_WORDS,
		    "received queued leased delivered parked dead dropped" },
	};
	struct shell_command list[COMMANDS_MAX];
	struct shell_program p = { .name = "adit",
		.commands = list,
		.values = values,
		.n_values = sizeof(values) / sizeof(*values) };
	const struct command *c = command_rows(&p.n_commands);
	struct buf out;
	bool known, failed;

	check(p.n_commands <= COMMANDS_MAX);
	for (size_t i = 0; i < p.n_commands; i++)
		list[i] = (struct shell_command){ c[i].name, c[i].sub, c[i].usage, c[i].what,
			c[i].options | OPTIONS_COMMON };
	p.rows = options_rows(&p.n_rows);
	list_names(preset_names, scheme_names, sizeof(preset_names));
	buf_init(&out, SHELL_SCRIPT_BYTES);
	known = shell_write(&out, &p, shell);
	if (known && !out.failed)
		fwrite(out.p, 1, out.n, stdout);
	if (known && out.failed)
		tell_error("failed", "out of memory");
	failed = out.failed;
	buf_fini(&out);
	if (!known)
		return usage_error("completions %s: bash, zsh, fish or tunnels is wanted", shell);
	return failed ? EXIT_BROKE : EXIT_STOPPED;
}

/* A key may have any character, and what is printed goes into a shell's line. */
static bool
is_plain(const char *s)
{
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ==
	       '\0';
}

/* Keys of the configuration and public names, each once.  A shell that asks in the middle of a line is
 * told nothing of mistakes. */
static int
list_tunnels(const struct options *o)
{
	struct config *c = calloc(1, sizeof(*c));
	char path[512];
	char *error = NULL;

	if (c == NULL)
		return EXIT_BROKE;
	if (o->file != NULL || config_file_path(path, sizeof(path)))
		error = config_file_read(o->file != NULL ? o->file : path, c, NULL);
	for (size_t i = 0; error == NULL && i < c->n_tunnels; i++) {
		const struct config_tunnel *t = &c->tunnels[i];

		if (is_plain(t->label))
			puts(t->label);
		if (t->name != NULL && strcmp(t->name, t->label) != 0)
			puts(t->name);
	}
	free(error);
	config_fini(c);
	free(c);
	return EXIT_STOPPED;
}

int
completions_command(const struct options *o)
{
	int rc = strcmp(o->args[0], "tunnels") == 0 ? list_tunnels(o) : write_script(o->args[0]);

	if (rc == EXIT_STOPPED && (fflush(stdout) != 0 || ferror(stdout))) {
		tell_error("failed", "standard output: %s", strerror(errno));
		return EXIT_BROKE;
	}
	return rc;
}
