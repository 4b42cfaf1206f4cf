/* SPDX-License-Identifier: Apache-2.0 */
/* Gives each event to whoever shows it, and tells the supervisor of those that are its business. */
#include "agent/core/screen.h"

#include "base/check.h"
#include "net/notify.h"

#include <stdio.h>

/* Words of our own only: a line of the edge's could be an order to the supervisor. */
static void
tell_supervisor(const struct screen *s, const char *state)
{
	if (s->calls != NULL)
		(void)notify(state); /* nobody listens: the agent goes on */
}

void
screen_up(struct screen *s, const char *name, const char *url, const char *origin,
    enum screen_tls tls, const struct screen_probe *probe, const struct screen_hook *hook)
{
	if (s->calls != NULL)
		s->calls->up(s, name, url, origin, tls, probe, hook);
	tell_supervisor(s, "READY=1\nSTATUS=connected to the edge");
}

void
screen_online(struct screen *s, const char *name)
{
	if (s->calls != NULL)
		s->calls->online(s, name);
}

void
screen_certificate(struct screen *s, const char *name, const char *host, const char *issuer,
    const char *until, const char *caa)
{
	if (s->calls != NULL)
		s->calls->certificate(s, name, host, issuer, until, caa);
}

void
screen_no_certificate(struct screen *s, const char *name, const char *why, int64_t again_s)
{
	if (s->calls != NULL)
		s->calls->no_certificate(s, name, why, again_s);
}

void
screen_domain(struct screen *s, const struct screen_domain *d)
{
	if (s->calls != NULL)
		s->calls->domain(s, d);
}

void
screen_address(struct screen *s, const char *name, const struct screen_address *a)
{
	if (s->calls != NULL)
		s->calls->address(s, name, a);
}

void
screen_web(struct screen *s, const char *address, const char *link)
{
	snprintf(s->web, sizeof(s->web), "%s", address);
	if (s->calls != NULL && s->calls->web != NULL)
		s->calls->web(s, address, link);
}

void
screen_down(struct screen *s, const char *why)
{
	if (s->calls != NULL)
		s->calls->down(s, why);
	tell_supervisor(s, "STATUS=the link to the edge is lost");
}

void
screen_retry(struct screen *s, int64_t pause_ms, const char *why)
{
	check(pause_ms >= 0);
	if (s->calls != NULL)
		s->calls->retry(s, pause_ms, why);
	/* Ready all the same: a machine that starts without a network must not wait for it. */
	tell_supervisor(s, "READY=1\nSTATUS=connecting to the edge");
}

void
screen_refused(struct screen *s, const char *name, const char *code, const char *text)
{
	if (s->calls != NULL)
		s->calls->refused(s, name, code, text);
}

void
screen_replaced(struct screen *s, const char *name, const char *text)
{
	if (s->calls != NULL)
		s->calls->replaced(s, name, text);
}

void
screen_speaks_tls(struct screen *s, const char *name, const char *origin)
{
	if (s->calls != NULL)
		s->calls->speaks_tls(s, name, origin);
}

void
screen_stopping(struct screen *s, size_t n)
{
	if (s->calls != NULL)
		s->calls->stopping(s, n);
}

void
screen_request(struct screen *s, const struct screen_request *r)
{
	if (s->calls != NULL && s->requests)
		s->calls->request(s, r);
}

void
screen_activity(struct screen *s, const char *name, const struct activity_row *r)
{
	if (s->calls != NULL && s->requests && s->calls->activity != NULL)
		s->calls->activity(s, name, r);
}

void
screen_inbox(struct screen *s, const char *name, const struct activity_inbox *f)
{
	if (s->calls != NULL && s->requests && s->calls->inbox != NULL)
		s->calls->inbox(s, name, f);
}

void
screen_activity_lost(struct screen *s, uint64_t n)
{
	if (n > 0 && s->calls != NULL && s->requests && s->calls->activity_lost != NULL)
		s->calls->activity_lost(s, n);
}
