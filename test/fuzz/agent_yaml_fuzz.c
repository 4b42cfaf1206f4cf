/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML of adit.yml: whatever the bytes are, either a sentence with its place or a list of nodes
 * whose mappings are balanced, with a key once in each.  The source is included since fuzz targets
 * are linked with the libraries only.
 */
#include "agent/yaml.c"

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* No node of the same mapping before this one has its key. */
static void
must_be_once(const struct yaml *y, size_t at)
{
	int depth = 0;

	for (size_t i = at; i-- > 0;) {
		const struct yaml_node *n = &y->nodes[i];

		if (n->key == NULL)
			depth++;
		else if (n->value == NULL && depth-- == 0)
			return; /* the mapping began here */
		if (depth == 0 && n->key != NULL)
			MUST(strcmp(n->key, y->nodes[at].key) != 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct yaml y;
	char *error = yaml_parse(&y, slice_of(data, n), "/x/adit.yml");
	int depth = 0;

	if (error != NULL)
		MUST(strncmp(error, "/x/adit.yml:", 12) == 0 && strlen(error) < 700);
	MUST(y.n <= 2 * NODES_MAX);
	for (size_t i = 0; error == NULL && i < y.n; i++) {
		const struct yaml_node *node = &y.nodes[i];

		MUST(node->key != NULL || node->value == NULL);
		depth += node->key == NULL ? -1 : node->value == NULL ? 1 : 0;
		MUST(depth >= 0 && depth < LIMIT_CONFIG_DEPTH);
		if (node->key == NULL)
			continue;
		MUST(node->line > 0 && node->column > 0 && node->last_line >= node->line);
		must_be_once(&y, i);
	}
	MUST(error != NULL || depth == 0);
	free(error);
	yaml_fini(&y);
	return 0;
}
