/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of Bitbucket's two REST APIs, made one after the other and waited for. */
#include "agent/command/bitbucket.h"

#include "base/text.h"
#include "relay/fetch.h"

#include <stdio.h>
#include <stdlib.h>

#define CLOUD "https://api.bitbucket.org/2.0"
/* People wait for each call: long enough for a slow Data Center, short enough that
 * nobody thinks it hangs. */
#define CALL_MS 20000
/* Of 100 hooks each. A repository has a handful; the bound is against an API that links
 * pages in a circle. */
#define PAGES_MAX 20

/* --- where --- */

/* Nobody on a network can read what goes to these: a token may go there without TLS. */
static bool
is_here(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "::1") == 0;
}

/* What may stand in the path of a call as it is. Anything else would change which path that is:
 * ".." or a slash would lead the call to another repository. */
static bool
is_slug(struct slice s)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-~";

	if (s.n == 0 || s.n > 127 || slice_eq(s, S(".")) || slice_eq(s, S("..")))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr(plain, s.p[i]) == NULL)
			return false;
	return true;
}

const char *
bitbucket_init(struct bitbucket *b, const char *api, const char *repository)
{
	struct slice rest = slice_str(repository), owner = slice_cut(&rest, '/');
	struct slice base = slice_str(api != NULL ? api : CLOUD), authority;
	size_t n;
	const char *why;

	if (!is_slug(owner) || !is_slug(rest) || !slice_z(owner, b->owner, sizeof(b->owner)) ||
	    !slice_z(rest, b->repo, sizeof(b->repo)))
		return b->dc ? "PROJECT/REPO is wanted" : "WORKSPACE/REPO is wanted";
	if (!slice_starts(base, S("https://")) && !slice_starts(base, S("http://")))
		return "the API's address begins with https://";
	/* Not into "https://" itself. */
	while (base.n > 8 && base.p[base.n - 1] == '/')
		base.n--;
	n = slice_starts(base, S("https://")) ? 8 : 7;
	authority = slice_from(base, n);
	authority = slice_cut(&authority, '/');
	why = addr_parse(slice_head(base, n + authority.n), &b->addr);
	if (why != NULL || b->addr.kind != ADDR_TCP)
		return why != NULL ? why : "the API's address is no URL";
	if (!slice_z(authority, b->host, sizeof(b->host)) ||
	    !slice_z(slice_from(base, n + authority.n), b->path, sizeof(b->path) - 64))
		return "the API's address is too long";
	if (b->addr.port == 0)
		b->addr.port = n == 8 ? 443 : 80;
	b->addr.tls = n == 8;
	if (n == 7 && !is_here(b->addr.host))
		return "over http:// everybody on the way would read the token: give an https:// "
		       "address";
	/* People give the address that they open in a browser. Who wrote the API's path wants
	 * that version of it. */
	if (b->dc && strstr(b->path, "/rest/api") == NULL)
		snprintf(b->path + strlen(b->path), 64, "/rest/api/latest");
	return NULL;
}

/* --- one call --- */

void
bitbucket_answer_fini(struct bitbucket_answer *a)
{
	json_decref(a->body);
	a->body = NULL;
}

/*
 * What its error body says, as ": text", or "". Cloud has one object "error" with a message and
 * perhaps faults by field; Data Center has a list "errors", of which the first is told; a proxy
 * between may send "error" as a plain string. The text comes from outside: no control character
 * of it reaches a terminal.
 */
static void
read_errors(const json_t *body, char *dst, size_t cap)
{
	const json_t *error = json_object_get(body, "error"),
		     *fields = json_object_get(error, "fields");
	const json_t *first = json_array_get(json_object_get(body, "errors"), 0);
	const char *message = json_string_value(json_object_get(error, "message")), *key, *context;
	json_t *value;
	size_t n = 0;

	if (message == NULL)
		message = json_string_value(json_object_get(first, "message"));
	if (message == NULL)
		message = json_string_value(error);
	context = json_string_value(json_object_get(first, "context"));
	dst[0] = '\0';
	if (message != NULL)
		n = (size_t)snprintf(dst, cap, ": %s%s%.200s", context != NULL ? context : "",
		    context != NULL ? ": " : "", message);
	json_object_foreach((json_t *)(uintptr_t)fields, key, value) {
		const char *text =
		    json_string_value(json_is_array(value) ? json_array_get(value, 0) : value);

		if (n < cap)
			n += (size_t)snprintf(dst + n, cap - n, " (%.40s: %.150s)", key,
			    text != NULL ? text : "");
	}
	for (char *p = dst; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
}

/* What a status means here, and what people can do about it, for either product. */
static const struct {
	int status;
	const char *cloud, *dc;
} meanings[] = {
	{ 400, "Bitbucket refuses the webhook; adit check-url URL says what it does not like",
	    "Bitbucket refuses the webhook" },
	{ 401,
	    "Bitbucket does not know the token: make one at Repository settings, Access tokens, or "
	    "check for a "
	    "line that was cut off",
	    "Bitbucket does not know the token: make an HTTP access token in your account or at "
	    "the repository" },
	{ 403,
	    "the token may not do this: it needs the scope webhook (and repository, pullrequest "
	    "for their events)",
	    "the token may not do this: it needs the permission repository admin" },
	{ 404, "there is no such repository for this token: WORKSPACE/REPO as in its web address",
	    "there is no such repository for this token: PROJECT is the key in capitals, ~USER for "
	    "personal ones" },
	{ 409, "it collides with another change: try again",
	    "it collides with another change: try again" },
	{ 429, "too many calls in this hour: wait", "too many calls: wait" },
};

/* Bitbucket answered, but not with success: a->why becomes a sentence of status, its
 * own words, and ours. */
static void
explain(const struct bitbucket *b, struct bitbucket_answer *a)
{
	const char *meaning = a->status >= 500 ? "Bitbucket fails: try again later"
					       : "Bitbucket answers in an unknown way";
	char errors[400];

	check(a->status != 0 && (a->status < 200 || a->status > 299));
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (meanings[i].status == a->status)
			meaning = b->dc ? meanings[i].dc : meanings[i].cloud;
	/* A redirect is not followed: the token would go to a host that nobody named. */
	if (a->status >= 300 && a->status < 400)
		meaning = "the API's address redirects: give the one it redirects to";
	read_errors(a->body, errors, sizeof(errors));
	snprintf(a->why, sizeof(a->why), "%d%.380s; %.190s", a->status, errors, meaning);
}

/* An access token is sent as Bearer (RFC 6750). It never has a colon, so what has one is a user
 * and a password, or an API token behind an e-mail address, and is sent as Basic (RFC 7617). */
static void
put_auth(const struct bitbucket *b, struct buf *fields)
{
	char basic[1024];
	size_t n = strlen(b->token);

	if (strchr(b->token, ':') == NULL) {
		buf_printf(fields, "Authorization: Bearer %s\r\n", b->token);
	} else if (n < 700) {
		text_base64(b->token, n, basic);
		buf_printf(fields, "Authorization: Basic %s\r\n", basic);
		explicit_bzero(basic, sizeof(basic));
	}
}

/* One call, waited for. body is taken over, also on failure; NULL: none. 0: the status is 2xx. */
static int
call(const struct bitbucket *b, const char *method, const char *target, json_t *body,
    struct bitbucket_answer *ret)
{
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	struct fetch_answer a;
	struct buf fields;
	int rc;

	/* The token goes where bitbucket_init() allowed it, and nowhere in clear
	 * but to this machine. */
	check(b->token != NULL && (b->addr.tls || is_here(b->addr.host)));
	*ret = (struct bitbucket_answer){ 0 };
	buf_init(&fields, 4096);
	/* Data Center takes a write from outside a browser only with this field
	 * (its guard against CSRF). */
	put_auth(b, &fields);
	buf_printf(&fields, "Accept: application/json\r\nUser-Agent: adit/%s\r\n%s", ADIT_VERSION,
	    b->dc ? "X-Atlassian-Token: no-check\r\n" : "");
	if (body != NULL)
		buf_put(&fields, S("Content-Type: application/json\r\n"));
	rc = fetch(&(struct fetch_request){ .method = method,
		       .addr = b->addr,
		       .host = b->host,
		       .target = slice_str(target),
		       .fields = buf_slice(&fields),
		       .body = text == NULL ? S("") : slice_str(text),
		       .ca_path = b->ca,
		       .timeout_ms = CALL_MS,
		       .body_max = 1 << 20 },
	    &a);
	ret->status = rc == 0 ? a.status : 0;
	if (rc == 0 && a.body.n > 0)
		ret->body = json_loadb(a.body.p, a.body.n, 0, NULL);
	if (rc != 0)
		snprintf(ret->why, sizeof(ret->why), "%.250s: %.250s", b->host, a.why);
	else if (a.status < 200 || a.status > 299)
		explain(b, ret);
	rc = rc != 0 || a.status < 200 || a.status > 299 ? -1 : 0;
	check((rc == 0) == (ret->why[0] == '\0'));
	fetch_fini(&a);
	/* The token is in the fields, a webhook's secret perhaps in the body: neither
	 * stays in freed memory. */
	if (fields.p != NULL)
		explicit_bzero(fields.p, fields.cap);
	buf_fini(&fields);
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
	json_decref(body);
	return rc;
}

/* A success that is not in Bitbucket's words: it came from some other server. */
static int
not_bitbucket(const struct bitbucket *b, struct bitbucket_answer *ret)
{
	snprintf(ret->why, sizeof(ret->why),
	    "what answers at %.250s is not the API of Bitbucket%s: is --api right%s?", b->host,
	    b->dc ? " Data Center" : "", b->dc ? "" : ", is --dc missing");
	return -1;
}

/* The path of all webhooks of the repository. */
static void
base_target(const struct bitbucket *b, struct buf *t)
{
	check(b->owner[0] != '\0' && b->repo[0] != '\0');
	if (b->dc)
		buf_printf(t, "%s/projects/%s/repos/%s/webhooks", b->path, b->owner, b->repo);
	else
		buf_printf(t, "%s/repositories/%s/%s/hooks", b->path, b->owner, b->repo);
}

/* Everything but letters, digits and -._ as %XX (RFC 3986, 2.1): ids of Cloud have braces, and a
 * whole URL goes into a query. */
static void
put_encoded(struct buf *t, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._", c) != NULL)
			buf_putc(t, (char)c);
		else
			buf_printf(t, "%%%02X", c);
	}
}

/* --- hooks --- */

/*
 * Puts path and query of the next page into *t; false at the last one. Data Center says where
 * the next page starts; Cloud gives its whole URL, which must be of the same host, since the
 * token goes nowhere else.
 */
static bool
next_page(const struct bitbucket *b, const json_t *page, struct buf *t)
{
	const char *next = json_string_value(json_object_get(page, "next"));
	const json_t *start = json_object_get(page, "nextPageStart");
	char prefix[320];

	buf_reset(t);
	if (b->dc) {
		if (!json_is_false(json_object_get(page, "isLastPage")) || !json_is_integer(start))
			return false;
		base_target(b, t);
		buf_printf(t, "?limit=100&start=%lld", (long long)json_integer_value(start));
		return true;
	}
	snprintf(prefix, sizeof(prefix), "%s://%s/", b->addr.tls ? "https" : "http", b->host);
	if (next == NULL || !slice_starts(slice_str(next), slice_str(prefix)) ||
	    strpbrk(next, " \r\n") != NULL)
		return false;
	buf_put(t, slice_str(next + strlen(prefix) - 1));
	return true;
}

int
bitbucket_list(struct bitbucket *b, json_t **ret_list, struct bitbucket_answer *ret)
{
	json_t *list = json_array();
	struct buf t;
	int rc = 0;

	buf_init(&t, 4096);
	base_target(b, &t);
	buf_printf(&t, "?%s=100", b->dc ? "limit" : "pagelen");
	for (int page = 0; page < PAGES_MAX && rc == 0; page++) {
		bool more;

		rc = call(b, "GET", buf_z(&t), NULL, ret);
		if (rc == 0 && !json_is_object(ret->body))
			rc = not_bitbucket(b, ret);
		if (rc == 0)
			json_array_extend(list, json_object_get(ret->body, "values"));
		more = rc == 0 && next_page(b, ret->body, &t);
		bitbucket_answer_fini(ret);
		if (!more)
			break;
	}
	buf_fini(&t);
	if (rc == 0)
		*ret_list = list;
	else
		json_decref(list);
	return rc;
}

void
bitbucket_read(const struct bitbucket *b, const json_t *item, struct bitbucket_hook *ret)
{
	const char *uuid = json_string_value(json_object_get(item, "uuid"));
	const char *url = json_string_value(json_object_get(item, "url"));
	const char *text = json_string_value(json_object_get(item, b->dc ? "name" : "description"));

	*ret = (struct bitbucket_hook){ .url = url != NULL ? url : "",
		.description = text != NULL ? text : "" };
	/* Numbers at Data Center, UUIDs in braces at Cloud: text from here on. */
	if (b->dc)
		snprintf(ret->id, sizeof(ret->id), "%lld",
		    (long long)json_integer_value(json_object_get(item, "id")));
	else
		snprintf(ret->id, sizeof(ret->id), "%s", uuid != NULL ? uuid : "");
	ret->active = json_is_true(json_object_get(item, "active"));
	/* Cloud says that there is one; Data Center shows the key "secret" without its value. */
	ret->secret = json_is_true(json_object_get(item, "secret_set")) ||
		      json_object_get(json_object_get(item, "configuration"), "secret") != NULL;
	ret->events = json_object_get(item, "events");
}

/* "repo:push, pullrequest:created" as an array; empty items are left out. */
static json_t *
split_events(const char *events)
{
	json_t *list = json_array();
	struct slice rest = slice_str(events);

	while (rest.p != NULL) {
		struct slice event = slice_trim(slice_cut(&rest, ','));

		if (event.n > 0)
			json_array_append_new(list, json_stringn(event.p, event.n));
	}
	return list;
}

int
bitbucket_put(struct bitbucket *b, const char *id, const char *url, const char *description,
    const char *events, const char *secret, bool verify, struct bitbucket_answer *ret)
{
	json_t *o = json_pack("{s:s, s:s, s:b, s:o}", b->dc ? "name" : "description", description,
	    "url", url, "active", 1, "events", split_events(events));
	struct buf t;
	int rc;

	/* The same wishes in the words of each; at Cloud the flag is the other way round. */
	if (b->dc) {
		json_object_set_new(o, "sslVerificationRequired", json_boolean(verify));
		if (secret != NULL)
			json_object_set_new(o, "configuration",
			    json_pack("{s:s}", "secret", secret));
	} else {
		json_object_set_new(o, "skip_cert_verification", json_boolean(!verify));
		if (secret != NULL)
			json_object_set_new(o, "secret", json_string(secret));
	}
	buf_init(&t, 4096);
	base_target(b, &t);
	if (id != NULL) {
		buf_putc(&t, '/');
		put_encoded(&t, id);
	}
	rc = call(b, id != NULL ? "PUT" : "POST", buf_z(&t), o, ret);
	buf_fini(&t);
	/* 200 with a page for people in it: some other server answers there. */
	if (rc == 0 && !json_is_object(ret->body))
		rc = not_bitbucket(b, ret);
	return rc;
}

int
bitbucket_delete(struct bitbucket *b, const char *id, struct bitbucket_answer *ret)
{
	struct buf t;
	int rc;

	buf_init(&t, 4096);
	base_target(b, &t);
	buf_putc(&t, '/');
	put_encoded(&t, id);
	rc = call(b, "DELETE", buf_z(&t), NULL, ret);
	buf_fini(&t);
	return rc;
}

/* The ping goes from Bitbucket to the URL; what the URL answered stands in the body. */
int
bitbucket_test(struct bitbucket *b, const char *id, const char *url, struct bitbucket_answer *ret)
{
	struct buf t;
	int rc;

	check(b->dc && id[0] != '\0');
	buf_init(&t, 8192);
	base_target(b, &t);
	buf_put(&t, S("/test?webhookId="));
	put_encoded(&t, id);
	buf_put(&t, S("&url="));
	put_encoded(&t, url);
	rc = call(b, "POST", buf_z(&t), json_object(), ret);
	buf_fini(&t);
	return rc;
}
