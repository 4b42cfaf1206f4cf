/* SPDX-License-Identifier: Apache-2.0 */
/* The acme-dns API as it comes over HTTP. */
#include "edge/visit/own_acme_dns.h"

#include "edge/ddns/acme_dns.h"
#include "edge/visit/client.h"
#include "edge/visit/own_ddns.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define JSON S("application/json")
#define NO_STORE "Cache-Control: no-store\r\n"

static int
status_of(enum acme_dns_result r)
{
	switch (r) {
	case ACME_DNS_DONE:
		return 200;
	case ACME_DNS_OFF:
		return 404;
	case ACME_DNS_BAD:
		return 400;
	case ACME_DNS_FORBIDDEN:
		return 401;
	case ACME_DNS_BUSY:
		return 429;
	case ACME_DNS_FAILED:
		break;
	}
	return 500;
}

static void
ask_free(struct acme_dns_ask *k)
{
	OPENSSL_cleanse(k->password, sizeof(k->password));
	free(k);
}

/* Frees k. */
static void
answer(struct acme_dns_ask *k, int status, struct buf *b)
{
	own_answer(k->owner, status, NO_STORE, JSON, buf_slice(b));
	buf_fini(b);
	ask_free(k);
}

/* Words of the API alone, and what JSON may hold as it is. */
static void
answer_error(struct acme_dns_ask *k)
{
	struct buf b;

	buf_init(&b, 256);
	buf_printf(&b, "{\"error\":\"%s\"}\n",
	    k->result == ACME_DNS_FAILED ? "internal_error" : k->why);
	answer(k, status_of(k->result), &b);
}

static void
on_registered(struct acme_dns_ask *k)
{
	const struct own_ask *a = k->owner;
	struct buf b;

	if (k->result != ACME_DNS_DONE) {
		answer_error(k);
		return;
	}
	buf_init(&b, 2048);
	buf_printf(&b,
	    "{\"username\":\"%s\",\"password\":\"%s\",\"fulldomain\":\"%s._acme-challenge.%s\","
	    "\"subdomain\":\"%s\",\"allowfrom\":%s}\n",
	    k->user, k->password, k->id, a->worker->edge->domain, k->id, k->allowfrom);
	answer(k, 201, &b);
}

static void
on_updated(struct acme_dns_ask *k)
{
	struct buf b;

	if (k->result != ACME_DNS_DONE) {
		answer_error(k);
		return;
	}
	buf_init(&b, 256);
	buf_printf(&b, "{\"txt\":\"%s\"}\n", k->txt);
	answer(k, 200, &b);
}

static struct acme_dns_ask *
ask_new(struct own_ask *a, void (*done)(struct acme_dns_ask *k))
{
	struct acme_dns_ask *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->done = done;
	k->owner = a;
	client_sockaddr(a->x, &k->source);
	return k;
}

/* With what is said here anybody gets certificates for the domain that leads to the name. */
static bool
refuse_plain(struct own_ask *a)
{
	if (own_is_private(a))
		return false;
	own_answer(a, 403, NO_STORE, JSON, S("{\"error\":\"use_https\"}\n"));
	return true;
}

void
own_acme_dns_register(struct own_ask *a)
{
	struct acme_dns_ask *k;

	if (refuse_plain(a))
		return;
	k = ask_new(a, on_registered);
	if (k == NULL)
		own_answer_error(a, CLOSE_OVERLOAD);
	else
		acme_dns_register(k, a->worker->edge, &a->worker->errands, buf_slice(&a->body));
}

void
own_acme_dns_update(struct own_ask *a)
{
	struct acme_dns_ask *k;

	if (refuse_plain(a))
		return;
	k = ask_new(a, on_updated);
	if (k == NULL) {
		own_answer_error(a, CLOSE_OVERLOAD);
		return;
	}
	/* What does not fit is wrong, as what is empty is. */
	(void)slice_z(own_field(a, S("X-Api-User")), k->user, sizeof(k->user));
	(void)slice_z(own_field(a, S("X-Api-Key")), k->password, sizeof(k->password));
	acme_dns_update(k, a->worker->edge, &a->worker->errands, buf_slice(&a->body));
}
