/* SPDX-License-Identifier: Apache-2.0 */
/* Staging a zone's change, and carrying it out. */
#include "dns/change.h"

#include "base/limits.h"
#include "dns/dnsread.h"
#include "dns/rr.h"
#include "dns/zone_private.h"

#include <stdlib.h>

/* One set that the change touches. */
struct change_row {
	struct change_row *next;  /* in the order of their first mention */
	struct change_row *other; /* of the same name */
	struct zone_node *node;   /* held */
	uint16_t type;
	struct rrset *was; /* the zone's, which holds it */
	struct rrset *is;  /* held */
};

struct change {
	struct zone *zone;
	struct map nodes; /* names that the zone does not have yet; each held */
	struct change_row *first, *last;
};

struct change *
change_begin(struct zone *z)
{
	struct change *c;

	if (z->open != NULL || (c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->zone = z;
	map_init(&c->nodes);
	z->open = c;
	return c;
}

static void
end(struct change *c)
{
	struct map_node *at, *next_node;

	for (struct change_row *row = c->first, *next; row != NULL; row = next) {
		next = row->next;
		row->node->rows = NULL;
		rrset_unref(row->is);
		zone_node_unref(row->node);
		free(row);
	}
	for (at = map_walk(&c->nodes, NULL); at != NULL; at = next_node) {
		next_node = map_walk(&c->nodes, at);
		zone_node_unref(map_of(at, struct zone_node, map_node));
	}
	map_fini(&c->nodes);
	check(c->zone->open == c);
	c->zone->open = NULL;
	free(c);
}

void
change_cancel(struct change *c)
{
	if (c != NULL)
		end(c);
}

/* --- what is staged --- */

static struct change_row *
find_row(const struct zone_node *node, uint16_t type)
{
	struct change_row *row = node->rows;

	while (row != NULL && row->type != type)
		row = row->other;
	return row;
}

static struct zone_node *
find_node(const struct change *c, struct slice name)
{
	struct zone_node *node;
	struct dname lower;

	dname_set_lower(&lower, name);
	node = zone_node_in(&c->zone->nodes, dname_slice(&lower));
	return node != NULL ? node : zone_node_in(&c->nodes, dname_slice(&lower));
}

/* The zone's node, or one that waits to become so; NULL without memory. */
static struct zone_node *
want_node(struct change *c, struct slice name)
{
	struct zone_node *node = find_node(c, name);

	if (node != NULL || (node = zone_node_new(name)) == NULL)
		return node;
	if (map_put(&c->nodes, &node->map_node, map_hash(zone_node_name(node))) != 0) {
		zone_node_unref(node);
		return NULL;
	}
	return node;
}

static struct rrset *
zones_set(const struct zone_node *node, uint16_t type)
{
	struct rrset *s = node->sets;

	while (s != NULL && s->type != type)
		s = s->next;
	return s;
}

static struct rrset *
staged_set(const struct zone_node *node, uint16_t type)
{
	struct change_row *row = find_row(node, type);

	return row != NULL ? row->is : zones_set(node, type);
}

/* Takes over `is`, which may be NULL. */
static enum change_result
stage(struct change *c, struct zone_node *node, uint16_t type, struct rrset *is)
{
	struct change_row *row = find_row(node, type);

	if (row != NULL) {
		rrset_unref(row->is);
		row->is = is;
		return CHANGE_OK;
	}
	row = calloc(1, sizeof(*row));
	if (row == NULL) {
		rrset_unref(is);
		return CHANGE_NOMEM;
	}
	*row = (struct change_row){ .node = zone_node_ref(node), .type = type, .is = is };
	row->was = zones_set(node, type);
	row->other = node->rows;
	node->rows = row;
	if (c->last == NULL)
		c->first = row;
	else
		c->last->next = row;
	c->last = row;
	return CHANGE_OK;
}

/* Any records but those of that type? */
static bool
has_others(const struct zone_node *node, uint16_t type)
{
	for (const struct rrset *s = node->sets; s != NULL; s = s->next)
		if (s->type != type && staged_set(node, s->type) != NULL)
			return true;
	for (const struct change_row *row = node->rows; row != NULL; row = row->other)
		if (row->type != type && row->is != NULL)
			return true;
	return false;
}

const struct rrset *
change_set(const struct change *c, struct slice name, uint16_t type)
{
	const struct zone_node *node = find_node(c, name);

	return node == NULL ? NULL : staged_set(node, type);
}

bool
change_has_name(const struct change *c, struct slice name)
{
	const struct zone_node *node = find_node(c, name);

	return node != NULL && has_others(node, 0);
}

bool
change_next(const struct change *c, const struct change_row **at, struct slice *ret_name,
    const struct rrset **ret_was, const struct rrset **ret_is)
{
	const struct change_row *row = *at == NULL ? c->first : (*at)->next;

	if (row == NULL)
		return false;
	*at = row;
	*ret_name = zone_node_name(row->node);
	*ret_was = row->was;
	*ret_is = row->is;
	return true;
}

/* --- steps --- */

/* What the type's shape makes of it: names in lower case; -1: no such shape. */
static ptrdiff_t
canonical(uint16_t type, struct slice rdata, unsigned char *dst, size_t cap)
{
	struct dnsread r = { .all = rdata };
	struct dns_record rr = { .type = type, .rdata = rdata };

	return dnsread_rdata(&r, &rr, dst, cap);
}

static bool
may_hold(const struct change *c, struct slice name, uint16_t type)
{
	return rr_is_data(type) && type != RR_SOA &&
	       /* A delegation at a wildcard has no meaning (RFC 4592 4.2). */
	       !(type == RR_NS && dname_is_wild(name) && !dname_eq(name, zone_origin(c->zone)));
}

/*
 * `old` with that record too, all with the new TTL; where it is the only kind there can be, alone.
 */
static enum change_result
with_record(struct zone_node *node, uint16_t type, uint32_t ttl, struct slice rdata,
    struct rrset **ret)
{
	struct rrset *old = staged_set(node, type);

	*ret = NULL;
	if (type == RR_CNAME ? has_others(node, RR_CNAME) : staged_set(node, RR_CNAME) != NULL)
		return CHANGE_CNAME;
	if (old != NULL && rrset_has(old, rdata)) {
		if (old->ttl == ttl)
			return CHANGE_OK;
		*ret = rrset_with(node, type, ttl, old, S("")); /* cut to the old records below */
		if (*ret != NULL) {
			(*ret)->n--;
			(*ret)->bytes -= 2;
		}
	} else {
		if ((old == NULL ? 0 : old->bytes) + 2 + rdata.n > LIMIT_DNS_SET_BYTES)
			return CHANGE_LARGE;
		*ret = rrset_with(node, type, ttl, type == RR_CNAME ? NULL : old, rdata);
	}
	return *ret == NULL ? CHANGE_NOMEM : CHANGE_OK;
}

enum change_result
change_add(struct change *c, struct slice name, uint16_t type, uint32_t ttl, struct slice rdata)
{
	unsigned char own[LIMIT_DNS_SET_BYTES];
	enum change_result result;
	struct zone_node *node;
	struct rrset *is;
	ptrdiff_t n;

	if (!dname_in(name, zone_origin(c->zone)))
		return CHANGE_OUTSIDE;
	if (!may_hold(c, name, type))
		return CHANGE_TYPE;
	if (rdata.n > sizeof(own))
		return CHANGE_LARGE;
	if ((n = canonical(type, rdata, own, sizeof(own))) < 0)
		return CHANGE_RDATA;
	if ((node = want_node(c, name)) == NULL)
		return CHANGE_NOMEM;
	result = with_record(node, type, ttl, slice_of(own, (size_t)n), &is);
	return is == NULL ? result : stage(c, node, type, is);
}

/* SOA and the origin's NS are what makes a zone. */
static bool
must_stay(const struct change *c, const struct zone_node *node, uint16_t type)
{
	return node == c->zone->apex && (type == RR_SOA || type == RR_NS);
}

enum change_result
change_del(struct change *c, struct slice name, uint16_t type, struct slice rdata)
{
	unsigned char own[LIMIT_DNS_SET_BYTES];
	struct zone_node *node;
	struct rrset *old, *is = NULL;
	struct slice record;
	ptrdiff_t n;

	if (!dname_in(name, zone_origin(c->zone)))
		return CHANGE_OUTSIDE;
	node = find_node(c, name);
	old = node == NULL ? NULL : staged_set(node, type);
	if (old == NULL || rdata.n > sizeof(own) ||
	    (n = canonical(type, rdata, own, sizeof(own))) < 0)
		return CHANGE_OK; /* what has another shape is not there */
	record = slice_of(own, (size_t)n);
	if (!rrset_has(old, record))
		return CHANGE_OK;
	if (type == RR_SOA || (old->n == 1 && must_stay(c, node, type)))
		return CHANGE_TYPE;
	if (old->n > 1 && (is = rrset_without(old, record)) == NULL)
		return CHANGE_NOMEM;
	return stage(c, node, type, is);
}

enum change_result
change_del_set(struct change *c, struct slice name, uint16_t type)
{
	struct zone_node *node;

	if (!dname_in(name, zone_origin(c->zone)))
		return CHANGE_OUTSIDE;
	node = find_node(c, name);
	if (node == NULL || staged_set(node, type) == NULL)
		return CHANGE_OK;
	return must_stay(c, node, type) ? CHANGE_TYPE : stage(c, node, type, NULL);
}

enum change_result
change_del_name(struct change *c, struct slice name)
{
	enum change_result result = CHANGE_OK;
	struct zone_node *node;

	if (!dname_in(name, zone_origin(c->zone)))
		return CHANGE_OUTSIDE;
	if ((node = find_node(c, name)) == NULL)
		return CHANGE_OK;
	for (struct change_row *row = node->rows; row != NULL; row = row->other)
		if (!must_stay(c, node, row->type))
			result = stage(c, node, row->type, NULL);
	for (struct rrset *s = node->sets; s != NULL && result == CHANGE_OK; s = s->next)
		if (!must_stay(c, node, s->type))
			result = stage(c, node, s->type, NULL);
	return result;
}

/* --- carrying it out --- */

/* Makes the names between the zone and those that come with records, and marks all that come. */
static bool
want_parents(struct change *c, struct zone_node *node)
{
	struct slice name = zone_node_name(node);

	while (!node->linked) {
		name = dname_skip(name, 1);
		if ((node = want_node(c, name)) == NULL)
			return false;
	}
	return true;
}

/* How many rows change anything; before, their names are made. -1: no memory. */
static ptrdiff_t
count_rows(struct change *c)
{
	ptrdiff_t n = 0;

	for (struct change_row *row = c->first; row != NULL; row = row->next) {
		if (rrset_eq(row->was, row->is))
			continue;
		if (row->is != NULL && !want_parents(c, row->node))
			return -1;
		n++;
	}
	return n;
}

static struct zone_node *
link_up(struct change *c, struct zone_node *node)
{
	struct zone_node *parent;

	if (node->linked)
		return node;
	parent = find_node(c, dname_skip(zone_node_name(node), 1));
	check(parent != NULL);
	parent = link_up(c, parent); /* as deep as names have labels, 127 */
	map_del(&c->nodes, &node->map_node);
	zone_link(c->zone, node, parent);
	return node;
}

/* Infallible: all memory has been had. The pairs take over what rows and zone held. */
static void
apply(struct change *c, struct zone_edition *e)
{
	struct zone *z = c->zone;

	zone_swap(z, z->apex, e->pairs[0].was, rrset_ref(e->pairs[0].is));
	for (struct change_row *row = c->first; row != NULL; row = row->next) {
		if (rrset_eq(row->was, row->is))
			continue;
		if (row->is != NULL) {
			link_up(c, row->node);
			rrset_ref(row->is); /* for the zone; the row's own goes to the pair */
		}
		zone_swap(z, row->node, row->was, row->is);
		e->pairs[e->n++] = (struct zone_pair){ row->was, row->is };
		row->was = row->is = NULL;
	}
	for (struct change_row *row = c->first; row != NULL; row = row->next)
		zone_prune(z, row->node);
	zone_publish(z, e);
}

static struct zone_edition *
new_edition(struct zone *z, size_t n)
{
	struct zone_edition *e = calloc(1, sizeof(*e) + (n + 1) * sizeof(*e->pairs));
	uint32_t serial = z->serial + 1;

	if (serial == 0) /* some take 0 for "none yet" */
		serial = 1;
	if (e == NULL)
		return NULL;
	*e = (struct zone_edition){ .refs = 1, .from = z->serial, .to = serial, .n = 1 };
	e->pairs[0].was = zones_set(z->apex, RR_SOA);
	e->pairs[0].is = zone_next_soa(z, serial);
	if (e->pairs[0].is == NULL) {
		free(e);
		return NULL;
	}
	return e;
}

enum change_end
change_commit(struct change *c)
{
	struct zone_edition *e = NULL;
	enum change_end result = CHANGE_UNABLE;
	ptrdiff_t n = count_rows(c);

	if (n == 0) {
		result = CHANGE_NONE;
	} else if (n > 0 && c->zone->nodes.n + c->nodes.n > LIMIT_DNS_NAMES) {
		result = CHANGE_FULL;
	} else if (n > 0 && (e = new_edition(c->zone, (size_t)n)) != NULL) {
		apply(c, e);
		result = CHANGE_MADE;
	}
	end(c);
	return result;
}
