/* SPDX-License-Identifier: Apache-2.0 */
/* Says which webhooks wait when a name or a token is taken away, and what becomes of them. */
#include "edge/admin/admin_waiting.h"

#include "base/clock.h"
#include "edge/admin/admin.h"
#include "hook/waiting.h"

#include <stdio.h>

static const char *
text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

/*
 * Without an answer the member is missing, and the sentences say that nothing waits: the
 * command itself has worked.
 */
static void
add_inbox(int fd, const char *member, const char *value, json_t *answer)
{
	json_t *stat = admin_ask(fd, json_pack("{s:s, s:s}", "op", "inbox.stat", member, value));

	if (json_object_get(stat, "states") != NULL)
		json_object_set(answer, "inbox", json_object_get(stat, "states"));
	json_decref(stat);
}

void
admin_waiting_name(int fd, const json_t *request, json_t *answer)
{
	json_object_set(answer, "name", json_object_get(request, "name"));
	add_inbox(fd, "tunnel", text_at(request, "name"), answer);
}

/* By this host's clock, which is the edge's: they talk over a Unix socket. */
static json_int_t
count_valid(const json_t *rows)
{
	json_int_t n = 0, now = clock_wall_ms(), ends;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		ends = json_integer_value(json_object_get(row, "expires_ms"));
		n += !json_is_true(json_object_get(row, "revoked")) && (ends == 0 || ends > now);
	}
	return n;
}

/* Tokens are counted to the first page's end: more of them would change no sentence. */
void
admin_waiting_token(int fd, const json_t *request, json_t *answer)
{
	const char *account = text_at(answer, "account");
	json_t *list =
	    admin_ask(fd, json_pack("{s:s, s:s}", "op", "token.list", "account", account));

	json_object_set(answer, "id", json_object_get(request, "id"));
	json_object_set_new(answer, "tokens",
	    json_integer(count_valid(json_object_get(list, "rows"))));
	json_decref(list);
	add_inbox(fd, "account", account, answer);
}

void
admin_waiting_show_name(const json_t *answer)
{
	const char *name = text_at(answer, "name");
	struct waiting w;

	waiting_read(json_object_get(answer, "inbox"), &w);
	printf("%s is released: visitors are answered 410 from now on, and no account can get "
	       "this name by asking for it.\n",
	    name);
	if (w.n == 0)
		printf("No webhook that came for it waits in the inbox.\n"
		       "Give the name back: aditd name reserve %s ACCOUNT\n",
		    name);
	else
		printf("%llu %s for it %s in the inbox (%s), and nobody delivers %s now.\n"
		       "Send copies to another tunnel:  aditd inbox replay --state %s --tunnel %s "
		       "--to OTHER\n"
		       "Give them up:                   aditd inbox drop --state %s --tunnel %s\n"
		       "Give the name back:             aditd name reserve %s ACCOUNT\n",
		    (unsigned long long)w.n, w.n == 1 ? "webhook that came" : "webhooks that came",
		    w.n == 1 ? "is" : "are", w.what, w.n == 1 ? "it" : "them", w.states, name,
		    w.states, name, name);
}

void
admin_waiting_show_token(const json_t *answer)
{
	const char *account = text_at(answer, "account");
	bool last = json_integer_value(json_object_get(answer, "tokens")) == 0;
	struct waiting w;

	waiting_read(json_object_get(answer, "inbox"), &w);
	printf("Token %s of account %s is revoked; its links have ended.\n", text_at(answer, "id"),
	    account);
	if (last)
		printf("The account has no valid token now. Webhooks for its tunnels are still "
		       "stored, and wait for an agent with a new one: aditd token add %s\n",
		    account);
	if (w.n > 0)
		printf("%llu %s of the account %s in the inbox (%s): an agent with %s token gets "
		       "%s.\n"
		       "Give them up: aditd inbox drop --state %s --account %s\n",
		    (unsigned long long)w.n, w.n == 1 ? "webhook" : "webhooks",
		    w.n == 1 ? "is" : "are", w.what, last ? "a new" : "another",
		    w.n == 1 ? "it" : "them", w.states, account);
}
