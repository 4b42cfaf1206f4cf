/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the lines of log.h. */
#include "agent/ngrok/log.h"

#include "agent/ngrok/api_private.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES_MAX 4096

static struct ngrok_log *
log_of(struct screen *s)
{
	return list_of(s, struct ngrok_log, screen);
}

static void
put(struct ngrok_log *l, const char *key, const char *value)
{
	bool plain = value[0] != '\0' && value[strcspn(value, " \"=\\")] == '\0';

	if (l->json) {
		buf_printf(&l->line, ",\"%s\":", key);
		buf_json(&l->line, slice_str(value));
		return;
	}
	buf_printf(&l->line, " %s=", key);
	for (const char *p = value; plain && *p != '\0'; p++)
		plain = (unsigned char)*p >= ' ' && (unsigned char)*p < 0x7f;
	if (plain)
		buf_put(&l->line, slice_str(value));
	else
		buf_json(&l->line, slice_str(value));
}

/* Levels have four letters. */
static void
begin(struct ngrok_log *l, const char *level, const char *msg)
{
	struct tm tm;
	time_t now = time(NULL);
	char t[40] = "";

	if (localtime_r(&now, &tm) != NULL)
		strftime(t, sizeof(t), "%Y-%m-%dT%H:%M:%S%z", &tm);
	l->line.n = 0;
	l->line.failed = false;
	buf_printf(&l->line, l->json ? "{\"t\":\"%s\",\"lvl\":\"%s\"" : "t=%s lvl=%s", t, level);
	put(l, "msg", msg);
}

/* A pipe that is full loses the line, never the traffic. */
static void
end(struct ngrok_log *l)
{
	if (l->json)
		buf_putc(&l->line, '}');
	buf_putc(&l->line, '\n');
	if (l->fd >= 0 && !l->line.failed)
		(void)!write(l->fd, l->line.p, l->line.n);
}

/* --- what the API tells --- */

static void
tell_response(struct ngrok_log *l, const char *scheme, const char *url)
{
	char text[500];

	snprintf(text, sizeof(text), "&{ClientId: URL:%s%s Proto:%s Opts:map[] Error: Extra:}",
	    scheme, strstr(url, "://"), scheme);
	begin(l, "dbug", "decoded response");
	put(l, "obj", "csess");
	put(l, "resp", text);
	end(l);
}

void
ngrok_log_told(struct ngrok_api *api, const struct agent_tunnel *t)
{
	struct ngrok_log *l = log_of(api->client->screen);
	char address[330];

	if (t == NULL) {
		begin(l, "info", "client session established");
		put(l, "obj", "csess");
		put(l, "id", api->client->instance);
		end(l);
		begin(l, "info", "tunnel session started");
		put(l, "obj", "tunnels.session");
		end(l);
		return;
	}
	if (t->state != TUNNEL_UP)
		return;
	if (l->debug && t->ask.kind == TUNNEL_HTTP) {
		tell_response(l, "https", t->url);
		tell_response(l, "http", t->url);
	}
	ngrok_api_address(t, address);
	begin(l, "info", "started tunnel");
	put(l, "obj", "tunnels");
	put(l, "name", ngrok_api_name(t));
	put(l, "addr", address);
	put(l, "url", t->url);
	end(l);
}

/* --- what the agent tells --- */

static void
on_web(struct screen *s, const char *address, const char *link)
{
	struct ngrok_log *l = log_of(s);

	if (address[0] == '\0') {
		begin(l, "eror", "web service failed");
		put(l, "err", link);
	} else {
		begin(l, "info", "starting web service");
		put(l, "obj", "web");
		put(l, "addr", address);
		put(l, "allow_hosts", "[]");
	}
	end(l);
}

static void
on_down(struct screen *s, const char *why)
{
	struct ngrok_log *l = log_of(s);

	begin(l, "eror", "session closed, starting reconnect loop");
	put(l, "obj", "csess");
	put(l, "err", why);
	end(l);
}

static void
on_retry(struct screen *s, int64_t pause_ms, const char *why)
{
	struct ngrok_log *l = log_of(s);

	(void)pause_ms;
	begin(l, "eror", "failed to reconnect session");
	put(l, "obj", "csess");
	put(l, "err", why);
	end(l);
}

/* Of the agent as a whole: it is its end. */
static void
on_refused(struct screen *s, const char *name, const char *code, const char *text)
{
	struct ngrok_log *l = log_of(s);
	char err[400];

	snprintf(err, sizeof(err), "%s (%s)", text, code);
	begin(l, name[0] == '\0' ? "eror" : "warn",
	    name[0] == '\0' ? "command failed" : "failed to start tunnel");
	if (name[0] != '\0')
		put(l, "name", name);
	put(l, "err", err);
	end(l);
}

static void
on_replaced(struct screen *s, const char *name, const char *text)
{
	struct ngrok_log *l = log_of(s);

	begin(l, "warn", "another agent serves this tunnel now");
	put(l, "name", name);
	put(l, "err", text);
	end(l);
}

static void
on_stopping(struct screen *s, size_t n)
{
	struct ngrok_log *l = log_of(s);

	(void)n;
	begin(l, "info", "received stop request");
	put(l, "obj", "app");
	end(l);
}

static void
on_request(struct screen *s, const struct screen_request *r)
{
	struct ngrok_log *l = log_of(s);
	char text[64];

	begin(l, "info", "join connections");
	put(l, "obj", "join");
	snprintf(text, sizeof(text), "%.*s", PS(r->request_id));
	put(l, "id", text);
	put(l, "name", r->name);
	end(l);
}

/* Nobody who reads this log knows of these. */
static void
on_up(struct screen *s, const char *name, const char *url, const char *origin, enum screen_tls tls,
    const struct screen_probe *probe, const struct screen_hook *hook)
{
	(void)s, (void)name, (void)url, (void)origin, (void)tls, (void)probe, (void)hook;
}

static void
on_online(struct screen *s, const char *name)
{
	(void)s, (void)name;
}

static void
on_certificate(struct screen *s, const char *name, const char *host, const char *issuer,
    const char *until, const char *caa)
{
	(void)s, (void)name, (void)host, (void)issuer, (void)until, (void)caa;
}

static void
on_no_certificate(struct screen *s, const char *name, const char *why, int64_t again_s)
{
	(void)s, (void)name, (void)why, (void)again_s;
}

static void
on_domain(struct screen *s, const struct screen_domain *d)
{
	(void)s, (void)d;
}

static void
on_address(struct screen *s, const char *name, const struct screen_address *a)
{
	(void)s, (void)name, (void)a;
}

static void
on_speaks_tls(struct screen *s, const char *name, const char *origin)
{
	struct ngrok_log *l = log_of(s);

	begin(l, "warn", "the local server speaks TLS: write https://");
	put(l, "name", name);
	put(l, "addr", origin);
	end(l);
}

static const struct screen_calls calls = {
	.up = on_up,
	.online = on_online,
	.certificate = on_certificate,
	.no_certificate = on_no_certificate,
	.domain = on_domain,
	.address = on_address,
	.web = on_web,
	.down = on_down,
	.retry = on_retry,
	.refused = on_refused,
	.replaced = on_replaced,
	.speaks_tls = on_speaks_tls,
	.stopping = on_stopping,
	.request = on_request,
};

void
ngrok_log_init(struct ngrok_log *l, int fd, bool json, bool debug)
{
	*l = (struct ngrok_log){ .screen = { .calls = &calls, .requests = debug },
		.fd = fd,
		.json = json,
		.debug = debug };
	buf_init(&l->line, LINE_BYTES_MAX);
}

void
ngrok_log_fini(struct ngrok_log *l)
{
	buf_fini(&l->line);
}
