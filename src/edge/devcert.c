/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/devcert.h"

#include "base/log.h"
#include "base/wire.h"

#include <stdio.h>
#include <stdlib.h>

/* Of one certificate; then it begins anew with the next. */
#define NAMES_MAX 48

struct devcert {
	char dir[1024], domain[254];
	char names[NAMES_MAX][254];
	size_t n;
};

struct devcert *
devcert_new(const char *dir, const char *domain)
{
	struct devcert *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	snprintf(d->dir, sizeof(d->dir), "%s", dir);
	snprintf(d->domain, sizeof(d->domain), "%s", domain);
	return d;
}

void
devcert_free(struct devcert *d)
{
	free(d);
}

void
devcert_forget(struct devcert *d)
{
	d->n = 0;
}

static struct slice
sni_of_extensions(struct wire_in *ext)
{
	while (ext->left.n > 0 && !ext->failed) {
		uint64_t type = wire_uint(ext, 2);
		struct wire_in body = wire_in(wire_vec(ext, 2));
		struct wire_in list;
		struct slice name;

		if (type != 0)
			continue;
		list = wire_in(wire_vec(&body, 2));
		type = wire_uint(&list, 1);
		name = wire_vec(&list, 2);
		return list.failed || type != 0 ? S("") : name;
	}
	return S("");
}

struct slice
devcert_sni(struct slice hello)
{
	struct wire_in w = wire_in(hello), ext;

	if (wire_uint(&w, 1) != 22) /* handshake */
		return S("");
	wire_bytes(&w, 4);
	if (wire_uint(&w, 1) != 1) /* ClientHello */
		return S("");
	wire_bytes(&w, 3 + 2 + 32);
	wire_vec(&w, 1); /* session id */
	wire_vec(&w, 2); /* ciphers */
	wire_vec(&w, 1); /* compression */
	ext = wire_in(wire_vec(&w, 2));
	return w.failed ? S("") : sni_of_extensions(&ext);
}

/* "NAME.domain" with a plain label: what could stand in a certificate. */
static bool
is_ours(const struct devcert *d, struct slice host)
{
	struct slice domain = slice_str(d->domain);
	size_t label = slice_find(host, '.');

	if (label == SIZE_MAX || label == 0 || label > 63 || !slice_eq(slice_from(host, label + 1), domain))
		return false;
	for (size_t i = 0; i < label; i++) {
		char c = host.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return true;
}

static bool
knows(const struct devcert *d, struct slice host)
{
	for (size_t i = 0; i < d->n; i++)
		if (slice_eq(slice_str(d->names[i]), host))
			return true;
	return false;
}

/* Makes the certificate and loads it; NULL is told in the log. */
static struct tls_server *
make(struct devcert *d)
{
	const char *names[NAMES_MAX + 4];
	char wildcard[260], cert[1040], key[1040], *error;
	struct tls_cert_files files = { cert, key };
	struct tls_server *server = NULL;
	size_t n = 0;

	snprintf(wildcard, sizeof(wildcard), "*.%s", d->domain);
	names[n++] = d->domain;
	names[n++] = wildcard;
	names[n++] = "127.0.0.1";
	names[n++] = "::1";
	for (size_t i = 0; i < d->n; i++)
		names[n++] = d->names[i];
	snprintf(cert, sizeof(cert), "%s/cert.pem", d->dir);
	snprintf(key, sizeof(key), "%s/key.pem", d->dir);
	error = tls_make_dev_certs(d->dir, names, n);
	if (error == NULL)
		server = tls_server_new(&files, 1, &error);
	if (server == NULL)
		log_event(LOG_ERROR, "dev-certificate", LOG_Z("why", error != NULL ? error : "out of memory"));
	free(error);
	return server;
}

struct tls_server *
devcert_server(struct devcert *d, struct slice hello)
{
	struct slice host = devcert_sni(hello);

	if (!is_ours(d, host) || knows(d, host))
		return NULL;
	if (d->n == NAMES_MAX)
		d->n = 0;
	if (!slice_z(host, d->names[d->n], sizeof(d->names[0])))
		return NULL;
	d->n++;
	return make(d);
}
