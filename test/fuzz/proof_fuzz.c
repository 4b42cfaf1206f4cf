/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the name servers of somebody's domain say, texts end, counts hold, and no proof is found
 * that names neither a tunnel nor a token of the account. */
#include "edge/domain/proof.h"
#include "fuzz/must.h"

static bool
owns(void *arg, const char *tunnel, const char *account)
{
	(void)account;
	*(bool *)arg = strcmp(tunnel, "jenkins") == 0;
	return *(bool *)arg;
}

/* Messages behind a byte that says the stage and two for the length. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct proof p = {
		.zone = "tunnel.example.org", .name = "hook.example.com", .end = "hook.example.com"
	};
	struct wish w = {
		.account = "dev", .tunnel = "jenkins", .token = "0123456789abcdef0123456789abcdef"
	};
	bool owned = false;

	while (n >= 3) {
		enum proof_stage stage = PROOF_CNAME + data[0] % PROOF_EDGE_AAAA;
		size_t one = (size_t)data[1] << 8 | data[2];

		data += 3;
		n -= 3;
		if (one > n)
			one = n;
		(void)proof_read(&p, stage, slice_of(data, one));
		data += one;
		n -= one;
		MUST(memchr(p.end, '\0', sizeof(p.end)) != NULL);
		MUST(memchr(p.tunnel, '\0', sizeof(p.tunnel)) != NULL);
		MUST(p.n_texts <= PROOF_TEXTS && p.found.n <= PROOF_ADDRESSES &&
		     p.edges.n <= PROOF_ADDRESSES);
		for (size_t i = 0; i < p.n_texts; i++)
			MUST(strncmp(p.texts[i], "account=", 8) == 0);
	}
	if (proof_judge(&p, &w, owns, &owned) == WISH_SEEN)
		MUST(owned || (p.n_texts > 0 && p.found.n > 0));
	else
		MUST(w.why[0] != '\0');
	return 0;
}
