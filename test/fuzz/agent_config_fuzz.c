/* SPDX-License-Identifier: Apache-2.0 */
/* adit.yml: whatever the bytes are, either a sentence with its place or a configuration that keeps to its bounds. */
#include "agent/config.c"
#include "agent/suggest.c"
#include "agent/yaml.c"

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config c;
	char *error = config_parse(slice_of(data, n), "/x/adit.yml", &c);

	MUST(c.n_tunnels <= LIMIT_TUNNELS_PER_LINK);
	if (error != NULL)
		MUST(strncmp(error, "/x/adit.yml:", 12) == 0 && strlen(error) < 700);
	for (size_t i = 0; error == NULL && i < c.n_tunnels; i++) {
		const struct config_tunnel *t = &c.tunnels[i];
		struct addr a;
		char name[64];

		MUST(t->label != NULL && strlen(t->label) < 64 && t->line > 0);
		MUST(t->origin != NULL && addr_parse(slice_str(t->origin), &a) == NULL);
		MUST(t->name == NULL || url_name(slice_str(t->name), name, sizeof(name)) == NULL);
		MUST(t->kind == TUNNEL_HTTP ? t->port == 0 : t->name == NULL);
	}
	free(error);
	config_fini(&c);
	return 0;
}
