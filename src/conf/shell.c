/* SPDX-License-Identifier: Apache-2.0 */
/* What completions of all shells have: which values can be completed, and quoting (shell.h). */
#include "conf/shell_private.h"

#include <ctype.h>
#include <string.h>

/* "on|off" becomes "on off"; what has a capital is a name for people: "TUNNEL|URL". */
static bool
take_words(const char *text, char *dst, size_t cap)
{
	size_t n = strlen(text);
	bool several = strchr(text, '|') != NULL;

	if (!several || n >= cap)
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (isupper((unsigned char)text[i]))
			return false;
		dst[i] = text[i] == '|' ? ' ' : text[i];
	}
	return true;
}

static bool
find(const struct shell_program *p, const char *key, struct shell_choice *ret)
{
	for (size_t i = 0; key != NULL && i < p->n_values; i++)
		if (strcmp(p->values[i].key, key) == 0) {
			ret->kind = p->values[i].kind;
			snprintf(ret->words, sizeof(ret->words), "%s",
			    p->values[i].words != NULL ? p->values[i].words : "");
			return true;
		}
	return false;
}

void
shell_choice(const struct shell_program *p, const char *option, const char *value,
    struct shell_choice *ret)
{
	*ret = (struct shell_choice){ .kind = SHELL_NOTHING };
	if (take_words(value, ret->words, sizeof(ret->words))) {
		ret->kind = SHELL_WORDS;
		return;
	}
	ret->words[0] = '\0';
	if (find(p, option, ret) || find(p, value, ret))
		return;
	if (strcmp(value, "FILE") == 0 || strcmp(value, "PATH") == 0)
		ret->kind = SHELL_FILES;
	else if (strcmp(value, "DIR") == 0)
		ret->kind = SHELL_FOLDERS;
}

void
shell_choice_usage(const struct shell_program *p, const struct shell_command *c,
    struct shell_choice *ret)
{
	char bare[64];
	size_t n = 0;

	*ret = (struct shell_choice){ .kind = SHELL_NOTHING };
	if (find(p, c->usage, ret))
		return;
	for (const char *s = c->usage; *s != '\0' && n + 1 < sizeof(bare); s++)
		if (*s != '[' && *s != ']')
			bare[n++] = *s;
	bare[n] = '\0';
	shell_choice(p, NULL, bare, ret);
	/* "bitbucket OWNER/REPO": the first word is given. */
	if (ret->kind == SHELL_NOTHING && islower((unsigned char)bare[0])) {
		ret->kind = SHELL_WORDS;
		snprintf(ret->words, sizeof(ret->words), "%.*s", (int)strcspn(bare, " "), bare);
	}
}

bool
shell_is_first(const struct shell_program *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(p->commands[k].name, p->commands[i].name) == 0)
			return false;
	return true;
}

bool
shell_takes_value(const struct shell_program *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(p->rows[k].name, p->rows[i].name) == 0)
			return false;
	return p->rows[i].value != NULL;
}

void
shell_put_valued(struct buf *out, const struct shell_program *p, const char *between)
{
	const char *in_front = "";

	for (size_t i = 0; i < p->n_rows; i++) {
		if (!shell_takes_value(p, i))
			continue;
		buf_printf(out, "%s%s", in_front, p->rows[i].name);
		if (p->rows[i].brief != NULL)
			buf_printf(out, "%s%s", between, p->rows[i].brief);
		in_front = between;
	}
}

void
shell_put_quoted(struct buf *out, const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			buf_printf(out, "'\\''");
			continue;
		}
		if (strchr(special, *text) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
}

bool
shell_write(struct buf *out, const struct shell_program *p, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		shell_bash(out, p);
	else if (strcmp(shell, "zsh") == 0)
		shell_zsh(out, p);
	else if (strcmp(shell, "fish") == 0)
		shell_fish(out, p);
	else
		return false;
	return true;
}
