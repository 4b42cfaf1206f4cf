/* SPDX-License-Identifier: Apache-2.0 */
/* The requests about certificates. */
#include "edge/cert/cert.h"
#include "edge/control/control_private.h"
#include "edge/inbox/query.h"

#include <stdio.h>

#define NAME_BYTES 256

static struct certs *
certs_of(const struct asker *c)
{
	return c->control->edge->certs;
}

/* False: it was answered. */
static bool
read_name(struct asker *c, json_t *request, char name[NAME_BYTES])
{
	name[0] = '\0';
	if (certs_of(c) == NULL) {
		control_refuse(c, "none", "an edge of --dev gets no certificates of a CA");
		return false;
	}
	if (query_text(request, "name", name, NAME_BYTES))
		return true;
	control_refuse(c, "bad-request", "\"name\" is too long or of the wrong type");
	return false;
}

static void
list(struct asker *c, json_t *request)
{
	char after[NAME_BYTES];
	bool more = false;
	json_t *rows;

	if (!read_name(c, request, after))
		return;
	rows = certs_list(certs_of(c), after, &more);
	control_answer(c, json_pack("{s:b, s:o, s:b}", "ok", 1, "rows", rows, "more", more));
}

static void
show(struct asker *c, json_t *request)
{
	char name[NAME_BYTES];
	json_t *o;

	if (!read_name(c, request, name))
		return;
	o = certs_show(certs_of(c), name);
	if (o == NULL) {
		control_refuse(c, "none",
		    "there is no certificate of this name; see aditd cert list");
		return;
	}
	json_object_set_new(o, "ok", json_true());
	control_answer(c, o);
}

/* At once, or when it is over: until then the client waits as for the store. */
static void
on_done(void *owner, bool ok, const char *text)
{
	struct asker *c = owner;

	c->cert_job = NULL;
	if (ok)
		control_answer(c, json_pack("{s:b, s:s}", "ok", 1, "text", text));
	else
		control_refuse(c, "failed", text);
}

static void
renew(struct asker *c, json_t *request)
{
	char name[NAME_BYTES];

	if (read_name(c, request, name))
		c->cert_job = certs_renew(certs_of(c), name, on_done, c);
}

static void
revoke(struct asker *c, json_t *request)
{
	json_t *reason = json_object_get(request, "reason");
	char name[NAME_BYTES];

	if (!read_name(c, request, name))
		return;
	/* RFC 5280 5.3.1; 7 is not used, and what lies above 10 is no reason. */
	if (reason != NULL && (!json_is_integer(reason) || json_integer_value(reason) < 0 ||
				  json_integer_value(reason) > 10)) {
		control_refuse(c, "bad-request", "\"reason\" is a number from 0 to 10");
		return;
	}
	c->cert_job = certs_revoke(certs_of(c), name,
	    reason == NULL ? 0 : (int)json_integer_value(reason), on_done, c);
}

static void
rollover(struct asker *c, json_t *request)
{
	char name[NAME_BYTES];

	if (read_name(c, request, name))
		c->cert_job = certs_rollover(certs_of(c), on_done, c);
}

static const struct {
	const char *op;
	void (*fn)(struct asker *c, json_t *request);
} rows[] = {
	{ "list", list },
	{ "show", show },
	{ "renew", renew },
	{ "revoke", revoke },
	{ "rollover", rollover },
};

bool
control_cert(struct asker *c, const char *op, json_t *request)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(op, rows[i].op) == 0) {
			rows[i].fn(c, request);
			return true;
		}
	return false;
}
