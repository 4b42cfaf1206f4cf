/* SPDX-License-Identifier: Apache-2.0 */
/* Reads where the dashboard listens, and by which names it is asked. */
#include "edge/core/settings_dashboard.h"

#include "conf/schema.h"
#include "edge/core/settings.h"
#include "http/url.h"

static bool
take_listen(struct schema_read *r, const struct yamldoc_node *n, struct settings_dashboard *d)
{
	const char *why =
	    "an address is wanted, such as 127.0.0.1:4041 or unix:/run/aditd/dashboard.sock";
	struct addr *a = &d->listen[d->n_listen];

	if (d->n_listen == SETTINGS_DASHBOARD_LISTEN)
		return schema_fault(r, n, "more than %d addresses", SETTINGS_DASHBOARD_LISTEN);
	if (n->kind == YAMLDOC_SCALAR)
		why = addr_parse(slice_str(n->text), a);
	if (why == NULL && a->tls)
		why = "it speaks no TLS: listen on loopback, and have a proxy in front";
	if (why != NULL)
		return schema_fault(r, n, "%s", why);
	d->n_listen++;
	return true;
}

/* One address, a list of them, or "off". */
static bool
read_listen(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct settings_dashboard *d = dst;

	if (n->kind == YAMLDOC_SCALAR && slice_eq(slice_str(n->text), S("off"))) {
		d->off = true;
		return true;
	}
	if (n->kind != YAMLDOC_LIST)
		return take_listen(r, n, d);
	for (const struct yamldoc_node *i = n->first; i != NULL; i = i->next)
		if (!take_listen(r, i, d))
			return false;
	return true;
}

static bool
read_hosts(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	struct settings_dashboard *d = dst;
	uint16_t port;

	if (list->kind != YAMLDOC_LIST)
		return schema_fault(r, list,
		    "a list of names is wanted, such as [admin.example.com]");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		if (d->n_hosts == SETTINGS_DASHBOARD_HOSTS)
			return schema_fault(r, n, "more than %d names", SETTINGS_DASHBOARD_HOSTS);
		if (n->kind != YAMLDOC_SCALAR ||
		    !url_authority(slice_str(n->text), d->hosts[d->n_hosts], sizeof(d->hosts[0]),
			&port) ||
		    !slice_z(slice_str(n->text), d->hosts[d->n_hosts], sizeof(d->hosts[0])))
			return schema_fault(r, n, "a name is wanted, such as admin.example.com");
		d->n_hosts++;
	}
	return true;
}

static const struct schema_row rows[] = {
	{ "listen", SCHEMA_CALL, .call = read_listen },
	{ "hosts", SCHEMA_CALL, .call = read_hosts },
	{ NULL },
};

bool
settings_read_dashboard(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	return schema_apply(r, rows, n, dst);
}
