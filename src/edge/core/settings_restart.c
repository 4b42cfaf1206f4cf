/* SPDX-License-Identifier: Apache-2.0 */
/* What no reload can change. */
#include "edge/core/settings.h"

/*
 * The first that differs, in the order of the manual: to name one is enough to know
 * what to do.
 */
const char *
settings_restart_for(const struct settings *now, const struct settings *next)
{
	if (!addr_same(&now->https, &next->https))
		return "listen.https";
	if (now->has_http != next->has_http || !addr_same(&now->http, &next->http))
		return "listen.http";
	if (!addr_same(&now->control, &next->control))
		return "listen.control";
	if (strcmp(now->domain, next->domain) != 0)
		return "domain";
	if (strcmp(now->state_dir, next->state_dir) != 0)
		return "state_dir";
	if (strcmp(now->user, next->user) != 0 || strcmp(now->group, next->group) != 0)
		return "user and group";
	if (now->workers != next->workers)
		return "workers";
	if (now->inbox.n_hide != next->inbox.n_hide ||
	    memcmp(now->inbox.hide, next->inbox.hide, sizeof(now->inbox.hide)) != 0)
		return "inbox.hide";
	if (!cidr_set_same(&now->proxies.https, &next->proxies.https) ||
	    !cidr_set_same(&now->proxies.http, &next->proxies.http) ||
	    !cidr_set_same(&now->proxies.tcp, &next->proxies.tcp))
		return "proxy_protocol";
	if (!settings_dns_same(&now->dns, &next->dns))
		return "dns";
	if (now->log_level != next->log_level || now->log_format != next->log_format)
		return "log.level and log.format";
	return NULL;
}
