/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers the head of an answer, and writes it. */
#include "http/answer.h"

#include "http/rewrite_private.h"

#include <stdio.h>
#include <time.h>

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *
answer_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

void
answer_date(int64_t wall_ms, char dst[ANSWER_DATE_BYTES])
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	int n;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 0 || tm.tm_year > 9999 - 1900) {
		t = 0;
		gmtime_r(&t, &tm);
	}
	n = snprintf(dst, ANSWER_DATE_BYTES, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
	    days[tm.tm_wday], (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
	    (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
	    (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
	check(n == ANSWER_DATE_BYTES - 1); /* the form has one length, whatever the day */
}

/* --- gathering --- */

void
answer_begin(struct answer *a, int status, struct slice reason)
{
	check(status >= 100 && status <= 999);
	check(reason.n > 0 ||
	      answer_reason(status)[0] != '\0'); /* each status that is ours has one */
	a->status = (uint16_t)status;
	a->reason = reason.n > 0 ? reason : slice_str(answer_reason(status));
	a->framing = H1_NO_BODY;
	a->switches = a->may_switch = a->relayed = a->failed = false;
	a->via_minor = 1;
	a->n_fields = 0;
	a->n_text = 0;
}

void
answer_put(struct answer *a, struct slice name, struct slice value)
{
	check(name.n > 0);
	if (a->n_fields == ANSWER_FIELDS_MAX) {
		a->failed = true;
		return;
	}
	a->fields[a->n_fields++] = (struct answer_field){ name, value };
}

/* A value that is made here is kept here. */
static struct slice
keep(struct answer *a, const char *text, size_t n)
{
	char *p = a->text + a->n_text;

	if (n > sizeof(a->text) - a->n_text) {
		a->failed = true;
		return S("");
	}
	memcpy(p, text, n);
	a->n_text += n;
	return slice_of(p, n);
}

void
answer_put_number(struct answer *a, struct slice name, uint64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);

	answer_put(a, name, keep(a, text, (size_t)n));
}

void
answer_put_text(struct answer *a, struct slice name, struct slice value)
{
	if (value.n > ANSWER_VALUE_BYTES)
		return;
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < 0x20 || (unsigned char)value.p[i] >= 0x7f)
			return;
	answer_put(a, name, value);
}

void
answer_put_lines(struct answer *a, struct slice lines)
{
	while (lines.n > 0) {
		struct slice line = slice_cut(&lines, '\n');
		struct slice value = slice_cut(&line, '\r'), name = slice_cut(&value, ':');

		if (name.n > 0)
			answer_put(a, name, slice_trim(value));
	}
}

static bool
is_one_of(struct slice name, const struct slice *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq(name, names[i]))
			return true;
	return false;
}

void
answer_drop(struct answer *a, const struct slice *names, size_t n_names)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < a->n_fields; i++)
		if (!is_one_of(a->fields[i].name, names, n_names))
			a->fields[kept++] = a->fields[i];
	a->n_fields = kept;
}

struct slice
answer_find(const struct answer *a, struct slice name)
{
	for (uint16_t i = 0; i < a->n_fields; i++)
		if (slice_ieq(a->fields[i].name, name))
			return a->fields[i].value;
	return (struct slice){ NULL, 0 };
}

/* --- what all answers have --- */

/* It changes once a second, and costs more than the rest of a head. */
static struct slice
date_now(int64_t wall_ms)
{
	static _Thread_local int64_t second = -1;
	static _Thread_local char date[ANSWER_DATE_BYTES];

	if (wall_ms / 1000 != second) {
		second = wall_ms / 1000;
		answer_date(wall_ms, date);
	}
	return slice_of(date, sizeof(date) - 1);
}

static void
put_date(struct answer *a, int64_t wall_ms)
{
	struct slice date = date_now(wall_ms);

	answer_put(a, S("Date"), keep(a, date.p, date.n));
}

/* "1.minor name": the minor of the message as it was received. */
static void
put_via(struct answer *a, struct slice name)
{
	struct slice version = a->via_minor == 0 ? S("1.0 ") : S("1.1 ");
	struct slice via = keep(a, version.p, version.n);

	via.n += keep(a, name.p, name.n).n; /* right behind it */
	if (!a->failed)
		answer_put(a, S("Via"), via);
}

void
answer_common(struct answer *a, const struct answer_to *to)
{
	if (a->status < 200 && !a->switches)
		return;
	if (a->status >= 200 && answer_find(a, S("Date")).p == NULL)
		put_date(a, to->wall_ms);
	if (a->relayed && to->via.n > 0)
		put_via(a, to->via);
	if (to->request_id.n > 0)
		answer_put_text(a, S("adit-request-id"), to->request_id);
}

/* --- writing --- */

/* What the connection does behind it. */
static void
put_connection(struct wire_out *w, const struct answer *a, const struct answer_to *to)
{
	if (a->switches)
		rewrite_put(w, S("Connection"), S("Upgrade"));
	else if (a->status < 200)
		return;
	else if (!to->keep_alive || a->framing == H1_UNTIL_CLOSE)
		rewrite_put(w, S("Connection"), S("close"));
	else if (to->visitor_minor == 0)
		rewrite_put(w, S("Connection"), S("keep-alive"));
	if (a->may_switch)
		rewrite_put(w, S("Connection"), S("Upgrade"));
}

size_t
answer_write(const struct answer *a, const struct answer_to *to, char *dst, size_t cap)
{
	struct wire_out w = wire_out(dst, cap);
	char status[4] = { (char)('0' + a->status / 100), (char)('0' + a->status / 10 % 10),
		(char)('0' + a->status % 10), ' ' };

	wire_put(&w, S("HTTP/1.1 "));
	wire_put(&w, slice_of(status, sizeof(status)));
	wire_put(&w, a->reason);
	wire_put(&w, S("\r\n"));
	for (uint16_t i = 0; i < a->n_fields; i++)
		rewrite_put(&w, a->fields[i].name, a->fields[i].value);
	if (a->framing == H1_CHUNKED)
		rewrite_put(&w, S("Transfer-Encoding"), S("chunked"));
	put_connection(&w, a, to);
	wire_put(&w, S("\r\n"));
	return a->failed || w.failed ? 0 : w.n;
}
