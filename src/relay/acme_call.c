/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of a CA's client over fetch. */
#include "relay/acme_call.h"

#include <stdio.h>

/* Several Link fields tell of several chains (RFC 8555 7.4.2). */
static void
join_links(const struct fetch_answer *a, struct buf *out)
{
	struct slice head = buf_slice(&a->head);
	const struct h1_field *f;
	size_t at = 0;

	while ((f = h1_find(&a->h1.head, head, S("Link"), &at)) != NULL) {
		buf_put(out, out->n > 0 ? S(", ") : S(""));
		buf_put(out, h1_text(head, f->value));
	}
}

const char *
acme_call_take(struct acme_call *c, struct acme *a, int64_t now_s)
{
	const struct fetch_answer *got = &c->answer;
	struct acme_answer answer = { 0 };
	struct buf links;

	buf_init(&links, LIMIT_HEAD_BYTES);
	if (c->fetch == NULL || got->stage != FETCH_DONE) {
		answer.why = got->why;
	} else if (got->body.n >= got->body.max) {
		answer.why = "its answer is too long";
	} else {
		join_links(got, &links);
		answer = (struct acme_answer){ .status = got->status,
			.nonce = fetch_field(got, S("Replay-Nonce")),
			.location = fetch_field(got, S("Location")),
			.retry_after = fetch_field(got, S("Retry-After")),
			.link = buf_slice(&links),
			.body = buf_slice(&got->body) };
	}
	acme_answer(a, &answer, now_s);
	buf_fini(&links);
	return answer.status == 0 ? answer.why : NULL;
}

void
acme_call_end(struct acme_call *c)
{
	fetch_end(c->fetch);
	c->fetch = NULL;
	fetch_fini(&c->answer);
}

/* https://HOST[:PORT]/PATH into host and request; false: it has no such form. */
static bool
split_url(struct acme_call *c, struct slice url)
{
	struct slice rest = slice_starts(url, S("https://")) ? slice_from(url, 8) : S("");
	size_t slash = slice_find(rest, '/');
	struct slice host = slice_head(rest, slash == SIZE_MAX ? rest.n : slash);
	struct addr *addr = &c->req.addr;

	c->req.target = slash == SIZE_MAX ? S("/") : slice_from(rest, slash);
	if (host.n == 0 || !slice_z(host, c->host, sizeof(c->host)) ||
	    addr_parse(slice_head(url, 8 + host.n), addr) != NULL || addr->kind != ADDR_TCP ||
	    addr->host[0] == '\0')
		return false;
	addr->tls = true;
	if (addr->port == 0)
		addr->port = 443;
	return true;
}

void
acme_call_send(struct acme_call *c, struct loop *l, struct tls_client *tls, const char *program,
    const struct acme_request *r, void (*came)(void *owner), void *owner)
{
	bool body = r->content_type != NULL;

	check(c->fetch == NULL);
	c->req = (struct fetch_request){ .method = r->method,
		.tls = tls,
		.host = c->host,
		.body = body ? r->body : S(""),
		.timeout_ms = LIMIT_CERT_FETCH_MS,
		.body_max = LIMIT_ACME_ANSWER_BYTES };
	snprintf(c->fields, sizeof(c->fields), "User-Agent: %s\r\nAccept: %s\r\n%s%s%s", program,
	    r->accept != NULL ? r->accept : "*/*", body ? "Content-Type: " : "",
	    body ? r->content_type : "", body ? "\r\n" : "");
	c->req.fields = slice_str(c->fields);
	c->answer = (struct fetch_answer){ .stage = FETCH_DNS };
	if (split_url(c, slice_str(r->url)))
		c->fetch = fetch_start(l, &c->req, &c->answer, came, owner);
	else
		snprintf(c->answer.why, sizeof(c->answer.why), "this is no https:// URL");
	if (c->fetch == NULL)
		came(owner);
}
