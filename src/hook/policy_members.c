/* SPDX-License-Identifier: Apache-2.0 */
/* The members that a policy may have: one function for each, and the table of them all. */
#include "hook/policy_private.h"

#include "hook/password_cost.h"

#include <stdlib.h>

/* --- one function a kind of member --- */

/*
 * pass: straight through, nothing is read. store: answered once it is on disk. relay: stored,
 * and the origin's answer is waited for.
 */
static void
read_mode(struct policy_reader *r, json_t *j, const char *member)
{
	struct slice s = policy_read_text(r, j, member);

	if (slice_eq(s, S("pass")))
		r->p->mode = PRESET_PASS;
	else if (slice_eq(s, S("store")))
		r->p->mode = PRESET_STORE;
	else if (slice_eq(s, S("relay")))
		r->p->mode = PRESET_RELAY;
	else
		policy_fault(r, member, "must be pass, store or relay");
}

static void
read_scheme(struct policy_reader *r, json_t *j, const char *member)
{
	char why[300] = "no such scheme; there are: ";

	r->p->sign.scheme = sign_find(policy_read_text(r, j, member));
	if (r->p->sign.scheme != NULL)
		return;
	sign_names(why + strlen(why), sizeof(why) - strlen(why));
	policy_fault(r, member, why);
}

/* An empty one would be good for everybody. */
static void
read_secrets(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->secrets = policy_read_list(r, j, member, &r->p->sign.n_secrets);
	r->p->sign.secrets = r->p->secrets;
	for (size_t i = 0; i < r->p->sign.n_secrets; i++)
		if (r->p->secrets[i].n == 0)
			policy_fault(r, member, "a secret is empty");
}

static void
read_hmac_header(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->sign.header = policy_text_of(j);
	if (!policy_is_token(r->p->sign.header))
		policy_fault(r, member, "not the name of a header field");
}

static void
read_hmac_prefix(struct policy_reader *r, json_t *j, const char *member)
{
	(void)member;
	r->p->sign.prefix = policy_text_of(j);
}

static void
read_hmac_encoding(struct policy_reader *r, json_t *j, const char *member)
{
	bool base64 = slice_eq(policy_text_of(j), S("base64"));

	if (!base64 && !slice_eq(policy_text_of(j), S("hex")))
		policy_fault(r, member, "must be hex or base64");
	r->p->sign.encoding = base64 ? SIGN_BASE64 : SIGN_HEX;
}

static void
read_hmac_algorithm(struct policy_reader *r, json_t *j, const char *member)
{
	static const char *const algorithms[] = { "sha256", "sha1", "sha384", "sha512" };
	unsigned i = 0;

	while (i < 4 && !slice_eq(policy_text_of(j), slice_str(algorithms[i])))
		i++;
	if (i == 4)
		policy_fault(r, member, "must be sha256, sha1, sha384 or sha512");
	else
		r->p->sign.algorithm = (enum hmac_hash)i;
}

static void
read_methods(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->methods = policy_read_list(r, j, member, &r->p->n_methods);
	for (size_t i = 0; i < r->p->n_methods; i++)
		if (!policy_is_token(r->p->methods[i]))
			policy_fault(r, member, "not an HTTP method");
}

static void
read_paths(struct policy_reader *r, json_t *j, const char *member)
{
	size_t n;
	struct slice *list = policy_read_list(r, j, member, &n);

	r->p->paths = n == 0 ? NULL : calloc(n, sizeof(*r->p->paths));
	if (n > 0 && r->p->paths == NULL)
		policy_fault(r, member, "out of memory");
	for (size_t i = 0; i < n && !r->failed; i++) {
		struct policy_path *path = &r->p->paths[r->p->n_paths++];

		if (list[i].n == 0 || list[i].p[0] != '/')
			policy_fault(r, member, "a path begins with '/'");
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
	struct slice *list = policy_read_list(r, j, member, &n);

	for (size_t i = 0; i < n && !r->failed; i++) {
		const char *why = cidr_set_add(set, list[i]);

		if (why != NULL)
			policy_fault(r, member, why);
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

/*
 * "name:hash". The hash is copied, since crypt(3) wants a NUL behind it. What it costs to check
 * is looked at here, once, and not at each guess.
 */
static void
read_users(struct policy_reader *r, json_t *j, const char *member)
{
	size_t n;
	struct slice *list = policy_read_list(r, j, member, &n);
	char why[160];

	r->p->users = n == 0 ? NULL : calloc(n, sizeof(*r->p->users));
	if (n > 0 && r->p->users == NULL)
		policy_fault(r, member, "out of memory");
	for (size_t i = 0; i < n && !r->failed; i++) {
		struct slice hash = list[i], name = slice_cut(&hash, ':');

		char *text = strndup(hash.p == NULL ? "" : hash.p, hash.n);

		r->p->users[i] = (struct policy_user){ name, text };
		r->p->n_users++;
		if (text == NULL)
			policy_fault(r, member, "out of memory");
		else if (!password_cost_ok(name.n > 0 ? text : "", why, sizeof(why)))
			policy_fault(r, member, why);
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
	policy_fault(r, member,
	    "must be from 0.00001 (one in 100000 s) to 1000000 a second, or 0 for any");
	return 0;
}

/* How many may come together before the rate counts; 0: as many as a second allows. */
static double
read_at_once(struct policy_reader *r, json_t *j, const char *member)
{
	double v = json_number_value(j);

	if (json_is_number(j) && (v == 0 || (v >= 1 && v <= LIMIT_RATE_REQUESTS)))
		return v;
	policy_fault(r, member, "must be from 1 to 1000000 requests at once");
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
	r->p->preset = preset_find(policy_read_text(r, j, member));
	if (r->p->preset == NULL)
		policy_fault(r, member, "no such preset; adit http --help lists them");
}

static void
read_context(struct policy_reader *r, json_t *j, const char *member)
{
	struct slice s = policy_read_text(r, j, member);

	if (s.n > 0 && (s.p[0] != '/' || slice_ends(s, S("/"))))
		policy_fault(r, member, "begins with '/' and does not end with it");
	r->p->context = s;
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
		policy_fault(r, member, "is at least 1");
}

NUMBER(read_deliver_rate, deliver_rate, read_per_second)

static bool
read_flag(struct policy_reader *r, json_t *j, const char *member)
{
	if (!json_is_boolean(j))
		policy_fault(r, member, "must be true or false");
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
read_http2(struct policy_reader *r, json_t *j, const char *member)
{
	r->p->http2 = read_flag(r, j, member);
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

	p->fan_out = policy_read_list(r, j, member, &p->n_fan_out);
	for (size_t i = 0; i < p->n_fan_out && !r->failed; i++) {
		if (!is_name(p->fan_out[i]))
			policy_fault(r, member, "must be names of HTTP tunnels");
		for (size_t k = 0; k < i; k++)
			if (slice_eq(p->fan_out[i], p->fan_out[k]))
				policy_fault(r, member, "names a tunnel twice");
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
	{ "hmac", POLICY_OBJECT, "none", 0, "with scheme hmac", policy_read_object },
	{ "hmac.header", POLICY_TEXT, "none, it must be given", 0, "name of a header field", read_hmac_header },
	{ "hmac.prefix", POLICY_TEXT, "none", 0, "any", read_hmac_prefix },
	{ "hmac.encoding", POLICY_TEXT, "hex", 0, "hex or base64", read_hmac_encoding },
	{ "hmac.algorithm", POLICY_TEXT, "sha256", 0, "sha256, sha1, sha384 or sha512", read_hmac_algorithm },
	{ "methods", POLICY_LIST, "the preset's, else any", POLICY_ITEMS_MAX, NULL, read_methods },
	{ "paths", POLICY_LIST, "the preset's, else any", POLICY_ITEMS_MAX, NULL, read_paths },
	{ "allow", POLICY_LIST, "everybody", POLICY_ITEMS_MAX, NULL, read_allow },
	{ "deny", POLICY_LIST, "nobody", POLICY_ITEMS_MAX, NULL, read_deny },
	{ "users", POLICY_LIST, "none", POLICY_ITEMS_MAX, NULL, read_users },
	{ "body_max", POLICY_NUMBER, "0, the mode's", 1e15, NULL, read_body_max },
	{ "rate", POLICY_NUMBER, "0, any", 0, RATE, read_rate },
	{ "burst", POLICY_NUMBER, "rate, at least 1", 0, BURST, read_burst },
	{ "visitor_rate", POLICY_NUMBER, "0, any", 0, RATE, read_visitor_rate },
	{ "visitor_burst", POLICY_NUMBER, "visitor_rate, at least 1", 0, BURST, read_visitor_burst },
	{ "request_headers", POLICY_OBJECT, "none", 0, "set and remove", policy_read_request_headers },
	{ "response_headers", POLICY_OBJECT, "none", 0, "set and remove", policy_read_response_headers },
	{ "deliver", POLICY_OBJECT, "none", 0, "with mode store or relay", policy_read_object },
	{ "deliver.skip_after", POLICY_NUMBER, "5", 1e6, NULL, read_skip_after },
	{ "deliver.concurrency", POLICY_NUMBER, "8", LIMIT_INBOX_LEASE, "1 to 64", read_concurrency },
	{ "deliver.rate", POLICY_NUMBER, "0, any", 0, RATE, read_deliver_rate },
	{ "coalesce", POLICY_FLAG, "false", 0, "with mode store or relay", read_coalesce },
	{ "resign", POLICY_FLAG, "false", 0, "with a scheme that signs a time", read_resign },
	{ "http2", POLICY_FLAG, "true", 0, "any", read_http2 },
	{ "unsigned", POLICY_FLAG, "false", 0, "without scheme", read_unsigned },
	{ "fan_out", POLICY_LIST, "none", LIMIT_FAN_OUT, NULL, read_fan_out },
};
/* clang-format on */
const size_t policy_keys_n = sizeof(policy_keys) / sizeof(*policy_keys);
