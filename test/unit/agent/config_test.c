/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/core/config.h"

#include "base/buf.h"
#include "unit.h"

#include <stdlib.h>

static struct config c;

/* Parses and keeps the result in c; the error, or NULL. */
static char *
parse(const char *text)
{
	config_fini(&c);
	return config_parse(slice_str(text), "/etc/adit/adit.yml", &c);
}

static void
expect_fine(const char *text)
{
	char *error = parse(text);

	EXPECT(error == NULL);
	if (error != NULL)
		printf("%s\n", error);
	free(error);
}

static void
expect_error(const char *text, const char *want)
{
	char *error = parse(text);

	EXPECT_SLICE(slice_str(error), slice_str(want));
	free(error);
	config_fini(&c);
}

TEST(whole)
{
	expect_fine("# of the team\n"
		    "edge: https://edge.example.org\n"
		    "ca: ca.pem\n"
		    "token: \"adit_x\"\n"
		    "tunnels:\n"
		    "  ci:\n"
		    "    origin: 8080\n"
		    "    name: Jenkins\n"
		    "    origin_host: ci.internal\n"
		    "    origin_silent: 300\n"
		    "  ssh: { kind: tcp, origin: \"localhost:22\", port: 2222 }\n"
		    "  lab:\n"
		    "    origin: https://10.0.0.3:8443\n"
		    "    origin_ca: /etc/lab.pem\n"
		    "    origin_insecure: yes\n");
	EXPECT_SLICE(slice_str(c.edge), S("https://edge.example.org"));
	EXPECT_SLICE(slice_str(c.ca), S("/etc/adit/ca.pem"));
	EXPECT_SLICE(slice_str(c.token), S("adit_x"));
	EXPECT_INT(c.n_tunnels, 3);
	EXPECT_SLICE(slice_str(c.tunnels[0].label), S("ci"));
	EXPECT_SLICE(slice_str(c.tunnels[0].name), S("jenkins"));
	EXPECT_SLICE(slice_str(c.tunnels[0].origin), S("8080"));
	EXPECT_SLICE(slice_str(c.tunnels[0].origin_host), S("ci.internal"));
	EXPECT_INT(c.tunnels[0].origin_silent_s, 300);
	EXPECT_INT(c.tunnels[0].kind, TUNNEL_HTTP);
	EXPECT_INT(c.tunnels[1].kind, TUNNEL_TCP);
	EXPECT_INT(c.tunnels[1].port, 2222);
	EXPECT(c.tunnels[1].name == NULL);
	EXPECT_SLICE(slice_str(c.tunnels[2].origin_ca), S("/etc/lab.pem"));
	EXPECT(c.tunnels[2].origin_insecure);
	EXPECT_INT(c.tunnels[2].line, 12);
	config_fini(&c);
}

TEST(empty)
{
	expect_fine("");
	expect_fine("# nothing\n");
	expect_fine("---\n");
	expect_fine("{}");
	expect_fine("tunnels:\n");
	EXPECT_INT(c.n_tunnels, 0);
}

TEST(where_and_what)
{
	expect_error("edge: x\nedgge: y\n",
	    "/etc/adit/adit.yml:2:1: edgge: no such key; did you mean \"edge\"?");
	expect_error("colour: red\n", "/etc/adit/adit.yml:1:1: colour: no such key");
	expect_error("edge: x\nedge: y\n",
	    "/etc/adit/adit.yml:2:1: \"edge\" is given twice, first in line 1");
	expect_error("edge:\n", "/etc/adit/adit.yml:1:6: edge: the value is missing");
	expect_error("edge: {a: b}\n",
	    "/etc/adit/adit.yml:1:7: edge: one value is wanted, not a list or mapping");
	expect_error("tunnels: yes\n",
	    "/etc/adit/adit.yml:1:10: tunnels: a mapping of tunnels is wanted");
	expect_error("tunnels:\n  ci: 8080\n",
	    "/etc/adit/adit.yml:2:7: tunnels.ci: a mapping with origin: ADDRESS is wanted");
	expect_error("tunnels:\n  ci:\n    origni: 8080\n",
	    "/etc/adit/adit.yml:3:5: tunnels.ci.origni: no such key; did you mean \"origin\"?");
	expect_error("tunnels:\n  ci: {name: ci}\n",
	    "/etc/adit/adit.yml:2:3: tunnels.ci: \"origin\" is missing: "
	    "the address of the local server");
	expect_error("tunnels:\n  ci: {origin: 1, kind: udp}\n",
	    "/etc/adit/adit.yml:2:25: tunnels.ci.kind: \"udp\" is not one of: http, tcp, tls");
	expect_error("tunnels:\n  ci: {origin: 1, kind: tcp, port: 70000}\n",
	    "/etc/adit/adit.yml:2:36: tunnels.ci.port: 70000 is not between 1 and 65535");
	expect_error("tunnels:\n  ci: {origin: 1, kind: tcp, name: x}\n",
	    "/etc/adit/adit.yml:2:3: tunnels.ci: name is for kind: http and kind: tls");
	expect_error("tunnels:\n  ci: {origin: 1, kind: tcp, origin_host: x}\n",
	    "/etc/adit/adit.yml:2:3: tunnels.ci: origin_host and origin_silent are for kind: http");
	expect_error("tunnels:\n  ci: {origin: 1, kind: tls, store: true}\n",
	    "/etc/adit/adit.yml:2:3: tunnels.ci: policies and webhooks are for kind: http");
	expect_error("tunnels:\n  ci: {origin: 1, port: 1}\n",
	    "/etc/adit/adit.yml:2:3: tunnels.ci: port is for kind: tcp");
	expect_error("tunnels:\n  ci: {origin: 1, origin_insecure: maybe}\n",
	    "/etc/adit/adit.yml:2:36: tunnels.ci.origin_insecure: \"maybe\" is neither true nor "
	    "false");
	expect_error("tunnels:\n  ci: {origin: 1}\n  ci: {origin: 2}\n",
	    "/etc/adit/adit.yml:3:3: \"ci\" is given twice, first in line 2");
}

TEST(addresses_and_names_are_checked)
{
	char *error = parse("tunnels:\n  ci: {origin: \"host:99999\"}\n");

	EXPECT(error != NULL &&
	       strncmp(error, "/etc/adit/adit.yml:2:16: tunnels.ci.origin: ", 44) == 0);
	free(error);
	error = parse("tunnels:\n  ci: {origin: 1, name: w_w}\n");
	EXPECT(error != NULL &&
	       strncmp(error, "/etc/adit/adit.yml:2:25: tunnels.ci.name: ", 42) == 0);
	free(error);
	config_fini(&c);
}

TEST(bounds)
{
	struct buf b;
	char *error;

	buf_init(&b, 4 * LIMIT_CONFIG_BYTES);
	buf_put(&b, S("tunnels:\n"));
	for (int i = 0; i <= LIMIT_TUNNELS_PER_LINK; i++)
		buf_printf(&b, "  t%d: {origin: 1}\n", i);
	error = parse(buf_z(&b));
	EXPECT(error != NULL && strstr(error, ":66:3: tunnels.t64: more than 64 tunnels") != NULL);
	free(error);
	buf_fini(&b);
	config_fini(&c);
}

TESTS(TEST_ROW(whole) TEST_ROW(empty) TEST_ROW(where_and_what)
	TEST_ROW(addresses_and_names_are_checked) TEST_ROW(bounds))
