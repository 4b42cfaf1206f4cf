/* SPDX-License-Identifier: Apache-2.0 */
/* Stores a policy again where the store has another than what is served (stored_policy.h). */
#include "edge/link/stored_policy.h"

#include "base/log.h"
#include "edge/core/vault.h"
#include "hook/policy.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

struct again {
	struct store_req req;
	struct errand errand;
	struct worker *worker;
	struct policy *policy; /* NULL: none */
	struct buf sealed;
};

static void
again_free(struct again *a)
{
	store_req_fini(&a->req);
	buf_fini(&a->sealed);
	policy_unref(a->policy);
	free(a);
}

/* On the store's thread, in the order of commits. */
static void
follow(struct store_req *req)
{
	struct again *a = list_of(req->owner, struct again, errand);
	struct slice none = { 0 };

	if (req->result == STORE_OK)
		directory_stored(a->worker->edge->directory, slice_str(req->route.name),
		    a->policy == NULL ? none : slice_str(a->policy->json), req->route.tls);
	errand_end(&a->errand);
}

/* Another link may have stored its own meanwhile. */
static void
on_stored(struct errand *e)
{
	struct again *a = list_of(e, struct again, errand);

	if (a->req.result == STORE_OK)
		stored_policy_look(a->worker, a->req.route.name);
	else
		log_event(LOG_WARN, "policy-not-stored", LOG_Z("tunnel", a->req.route.name),
		    LOG_Z("why", store_result_text(a->req.result)));
	again_free(a);
}

/*
 * At any end of a login. It asks until the store has what is served: each round is a
 * commit, and is only begun when the two differ.
 */
void
stored_policy_look(struct worker *w, const char *name)
{
	struct policy *policy = NULL;
	char account[64];
	bool tls = false;
	struct again *a;

	if (!directory_unstored(w->edge->directory, slice_str(name), account, &policy, &tls))
		return;
	a = calloc(1, sizeof(*a));
	if (a == NULL) {
		policy_unref(policy);
		return; /* the next HELLO stores it */
	}
	check(name[0] != '\0'); /* a tunnel without a name has no policy in the store */
	a->worker = w;
	a->policy = policy;
	a->req.op = STORE_NAME_CLAIM;
	a->req.route.set_policy = true;
	a->req.route.tls = tls;
	a->req.route.per_account_max = (uint32_t)w->settings->limits.names_per_account;
	snprintf(a->req.route.name, sizeof(a->req.route.name), "%s", name);
	snprintf(a->req.account, sizeof(a->req.account), "%s", account);
	buf_init(&a->sealed, 2 * LIMIT_POLICY_BYTES);
	if (policy != NULL)
		vault_seal(w->edge->vault, slice_str(name), slice_str(policy->json), &a->sealed);
	if (a->sealed.failed) {
		again_free(a);
		return;
	}
	a->req.route.policy = buf_slice(&a->sealed);
	errand_store(&a->errand, &w->errands, w->edge->store, &a->req, follow, on_stored);
}
