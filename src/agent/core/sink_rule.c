/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, prints and matches rules of a sink (sink_rule.h). */
#include "agent/core/sink_rule.h"

#include <stdatomic.h>
#include <stdlib.h>

/* --- matching --- */

bool
sink_glob(struct slice pattern, struct slice text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

	/* One star is gone back to at a time: an earlier one could find nothing better. */
	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = t;
		} else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

struct sink_rule *
sink_rules_find(struct sink_rules *r, struct slice method, struct slice path)
{
	for (size_t i = 0; r != NULL && i < r->n; i++) {
		struct sink_rule *rule = &r->rules[i];

		if ((strcmp(rule->method, "*") == 0 || slice_eq(slice_str(rule->method), method)) &&
		    sink_glob(slice_str(rule->path), path))
			return rule;
	}
	return NULL;
}

/* --- reading --- */

static bool
fault(char *why, const char *text)
{
	snprintf(why, SINK_WHY_BYTES, "%s", text);
	return false;
}

/* A token of HTTP (RFC 9110 5.6.2), as methods and names of fields are. */
static bool
is_token(const char *s)
{
	return s[0] != '\0' && s[strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

/* A field that frames the message, or names the connection, is the agent's own. */
static bool
is_ours(struct slice name)
{
	static const char *const ours[] = { "Content-Length", "Transfer-Encoding", "Connection",
		"Keep-Alive", "Upgrade", "Trailer", "Proxy-Connection" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (slice_ieq(name, slice_str(ours[i])))
			return true;
	return false;
}

static bool
is_value(const char *s)
{
	for (; *s != '\0'; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

/* [["Name","value"]..] as header fields. */
static bool
read_headers(struct sink_rule *rule, const json_t *list, char *why)
{
	struct buf out;
	size_t i;
	json_t *pair;
	bool good = true;

	if (!json_is_array(list))
		return fault(why, "headers: a list of [\"Name\",\"value\"] is wanted");
	buf_init(&out, LIMIT_SINK_HEADER_BYTES);
	json_array_foreach(list, i, pair) {
		const char *name = json_string_value(json_array_get(pair, 0));
		const char *value = json_string_value(json_array_get(pair, 1));

		if (name == NULL || value == NULL || json_array_size(pair) != 2 ||
		    !is_token(name) || !is_value(value)) {
			good = fault(why, "headers: a name and a value on one line are wanted");
			break;
		}
		if (is_ours(slice_str(name))) {
			snprintf(why, SINK_WHY_BYTES, "headers: the agent writes %s itself", name);
			good = false;
			break;
		}
		buf_printf(&out, "%s: %s\r\n", name, value);
	}
	if (good && out.failed)
		good = fault(why, "headers: they are too long");
	if (good && out.n > 0) {
		rule->head = malloc(out.n);
		good = rule->head != NULL || fault(why, "out of memory");
		if (good)
			memcpy(rule->head, out.p, rule->head_n = out.n);
	}
	buf_fini(&out);
	return good;
}

static bool
read_number(const json_t *n, int min, int max, int *dst, const char *wanted, char *why)
{
	if (!json_is_integer(n) || json_integer_value(n) < min || json_integer_value(n) > max)
		return fault(why, wanted);
	*dst = (int)json_integer_value(n);
	return true;
}

static bool
read_text(const json_t *s, size_t max, char **dst, const char *wanted, char *why)
{
	if (!json_is_string(s) || json_string_length(s) > max)
		return fault(why, wanted);
	free(*dst);
	*dst = malloc(json_string_length(s) + 1);
	if (*dst == NULL)
		return fault(why, "out of memory");
	memcpy(*dst, json_string_value(s), json_string_length(s) + 1);
	return true;
}

static bool
read_method(struct sink_rule *rule, const json_t *v, char *why)
{
	const char *s = json_string_value(v);

	if (s == NULL || strlen(s) >= sizeof(rule->method) || !is_token(s))
		return fault(why, "method: a word such as POST is wanted, or *");
	snprintf(rule->method, sizeof(rule->method), "%s", s);
	return true;
}

static bool
read_path(struct sink_rule *rule, const json_t *v, char *why)
{
	static const char wanted[] =
	    "path: a path is wanted, such as /hooks/*; it begins with / or *";

	return read_text(v, LIMIT_SINK_PATH_BYTES, &rule->path, wanted, why) &&
	       (rule->path[0] == '/' || rule->path[0] == '*' || fault(why, wanted));
}

static bool
read_body(struct sink_rule *rule, const json_t *v, char *why)
{
	if (!read_text(v, LIMIT_SINK_BODY_BYTES, &rule->body,
		"body: a text is wanted, of at most 65536 bytes", why))
		return false;
	rule->body_n = json_string_length(v);
	return true;
}

static bool
read_key(struct sink_rule *rule, const char *key, const json_t *v, char *why)
{
	if (strcmp(key, "method") == 0)
		return read_method(rule, v, why);
	if (strcmp(key, "path") == 0)
		return read_path(rule, v, why);
	if (strcmp(key, "status") == 0)
		return read_number(v, 200, 599, &rule->status,
		    "status: a number from 200 to 599 is wanted", why);
	if (strcmp(key, "delay_ms") == 0)
		return read_number(v, 0, LIMIT_SINK_DELAY_MS, &rule->delay_ms,
		    "delay_ms: a number from 0 to 60000 is wanted", why);
	if (strcmp(key, "headers") == 0) {
		rule->headers = json_deep_copy(v);
		return read_headers(rule, v, why);
	}
	if (strcmp(key, "body") == 0)
		return read_body(rule, v, why);
	if (strcmp(key, "hits") == 0)
		return true; /* what was read may be sent back; counting begins anew */
	snprintf(why, SINK_WHY_BYTES,
	    "%.60s: a rule has method, path, status, delay_ms, headers and body", key);
	return false;
}

static bool
read_rule(struct sink_rule *rule, const json_t *json, char *why)
{
	const char *key;
	json_t *value;

	*rule = (struct sink_rule){ .method = "*", .status = 200 };
	if (!json_is_object(json))
		return fault(why, "a rule is a mapping, such as { path: /hooks/*, status: 204 }");
	json_object_foreach((json_t *)(uintptr_t)json, key, value) {
		if (!read_key(rule, key, value, why))
			return false;
	}
	if (rule->path == NULL && (rule->path = strdup("*")) == NULL)
		return fault(why, "out of memory");
	if ((rule->status == 204 || rule->status == 304) && rule->body_n > 0)
		return fault(why, "body: an answer with this status has none");
	return true;
}

struct sink_rules *
sink_rules_read(const json_t *list, char why[SINK_WHY_BYTES], size_t *ret_at)
{
	struct sink_rules *r = calloc(1, sizeof(*r));

	*ret_at = 0;
	if (r == NULL || !json_is_array(list) || json_array_size(list) > LIMIT_SINK_RULES) {
		snprintf(why, SINK_WHY_BYTES,
		    r == NULL ? "out of memory" : "a list of at most %d rules is wanted",
		    LIMIT_SINK_RULES);
		free(r);
		return NULL;
	}
	r->refs = 1;
	for (size_t i = 0; i < json_array_size(list); i++) {
		*ret_at = i;
		r->n = i + 1;
		if (!read_rule(&r->rules[i], json_array_get(list, i), why)) {
			sink_rules_unref(r);
			return NULL;
		}
	}
	return r;
}

void
sink_rules_unref(struct sink_rules *r)
{
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) > 1)
		return;
	for (size_t i = 0; i < r->n; i++) {
		free(r->rules[i].path);
		free(r->rules[i].head);
		free(r->rules[i].body);
		json_decref(r->rules[i].headers);
	}
	free(r);
}

json_t *
sink_rules_json(const struct sink_rules *r)
{
	json_t *list = json_array();

	for (size_t i = 0; r != NULL && i < r->n; i++) {
		const struct sink_rule *rule = &r->rules[i];
		json_t *headers =
		    rule->headers != NULL ? json_deep_copy(rule->headers) : json_array();

		json_array_append_new(list,
		    json_pack("{s:s,s:s,s:i,s:i,s:o,s:s,s:I}", "method", rule->method, "path",
			rule->path, "status", rule->status, "delay_ms", rule->delay_ms, "headers",
			headers, "body", rule->body != NULL ? rule->body : "", "hits",
			(json_int_t)rule->hits));
	}
	return list;
}
