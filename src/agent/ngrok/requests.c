/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and exchanges of the capture in the shape of the API (requests.h). */
#include "agent/ngrok/requests.h"

#include "agent/capture/redact.h"
#include "agent/capture/rows.h"
#include "agent/capture/shown.h"
#include "agent/ngrok/api_private.h"
#include "agent/ngrok/shape.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LIST_USUAL 50
#define LIST_MAX 200

static struct capture *
capture_of(const struct web_request *r)
{
	struct ngrok_api *api = ngrok_api_of(r);

	return api->client == NULL ? NULL : api->client->serve->capture;
}

/* --- one message --- */

/* {"Name":["value",...]}: as the head has them, in its order. */
static json_t *
headers_of(struct slice head)
{
	json_t *all = json_object();

	(void)slice_cut(&head, '\n'); /* the start line */
	while (head.n > 0) {
		struct slice line = slice_cut(&head, '\n'), name;
		char key[256];
		json_t *list;

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n == 0)
			break;
		name = slice_cut(&line, ':');
		while (line.n > 0 && line.p[0] == ' ')
			line = slice_from(line, 1);
		if (!slice_z(name, key, sizeof(key)))
			continue;
		list = json_object_get(all, key);
		if (list == NULL) {
			list = json_array();
			json_object_set_new(all, key, list);
		}
		/* NULL for what is no UTF-8: `raw` has its bytes. */
		json_array_append_new(list, json_stringn(line.p, line.n));
	}
	return all;
}

/* Head and body in base64, up to a bound. */
static json_t *
raw_of(struct capture *c, struct captured *e, enum tap_side side, const struct buf *head)
{
	size_t cap = head->n + LIMIT_NGROK_RAW_BYTES, n = head->n;
	char *bytes = malloc(cap), *text = NULL;
	json_t *made = NULL;
	struct buf redacted;
	enum shown_as shown;

	if (bytes != NULL) {
		memcpy(bytes, head->p, head->n);
		buf_init(&redacted, 2 * LIMIT_INSPECT_REDACT_BYTES);
		shown = shown_body(c, e, side, &redacted);
		if (shown == SHOWN_REDACTED) {
			struct slice body = slice_head(buf_slice(&redacted),
			    redacted.n < cap - n ? redacted.n : cap - n);

			memcpy(bytes + n, body.p, body.n);
			n += body.n;
		}
		buf_fini(&redacted);
		while (shown == SHOWN_WHOLE && n < cap) {
			size_t got = exchange_read(e, side, n - head->n, bytes + n, cap - n);

			if (got == 0)
				break;
			n += got;
		}
		text = malloc(4 * ((n + 2) / 3) + 1);
	}
	if (text != NULL) {
		text_base64(bytes, n, text);
		made = json_string(text);
	}
	free(bytes);
	free(text);
	return made;
}

static json_t *
request_of(struct capture *c, struct captured *e, const struct buf *head)
{
	struct slice rest = buf_slice(head), line = slice_cut(&rest, '\n');
	struct slice method = slice_cut(&line, ' '), target = slice_cut(&line, ' ');

	return json_pack("{s:o,s:s,s:o,s:o,s:o}", "method", json_stringn(method.p, method.n),
	    "proto", "HTTP/1.1", "headers", headers_of(buf_slice(head)), "uri",
	    json_stringn(target.p, target.n), "raw", raw_of(c, e, TAP_REQUEST, head));
}

static json_t *
response_of(struct capture *c, struct captured *e, const struct buf *head, unsigned status)
{
	struct slice rest = buf_slice(head), line = slice_cut(&rest, '\n');

	(void)slice_cut(&line, ' ');
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return json_pack("{s:o,s:i,s:s,s:o,s:o}", "status", json_stringn(line.p, line.n),
	    "status_code", (int)status, "proto", "HTTP/1.1", "headers", headers_of(buf_slice(head)),
	    "raw", raw_of(c, e, TAP_RESPONSE, head));
}

/* --- one exchange --- */

static void
show_time(int64_t ms, char dst[40])
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	dst[0] = '\0';
	if (gmtime_r(&s, &tm) != NULL)
		strftime(dst, 40, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* By the place: a title need not be the label that the row has. */
static const char *
tunnel_name(const struct ngrok_api *api, const struct capture_row *row)
{
	const struct serve *s = api->client->serve;

	return row->tunnel < s->n_tunnels ? ngrok_api_name(&s->tunnels[row->tunnel]) : "";
}

/* As it came, but for fields that the configuration hides. */
static bool
read_head(struct capture *c, struct captured *e, enum tap_side side, struct buf *ret)
{
	const struct redact hide = { .names = capture_redacted(c), .named_alone = true };
	struct buf head;
	bool found;

	buf_init(&head, 2 * LIMIT_HEAD_BYTES);
	buf_reset(ret);
	found = e != NULL && exchange_head(e, side, TAP_RECEIVED, &head) && !head.failed;
	if (found)
		redact_head(&hide, buf_slice(&head), ret);
	buf_fini(&head);
	return found && !ret->failed;
}

static json_t *
row_json(struct ngrok_api *api, struct capture *c, const struct capture_row *row)
{
	struct captured *e = exchange_open(c, row->id);
	json_t *request = NULL, *response = NULL;
	char id[24], start[40], client[64];
	struct buf head;

	snprintf(id, sizeof(id), "%llu", (unsigned long long)row->id);
	snprintf(client, sizeof(client), "%.*s", PS(row->client));
	show_time(row->begun_ms, start);
	buf_init(&head, 2 * LIMIT_HEAD_BYTES);
	if (read_head(c, e, TAP_REQUEST, &head))
		request = request_of(c, e, &head);
	if (read_head(c, e, TAP_RESPONSE, &head))
		response = response_of(c, e, &head, row->status);
	buf_fini(&head);
	exchange_close(e);
	/* Nothing of it is on the disk: what the list knows. */
	if (request == NULL)
		request = json_pack("{s:o,s:s,s:{},s:o,s:s}", "method",
		    json_stringn(row->method.p, row->method.n), "proto", "HTTP/1.1", "headers",
		    "uri", json_stringn(row->target.p, row->target.n), "raw", "");
	return json_pack("{s:o,s:s,s:s,s:s,s:s,s:I,s:o,s:o}", "uri",
	    json_sprintf("/api/requests/http/%s", id), "id", id, "tunnel_name",
	    tunnel_name(api, row), "remote_addr", client, "start", start, "duration",
	    (json_int_t)(row->took_us < 0 ? 0 : row->took_us * 1000), "request", request,
	    "response", response != NULL ? response : json_null());
}

static bool
is_http(const struct capture_row *row)
{
	return row->kind != ROW_KIND_BYTES && row->method.n > 0;
}

/* --- the handlers --- */

void
ngrok_requests_list(struct web_request *r)
{
	struct ngrok_api *api = ngrok_api_of(r);
	struct capture *c = capture_of(r);
	struct slice name = web_query(r, S("tunnel_name"));
	uint64_t limit = LIST_USUAL;
	json_t *all = json_array();
	struct capture_row row;

	if (!web_query_u64(r, S("limit"), &limit) || limit > LIST_MAX)
		limit = LIST_MAX;
	/* The disk is read for each: what the writer still has is written first. */
	if (c != NULL)
		capture_flush(c);
	for (bool more = c != NULL && rows_newest(capture_rows(c), &row);
	     more && json_array_size(all) < limit;
	     more = rows_before(capture_rows(c), row.id, &row))
		if (is_http(&row) &&
		    (name.n == 0 || slice_eq(name, slice_str(tunnel_name(api, &row)))))
			json_array_append_new(all, row_json(api, c, &row));
	web_json(r, 200, json_pack("{s:s,s:o}", "uri", "/api/requests/http", "requests", all));
}

static bool
find(const struct web_request *r, struct slice id, struct capture_row *ret)
{
	struct capture *c = capture_of(r);
	uint64_t n;

	return c != NULL && slice_u64(id, &n) && rows_find(capture_rows(c), n, ret) && is_http(ret);
}

static void
answer_unknown(struct web_request *r)
{
	web_json(r, 404,
	    shape_error(100, 404, "there is no such request", "it is not in the list any more"));
}

void
ngrok_requests_one(struct web_request *r)
{
	struct capture_row row;

	if (!find(r, r->params[0], &row)) {
		answer_unknown(r);
		return;
	}
	capture_flush(capture_of(r));
	web_json(r, 200, row_json(ngrok_api_of(r), capture_of(r), &row));
}

void
ngrok_requests_clear(struct web_request *r)
{
	if (capture_of(r) != NULL)
		rows_clear(capture_rows(capture_of(r)));
	web_empty(r, 204);
}

/* {"id":"..","tunnel_name":".." or null}; npm's package says tunnelName. */
void
ngrok_requests_replay(struct web_request *r)
{
	struct ngrok_api *api = ngrok_api_of(r);
	struct replay_wish w = { .tunnel = REPLAY_WHERE_IT_WENT, .times = 1 };
	const char *id = json_string_value(json_object_get(r->json, "id"));
	const char *name = json_string_value(json_object_get(r->json, "tunnel_name"));
	struct replay_ids *ids = NULL;
	enum replay_result result = REPLAY_OK;
	struct capture_row row;

	if (name == NULL)
		name = json_string_value(json_object_get(r->json, "tunnelName"));
	if (!find(r, slice_str(id), &row)) {
		answer_unknown(r);
		return;
	}
	if (name != NULL && name[0] != '\0' &&
	    !replay_place(api->replay, slice_str(name), &w.tunnel))
		result = REPLAY_NO_TARGET;
	if (result == REPLAY_OK) {
		ids = calloc(1, sizeof(*ids));
		result =
		    ids == NULL ? REPLAY_NO_MEMORY : replay_captured(api->replay, row.id, &w, ids);
	}
	free(ids);
	if (result == REPLAY_OK)
		web_empty(r, 204);
	else
		web_json(r, replay_words[result].status,
		    shape_error(100, replay_words[result].status, replay_words[result].text,
			replay_words[result].todo));
}
