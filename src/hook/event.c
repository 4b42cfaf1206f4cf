/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a webhook's event key, ids and branch out of its headers and body. */
#include "hook/event.h"

#include "base/text.h"
#include "hook/crypto.h"
#include "hook/event_private.h"
#include "hook/peek.h"

#include <stdio.h>
#include <stdlib.h>

/* a, b and c one after the other, cut to size; they are UTF-8. */
static void
join(char *dst, size_t cap, const char *a, const char *b, const char *c)
{
	const char *const parts[] = { a, b, c };
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < 3; i++) {
		hook_copy(slice_str(parts[i]), dst + n, cap - n);
		n += strlen(dst + n);
		check(n < cap); /* hook_copy() leaves room for its NUL */
	}
}

/* --- body --- */

/* What was found, by want; of a form only what stands in its payload=. */
struct found {
	struct peek peeks[EVENT_WANTS];
	const struct event_row *sender;
	size_t n;
};

/*
 * Rows of one want stand in the order of trust: the first that the body has counts. A null is
 * as good as missing.
 */
static const struct peek *
first_of(const struct found *f, enum event_what what)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->sender->wants[i].what == what && f->peeks[i].kind != PEEK_NONE &&
		    f->peeks[i].kind != PEEK_NULL)
			return &f->peeks[i];
	}
	return NULL;
}

static void
text_of(const struct found *f, enum event_what what, char *dst, size_t cap)
{
	const struct peek *p = first_of(f, what);

	dst[0] = '\0';
	if (p != NULL)
		peek_text(p, dst, cap);
}

/* Git's hash of nothing. */
static bool
all_zeros(struct slice s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] == '0')
		n++;
	return n > 0 && n == s.n;
}

/*
 * Each sender says it in its own way: GitHub by a flag, Bitbucket Cloud by a null where the new
 * ref would stand, Data Center by a word, GitLab and Gitea by git's hash of nothing.
 */
static bool
is_deleted(const struct found *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct peek *p = &f->peeks[i];

		if (f->sender->wants[i].what != WANT_DELETED)
			continue;
		if (p->kind == PEEK_TRUE || p->kind == PEEK_NULL)
			return true;
		if (p->kind == PEEK_STRING &&
		    (slice_eq(p->value, S("DELETE")) || all_zeros(p->value)))
			return true;
	}
	return false;
}

/* What people call it; what it is (branch or tag) is asked of the whole ref. */
static struct slice
short_ref(struct slice ref)
{
	static const struct slice kinds[] = { S("refs/heads/"), S("refs/tags/") };

	for (size_t i = 0; i < 2; i++) {
		if (slice_starts(ref, kinds[i]))
			return slice_from(ref, kinds[i].n);
	}
	return ref;
}

/* Names that were cut or cleaned could be those of another branch; no ref of git has a '?'. */
static bool
is_whole(const char *name, size_t cap)
{
	return name[0] != '\0' && strlen(name) < cap - 4 && strchr(name, '?') == NULL;
}

/* By the ref itself, or by a type beside a short name (Bitbucket Cloud). */
static bool
is_branch(const struct found *f, struct slice ref)
{
	char type[16];

	text_of(f, WANT_REF_TYPE, type, sizeof(type));
	return slice_starts(ref, S("refs/heads/")) || strcmp(type, "branch") == 0;
}

/*
 * Of several refs in one push the first gives the order, and the push is none of one branch:
 * nothing may make way for it, nor it for others.
 */
static void
set_branch(const struct found *f, struct event *e)
{
	char text[sizeof(e->branch) + 16];
	const struct peek *changes = first_of(f, WANT_CHANGES);

	text_of(f, WANT_REQUEST, text, 24);
	if (text[0] != '\0') {
		e->kind = EVENT_PULL_REQUEST;
		join(e->branch, sizeof(e->branch), "pull/", text, "");
		return;
	}
	e->deleted = is_deleted(f);
	text_of(f, WANT_REF, text, sizeof(text));
	if (text[0] == '\0')
		text_of(f, WANT_REF_GONE, text, sizeof(text));
	hook_copy(short_ref(slice_str(text)), e->branch, sizeof(e->branch));
	e->n_refs = e->branch[0] != '\0';
	if (changes != NULL && changes->kind == PEEK_ARRAY)
		e->n_refs = (uint16_t)(changes->count < UINT16_MAX ? changes->count : UINT16_MAX);
	e->branch_push = e->n_refs == 1 && !e->deleted && is_branch(f, slice_str(text)) &&
			 is_whole(e->branch, sizeof(e->branch)) &&
			 is_whole(e->repository, sizeof(e->repository));
}

/* Data Center names project and repository apart. */
static void
set_repository(const struct found *f, struct event *e)
{
	char project[80], slug[80];

	text_of(f, WANT_REPOSITORY, e->repository, sizeof(e->repository));
	text_of(f, WANT_PROJECT, project, sizeof(project));
	text_of(f, WANT_SLUG, slug, sizeof(slug));
	if (e->repository[0] == '\0' && slug[0] != '\0')
		join(e->repository, sizeof(e->repository), project, project[0] != '\0' ? "/" : "",
		    slug);
}

/* Headers come first where they have the same: they are cheaper and cannot be cut off. */
static void
read_json(const struct event_row *s, struct slice json, struct event *e)
{
	struct found f = { .sender = s };

	while (f.n < EVENT_WANTS && s->wants[f.n].path != NULL) {
		f.peeks[f.n].path = s->wants[f.n].path;
		f.n++;
	}
	peek_json(json, f.peeks, f.n);
	if (e->key[0] == '\0')
		text_of(&f, WANT_KEY, e->key, sizeof(e->key));
	if (e->delivery[0] == '\0')
		text_of(&f, WANT_ID, e->delivery, sizeof(e->delivery));
	text_of(&f, WANT_ACTOR, e->actor, sizeof(e->actor));
	set_repository(&f, e);
	set_branch(&f, e);
}

/* 256 bytes of the encoded value are looked at: what is shown is shorter. */
static void
form_text(struct slice form, const char *name, char *dst, size_t cap)
{
	char plain[256];
	struct slice raw = slice_head(hook_form_get(form, name), sizeof(plain));
	ptrdiff_t n = hook_form_decode(raw, plain, sizeof(plain));

	hook_copy(slice_of(plain, n > 0 ? (size_t)n : 0), dst, cap);
}

/* GitHub and Bitbucket can send the JSON as payload=; Slack's commands and
 * Twilio send plain fields. */
static void
read_form(const struct event_row *s, struct slice form, struct event *e)
{
	struct slice payload = hook_form_get(form, "payload");
	char *plain;
	ptrdiff_t n;

	if (payload.n > 0 && payload.n <= LIMIT_HOOK_FORM_BYTES &&
	    (plain = malloc(payload.n)) != NULL) {
		n = hook_form_decode(payload, plain, payload.n);
		read_json(s, slice_of(plain, n > 0 ? (size_t)n : 0), e);
		free(plain);
		return;
	}
	if (e->key[0] == '\0')
		form_text(form, "command", e->key, sizeof(e->key));
	form_text(form, "team_id", e->repository, sizeof(e->repository));
	form_text(form, "channel_id", e->branch, sizeof(e->branch));
	form_text(form, "user_name", e->actor, sizeof(e->actor));
}

/* --- ids and keys --- */

/* Without libcrypto it stays "": a print is only shown. */
static void
set_print(const struct hook_request *req, struct event *e)
{
	struct slice parts[] = { slice_str(e->key), S("\n"), req->body };
	uint8_t hash[32];

	if (crypto_sha256(parts, 3, hash))
		text_hex(hash, sizeof(hash), e->print);
}

/* An empty id would make all that have none the same. */
static struct slice
first_id(const struct event_row *s, const struct hook_request *req)
{
	for (size_t i = 0; i < EVENT_IDS && s->ids[i] != NULL; i++) {
		struct slice v = hook_header(req, slice_str(s->ids[i]));

		if (v.n > 0)
			return v;
	}
	return (struct slice){ NULL, 0 };
}

static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	}
	return true;
}

/* As they are where they fit, else their hash: two long or odd ids must not become one by
 * being cut or cleaned. */
static void
set_dedupe(struct event *e, struct slice a, struct slice b)
{
	struct slice parts[] = { a, S(" "), b };
	uint8_t hash[32];

	check(e->dedupe[0] == '\0'); /* once an event: what follows counts on zeros */
	if (a.n + b.n + 2 <= sizeof(e->dedupe) && is_plain(a) && is_plain(b)) {
		memcpy(e->dedupe, a.p, a.n);
		e->dedupe[a.n] = b.n > 0 ? ' ' : '\0';
		if (b.n > 0)
			memcpy(e->dedupe + a.n + 1, b.p, b.n);
		return; /* the rest is zeros */
	}
	if (crypto_sha256(parts, 3, hash))
		text_hex(hash, sizeof(hash), e->dedupe);
}

/* Older GitLabs have no id of their own; its event's id is shared with hooks that this hook fires,
 * so the body goes in. */
static void
gitlab_dedupe(const struct hook_request *req, struct event *e)
{
	struct slice event = hook_header(req, S("X-Gitlab-Event-UUID"));

	if (event.n == 0)
		return;
	hook_copy(event, e->delivery, sizeof(e->delivery));
	set_dedupe(e, event, slice_str(e->print));
}

/*
 * An id of the sender's makes a delivery known again. The hook's own id goes in with it, where
 * there is one: two hooks of one repository send the same event twice, and both are meant.
 */
static void
set_ids(const struct event_row *s, const struct hook_request *req, struct event *e)
{
	struct slice id = first_id(s, req), hook = { NULL, 0 };

	if (id.n == 0 && e->delivery[0] == '\0') {
		if (e->sender == EVENT_GITLAB)
			gitlab_dedupe(req, e);
		return;
	}
	if (s->hook_header != NULL)
		hook = hook_header(req, slice_str(s->hook_header));
	if (id.n > 0)
		hook_copy(id, e->delivery, sizeof(e->delivery));
	else if (strlen(e->delivery) + 4 >= sizeof(e->delivery))
		hook = slice_str(e->print); /* an id from the body that may have been cut */
	set_dedupe(e, id.n > 0 ? id : slice_str(e->delivery), hook);
}

/* From 1. Slack counts what it repeats, so its first repetition is the second attempt. */
static void
set_attempt(const struct hook_request *req, struct event *e)
{
	uint64_t n;

	if (slice_u64(hook_header(req, S("X-Attempt-Number")), &n) && n < UINT32_MAX)
		e->attempt = (uint32_t)n;
	else if (slice_u64(hook_header(req, S("X-Slack-Retry-Num")), &n) && n < UINT32_MAX - 1)
		e->attempt = (uint32_t)n + 1;
}

/* Words of all senders in one list: none means two things. */
static void
set_kind(struct event *e)
{
	static const char *const pings[] = { "ping", "diagnostics:ping" };
	static const char *const pushes[] = { "push", "repo:push", "repo:refs_changed", "Push Hook",
		"Tag Push Hook", "create", "delete" };

	if (e->kind == EVENT_PULL_REQUEST)
		return;
	for (size_t i = 0; i < sizeof(pings) / sizeof(*pings); i++) {
		if (strcmp(e->key, pings[i]) == 0)
			e->kind = EVENT_PING;
	}
	for (size_t i = 0; i < sizeof(pushes) / sizeof(*pushes); i++) {
		if (strcmp(e->key, pushes[i]) == 0)
			e->kind = EVENT_PUSH;
	}
	e->branch_push = e->branch_push && e->kind == EVENT_PUSH && e->sender != EVENT_GENERIC;
}

/* "acme/web main"; what does not fit is replaced by its hash, so that keys stay apart. */
static void
set_order(struct event *e)
{
	struct slice parts[] = { slice_str(e->repository), S(" "), slice_str(e->branch) };
	uint8_t hash[32];

	if (e->repository[0] == '\0' && e->branch[0] == '\0')
		return;
	if (parts[0].n + parts[2].n + 2 <= sizeof(e->order)) {
		join(e->order, sizeof(e->order), e->repository, e->branch[0] != '\0' ? " " : "",
		    e->branch);
		return;
	}
	if (crypto_sha256(parts, 3, hash))
		text_hex(hash, sizeof(hash), e->order);
}

/* For lists, logs and alerts; whoever prints it escapes it. */
static void
set_summary(struct event *e)
{
	char text[sizeof(e->key) + sizeof(e->repository) + sizeof(e->branch) + sizeof(e->actor) +
		  64];
	char refs[24] = "";
	int n;

	if (e->n_refs > 1)
		snprintf(refs, sizeof(refs), " and %u more", e->n_refs - 1u);
	n = snprintf(text, sizeof(text), "%s%s%s%s%s%s%s%s%s",
	    e->key[0] != '\0' ? e->key : "webhook", e->repository[0] != '\0' ? " " : "",
	    e->repository, e->branch[0] != '\0' ? " " : "", e->branch, refs,
	    e->deleted ? " (deleted)" : "", e->actor[0] != '\0' ? " by " : "", e->actor);
	check(n >= 0 && (size_t)n < sizeof(text)); /* else a character could be cut in two */
	hook_copy(slice_str(text), e->summary, sizeof(e->summary));
}

/* Gitea's names by age, and Shopify's, which is generic otherwise. */
static struct slice
key_of(const struct event_row *s, const struct hook_request *req)
{
	static const struct slice others[] = { S("X-Forgejo-Event"), S("X-Gogs-Event"),
		S("X-Shopify-Topic") };
	struct slice v = { NULL, 0 };

	if (s->key_header != NULL)
		v = hook_header(req, slice_str(s->key_header));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others) && v.n == 0; i++)
		v = hook_header(req, others[i]);
	return v;
}

/*
 * In this order: ids need the print, the order needs repository and branch, the line for
 * people needs all.
 */
void
event_read(const struct hook_request *req, enum event_sender sender, struct event *ret)
{
	const struct event_row *s;

	check((size_t)sender < event_rows_n);
	s = &event_rows[sender];
	*ret = (struct event){ .sender = sender };
	hook_copy(key_of(s, req), ret->key, sizeof(ret->key));
	if (hook_is_type(req, S("application/x-www-form-urlencoded")))
		read_form(s, req->body, ret);
	else
		read_json(s, req->body, ret);
	set_attempt(req, ret);
	set_print(req, ret);
	set_ids(s, req, ret);
	set_kind(ret);
	set_order(ret);
	set_summary(ret);
}
