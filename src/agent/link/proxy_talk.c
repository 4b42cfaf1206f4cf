/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to an HTTP or SOCKS5 proxy, byte by byte and without I/O. */
#include "agent/link/proxy_talk.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdio.h>

static void
put(struct proxy_talk *t, const void *p, size_t n)
{
	/* out is made for the longest user, password and host */
	check(n <= sizeof(t->out) - t->out_to);
	memcpy(t->out + t->out_to, p, n);
	t->out_to += n;
}

static void
put_z(struct proxy_talk *t, const char *z)
{
	put(t, z, strlen(z));
}

static void
put_byte(struct proxy_talk *t, unsigned v)
{
	char c = (char)v;

	put(t, &c, 1);
}

/* CONNECT edge:port, with the user at once: a proxy that wants one would only ask for it (RFC
 * 9110, 9.3.6 and 11.7). */
static void
say_connect(struct proxy_talk *t)
{
	bool v6 = strchr(t->host, ':') != NULL;
	char where[300], pair[520], coded[700];

	snprintf(where, sizeof(where), v6 ? "[%s]:%u" : "%s:%u", t->host, t->port);
	put_z(t, "CONNECT ");
	put_z(t, where);
	put_z(t, " HTTP/1.1\r\nHost: ");
	put_z(t, where);
	if (t->proxy->user[0] != '\0') {
		int n = snprintf(pair, sizeof(pair), "%s:%s", t->proxy->user, t->proxy->password);

		check(n > 0 && (size_t)n < sizeof(pair) && (size_t)(n + 2) / 3 * 4 < sizeof(coded));
		text_base64(pair, (size_t)n, coded);
		put_z(t, "\r\nProxy-Authorization: Basic ");
		put_z(t, coded);
		OPENSSL_cleanse(pair, sizeof(pair));
		OPENSSL_cleanse(coded, sizeof(coded));
	}
	put_z(t, "\r\n\r\n");
	t->step = TALK_CONNECT;
}

/* Version 5 and the methods that we know: 0, none, and 2, user and password (RFC 1928, 3). */
static void
say_method(struct proxy_talk *t)
{
	bool auth = t->proxy->user[0] != '\0';

	put(t, auth ? "\5\2\0\2" : "\5\1\0", auth ? 4 : 3);
	t->step = TALK_METHOD;
}

/* Version 1, then both with their lengths (RFC 1929, 2). */
static void
say_auth(struct proxy_talk *t)
{
	size_t user = strlen(t->proxy->user), password = strlen(t->proxy->password);

	/* Each has one byte for its length (RFC 1929, 2); proxy_parse() takes no more. */
	check(user >= 1 && user <= 255 && password <= 255);
	put_byte(t, 1);
	put_byte(t, (unsigned)user);
	put_z(t, t->proxy->user);
	put_byte(t, (unsigned)password);
	put_z(t, t->proxy->password);
	t->step = TALK_AUTH;
}

/* CONNECT to the edge (RFC 1928, 4). A name is resolved by the proxy: inside a company's network
 * only it may be able to. */
static void
say_request(struct proxy_talk *t)
{
	unsigned char bytes[16];
	size_t n = 0;

	if (inet_pton(AF_INET, t->host, bytes) == 1)
		n = 4;
	else if (inet_pton(AF_INET6, t->host, bytes) == 1)
		n = 16;
	put(t, "\5\1\0", 3);
	if (n > 0) {
		put_byte(t, n == 4 ? 1 : 4);
		put(t, bytes, n);
	} else {
		check(strlen(t->host) <= 255); /* of a struct addr */
		put_byte(t, 3);
		put_byte(t, (unsigned)strlen(t->host));
		put_z(t, t->host);
	}
	put_byte(t, t->port >> 8);
	put_byte(t, t->port & 0xff);
	t->step = TALK_REPLY;
}

void
proxy_talk_init(struct proxy_talk *t, const struct proxy *p, const char *host, uint16_t port)
{
	check(p->kind != PROXY_NONE);
	t->proxy = p;
	t->host = host;
	t->port = port;
	t->error = NULL;
	t->out_from = t->out_to = t->in_n = 0;
	h1_init(&t->h1, H1_RESPONSE);
	if (p->kind == PROXY_SOCKS5)
		say_method(t);
	else
		say_connect(t);
}

struct slice
proxy_talk_out(const struct proxy_talk *t)
{
	return slice_of(t->out + t->out_from, t->out_to - t->out_from);
}

void
proxy_talk_out_done(struct proxy_talk *t, size_t n)
{
	check(n <= t->out_to - t->out_from);
	t->out_from += n;
	if (t->out_from == t->out_to) {
		OPENSSL_cleanse(t->out, t->out_to);
		t->out_from = t->out_to = 0;
	}
}

static enum proxy_talk_result
fail(struct proxy_talk *t, const char *why)
{
	t->error = why;
	return PROXY_TALK_FAILED;
}

/* Any 2xx is success, and has no body (RFC 9110, 9.3.6): what is behind its head is a fault. */
static enum proxy_talk_result
on_connect(struct proxy_talk *t)
{
	unsigned status;

	switch (h1_head(&t->h1, slice_of(t->in, t->in_n))) {
	case H1_MORE:
		return t->in_n < sizeof(t->in) ? PROXY_TALK_MORE
					       : fail(t, "the proxy's answer is too long");
	case H1_DONE:
		break;
	case H1_DATA:
	case H1_BAD:
		return fail(t, "the proxy's answer is not HTTP");
	}
	status = t->h1.head.status;
	if (status >= 200 && status < 300)
		return t->in_n == t->h1.head.n_bytes
			   ? PROXY_TALK_DONE
			   : fail(t, "the proxy sent bytes that nobody asked for");
	snprintf(t->text, sizeof(t->text),
	    status == 407 ? "the proxy wants a user and password (%u): put them into https_proxy"
			  : "the proxy refused to connect (%u)",
	    status);
	return fail(t, t->text);
}

/* Of a reply (RFC 1928, 6). */
static const char *
socks_reason(unsigned code)
{
	static const char *const reasons[] = { "", "general failure", "not allowed by its rules",
		"network unreachable", "host unreachable", "connection refused", "timed out",
		"command not supported", "address type not supported" };

	return code < sizeof(reasons) / sizeof(*reasons) ? reasons[code] : "unknown reason";
}

static enum proxy_talk_result
on_method(struct proxy_talk *t)
{
	if (t->in_n < 2)
		return PROXY_TALK_MORE;
	if (t->in[0] != 5)
		return fail(t, "the proxy does not speak SOCKS5");
	if (t->in_n > 2)
		return fail(t, "the proxy sent bytes that nobody asked for");
	if (t->in[1] == 0)
		say_request(t);
	else if (t->in[1] == 2 && t->proxy->user[0] != '\0')
		say_auth(t);
	else
		return fail(t, "the proxy wants a user and password: put them into all_proxy");
	t->in_n = 0;
	return PROXY_TALK_MORE;
}

static enum proxy_talk_result
on_auth(struct proxy_talk *t)
{
	if (t->in_n < 2)
		return PROXY_TALK_MORE;
	if (t->in_n > 2)
		return fail(t, "the proxy sent bytes that nobody asked for");
	if (t->in[1] != 0)
		return fail(t, "the proxy does not know this user and password");
	say_request(t);
	t->in_n = 0;
	return PROXY_TALK_MORE;
}

/* The reply repeats an address, of a length that its type tells (RFC 1928, 6); what it says
 * nobody needs, but where it ends. */
static enum proxy_talk_result
on_reply(struct proxy_talk *t)
{
	size_t want;

	if (t->in_n < 5)
		return PROXY_TALK_MORE;
	if (t->in[0] != 5)
		return fail(t, "the proxy does not speak SOCKS5");
	if (t->in[1] != 0) {
		snprintf(t->text, sizeof(t->text), "the proxy could not connect: %s",
		    socks_reason((unsigned char)t->in[1]));
		return fail(t, t->text);
	}
	switch (t->in[3]) {
	case 1:
		want = 4 + 4 + 2;
		break;
	case 3:
		want = 4 + 1 + (unsigned char)t->in[4] + 2;
		break;
	case 4:
		want = 4 + 16 + 2;
		break;
	default:
		return fail(t, "the proxy's answer is malformed");
	}
	if (t->in_n < want)
		return PROXY_TALK_MORE;
	return t->in_n == want ? PROXY_TALK_DONE
			       : fail(t, "the proxy sent bytes that nobody asked for");
}

enum proxy_talk_result
proxy_talk_feed(struct proxy_talk *t, struct slice in)
{
	if (in.n > sizeof(t->in) - t->in_n)
		return fail(t, "the proxy's answer is too long");
	check(t->error == NULL); /* a talk that has failed is over */
	memcpy(t->in + t->in_n, in.p, in.n);
	t->in_n += in.n;
	switch (t->step) {
	case TALK_CONNECT:
		return on_connect(t);
	case TALK_METHOD:
		return on_method(t);
	case TALK_AUTH:
		return on_auth(t);
	case TALK_REPLY:
		return on_reply(t);
	}
	return fail(t, "unknown step");
}
