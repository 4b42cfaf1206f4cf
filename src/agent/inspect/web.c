/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the agent's web server, knows whose row each is, and closes it (web.h). */
#include "agent/inspect/web.h"

#include "agent/core/config_file.h"
#include "base/rand.h"
#include "base/sentence.h"
#include "conf/file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* As many agents of one machine find a port each. */
#define PORTS_TRIED 200
#define TOKEN_CHARS 32

static const char *
wanted_address(const struct inspect_web *w)
{
	return w->address != NULL          ? w->address
	       : w->config->listen != NULL ? w->config->listen
					   : "127.0.0.1:4040";
}

/* NULL, or why it is none. */
static const char *
parse_address(const struct inspect_web *w, struct addr *ret)
{
	const char *why = addr_parse(slice_str(wanted_address(w)), ret);

	if (why == NULL && ret->tls)
		why = "it speaks no TLS: write HOST:PORT";
	if (why == NULL && ret->kind == ADDR_TCP && ret->host[0] == '\0')
		snprintf(ret->host, sizeof(ret->host), "127.0.0.1");
	if (why == NULL && ret->kind == ADDR_TCP && strcmp(ret->host, "localhost") == 0)
		snprintf(ret->host, sizeof(ret->host), "127.0.0.1");
	return why;
}

static bool
is_local(const struct addr *a)
{
	return a->kind == ADDR_UNIX || strncmp(a->host, "127.", 4) == 0 ||
	       strcmp(a->host, "::1") == 0;
}

bool
inspect_web_is_local(const struct inspect_web *w)
{
	struct addr a;

	return parse_address(w, &a) == NULL && is_local(&a);
}

bool
inspect_web_wanted(const struct inspect_web *w)
{
	return strcmp(wanted_address(w), "off") != 0;
}

void *
inspect_web_owner(const struct web_request *r)
{
	struct inspect_web *w = r->owner;

	check(r->route >= w->rows && r->route < w->rows + w->n_rows);
	return w->parts[w->part_of[r->route - w->rows]].owner;
}

/* As web_rules.authorize. */
static enum web_verdict
authorize(const struct web_request *r, enum web_right right)
{
	struct inspect_web *w = r->owner;

	check(r->route >= w->rows && r->route < w->rows + w->n_rows);
	if (w->parts[w->part_of[r->route - w->rows]].by_token)
		return web_same_token(web_bearer(r), slice_str(w->token)) ? WEB_YES : WEB_ASK;
	return web_authorize(r, right);
}

/* --- the token --- */

/* The one that is kept, so that a link that was opened once goes on; else a new one. A place where
 * none can be kept does with one for as long as the agent runs. */
static void
find_token(struct inspect_web *w)
{
	char folder[512], path[600], text[TOKEN_CHARS + 2], *error;

	if (config_state_folder(folder, sizeof(folder))) {
		snprintf(path, sizeof(path), "%s/web-token", folder);
		if (access(path, R_OK) == 0) {
			error = config_file_token(path, w->token, sizeof(w->token));
			if (error == NULL && strlen(w->token) == TOKEN_CHARS)
				return;
			free(error);
		}
		rand_name(w->token, TOKEN_CHARS);
		snprintf(text, sizeof(text), "%s\n", w->token);
		error = config_file_replace(path, slice_str(text));
		free(error); /* it serves as long as this agent runs */
		OPENSSL_cleanse(text, sizeof(text));
		return;
	}
	rand_name(w->token, TOKEN_CHARS);
}

/* --- where it is --- */

/* For programs of this user that look for the agent; the newest of several agents stands there. False:
 * there is no place for it. */
static bool
address_path(char *dst, size_t cap)
{
	char folder[512];
	int n = config_state_folder(folder, sizeof(folder))
		    ? snprintf(dst, cap, "%s/web-address", folder)
		    : -1;

	return n > 0 && (size_t)n < cap;
}

static void
write_address(const struct inspect_web *w)
{
	char path[600], text[200];

	snprintf(text, sizeof(text), "%s\n", w->bound);
	if (address_path(path, sizeof(path)))
		free(config_file_replace(path, slice_str(text)));
}

/* Unless another agent has written its own. */
static void
forget_address(const struct inspect_web *w)
{
	char path[600];
	struct slice text = S("");
	char *bytes = address_path(path, sizeof(path)) ? file_read(path, 200, &text, NULL) : NULL;

	if (bytes != NULL && w->bound[0] != '\0' &&
	    slice_eq(slice_head(text, slice_find(text, '\n')), slice_str(w->bound)))
		(void)!unlink(path);
	file_free(bytes, text);
}

/* --- it listens --- */

/* NULL, or a malloced sentence. */
static char *
make_server(struct inspect_web *w, bool local)
{
	const char *hosts[CONFIG_WEB_HOSTS];
	struct web_config config = {
		.loop = w->client->loop,
		.routes = w->rows,
		.n_routes = w->n_rows,
		.assets = w->assets,
		.index = w->assets != NULL ? "/inspector.html" : NULL,
		.owner = w,
		.rules = { .hosts = hosts,
		    .peers = local ? WEB_PEERS_OURS : WEB_PEERS_ANY,
		    .token = w->token,
		    .token_todo = "open the address that adit printed, or send \"Authorization: "
				  "Bearer TOKEN\" with the token that is in "
				  "~/.local/state/adit/web-token",
		    .authorize = authorize },
	};
	struct slice rest;

	w->hosts = strdup(w->config->hosts != NULL ? w->config->hosts : "");
	if (w->hosts == NULL)
		return strdup("out of memory");
	rest = slice_str(w->hosts);
	while (rest.n > 0 && config.rules.n_hosts < CONFIG_WEB_HOSTS) {
		struct slice host = slice_cut(&rest, ',');

		w->hosts[host.p + host.n - w->hosts] = '\0';
		hosts[config.rules.n_hosts++] = host.p;
	}
	w->server = web_server_new(&config);
	return w->server == NULL ? strdup("out of memory") : NULL;
}

/* The port, or the next one that is free. -1 and errno. */
static int
listen_at(struct inspect_web *w, struct addr *a, struct addr *ret_bound)
{
	int rc = -1;

	for (int i = 0; i < PORTS_TRIED && a->port <= 65535 - PORTS_TRIED; i++, a->port++) {
		rc = web_server_listen(w->server, a, ret_bound);
		if (rc == 0 || errno != EADDRINUSE || a->kind == ADDR_UNIX || a->port == 0)
			break;
	}
	return rc;
}

/* As agent_guest.begin. An address that is no address is a mistake; one that cannot be had leaves
 * the tunnels as they are. */
static char *
begin(struct agent_guest *guest, struct client *c)
{
	struct inspect_web *w = list_of(guest, struct inspect_web, guest);
	struct addr a, bound, six;
	const char *why;
	char *error;

	w->client = c;
	if (!inspect_web_wanted(w))
		return NULL;
	why = parse_address(w, &a);
	if (why != NULL)
		return sentence("web: %s: %s", wanted_address(w), why);
	find_token(w);
	error = make_server(w, is_local(&a));
	if (error != NULL) {
		free(w->hosts);
		return error;
	}
	if (listen_at(w, &a, &bound) != 0) {
		screen_web(c->screen, "", strerror(errno));
		return NULL;
	}
	addr_text(&bound, w->bound, sizeof(w->bound));
	write_address(w);
	/* Scripts ask for localhost, which is either. */
	six = bound;
	snprintf(six.host, sizeof(six.host), "::1");
	if (bound.kind == ADDR_TCP && strcmp(bound.host, "127.0.0.1") == 0)
		(void)!web_server_listen(w->server, &six, NULL);
	snprintf(w->link, sizeof(w->link), is_local(&bound) ? "http://%s" : "http://%s/#t=%s",
	    w->bound, w->token);
	if (bound.kind == ADDR_UNIX)
		snprintf(w->link, sizeof(w->link), "%s", w->bound);
	screen_web(c->screen, w->bound, w->link);
	return NULL;
}

/* As agent_guest.end. */
static void
end(struct agent_guest *guest, int exit_code)
{
	struct inspect_web *w = list_of(guest, struct inspect_web, guest);

	(void)exit_code;
	forget_address(w);
	web_server_free(w->server);
	w->server = NULL;
	free(w->hosts);
	w->hosts = NULL;
	OPENSSL_cleanse(w->token, sizeof(w->token));
}

/* --- before the agent runs --- */

void
inspect_web_init(struct inspect_web *w, const struct config_web *config, const char *address,
    const struct web_assets *assets)
{
	*w = (struct inspect_web){ .guest = { .begin = begin, .end = end },
		.config = config,
		.address = address,
		.assets = assets };
}

void
inspect_web_add(struct inspect_web *w, const struct inspect_part *part)
{
	check(w->n_parts < INSPECT_PARTS && w->n_rows + part->n_rows <= INSPECT_ROWS);
	check(w->server == NULL);
	for (size_t i = 0; i < part->n_rows; i++) {
		w->part_of[w->n_rows] = (unsigned char)w->n_parts;
		w->rows[w->n_rows++] = part->rows[i];
	}
	w->parts[w->n_parts++] = *part;
}
