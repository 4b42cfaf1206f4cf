/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a proxy answers: one byte of choices, then its bytes.  Held to split invariance: whole (each
 * time until the agent has its turn to speak) and byte by byte the same end; and never more kept
 * than its buffers hold.
 */
#include "agent/link/proxy_talk.c"
#include "fuzz/must.h"

/* Where the talk ended: bytes that were fed, and the result of the last. */
static size_t
talk_by_bytes(const struct proxy *p, struct slice in, enum proxy_talk_result *ret)
{
	static struct proxy_talk t;
	size_t n = 0;

	proxy_talk_init(&t, p, "edge.example.org", 443);
	*ret = PROXY_TALK_MORE;
	while (n < in.n && *ret == PROXY_TALK_MORE) {
		proxy_talk_out_done(&t, proxy_talk_out(&t).n);
		*ret = proxy_talk_feed(&t, slice_of(in.p + n++, 1));
		MUST(t.in_n <= sizeof(t.in));
	}
	MUST((*ret == PROXY_TALK_FAILED) == (t.error != NULL));
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct proxy_talk whole;
	struct proxy p = { .kind = PROXY_CONNECT };
	enum proxy_talk_result slowly, once;
	struct slice in;
	size_t used;

	if (n < 1)
		return 0;
	if (data[0] & 1)
		p.kind = PROXY_SOCKS5;
	if (data[0] & 2) {
		memcpy(p.user, "ann", 4);
		memcpy(p.password, "pw", 3);
	}
	in = slice_of(data + 1, n - 1);
	used = talk_by_bytes(&p, in, &slowly);
	if (p.kind == PROXY_SOCKS5 || slowly != PROXY_TALK_DONE)
		return 0;
	/* CONNECT is one message: all at once it ends the same, and one byte more is refused. */
	proxy_talk_init(&whole, &p, "edge.example.org", 443);
	once = proxy_talk_feed(&whole, slice_head(in, used));
	MUST(once == slowly);
	if (used < in.n) {
		proxy_talk_init(&whole, &p, "edge.example.org", 443);
		MUST(proxy_talk_feed(&whole, slice_head(in, used + 1)) == PROXY_TALK_FAILED);
	}
	return 0;
}
