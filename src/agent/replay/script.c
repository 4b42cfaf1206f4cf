/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts of curl, tests of pytest, .http files in a tar. */
#include "agent/replay/script.h"

#include "agent/replay/compose.h"
#include "base/text.h"

#include <stdio.h>

/* Of a body that stands in a script as a text. */
#define TEXT_BYTES_MAX 65536
#define TAR_BLOCK 512
#define BASE64_LINE 57 /* bytes, 76 characters */

static const struct {
	const char *word, *file, *type;
} forms[] = {
	[SCRIPT_CURL] = { "curl", "requests.sh", "text/x-shellscript; charset=utf-8" },
	[SCRIPT_HAR] = { "har", "requests.har", "application/json" },
	[SCRIPT_PYTEST] = { "pytest", "test_requests.py", "text/x-python; charset=utf-8" },
	[SCRIPT_HTTP] = { "http", "requests.tar", "application/x-tar" },
};

bool
script_form_of(struct slice word, enum script_form *ret)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (!slice_eq(word, slice_str(forms[i].word)))
			continue;
		*ret = (enum script_form)i;
		return true;
	}
	return false;
}

const char *
script_file_name(enum script_form f)
{
	return forms[f].file;
}

const char *
script_type(enum script_form f)
{
	return forms[f].type;
}

/* --- heads --- */

static struct slice
cut_line(struct slice *s)
{
	struct slice line = slice_cut(s, '\n');

	return slice_ends(line, S("\r")) ? slice_head(line, line.n - 1) : line;
}

void
script_line(struct slice *head, struct slice *ret_method, struct slice *ret_target)
{
	struct slice line = cut_line(head);

	*ret_method = slice_cut(&line, ' ');
	*ret_target = slice_cut(&line, ' ');
}

bool
script_field(struct slice *lines, struct slice *ret_name, struct slice *ret_value)
{
	while (lines->n > 0) {
		struct slice value = cut_line(lines);
		struct slice name = slice_cut(&value, ':');

		if (name.n == 0 || compose_is_left_out(name))
			continue;
		*ret_name = name;
		*ret_value = slice_trim(value);
		return true;
	}
	return false;
}

struct slice
script_find(struct slice head, struct slice name)
{
	struct slice field, value;

	(void)slice_cut(&head, '\n');
	while (script_field(&head, &field, &value))
		if (slice_ieq(field, name))
			return value;
	return S("");
}

/* A text that shows what it is: without control characters but for ends of lines and tabs. */
static bool
is_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < ' ' && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
			return false;
	}
	return s.n <= TEXT_BYTES_MAX && script_is_utf8(s);
}

/* In a comment: no control characters, whatever the line says. */
static void
put_plain(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		buf_putc(out, c < ' ' || c >= 0x7f ? '?' : (char)c);
	}
}

static void
put_remark(const struct script_request *r, struct buf *out)
{
	struct slice head = r->head, method, target;

	script_line(&head, &method, &target);
	buf_printf(out, "# %llu: ", (unsigned long long)r->id);
	put_plain(method, out);
	buf_putc(out, ' ');
	put_plain(target, out);
	if (r->event.n > 0) {
		buf_put(out, S(", "));
		put_plain(r->event, out);
	}
	if (r->status != 0)
		buf_printf(out, ", answered %u", r->status);
	if (r->has_gap)
		buf_put(out, S("; not all of its body was kept"));
	buf_putc(out, '\n');
}

/* --- curl --- */

/* In single quotes, in which sh reads nothing. */
static void
put_quoted(struct slice s, struct buf *out)
{
	buf_putc(out, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			buf_put(out, S("'\\''"));
		else
			buf_putc(out, s.p[i]);
	}
	buf_putc(out, '\'');
}

void
script_put_base64(struct slice s, struct buf *out)
{
	char line[4 * ((BASE64_LINE + 2) / 3) + 1];

	while (s.n > 0) {
		struct slice part = slice_head(s, BASE64_LINE);

		text_base64(part.p, part.n, line);
		buf_put(out, slice_str(line));
		buf_putc(out, '\n');
		s = slice_from(s, part.n);
	}
}

/* curl adds these by itself where they are not given. */
static void
put_curl_defaults(struct slice head, bool has_body, struct buf *out)
{
	static const char *const names[] = { "Accept", "User-Agent", "Content-Type" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if ((i < 2 || has_body) && script_find(head, slice_str(names[i])).n == 0)
			buf_printf(out, " \\\n\t-H '%s:'", names[i]);
}

static void
put_curl(const struct script_request *r, struct buf *out)
{
	struct slice head = r->head, method, target, name, value;
	bool text = is_text(r->body), sends;

	put_remark(r, out);
	script_line(&head, &method, &target);
	sends = r->body.n > 0 || slice_eq(method, S("POST")) || slice_eq(method, S("PUT")) ||
		slice_eq(method, S("PATCH"));
	if (r->body.n > 0 && text) {
		buf_put(out, S("printf '%s' "));
		put_quoted(r->body, out);
		buf_put(out, S(" |\n"));
	} else if (r->body.n > 0) {
		buf_put(out, S("base64 -d <<'END' |\n"));
		script_put_base64(r->body, out);
		buf_put(out, S("END\n"));
	}
	buf_put(out, S("curl -sS -i --globoff --path-as-is "));
	if (slice_eq(method, S("HEAD"))) {
		buf_put(out, S("--head"));
	} else {
		buf_put(out, S("-X "));
		put_quoted(method, out);
	}
	buf_put(out, S(" -H 'Expect:'"));
	while (script_field(&head, &name, &value)) {
		struct buf line;

		buf_init(&line, 2 * (name.n + value.n) + 8);
		buf_put(&line, name);
		/* Without a value a ":" would take the field away. */
		buf_put(&line, value.n > 0 ? S(": ") : S(";"));
		buf_put(&line, value);
		buf_put(out, S(" \\\n\t-H "));
		put_quoted(buf_slice(&line), out);
		buf_fini(&line);
	}
	put_curl_defaults(r->head, sends, out);
	if (sends)
		buf_put(out,
		    r->body.n > 0 ? S(" \\\n\t--data-binary @-") : S(" \\\n\t--data-binary ''"));
	buf_put(out, S(" \\\n\t\"$to\""));
	put_quoted(target, out);
	buf_put(out, S("\necho\n\n"));
}

/* --- pytest --- */

static void
put_bytes(struct slice s, struct buf *out)
{
	buf_put(out, S("b\""));
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\n')
			buf_put(out, S("\\n"));
		else if (c == '\r')
			buf_put(out, S("\\r"));
		else if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
	}
	buf_putc(out, '"');
}

static void
put_head_line(struct slice name, struct slice between, struct slice value, struct buf *out)
{
	struct buf line;

	buf_init(&line, name.n + value.n + 32);
	buf_put(&line, name);
	buf_put(&line, between);
	buf_put(&line, value);
	buf_put(&line, S("\r\n"));
	buf_put(out, S("        "));
	put_bytes(buf_slice(&line), out);
	buf_putc(out, '\n');
	buf_fini(&line);
}

static void
put_pytest(const struct script_request *r, struct buf *out)
{
	struct slice head = r->head, line = cut_line(&head), name, value;

	buf_put(out, S("    "));
	put_remark(r, out);
	buf_printf(out, "    pytest.param(%u, (\n", r->status);
	put_head_line(line, S(""), S(""), out);
	while (script_field(&head, &name, &value))
		put_head_line(name, S(": "), value, out);
	buf_put(out, S("    ), "));
	put_bytes(r->body, out);
	buf_printf(out, ", id=\"%llu\"),\n", (unsigned long long)r->id);
}

static const char pytest_begin[] =
    "# Requests as tests; each expects the status that was seen.\n"
    "#\n"
    "#     ORIGIN=http://127.0.0.1:8080 python3 -m pytest test_requests.py\n"
    "import http.client\n"
    "import os\n"
    "import urllib.parse\n"
    "\n"
    "import pytest\n"
    "\n"
    "ORIGIN = os.environ.get(\"ORIGIN\", \"http://127.0.0.1:8080\")\n"
    "REQUESTS = [\n";

static const char pytest_end[] =
    "]\n"
    "\n"
    "\n"
    "def send(head, body):\n"
    "    url = urllib.parse.urlsplit(ORIGIN)\n"
    "    c = (http.client.HTTPSConnection if url.scheme == \"https\" else "
    "http.client.HTTPConnection)(url.netloc, timeout=60)\n"
    "    c.connect()\n"
    "    method = head.split(b\" \", 1)[0].decode(\"latin-1\")\n"
    "    length = b\"Content-Length: %d\\r\\n\" % len(body) if body or method in (\"POST\", "
    "\"PUT\", \"PATCH\") else b\"\"\n"
    "    c.sock.sendall(head + length + b\"Connection: close\\r\\n\\r\\n\" + body)\n"
    "    answer = http.client.HTTPResponse(c.sock, method=method)\n"
    "    answer.begin()\n"
    "    answer.read()\n"
    "    c.close()\n"
    "    return answer\n"
    "\n"
    "\n"
    "@pytest.mark.parametrize(\"status, head, body\", REQUESTS)\n"
    "def test_request(status, head, body):\n"
    "    answer = send(head, body)\n"
    "    assert answer.status == status if status else answer.status < 500\n";

/* --- .http, in a tar --- */

/* "007-repo-push.http": nothing that a file system could read otherwise. */
static void
file_name(const struct script_request *r, size_t i, char *dst, size_t cap)
{
	int n = snprintf(dst, cap, "%03zu-", i + 1);
	struct slice event = r->event.n > 0 ? slice_head(r->event, 40) : S("request");

	for (size_t k = 0; k < event.n && (size_t)n + 6 < cap; k++) {
		char c = event.p[k], low = (char)(c | 0x20);
		bool plain = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '_';

		dst[n++] = plain ? c : '-';
	}
	snprintf(dst + n, cap - (size_t)n, ".http");
}

/* POSIX ustar: one file. */
static void
put_tar_head(const char *name, size_t size, int64_t at_ms, struct buf *out)
{
	char h[TAR_BLOCK] = { 0 };
	unsigned sum = 0;

	snprintf(h, 100, "%s", name);
	memcpy(h + 100, "0000644", 8);
	memcpy(h + 108, "0000000", 8);
	memcpy(h + 116, "0000000", 8);
	snprintf(h + 124, 12, "%011zo", size);
	snprintf(h + 136, 12, "%011llo",
	    (unsigned long long)(at_ms < 0 ? 0 : at_ms / 1000) & 077777777777ull);
	memset(h + 148, ' ', 8);
	h[156] = '0';
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 7, "%06o", sum);
	buf_put(out, slice_of(h, sizeof(h)));
}

static void
put_http(const struct script_request *r, size_t i, struct buf *out)
{
	static const char zeros[TAR_BLOCK];
	struct slice head = r->head, name, value;
	char file[100];
	struct buf text;

	buf_init(&text, out->max);
	put_remark(r, &text);
	buf_put(&text, cut_line(&head));
	buf_putc(&text, '\n');
	while (script_field(&head, &name, &value)) {
		buf_put(&text, name);
		buf_put(&text, S(": "));
		buf_put(&text, value);
		buf_putc(&text, '\n');
	}
	buf_putc(&text, '\n');
	buf_put(&text, r->body);
	out->failed = out->failed || text.failed;
	file_name(r, i, file, sizeof(file));
	put_tar_head(file, text.n, r->at_ms, out);
	buf_put(out, buf_slice(&text));
	buf_put(out, slice_of(zeros, (TAR_BLOCK - text.n % TAR_BLOCK) % TAR_BLOCK));
	buf_fini(&text);
}

/* --- all of them --- */

void
script_begin(enum script_form f, struct buf *out)
{
	switch (f) {
	case SCRIPT_CURL:
		buf_put(out, S("#!/bin/sh\n# Requests, as they were: sh requests.sh "
			       "[http://127.0.0.1:8080]\n"
			       "set -eu\nto=${1:-http://127.0.0.1:8080}\n\n"));
		break;
	case SCRIPT_HAR:
		buf_put(out, S("{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"adit\","
			       "\"version\":\"" ADIT_VERSION "\"},\"entries\":["));
		break;
	case SCRIPT_PYTEST:
		buf_put(out, slice_str(pytest_begin));
		break;
	case SCRIPT_HTTP:
		break;
	}
}

void
script_put(enum script_form f, const struct script_request *r, size_t i, struct buf *out)
{
	switch (f) {
	case SCRIPT_CURL:
		put_curl(r, out);
		break;
	case SCRIPT_HAR:
		if (i > 0)
			buf_putc(out, ',');
		script_put_har(r, out);
		break;
	case SCRIPT_PYTEST:
		put_pytest(r, out);
		break;
	case SCRIPT_HTTP:
		put_http(r, i, out);
		break;
	}
}

void
script_end(enum script_form f, struct buf *out)
{
	static const char zeros[2 * TAR_BLOCK];

	switch (f) {
	case SCRIPT_CURL:
		break;
	case SCRIPT_HAR:
		buf_put(out, S("]}}\n"));
		break;
	case SCRIPT_PYTEST:
		buf_put(out, slice_str(pytest_end));
		break;
	case SCRIPT_HTTP:
		buf_put(out, slice_of(zeros, sizeof(zeros)));
		break;
	}
}
