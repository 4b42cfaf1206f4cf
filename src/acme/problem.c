/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents of CAs, in plain words. */
#include "acme/problem.h"

#include "acme/cadoc.h"

#include "base/plain.h"

#define URN "urn:ietf:params:acme:error:"

static const struct {
	const char *word, *says, *advice;
} kinds[] = {
#define X(name, word, says, advice) [PROBLEM_##name] = { word, says, advice },
	PROBLEM_KINDS(X)
#undef X
};

/* The CA's words go to logs and terminals. */
static void
copy_plain(struct slice s, char *dst, size_t cap)
{
	struct buf b;

	buf_init(&b, 4 * cap);
	plain_put(&b, slice_head(s, cap - 1));
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\n' || b.p[i] == '\t')
			b.p[i] = ' ';
	}
	slice_copy(buf_slice(&b), dst, cap);
	buf_fini(&b);
}

static enum problem_kind
kind_of(struct slice type)
{
	if (type.n == 0 || slice_eq(type, S("about:blank")))
		return PROBLEM_OTHER;
	if (!slice_starts(type, S(URN)))
		return PROBLEM_OTHER;
	type = slice_from(type, sizeof(URN) - 1);
	for (size_t i = 1; i < PROBLEM_OTHER; i++) {
		if (slice_eq(type, slice_str(kinds[i].word)))
			return (enum problem_kind)i;
	}
	return PROBLEM_OTHER;
}

static void
read_part(const json_t *o, struct problem_part *ret)
{
	ret->kind = kind_of(cadoc_text(o, "type"));
	copy_plain(cadoc_text(o, "detail"), ret->detail, sizeof(ret->detail));
	copy_plain(cadoc_text(json_object_get(o, "identifier"), "value"), ret->name,
	    sizeof(ret->name));
}

void
problem_of(const json_t *o, struct problem *ret)
{
	const json_t *parts = json_object_get(o, "subproblems"), *part;
	size_t i;

	*ret = (struct problem){ 0 };
	if (!json_is_object(o))
		return;
	read_part(o, &ret->all);
	copy_plain(cadoc_text(o, "instance"), ret->instance, sizeof(ret->instance));
	json_array_foreach(parts, i, part) {
		if (ret->n < PROBLEM_PARTS && json_is_object(part))
			read_part(part, &ret->parts[ret->n++]);
	}
}

void
problem_read(struct slice body, int status, struct problem *ret)
{
	json_t *o = cadoc_read(body);
	const json_t *type = json_object_get(o, "type");

	/* Other documents of a CA have no type; an order with an error is none. */
	problem_of(json_is_string(type) || json_object_get(o, "detail") != NULL ? o : NULL, ret);
	ret->status = status;
	json_decref(o);
}

bool
problem_is(const struct problem *p, enum problem_kind kind)
{
	check(p->n <= PROBLEM_PARTS);
	if (p->all.kind == kind)
		return true;
	for (size_t i = 0; i < p->n; i++) {
		if (p->parts[i].kind == kind)
			return true;
	}
	return false;
}

/* NAME: meaning ("words of the CA") */
static void
put_part(struct buf *out, const struct problem_part *p, const char *name)
{
	check(p->kind <= PROBLEM_OTHER);
	check(kinds[p->kind].says != NULL);
	if (p->name[0] != '\0' || name[0] != '\0')
		buf_printf(out, "%s: ", p->name[0] != '\0' ? p->name : name);
	buf_put(out, slice_str(kinds[p->kind].says));
	if (p->detail[0] != '\0')
		buf_printf(out, " (\"%s\")", p->detail);
}

/* The advice of the first part that has one: a compound has none of its own. */
static const char *
advice_of(const struct problem *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (kinds[p->parts[i].kind].advice[0] != '\0')
			return kinds[p->parts[i].kind].advice;
	}
	return kinds[p->all.kind].advice;
}

void
problem_put(struct buf *out, const struct problem *p, const char *name)
{
	const char *advice = advice_of(p);

	if (p->all.kind == PROBLEM_NONE) {
		if (name[0] != '\0')
			buf_printf(out, "%s: ", name);
		buf_printf(out, "the CA answered with status %d and no reason", p->status);
		return;
	}
	/* Of a name that is not proven, and of an account that may not; only the first is within an answer. */
	if (p->all.kind == PROBLEM_UNAUTHORIZED && p->status != 0 && p->n == 0) {
		buf_printf(out, "the CA does not allow it to our account (\"%s\")", p->all.detail);
		return;
	}
	/* The whole says less than its parts. */
	if (p->n == 0)
		put_part(out, &p->all, name);
	for (size_t i = 0; i < p->n; i++) {
		if (i > 0)
			buf_put(out, S("; "));
		put_part(out, &p->parts[i], name);
	}
	if (p->instance[0] != '\0')
		buf_printf(out, "; see %s", p->instance);
	if (advice[0] != '\0')
		buf_printf(out, ": %s", advice);
}
