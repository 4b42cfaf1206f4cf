/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of host that is: names that only mean something at home, and
 * addresses in every spelling. */
#include "hook/checkurl_private.h"

#include "base/text.h"

#include <stdio.h>

/* --- names --- */

struct name_row {
	struct slice suffix; /* the whole name, or what stands behind a dot */
	enum checkurl_what what;
};

static const struct name_row names[] = {
	{ S("localhost"), CHECKURL_LOCALHOST },
	{ S("localhost.localdomain"), CHECKURL_LOCALHOST },
	{ S("host.docker.internal"), CHECKURL_LOCAL_NAME },
	/* names of one's own network; .local is multicast DNS (RFC 6762), home.arpa RFC 8375,
	   .internal ICANN 2024 */
	{ S("local"), CHECKURL_LOCAL_NAME },
	{ S("localdomain"), CHECKURL_LOCAL_NAME },
	{ S("lan"), CHECKURL_LOCAL_NAME },
	{ S("home"), CHECKURL_LOCAL_NAME },
	{ S("home.arpa"), CHECKURL_LOCAL_NAME },
	{ S("internal"), CHECKURL_LOCAL_NAME },
	{ S("intranet"), CHECKURL_LOCAL_NAME },
	{ S("corp"), CHECKURL_LOCAL_NAME },
	{ S("private"), CHECKURL_LOCAL_NAME },
	{ S("docker"), CHECKURL_LOCAL_NAME },
	{ S("fritz.box"), CHECKURL_LOCAL_NAME },
	/* names that will never exist (RFC 6761, RFC 7686, RFC 9476) */
	{ S("test"), CHECKURL_RESERVED_NAME },
	{ S("invalid"), CHECKURL_RESERVED_NAME },
	{ S("example"), CHECKURL_RESERVED_NAME },
	{ S("example.com"), CHECKURL_EXAMPLE_NAME },
	{ S("example.net"), CHECKURL_EXAMPLE_NAME },
	{ S("example.org"), CHECKURL_EXAMPLE_NAME },
	{ S("onion"), CHECKURL_RESERVED_NAME },
	{ S("alt"), CHECKURL_RESERVED_NAME },
	{ S("arpa"), CHECKURL_RESERVED_NAME },
	/* public names of 127.0.0.1 */
	{ S("localtest.me"), CHECKURL_PRIVATE_DNS },
	{ S("lvh.me"), CHECKURL_PRIVATE_DNS },
	{ S("vcap.me"), CHECKURL_PRIVATE_DNS },
	{ S("lacolhost.com"), CHECKURL_PRIVATE_DNS },
	{ S("localho.st"), CHECKURL_PRIVATE_DNS },
	{ S("localhost.direct"), CHECKURL_PRIVATE_DNS },
	/* names that are given to the next one */
	{ S("ngrok.io"), CHECKURL_RANDOM_NAME },
	{ S("ngrok.app"), CHECKURL_RANDOM_NAME },
	{ S("ngrok.dev"), CHECKURL_RANDOM_NAME },
	{ S("ngrok-free.app"), CHECKURL_RANDOM_NAME },
	{ S("ngrok-free.dev"), CHECKURL_RANDOM_NAME },
	{ S("trycloudflare.com"), CHECKURL_RANDOM_NAME },
	{ S("loca.lt"), CHECKURL_RANDOM_NAME },
	{ S("localtunnel.me"), CHECKURL_RANDOM_NAME },
	{ S("serveo.net"), CHECKURL_RANDOM_NAME },
	{ S("lhr.life"), CHECKURL_RANDOM_NAME },
	{ S("lhr.rocks"), CHECKURL_RANDOM_NAME },
	{ S("localhost.run"), CHECKURL_RANDOM_NAME },
	{ S("pinggy.link"), CHECKURL_RANDOM_NAME },
	{ S("bore.pub"), CHECKURL_RANDOM_NAME },
	{ S("devtunnels.ms"), CHECKURL_RANDOM_NAME },
	{ S("smee.io"), CHECKURL_RELAY },
	{ S("webhook.site"), CHECKURL_RELAY },
	{ S("requestcatcher.com"), CHECKURL_RELAY },
	{ S("m.pipedream.net"), CHECKURL_RELAY },
};

/*
 * The whole name, or what stands behind a dot of it: "mylocalhost" is another
 * name than "localhost".
 */
static const struct name_row *
find_name(struct slice host)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct slice suffix = names[i].suffix;

		if (slice_eq(host, suffix) ||
		    (host.n > suffix.n && host.p[host.n - suffix.n - 1] == '.' &&
			slice_ends(host, suffix)))
			return &names[i];
	}
	return NULL;
}

static void
add_name(struct checkurl *c, const struct name_row *row)
{
	switch (row->what) {
	case CHECKURL_LOCALHOST:
		checkurl_add(c, row->what,
		    "'%.60s' means the very machine that asks: Bitbucket would call itself, not "
		    "you.",
		    c->host);
		break;
	case CHECKURL_LOCAL_NAME:
		checkurl_add(c, row->what, "Names under .%.*s exist only in your own network.",
		    PS(row->suffix));
		break;
	case CHECKURL_RESERVED_NAME:
		checkurl_add(c, row->what, "%.*s is reserved and does not exist in public DNS.",
		    PS(row->suffix));
		break;
	case CHECKURL_EXAMPLE_NAME:
		checkurl_add(c, row->what,
		    "%.*s is a name for examples: it resolves, so Bitbucket may save it, "
		    "but your server does not answer there.",
		    PS(row->suffix));
		break;
	case CHECKURL_PRIVATE_DNS:
		checkurl_add(c, row->what, "Every name under %.*s has the address 127.0.0.1.",
		    PS(row->suffix));
		break;
	case CHECKURL_RANDOM_NAME:
		checkurl_add(c, row->what,
		    "Tomorrow another person may have this name under %.*s and receive "
		    "your pushes; while the tunnel is down, they are lost.",
		    PS(row->suffix));
		break;
	default:
		checkurl_add(c, row->what,
		    "%.*s keeps no event for you, and relays that write the JSON anew break the "
		    "signature.",
		    PS(row->suffix));
		break;
	}
}

/* The address in app.10.0.0.1.nip.io, 10-0-0-1.nip.io or 0a000001.nip.io. */
static bool
embedded_address(struct slice host, uint32_t *ret)
{
	static const struct slice services[] = { S(".nip.io"), S(".sslip.io"), S(".xip.io") };
	struct slice rest = { NULL, 0 };
	uint8_t bytes[4];
	bool plain;

	for (size_t i = 0; i < 3; i++) {
		if (slice_ends(host, services[i]))
			rest = slice_head(host, host.n - services[i].n);
	}
	for (int kind = 0; kind < 2 && rest.p != NULL; kind++) {
		char sep = kind == 0 ? '.' : '-', text[16];
		size_t at = rest.n, seps = 0, n;

		while (at > 0 && ((rest.p[at - 1] >= '0' && rest.p[at - 1] <= '9') ||
				     (rest.p[at - 1] == sep && ++seps <= 3)))
			at--;
		n = rest.n - at;
		if (n > 15)
			continue;
		for (size_t i = 0; i < n; i++)
			text[i] = rest.p[at + i] == sep ? '.' : rest.p[at + i];
		if (ipclass_parse_v4(slice_of(text, n), ret, &plain) && plain)
			return true;
	}
	if (rest.n < 8 || text_unhex(slice_from(rest, rest.n - 8), bytes, 4) != 4)
		return false;
	*ret = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
	return true;
}

/* Letters, digits, '-' and '_'; lengths; no label that only looks like a number at the
 * end (RFC 1123, WHATWG). */
static void
check_labels(struct checkurl *c, struct slice host)
{
	bool character = false, label = host.n > 253, underscore = false;
	struct slice rest = host, last = { NULL, 0 };

	while (rest.p != NULL) {
		last = slice_cut(&rest, '.');
		label = label || last.n == 0 || last.n > 63 || last.p[0] == '-' ||
			last.p[last.n - 1] == '-';
		for (size_t i = 0; i < last.n; i++) {
			char b = last.p[i];

			underscore = underscore || b == '_';
			character =
			    character || !((b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') ||
					     b == '-' || b == '_');
		}
	}
	if (character)
		checkurl_add(c, CHECKURL_HOST_CHARACTER,
		    "The host holds a character that no host name has.");
	if (label)
		checkurl_add(c, CHECKURL_HOST_LABEL,
		    "A part of the host is empty, too long, or begins or ends with '-'.");
	if (underscore)
		checkurl_add(c, CHECKURL_HOST_UNDERSCORE, "There is a '_' in the host.");
	if (!character && last.n > 0 && last.p[0] >= '0' && last.p[0] <= '9')
		checkurl_add(c, CHECKURL_HOST_NUMERIC,
		    "The host ends like an address, but is none.");
}

/* "https://your-jenkins.example/" as manuals write it, and whatever has brackets. */
static bool
is_placeholder(struct slice host)
{
	for (size_t i = 0; i < host.n; i++) {
		if (memchr("<>{}$", host.p[i], 5) != NULL)
			return true;
	}
	return slice_starts(host, S("your")) || slice_starts(host, S("my-jenkins-url"));
}

static void
check_name(struct checkurl *c)
{
	struct slice host = slice_str(c->host);
	const struct name_row *row;
	uint32_t address;

	if (is_placeholder(host)) {
		checkurl_add(c, CHECKURL_PLACEHOLDER, "The host is a placeholder of a manual.");
		return;
	}
	row = find_name(host);
	if (row != NULL)
		add_name(c, row);
	else if (embedded_address(host, &address) && ipclass_v4(address) != IPCLASS_GLOBAL)
		checkurl_add(c, CHECKURL_PRIVATE_DNS,
		    "The name stands for %u.%u.%u.%u: that is %s.", address >> 24,
		    address >> 16 & 255, address >> 8 & 255, address & 255,
		    ipclass_text(ipclass_v4(address)));
	else if (slice_find(host, '.') == SIZE_MAX)
		checkurl_add(c, CHECKURL_SINGLE_LABEL,
		    "The host has no dot: such a name exists only in your own network.");
	check_labels(c, host);
}

/* --- addresses --- */

static void
add_class(struct checkurl *c, enum ipclass class)
{
	static const enum checkurl_what whats[] = {
		[IPCLASS_GLOBAL] = CHECKURL_ADDRESS_BARE,
		[IPCLASS_LOOPBACK] = CHECKURL_ADDRESS_LOOPBACK,
		[IPCLASS_UNSPECIFIED] = CHECKURL_ADDRESS_UNSPECIFIED,
		[IPCLASS_PRIVATE] = CHECKURL_ADDRESS_PRIVATE,
		[IPCLASS_LINK_LOCAL] = CHECKURL_ADDRESS_LINK_LOCAL,
		[IPCLASS_CGNAT] = CHECKURL_ADDRESS_CGNAT,
		[IPCLASS_ULA] = CHECKURL_ADDRESS_ULA,
		[IPCLASS_SITE_LOCAL] = CHECKURL_ADDRESS_SITE_LOCAL,
		[IPCLASS_DOCUMENTATION] = CHECKURL_ADDRESS_DOCUMENTATION,
		[IPCLASS_BENCHMARK] = CHECKURL_ADDRESS_BENCHMARK,
		[IPCLASS_MULTICAST] = CHECKURL_ADDRESS_MULTICAST,
		[IPCLASS_BROADCAST] = CHECKURL_ADDRESS_BROADCAST,
		[IPCLASS_NAT64] = CHECKURL_ADDRESS_NAT64,
		[IPCLASS_TUNNEL] = CHECKURL_ADDRESS_TUNNEL,
		[IPCLASS_RESERVED] = CHECKURL_ADDRESS_RESERVED,
	};

	check((size_t) class < sizeof(whats) / sizeof(*whats));
	c->is_address = true;
	c->class = class;
	if (class == IPCLASS_GLOBAL)
		checkurl_add(c, CHECKURL_ADDRESS_BARE, "The host is an address, not a name.");
	else
		checkurl_add(c, whats[class], "%s is %s: Bitbucket Cloud cannot reach it.", c->host,
		    ipclass_text(class));
}

/*
 * Odd spellings (127.1, 0x7f000001) are what some resolvers take for an address, so they are
 * judged as one and written plainly.
 */
static bool
check_v4(struct checkurl *c)
{
	struct slice typed = slice_str(c->host);
	uint32_t v;
	bool plain;

	if (!ipclass_parse_v4(typed, &v, &plain))
		return false;
	if (!plain)
		checkurl_add(c, CHECKURL_ADDRESS_SPELLING,
		    "%.60s is an odd spelling of the address %u.%u.%u.%u.", c->host, v >> 24,
		    v >> 16 & 255, v >> 8 & 255, v & 255);
	snprintf(c->host, sizeof(c->host), "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255,
	    v & 255);
	add_class(c, ipclass_v4(v));
	return true;
}

static void
check_v6(struct checkurl *c)
{
	struct slice rest = slice_str(c->host), host = slice_cut(&rest, '%');
	uint8_t bytes[16];

	if (!ipclass_parse_v6(host, bytes)) {
		checkurl_add(c, CHECKURL_HOST_CHARACTER,
		    "The text in the brackets is not an IPv6 address.");
		return;
	}
	if (rest.p != NULL)
		checkurl_add(c, CHECKURL_V6_ZONE,
		    "The text after '%%' names an interface of one machine; other machines do not "
		    "know it.");
	check(host.n < sizeof(c->host)); /* it is a part of c->host */
	c->host[host.n] = '\0';
	add_class(c, ipclass_v6(bytes));
}

/* --- the whole --- */

/* Full-width forms as input methods make them (U+FF01 to U+FF5E) and the ideographic full stops:
 * one byte, or 0. */
static char
folded(struct slice s)
{
	unsigned char b, d;

	if (s.n < 3)
		return 0;
	b = (unsigned char)s.p[1];
	d = (unsigned char)s.p[2];
	if (slice_starts(s, S("\xe3\x80\x82")) || slice_starts(s, S("\xef\xbd\xa1")))
		return '.';
	if (s.p[0] != '\xef')
		return 0;
	if (b == 0xbc && d >= 0x81 && d <= 0xbf)
		return (char)(d - 0x81 + 0x21);
	return b == 0xbd && d >= 0x80 && d <= 0x9e ? (char)(d - 0x80 + 0x60) : 0;
}

/* Lower case, full-width forms folded, into c->host. False: there are other characters, or
 * it is too long. */
static bool
fold(struct checkurl *c, struct slice s)
{
	bool wide = false, foreign = false;
	size_t n = 0;

	while (s.n > 0 && n + 1 < sizeof(c->host)) {
		char b = s.p[0], f = folded(s);

		if (f != 0) {
			wide = true;
			b = f;
			s = slice_from(s, 2);
		} else if ((unsigned char)b >= 0x80) {
			foreign = true;
			b = '?';
		} else if (b <= ' ' || b == 0x7f)
			b = '?'; /* has a finding of its own; not to be shown as it is */
		c->host[n++] = b >= 'A' && b <= 'Z' ? (char)(b + 32) : b;
		s = slice_from(s, 1);
	}
	check(n < sizeof(c->host));
	c->host[n] = '\0';
	if (wide || foreign)
		checkurl_add(c, CHECKURL_IDN, "There are characters outside ASCII in the host.");
	if (s.n > 0)
		checkurl_add(c, CHECKURL_HOST_LABEL, "The host is longer than a host name can be.");
	return !foreign && s.n == 0;
}

/* An address in brackets, an address, else a name: the first that it can be. */
void
checkurl_host(struct checkurl *c, struct checkurl_parts *parts)
{
	size_t n;

	if (parts->host.n == 0) {
		checkurl_add(c, CHECKURL_HOST_MISSING, "There is no host in the URL.");
		return;
	}
	if (!fold(c, parts->host))
		return;
	if (parts->host_bad)
		checkurl_add(c, CHECKURL_HOST_CHARACTER,
		    "There is something between the brackets of the host and its port.");
	if (parts->bracketed) {
		check_v6(c);
		return;
	}
	if (check_v4(c))
		return;
	n = strlen(c->host);
	if (n > 1 && c->host[n - 1] == '.' && c->host[n - 2] != '.') {
		checkurl_add(c, CHECKURL_TRAILING_DOT,
		    "The host ends with a dot; some programs take it for another host.");
		c->host[n - 1] = '\0';
	}
	check_name(c);
}
