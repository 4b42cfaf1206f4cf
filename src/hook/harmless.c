/* SPDX-License-Identifier: Apache-2.0 */
/* The list of fields that may be shown. */
#include "hook/harmless.h"

static const char *const harmless[] = { "host", "user-agent", "accept", "accept-charset",
	"accept-encoding", "accept-language", "cache-control", "connection", "content-encoding",
	"content-language", "content-length", "content-type", "date", "expect", "max-forwards",
	"pragma", "te", "via", "forwarded", "x-forwarded-for", "x-forwarded-host",
	"x-forwarded-port", "x-forwarded-proto", "x-real-ip", "traceparent", "x-request-id",
	"x-correlation-id", "x-request-uuid", "x-event-key", "x-hook-uuid", "x-attempt-number",
	"x-event-time", "x-github-event", "x-github-delivery", "x-github-hook-id",
	"x-github-hook-installation-target-id", "x-github-hook-installation-target-type",
	"x-gitlab-event", "x-gitlab-event-uuid", "x-gitlab-webhook-uuid", "x-gitlab-instance",
	"x-gitea-event", "x-gitea-event-type", "x-gitea-delivery", "x-gogs-event",
	"x-gogs-event-type", "x-gogs-delivery", "x-forgejo-event", "x-forgejo-event-type",
	"x-forgejo-delivery", "webhook-id", "webhook-timestamp", "svix-id", "svix-timestamp",
	"x-slack-request-timestamp", "x-slack-retry-num", "x-slack-retry-reason",
	"x-zm-request-timestamp", "x-atlassian-webhook-identifier", "x-atlassian-webhook-retry" };

bool
harmless_is(struct slice field)
{
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (slice_ieq(field, slice_str(harmless[i])))
			return true;
	return false;
}
