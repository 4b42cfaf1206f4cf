/* SPDX-License-Identifier: Apache-2.0 */
/* Completions for fish: one `complete` for each word and option, with the place where it belongs. */
#include "conf/shell_private.h"

/* What fish reads in single quotes: a quote is \', and not '\''. */
static void
put_text(struct buf *out, const char *text)
{
	buf_putc(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_putc(out, '\'');
}

/* -x: nothing but what is said; -F: files as well. */
static void
put_choice(struct buf *out, const struct shell_program *p, const struct shell_choice *c)
{
	switch (c->kind) {
	case SHELL_NOTHING:
		buf_printf(out, " -x");
		break;
	case SHELL_FILES:
		buf_printf(out, " -r -F");
		break;
	case SHELL_FOLDERS:
		buf_printf(out, " -x -a '(__fish_complete_directories)'");
		break;
	case SHELL_TUNNELS:
		buf_printf(out, " -x -a '(%s completions tunnels 2>/dev/null)'", p->name);
		break;
	case SHELL_COMMANDS:
		buf_printf(out, " -x -a '(__%s_commands)'", p->name);
		break;
	case SHELL_WORDS:
		buf_printf(out, " -x -a '%s'", c->words);
		break;
	}
}

/* where: a condition, as text inside of quotes. */
static void
put_options(struct buf *out, const struct shell_program *p, unsigned groups, const char *where)
{
	struct shell_choice choice;

	for (size_t i = 0; i < p->n_rows; i++) {
		const struct args_row *r = &p->rows[i];

		if ((r->group & groups) == 0)
			continue;
		buf_printf(out, "complete -c %s -n '%s' -l %s", p->name, where, r->name + 2);
		if (r->brief != NULL)
			buf_printf(out, " -s %s", r->brief + 1);
		if (r->value != NULL) {
			shell_choice(p, r->name, r->value, &choice);
			put_choice(out, p, &choice);
		}
		buf_printf(out, " -d ");
		put_text(out, r->what);
		buf_putc(out, '\n');
	}
}

static void
put_command(struct buf *out, const struct shell_program *p, const struct shell_command *c)
{
	struct shell_choice choice;
	char where[128];

	snprintf(where, sizeof(where), "__%s_at %s%s%s", p->name, c->name,
	    c->sub != NULL ? " " : "", c->sub != NULL ? c->sub : "");
	if (c->sub != NULL) {
		buf_printf(out, "complete -c %s -n '__%s_at %s; and __%s_n 1' -a %s -d ", p->name,
		    p->name, c->name, p->name, c->sub);
		put_text(out, c->what);
		buf_putc(out, '\n');
	}
	shell_choice_usage(p, c, &choice);
	if (choice.kind != SHELL_NOTHING) {
		buf_printf(out, "complete -c %s -n '%s'", p->name, where);
		put_choice(out, p, &choice);
		buf_putc(out, '\n');
	}
	put_options(out, p, c->options, where);
}

/* The words so far that are no options and no values of options. */
static const char words[] = "	set -l skip 0\n"
			    "	for word in (commandline -opc)[2..-1]\n"
			    "		if test $skip -eq 1\n"
			    "			set skip 0\n"
			    "			continue\n"
			    "		end\n"
			    "		switch $word\n"
			    "			case ";

static const char words_end[] = "\n				set skip 1\n"
				"			case '-*'\n"
				"			case '*'\n"
				"				echo $word\n"
				"		end\n"
				"	end\n"
				"end\n";

void
shell_fish(struct buf *out, const struct shell_program *p)
{
	const char *z = p->name;

	buf_printf(out, "# fish: words and options of %s, made by %s completions fish.\n", z, z);
	buf_printf(out, "function __%s_words\n%s", z, words);
	shell_put_valued(out, p, " ");
	buf_printf(out, "%s", words_end);
	buf_printf(out, "function __%s_n\n\ttest (count (__%s_words)) -eq $argv[1]\nend\n", z, z);
	buf_printf(out,
	    "function __%s_at\n\tset -l given (__%s_words)\n"
	    "\ttest \"$given[1]\" = $argv[1]; or return 1\n"
	    "\ttest (count $argv) -eq 1; or test \"$given[2]\" = $argv[2]\nend\n",
	    z, z);
	buf_printf(out, "function __%s_commands\n", z);
	for (size_t i = 0; i < p->n_commands; i++)
		if (shell_is_first(p, i)) {
			buf_printf(out, "\tprintf '%%s\\t%%s\\n' %s ", p->commands[i].name);
			put_text(out, p->commands[i].sub == NULL ? p->commands[i].what : "...");
			buf_putc(out, '\n');
		}
	buf_printf(out,
	    "end\ncomplete -c %s -f\ncomplete -c %s -n '__%s_n 0' -a '(__%s_commands)'\n", z, z, z,
	    z);
	if (p->alone != 0) {
		char where[64];

		snprintf(where, sizeof(where), "__%s_n 0", z);
		put_options(out, p, p->alone, where);
	}
	for (size_t i = 0; i < p->n_commands; i++)
		put_command(out, p, &p->commands[i]);
}
