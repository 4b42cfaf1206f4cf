/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the resolver and says what it answered. */
#include "net/dns_query.h"

#include "base/clock.h"
#include "base/slice.h"
#include "net/addr.h"

#include <arpa/inet.h>
#define CARES_NO_DEPRECATED /* what newer ones want instead, 1.18 does not have */
#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>

/* One lookup that is waited for; c-ares calls back from within turn(). */
struct search {
	struct dns_query_answer *answer;
	bool done;
};

/* Past the bound addresses are left out, as in dialling. */
static void
take_node(struct dns_query_answer *a, const struct ares_addrinfo_node *node)
{
	if (a->n == LIMIT_DIAL_ADDRESSES || (size_t)node->ai_addrlen > sizeof(a->addrs[0]))
		return;
	memcpy(&a->addrs[a->n++], node->ai_addr, (size_t)node->ai_addrlen);
	if (node->ai_ttl > 0 && (a->ttl == 0 || node->ai_ttl < a->ttl))
		a->ttl = node->ai_ttl;
}

/* What c-ares says, in words that people can look up; any other status in its own words. */
static const struct {
	int status;
	enum dns_query_result result;
	const char *why;
} outcomes[] = {
	{ ARES_ENOTFOUND, DNS_QUERY_NONE, "NXDOMAIN: there is no such name" },
	{ ARES_ENODATA, DNS_QUERY_NONE, "the name has no address" },
	{ ARES_ESERVFAIL, DNS_QUERY_FAILED, "SERVFAIL" },
	{ ARES_EREFUSED, DNS_QUERY_FAILED, "REFUSED by the name server" },
	{ ARES_ENOTIMP, DNS_QUERY_FAILED, "NOTIMP" },
	{ ARES_EFORMERR, DNS_QUERY_FAILED, "FORMERR" },
	{ ARES_EBADNAME, DNS_QUERY_NONE, "no valid name" },
	{ ARES_ETIMEOUT, DNS_QUERY_LATE, "no answer of a name server" },
	{ ARES_ECONNREFUSED, DNS_QUERY_LATE, "no name server can be reached" },
};

static void
say(struct dns_query_answer *a, enum dns_query_result result, const char *why)
{
	a->result = result;
	snprintf(a->why, sizeof(a->why), "%s", why);
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct search *s = arg;
	struct dns_query_answer *a = s->answer;

	(void)timeouts;
	check(!s->done); /* one question, one answer, a cancelled one included */
	s->done = true;
	if (status == ARES_SUCCESS) {
		for (const struct ares_addrinfo_node *node = found->nodes; node != NULL;
		     node = node->ai_next)
			take_node(a, node);
		ares_freeaddrinfo(found);
		if (a->n > 0)
			say(a, DNS_QUERY_FOUND, "");
		else
			say(a, DNS_QUERY_NONE, "the name has no address");
		return;
	}
	say(a, DNS_QUERY_FAILED, ares_strerror(status));
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++)
		if (outcomes[i].status == status)
			say(a, outcomes[i].result, outcomes[i].why);
}

/* One wait for the sockets of the channel, as c-ares wants it. */
static void
turn(ares_channel channel, int64_t left_ms)
{
	ares_socket_t socks[ARES_GETSOCK_MAXNUM];
	struct pollfd fds[ARES_GETSOCK_MAXNUM];
	int mask = ares_getsock(channel, socks, ARES_GETSOCK_MAXNUM), ms;
	struct timeval tv, cap = { left_ms / 1000, (left_ms % 1000) * 1000 };
	const struct timeval *wait = ares_timeout(channel, &cap, &tv);
	nfds_t n = 0;

	/* c-ares' own macro overflows for the last; two questions never have so many sockets. */
	for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM - 1; i++) {
		short events = 0;

		if (ARES_GETSOCK_READABLE(mask, i))
			events = POLLIN;
		if (ARES_GETSOCK_WRITABLE(mask, i))
			events = (short)(events | POLLOUT);
		if (events != 0)
			fds[n++] = (struct pollfd){ .fd = socks[i], .events = events };
	}
	check(n <= ARES_GETSOCK_MAXNUM && left_ms > 0);
	ms = (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1);
	/* Nothing came: c-ares looks whether a question must be asked again, or given up. */
	if (poll(fds, n, ms) <= 0) {
		ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		return;
	}
	for (nfds_t i = 0; i < n; i++)
		ares_process_fd(channel,
		    fds[i].revents & (POLLIN | POLLERR | POLLHUP) ? fds[i].fd : ARES_SOCKET_BAD,
		    fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
}

/* RFC 6761 6.3: it is this machine, whoever is asked. */
static bool
is_localhost(struct slice host)
{
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	return slice_ieq(host, S("localhost")) ||
	       (host.n > 10 && slice_ieq(slice_from(host, host.n - 10), S(".localhost")));
}

/* False without memory, or where servers are not written as they should be. */
static bool
open_channel(ares_channel *ret, const char *servers)
{
	/* An answer that says no is an answer: by default c-ares would only say that
	 * no server is left. */
	struct ares_options o = { .timeout = 2000, .tries = 2, .flags = ARES_FLAG_NOCHECKRESP };
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS;
	char lookups[] = "b";

	if (servers != NULL) {
		o.lookups =
		    lookups; /* DNS alone: what the hosts file says is no answer of that server */
		mask |= ARES_OPT_LOOKUPS;
	}
	if (ares_init_options(ret, &o, mask) != ARES_SUCCESS)
		return false;
	if (servers == NULL || ares_set_servers_ports_csv(*ret, servers) == ARES_SUCCESS)
		return true;
	ares_destroy(*ret);
	return false;
}

void
dns_query(const char *host, const char *servers, int64_t timeout_ms, struct dns_query_answer *ret)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT };
	struct search s = { .answer = ret };
	int64_t end = clock_mono_us() + timeout_ms * 1000, left;
	ares_channel channel;

	*ret = (struct dns_query_answer){ .result = DNS_QUERY_FAILED };
	/* A server that was named is asked all the same: what it says is what
	 * people want to see. */
	if (is_localhost(slice_str(host)) && servers == NULL)
		host = "127.0.0.1";
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    !open_channel(&channel, servers)) {
		say(ret, DNS_QUERY_FAILED,
		    "the resolver could not be set up: is --dns HOST:PORT right?");
		return;
	}
	ares_getaddrinfo(channel, host, NULL, &hints, on_answer, &s);
	while (!s.done && (left = (end - clock_mono_us()) / 1000) > 0)
		turn(channel, left);
	if (!s.done)
		ares_cancel(channel); /* calls on_answer() */
	if (ret->result == DNS_QUERY_FAILED &&
	    strcmp(ret->why, ares_strerror(ARES_ECANCELLED)) == 0)
		say(ret, DNS_QUERY_LATE, "no answer of a name server");
	check((ret->result == DNS_QUERY_FOUND) == (ret->n > 0));
	ares_destroy(channel);
	ares_library_cleanup();
}

/* --- CAA --- */

#define TYPE_CAA 257
#define CLASS_IN 1
/* A host's name has no more labels that could have records of their own. */
#define LABELS_MAX 127

/* From the host up to the root, as a certificate authority does it (RFC 8659, 3). */
struct climb {
	const char *issuer;
	struct dns_query_caa *answer;
	bool done, found;       /* found: there are records, so that nothing above counts */
	bool restricts, allows; /* there is an "issue"; one of them names the issuer */
};

/* "letsencrypt.org; validationmethods=dns-01": what stands before the parameters. An empty name
 * (";") allows nobody (RFC 8659, 4.2). */
static void
take_issuer(struct climb *c, struct slice value)
{
	struct slice all = value;
	struct dns_query_caa *a = c->answer;
	size_t n = strlen(a->allowed), at = strlen(a->issue);
	struct slice name = slice_trim(slice_cut(&value, ';'));

	c->restricts = true;
	if (at + all.n + 2 < sizeof(a->issue))
		snprintf(a->issue + at, sizeof(a->issue) - at, "%.*s\n", PS(all));
	if (slice_ieq(name, slice_str(c->issuer)))
		c->allows = true;
	else if (name.n > 0 && n + name.n + 3 < sizeof(a->allowed))
		snprintf(a->allowed + n, sizeof(a->allowed) - n, "%s%.*s", n > 0 ? ", " : "",
		    PS(name));
}

/* An answer without records is no answer: the climb goes on. */
static void
on_caa(void *arg, int status, int timeouts, unsigned char *packet, int packet_n)
{
	struct climb *c = arg;
	struct ares_caa_reply *records = NULL;

	(void)timeouts;
	check(!c->done && !c->found);
	c->done = true;
	if (status != ARES_SUCCESS ||
	    ares_parse_caa_reply(packet, packet_n, &records) != ARES_SUCCESS)
		return;
	for (const struct ares_caa_reply *r = records; r != NULL; r = r->next) {
		struct slice tag = slice_of((const char *)r->property, r->plength);

		c->found = true;
		if (slice_ieq(tag, S("issue")))
			take_issuer(c, slice_of((const char *)r->value, r->length));
	}
	c->answer->forbidden = c->restricts && !c->allows;
	ares_free_data(records);
}

void
dns_query_caa(const char *host, const char *servers, const char *issuer, int64_t timeout_ms,
    struct dns_query_caa *ret)
{
	int64_t end = clock_mono_us() + timeout_ms * 1000, left = timeout_ms;
	struct climb c = { .issuer = issuer, .answer = ret };
	ares_channel channel;

	*ret = (struct dns_query_caa){ 0 };
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    !open_channel(&channel, servers))
		return;
	for (int i = 0; i < LABELS_MAX && host != NULL && *host != '\0' && !c.found && left > 0;
	     i++) {
		c.done = false;
		snprintf(ret->domain, sizeof(ret->domain), "%s", host);
		ares_query(channel, host, CLASS_IN, TYPE_CAA, on_caa, &c);
		while (!c.done && (left = (end - clock_mono_us()) / 1000) > 0)
			turn(channel, left);
		if (!c.done)
			ares_cancel(channel); /* calls on_caa() */
		host = strchr(host, '.');
		host = host == NULL ? NULL : host + 1;
	}
	ares_destroy(channel);
	ares_library_cleanup();
}

void
dns_query_text(const struct sockaddr_storage *ss, char *dst, size_t cap)
{
	addr_split(ss,
	    ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
	    dst, cap);
}

/* By their text without port: a v4-mapped address is the v4 one. */
static bool
same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	char x[64], y[64];

	dns_query_text(a, x, sizeof(x));
	dns_query_text(b, y, sizeof(y));
	return strcmp(x, y) == 0;
}

bool
dns_query_meet(const struct dns_query_answer *a, const struct dns_query_answer *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (same(&a->addrs[i], &b->addrs[j]))
				return true;
	return false;
}
