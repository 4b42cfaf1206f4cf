/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of all senders: where each of them writes what a webhook is about. */
#include "hook/event_private.h"

/* Of several rows for one want the first that the body has counts. */
static const struct event_want generic_wants[EVENT_WANTS] = {
	{ WANT_KEY, "event" },
	{ WANT_KEY, "type" },
	{ WANT_KEY, "event_type" },
	{ WANT_KEY, "action" },
	{ WANT_REPOSITORY, "repository.full_name" },
	{ WANT_REPOSITORY, "repository.name" },
	{ WANT_REF, "ref" },
	{ WANT_ACTOR, "sender.login" },
	{ WANT_ACTOR, "user.name" },
};
static const struct event_want bitbucket_wants[EVENT_WANTS] = {
	{ WANT_REPOSITORY, "repository.full_name" },
	{ WANT_CHANGES, "push.changes" },
	{ WANT_DELETED, "push.changes.0.new" },
	{ WANT_REF, "push.changes.0.new.name" },
	{ WANT_REF_TYPE, "push.changes.0.new.type" },
	{ WANT_REF_GONE, "push.changes.0.old.name" },
	{ WANT_REQUEST, "pullrequest.id" },
	{ WANT_ACTOR, "actor.display_name" },
	{ WANT_ACTOR, "actor.nickname" },
};
static const struct event_want bitbucket_dc_wants[EVENT_WANTS] = {
	{ WANT_PROJECT, "repository.project.key" },
	{ WANT_SLUG, "repository.slug" },
	{ WANT_PROJECT, "pullRequest.toRef.repository.project.key" },
	{ WANT_SLUG, "pullRequest.toRef.repository.slug" },
	{ WANT_CHANGES, "changes" },
	{ WANT_REF, "changes.0.refId" },
	{ WANT_REF, "changes.0.ref.id" },
	{ WANT_DELETED, "changes.0.type" },
	{ WANT_REQUEST, "pullRequest.id" },
	{ WANT_ACTOR, "actor.displayName" },
	{ WANT_ACTOR, "actor.name" },
};
static const struct event_want github_wants[EVENT_WANTS] = {
	{ WANT_REPOSITORY, "repository.full_name" },
	{ WANT_REF, "ref" },
	{ WANT_DELETED, "deleted" },
	{ WANT_REQUEST, "pull_request.number" },
	{ WANT_ACTOR, "pusher.name" },
	{ WANT_ACTOR, "sender.login" },
};
static const struct event_want gitlab_wants[EVENT_WANTS] = {
	{ WANT_REPOSITORY, "project.path_with_namespace" },
	{ WANT_REF, "ref" },
	{ WANT_DELETED, "after" },
	{ WANT_REQUEST, "object_attributes.iid" },
	{ WANT_ACTOR, "user_name" },
	{ WANT_ACTOR, "user.name" },
	{ WANT_ACTOR, "user_username" },
};
static const struct event_want gitea_wants[EVENT_WANTS] = {
	{ WANT_REPOSITORY, "repository.full_name" },
	{ WANT_REF, "ref" },
	{ WANT_DELETED, "after" },
	{ WANT_REQUEST, "pull_request.number" },
	{ WANT_ACTOR, "pusher.username" },
	{ WANT_ACTOR, "pusher.login" },
	{ WANT_ACTOR, "sender.login" },
};
static const struct event_want stripe_wants[EVENT_WANTS] = {
	{ WANT_ID, "id" },
	{ WANT_KEY, "type" },
	{ WANT_REPOSITORY, "account" },
};
static const struct event_want slack_wants[EVENT_WANTS] = {
	{ WANT_ID, "event_id" },
	{ WANT_KEY, "event.type" },
	{ WANT_KEY, "type" },
	{ WANT_REPOSITORY, "team_id" },
	{ WANT_REF, "event.channel" },
	{ WANT_ACTOR, "event.user" },
};

/* clang-format off */
const struct event_row event_rows[] = {
	[EVENT_GENERIC] = {
		.key_header = "X-Event-Key",
		.ids = { "Idempotency-Key", "webhook-id", "svix-id", "X-Shopify-Webhook-Id" },
		.wants = generic_wants,
	},
	[EVENT_BITBUCKET] = {
		.key_header = "X-Event-Key",
		.ids = { "X-Request-UUID" },
		.hook_header = "X-Hook-UUID",
		.wants = bitbucket_wants,
	},
	[EVENT_BITBUCKET_DC] = {
		.key_header = "X-Event-Key",
		.ids = { "X-Request-Id" },
		.wants = bitbucket_dc_wants,
	},
	[EVENT_GITHUB] = {
		.key_header = "X-GitHub-Event",
		.ids = { "X-GitHub-Delivery" },
		.wants = github_wants,
	},
	[EVENT_GITLAB] = {
		.key_header = "X-Gitlab-Event",
		/* not X-Gitlab-Event-UUID: a hook that fires a hook hands it on (gitlab_dedupe) */
		.ids = { "Idempotency-Key", "webhook-id" },
		.hook_header = "X-Gitlab-Webhook-UUID",
		.wants = gitlab_wants,
	},
	[EVENT_GITEA] = {
		.key_header = "X-Gitea-Event",
		.ids = { "X-Gitea-Delivery", "X-Forgejo-Delivery", "X-Gogs-Delivery",
		    "X-GitHub-Delivery" },
		.wants = gitea_wants,
	},
	[EVENT_STRIPE] = {
		.wants = stripe_wants,
	},
	[EVENT_SLACK] = {
		.wants = slack_wants,
	},
};
/* clang-format on */
const size_t event_rows_n = sizeof(event_rows) / sizeof(*event_rows);

const char *
event_sender_word(enum event_sender sender)
{
	static const char *const words[] = {
#define X(symbol, word) [EVENT_##symbol] = word,
		EVENT_SENDERS(X)
#undef X
	};

	check((size_t)sender < sizeof(words) / sizeof(*words));
	return words[sender];
}

/* By fields that no other sender has. It decides how a body is read, never how it is verified. */
enum event_sender
event_guess(const struct hook_request *req)
{
	/* Gitea and Gogs send GitHub's headers too, so they stand before it. */
	static const struct {
		struct slice header;
		enum event_sender sender;
	} marks[] = {
		{ S("X-Gitea-Event"), EVENT_GITEA },
		{ S("X-Forgejo-Event"), EVENT_GITEA },
		{ S("X-Gogs-Event"), EVENT_GITEA },
		{ S("X-GitHub-Event"), EVENT_GITHUB },
		{ S("X-Gitlab-Event"), EVENT_GITLAB },
		{ S("Stripe-Signature"), EVENT_STRIPE },
		{ S("X-Slack-Signature"), EVENT_SLACK },
		{ S("X-Request-UUID"), EVENT_BITBUCKET },
		{ S("X-Hook-UUID"), EVENT_BITBUCKET },
		{ S("X-Event-Key"), EVENT_BITBUCKET_DC },
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (hook_header_count(req, marks[i].header) > 0)
			return marks[i].sender;
	}
	return EVENT_GENERIC;
}
