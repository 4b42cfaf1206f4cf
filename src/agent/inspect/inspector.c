/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the inspector, its list, and its life beside the agent's client (inspector.h). */
#include "agent/inspect/inspector.h"

#include "agent/inspect/agent_metrics.h"
#include "agent/inspect/filter.h"
#include "agent/inspect/inspect_private.h"
#include "base/clock.h"
#include "base/rand.h"

#include <openssl/crypto.h>

struct inspector *
inspector_of(const struct web_request *r)
{
	return inspect_web_owner(r);
}

bool
inspect_find(struct web_request *r, struct capture_row *ret)
{
	uint64_t id;

	if (slice_u64(r->params[0], &id) && rows_find(inspector_of(r)->rows, id, ret))
		return true;
	web_error(r, 404, "no-exchange", "There is no such request.",
	    "It may be older than what is kept.");
	return false;
}

static void
get_state(struct web_request *r)
{
	web_json(r, 200, inspect_state(inspector_of(r), true));
}

/* --- the list --- */

struct asked {
	uint64_t limit, before, after, skip;
	struct filter filter;
};

static bool
read_asked(const struct web_request *r, struct asked *ret)
{
	*ret = (struct asked){ .limit = 200, .before = UINT64_MAX };
	if (!web_query_u64(r, S("limit"), &ret->limit) ||
	    !web_query_u64(r, S("before"), &ret->before) ||
	    !web_query_u64(r, S("after"), &ret->after) || !web_query_u64(r, S("skip"), &ret->skip))
		return false;
	if (ret->limit > LIMIT_INSPECT_ROWS)
		ret->limit = LIMIT_INSPECT_ROWS;
	filter_parse(&ret->filter, web_query(r, S("q")));
	return true;
}

static void
get_list(struct web_request *r)
{
	struct rows *rows = inspector_of(r)->rows;
	int64_t now_ms = clock_wall_ms();
	struct capture_row row;
	struct asked a;
	uint64_t total = 0, taken = 0;
	json_t *list;
	bool more;

	if (!read_asked(r, &a)) {
		web_error(r, 400, "bad-number", "limit, before, after and skip are numbers.", "");
		return;
	}
	list = json_array();
	more = a.before == UINT64_MAX ? rows_newest(rows, &row) : rows_before(rows, a.before, &row);
	for (; more && row.id > a.after; more = rows_before(rows, row.id, &row)) {
		if (!filter_lets(&a.filter, &row, now_ms))
			continue;
		if (total++ < a.skip || taken == a.limit)
			continue;
		taken++;
		json_array_append_new(list, inspect_row(&row));
	}
	web_json(r, 200,
	    json_pack("{s:o,s:b,s:I}", "rows", list, "more", total > a.skip + taken, "total",
		(json_int_t)total));
}

static const struct web_route routes[] = {
	/* Figures name tunnels: they are for whoever may read the rest. */
	{ .method = "GET", .pattern = "/metrics", .right = WEB_READ, .handle = agent_metrics },
	{ .method = "GET", .pattern = "/healthz", .right = WEB_OPEN, .handle = agent_healthz },
	{ .method = "GET", .pattern = "/readyz", .right = WEB_OPEN, .handle = agent_readyz },
	{ .method = "GET", .pattern = "/v1/state", .right = WEB_READ, .handle = get_state },
	{ .method = "GET", .pattern = "/v1/exchanges", .right = WEB_READ, .handle = get_list },
	{ .method = "GET", .pattern = "/v1/events", .right = WEB_READ, .handle = inspect_events },
	{ .method = "GET", .pattern = "/v1/search", .right = WEB_READ, .handle = inspect_search },
	{ .method = "GET",
	    .pattern = "/v1/exchanges/:id",
	    .right = WEB_READ,
	    .handle = inspect_one },
	{ .method = "GET",
	    .pattern = "/v1/exchanges/:id/why",
	    .right = WEB_READ,
	    .handle = inspect_why },
	{ .method = "GET",
	    .pattern = "/v1/exchanges/:id/request/body",
	    .right = WEB_READ,
	    .handle = inspect_body,
	    .tag = INSPECT_REQUEST },
	{ .method = "GET",
	    .pattern = "/v1/exchanges/:id/response/body",
	    .right = WEB_READ,
	    .handle = inspect_body,
	    .tag = INSPECT_RESPONSE },
	{ .method = "GET",
	    .pattern = "/v1/exchanges/:id/request/pieces",
	    .right = WEB_READ,
	    .handle = inspect_pieces,
	    .tag = INSPECT_REQUEST },
	{ .method = "GET",
	    .pattern = "/v1/exchanges/:id/response/pieces",
	    .right = WEB_READ,
	    .handle = inspect_pieces,
	    .tag = INSPECT_RESPONSE },
	{ .method = "GET", .pattern = "/v1/sink", .right = WEB_READ, .handle = inspect_sink },
	{ .method = "PUT",
	    .pattern = "/v1/sink",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = inspect_sink_put },
	{ .method = "POST",
	    .pattern = "/v1/exchanges/:id/reveal",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = inspect_reveal },
	{ .method = "PUT",
	    .pattern = "/v1/exchanges/:id/pin",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = inspect_pin,
	    .tag = INSPECT_PIN },
	{ .method = "DELETE",
	    .pattern = "/v1/exchanges/:id/pin",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = inspect_pin,
	    .tag = INSPECT_UNPIN },
	{ .method = "DELETE",
	    .pattern = "/v1/exchanges",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = inspect_clear },
	{ .method = "POST",
	    .pattern = "/v1/doctor",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = inspect_doctor },
	{ .method = "GET", .pattern = "/v1/inbox", .right = WEB_READ, .handle = inspect_inbox },
	{ .method = "GET",
	    .pattern = "/v1/inbox/:n",
	    .right = WEB_READ,
	    .handle = inspect_inbox_one },
	{ .method = "POST",
	    .pattern = "/v1/inbox/:n/replay",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = inspect_inbox_change,
	    .tag = INSPECT_REPLAY },
	{ .method = "POST",
	    .pattern = "/v1/inbox/:n/drop",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = inspect_inbox_change,
	    .tag = INSPECT_DROP },
	{ .method = "POST",
	    .pattern = "/v1/exchanges/:id/replay",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = inspect_replay },
	{ .method = "POST",
	    .pattern = "/v1/send",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .body_max = LIMIT_INSPECT_SEND_BYTES,
	    .handle = inspect_send },
	{ .method = "POST",
	    .pattern = "/v1/export",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = inspect_export },
	{ .method = "POST",
	    .pattern = "/v1/import",
	    .right = WEB_WRITE,
	    .body = WEB_BYTES,
	    .body_max = LIMIT_INSPECT_IMPORT_BYTES,
	    .handle = inspect_import },
};

/* --- its life --- */

/* As agent_guest.begin. */
static char *
begin(struct agent_guest *guest, struct client *c)
{
	struct inspector *i = list_of(guest, struct inspector, guest);

	i->client = c;
	i->rows = capture_rows(c->serve->capture);
	rand_bytes(i->key, sizeof(i->key));
	edge_asks_begin(&i->asks, c);
	inspect_watch_begin(i);
	return NULL;
}

/* As agent_guest.end. */
static void
end(struct agent_guest *guest, int exit_code)
{
	struct inspector *i = list_of(guest, struct inspector, guest);

	(void)exit_code;
	inspect_watch_end(i);
	edge_asks_end(&i->asks);
	OPENSSL_cleanse(i->key, sizeof(i->key));
	i->client = NULL;
}

void
inspector_init(struct inspector *i, const char *edge, struct replay *replay,
    struct inspect_part *ret_part)
{
	*i = (struct inspector){
		.guest = { .begin = begin, .end = end }, .edge = edge, .replay = replay
	};
	*ret_part = (struct inspect_part){
		.rows = routes, .n_rows = sizeof(routes) / sizeof(*routes), .owner = i
	};
}
