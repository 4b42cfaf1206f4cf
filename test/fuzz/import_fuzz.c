/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of other programs, whatever they are: a sentence with its place, or an adit.yml that is
 * right; each note is one line, and no key that may keep people out is passed over in silence.
 */
#include "agent/core/config.h"
#include "agent/import/import.h"
#include "conf/tomldoc.h"
#include "fuzz/must.h"

static void
must_be_a_tree(const struct yamldoc_node *n, int depth)
{
	MUST(depth <= LIMIT_CONFIG_DEPTH + 2);
	MUST(n->line > 0 && n->column > 0);
	MUST((n->kind == YAMLDOC_SCALAR) == (n->text != NULL));
	MUST(n->kind != YAMLDOC_SCALAR || n->first == NULL);
	for (const struct yamldoc_node *in = n->first; in != NULL; in = in->next) {
		MUST(in->parent == n);
		MUST((in->key != NULL) == (n->kind == YAMLDOC_MAP));
		for (const struct yamldoc_node *o = n->first; in->key != NULL && o != in;
		     o = o->next)
			MUST(strcmp(o->key, in->key) != 0);
		must_be_a_tree(in, depth + 1);
	}
}

static bool
hash(const char *name, const char *password, char *dst, size_t cap)
{
	int n = snprintf(dst, cap, "%s:$2b$05$%zu", name, strlen(password));

	return name[0] != '\0' && strchr(name, ':') == NULL && (size_t)n < cap;
}

static void
must_import(struct slice text, enum import_from from)
{
	static struct import im;
	static struct config c;
	struct slice notes;
	char *error;

	im = (struct import){ .path = "/x", .from = from, .hash = hash, .beside = true };
	if (!import_run(&im, text)) {
		MUST(strncmp(im.why, "/x:", 3) == 0);
		/* A sentence on the file, not on what was made of it. */
		MUST(strstr(im.why, "is no adit.yml") == NULL || im.yml.failed || im.notes.failed);
	} else {
		error = config_parse(buf_slice(&im.yml), "/x/adit.yml", &c);
		MUST(error == NULL && c.n_tunnels == im.n_tunnels);
		config_fini(&c);
		notes = buf_slice(&im.notes);
		while (notes.n > 0) {
			struct slice line = slice_cut(&notes, '\n');

			MUST(line.n > 4 && (line.p[0] == '-' || line.p[0] == '!'));
			MUST(slice_starts(slice_from(line, 1), S("/x:")));
		}
	}
	import_fini(&im);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct slice text = slice_of(data, n);
	struct yamldoc_error why;
	struct yamldoc doc;

	if (tomldoc_parse(&doc, text, &why))
		must_be_a_tree(doc.root, 0);
	else
		MUST(why.line > 0 && why.column > 0 && why.text[0] != '\0');
	yamldoc_fini(&doc);
	for (int from = IMPORT_ANY; from <= IMPORT_FRP; from++)
		must_import(text, (enum import_from)from);
	return 0;
}
