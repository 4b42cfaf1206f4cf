/* SPDX-License-Identifier: Apache-2.0 */
#include "dns_lab.h"

#include "base/limits.h"
#include "base/rand.h"
#include "dns/zone_private.h"

#define ADDRESS S("\1\2\3\4")

static const struct lab_row rows[] = {
	{ "", RR_NS, S("\2ns\7example\3net\0") },
	{ "www", RR_A, S("\1\2\3\4") },
	{ "a.b.c", RR_TXT, S("\1x") },
	/* RFC 4592 2.2.1 in small. */
	{ "*", RR_MX, S("\0\1\4mail\0") },
	{ "sub.*", RR_TXT, S("\1y") },
	{ "host1", RR_A, S("\1\2\3\5") },
	{ "_ssh._tcp.host1", RR_SRV, S("\0\0\0\0\0\1\0") },
	{ "sub", RR_NS, S("\2ns\3sub\7example\3org\0") },
	{ "ns.sub", RR_A, S("\1\2\3\6") },
	{ "low.sub", RR_NS, S("\1x\0") },
	{ "*.wild", RR_A, S("\1\2\3\7") },
};

static struct zone *
filled(void)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 7);

	lab_fill(z, rows, sizeof(rows) / sizeof(*rows));
	return z;
}

static enum zone_found
find(const struct zone *z, const char *name, struct zone_hit *hit)
{
	zone_find(z, lab_below(name), hit);
	EXPECT((hit->node == NULL) == (hit->found == ZONE_NOTHING));
	return hit->found;
}

TEST(serials)
{
	EXPECT(zone_serial_newer(1, 0) && !zone_serial_newer(0, 1) && !zone_serial_newer(5, 5));
	EXPECT(zone_serial_newer(0, UINT32_MAX) && zone_serial_newer(0x7fffffff, 0));
	/* Half of the circle apart: neither is newer (RFC 1982 3.2). */
	EXPECT(!zone_serial_newer(0x80000000, 0) && !zone_serial_newer(0, 0x80000000));
}

TEST(found)
{
	static const struct {
		const char *name;
		enum zone_found found;
		bool exact;
	} want[] = {
		{ "", ZONE_NAME, true },
		{ "WWW", ZONE_NAME, true },
		{ "a.b.c", ZONE_NAME, true },
		{ "b.c", ZONE_NAME, true }, /* empty non-terminals */
		{ "c", ZONE_NAME, true },
		{ "x.b.c", ZONE_NOTHING, false }, /* "*" does not stand below names that exist */
		{ "x.www", ZONE_NOTHING, false },
		{ "host3", ZONE_WILD, false },
		{ "foo.bar", ZONE_WILD, false },
		{ "*", ZONE_NAME, true },
		{ "sub.*", ZONE_NAME, true },
		{ "x.*", ZONE_NOTHING, false },
		{ "_telnet._tcp.host1", ZONE_NOTHING, false },
		{ "_tcp.host1", ZONE_NAME, true },
		{ "sub", ZONE_CUT, true },
		{ "ns.sub", ZONE_CUT, false },
		{ "a.low.sub", ZONE_CUT, false }, /* of two cuts the upper one */
		{ "wild", ZONE_NAME, true },
		{ "1.2.3.wild", ZONE_WILD, false },
		{ "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", ZONE_WILD, false },
	};
	struct zone *z = filled();
	struct zone_hit hit;

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		EXPECT_INT(find(z, want[i].name, &hit), want[i].found);
		EXPECT_INT(hit.exact, want[i].exact);
	}
	find(z, "a.low.sub", &hit);
	EXPECT_SLICE(zone_node_name(hit.node), lab_below("sub"));
	EXPECT(find(z, "b.c", &hit) == ZONE_NAME && zone_sets(hit.node) == NULL);
	EXPECT(zone_node_of(z, lab_below("NS.sub")) != NULL);
	EXPECT(zone_node_of(z, lab_below("no.sub")) == NULL);
	zone_free(z);
}

/* The trap of facts: a name below takes its parent away from the wildcard. */
TEST(a_name_below_switches_the_wildcard_off)
{
	struct zone *z = filled();
	struct zone_hit hit;
	struct change *c;

	EXPECT_INT(find(z, "foo", &hit), ZONE_WILD);
	lab_add(z, "_acme-challenge.foo", RR_TXT, S("\1x"));
	EXPECT_INT(find(z, "foo", &hit), ZONE_NAME);
	EXPECT(zone_sets(hit.node) == NULL);
	c = change_begin(z);
	EXPECT_INT(change_del_name(c, lab_below("_acme-challenge.foo")), CHANGE_OK);
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	EXPECT_INT(find(z, "foo", &hit), ZONE_WILD);
	zone_free(z);
}

TEST(steps_of_a_change)
{
	struct zone *z = filled();
	struct change *c = change_begin(z);
	const struct rrset *s;
	struct slice r;
	size_t at = 0;

	EXPECT(change_begin(z) == NULL && zone_is_open(z)); /* one at a time */
	EXPECT_INT(change_add(c, lab_name("example.com"), RR_A, 1, ADDRESS), CHANGE_OUTSIDE);
	EXPECT_INT(change_add(c, lab_name("xexample.org"), RR_A, 1, ADDRESS), CHANGE_OUTSIDE);
	EXPECT_INT(change_add(c, lab_below("x"), RR_SOA, 1, ADDRESS), CHANGE_TYPE);
	EXPECT_INT(change_add(c, lab_below("x"), RR_ANY, 1, ADDRESS), CHANGE_TYPE);
	EXPECT_INT(change_add(c, lab_below("x"), RR_OPT, 1, ADDRESS), CHANGE_TYPE);
	EXPECT_INT(change_add(c, lab_below("*.x"), RR_NS, 1, S("\0")), CHANGE_TYPE);
	EXPECT_INT(change_add(c, lab_below("x"), RR_A, 1, S("\1\2\3")), CHANGE_RDATA);
	EXPECT_INT(change_add(c, lab_below("x"), RR_CNAME, 1, S("\1a")), CHANGE_RDATA);
	EXPECT_INT(change_add(c, lab_below("www"), RR_CNAME, 1, S("\1a\0")), CHANGE_CNAME);
	EXPECT_INT(change_add(c, lab_below(""), RR_CNAME, 1, S("\1a\0")), CHANGE_CNAME);
	EXPECT_INT(change_add(c, lab_below("alias"), RR_CNAME, 1, S("\1A\0")), CHANGE_OK);
	EXPECT_INT(change_add(c, lab_below("alias"), RR_A, 1, ADDRESS), CHANGE_CNAME);
	/* A CNAME replaces another one; names in RDATA are kept in lower case. */
	EXPECT_INT(change_add(c, lab_below("alias"), RR_CNAME, 1, S("\1B\0")), CHANGE_OK);
	s = change_set(c, lab_below("Alias"), RR_CNAME);
	EXPECT(s != NULL && s->n == 1 && rrset_next(s, &at, &r) && slice_eq(r, S("\1b\0")));
	/* One TTL for a set; the same record twice is one. */
	EXPECT_INT(change_add(c, lab_below("www"), RR_A, 9, S("\5\5\5\5")), CHANGE_OK);
	EXPECT_INT(change_add(c, lab_below("www"), RR_A, 8, S("\5\5\5\5")), CHANGE_OK);
	s = change_set(c, lab_below("www"), RR_A);
	EXPECT(s->n == 2 && s->ttl == 8 && rrset_has(s, ADDRESS));
	EXPECT_INT(change_del(c, lab_below("www"), RR_A, ADDRESS), CHANGE_OK);
	EXPECT(change_set(c, lab_below("www"), RR_A)->n == 1);
	EXPECT_INT(change_del(c, lab_below("www"), RR_A, S("\5\5\5\5")), CHANGE_OK);
	EXPECT(change_set(c, lab_below("www"), RR_A) == NULL);
	EXPECT(!change_has_name(c, lab_below("www")) && change_has_name(c, lab_below("alias")));
	/* What makes a zone stays. */
	EXPECT_INT(change_del_set(c, lab_below(""), RR_SOA), CHANGE_TYPE);
	EXPECT_INT(change_del_set(c, lab_below(""), RR_NS), CHANGE_TYPE);
	EXPECT_INT(change_del(c, lab_below(""), RR_NS, S("\2NS\7example\3net\0")), CHANGE_TYPE);
	EXPECT_INT(change_del_name(c, lab_below("")), CHANGE_OK);
	EXPECT(change_set(c, lab_below(""), RR_NS) != NULL);
	/* What is not there is deleted already. */
	EXPECT_INT(change_del(c, lab_below("no"), RR_A, ADDRESS), CHANGE_OK);
	EXPECT_INT(change_del_set(c, lab_below("no"), RR_A), CHANGE_OK);
	EXPECT_INT(change_del_name(c, lab_below("no")), CHANGE_OK);
	EXPECT_INT(change_del_name(c, lab_name("no")), CHANGE_OUTSIDE);
	change_cancel(c);
	EXPECT(zone_serial(z) == 8 && !zone_is_open(z));
	EXPECT(zone_node_of(z, lab_below("alias")) == NULL);
	EXPECT(zone_set(zone_node_of(z, lab_below("www")), RR_A)->n == 1);
	zone_free(z);
}

TEST(large_sets)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 7);
	struct change *c = change_begin(z);
	unsigned char rdata[256] = { 255 };
	unsigned n = 0;

	do {
		rdata[1] = (unsigned char)n;
		n++;
	} while (n < 200 &&
		 change_add(c, lab_below("x"), RR_TXT, 1, slice_of(rdata, 256)) == CHANGE_OK);
	EXPECT_INT(n, LIMIT_DNS_SET_BYTES / 258 + 1);
	EXPECT_INT(change_add(c, lab_below("x"), 1234, 1, slice_of(rdata, 0)), CHANGE_OK);
	change_cancel(c);
	zone_free(z);
}

TEST(serial_and_journal)
{
	struct zone *z = lab_zone(LAB_ORIGIN, UINT32_MAX - 1);
	const struct rrset *was, *is;
	const struct change_row *row = NULL;
	struct zone_edition *e;
	struct change *c;
	struct slice name;

	lab_add(z, "a", RR_A, ADDRESS);
	EXPECT_INT(zone_serial(z), UINT32_MAX);
	lab_add(z, "b", RR_A, ADDRESS);
	EXPECT_INT(zone_serial(z), 1); /* 0 is left out */
	/* Nothing new: no new serial. */
	c = change_begin(z);
	EXPECT_INT(change_add(c, lab_below("a"), RR_A, 60, ADDRESS), CHANGE_OK);
	EXPECT_INT(change_del_name(c, lab_below("b")), CHANGE_OK);
	EXPECT_INT(change_add(c, lab_below("b"), RR_A, 60, ADDRESS), CHANGE_OK);
	EXPECT(change_next(c, &row, &name, &was, &is) && rrset_eq(was, is));
	EXPECT_SLICE(name, lab_below("b"));
	EXPECT(!change_next(c, &row, &name, &was, &is));
	EXPECT_INT(change_commit(c), CHANGE_NONE);
	EXPECT_INT(zone_serial(z), 1);
	e = zone_edition_since(z, UINT32_MAX - 1);
	EXPECT(e != NULL && e->to == UINT32_MAX && e->n == 2 && e->next != NULL);
	EXPECT(e->next->to == 1 && e->next->next == NULL);
	EXPECT(zone_edition_since(z, 1) == NULL && zone_edition_since(z, 5) == NULL);
	EXPECT(e->pairs[1].was == NULL && e->pairs[1].is->type == RR_A);
	zone_free(z);
}

TEST(journal_is_bounded)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 1);
	struct zone_figures f;
	char name[32];

	for (unsigned i = 0; i < LIMIT_DNS_JOURNAL / 2 + 100; i++) {
		snprintf(name, sizeof(name), "n%u", i % 50);
		lab_add(z, name, RR_TXT, slice_of("\4abcd", 5));
		if (i % 50 == 49) {
			struct change *c = change_begin(z);

			for (unsigned k = 0; k < 50; k++) {
				snprintf(name, sizeof(name), "n%u", k);
				EXPECT_INT(change_del_name(c, lab_below(name)), CHANGE_OK);
			}
			EXPECT_INT(change_commit(c), CHANGE_MADE);
		}
	}
	zone_figures(z, &f);
	EXPECT(f.editions > LIMIT_DNS_JOURNAL / 4 && f.editions <= LIMIT_DNS_JOURNAL / 2);
	EXPECT(zone_edition_since(z, 1) == NULL);
	zone_free(z);
}

/* A picture that is held shows what was, whatever comes, and outlives its zone. */
TEST(images)
{
	struct zone *z = filled();
	struct zone_image *a = zone_image_ref(z), *b = zone_image_ref(z), *later;
	struct change *c;

	EXPECT(a == b && a->n == sizeof(rows) / sizeof(*rows) && a->serial == 8);
	c = change_begin(z);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		EXPECT_INT(change_del_name(c, lab_below(rows[i].name)), CHANGE_OK);
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	later = zone_image_ref(z);
	EXPECT(later != a && later->n == 1); /* the origin's NS */
	zone_image_unref(later);
	zone_free(z);
	EXPECT_INT(a->n, sizeof(rows) / sizeof(*rows));
	for (size_t i = 0; i < a->n; i++)
		EXPECT(dname_in(rrset_owner(a->sets[i]), lab_name(LAB_ORIGIN)));
	zone_image_unref(a);
	zone_image_unref(b);
}

/* Names come and go by chance; the zone is as empty as before in the end, to the byte. */
TEST(nothing_is_left)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 1);
	struct zone_figures before, after;
	char name[64];

	zone_figures(z, &before);
	EXPECT_INT(before.names, 1);
	for (int i = 0; i < 3000; i++) {
		struct change *c = change_begin(z);

		for (int k = 0; k < 5; k++) {
			enum change_result result;

			snprintf(name, sizeof(name), "%c.%c.%c", "abc*"[rand_below(4)],
			    "abc"[rand_below(3)], "ab*"[rand_below(3)]);
			result = rand_below(2) == 0
				     ? change_add(c, lab_below(name + 2 * rand_below(3)), RR_NS, 1,
					   S("\1x\0"))
				     : change_del_name(c, lab_below(name + 2 * rand_below(3)));
			EXPECT(result == CHANGE_OK || result == CHANGE_TYPE);
		}
		if (rand_below(5) == 0)
			change_cancel(c);
		else
			EXPECT(change_commit(c) <= CHANGE_NONE);
	}
	for (struct map_node *at = NULL; (at = map_walk(&z->nodes, at)) != NULL;) {
		struct zone_node *node = map_of(at, struct zone_node, map_node);

		EXPECT(node == z->apex || node->sets != NULL || node->children > 0);
		EXPECT(node->cut == (node != z->apex && zone_set(node, RR_NS) != NULL));
	}
	while (z->nodes.n > 1) {
		struct change *c = change_begin(z);

		for (struct map_node *at = NULL; (at = map_walk(&z->nodes, at)) != NULL;)
			EXPECT_INT(change_del_name(c,
				       zone_node_name(map_of(at, struct zone_node, map_node))),
			    CHANGE_OK);
		EXPECT_INT(change_commit(c), CHANGE_MADE);
	}
	zone_figures(z, &after);
	EXPECT(after.names == 1 && after.bytes - before.bytes < 100); /* the NS of the origin */
	EXPECT_INT(z->n_cuts, 0);
	EXPECT(!z->apex->has_wild && z->apex->children == 0);
	zone_free(z);
}

/* The zone is as it was where a change would make it too large; below the ceiling there is room. */
TEST(names_have_a_ceiling)
{
	struct zone *z = lab_zone(LAB_ORIGIN, 1);
	char name[64];

	for (unsigned over = 2; over-- > 0;) {
		struct change *c = change_begin(z);

		for (unsigned i = 0; i < LIMIT_DNS_NAMES - 1 + over; i++) {
			snprintf(name, sizeof(name), "%u.example.org", i);
			if (change_add(c, lab_name(name), RR_A, 1, ADDRESS) != CHANGE_OK)
				EXPECT(i == 0);
		}
		EXPECT_INT(change_commit(c), over > 0 ? CHANGE_FULL : CHANGE_MADE);
		EXPECT_INT(z->nodes.n, over > 0 ? 1 : LIMIT_DNS_NAMES);
	}
	zone_free(z);
}

/* What a name of 100,000 costs, told and bounded. */
TEST(memory_of_a_name)
{
	struct zone *z = lab_zone("tunnel.example.org", 1);
	struct change *c = change_begin(z);
	struct zone_figures f;

	for (unsigned i = 0; i < 100000; i++) {
		unsigned char address[4] = { 10, (unsigned char)(i >> 16), (unsigned char)(i >> 8),
			(unsigned char)i };
		char name[64];

		snprintf(name, sizeof(name), "name-%u.tunnel.example.org", i);
		EXPECT_INT(change_add(c, lab_name(name), RR_A, 60, slice_of(address, 4)),
		    CHANGE_OK);
	}
	EXPECT_INT(change_commit(c), CHANGE_MADE);
	zone_figures(z, &f);
	printf("     %zu names, %zu bytes a name\n", f.names, f.bytes / f.names);
	EXPECT(f.names == 100001 && f.records == 100001 && f.bytes / f.names < 220);
	EXPECT(f.editions == 0); /* a change that is larger than the journal is not kept */
	zone_free(z);
}

TESTS(TEST_ROW(serials) TEST_ROW(found) TEST_ROW(a_name_below_switches_the_wildcard_off)
	TEST_ROW(steps_of_a_change) TEST_ROW(large_sets) TEST_ROW(serial_and_journal)
	    TEST_ROW(journal_is_bounded) TEST_ROW(images) TEST_ROW(nothing_is_left)
		TEST_ROW(names_have_a_ceiling) TEST_ROW(memory_of_a_name))
