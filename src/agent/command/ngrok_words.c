/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of options of the name ngrok, and their parser. */
#include "agent/command/ngrok_words.h"

#include <stdio.h>
#include <string.h>

enum kind {
	VALUE,     /* of the tunnel: under `key` */
	NESTED,    /* ip_restriction.key */
	OWN,       /* see take_own() */
	FLAG,      /* true or false, of the program */
	GUARD,     /* keeps somebody out, and is not made by this name */
	PASS,      /* a value that means nothing here */
	PASS_FLAG, /* the same without a value */
};

static const struct row {
	const char *name;
	enum kind kind;
	const char *key;
} rows[] = {
	{ "config", OWN, NULL },
	{ "authtoken", OWN, NULL },
	{ "log", OWN, NULL },
	{ "log-format", OWN, NULL },
	{ "log-level", OWN, NULL },
	{ "none", FLAG, NULL },
	{ "all", FLAG, NULL },
	{ "help", FLAG, NULL },
	{ "h", FLAG, NULL },
	{ "version", FLAG, NULL },
	{ "v", FLAG, NULL },
	{ "subdomain", VALUE, "subdomain" },
	{ "hostname", VALUE, "hostname" },
	{ "domain", VALUE, "domain" },
	{ "url", VALUE, "url" },
	{ "name", VALUE, "name" },
	{ "host-header", VALUE, "host_header" },
	{ "remote-addr", VALUE, "remote_addr" },
	{ "proxy-proto", VALUE, "proxy_proto" },
	{ "upstream-proxy-protocol", VALUE, "proxy_proto" },
	{ "cidr-allow", NESTED, "allow_cidrs" },
	{ "cidr-deny", NESTED, "deny_cidrs" },
	{ "auth", GUARD, NULL },
	{ "basic-auth", GUARD, NULL },
	{ "oauth", GUARD, NULL },
	{ "oauth-allow-domain", GUARD, NULL },
	{ "oauth-allow-email", GUARD, NULL },
	{ "oauth-scope", GUARD, NULL },
	{ "oauth-client-id", GUARD, NULL },
	{ "oauth-client-secret", GUARD, NULL },
	{ "oidc", GUARD, NULL },
	{ "oidc-client-id", GUARD, NULL },
	{ "oidc-client-secret", GUARD, NULL },
	{ "oidc-scope", GUARD, NULL },
	{ "mutual-tls-cas", GUARD, NULL },
	{ "client-cas", GUARD, NULL },
	{ "crt", GUARD, NULL },
	{ "key", GUARD, NULL },
	{ "terminate-at", GUARD, NULL },
	{ "verify-webhook", GUARD, NULL },
	{ "verify-webhook-secret", GUARD, NULL },
	{ "traffic-policy-file", GUARD, NULL },
	{ "traffic-policy-url", GUARD, NULL },
	{ "policy-file", GUARD, NULL },
	{ "ua-filter-allow", GUARD, NULL },
	{ "ua-filter-deny", GUARD, NULL },
	{ "upstream-tls-verify-cas", GUARD, NULL },
	{ "binding", PASS, NULL },
	{ "region", PASS, NULL },
	{ "metadata", PASS, NULL },
	{ "description", PASS, NULL },
	{ "scheme", PASS, NULL },
	{ "schemes", PASS, NULL },
	{ "bind-tls", PASS, NULL },
	{ "api-key", PASS, NULL },
	{ "channel", PASS, NULL },
	{ "circuit-breaker", PASS, NULL },
	{ "request-header-add", PASS, NULL },
	{ "request-header-remove", PASS, NULL },
	{ "response-header-add", PASS, NULL },
	{ "response-header-remove", PASS, NULL },
	{ "upstream-protocol", PASS, NULL },
	{ "app-protocol", PASS, NULL },
	{ "inspect", PASS_FLAG, NULL },
	{ "compression", PASS_FLAG, NULL },
	{ "websocket-tcp-converter", PASS_FLAG, NULL },
	{ "pooling-enabled", PASS_FLAG, NULL },
	{ "relocate", PASS_FLAG, NULL },
	{ "dry-run", PASS_FLAG, NULL },
};

static const struct row *
find(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
			return &rows[i];
	return NULL;
}

static bool
take_own(struct ngrok_words *w, const struct row *r, const char *value)
{
	if (strcmp(r->name, "config") == 0) {
		if (w->n_configs == NGROK_CONFIGS_MAX) {
			snprintf(w->why, sizeof(w->why), "too many files of --config");
			return false;
		}
		w->configs[w->n_configs++] = value;
	} else if (strcmp(r->name, "authtoken") == 0) {
		w->authtoken = value;
	} else if (strcmp(r->name, "log") == 0) {
		w->log = value;
	} else if (strcmp(r->name, "log-format") == 0) {
		w->log_format = value;
	} else {
		w->log_level = value;
	}
	return true;
}

static void
take_flag(struct ngrok_words *w, const struct row *r, bool on)
{
	if (strcmp(r->name, "none") == 0)
		w->none = on;
	else if (strcmp(r->name, "all") == 0)
		w->all = on;
	else if (r->name[0] == 'h')
		w->help = on;
	else
		w->version = on;
}

static bool
take(struct ngrok_words *w, const struct row *r, const char *value)
{
	json_t *ip, *list;

	switch (r->kind) {
	case OWN:
		return take_own(w, r, value);
	case FLAG:
		take_flag(w, r, strcmp(value, "false") != 0);
		return true;
	case VALUE:
		json_object_set_new(w->tunnel, r->key, json_string(value));
		return true;
	case NESTED:
		ip = json_object_get(w->tunnel, "ip_restriction");
		if (ip == NULL) {
			ip = json_object();
			json_object_set_new(w->tunnel, "ip_restriction", ip);
		}
		list = json_object_get(ip, r->key);
		if (list == NULL) {
			list = json_array();
			json_object_set_new(ip, r->key, list);
		}
		json_array_append_new(list, json_string(value));
		return true;
	case GUARD:
		snprintf(w->why, sizeof(w->why),
		    "--%s: by this name that guard cannot be kept, and without it the tunnel would "
		    "be "
		    "open; adit help http has the options for it",
		    r->name);
		return false;
	case PASS:
	case PASS_FLAG:
		return true;
	}
	return true;
}

bool
ngrok_words_parse(struct ngrok_words *w, int argc, char **argv)
{
	*w = (struct ngrok_words){ .tunnel = json_object() };
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i], *name = word, *value;
		const struct row *r;
		size_t n;

		if (word[0] != '-' || word[1] == '\0') {
			if (w->n_args == NGROK_ARGS_MAX) {
				snprintf(w->why, sizeof(w->why), "too many arguments");
				return false;
			}
			w->args[w->n_args++] = word;
			continue;
		}
		name += name[1] == '-' ? 2 : 1;
		n = strcspn(name, "=");
		r = find(name, n);
		if (r == NULL) {
			snprintf(w->why, sizeof(w->why), "unknown flag: %.60s", word);
			return false;
		}
		value = name[n] == '=' ? name + n + 1 : NULL;
		if (value == NULL && (r->kind == FLAG || r->kind == PASS_FLAG))
			value = "true";
		else if (value == NULL && i + 1 < argc)
			value = argv[++i];
		if (value == NULL) {
			snprintf(w->why, sizeof(w->why), "flag needs an argument: %.60s", word);
			return false;
		}
		if (!take(w, r, value))
			return false;
	}
	return true;
}
