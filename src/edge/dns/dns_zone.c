/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is always in the zone: the authority, the name servers, and in mode zone the addresses of the
 * edge, for the domain and for every name below it that has none of its own.
 */
#include "edge/dns/name_server_private.h"

#include "base/wire.h"
#include "dns/rr.h"
#include "edge/dns/dns_put.h"

#include <stdio.h>

/* Seconds. What zonemaster wants (refresh, retry, expire), and RFC 2308 5 for what is not there. */
#define REFRESH 14400
#define RETRY 3600
#define EXPIRE 604800
#define MINIMUM 60
#define SOA_TTL 300
#define NS_TTL 3600
#define CAA_TTL 300

/* --- the zone's own records --- */

static bool
put_name_servers(struct name_server *ns, struct change *c, struct slice origin)
{
	const struct settings_dns *d = &ns->settings->dns;
	struct dname name;

	if (change_add(c, origin, RR_NS, NS_TTL, dname_slice(&ns->name_server)) != CHANGE_OK)
		return false;
	for (size_t i = 0; i < d->n_secondaries; i++) {
		if (d->secondaries[i].name[0] == '\0')
			continue;
		check(dname_parse(slice_str(d->secondaries[i].name), &name));
		if (change_add(c, origin, RR_NS, NS_TTL, dname_slice(&name)) != CHANGE_OK)
			return false;
	}
	return true;
}

/*
 * At the origin alone: at "*" or at a tunnel's name it would bind foreign domains, too, that point
 * there by CNAME (RFC 8659 3).
 */
static bool
put_caa(struct name_server *ns, struct change *c, struct slice origin)
{
	const struct settings_dns *d = &ns->settings->dns;
	static const char *const tags[] = { "issue", "issuewild" };

	for (size_t i = 0; i < d->n_caa; i++) {
		for (size_t k = 0; k < 2; k++) {
			unsigned char rdata[DNS_CAA_BYTES + 20];
			struct wire_out out = wire_out(rdata, sizeof(rdata));
			char value[DNS_CAA_BYTES];

			wire_put_uint(&out, 0, 1); /* flags */
			wire_put_uint(&out, strlen(tags[k]), 1);
			wire_put(&out, slice_str(tags[k]));
			dns_put_caa_value(d->caa[i], "", value);
			wire_put(&out, slice_str(value));
			check(!out.failed);
			if (change_add(c, origin, RR_CAA, CAA_TTL, slice_of(rdata, out.n)) !=
			    CHANGE_OK)
				return false;
		}
	}
	return true;
}

/* For the domain, for every name, and for the name server where that is one of ours. */
static bool
put_edge(struct name_server *ns, struct change *c, struct slice origin)
{
	struct dname wild;

	check(dname_wild(origin, &wild)); /* settings have left room for it */
	return dns_put_addresses(c, origin, &ns->settings->dns) &&
	       dns_put_addresses(c, dname_slice(&wild), &ns->settings->dns) &&
	       (!dname_in(dname_slice(&ns->name_server), origin) ||
		   dns_put_addresses(c, dname_slice(&ns->name_server), &ns->settings->dns));
}

static bool
fill(struct name_server *ns)
{
	struct slice origin = zone_origin(ns->zone);
	struct change *c = change_begin(ns->zone);
	bool good = c != NULL && put_name_servers(ns, c, origin);

	if (good && ns->settings->dns.mode == SETTINGS_DNS_ZONE)
		good = put_caa(ns, c, origin) && put_edge(ns, c, origin);
	if (good)
		return change_commit(c) == CHANGE_MADE;
	change_cancel(c);
	return false;
}

/* --- life --- */

bool
dns_zone_init(struct name_server *ns, uint32_t serial)
{
	const struct settings *s = ns->settings;
	const struct zone_times times = { REFRESH, RETRY, EXPIRE, MINIMUM, SOA_TTL };
	struct dname mailbox, origin;
	char text[300];

	check(dname_parse(slice_str(s->domain), &ns->domain));
	check(dname_parse(slice_str(s->dns.name_server), &ns->name_server));
	snprintf(text, sizeof(text), "hostmaster.%s", s->domain);
	check(dname_parse(slice_str(text), &mailbox));
	snprintf(text, sizeof(text), "_acme-challenge.%s", s->domain);
	check(dname_parse(slice_str(text), &origin));
	if (s->dns.mode == SETTINGS_DNS_ZONE)
		origin = ns->domain;
	/* The first change makes it that serial. */
	ns->zone = zone_new(dname_slice(&origin), dname_slice(&ns->name_server),
	    dname_slice(&mailbox), &times, serial - 1);
	ns->own = zone_new(dname_slice(&origin), dname_slice(&ns->name_server),
	    dname_slice(&mailbox), &times, 1);
	return ns->zone != NULL && ns->own != NULL && fill(ns) &&
	       zones_add(&ns->authority.zones, ns->zone);
}

void
dns_zone_fini(struct name_server *ns)
{
	zone_free(ns->zone);
	zone_free(ns->own);
	ns->zone = ns->own = NULL;
}

/* --- names as the store and people have them --- */

bool
dns_zone_short(const struct name_server *ns, struct slice name, char *dst, size_t cap)
{
	char text[DNAME_TEXT_BYTES];
	struct dname cut = { 0 };

	if (!dname_in(name, dname_slice(&ns->domain)) || name.n == ns->domain.n)
		return false;
	cut.n = (uint8_t)(name.n - ns->domain.n + 1);
	memcpy(cut.p, name.p, cut.n - 1u); /* and the root behind it */
	dname_text(dname_slice(&cut), text, sizeof(text));
	return slice_z(slice_str(text), dst, cap);
}

bool
dns_zone_long(const struct name_server *ns, const char *text, struct dname *ret)
{
	char whole[2 * DNAME_TEXT_BYTES];
	struct dname name;

	snprintf(whole, sizeof(whole), "%s.%s", text, ns->settings->domain);
	if (text[0] == '\0' || !dname_parse(slice_str(whole), &name))
		return false;
	dname_set_lower(ret, dname_slice(&name));
	return true;
}
