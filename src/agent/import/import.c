/* SPDX-License-Identifier: Apache-2.0 */
/* Which program's file it is, what its rows say, and the head of what comes out. */
#include "agent/import/import.h"

#include "agent/core/config.h"
#include "agent/import/import_private.h"
#include "conf/tomldoc.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const words[] = {
	[IMPORT_NGROK] = "ngrok", [IMPORT_CLOUDFLARED] = "cloudflared", [IMPORT_FRP] = "frp"
};

bool
import_from_word(const char *word, enum import_from *ret)
{
	for (size_t i = IMPORT_NGROK; i <= IMPORT_FRP; i++)
		if (strcmp(words[i], word) == 0) {
			*ret = (enum import_from)i;
			return true;
		}
	return false;
}

/* --- what is said --- */

/* Names of keys come from the file: a line break in one would end the comment. */
static void
one_line(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void
say(struct draft *d, const struct yamldoc_node *n, char mark, const char *fmt, va_list ap)
{
	const int line = n->key_line > 0 ? n->key_line : n->line;
	const int column = n->key_line > 0 ? n->key_column : n->column;
	char text[500], key[64];
	struct import *im = d->im;

	vsnprintf(text, sizeof(text), fmt, ap);
	one_line(text);
	snprintf(key, sizeof(key), "%.60s", n->key != NULL ? n->key : "");
	one_line(key);
	buf_printf(&im->notes, "%c%s:%d:%d: %s%s%s%s\n", mark, im->path, line, column, key,
	    key[0] != '\0' ? ": " : "", mark == IMPORT_REFUSED ? "not imported: " : "", text);
	buf_printf(&d->comments, "%s# line %d: %s%s%s\n", d->node != NULL ? "    " : "", line, key,
	    key[0] != '\0' ? ": " : "", text);
}

void
import_warn(struct draft *d, const struct yamldoc_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(d, n, IMPORT_WARNED, fmt, ap);
	va_end(ap);
}

void
import_refuse(struct draft *d, const struct yamldoc_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(d, n, IMPORT_REFUSED, fmt, ap);
	va_end(ap);
	d->refused = true;
}

/* --- rows --- */

bool
import_nothing(const struct yamldoc_node *n)
{
	if (n->kind != YAMLDOC_SCALAR)
		return n->first == NULL;
	return n->text[0] == '\0' || strcmp(n->text, "false") == 0 ||
	       strcmp(n->text, "null") == 0 || strcmp(n->text, "~") == 0;
}

const struct yamldoc_node *
import_child(const struct yamldoc_node *map, const char *key)
{
	const struct yamldoc_node *n = map->kind == YAMLDOC_MAP ? map->first : NULL;

	while (n != NULL && strcmp(n->key, key) != 0)
		n = n->next;
	return n;
}

static void
by_row(struct draft *d, const struct import_row *row, const struct yamldoc_node *n)
{
	switch (row->what) {
	case IMPORT_TAKE:
		row->take(d, n);
		break;
	case IMPORT_INTO:
		import_rows(d, row->rows, n);
		break;
	case IMPORT_DROP:
		import_warn(d, n, "left out: %s", row->why);
		break;
	case IMPORT_SAME:
		break;
	case IMPORT_GUARD:
		import_refuse(d, n, "%s", row->why);
		break;
	}
}

void
import_rows(struct draft *d, const struct import_row *rows, const struct yamldoc_node *map)
{
	if (map->kind != YAMLDOC_MAP && !import_nothing(map))
		import_refuse(d, map, "a mapping is wanted");
	if (map->kind != YAMLDOC_MAP)
		return;
	for (const struct yamldoc_node *n = map->first; n != NULL; n = n->next) {
		const struct import_row *row = rows;

		while (row->key != NULL && strcmp(row->key, n->key) != 0)
			row++;
		if (row->key != NULL && (row->what == IMPORT_TAKE || !import_nothing(n)))
			by_row(d, row, n);
		else if (row->key == NULL && d->node != NULL)
			import_refuse(d, n, "adit does not know it, and it might keep people out");
		else if (row->key == NULL)
			import_warn(d, n, "left out: adit does not know it");
	}
}

/* --- which format --- */

/* By keys that only one of them has. */
static enum import_from
detect(const struct yamldoc_node *root)
{
	static const struct {
		const char *key;
		enum import_from from;
	} marks[] = {
		{ "proxies", IMPORT_FRP },
		{ "visitors", IMPORT_FRP },
		{ "serverAddr", IMPORT_FRP },
		{ "ingress", IMPORT_CLOUDFLARED },
		{ "credentials-file", IMPORT_CLOUDFLARED },
		{ "tunnel", IMPORT_CLOUDFLARED },
		{ "endpoints", IMPORT_NGROK },
		{ "tunnels", IMPORT_NGROK },
		{ "agent", IMPORT_NGROK },
		{ "authtoken", IMPORT_NGROK },
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (import_child(root, marks[i].key) != NULL)
			return marks[i].from;
	return IMPORT_ANY;
}

/* frp's form of old: [common], and names of its own in brackets with unquoted values. */
static bool
is_ini(struct slice text)
{
	while (text.n > 0) {
		struct slice line = slice_cut(&text, '\n');

		while (line.n > 0 && isspace((unsigned char)line.p[line.n - 1]))
			line.n--;
		if (slice_eq(slice_trim(line), S("[common]")))
			return true;
	}
	return false;
}

static bool
cannot(struct import *im, int line, int column, const char *text)
{
	snprintf(im->why, sizeof(im->why), "%s:%d:%d: %s", im->path, line, column, text);
	return false;
}

static bool
read_tree(struct import *im, struct slice text, struct yamldoc *doc)
{
	struct yamldoc_error error;
	bool ok;

	*doc = (struct yamldoc){ 0 };
	if (is_ini(text))
		return cannot(im, 1, 1,
		    "this is frp's form of old (frpc.ini), which frp no longer reads either: write "
		    "it as frpc.toml first");
	ok = tomldoc_looks(text) ? tomldoc_parse(doc, text, &error)
				 : yamldoc_parse(doc, text, &error);
	if (!ok)
		return cannot(im, error.line, error.column, error.text);
	if (doc->root == NULL || doc->root->kind != YAMLDOC_MAP)
		return cannot(im, 1, 1, "there is no configuration in it");
	if (im->from == IMPORT_ANY && import_child(doc->root, "edge") != NULL)
		return cannot(im, 1, 1, "this is an adit.yml already");
	if (im->from == IMPORT_ANY)
		im->from = detect(doc->root);
	return im->from != IMPORT_ANY ||
	       cannot(im, 1, 1,
		   "neither ngrok's, cloudflared's nor frp's configuration: say which one by "
		   "--from ngrok|cloudflared|frp");
}

/* --- what comes out --- */

static void
put_head(struct import *im)
{
	buf_printf(&im->yml,
	    "# Made by adit config import of a file for %s.\n"
	    "# adit login https://YOUR-EDGE -f THIS-FILE writes the edge and your token into it.\n",
	    words[im->from]);
}

/* Made of rows and values of others: whatever they were, it must be an adit.yml. */
static bool
proven(struct import *im)
{
	struct config *c = calloc(1, sizeof(*c));
	char *error = c == NULL || im->yml.failed || im->notes.failed
			  ? strdup("too large, or no memory")
			  : config_parse(buf_slice(&im->yml), "adit.yml", c);

	if (c != NULL)
		config_fini(c);
	free(c);
	if (error == NULL)
		return true;
	snprintf(im->why, sizeof(im->why), "%s: what comes out of it is no adit.yml: %.300s",
	    im->path, error);
	free(error);
	return false;
}

bool
import_run(struct import *im, struct slice text)
{
	struct yamldoc doc;
	bool ok;

	buf_init(&im->yml, 2 * LIMIT_CONFIG_BYTES);
	buf_init(&im->notes, 4 * LIMIT_CONFIG_BYTES);
	ok = read_tree(im, text, &doc);
	if (ok) {
		put_head(im);
		if (im->from == IMPORT_NGROK)
			import_ngrok(im, doc.root);
		else if (im->from == IMPORT_CLOUDFLARED)
			import_cloudflared(im, doc.root);
		else
			import_frp(im, doc.root);
		ok = proven(im);
	}
	yamldoc_fini(&doc);
	return ok;
}

void
import_fini(struct import *im)
{
	for (size_t i = 0; i < im->n_files; i++) {
		explicit_bzero(im->files[i].text, strlen(im->files[i].text));
		free(im->files[i].text);
	}
	im->n_files = 0;
	buf_fini(&im->yml);
	buf_fini(&im->notes);
}
