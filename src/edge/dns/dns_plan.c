/* SPDX-License-Identifier: Apache-2.0 */
/* What to add at the provider of the domain's DNS (dns_plan.h). */
#include "edge/dns/dns_plan.h"

#include "dns/rr.h"
#include "base/sentence.h"
#include "edge/dns/dns_put.h"

#include <stdio.h>
#include <stdlib.h>

#define CHALLENGE "_acme-challenge."
#define NS_TTL 3600
#define TTL 300

static struct dns_plan_record *
add(struct dns_plan *p, const char *name, const char *type, uint32_t ttl, const char *why)
{
	struct dns_plan_record *r;

	check(p->n < DNS_PLAN_RECORDS); /* the settings' own bounds are smaller */
	r = &p->records[p->n++];
	check(slice_z(slice_str(name), r->name, sizeof(r->name)));
	r->type = type;
	r->ttl = ttl;
	r->why = why;
	return r;
}

static void
add_addresses(struct dns_plan *p, const char *name, const struct settings_dns *d, const char *why)
{
	for (size_t i = 0; i < d->n_addresses; i++) {
		unsigned char rdata[16];
		uint16_t type;
		struct dns_plan_record *r;

		(void)dns_put_rdata(&d->addresses[i], rdata, &type);
		r = add(p, name, type == RR_A ? "A" : "AAAA", TTL, why);
		snprintf(r->value, sizeof(r->value), "%s", d->addresses[i].host);
	}
}

static void
add_ns(struct dns_plan *p, const char *server, const char *why)
{
	struct dns_plan_record *r = add(p, p->zone, "NS", NS_TTL, why);

	snprintf(r->value, sizeof(r->value), "%s.", server);
}

/* In mode zone the edge answers with it itself. */
static void
add_caa(struct dns_plan *p, const struct settings *s, const char *account_uri)
{
	static const char *const tags[] = { "issue", "issuewild" };

	for (size_t i = 0; i < s->dns.n_caa; i++) {
		for (size_t k = 0; k < 2; k++) {
			struct dns_plan_record *r =
			    add(p, s->domain, "CAA", TTL, "no other CA may give certificates");
			char value[DNS_CAA_BYTES];

			dns_put_caa_value(s->dns.caa[i], account_uri, value);
			snprintf(r->value, sizeof(r->value), "0 %s \"%s\"", tags[k], value);
		}
	}
}

/* "edge.example.org" of "example.org", and that itself. */
static bool
is_below(const char *name, const char *domain)
{
	size_t n = strlen(name), m = strlen(domain);

	return n >= m && strcmp(name + n - m, domain) == 0 && (n == m || name[n - m - 1] == '.');
}

static void
plan_challenge(struct dns_plan *p, const struct settings *s, const char *account_uri)
{
	const struct settings_dns *d = &s->dns;
	char wild[256];

	snprintf(wild, sizeof(wild), "*.%s", s->domain);
	add_addresses(p, s->domain, d, "the edge itself");
	add_addresses(p, wild, d, "every tunnel");
	if (strcmp(d->name_server, s->domain) != 0)
		add_addresses(p, d->name_server, d, "the edge as a name server");
	add_ns(p, d->name_server, "a CA asks the edge for its challenges");
	add_caa(p, s, account_uri);
}

static void
plan_zone(struct dns_plan *p, const struct settings *s)
{
	const struct settings_dns *d = &s->dns;

	add_ns(p, d->name_server, "the edge answers for the whole domain");
	for (size_t i = 0; i < d->n_secondaries; i++)
		if (d->secondaries[i].name[0] != '\0')
			add_ns(p, d->secondaries[i].name, "a secondary answers, too");
	add_addresses(p, d->name_server, d,
	    is_below(d->name_server, s->domain) ? "glue: how the name server is found"
						: "the edge as a name server");
}

struct dns_plan *
dns_plan_new(const struct settings *s, const char *account_uri, char **ret_error)
{
	struct dns_plan *p;

	if (s->dns.n_listen == 0) {
		*ret_error =
		    sentence("the configuration has no \"dns\": write dns: { listen: [53], "
			     "addresses: [203.0.113.5] } with the public addresses of "
			     "this edge, and ask again");
		return NULL;
	}
	if (s->dns.n_addresses == 0) {
		*ret_error = sentence("the public addresses of this edge are not known: write them "
				      "into dns.addresses, such as [203.0.113.5]");
		return NULL;
	}
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		*ret_error = sentence("out of memory");
		return NULL;
	}
	p->whole = s->dns.mode == SETTINGS_DNS_ZONE;
	snprintf(p->zone, sizeof(p->zone), "%s%s", p->whole ? "" : CHALLENGE, s->domain);
	if (p->whole)
		plan_zone(p, s);
	else
		plan_challenge(p, s, account_uri);
	return p;
}

void
dns_plan_free(struct dns_plan *p)
{
	free(p);
}

/* --- printing --- */

void
dns_plan_line(const struct dns_plan_record *r, struct buf *b)
{
	buf_printf(b, "%s. %u IN %s %s", r->name, r->ttl, r->type, r->value);
}

static void
put_table(const struct dns_plan *p, struct buf *b)
{
	size_t name = 4, value = 5;

	for (size_t i = 0; i < p->n; i++) {
		if (strlen(p->records[i].name) > name)
			name = strlen(p->records[i].name);
		if (strlen(p->records[i].value) > value)
			value = strlen(p->records[i].value);
	}
	buf_printf(b, "  %-*s  %-4s  %-*s  %-5s  %s\n", (int)name, "NAME", "TYPE", (int)value,
	    "VALUE", "TTL", "WHAT FOR");
	for (size_t i = 0; i < p->n; i++) {
		const struct dns_plan_record *r = &p->records[i];

		buf_printf(b, "  %-*s  %-4s  %-*s  %-5u  %s\n", (int)name, r->name, r->type,
		    (int)value, r->value, r->ttl, r->why);
	}
}

/* Comments of a zone file, so that all of it may be given to a server. */
void
dns_plan_text(const struct dns_plan *p, const char *file, struct buf *b)
{
	buf_printf(b, "; Add these records at the DNS provider of %s%s:\n\n",
	    p->whole ? "the domain above " : "", p->whole ? p->zone : p->zone + strlen(CHALLENGE));
	for (size_t i = 0; i < p->n; i++) {
		dns_plan_line(&p->records[i], b);
		buf_putc(b, '\n');
	}
	buf_printf(b, "\nThe same for a web form; some forms want names without the zone at their "
		      "end:\n\n");
	put_table(p, b);
	buf_printf(b,
	    "\nThen:\n"
	    "  1. Open port 53 for UDP and for TCP in every firewall on the way to this machine.\n"
	    "  2. Start aditd with this configuration, or restart it.\n"
	    "  3. Ask whether all of it works: aditd doctor%s%s\n",
	    file != NULL ? " -f " : "", file != NULL ? file : "");
}

void
dns_plan_json(const struct dns_plan *p, struct buf *b)
{
	buf_printf(b, "{\"mode\":\"%s\",\"zone\":\"%s\",\"records\":[",
	    p->whole ? "zone" : "challenge", p->zone);
	for (size_t i = 0; i < p->n; i++) {
		const struct dns_plan_record *r = &p->records[i];

		buf_printf(b,
		    "%s{\"name\":\"%s\",\"type\":\"%s\",\"ttl\":%u,\"value\":", i > 0 ? "," : "",
		    r->name, r->type, r->ttl);
		buf_json_ascii(b, slice_str(r->value));
		buf_printf(b, ",\"why\":\"%s\"}", r->why);
	}
	buf_put(b, S("]}\n"));
}
