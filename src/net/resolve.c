/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialing (RFC 8305): both families are asked for at once; attempts alternate between
 * them, IPv6 first; each begins 250 ms after the one before it, or at once when that has
 * failed; the first to connect wins.  done() is always called from a task of its own at the
 * end of a turn.
 */
#include "net/resolve.h"

#include "base/limits.h"
#include "net/lookup.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define STAGGER_US 250000
#define FAMILY_WAIT_US 50000 /* how long the answer for IPv4 waits for the one for IPv6 */
/* A Unix socket whose backlog is full: connect() does not queue there. */
#define UNIX_RETRY_US 20000
#define WHY_BYTES 448

struct resolver {
	struct loop *loop;
	struct lookups *lookups;
	struct list dials; /* of struct dial_private */
};

struct dial_attempt {
	struct loop_io io;
	struct dial_private *p;
	const struct sockaddr_storage *to;
};

/* The addresses of one family. */
struct family {
	struct lookup lookup;
	struct dial_private *p;
	bool asked; /* the answer is still to come */
	struct sockaddr_storage addrs[LIMIT_DIAL_ADDRESSES];
	size_t n, next;
};

enum { V6, V4, N_FAMILIES };

struct dial_private {
	struct resolver *r;
	struct dial *dial;
	struct list node;
	struct addr to;
	struct loop_timer deadline, stagger;
	struct loop_task report;
	struct family families[N_FAMILIES];
	int turn;      /* whose address is next */
	socklen_t len; /* of a Unix address */
	struct dial_attempt attempts[N_FAMILIES * LIMIT_DIAL_ADDRESSES];
	size_t n_attempts, n_open;
	bool over;
	int fd; /* the result */
	int code, lookup_code;
	char why[WHY_BYTES], lookup_why[WHY_BYTES];
};

/* --- the end --- */

static void
close_attempt(struct dial_attempt *a)
{
	int fd = a->io.fd;

	loop_unwatch(&a->io);
	a->io.fd = -1;
	if (fd < 0)
		return;
	check(a->p->n_open > 0);
	a->p->n_open--;
	loop_close(fd);
}

/* Everything but the report. */
static void
stop(struct dial_private *p)
{
	loop_timer_stop(p->r->loop, &p->deadline);
	loop_timer_stop(p->r->loop, &p->stagger);
	for (int i = 0; i < N_FAMILIES; i++)
		lookup_cancel(&p->families[i].lookup);
	for (size_t i = 0; i < p->n_attempts; i++)
		close_attempt(&p->attempts[i]);
}

/* The owner may start anew from here on: d->private is NULL. */
static void
release(struct dial_private *p)
{
	p->dial->private = NULL;
	loop_task_cancel(&p->report);
	list_del(&p->node);
	free(p);
}

/* The text is copied to the stack, as it lives in what is freed before the call. */
static void
on_report(struct loop_task *t)
{
	struct dial_private *p = list_of(t, struct dial_private, report);
	struct dial *d = p->dial;
	int fd = p->fd, code = p->code;
	char why[WHY_BYTES];

	memcpy(why, p->why, sizeof(why));
	release(p);
	d->done(d, fd, fd >= 0 ? 0 : code, why);
}

/* fd < 0: it has failed, as was noted. The report is a task: it never comes within dial_start(). */
static void
finish(struct dial_private *p, int fd)
{
	check(!p->over && p->fd < 0); /* one report a dial */
	p->over = true;
	p->fd = fd;
	/* No address was tried: what the lookups said is the reason. */
	if (p->code == 0) {
		p->code = p->lookup_code;
		memcpy(p->why, p->lookup_why, sizeof(p->why));
	}
	stop(p);
	check(p->n_open == 0); /* the winner is not among them any more */
	loop_at_end(p->r->loop, &p->report);
}

/* --- what went wrong --- */

static const char *
words_of(int code)
{
	switch (code) {
	case ECONNREFUSED:
		return "connection refused";
	case ETIMEDOUT:
		return "no answer";
	case EHOSTUNREACH:
		return "no route to the host";
	case ENETUNREACH:
		return "the network cannot be reached";
	case ECONNRESET:
		return "connection reset";
	case ENOENT:
		return "there is no such socket";
	case EACCES:
		return "permission denied";
	case EAGAIN:
		return "its queue of connections is full";
	default:
		return strerror(code);
	}
}

/* Of our own side, or of a route: the next address may say something that people can use. */
static bool
says_little(int code)
{
	return code == 0 || code == ENETUNREACH || code == EHOSTUNREACH || code == EADDRNOTAVAIL ||
	       code == EAFNOSUPPORT;
}

/* Another address at which the same happened, behind the first. */
static void
add_where(struct dial_private *p, const char *where)
{
	size_t n = strlen(p->why);

	if (n > 0 && p->why[n - 1] == ')' && n + strlen(where) + 6 < sizeof(p->why))
		snprintf(p->why + n - 1, sizeof(p->why) - n + 1, " and %s)", where);
}

/* The first failure that says something is told, with all addresses at which the same happened. */
static void
note_failure(struct dial_private *p, int code, const struct sockaddr_storage *ss)
{
	char where[ADDR_TEXT_BYTES];

	if (p->to.kind == ADDR_UNIX)
		addr_text(&p->to, where, sizeof(where));
	else
		addr_show(ss, sizeof(*ss), where, sizeof(where));
	/* A host without IPv6 fails on it first; that is not what people must read. */
	if (!says_little(p->code)) {
		if (code == p->code)
			add_where(p, where);
		return;
	}
	p->code = code;
	snprintf(p->why, sizeof(p->why), "%s (%s)", words_of(code), where);
}

/* --- attempts --- */

static bool
lookups_run(const struct dial_private *p)
{
	return p->families[V6].asked || p->families[V4].asked;
}

/* The families in turn (RFC 8305 section 4); one that has no address left is passed over. */
static const struct sockaddr_storage *
next_address(struct dial_private *p)
{
	for (int i = 0; i < N_FAMILIES; i++) {
		struct family *f = &p->families[p->turn];

		p->turn = p->turn == V6 ? V4 : V6;
		if (f->next < f->n)
			return &f->addrs[f->next++];
	}
	return NULL;
}

static socklen_t
length_of(const struct dial_private *p, const struct sockaddr_storage *ss)
{
	if (ss->ss_family == AF_UNIX)
		return p->len;
	return ss->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static void on_attempt(struct loop_io *io, unsigned events);

/* True when the attempt is under way or has won; false when it has failed. */
static bool
attempt(struct dial_private *p, const struct sockaddr_storage *ss)
{
	struct dial_attempt *a = &p->attempts[p->n_attempts];
	int fd = loop_connect((const struct sockaddr *)ss, length_of(p, ss)), code;

	check(p->n_attempts < N_FAMILIES * LIMIT_DIAL_ADDRESSES); /* each address is taken once */
	if (fd < 0) {
		note_failure(p, errno, ss);
		return false;
	}
	/* On loopback it is decided by now; that saves the way through the kernel's events. */
	code = loop_connect_result(fd);
	if (code == 0) {
		finish(p, fd);
		return true;
	}
	*a = (struct dial_attempt){ .io = { .fd = fd, .fn = on_attempt }, .p = p, .to = ss };
	if (code == EINPROGRESS && loop_watch(p->r->loop, &a->io) == 0) {
		p->n_attempts++;
		p->n_open++;
		return true;
	}
	note_failure(p, code == EINPROGRESS ? errno : code, ss);
	loop_close(fd);
	return false;
}

/* Until one attempt is under way, or no address is left and none can come any more. */
static void
try_next(struct dial_private *p)
{
	const struct sockaddr_storage *ss;

	while (!p->over && (ss = next_address(p)) != NULL) {
		if (attempt(p, ss)) {
			if (!p->over)
				loop_timer_set(p->r->loop, &p->stagger, STAGGER_US);
			return;
		}
		if (p->to.kind == ADDR_UNIX && p->code == EAGAIN) {
			p->code = 0;
			p->families[V6].next = 0;
			loop_timer_set(p->r->loop, &p->stagger, UNIX_RETRY_US);
			return;
		}
	}
	if (!p->over && p->n_open == 0 && !lookups_run(p))
		finish(p, -1);
}

/* An edge may be older than the attempt's end, so the result is asked for. */
static void
on_attempt(struct loop_io *io, unsigned events)
{
	struct dial_attempt *a = list_of(io, struct dial_attempt, io);
	struct dial_private *p = a->p;
	int code = loop_connect_result(io->fd), fd = io->fd;

	(void)events;
	if (code == EINPROGRESS)
		return;
	if (code == 0) {
		/* The winner leaves the table, so that stop() does not close it. */
		loop_unwatch(io);
		io->fd = -1;
		p->n_open--;
		finish(p, fd);
		return;
	}
	note_failure(p, code, a->to);
	close_attempt(a);
	try_next(p);
}

static void
on_stagger(struct loop_timer *t)
{
	try_next(list_of(t, struct dial_private, stagger));
}

/* What has failed before says more than that time is up; else what was being waited for. */
static void
on_deadline(struct loop_timer *t)
{
	struct dial_private *p = list_of(t, struct dial_private, deadline);

	if (says_little(p->code)) {
		char where[ADDR_TEXT_BYTES + 256];

		addr_text(&p->to, where, sizeof(where));
		snprintf(p->why, sizeof(p->why), "%s (%s)",
		    lookups_run(p) && p->n_open == 0 ? "the name servers do not answer"
						     : "no answer",
		    where);
		p->code = ETIMEDOUT;
	}
	finish(p, -1);
}

/* --- addresses --- */

static void
set_port(struct sockaddr_storage *ss, uint16_t port)
{
	if (ss->ss_family == AF_INET)
		((struct sockaddr_in *)(void *)ss)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)(void *)ss)->sin6_port = htons(port);
}

/*
 * Attempts begin with the first answer, but IPv4 waits a little for IPv6 (the Resolution Delay
 * of RFC 8305 section 3).
 */
static void
on_lookup(struct lookup *q, const struct sockaddr_storage *addrs, size_t n, int code,
    const char *why)
{
	struct family *f = list_of(q, struct family, lookup);
	struct dial_private *p = f->p;

	check(f->asked && n <= LIMIT_DIAL_ADDRESSES - f->n);
	for (size_t i = 0; i < n; i++) {
		f->addrs[f->n] = addrs[i];
		set_port(&f->addrs[f->n++], p->to.port);
	}
	f->asked = false;
	/* That one family has no address says less than that a server was silent. */
	if (n == 0 && (p->lookup_code == 0 || p->lookup_code == ENOENT)) {
		p->lookup_code = code;
		snprintf(p->lookup_why, sizeof(p->lookup_why), "%s (%s)", why, p->to.host);
	}
	if (n > 0 && f == &p->families[V4] && p->families[V6].asked && p->n_attempts == 0)
		loop_timer_set(p->r->loop, &p->stagger, FAMILY_WAIT_US);
	else if (p->n_open == 0)
		try_next(p);
	else if (p->stagger.slot == 0)
		loop_timer_set(p->r->loop, &p->stagger, STAGGER_US);
}

static bool
is_localhost(const char *host)
{
	struct slice s = slice_str(host);

	/* RFC 6761 6.3. */
	return slice_ieq(s, S("localhost")) ||
	       (s.n > 10 && slice_ieq(slice_from(s, s.n - 10), S(".localhost")));
}

static void
add_numeric(struct dial_private *p, const char *host)
{
	struct addr a = p->to;
	struct sockaddr_storage ss;
	struct family *f;

	if (host != NULL)
		snprintf(a.host, sizeof(a.host), "%s", host);
	if (addr_sockaddr(&a, false, &ss, &p->len) != 0)
		return;
	if (p->dial->family != 0 && ss.ss_family != AF_UNIX && ss.ss_family != p->dial->family)
		return;
	f = &p->families[ss.ss_family == AF_INET ? V4 : V6];
	check(f->n < LIMIT_DIAL_ADDRESSES);
	f->addrs[f->n++] = ss;
}

/* localhost is never asked of a name server, which could send us elsewhere; numbers need none. */
static void
find_addresses(struct dial_private *p)
{
	struct sockaddr_storage ss;
	socklen_t len;

	if (p->to.kind == ADDR_TCP && is_localhost(p->to.host)) {
		add_numeric(p, "::1");
		add_numeric(p, "127.0.0.1");
	} else if (addr_sockaddr(&p->to, false, &ss, &len) == 0) {
		add_numeric(p, NULL);
	} else {
		static const int families[N_FAMILIES] = { [V6] = AF_INET6, [V4] = AF_INET };

		for (int i = 0; i < N_FAMILIES; i++)
			p->families[i].asked =
			    p->dial->family == 0 || p->dial->family == families[i];
		/* An answer may come from within, and its address may win at once. */
		for (int i = 0; i < N_FAMILIES && !p->over; i++)
			if (p->families[i].asked)
				lookup_start(p->r->lookups, &p->families[i].lookup, p->to.host,
				    families[i]);
		return;
	}
	try_next(p);
}

/* --- contract --- */

struct resolver *
resolver_new(struct loop *l)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->loop = l;
	list_init(&r->dials);
	r->lookups = lookups_new(l);
	if (r->lookups != NULL)
		return r;
	free(r);
	return NULL;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	LIST_EACH(node, &r->dials)
		dial_cancel(list_of(node, struct dial_private, node)->dial);
	lookups_free(r->lookups);
	free(r);
}

void
resolver_servers(struct resolver *r, const char *csv)
{
	lookups_servers(r->lookups, csv);
}

void
dial_start(struct resolver *r, struct dial *d, const struct addr *a, int64_t timeout_us)
{
	struct dial_private *p = calloc(1, sizeof(*p));

	/* There is no way to say no from here, and nothing is left to do it with. */
	check(d->private == NULL && p != NULL);
	p->r = r;
	p->dial = d;
	p->to = *a;
	p->fd = -1;
	p->deadline.fn = on_deadline;
	p->stagger.fn = on_stagger;
	loop_task_init(&p->report, on_report);
	for (int i = 0; i < N_FAMILIES; i++) {
		p->families[i].p = p;
		p->families[i].lookup.done = on_lookup;
	}
	list_push(&r->dials, &p->node);
	d->private = p;
	loop_timer_set(r->loop, &p->deadline, timeout_us);
	find_addresses(p);
}

/* A dial that is over may hold its connection until the report: it is closed. */
void
dial_cancel(struct dial *d)
{
	struct dial_private *p = d->private;

	if (p == NULL)
		return;
	stop(p);
	if (p->over && p->fd >= 0)
		loop_close(p->fd);
	release(p);
}
