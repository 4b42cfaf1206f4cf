/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adit.yml: whatever the bytes are, a tree whose mappings hold a key once, or none; then either a
 * sentence with its place or a configuration that keeps to its bounds.
 */
#include "agent/core/config.h"
#include "conf/yamldoc.h"
#include "fuzz/must.h"

static void
must_be_a_tree(const struct yamldoc_node *n, int depth)
{
	const struct yamldoc_node *last = NULL;

	MUST(depth <= LIMIT_CONFIG_DEPTH);
	MUST(n->line > 0 && n->column > 0);
	MUST((n->kind == YAMLDOC_SCALAR) == (n->text != NULL));
	MUST(n->kind != YAMLDOC_SCALAR || n->first == NULL);
	for (const struct yamldoc_node *in = n->first; in != NULL; last = in, in = in->next) {
		MUST(in->parent == n);
		MUST((in->key != NULL) == (n->kind == YAMLDOC_MAP));
		for (const struct yamldoc_node *o = n->first; in->key != NULL && o != in;
		     o = o->next)
			MUST(strcmp(o->key, in->key) != 0);
		must_be_a_tree(in, depth + 1);
	}
	MUST(n->last == last);
}

static void
must_keep_bounds(const struct config *c)
{
	MUST(c->n_tunnels <= LIMIT_TUNNELS_PER_LINK);
	for (size_t i = 0; i < c->n_tunnels; i++) {
		const struct config_tunnel *t = &c->tunnels[i];

		MUST(t->label[0] != '\0' && strlen(t->label) <= 63 && t->line > 0);
		MUST(t->origin != NULL && t->origin[0] != '\0');
		MUST(t->kind == TUNNEL_HTTP || t->kind == TUNNEL_TCP);
		MUST(t->port >= 0 && t->port <= 65535);
		MUST(t->kind == TUNNEL_HTTP ? t->port == 0 : t->name == NULL);
		MUST(t->kind == TUNNEL_HTTP || !policy_text_given(&t->policy));
		MUST(t->name == NULL || strlen(t->name) <= 63);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct config c;
	struct yamldoc_error why;
	struct yamldoc doc;
	char *error;
	bool parsed = yamldoc_parse(&doc, slice_of(data, n), &why);

	if (!parsed)
		MUST(why.line > 0 && why.column > 0 && why.text[0] != '\0');
	MUST(doc.n <= LIMIT_CONFIG_NODES);
	if (parsed && doc.root != NULL)
		must_be_a_tree(doc.root, 0);
	yamldoc_fini(&doc);
	error = config_parse(slice_of(data, n), "/x/adit.yml", &c);
	MUST(parsed || error != NULL);
	if (error != NULL)
		MUST(strncmp(error, "/x/adit.yml:", 12) == 0 && strlen(error) < 700);
	else
		must_keep_bounds(&c);
	free(error);
	config_fini(&c);
	return 0;
}
