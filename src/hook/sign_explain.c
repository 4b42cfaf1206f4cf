/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a signature does not match: the mistakes that people and relays make, tried one after the
 * other.  A newline that was pasted along with the secret; a relay that parsed the JSON and wrote
 * it anew (smee-client); an editor's newline at the end.
 */
#include "hook/sign_private.h"

#include "base/buf.h"
#include "base/text.h"

/* One more try, with another secret or another body. */
static bool
matches(const struct sign_params *p, const struct hook_request *req, struct slice secret,
    struct slice body)
{
	struct sign_params q = *p;
	struct hook_request r = *req;
	struct sign_verdict v;

	q.secrets = &secret;
	q.n_secrets = 1;
	r.body = body;
	return hook_verify(&q, &r, &v) || v.reason == SIGN_SKEW;
}

/* --- secrets --- */

static struct slice
strip(struct slice s)
{
	while (s.n > 0 && memchr(" \t\r\n", s.p[0], 4) != NULL)
		s = slice_from(s, 1);
	while (s.n > 0 && memchr(" \t\r\n", s.p[s.n - 1], 4) != NULL)
		s.n--;
	return s;
}

#define SECRET_MAX 1000

/* The secret with `tail` behind it. */
static bool
matches_longer(const struct sign_params *p, const struct hook_request *req, struct slice secret,
    struct slice tail)
{
	char text[SECRET_MAX + 2];

	check(secret.n <= SECRET_MAX && tail.n <= sizeof(text) - SECRET_MAX);
	memcpy(text, secret.p, secret.n);
	memcpy(text + secret.n, tail.p, tail.n);
	return matches(p, req, slice_of(text, secret.n + tail.n), req->body);
}

/* A secret that was copied with its line end, or one whose line end was part of it and got lost. */
static bool
space_in_secret(const struct sign_params *p, const struct hook_request *req, struct slice secret)
{
	struct slice bare = strip(secret);

	if (bare.n != secret.n && matches(p, req, bare, req->body))
		return true;
	return matches_longer(p, req, secret, S("\n")) ||
	       matches_longer(p, req, secret, S("\r\n")) || matches_longer(p, req, secret, S(" "));
}

/* Text where its bytes were meant, and the other way round. */
static bool
secret_in_other_form(const struct sign_params *p, const struct hook_request *req,
    struct slice secret)
{
	struct sign_form text = *p->scheme->form;
	struct sign_scheme scheme = *p->scheme;
	struct sign_params q = *p;
	char bytes[SECRET_MAX];
	struct slice bare = slice_starts(secret, S("whsec_")) ? slice_from(secret, 6) : secret;
	ptrdiff_t n;

	text.key = SIGN_KEY_TEXT;
	scheme.form = &text;
	q.scheme = &scheme;
	if (scheme.kind != SIGN_KIND_MAC || p->scheme->form->key == SIGN_KEY_SPKI)
		return false;
	if ((p->scheme->form->key == SIGN_KEY_WHSEC && matches(&q, req, secret, req->body)) ||
	    (bare.n != secret.n && matches(&q, req, bare, req->body)))
		return true;
	n = text_unhex(bare, bytes, sizeof(bytes));
	if (n > 0 && matches(&q, req, slice_of(bytes, (size_t)n), req->body))
		return true;
	n = text_unbase64(bare, false, true, bytes, sizeof(bytes));
	return n > 0 && matches(&q, req, slice_of(bytes, (size_t)n), req->body);
}

/* --- bodies --- */

/* How JSON is laid out: spaces of an indent (0: one line), what stands behind ':' and ','. */
struct layout {
	int indent;
	bool tab, after_colon, after_comma;
};

static void
new_line(struct buf *out, const struct layout *l, int depth)
{
	if (l->indent == 0)
		return;
	buf_putc(out, '\n');
	for (int i = 0; i < depth * l->indent && !out->failed; i++)
		buf_putc(out, l->tab ? '\t' : ' ');
}

/* A string of JSON from its opening quote on, as it is. Returns its length. */
static size_t
put_string(struct buf *out, struct slice s)
{
	size_t n = 1;

	while (n < s.n && s.p[n] != '"')
		n += s.p[n] == '\\' ? 2 : 1;
	n = n < s.n ? n + 1 : s.n;
	buf_put(out, slice_head(s, n));
	return n;
}

static struct slice
skip_space(struct slice s)
{
	while (s.n > 0 && memchr(" \t\r\n", s.p[0], 4) != NULL)
		s = slice_from(s, 1);
	return s;
}

/* The JSON text anew, tokens untouched. Any bytes go through; only JSON gives JSON. */
static void
put_json(struct buf *out, struct slice s, const struct layout *l)
{
	int depth = 0;

	for (s = skip_space(s); s.n > 0 && !out->failed; s = skip_space(s)) {
		char c = s.p[0];

		if (c == '"') {
			s = slice_from(s, put_string(out, s));
			continue;
		}
		s = slice_from(s, 1);
		if (c == '{' || c == '[') {
			struct slice next = skip_space(s);

			buf_putc(out, c);
			if (next.n > 0 && (next.p[0] == '}' || next.p[0] == ']')) {
				buf_putc(out, next.p[0]);
				s = slice_from(next, 1);
			} else if (depth < LIMIT_HOOK_JSON_DEPTH)
				new_line(out, l, ++depth);
			continue;
		}
		if ((c == '}' || c == ']') && depth > 0)
			new_line(out, l, --depth);
		buf_putc(out, c);
		if (c == ',')
			new_line(out, l, depth);
		if ((c == ',' && l->after_comma) || (c == ':' && l->after_colon))
			buf_putc(out, ' ');
	}
}

/*
 * The layouts of JSON.stringify(), json.dumps(), of two and four spaces, and of tabs; with and
 * without a newline at the end.
 */
static bool
other_layout(const struct sign_params *p, const struct hook_request *req, struct slice secret,
    struct buf *room)
{
	static const struct layout layouts[] = {
		{ 0, false, false, false },
		{ 0, false, true, true },
		{ 2, false, true, false },
		{ 4, false, true, false },
		{ 1, true, true, false },
	};

	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		buf_reset(room);
		put_json(room, req->body, &layouts[i]);
		if (room->failed)
			continue;
		if (matches(p, req, secret, buf_slice(room)))
			return true;
		buf_putc(room, '\n');
		if (!room->failed && matches(p, req, secret, buf_slice(room)))
			return true;
	}
	return false;
}

/* Every line end as LF, or every one as CRLF. */
static void
put_lines(struct buf *out, struct slice s, bool crlf)
{
	for (size_t i = 0; i < s.n && !out->failed; i++) {
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
			continue;
		if (s.p[i] == '\n' && crlf)
			buf_putc(out, '\r');
		buf_putc(out, s.p[i]);
	}
}

static bool
other_newlines(const struct sign_params *p, const struct hook_request *req, struct slice secret,
    struct buf *room)
{
	static const struct slice tails[] = { S("\n"), S("\r\n") };

	for (size_t i = 0; i < 2; i++) {
		struct slice tail = tails[i];

		if (slice_ends(req->body, tail) &&
		    matches(p, req, secret, slice_head(req->body, req->body.n - tail.n)))
			return true;
		buf_reset(room);
		buf_put(room, req->body);
		buf_put(room, tail);
		if (!room->failed && matches(p, req, secret, buf_slice(room)))
			return true;
		buf_reset(room);
		put_lines(room, req->body, i == 1);
		if (!room->failed && matches(p, req, secret, buf_slice(room)))
			return true;
	}
	return false;
}

/* The cheap tries first. One that fits is certain: a wrong secret does not match by chance. */
void
sign_explain(const struct sign_params *p, const struct hook_request *req, struct sign_verdict *v)
{
	struct buf room;

	if ((v->reason != SIGN_WRONG && v->reason != SIGN_BAD_SECRET) ||
	    req->body.n > LIMIT_HOOK_EXPLAIN_BYTES)
		return;
	buf_init(&room, 4 * LIMIT_HOOK_EXPLAIN_BYTES);
	for (size_t i = 0; i < sign_n_secrets(p); i++) {
		struct slice secret = p->secrets[i];

		if (secret.n == 0 || secret.n > SECRET_MAX)
			continue;
		if (space_in_secret(p, req, secret))
			sign_settle(v, SIGN_SECRET_TRIM);
		else if (secret_in_other_form(p, req, secret))
			sign_settle(v, SIGN_SECRET_FORM);
		else if (other_newlines(p, req, secret, &room))
			sign_settle(v, SIGN_BODY_NEWLINE);
		else if (other_layout(p, req, secret, &room))
			sign_settle(v, SIGN_BODY_ALTERED);
		else
			continue;
		v->secret = (uint8_t)i;
		break;
	}
	buf_fini(&room);
}
