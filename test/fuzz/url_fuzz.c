/* SPDX-License-Identifier: Apache-2.0 */
/* A canonical host is its own canonical form, and every name that may be reserved is a host that
 * means itself. */
#include "http/url.h"
#include "fuzz/must.h"

static void
check_authority(struct slice s)
{
	char host[URL_HOST_BYTES], again[URL_HOST_BYTES], text[URL_HOST_BYTES + 8];
	uint16_t port, port_again;
	int n;

	if (!url_authority(s, host, sizeof(host), &port))
		return;
	n = port == 0 ? snprintf(text, sizeof(text), "%s", host)
		      : snprintf(text, sizeof(text), "%s:%u", host, port);
	MUST(url_authority(slice_of(text, (size_t)n), again, sizeof(again), &port_again));
	MUST(strcmp(host, again) == 0 && port == port_again);
	MUST(strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") == strlen(host));
	MUST(host[0] == '[' || strcspn(host, ":[]") == strlen(host));
}

static void
check_name(struct slice s)
{
	char name[64], again[64], text[80], host[URL_HOST_BYTES];
	uint16_t port;
	int n;

	if (url_name(s, name, sizeof(name)) != NULL)
		return;
	MUST(strlen(name) == s.n);
	MUST(url_name(slice_str(name), again, sizeof(again)) == NULL && strcmp(name, again) == 0);
	n = snprintf(text, sizeof(text), "%.*s.Example.", PS(s));
	MUST(url_authority(slice_of(text, (size_t)n), host, sizeof(host), &port));
	n = snprintf(text, sizeof(text), "%s.example", name);
	MUST(strcmp(host, text) == 0 && port == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* of its own size, so that reading past the end is seen */
	char *copy = malloc(n > 0 ? n : 1);

	MUST(copy != NULL);
	if (n > 0)
		memcpy(copy, data, n);
	check_authority(slice_of(copy, n));
	check_name(slice_of(copy, n));
	free(copy);
	return 0;
}
