/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is answered for a name, made of three things: what it has of its own, the notes of the board,
 * and the addresses of the edge.
 *
 *	TXT, DHCID	its own, and the notes that are up there
 *	A, AAAA		its own; where it has neither, and it or a name below it exists, the edge's:
 *			no wildcard stands for a name that exists (RFC 4592 2.2.1), and its tunnel
 *			shall be found as before
 *
 * An address of its own is never mixed with one of the edge's: a visitor would meet either.
 */
#include "base/limits.h"
#include "dns/rr.h"
#include "edge/dns/dns_put.h"
#include "edge/dns/name_server_private.h"

/* Of a CA's challenge: it looks once or twice, and what it saw last shall not be in its way. */
#define NOTE_TTL 5

static const struct rrset *
own_set(const struct name_server *ns, struct slice name, uint16_t type)
{
	const struct zone_node *node = zone_node_of(ns->own, name);

	return node == NULL ? NULL : zone_set(node, type);
}

static bool
copy_set(struct change *c, struct slice name, const struct rrset *s)
{
	struct slice rdata;

	for (size_t at = 0; s != NULL && rrset_next(s, &at, &rdata);)
		if (change_add(c, name, s->type, s->ttl, rdata) != CHANGE_OK)
			return false;
	return true;
}

static bool
put_note(struct change *c, struct slice name, const char *text, uint32_t ttl)
{
	unsigned char rdata[256];
	size_t n = strlen(text);

	check(n < sizeof(rdata));
	rdata[0] = (unsigned char)n;
	memcpy(rdata + 1, text, n);
	/* One too many for a set is left out: the zone's own bound, and the CA looks for one alone. */
	return change_add(c, name, RR_TXT, ttl, slice_of(rdata, n + 1)) != CHANGE_NOMEM;
}

static bool
render_texts(struct name_server *ns, struct change *c, struct slice name)
{
	const struct rrset *own = own_set(ns, name, RR_TXT);

	if (change_del_set(c, name, RR_TXT) != CHANGE_OK ||
	    change_del_set(c, name, RR_DHCID) != CHANGE_OK || !copy_set(c, name, own) ||
	    !copy_set(c, name, own_set(ns, name, RR_DHCID)))
		return false;
	for (size_t i = 0; i < ns->n_notes; i++)
		if (dname_eq(dname_slice(&ns->notes[i].where), name) &&
		    !put_note(c, name, ns->notes[i].text, NOTE_TTL))
			return false;
	return true;
}

/* Does the name exist, by itself or by names below it, but for the edge's addresses? */
static bool
exists(const struct name_server *ns, struct slice name)
{
	if (zone_node_of(ns->own, name) != NULL)
		return true;
	for (size_t i = 0; i < ns->n_notes; i++)
		if (dname_in(dname_slice(&ns->notes[i].where), name))
			return true;
	return false;
}

/* Those that dns_zone.c has put there, for good. */
static bool
is_fixed(const struct name_server *ns, struct slice name)
{
	return dname_eq(name, zone_origin(ns->zone)) || dname_is_wild(name) ||
	       dname_eq(name, dname_slice(&ns->name_server));
}

/* Names of tunnels are one label below the domain; "_acme-challenge" is no host. */
static bool
wants_edge(const struct name_server *ns, struct slice name)
{
	struct slice origin = zone_origin(ns->zone);

	return ns->settings->dns.mode == SETTINGS_DNS_ZONE &&
	       dname_labels(name) == dname_labels(origin) + 1 && name.n > 1 && name.p[1] != '_' &&
	       exists(ns, name);
}

static bool
render_addresses(struct name_server *ns, struct change *c, struct slice name)
{
	const struct rrset *v4 = own_set(ns, name, RR_A), *v6 = own_set(ns, name, RR_AAAA);

	if (is_fixed(ns, name))
		return true;
	if (change_del_set(c, name, RR_A) != CHANGE_OK ||
	    change_del_set(c, name, RR_AAAA) != CHANGE_OK)
		return false;
	if (v4 == NULL && v6 == NULL && wants_edge(ns, name))
		return dns_put_addresses(c, name, &ns->settings->dns);
	return copy_set(c, name, v4) && copy_set(c, name, v6);
}

bool
dns_render(struct name_server *ns, struct change *c, const struct dname *names, size_t n)
{
	unsigned top = dname_labels(zone_origin(ns->zone));

	for (size_t i = 0; i < n; i++) {
		struct slice name = dname_slice(&names[i]);
		unsigned labels = dname_labels(name);

		check(dname_in(name, zone_origin(ns->zone)));
		if (!render_texts(ns, c, name) || !render_addresses(ns, c, name))
			return false;
		/* The tunnel's name that it is below. */
		if (labels > top + 1 &&
		    !render_addresses(ns, c, dname_skip(name, labels - top - 1)))
			return false;
	}
	return true;
}

bool
dns_render_commit(struct name_server *ns, struct change *c)
{
	switch (change_commit(c)) {
	case CHANGE_MADE:
		dns_own_used(ns, zone_serial(ns->zone));
		dns_notify_all(ns);
		return true;
	case CHANGE_NONE:
		return true;
	case CHANGE_FULL:
	case CHANGE_UNABLE:
		break;
	}
	return false;
}
