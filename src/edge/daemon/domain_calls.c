/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of own domains: of the files of the configuration, or of a CA. */
#include "edge/daemon/domain_calls.h"

#include "base/log.h"
#include "edge/cert/cert.h"

static void
want(void *arg, const char *name, const char *account)
{
	struct daemon *d = arg;
	const char *why;

	/* A file of the operator's needs no CA. */
	if (d->edge.certs == NULL || tls_server_covers(d->server, name))
		return;
	why = certs_want(d->edge.certs, name, account);
	if (why != NULL)
		log_event(LOG_WARN, "domain-without-certificate", LOG_Z("domain", name),
		    LOG_Z("why", why));
}

static void
hold(void *arg, const char *name)
{
	struct daemon *d = arg;

	if (d->edge.certs != NULL)
		certs_pause(d->edge.certs, name);
}

static void
unwant(void *arg, const char *name)
{
	struct daemon *d = arg;

	if (d->edge.certs != NULL)
		certs_unwant(d->edge.certs, name);
}

/*
 * {"state":"file"}; what `aditd cert list` says of one that is got of a CA; {"state":"none"} and why.
 */
static json_t *
certificate(void *arg, const char *name, bool *ret_served)
{
	static const char *const members[] = { "state", "end_ms", "next_ms", "problem" };
	struct daemon *d = arg;
	json_t *row = d->edge.certs == NULL ? NULL : certs_show(d->edge.certs, name), *o;
	const char *state = json_string_value(json_object_get(row, "state"));

	*ret_served = true;
	if (tls_server_covers(d->server, name)) {
		json_decref(row);
		return json_pack("{s:s}", "state", "file");
	}
	*ret_served = json_integer_value(json_object_get(row, "end_ms")) != 0 && state != NULL &&
		      strcmp(state, "expired") != 0;
	if (row == NULL)
		return json_pack("{s:s, s:s}", "state", "none", "problem",
		    "the edge gets no certificates of a CA: its operator must bring one, or write "
		    "acme: into its configuration");
	o = json_object();
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		json_object_set(o, members[i], json_object_get(row, members[i]));
	json_decref(row);
	return o;
}

struct domains_calls
domain_calls(struct daemon *d)
{
	return (struct domains_calls){ want, hold, unwant, certificate, d };
}
