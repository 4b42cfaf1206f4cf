/* SPDX-License-Identifier: Apache-2.0 */
/* Reads updates of dynamic DNS, and decides which address is meant. */
#include "hook/dyndns.h"

#include "hook/hook.h"
#include "hook/ipclass.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

/* What comes with the query, before it is known what the rest says. */
struct reading {
	struct dyndns *d;
	bool offline, has_prefix, has_iid;
	unsigned char prefix[16], iid[16];
};

static bool
is_yes(const char *value)
{
	return strcasecmp(value, "yes") == 0 || strcmp(value, "1") == 0 ||
	       strcasecmp(value, "true") == 0;
}

/* "<ipaddr>", "%i", "[IP]", "{ip}", "$ip": routers send them where they know no address. */
static bool
is_placeholder(struct slice s)
{
	return s.n > 0 && s.p[0] != '\0' && strchr("<%[{$@", s.p[0]) != NULL;
}

static bool
is_zero(const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* --- addresses --- */

/* Where somebody can be reached; `inside`, in a private network. */
static bool
is_fit(enum ipclass c, bool inside)
{
	switch (c) {
	case IPCLASS_GLOBAL:
		return true;
	case IPCLASS_LOOPBACK:
	case IPCLASS_PRIVATE:
	case IPCLASS_CGNAT:
	case IPCLASS_ULA:
		return inside;
	default:
		return false;
	}
}

static void
wish_v4(struct dyndns_family *f, bool inside, uint32_t host_order)
{
	uint32_t net = htonl(host_order);

	f->wish = host_order == 0                          ? DYNDNS_SOURCE
		  : is_fit(ipclass_v4(host_order), inside) ? DYNDNS_SET
							   : DYNDNS_UNFIT;
	memcpy(f->bytes, &net, sizeof(net));
}

static void
wish_v6(struct dyndns_family *f, bool inside, const unsigned char bytes[16])
{
	f->wish = is_zero(bytes, 16)                  ? DYNDNS_SOURCE
		  : is_fit(ipclass_v6(bytes), inside) ? DYNDNS_SET
						      : DYNDNS_UNFIT;
	memcpy(f->bytes, bytes, 16);
}

/* ::ffff:192.0.2.1 is an IPv4 address, whatever it is written as. */
static bool
is_mapped(const unsigned char bytes[16])
{
	return is_zero(bytes, 10) && bytes[10] == 0xff && bytes[11] == 0xff;
}

static void
wish_bytes(struct dyndns *d, const unsigned char bytes[16])
{
	if (is_mapped(bytes))
		wish_v4(&d->v4, d->inside,
		    (uint32_t)bytes[12] << 24 | (uint32_t)bytes[13] << 16 |
			(uint32_t)bytes[14] << 8 | bytes[15]);
	else
		wish_v6(&d->v6, d->inside, bytes);
}

/* One address of whatever family it is. False: it is none. */
static bool
read_one(struct dyndns *d, struct slice s)
{
	unsigned char bytes[16];
	uint32_t v4 = 0;
	bool plain = false;
	size_t zone;

	/* Other spellings than four numbers mean different things to different programs. */
	if (ipclass_parse_v4(s, &v4, &plain) && plain) {
		wish_v4(&d->v4, d->inside, v4);
		return true;
	}
	zone = slice_find(s, '%');
	if (zone == SIZE_MAX)
		zone = s.n;
	if (!ipclass_parse_v6(slice_head(s, zone), bytes))
		return false;
	wish_bytes(d, bytes);
	return true;
}

/* A word in place of an address, for the families that the parameter speaks of. */
static bool
read_word(struct slice s, struct dyndns_family *a, struct dyndns_family *b)
{
	enum dyndns_wish wish;

	if (s.n == 0 || is_placeholder(s))
		wish = DYNDNS_SOURCE;
	else if (slice_ieq(s, S("preserve")))
		wish = DYNDNS_LEAVE;
	else if (slice_ieq(s, S("no")))
		wish = DYNDNS_REMOVE;
	else
		return false;
	a->wish = wish;
	if (b != NULL)
		b->wish = wish;
	return true;
}

/* myip: a list of either family. */
static void
read_any(struct reading *r, struct slice value)
{
	do {
		struct slice one = slice_trim(slice_cut(&value, ','));

		/* What is no address at all says nothing, as a placeholder does. */
		if (!read_one(r->d, one) &&
		    !read_word(one, &r->d->v4, r->d->v6.wish == DYNDNS_LEAVE ? &r->d->v6 : NULL) &&
		    r->d->v4.wish == DYNDNS_LEAVE)
			r->d->v4.wish = DYNDNS_SOURCE;
	} while (value.p != NULL);
}

static void
read_v4(struct reading *r, struct slice value)
{
	if (!read_word(value, &r->d->v4, NULL) && !read_one(r->d, value))
		r->d->v4.wish = DYNDNS_SOURCE;
}

static void
read_v6(struct reading *r, struct slice value)
{
	if (!read_word(value, &r->d->v6, NULL) && !read_one(r->d, value))
		r->d->v6.wish = DYNDNS_SOURCE;
}

/* "2001:db8:0:1::/64": what is behind the first 64 bits is not looked at. */
static void
read_prefix(struct reading *r, struct slice value)
{
	struct slice address = slice_cut(&value, '/');
	uint64_t bits = 64;

	r->has_prefix = ipclass_parse_v6(address, r->prefix) &&
			(value.p == NULL || (slice_u64(value, &bits) && bits <= 64));
}

static void
read_iid(struct reading *r, struct slice value)
{
	r->has_iid =
	    ipclass_parse_v6(value, r->iid) && is_zero(r->iid, 8) && !is_zero(r->iid + 8, 8);
}

static void
read_offline(struct reading *r, struct slice value)
{
	char z[8];

	r->offline = slice_z(value, z, sizeof(z)) && is_yes(z);
}

/* --- names --- */

static void
add_host(struct dyndns *d, struct slice name)
{
	char *dst;

	if (d->n_hosts >= DYNDNS_HOSTS) {
		d->n_hosts = DYNDNS_HOSTS + 1;
		return;
	}
	dst = d->hosts[d->n_hosts++];
	if (!slice_z(name, dst, DYNDNS_HOST_BYTES))
		dst[0] = '\0';
	for (; *dst != '\0'; dst++) {
		/* It is shown in logs, and compared with names of ours. */
		if (*dst >= 'A' && *dst <= 'Z')
			*dst = (char)(*dst + ('a' - 'A'));
		else if (*dst <= ' ' || *dst > '~')
			*dst = '?';
	}
}

static void
read_hosts(struct reading *r, struct slice value)
{
	r->d->n_hosts = 0;
	while (value.n > 0) {
		struct slice name = slice_trim(slice_cut(&value, ','));

		if (name.n > 0)
			add_host(r->d, name);
	}
}

/* --- the whole --- */

/* Others (system, wildcard, mx, backmx, url ...) are for services that we are not. */
static const struct {
	const char *name;
	void (*read)(struct reading *r, struct slice value);
} rows[] = {
	{ "hostname", read_hosts },
	{ "myip", read_any },
	{ "ip", read_any },
	{ "myipv4", read_v4 },
	{ "myipv6", read_v6 },
	{ "ipv6", read_v6 },
	{ "ip6lanprefix", read_prefix },
	{ "iid", read_iid },
	{ "offline", read_offline },
};

static void
read_pair(struct reading *r, struct slice name, struct slice value)
{
	/* The longest list of names there may be is longer than any address. */
	char plain[DYNDNS_HOSTS * DYNDNS_HOST_BYTES];
	ptrdiff_t n = hook_form_decode(value, plain, sizeof(plain));

	if (n < 0)
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (slice_ieq(name, slice_str(rows[i].name)))
			rows[i].read(r, slice_trim(slice_of(plain, (size_t)n)));
}

void
dyndns_read(struct dyndns *d, bool inside, struct slice query, struct slice form)
{
	struct reading r = { .d = d };
	struct slice name, value;

	memset(d, 0, sizeof(*d));
	d->inside = inside;
	while (hook_form_next(&query, &name, &value) || hook_form_next(&form, &name, &value))
		read_pair(&r, name, value);
	if (r.has_prefix && r.has_iid) {
		memcpy(r.prefix + 8, r.iid + 8, 8);
		wish_bytes(d, r.prefix);
	}
	if (r.offline)
		d->v4.wish = d->v6.wish = DYNDNS_REMOVE;
}

/* What the request's own address makes of a family. */
static void
settle_family(struct dyndns_family *f, const struct dyndns_family *source)
{
	if (f->wish != DYNDNS_SOURCE && f->wish != DYNDNS_UNFIT)
		return;
	if (source->wish == DYNDNS_SET)
		*f = *source;
	else if (f->wish == DYNDNS_SOURCE)
		f->wish = DYNDNS_LEAVE;
}

bool
dyndns_settle(struct dyndns *d, const struct sockaddr_storage *source)
{
	struct dyndns own = { .inside = d->inside };
	/* Nothing was said: it is the sender's own address that he wants. */
	bool silent = d->v4.wish == DYNDNS_LEAVE && d->v6.wish == DYNDNS_LEAVE, any;

	if (source->ss_family == AF_INET)
		wish_v4(&own.v4, d->inside,
		    ntohl(((const struct sockaddr_in *)source)->sin_addr.s_addr));
	else if (source->ss_family == AF_INET6)
		wish_bytes(&own, ((const struct sockaddr_in6 *)source)->sin6_addr.s6_addr);
	if (silent)
		d->v4.wish = d->v6.wish = DYNDNS_SOURCE;
	settle_family(&d->v4, &own.v4);
	settle_family(&d->v6, &own.v6);
	any = d->v4.wish == DYNDNS_SET || d->v4.wish == DYNDNS_REMOVE || d->v6.wish == DYNDNS_SET ||
	      d->v6.wish == DYNDNS_REMOVE;
	/* Of two addresses one is of use, so it is set, and the other one is as if not there. */
	if (d->v4.wish == DYNDNS_UNFIT)
		d->v4.wish = DYNDNS_LEAVE;
	if (d->v6.wish == DYNDNS_UNFIT)
		d->v6.wish = DYNDNS_LEAVE;
	check(d->v4.wish != DYNDNS_SOURCE && d->v6.wish != DYNDNS_SOURCE);
	return any;
}

void
dyndns_addresses(const struct dyndns *d, char dst[DYNDNS_ANSWER_BYTES])
{
	char v4[INET_ADDRSTRLEN] = "", v6[INET6_ADDRSTRLEN] = "";

	if (d->v4.wish == DYNDNS_SET)
		check(inet_ntop(AF_INET, d->v4.bytes, v4, sizeof(v4)) != NULL);
	if (d->v6.wish == DYNDNS_SET)
		check(inet_ntop(AF_INET6, d->v6.bytes, v6, sizeof(v6)) != NULL);
	snprintf(dst, DYNDNS_ANSWER_BYTES, "%s%s%s", v4, v4[0] != '\0' && v6[0] != '\0' ? "," : "",
	    v6);
}

static const struct {
	const char *word;
	int status;
} codes[] = {
#define X(symbol, word, status) { word, status },
	DYNDNS_CODES(X)
#undef X
};

const char *
dyndns_word(enum dyndns_code c)
{
	return codes[c].word;
}

int
dyndns_status(enum dyndns_code c)
{
	return codes[c].status;
}

size_t
dyndns_line(enum dyndns_code c, const char *addresses, char dst[DYNDNS_ANSWER_BYTES + 16])
{
	bool done = (c == DYNDNS_GOOD || c == DYNDNS_NOCHG) && addresses[0] != '\0';
	int n = snprintf(dst, DYNDNS_ANSWER_BYTES + 16, "%s%s%s\n", codes[c].word, done ? " " : "",
	    done ? addresses : "");

	check(n > 0 && n < DYNDNS_ANSWER_BYTES + 16);
	return (size_t)n;
}
