/* SPDX-License-Identifier: Apache-2.0 */
/* Completions for zsh: its own _arguments does the work, each command gives it a list. */
#include "conf/shell_private.h"

#include <string.h>

/* What _arguments keeps for itself. */
#define SPECIAL "[]:\\"

static void
put_action(struct buf *out, const struct shell_program *p, const struct shell_choice *c)
{
	switch (c->kind) {
	case SHELL_NOTHING:
		buf_putc(out, ' '); /* an empty action would say nothing of what is wanted */
		break;
	case SHELL_FILES:
		buf_printf(out, "_files");
		break;
	case SHELL_FOLDERS:
		buf_printf(out, "_files -/");
		break;
	case SHELL_TUNNELS:
		buf_printf(out, "_%s_tunnels", p->name);
		break;
	case SHELL_COMMANDS:
		buf_printf(out, "_%s_commands", p->name);
		break;
	case SHELL_WORDS:
		buf_printf(out, "(%s)", c->words);
		break;
	}
}

/* '(-f --file)'{-f,--file=}'[what]:FILE:_files', a line for each option. */
static void
put_options(struct buf *out, const struct shell_program *p, unsigned groups)
{
	struct shell_choice choice;

	for (size_t i = 0; i < p->n_rows; i++) {
		const struct args_row *r = &p->rows[i];
		const char *eq = r->value != NULL ? "=" : "";

		if ((r->group & groups) == 0)
			continue;
		buf_printf(out, " \\\n\t\t\t");
		if (r->brief != NULL)
			buf_printf(out, "'(%s %s)'{%s,%s%s}'[", r->brief, r->name, r->brief,
			    r->name, eq);
		else
			buf_printf(out, "'%s%s%s[", r->n_max > 0 ? "*" : "", r->name, eq);
		shell_put_quoted(out, r->what, SPECIAL);
		buf_putc(out, ']');
		if (r->value != NULL) {
			shell_choice(p, r->name, r->value, &choice);
			buf_putc(out, ':');
			shell_put_quoted(out, r->value, SPECIAL);
			buf_putc(out, ':');
			put_action(out, p, &choice);
		}
		buf_putc(out, '\'');
	}
}

static void
put_rest(struct buf *out, const struct shell_program *p, const struct shell_command *c)
{
	struct shell_choice choice;

	if (c->usage[0] == '\0')
		return;
	shell_choice_usage(p, c, &choice);
	buf_printf(out, " \\\n\t\t\t'*:");
	shell_put_quoted(out, c->usage, SPECIAL);
	buf_putc(out, ':');
	put_action(out, p, &choice);
	buf_putc(out, '\'');
}

/* All second words of a name: which of them it is, and then the options of that one. */
static void
put_subs(struct buf *out, const struct shell_program *p, const char *name)
{
	buf_printf(out, "\t%s)\n\t\tlocal -a words_of=(", name);
	for (size_t i = 0; i < p->n_commands; i++) {
		const struct shell_command *c = &p->commands[i];

		if (strcmp(c->name, name) != 0)
			continue;
		buf_printf(out, "\n\t\t\t'%s:", c->sub);
		shell_put_quoted(out, c->what, ":");
		buf_putc(out, '\'');
	}
	buf_printf(out, ")\n\t\tif ((CURRENT == 2)); then\n"
			"\t\t\t_describe -t commands 'what to do' words_of\n\t\t\treturn\n\t\tfi\n"
			"\t\tshift words\n\t\t((CURRENT--))\n\t\tcase $words[1] in\n");
	for (size_t i = 0; i < p->n_commands; i++) {
		const struct shell_command *c = &p->commands[i];

		if (strcmp(c->name, name) != 0)
			continue;
		buf_printf(out, "\t\t%s) _arguments -S", c->sub);
		put_options(out, p, c->options);
		put_rest(out, p, c);
		buf_printf(out, " ;;\n");
	}
	buf_printf(out, "\t\tesac ;;\n");
}

void
shell_zsh(struct buf *out, const struct shell_program *p)
{
	const char *z = p->name;

	buf_printf(out,
	    "#compdef %s\n# zsh: words and options of %s, made by %s completions zsh.\n", z, z, z);
	buf_printf(out,
	    "_%s_tunnels() {\n\tlocal -a list=(${(f)\"$(_call_program tunnels %s "
	    "completions tunnels 2>/dev/null)\"})\n\tcompadd -a list\n}\n",
	    z, z);
	buf_printf(out, "_%s_commands() {\n\tlocal -a list=(", z);
	for (size_t i = 0; i < p->n_commands; i++) {
		const struct shell_command *c = &p->commands[i];

		if (!shell_is_first(p, i))
			continue;
		buf_printf(out, "\n\t\t'%s:", c->name);
		/* Of several rows none says what all of them do. */
		shell_put_quoted(out, c->sub == NULL ? c->what : "...", ":");
		buf_putc(out, '\'');
	}
	buf_printf(out,
	    ")\n\t_describe -t commands command list\n}\n"
	    "_%s() {\n\tlocal curcontext=$curcontext state line\n"
	    "\t_arguments -C -S",
	    z);
	put_options(out, p, p->alone);
	buf_printf(out,
	    " \\\n\t\t'1:command:_%s_commands' '*::argument:->argument'\n"
	    "\t[[ $state == argument ]] || return 0\n\tcase $words[1] in\n",
	    z);
	for (size_t i = 0; i < p->n_commands; i++) {
		const struct shell_command *c = &p->commands[i];

		if (c->sub != NULL && shell_is_first(p, i)) {
			put_subs(out, p, c->name);
		} else if (c->sub == NULL) {
			buf_printf(out, "\t%s) _arguments -S", c->name);
			put_options(out, p, c->options);
			put_rest(out, p, c);
			buf_printf(out, " ;;\n");
		}
	}
	buf_printf(out,
	    "\tesac\n}\n"
	    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n\t_%s \"$@\"\n"
	    "else\n\tcompdef _%s %s\nfi\n",
	    z, z, z);
}
