/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config.h"

#include "agent/suggest.h"
#include "agent/yaml.h"
#include "http/url.h"
#include "net/addr.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

/* --- the schema: a row per key --- */

enum value_kind {
	VALUE_TEXT,
	VALUE_PATH,
	VALUE_NAME,
	VALUE_ADDRESS,
	VALUE_PORT,
	VALUE_BOOL,
	VALUE_KIND
};

struct row {
	const char *key; /* first: suggest() */
	enum value_kind kind;
	size_t at;
};

static const struct row top_rows[] = {
	{ "edge", VALUE_TEXT, offsetof(struct config, edge) },
	{ "ca", VALUE_PATH, offsetof(struct config, ca) },
	{ "token", VALUE_TEXT, offsetof(struct config, token) },
	{ "token_file", VALUE_PATH, offsetof(struct config, token_file) },
	{ "tunnels", VALUE_TEXT, 0 }, /* a mapping; see read_nodes() */
};

static const struct row tunnel_rows[] = {
	{ "kind", VALUE_KIND, offsetof(struct config_tunnel, kind) },
	{ "name", VALUE_NAME, offsetof(struct config_tunnel, name) },
	{ "port", VALUE_PORT, offsetof(struct config_tunnel, port) },
	{ "origin", VALUE_ADDRESS, offsetof(struct config_tunnel, origin) },
	{ "origin_host", VALUE_TEXT, offsetof(struct config_tunnel, origin_host) },
	{ "origin_ca", VALUE_PATH, offsetof(struct config_tunnel, origin_ca) },
	{ "origin_insecure", VALUE_BOOL, offsetof(struct config_tunnel, origin_insecure) },
	{ "for", VALUE_TEXT, offsetof(struct config_tunnel, policy.preset) },
	{ "store", VALUE_BOOL, offsetof(struct config_tunnel, policy.store) },
	{ "relay", VALUE_BOOL, offsetof(struct config_tunnel, policy.relay) },
	{ "secret_file", VALUE_PATH, offsetof(struct config_tunnel, policy.secret_files[0]) },
	{ "scheme", VALUE_TEXT, offsetof(struct config_tunnel, policy.scheme) },
	{ "allow", VALUE_TEXT, offsetof(struct config_tunnel, policy.allow) },
	{ "deny", VALUE_TEXT, offsetof(struct config_tunnel, policy.deny) },
	{ "user_file", VALUE_PATH, offsetof(struct config_tunnel, policy.user_file) },
	{ "policy", VALUE_PATH, offsetof(struct config_tunnel, policy.policy_file) },
	{ "body_max", VALUE_TEXT, offsetof(struct config_tunnel, policy.body_max) },
	{ "rate", VALUE_TEXT, offsetof(struct config_tunnel, policy.rate) },
};

#define N_ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

struct reader {
	const struct yaml *y;
	struct config *config;
	size_t at; /* next node */
};

static char *
value_error(const struct reader *r, const struct yaml_node *n, const char *why)
{
	return yaml_error(r->y->path, n->value_line, n->value_column, "%s: %s", n->key, why);
}

/* Paths are relative to the folder of the file that names them. */
static char *
resolve_path(const char *file, const char *value)
{
	const char *slash = strrchr(file, '/');
	char *whole;

	if (value[0] == '/' || slash == NULL)
		return strdup(value);
	if (asprintf(&whole, "%.*s/%s", (int)(slash - file), file, value) < 0)
		return NULL;
	return whole;
}

static char *
set_text(char **dst, char *value)
{
	if (value == NULL)
		return strdup("out of memory");
	free(*dst);
	*dst = value;
	return NULL;
}

static char *
set_name(const struct reader *r, const struct yaml_node *n, char **dst)
{
	char name[64];
	const char *why = url_name(slice_str(n->value), name, sizeof(name));

	return why != NULL ? value_error(r, n, why) : set_text(dst, strdup(name));
}

static char *
set_port(const struct reader *r, const struct yaml_node *n, uint16_t *dst)
{
	uint64_t v;

	if (!slice_u64(slice_str(n->value), &v) || v < 1 || v > 65535)
		return value_error(r, n, "a port is a number from 1 to 65535");
	*dst = (uint16_t)v;
	return NULL;
}

static char *
set_bool(const struct reader *r, const struct yaml_node *n, bool *dst)
{
	if (strcmp(n->value, "true") == 0 || strcmp(n->value, "yes") == 0)
		*dst = true;
	else if (strcmp(n->value, "false") == 0 || strcmp(n->value, "no") == 0)
		*dst = false;
	else
		return value_error(r, n, "true or false is wanted");
	return NULL;
}

static char *
set_kind(const struct reader *r, const struct yaml_node *n, enum tunnel_kind *dst)
{
	if (strcmp(n->value, "http") == 0)
		*dst = TUNNEL_HTTP;
	else if (strcmp(n->value, "tcp") == 0)
		*dst = TUNNEL_TCP;
	else
		return value_error(r, n, "http or tcp is wanted");
	return NULL;
}

static char *
set_value(const struct reader *r, const struct row *row, const struct yaml_node *n, void *object)
{
	void *dst = (char *)object + row->at;
	struct addr addr;
	const char *why;

	if (n->value[0] == '\0')
		return value_error(r, n, "the value is missing");
	switch (row->kind) {
	case VALUE_TEXT:
		return set_text(dst, strdup(n->value));
	case VALUE_PATH:
		return set_text(dst, resolve_path(r->y->path, n->value));
	case VALUE_NAME:
		return set_name(r, n, dst);
	case VALUE_ADDRESS:
		why = addr_parse(slice_str(n->value), &addr);
		return why != NULL ? value_error(r, n, why) : set_text(dst, strdup(n->value));
	case VALUE_PORT:
		return set_port(r, n, dst);
	case VALUE_BOOL:
		return set_bool(r, n, dst);
	case VALUE_KIND:
		return set_kind(r, n, dst);
	}
	return NULL;
}

static const struct row *
find_row(const struct row *rows, size_t n_rows, const char *key)
{
	for (size_t i = 0; i < n_rows; i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static char *
unknown_key(
    const struct reader *r, const struct yaml_node *n, const struct row *rows, size_t n_rows)
{
	const char *near = suggest(slice_str(n->key), rows, n_rows, sizeof(*rows));

	if (near != NULL)
		return yaml_error(r->y->path, n->line, n->column,
		    "unknown key \"%.60s\"; did you mean \"%s\"?", n->key, near);
	return yaml_error(r->y->path, n->line, n->column, "unknown key \"%.60s\"", n->key);
}

/* key: value lines into an object until its mapping ends. */
static char *
read_object(struct reader *r, const struct row *rows, size_t n_rows, void *object)
{
	char *error = NULL;

	while (error == NULL && r->at < r->y->n) {
		const struct yaml_node *n = &r->y->nodes[r->at++];
		const struct row *row;

		if (n->key == NULL)
			break;
		row = find_row(rows, n_rows, n->key);
		if (row == NULL)
			error = unknown_key(r, n, rows, n_rows);
		else if (n->value == NULL)
			error = value_error(r, n, "a value is wanted, not a mapping");
		else
			error = set_value(r, row, n, object);
	}
	return error;
}

static char *
check_tunnel(const struct reader *r, const struct yaml_node *n, const struct config_tunnel *t)
{
	if (t->origin == NULL)
		return yaml_error(r->y->path, n->line, n->column,
		    "tunnel \"%.60s\" has no origin: the address of the local server", n->key);
	if (t->kind == TUNNEL_TCP && (t->name != NULL || t->origin_host != NULL))
		return yaml_error(r->y->path, n->line, n->column,
		    "tunnel \"%.60s\": name and origin_host are for kind: http", n->key);
	if (t->kind == TUNNEL_TCP && policy_text_given(&t->policy))
		return yaml_error(r->y->path, n->line, n->column,
		    "tunnel \"%.60s\": policies and webhooks are for kind: http", n->key);
	if (t->kind == TUNNEL_HTTP && t->port != 0)
		return yaml_error(r->y->path, n->line, n->column,
		    "tunnel \"%.60s\": port is for kind: tcp", n->key);
	return NULL;
}

static char *
read_tunnels(struct reader *r)
{
	struct config *c = r->config;

	while (r->at < r->y->n) {
		const struct yaml_node *n = &r->y->nodes[r->at++];
		struct config_tunnel *t;
		char *error;

		if (n->key == NULL)
			break;
		if (n->value != NULL)
			return value_error(r, n, "a mapping with origin: ADDRESS is wanted");
		if (n->key[0] == '\0' || strlen(n->key) > 63)
			return yaml_error(r->y->path, n->line, n->column,
			    "a tunnel is called by 1 to 63 characters");
		if (c->n_tunnels == LIMIT_TUNNELS_PER_LINK)
			return yaml_error(r->y->path, n->line, n->column, "more than %d tunnels",
			    LIMIT_TUNNELS_PER_LINK);
		t = &c->tunnels[c->n_tunnels++];
		t->line = n->line;
		t->label = strdup(n->key);
		error = t->label == NULL ? strdup("out of memory")
					 : read_object(r, tunnel_rows, N_ROWS(tunnel_rows), t);
		if (error == NULL)
			error = check_tunnel(r, n, t);
		if (error != NULL)
			return error;
	}
	return NULL;
}

static char *
read_nodes(struct reader *r)
{
	char *error = NULL;

	while (error == NULL && r->at < r->y->n) {
		const struct yaml_node *n = &r->y->nodes[r->at++];
		const struct row *row = find_row(top_rows, N_ROWS(top_rows), n->key);
		bool tunnels = row != NULL && strcmp(row->key, "tunnels") == 0;

		if (row == NULL)
			error = unknown_key(r, n, top_rows, N_ROWS(top_rows));
		else if (tunnels && n->value == NULL)
			error = read_tunnels(r);
		else if (tunnels && n->value[0] != '\0')
			error = value_error(r, n, "a mapping of tunnels is wanted");
		else if (!tunnels && n->value == NULL)
			error = value_error(r, n, "a value is wanted, not a mapping");
		else if (!tunnels)
			error = set_value(r, row, n, r->config);
	}
	return error;
}

char *
config_parse(struct slice text, const char *path, struct config *ret_c)
{
	struct yaml y;
	struct reader r = { .y = &y, .config = ret_c };
	char *error;

	*ret_c = (struct config){ 0 };
	error = yaml_parse(&y, text, path);
	if (error == NULL)
		error = read_nodes(&r);
	yaml_fini(&y);
	return error;
}

static void
wipe(char *z)
{
	if (z != NULL)
		OPENSSL_cleanse(z, strlen(z));
	free(z);
}

void
config_fini(struct config *c)
{
	for (size_t i = 0; i < c->n_tunnels; i++) {
		struct config_tunnel *t = &c->tunnels[i];

		free(t->label);
		free(t->name);
		free(t->origin);
		free(t->origin_host);
		free(t->origin_ca);
		free(t->policy.preset);
		free(t->policy.scheme);
		free(t->policy.secret_files[0]);
		free(t->policy.allow);
		free(t->policy.deny);
		free(t->policy.user_file);
		free(t->policy.policy_file);
		free(t->policy.body_max);
		free(t->policy.rate);
	}
	free(c->edge);
	free(c->ca);
	free(c->token_file);
	wipe(c->token);
	*c = (struct config){ 0 };
}
