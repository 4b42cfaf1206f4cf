/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/setup/setup_private.h"

#include "unit.h"

#include <string.h>

/* What a wish becomes when it is read again; NULL: it is no configuration. */
static struct settings *
again(const struct setup_wish *w)
{
	struct settings *s;
	struct buf b;
	char *error = NULL;

	buf_init(&b, 65536);
	setup_wish_text(w, &b);
	s = settings_parse(buf_slice(&b), "aditd.yml", &error);
	if (error != NULL)
		printf("%s\n%.*s", error, PS(buf_slice(&b)));
	free(error);
	buf_fini(&b);
	return s;
}

static struct setup_wish
usual(void)
{
	return (struct setup_wish){ .domain = "tunnel.example.org",
		.directory = "letsencrypt-staging",
		.dns_mode = "challenge",
		.addresses = { "203.0.113.7", "2001:db8::7" },
		.n_addresses = 2,
		.dns_listen = { "10.0.0.7:53", "[fd00::7]:53" },
		.n_dns_listen = 2,
		.https = "443",
		.http = "80" };
}

TEST(all_is_read_again)
{
	struct setup_wish w = usual();
	struct settings *s = again(&w);

	EXPECT(s != NULL);
	if (s == NULL)
		return;
	EXPECT_SLICE(slice_str(s->domain), S("tunnel.example.org"));
	EXPECT_INT(s->https.port, 443);
	EXPECT(s->has_http && s->http.port == 80);
	EXPECT_INT(s->acme.n_cas, 1);
	EXPECT(s->acme.agree);
	EXPECT(strstr(s->acme.cas[0].directory, "staging") != NULL);
	EXPECT_INT(s->dns.n_listen, 2);
	EXPECT_INT(s->dns.n_addresses, 2);
	EXPECT_INT(s->dns.mode, SETTINGS_DNS_CHALLENGE);
	settings_unref(s);
}

/* Answers are texts of people: nothing in them becomes another key. */
TEST(a_text_stays_a_text)
{
	struct setup_wish w = usual();
	struct settings *s;

	snprintf(w.email, sizeof(w.email), "\"a\\b\"\nuser: root # @example.org");
	s = again(&w);
	EXPECT(s != NULL);
	if (s == NULL)
		return;
	EXPECT_SLICE(slice_str(s->acme.email), slice_str(w.email));
	EXPECT(strcmp(s->user, "root") != 0);
	settings_unref(s);
}

TEST(what_is_off_is_left_out)
{
	struct setup_wish w = usual();
	struct settings *s;

	snprintf(w.dns_mode, sizeof(w.dns_mode), "off");
	snprintf(w.http, sizeof(w.http), "off");
	s = again(&w);
	EXPECT(s != NULL);
	if (s == NULL)
		return;
	EXPECT(!s->has_http);
	EXPECT_INT(s->dns.n_listen, 0);
	settings_unref(s);
}

TESTS(TEST_ROW(all_is_read_again) TEST_ROW(a_text_stays_a_text) TEST_ROW(what_is_off_is_left_out))
