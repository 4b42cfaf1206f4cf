/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "hook/dyndns.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct sockaddr_storage
from(const char *text)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
		in->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
		in6->sin6_family = AF_INET6;
	return ss;
}

static const char *
family(const struct dyndns_family *f, int af)
{
	static char text[2][INET6_ADDRSTRLEN];
	char *dst = text[af == AF_INET6];

	if (f->wish == DYNDNS_SET)
		return inet_ntop(af, f->bytes, dst, INET6_ADDRSTRLEN);
	return f->wish == DYNDNS_LEAVE ? "leave" : f->wish == DYNDNS_REMOVE ? "remove" : "?";
}

/* "A AAAA" that a query asks for, of a request from that address. */
static void
expect(const char *query, const char *source, const char *want)
{
	struct sockaddr_storage ss = from(source);
	struct dyndns d;
	char got[200] = "dnserr";

	dyndns_read(&d, false, slice_str(query), S(""));
	if (dyndns_settle(&d, &ss))
		snprintf(got, sizeof(got), "%s %s", family(&d.v4, AF_INET),
		    family(&d.v6, AF_INET6));
	if (strcmp(got, want) != 0) {
		unit_faults++;
		printf("%s from %s: \"%s\", not \"%s\"\n", query, source, got, want);
	}
}

#define V4 "8.8.4.4"
#define V6 "2606:4700::9"

TEST(which_address)
{
	expect("hostname=a.z&myip=9.9.9.9", V4, "9.9.9.9 leave");
	expect("hostname=a.z&myip=" V6, V4, "leave " V6);
	expect("hostname=a.z&myip=9.9.9.9," V6, V4, "9.9.9.9 " V6);
	expect("hostname=a.z&myip=" V6 ",9.9.9.9", V4, "9.9.9.9 " V6);
	expect("hostname=a.z&myip=9.9.9.9&myipv6=" V6, V4, "9.9.9.9 " V6);
	expect("hostname=a.z&myipv4=9.9.9.9&myipv6=" V6, V4, "9.9.9.9 " V6);
	expect("hostname=a.z&myip=::ffff:9.9.9.9", V4, "9.9.9.9 leave");
	expect("hostname=a.z&myip=2606%3A4700%3A%3A9", V4, "leave " V6);
	expect("myip=9.9.9.9&myip=9.9.9.10", V4, "9.9.9.10 leave");
}

TEST(whose_own_address)
{
	expect("hostname=a.z", V4, V4 " leave");
	expect("hostname=a.z", V6, "leave " V6);
	expect("hostname=a.z", "::ffff:" V4, V4 " leave");
	expect("hostname=a.z&myip=", V4, V4 " leave");
	expect("hostname=a.z&myip=", V6, "leave " V6);
	expect("hostname=a.z&myip=0.0.0.0", V4, V4 " leave");
	expect("hostname=a.z&myip=::", V6, "leave " V6);
	expect("hostname=a.z&myip=<ipaddr>", V4, V4 " leave");
	expect("hostname=a.z&myip=%25i", V4, V4 " leave");
	expect("hostname=a.z&myip=[IP]", V6, "leave " V6);
	expect("hostname=a.z&myip=rubbish", V4, V4 " leave");
	expect("hostname=a.z&myip=1.2.3", V4, V4 " leave");
	expect("hostname=a.z&myip=<ipaddr>&myipv6=" V6, V4, V4 " " V6);
	expect("hostname=a.z&myip=9.9.9.9&myipv6=<ip6addr>", V4, "9.9.9.9 leave");
	expect("hostname=a.z&myip=9.9.9.9&myipv6=", V6, "9.9.9.9 " V6);
	expect("hostname=a.z", "", "dnserr");
	expect("hostname=a.z", "127.0.0.1", "dnserr");
	expect("hostname=a.z", "100.64.0.7", "dnserr");
}

TEST(what_nobody_can_reach)
{
	expect("myip=192.168.178.20", V4, V4 " leave");
	expect("myip=100.64.1.2", V4, V4 " leave");
	expect("myip=203.0.113.9", V4, V4 " leave");
	expect("myip=10.0.0.1", V6, "dnserr");
	expect("myip=10.0.0.1", "10.0.0.1", "dnserr");
	expect("myip=fd00::1", V4, "dnserr");
	expect("myip=fe80::1%25eth0", V6, "leave " V6);
	/* behind a provider's NAT, with IPv6 of his own */
	expect("myip=100.64.1.2&myipv6=" V6, "100.64.1.2", "leave " V6);
	expect("myip=224.0.0.1", "", "dnserr");
}

TEST(within_a_private_network)
{
	struct sockaddr_storage ss = from("10.0.0.9");
	struct dyndns d;

	dyndns_read(&d, true, S("hostname=a.z"), S(""));
	EXPECT(dyndns_settle(&d, &ss));
	EXPECT_SLICE(slice_str(family(&d.v4, AF_INET)), S("10.0.0.9"));
	dyndns_read(&d, true, S("myip=192.168.1.2,fd00::1"), S(""));
	EXPECT(dyndns_settle(&d, &ss));
	EXPECT_SLICE(slice_str(family(&d.v4, AF_INET)), S("192.168.1.2"));
	EXPECT_SLICE(slice_str(family(&d.v6, AF_INET6)), S("fd00::1"));
	dyndns_read(&d, true, S("myip=224.0.0.1"), S(""));
	ss = from("203.0.113.9");
	EXPECT(!dyndns_settle(&d, &ss));
}

TEST(words_in_place_of_addresses)
{
	expect("myip=9.9.9.9&myipv6=preserve", V6, "9.9.9.9 leave");
	expect("myip=9.9.9.9&myipv6=no", V6, "9.9.9.9 remove");
	expect("myipv4=no&myipv6=" V6, V4, "remove " V6);
	expect("offline=yes&myip=9.9.9.9", V4, "remove remove");
	expect("offline=no&myip=9.9.9.9", V4, "9.9.9.9 leave");
}

TEST(a_machine_behind_the_router)
{
	expect("ip6lanprefix=2606:4700:0:1::/64&iid=::1:2:3:4", V4, "leave 2606:4700:0:1:1:2:3:4");
	expect("myip=9.9.9.9&ip6lanprefix=2606:4700:0:1::/56&iid=::1:2:3:4", V4,
	    "9.9.9.9 2606:4700:0:1:1:2:3:4");
	/* without an interface id, or with one that is none, the prefix says nothing */
	expect("myip=9.9.9.9&ip6lanprefix=2606:4700:0:1::/64", V4, "9.9.9.9 leave");
	expect("myip=9.9.9.9&ip6lanprefix=2606:4700:0:1::/64&iid=1:2::3", V4, "9.9.9.9 leave");
	expect("myip=9.9.9.9&ip6lanprefix=2606:4700:0:1::/96&iid=::1", V4, "9.9.9.9 leave");
	expect("myip=9.9.9.9&ip6lanprefix=<ip6lanprefix>&iid=::1", V4, "9.9.9.9 leave");
}

TEST(names)
{
	struct dyndns d;
	char query[3000] = "hostname=";

	dyndns_read(&d, false, S("system=dyndns&hostname=Home.Z,%20nas.z&myip=9.9.9.9"), S(""));
	EXPECT_INT(d.n_hosts, 2);
	EXPECT_SLICE(slice_str(d.hosts[0]), S("home.z"));
	EXPECT_SLICE(slice_str(d.hosts[1]), S("nas.z"));
	dyndns_read(&d, false, S("x=1"), S("hostname=a.z&myip=9.9.9.9"));
	EXPECT_INT(d.n_hosts, 1);
	EXPECT_INT(d.v4.wish, DYNDNS_SET);
	dyndns_read(&d, false, S("hostname="), S(""));
	EXPECT_INT(d.n_hosts, 0);
	dyndns_read(&d, false, S("hostname=a%00b.z,c%0Ad.z"), S(""));
	EXPECT_INT(d.n_hosts, 2);
	EXPECT_SLICE(slice_str(d.hosts[0]), S(""));
	EXPECT_SLICE(slice_str(d.hosts[1]), S("c?d.z"));
	for (int i = 0; i < DYNDNS_HOSTS; i++)
		strcat(query, "a.z,");
	dyndns_read(&d, false, slice_str(query), S(""));
	EXPECT_INT(d.n_hosts, DYNDNS_HOSTS);
	strcat(query, "a.z");
	dyndns_read(&d, false, slice_str(query), S(""));
	EXPECT_INT(d.n_hosts, DYNDNS_HOSTS + 1);
	memset(query + 9, 'a', 400);
	query[409] = '\0';
	dyndns_read(&d, false, slice_str(query), S(""));
	EXPECT_INT(d.n_hosts, 1);
	EXPECT_SLICE(slice_str(d.hosts[0]), S(""));
}

TEST(lines)
{
	struct sockaddr_storage ss = from(V4);
	char addresses[DYNDNS_ANSWER_BYTES], line[DYNDNS_ANSWER_BYTES + 16];
	struct dyndns d;

	dyndns_read(&d, false, S("myip=9.9.9.9," V6), S(""));
	EXPECT(dyndns_settle(&d, &ss));
	dyndns_addresses(&d, addresses);
	EXPECT_SLICE(slice_of(line, dyndns_line(DYNDNS_GOOD, addresses, line)),
	    S("good 9.9.9.9," V6 "\n"));
	EXPECT_SLICE(slice_of(line, dyndns_line(DYNDNS_NOCHG, "", line)), S("nochg\n"));
	EXPECT_SLICE(slice_of(line, dyndns_line(DYNDNS_NOT_YOURS, addresses, line)), S("!yours\n"));
	EXPECT_SLICE(slice_of(line, dyndns_line(DYNDNS_LATER, addresses, line)), S("911\n"));
	EXPECT_INT(dyndns_status(DYNDNS_BADAUTH), 401);
	EXPECT_SLICE(slice_str(dyndns_word(DYNDNS_ABUSE)), S("abuse"));
}

TESTS(TEST_ROW(which_address) TEST_ROW(whose_own_address) TEST_ROW(what_nobody_can_reach)
	TEST_ROW(words_in_place_of_addresses) TEST_ROW(a_machine_behind_the_router)
	    TEST_ROW(within_a_private_network) TEST_ROW(names) TEST_ROW(lines))
