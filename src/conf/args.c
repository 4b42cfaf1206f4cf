/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the words of a command line by rows, and prints the rows as help. */
#include "conf/args.h"

#include "base/slice.h"
#include "base/suggest.h"

#include <string.h>

static bool
is_name(const struct args_row *row, const char *arg, size_t n)
{
	if (strlen(row->name) == n && memcmp(row->name, arg, n) == 0)
		return true;
	return row->brief != NULL && n == 2 && memcmp(row->brief, arg, n) == 0;
}

static const struct args_row *
find(const struct args *a, const char *arg, size_t n, unsigned groups)
{
	for (size_t i = 0; i < a->n_rows; i++)
		if ((a->rows[i].group & groups) != 0 && is_name(&a->rows[i], arg, n))
			return &a->rows[i];
	return NULL;
}

/*
 * Says what is wrong with an option that this command does not take. A token on the command
 * line gets a sentence of its own: everybody's ps would show it.
 */
static const char *
unknown(struct args *a, const char *arg, size_t n)
{
	const char *near = suggest(slice_of(arg, n), a->rows, a->n_rows, sizeof(*a->rows));
	const struct args_row *elsewhere = find(a, arg, n, ~0u);

	if (n == 7 && memcmp(arg, "--token", n) == 0)
		snprintf(a->why, sizeof(a->why),
		    "everybody on this machine can see a token on the command line: use "
		    "--token-file FILE, or - for standard input, or ADIT_TOKEN");
	else if (elsewhere != NULL)
		snprintf(a->why, sizeof(a->why), "%s is no option of this command",
		    elsewhere->name);
	else if (near != NULL)
		snprintf(a->why, sizeof(a->why), "unknown option %.*s; did you mean %s?",
		    (int)(n < 60 ? n : 60), arg, near);
	else
		snprintf(a->why, sizeof(a->why), "unknown option %.*s", (int)(n < 60 ? n : 60),
		    arg);
	return a->why;
}

static bool
is_number(const struct args_row *row, const char *value)
{
	uint64_t n;

	return slice_u64(slice_str(value), &n) && n >= row->min && n <= row->max;
}

/*
 * An option that may come n_max times fills an array; a full one, or a second value where one
 * is meant, is a mistake and not the last word.
 */
static const char *
set_value(struct args *a, const struct args_row *row, const char *value)
{
	const char **dst = (const char **)((char *)a->dst + row->at);

	check(row->min <= row->max || row->max == 0);
	if (value == NULL || value[0] == '\0') {
		snprintf(a->why, sizeof(a->why), "%s wants a value: %s", row->name, row->value);
		return a->why;
	}
	if (row->max > 0 && !is_number(row, value)) {
		snprintf(a->why, sizeof(a->why), "%s %.60s: a number from %llu to %llu is wanted",
		    row->name, value, (unsigned long long)row->min, (unsigned long long)row->max);
		return a->why;
	}
	for (int k = 1; *dst != NULL && k < row->n_max; k++)
		dst++;
	if (*dst != NULL) {
		snprintf(a->why, sizeof(a->why),
		    row->n_max > 0 ? "%s is given too often" : "%s is given twice", row->name);
		return a->why;
	}
	*dst = value;
	return NULL;
}

/* Takes the option at argv[*i] and its value. */
static const char *
take(struct args *a, unsigned groups, int argc, char **argv, int *i)
{
	const char *arg = argv[*i], *eq = strchr(arg, '='), *value = eq == NULL ? NULL : eq + 1;
	size_t n = eq == NULL ? strlen(arg) : (size_t)(eq - arg);
	const struct args_row *row;

	if (arg[1] != '-' && n > 2) { /* -fFILE */
		n = 2;
		value = arg + 2;
	}
	row = find(a, arg, n, groups);
	if (row == NULL)
		return unknown(a, arg, n);
	if (row->value == NULL) {
		if (value != NULL) {
			snprintf(a->why, sizeof(a->why), "%s takes no value", row->name);
			return a->why;
		}
		*((bool *)a->dst + row->at) = true;
		return NULL;
	}
	if (value == NULL && *i + 1 < argc)
		value = argv[++*i];
	return set_value(a, row, value);
}

const char *
args_parse(struct args *a, unsigned groups, int argc, char **argv)
{
	bool only_words = false;

	check(a->n_words <= a->words_max);
	for (int i = 0; i < argc; i++) {
		const char *error;

		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
			continue;
		}
		/* "-" alone is a word: it stands for standard input or output. */
		if (only_words || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (a->n_words == a->words_max) {
				snprintf(a->why, sizeof(a->why), "too many arguments");
				return a->why;
			}
			a->words[a->n_words++] = argv[i];
			continue;
		}
		error = take(a, groups, argc, argv, &i);
		if (error != NULL)
			return error;
	}
	return NULL;
}

/* A member that is still as the caller zeroed it was not given. */
const char *
args_allow(struct args *a, unsigned groups, unsigned allowed)
{
	for (size_t i = 0; i < a->n_rows; i++) {
		const struct args_row *row = &a->rows[i];
		const char *dst = (const char *)a->dst + row->at;
		bool given =
		    row->value == NULL ? *(const bool *)dst : *(const char *const *)dst != NULL;

		if (!given || (row->group & groups) == 0 || (row->group & allowed) != 0)
			continue;
		snprintf(a->why, sizeof(a->why), "%s is no option of this command", row->name);
		return a->why;
	}
	return NULL;
}

bool
args_has(const char *name, int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return false;
}

void
args_help(const struct args_row *rows, size_t n_rows, unsigned groups, FILE *f)
{
	for (size_t i = 0; i < n_rows; i++) {
		const struct args_row *r = &rows[i];
		char left[64];
		int k;

		if ((r->group & groups) == 0)
			continue;
		k = snprintf(left, sizeof(left), "%s%s%s%s%s", r->name,
		    r->brief != NULL ? ", " : "", r->brief != NULL ? r->brief : "",
		    r->value != NULL ? " " : "", r->value != NULL ? r->value : "");
		check(k > 0 && (size_t)k < sizeof(left)); /* help tells every option whole */
		fprintf(f, "  %-26s %s\n", left, r->what);
	}
}
