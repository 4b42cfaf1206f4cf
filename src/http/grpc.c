/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines and outcomes of gRPC. */
#include "http/grpc.h"

/* "100m": at most eight digits and a unit; 0: it is none. */
static uint64_t
timeout_ms(struct slice s)
{
	uint64_t n;

	if (s.n < 2 || s.n > 9 || !slice_u64(slice_head(s, s.n - 1), &n))
		return 0;
	switch (s.p[s.n - 1]) {
	case 'H':
		return n * 3600 * 1000;
	case 'M':
		return n * 60 * 1000;
	case 'S':
		return n * 1000;
	case 'm':
		return n;
	case 'u':
		return n / 1000;
	case 'n':
		return n / 1000000;
	default:
		return 0;
	}
}

uint32_t
grpc_patience_ms(const struct h1_head *h, struct slice buf, uint32_t ms)
{
	size_t at = 0;
	const struct h1_field *f = h1_find(h, buf, S("grpc-timeout"), &at);
	uint64_t theirs = f == NULL ? GRPC_PATIENCE_MS : timeout_ms(h1_text(buf, f->value));

	if (theirs > GRPC_PATIENCE_MS)
		theirs = GRPC_PATIENCE_MS;
	/* The client's own clock runs out first, so that it is told by itself. */
	if (theirs < GRPC_PATIENCE_MS)
		theirs += 1000;
	return theirs > ms ? (uint32_t)theirs : ms;
}

/* As clients read a status of HTTP that came in place of theirs (gRPC's http-grpc-status-mapping). */
static struct slice
outcome(int status)
{
	switch (status) {
	case 400:
		return S("13"); /* INTERNAL */
	case 401:
		return S("16"); /* UNAUTHENTICATED */
	case 403:
		return S("7"); /* PERMISSION_DENIED */
	case 404:
	case 405:
	case 410:
	case 501:
		return S("12"); /* UNIMPLEMENTED */
	case 413:
	case 431:
		return S("8"); /* RESOURCE_EXHAUSTED */
	default:
		return S("14"); /* UNAVAILABLE: it may be tried again */
	}
}

/* The sentences of the table are plain ASCII without '%', as grpc-message wants it. */
void
grpc_answer(enum close_code code, struct answer *ret)
{
	const struct close_row *row = close_row(code);

	answer_begin(ret, 200, S(""));
	answer_put(ret, S("Content-Type"), S("application/grpc"));
	answer_put(ret, S("Content-Length"), S("0"));
	answer_put(ret, S("grpc-status"), outcome(row->status));
	answer_put(ret, S("grpc-message"), slice_str(row->what));
	answer_put(ret, S("Cache-Control"), S("no-store"));
	answer_put(ret, S("adit-error"), slice_str(row->name));
}
