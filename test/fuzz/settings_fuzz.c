/* SPDX-License-Identifier: Apache-2.0 */
/* aditd.yml: whatever the bytes are, either a sentence with its place or settings that keep to
 * their bounds. */
#include "base/limits.h"
#include "edge/core/settings.h"
#include "fuzz/must.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *error = NULL, domain[254];
	struct settings *s = settings_parse(slice_of(data, n), "/x/aditd.yml", &error);

	if (s == NULL) {
		MUST(error != NULL && strncmp(error, "/x/aditd.yml:", 13) == 0 &&
		     strlen(error) < 700);
		free(error);
		return 0;
	}
	MUST(error == NULL);
	/* An address takes its place where there is none. */
	if (s->domain[0] != '[') {
		MUST(settings_domain(slice_str(s->domain), domain, sizeof(domain)));
		MUST(strcmp(domain, s->domain) == 0);
	}
	MUST(s->n_certs <= LIMIT_CERTIFICATES && s->acme.n_cas <= SETTINGS_CAS);
	MUST(s->n_certs > 0 || s->acme.n_cas > 0);
	MUST(s->workers >= 0 && s->workers <= LIMIT_WORKERS);
	MUST(s->port_min >= 1 && s->port_min <= s->port_max && s->port_max <= 65535);
	MUST(s->trusted.n <= 1024);
	MUST(s->control.kind == ADDR_UNIX);
	MUST(settings_restart_for(s, s) == NULL);
	settings_unref(s);
	return 0;
}
