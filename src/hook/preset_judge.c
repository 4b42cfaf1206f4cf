/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer means. Jenkins' plugins say 200 when nothing was built and 403 for six
 * different mistakes, so the first bytes of the body decide; the rules stand in one table, the
 * first that fits counts.
 */
#include "hook/preset_private.h"

struct rule {
	unsigned who;     /* enum judge, or'ed */
	int status;       /* 0: any; 200: any 2xx */
	const char *body; /* that the body holds, case ignored; NULL: any */
	struct preset_judgement judgement;
};

/* clang-format off */
static const struct rule rules[] = {
	/* --- Jenkins as a whole --- */
	{ JUDGE_JENKINS | JUDGE_PLAIN, 503, "Jenkins is getting ready",
	    { RESULT_HOLD, false, "starting", "Jenkins is starting.",
	    "You need not do anything: the edge delivers what waits as soon as Jenkins is up." } },
	{ JUDGE_JENKINS | JUDGE_PLAIN, 503, "Jenkins is restarting",
	    { RESULT_HOLD, false, "starting", "Jenkins is restarting.",
	    "You need not do anything: the edge delivers what waits as soon as Jenkins is up." } },
	{ JUDGE_JENKINS | JUDGE_PLAIN, 503, "is getting ready to work",
	    { RESULT_HOLD, false, "starting", "Jenkins is starting.",
	    "You need not do anything: the edge delivers what waits as soon as Jenkins is up." } },
	{ JUDGE_JENKINS | JUDGE_PLAIN, 503, "Jenkins is going to shut down",
	    { RESULT_HOLD, false, "shutting-down", "Jenkins prepares to shut down.",
	    "Wait, or cancel the shutdown in Manage Jenkins; the edge delivers what waits afterwards." } },
	{ JUDGE_JENKINS | JUDGE_PLAIN, 403, "No valid crumb",
	    { RESULT_PARK, false, "crumb",
	    "Jenkins asks for a crumb: no installed plugin has a webhook at this "
"path.",
	    "Check three things: the plugin is installed and Jenkins was restarted "
"since; the path has its final slash and no doubled one; if Jenkins "
"runs under a path like /jenkins, the tunnel was started with "
"--context /jenkins." } },

	/* Every plugin may stand behind every preset, and any of them may say it. */
	{ JUDGE_JENKINS, 200, "Matched 0",
	    { RESULT_PARK, true, "matched-0",
	    "200, but Jenkins built nothing: no project has this repository (Matched 0).",
	    "Compare the repository's owner and name in the project with the payload's, case "
	    "included, and scan the project "
	    "once; then replay this delivery." } },
	{ JUDGE_JENKINS, 200, "Did not find any jobs",
	    { RESULT_PARK, true, "no-job", "200, but Jenkins built nothing: no job has this token.",
	    "Tick 'Generic Webhook Trigger' in the job and give it the token of the URL; then "
	    "replay this delivery." } },
	{ JUDGE_JENKINS, 200, "No Jenkins job",
	    { RESULT_PARK, true, "no-job", "200, but Jenkins built nothing: no job matches it.",
	    "Compare the repository's URL, owner and name in the job with the payload's, case "
	    "included; then replay this delivery." } },

	/* --- plugin Bitbucket --- */
	{ JUDGE_BITBUCKET, 403, "Invalid Bitbucket webhook signature",
	    { RESULT_PARK, false, "signature",
	    "Jenkins does not accept the signature, although the edge did.",
	    "Give the job the same secret as the webhook; a job without a secret refuses signed "
	    "webhooks too." } },
	{ JUDGE_PPR, 403, "signature",
	    { RESULT_PARK, false, "signature",
	    "Jenkins does not accept the signature, although the edge did.",
	    "Give the plugin the same secret as the webhook (Manage Jenkins, System)." } },
	{ JUDGE_BITBUCKET, 500, NULL,
	    { RESULT_RETRY, false, "origin-error",
	    "Jenkins cannot read this body as JSON, or the User-Agent is not "
"Bitbucket-Webhooks/2.0 any more.",
	    "Look into Jenkins' log; no header rule may change User-Agent." } },
	{ JUDGE_PPR, 200, "request received successfully",
	    { RESULT_DONE, false, "delivered",
	    "The plugin took the request; it says so also when no job matches.", "" } },
	{ JUDGE_PPR, 400, "request failed",
	    { RESULT_PARK, false, "refused", "The plugin could not read the request.",
	    "Send it an event that it knows: pushes and pull requests." } },
	{ JUDGE_BITBUCKET, 200, NULL,
	    { RESULT_DONE, false, "delivered",
	    "The plugin took the request; it says 200 also when no job matches.", "" } },

	/* --- plugin Bitbucket Branch Source --- */
	{ JUDGE_BRANCH_SOURCE, 403, "signature",
	    { RESULT_PARK, false, "signature",
	    "Jenkins does not accept the signature, although the edge did.",
	    "Choose the webhook's secret in Manage Jenkins, System, Bitbucket endpoints." } },
	{ JUDGE_BRANCH_SOURCE, 400, "No bitbucket endpoint found",
	    { RESULT_PARK, false, "server-url", "Jenkins knows no Bitbucket of that server_url.",
	    "Add ?server_url= and the base URL of your Bitbucket to the webhook, exactly as in "
	    "Manage Jenkins, System." } },
	{ JUDGE_BRANCH_SOURCE, 400, "server_url",
	    { RESULT_PARK, false, "server-url", "A Data Center webhook needs ?server_url= here.",
	    "Add ?server_url= and the base URL of your Bitbucket to the webhook's URL." } },
	{ JUDGE_BRANCH_SOURCE, 400, "No processor found",
	    { RESULT_PARK, false, "event",
	    "The plugin does not know this event, or a header that it needs is missing.",
	    "Tick only pushes and pull requests; X-Event-Key and X-Request-UUID must reach "
	    "Jenkins." } },
	{ JUDGE_BRANCH_SOURCE, 400, "Payload is empty",
	    { RESULT_PARK, false, "empty", "The body reached Jenkins empty.",
	    "Look for a redirect on the way: a POST that is redirected becomes a GET without a "
	    "body." } },
	{ JUDGE_BRANCH_SOURCE, 409, NULL,
	    { RESULT_PARK, false, "two-processors", "Two plugins claim this webhook.",
	    "Remove one of the Bitbucket plugins that bring their own processor." } },

	/* --- plugin Bitbucket Server Integration --- */
	{ JUDGE_SERVER, 415, NULL,
	    { RESULT_PARK, false, "content-type", "The plugin takes application/json only.",
	    "Leave the Content-Type header as Bitbucket sends it." } },
	{ JUDGE_SERVER, 400, NULL,
	    { RESULT_PARK, false, "event",
	    "The plugin does not know this event, or X-Event-Key is missing.",
	    "Let the plugin create its webhook itself." } },

	/* --- plugin GitHub --- */
	{ JUDGE_GITHUB, 400, "signature",
	    { RESULT_PARK, false, "signature",
	    "Jenkins does not accept the signature, although the edge did.",
	    "Give Manage Jenkins, System, GitHub the same shared secret as the webhook." } },
	{ JUDGE_GITHUB, 400, NULL,
	    { RESULT_PARK, false, "event", "The plugin misses the event or the payload.",
	    "X-GitHub-Event must reach Jenkins; content type application/json." } },

	/* --- plugin GitLab --- */
	{ JUDGE_GITLAB, 401, NULL,
	    { RESULT_PARK, false, "token",
	    "The job's secret token is another one than the webhook's.",
	    "Copy the token from the job (Build when a change is pushed to GitLab, Advanced) into "
	    "GitLab." } },
	{ JUDGE_GITLAB, 404, NULL,
	    { RESULT_PARK, false, "no-job", "Jenkins has no job of that path.",
	    "Put the job's full path with its folders behind /project/." } },

	/* --- plugin Generic Webhook Trigger --- */
	{ JUDGE_GENERIC, 404, "Did not find any jobs",
	    { RESULT_PARK, true, "no-job", "No job has this token.",
	    "Tick 'Generic Webhook Trigger' in the job and give it the token of the URL." } },
	{ JUDGE_GENERIC, 403, NULL,
	    { RESULT_PARK, false, "whitelist",
	    "The plugin's list of allowed addresses refuses 127.0.0.1, where adit comes from.",
	    "Take the list out (Manage Jenkins, System) and let the edge check addresses and "
	    "signatures." } },
	{ JUDGE_GENERIC, 200, "\"triggered\":true",
	    { RESULT_DONE, false, "delivered", "A job was started.", "" } },
	{ JUDGE_GENERIC, 200, "\"triggered\":false",
	    { RESULT_DONE, true, "filtered", "200, but no job's filter let it pass.",
	    "If a build was expected: compare the job's optional filter with the payload." } },

	/* --- Buildbot --- */
	{ JUDGE_BUILDBOT, 200, "no change found",
	    { RESULT_DONE, true, "no-change", "200, but Buildbot found no change in it.", "" } },
	{ JUDGE_BUILDBOT, 400, "Unknown event",
	    { RESULT_PARK, true, "event", "Buildbot does not know this event.",
	    "Tick Repository push only." } },
	{ JUDGE_BUILDBOT, 400, "Invalid secret",
	    { RESULT_PARK, false, "signature", "Buildbot has another secret than the webhook.",
	    "Put the webhook's secret into the dialect's options in master.cfg." } },
	{ JUDGE_BUILDBOT, 400, "Hash mismatch",
	    { RESULT_PARK, false, "signature", "Buildbot has another secret than the webhook.",
	    "Put the webhook's secret into the dialect's options in master.cfg." } },
	{ JUDGE_BUILDBOT, 500, "Error processing changes",
	    { RESULT_RETRY, false, "origin-error", "Buildbot's hook failed on this payload.",
	    "Look into twistd.log; it knows pushes only." } },

	/* --- what every status means where nothing more is known --- */
	{ JUDGE_ALL, 200, NULL, { RESULT_DONE, false, "delivered", "Delivered.", "" } },
	{ JUDGE_ALL, 401, NULL,
	    { RESULT_PARK, false, "login", "The server wants a login, and webhooks cannot log in.",
	    "Exempt this path from the login." } },
	{ JUDGE_ALL, 403, NULL,
	    { RESULT_PARK, false, "forbidden", "The server refuses the request.",
	    "Look for the reason in its log." } },
	{ JUDGE_JENKINS, 404, NULL,
	    { RESULT_PARK, false, "no-plugin", "Nothing listens on this path of the server.",
	    "Install the plugin that the preset is for and restart Jenkins, or "
"choose the preset of the plugin that is there; if Jenkins runs under "
"a path, start the tunnel with --context, such as --context /jenkins." } },
	{ JUDGE_ALL, 404, NULL,
	    { RESULT_PARK, false, "not-found", "The server knows nothing under this path.",
	    "Check the path." } },
	{ JUDGE_ALL, 405, NULL,
	    { RESULT_PARK, false, "method", "The server does not take this method here.",
	    "Check the path: a redirect may have turned POST into GET, or the slash at the end is "
	    "missing." } },
	{ JUDGE_ALL, 410, NULL,
	    { RESULT_PARK, false, "gone", "The server says that this receiver is gone for good.",
	    "Remove the webhook at the sender." } },
	{ JUDGE_ALL, 413, NULL,
	    { RESULT_PARK, false, "too-big", "The body is larger than the server takes.",
	    "Raise the server's limit." } },
	{ JUDGE_ALL, 415, NULL,
	    { RESULT_PARK, false, "content-type", "The server does not take this Content-Type.",
	    "Set the webhook's content type to application/json." } },
	{ JUDGE_ALL, 408, NULL, { RESULT_RETRY, false, "slow",
	    "The server gave up waiting for the request.", "" } },
	{ JUDGE_ALL, 425, NULL, { RESULT_RETRY, false, "early",
	    "The server wants the request again.", "" } },
	{ JUDGE_ALL, 429, NULL,
	    { RESULT_RETRY, false, "busy", "The server has too much to do and asks for a pause.",
	    "" } },
	{ JUDGE_ALL, 502, NULL,
	    { RESULT_RETRY, false, "bad-gateway", "A proxy before the server cannot reach it.",
	    "Look at that proxy's log." } },
	{ JUDGE_ALL, 503, NULL, { RESULT_RETRY, false, "unavailable",
	    "The server is not available for the moment.", "" } },
	{ JUDGE_ALL, 504, NULL,
	    { RESULT_RETRY, false, "gateway-timeout",
	    "A proxy before the server waited too long for it.", "" } },
};

static const struct preset_judgement slash = { RESULT_PARK, false, "slash",
	"The server redirects to the same path with a slash at the end; following that would turn "
	    "the POST into a GET.",
	"Add the final '/' to the URL of the webhook." };
static const struct preset_judgement login = { RESULT_PARK, false, "login",
	"The server redirects to its login page, and webhooks cannot log in.",
	"Use the path of a webhook plugin, or exempt this path from the login." };
static const struct preset_judgement redirect = { RESULT_PARK, false, "redirect",
	"The server redirects. The edge does not follow, because that would "
"lose the POST.",
	"Use the address that it redirects to (scheme, host, port and path)." };
static const struct preset_judgement not_jenkins = { RESULT_PARK, false, "not-jenkins",
	"Something answers, but it does not look like Jenkins (no X-Jenkins header).",
	"Check the port, and whether Jenkins runs under a path like /jenkins." };
static const struct preset_judgement answered = { RESULT_DONE, false, "delivered",
	"Answered 200; the plugin says so also when no job matches.", "" };
static const struct preset_judgement refused = { RESULT_PARK, false, "refused",
	    "The server refuses the request.",
	"Look for the reason in its answer and its log." };
static const struct preset_judgement failed = { RESULT_RETRY, false, "origin-error",
	    "The server failed.",
	"Look into its log." };
/* clang-format on */

/* The path of an absolute or relative reference, without query and fragment. */
static struct slice
path_of(struct slice url)
{
	static const struct slice schemes[] = { S("http://"), S("https://"), S("//") };

	url = slice_cut(&url, '#');
	url = slice_cut(&url, '?');
	for (size_t i = 0; i < 3; i++) {
		size_t at;

		if (!slice_starts(url, schemes[i]))
			continue;
		url = slice_from(url, schemes[i].n);
		at = slice_find(url, '/');
		return at == SIZE_MAX ? S("/") : slice_from(url, at);
	}
	return url;
}

/*
 * A redirect is never followed: a client would turn the POST into a GET, which Jenkins answers
 * with 200 and builds nothing.
 */
static struct preset_judgement
judge_redirect(const struct preset_answer *a)
{
	struct slice to = path_of(a->location);

	if (to.n == a->path.n + 1 && slice_starts(to, a->path) && to.p[to.n - 1] == '/')
		return slash;
	if (slice_iholds(to, S("login")) || slice_iholds(to, S("securityRealm")) ||
	    slice_iholds(to, S("oauth")))
		return login;
	return redirect;
}

static bool
fits(const struct rule *r, unsigned who, const struct preset_answer *a)
{
	if ((r->who & who) == 0)
		return false;
	if (r->status == 200 ? result_of_status(a->status) != RESULT_DONE : r->status != a->status)
		return false;
	return r->body == NULL || slice_iholds(a->body, slice_str(r->body));
}

/*
 * Where it is certain that no Jenkins stands there the rules of its plugins do not count: any
 * server can say 404.
 */
struct preset_judgement
preset_judge(const struct preset *p, const struct preset_answer *a)
{
	unsigned who = p == NULL ? JUDGE_PLAIN : (unsigned)p->judge;

	check((who & JUDGE_ALL) != 0); /* else no rule would ever fit */
	if (a->status >= 300 && a->status <= 399)
		return judge_redirect(a);
	if ((who & JUDGE_JENKINS) != 0 && a->status == 404 && !a->jenkins &&
	    !slice_iholds(a->body, S("Did not find any jobs")))
		return not_jenkins;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (!fits(&rules[i], who, a))
			continue;
		/* Any server may stand there that says 200 to everything. */
		return rules[i].who == JUDGE_BITBUCKET && rules[i].status == 200 && !a->jenkins
			   ? answered
			   : rules[i].judgement;
	}
	return result_of_status(a->status) == RESULT_RETRY ? failed : refused;
}
