/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a proxy does to a head (RFC 9110 section 7.6, RFC 7239): a new head is written
 * from the parsed one, field by field in the order and case they came in; hop-by-hop fields, those
 * that Connection names, and our own names are left out; ours are added at the end.  Never
 * byte-copied.
 *
 * Inside a stream a head carries no Transfer-Encoding and no Connection (but for an upgrade): body
 * bytes follow as they are and the end of the stream's direction is the end of the body.  The last
 * hop adds framing.
 */
#ifndef ADIT_HTTP_REWRITE_H
#define ADIT_HTTP_REWRITE_H

#include "http/answer.h"
#include "http/h1.h"

/* For requests at the edge.  Texts are ours or checked by h1_head(), not raw from the visitor. */
struct rewrite_forward {
	struct slice client_address; /* "192.0.2.1" or "2001:db8::1"; empty for a Unix socket */
	struct slice proto;          /* "https" or "http" */
	struct slice host;           /* the Host as the visitor wrote it */
	uint16_t port;               /* of the public listener; 0: none is told */
	struct slice request_id;
	struct slice via; /* our name in Via, a token; empty: no Via */
	bool h2;          /* it came by HTTP/2, as Via says */
	bool trailers; /* trailers pass both ways: Trailer stays, and TE where it asks for them */
	bool trusted;  /* a proxy: keep and append to its chain instead of setting it anew */
};

/*
 * Request head for a stream: origin-form target, byte for byte as it came; Host from the canonical
 * authority, where it stood; hop-by-hop fields, what Connection names, Expect and Proxy* removed.
 *
 * What speaks of the visitor to the origin is ours alone (S-11).  Removed: X-Forwarded*, Forwarded,
 * X-Real-IP, Client-IP and the like of other proxies, X-Original-* and X-Rewrite-URL, with which some
 * frameworks replace what policy has looked at, adit-*; and all these, hop-by-hop and framing fields
 * included, with any other character in place of '-' (CGI and WSGI read them as one). The tables
 * stand in rewrite.c.  Set: X-Forwarded-For, -Proto, -Host, -Port, Forwarded, adit-request-id.
 * Trusted: ours is appended to X-Forwarded-For and Forwarded; X-Forwarded-Proto, -Host, -Port stay
 * where they are there.
 *
 * Max-Forwards of a TRACE or OPTIONS is counted down; see rewrite_ends_here().
 *
 * Upgrade and Connection: Upgrade stay with H1_UPGRADE.  Returns the bytes written, 0 when dst is
 * too small: never with cap >= LIMIT_HEAD_BYTES + H1_INSIDE_BYTES.
 */
size_t rewrite_request(const struct h1_head *h, struct slice buf, const struct rewrite_forward *f,
    char *dst, size_t cap) must_use;

/* True for a TRACE or OPTIONS with Max-Forwards: 0, which is not forwarded but
 * answered (RFC 9110 7.6.2). */
bool rewrite_ends_here(const struct h1_head *h, struct slice buf) must_use;

/*
 * Request head for an origin, from one that came by a stream: framing added (Content-Length
 * stays; else Transfer-Encoding: chunked where body_follows, but never to an upgrade),
 * Connection: Upgrade with H1_UPGRADE and no Connection otherwise; host replaced when host.p !=
 * NULL.  0: dst is too small.
 */
size_t rewrite_to_origin(const struct h1_head *h, struct slice buf, bool body_follows,
    struct slice host, char *dst, size_t cap) must_use;

/*
 * Response head for a stream, from an origin: hop-by-hop fields and adit-* removed, Content-Length
 * too where no body can follow (1xx, 204).  101 and 426 keep Upgrade; the version stays the
 * origin's, for Via.  0: dst is too small.
 */
size_t rewrite_response(const struct h1_head *h, struct slice buf, char *dst, size_t cap) must_use;

/*
 * Response head for a visitor, from a stream: framing as the visitor's version needs it
 * (Content-Length stays, else chunked for 1.1, unless no body can follow, and close for 1.0), and
 * the fields that pass.  answer.h has the rest.  Interim responses must not be sent to a visitor of
 * 1.0.  Slices of *ret lie in buf.
 */
void rewrite_to_visitor(const struct h1_head *h, struct slice buf, const struct answer_to *to,
    struct answer *ret);

/*
 * Rules of a route on the head of a request that one of the above has written, in place: fields of these names are
 * dropped, whole lines are added before the empty line.  The new length, 0 when it does not fit.
 */
size_t rewrite_rules(char *head, size_t n, size_t cap, const struct slice *drop, size_t n_drop,
    struct slice add) must_use;

#endif
