/* SPDX-License-Identifier: Apache-2.0 */
/* HAR by its structure, tar by its blocks, .http files line by line. */
#include "agent/replay/unpack.h"

#include "agent/replay/compose.h"
#include "base/limits.h"
#include "base/text.h"
#include "http/h1.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define TAR_BLOCK 512
#define HEAD_BYTES (2 * LIMIT_HEAD_BYTES)

struct unpack {
	struct slice rest; /* of a tar, or the one file */
	bool is_tar, over;
	json_t *root, *entries; /* HAR */
	size_t at;              /* entries, files */
};

/* A request as it is being put together. */
struct piece {
	struct slice method, target, host;
	struct compose_field fields[LIMIT_HEAD_FIELDS];
	size_t n_fields;
};

static struct slice
cut_line(struct slice *s)
{
	struct slice line = slice_cut(s, '\n');

	return slice_ends(line, S("\r")) ? slice_head(line, line.n - 1) : line;
}

/* "https://host/path?query", or a path alone. */
static void
split_url(struct piece *p, struct slice url)
{
	size_t at = url.n > 3 ? slice_find(url, ':') : SIZE_MAX;

	p->target = url;
	if (at == SIZE_MAX || !slice_starts(slice_from(url, at), S("://")))
		return;
	url = slice_from(url, at + 3);
	at = 0;
	while (at < url.n && url.p[at] != '/' && url.p[at] != '?' && url.p[at] != '#')
		at++;
	p->host = slice_head(url, at);
	p->target = slice_from(url, at);
	p->target = slice_head(p->target, slice_find(p->target, '#'));
}

/* The head, if it is one that the strict parser takes. */
static void
finish(const struct piece *p, size_t number, struct unpacked *ret)
{
	const struct compose_draft d = { .method = p->method,
		.target = p->target,
		.fields = p->fields,
		.n_fields = p->n_fields,
		.host = p->host.n > 0 ? p->host : S("localhost"),
		.body_n = ret->body.n };
	struct h1 h1;

	h1_init(&h1, H1_REQUEST);
	h1.inside = true;
	if (compose_head(&d, &ret->head) && h1_head(&h1, buf_slice(&ret->head)) == H1_DONE &&
	    h1.head.n_bytes == ret->head.n)
		return;
	buf_fini(&ret->head);
	buf_init(&ret->head, HEAD_BYTES);
	snprintf(ret->note, sizeof(ret->note), "entry %zu is no request of HTTP", number);
}

/* --- .http --- */

static void
read_http(struct slice text, size_t number, struct unpacked *ret)
{
	struct piece *p = calloc(1, sizeof(*p));
	struct slice line = { 0 }, value;

	if (p == NULL) {
		snprintf(ret->note, sizeof(ret->note), "entry %zu: no memory", number);
		return;
	}
	/* Remarks, and lines that part requests in the files of editors. */
	while (text.n > 0 && (line.n == 0 || line.p[0] == '#' || slice_starts(line, S("//"))))
		line = cut_line(&text);
	p->method = slice_cut(&line, ' ');
	split_url(p, slice_cut(&line, ' '));
	while (text.n > 0) {
		line = cut_line(&text);
		if (line.n == 0 || p->n_fields == LIMIT_HEAD_FIELDS)
			break;
		value = line;
		p->fields[p->n_fields].name = slice_cut(&value, ':');
		p->fields[p->n_fields++].value = value.p == NULL ? S("") : slice_trim(value);
	}
	ret->body.max = text.n;
	buf_put(&ret->body, text);
	finish(p, number, ret);
	free(p);
}

/* --- tar --- */

static bool
is_tar(struct slice s)
{
	return s.n >= TAR_BLOCK && memcmp(s.p + 257, "ustar", 5) == 0;
}

/* Octal digits up to a space or NUL; false: there are others. */
static bool
read_octal(struct slice s, size_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && s.p[i] != '\0' && s.p[i] != ' '; i++) {
		if (s.p[i] < '0' || s.p[i] > '7' || n > SIZE_MAX / 16)
			return false;
		n = n * 8 + (size_t)(s.p[i] - '0');
	}
	*ret = n;
	return true;
}

/* The next ordinary file. False: the end, or it goes on with something else. */
static bool
next_file(struct unpack *u, struct slice *ret)
{
	while (is_tar(u->rest)) {
		size_t size, whole;
		char type = u->rest.p[156];

		if (!read_octal(slice_of(u->rest.p + 124, 12), &size) ||
		    size > u->rest.n - TAR_BLOCK)
			return false;
		*ret = slice_of(u->rest.p + TAR_BLOCK, size);
		whole = TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
		u->rest = slice_from(u->rest, whole < u->rest.n ? whole : u->rest.n);
		if (type == '0' || type == '\0')
			return true;
	}
	return false;
}

/* --- HAR --- */

static struct slice
text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return slice_of(json_string_value(v), json_string_length(v));
}

/* "text", in base64 where "encoding" says so. False: it says so and is not. */
static bool
put_content(const json_t *o, struct buf *out)
{
	struct slice text = text_of(o, "text"), coding = text_of(o, "encoding");
	ptrdiff_t n;

	out->max = text.n + 1;
	if (coding.n == 0) {
		buf_put(out, text);
		return true;
	}
	if (!slice_ieq(coding, S("base64")) || buf_room(out, text.n + 1) == NULL)
		return false;
	n = text_unbase64(text, false, true, out->p, text.n);
	if (n < 0)
		return false;
	out->n = (size_t)n;
	return true;
}

/* False: too many. Fields of HTTP/2 that begin with ":" are not of the head. */
static bool
read_headers(const json_t *list, struct piece *p)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *h = json_array_get(list, i);
		struct slice name = text_of(h, "name"), value = text_of(h, "value");

		if (name.n == 0 || name.p[0] == ':')
			continue;
		if (p->n_fields == LIMIT_HEAD_FIELDS)
			return false;
		p->fields[p->n_fields++] =
		    (struct compose_field){ name, value.p == NULL ? S("") : value };
	}
	return true;
}

/* An answer is shown and never sent: what does not fit is left out. */
static void
read_answer(const json_t *response, struct unpacked *ret)
{
	const json_t *status = json_object_get(response, "status"),
		     *list = json_object_get(response, "headers");
	json_int_t n = json_integer_value(status);
	struct h1 h1;

	if (n < 200 || n > 599)
		return;
	buf_printf(&ret->answer_head, "HTTP/1.1 %d \r\n", (int)n);
	for (size_t i = 0; i < json_array_size(list) && i < LIMIT_HEAD_FIELDS - 1; i++) {
		const json_t *h = json_array_get(list, i);
		struct slice name = text_of(h, "name"), value = text_of(h, "value");

		/* The text is decoded already. */
		if (name.n == 0 || name.p[0] == ':' || compose_is_left_out(name) ||
		    slice_ieq(name, S("content-encoding")))
			continue;
		buf_printf(&ret->answer_head, "%.*s: %.*s\r\n", PS(name), PS(value));
	}
	if (!put_content(json_object_get(response, "content"), &ret->answer_body))
		buf_reset(&ret->answer_body);
	buf_printf(&ret->answer_head, "Content-Length: %zu\r\n\r\n", ret->answer_body.n);
	h1_init(&h1, H1_RESPONSE);
	h1.inside = true;
	ret->status = (unsigned)n;
	if (!ret->answer_head.failed && h1_head(&h1, buf_slice(&ret->answer_head)) == H1_DONE &&
	    h1.head.n_bytes == ret->answer_head.n)
		return;
	buf_reset(&ret->answer_head);
	buf_reset(&ret->answer_body);
}

static void
read_entry(const json_t *entry, size_t number, struct unpacked *ret)
{
	const json_t *request = json_object_get(entry, "request"),
		     *post = json_object_get(request, "postData");
	struct piece *p = calloc(1, sizeof(*p));
	const char *why = NULL;

	if (p == NULL) {
		snprintf(ret->note, sizeof(ret->note), "entry %zu: no memory", number);
		return;
	}
	p->method = text_of(request, "method");
	split_url(p, text_of(request, "url"));
	if (p->method.n == 0 || (p->target.n == 0 && p->host.n == 0))
		why = "has no method or no url";
	else if (!read_headers(json_object_get(request, "headers"), p))
		why = "has more than 100 headers";
	else if (post != NULL && !put_content(post, &ret->body))
		why = "has a body that is no base64";
	if (why != NULL)
		snprintf(ret->note, sizeof(ret->note), "entry %zu %s", number, why);
	else
		finish(p, number, ret);
	if (ret->head.n > 0) {
		if (post == NULL && json_integer_value(json_object_get(request, "bodySize")) > 0)
			snprintf(ret->note, sizeof(ret->note), "entry %zu has no body", number);
		read_answer(json_object_get(entry, "response"), ret);
	}
	free(p);
}

/* --- whichever it is --- */

static bool
begins_json(struct slice s)
{
	if (slice_starts(s, S("\xef\xbb\xbf")))
		s = slice_from(s, 3);
	return slice_starts(slice_trim(slice_head(s, 64)), S("{")) || (s.n > 0 && s.p[0] == '{');
}

static bool
open_har(struct unpack *u, struct slice bytes, char *why, size_t cap)
{
	json_error_t e;

	if (slice_starts(bytes, S("\xef\xbb\xbf")))
		bytes = slice_from(bytes, 3);
	u->root = json_loadb(bytes.p, bytes.n, 0, &e);
	u->entries = json_object_get(json_object_get(u->root, "log"), "entries");
	if (json_is_array(u->entries))
		return true;
	if (u->root == NULL)
		snprintf(why, cap, "It is no JSON: line %d, column %d.", e.line, e.column);
	else
		snprintf(why, cap, "It is JSON without log.entries, so it is no HAR.");
	return false;
}

struct unpack *
unpack_new(struct slice bytes, char *why, size_t cap)
{
	struct unpack *u = calloc(1, sizeof(*u));
	bool ok = bytes.n > 0;

	if (u == NULL) {
		snprintf(why, cap, "There is no memory for it.");
		return NULL;
	}
	snprintf(why, cap, "It is empty.");
	u->rest = bytes;
	u->is_tar = is_tar(bytes);
	if (ok && !u->is_tar && begins_json(bytes))
		ok = open_har(u, bytes, why, cap);
	if (!ok) {
		unpack_free(u);
		return NULL;
	}
	return u;
}

void
unpack_free(struct unpack *u)
{
	if (u == NULL)
		return;
	json_decref(u->root);
	free(u);
}

bool
unpack_next(struct unpack *u, struct unpacked *ret)
{
	struct slice file = u->rest;

	if (u->root != NULL ? u->at >= json_array_size(u->entries)
	    : u->is_tar     ? !next_file(u, &file)
			    : u->over)
		return false;
	u->over = true;
	u->at++;
	*ret = (struct unpacked){ 0 };
	buf_init(&ret->head, HEAD_BYTES);
	buf_init(&ret->body, 0);
	buf_init(&ret->answer_head, HEAD_BYTES);
	buf_init(&ret->answer_body, 0);
	if (u->root != NULL)
		read_entry(json_array_get(u->entries, u->at - 1), u->at, ret);
	else
		read_http(file, u->at, ret);
	return true;
}

void
unpacked_fini(struct unpacked *u)
{
	buf_fini(&u->head);
	buf_fini(&u->body);
	buf_fini(&u->answer_head);
	buf_fini(&u->answer_body);
}
