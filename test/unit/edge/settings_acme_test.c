/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "acme/challenge.h"
#include "edge/core/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LEAST "domain: example.org\nacme: "

static struct settings *
parse(const char *text)
{
	char *error = NULL;
	struct settings *s = settings_parse(slice_str(text), "/etc/aditd.yml", &error);

	if (s == NULL)
		printf("refused: %s\n", error);
	EXPECT(s != NULL);
	free(error);
	return s;
}

static void
refused(const char *text, const char *want)
{
	char *error = NULL;
	struct settings *s = settings_parse(slice_str(text), "/etc/aditd.yml", &error);

	EXPECT(s == NULL);
	EXPECT_SLICE(slice_str(error), slice_str(want));
	settings_unref(s);
	free(error);
}

TEST(everything_is_read)
{
	struct settings *s = parse(LEAST
	    "\n  directory: google\n  ca_file: roots.pem\n  email: ops@example.org\n"
	    "  agree_to_terms: yes\n  profile: shortlived\n  ip: 203.0.113.9\n"
	    "  challenges: [http-01, dns-persist-01]\n"
	    "  eab: { key_id: k1, hmac_file: /x/hmac }\n"
	    "  fallback:\n    - letsencrypt\n"
	    "    - { directory: \"https://ca.test/dir\", eab: { key_id: k2, hmac_file: h } }\n");
	const struct settings_acme *a = &s->acme;

	EXPECT_INT(a->n_cas, 3);
	EXPECT_SLICE(slice_str(a->cas[0].directory),
	    S("https://dv.acme-v02.api.pki.goog/directory"));
	EXPECT_SLICE(slice_str(a->cas[0].ca_file), S("/etc/roots.pem"));
	EXPECT_SLICE(slice_str(a->cas[0].eab_key_id), S("k1"));
	EXPECT_SLICE(slice_str(a->cas[0].eab_hmac_file), S("/x/hmac"));
	EXPECT_SLICE(slice_str(a->cas[1].directory),
	    S("https://acme-v02.api.letsencrypt.org/directory"));
	EXPECT_SLICE(slice_str(a->cas[2].directory), S("https://ca.test/dir"));
	EXPECT_SLICE(slice_str(a->cas[2].eab_hmac_file), S("/etc/h"));
	EXPECT_SLICE(slice_str(a->email), S("ops@example.org"));
	EXPECT_SLICE(slice_str(a->profile), S("shortlived"));
	EXPECT_SLICE(slice_str(a->ip), S("203.0.113.9"));
	EXPECT_INT(a->challenges, CHALLENGE_CAN(CHALLENGE_HTTP) | CHALLENGE_CAN(CHALLENGE_PERSIST));
	settings_unref(s);
}

TEST(least)
{
	struct settings *s = parse(LEAST "{ agree_to_terms: yes }\n");

	EXPECT_INT(s->acme.n_cas, 1);
	EXPECT_SLICE(slice_str(s->acme.cas[0].directory),
	    S("https://acme-v02.api.letsencrypt.org/directory"));
	EXPECT_INT(s->n_certs, 0);
	settings_unref(s);
	/* The words stand in the order of enum challenge_kind. */
	s = parse(LEAST "{ agree_to_terms: yes, challenges: [dns-01, tls-alpn-01] }\n");
	EXPECT_INT(s->acme.challenges,
	    CHALLENGE_CAN(CHALLENGE_DNS) | CHALLENGE_CAN(CHALLENGE_ALPN));
	settings_unref(s);
}

TEST(mistakes_have_a_place_and_a_remedy)
{
	refused(LEAST "{}\n",
	    "/etc/aditd.yml:2:7: acme: \"agree_to_terms: yes\" is missing: a CA gives certificates "
	    "only to those who agree to its terms of service");
	refused(LEAST "{ directory: \"http://ca.test/\", agree_to_terms: yes }\n",
	    "/etc/aditd.yml:2:20: acme.directory: letsencrypt, letsencrypt-staging, google, "
	    "zerossl "
	    "or the https:// URL of a CA's directory is wanted");
	refused(LEAST "{ agree_to_terms: yes, ip: example.org }\n",
	    "/etc/aditd.yml:2:34: acme.ip: the edge's public address is wanted, such as "
	    "203.0.113.9");
	refused(LEAST "{ agree_to_terms: yes, challenges: [dns-02] }\n",
	    "/etc/aditd.yml:2:43: acme.challenges[1]: dns-01, tls-alpn-01, http-01 or "
	    "dns-persist-01 "
	    "is wanted");
	refused(LEAST "{ agree_to_terms: yes, eab: { key_id: x } }\n",
	    "/etc/aditd.yml:2:7: acme: eab: key_id and hmac_file are both needed");
	refused(LEAST "{ agree_to_terms: yes, fallback: [google] }\n",
	    "/etc/aditd.yml:2:41: acme.fallback[1]: an account of this CA is needed: eab: { "
	    "key_id:, "
	    "hmac_file: }");
	refused(LEAST "{ agree_to_terms: yes, mail: x }\n",
	    "/etc/aditd.yml:2:30: acme.mail: no such key; did you mean \"email\"?");
}

/* As CAs show them: base64url, with a line's end and padding. */
TEST(keys_of_external_accounts)
{
	char path[] = "/tmp/adit-hmac-XXXXXX", text[512];
	struct settings *s, *next;
	char *error;
	FILE *f = fdopen(mkstemp(path), "w");

	EXPECT(f != NULL && fputs("_-8=\n", f) >= 0 && fclose(f) == 0);
	snprintf(text, sizeof(text),
	    LEAST "{ agree_to_terms: yes, eab: { key_id: k, hmac_file: %s } }\n", path);
	s = parse(text);
	next = parse(text);
	EXPECT(settings_acme_keys(&s->acme) == NULL);
	EXPECT_SLICE(s->acme.cas[0].eab_hmac, S("\xff\xef"));
	/* Root's rights are gone at a reload: what was read at the start is kept. */
	settings_acme_keep_keys(&next->acme, &s->acme);
	EXPECT_SLICE(next->acme.cas[0].eab_hmac, S("\xff\xef"));
	settings_unref(s);
	settings_unref(next);
	f = fopen(path, "w");
	EXPECT(f != NULL && fputs("not base64!", f) >= 0 && fclose(f) == 0);
	s = parse(text);
	error = settings_acme_keys(&s->acme);
	EXPECT(error != NULL && strstr(error, "as the CA shows it") != NULL);
	free(error);
	unlink(path);
	error = settings_acme_keys(&s->acme);
	EXPECT(error != NULL && strstr(error, "No such file") != NULL);
	free(error);
	settings_unref(s);
}

TEST(authorities_that_cannot_be_read_have_a_place)
{
	struct settings *s = parse(LEAST "{ agree_to_terms: yes, ca_file: /x/none.pem }\n");
	char *error = settings_acme_trust(&s->acme);

	EXPECT(error != NULL && strncmp(error, "/etc/aditd.yml:2:39: acme: ca_file: ", 36) == 0 &&
	       strstr(error, "chmod a+r /x/none.pem") != NULL);
	free(error);
	settings_unref(s);
	s = parse(LEAST "{ agree_to_terms: yes }\n");
	EXPECT(settings_acme_trust(&s->acme) == NULL);
	settings_unref(s);
}

TESTS(TEST_ROW(everything_is_read) TEST_ROW(least) TEST_ROW(mistakes_have_a_place_and_a_remedy)
	TEST_ROW(keys_of_external_accounts) TEST_ROW(authorities_that_cannot_be_read_have_a_place))
