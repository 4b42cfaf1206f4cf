/* SPDX-License-Identifier: Apache-2.0 */
/* Updates of dynamic DNS as they come over HTTP: credentials in, a line for each name out. */
#include "edge/visit/own_ddns.h"

#include "base/text.h"
#include "edge/ddns/ddns_update.h"
#include "edge/visit/client.h"
#include "edge/visit/own_acme_dns.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define PLAIN S("text/plain; charset=utf-8")
#define NO_STORE "Cache-Control: no-store\r\n"
#define CREDENTIALS_BYTES 512

/* One code for the whole request. */
static void
answer_code(struct own_ask *a, enum dyndns_code code)
{
	char line[DYNDNS_ANSWER_BYTES + 16];
	size_t n = dyndns_line(code, "", line);

	own_answer(a, dyndns_status(code),
	    code == DYNDNS_BADAUTH ? NO_STORE "WWW-Authenticate: Basic realm=\"adit\"\r\n"
				   : NO_STORE,
	    PLAIN, slice_of(line, n));
}

static void
on_done(struct ddns_update *u)
{
	struct own_ask *a = u->owner;
	char addresses[DYNDNS_ANSWER_BYTES], line[DYNDNS_ANSWER_BYTES + 16];
	struct buf body;

	if (u->code != DYNDNS_GOOD) {
		answer_code(a, u->code);
		free(u);
		return;
	}
	buf_init(&body, DYNDNS_HOSTS * sizeof(line));
	dyndns_addresses(&u->wanted, addresses);
	for (size_t i = 0; i < u->n; i++)
		buf_put(&body, slice_of(line, dyndns_line(u->codes[i], addresses, line)));
	if (body.failed)
		answer_code(a, DYNDNS_LATER);
	else
		own_answer(a, 200, NO_STORE, PLAIN, buf_slice(&body));
	buf_fini(&body);
	free(u);
}

/*
 * The password crosses the internet: plain only where the operator allows it, or where a trusted
 * proxy says that the visitor came to it by TLS.
 */
bool
own_is_private(const struct own_ask *a)
{
	const struct front *f = a->x->front;

	return front_tls(f) != NULL || a->worker->settings->ddns_plain_http ||
	       (f->trusted && slice_ieq(own_field(a, S("X-Forwarded-Proto")), S("https")));
}

/* "Basic" credentials into user and *ret_password, which lies in clear. */
static bool
read_credentials(const struct own_ask *a, char clear[CREDENTIALS_BYTES], char user[64],
    struct slice *ret_password)
{
	struct slice encoded = own_field(a, S("Authorization"));
	struct slice scheme = slice_cut(&encoded, ' '), all;
	ptrdiff_t n;

	if (!slice_ieq(scheme, S("Basic")))
		return false;
	n = text_unbase64(slice_trim(encoded), false, true, clear, CREDENTIALS_BYTES);
	if (n < 0)
		return false;
	all = slice_of(clear, (size_t)n);
	*ret_password = all;
	return slice_z(slice_cut(ret_password, ':'), user, 64) && ret_password->p != NULL;
}

static bool
is_form(const struct own_ask *a)
{
	struct slice type = own_field(a, S("Content-Type"));

	return slice_ieq(slice_trim(slice_cut(&type, ';')), S("application/x-www-form-urlencoded"));
}

static void
update(struct own_ask *a)
{
	struct ddns_update *u = calloc(1, sizeof(*u));
	char clear[CREDENTIALS_BYTES];
	struct slice password = { 0 };
	struct sockaddr_storage ss;

	if (u == NULL) {
		own_answer_error(a, CLOSE_OVERLOAD);
	} else if (!own_is_private(a)) {
		own_answer(a, 403, NO_STORE, PLAIN,
		    S("use https:// here; dynamic_dns.plain_http in aditd.yml allows plain "
		      "HTTP\n"));
	} else if (own_field(a, S("User-Agent")).n == 0) {
		answer_code(a, DYNDNS_BADAGENT);
	} else if (!read_credentials(a, clear, u->user, &password)) {
		answer_code(a, DYNDNS_BADAUTH);
	} else if (a->worker->draining) {
		answer_code(a, DYNDNS_LATER);
	} else {
		dyndns_read(&u->wanted, a->worker->settings->ddns_private, own_query(a),
		    is_form(a) ? buf_slice(&a->body) : S(""));
		client_sockaddr(a->x, &ss);
		u->has_address = dyndns_settle(&u->wanted, &ss);
		u->has_source = client_key(a->x, &u->source);
		u->done = on_done;
		u->owner = a;
		ddns_update_start(u, a->worker->edge, &a->worker->errands, password);
		u = NULL;
	}
	OPENSSL_cleanse(clear, sizeof(clear));
	free(u);
}

/* Two protocols have this path, and tell themselves apart by a field. */
void
own_ddns_update(struct own_ask *a)
{
	if (own_field(a, S("X-Api-User")).p != NULL)
		own_acme_dns_update(a);
	else
		update(a);
}
