/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the account's names, or gives one up and says which webhooks of it wait. */
#include "agent/command/name_command.h"

#include "agent/link/agent.h"
#include "agent/core/exit_code.h"
#include "agent/core/login.h"
#include "base/plain.h"
#include "base/tell.h"
#include "hook/waiting.h"

#include <stdlib.h>

/* For one answer: an edge that does not know the question says nothing at all. */
#define ANSWER_US 10000000

enum names_state {
	/* The link is made.  The edge's welcome leaves it. */
	NAMES_LINK,
	/* The edge is asked for a page of names.  The last page leaves it. */
	NAMES_LIST,
	/* The edge is asked to give the name up.  Its answer leaves it. */
	NAMES_RELEASE,
	/* It has, and is asked what lies in the name's inbox.  Its answer leaves it. */
	NAMES_INBOX,
	/* All is printed. */
	NAMES_DONE,
};

/* One run: either a list, page by page, or one release and then a look at the name's inbox. */
struct names {
	const struct options *options;
	struct client *client; /* NULL until the first call of on_talk() */
	const char *release;   /* NULL: they are listed */
	enum names_state state;
};

/* clang-format off */
static const unsigned predecessors[] = {
	[NAMES_LINK] = 0, /* born in it */
	[NAMES_LIST] = 1 << NAMES_LINK | 1 << NAMES_LIST, /* LIST: the next page */
	[NAMES_RELEASE] = 1 << NAMES_LINK,
	[NAMES_INBOX] = 1 << NAMES_RELEASE,
	[NAMES_DONE] = 1 << NAMES_LIST | 1 << NAMES_INBOX,
};
/* clang-format on */

/* The only writer of the state. */
static void
move(struct names *n, enum names_state to)
{
	check(predecessors[to] & 1u << n->state);
	check((n->release != NULL) == (to == NAMES_RELEASE || to == NAMES_INBOX) ||
	      to == NAMES_DONE);
	n->state = to;
}

/* Says it at once and once: what is in client->why, agent_run() would say at the end. */
static void
fail(struct names *n, const char *code, const char *why)
{
	tell_error(code, "%s", why);
	n->client->why[0] = '\0'; /* it is told */
	client_finish(n->client, EXIT_BROKE);
}

/* Sends a question, whose answer is waited for in the state `to`: head is JSON up to its last
 * value, which is made of text that somebody typed. */
static void
say(struct names *n, enum names_state to, const char *head, const char *value)
{
	struct buf b;

	move(n, to);
	buf_init(&b, 2048);
	buf_put(&b, slice_str(head));
	buf_json(&b, slice_str(value));
	buf_putc(&b, '}');
	client_say(n->client, buf_slice(&b));
	buf_fini(&b);
	client_later(n->client, ANSWER_US);
}

/* Names that were not written, as the disk is full, are no success. */
static void
finish(struct names *n)
{
	move(n, NAMES_DONE);
	client_finish(n->client, fflush(stdout) == 0 ? EXIT_STOPPED : EXIT_BROKE);
}

/* --- list --- */

/* A line for each: the name alone, for scripts that read lines. */
static void
print_name(const struct names *n, const char *name)
{
	struct buf b;

	buf_init(&b, 1024);
	if (n->options->json) {
		buf_put(&b, S("{\"name\":"));
		buf_json_ascii(&b, slice_str(name));
		buf_putc(&b, '}');
	} else {
		plain_put(&b, slice_str(name));
	}
	printf("%.*s\n", PS(buf_slice(&b)));
	buf_fini(&b);
}

/* A page of names; the next one begins behind the last of this. A page without a name ends the
 * list, whatever `more` says, or an edge could keep us asking for ever. */
static void
take_names(struct names *n, const json_t *answer)
{
	const char *last = "";
	size_t i;
	json_t *name;

	check(n->state == NAMES_LIST);
	json_array_foreach(json_object_get(answer, "names"), i, name) {
		if (json_is_string(name))
			print_name(n, last = json_string_value(name));
	}
	if (json_is_true(json_object_get(answer, "more")) && last[0] != '\0')
		say(n, NAMES_LIST, "{\"type\":\"names\",\"after\":", last);
	else
		finish(n);
}

/* --- release --- */

/* What people must know once a name is given up: who can have it now, and what still lies in its
 * inbox. states: the edge's counts; NULL: an older edge has not told. */
static void
print_released(const struct names *n, const json_t *states)
{
	const char *name = n->release;
	struct waiting w;

	check(n->state == NAMES_INBOX);
	waiting_read(states, &w);
	if (n->options->json) {
		json_t *o = json_pack("{s:s, s:b, s:I}", "name", name, "released", 1, "waiting",
		    (json_int_t)w.n);

		if (states != NULL)
			json_object_set(o, "inbox", (json_t *)(uintptr_t)states);
		json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
		json_decref(o);
		return;
	}
	if (strncmp(name, "tcp:", 4) == 0)
		printf("%s is released: any account can get this port now.\n", name);
	else
		printf("%s is released: visitors are answered 410 from now on, and no account can "
		       "get this name by asking for it.\n",
		    name);
	/* A port has no inbox. */
	if (w.n == 0 && strncmp(name, "tcp:", 4) != 0)
		printf("No webhook that came for it waits in the inbox.\n");
	if (w.n > 0)
		printf("%llu %s for it %s in the inbox (%s), and nobody delivers %s now.\n"
		       "Send copies to another tunnel: adit inbox replay --state %s --tunnel %s "
		       "--to OTHER\n"
		       "Give them up:                  adit inbox drop --state %s --tunnel %s\n",
		    (unsigned long long)w.n, w.n == 1 ? "webhook that came" : "webhooks that came",
		    w.n == 1 ? "is" : "are", w.what, w.n == 1 ? "it" : "them", w.states, name,
		    w.states, name);
}

/* It is done, and cannot be undone; webhooks that wait for the name are counted
 * in a second question. */
static void
take_release(struct names *n, const json_t *answer)
{
	const char *code = json_string_value(json_object_get(answer, "code")),
		   *text = json_string_value(json_object_get(answer, "text"));

	if (!json_is_true(json_object_get(answer, "ok"))) {
		fail(n, code != NULL ? code : "failed", text != NULL ? text : "refused");
		return;
	}
	say(n, NAMES_INBOX,
	    "{\"type\":\"inbox\",\"seq\":1,\"op\":\"stat\",\"tunnel\":", n->release);
}

/* --- both --- */

/* As struct client.talk. An empty message is the welcome, or, once something was asked, the end
 * of the time for its answer. */
static void
on_talk(struct client *c, struct slice json, void *owner)
{
	struct names *n = owner;
	const char *type;
	json_t *o;

	check(n->client == NULL || n->client == c);
	n->client = c;
	if (json.n == 0 && n->state != NAMES_LINK) {
		fail(n, "failed",
		    "the edge did not answer the question: it may be older than this program");
		return;
	}
	if (json.n == 0) {
		if (n->release != NULL)
			say(n, NAMES_RELEASE, "{\"type\":\"release\",\"name\":", n->release);
		else
			say(n, NAMES_LIST, "{\"type\":\"names\",\"after\":", "");
		return;
	}
	o = json_loadb(json.p, json.n, 0, NULL);
	type = json_string_value(json_object_get(o, "type"));
	if (type == NULL) {
		json_decref(o);
		return;
	}
	if (n->state == NAMES_LIST && strcmp(type, "names") == 0) {
		take_names(n, o);
	} else if (n->state == NAMES_RELEASE && strcmp(type, "release") == 0) {
		take_release(n, o);
	} else if (n->state == NAMES_INBOX && strcmp(type, "inbox") == 0) {
		print_released(n, json_object_get(o, "states"));
		finish(n);
	}
	json_decref(o);
}

int
name_command(const struct options *o)
{
	bool release = strcmp(o->args[0], "release") == 0;
	struct names n = { .options = o, .release = release ? o->args[1] : NULL };
	struct login e;
	int rc = login_open(&e, o);

	if (rc != 0)
		return rc;
	rc = agent_talk(&e, on_talk, &n);
	login_close(&e);
	return rc;
}
