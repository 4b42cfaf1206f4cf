/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/options.h"

#include "agent/suggest.h"

#include <string.h>

struct row {
	const char *name; /* first: suggest() */
	const char *value; /* its name in help, NULL: a switch */
	size_t at;
	unsigned group;
	const char *what;
};

#define AT(member) offsetof(struct options, member)

static const struct row rows[] = {
	{ "--edge", "URL", AT(edge), OPTIONS_LINK, "the edge, in place of a login: https://HOST[:PORT]" },
	{ "--ca", "FILE", AT(ca), OPTIONS_LINK, "certificates (PEM) that the edge's must lead to, in place of the system's" },
	{ "--token-file", "FILE", AT(token_file), OPTIONS_LINK,
	    "file that holds the token, - for standard input; else ADIT_TOKEN, else the login's" },
	{ "-f", "FILE", AT(file), OPTIONS_FILE, "configuration in place of ~/.config/adit/adit.yml" },
	{ "--name", "NAME", AT(name), OPTIONS_NAME, "public name; without it a random one that stays yours" },
	{ "--port", "PORT", AT(port), OPTIONS_PORT, "public port; without it any free one" },
	{ "--origin-host", "HOST", AT(origin_host), OPTIONS_ORIGIN, "Host that the local server is sent in place of the public name" },
	{ "--origin-ca", "FILE", AT(origin_ca), OPTIONS_ORIGIN, "certificates (PEM) that an https origin's must lead to" },
	{ "--origin-insecure", NULL, AT(origin_insecure), OPTIONS_ORIGIN, "take any certificate of an https origin" },
	{ "--all", NULL, AT(all), OPTIONS_START, "every tunnel of the configuration" },
	{ "--json", NULL, AT(json), OPTIONS_SCREEN, "one JSON object a line on standard output, for scripts" },
	{ "--log-level", "LEVEL", AT(log_level), OPTIONS_SCREEN, "error, warn (default), info, debug; debug shows every request" },
	{ "--help", NULL, AT(help), ~0u, "this text" },
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))

static const struct row *
find(const char *arg, size_t n, unsigned groups)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if ((rows[i].group & groups) != 0 && strlen(rows[i].name) == n &&
		    memcmp(rows[i].name, arg, n) == 0)
			return &rows[i];
	return NULL;
}

static const char *
unknown(const char *arg, size_t n, char *why, size_t cap)
{
	const char *near = suggest(slice_of(arg, n), rows, N_ROWS, sizeof(*rows));
	bool elsewhere = near != NULL && strlen(near) == n && memcmp(near, arg, n) == 0;

	if (strncmp(arg, "--token", n) == 0 && n == 7)
		snprintf(why, cap, "a token on the command line can be seen by everybody on this machine: "
		                   "use --token-file FILE, or - for standard input, or ADIT_TOKEN");
	else if (elsewhere)
		snprintf(why, cap, "%s is no option of this command", near);
	else if (near != NULL)
		snprintf(why, cap, "unknown option %.*s; did you mean %s?", (int)n, arg, near);
	else
		snprintf(why, cap, "unknown option %.*s", (int)n, arg);
	return why;
}

/* Takes the option at argv[*i] and its value. */
static const char *
take(struct options *o, unsigned groups, int argc, char **argv, int *i, char *why, size_t cap)
{
	const char *arg = argv[*i], *eq = strchr(arg, '='), *value = eq == NULL ? NULL : eq + 1;
	size_t n = eq == NULL ? strlen(arg) : (size_t)(eq - arg);
	const struct row *row = find(arg, n, groups);
	void *dst;

	if (row == NULL)
		return unknown(arg, n, why, cap);
	dst = (char *)o + row->at;
	if (row->value == NULL) {
		if (value != NULL) {
			snprintf(why, cap, "%s takes no value", row->name);
			return why;
		}
		*(bool *)dst = true;
		return NULL;
	}
	if (value == NULL && *i + 1 < argc)
		value = argv[++*i];
	if (value == NULL || value[0] == '\0') {
		snprintf(why, cap, "%s wants a value: %s", row->name, row->value);
		return why;
	}
	if (*(const char **)dst != NULL) {
		snprintf(why, cap, "%s is given twice", row->name);
		return why;
	}
	*(const char **)dst = value;
	return NULL;
}

const char *
options_parse(struct options *o, unsigned groups, int argc, char **argv, char *why, size_t why_cap)
{
	bool only_args = false;

	*o = (struct options){ 0 };
	for (int i = 0; i < argc; i++) {
		const char *error;

		if (!only_args && strcmp(argv[i], "--") == 0) {
			only_args = true;
			continue;
		}
		if (only_args || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (o->n_args == LIMIT_TUNNELS_PER_LINK + 1) {
				snprintf(why, why_cap, "too many arguments");
				return why;
			}
			o->args[o->n_args++] = argv[i];
			continue;
		}
		error = take(o, groups, argc, argv, &i, why, why_cap);
		if (error != NULL)
			return error;
	}
	return NULL;
}

void
options_help(FILE *f, unsigned groups)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		char left[64];

		if ((rows[i].group & groups) == 0)
			continue;
		snprintf(left, sizeof(left), "%s%s%s", rows[i].name, rows[i].value != NULL ? " " : "",
		    rows[i].value != NULL ? rows[i].value : "");
		fprintf(f, "  %-22s %s\n", left, rows[i].what);
	}
}
