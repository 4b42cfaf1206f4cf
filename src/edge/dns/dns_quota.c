/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many names each account has with records of their own: a token for one name may change all
 * names below it, and would else fill the zone for everybody. Whose a name is says the directory, by
 * the label below the domain; what is no account's is the operator's, and not counted.
 */
#include "base/limits.h"
#include "edge/dns/name_server_private.h"

#include <stdlib.h>

struct dns_quota {
	struct map_node node;
	char account[64];
	size_t n;
};

/* False: no account's. */
static bool
account_of(const struct name_server *ns, struct slice name, char account[64])
{
	struct slice domain = dname_slice(&ns->domain), label;
	char text[DNAME_LABEL_BYTES];

	if (ns->edge->directory == NULL || dname_eq(name, domain))
		return false;
	label = dname_skip(name, dname_labels(name) - dname_labels(domain) - 1);
	memcpy(text, label.p + 1, (unsigned char)label.p[0]);
	for (size_t i = 0; i < (unsigned char)label.p[0]; i++)
		text[i] = (char)dname_fold((unsigned char)text[i]);
	return directory_account(ns->edge->directory, slice_of(text, (unsigned char)label.p[0]),
	    account);
}

static struct dns_quota *
find(const struct name_server *ns, struct slice account, uint64_t hash)
{
	struct map_node *at = map_first(&ns->quotas, hash);

	while (at != NULL &&
	       !slice_eq(slice_str(map_of(at, struct dns_quota, node)->account), account))
		at = map_next_same(at);
	return at == NULL ? NULL : map_of(at, struct dns_quota, node);
}

bool
dns_quota_take(struct name_server *ns, struct slice name)
{
	char account[64];
	struct dns_quota *q;
	uint64_t hash;

	if (!account_of(ns, name, account))
		return true;
	hash = map_hash(slice_str(account));
	q = find(ns, slice_str(account), hash);
	if (q == NULL) {
		if ((q = calloc(1, sizeof(*q))) == NULL)
			return false;
		memcpy(q->account, account, sizeof(q->account));
		if (map_put(&ns->quotas, &q->node, hash) != 0) {
			free(q);
			return false;
		}
	}
	if (q->n >= LIMIT_DNS_NAMES_PER_ACCOUNT)
		return false;
	q->n++;
	return true;
}

/* More than were taken may be given: those that were there before the bound. */
void
dns_quota_give(struct name_server *ns, struct slice name)
{
	char account[64];
	struct dns_quota *q;
	uint64_t hash;

	if (!account_of(ns, name, account))
		return;
	hash = map_hash(slice_str(account));
	q = find(ns, slice_str(account), hash);
	if (q == NULL || q->n == 0 || --q->n > 0)
		return;
	map_del(&ns->quotas, &q->node);
	free(q);
}

void
dns_quota_fini(struct name_server *ns)
{
	struct map_node *at;

	while ((at = map_take_any(&ns->quotas)) != NULL)
		free(map_of(at, struct dns_quota, node));
	map_fini(&ns->quotas);
}
