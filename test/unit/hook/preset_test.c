/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/preset.h"

#include "unit.h"

static struct slice
z(const char *text)
{
	return slice_str(text);
}

static enum preset_access
access_of(const char *preset, const char *method, const char *path)
{
	return preset_access(preset_find(z(preset)), z(method), z(path));
}

TEST(every_row_is_whole)
{
	for (size_t i = 0; i < presets_n; i++) {
		const struct preset *p = &presets[i];

		EXPECT(preset_find(z(p->name)) == p);
		EXPECT(p->title != NULL && p->path != NULL && p->events != NULL &&
		       p->next != NULL && p->judge != 0);
		EXPECT(p->scheme == NULL || sign_find(z(p->scheme)) != NULL);
		EXPECT(p->mode != PRESET_STORE || p->methods != NULL);
		/* What is to be pasted must be let through. */
		EXPECT(p->prefix != NULL ||
		       preset_access(p, S("POST"), z(p->path)) == PRESET_ALLOWED);
	}
	EXPECT(preset_find(S("jenkins")) == NULL);
	EXPECT(preset_find(S("")) == NULL);
}

/* Whoever checks a signature needs the secret: the next step says where it goes. */
TEST(the_next_step_tells_of_the_secret)
{
	for (size_t i = 0; i < presets_n; i++)
		if (presets[i].scheme != NULL)
			EXPECT(strstr(presets[i].next, "secret") != NULL);
}

TEST(methods)
{
	static const char *const others[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH",
		"TRACE", "CONNECT", "post", "Post", "POST ", " POST", "POSTS", "POS", "",
		"GET POST", "PROPFIND" };

	EXPECT_INT(access_of("jenkins-bitbucket", "POST", "/bitbucket-hook/"), PRESET_ALLOWED);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		EXPECT_INT(access_of("jenkins-bitbucket", others[i], "/bitbucket-hook/"),
		    PRESET_METHOD);
	EXPECT_INT(access_of("atlassian-connect", "GET", "/atlassian-connect.json"),
	    PRESET_ALLOWED);
	EXPECT_INT(access_of("atlassian-connect", "DELETE", "/x"), PRESET_METHOD);
	EXPECT_INT(access_of("plain", "PROPFIND", "/anything"), PRESET_ALLOWED);
}

TEST(slash_is_told_apart)
{
	EXPECT_INT(access_of("jenkins-bitbucket", "POST", "/bitbucket-hook"), PRESET_SLASH);
	EXPECT_INT(access_of("jenkins-bitbucket", "POST", "/bitbucket-hook//"), PRESET_SLASH);
	EXPECT_INT(access_of("jenkins-github", "POST", "/github-webhook"), PRESET_SLASH);
	EXPECT_INT(access_of("jenkins-bitbucket-branch-source", "POST",
		       "/bitbucket-scmsource-hook/notify"),
	    PRESET_ALLOWED);
	EXPECT_INT(access_of("jenkins-bitbucket-branch-source", "POST",
		       "/bitbucket-scmsource-hook/notify/"),
	    PRESET_ALLOWED);
	EXPECT_INT(access_of("jenkins-generic", "POST", "/generic-webhook-trigger/invoke/"),
	    PRESET_SLASH);
}

/* Spellings of other paths, and of the allowed one, that an origin might take for something. */
static const char *const tricks[] = {
	"",
	"/",
	"*",
	"//",
	"/.",
	"/..",
	"bitbucket-hook/",
	"/Bitbucket-Hook/",
	"/BITBUCKET-HOOK/",
	"//bitbucket-hook/",
	"/bitbucket-hook/.",
	"/bitbucket-hook/..",
	"/bitbucket-hook/../",
	"/bitbucket-hook/../script",
	"/bitbucket-hook/..;/script",
	"/bitbucket-hook/%2e%2e/script",
	"/bitbucket-hook/%2E%2E/script",
	"/bitbucket-hook/.%2e/script",
	"/bitbucket-hook/%252e%252e/script",
	"/bitbucket-hook/..%2fscript",
	"/bitbucket-hook/..%5cscript",
	"/bitbucket-hook/..\\script",
	"/bitbucket-hook/;x",
	"/bitbucket-hook;x/",
	"/bitbucket-hook;/",
	"/;/bitbucket-hook/",
	"/bitbucket-hook/;/../script",
	"/bitbucket-hook%2f",
	"/bitbucket-hook%2F",
	"/bitbucket%2dhook/",
	"/%62itbucket-hook/",
	"/bitbucket-hook/%00",
	"/bitbucket-hook/%0a",
	"/bitbucket-hook/%20",
	"/bitbucket-hook/ ",
	" /bitbucket-hook/",
	"/bitbucket-hook/\t",
	"/bitbucket-hook/?",
	"/bitbucket-hook/#",
	"/bitbucket-hook/x",
	"/x/bitbucket-hook/",
	"/./bitbucket-hook/",
	"/x/../bitbucket-hook/",
	"http://host/bitbucket-hook/",
	"https://host/bitbucket-hook/",
	"//host/bitbucket-hook/",
	"/http://host/bitbucket-hook/",
	"/bitbucket-hook/\xc0\xae\xc0\xae/",
	"/bitbucket-hook/%c0%ae%c0%ae/script",
	"/bitbucket-hook/%u002e%u002e/",
	"/bitbucket-hook/\xe2\x80\xa5/",
	"/bitbucket\xe2\x80\x90hook/",
	"/\xef\xbd\x82itbucket-hook/",
	"/bitbucket-hook/..%00/",
	"/script",
	"/scriptText",
	"/login",
	"/manage",
	"/cli",
	"/job/x/build",
	"/user/admin/api/json",
	"/jnlpJars/agent.jar",
	"/securityRealm/createAccount",
	"/static/../script",
	"/adjuncts/..;/script",
	"/wsagents/",
	"/computer/",
	"/credentials/store/system/",
	"/descriptorByName/x/checkScript",
	"/asynchPeople/",
	"/whoAmI/",
	"/robots.txt",
};

/* Nothing but the hook is reachable: issue 4, "a crawl of 1,000 other paths and methods". */
TEST(only_the_hook_is_let_through)
{
	static const char *const heads[] = { "", "/bitbucket-hook", "/bitbucket-hook/", "/x/..",
		"/%2e", "/;a=b", "//", "/\\", "/BITBUCKET-HOOK/..", "/bitbucket-hook%2f..",
		"/bitbucket-hook/%2e%2e", "/bitbucket-hook/..;" };
	size_t n = 0;

	for (size_t h = 0; h < sizeof(heads) / sizeof(*heads); h++) {
		for (size_t i = 0; i < sizeof(tricks) / sizeof(*tricks); i++) {
			char path[300];
			bool is_it;

			snprintf(path, sizeof(path), "%s%s", heads[h], tricks[i]);
			is_it = strcmp(path, "/bitbucket-hook/") == 0;
			for (size_t p = 0; p < presets_n; p++) {
				bool allowed = preset_access(&presets[p], S("POST"), z(path)) ==
					       PRESET_ALLOWED;

				if (presets[p].mode != PRESET_STORE)
					continue;
				if (allowed && !(is_it && (strcmp(presets[p].path, path) == 0)))
					printf("%s lets %s through\n", presets[p].name, path);
				EXPECT(!allowed || (is_it && strcmp(presets[p].path, path) == 0));
				n++;
			}
		}
	}
	EXPECT(n > 1000);
	/* a NUL in the middle of a slice */
	EXPECT(preset_access(preset_find(S("jenkins-bitbucket")), S("POST"),
		   S("/bitbucket-hook/\0")) != PRESET_ALLOWED);
}

TEST(jobs_of_gitlab)
{
	static const char *const good[] = { "/project/web", "/project/acme/web",
		"/project/a.b_c-d~e/f+g,h", "/project/two%20words/job", "/project/..x",
		"/project/x..", "/project/..." };
	static const char *const bad[] = { "/project/", "/project", "/projects/x", "/Project/x",
		"/project//x", "/project/x//y", "/project/x/", "/project/../script",
		"/project/x/../../script", "/project/x/..", "/project/.", "/project/./x",
		"/project/x;y", "/project/x;/../y", "/project/%2e%2e/script", "/project/x%2fy",
		"/project/x%5cy", "/project/x%00", "/project/x%2", "/project/x%", "/project/x%2f20",
		"/project/x y", "/project/x?y", "/project/x#y", "/project/x\\y",
		"/project/\xc3\xa4", "/project/x@y", "/project/x:y", "/project/x%3By",
		"/project/x%25" };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if (access_of("jenkins-gitlab", "POST", good[i]) != PRESET_ALLOWED)
			printf("refused: %s\n", good[i]);
		EXPECT_INT(access_of("jenkins-gitlab", "POST", good[i]), PRESET_ALLOWED);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (access_of("jenkins-gitlab", "POST", bad[i]) != PRESET_OTHER)
			printf("let through: %s\n", bad[i]);
		EXPECT_INT(access_of("jenkins-gitlab", "POST", bad[i]), PRESET_OTHER);
	}
	EXPECT(preset_access(preset_find(S("jenkins-gitlab")), S("POST"), S("/project/x\0y")) !=
	       PRESET_ALLOWED);
	EXPECT_INT(access_of("jenkins-gitlab", "GET", "/project/web"), PRESET_METHOD);
}

TEST(preset_by_path)
{
	static const struct {
		const char *path, *preset;
	} rows[] = {
		{ "/bitbucket-hook/", "jenkins-bitbucket" },
		{ "/bitbucket-hook", "jenkins-bitbucket" },
		{ "/Bitbucket-Hook", "jenkins-bitbucket" },
		{ "/jenkins/bitbucket-hook/", "jenkins-bitbucket" },
		{ "/bitbucket-scmsource-hook/notify", "jenkins-bitbucket-branch-source" },
		{ "/bitbucket-server-webhook/trigger", "jenkins-bitbucket-server" },
		{ "/ci/github-webhook", "jenkins-github" },
		{ "/project/web", "jenkins-gitlab" },
		{ "/generic-webhook-trigger/invoke", "jenkins-generic" },
		{ "/change_hook/bitbucketcloud", "buildbot" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct preset *p = preset_of_path(z(rows[i].path));

		EXPECT(p != NULL && strcmp(p->name, rows[i].preset) == 0);
	}
	EXPECT(preset_of_path(S("/")) == NULL);
	EXPECT(preset_of_path(S("")) == NULL);
	EXPECT(preset_of_path(S("/hooks/bb")) == NULL);
	EXPECT(preset_of_path(S("/mybitbucket-hook/")) == NULL);
}

/* --- answers --- */

static const struct {
	const char *preset;
	int status;
	const char *location, *body;
	enum result_class class;
	bool nothing;
	const char *code;
} answer_rows[] = {
	{ "jenkins-bitbucket", 200, "", "", RESULT_DONE, false, "delivered" },
	{ "jenkins-bitbucket", 302, "http://localhost:8080/x/", "", RESULT_PARK, false, "slash" },
	{ "jenkins-bitbucket", 302, "/x/", "", RESULT_PARK, false, "slash" },
	{ "jenkins-bitbucket", 302, "https://ci.example.org/x/?a=b", "", RESULT_PARK, false,
	    "slash" },
	{ "jenkins-bitbucket", 302, "/login?from=%2Fx", "", RESULT_PARK, false, "login" },
	{ "jenkins-bitbucket", 301, "https://ci.example.org/x", "", RESULT_PARK, false,
	    "redirect" },
	{ "jenkins-bitbucket", 302, "", "", RESULT_PARK, false, "redirect" },
	{ "jenkins-bitbucket", 302, "http://host", "", RESULT_PARK, false, "redirect" },
	{ "jenkins-bitbucket", 403, "", "<html>No valid crumb was included in the request</html>",
	    RESULT_PARK, false, "crumb" },
	{ "jenkins-bitbucket", 403, "", "Invalid Bitbucket webhook signature", RESULT_PARK, false,
	    "signature" },
	{ "jenkins-bitbucket", 403, "", "", RESULT_PARK, false, "forbidden" },
	{ "jenkins-bitbucket", 500, "", "oops", RESULT_RETRY, false, "origin-error" },
	{ "jenkins-bitbucket", 503, "",
	    "<h1>Please wait while Jenkins is getting ready to work ...</h1>", RESULT_HOLD, false,
	    "starting" },
	{ "jenkins-bitbucket", 503, "", "Please wait while Jenkins is restarting ...", RESULT_HOLD,
	    false, "starting" },
	{ "jenkins-bitbucket", 503, "", "", RESULT_RETRY, false, "unavailable" },
	{ "jenkins-bitbucket", 404, "", "", RESULT_PARK, false, "no-plugin" },
	{ "jenkins-bitbucket", 405, "", "", RESULT_PARK, false, "method" },
	{ "jenkins-bitbucket-branch-source", 200, "", "Matched 0", RESULT_PARK, true, "matched-0" },
	{ "jenkins-bitbucket", 200, "", "Matched 0", RESULT_PARK, true, "matched-0" },
	{ "jenkins-bitbucket-ppr", 200, "", "Matched 0", RESULT_PARK, true, "matched-0" },
	{ "jenkins-bitbucket-server", 200, "", "Matched 0", RESULT_PARK, true, "matched-0" },
	{ "jenkins-github", 200, "", "Matched 0", RESULT_PARK, true, "matched-0" },
	{ "jenkins-gitlab", 200, "", "Matched 0", RESULT_PARK, true, "matched-0" },
	{ "jenkins-generic", 200, "", "Matched 0", RESULT_PARK, true, "matched-0" },
	{ "jenkins-bitbucket", 200, "", "{\"message\":\"Did not find any jobs with it\"}",
	    RESULT_PARK, true, "no-job" },
	{ "jenkins-github", 200, "", "No Jenkins job matched", RESULT_PARK, true, "no-job" },
	{ "jenkins-bitbucket-branch-source", 200, "", "Matched 1", RESULT_DONE, false,
	    "delivered" },
	{ "jenkins-bitbucket-branch-source", 400, "", "No bitbucket endpoint found for http://x",
	    RESULT_PARK, false, "server-url" },
	{ "jenkins-bitbucket-branch-source", 400, "",
	    "No processor found for the incoming Bitbucket hook.", RESULT_PARK, false, "event" },
	{ "jenkins-bitbucket-branch-source", 400, "", "Payload is empty.", RESULT_PARK, false,
	    "empty" },
	{ "jenkins-bitbucket-branch-source", 403, "", "Signature verification failed", RESULT_PARK,
	    false, "signature" },
	{ "jenkins-bitbucket-branch-source", 409, "", "", RESULT_PARK, false, "two-processors" },
	{ "jenkins-bitbucket-ppr", 200, "", "Bitbucket PPR Plugin: request received successfully.",
	    RESULT_DONE, false, "delivered" },
	{ "jenkins-bitbucket-ppr", 400, "", "Bitbucket PPR Plugin: request failed.", RESULT_PARK,
	    false, "refused" },
	{ "jenkins-bitbucket-ppr", 403, "", "missing or invalid signature.", RESULT_PARK, false,
	    "signature" },
	{ "jenkins-bitbucket-server", 415, "", "", RESULT_PARK, false, "content-type" },
	{ "jenkins-github", 400, "", "No valid signature found", RESULT_PARK, false, "signature" },
	{ "jenkins-gitlab", 401, "", "Invalid token", RESULT_PARK, false, "token" },
	{ "jenkins-gitlab", 404, "", "", RESULT_PARK, false, "no-job" },
	{ "jenkins-generic", 200, "",
	    "{\"jobs\":{\"a\":{\"triggered\":true}},\"message\":\"Triggered jobs.\"}", RESULT_DONE,
	    false, "delivered" },
	{ "jenkins-generic", 200, "", "{\"jobs\":{\"a\":{\"triggered\":false}}}", RESULT_DONE, true,
	    "filtered" },
	{ "jenkins-generic", 404, "", "Did not find any jobs with GenericTrigger configured!",
	    RESULT_PARK, true, "no-job" },
	{ "jenkins-generic", 403, "", "", RESULT_PARK, false, "whitelist" },
	{ "buildbot", 200, "", "1 change found", RESULT_DONE, false, "delivered" },
	{ "buildbot", 202, "", "no change found", RESULT_DONE, true, "no-change" },
	{ "buildbot", 400, "", "Unknown event: repo_fork", RESULT_PARK, true, "event" },
	{ "buildbot", 500, "", "Error processing changes.", RESULT_RETRY, false, "origin-error" },
	{ "plain", 204, "", "", RESULT_DONE, false, "delivered" },
	{ "plain", 400, "", "", RESULT_PARK, false, "refused" },
	{ "plain", 418, "", "", RESULT_PARK, false, "refused" },
	{ "plain", 410, "", "", RESULT_PARK, false, "gone" },
	{ "plain", 413, "", "", RESULT_PARK, false, "too-big" },
	{ "plain", 408, "", "", RESULT_RETRY, false, "slow" },
	{ "plain", 425, "", "", RESULT_RETRY, false, "early" },
	{ "plain", 429, "", "", RESULT_RETRY, false, "busy" },
	{ "plain", 500, "", "", RESULT_RETRY, false, "origin-error" },
	{ "plain", 502, "", "", RESULT_RETRY, false, "bad-gateway" },
	{ "plain", 599, "", "", RESULT_RETRY, false, "origin-error" },
	{ "plain", 999, "", "", RESULT_RETRY, false, "origin-error" },
	{ "plain", 101, "", "", RESULT_RETRY, false, "origin-error" },
	{ "plain", 0, "", "", RESULT_RETRY, false, "origin-error" },
	{ "plain", 503, "", "Please wait while Jenkins is getting ready to work", RESULT_HOLD,
	    false, "starting" },
};

TEST(answers)
{
	for (size_t i = 0; i < sizeof(answer_rows) / sizeof(*answer_rows); i++) {
		struct preset_answer a = { .status = answer_rows[i].status,
			.path = S("/x"),
			.location = z(answer_rows[i].location),
			.body = z(answer_rows[i].body),
			.jenkins = true };
		struct preset_judgement j = preset_judge(preset_find(z(answer_rows[i].preset)), &a);

		if (strcmp(j.code, answer_rows[i].code) != 0)
			printf("%s %d %s\n", answer_rows[i].preset, answer_rows[i].status,
			    answer_rows[i].body);
		EXPECT_SLICE(z(j.code), z(answer_rows[i].code));
		EXPECT_INT(j.class, answer_rows[i].class);
		EXPECT_INT(j.nothing, answer_rows[i].nothing);
		EXPECT(j.text[0] != '\0' && j.advice != NULL);
		/* Who parks something says what to do. */
		EXPECT(j.class != RESULT_PARK || j.advice[0] != '\0');
	}
}

TEST(answers_of_strangers)
{
	struct preset_answer a = { .status = 404, .path = S("/bitbucket-hook/") };

	EXPECT_SLICE(z(preset_judge(preset_find(S("jenkins-bitbucket")), &a).code),
	    S("not-jenkins"));
	EXPECT_SLICE(z(preset_judge(NULL, &a).code), S("not-found"));
	a.status = 200;
	EXPECT_SLICE(z(preset_judge(NULL, &a).code), S("delivered"));
}

TESTS(TEST_ROW(every_row_is_whole) TEST_ROW(the_next_step_tells_of_the_secret) TEST_ROW(methods)
	TEST_ROW(slash_is_told_apart) TEST_ROW(only_the_hook_is_let_through)
	    TEST_ROW(jobs_of_gitlab) TEST_ROW(preset_by_path) TEST_ROW(answers)
		TEST_ROW(answers_of_strangers))
