/* SPDX-License-Identifier: Apache-2.0 */
/* Completions for bash: one function, whose `case` has a branch for each command. */
#include "conf/shell_private.h"

#include <string.h>

static const char *const kinds[] = {
	[SHELL_NOTHING] = "nothing",
	[SHELL_FILES] = "files",
	[SHELL_FOLDERS] = "folders",
	[SHELL_TUNNELS] = "tunnels",
	[SHELL_COMMANDS] = "commands",
	[SHELL_WORDS] = "words",
};

static void
put_choice(struct buf *out, const struct shell_choice *c)
{
	buf_printf(out, "kind=%s", kinds[c->kind]);
	if (c->kind == SHELL_WORDS)
		buf_printf(out, " list='%s'", c->words);
}

/* Options of these groups, and what each of them takes. */
static void
put_options(struct buf *out, const struct shell_program *p, unsigned groups)
{
	struct shell_choice choice;
	bool any = false;

	buf_printf(out, "options='");
	for (size_t i = 0; i < p->n_rows; i++)
		if (p->rows[i].group & groups)
			buf_printf(out, "%s ", p->rows[i].name);
	buf_printf(out, "'\n");
	for (size_t i = 0; i < p->n_rows; i++) {
		const struct args_row *r = &p->rows[i];

		if ((r->group & groups) == 0 || r->value == NULL)
			continue;
		shell_choice(p, r->name, r->value, &choice);
		buf_printf(out, "%s\t\t%s%s%s) ", any ? "" : "\t\tcase $previous in\n", r->name,
		    r->brief != NULL ? " | " : "", r->brief != NULL ? r->brief : "");
		put_choice(out, &choice);
		buf_printf(out, " ;;\n");
		any = true;
	}
	if (any)
		buf_printf(out, "\t\tesac\n");
}

/* The second words of a name. */
static void
put_subs(struct buf *out, const struct shell_program *p, const char *name)
{
	buf_printf(out, "\t'%s ') kind=words list='", name);
	for (size_t i = 0; i < p->n_commands; i++)
		if (strcmp(p->commands[i].name, name) == 0)
			buf_printf(out, "%s ", p->commands[i].sub);
	buf_printf(out, "' ;;\n");
}

static void
put_commands(struct buf *out, const struct shell_program *p)
{
	struct shell_choice choice;

	for (size_t i = 0; i < p->n_commands; i++) {
		const struct shell_command *c = &p->commands[i];

		if (c->sub != NULL && shell_is_first(p, i))
			put_subs(out, p, c->name);
		shell_choice_usage(p, c, &choice);
		buf_printf(out, "\t'%s %s'%s) ", c->name, c->sub != NULL ? c->sub : "",
		    c->sub == NULL ? "*" : "");
		put_choice(out, &choice);
		buf_printf(out, "\n\t\t");
		put_options(out, p, c->options);
		buf_printf(out, "\t\t;;\n");
	}
}

static const char head[] =
    "	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
    "	local first= second= options= kind=commands list= i\n"
    "	COMPREPLY=()\n"
    "	# bash makes three words of --name=x.\n"
    "	if [[ $current == '=' ]]; then\n"
    "		current=\n"
    "	elif [[ $previous == '=' ]]; then\n"
    "		previous=${COMP_WORDS[COMP_CWORD-2]}\n"
    "	fi\n"
    "	for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "		case ${COMP_WORDS[i]} in\n";

static const char words[] = "			[[ ${COMP_WORDS[i+1]} == '=' ]] && ((i++))\n"
			    "			((i++)) ;;\n"
			    "		-* | '=') ;;\n"
			    "		*)\n"
			    "			if [[ -z $first ]]; then\n"
			    "				first=${COMP_WORDS[i]}\n"
			    "			elif [[ -z $second ]]; then\n"
			    "				second=${COMP_WORDS[i]}\n"
			    "			fi ;;\n"
			    "		esac\n"
			    "	done\n"
			    "	case \"$first $second\" in\n";

static const char tail[] =
    "	esac\n"
    "	if [[ $current == -* ]]; then\n"
    "		mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
    "		return\n"
    "	fi\n"
    "	case $kind in\n"
    "	files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "
    "\"$current\") ;;\n"
    "	folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "
    "\"$current\") ;;\n"
    "	# Not by compgen -W, which would expand what a file says.\n"
    "	tunnels)\n"
    "		while IFS= read -r i; do\n"
    "			[[ $i == \"$current\"* ]] && COMPREPLY+=(\"$i\")\n"
    "		done < <(\"$1\" completions tunnels 2>/dev/null) ;;\n";

void
shell_bash(struct buf *out, const struct shell_program *p)
{
	buf_printf(out, "# bash: words and options of %s, made by %s completions bash.\n", p->name,
	    p->name);
	buf_printf(out, "_%s() {\n%s\t\t", p->name, head);
	shell_put_valued(out, p, " | ");
	buf_printf(out, ")\n%s", words);
	put_commands(out, p);
	buf_printf(out, "\t' ') ");
	put_options(out, p, p->alone);
	buf_printf(out, "\t\t;;\n%s\tcommands) list='", tail);
	for (size_t i = 0; i < p->n_commands; i++)
		if (shell_is_first(p, i))
			buf_printf(out, "%s ", p->commands[i].name);
	buf_printf(out,
	    "' ;;\n\tesac\n"
	    "\t[[ $kind == words || $kind == commands ]] &&\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$current\")\n"
	    "}\ncomplete -F _%s %s\n",
	    p->name, p->name);
}
