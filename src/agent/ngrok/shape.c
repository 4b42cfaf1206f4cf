/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the JSON of the API (shape.h). */
#include "agent/ngrok/shape.h"

#include "agent/link/uplink.h"
#include "base/text.h"

#include <openssl/sha.h>
#include <stdio.h>

/* In a path: what is not unreserved is percent-encoded (RFC 3986 2.3). dst: 3 * n + 1. */
static void
put_encoded(char *dst, const char *name)
{
	for (; *name != '\0'; name++) {
		unsigned char c = (unsigned char)*name;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c) != NULL)
			*dst++ = (char)c;
		else
			dst += sprintf(dst, "%%%02X", c);
	}
	*dst = '\0';
}

static json_t *
uri(const char *collection, const struct agent_tunnel *t)
{
	char name[3 * sizeof(t->title) + 64];

	put_encoded(name, ngrok_api_name(t));
	return json_sprintf("/api/%s/%s", collection, name);
}

/* 32 hex digits that stay as long as the tunnel does. */
static json_t *
id(const struct ngrok_api *api, const struct agent_tunnel *t)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char text[128], hex[33];
	int n = snprintf(text, sizeof(text), "%s %u", api->client->instance, t->ask.id);

	SHA256((const unsigned char *)text, (size_t)n, digest);
	text_hex(digest, 16, hex);
	return json_string(hex);
}

/* Rates need a clock of their own and are said to be none; what is counted is true. */
static json_t *
metrics(const struct agent_tunnel *t)
{
	return json_pack(
	    "{s:{s:i,s:I,s:i,s:i,s:i,s:i,s:i,s:i,s:i},s:{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}}",
	    "conns", "count", 0, "gauge", (json_int_t)t->n_streams, "rate1", 0, "rate5", 0,
	    "rate15", 0, "p50", 0, "p90", 0, "p95", 0, "p99", 0, "http", "count", 0, "rate1", 0,
	    "rate5", 0, "rate15", 0, "p50", 0, "p90", 0, "p95", 0, "p99", 0);
}

static const char *
proto(const struct agent_tunnel *t)
{
	return t->ask.kind == TUNNEL_HTTP ? "https" : t->ask.kind == TUNNEL_TCP ? "tcp" : "tls";
}

json_t *
shape_tunnel(const struct ngrok_api *api, const struct agent_tunnel *t)
{
	char address[330];

	ngrok_api_address(t, address);
	return json_pack("{s:s,s:o,s:o,s:s,s:s,s:{s:s,s:b},s:o}", "name", ngrok_api_name(t), "ID",
	    id(api, t), "uri", uri("tunnels", t), "public_url", t->url, "proto", proto(t), "config",
	    "addr", address, "inspect", true, "metrics", metrics(t));
}

json_t *
shape_endpoint(const struct ngrok_api *api, const struct agent_tunnel *t)
{
	char address[330];

	ngrok_api_address(t, address);
	return json_pack("{s:s,s:o,s:o,s:s,s:s,s:{s:s,s:s},s:b,s:b,s:o}", "name", ngrok_api_name(t),
	    "id", id(api, t), "uri", uri("endpoints", t), "url", t->url, "proto", proto(t),
	    "upstream", "url", address, "protocol", t->origin.h2 != NULL ? "http2" : "http1",
	    "inspect", true, "pooling_enabled", false, "metrics", metrics(t));
}

json_t *
shape_status(const struct ngrok_api *api)
{
	const struct client *c = api->client;
	bool up = c != NULL && c->state == CLIENT_UP;
	int64_t us = up && c->session != NULL ? c->session->carrier.rtt_us : 0;

	return json_pack("{s:s,s:s,s:{s:[{s:s,s:o}]},s:s}", "status",
	    up ? "online" : "reconnecting", "agent_version", NGROK_VERSION, "session", "legs",
	    "region", "adit", "latency", json_sprintf("%lldms", (long long)(us + 500) / 1000),
	    "uri", "/api/status");
}

json_t *
shape_links(void)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s}", "uri", "/api", "status_uri", "/api/status",
	    "tunnels_uri", "/api/tunnels", "endpoints_uri", "/api/endpoints", "requests_uri",
	    "/api/requests/http");
}

json_t *
shape_error(int error_code, int status, const char *msg, const char *err)
{
	return json_pack("{s:i,s:i,s:s,s:{s:s}}", "error_code", error_code, "status_code", status,
	    "msg", msg, "details", "err", err);
}
