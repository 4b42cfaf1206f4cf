/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/limits.h"
#include "edge/core/settings.h"

#define LEAST "domain: example.org\ncertificates: [{ cert: a.pem, key: /k.pem }]\n"

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

/* The text is refused with exactly this sentence. */
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

/* An address in place of a domain. */
TEST(an_edge_without_a_domain)
{
	struct settings *s = parse("acme: { ip: 203.0.113.7, agree_to_terms: yes }\n"
				   "default_tunnel: Jenkins\nresolver: 9.9.9.9\n");

	EXPECT_SLICE(slice_str(s->domain), S("203.0.113.7"));
	EXPECT_SLICE(slice_str(s->default_tunnel), S("jenkins"));
	EXPECT_SLICE(slice_str(s->resolver.host), S("9.9.9.9"));
	settings_unref(s);
	s = parse("acme: { ip: \"2001:DB8::7\", agree_to_terms: yes }\n");
	EXPECT_SLICE(slice_str(s->domain), S("[2001:db8::7]"));
	settings_unref(s);
}

TEST(everything_is_read)
{
	struct settings *s =
	    parse("domain: Tunnel.Example.ORG.\n"
		  "certificates:\n"
		  "  - { cert: a.pem, key: sub/a.key }\n"
		  "  - { cert: /x/b.pem, key: /x/b.key }\n"
		  "inbox:\n" /* without a key: as if it was not there */
		  "state_dir: state\nuser: nobody\ngroup: nogroup\nworkers: 3\n"
		  "public_port: 8443\nhttp: serve\nvia: edge-1.example:443\n"
		  "trusted_proxies: [10.0.0.0/8, \"2001:db8::/32\"]\n"
		  "listen: { https: 8443, http: \"127.0.0.1:80\", control: \"unix:/run/x\" }\n"
		  "tcp_ports: { from: 1000, to: 2000, address: \"::1\" }\n"
		  "log: { level: warn, format: json, access: false }\n"
		  "limits: { body_bytes: 5, head_ms: 100, visitors_per_address: 7 }\n");

	EXPECT_SLICE(slice_str(s->domain), S("tunnel.example.org"));
	EXPECT_INT(s->n_certs, 2);
	EXPECT_SLICE(slice_str(s->certs[0].cert_path), S("/etc/a.pem"));
	EXPECT_SLICE(slice_str(s->certs[0].key_path), S("/etc/sub/a.key"));
	EXPECT_SLICE(slice_str(s->certs[1].cert_path), S("/x/b.pem"));
	EXPECT_SLICE(slice_str(s->state_dir), S("/etc/state"));
	EXPECT_SLICE(slice_str(s->user), S("nobody"));
	EXPECT_SLICE(slice_str(s->group), S("nogroup"));
	EXPECT_INT(s->workers, 3);
	EXPECT_INT(s->public_port, 8443);
	EXPECT_SLICE(slice_str(s->via), S("edge-1.example:443"));
	EXPECT_INT(s->http_mode, SETTINGS_HTTP_SERVE);
	EXPECT_INT(s->trusted.n, 2);
	EXPECT_INT(s->https.port, 8443);
	EXPECT(s->has_http && s->http.port == 80);
	EXPECT_SLICE(slice_str(s->control.path), S("/run/x"));
	EXPECT_INT(s->port_min, 1000);
	EXPECT_INT(s->port_max, 2000);
	EXPECT_SLICE(slice_str(s->host), S("::1"));
	EXPECT_INT(s->log_level, LOG_WARN);
	EXPECT_INT(s->log_format, LOG_JSON);
	EXPECT(!s->log_access);
	EXPECT_INT(s->limits.body_bytes, 5);
	EXPECT_INT(s->limits.head_ms, 100);
	EXPECT_INT(s->limits.visitors_per_address, 7);
	EXPECT_INT(s->limits.idle_ms, LIMIT_VISITOR_IDLE_MS);
	settings_unref(s);
}

TEST(the_url_of_alerts)
{
	static const struct {
		const char *url, *host, *at, *target;
		unsigned port;
		bool tls;
	} rows[] = {
		{ "https://hooks.example.org/services/T0/B0?x=1", "hooks.example.org",
		    "hooks.example.org", "/services/T0/B0?x=1", 443, true },
		{ "http://127.0.0.1:8065/hooks/abc", "127.0.0.1:8065", "127.0.0.1", "/hooks/abc",
		    8065, false },
		{ "http://[::1]", "[::1]", "::1", "/", 80, false },
	};
	static const char *const bad[] = { "hooks.example.org", "ftp://x/", "https:///x",
		"https://user:secret@x/", "https://x/a b", "https://x/#a", "https://x?y",
		"https://x:0x1/", "unix:/x" };
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings *s;

		snprintf(text, sizeof(text), LEAST "inbox: { alert_url: \"%s\" }\n", rows[i].url);
		s = parse(text);
		EXPECT_SLICE(slice_str(s->inbox.alert_url.host), slice_str(rows[i].host));
		EXPECT_SLICE(slice_str(s->inbox.alert_url.addr.host), slice_str(rows[i].at));
		EXPECT_SLICE(slice_str(s->inbox.alert_url.target), slice_str(rows[i].target));
		EXPECT_INT(s->inbox.alert_url.addr.port, rows[i].port);
		EXPECT_INT(s->inbox.alert_url.addr.tls, rows[i].tls);
		settings_unref(s);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct settings *s;
		char *error = NULL;

		snprintf(text, sizeof(text), LEAST "inbox: { alert_url: \"%s\" }\n", bad[i]);
		s = settings_parse(slice_str(text), "/etc/aditd.yml", &error);
		if (s != NULL)
			printf("taken: %s\n", bad[i]);
		EXPECT(s == NULL && strstr(error, "inbox.alert_url") != NULL &&
		       strstr(error, "secret") == NULL);
		free(error);
		settings_unref(s);
	}
}

TEST(defaults)
{
	struct settings *s = parse(LEAST);

	EXPECT_INT(s->https.port, 443);
	EXPECT(!s->has_http);
	EXPECT_INT(s->http_mode, SETTINGS_HTTP_REDIRECT);
	EXPECT_SLICE(slice_str(s->state_dir), S("/var/lib/aditd"));
	EXPECT_SLICE(slice_str(s->via), S("adit"));
	EXPECT_SLICE(slice_str(s->control.path), S("/run/aditd/control.sock"));
	settings_unref(s);
}

TEST(mistakes_have_a_place_and_a_remedy)
{
	refused("domian: x\n", "/etc/aditd.yml:1:1: domian: no such key; did you mean \"domain\"?");
	refused(LEAST "listen:\n  htps: 443\n",
	    "/etc/aditd.yml:4:3: listen.htps: no such key; did you mean \"https\"?");
	refused(LEAST "zzzzzz: 1\n", "/etc/aditd.yml:3:1: zzzzzz: no such key");
	refused(LEAST "workers: many\n", "/etc/aditd.yml:3:10: workers: \"many\" is not a number");
	refused(LEAST "workers: 65\n", "/etc/aditd.yml:3:10: workers: 65 is not between 0 and 64");
	refused(LEAST "workers: -1\n", "/etc/aditd.yml:3:10: workers: \"-1\" is not a number");
	refused(LEAST "log: { access: ja }\n",
	    "/etc/aditd.yml:3:16: log.access: \"ja\" is neither true nor false");
	refused(LEAST "http: maybe\n",
	    "/etc/aditd.yml:3:7: http: \"maybe\" is not one of: redirect, serve");
	refused(LEAST "log: info\n",
	    "/etc/aditd.yml:3:6: log: \"key: value\" lines are wanted here");
	refused("- domain\n", "/etc/aditd.yml:1:1: \"key: value\" lines are wanted here");
	refused(LEAST "via:\n",
	    "/etc/aditd.yml:3:5: via: a name of at most 63 characters is wanted, or off");
	refused(LEAST "via: a b\n",
	    "/etc/aditd.yml:3:6: via: letters, digits and -._:[] only, or off");
	refused(LEAST "via: [a]\n",
	    "/etc/aditd.yml:3:6: via: a name of at most 63 characters is wanted, or off");
	refused(LEAST "user:\n", "/etc/aditd.yml:3:6: user: the value is missing");
	refused(LEAST "user: [a]\n",
	    "/etc/aditd.yml:3:7: user: one value is wanted, not a list or mapping");
	refused(LEAST "trusted_proxies: [10.0.0.0/8, 10.0.0.1/8]\n",
	    "/etc/aditd.yml:3:31: trusted_proxies[2]: bits are set behind the prefix; write the "
	    "network's own address");
	refused(LEAST "listen: { control: 8080 }\n",
	    "/etc/aditd.yml:3:20: listen.control: the control socket must be unix:/PATH");
	refused(LEAST "listen: { https: \"name.example:443\" }\n",
	    "/etc/aditd.yml:3:18: listen.https: write a port, a numeric address with a port, "
	    "*:PORT or unix:/PATH");
	refused("domain: example.org\ncertificates:\n  - cert: a\n",
	    "/etc/aditd.yml:3:5: certificates[1]: cert and key are both needed");
	refused("domain: example.org\n",
	    "/etc/aditd.yml:1:1: \"certificates\" is missing: - { "
	    "cert: FILE, key: FILE } for *.example.org; or write acme: { "
	    "agree_to_terms: yes }, and a CA gives them");
	refused("",
	    "/etc/aditd.yml:1:1: \"domain\" is missing: tunnels are NAME.domain; without a domain "
	    "write acme: { ip: ADDRESS, agree_to_terms: yes }");
	refused(LEAST "resolver: dns.example.org\n",
	    "/etc/aditd.yml:3:11: resolver: the address of a name server is wanted, such as "
	    "9.9.9.9:53");
	refused(LEAST "resolver: 53\n", "/etc/aditd.yml:3:11: resolver: the address of a name "
					"server is wanted, such as 9.9.9.9:53");
	refused("domain: a_b\n",
	    "/etc/aditd.yml:1:9: domain: a domain is wanted, such as tunnel.example.org");
	refused(LEAST "tcp_ports: { from: 9, to: 8 }\n",
	    "/etc/aditd.yml:1:1: tcp_ports: \"from\" is above \"to\"");
}

TEST(what_needs_a_restart)
{
	struct settings *a = parse(LEAST),
			*b = parse(LEAST "limits: { head_ms: 5000 }\nhttp: serve\n"),
			*c = parse(LEAST "listen: { http: 80 }\n");

	EXPECT(settings_restart_for(a, b) == NULL);
	EXPECT_SLICE(slice_str(settings_restart_for(a, c)), S("listen.http"));
	settings_unref(a);
	settings_unref(b);
	settings_unref(c);
}

TEST(file_that_is_not_there)
{
	char *error = NULL;

	EXPECT(settings_load("/nonexistent/x.yml", &error) == NULL);
	EXPECT_SLICE(slice_str(error), S("/nonexistent/x.yml: No such file or directory"));
	free(error);
}

TESTS(TEST_ROW(everything_is_read) TEST_ROW(the_url_of_alerts) TEST_ROW(defaults)
	TEST_ROW(an_edge_without_a_domain) TEST_ROW(mistakes_have_a_place_and_a_remedy)
	    TEST_ROW(what_needs_a_restart) TEST_ROW(file_that_is_not_there))
