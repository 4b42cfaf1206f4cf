/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/core/policy_text.h"

#include "base/slice.h"
#include "unit.h"

#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/adit-policy-XXXXXX";
static struct policy_made made;

/* A file of the folder; the path is good until the next but three. */
static char *
file(const char *name, const char *text)
{
	static char paths[4][64];
	static int at;
	char *path = paths[at++ % 4];
	FILE *f;

	snprintf(path, 64, "%s/%s", dir, name);
	f = fopen(path, "we");
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
	return path;
}

static bool
is(const char *want)
{
	json_t *a = json_loads(want, 0, NULL),
	       *b = json_loads(made.json == NULL ? "null" : made.json, 0, NULL);
	bool same = json_equal(a, b);

	if (!same)
		printf("%s\n", made.json == NULL ? "(none)" : made.json);
	json_decref(a);
	json_decref(b);
	return same;
}

/* True when it was refused with these words in it. */
static bool
refused(const struct policy_text *p, const char *words)
{
	char *error;
	bool good;

	policy_made_fini(&made);
	error = policy_text_compose(p, "web", &made);
	good = error != NULL && strstr(error, words) != NULL && made.json == NULL;

	if (!good)
		printf("%s\n", error == NULL ? "(taken)" : error);
	free(error);
	policy_made_fini(&made);
	return good;
}

static void
compose(struct policy_text p, const char *label)
{
	char *error;

	policy_made_fini(&made);
	error = policy_text_compose(&p, label, &made);
	if (error != NULL)
		printf("%s\n", error);
	EXPECT(error == NULL);
	free(error);
}

TEST(nothing_is_no_policy)
{
	compose((struct policy_text){ 0 }, "web");
	EXPECT(made.json == NULL);
}

TEST(options_become_members)
{
	struct policy_text p = {
		.scheme = (char[]){ "github" },
		.secret_files = { file("new", "first\r\n\nsecond\n"), file("old", "third") },
		.allow = (char[]){ "10.0.0.0/8, fd00::/8" },
		.deny = (char[]){ "10.1.0.0/16" },
		.user_file = file("users", "rosa:$2b$11$abcdefghijklmnopqrstuu\n"),
		.body_max = (char[]){ "1000" },
		.rate = (char[]){ "5" },
	};

	compose(p, "web");
	EXPECT(
	    is("{\"mode\":\"store\",\"scheme\":\"github\",\"secrets\":[\"first\",\"second\","
	       "\"third\"],"
	       "\"allow\":[\"10.0.0.0/8\",\"fd00::/8\"],\"deny\":[\"10.1.0.0/16\"],"
	       "\"users\":[\"rosa:$2b$11$abcdefghijklmnopqrstuu\"],\"body_max\":1000,\"rate\":5}"));
	EXPECT_SLICE(slice_str(made.mode), S("store"));
	p = (struct policy_text){ .scheme = (char[]){ "slack" },
		.secret_files = { file("new", "first") },
		.fan_out = (char[]){ "eu, us" },
		.coalesce = true,
		.resign = true };
	compose(p, "web");
	EXPECT(
	    is("{\"mode\":\"store\",\"scheme\":\"slack\",\"secrets\":[\"first\"],\"coalesce\":true,"
	       "\"resign\":true,\"fan_out\":[\"eu\",\"us\"]}"));
	EXPECT(refused(&(struct policy_text){ .coalesce = true }, "coalesce: needs mode store"));
	EXPECT(refused(&(struct policy_text){ .fan_out = (char[]){ "eu" } },
	    "fan_out: needs mode"));
	EXPECT(refused(&(struct policy_text){ .store = true, .resign = true }, "resign: needs"));
}

/* Who stores webhooks without a signature has to say so. */
TEST(unsigned_is_said)
{
	struct policy_text p = { .store = true };

	EXPECT(refused(&p, "--scheme NAME and --secret-file FILE, or --unsigned"));
	EXPECT(refused(&(struct policy_text){ .relay = true }, "--unsigned"));
	p.unsigned_ok = true;
	compose(p, "web");
	EXPECT(is("{\"mode\":\"store\",\"unsigned\":true}"));
	EXPECT(made.is_open);
	EXPECT(refused(&(struct policy_text){ .unsigned_ok = true,
			   .scheme = (char[]){ "github" },
			   .secret_files = { file("s", "x") } },
	    "contradict"));
	/* A preset knows how its webhooks are signed, or that they are not. */
	compose((struct policy_text){ .preset = (char[]){ "buildbot" } }, "unsaid");
	EXPECT(!made.is_open);
}

TEST(a_context_path)
{
	struct policy_text p = { .preset = (char[]){ "jenkins-bitbucket" },
		.context = (char[]){ "/jenkins/" },
		.secret_files = { file("own", "first") } };

	compose(p, "web");
	EXPECT(is("{\"preset\":\"jenkins-bitbucket\",\"context\":\"/jenkins\",\"secrets\":["
		  "\"first\"]}"));
	EXPECT_SLICE(slice_str(made.path), S("/jenkins/bitbucket-hook/"));
	EXPECT(refused(&(struct policy_text){ .context = (char[]){ "/jenkins" } }, "--for"));
	EXPECT(refused(&(struct policy_text){ .preset = (char[]){ "jenkins-bitbucket" },
			   .context = (char[]){ "jenkins" },
			   .secret_files = { file("own", "first") } },
	    "context: begins with '/'"));
}

TEST(a_file_lies_under_the_options)
{
	struct policy_text p = {
		.policy_file =
		    file("policy", "{\"rate\":1,\"burst\":9,\"mode\":\"store\",\"preset\":"
				   "\"jenkins-bitbucket\",\"context\":\"/jenkins\","
				   "\"secrets\":[\"own\"]}"),
		.rate = (char[]){ "7" },
		.relay = true,
	};

	compose(p, "web");
	EXPECT(is("{\"rate\":7,\"burst\":9,\"mode\":\"relay\",\"preset\":\"jenkins-bitbucket\","
		  "\"context\":\"/jenkins\",\"secrets\":[\"own\"]}"));
	EXPECT_SLICE(slice_str(made.path), S("/jenkins/bitbucket-hook/"));
	EXPECT_SLICE(slice_str(made.mode), S("relay"));
	EXPECT_SLICE(slice_str(made.scheme), S("bitbucket"));
	EXPECT_SLICE(slice_str(made.provider), S("bitbucket"));
	EXPECT_SLICE(slice_str(made.events), S("Repository push"));
	EXPECT_SLICE(slice_str(made.secret), S(""));
}

static void
read_secret(char dst[64])
{
	json_t *o = json_loads(made.json, 0, NULL);

	snprintf(dst, 64, "%s",
	    json_string_value(json_array_get(json_object_get(o, "secrets"), 0)));
	json_decref(o);
}

TEST(a_preset_gets_a_secret_of_its_own_which_stays)
{
	struct policy_text p = { .preset = (char[]){ "jenkins-bitbucket" } };
	char first[64], again[64], want[128];
	struct stat st;

	compose(p, "web");
	read_secret(first);
	EXPECT_INT(strlen(first), 32);
	snprintf(want, sizeof(want), "%s/adit/secret-web", dir);
	EXPECT_SLICE(slice_str(made.secret), slice_str(want));
	EXPECT(made.fresh && stat(want, &st) == 0 && (st.st_mode & 0777) == 0600);
	compose(p, "web");
	read_secret(again);
	EXPECT(!made.fresh && strcmp(first, again) == 0);
	compose(p, "other");
	read_secret(again);
	EXPECT(made.fresh && strcmp(first, again) != 0);
	/* a label that is no file name */
	compose(p, "../../etc/x");
	EXPECT(strstr(made.secret, "..") == NULL);
}

TEST(a_preset_without_a_scheme_gets_none)
{
	compose((struct policy_text){ .preset = (char[]){ "jenkins-generic" } }, "generic");
	EXPECT(is("{\"preset\":\"jenkins-generic\"}"));
	compose((struct policy_text){ .preset = (char[]){ "plain" } }, "plain");
	EXPECT(is("{\"preset\":\"plain\"}"));
}

/* The file with these permissions. */
static char *
opened(char *path, mode_t mode)
{
	chmod(path, mode);
	return path;
}

TEST(a_file_that_others_may_change_or_that_holds_secrets_is_private)
{
	char *policy = file("policy", "{\"rate\":5}"), *users = file("users", "rosa:$2b$11$x\n");
	char *hashes = file("hashes", "{\"users\":[\"rosa:$2b$11$abcdefghijklmnopqrstuu\"]}");
	char *secrets = file("secrets", "{\"mode\":\"store\",\"scheme\":\"github\","
					"\"secrets\":[\"x\"]}");

	compose((struct policy_text){ .policy_file = opened(policy, 0644) }, "web");
	compose((struct policy_text){ .policy_file = hashes }, "web");
	compose((struct policy_text){ .policy_file = secrets }, "web");
	EXPECT(refused(&(struct policy_text){ .policy_file = opened(policy, 0664) },
	    "/policy: others may write it: chmod go-w /"));
	EXPECT(refused(&(struct policy_text){ .policy_file = opened(policy, 0602) },
	    "others may write it"));
	EXPECT(refused(&(struct policy_text){ .policy_file = opened(hashes, 0604) },
	    "/hashes: others may read it, and it holds a secret: chmod 600 /"));
	EXPECT(refused(&(struct policy_text){ .policy_file = opened(secrets, 0640) },
	    "/secrets: others may read it, and it holds a secret: chmod 600 /"));
	EXPECT(refused(&(struct policy_text){ .user_file = opened(users, 0644) },
	    "/users: others may read it, and it holds a secret: chmod 600 /"));
}

TEST(mistakes_are_told_before_anything_is_dialled)
{
	struct policy_text p = { .preset = (char[]){ "jenkins-bitbuckt" } };

	EXPECT(refused(&p, "did you mean jenkins-bitbucket?"));
	EXPECT(refused(&(struct policy_text){ .store = true, .relay = true },
	    "--store and --relay"));
	EXPECT(refused(&(struct policy_text){ .rate = (char[]){ "fast" } }, "--rate fast"));
	EXPECT(refused(&(struct policy_text){ .allow = (char[]){ "10.0.0.0/33" } }, "allow"));
	EXPECT(refused(&(struct policy_text){ .scheme = (char[]){ "github" } },
	    "--secret-file FILE"));
	EXPECT(refused(&(struct policy_text){ .scheme = (char[]){ "nose" },
			   .secret_files = { file("s", "x") } },
	    "scheme"));
	EXPECT(refused(&(struct policy_text){ .store = true, .secret_files = { file("e", "\n") } },
	    "is empty"));
	EXPECT(refused(&(struct policy_text){ .policy_file = file("p", "{\"mdoe\":1}") }, "mdoe"));
	EXPECT(refused(&(struct policy_text){ .policy_file = file("p", "[]") }, "one JSON object"));
	EXPECT(refused(&(struct policy_text){ .policy_file = file("p", "{\n\"a\":}") }, ":2:"));
	EXPECT(refused(&(struct policy_text){ .user_file = (char[]){ "/nonexistent" } },
	    "/nonexistent"));
	/* what passes through is not read, so a signature would not be looked at */
	EXPECT(refused(
	    &(struct policy_text){
		.policy_file =
		    file("p", "{\"mode\":\"pass\",\"scheme\":\"github\",\"secrets\":[\"x\"]}") },
	    "mode"));
}

int
main(int argc, char **argv)
{
	static const struct unit_test tests[] = { TEST_ROW(nothing_is_no_policy)
		    TEST_ROW(options_become_members) TEST_ROW(unsigned_is_said)
			TEST_ROW(a_context_path) TEST_ROW(a_file_lies_under_the_options)
			    TEST_ROW(a_preset_gets_a_secret_of_its_own_which_stays)
				TEST_ROW(a_preset_without_a_scheme_gets_none) TEST_ROW(
				    a_file_that_others_may_change_or_that_holds_secrets_is_private)
				    TEST_ROW(mistakes_are_told_before_anything_is_dialled) };
	char command[64];
	int rc;

	if (mkdtemp(dir) == NULL || setenv("XDG_CONFIG_HOME", dir, 1) != 0)
		return 1;
	rc = unit_main(tests, sizeof(tests) / sizeof(*tests), argc > 1 ? argv[1] : NULL);
	policy_made_fini(&made);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) == 0 ? rc : 1;
}
