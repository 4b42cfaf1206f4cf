/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the head for the next hop: what passes, what is removed, what is added. */
#include "http/rewrite.h"

#include "http/h1_private.h"
#include "http/rewrite_private.h"
#include "http/token.h"

/* --- writing --- */

void
rewrite_put(struct wire_out *w, struct slice name, struct slice value)
{
	char *p = w->p + w->n;

	if (w->failed || name.n + value.n + 4 > w->cap - w->n) {
		w->failed = true;
		return;
	}
	memcpy(p, name.p, name.n);
	p += name.n;
	*p++ = ':';
	*p++ = ' ';
	if (value.n > 0)
		memcpy(p, value.p, value.n);
	p += value.n;
	*p++ = '\r';
	*p++ = '\n';
	w->n = (size_t)(p - w->p);
}

struct slice
rewrite_number(unsigned v, char *text, size_t n)
{
	size_t at = n;

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0 && at > 0);
	check(v == 0); /* callers give room for the largest that they have */
	return slice_of(text + at, n - at);
}

/* The version in which it came to us (RFC 9110 7.6.3). */
static void
put_via(struct wire_out *w, const struct h1_head *h, const struct rewrite_forward *f)
{
	if (f->via.n == 0)
		return;
	wire_put(w, f->h2 ? S("Via: 2.0 ") : h->minor == 0 ? S("Via: 1.0 ") : S("Via: 1.1 "));
	wire_put(w, f->via);
	wire_put(w, S("\r\n"));
}

size_t
rewrite_end(struct wire_out *w)
{
	check(w->n <= w->cap);
	wire_put(w, S("\r\n"));
	return w->failed ? 0 : w->n;
}

static void
put_request_line(struct wire_out *w, const struct h1_head *h, struct slice buf)
{
	struct slice method = h1_text(buf, h->method), target = h1_text(buf, h->target);

	wire_put(w, method);
	wire_put(w, S(" "));
	if (h->flags & H1_ABSOLUTE) {
		/* from the path on; RFC 9112 3.2.4 for where there is none */
		check(h->path.at >= h->target.at); /* its path is a part of it */
		target = slice_from(target, (size_t)(h->path.at - h->target.at));
		if (h->path.n == 0)
			wire_put(w,
			    target.n == 0 && slice_eq(method, S("OPTIONS")) ? S("*") : S("/"));
	}
	wire_put(w, target);
	wire_put(w, S(" HTTP/1.1\r\n"));
}

/* --- how far it may go (RFC 9110 7.6.2) --- */

/* The two methods for which Max-Forwards means something. */
static bool
counts_forwards(const struct h1_head *h, struct slice buf)
{
	struct slice method = h1_text(buf, h->method);

	return slice_eq(method, S("TRACE")) || slice_eq(method, S("OPTIONS"));
}

bool
rewrite_ends_here(const struct h1_head *h, struct slice buf)
{
	const struct h1_field *f;
	size_t at = 0;
	uint64_t left;

	if (!counts_forwards(h, buf))
		return false;
	while ((f = h1_find(h, buf, S("max-forwards"), &at)) != NULL)
		if (slice_u64(h1_text(buf, f->value), &left) && left == 0)
			return true;
	return false;
}

/* One less; what is no number stays as it is, since nobody counts by it. */
static void
put_forwards(struct wire_out *w, struct slice name, struct slice value)
{
	char text[10];
	uint64_t left;

	if (slice_u64(value, &left) && left > 0)
		value = rewrite_number(left > INT32_MAX ? INT32_MAX : (unsigned)left - 1, text,
		    sizeof(text));
	rewrite_put(w, name, value);
}

/* --- who the visitor is (RFC 7239) --- */

/* Which of the outer proxy's fields were kept. */
struct kept {
	bool proto, host, port;
};

/*
 * Of a trusted proxy: true when the field stays as it is; the chains are written anew.  No other of
 * its fields is believed: a proxy that does not know a name lets a visitor's through.
 */
static bool
keep_visitor(struct slice name, struct kept *kept)
{
	bool proto = token_is(name, S("x-forwarded-proto")),
	     host = token_is(name, S("x-forwarded-host")),
	     port = token_is(name, S("x-forwarded-port"));

	kept->proto |= proto;
	kept->host |= host;
	kept->port |= port;
	return proto || host || port;
}

/* All values of a chain with a comma behind each. */
static void
put_chain(struct wire_out *w, const struct h1_head *h, struct slice buf, struct slice name)
{
	const struct h1_field *f;
	size_t at = 0;

	while ((f = h1_find(h, buf, name, &at)) != NULL) {
		if (f->value.n == 0)
			continue;
		wire_put(w, h1_text(buf, f->value));
		wire_put(w, S(", "));
	}
}

static void
put_quoted(struct wire_out *w, struct slice before, struct slice s, struct slice behind)
{
	wire_put(w, S("\""));
	wire_put(w, before);
	wire_put(w, s);
	wire_put(w, behind);
	wire_put(w, S("\""));
}

/*
 * RFC 7239 section 6: an address of IPv6 stands in brackets and quotes, a host with a
 * port in quotes.
 */
static void
put_forwarded(struct wire_out *w, const struct rewrite_forward *f)
{
	wire_put(w, S("for="));
	if (f->client_address.n == 0)
		wire_put(w, S("unknown"));
	else if (slice_find(f->client_address, ':') != SIZE_MAX)
		put_quoted(w, S("["), f->client_address, S("]"));
	else
		wire_put(w, f->client_address);
	if (f->host.n > 0) {
		wire_put(w, S(";host="));
		if (slice_find(f->host, ':') != SIZE_MAX)
			put_quoted(w, S(""), f->host, S(""));
		else
			wire_put(w, f->host);
	}
	wire_put(w, S(";proto="));
	wire_put(w, f->proto);
}

/* Both forms, since applications read either. Behind a trusted proxy its chain comes first. */
static void
put_visitor(struct wire_out *w, const struct h1_head *h, struct slice buf,
    const struct rewrite_forward *f, const struct kept *kept)
{
	char text[5];

	wire_put(w, S("X-Forwarded-For: "));
	if (f->trusted)
		put_chain(w, h, buf, S("x-forwarded-for"));
	wire_put(w, f->client_address.n > 0 ? f->client_address : S("unknown"));
	wire_put(w, S("\r\n"));
	if (!kept->proto)
		rewrite_put(w, S("X-Forwarded-Proto"), f->proto);
	if (!kept->host && f->host.n > 0)
		rewrite_put(w, S("X-Forwarded-Host"), f->host);
	if (!kept->port && f->port != 0)
		rewrite_put(w, S("X-Forwarded-Port"), rewrite_number(f->port, text, sizeof(text)));
	wire_put(w, S("Forwarded: "));
	if (f->trusted)
		put_chain(w, h, buf, S("forwarded"));
	put_forwarded(w, f);
	wire_put(w, S("\r\n"));
	if (f->request_id.n > 0)
		rewrite_put(w, S("adit-request-id"), f->request_id);
}

/* --- heads --- */

/* Whether a field goes on its way as it stands. */
static bool
passes_request(enum rewrite_class class, const struct h1_head *h, const struct rewrite_listed *l,
    struct slice name)
{
	switch (class) {
	case PLAIN:
	case FORWARDS:
	case VISITOR:
	case OURS:
		return !rewrite_is_listed(l, name);
	case HOST:
	case LENGTH:
		return true;
	case SWITCH:
		return (h->flags & H1_UPGRADE) != 0;
	case TRAILERS:
	case ASKS:
	case HOP:
	case SHADOW:
		break;
	}
	return false;
}

/* TE, of which nothing but this is passed on: whoever asks takes trailers (RFC 9110 10.1.4). */
static bool
asks_for_trailers(struct slice te)
{
	struct slice token;

	while (token_next(&te, &token))
		if (token_is(token, S("trailers")))
			return true;
	return false;
}

/* HTTP/1.0 names it in an absolute target only. */
static void
put_missing_host(struct wire_out *w, const struct h1_head *h, struct slice buf)
{
	size_t at = 0;

	if (h->minor == 0 && h1_find(h, buf, S("host"), &at) == NULL)
		rewrite_put(w, S("Host"), h1_text(buf, h->authority));
}

size_t
rewrite_request(const struct h1_head *h, struct slice buf, const struct rewrite_forward *f,
    char *dst, size_t cap)
{
	struct wire_out w = wire_out(dst, cap);
	struct kept kept = { 0 };
	struct rewrite_listed listed UNCLEARED;
	bool counts = counts_forwards(h, buf), asks = false;

	check(h->n_bytes > 0 && h->n_bytes <= buf.n); /* whole, and still there */
	rewrite_listed(h, buf, &listed);
	put_request_line(&w, h, buf);
	put_missing_host(&w, h, buf);
	for (size_t i = 0; i < h->n_fields; i++) {
		struct slice name = h1_text(buf, h->fields[i].name);
		struct slice value = h1_text(buf, h->fields[i].value);
		enum rewrite_class class = rewrite_classify(name);

		asks |= class == ASKS && asks_for_trailers(value);
		if (class == TRAILERS && f->trailers)
			class = PLAIN;
		if (class == OURS || !passes_request(class, h, &listed, name))
			continue;
		if (class == VISITOR && !(f->trusted && keep_visitor(name, &kept)))
			continue;
		if (class == FORWARDS && counts)
			put_forwards(&w, name, value);
		else
			rewrite_put(&w, name, class == HOST ? h1_text(buf, h->authority) : value);
	}
	if (h->flags & H1_UPGRADE)
		rewrite_put(&w, S("Connection"), S("Upgrade"));
	if (asks && f->trailers && h->minor > 0)
		rewrite_put(&w, S("TE"), S("trailers"));
	put_via(&w, h, f);
	put_visitor(&w, h, buf, f, &kept);
	return rewrite_end(&w);
}

/*
 * The head comes from our own edge, but through the same parser: an agent believes no edge
 * more than that.
 */
size_t
rewrite_to_origin(const struct h1_head *h, struct slice buf, bool body_follows, struct slice host,
    char *dst, size_t cap)
{
	struct wire_out w = wire_out(dst, cap);
	struct rewrite_listed listed UNCLEARED;
	bool chunked = body_follows && h->framing != H1_LENGTH && (h->flags & H1_UPGRADE) == 0;
	bool asks = false;

	if (host.p == NULL)
		host = h1_text(buf, h->authority);
	check(h->n_bytes > 0 && h->n_bytes <= buf.n); /* whole, and still there */
	rewrite_listed(h, buf, &listed);
	put_request_line(&w, h, buf);
	for (size_t i = 0; i < h->n_fields; i++) {
		struct slice name = h1_text(buf, h->fields[i].name);
		struct slice value = h1_text(buf, h->fields[i].value);
		enum rewrite_class class = rewrite_classify(name);

		asks |= class == ASKS && asks_for_trailers(value);
		if (class == TRAILERS && chunked)
			class = PLAIN;
		if (passes_request(class, h, &listed, name))
			rewrite_put(&w, name, class == HOST ? host : value);
	}
	if (h->flags & H1_UPGRADE)
		rewrite_put(&w, S("Connection"), S("Upgrade"));
	else if (asks)
		wire_put(&w, S("TE: trailers\r\nConnection: TE\r\n"));
	if (chunked)
		rewrite_put(&w, S("Transfer-Encoding"), S("chunked"));
	return rewrite_end(&w);
}

/* --- rules of a route --- */

static bool
is_dropped(struct slice line, const struct slice *drop, size_t n_drop)
{
	struct slice name = slice_head(line, slice_find(line, ':'));

	for (size_t i = 0; i < n_drop; i++)
		if (slice_ieq(name, drop[i]))
			return true;
	return false;
}

/*
 * In place: what is kept moves to the front, so the room that is dropped is there for what is
 * added. The first line is no field.
 */
size_t
rewrite_rules(char *head, size_t n, size_t cap, const struct slice *drop, size_t n_drop,
    struct slice add)
{
	struct slice in = { head, n };
	size_t kept = 0;

	check(2 <= n && n <= cap);
	for (size_t i = 0; in.n > 2; i++) {
		struct slice line = slice_head(in, slice_find(in, '\n') + 1);

		check(line.n > 0); /* a head of ours ends with an empty line: it has no other end */
		in = slice_from(in, line.n);
		if (i > 0 && is_dropped(line, drop, n_drop))
			continue;
		memmove(head + kept, line.p, line.n);
		kept += line.n;
	}
	if (kept + add.n + 2 > cap)
		return 0;
	if (add.n > 0)
		memcpy(head + kept, add.p, add.n);
	memcpy(head + kept + add.n, "\r\n", 2);
	return kept + add.n + 2;
}
