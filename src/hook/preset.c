/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of all receivers that adit knows. */
#include "hook/preset_private.h"

const struct preset presets[] = {
	{
	    .name = "jenkins-bitbucket",
	    .title = "Jenkins, plugin Bitbucket",
	    .methods = "POST",
	    .paths = { "/bitbucket-hook/" },
	    .mode = PRESET_STORE,
	    .scheme = "bitbucket",
	    .path = "/bitbucket-hook/",
	    .events = "Repository push",
	    .headers = { "X-Event-Key", "User-Agent", "X-Hub-Signature" },
	    .next = "In the job tick 'Build when a change is pushed to Bitbucket', give it the "
		    "same secret as the webhook (a job without one refuses signed pushes), and "
		    "build it once by hand, so that Jenkins learns its repository.",
	    .judge = JUDGE_BITBUCKET,
	},
	{
	    .name = "jenkins-bitbucket-branch-source",
	    .title = "Jenkins, plugin Bitbucket Branch Source",
	    .methods = "POST",
	    .paths = { "/bitbucket-scmsource-hook/notify", "/bitbucket-scmsource-hook/notify/" },
	    .mode = PRESET_STORE,
	    .scheme = "bitbucket",
	    .path = "/bitbucket-scmsource-hook/notify",
	    .query = "server_url=BITBUCKET (Data Center only)",
	    .events = "Repository push; Pull request created, updated, merged, declined",
	    .headers = { "X-Event-Key", "X-Request-UUID", "X-Request-Id", "X-Hub-Signature" },
	    .next = "In Manage Jenkins, System, Bitbucket endpoints choose the same secret as "
		    "the webhook's; then scan the multibranch project once, so that Jenkins learns "
		    "its branches.",
	    .judge = JUDGE_BRANCH_SOURCE,
	},
	{
	    .name = "jenkins-bitbucket-ppr",
	    .title = "Jenkins, plugin Bitbucket Push and Pull Request",
	    .methods = "POST",
	    .paths = { "/bitbucket-hook/" },
	    .mode = PRESET_STORE,
	    .scheme = "bitbucket",
	    .path = "/bitbucket-hook/",
	    .events = "Repository push; Pull request created, updated, approved, merged",
	    .headers = { "X-Event-Key", "X-Hub-Signature" },
	    .next = "In the job tick 'Build with BitBucket Push and Pull Request Plugin', and give "
		    "the plugin the same secret as the webhook (Manage Jenkins, System); do not "
		    "install the plugin Bitbucket "
		    "beside it, both listen on the same path.",
	    .judge = JUDGE_PPR,
	},
	{
	    .name = "jenkins-bitbucket-server",
	    .title = "Jenkins, plugin Bitbucket Server Integration",
	    .methods = "POST",
	    .paths = { "/bitbucket-server-webhook/trigger" },
	    .mode = PRESET_STORE,
	    /* The plugin creates its webhook itself, without a secret. */
	    .path = "/bitbucket-server-webhook/trigger",
	    .events = "none: the plugin creates the webhook itself",
	    .headers = { "X-Event-Key", "Content-Type" },
	    .next = "Set Manage Jenkins, System, Jenkins URL to the public URL and save the job: "
		    "the plugin then creates the webhook. It sets no secret.",
	    .judge = JUDGE_SERVER,
	},
	{
	    .name = "jenkins-github",
	    .title = "Jenkins, plugin GitHub",
	    .methods = "POST",
	    .paths = { "/github-webhook/" },
	    .mode = PRESET_STORE,
	    .scheme = "github",
	    .path = "/github-webhook/",
	    .events = "Just the push event (and Pull requests, for the branch source)",
	    .headers = { "X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256" },
	    .next =
		"In the job tick 'GitHub hook trigger for GITScm polling', give Manage Jenkins, "
		"System, GitHub the same shared secret as the webhook, and build the job once "
		"by hand.",
	    .judge = JUDGE_GITHUB,
	},
	{
	    .name = "jenkins-gitlab",
	    .title = "Jenkins, plugin GitLab",
	    .methods = "POST",
	    .prefix = "/project/",
	    .mode = PRESET_STORE,
	    .scheme = "gitlab-token",
	    .path = "/project/FOLDER/JOB",
	    .events = "Push events, Merge request events",
	    .headers = { "X-Gitlab-Event", "X-Gitlab-Token" },
	    .next = "Put the job's path (with its folders) behind /project/, and the same secret "
		    "into both: GitLab's 'Secret token', and the job's 'Secret token' below "
		    "'Advanced'.",
	    .judge = JUDGE_GITLAB,
	},
	{
	    .name = "jenkins-generic",
	    .title = "Jenkins, plugin Generic Webhook Trigger",
	    .methods = "POST",
	    .paths = { "/generic-webhook-trigger/invoke" },
	    .mode = PRESET_STORE,
	    /* Its token in the query is what it checks; any sender may stand before it. */
	    .path = "/generic-webhook-trigger/invoke",
	    .query = "token=TOKEN",
	    .events = "whatever the job wants to see",
	    .headers = { "Content-Type" },
	    .next = "In the job tick 'Generic Webhook Trigger' and give it the token of the "
		    "URL. The token alone does not prove who sends: start the tunnel with --scheme "
		    "and --secret-file, and give the sender the same secret.",
	    .judge = JUDGE_GENERIC,
	},
	{
	    .name = "buildbot",
	    .title = "Buildbot, change hooks",
	    .methods = "POST",
	    .paths = { "/change_hook/bitbucketcloud", "/change_hook/bitbucketserver",
		"/change_hook/bitbucket", "/change_hook/github", "/change_hook/gitlab",
		"/change_hook/gitea" },
	    .mode = PRESET_STORE,
	    .scheme = "bitbucket",
	    .path = "/change_hook/bitbucketcloud",
	    .events = "Repository push",
	    .headers = { "X-Event-Key", "Content-Type" },
	    .next = "Enable the dialect in master.cfg: change_hook_dialects={'bitbucketcloud': "
		    "{}}; Buildbot needs no secret for it, since "
		    "the edge checks the signature.",
	    .judge = JUDGE_BUILDBOT,
	},
	{
	    .name = "atlassian-connect",
	    .title = "Atlassian Connect app",
	    .methods = "GET POST",
	    .mode = PRESET_PASS,
	    /* The app checks its tokens itself: pages, descriptor and installation callback are
	       signed differently or not at all. */
	    .path = "/atlassian-connect.json",
	    .events = "none: the descriptor names them",
	    .headers = { "Authorization" },
	    .next = "Install the app from the URL of its descriptor. Connect's support ends in "
		    "December 2026: plan for Forge.",
	    .judge = JUDGE_PLAIN,
	},
	{
	    .name = "plain",
	    .title = "any web server",
	    .mode = PRESET_PASS,
	    .path = "/",
	    .events = "",
	    .next = "Open the public URL.",
	    .judge = JUDGE_PLAIN,
	},
};
const size_t presets_n = sizeof(presets) / sizeof(*presets);

const struct preset *
preset_find(struct slice name)
{
	for (size_t i = 0; i < presets_n; i++) {
		if (slice_eq(slice_str(presets[i].name), name))
			return &presets[i];
	}
	return NULL;
}

static struct slice
without_slash(struct slice path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

/* In any case and behind any context path: it guesses what a person meant, and lets nothing in. */
const struct preset *
preset_of_path(struct slice path)
{
	path = without_slash(path);
	for (size_t i = 0; i < presets_n; i++) {
		const struct preset *p = &presets[i];
		struct slice prefix = slice_str(p->prefix);

		if (prefix.n > 0 && path.n > prefix.n &&
		    slice_ieq(slice_head(path, prefix.n), prefix))
			return p;
		for (size_t k = 0; k < PRESET_PATHS && p->paths[k] != NULL; k++) {
			struct slice want = without_slash(slice_str(p->paths[k]));

			/* Behind a context path too. */
			if (path.n >= want.n && slice_ieq(slice_from(path, path.n - want.n), want))
				return p;
		}
	}
	return NULL;
}

/* --- access --- */

static bool
has_word(const char *words, struct slice word)
{
	struct slice rest = slice_str(words);

	while (rest.n > 0) {
		if (slice_eq(slice_cut(&rest, ' '), word))
			return true;
	}
	return false;
}

/*
 * Segments of letters, digits, '-', '_', '.', '~', '+', ',' and the escape %20, none of them
 * empty, "." or "..".  Every other escape, ';', '\\' and byte is refused: servers disagree
 * about what they mean.
 */
static bool
is_plain_below(struct slice path)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+,";

	while (path.p != NULL) {
		struct slice part = slice_cut(&path, '/');

		if (part.n == 0 || slice_eq(part, S(".")) || slice_eq(part, S("..")))
			return false;
		for (size_t i = 0; i < part.n; i++) {
			if (slice_starts(slice_from(part, i), S("%20")))
				i += 2;
			else if (part.p[i] == '\0' || strchr(plain, part.p[i]) == NULL)
				return false;
		}
	}
	return true;
}

static bool
path_allowed(const struct preset *p, struct slice path)
{
	if (p->paths[0] == NULL && p->prefix == NULL)
		return true;
	for (size_t i = 0; i < PRESET_PATHS && p->paths[i] != NULL; i++) {
		if (slice_eq(path, slice_str(p->paths[i])))
			return true;
	}
	return p->prefix != NULL && slice_starts(path, slice_str(p->prefix)) &&
	       is_plain_below(slice_from(path, strlen(p->prefix)));
}

/* The commonest mistake of all has a verdict of its own, so that its owner can be told. */
static bool
only_slash_differs(const struct preset *p, struct slice path)
{
	for (size_t i = 0; i < PRESET_PATHS && p->paths[i] != NULL; i++) {
		if (slice_eq(without_slash(path), without_slash(slice_str(p->paths[i]))))
			return true;
	}
	return false;
}

bool
preset_takes(const struct preset *p, struct slice method)
{
	return p->methods == NULL || has_word(p->methods, method);
}

enum preset_access
preset_access(const struct preset *p, struct slice method, struct slice path)
{
	if (!path_allowed(p, path))
		return only_slash_differs(p, path) ? PRESET_SLASH : PRESET_OTHER;
	return preset_takes(p, method) ? PRESET_ALLOWED : PRESET_METHOD;
}

const char *
preset_mode_text(enum preset_mode mode)
{
	static const char *const texts[] = { "pass", "store", "relay" };

	check((size_t)mode < sizeof(texts) / sizeof(*texts));
	return texts[mode];
}
