/* SPDX-License-Identifier: Apache-2.0 */
/* The CA of this agent, its account, and the folder that all is kept in. */
#include "agent/cert/own_certs_private.h"

#include "agent/core/config_file.h"
#include "base/log.h"
#include "base/sentence.h"
#include "base/text.h"
#include "conf/file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

/* What people need not know by heart. */
static const struct {
	const char *word, *url;
} known[] = {
	{ "letsencrypt", "https://acme-v02.api.letsencrypt.org/directory" },
	{ "letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory" },
};

static const char *
url_of(const char *directory)
{
	if (directory == NULL)
		return known[0].url;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(known[i].word, directory) == 0)
			return known[i].url;
	return directory;
}

/* An account is of one directory, and so is all that it got. */
static char *
find_folder(struct own_certs *c)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char state[OWN_CERTS_PATH_BYTES - 32], name[17];

	if (!config_state_folder(state, sizeof(state)))
		return sentence("no place to keep certificates: neither XDG_STATE_HOME nor HOME is "
				"set, or it is too long");
	SHA256((const unsigned char *)c->directory, strlen(c->directory), digest);
	text_hex(digest, 8, name);
	snprintf(c->folder, sizeof(c->folder), "%s/acme-%s", state, name);
	return NULL;
}

bool
own_certs_path(const struct own_certs *c, const char *host, const char *ending,
    char dst[OWN_CERTS_PATH_BYTES])
{
	int n = snprintf(dst, OWN_CERTS_PATH_BYTES, "%s/%s.%s", c->folder, host, ending);

	return n > 0 && n < OWN_CERTS_PATH_BYTES;
}

bool
own_certs_store_account(struct own_certs *c)
{
	char path[OWN_CERTS_PATH_BYTES], *text, *error = NULL;
	uint64_t version;
	bool ok = false;

	text = ca_save(c->ca, &version);
	if (text != NULL && own_certs_path(c, "account", "json", path)) {
		error = config_file_replace(path, slice_str(text));
		ok = error == NULL;
	}
	if (ok)
		ca_stored(c->ca, version);
	else
		log_event(LOG_ERROR, "account-not-stored",
		    LOG_Z("why", error != NULL ? error : "no memory, or too long a path"));
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
	free(error);
	return ok;
}

/* What an earlier start has stored, or a new account's key, which is stored before it is used. */
static char *
open_account(struct own_certs *c, const struct config_acme *a)
{
	const struct ca_options o = {
		.directory = c->directory, .email = a->email, .agree_to_terms = a->agree
	};
	struct slice saved = S("");
	char path[OWN_CERTS_PATH_BYTES], *bytes, *error = NULL;
	const char *why = "";

	if (!own_certs_path(c, "account", "json", path))
		return sentence("%s: the path is too long", c->folder);
	bytes = file_read(path, CA_SAVED_BYTES + 1, &saved, NULL);
	if (bytes == NULL && errno != ENOENT)
		return sentence("%s: %s", path, strerror(errno));
	c->ca = ca_new(&o, saved, &why);
	if (c->ca == NULL)
		error = sentence("%s: %s", bytes != NULL ? path : c->directory, why);
	file_free(bytes, saved);
	return error;
}

static char *
open_all(struct own_certs *c, const struct config_acme *a)
{
	const struct tls_client_params p = { .ca_path = a->ca_file, .verify = true };
	const char *url = url_of(a->directory);
	char *error;

	if (!a->agree)
		return sentence("a certificate of this agent's own needs --agree-to-terms, or "
				"agree_to_terms: true under acme: (the terms of %s)",
		    a->directory != NULL ? a->directory : known[0].word);
	if (!slice_starts(slice_str(url), S("https://")) ||
	    !slice_z(slice_str(url), c->directory, sizeof(c->directory)))
		return sentence("%s: letsencrypt, letsencrypt-staging or an https:// URL of a CA's "
				"directory is wanted",
		    url);
	error = find_folder(c);
	if (error == NULL)
		error = open_account(c, a);
	if (error == NULL)
		c->tls = tls_client_new(&p, &error);
	return error;
}

struct own_certs *
own_certs_new(struct loop *l, struct screen *s, const struct config_acme *a, char **ret_error)
{
	struct own_certs *c = calloc(1, sizeof(*c));
	char *error;

	if (c == NULL) {
		*ret_error = strdup("out of memory");
		return NULL;
	}
	c->loop = l;
	c->screen = s;
	error = open_all(c, a);
	if (error == NULL)
		return c;
	own_certs_free(c);
	*ret_error = error;
	return NULL;
}

int
own_certs_add(struct own_certs *c, struct agent_tunnel *t)
{
	struct own_cert *cert = own_cert_new(c, t);

	if (cert == NULL)
		return -1;
	cert->next = c->first;
	c->first = cert;
	t->here = &cert->here;
	return 0;
}

bool
own_certs_record(const struct config_acme *a, const char *host, char *dst, size_t cap)
{
	char path[OWN_CERTS_PATH_BYTES], *bytes, *error;
	struct own_certs c = { 0 };
	struct slice said = S("");
	bool ok;

	if (!slice_z(slice_str(url_of(a->directory)), c.directory, sizeof(c.directory)))
		return false;
	error = find_folder(&c);
	free(error);
	if (error != NULL || !own_certs_path(&c, host, "caa", path))
		return false;
	bytes = file_read(path, cap, &said, NULL);
	ok = bytes != NULL && slice_z(slice_trim(said), dst, cap);
	file_free(bytes, said);
	return ok;
}

void
own_certs_up(struct own_certs *c, struct agent_tunnel *t)
{
	for (struct own_cert *cert = c->first; cert != NULL; cert = cert->next)
		if (cert->tunnel == t)
			own_cert_up(cert);
}

void
own_certs_stop(struct own_certs *c)
{
	for (struct own_cert *cert = c == NULL ? NULL : c->first; cert != NULL; cert = cert->next)
		own_cert_stop(cert);
}

void
own_certs_free(struct own_certs *c)
{
	struct own_cert *cert;

	if (c == NULL)
		return;
	while ((cert = c->first) != NULL) {
		c->first = cert->next;
		own_cert_free(cert);
	}
	ca_free(c->ca);
	tls_client_unref(c->tls);
	free(c);
}
