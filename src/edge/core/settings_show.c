/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that hold, as people read them. */
#include "edge/core/settings_show.h"

#include "conf/schema.h"

#include <stdio.h>

/* A value of a row; NULL: a kind that only its reader understands. */
static json_t *
value_json(const struct schema_row *row, const struct settings *s)
{
	const char *p = (const char *)s + row->at;
	int64_t word;

	switch (row->kind) {
	case SCHEMA_INT:
		return json_integer((json_int_t) * (const int64_t *)p);
	case SCHEMA_BOOL:
		return json_boolean(*(const bool *)p);
	case SCHEMA_WORD:
		word = *(const int64_t *)p;
		return json_string(word < 0 ? "" : row->words[word]); /* -1: not said */
	case SCHEMA_TEXT:
	case SCHEMA_PATH:
		/* A command may hold a password. */
		if (p == s->inbox.alert_command)
			return json_string(p[0] == '\0' ? "" : "(set, not shown)");
		return json_string(p);
	case SCHEMA_MAP:
	case SCHEMA_CALL:
		return NULL;
	}
	return NULL;
}

static void
show_value(json_t *a, const char *prefix, const char *key, json_t *value)
{
	char whole[128];

	snprintf(whole, sizeof(whole), "%s%s%s", prefix, prefix[0] == '\0' ? "" : ".", key);
	json_array_append_new(a, json_pack("{s:s, s:o}", "key", whole, "value", value));
}

static void
show_addr(json_t *a, const char *prefix, const char *key, const struct addr *addr)
{
	char text[ADDR_TEXT_BYTES];

	addr_text(addr, text, sizeof(text));
	show_value(a, prefix, key, json_string(text));
}

/* What the rows leave to a reader of its own, where one value says it. */
static void
show_read(json_t *a, const struct settings *s)
{
	show_value(a, "", "domain", json_string(s->domain));
	show_value(a, "", "via", json_string(s->via));
	show_value(a, "", "default_tunnel", json_string(s->default_tunnel));
	show_value(a, "", "certificates", json_integer((json_int_t)s->n_certs));
	show_addr(a, "listen", "https", &s->https);
	if (s->has_http)
		show_addr(a, "listen", "http", &s->http);
	show_addr(a, "listen", "control", &s->control);
	show_value(a, "tcp_ports", "address", json_string(s->host));
	show_value(a, "inbox", "alert_url",
	    json_string(s->inbox.alert_url.host[0] == '\0' ? "" : "(set, not shown)"));
	show_value(a, "acme", "email", json_string(s->acme.email));
	show_value(a, "acme", "agree_to_terms", json_boolean(s->acme.agree));
	show_value(a, "dashboard", "off", json_boolean(s->dashboard.off));
	for (size_t i = 0; i < s->dashboard.n_listen; i++)
		show_addr(a, "dashboard", "listen", &s->dashboard.listen[i]);
	for (size_t i = 0; i < s->dashboard.n_hosts; i++)
		show_value(a, "dashboard", "hosts", json_string(s->dashboard.hosts[i]));
}

json_t *
settings_show(const struct settings *s)
{
	json_t *a = json_array();

	show_read(a, s);
	for (const struct schema_row *r = settings_rows; r->key != NULL; r++) {
		json_t *value = value_json(r, s);

		if (value != NULL)
			show_value(a, "", r->key, value);
		for (const struct schema_row *in = r->kind == SCHEMA_MAP ? r->rows : NULL;
		     in != NULL && in->key != NULL; in++) {
			value = value_json(in, s);
			if (value != NULL)
				show_value(a, r->key, in->key, value);
		}
	}
	return a;
}
