/* SPDX-License-Identifier: Apache-2.0 */
/* A HELLO with a token and a policy, up to the WELCOME. */
#include "unit/edge/sim_world.h"

#include "edge/core/vault.h"

#include <dlfcn.h>
#include <jansson.h>

#define POLICY "{\"mode\": \"store\", \"unsigned\": true}"

static int n_read;

/* In the place of the library's: counts how often a policy is read. */
json_t *
json_loadb(const char *text, size_t n, size_t flags, json_error_t *error)
{
	static json_t *(*real)(const char *, size_t, size_t, json_error_t *);
	static const char begin[] = "{\"mode\"";

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "json_loadb");
	if (n >= sizeof(begin) - 1 && memcmp(text, begin, sizeof(begin) - 1) == 0)
		n_read++;
	return real(text, n, flags, error);
}

static struct agent *
say_hello(const char *token)
{
	struct agent *a = connect_agent(0);
	char json[600];

	snprintf(json, sizeof(json),
	    "{\"type\":\"hello\",\"protocol\":1,\"agent\":\"test/1\",\"token\":\"%s\","
	    "\"tunnels\":[{\"id\":1,\"kind\":\"http\",\"name\":\"a\",\"policy\":%s}]"
	    "}",
	    token, POLICY);
	link_control(&a->link, slice_str(json));
	agent_flush(a);
	for (int i = 0; i < 20 && strstr(a->control, "welcome") == NULL; i++)
		pass_time(SECOND / 100);
	EXPECT(strstr(a->control, "\"welcome\"") != NULL);
	return a;
}

TEST(a_policy_is_read_once)
{
	struct store_req ann = { .op = STORE_TOKEN_ADD, .account = "ann" };
	char *error = NULL;
	struct keep *keep;
	struct agent *a;

	world_open(1);
	snprintf(w->settings->state_dir, sizeof(w->settings->state_dir), "%s", w->dir);
	keep = w->edge.keep = keep_open(w->settings, &error);
	EXPECT_INT(ask_store(w->edge.store, &ann), STORE_OK);
	n_read = 0;
	a = say_hello(ann.token);
	EXPECT(strstr(a->control, "\"error\"") == NULL);
	EXPECT_INT(n_read, 1);
	/* one that is known is not read again */
	agent_leave(a);
	pass_time(SECOND);
	a = say_hello(ann.token);
	EXPECT(strstr(a->control, "\"error\"") == NULL);
	EXPECT_INT(n_read, 1);
	store_req_fini(&ann);
	world_close();
	keep_free(keep);
}

TESTS(TEST_ROW(a_policy_is_read_once))
