/* SPDX-License-Identifier: Apache-2.0 */
/* What an address prints as is parsed as the same address. */
#include "net/addr.h"
#include "fuzz/must.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct addr a, b;
	struct sockaddr_storage ss;
	socklen_t len;
	char text[512], shown[ADDR_TEXT_BYTES];

	if (addr_parse(slice_of(data, n), &a) != NULL)
		return 0;
	addr_text(&a, text, sizeof(text));
	MUST(addr_parse(slice_str(text), &b) == NULL);
	MUST(a.kind == b.kind && a.tls == b.tls && a.port == b.port);
	MUST(strcmp(a.host, b.host) == 0 && strcmp(a.path, b.path) == 0);
	if (addr_sockaddr(&a, n % 2 == 0, &ss, &len) != 0)
		return 0;
	addr_show(&ss, len, shown, sizeof(shown));
	MUST(shown[0] != '\0');
	if (a.kind == ADDR_TCP)
		MUST(addr_split(&ss, len, shown, sizeof(shown)) == a.port);
	return 0;
}
