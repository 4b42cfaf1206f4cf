/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/core/incident.h"

#include "base/limits.h"
#include "unit.h"

#include <jansson.h>
#include <stdio.h>

static json_t *
read_back(struct incidents *n, const char *key)
{
	struct buf b;
	json_t *list;

	buf_init(&b, 65536);
	incident_write(n, key, &b);
	EXPECT(!b.failed);
	list = json_loadb(b.p, b.n, 0, NULL);
	EXPECT(json_is_array(list));
	buf_fini(&b);
	return list;
}

TEST(nothing_is_known_at_first)
{
	struct incidents *n = incident_new();
	json_t *list = read_back(n, "web");

	EXPECT_INT(json_array_size(list), 0);
	json_decref(list);
	incident_free(n);
	incident_free(NULL);
}

TEST(the_last_one_stands_and_all_are_counted)
{
	struct incidents *n = incident_new();
	json_t *list, *note;

	incident_put(n, "web", INCIDENT_SIGNATURE, "192.0.2.1:1", S("Bitbucket-Webhooks/2.0"),
	    S("first"));
	incident_put(n, "web", INCIDENT_SIGNATURE, "192.0.2.2:1", S("Bitbucket-Webhooks/2.0"),
	    S("second"));
	incident_put(n, "web", INCIDENT_GOOD, "192.0.2.2:1", S(""), S(""));
	incident_put(n, "other", INCIDENT_PING, "", S(""), S(""));
	list = read_back(n, "web");
	EXPECT_INT(json_array_size(list), 2);
	note = json_array_get(list, 1);
	EXPECT_SLICE(slice_str(json_string_value(json_object_get(note, "code"))),
	    S("edge-signature"));
	EXPECT_SLICE(slice_str(json_string_value(json_object_get(note, "text"))), S("second"));
	EXPECT_SLICE(slice_str(json_string_value(json_object_get(note, "peer"))), S("192.0.2.2:1"));
	EXPECT_INT(json_integer_value(json_object_get(note, "count")), 2);
	json_decref(list);
	incident_free(n);
}

TEST(bytes_of_strangers_are_cut_and_cleaned)
{
	struct incidents *n = incident_new();
	char agent[1000];
	json_t *list;
	const char *text;

	memset(agent, '\x1b', sizeof(agent));
	incident_put(n, "web", INCIDENT_ADDRESS, "x", slice_of(agent, sizeof(agent)),
	    S("a\"b\\c\r\nd\xff"));
	list = read_back(n, "web");
	text = json_string_value(json_object_get(json_array_get(list, 0), "agent"));
	EXPECT_INT(strlen(text), 63);
	EXPECT_INT(strspn(text, "?"), 63);
	EXPECT_SLICE(slice_str(json_string_value(json_object_get(json_array_get(list, 0), "text"))),
	    S("a\"b\\c??d?"));
	json_decref(list);
	incident_free(n);
}

TEST(routes_have_a_ceiling)
{
	struct incidents *n = incident_new();
	char key[32];
	json_t *list;

	for (int i = 0; i < LIMIT_INCIDENTS + 10; i++) {
		snprintf(key, sizeof(key), "n%d", i);
		incident_put(n, key, INCIDENT_DOWN, "", S(""), S(""));
	}
	list = read_back(n, "n0");
	EXPECT_INT(json_array_size(list), 1);
	json_decref(list);
	list = read_back(n, key);
	EXPECT_INT(json_array_size(list), 0);
	json_decref(list);
	incident_free(n);
}

static bool
is_hook(const char *head, struct slice *ret_agent)
{
	struct h1 h;

	h1_init(&h, H1_REQUEST);
	EXPECT(h1_head(&h, slice_str(head)) == H1_DONE);
	return incident_is_hook(&h.head, slice_str(head), ret_agent);
}

TEST(only_webhooks_are_noted)
{
	struct slice agent;

	EXPECT(
	    is_hook("POST / HTTP/1.1\r\nHost: x\r\nx-event-key: repo:push\r\nUser-Agent: a\r\n\r\n",
		&agent));
	EXPECT_SLICE(agent, S("a"));
	EXPECT(is_hook("POST / HTTP/1.1\r\nHost: x\r\nUser-Agent: Bitbucket-Webhooks/2.0\r\n\r\n",
	    &agent));
	EXPECT(is_hook("POST / HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\n\r\n", &agent));
	EXPECT(!is_hook("POST / HTTP/1.1\r\nHost: x\r\nUser-Agent: scanner\r\n\r\n", &agent));
	EXPECT(!is_hook("GET /wp-login.php HTTP/1.1\r\nHost: x\r\n\r\n", &agent));
	EXPECT_SLICE(agent, S(""));
}

TESTS(TEST_ROW(nothing_is_known_at_first) TEST_ROW(the_last_one_stands_and_all_are_counted)
	TEST_ROW(bytes_of_strangers_are_cut_and_cleaned) TEST_ROW(routes_have_a_ceiling)
	    TEST_ROW(only_webhooks_are_noted))
