/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: the headers that all of them have, and their bodies. */
#include "web/reply.h"

#include "base/clock.h"
#include "web/web_private.h"

#include <stdio.h>
#include <stdlib.h>

/* Of all pages and data: nothing but what this server has, no markup out of texts, no frames. */
#define PAGE_CSP                                                                                   \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "            \
	"img-src 'self' blob:; require-trusted-types-for 'script'; trusted-types 'none'; "         \
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; report-uri /csp-report"
/* Of bytes of somebody else. */
#define BYTES_CSP "sandbox; default-src 'none'; frame-ancestors 'none'"

#define FILE_NAME_BYTES 100

/* --- the head --- */

void
web_put(struct web_request *r, struct slice name, struct slice value)
{
	struct web_client *c = web_client_of(r);

	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
			return;
	if (name.n + value.n + 4 > LIMIT_WEB_FIELDS_BYTES - c->fields.n)
		return;
	buf_put(&c->fields, name);
	buf_put(&c->fields, S(": "));
	buf_put(&c->fields, value);
	buf_put(&c->fields, S("\r\n"));
}

void
web_untrusted(struct web_request *r, struct slice file_name)
{
	char text[FILE_NAME_BYTES + 64];
	struct slice name = slice_head(file_name, FILE_NAME_BYTES);
	int n = snprintf(text, sizeof(text), "attachment%s", name.n > 0 ? "; filename=\"" : "");

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || c == '-' || (c == '.' && i > 0);

		text[n++] = plain ? c : '_';
	}
	if (name.n > 0)
		text[n++] = '"';
	web_client_of(r)->untrusted = true;
	web_put(r, S("Content-Disposition"), slice_of(text, (size_t)n));
}

static void
put_guards(struct answer *a, const struct web_client *c)
{
	answer_put(a, S("X-Content-Type-Options"), S("nosniff"));
	answer_put(a, S("Content-Security-Policy"), c->untrusted ? S(BYTES_CSP) : S(PAGE_CSP));
	answer_put(a, S("Cross-Origin-Opener-Policy"), S("same-origin"));
	answer_put(a, S("Cross-Origin-Resource-Policy"), S("same-origin"));
	answer_put(a, S("Referrer-Policy"), S("no-referrer"));
	/* Files say it themselves. */
	if (answer_find(a, S("Cache-Control")).p == NULL)
		answer_put(a, S("Cache-Control"), S("no-store"));
}

void
web_reply_head(struct web_client *c, int status, const char *type, uint64_t length)
{
	struct answer a UNCLEARED;
	struct answer_to to = {
		.visitor_minor = c->h1.head.minor,
		.keep_alive = c->keep_alive && !c->server->stopped,
		.head_request = web_is_head(c),
		.wall_ms = clock_wall_ms(),
	};
	char *room = buf_room(&c->out, WEB_ANSWER_HEAD_BYTES);
	size_t n = 0;

	check(c->step == WEB_BUSY && c->answer == WEB_NONE); /* one answer for each request */
	c->chunked = type != NULL && length == WEB_UNKNOWN && c->h1.head.minor > 0;
	if (type != NULL && length == WEB_UNKNOWN && !c->chunked)
		c->keep_alive = to.keep_alive = false;
	answer_begin(&a, status, S(""));
	answer_put_lines(&a, buf_slice(&c->fields));
	if (type != NULL)
		answer_put(&a, S("Content-Type"),
		    c->untrusted ? S("application/octet-stream") : slice_str(type));
	if (type != NULL && length != WEB_UNKNOWN)
		answer_put_number(&a, S("Content-Length"), length);
	a.framing = c->chunked ? H1_CHUNKED : H1_NO_BODY;
	put_guards(&a, c);
	answer_common(&a, &to);
	if (room != NULL)
		n = answer_write(&a, &to, room, WEB_ANSWER_HEAD_BYTES);
	c->out.n += n;
	/* No memory for so much as a head: it is seen as a broken connection. */
	c->broken = n == 0;
}

void
web_reply_end(struct web_client *c)
{
	if (c->chunked && !web_is_head(c))
		buf_put(&c->out, S("0\r\n\r\n"));
	c->complete = true;
	web_client_changed(c);
}

/* --- whole answers --- */

/* owned: what body lies in and is freed; NULL: it stays. */
static void
whole(struct web_client *c, int status, const char *type, struct slice body, char *owned)
{
	web_reply_head(c, status, type, body.n);
	c->answer = WEB_WHOLE;
	if (!web_is_head(c))
		c->tail = body;
	c->tail_text = owned;
	web_reply_end(c);
}

void
web_json(struct web_request *r, int status, json_t *json)
{
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	json_decref(json);
	if (text == NULL)
		whole(web_client_of(r), 500, "application/json",
		    S("{\"code\":\"no-memory\",\"text\":\"There is no memory for this answer.\","
		      "\"todo\":\"\"}"),
		    NULL);
	else
		whole(web_client_of(r), status, "application/json", slice_str(text), text);
}

void
web_error(struct web_request *r, int status, const char *code, const char *text, const char *todo)
{
	web_json(r, status, json_pack("{s:s, s:s, s:s}", "code", code, "text", text, "todo", todo));
}

void
web_text(struct web_request *r, int status, const char *type, struct slice text)
{
	char *copy = malloc(text.n + 1);

	if (copy == NULL) {
		web_json(r, 500, NULL);
		return;
	}
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	whole(web_client_of(r), status, type, slice_of(copy, text.n), copy);
}

void
web_empty(struct web_request *r, int status)
{
	struct web_client *c = web_client_of(r);

	/* 204 and 304 have no body by themselves (RFC 9112 6.3), others say that theirs is empty. */
	if (status == 204 || status == 304) {
		web_reply_head(c, status, NULL, 0);
		c->answer = WEB_WHOLE;
		web_reply_end(c);
	} else {
		whole(c, status, "text/plain; charset=utf-8", S(""), NULL);
	}
}

void
web_reply_asset(struct web_client *c, const struct web_asset *a)
{
	struct web_request *r = &c->request;
	bool packed = web_takes_gzip(web_field(r, S("Accept-Encoding")));
	const unsigned char *from = packed ? a->gz : a->plain,
			    *to = packed ? a->gz_end : a->plain_end;
	char tag[96];
	int n = snprintf(tag, sizeof(tag), "\"%s%s\"", a->etag, packed ? "-gz" : "");

	web_put(r, S("ETag"), slice_of(tag, (size_t)n));
	web_put(r, S("Vary"), S("Accept-Encoding"));
	web_put(r, S("Cache-Control"),
	    a->hashed ? S("private, max-age=31536000, immutable") : S("no-cache"));
	if (web_etag_matches(web_field(r, S("If-None-Match")), slice_of(tag + 1, (size_t)n - 2))) {
		web_empty(r, 304);
		return;
	}
	if (packed)
		web_put(r, S("Content-Encoding"), S("gzip"));
	whole(c, 200, a->type, slice_of(from, (size_t)(to - from)), NULL);
}

/* --- in pieces --- */

void
web_body_begin(struct web_request *r, int status, const char *type, uint64_t length)
{
	struct web_client *c = web_client_of(r);

	check(r->more != NULL && r->gone != NULL);
	web_reply_head(c, status, type, length);
	c->answer = WEB_PIECES;
	c->left = length;
	web_client_changed(c);
}

size_t
web_body_room(const struct web_request *r)
{
	const struct web_client *c = web_client_of(r);
	size_t room = c->out.n < LIMIT_WEB_OUT_BYTES ? LIMIT_WEB_OUT_BYTES - c->out.n : 0;

	return c->left < room ? (size_t)c->left : room;
}

void
web_reply_piece(struct web_client *c, struct slice s)
{
	if (web_is_head(c))
		return;
	if (c->chunked)
		buf_printf(&c->out, "%zx\r\n", s.n);
	buf_put(&c->out, s);
	if (c->chunked)
		buf_put(&c->out, S("\r\n"));
	/* Not the whole of it went in: what follows would be read as something else. */
	if (c->out.failed)
		c->broken = true;
}

size_t
web_body_write(struct web_request *r, struct slice s)
{
	struct web_client *c = web_client_of(r);

	check(c->answer == WEB_PIECES && !c->complete);
	s = slice_head(s, web_body_room(r));
	if (s.n == 0)
		return 0;
	web_reply_piece(c, s);
	if (c->left != WEB_UNKNOWN)
		c->left -= s.n;
	web_client_changed(c);
	return s.n;
}

void
web_body_end(struct web_request *r)
{
	struct web_client *c = web_client_of(r);

	check(c->answer == WEB_PIECES && !c->complete);
	if (c->left != WEB_UNKNOWN && c->left > 0)
		c->broken = true;
	web_reply_end(c);
}

void
web_body_abort(struct web_request *r)
{
	struct web_client *c = web_client_of(r);

	check(c->answer == WEB_PIECES && !c->complete);
	c->broken = true;
	c->chunked = false; /* no end is said */
	web_reply_end(c);
}
