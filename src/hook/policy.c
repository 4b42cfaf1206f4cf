/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a policy from JSON, and checks that its parts fit together. */
#include "hook/policy.h"

#include "hook/password_cost.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define ITEMS_MAX 256

/* What is being read; the first fault stays. */
struct policy_reader {
	struct policy *p;
	char *why;
	size_t cap;
	bool failed;
};

static void
fault(struct policy_reader *r, const char *member, const char *what)
{
	if (!r->failed)
		snprintf(r->why, r->cap, "policy: %s: %s", member, what);
	r->failed = true;
}

static struct slice
text_of(json_t *j)
{
	return slice_of(json_string_value(j), json_string_length(j));
}

static struct slice
read_text(struct policy_reader *r, json_t *j, const char *member)
{
	if (!json_is_string(j)) {
		fault(r, member, "must be a text");
		return S("");
	}
	return text_of(j);
}

/* A list of texts as slices into the JSON tree; NULL when empty or at fault.  How long it may be
 * stands in policy_keys. */
static struct slice *
read_list(struct policy_reader *r, json_t *j, const char *member, size_t *ret_n)
{
	size_t n = json_array_size(j);
	struct slice *list;

	*ret_n = 0;
	if (!json_is_array(j) || n > ITEMS_MAX) {
		fault(r, member, "must be a list of texts, not too long");
		return NULL;
	}
	if (n == 0)
		return NULL;
	list = calloc(n, sizeof(*list));
	if (list == NULL) {
		fault(r, member, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		list[i] = read_text(r, json_array_get(j, i), member);
	*ret_n = n;
	return list;
}

static bool
is_token(struct slice s)
{
	static const char extra[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
			(c != '\0' && strchr(extra, c) != NULL)))
			return false;
	}
	return s.n > 0;
}

static bool
is_field_value(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

/* --- one function a kind of member --- */

static void
read_mode(struct policy_reader *r, json_t *j, const char *member)
{
	struct slice s = read_text(r, j, member);

	if (slice_eq(s, S("pass")))
		r->p->mode = PRESET_PASS;
	else if (slice_eq(s, S("store")))
		r->p->mode = PRESET_STORE;
	else if (slice_eq(s, S("relay")))
		r->p->mode = PRESET_RELAY;
	else
		fault(r, member, "must be pass, store or relay");
}

static void
read_scheme(struct policy_reader *r, json_t *j, const char *member)
{
	char why[300] = "no such scheme; there are: ";

	r->p->sign.scheme = sign_find(read_text(r, j, member));
	if (r->p->sign.scheme != NULL)
		return;
	sign_names(why + strlen(why), sizeof(why) - strlen(why));
	fault(r, member, why);
}

static void
read_secrets(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->secrets = read_list(r, j, member, &r->p->sign.n_secrets);
	r->p->sign.secrets = r->p->secrets;
	for (size_t i = 0; i < r->p->sign.n_secrets; i++)
		if (r->p->secrets[i].n == 0)
			fault(r, member, "a secret is empty");
}

static void read_object(struct policy_reader *r, json_t *j, const char *member);

static void
read_hmac_header(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->sign.header = text_of(j);
	if (!is_token(r->p->sign.header))
		fault(r, member, "not the name of a header field");
}

static void
read_hmac_prefix(struct policy_reader *r, json_t *j, const char *member)
{
	(void)member;
	r->p->sign.prefix = text_of(j);
}

static void
read_hmac_encoding(struct policy_reader *r, json_t *j, const char *member)
{
	bool base64 = slice_eq(text_of(j), S("base64"));

	if (!base64 && !slice_eq(text_of(j), S("hex")))
		fault(r, member, "must be hex or base64");
	r->p->sign.encoding = base64 ? SIGN_BASE64 : SIGN_HEX;
}

static void
read_hmac_algorithm(struct policy_reader *r, json_t *j, const char *member)
{
	static const char *const algorithms[] = { "sha256", "sha1", "sha384", "sha512" };
	unsigned i = 0;

	while (i < 4 && !slice_eq(text_of(j), slice_str(algorithms[i])))
		i++;
	if (i == 4)
		fault(r, member, "must be sha256, sha1, sha384 or sha512");
	else
		r->p->sign.algorithm = (enum sign_algorithm)i;
}

static void
read_methods(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->methods = read_list(r, j, member, &r->p->n_methods);
	for (size_t i = 0; i < r->p->n_methods; i++)
		if (!is_token(r->p->methods[i]))
			fault(r, member, "not an HTTP method");
}

static void
read_paths(struct policy_reader *r, json_t *j, const char *member)
{
	size_t n;
	struct slice *list = read_list(r, j, member, &n);

	r->p->paths = n == 0 ? NULL : calloc(n, sizeof(*r->p->paths));
	if (n > 0 && r->p->paths == NULL)
		fault(r, member, "out of memory");
	for (size_t i = 0; i < n && !r->failed; i++) {
		struct policy_path *path = &r->p->paths[r->p->n_paths++];

		if (list[i].n == 0 || list[i].p[0] != '/')
			fault(r, member, "a path begins with '/'");
		path->text = list[i];
		path->prefix = slice_ends(list[i], S("*"));
		if (path->prefix)
			path->text.n--;
	}
	free(list);
}

static void
read_cidrs(struct policy_reader *r, json_t *j, const char *member, struct cidr_set *set)
{
	size_t n;
	struct slice *list = read_list(r, j, member, &n);

	for (size_t i = 0; i < n && !r->failed; i++) {
		const char *why = cidr_set_add(set, list[i]);

		if (why != NULL)
			fault(r, member, why);
	}
	free(list);
}

static void
read_allow(struct policy_reader *r, json_t *j, const char *member)
{
	read_cidrs(r, j, member, &r->p->allow);
}

static void
read_deny(struct policy_reader *r, json_t *j, const char *member)
{
	read_cidrs(r, j, member, &r->p->deny);
}

static void
read_users(struct policy_reader *r, json_t *j, const char *member)
{
	size_t n;
	struct slice *list = read_list(r, j, member, &n);
	char why[160];

	r->p->users = n == 0 ? NULL : calloc(n, sizeof(*r->p->users));
	if (n > 0 && r->p->users == NULL)
		fault(r, member, "out of memory");
	for (size_t i = 0; i < n && !r->failed; i++) {
		struct slice hash = list[i], name = slice_cut(&hash, ':');

		char *text = strndup(hash.p == NULL ? "" : hash.p, hash.n);

		r->p->users[i] = (struct policy_user){ name, text };
		r->p->n_users++;
		if (text == NULL)
			fault(r, member, "out of memory");
		else if (!password_cost_ok(name.n > 0 ? text : "", why, sizeof(why)))
			fault(r, member, why);
	}
	free(list);
}

static void
read_body_max(struct policy_reader *r, json_t *j, const char *member)
{
	(void)member;
	r->p->body_max = (uint64_t)json_number_value(j);
}

/* What is neither none nor sane would leave the numbers of rates_take(). */
static double
read_per_second(struct policy_reader *r, json_t *j, const char *member)
{
	double v = json_number_value(j);

	if (json_is_number(j) && rates_is_sane(v))
		return v;
	fault(r, member,
	    "must be from 0.00001 (one in 100000 s) to 1000000 a second, or 0 for any");
	return 0;
}

static double
read_at_once(struct policy_reader *r, json_t *j, const char *member)
{
	double v = json_number_value(j);

	if (json_is_number(j) && (v == 0 || (v >= 1 && v <= LIMIT_RATE_REQUESTS)))
		return v;
	fault(r, member, "must be from 1 to 1000000 requests at once");
	return 0;
}

#define NUMBER(fn, member_, read)                                                                  \
	static void fn(struct policy_reader *r, json_t *j, const char *member)                     \
	{                                                                                          \
		r->p->member_ = read(r, j, member);                                                \
	}

NUMBER(read_rate, rate, read_per_second)
NUMBER(read_burst, burst, read_at_once)
NUMBER(read_visitor_rate, visitor_rate, read_per_second)
NUMBER(read_visitor_burst, visitor_burst, read_at_once)

static void
read_preset(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->preset = preset_find(read_text(r, j, member));
	if (r->p->preset == NULL)
		fault(r, member, "no such preset; adit http --help lists them");
}

static void
read_context(struct policy_reader *r, json_t *j, const char *member)
{
	struct slice s = read_text(r, j, member);

	if (s.n > 0 && (s.p[0] != '/' || slice_ends(s, S("/"))))
		fault(r, member, "begins with '/' and does not end with it");
	r->p->context = s;
}

/* Fields that frame messages or speak of the connection are the proxy's own affair. */
static bool
is_ours(struct slice name)
{
	static const char *const ours[] = { "content-length", "transfer-encoding", "connection",
		"upgrade", "te", "trailer", "expect", "keep-alive", "host" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (slice_ieq(name, slice_str(ours[i])))
			return true;
	return slice_ieq(slice_head(name, 5), S("adit-"));
}

/* "set" and "remove" of one direction; lines: where the lines to add are kept. */
static void
read_headers(struct policy_reader *r, json_t *j, const char *member, struct policy_headers *h,
    char **lines)
{
	json_t *set = json_object_get(j, "set"), *remove = json_object_get(j, "remove"), *v;
	size_t n_set = json_object_size(set), n_remove = 0, bytes = 1;
	struct slice *removed = NULL;
	const char *key;

	if (!json_is_object(j) || (set != NULL && !json_is_object(set)) ||
	    json_object_size(j) != (size_t)(set != NULL) + (size_t)(remove != NULL)) {
		fault(r, member, "takes set (an object) and remove (a list)");
		return;
	}
	if (remove != NULL)
		removed = read_list(r, remove, member, &n_remove);
	h->drop = calloc(n_set + n_remove + 1, sizeof(*h->drop));
	json_object_foreach(set, key, v) {
		if (!is_token(slice_str(key)) || is_ours(slice_str(key)) || !json_is_string(v) ||
		    !is_field_value(text_of(v)))
			fault(r, member, "not a header field that may be set");
		bytes += strlen(key) + json_string_length(v) + 4;
	}
	*lines = malloc(bytes);
	if (h->drop == NULL || *lines == NULL)
		fault(r, member, "out of memory");
	for (size_t i = 0; i < n_remove && !r->failed; i++) {
		if (!is_token(removed[i]) || is_ours(removed[i]))
			fault(r, member, "not the name of a header field that may be changed");
		h->drop[h->n_drop++] = removed[i];
	}
	free(removed);
	if (r->failed || *lines == NULL)
		return;
	h->add = slice_of(*lines, 0);
	json_object_foreach(set, key, v) {
		h->drop[h->n_drop++] = slice_str(key);
		h->add.n +=
		    (size_t)sprintf(*lines + h->add.n, "%s: %s\r\n", key, json_string_value(v));
	}
}

static void
read_request_headers(struct policy_reader *r, json_t *j, const char *member)
{
	read_headers(r, j, member, &r->p->request, &r->p->lines[0]);
}

static void
read_response_headers(struct policy_reader *r, json_t *j, const char *member)
{
	read_headers(r, j, member, &r->p->response, &r->p->lines[1]);
}

static void
read_skip_after(struct policy_reader *r, json_t *j, const char *member)
{
	(void)member;
	r->p->skip_after = (uint32_t)json_number_value(j);
}

static void
read_concurrency(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->concurrency = (uint32_t)json_number_value(j);
	if (r->p->concurrency == 0)
		fault(r, member, "is at least 1");
}

NUMBER(read_deliver_rate, deliver_rate, read_per_second)

static bool
read_flag(struct policy_reader *r, json_t *j, const char *member)
{
	if (!json_is_boolean(j))
		fault(r, member, "must be true or false");
	return json_is_true(j);
}

static void
read_coalesce(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->coalesce = read_flag(r, j, member);
}

static void
read_unsigned(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->unsigned_ok = read_flag(r, j, member);
}

static void
read_resign(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->resign = read_flag(r, j, member);
}

static bool
is_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
			s.p[i] == '-'))
			return false;
	return s.n > 0 && s.n <= 63;
}

/* Whose they are is the edge's to know. */
static void
read_fan_out(struct policy_reader *r, json_t *j, const char *member)
{
	struct policy *p = r->p;

	p->fan_out = read_list(r, j, member, &p->n_fan_out);
	for (size_t i = 0; i < p->n_fan_out && !r->failed; i++) {
		if (!is_name(p->fan_out[i]))
			fault(r, member, "must be names of HTTP tunnels");
		for (size_t k = 0; k < i; k++)
			if (slice_eq(p->fan_out[i], p->fan_out[k]))
				fault(r, member, "names a tunnel twice");
	}
}

/* --- the table --- */

#define RATE "0, or 0.00001 to 1000000"
#define BURST "1 to 1000000"

/* clang-format off */
const struct policy_key policy_keys[] = {
	{ "preset", POLICY_TEXT, "none", 0, "a name that adit help http lists", read_preset },
	{ "mode", POLICY_TEXT, "the preset's, else pass", 0, "pass, store or relay", read_mode },
	{ "context", POLICY_TEXT, "none", 0, "begins with /, does not end with it", read_context },
	{ "scheme", POLICY_TEXT, "the preset's", 0, "a name of a signature scheme", read_scheme },
	{ "secrets", POLICY_LIST, "none", LIMIT_HOOK_SECRETS, NULL, read_secrets },
	{ "hmac", POLICY_OBJECT, "none", 0, "with scheme hmac", read_object },
	{ "hmac.header", POLICY_TEXT, "none, it must be given", 0, "name of a header field", read_hmac_header },
	{ "hmac.prefix", POLICY_TEXT, "none", 0, "any", read_hmac_prefix },
	{ "hmac.encoding", POLICY_TEXT, "hex", 0, "hex or base64", read_hmac_encoding },
	{ "hmac.algorithm", POLICY_TEXT, "sha256", 0, "sha256, sha1, sha384 or sha512", read_hmac_algorithm },
	{ "methods", POLICY_LIST, "the preset's, else any", ITEMS_MAX, NULL, read_methods },
	{ "paths", POLICY_LIST, "the preset's, else any", ITEMS_MAX, NULL, read_paths },
	{ "allow", POLICY_LIST, "everybody", ITEMS_MAX, NULL, read_allow },
	{ "deny", POLICY_LIST, "nobody", ITEMS_MAX, NULL, read_deny },
	{ "users", POLICY_LIST, "none", ITEMS_MAX, NULL, read_users },
	{ "body_max", POLICY_NUMBER, "0, the mode's", 1e15, NULL, read_body_max },
	{ "rate", POLICY_NUMBER, "0, any", 0, RATE, read_rate },
	{ "burst", POLICY_NUMBER, "rate, at least 1", 0, BURST, read_burst },
	{ "visitor_rate", POLICY_NUMBER, "0, any", 0, RATE, read_visitor_rate },
	{ "visitor_burst", POLICY_NUMBER, "visitor_rate, at least 1", 0, BURST, read_visitor_burst },
	{ "request_headers", POLICY_OBJECT, "none", 0, "set and remove", read_request_headers },
	{ "response_headers", POLICY_OBJECT, "none", 0, "set and remove", read_response_headers },
	{ "deliver", POLICY_OBJECT, "none", 0, "with mode store or relay", read_object },
	{ "deliver.skip_after", POLICY_NUMBER, "5", 1e6, NULL, read_skip_after },
	{ "deliver.concurrency", POLICY_NUMBER, "8", LIMIT_INBOX_LEASE, "1 to 64", read_concurrency },
	{ "deliver.rate", POLICY_NUMBER, "0, any", 0, RATE, read_deliver_rate },
	{ "coalesce", POLICY_FLAG, "false", 0, "with mode store or relay", read_coalesce },
	{ "resign", POLICY_FLAG, "false", 0, "with a scheme that signs a time", read_resign },
	{ "unsigned", POLICY_FLAG, "false", 0, "without scheme", read_unsigned },
	{ "fan_out", POLICY_LIST, "none", LIMIT_FAN_OUT, NULL, read_fan_out },
};
/* clang-format on */
const size_t policy_keys_n = sizeof(policy_keys) / sizeof(*policy_keys);

const char *
policy_kind_name(enum policy_kind kind)
{
	static const char *const names[] = {
		[POLICY_TEXT] = "text",
		[POLICY_NUMBER] = "number",
		[POLICY_FLAG] = "true or false",
		[POLICY_LIST] = "list of texts",
		[POLICY_OBJECT] = "object",
	};

	return names[kind];
}

void
policy_key_limits(const struct policy_key *k, char *dst, size_t cap)
{
	if (k->limits != NULL)
		snprintf(dst, cap, "%s", k->limits);
	else
		snprintf(dst, cap, k->kind == POLICY_LIST ? "at most %.0f" : "0 to %.0f", k->max);
}

static bool
is_kind(const json_t *j, enum policy_kind kind)
{
	switch (kind) {
	case POLICY_TEXT:
		return json_is_string(j);
	case POLICY_NUMBER:
		return json_is_number(j);
	case POLICY_FLAG:
		return json_is_boolean(j);
	case POLICY_LIST:
		return json_is_array(j);
	case POLICY_OBJECT:
		return json_is_object(j);
	}
	return false;
}

/* One member by its row. parent: "" at the outermost. */
static void
read_member(struct policy_reader *r, const char *parent, const char *key, json_t *v)
{
	const struct policy_key *k = policy_keys, *end = k + policy_keys_n;
	size_t n = strlen(parent);
	char what[96], limits[64];
	double size;

	for (; k < end; k++) {
		const char *dot = strchr(k->name, '.');

		if (n == 0 ? dot == NULL && strcmp(k->name, key) == 0
			   : dot != NULL && (size_t)(dot - k->name) == n &&
				 memcmp(k->name, parent, n) == 0 && strcmp(dot + 1, key) == 0)
			break;
	}
	if (k == end) {
		fault(r, n == 0 ? key : parent,
		    n == 0 ? "no such member"
			   : "has a member that does not exist; see adit-policy(5)");
		return;
	}
	policy_key_limits(k, limits, sizeof(limits));
	size = k->kind == POLICY_LIST ? (double)json_array_size(v) : json_number_value(v);
	snprintf(what, sizeof(what), "must be a %s", policy_kind_name(k->kind));
	if (!is_kind(v, k->kind)) {
		fault(r, k->name, k->kind == POLICY_FLAG ? "must be true or false" : what);
	} else if (k->max > 0 && !(size >= 0 && size <= k->max)) {
		snprintf(what, sizeof(what), k->kind == POLICY_LIST ? "too many: %s" : "must be %s",
		    limits);
		fault(r, k->name, what);
	} else {
		k->read(r, v, k->name);
	}
}

static void
read_object(struct policy_reader *r, json_t *j, const char *member)
{
	const char *key;
	json_t *v;

	json_object_foreach(j, key, v)
		read_member(r, member, key, v);
}

static void
complete_inbox(struct policy_reader *r)
{
	static const char stored[] = "needs mode store or relay: what passes through is not kept";
	struct policy *p = r->p;
	const char *why = p->resign ? sign_again_fault(&p->sign) : NULL;

	if (p->coalesce && p->mode == PRESET_PASS)
		fault(r, "coalesce", stored);
	if (p->n_fan_out > 0 && p->mode == PRESET_PASS)
		fault(r, "fan_out", stored);
	if (why != NULL)
		fault(r, "resign", why);
}

/* What the preset brings, and what must fit together. */
static void
complete(struct policy_reader *r)
{
	struct policy *p = r->p;

	if (p->preset != NULL) {
		if (json_object_get(p->root, "mode") == NULL)
			p->mode = p->preset->mode;
		if (p->sign.scheme == NULL && p->preset->scheme != NULL && p->sign.n_secrets > 0 &&
		    p->mode != PRESET_PASS)
			p->sign.scheme = sign_find(slice_str(p->preset->scheme));
	}
	if (p->unsigned_ok && p->sign.scheme != NULL)
		fault(r, "unsigned", "and scheme contradict each other: leave one of them out");
	if (p->sign.scheme != NULL && p->sign.n_secrets == 0)
		fault(r, "scheme", "needs secrets to check with");
	if (p->sign.scheme == NULL && p->sign.n_secrets > 0)
		fault(r, "secrets",
		    "need a scheme (or a preset that has one), and mode store or relay");
	if (p->sign.scheme != NULL && strcmp(p->sign.scheme->name, "hmac") == 0 &&
	    p->sign.header.n == 0)
		fault(r, "hmac", "needs the name of the header");
	if (p->sign.scheme != NULL && p->mode == PRESET_PASS)
		fault(r, "scheme",
		    "needs mode store or relay: what passes through is not read, so not verified");
	complete_inbox(r);
	if (p->rate > 0 && p->burst < 1)
		p->burst = p->rate < 1 ? 1 : p->rate;
	if (p->visitor_rate > 0 && p->visitor_burst < 1)
		p->visitor_burst = p->visitor_rate < 1 ? 1 : p->visitor_rate;
}

struct policy *
policy_new(struct slice json, char *why, size_t cap)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct policy_reader r = { .p = p, .why = why, .cap = cap };
	json_error_t error;
	const char *key;
	json_t *v;

	if (p == NULL) {
		snprintf(why, cap, "policy: out of memory");
		return NULL;
	}
	atomic_init(&p->refs, 1);
	pthread_mutex_init(&p->lock, NULL);
	p->skip_after = 5;
	p->concurrency = 8;
	p->json = strndup(json.p, json.n);
	p->root = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, &error);
	if (p->json == NULL || !json_is_object((json_t *)p->root))
		fault(&r, "JSON", p->root == NULL ? error.text : "must be an object");
	json_object_foreach((json_t *)p->root, key, v)
		read_member(&r, "", key, v);
	if (!r.failed)
		complete(&r);
	if (!r.failed)
		return p;
	policy_unref(p);
	return NULL;
}

struct policy *
policy_ref(struct policy *p)
{
	if (p != NULL)
		atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void
policy_unref(struct policy *p)
{
	if (p == NULL || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (p->json != NULL)
		OPENSSL_cleanse(p->json, strlen(p->json));
	for (size_t i = 0; i < p->sign.n_secrets && p->secrets != NULL; i++)
		OPENSSL_cleanse((void *)(uintptr_t)p->secrets[i].p, p->secrets[i].n);
	for (size_t i = 0; i < p->n_users; i++)
		free(p->users[i].hash);
	free(p->json);
	free(p->secrets);
	free(p->methods);
	free(p->paths);
	free(p->users);
	free(p->fan_out);
	free(p->request.drop);
	free(p->response.drop);
	free(p->lines[0]);
	free(p->lines[1]);
	cidr_set_fini(&p->allow);
	cidr_set_fini(&p->deny);
	json_decref(p->root);
	rates_fini(&p->visitors);
	rates_fini(&p->guesses);
	free(p->known);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
