/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations of the acme-dns API in memory and in the store, and the TXT values they set. */
#include "edge/ddns/acme_dns.h"

#include "base/cidr.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/text.h"
#include "hook/rates.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define PASSWORD_CHARS 40 /* 200 bits */
#define RATE (LIMIT_ACME_DNS_REGISTER / 3600.0)
/* Nothing of the API is nested deeper; jansson recurses as deep as a text is. */
#define DEPTH 3
#define HASH_BYTES 32

struct acme_dns_row {
	struct map_node node;
	char id[ACME_DNS_ID_BYTES], user[ACME_DNS_ID_BYTES];
	unsigned char hash[HASH_BYTES]; /* of the password, which is random and long */
	struct cidr_set allowfrom;      /* empty: anybody who has the password */
	char *json;                     /* as it is stored */
};

struct acme_dns {
	pthread_mutex_t lock;
	struct map rows;
	struct rates sources;
};

struct acme_dns *
acme_dns_new(void)
{
	struct acme_dns *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	pthread_mutex_init(&a->lock, NULL);
	map_init(&a->rows);
	return a;
}

static void
row_free(struct acme_dns_row *row)
{
	if (row == NULL)
		return;
	cidr_set_fini(&row->allowfrom);
	free(row->json);
	free(row);
}

void
acme_dns_free(struct acme_dns *a)
{
	struct map_node *n;

	if (a == NULL)
		return;
	while ((n = map_take_any(&a->rows)) != NULL)
		row_free(map_of(n, struct acme_dns_row, node));
	map_fini(&a->rows);
	rates_fini(&a->sources);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Under the lock. */
static struct acme_dns_row *
find(const struct acme_dns *a, const char *id)
{
	struct map_node *n = map_first(&a->rows, map_hash(slice_str(id)));

	while (n != NULL && strcmp(map_of(n, struct acme_dns_row, node)->id, id) != 0)
		n = map_next_same(n);
	return n == NULL ? NULL : map_of(n, struct acme_dns_row, node);
}

/* --- JSON --- */

/* Counted as if no bracket closed: too many is always too deep. */
static json_t *
read_json(struct slice text)
{
	size_t open = 0;

	for (size_t i = 0; i < text.n; i++)
		open += text.p[i] == '{' || text.p[i] == '[';
	return open > DEPTH ? NULL : json_loadb(text.p, text.n, 0, NULL);
}

/* In any case of letters: lego's client writes "SubDomain", and the first server of this API reads it. */
static json_t *
member(json_t *o, const char *name)
{
	const char *key;
	json_t *v;

	json_object_foreach(o, key, v)
		if (strcasecmp(key, name) == 0)
			return v;
	return NULL;
}

/* NULL, or why the list is none. NULL as list: anybody. */
static const char *
read_networks(const json_t *list, struct cidr_set *set)
{
	const json_t *one;
	size_t i;

	if (list == NULL || json_is_null(list))
		return NULL;
	if (!json_is_array(list) || json_array_size(list) > LIMIT_ACME_DNS_NETWORKS)
		return "invalid_allowfrom_cidr";
	json_array_foreach(list, i, one)
		if (!json_is_string(one) ||
		    cidr_set_add(set, slice_str(json_string_value(one))) != NULL)
			return "invalid_allowfrom_cidr";
	return NULL;
}

static bool
hash(const char *password, unsigned char dst[HASH_BYTES])
{
	return EVP_Digest(password, strlen(password), dst, NULL, EVP_sha256(), NULL) == 1;
}

static char *
stored_text(const struct acme_dns_row *row, const json_t *allowfrom)
{
	char hex[2 * HASH_BYTES + 1], *text;
	json_t *o;

	text_hex(row->hash, HASH_BYTES, hex);
	o = json_pack("{s:s, s:s}", "user", row->user, "hash", hex);
	if (json_is_array(allowfrom))
		json_object_set(o, "allowfrom", (json_t *)(uintptr_t)allowfrom);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

bool
acme_dns_load(struct acme_dns *a, const char *id, struct slice bytes)
{
	struct acme_dns_row *row = calloc(1, sizeof(*row));
	json_t *o = read_json(bytes);
	const char *user = json_string_value(json_object_get(o, "user"));
	const char *hex = json_string_value(json_object_get(o, "hash"));
	bool good = row != NULL && user != NULL && hex != NULL &&
		    slice_z(slice_str(id), row->id, sizeof(row->id)) &&
		    slice_z(slice_str(user), row->user, sizeof(row->user)) &&
		    text_unhex(slice_str(hex), row->hash, HASH_BYTES) == HASH_BYTES &&
		    read_networks(json_object_get(o, "allowfrom"), &row->allowfrom) == NULL &&
		    map_put(&a->rows, &row->node, map_hash(slice_str(id))) == 0;

	if (!good)
		row_free(row);
	json_decref(o);
	return good;
}

/* --- the answer --- */

static void
on_known(struct errand *e)
{
	struct acme_dns_ask *k = list_of(e, struct acme_dns_ask, errand);

	k->done(k);
}

/* It is known at once, and told by the same way as what is not. */
static void
end_soon(struct acme_dns_ask *k, enum acme_dns_result r, const char *why)
{
	k->result = r;
	k->why = why;
	errand_begin(&k->errand, k->home, on_known);
	errand_end(&k->errand);
}

/* --- register --- */

/* Four bits say that it is random, two that it is one of these (RFC 9562 5.4). */
static void
uuid(char dst[ACME_DNS_ID_BYTES])
{
	unsigned char b[16];

	rand_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(dst, ACME_DNS_ID_BYTES,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
	    b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
	    b[15]);
}

/* One more is let in. */
static bool
has_room(struct acme_dns *a, const struct sockaddr_storage *source)
{
	struct source_key key = { { 0 } };
	struct rates_bucket *b;
	int64_t wait_us;
	bool good;

	(void)source_key(source, &key);
	pthread_mutex_lock(&a->lock);
	b = rates_of(&a->sources, key.bytes);
	good =
	    a->rows.n < LIMIT_ACME_DNS &&
	    (b == NULL || rates_take(b, RATE, LIMIT_ACME_DNS_REGISTER, clock_mono_us(), &wait_us));
	pthread_mutex_unlock(&a->lock);
	return good;
}

/* Only what is stored is known. */
static void
on_stored(struct errand *e)
{
	struct acme_dns_ask *k = list_of(e, struct acme_dns_ask, errand);
	struct acme_dns *a = k->edge->acme_dns;

	k->result = ACME_DNS_FAILED;
	if (k->item.result == STORE_OK) {
		pthread_mutex_lock(&a->lock);
		if (map_put(&a->rows, &k->row->node, map_hash(slice_str(k->row->id))) == 0) {
			k->row = NULL;
			k->result = ACME_DNS_DONE;
		}
		pthread_mutex_unlock(&a->lock);
	}
	if (k->row != NULL)
		log_event(LOG_ERROR, "acme-dns", LOG_Z("why", store_result_text(k->item.result)));
	row_free(k->row);
	k->row = NULL;
	item_req_fini(&k->item);
	k->done(k);
}

static const char *
make_row(struct acme_dns_ask *k, json_t *request)
{
	struct acme_dns_row *row = k->row = calloc(1, sizeof(*row));
	const json_t *networks = member(request, "allowfrom");
	const char *why;
	char *shown;

	if (row == NULL)
		return "internal_error";
	why = read_networks(networks, &row->allowfrom);
	if (why != NULL)
		return why;
	uuid(row->id);
	uuid(row->user);
	rand_name(k->password, PASSWORD_CHARS);
	memcpy(k->id, row->id, sizeof(k->id));
	memcpy(k->user, row->user, sizeof(k->user));
	shown = json_is_array(networks) ? json_dumps(networks, JSON_COMPACT) : strdup("[]");
	if (shown == NULL || !slice_z(slice_str(shown), k->allowfrom, sizeof(k->allowfrom)))
		why = "invalid_allowfrom_cidr";
	free(shown);
	if (why != NULL)
		return why;
	if (hash(k->password, row->hash))
		row->json = stored_text(row, networks);
	return row->json == NULL ? "internal_error" : NULL;
}

void
acme_dns_register(struct acme_dns_ask *k, struct edge *e, struct errands *home, struct slice json)
{
	json_t *request = json.n == 0 ? json_object() : read_json(json);
	const char *why = NULL;

	k->edge = e;
	k->home = home;
	if (e->started->dns.acme_dns != SETTINGS_ACME_DNS_ON || e->name_server == NULL) {
		end_soon(k, ACME_DNS_OFF, "registration_is_off");
	} else if (!json_is_object(request)) {
		end_soon(k, ACME_DNS_BAD, "malformed_json_payload");
	} else if (!has_room(e->acme_dns, &k->source)) {
		end_soon(k, ACME_DNS_BUSY, "too_many_registrations");
	} else if ((why = make_row(k, request)) != NULL) {
		row_free(k->row);
		end_soon(k, ACME_DNS_BAD, why);
	} else {
		k->item.op = ITEM_PUT;
		snprintf(k->item.kind, sizeof(k->item.kind), ACME_DNS_KIND);
		snprintf(k->item.name, sizeof(k->item.name), "%s", k->row->id);
		k->item.bytes = slice_str(k->row->json);
		errand_item(&k->errand, home, e->store, &k->item, on_stored);
	}
	json_decref(request);
}

/* --- update --- */

static bool
is_txt(const char *txt)
{
	size_t n = strlen(txt);

	return n == ACME_DNS_TXT_BYTES &&
	       strspn(txt, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

/* The same work for an id that is unknown. */
static bool
may(struct acme_dns *a, const struct acme_dns_ask *k)
{
	unsigned char want[HASH_BYTES] = { 0 }, have[HASH_BYTES] = { 1 };
	const struct acme_dns_row *row;
	bool good;

	pthread_mutex_lock(&a->lock);
	row = find(a, k->id);
	if (row != NULL)
		memcpy(want, row->hash, sizeof(want));
	good = hash(k->password, have) && CRYPTO_memcmp(want, have, sizeof(want)) == 0 &&
	       row != NULL && strcmp(row->user, k->user) == 0 &&
	       (row->allowfrom.n == 0 || cidr_set_has(&row->allowfrom, &k->source));
	pthread_mutex_unlock(&a->lock);
	return good;
}

static void
on_records(struct errand *e)
{
	struct acme_dns_ask *k = list_of(e, struct acme_dns_ask, records.errand);
	bool good = k->records.result == RECORDS_DONE || k->records.result == RECORDS_SAME;

	k->result = good ? ACME_DNS_DONE : ACME_DNS_FAILED;
	if (good)
		log_event(LOG_INFO, "acme-dns", LOG_Z("id", k->id));
	else
		log_event(LOG_WARN, "acme-dns", LOG_Z("id", k->id),
		    LOG_Z("why", records_result_text(k->records.result)));
	k->done(k);
}

void
acme_dns_update(struct acme_dns_ask *k, struct edge *e, struct errands *home, struct slice json)
{
	json_t *request = read_json(json);
	const char *id = json_string_value(member(request, "subdomain"));
	const char *txt = json_string_value(member(request, "txt"));

	k->edge = e;
	k->home = home;
	if (e->started->dns.acme_dns == SETTINGS_ACME_DNS_OFF || e->name_server == NULL) {
		end_soon(k, ACME_DNS_OFF, "off");
	} else if (!json_is_object(request)) {
		end_soon(k, ACME_DNS_BAD, "malformed_json_payload");
	} else if (id == NULL || !slice_z(slice_str(id), k->id, sizeof(k->id)) ||
		   !may(e->acme_dns, k)) {
		end_soon(k, ACME_DNS_FORBIDDEN, "forbidden");
	} else if (txt == NULL || !is_txt(txt)) {
		end_soon(k, ACME_DNS_BAD, "bad_txt");
	} else {
		memcpy(k->txt, txt, sizeof(k->txt));
		k->records.op = RECORDS_TXT_ADD;
		snprintf(k->records.name, sizeof(k->records.name), "%s._acme-challenge", k->id);
		snprintf(k->records.txt[0], sizeof(k->records.txt[0]), "%s", txt);
		k->records.n_txt = 1;
		records_ask(e->name_server, &k->records, home, on_records);
	}
	json_decref(request);
}
