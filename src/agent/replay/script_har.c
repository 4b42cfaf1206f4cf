/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of HAR 1.2. */
#include "agent/replay/script.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdlib.h>

bool
script_is_utf8(struct slice s)
{
	while (s.n > 0) {
		size_t n = utf8_next(s);

		if (n == 0)
			return false;
		s = slice_from(s, n);
	}
	return true;
}

static void
put_pair(const char *name, struct slice value, struct buf *out)
{
	buf_printf(out, "\"%s\":", name);
	buf_json(out, value);
}

static void
put_fields(struct slice lines, struct buf *out)
{
	struct slice name, value;
	bool more = false;

	buf_put(out, S("\"cookies\":[],\"headers\":["));
	while (script_field(&lines, &name, &value)) {
		buf_put(out, more ? S(",{") : S("{"));
		put_pair("name", name, out);
		buf_putc(out, ',');
		put_pair("value", value, out);
		buf_putc(out, '}');
		more = true;
	}
	buf_put(out, S("],\"headersSize\":-1"));
}

static void
put_query(struct slice target, struct buf *out)
{
	bool more = false;

	(void)slice_cut(&target, '?');
	buf_put(out, S("\"queryString\":["));
	while (target.n > 0) {
		struct slice value = slice_cut(&target, '&'), name = slice_cut(&value, '=');

		buf_put(out, more ? S(",{") : S("{"));
		put_pair("name", name, out);
		buf_putc(out, ',');
		put_pair("value", value.p == NULL ? S("") : value, out);
		buf_putc(out, '}');
		more = true;
	}
	buf_put(out, S("]"));
}

/* "text", and "encoding" where it is no text: HAR says so of answers, and other tools read it of requests, too. */
static void
put_content(struct slice type, struct slice body, struct buf *out)
{
	put_pair("mimeType", type.n > 0 ? type : S("application/octet-stream"), out);
	buf_putc(out, ',');
	if (script_is_utf8(body)) {
		put_pair("text", body, out);
		return;
	}
	buf_put(out, S("\"encoding\":\"base64\",\"text\":\""));
	if (buf_room(out, 4 * ((body.n + 2) / 3) + 1) != NULL) {
		text_base64(body.p, body.n, out->p + out->n);
		out->n += 4 * ((body.n + 2) / 3);
	}
	buf_putc(out, '"');
}

static void
put_request(const struct script_request *r, struct buf *out)
{
	struct slice head = r->head, method, target, host = script_find(r->head, S("Host"));
	struct buf url;

	script_line(&head, &method, &target);
	buf_init(&url, host.n + target.n + 16);
	buf_put(&url, S("https://"));
	buf_put(&url, host.n > 0 ? host : S("localhost"));
	buf_put(&url, target);
	buf_put(out, S("\"request\":{"));
	put_pair("method", method, out);
	buf_putc(out, ',');
	put_pair("url", buf_slice(&url), out);
	buf_put(out, S(",\"httpVersion\":\"HTTP/1.1\","));
	put_fields(head, out);
	buf_putc(out, ',');
	put_query(target, out);
	buf_printf(out, ",\"bodySize\":%zu", r->body.n);
	if (r->body.n > 0) {
		buf_put(out, S(",\"postData\":{\"params\":[],"));
		put_content(script_find(r->head, S("Content-Type")), r->body, out);
		buf_putc(out, '}');
	}
	buf_putc(out, '}');
	buf_fini(&url);
}

static void
put_response(const struct script_request *r, struct buf *out)
{
	struct slice head = r->answer_head, line = slice_cut(&head, '\n');

	(void)slice_cut(&line, ' ');
	(void)slice_cut(&line, ' ');
	buf_printf(out, "\"response\":{\"status\":%u,", r->status);
	put_pair("statusText",
	    slice_trim(slice_ends(line, S("\r")) ? slice_head(line, line.n - 1) : line), out);
	buf_put(out, S(",\"httpVersion\":\"HTTP/1.1\","));
	put_fields(head, out);
	buf_putc(out, ',');
	put_pair("redirectURL", script_find(r->answer_head, S("Location")), out);
	buf_printf(out, ",\"bodySize\":%zu,\"content\":{\"size\":%zu,", r->answer_body.n,
	    r->answer_body.n);
	put_content(script_find(r->answer_head, S("Content-Type")), r->answer_body, out);
	buf_put(out, S("}}"));
}

void
script_put_har(const struct script_request *r, struct buf *out)
{
	char when[CLOCK_RFC3339_BYTES];
	double ms = r->took_us < 0 ? 0 : (double)r->took_us / 1000;

	clock_rfc3339(r->at_ms, when, sizeof(when));
	buf_printf(out, "{\"startedDateTime\":\"%s\",\"time\":%.3f,", when, ms);
	put_request(r, out);
	buf_putc(out, ',');
	put_response(r, out);
	buf_printf(out, ",\"cache\":{},\"timings\":{\"send\":0,\"wait\":%.3f,\"receive\":0}", ms);
	if (r->has_gap)
		buf_put(out, S(",\"comment\":\"not all of its body was kept\""));
	buf_printf(out, ",\"_id\":\"%llu\",", (unsigned long long)r->id);
	put_pair("_event", r->event, out);
	buf_putc(out, '}');
}
