/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one certificate of the agent's own: got, shown, renewed. */
#include "agent/cert/own_certs_private.h"

#include "agent/core/config_file.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/log.h"
#include "base/rand.h"
#include "conf/file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The longest between two looks: the wall clock may have been set, or the machine slept. */
#define LOOK_S 600
/* A certificate and its key as PEM. */
#define PEM_BYTES_MAX (LIMIT_CERTIFICATE_BYTES + ECKEY_PEM_BYTES)

/* clang-format off */
static const unsigned predecessors[] = {
	[OWN_CERT_UNNAMED] = 0, /* born in it */
	[OWN_CERT_RESTS] = 1 << OWN_CERT_UNNAMED | 1 << OWN_CERT_RESTS | 1 << OWN_CERT_ORDERS | 1 << OWN_CERT_ASKS,
	[OWN_CERT_ORDERS] = 1 << OWN_CERT_RESTS,
	[OWN_CERT_ASKS] = 1 << OWN_CERT_RESTS,
};
/* clang-format on */

/* The only writer of the state. */
static void
move(struct own_cert *c, enum own_cert_state to)
{
	check(predecessors[to] & 1u << c->state);
	c->state = to;
	check((c->order != NULL) == (to == OWN_CERT_ORDERS || to == OWN_CERT_ASKS));
}

static int64_t
now_s(void)
{
	return clock_wall_ms() / 1000;
}

static void
wipe(char *text)
{
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

/* --- what is shown --- */

/* As tls_challenges.find. */
static bool
find_challenge(void *arg, const char *name, struct buf *cert, struct buf *key)
{
	const struct own_cert *c = arg;

	if (c->alpn_cert.n == 0 || strcmp(name, c->host) != 0)
		return false;
	buf_put(cert, buf_slice(&c->alpn_cert));
	buf_put(key, buf_slice(&c->alpn_key));
	return !cert->failed && !key->failed;
}

static void
hide_challenges(struct own_cert *c)
{
	c->here.token[0] = c->here.text[0] = '\0';
	buf_fini(&c->alpn_cert);
	buf_fini(&c->alpn_key);
	buf_init(&c->alpn_cert, LIMIT_CERTIFICATE_BYTES);
	buf_init(&c->alpn_key, LIMIT_CERTIFICATE_BYTES);
}

/* A server for the pair, or for challenges alone. False: no memory, it stays as it was. */
static bool
show_pair(struct own_cert *c, struct tls_pair *pair)
{
	const struct tls_challenges challenges = { find_challenge, c };
	char *error = NULL;
	struct tls_server *none = tls_server_new(NULL, 0, &error), *server = NULL;

	if (none != NULL)
		server = tls_server_with(none, &pair, pair != NULL, &challenges);
	tls_server_unref(none);
	free(error);
	if (server == NULL)
		return false;
	tls_server_unref(c->here.server);
	c->here.server = server;
	return true;
}

/* NULL: it is used from now on; else a malloced sentence. pem: key and chain. */
static char *
use_pem(struct own_cert *c, struct slice pem)
{
	const struct tls_cert_files f = { c->host, c->host, pem, pem };
	struct chain_certs chain;
	char *error = NULL;
	struct tls_pair *pair = tls_pair_new(&f, &error);

	if (pair == NULL)
		return error;
	if (!chain_read(pem, &chain) || !show_pair(c, pair)) {
		tls_pair_unref(pair);
		return strdup("its chain cannot be read, or memory is short");
	}
	chain_facts(&chain, &c->facts);
	chain_fini(&chain);
	tls_pair_unref(c->pair);
	c->pair = pair;
	c->window = (struct renewal_window){ 0 };
	c->random = rand_u64();
	c->ask_s = 0;
	c->told = false;
	return NULL;
}

/* --- files --- */

static void
forget_case(struct own_cert *c)
{
	char path[OWN_CERTS_PATH_BYTES];

	if (own_certs_path(c->all, c->host, "case", path) && unlink(path) != 0 && errno != ENOENT)
		log_event(LOG_WARN, "case-not-deleted", LOG_Z("path", path),
		    LOG_Z("why", strerror(errno)));
}

/* What an earlier start has got. One that cannot be used is got anew. */
static void
load(struct own_cert *c)
{
	char path[OWN_CERTS_PATH_BYTES], *bytes, *error;
	struct slice pem = S("");

	if (!own_certs_path(c->all, c->host, "pem", path))
		return;
	bytes = file_read(path, PEM_BYTES_MAX, &pem, NULL);
	error = bytes == NULL ? NULL : use_pem(c, pem);
	if (error != NULL)
		log_event(LOG_WARN, "certificate-unusable", LOG_Z("path", path),
		    LOG_Z("why", error));
	free(error);
	file_free(bytes, pem);
}

static bool
store_case(struct own_cert *c)
{
	char path[OWN_CERTS_PATH_BYTES], *error = NULL;
	uint64_t version;
	char *text = acme_save(order_case(c->order), &version);
	bool ok = false;

	if (text != NULL && own_certs_path(c->all, c->host, "case", path)) {
		error = config_file_replace(path, slice_str(text));
		ok = error == NULL;
	}
	if (ok)
		acme_stored(order_case(c->order), version);
	else
		log_event(LOG_ERROR, "certificate-not-stored",
		    LOG_Z("why", error != NULL ? error : "no memory, or too long a path"));
	wipe(text);
	free(error);
	return ok;
}

/* For the doctor, who has no CA to ask. */
static void
keep_record(struct own_cert *c, const char *record)
{
	char path[OWN_CERTS_PATH_BYTES];

	if (record[0] != '\0' && own_certs_path(c->all, c->host, "caa", path))
		free(config_file_replace(path, slice_str(record)));
}

/* Printed once for each certificate, when the CA and the account are known. */
static void
tell(struct own_cert *c)
{
	char until[DATE_BYTES], caa[LIMIT_ACME_URL_BYTES + 512], record[sizeof(caa) + 32] = "";

	if (c->told || c->pair == NULL)
		return;
	c->told = true;
	if (ca_caa_value(c->all->ca, caa, sizeof(caa)))
		snprintf(record, sizeof(record), "CAA 0 issue \"%s\"", caa);
	keep_record(c, record);
	date_text(c->facts.not_after_s * 1000, until);
	screen_certificate(c->all->screen, c->tunnel->label, c->host, c->facts.issuer, until,
	    record);
}

/* The case that an earlier start left, or NULL. */
static struct acme *
saved_case(struct own_cert *c)
{
	char path[OWN_CERTS_PATH_BYTES], *bytes;
	struct slice saved = S("");
	struct acme *a = NULL;

	if (!own_certs_path(c->all, c->host, "case", path))
		return NULL;
	bytes = file_read(path, ACME_SAVED_BYTES + 1, &saved, NULL);
	if (bytes != NULL)
		a = acme_load(c->all->ca, saved);
	file_free(bytes, saved);
	return a;
}

/* --- the CA --- */

static void look(struct own_cert *c);

static void
on_store(void *owner, bool ca)
{
	struct own_cert *c = owner;

	order_stored(c->order, ca ? own_certs_store_account(c->all) : store_case(c));
}

static void
on_show(void *owner, const struct challenge *ch)
{
	struct own_cert *c = owner;

	hide_challenges(c);
	if (ch->kind == CHALLENGE_ALPN) {
		buf_put(&c->alpn_cert, buf_slice(&ch->cert));
		buf_put(&c->alpn_key, buf_slice(&ch->key));
		order_shown(c->order,
		    c->alpn_cert.failed || c->alpn_key.failed ? "out of memory" : NULL);
	} else if (ch->kind == CHALLENGE_HTTP && strlen(ch->text) < sizeof(c->here.text)) {
		memcpy(c->here.token, ch->token, sizeof(c->here.token));
		snprintf(c->here.text, sizeof(c->here.text), "%s", ch->text);
		order_shown(c->order, NULL);
	} else {
		order_shown(c->order, "an agent cannot show it");
	}
}

/* Key and chain in one file, so that they belong together whatever happens. */
static void
take_certificate(struct own_cert *c)
{
	char path[OWN_CERTS_PATH_BYTES], *error = NULL;
	struct acme_certificate got;
	struct buf pem;

	acme_certificate(order_case(c->order), &got);
	buf_init(&pem, PEM_BYTES_MAX);
	buf_put(&pem, got.key);
	buf_put(&pem, got.chain);
	error = pem.failed ? strdup("out of memory") : use_pem(c, buf_slice(&pem));
	if (error == NULL && own_certs_path(c->all, c->host, "pem", path))
		error = config_file_replace(path, buf_slice(&pem));
	/* The case has it, too, until the file is there. */
	if (error == NULL)
		forget_case(c);
	else
		log_event(LOG_ERROR, "certificate-not-stored", LOG_Z("why", error));
	c->failures = 0;
	c->next_s = now_s() + LIMIT_ACME_ORDER_GAP_S;
	if (pem.p != NULL)
		OPENSSL_cleanse(pem.p, pem.cap);
	buf_fini(&pem);
	free(error);
}

static void
take_failure(struct own_cert *c, const struct acme_failure *f)
{
	int64_t life_s = c->pair == NULL ? 0 : c->facts.not_after_s - c->facts.not_before_s;
	int64_t now = now_s();

	if (f->blame != ACME_CA_DOWN && f->blame != ACME_LIMITED)
		forget_case(c);
	c->failures++;
	c->next_s = f->retry_at_s != 0 ? f->retry_at_s
				       : now + renewal_pause_s(c->failures, life_s, rand_u64());
	screen_no_certificate(c->all->screen, c->tunnel->label, f->text, c->next_s - now);
}

/* Once an attempt: the library asks again for minutes before it gives up. */
static void
on_unanswered(void *owner, const char *why)
{
	struct own_cert *c = owner;
	char text[400];

	log_event(LOG_INFO, "ca-unanswered", LOG_Z("host", c->host), LOG_Z("why", why));
	if (c->complained)
		return;
	c->complained = true;
	snprintf(text, sizeof(text), "the CA %.150s does not answer, and is asked again: %.180s",
	    c->all->directory, why);
	screen_no_certificate(c->all->screen, c->tunnel->label, text, 0);
}

static void
on_over(void *owner, const struct acme_step *s)
{
	struct own_cert *c = owner;
	bool asked = c->state == OWN_CERT_ASKS;

	hide_challenges(c);
	c->complained = false;
	if (asked && s->what == ACME_DONE) {
		c->window = *acme_window(order_case(c->order));
		c->ask_s = now_s() + (c->window.ask_again_s > 60 ? c->window.ask_again_s : 60);
	} else if (asked) {
		c->ask_s = now_s() + RENEWAL_ASK_AGAIN_S;
	} else if (s->what == ACME_READY) {
		take_certificate(c);
	} else {
		take_failure(c, s->failure);
	}
	order_end(c->order);
	c->order = NULL;
	move(c, OWN_CERT_RESTS);
	if (asked)
		tell(c);
	look(c);
}

static const struct order_ops order_ops = {
	.store = on_store, .show = on_show, .unanswered = on_unanswered, .over = on_over
};

/* False: no memory; it is tried again later. */
static bool
begin_order(struct own_cert *c, struct acme *a, enum own_cert_state to)
{
	const struct order_params p = {
		.loop = c->all->loop,
		.tls = c->all->tls,
		.program = "adit/" ADIT_VERSION,
		.ops = &order_ops,
		.owner = c,
	};

	c->order = a == NULL ? NULL : order_start(&p, a);
	if (c->order == NULL)
		return false;
	move(c, to);
	return true;
}

/* What is proven on the name's own ports: DNS is not ours. */
static bool
begin_certificate(struct own_cert *c)
{
	const struct slice name = slice_str(c->host);
	const unsigned can = CHALLENGE_CAN(CHALLENGE_ALPN) | CHALLENGE_CAN(CHALLENGE_HTTP);
	const struct acme_wish wish = { .names = &name,
		.can = &can,
		.n = 1,
		.replaces = c->pair != NULL && c->facts.id[0] != '\0' ? c->facts.id : NULL };
	struct acme *a = saved_case(c);
	char why[ACME_WHY_BYTES] = "";

	if (a == NULL)
		a = acme_issue(c->all->ca, &wish, why);
	if (a == NULL)
		log_event(LOG_ERROR, "no-certificate", LOG_Z("host", c->host), LOG_Z("why", why));
	return begin_order(c, a, OWN_CERT_ORDERS);
}

/* --- its time --- */

static int64_t
due_s(const struct own_cert *c)
{
	int64_t at = c->pair == NULL ? 0
				     : renewal_at_s(c->facts.not_before_s, c->facts.not_after_s,
					   c->window.end_s != 0 ? &c->window : NULL, c->random);

	return at > c->next_s ? at : c->next_s;
}

/* What is due is begun, and the rest waited for. */
static void
look(struct own_cert *c)
{
	int64_t now = now_s(), due = due_s(c), next;
	bool asks = c->pair != NULL && c->facts.id[0] != '\0';

	check(c->state == OWN_CERT_RESTS);
	if (due <= now && begin_certificate(c))
		return;
	if (due > now && asks && c->ask_s <= now &&
	    begin_order(c, acme_ask_renewal(c->all->ca, c->facts.id), OWN_CERT_ASKS))
		return;
	if (!asks)
		tell(c);
	next = due > now ? due - now : LOOK_S;
	if (asks && c->ask_s > now && c->ask_s - now < next)
		next = c->ask_s - now;
	if (next > LOOK_S)
		next = LOOK_S;
	loop_timer_set(c->all->loop, &c->timer, next * 1000000);
}

static void
on_timer(struct loop_timer *t)
{
	look(list_of(t, struct own_cert, timer));
}

/* --- it comes and goes --- */

struct own_cert *
own_cert_new(struct own_certs *all, struct agent_tunnel *t)
{
	struct own_cert *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->all = all;
	c->tunnel = t;
	c->timer.fn = on_timer;
	hide_challenges(c);
	if (show_pair(c, NULL))
		return c;
	own_cert_free(c);
	return NULL;
}

/* "https://web.example.org:8443": the edge says it, and it becomes the name of a file. */
static bool
host_of(const char *url, char dst[CLIENTHELLO_HOST_BYTES])
{
	struct slice host = slice_str(url);

	if (!slice_starts(host, S("https://")))
		return false;
	host = slice_from(host, 8);
	host = slice_cut(&host, '/');
	return clienthello_host(slice_cut(&host, ':'), dst);
}

/* Each link says it anew. Another name is another certificate. */
void
own_cert_up(struct own_cert *c)
{
	char host[CLIENTHELLO_HOST_BYTES] = "";

	if (!host_of(c->tunnel->url, host)) {
		screen_no_certificate(c->all->screen, c->tunnel->label,
		    "the edge gives this tunnel no public name that a certificate could be for", 0);
		return;
	}
	if (strcmp(host, c->host) == 0)
		return;
	own_cert_stop(c);
	memcpy(c->host, host, sizeof(host));
	c->next_s = c->ask_s = 0; /* what the other name has met is no matter of this one */
	c->failures = 0;
	c->complained = false;
	tls_pair_unref(c->pair);
	c->pair = NULL;
	(void)show_pair(c, NULL);
	load(c);
	move(c, OWN_CERT_RESTS);
	look(c);
}

void
own_cert_stop(struct own_cert *c)
{
	loop_timer_stop(c->all->loop, &c->timer);
	order_end(c->order);
	if (c->order != NULL) {
		c->order = NULL;
		move(c, OWN_CERT_RESTS);
	}
	hide_challenges(c);
}

void
own_cert_free(struct own_cert *c)
{
	check(c->order == NULL); /* own_cert_stop() */
	buf_fini(&c->alpn_cert);
	buf_fini(&c->alpn_key);
	tls_server_unref(c->here.server);
	tls_pair_unref(c->pair);
	free(c);
}
