/* SPDX-License-Identifier: Apache-2.0 */
/* Seals texts and puts them into the store. */
#include "edge/cert/keep.h"

#include "base/limits.h"
#include "edge/core/vault.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

static void
on_back(struct errand *e)
{
	struct keep *k = list_of(e, struct keep, errand);
	enum store_result r = k->req.result;

	buf_fini(&k->sealed);
	item_req_fini(&k->req);
	k->done(k, r == STORE_OK || (k->req.op == ITEM_DEL && r == STORE_NONE),
	    store_result_text(r));
}

static void
begin(struct keep *k, enum item_op op, const char *kind, const char *name)
{
	check(!keep_is_busy(k) && k->done != NULL);
	k->req = (struct item_req){ .op = op };
	snprintf(k->req.kind, sizeof(k->req.kind), "%s", kind);
	snprintf(k->req.name, sizeof(k->req.name), "%s", name);
}

void
keep_put(struct keep *k, struct errands *home, const struct edge *e, const char *kind,
    const char *name, const char *account, uint64_t version, const char *text)
{
	begin(k, ITEM_PUT, kind, name);
	snprintf(k->req.account, sizeof(k->req.account), "%s", account);
	k->req.version = version;
	buf_init(&k->sealed, LIMIT_ITEM_BYTES);
	vault_seal(e->vault, slice_str(kind), slice_str(text), &k->sealed);
	k->req.bytes = buf_slice(&k->sealed);
	if (k->sealed.failed)
		k->req.kind[0] = '\0'; /* no memory: the store refuses what has no kind */
	errand_item(&k->errand, home, e->store, &k->req, on_back);
}

void
keep_del(struct keep *k, struct errands *home, const struct edge *e, const char *kind,
    const char *name)
{
	begin(k, ITEM_DEL, kind, name);
	k->req.version = ITEM_ANY;
	errand_item(&k->errand, home, e->store, &k->req, on_back);
}

char *
keep_open(const struct edge *e, const char *kind, struct slice sealed)
{
	char *text = malloc(sealed.n + 1);
	ptrdiff_t n = text == NULL ? -1 : vault_unseal(e->vault, slice_str(kind), sealed, text);

	if (n < 0) {
		free(text);
		return NULL;
	}
	check((size_t)n <= sealed.n);
	text[n] = '\0';
	return text;
}
