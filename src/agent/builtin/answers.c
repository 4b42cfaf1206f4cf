/* SPDX-License-Identifier: Apache-2.0 */
/* Short answers of origins that are in the agent, and the words of statuses. */
#include "agent/builtin/builtin_private.h"

const char *
builtin_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 412, "Precondition Failed" },
		{ 416, "Range Not Satisfiable" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "Answer"; /* of a rule: any number has a word */
}

void
builtin_say(struct builtin_conn *c, int status, const char *fields, const char *text)
{
	buf_printf(&c->out,
	    "HTTP/1.1 %d %s\r\n%sContent-Type: text/plain; charset=utf-8\r\n"
	    "X-Content-Type-Options: nosniff\r\nContent-Length: %zu\r\n%s\r\n%s",
	    status, builtin_reason(status), fields, strlen(text),
	    c->keep_alive ? "" : "Connection: close\r\n", c->head_only ? "" : text);
}
