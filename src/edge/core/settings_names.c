/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the names of aditd.yml. */
#include "edge/core/settings_names.h"

#include "conf/schema.h"
#include "edge/core/settings.h"
#include "http/url.h"

#include <stdio.h>

#define SIZE(member) sizeof(((struct settings *)0)->member)

/*
 * As url_authority() writes a host: lower case, no dot at the end. A port, or an address in
 * brackets, is no domain.
 */
bool
settings_domain(struct slice s, char *dst, size_t cap)
{
	uint16_t port = 0;

	return url_authority(s, dst, cap, &port) && slice_find(s, ':') == SIZE_MAX && dst[0] != '[';
}

bool
settings_read_domain(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	if (n->kind != YAMLDOC_SCALAR || !settings_domain(slice_str(n->text), dst, SIZE(domain)))
		return schema_fault(r, n, "a domain is wanted, such as tunnel.example.org");
	return true;
}

static bool
is_number(const struct addr *a)
{
	struct sockaddr_storage ss;
	socklen_t len;

	return a->kind == ADDR_TCP && !a->tls && a->host[0] != '\0' &&
	       addr_sockaddr(a, true, &ss, &len) == 0;
}

/* A number, since it is what names are asked of; its port may be left out. */
bool
settings_read_resolver(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct addr bare = { .kind = ADDR_TCP, .port = 53 }, *addr = dst;

	if (n->kind == YAMLDOC_SCALAR &&
	    slice_z(slice_str(n->text), bare.host, sizeof(bare.host)) && is_number(&bare)) {
		*addr = bare;
		return true;
	}
	if (n->kind == YAMLDOC_SCALAR && addr_parse(slice_str(n->text), addr) == NULL &&
	    is_number(addr))
		return true;
	return schema_fault(r, n, "the address of a name server is wanted, such as 9.9.9.9:53");
}

bool
settings_read_default_tunnel(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	const char *why = "the name of a tunnel is wanted";

	if (n->kind == YAMLDOC_SCALAR)
		why = url_name(slice_str(n->text), dst, SIZE(default_tunnel));
	return why == NULL || schema_fault(r, n, "%s", why);
}

bool
settings_read_metrics_tunnels(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	struct settings *s = dst;

	if (list->kind != YAMLDOC_LIST)
		return schema_fault(r, list, "a list of names is wanted, such as [jenkins]");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		const char *why = "the name of a tunnel is wanted";

		if (s->n_metrics_tunnels == LIMIT_METRICS_TUNNELS)
			return schema_fault(r, n, "more than %d tunnels", LIMIT_METRICS_TUNNELS);
		if (n->kind == YAMLDOC_SCALAR)
			why = url_name(slice_str(n->text), s->metrics_tunnels[s->n_metrics_tunnels],
			    SIZE(metrics_tunnels[0]));
		if (why != NULL)
			return schema_fault(r, n, "%s", why);
		s->n_metrics_tunnels++;
	}
	return true;
}

/* As url_authority() writes it: an IPv6 address in brackets. */
void
settings_use_ip(struct settings *s)
{
	char text[sizeof(s->acme.ip) + 2];
	uint16_t port;

	if (s->domain[0] != '\0' || s->acme.ip[0] == '\0')
		return;
	snprintf(text, sizeof(text), strchr(s->acme.ip, ':') != NULL ? "[%s]" : "%s", s->acme.ip);
	if (!url_authority(slice_str(text), s->domain, sizeof(s->domain), &port))
		s->domain[0] = '\0';
}
