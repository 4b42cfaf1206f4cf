/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, queries, JSON and fields that a client of the small server sends: what is decoded is readable text, and
 * means itself when it is encoded again. */
#include "base/utf8.h"
#include "fuzz/must.h"
#include "web/assets.h"
#include "web/json_in.h"
#include "web/router.h"

static const struct web_route rows[] = {
	{ .method = "GET", .pattern = "/v1/exchanges/:id" },
	{ .method = "GET", .pattern = "/v1/exchanges/:id/:side/body" },
	{ .method = "PUT", .pattern = "/v1/exchanges/:id/pin" },
	{ .method = "DELETE", .pattern = "/:a/:b/:c/:d" },
	{ .method = "POST", .pattern = "/" },
};

static void
must_be_text(struct slice s)
{
	while (s.n > 0) {
		size_t n = utf8_next(s);

		MUST(n > 0 && (unsigned char)s.p[0] >= 0x20 && s.p[0] != 0x7f);
		s = slice_from(s, n);
	}
}

/* All of it as %XX gives it back. */
static void
must_mean_itself(struct slice s)
{
	char *coded = malloc(3 * s.n + 1), *text = malloc(3 * s.n + 1);
	ptrdiff_t n;

	for (size_t i = 0; i < s.n; i++)
		snprintf(coded + 3 * i, 4, "%%%02x", (unsigned char)s.p[i]);
	n = web_decode(slice_of(coded, 3 * s.n), true, text);
	MUST(n == (ptrdiff_t)s.n && slice_eq(slice_of(text, s.n), s));
	free(coded);
	free(text);
}

static void
check_query(struct slice s)
{
	struct web_pair pairs[8];
	char *text = malloc(s.n + 1);
	ptrdiff_t n = web_query_parse(s, text, pairs, 8);
	size_t sum = 0;

	MUST(n >= -1 && n <= 8);
	for (ptrdiff_t i = 0; i < n; i++) {
		must_be_text(pairs[i].name);
		must_be_text(pairs[i].value);
		must_mean_itself(pairs[i].value);
		sum += pairs[i].name.n + pairs[i].value.n;
	}
	MUST(sum <= s.n);
	free(text);
}

static void
check_route(struct slice method, struct slice path)
{
	char *text = malloc(path.n + 1);
	struct web_match m;
	size_t sum = 0;

	web_route_find(rows, sizeof(rows) / sizeof(*rows), method, path, text, &m);
	MUST(m.route == NULL || !m.known);
	MUST(m.n_params <= WEB_PARAMS_MAX && (m.route != NULL || m.n_params == 0));
	MUST(m.known == (m.allow[0] != '\0') || m.route != NULL);
	for (size_t i = 0; i < m.n_params; i++) {
		must_be_text(m.params[i]);
		sum += m.params[i].n;
	}
	MUST(sum <= path.n && !(m.bad && m.n_params > 0));
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice s = slice_of(data, n), rest = s, method;
	char why[WEB_WHY_BYTES];
	json_t *json = web_json_in(s, why);

	MUST(json != NULL || strlen(why) > 0);
	json_decref(json);
	check_query(s);
	method = slice_cut(&rest, ' ');
	check_route(method, rest);
	check_route(S("GET"), s);
	(void)web_takes_gzip(s);
	(void)web_is_json_type(s);
	MUST(!web_etag_matches(s, S("an etag that is nowhere")) || memchr(data, '*', n) != NULL ||
	     memmem(data, n, "nowhere", 7) != NULL);
	return 0;
}
