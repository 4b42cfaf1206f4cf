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
struct reader {
	struct policy *p;
	char *why;
	size_t cap;
	bool failed;
};

static void
fault(struct reader *r, const char *member, const char *what)
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
read_text(struct reader *r, json_t *j, const char *member)
{
	if (!json_is_string(j)) {
		fault(r, member, "must be a text");
		return S("");
	}
	return text_of(j);
}

static double
read_number(struct reader *r, json_t *j, const char *member, double max)
{
	double v = json_number_value(j);

	if (!json_is_number(j) || !(v >= 0 && v <= max)) {
		fault(r, member, "must be a number that is not negative and not absurd");
		return 0;
	}
	return v;
}

/* A list of texts as slices into the JSON tree; NULL when empty or at fault. */
static struct slice *
read_list(struct reader *r, json_t *j, const char *member, size_t *ret_n)
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
read_mode(struct reader *r, json_t *j, const char *member)
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
read_scheme(struct reader *r, json_t *j, const char *member)
{
	r->p->sign.scheme = sign_find(read_text(r, j, member));
	if (r->p->sign.scheme == NULL)
		fault(r, member, "no such signature scheme");
}

static void
read_secrets(struct reader *r, json_t *j, const char *member)
{
	r->p->secrets = read_list(r, j, member, &r->p->sign.n_secrets);
	r->p->sign.secrets = r->p->secrets;
	if (r->p->sign.n_secrets > LIMIT_HOOK_SECRETS)
		fault(r, member, "too many secrets");
	for (size_t i = 0; i < r->p->sign.n_secrets; i++)
		if (r->p->secrets[i].n == 0)
			fault(r, member, "a secret is empty");
}

static void
read_hmac(struct reader *r, json_t *j, const char *member)
{
	static const char *const algorithms[] = { "sha256", "sha1", "sha384", "sha512" };
	struct sign_params *sign = &r->p->sign;
	const char *key;
	json_t *v;

	if (!json_is_object(j))
		fault(r, member, "must be an object");
	json_object_foreach(j, key, v) {
		struct slice s = read_text(r, v, member);

		if (strcmp(key, "header") == 0 && is_token(s)) {
			sign->header = s;
		} else if (strcmp(key, "prefix") == 0) {
			sign->prefix = s;
		} else if (strcmp(key, "encoding") == 0 && slice_eq(s, S("base64"))) {
			sign->encoding = SIGN_BASE64;
		} else if (strcmp(key, "encoding") == 0 && slice_eq(s, S("hex"))) {
			sign->encoding = SIGN_HEX;
		} else if (strcmp(key, "algorithm") == 0) {
			unsigned i = 0;

			while (i < 4 && !slice_eq(s, slice_str(algorithms[i])))
				i++;
			if (i == 4)
				fault(r, member,
				    "algorithm must be sha256, sha1, sha384 or sha512");
			sign->algorithm = (enum sign_algorithm)i;
		} else {
			fault(r, member,
			    "takes header, prefix, encoding (hex, base64) and algorithm");
		}
	}
}

static void
read_methods(struct reader *r, json_t *j, const char *member)
{
	r->p->methods = read_list(r, j, member, &r->p->n_methods);
	for (size_t i = 0; i < r->p->n_methods; i++)
		if (!is_token(r->p->methods[i]))
			fault(r, member, "not an HTTP method");
}

static void
read_paths(struct reader *r, json_t *j, const char *member)
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
read_cidrs(struct reader *r, json_t *j, const char *member, struct cidr_set *set)
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
read_allow(struct reader *r, json_t *j, const char *member)
{
	read_cidrs(r, j, member, &r->p->allow);
}

static void
read_deny(struct reader *r, json_t *j, const char *member)
{
	read_cidrs(r, j, member, &r->p->deny);
}

static void
read_users(struct reader *r, json_t *j, const char *member)
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
read_body_max(struct reader *r, json_t *j, const char *member)
{
	r->p->body_max = (uint64_t)read_number(r, j, member, 1e15);
}

/* What is neither none nor sane would leave the numbers of rates_take(). */
static double
read_per_second(struct reader *r, json_t *j, const char *member)
{
	double v = json_number_value(j);

	if (json_is_number(j) && rates_is_sane(v))
		return v;
	fault(r, member,
	    "must be from 0.00001 (one in 100000 s) to 1000000 a second, or 0 for any");
	return 0;
}

static double
read_at_once(struct reader *r, json_t *j, const char *member)
{
	double v = json_number_value(j);

	if (json_is_number(j) && (v == 0 || (v >= 1 && v <= LIMIT_RATE_REQUESTS)))
		return v;
	fault(r, member, "must be from 1 to 1000000 requests at once");
	return 0;
}

#define NUMBER(fn, member_, read)                                                                  \
	static void fn(struct reader *r, json_t *j, const char *member)                            \
	{                                                                                          \
		r->p->member_ = read(r, j, member);                                                \
	}

NUMBER(read_rate, rate, read_per_second)
NUMBER(read_burst, burst, read_at_once)
NUMBER(read_visitor_rate, visitor_rate, read_per_second)
NUMBER(read_visitor_burst, visitor_burst, read_at_once)

static void
read_preset(struct reader *r, json_t *j, const char *member)
{
	r->p->preset = preset_find(read_text(r, j, member));
	if (r->p->preset == NULL)
		fault(r, member, "no such preset; adit http --help lists them");
}

static void
read_context(struct reader *r, json_t *j, const char *member)
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
read_headers(struct reader *r, json_t *j, const char *member, struct policy_headers *h,
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
read_request_headers(struct reader *r, json_t *j, const char *member)
{
	read_headers(r, j, member, &r->p->request, &r->p->lines[0]);
}

static void
read_response_headers(struct reader *r, json_t *j, const char *member)
{
	read_headers(r, j, member, &r->p->response, &r->p->lines[1]);
}

static void
read_deliver(struct reader *r, json_t *j, const char *member)
{
	const char *key;
	json_t *v;

	if (!json_is_object(j))
		fault(r, member, "must be an object");
	json_object_foreach(j, key, v) {
		if (strcmp(key, "skip_after") == 0)
			r->p->skip_after = (uint32_t)read_number(r, v, member, 1e6);
		else if (strcmp(key, "concurrency") == 0)
			r->p->concurrency = (uint32_t)read_number(r, v, member, LIMIT_INBOX_LEASE);
		else if (strcmp(key, "rate") == 0)
			r->p->deliver_rate = read_per_second(r, v, member);
		else
			fault(r, member, "takes skip_after, concurrency and rate");
	}
}

static bool
read_flag(struct reader *r, json_t *j, const char *member)
{
	if (!json_is_boolean(j))
		fault(r, member, "must be true or false");
	return json_is_true(j);
}

static void
read_coalesce(struct reader *r, json_t *j, const char *member)
{
	r->p->coalesce = read_flag(r, j, member);
}

static void
read_resign(struct reader *r, json_t *j, const char *member)
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
read_fan_out(struct reader *r, json_t *j, const char *member)
{
	struct policy *p = r->p;

	p->fan_out = read_list(r, j, member, &p->n_fan_out);
	if (p->n_fan_out > LIMIT_FAN_OUT)
		fault(r, member, "too many tunnels");
	for (size_t i = 0; i < p->n_fan_out && !r->failed; i++) {
		if (!is_name(p->fan_out[i]))
			fault(r, member, "must be names of HTTP tunnels");
		for (size_t k = 0; k < i; k++)
			if (slice_eq(p->fan_out[i], p->fan_out[k]))
				fault(r, member, "names a tunnel twice");
	}
}

static const struct {
	const char *name;
	void (*read)(struct reader *r, json_t *j, const char *member);
} members[] = {
	{ "preset", read_preset },
	{ "mode", read_mode },
	{ "context", read_context },
	{ "scheme", read_scheme },
	{ "secrets", read_secrets },
	{ "hmac", read_hmac },
	{ "methods", read_methods },
	{ "paths", read_paths },
	{ "allow", read_allow },
	{ "deny", read_deny },
	{ "users", read_users },
	{ "body_max", read_body_max },
	{ "rate", read_rate },
	{ "burst", read_burst },
	{ "visitor_rate", read_visitor_rate },
	{ "visitor_burst", read_visitor_burst },
	{ "request_headers", read_request_headers },
	{ "response_headers", read_response_headers },
	{ "deliver", read_deliver },
	{ "coalesce", read_coalesce },
	{ "resign", read_resign },
	{ "fan_out", read_fan_out },
};
#define N_MEMBERS (sizeof(members) / sizeof(*members))

static void
complete_inbox(struct reader *r)
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
complete(struct reader *r)
{
	struct policy *p = r->p;

	if (p->preset != NULL) {
		if (json_object_get(p->root, "mode") == NULL)
			p->mode = p->preset->mode;
		if (p->sign.scheme == NULL && p->preset->scheme != NULL && p->sign.n_secrets > 0 &&
		    p->mode != PRESET_PASS)
			p->sign.scheme = sign_find(slice_str(p->preset->scheme));
	}
	if (p->concurrency == 0)
		fault(r, "deliver", "concurrency is at least 1");
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
	struct reader r = { .p = p, .why = why, .cap = cap };
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
	json_object_foreach((json_t *)p->root, key, v) {
		size_t i = 0;

		while (i < N_MEMBERS && strcmp(members[i].name, key) != 0)
			i++;
		if (i == N_MEMBERS)
			fault(&r, key, "no such member");
		else
			members[i].read(&r, v, key);
	}
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
