/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/authority.h"

#include "dns_lab.h"

#define NOW 1700000000

/* The key "all" may do everything, "one" change the addresses of one.example.org. */
static bool
find_key(void *arg, struct slice name, struct tsig_key *ret)
{
	(void)arg;
	if (!dname_eq(name, lab_name("all")) && !dname_eq(name, lab_name("one")))
		return false;
	*ret = (struct tsig_key){ .algorithm = TSIG_SHA256, .n = 6 };
	dname_set(&ret->name, name);
	memcpy(ret->secret, "secret", 6);
	return true;
}

static bool
may_change(void *arg, const struct authority_asker *by, struct slice name, uint16_t type)
{
	(void)arg;
	EXPECT(by->key.n > 0);
	for (size_t i = 0; i < name.n;
	     i++) /* whatever the case was, it is asked for in lower case */
		EXPECT(!(name.p[i] >= 'A' && name.p[i] <= 'Z'));
	return dname_eq(by->key, lab_name("all")) ||
	       (dname_eq(name, lab_name("one.example.org")) && (type == RR_A || type == RR_ANY));
}

static enum authority_share
may_transfer(void *arg, const struct authority_asker *by, const struct zone *z)
{
	(void)arg;
	(void)z;
	return by->key.n == 0                       ? AUTHORITY_NONE
	       : dname_eq(by->key, lab_name("all")) ? AUTHORITY_ALL
						    : AUTHORITY_SOME;
}

static bool
may_see(void *arg, struct slice key, struct slice name)
{
	(void)arg;
	EXPECT(dname_eq(key, lab_name("one")));
	return dname_eq(name, lab_name("one.example.org"));
}

static const struct authority_rules rules = { find_key, may_transfer, may_see, may_change };

static unsigned char request[8192], reply[8192];
static size_t reply_n;
static struct tsig_talk talk;

/* One record of an UPDATE, in either section. */
struct line {
	char section; /* p, u */
	const char *name;
	uint16_t type, class;
	uint32_t ttl;
	struct slice rdata;
};

static size_t
write_update(const char *key, const struct line *lines, size_t n)
{
	struct dns_question q = { .type = RR_SOA, .class = RR_CLASS_IN };
	struct dnswrite w;

	dname_set(&q.name, lab_name("Example.org"));
	dnswrite_begin(&w, request, sizeof(request), 300, 9, DNS_UPDATE << 11);
	dnswrite_question(&w, &q);
	for (int section = 0; section < 2; section++)
		for (size_t i = 0; i < n; i++)
			if (lines[i].section == "pu"[section])
				dnswrite_record(&w, section == 0 ? DNS_ANSWER : DNS_AUTHORITY,
				    lab_below(lines[i].name), lines[i].type, lines[i].class,
				    lines[i].ttl, lines[i].rdata);
	dnswrite_release(&w);
	talk = (struct tsig_talk){ 0 };
	if (key != NULL) {
		EXPECT(find_key(NULL, lab_name(key), &talk.key));
		EXPECT(tsig_sign(&talk, &w, NOW));
	}
	EXPECT(!w.full);
	return w.n;
}

/* The answer is signed with the talk's key. */
static void
expect_signed(void)
{
	struct dnsread r;
	struct dns_question q;
	struct dns_record rr;
	struct tsig sig;

	EXPECT(dnsread_begin(&r, slice_of(reply, reply_n)));
	dnsread_question(&r, &q);
	for (int i = r.counts[1] + r.counts[2] + r.counts[3]; i > 0; i--)
		dnsread_record(&r, &rr);
	EXPECT(dnsread_done(&r) && tsig_read(&r, &rr, &sig));
	EXPECT_INT(tsig_verify(&talk, slice_of(reply, reply_n), &sig, NOW), TSIG_OK);
}

/* The rcode of a request, carried out where it is an UPDATE. */
static int
ask(struct authority *a, size_t n)
{
	struct authority_ask ask = { .request = slice_of(request, n),
		.tcp = true,
		.now_s = NOW,
		.reply = reply,
		.cap = sizeof(reply) };
	struct authority_said said;
	bool changed;

	switch (authority_answer(a, &ask, &said)) {
	case AUTHORITY_UPDATE:
		EXPECT(zone_is_open(authority_zone(said.update)));
		EXPECT(authority_change(said.update) != NULL);
		reply_n = authority_settle(said.update, true, NOW, reply, sizeof(reply), &changed);
		break;
	case AUTHORITY_REPLY:
		reply_n = said.reply_n;
		break;
	default:
		return -1;
	}
	EXPECT(reply_n > 12);
	return reply[3] & DNS_RCODE;
}

static int
update(struct authority *a, const char *key, const struct line *lines, size_t n)
{
	int rcode = ask(a, write_update(key, lines, n));

	if (key != NULL)
		expect_signed();
	return rcode;
}

#define UPDATE(a, key, ...)                                                                        \
	update(a, key, (struct line[]){ __VA_ARGS__ },                                             \
	    sizeof((struct line[]){ __VA_ARGS__ }) / sizeof(struct line))
#define ADD(name, type, rdata)                                                                     \
	{                                                                                          \
		'u', name, type, RR_CLASS_IN, 60, S(rdata)                                         \
	}
#define NONE RR_CLASS_NONE, 0
#define ANY RR_CLASS_ANY, 0

static struct authority *
lab(void)
{
	static const struct lab_row rows[] = {
		{ "", RR_NS, S("\1n\0") },
		{ "www", RR_A, S("\1\2\3\4") },
		{ "www", RR_A, S("\1\2\3\5") },
		{ "www", RR_TXT, S("\1x") },
		{ "one", RR_A, S("\1\1\1\1") },
		{ "alias", RR_CNAME, S("\1x\0") },
		{ "deep.er", RR_A, S("\1\1\1\1") },
	};
	static struct authority a;
	struct zone *z = lab_zone(LAB_ORIGIN, 7);

	a = (struct authority){ .rules = &rules };
	lab_fill(z, rows, sizeof(rows) / sizeof(*rows));
	EXPECT(zones_add(&a.zones, z));
	return &a;
}

static void
end(struct authority *a)
{
	zone_free(a->zones.of[0]);
}

static const struct rrset *
there(struct authority *a, const char *name, uint16_t type)
{
	const struct zone_node *node = zone_node_of(a->zones.of[0], lab_below(name));

	return node == NULL ? NULL : zone_set(node, type);
}

/* RFC 2136 2.4, each kind, met and not met; an UPDATE without changes changes nothing. */
TEST(prerequisites)
{
	static const struct {
		struct line line;
		int rcode;
	} rows[] = {
		{ { 'p', "www", RR_ANY, ANY, S("") }, RR_NOERROR },
		{ { 'p', "no", RR_ANY, ANY, S("") }, RR_NXDOMAIN },
		{ { 'p', "er", RR_ANY, ANY, S("") }, RR_NXDOMAIN }, /* no records of its own */
		{ { 'p', "www", RR_A, ANY, S("") }, RR_NOERROR },
		{ { 'p', "www", RR_MX, ANY, S("") }, RR_NXRRSET },
		{ { 'p', "www", RR_ANY, NONE, S("") }, RR_YXDOMAIN },
		{ { 'p', "no", RR_ANY, NONE, S("") }, RR_NOERROR },
		{ { 'p', "www", RR_TXT, NONE, S("") }, RR_YXRRSET },
		{ { 'p', "www", RR_MX, NONE, S("") }, RR_NOERROR },
		{ { 'p', "one", RR_A, RR_CLASS_IN, 0, S("\1\1\1\1") }, RR_NOERROR },
		{ { 'p', "one", RR_A, RR_CLASS_IN, 0, S("\1\1\1\2") }, RR_NXRRSET },
		{ { 'p', "www", RR_A, RR_CLASS_IN, 0, S("\1\2\3\4") },
		    RR_NXRRSET }, /* one of two */
		{ { 'p', "no", RR_A, RR_CLASS_IN, 0, S("\1\2\3\4") }, RR_NXRRSET },
		/* Out of shape. */
		{ { 'p', "www", RR_A, RR_CLASS_ANY, 1, S("") }, RR_FORMERR },
		{ { 'p', "www", RR_A, ANY, S("\1\2\3\4") }, RR_FORMERR },
		{ { 'p', "www", RR_A, NONE, S("\1\2\3\4") }, RR_FORMERR },
		{ { 'p', "www", RR_A, RR_CLASS_IN, 1, S("\1\2\3\4") }, RR_FORMERR },
		{ { 'p', "www", RR_A, RR_CLASS_IN, 0, S("\1\2\3") }, RR_FORMERR },
		{ { 'p', "www", RR_A, 3, 0, S("") }, RR_FORMERR },
		{ { 'p', "www", RR_AXFR, ANY, S("") }, RR_FORMERR },
	};
	struct authority *a = lab();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		EXPECT_INT(update(a, "all", &rows[i].line, 1), rows[i].rcode);
	/* A set by all its records, in whatever order; not twice one of them. */
	EXPECT_INT(UPDATE(a, "all", { 'p', "www", RR_A, RR_CLASS_IN, 0, S("\1\2\3\5") },
		       { 'p', "WWW", RR_A, RR_CLASS_IN, 0, S("\1\2\3\4") }),
	    RR_NOERROR);
	EXPECT_INT(UPDATE(a, "all", { 'p', "www", RR_A, RR_CLASS_IN, 0, S("\1\2\3\5") },
		       { 'p', "WWW", RR_A, RR_CLASS_IN, 0, S("\1\2\3\5") }),
	    RR_FORMERR);
	/* One that fails holds all changes up. */
	EXPECT_INT(UPDATE(a, "all", { 'p', "www", RR_ANY, ANY, S("") },
		       { 'p', "no", RR_ANY, ANY, S("") }, ADD("new", RR_A, "\1\1\1\1")),
	    RR_NXDOMAIN);
	EXPECT(there(a, "new", RR_A) == NULL && zone_serial(a->zones.of[0]) == 8);
	end(a);
}

TEST(changes)
{
	struct authority *a = lab();

	EXPECT_INT(UPDATE(a, "all", ADD("new", RR_A, "\1\1\1\1"), ADD("New", RR_A, "\1\1\1\2"),
		       ADD("www", RR_MX, "\0\1\1m\0")),
	    RR_NOERROR);
	EXPECT(there(a, "new", RR_A)->n == 2 && there(a, "www", RR_MX) != NULL);
	EXPECT_INT(zone_serial(a->zones.of[0]), 9); /* one serial for all of it */
	EXPECT_INT(UPDATE(a, "all", { 'u', "new", RR_A, NONE, S("\1\1\1\1") },
		       { 'u', "www", RR_TXT, ANY, S("") }, { 'u', "alias", RR_ANY, ANY, S("") }),
	    RR_NOERROR);
	EXPECT(there(a, "new", RR_A)->n == 1 && there(a, "www", RR_TXT) == NULL);
	EXPECT(there(a, "alias", RR_CNAME) == NULL && zone_serial(a->zones.of[0]) == 10);
	/* The order counts: away with all, then one. */
	EXPECT_INT(UPDATE(a, "all", { 'u', "www", RR_ANY, ANY, S("") },
		       ADD("www", RR_A, "\7\7\7\7")),
	    RR_NOERROR);
	EXPECT(there(a, "www", RR_A)->n == 1 && there(a, "www", RR_MX) == NULL);
	/* Nothing new, no new serial. */
	EXPECT_INT(UPDATE(a, "all", ADD("www", RR_A, "\7\7\7\7"),
		       { 'u', "no", RR_ANY, ANY, S("") }),
	    RR_NOERROR);
	EXPECT_INT(zone_serial(a->zones.of[0]), 11);
	/* Passed over in silence: CNAME beside others, the SOA, the last NS of the origin. */
	EXPECT_INT(UPDATE(a, "all", ADD("www", RR_CNAME, "\1x\0"), { 'u', "", RR_SOA, ANY, S("") },
		       { 'u', "", RR_NS, ANY, S("") }, { 'u', "", RR_NS, NONE, S("\1n\0") },
		       { 'u', "", RR_ANY, ANY, S("") }),
	    RR_NOERROR);
	EXPECT_INT(zone_serial(a->zones.of[0]), 11);
	EXPECT(there(a, "", RR_NS) != NULL);
	end(a);
}

/* Out of shape, out of the zone: all or nothing. */
TEST(nothing_by_halves)
{
	static const struct {
		struct line line;
		int rcode;
	} rows[] = {
		{ { 'u', "a", RR_A, RR_CLASS_IN, 60, S("\1\2\3") }, RR_FORMERR },
		{ { 'u', "a", RR_ANY, RR_CLASS_IN, 60, S("") }, RR_FORMERR },
		{ { 'u', "a", RR_DNAME, RR_CLASS_IN, 60, S("\0") }, RR_FORMERR },
		{ { 'u', "a", RR_A, RR_CLASS_IN, 0x80000000, S("\1\2\3\4") }, RR_FORMERR },
		{ { 'u', "a", RR_A, RR_CLASS_ANY, 1, S("") }, RR_FORMERR },
		{ { 'u', "a", RR_A, ANY, S("\1\2\3\4") }, RR_FORMERR },
		{ { 'u', "a", RR_A, RR_CLASS_NONE, 1, S("\1\2\3\4") }, RR_FORMERR },
		{ { 'u', "a", RR_ANY, NONE, S("") }, RR_FORMERR },
		{ { 'u', "a", RR_A, 3, 0, S("") }, RR_FORMERR },
	};
	struct authority *a = lab();
	struct line many[LIMIT_DNS_UPDATE_RECORDS + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		EXPECT_INT(UPDATE(a, "all", ADD("new", RR_A, "\1\1\1\1"), rows[i].line),
		    rows[i].rcode);
		EXPECT(there(a, "new", RR_A) == NULL && !zone_is_open(a->zones.of[0]));
	}
	for (size_t i = 0; i < LIMIT_DNS_UPDATE_RECORDS + 1; i++)
		many[i] = (struct line)ADD("new", RR_A, "\1\1\1\1");
	EXPECT_INT(update(a, "all", many, LIMIT_DNS_UPDATE_RECORDS + 1), RR_REFUSED);
	EXPECT_INT(update(a, "all", many, LIMIT_DNS_UPDATE_RECORDS), RR_NOERROR);
	end(a);
}

TEST(permission)
{
	struct authority *a = lab();

	EXPECT_INT(UPDATE(a, NULL, ADD("one", RR_A, "\1\1\1\3")), RR_REFUSED);
	EXPECT_INT(UPDATE(a, "one", ADD("oNe", RR_A, "\1\1\1\3")), RR_NOERROR);
	EXPECT_INT(UPDATE(a, "one", ADD("one", RR_TXT, "\1x")), RR_REFUSED);
	EXPECT_INT(UPDATE(a, "one", ADD("one", RR_A, "\1\1\1\4"), ADD("two", RR_A, "\1\1\1\4")),
	    RR_REFUSED);
	EXPECT(there(a, "one", RR_A)->n == 2);
	EXPECT_INT(UPDATE(a, "one", { 'u', "one", RR_ANY, ANY, S("") }), RR_NOERROR);
	EXPECT(there(a, "one", RR_A) == NULL);
	end(a);
}

/* The caller stores first: meanwhile others wait, and what could not be stored is not seen. */
TEST(held_open)
{
	struct authority *a = lab();
	const struct line add = ADD("new", RR_A, "\1\1\1\1");
	struct authority_ask q = { .request = slice_of(request, write_update("all", &add, 1)),
		.now_s = NOW,
		.reply = reply,
		.cap = sizeof(reply) };
	struct authority_said first, second;
	bool changed = true;

	EXPECT_INT(authority_answer(a, &q, &first), AUTHORITY_UPDATE);
	EXPECT_INT(authority_answer(a, &q, &second), AUTHORITY_LATER);
	EXPECT(there(a, "new", RR_A) == NULL);
	reply_n = authority_settle(first.update, false, NOW, reply, sizeof(reply), &changed);
	EXPECT_INT(reply[3] & DNS_RCODE, RR_SERVFAIL);
	EXPECT(!changed && there(a, "new", RR_A) == NULL);
	expect_signed();
	EXPECT_INT(authority_answer(a, &q, &first), AUTHORITY_UPDATE);
	reply_n = authority_settle(first.update, true, NOW, reply, sizeof(reply), &changed);
	EXPECT(changed && there(a, "new", RR_A) != NULL);
	end(a);
}

/* Signed questions get signed answers; wrong signatures get told so, and change nothing. */
TEST(signatures)
{
	struct authority *a = lab();
	const struct line add = ADD("new", RR_A, "\1\1\1\1");
	size_t n = write_update("all", &add, 1);
	struct dnsread r;

	request[n - 8] ^= 1; /* of the MAC */
	EXPECT_INT(ask(a, n), RR_NOTAUTH);
	EXPECT(dnsread_begin(&r, slice_of(reply, reply_n)) && r.counts[DNS_ADDITIONAL] == 1);
	n = write_update("all", &add, 1);
	request[12 + 17 + 20 + 1] ^= 2; /* the key's name */
	EXPECT_INT(ask(a, n), RR_NOTAUTH);
	EXPECT(there(a, "new", RR_A) == NULL);
	/* nsupdate asks for a record's SOA first and takes the zone from the answer. */
	n = write_update("one", NULL, 0);
	request[2] = request[3] = 0;
	EXPECT_INT(ask(a, n), RR_NOTAUTH); /* it was signed as an UPDATE */
	end(a);
}

/* A key that may see some names is given those. */
TEST(transfer_by_key)
{
	struct authority *a = lab();
	struct dns_question q = { .type = RR_AXFR, .class = RR_CLASS_IN };

	dname_set(&q.name, lab_name(LAB_ORIGIN));
	for (int all = 0; all < 2; all++) {
		struct dnswrite w;
		struct authority_ask question = { .tcp = true, .now_s = NOW, .reply = reply };
		struct authority_said said;
		static unsigned char out[DNS_MESSAGE_BYTES];

		dnswrite_begin(&w, request, sizeof(request), 0, 9, 0);
		dnswrite_question(&w, &q);
		talk = (struct tsig_talk){ 0 };
		EXPECT(find_key(NULL, lab_name(all ? "all" : "one"), &talk.key));
		EXPECT(tsig_sign(&talk, &w, NOW));
		question.request = slice_of(request, w.n);
		question.cap = sizeof(reply);
		EXPECT_INT(authority_answer(a, &question, &said), AUTHORITY_TRANSFER);
		EXPECT_INT(transfer_next(said.transfer, out, sizeof(out), NOW, &reply_n),
		    TRANSFER_LAST);
		EXPECT_INT(out[7], all ? 9 : 3);
		transfer_free(said.transfer);
	}
	end(a);
}

TESTS(TEST_ROW(prerequisites) TEST_ROW(changes) TEST_ROW(nothing_by_halves) TEST_ROW(permission)
	TEST_ROW(held_open) TEST_ROW(signatures) TEST_ROW(transfer_by_key))
