/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/event.h"

#include "fixture.h"
#include "hook/peek.h"
#include "unit.h"

static struct slice
z(const char *text)
{
	return slice_str(text);
}

static bool
read_fixture(const char *name, struct event *ret)
{
	struct fixture f;
	bool ok = fixture_load(&f, FIXTURES "/webhooks", name);

	if (ok)
		event_read(&f.req, event_guess(&f.req), ret);
	fixture_unload(&f);
	return ok;
}

TEST(fixtures)
{
	static const struct {
		const char *name;
		enum event_sender sender;
		enum event_kind kind;
		const char *order, *summary;
		unsigned n_refs;
	} rows[] = {
		{ "bitbucket_push", EVENT_BITBUCKET, EVENT_PUSH, "acme/web main",
		    "repo:push acme/web main by Rosa Quarry", 1 },
		{ "bitbucket_push_many", EVENT_BITBUCKET, EVENT_PUSH, "acme/web feature/drift",
		    "repo:push acme/web feature/drift and 2 more by Emil Shaft", 3 },
		{ "bitbucket_push_30k", EVENT_BITBUCKET, EVENT_PUSH, "acme/web main",
		    "repo:push acme/web main by Rosa Quarry", 1 },
		{ "bitbucket_push_delete", EVENT_BITBUCKET, EVENT_PUSH, "acme/web feature/drift",
		    "repo:push acme/web feature/drift (deleted) by Rosa Quarry", 1 },
		{ "bitbucket_pullrequest", EVENT_BITBUCKET, EVENT_PULL_REQUEST, "acme/web pull/17",
		    "pullrequest:created acme/web pull/17 by Emil Shaft", 0 },
		{ "bitbucket_dc_push", EVENT_BITBUCKET_DC, EVENT_PUSH, "ACME/web main",
		    "repo:refs_changed ACME/web main by Rosa Quarry", 1 },
		{ "bitbucket_dc_ping", EVENT_BITBUCKET_DC, EVENT_PING, "", "diagnostics:ping", 0 },
		{ "github_push", EVENT_GITHUB, EVENT_PUSH, "acme/web main",
		    "push acme/web main by rosa", 1 },
		{ "github_push_form", EVENT_GITHUB, EVENT_PUSH, "acme/web main",
		    "push acme/web main by rosa", 1 },
		{ "github_ping", EVENT_GITHUB, EVENT_PING, "acme/web", "ping acme/web by rosa", 0 },
		{ "gitlab_push", EVENT_GITLAB, EVENT_PUSH, "acme/web main",
		    "Push Hook acme/web main by Rosa Quarry", 1 },
		{ "gitea_push", EVENT_GITEA, EVENT_PUSH, "acme/web main",
		    "push acme/web main by rosa", 1 },
		{ "slack_event", EVENT_SLACK, EVENT_OTHER, "T0ACME C0DRIFT",
		    "message T0ACME C0DRIFT by U0ROSA", 1 },
		{ "stripe_event", EVENT_STRIPE, EVENT_OTHER, "", "invoice.paid", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct event e;

		EXPECT(read_fixture(rows[i].name, &e));
		EXPECT_INT(e.sender, rows[i].sender);
		EXPECT_INT(e.kind, rows[i].kind);
		EXPECT_SLICE(z(e.order), z(rows[i].order));
		EXPECT_SLICE(z(e.summary), z(rows[i].summary));
		EXPECT_INT(e.n_refs, rows[i].n_refs);
		EXPECT_INT(strlen(e.print), 64);
		EXPECT(e.dedupe[0] != '\0');
	}
}

TEST(ids)
{
	struct event e, again;

	EXPECT(read_fixture("bitbucket_push", &e));
	EXPECT_SLICE(z(e.delivery), S("23a051e8-514a-4557-8aac-fcfa1f7feef3"));
	EXPECT_SLICE(z(e.dedupe),
	    S("23a051e8-514a-4557-8aac-fcfa1f7feef3 f099c779-4318-41cb-887f-db5f7432be3a"));
	EXPECT_INT(e.attempt, 1);
	EXPECT(read_fixture("bitbucket_push_30k", &again));
	EXPECT(strcmp(e.dedupe, again.dedupe) != 0);
	EXPECT(strcmp(e.print, again.print) != 0);
	EXPECT(read_fixture("slack_event", &e));
	EXPECT_SLICE(z(e.dedupe), S("Ev0ACME1"));
	EXPECT(read_fixture("stripe_event", &e));
	EXPECT_SLICE(z(e.dedupe), S("evt_acme_1"));
}

static void
read_with(enum event_sender sender, const struct hook_field *fields, size_t n, const char *body,
    struct event *ret)
{
	struct hook_request req = { .fields = fields, .n_fields = n, .body = slice_str(body) };

	event_read(&req, sender, ret);
}

/* The recursive hooks of GitLab share the event's id, so two bodies are two events. */
TEST(gitlab_event_id_is_not_enough)
{
	const struct hook_field fields[] = { { S("X-Gitlab-Event"), S("Push Hook") },
		{ S("X-Gitlab-Event-UUID"), S("13792a34-cac6-4fda-95a8-c58e00a3954e") } };
	struct event a, b, c;

	read_with(EVENT_GITLAB, fields, 2, "{\"n\":1}", &a);
	read_with(EVENT_GITLAB, fields, 2, "{\"n\":1}", &b);
	read_with(EVENT_GITLAB, fields, 2, "{\"n\":2}", &c);
	EXPECT(a.dedupe[0] != '\0');
	EXPECT(strcmp(a.dedupe, b.dedupe) == 0);
	EXPECT(strcmp(a.dedupe, c.dedupe) != 0);
}

/* Without an id nothing is a duplicate, whatever the body. */
TEST(no_id_no_dedupe)
{
	struct event e;

	read_with(EVENT_GENERIC, NULL, 0, "{\"type\":\"x\"}", &e);
	EXPECT_SLICE(z(e.dedupe), S(""));
	EXPECT_SLICE(z(e.key), S("x"));
	EXPECT_SLICE(z(e.summary), S("x"));
	read_with(EVENT_GENERIC, NULL, 0, "", &e);
	EXPECT_SLICE(z(e.summary), S("webhook"));
}

/* Only what a newer push of the branch makes needless may be dropped for one. */
TEST(pushes_to_one_branch)
{
	static const struct {
		enum event_sender sender;
		const char *header, *key, *body;
		bool is;
	} rows[] = {
#define BB(changes) "{\"repository\":{\"full_name\":\"a/b\"},\"push\":{\"changes\":[" changes "]}}"
#define MAIN "{\"new\":{\"type\":\"branch\",\"name\":\"main\"}}"
#define GIT(more) "{\"repository\":{\"full_name\":\"a/b\"}," more "}"
		{ EVENT_BITBUCKET, "X-Event-Key", "repo:push", BB(MAIN), true },
		{ EVENT_BITBUCKET, "X-Event-Key", "repo:push", BB(MAIN "," MAIN), false },
		{ EVENT_BITBUCKET, "X-Event-Key", "repo:push",
		    BB("{\"new\":{\"type\":\"tag\",\"name\":\"main\"}}"), false },
		{ EVENT_BITBUCKET, "X-Event-Key", "repo:push",
		    BB("{\"new\":null,\"old\":{\"type\":\"branch\",\"name\":\"main\"}}"), false },
		{ EVENT_BITBUCKET, "X-Event-Key", "repo:commit_status_created", BB(MAIN), false },
		{ EVENT_BITBUCKET, "X-Event-Key", "repo:push",
		    "{\"push\":{\"changes\":[" MAIN "]}}", false },
		{ EVENT_GITHUB, "X-GitHub-Event", "push", GIT("\"ref\":\"refs/heads/main\""),
		    true },
		{ EVENT_GITHUB, "X-GitHub-Event", "push", GIT("\"ref\":\"refs/tags/main\""),
		    false },
		{ EVENT_GITHUB, "X-GitHub-Event", "push",
		    GIT("\"ref\":\"refs/heads/main\",\"deleted\":true"), false },
		{ EVENT_GITHUB, "X-GitHub-Event", "create", GIT("\"ref\":\"main\""), false },
		{ EVENT_GITHUB, "X-GitHub-Event", "workflow_run",
		    GIT("\"ref\":\"refs/heads/main\""), false },
		{ EVENT_GITHUB, "X-GitHub-Event", "push",
		    GIT("\"ref\":\"refs/heads/main\",\"pull_request\":{\"number\":7}"), false },
		{ EVENT_GITEA, "X-Gitea-Event", "push",
		    GIT("\"ref\":\"refs/heads/main\",\"after\":\"00000000\""), false },
		{ EVENT_GENERIC, "X-Event-Key", "push", GIT("\"ref\":\"refs/heads/main\""), false },
		/* cleaned: two of these names may be two branches */
		{ EVENT_GITHUB, "X-GitHub-Event", "push", GIT("\"ref\":\"refs/heads/\xff\""),
		    false },
#undef BB
#undef MAIN
#undef GIT
	};
	char body[1000], name[400];
	struct event e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct hook_field f = { slice_str(rows[i].header), slice_str(rows[i].key) };

		read_with(rows[i].sender, &f, 1, rows[i].body, &e);
		if (e.branch_push != rows[i].is)
			printf("%s %s\n", rows[i].key, rows[i].body);
		EXPECT_INT(e.branch_push, rows[i].is);
	}
	/* cut: as well */
	memset(name, 'b', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(body, sizeof(body),
	    "{\"repository\":{\"full_name\":\"a/b\"},\"ref\":\"refs/heads/%s\"}", name);
	read_with(EVENT_GITHUB, &(struct hook_field){ S("X-GitHub-Event"), S("push") }, 1, body,
	    &e);
	EXPECT(e.kind == EVENT_PUSH && !e.branch_push);
}

TEST(long_ids_stay_apart)
{
	char one[700], two[700], body[400];
	struct hook_field f = { S("X-GitHub-Delivery"), { one, 600 } },
			  g = { S("X-GitHub-Delivery"), { two, 600 } };
	struct event a, b;

	memset(one, 'a', sizeof(one));
	memset(two, 'a', sizeof(two));
	two[599] = 'b';
	read_with(EVENT_GITHUB, &f, 1, "{}", &a);
	read_with(EVENT_GITHUB, &g, 1, "{}", &b);
	EXPECT_INT(strlen(a.dedupe), 64);
	EXPECT(strcmp(a.dedupe, b.dedupe) != 0);
	snprintf(body, sizeof(body), "{\"id\":\"%.300s\"}", one);
	read_with(EVENT_STRIPE, NULL, 0, body, &a);
	body[306] = 'b';
	read_with(EVENT_STRIPE, NULL, 0, body, &b);
	EXPECT(a.dedupe[0] != '\0' && strcmp(a.dedupe, b.dedupe) != 0);
	/* not UTF-8: cleaned for people, told apart for machines */
	f.value = S("\xff");
	g.value = S("\xfe");
	read_with(EVENT_GITHUB, &f, 1, "{}", &a);
	read_with(EVENT_GITHUB, &g, 1, "{}", &b);
	EXPECT_SLICE(z(a.delivery), S("?"));
	EXPECT(strcmp(a.dedupe, b.dedupe) != 0);
}

TEST(long_names_are_cut_between_characters)
{
	char body[2000], name[900];
	struct event e;
	size_t n = 0;

	while (n + 4 < sizeof(name)) {
		memcpy(name + n, "\xe2\x82\xac", 3); /* the sign of the euro */
		n += 3;
	}
	name[n] = '\0';
	snprintf(body, sizeof(body),
	    "{\"repository\":{\"full_name\":\"%s\"},\"ref\":\"refs/heads/%s\"}", name, name);
	read_with(EVENT_GITHUB, NULL, 0, body, &e);
	EXPECT_INT(strlen(e.repository), 159); /* 53 whole characters */
	EXPECT(strlen(e.branch) > 140 && strlen(e.branch) < sizeof(e.branch));
	EXPECT(strlen(e.branch) % 3 == 0);
	EXPECT_INT(strlen(e.order), 64); /* a hash: they do not fit */
	EXPECT(strlen(e.summary) < sizeof(e.summary));
}

TEST(odd_bodies_give_emptier_events)
{
	static const char *const bodies[] = { "", "{", "[]", "null",
		"{\"push\":", "{\"push\":{\"changes\":[]}}", "{\"repository\":7,\"actor\":[]}",
		"\xff\xfe", "{\"a\" 1}", "{\"push\":{\"changes\":{\"0\":{\"new\":{}}}}}" };

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		for (int s = EVENT_GENERIC; s <= EVENT_SLACK; s++) {
			struct event e;

			read_with((enum event_sender)s, NULL, 0, bodies[i], &e);
			EXPECT(e.summary[0] != '\0');
			EXPECT_SLICE(z(e.dedupe), S(""));
		}
	}
}

TEST(slack_command_form)
{
	const struct hook_field fields[] = { { S("Content-Type"),
						 S("application/x-www-form-urlencoded") },
		{ S("X-Slack-Signature"), S("v0=00") } };
	struct event e;

	read_with(EVENT_SLACK, fields, 2,
	    "team_id=T1&channel_id=C2&user_name=ro%73a&command=%2Fdig&text=now", &e);
	EXPECT_SLICE(z(e.summary), S("/dig T1 C2 by rosa"));
}

/* --- peek --- */

TEST(peek_finds)
{
	static const char json[] =
	    " {\"a\":{\"b\":[1,{\"c\":\"x\\u00e9\\ud83d\\ude00\\n\"},[],null]},\"a\":2,\"t\":true,"
	    "\"n\":-1.5e3,\"e\":[],\"two\":[[],[1,2,3]]} ";
	struct peek w[] = { { .path = "a.b.0" }, { .path = "a.b.1.c" }, { .path = "a.b" },
		{ .path = "t" }, { .path = "n" }, { .path = "a.b.3" }, { .path = "e" },
		{ .path = "two.1" }, { .path = "a" }, { .path = "missing" }, { .path = "a.b.c" },
		{ .path = "two.1.2" } };
	char text[64];

	EXPECT(peek_json(slice_str(json), w, 12));
	EXPECT_SLICE(w[0].value, S("1"));
	peek_text(&w[1], text, sizeof(text));
	EXPECT_SLICE(z(text), S("x\xc3\xa9\xf0\x9f\x98\x80\n"));
	EXPECT(w[2].kind == PEEK_ARRAY && w[2].count == 4);
	EXPECT_INT(w[3].kind, PEEK_TRUE);
	EXPECT_SLICE(w[4].value, S("-1.5e3"));
	EXPECT_INT(w[5].kind, PEEK_NULL);
	EXPECT(w[6].kind == PEEK_ARRAY && w[6].count == 0);
	EXPECT(w[7].kind == PEEK_ARRAY && w[7].count == 3);
	EXPECT_INT(w[8].kind, PEEK_OBJECT); /* the first of two */
	EXPECT_INT(w[9].kind, PEEK_NONE);
	EXPECT_INT(w[10].kind, PEEK_NONE);
	EXPECT_SLICE(w[11].value, S("3"));
}

TEST(peek_refuses)
{
	static const char *const bad[] = { "", " ", "{", "{\"a\"", "{\"a\":}", "{a:1}", "[1,]",
		"[1 2]", "{\"a\":1,}", "\"x", "\"x\\", "tru", "[}", "{]", "1 2", "nulll",
		"{\"a\":1}}" };
	char deep[2 * LIMIT_HOOK_JSON_DEPTH + 8];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct peek w = { .path = "zz" };

		EXPECT(!peek_json(slice_str(bad[i]), &w, 1));
		EXPECT_INT(w.kind, PEEK_NONE);
	}
	for (size_t i = 0; i < LIMIT_HOOK_JSON_DEPTH; i++) {
		deep[i] = '[';
		deep[2 * LIMIT_HOOK_JSON_DEPTH - 1 - i] = ']';
	}
	struct peek w = { .path = "zz" };

	EXPECT(peek_json(slice_of(deep, 2 * LIMIT_HOOK_JSON_DEPTH), &w, 1));
	memmove(deep + 1, deep, 2 * LIMIT_HOOK_JSON_DEPTH);
	EXPECT(!peek_json(slice_of(deep, 2 * LIMIT_HOOK_JSON_DEPTH + 1), &w, 1));
}

TEST(peek_text_is_bounded_utf8)
{
	struct peek w = { .path = "a" };
	char text[6];

	EXPECT(peek_json(S("{\"a\":\"\\u0000\\ud800\\udc00x\\ud800y\\q\\u12\"}"), &w, 1));
	peek_text(&w, text, sizeof(text));
	EXPECT_SLICE(z(text), S("?\xf0\x90\x80\x80"));
	char more[32];

	peek_text(&w, more, sizeof(more));
	EXPECT_SLICE(z(more), S("?\xf0\x90\x80\x80x?y?q?u12"));
	EXPECT(peek_json(S("{\"a\":\"\xc3\xa9\xff\x80z\"}"), &w, 1));
	peek_text(&w, more, sizeof(more));
	EXPECT_SLICE(z(more), S("\xc3\xa9??z"));
}

/* --- what has the shape of our fixtures beside the checkout --- */

TEST(shared_fixtures)
{
	static const struct {
		const char *name;
		enum event_sender sender;
		const char *order;
	} rows[] = {
		{ "bitbucket-cloud/repo_push_tag_create", EVENT_BITBUCKET, NULL },
		{ "bitbucket-cloud/repo_push_multiple_changes", EVENT_BITBUCKET, NULL },
		{ "bitbucket-cloud/pullrequest_created", EVENT_BITBUCKET, NULL },
		{ "bitbucket-dc/repo_refs_changed", EVENT_BITBUCKET_DC, NULL },
		{ "bitbucket-dc/repo_refs_changed_v10", EVENT_BITBUCKET_DC,
		    "AMUNIZ/test-repos feature/BB-1" },
		{ "bitbucket-dc/pr_opened", EVENT_BITBUCKET_DC, NULL },
		{ "github/push", EVENT_GITHUB, "Codertocat/Hello-World master" },
		{ "github/pull_request", EVENT_GITHUB, NULL },
		{ "gitlab/push", EVENT_GITLAB, "gitlab-org/hello-world master" },
		{ "gitlab/merge_request", EVENT_GITLAB, NULL },
		{ "gitea/push", EVENT_GITEA, NULL },
		{ "gogs/push", EVENT_GITEA, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture f;
		struct event e;

		if (!fixture_load(&f, SHARED, rows[i].name)) {
			fixture_unload(&f);
			printf("note: %s is not there, skipped\n", SHARED);
			return;
		}
		event_read(&f.req, event_guess(&f.req), &e);
		EXPECT_INT(e.sender, rows[i].sender);
		EXPECT(e.repository[0] != '\0' && e.branch[0] != '\0' && e.kind != EVENT_OTHER);
		EXPECT(e.dedupe[0] != '\0');
		if (e.branch[0] == '\0' || e.kind == EVENT_OTHER || e.dedupe[0] == '\0')
			printf("%s: %s\n", rows[i].name, e.summary);
		if (rows[i].order != NULL)
			EXPECT_SLICE(z(e.order), z(rows[i].order));
		fixture_unload(&f);
	}
}

TESTS(TEST_ROW(fixtures) TEST_ROW(ids) TEST_ROW(gitlab_event_id_is_not_enough)
	TEST_ROW(no_id_no_dedupe) TEST_ROW(pushes_to_one_branch) TEST_ROW(long_ids_stay_apart)
	    TEST_ROW(long_names_are_cut_between_characters) TEST_ROW(odd_bodies_give_emptier_events)
		TEST_ROW(slack_command_form) TEST_ROW(peek_finds) TEST_ROW(peek_refuses)
		    TEST_ROW(peek_text_is_bounded_utf8) TEST_ROW(shared_fixtures))
