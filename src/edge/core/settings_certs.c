/* SPDX-License-Identifier: Apache-2.0 */
/* What the certificates and keys of the settings hold, for as long as it takes to use them. */
#include "edge/core/settings.h"

#include "base/clock.h"
#include "base/limits.h"
#include "conf/file.h"

#include <stdlib.h>

/* Wiped, as they may be a key. */
static void
drop_bytes(struct slice *bytes)
{
	file_free((char *)(uintptr_t)bytes->p, *bytes);
	*bytes = (struct slice){ 0 };
}

void
settings_wipe_certs(struct settings *s)
{
	for (size_t i = 0; i < s->n_certs; i++) {
		drop_bytes(&s->certs[i].cert);
		drop_bytes(&s->certs[i].key);
	}
}

bool
settings_take_cert(struct settings *s, size_t i, bool key, int fd)
{
	struct slice *at;

	check(i < s->n_certs);
	at = key ? &s->certs[i].key : &s->certs[i].cert;
	drop_bytes(at);
	return file_read_fd(fd, LIMIT_CERTIFICATE_BYTES, at) != NULL;
}

void
settings_read_certs(struct settings *s)
{
	/* What cannot be read is told by settings_tls(), too. */
	free(settings_acme_keys(&s->acme));
	for (size_t i = 0; i < s->n_certs; i++) {
		struct tls_cert_files *f = &s->certs[i];

		drop_bytes(&f->cert);
		drop_bytes(&f->key);
		/* What is missing is opened once more by settings_tls(), which says why. */
		if (file_read(f->cert_path, LIMIT_CERTIFICATE_BYTES, &f->cert, NULL) == NULL ||
		    file_read(f->key_path, LIMIT_CERTIFICATE_BYTES, &f->key, NULL) == NULL)
			return;
	}
}

/* Keys leave this memory here, whether it worked or not: OpenSSL has its own copy. */
struct tls_server *
settings_tls(struct settings *s, char **ret_error, char **ret_fault)
{
	struct tls_server *server = NULL;

	*ret_error = settings_acme_keys(&s->acme);
	if (*ret_error == NULL)
		server = tls_server_new(s->certs, s->n_certs, ret_error);
	settings_wipe_certs(s);
	if (server != NULL && ret_fault != NULL)
		*ret_fault = tls_server_fault(server, s->certs, s->domain, clock_wall_ms() / 1000);
	if (server == NULL || !s->mint)
		return server;
	*ret_error = tls_server_mint(server, s->state_dir, s->domain);
	if (*ret_error == NULL)
		return server;
	tls_server_unref(server);
	return NULL;
}
