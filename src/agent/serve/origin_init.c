/* SPDX-License-Identifier: Apache-2.0 */
/* What a tunnel's configuration makes of an origin: its address, its name in TLS, what does not fit. */
#include "agent/serve/origin.h"

#include "agent/serve/origin_h2.h"

#include "base/sentence.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* "8080" means this machine by either protocol; a name or address is taken as it is. */
static const char *
set_address(struct origin *o, struct slice s)
{
	struct addr *a = &o->tries[0];
	const char *why = addr_parse_origin(s, a);

	if (why != NULL)
		return why;
	o->n_tries = 1;
	if (a->kind == ADDR_UNIX)
		return NULL;
	if (a->port == 0)
		return "port 0 cannot be connected to";
	if (a->host[0] == '\0') {
		o->tries[1] = *a;
		memcpy(a->host, "127.0.0.1", sizeof("127.0.0.1"));
		memcpy(o->tries[1].host, "::1", sizeof("::1"));
		o->n_tries = 2;
	}
	return NULL;
}

static bool
is_numeric(const char *host)
{
	char bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* An origin that is known by address only may be verified by the Host that it is sent. */
static void
set_tls_name(struct origin *o)
{
	const struct addr *a = &o->tries[0];
	struct slice name = slice_str(a->kind == ADDR_UNIX ? "localhost" : a->host), host = o->host;

	if ((a->kind == ADDR_UNIX || is_numeric(a->host)) && host.p != NULL && host.n > 0 &&
	    host.p[0] != '[')
		name = slice_cut(&host, ':');
	if (!slice_z(name, o->tls_name, sizeof(o->tls_name)))
		o->tls_name[0] = '\0';
}

/* NULL, or a malloced sentence on the certificates. */
static char *
set_tls(struct origin *o, const struct config_tunnel *t)
{
	struct tls_client_params p = {
		.ca_path = t->origin_ca, .verify = !t->origin_insecure, .h2 = o->tries[0].h2
	};
	char *error = NULL;

	set_tls_name(o);
	o->tls = tls_client_new(&p, &error);
	return o->tls == NULL ? error : NULL;
}

/* file:///DIR or sink:, which are in the agent itself. NULL, or a malloced sentence. */
static char *
set_site(struct origin *o, const struct config_tunnel *t, enum builtin_kind kind,
    const char *folder)
{
	const struct builtin_wish wish = { .kind = kind,
		.folder = folder,
		.listing = t->listing,
		.hidden = t->dotfiles,
		.sink = &o->shared->sink };

	if (t->kind != TUNNEL_HTTP || t->tls_at_agent)
		return sentence("%s: it answers requests, so it is for adit http without "
				"tls-at-agent",
		    t->origin);
	if (t->proxy_protocol != 0 || t->origin_ca != NULL || t->origin_insecure)
		return sentence("%s: nothing is connected to, so proxy-protocol, origin-ca and "
				"origin-insecure are off",
		    t->origin);
	if (kind != BUILTIN_FILES && (t->listing || t->dotfiles))
		return sentence("%s: listing and dotfiles are for file:///DIR", t->origin);
	if (o->shared->builtin == NULL && (o->shared->builtin = builtin_new()) == NULL)
		return sentence("%s: %s", t->origin, strerror(errno));
	o->site = builtin_site_new(&wish);
	if (o->site == NULL)
		return sentence("%s: %s; name a folder that the agent may read", t->origin,
		    strerror(errno));
	snprintf(o->text, sizeof(o->text), "%s", t->origin);
	return NULL;
}

char *
origin_init(struct origin *o, struct origin_shared *s, const struct config_tunnel *t)
{
	enum builtin_kind kind;
	const char *why, *folder;
	char text[300], *error;

	*o = (struct origin){ .shared = s,
		.host = slice_str(t->origin_host),
		.proxy_protocol = (int)t->proxy_protocol };
	list_init(&o->idle);
	why = builtin_origin(t->origin, &kind, &folder);
	if (why == NULL && kind != BUILTIN_NONE)
		return set_site(o, t, kind, folder);
	if (why == NULL && (t->listing || t->dotfiles))
		why = "listing and dotfiles are for file:///DIR";
	if (why == NULL)
		why = set_address(o, slice_str(t->origin));
	if (why == NULL && t->kind == TUNNEL_TCP && (o->tries[0].tls || o->tries[0].h2))
		why = "a tcp tunnel passes bytes on as they are: write HOST:PORT";
	if (why == NULL && t->kind == TUNNEL_TLS && (o->tries[0].tls || o->tries[0].h2))
		why = "a tls tunnel passes TLS on as it is: write HOST:PORT";
	if (why == NULL && t->tls_at_agent && o->tries[0].tls)
		why = "where TLS ends at the agent the local server gets plain HTTP: write "
		      "HOST:PORT, or "
		      "take adit tls";
	if (why == NULL && o->tries[0].h2 && t->proxy_protocol != 0)
		why = "a PROXY header names one visitor, and an HTTP/2 connection carries those of "
		      "many: leave proxy-protocol out, or write http://";
	if (why == NULL && !o->tries[0].tls && (t->origin_ca != NULL || t->origin_insecure))
		why = "origin-ca and origin-insecure are for an origin with https:// or h2://";
	if (why != NULL)
		return asprintf(&error, "%s: %s", t->origin, why) < 0 ? strdup("out of memory")
								      : error;
	check(o->n_tries >= 1);
	addr_text(&o->tries[0], text, sizeof(text));
	snprintf(o->text, sizeof(o->text), "%s%s",
	    t->kind == TUNNEL_HTTP && o->tries[0].kind == ADDR_TCP && !o->tries[0].tls &&
		    !o->tries[0].h2
		? "http://"
		: "",
	    text);
	if (o->tries[0].h2 && (o->h2 = origin_h2_new(o)) == NULL)
		return strdup("out of memory");
	return o->tries[0].tls ? set_tls(o, t) : NULL;
}
