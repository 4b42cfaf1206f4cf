/* SPDX-License-Identifier: Apache-2.0 */
/* CONTROL messages: what is understood is written again and understood the same. */
#include "base/check.h"
#include "tunnel/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
expect_same(const struct hello *a, const struct hello *b)
{
	check(a->type == b->type && a->protocol == b->protocol && a->generation == b->generation);
	check(a->id == b->id && a->retry_ms == b->retry_ms && a->n_tunnels == b->n_tunnels);
	check(strcmp(a->program, b->program) == 0 && strcmp(a->token, b->token) == 0);
	check(strcmp(a->account, b->account) == 0 && strcmp(a->code, b->code) == 0);
	check(strcmp(a->text, b->text) == 0);
	for (size_t i = 0; i < a->n_tunnels; i++) {
		const struct hello_tunnel *t = &a->tunnels[i], *u = &b->tunnels[i];

		check(t->id == u->id && t->kind == u->kind && t->port == u->port);
		check(strcmp(t->name, u->name) == 0 && strcmp(t->key, u->key) == 0);
		check(strcmp(t->url, u->url) == 0 && strcmp(t->error, u->error) == 0);
		check(strcmp(t->text, u->text) == 0);
		check((t->policy == NULL) == (u->policy == NULL));
		check(t->policy == NULL || strcmp(t->policy, u->policy) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct hello first, second;
	const char *why = NULL;
	struct buf out;

	if (!hello_decode(slice_of(data, n), &first, &why)) {
		check(why != NULL && first.token[0] == '\0' && first.n_tunnels == 0);
		return 0;
	}
	if (first.type == HELLO_OTHER)
		return 0;
	buf_init(&out, 8 * LIMIT_CONTROL_BYTES);
	hello_encode(&first, &out);
	check(!out.failed);
	if (out.n <= LIMIT_CONTROL_BYTES) {
		check(hello_decode(buf_slice(&out), &second, &why));
		expect_same(&first, &second);
		hello_wipe(&second);
	}
	hello_wipe(&first);
	buf_fini(&out);
	return 0;
}
