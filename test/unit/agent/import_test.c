/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each key of other programs: what is kept, what is said, what is refused. */
#include "agent/import/import.h"

#include "unit.h"

static bool
hash(const char *name, const char *password, char *dst, size_t cap)
{
	int n = snprintf(dst, cap, "%s:#%s", name, password);

	return password[0] != '\0' && n > 0 && (size_t)n < cap;
}

/* want: what stands below "tunnels:", without its comments. notes: how many lines of each mark. */
static void
makes(struct slice text, const char *want, size_t warned, size_t refused, const char *policy)
{
	struct import *im = calloc(1, sizeof(*im));
	struct slice rest;
	char got[4096] = "";
	size_t n_warned = 0, n_refused = 0;

	*im = (struct import){ .path = "f", .hash = hash, .beside = policy != NULL };
	EXPECT(import_run(im, text));
	rest = buf_slice(&im->yml);
	while (rest.n > 0) {
		struct slice line = slice_cut(&rest, '\n'), plain = line;

		while (plain.n > 0 && plain.p[0] == ' ')
			plain = slice_from(plain, 1);
		if (!slice_starts(plain, S("#")) && !slice_eq(line, S("tunnels:")))
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s\n", PS(line));
	}
	EXPECT_SLICE(slice_str(got), slice_str(want));
	rest = buf_slice(&im->notes);
	while (rest.n > 0) {
		struct slice line = slice_cut(&rest, '\n');

		n_warned += line.p[0] == IMPORT_WARNED ? 1 : 0;
		n_refused += line.p[0] == IMPORT_REFUSED ? 1 : 0;
	}
	EXPECT_INT(n_warned, warned);
	EXPECT_INT(n_refused, refused);
	EXPECT_INT(im->n_files, policy != NULL && policy[0] != '\0' ? 1 : 0);
	if (im->n_files > 0)
		EXPECT_SLICE(slice_str(im->files[0].text), slice_str(policy));
	if (warned != n_warned || refused != n_refused || strcmp(got, want) != 0)
		printf("%.*s", PS(buf_slice(&im->notes)));
	import_fini(im);
	free(im);
}

static void
fails(struct slice text, enum import_from from, const char *want)
{
	struct import *im = calloc(1, sizeof(*im));

	*im = (struct import){ .path = "f", .from = from, .hash = hash };
	EXPECT(!import_run(im, text));
	EXPECT_SLICE(slice_str(im->why), slice_str(want));
	import_fini(im);
	free(im);
}

#define WEB "tunnels:\n  web:\n    proto: http\n    addr: 8080\n    "
#define MADE "  \"web\":\n    origin: \"8080\"\n"

TEST(ngrok_kept)
{
	makes(S(WEB "subdomain: Jenkins\n"), MADE "    name: \"jenkins\"\n", 0, 0, NULL);
	makes(S(WEB "domain: x.ngrok-free.app\n"), MADE "    name: \"x\"\n", 0, 0, NULL);
	makes(S(WEB "hostname: ci.example.com\n"), MADE "    name: \"ci\"\n", 1, 0, NULL);
	makes(S(WEB "host_header: rewrite\n"), MADE "    origin_host: \"localhost:8080\"\n", 0, 0,
	    NULL);
	makes(S(WEB "host_header: ci.local\n"), MADE "    origin_host: \"ci.local\"\n", 0, 0, NULL);
	makes(S(WEB "inspect: false\n"), MADE "    inspect: \"off\"\n", 0, 0, NULL);
	makes(S(WEB "proxy_proto: 2\n"), MADE "    proxy_protocol: 2\n", 0, 0, NULL);
	makes(S(WEB "ip_restriction: { allow_cidrs: [192.0.2.0/24, \"::1/128\"], deny_cidrs: "
		    "[192.0.2.7] }\n"),
	    MADE "    allow: \"192.0.2.0/24,::1/128\"\n    deny: \"192.0.2.7\"\n", 0, 0, NULL);
	makes(S(WEB "basic_auth: [\"ann:se:cret\"]\n"), MADE "    policy: \"policy-web.json\"\n", 0,
	    0, "{\n  \"users\": [\n    \"ann:#se:cret\"\n  ]\n}");
	makes(S(WEB "verify_webhook: { provider: gitlab, secret: s }\n"),
	    MADE "    policy: \"policy-web.json\"\n", 1, 0,
	    "{\n  \"secrets\": [\n    \"s\"\n  ],\n  \"scheme\": \"gitlab-token\",\n  \"mode\": "
	    "\"relay\"\n}");
	makes(S(WEB "request_header: { add: [\"A: b\", \"C: ${x}\"], remove: [D] }\n"),
	    MADE "    policy: \"policy-web.json\"\n", 1, 0,
	    "{\n  \"request_headers\": {\n    \"set\": {\n      \"A\": \"b\"\n    },\n    "
	    "\"remove\": [\n      \"D\"\n    ]\n  }\n}");
	makes(S("tunnels:\n  s: { proto: tcp, addr: 22, remote_addr: '1.tcp.ngrok.io:2022' }\n"),
	    "  \"s\":\n    origin: \"22\"\n    kind: \"tcp\"\n    port: 2022\n", 0, 0, NULL);
	makes(S("tunnels:\n  t: { proto: tls, addr: 443, subdomain: t, terminate_at: upstream }\n"),
	    "  \"t\":\n    origin: \"443\"\n    kind: \"tls\"\n    name: \"t\"\n", 0, 0, NULL);
	makes(S("version: 3\nendpoints:\n  - { name: e, url: 'https://e.ngrok.app', upstream: { "
		"url: 80 } }\n"),
	    "  \"e\":\n    origin: \"80\"\n    name: \"e\"\n", 0, 0, NULL);
	/* What is empty or false keeps nobody out. */
	makes(S(WEB "oauth: {}\n    crt: ''\n    schemes: [https]\n    labels: []\n"), MADE, 0, 0,
	    NULL);
	makes(S("version: 3\nagent: { authtoken: t, web_addr: 'localhost:4050' }\n"
		"tunnels: {}\n"),
	    "web:\n  listen: \"localhost:4050\"\n", 1, 0, NULL);
}

TEST(ngrok_refused)
{
	static const char *const guards[] = { "oauth: { provider: google }", "oidc: { a: b }",
		"mutual_tls_cas: ca.pem", "crt: c.pem",
		"traffic_policy: { on_http_request: [] , x: y }",
		"user_agent_filter: { deny: [x] }", "labels: [edge=x]", "bindings: [internal]",
		"basic_auth: [\"nocolon\"]", "basic_auth: [\"a:\"]", "basic_auth: [\"a:b\"]",
		"ip_restriction: { allow_cidrs: [somewhere] }",
		"ip_restriction: { allow: ['::1'] }",
		"verify_webhook: { provider: unheard, secret: s }",
		"verify_webhook: { provider: github }", "never_seen: 1", "subdomain: a_b",
		"request_header: { set: [a] }" };

	for (size_t i = 0; i < sizeof(guards) / sizeof(*guards); i++) {
		char text[300];

		snprintf(text, sizeof(text), WEB "%s\n", guards[i]);
		makes(slice_str(text), "", 0, 1, NULL);
	}
	/* A guard that only requests have. */
	makes(S("tunnels:\n  s: { proto: tcp, addr: 22, ip_restriction: { allow_cidrs: ['::1'] } "
		"}\n"),
	    "", 0, 1, NULL);
	/* One name, two tunnels. */
	makes(S("tunnels:\n  a: { proto: http, addr: 1, subdomain: x }\n"
		"  b: { proto: http, addr: 2, subdomain: x }\n"),
	    "  \"a\":\n    origin: \"1\"\n    name: \"x\"\n", 0, 1, NULL);
	makes(S("tunnels:\n  a: { proto: http, addr: 'file:///srv' }\n  b: 1\n"), "", 0, 2, NULL);
}

#define RULE "ingress:\n - hostname: git.example.com\n   service: http://localhost:3000\n"
#define GIT "  \"git\":\n    origin: \"http://localhost:3000\"\n    name: \"git\"\n"
#define LAST " - service: http_status:404\n"

TEST(cloudflared)
{
	/* One line of all is always said: what Access keeps out is not in the file. */
	makes(S(RULE LAST), GIT, 2, 0, NULL);
	makes(S("tunnel: x\ncredentials-file: y\n" RULE LAST), GIT, 4, 0, NULL);
	makes(S(RULE "   originRequest: { httpHostHeader: g, noTLSVerify: true }\n" LAST),
	    GIT "    origin_host: \"g\"\n    origin_insecure: true\n", 2, 0, NULL);
	makes(S("originRequest: { httpHostHeader: all }\n" RULE LAST),
	    GIT "    origin_host: \"all\"\n", 2, 0, NULL);
	makes(S("originRequest: { httpHostHeader: all }\n" RULE
		"   originRequest: { httpHostHeader: own }\n" LAST),
	    GIT "    origin_host: \"own\"\n", 2, 0, NULL);
	makes(S(RULE "   path: ^/api$\n" LAST), GIT "    policy: \"policy-git.json\"\n", 2, 0,
	    "{\n  \"paths\": [\n    \"/api\"\n  ]\n}");
	makes(S(RULE "   path: /api\n" LAST), GIT "    policy: \"policy-git.json\"\n", 3, 0,
	    "{\n  \"paths\": [\n    \"/api*\"\n  ]\n}");
	makes(S("ingress:\n - hostname: s.example.com\n   service: ssh://localhost:22\n" LAST),
	    "  \"s\":\n    origin: \"localhost:22\"\n    kind: \"tcp\"\n", 2, 0, NULL);
	makes(S("tunnel: x\nurl: http://localhost:8080\n"),
	    "  \"web\":\n    origin: \"http://localhost:8080\"\n", 2, 0, NULL);
	makes(S(RULE "   originRequest: { access: { required: true } }\n" LAST), "", 1, 1, NULL);
	makes(S("originRequest: { access: { required: true } }\n" RULE LAST), "", 1, 1, NULL);
	makes(S(RULE "   path: \\.css$\n" LAST), "", 1, 1, NULL);
	makes(S(RULE " - service: http://localhost:1\n"), GIT, 2, 1, NULL);
	makes(S("ingress:\n - hostname: '*.example.com'\n   service: http://localhost:1\n" LAST),
	    "", 1, 1, NULL);
	makes(S(RULE " - hostname: git.example.com\n   service: http://localhost:2\n" LAST), GIT, 2,
	    1, NULL);
}

#define PROXY "[[proxies]]\nname = \"p\"\nlocalPort = 80\n"
#define P "  \"p\":\n    origin: \"127.0.0.1:80\"\n"

TEST(frp)
{
	makes(S(PROXY "type = \"http\"\nsubdomain = \"p\"\n"), P "    name: \"p\"\n", 0, 0, NULL);
	makes(S("serverAddr = \"x\"\nauth.token = \"t\"\n" PROXY
		"type = \"tcp\"\nremotePort = 6000\n"),
	    P "    kind: \"tcp\"\n    port: 6000\n", 2, 0, NULL);
	makes(S(PROXY "type = \"http\"\nhttpUser = \"u\"\nhttpPassword = \"w\"\n"),
	    P "    policy: \"policy-p.json\"\n", 0, 0, "{\n  \"users\": [\n    \"u:#w\"\n  ]\n}");
	makes(S(PROXY "type = \"http\"\nlocations = [\"/a\", \"/b\"]\n"),
	    P "    policy: \"policy-p.json\"\n", 0, 0,
	    "{\n  \"paths\": [\n    \"/a*\",\n    \"/b*\"\n  ]\n}");
	makes(S(PROXY "type = \"https\"\ncustomDomains = [\"p.example.com\"]\n"),
	    P "    kind: \"tls\"\n    name: \"p\"\n", 1, 0, NULL);
	makes(S("[[proxies]]\nname = \"p\"\ntype = \"https\"\n[proxies.plugin]\ntype = "
		"\"https2http\"\n"
		"localAddr = \"127.0.0.1:80\"\n"),
	    "  \"p\":\n    origin: \"http://127.0.0.1:80\"\n", 1, 0, NULL);
	makes(S("{ \"proxies\": [ { \"name\": \"p\", \"type\": \"tcp\", \"localIP\": \"::1\", "
		"\"localPort\": 22, \"transport\": { \"useEncryption\": true, "
		"\"proxyProtocolVersion\": \"v2\" } } ] }"),
	    "  \"p\":\n    origin: \"[::1]:22\"\n    kind: \"tcp\"\n    proxy_protocol: 2\n", 0, 0,
	    NULL);
	makes(S("start = [\"other\"]\n" PROXY "type = \"http\"\n"), "", 1, 0, NULL);
	makes(S(PROXY "type = \"http\"\nenabled = false\n"), "", 0, 0, NULL);
	makes(S(PROXY "type = \"udp\"\n"), "", 0, 1, NULL);
	makes(S(PROXY "type = \"stcp\"\nsecretKey = \"k\"\n"), "", 0, 2, NULL);
	makes(S(PROXY "type = \"http\"\nrouteByHTTPUser = \"u\"\n"), "", 0, 1, NULL);
	makes(S(PROXY "type = \"http\"\nhttpPassword = \"w\"\n"), "", 0, 1, NULL);
	makes(S(PROXY "type = \"http\"\nsubdomain = \"{{ .Envs.X }}\"\n"), "", 0, 1, NULL);
	makes(S("[[proxies]]\nname = \"p\"\ntype = \"tcp\"\n[proxies.plugin]\ntype = \"socks5\"\n"
		"username = \"u\"\n"),
	    "", 0, 2, NULL);
	makes(S("[[visitors]]\nname = \"v\"\ntype = \"stcp\"\n"), "", 0, 1, NULL);
}

TEST(no_file_of_theirs)
{
	fails(S("[common]\nserver_addr = x\n"), IMPORT_ANY,
	    "f:1:1: this is frp's form of old (frpc.ini), which frp no longer reads either: write "
	    "it as frpc.toml first");
	fails(S("a: 1\n"), IMPORT_ANY,
	    "f:1:1: neither ngrok's, cloudflared's nor frp's configuration: say which one by "
	    "--from ngrok|cloudflared|frp");
	fails(S("edge: x\ntunnels: {}\n"), IMPORT_ANY, "f:1:1: this is an adit.yml already");
	fails(S(""), IMPORT_NGROK, "f:1:1: there is no configuration in it");
	fails(S("tunnels: &a {}\n"), IMPORT_ANY,
	    "f:1:10: anchors and tags (&name, !tag) are not used here");
	fails(S("[[proxies]\n"), IMPORT_ANY, "f:1:10: ]] is wanted behind the name of the table");
}

TEST(secrets_are_not_told)
{
	struct import *im = calloc(1, sizeof(*im));

	*im = (struct import){ .path = "f", .hash = hash };
	EXPECT(import_run(im, S("authtoken: CANARY\n" WEB "basic_auth: [\"CANARY\"]\n    oauth: { "
				"client_secret: CANARY }\n    verify_webhook: { provider: x, "
				"secret: CANARY }\n")));
	EXPECT(!slice_iholds(buf_slice(&im->yml), S("CANARY")));
	EXPECT(!slice_iholds(buf_slice(&im->notes), S("CANARY")));
	import_fini(im);
	free(im);
}

TESTS(TEST_ROW(ngrok_kept) TEST_ROW(ngrok_refused) TEST_ROW(cloudflared) TEST_ROW(frp)
	TEST_ROW(no_file_of_theirs) TEST_ROW(secrets_are_not_told))
