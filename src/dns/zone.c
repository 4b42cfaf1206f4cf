/* SPDX-License-Identifier: Apache-2.0 */
/* The zone as it stands: names, their life, and how one is found. */
#include "dns/zone_private.h"

#include "base/limits.h"
#include "base/wire.h"
#include "dns/rr.h"

#include <stdlib.h>

/* --- names --- */

struct zone_node *
zone_node_new(struct slice name)
{
	struct zone_node *node = calloc(1, sizeof(*node) + name.n);

	if (node == NULL)
		return NULL;
	node->refs = 1;
	node->labels = (uint8_t)dname_labels(name);
	node->n = (uint8_t)name.n;
	for (size_t i = 0; i < name.n; i++)
		node->name[i] = dname_fold((unsigned char)name.p[i]);
	return node;
}

struct zone_node *
zone_node_ref(struct zone_node *node)
{
	check(node->refs > 0);
	node->refs++;
	return node;
}

void
zone_node_unref(struct zone_node *node)
{
	check(node->refs > 0);
	if (--node->refs > 0)
		return;
	check(!node->linked && node->sets == NULL && node->children == 0);
	free(node);
}

struct zone_node *
zone_node_in(const struct map *nodes, struct slice lower)
{
	struct map_node *at = map_first(nodes, map_hash(lower));

	for (; at != NULL; at = map_next_same(at)) {
		struct zone_node *node = map_of(at, struct zone_node, map_node);

		if (slice_eq(zone_node_name(node), lower))
			return node;
	}
	return NULL;
}

static size_t
node_cost(const struct zone_node *node)
{
	return zone_heap_bytes(sizeof(*node) + node->n) + sizeof(void *); /* and its chain's head */
}

void
zone_link(struct zone *z, struct zone_node *node, struct zone_node *parent)
{
	int put = map_put(&z->nodes, &node->map_node, map_hash(zone_node_name(node)));

	/* A table that cannot grow still works, and the origin has made one. */
	check(put == 0 && !node->linked && node->sets == NULL);
	node->linked = true;
	node->parent = parent;
	z->bytes += node_cost(node);
	if (node->labels > z->deepest)
		z->deepest = node->labels;
	if (parent == NULL)
		return;
	check(parent->linked && parent->labels + 1 == node->labels);
	parent->children++;
	if (dname_is_wild(zone_node_name(node)))
		parent->has_wild = true;
}

static void
unlink_node(struct zone *z, struct zone_node *node)
{
	struct zone_node *parent = node->parent;

	map_del(&z->nodes, &node->map_node);
	node->linked = false;
	node->parent = NULL;
	z->bytes -= node_cost(node);
	if (parent != NULL) {
		check(parent->children > 0);
		parent->children--;
		if (dname_is_wild(zone_node_name(node)))
			parent->has_wild = false;
	}
	zone_node_unref(node);
}

void
zone_prune(struct zone *z, struct zone_node *node)
{
	while (node != z->apex && node->linked && node->sets == NULL && node->children == 0) {
		struct zone_node *parent = node->parent;

		unlink_node(z, node);
		node = parent;
	}
}

void
zone_swap(struct zone *z, struct zone_node *node, struct rrset *was, struct rrset *is)
{
	bool delegates = node != z->apex &&
			 ((was != NULL && was->type == RR_NS) || (is != NULL && is->type == RR_NS));

	check(was != NULL || is != NULL);
	if (was != NULL) {
		struct rrset **at = &node->sets;

		for (; *at != was; at = &(*at)->next)
			check(*at != NULL);
		*at = was->next;
		was->next = NULL;
		z->n_sets--;
		z->n_records -= was->n;
		z->bytes -= rrset_cost(was);
	}
	if (is != NULL) {
		check(node->linked && is->node == node && is->next == NULL);
		is->next = node->sets;
		node->sets = is;
		z->n_sets++;
		z->n_records += is->n;
		z->bytes += rrset_cost(is);
	}
	if (delegates) {
		z->n_cuts += (size_t)(is != NULL) - (size_t)node->cut;
		node->cut = is != NULL;
	}
}

/* --- the zone --- */

#define SOA_TAIL_BYTES 20 /* serial, refresh, retry, expire, minimum: 4 bytes each */

static struct rrset *
first_soa(struct zone_node *apex, struct slice name_server, struct slice mailbox,
    const struct zone_times *t, uint32_t serial)
{
	unsigned char rdata[2 * DNAME_BYTES + SOA_TAIL_BYTES];
	struct wire_out out = wire_out(rdata, sizeof(rdata));
	struct dname lower;

	dname_set_lower(&lower, name_server);
	wire_put(&out, dname_slice(&lower));
	dname_set_lower(&lower, mailbox);
	wire_put(&out, dname_slice(&lower));
	wire_put_uint(&out, serial, 4);
	wire_put_uint(&out, t->refresh, 4);
	wire_put_uint(&out, t->retry, 4);
	wire_put_uint(&out, t->expire, 4);
	wire_put_uint(&out, t->minimum, 4);
	check(!out.failed);
	return rrset_with(apex, RR_SOA, t->ttl, NULL, slice_of(rdata, out.n));
}

struct rrset *
zone_next_soa(const struct zone *z, uint32_t serial)
{
	const struct rrset *old = zone_soa(z);
	struct slice rdata = slice_of(old->rdata + 2, old->bytes - 2u);
	struct rrset *s = rrset_with(z->apex, RR_SOA, old->ttl, NULL, rdata);
	struct wire_out out;

	if (s == NULL)
		return NULL;
	out = wire_out(s->rdata + s->bytes - SOA_TAIL_BYTES, 4);
	wire_put_uint(&out, serial, 4);
	return s;
}

struct zone *
zone_new(struct slice origin, struct slice name_server, struct slice mailbox,
    const struct zone_times *times, uint32_t serial)
{
	struct zone *z = calloc(1, sizeof(*z));
	struct zone_node *apex = zone_node_new(origin);
	struct rrset *soa =
	    apex == NULL ? NULL : first_soa(apex, name_server, mailbox, times, serial);

	if (z != NULL)
		map_init(&z->nodes);
	/* The first entry is the one that needs memory: then zone_link() cannot fail. */
	if (z == NULL || soa == NULL || map_put(&z->nodes, &apex->map_node, 0) != 0) {
		rrset_unref(soa);
		if (apex != NULL)
			zone_node_unref(apex);
		free(z);
		return NULL;
	}
	map_del(&z->nodes, &apex->map_node);
	z->serial = serial;
	z->apex = apex;
	zone_link(z, apex, NULL);
	zone_swap(z, apex, NULL, soa);
	return z;
}

static void
forget_oldest(struct zone *z)
{
	struct zone_edition *e = z->oldest;

	z->oldest = e->next;
	if (z->oldest == NULL)
		z->newest = NULL;
	check(z->n_editions > 0 && z->n_journal_sets >= e->n && z->journal_bytes >= e->bytes);
	e->next = NULL; /* a transfer may hold it still */
	z->n_editions--;
	z->n_journal_sets -= e->n;
	z->journal_bytes -= e->bytes;
	zone_edition_unref(e);
}

/* A name of a zone that goes as a whole: it stays only for those who hold sets of it. */
static void
bury(struct zone *z, struct zone_node *node)
{
	while (node->sets != NULL) {
		struct rrset *s = node->sets;

		zone_swap(z, node, s, NULL);
		rrset_unref(s);
	}
	node->linked = false;
	node->parent = NULL;
	node->children = 0;
	zone_node_unref(node);
}

void
zone_free(struct zone *z)
{
	struct map_node *at, *next;

	if (z == NULL)
		return;
	check(z->open == NULL);
	zone_image_unref(z->image);
	while (z->oldest != NULL)
		forget_oldest(z);
	for (at = map_walk(&z->nodes, NULL); at != NULL; at = next) {
		next = map_walk(&z->nodes, at);
		bury(z, map_of(at, struct zone_node, map_node));
	}
	map_fini(&z->nodes);
	free(z);
}

struct slice
zone_origin(const struct zone *z)
{
	return zone_node_name(z->apex);
}

uint32_t
zone_serial(const struct zone *z)
{
	return z->serial;
}

struct rrset *
zone_soa(const struct zone *z)
{
	struct rrset *s = z->apex->sets;

	while (s != NULL && s->type != RR_SOA)
		s = s->next;
	check(s != NULL && s->n == 1);
	return s;
}

bool
zone_serial_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < UINT32_C(0x80000000);
}

bool
zone_is_open(const struct zone *z)
{
	return z->open != NULL;
}

void
zone_figures(const struct zone *z, struct zone_figures *ret)
{
	*ret = (struct zone_figures){
		.names = z->nodes.n,
		.sets = z->n_sets,
		.records = z->n_records,
		.bytes = z->bytes,
		.journal_bytes = z->journal_bytes,
		.editions = z->n_editions,
	};
}

/* --- finding --- */

/* The topmost delegation on the way to a name: what is below it is not ours to tell. */
static const struct zone_node *
cut_above(const struct zone *z, const struct zone_node *node)
{
	const struct zone_node *cut = NULL;

	for (; node != z->apex && z->n_cuts > 0; node = node->parent)
		if (node->cut)
			cut = node;
	return cut;
}

void
zone_find(const struct zone *z, struct slice name, struct zone_hit *ret)
{
	struct dname lower, wild;
	struct zone_node *closest;
	const struct zone_node *cut;
	struct slice at;
	unsigned n = dname_labels(name);

	check(n >= z->apex->labels);
	dname_set_lower(&lower, name);
	at = dname_slice(&lower);
	/* Names that are longer than any here need no look, however many labels they have. */
	if (n > z->deepest)
		at = dname_skip(at, n - z->deepest);
	while ((closest = zone_node_in(&z->nodes, at)) == NULL)
		at = dname_skip(at, 1);
	*ret = (struct zone_hit){ .found = ZONE_NOTHING, .exact = closest->labels == n };
	if ((cut = cut_above(z, closest)) != NULL) {
		ret->found = ZONE_CUT;
		ret->exact = cut->labels == n;
		ret->node = cut;
	} else if (ret->exact) {
		ret->found = ZONE_NAME;
		ret->node = closest;
	} else if (closest->has_wild && dname_wild(at, &wild)) {
		ret->found = ZONE_WILD;
		ret->node = zone_node_in(&z->nodes, dname_slice(&wild));
		check(ret->node != NULL);
	}
}

const struct zone_node *
zone_node_of(const struct zone *z, struct slice name)
{
	struct dname lower;

	dname_set_lower(&lower, name);
	return zone_node_in(&z->nodes, dname_slice(&lower));
}

struct slice
zone_name(const struct zone_node *node)
{
	return zone_node_name(node);
}

const struct rrset *
zone_set(const struct zone_node *node, uint16_t type)
{
	const struct rrset *s = node->sets;

	while (s != NULL && s->type != type)
		s = s->next;
	return s;
}

const struct rrset *
zone_sets(const struct zone_node *node)
{
	return node->sets;
}

/* --- pictures and the journal --- */

struct zone_image *
zone_image_ref(struct zone *z)
{
	struct zone_image *image = z->image;

	if (image == NULL) {
		image = malloc(sizeof(*image) + z->n_sets * sizeof(*image->sets));
		if (image == NULL)
			return NULL;
		*image = (struct zone_image){ .refs = 1, .serial = z->serial };
		image->soa = rrset_ref(zone_soa(z));
		for (struct map_node *at = NULL; (at = map_walk(&z->nodes, at)) != NULL;) {
			struct rrset *s = map_of(at, struct zone_node, map_node)->sets;

			for (; s != NULL; s = s->next)
				if (s != image->soa)
					image->sets[image->n++] = rrset_ref(s);
		}
		check(image->n + 1 == z->n_sets);
		z->image = image;
	}
	image->refs++;
	return image;
}

void
zone_image_unref(struct zone_image *image)
{
	if (image == NULL)
		return;
	check(image->refs > 0);
	if (--image->refs > 0)
		return;
	for (size_t i = 0; i < image->n; i++)
		rrset_unref(image->sets[i]);
	rrset_unref(image->soa);
	free(image);
}

struct zone_edition *
zone_edition_since(const struct zone *z, uint32_t serial)
{
	struct zone_edition *e = z->oldest;

	while (e != NULL && e->from != serial)
		e = e->next;
	return e;
}

struct zone_edition *
zone_edition_ref(struct zone_edition *e)
{
	check(e->refs > 0);
	e->refs++;
	return e;
}

void
zone_edition_unref(struct zone_edition *e)
{
	check(e->refs > 0);
	if (--e->refs > 0)
		return;
	for (size_t i = 0; i < e->n; i++) {
		rrset_unref(e->pairs[i].was);
		rrset_unref(e->pairs[i].is);
	}
	free(e);
}

void
zone_publish(struct zone *z, struct zone_edition *e)
{
	check(e->from == z->serial && e->next == NULL);
	z->serial = e->to;
	zone_image_unref(z->image);
	z->image = NULL;
	e->bytes = zone_heap_bytes(sizeof(*e) + e->n * sizeof(*e->pairs));
	for (size_t i = 0; i < e->n; i++)
		if (e->pairs[i].was != NULL)
			e->bytes += rrset_cost(e->pairs[i].was);
	if (z->newest == NULL)
		z->oldest = e;
	else
		z->newest->next = e;
	z->newest = e;
	z->n_editions++;
	z->n_journal_sets += e->n;
	z->journal_bytes += e->bytes;
	while (z->n_journal_sets > LIMIT_DNS_JOURNAL)
		forget_oldest(z);
}
