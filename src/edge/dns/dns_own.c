/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of names' own, as the store keeps them: an item ("dns", NAME) for each name, and one for
 * the serials that were used.
 *
 *	item	version (1 byte), then records
 *	record	type (2), TTL (4), length (2), RDATA
 *
 * What cannot be read of the store is told and left out; it is not deleted.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/wire.h"
#include "dns/rr.h"
#include "edge/core/await.h"
#include "edge/dns/name_server_private.h"

#include <stdio.h>
#include <stdlib.h>

#define KIND "dns"
#define KIND_SERIAL "dns-serial"
#define VERSION 1
#define RECORD_HEAD_BYTES 8
/* The store is ahead of the serials by so many at first, and told anew when half of them are used. */
#define SERIALS 100

const uint16_t dns_own_types[] = { RR_A, RR_AAAA, RR_TXT, RR_DHCID, 0 };

/* --- an item's bytes --- */

static const struct rrset *
set_of(const struct name_server *ns, const struct change *c, struct slice name, uint16_t type)
{
	const struct zone_node *node;

	if (c != NULL)
		return change_set(c, name, type);
	node = zone_node_of(ns->own, name);
	return node == NULL ? NULL : zone_set(node, type);
}

static void
put_set(struct wire_out *out, const struct rrset *s)
{
	struct slice rdata;

	for (size_t at = 0; rrset_next(s, &at, &rdata);) {
		wire_put_uint(out, s->type, 2);
		wire_put_uint(out, s->ttl, 4);
		wire_put_uint(out, rdata.n, 2);
		wire_put(out, rdata);
	}
}

unsigned char *
dns_own_bytes(const struct name_server *ns, const struct change *c, struct slice name,
    size_t *ret_n)
{
	size_t cap = 1;
	unsigned char *bytes;
	struct wire_out out;

	for (const uint16_t *type = dns_own_types; *type != 0; type++) {
		const struct rrset *s = set_of(ns, c, name, *type);

		cap += s == NULL ? 0 : s->bytes + s->n * (size_t)RECORD_HEAD_BYTES;
	}
	if ((bytes = malloc(cap)) == NULL)
		return NULL;
	out = wire_out(bytes, cap);
	wire_put_uint(&out, VERSION, 1);
	for (const uint16_t *type = dns_own_types; *type != 0; type++) {
		const struct rrset *s = set_of(ns, c, name, *type);

		if (s != NULL)
			put_set(&out, s);
	}
	check(!out.failed && out.n <= LIMIT_ITEM_BYTES); /* DNS_SET_BYTES of each type */
	*ret_n = out.n > 1 ? out.n : 0;
	return bytes;
}

static bool
is_own_type(uint64_t type)
{
	for (const uint16_t *own = dns_own_types; *own != 0; own++)
		if (*own == type)
			return true;
	return false;
}

bool
dns_own_take(struct change *c, struct slice name, struct slice bytes)
{
	struct wire_in in = wire_in(bytes);

	if (wire_uint(&in, 1) != VERSION)
		return false;
	while (!in.failed && in.left.n > 0) {
		uint64_t type = wire_uint(&in, 2), ttl = wire_uint(&in, 4);
		struct slice rdata = wire_vec(&in, 2);

		if (in.failed || !is_own_type(type) ||
		    change_add(c, name, (uint16_t)type, (uint32_t)ttl, rdata) != CHANGE_OK)
			return false;
	}
	return !in.failed;
}

/* --- an UPDATE's changes --- */

/*
 * The difference of a set, done to the name's own: what the edge has put beside it is neither taken
 * over nor lost.
 */
static bool
translate(struct change *own, struct slice name, uint16_t type, const struct rrset *was,
    const struct rrset *is)
{
	const struct rrset *now = change_set(own, name, type);
	struct slice rdata;

	for (size_t at = 0; was != NULL && rrset_next(was, &at, &rdata);)
		if ((is == NULL || !rrset_has(is, rdata)) &&
		    change_del(own, name, type, rdata) != CHANGE_OK)
			return false;
	for (size_t at = 0; is != NULL && rrset_next(is, &at, &rdata);) {
		bool is_new = was == NULL || !rrset_has(was, rdata);
		bool is_longer = was != NULL && was->ttl != is->ttl && now != NULL;

		if ((is_new || (is_longer && rrset_has(now, rdata))) &&
		    change_add(own, name, type, is->ttl, rdata) != CHANGE_OK)
			return false;
	}
	return true;
}

bool
dns_own_translate(const struct change *served, struct change *own)
{
	const struct change_row *at = NULL;
	const struct rrset *was, *is;
	struct slice name;

	while (change_next(served, &at, &name, &was, &is)) {
		uint16_t type = was != NULL ? was->type : is != NULL ? is->type : 0;

		if (is_own_type(type) && !translate(own, name, type, was, is))
			return false;
	}
	return true;
}

/* --- reading, before there are threads --- */

/* False: no memory. */
static bool
take_row(struct name_server *ns, struct change *c, const struct item_row *row, struct dname *names,
    size_t *n_names)
{
	struct dname *name = &names[*n_names];

	/* Of another domain, or another mode, that the edge had before. */
	if (!dns_zone_long(ns, row->name, name) ||
	    !dname_in(dname_slice(name), zone_origin(ns->own)))
		return true;
	if (dns_own_take(c, dname_slice(name), slice_of(row->bytes, row->n))) {
		/* Whoever has too many, by an older edge or a smaller bound, keeps them. */
		(void)!dns_quota_take(ns, dname_slice(name));
		(*n_names)++;
		return true;
	}
	log_event(LOG_ERROR, "dns-records-lost", LOG_Z("name", row->name));
	/* What came before the damage. */
	return change_del_name(c, dname_slice(name)) == CHANGE_OK;
}

/* One page of rows, into both zones. */
static bool
take_rows(const struct item_req *req, void *arg)
{
	struct name_server *ns = arg;
	struct dname *names = calloc(req->n_rows + 1, sizeof(*names));
	struct change *own = change_begin(ns->own), *served = change_begin(ns->zone);
	size_t n_names = 0;
	bool good = names != NULL && own != NULL && served != NULL;

	for (size_t i = 0; good && i < req->n_rows; i++)
		good = take_row(ns, own, &req->rows[i], names, &n_names);
	if (good) {
		enum change_end end = change_commit(own);

		own = NULL;
		good = end == CHANGE_MADE || end == CHANGE_NONE;
	}
	if (good && dns_render(ns, served, names, n_names)) {
		good = dns_render_commit(ns, served);
		served = NULL;
	}
	change_cancel(own);
	change_cancel(served);
	free(names);
	return good;
}

bool
dns_own_load(struct name_server *ns)
{
	enum store_result r = await_items(ns->edge->store, KIND, take_rows, ns);

	if (r != STORE_OK && r != STORE_FULL)
		log_event(LOG_ERROR, "dns-records-lost", LOG_Z("why", store_result_text(r)));
	return r != STORE_FULL; /* without memory */
}

/* --- serials: they grow over restarts, though changes be many or the clock be set back --- */

static uint32_t
stored_serial(struct name_server *ns)
{
	struct item_req req = { .op = ITEM_LIST, .kind = KIND_SERIAL };
	uint64_t n = 0;

	if (await_item(ns->edge->store, &req) == STORE_OK && req.n_rows > 0 &&
	    !slice_u64(slice_of(req.rows[0].bytes, req.rows[0].n), &n))
		n = 0;
	item_req_fini(&req);
	return (uint32_t)n;
}

static void
write_serial(struct name_server *ns, uint32_t serial)
{
	ns->serial_max = serial + SERIALS;
	snprintf(ns->serial_text, sizeof(ns->serial_text), "%u", ns->serial_max);
	ns->serial_req = (struct item_req){ .op = ITEM_PUT,
		.kind = KIND_SERIAL,
		.name = "zone",
		.version = ITEM_ANY,
		.bytes = slice_str(ns->serial_text) };
}

uint32_t
dns_own_serial(struct name_server *ns)
{
	uint32_t stored = stored_serial(ns), now = (uint32_t)(clock_wall_ms() / 1000);
	uint32_t serial = stored != 0 && !zone_serial_newer(now, stored) ? stored + 1 : now;

	write_serial(ns, serial);
	if (await_item(ns->edge->store, &ns->serial_req) != STORE_OK)
		log_event(LOG_ERROR, "dns-serial",
		    LOG_Z("why", store_result_text(ns->serial_req.result)));
	return serial;
}

static void
on_serial(struct errand *e)
{
	struct name_server *ns = list_of(e, struct name_server, serial_errand);

	if (ns->serial_req.result != STORE_OK)
		log_event(LOG_ERROR, "dns-serial",
		    LOG_Z("why", store_result_text(ns->serial_req.result)));
}

void
dns_own_used(struct name_server *ns, uint32_t serial)
{
	atomic_store_explicit(&ns->counters.serial, serial, memory_order_relaxed);
	/* While it starts, or one is on its way: the next change asks again. */
	if (ns->home.loop == NULL || ns->serial_errand.home != NULL ||
	    zone_serial_newer(ns->serial_max - SERIALS / 2, serial))
		return;
	write_serial(ns, serial);
	errand_item(&ns->serial_errand, &ns->home, ns->edge->store, &ns->serial_req, on_serial);
}
