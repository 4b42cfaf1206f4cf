/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads what a stream begins with. */
#include "tunnel/opening.h"

#include "base/limits.h"
#include "base/wire.h"

#define LENGTH_BYTES 2
#define REQUEST_ID_BYTES 36

enum tag {
	TAG_TUNNEL = 1,
	TAG_KIND = 2,
	TAG_REQUEST_ID = 3,
	TAG_VISITOR = 4,
	TAG_LOCAL = 5,
	TAG_TLS_VERSION = 6,
	TAG_SNI = 7,
	TAG_ALPN = 8,
	TAG_ORIGIN_SILENT = 9,
	TAG_BODY = 10,
	TAGS
};

static void
put_text(struct wire_out *w, enum tag tag, struct slice text)
{
	if (text.n == 0)
		return;
	wire_put_uint(w, tag, 1);
	wire_put_vec(w, text, 1);
}

size_t
opening_encode(const struct opening *o, char *dst, size_t cap)
{
	struct wire_out w = wire_out(dst, cap);

	wire_put_uint(&w, 0, LENGTH_BYTES);
	wire_put(&w, slice_of((char[]){ TAG_TUNNEL, 2 }, 2));
	wire_put_uint(&w, o->tunnel, 2);
	wire_put(&w, slice_of((char[]){ TAG_KIND, 1, (char)o->kind }, 3));
	put_text(&w, TAG_REQUEST_ID, o->request_id);
	put_text(&w, TAG_VISITOR, o->visitor);
	put_text(&w, TAG_LOCAL, o->local);
	put_text(&w, TAG_TLS_VERSION, o->tls_version);
	put_text(&w, TAG_SNI, o->sni);
	put_text(&w, TAG_ALPN, o->alpn);
	if (o->origin_silent_ms != 0) {
		wire_put(&w, slice_of((char[]){ TAG_ORIGIN_SILENT, 4 }, 2));
		wire_put_uint(&w, o->origin_silent_ms, 4);
	}
	if (o->body)
		wire_put(&w, slice_of((char[]){ TAG_BODY, 0 }, 2));
	if (w.failed || w.n > LENGTH_BYTES + LIMIT_OPENING_BYTES)
		return 0;
	dst[0] = (char)((w.n - LENGTH_BYTES) >> 8);
	dst[1] = (char)(w.n - LENGTH_BYTES);
	return w.n;
}

/* Values go to logs and screens: no control bytes. */
static bool
is_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

/* Of a tag that is not known the value is passed over: a later version may say more. */
static bool
take(struct opening *o, unsigned tag, struct slice v)
{
	struct wire_in w = wire_in(v);

	switch (tag) {
	case TAG_TUNNEL:
		o->tunnel = (uint16_t)wire_uint(&w, 2);
		return v.n == 2;
	case TAG_KIND:
		o->kind = (enum opening_kind)wire_uint(&w, 1);
		return v.n == 1 && (o->kind == OPENING_HTTP || o->kind == OPENING_BYTES);
	case TAG_REQUEST_ID:
		o->request_id = v;
		return v.n >= 1 && v.n <= REQUEST_ID_BYTES && is_text(v);
	case TAG_VISITOR:
		o->visitor = v;
		return is_text(v);
	case TAG_LOCAL:
		o->local = v;
		return is_text(v);
	case TAG_TLS_VERSION:
		o->tls_version = v;
		return is_text(v);
	case TAG_SNI:
		o->sni = v;
		return is_text(v);
	case TAG_ALPN:
		o->alpn = v;
		return is_text(v);
	case TAG_ORIGIN_SILENT:
		o->origin_silent_ms = (uint32_t)wire_uint(&w, 4);
		return v.n == 4;
	case TAG_BODY:
		o->body = true;
		return v.n == 0;
	default:
		return true; /* of a later version */
	}
}

/* Each known tag once, so that two readers cannot take one each. */
bool
opening_decode(struct slice s, struct opening *ret)
{
	const unsigned needed = 1u << TAG_TUNNEL | 1u << TAG_KIND | 1u << TAG_REQUEST_ID;
	struct opening o = { 0 };
	struct wire_in w = wire_in(s);
	unsigned seen = 0;

	if (s.n > LIMIT_OPENING_BYTES)
		return false;
	while (w.left.n > 0) {
		unsigned tag = (unsigned)wire_uint(&w, 1);
		struct slice v = wire_vec(&w, 1);

		if (w.failed || (tag < TAGS && (seen & 1u << tag) != 0) || !take(&o, tag, v))
			return false;
		if (tag < TAGS)
			seen |= 1u << tag;
	}
	if ((seen & needed) != needed)
		return false;
	*ret = o;
	return true;
}
