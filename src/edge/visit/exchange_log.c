/* SPDX-License-Identifier: Apache-2.0 */
/* The line in the log of each request. */
#include "edge/visit/exchange_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/core/access_log.h"
#include "edge/visit/client.h"

#include <limits.h>

static const char *
version_of(const struct exchange *x)
{
	if (x->front->major == 2)
		return "HTTP/2";
	return x->req.head.minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

/* What visitors have asked for: a probe is nobody's visit. */
static void
count(const struct exchange *x, int64_t took_us)
{
	struct worker_counters *n = &x->worker->counters;
	int64_t now_ms = clock_wall_ms();

	counter_add(&n->rx_bytes, x->flow.rx_bytes);
	counter_add(&n->tx_bytes, x->flow.tx_bytes);
	if (x->probe != EXCHANGE_NO_PROBE)
		return;
	tally_add(&n->tally, x->status, took_us, now_ms);
	if (x->error != CLOSE_OK)
		counter_add(&n->errors[x->error], 1);
	if (x->route != NULL)
		tally_add(atomic_load_explicit(&x->route->tally, memory_order_acquire), x->status,
		    took_us, now_ms);
}

/* A file of its own has them at every level of the log. */
static bool
has_file(const struct worker *w)
{
	return w->settings->access_file[0] != '\0';
}

static bool
is_wanted(const struct worker *w)
{
	return w->settings->log_access && (has_file(w) || log_wants(LOG_INFO));
}

static bool
is_combined(const struct worker *w)
{
	return has_file(w) && w->settings->access_format == ACCESS_COMBINED;
}

static void
keep_field(const struct exchange *x, struct slice bytes, struct slice name, char *dst, size_t cap)
{
	size_t at = 0;
	const struct h1_field *f = h1_find(&x->req.head, bytes, name, &at);

	slice_copy(f != NULL ? h1_text(bytes, f->value) : S(""), dst, cap);
}

void
exchange_log_keep(struct exchange *x, struct slice bytes)
{
	if (!is_wanted(x->worker))
		return;
	slice_copy(h1_text(bytes, x->req.head.method), x->method, sizeof(x->method));
	slice_copy(h1_text(bytes, x->req.head.path), x->path, sizeof(x->path));
	x->referer[0] = x->agent[0] = '\0';
	if (is_combined(x->worker)) {
		keep_field(x, bytes, S("Referer"), x->referer, sizeof(x->referer));
		/* A query may be a secret: that of this request is in no log, either. */
		x->referer[strcspn(x->referer, "?#")] = '\0';
		keep_field(x, bytes, S("User-Agent"), x->agent, sizeof(x->agent));
	}
	if (!trace_of(&x->req.head, bytes, x->trace))
		x->trace[0] = '\0';
}

static const char *
event_of(const struct exchange *x)
{
	return x->probe != EXCHANGE_NO_PROBE ? "probe" : "request";
}

/* The edge's own probes are nobody's visit: a file for others' programs has none. */
static void
to_file(const struct exchange *x, const char *peer, const struct log_field *fields)
{
	const struct settings *s = x->worker->settings;
	char line[PIPE_BUF];
	struct buf out = { .p = line, .cap = sizeof(line), .max = sizeof(line) };
	bool json =
	    s->access_format == ACCESS_JSON || (s->access_format < 0 && s->log_format == LOG_JSON);

	if (x->probe != EXCHANGE_NO_PROBE)
		return;
	if (s->access_format != ACCESS_COMBINED)
		out.n = log_line(json ? LOG_JSON : LOG_LOGFMT, LOG_INFO, clock_wall_ms(),
		    event_of(x), fields, line, sizeof(line));
	else
		access_log_combined(&(struct access_line){ .peer = peer,
					.method = x->method,
					.path = x->path,
					.proto = version_of(x),
					.referer = x->referer,
					.agent = x->agent,
					.status = x->status,
					.bytes = x->flow.tx_bytes,
					.wall_ms = clock_wall_ms() },
		    &out);
	if (!out.failed)
		access_log_write(buf_slice(&out));
}

/* One line for the log, of what has a name in it: a head that never came has none, and what was
 * handed over has it there. */
void
exchange_log(const struct exchange *x)
{
	const char *error = x->status == 0 ? "visitor-gone" : close_row(x->error)->name;
	struct worker *w = x->worker;
	const struct log_field nothing = { 0 };
	char peer[PEER_TEXT_BYTES];
	int64_t took_us = loop_now_us(w->loop) - x->start_us;

	if (x->state == EXCHANGE_MOVED || x->id[0] == '\0')
		return;
	/* Once, at the end, and not for each frame. */
	count(x, took_us);
	if (!is_wanted(w))
		return;
	client_text(x, peer);
	const struct log_field fields[] = { LOG_Z("id", x->id), LOG_Z("peer", peer),
		LOG_Z("host", x->host), LOG_Z("proto", version_of(x)), LOG_Z("method", x->method),
		LOG_Z("path", x->path), LOG_U("status", x->status), LOG_Z("error", error),
		LOG_U("rx", x->flow.rx_bytes), LOG_U("tx", x->flow.tx_bytes),
		LOG_U("ms", (uint64_t)took_us / 1000),
		x->trace[0] != '\0' ? LOG_Z("trace", x->trace) : nothing, nothing };
	if (has_file(w))
		to_file(x, peer, fields);
	else
		log_write(LOG_INFO, event_of(x), fields);
}
