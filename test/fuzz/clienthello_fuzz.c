/* SPDX-License-Identifier: Apache-2.0 */
/* First messages of TLS: byte by byte the same as at once, in other records the same as in one, and
 * never beyond what is there. */
#include "base/limits.h"
#include "fuzz/must.h"
#include "net/clienthello.h"

static void
same(const struct clienthello *a, const struct clienthello *b)
{
	MUST(strcmp(a->sni, b->sni) == 0 && strcmp(a->alpn, b->alpn) == 0);
}

/* The same bytes of the message in records of `cut` bytes; false: more than is looked at. */
static bool
in_records(struct slice message, size_t cut, struct clienthello *ret,
    enum clienthello_result *ret_r)
{
	size_t n = 0, cap = message.n + (message.n / cut + 1) * 5;
	char *out = malloc(cap);

	MUST(out != NULL);
	while (message.n > 0) {
		struct slice part = slice_head(message, cut);

		memcpy(out + n, "\x16\x03\x01", 3);
		out[n + 3] = (char)(part.n >> 8);
		out[n + 4] = (char)part.n;
		memcpy(out + n + 5, part.p, part.n);
		n += 5 + part.n;
		message = slice_from(message, cut);
	}
	*ret_r = clienthello_read(slice_of(out, n), ret);
	free(out);
	return n <= LIMIT_CLIENTHELLO_BYTES;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum clienthello_result once, r = CLIENTHELLO_MORE;
	struct slice in = slice_of((const char *)data, n);
	struct clienthello whole, said = { 0 };
	char host[CLIENTHELLO_HOST_BYTES];

	once = clienthello_read(in, &whole);
	for (size_t i = 1; i <= n && r == CLIENTHELLO_MORE; i++) {
		char *copy = malloc(i); /* to its last byte: a sanitizer sees one more */

		MUST(copy != NULL);
		memcpy(copy, data, i);
		r = clienthello_read(slice_of(copy, i), &said);
		free(copy);
	}
	MUST(n == 0 || r == once);
	if (once != CLIENTHELLO_DONE)
		return 0;
	same(&whole, &said);
	MUST(whole.sni[0] == '\0' || clienthello_host(slice_str(whole.sni), host));
	/* In one record, so that what is in it is the message. */
	if (n > 5 && n == 5u + ((unsigned)data[3] << 8 | data[4]))
		for (size_t cut = 1; cut <= n; cut = cut * 3 + 1)
			if (in_records(slice_from(in, 5), cut, &said, &r)) {
				MUST(r == CLIENTHELLO_DONE);
				same(&whole, &said);
			}
	return 0;
}
