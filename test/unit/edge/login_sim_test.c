/* SPDX-License-Identifier: Apache-2.0 */
/* A HELLO with a token and a policy, up to the WELCOME. */
#include "unit/edge/sim_world.h"

#include "edge/core/vault.h"
#include "edge/link/links.h"

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
	for (int i = 0; i < 20 && a->control[0] == '\0'; i++)
		pass_time(SECOND / 100);
	return a;
}

static bool
is_welcome(const struct agent *a)
{
	return strstr(a->control, "\"welcome\"") != NULL && strstr(a->control, "\"error\"") == NULL;
}

TEST(a_policy_is_read_once)
{
	struct store_req ann = { .op = STORE_TOKEN_ADD, .account = "ann" };
	char *error = NULL;
	struct vault *keep;
	struct agent *a;

	world_open(1);
	snprintf(w->settings->state_dir, sizeof(w->settings->state_dir), "%s", w->dir);
	keep = w->edge.vault = vault_open(w->settings, &error);
	EXPECT_INT(await_store(w->edge.store, &ann), STORE_OK);
	n_read = 0;
	a = say_hello(ann.grant.token);
	EXPECT(is_welcome(a));
	EXPECT_INT(n_read, 1);
	/* one that is known is not read again */
	agent_leave(a);
	pass_time(SECOND);
	a = say_hello(ann.grant.token);
	EXPECT(is_welcome(a));
	EXPECT_INT(n_read, 1);
	store_req_fini(&ann);
	world_close();
	vault_free(keep);
}

/* S-14: of one account, however many are free; and all together. */
TEST(s14_links_of_an_account_are_counted)
{
	struct store_req ann = { .op = STORE_TOKEN_ADD, .account = "ann" };
	struct store_req bob = { .op = STORE_TOKEN_ADD, .account = "bob" };
	char *error = NULL;
	struct vault *keep;
	struct lobby *known;
	struct agent *a;

	world_open(1);
	snprintf(w->settings->state_dir, sizeof(w->settings->state_dir), "%s", w->dir);
	keep = w->edge.vault = vault_open(w->settings, &error);
	EXPECT_INT(await_store(w->edge.store, &ann), STORE_OK);
	EXPECT_INT(await_store(w->edge.store, &bob), STORE_OK);
	known = &w->workers[0]->links->known;
	known->address_max = 2;
	known->n_max = 3;
	for (int i = 0; i < 2; i++)
		EXPECT(strstr(say_hello(ann.grant.token)->control, "\"welcome\"") != NULL);
	a = say_hello(ann.grant.token);
	EXPECT(strstr(a->control, "too-many-links") != NULL);
	EXPECT(strstr(say_hello(bob.grant.token)->control, "\"welcome\"") != NULL);
	EXPECT_INT(known->n, 3);
	/* all are taken: the account with the most makes room, and not for its own */
	known->address_max = 4;
	EXPECT(strstr(say_hello(ann.grant.token)->control, "too-many-links") != NULL);
	EXPECT(!w->agents[0].over && !w->agents[1].over);
	EXPECT(strstr(say_hello(bob.grant.token)->control, "\"welcome\"") != NULL);
	EXPECT(w->agents[0].over && !w->agents[1].over);
	EXPECT_INT(known->n, 3);
	store_req_fini(&ann);
	store_req_fini(&bob);
	world_close();
	vault_free(keep);
}

TESTS(TEST_ROW(a_policy_is_read_once) TEST_ROW(s14_links_of_an_account_are_counted))
