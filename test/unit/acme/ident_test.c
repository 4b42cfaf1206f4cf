/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/ident.h"

#include "unit.h"

TEST(read)
{
	static const struct {
		const char *in, *text; /* text NULL: refused */
		bool wildcard;
		int ip_n;
	} rows[] = {
		{ "a.example.org", "a.example.org", false, 0 },
		{ "A.Example.ORG.", "a.example.org", false, 0 },
		{ "*.example.org", "*.example.org", true, 0 },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example", false, 0 },
		{ "203.0.113.9", "203.0.113.9", false, 4 },
		{ "2001:DB8:0:0::1", "2001:db8::1", false, 16 },
		{ "", NULL, false, 0 },
		{ "localhost", NULL, false, 0 },
		{ "*", NULL, false, 0 },
		{ "*.org", NULL, false, 0 },
		{ "a.*.example.org", NULL, false, 0 },
		{ "*.*.example.org", NULL, false, 0 },
		{ "a..example.org", NULL, false, 0 },
		{ "a_b.example.org", NULL, false, 0 },
		{ "-a.example.org", NULL, false, 0 },
		{ "a b.example.org", NULL, false, 0 },
		{ "1.2.3", NULL, false, 0 },
		{ "1.2.3.4.5", NULL, false, 0 },
		{ "a.example.org/", NULL, false, 0 },
		{ "\xc3\xa4.example", NULL, false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ident id = { .text = "?" };
		const char *why = ident_read(slice_str(rows[i].in), &id);

		EXPECT((why == NULL) == (rows[i].text != NULL));
		EXPECT_SLICE(slice_str(id.text),
		    slice_str(rows[i].text == NULL ? "?" : rows[i].text));
		EXPECT(id.wildcard == rows[i].wildcard && id.ip_n == rows[i].ip_n);
	}
}

TEST(bounds)
{
	char name[400];
	struct ident id;

	memset(name, 'a', sizeof(name));
	for (size_t i = 63; i < sizeof(name); i += 64)
		name[i] = '.';
	EXPECT(ident_read(slice_of(name, 253), &id) == NULL);
	EXPECT(ident_read(slice_of(name, 254), &id) != NULL);
	name[63] = 'a'; /* a label of 127 */
	EXPECT(ident_read(slice_of(name, 200), &id) != NULL);
	EXPECT(ident_read(slice_of("a.b\0c", 5), &id) != NULL);
}

TEST(parts)
{
	struct ident a, b;
	char z[IDENT_REVERSE_BYTES];

	EXPECT(ident_read(S("*.example.org"), &a) == NULL &&
	       ident_read(S("example.org"), &b) == NULL);
	EXPECT_SLICE(slice_str(ident_base(&a)), S("example.org"));
	EXPECT(!ident_eq(&a, &b) && ident_eq(&a, &a));
	EXPECT_SLICE(slice_str(ident_type(&a)), S("dns"));
	EXPECT(ident_read(S("203.0.113.9"), &a) == NULL);
	ident_reverse(&a, z);
	EXPECT_SLICE(slice_str(z), S("9.113.0.203.in-addr.arpa"));
	EXPECT_SLICE(slice_str(ident_type(&a)), S("ip"));
	EXPECT(ident_read(S("2001:db8::1"), &a) == NULL);
	ident_reverse(&a, z);
	EXPECT_SLICE(slice_str(z),
	    S("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"));
}

TESTS(TEST_ROW(read) TEST_ROW(bounds) TEST_ROW(parts))
