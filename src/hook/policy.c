/* SPDX-License-Identifier: Apache-2.0 */
/* A policy from its JSON to its end: what its preset brings, and whether its parts fit together. */
#include "hook/policy.h"

#include "hook/policy_private.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

/* What only makes sense for what is stored. */
static void
complete_inbox(struct policy_reader *r)
{
	static const char stored[] = "needs mode store or relay: what passes through is not kept";
	struct policy *p = r->p;
	const char *why = p->resign ? sign_again_fault(&p->sign) : NULL;

	if (p->coalesce && p->mode == PRESET_PASS)
		policy_fault(r, "coalesce", stored);
	if (p->n_fan_out > 0 && p->mode == PRESET_PASS)
		policy_fault(r, "fan_out", stored);
	if (why != NULL)
		policy_fault(r, "resign", why);
}

/* What the preset brings, and what must fit together. */
static void
complete(struct policy_reader *r)
{
	struct policy *p = r->p;

	if (p->preset != NULL) {
		if (json_object_get(p->root, "mode") == NULL)
			p->mode = p->preset->mode;
		if (p->sign.scheme == NULL && p->preset->scheme != NULL && p->sign.n_secrets > 0 &&
		    p->mode != PRESET_PASS)
			p->sign.scheme = sign_find(slice_str(p->preset->scheme));
	}
	if (p->unsigned_ok && p->sign.scheme != NULL)
		policy_fault(r, "unsigned",
		    "and scheme contradict each other: leave one of them out");
	if (p->sign.scheme != NULL && p->sign.n_secrets == 0)
		policy_fault(r, "scheme", "needs secrets to check with");
	if (p->sign.scheme == NULL && p->sign.n_secrets > 0)
		policy_fault(r, "secrets",
		    "need a scheme (or a preset that has one), and mode store or relay");
	if (p->sign.scheme != NULL && strcmp(p->sign.scheme->name, "hmac") == 0 &&
	    p->sign.header.n == 0)
		policy_fault(r, "hmac", "needs the name of the header");
	if (p->sign.scheme != NULL && p->mode == PRESET_PASS)
		policy_fault(r, "scheme",
		    "needs mode store or relay: what passes through is not read, so not verified");
	complete_inbox(r);
	if (p->rate > 0 && p->burst < 1)
		p->burst = p->rate < 1 ? 1 : p->rate;
	if (p->visitor_rate > 0 && p->visitor_burst < 1)
		p->visitor_burst = p->visitor_rate < 1 ? 1 : p->visitor_rate;
}

/*
 * Slices of the policy point into its JSON tree, so the tree lives as long. The caller
 * has one reference.
 */
struct policy *
policy_new(struct slice json, char *why, size_t cap)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct policy_reader r = { .p = p, .why = why, .cap = cap };
	json_error_t error;
	const char *key;
	json_t *v;

	if (p == NULL) {
		snprintf(why, cap, "policy: out of memory");
		return NULL;
	}
	atomic_init(&p->refs, 1);
	pthread_mutex_init(&p->lock, NULL);
	p->http2 = true;
	p->skip_after = 5;
	p->concurrency = 8;
	p->json = strndup(json.p, json.n);
	p->root = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, &error);
	if (p->json == NULL || !json_is_object((json_t *)p->root))
		policy_fault(&r, "JSON", p->root == NULL ? error.text : "must be an object");
	json_object_foreach((json_t *)p->root, key, v)
		policy_read_member(&r, "", key, v);
	if (!r.failed)
		complete(&r);
	if (!r.failed) {
		check(p->sign.scheme == NULL || p->sign.n_secrets > 0); /* complete() */
		return p;
	}
	policy_unref(p);
	return NULL;
}

/* From any thread; NULL is fine for both. */
struct policy *
policy_ref(struct policy *p)
{
	if (p != NULL)
		check(atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed) > 0);
	return p;
}

void
policy_unref(struct policy *p)
{
	unsigned refs;

	if (p == NULL)
		return;
	refs = atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel);
	check(refs > 0);
	if (refs != 1)
		return;
	/* Secrets do not stay in freed memory, in either of the two places where they were. */
	if (p->json != NULL)
		OPENSSL_cleanse(p->json, strlen(p->json));
	for (size_t i = 0; i < p->sign.n_secrets && p->secrets != NULL; i++)
		OPENSSL_cleanse((void *)(uintptr_t)p->secrets[i].p, p->secrets[i].n);
	for (size_t i = 0; i < p->n_users; i++)
		free(p->users[i].hash);
	free(p->json);
	free(p->secrets);
	free(p->methods);
	free(p->paths);
	free(p->users);
	free(p->fan_out);
	free(p->request.drop);
	free(p->response.drop);
	free(p->lines[0]);
	free(p->lines[1]);
	cidr_set_fini(&p->allow);
	cidr_set_fini(&p->deny);
	json_decref(p->root);
	rates_fini(&p->visitors);
	rates_fini(&p->guesses);
	free(p->known);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
