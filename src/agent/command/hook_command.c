/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `adit hook`: creates, lists, tests and deletes the webhook at the sender. Each action begins
 * with the list of the repository's webhooks, since a webhook is known by its URL here and by
 * an id at Bitbucket.
 */
#include "agent/command/hook_command.h"

#include "agent/command/bitbucket.h"
#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "base/plain.h"
#include "base/tell.h"
#include "hook/checkurl.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>

/* What one run of `adit hook` has. Wiped as a whole at its end: it holds the
 * token and the secret. */
struct work {
	const struct options *options;
	struct bitbucket bitbucket;
	char token[700], secret[256];
	const char *events, *description; /* as given, or what is usual */
	struct bitbucket_answer answer;   /* of the last call */
	json_t *list;                     /* the repository's webhooks, as Bitbucket wrote them */
};

/* Bitbucket has refused, or could not be asked. A token that is refused has an exit code of its
 * own: scripts tell "get another token" from "try again". */
static int
failed(struct work *w)
{
	int status = w->answer.status;

	tell_error(status == 401 || status == 403 ? "refused" : "failed", "%s", w->answer.why);
	return status == 401 || status == 403 ? EXIT_REFUSED : EXIT_BROKE;
}

/* One webhook on a line, for people or as JSON. result: what became of it ("created"), or
 * "hook" in a list. */
static void
put_hook(const struct work *w, const char *result, const struct bitbucket_hook *h, struct buf *b)
{
	const char *event;
	json_t *item;
	size_t i;
	bool json = w->options->json;

	if (json)
		buf_printf(b, "{\"result\":\"%s\",\"id\":", result);
	else
		buf_printf(b, "%s ", result);
	json ? buf_json_ascii(b, slice_str(h->id)) : buf_put(b, slice_str(h->id));
	buf_printf(b, json ? ",\"active\":%s,\"secret\":%s,\"events\":[" : " %s, %s, ",
	    json        ? (h->active ? "true" : "false")
	    : h->active ? "active"
			: "NOT active",
	    json        ? (h->secret ? "true" : "false")
	    : h->secret ? "with a secret"
			: "WITHOUT a secret");
	json_array_foreach((json_t *)(uintptr_t)h->events, i, item) {
		event = json_string_value(item);
		if (i > 0)
			buf_putc(b, json ? ',' : ' ');
		json ? buf_json_ascii(b, slice_str(event)) : buf_put(b, slice_str(event));
	}
	buf_put(b, json ? S("],\"url\":") : S(", "));
	json ? buf_json_ascii(b, slice_str(h->url)) : buf_put(b, slice_str(h->url));
	if (json) {
		buf_put(b, S(",\"description\":"));
		buf_json_ascii(b, slice_str(h->description));
		buf_putc(b, '}');
	}
}

/* item: as Bitbucket wrote it. Its text comes from whoever may change the repository, so it is
 * printed in plain characters alone. */
static void
print_hook(const struct work *w, const char *result, const json_t *item)
{
	struct bitbucket_hook h;
	struct buf b, shown;

	bitbucket_read(&w->bitbucket, item, &h);
	buf_init(&b, 65536);
	buf_init(&shown, 65536);
	put_hook(w, result, &h, &b);
	plain_put(&shown, buf_slice(&b));
	printf("%.*s\n", PS(buf_slice(&shown)));
	buf_fini(&shown);
	buf_fini(&b);
}

/* What is left to do at the receiver, where its path says which one it is. */
static void
print_next(const struct work *w)
{
	struct checkurl_params none = { 0 };
	struct checkurl *c = malloc(sizeof(*c));

	if (c == NULL || w->options->json) {
		free(c);
		return;
	}
	checkurl_read(slice_str(w->options->url), &none, c);
	if (c->preset != NULL && strlen(c->path) > 1)
		printf("then (%s): %s adit doctor %s looks at the whole way.\n", c->preset->title,
		    c->preset->next, w->options->url);
	free(c);
}

/* The first webhook with --url, or NULL; *ret_n: how many there are. Bitbucket keeps several
 * with one URL, and calls each of them for each event. */
static const json_t *
find(const struct work *w, size_t *ret_n)
{
	const json_t *found = NULL;
	json_t *item;
	size_t i;

	*ret_n = 0;
	json_array_foreach(w->list, i, item) {
		struct bitbucket_hook h;

		bitbucket_read(&w->bitbucket, item, &h);
		if (strcmp(h.url, w->options->url) != 0)
			continue;
		found = found != NULL ? found : item;
		++*ret_n;
	}
	check((found != NULL) == (*ret_n > 0));
	return found;
}

/* Corrects the webhook that has this URL already: to run it twice is to run it once. */
static int
create(struct work *w)
{
	struct bitbucket_hook h;
	size_t n;
	const json_t *old = find(w, &n);

	if (old != NULL)
		bitbucket_read(&w->bitbucket, old, &h);
	if (n > 1)
		tell_note(
		    "%zu webhooks have this URL: each event comes %zu times; delete all but one", n,
		    n);
	if (bitbucket_put(&w->bitbucket, old != NULL ? h.id : NULL, w->options->url, w->description,
		w->events, w->secret, !w->options->no_verify, &w->answer) != 0)
		return failed(w);
	print_hook(w, old != NULL ? "updated" : "created", w->answer.body);
	print_next(w);
	return EXIT_STOPPED;
}

/* All webhooks of the repository, also those of others: people look for theirs. */
static int
list(struct work *w)
{
	json_t *item;
	size_t i;

	json_array_foreach(w->list, i, item) {
		print_hook(w, "hook", item);
	}
	return EXIT_STOPPED;
}

static int
no_such_hook(const struct work *w, const char *what)
{
	tell_error("no-such-hook",
	    "no webhook of %s/%s has the URL %s: %s; adit hook list shows those that there are",
	    w->bitbucket.owner, w->bitbucket.repo, w->options->url, what);
	return EXIT_BROKE;
}

/* All that have this URL: who deletes it wants no more events there. */
static int delete (struct work *w)
{
	size_t n;
	const json_t *old = find(w, &n);
	struct bitbucket_hook h;

	if (old == NULL)
		return no_such_hook(w, "nothing was deleted");
	for (; old != NULL; old = find(w, &n)) {
		size_t i;
		json_t *item;

		bitbucket_read(&w->bitbucket, old, &h);
		/* 404: somebody else was quicker; it is gone, as was wished. */
		if (bitbucket_delete(&w->bitbucket, h.id, &w->answer) != 0 &&
		    w->answer.status != 404)
			return failed(w);
		bitbucket_answer_fini(&w->answer);
		print_hook(w, "deleted", old);
		/* Out of our list, too, or find() would give it for ever. */
		json_array_foreach(w->list, i, item) {
			if (item == old)
				break;
		}
		check(i < json_array_size(w->list));
		json_array_remove(w->list, i);
	}
	return EXIT_STOPPED;
}

/* A push is "repo:push" at Cloud and "repo:refs_changed" at Data Center. */
static bool
wants_push(const struct bitbucket_hook *h)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)h->events, i, item) {
		const char *event = json_string_value(item);

		if (strcmp(event, "repo:push") == 0 || strcmp(event, "repo:refs_changed") == 0)
			return true;
	}
	return false;
}

/* Data Center sends a ping; Cloud has no such call, so the hook is looked at alone. */
static int
test(struct work *w)
{
	struct bitbucket_hook h;
	size_t n;
	const json_t *old = find(w, &n);
	const char *outcome;

	if (old == NULL)
		return no_such_hook(w, "adit hook create makes one");
	bitbucket_read(&w->bitbucket, old, &h);
	print_hook(w, "hook", old);
	if (!h.active || !wants_push(&h)) {
		tell_error("failed",
		    "the webhook %s: adit hook create with the same URL corrects it",
		    h.active ? "is not called for pushes" : "is not active");
		return EXIT_BROKE;
	}
	if (!w->bitbucket.dc) {
		tell_note("Bitbucket Cloud has no call for a test: push something, or run adit "
			  "doctor %s",
		    h.url);
		return EXIT_STOPPED;
	}
	if (bitbucket_test(&w->bitbucket, h.id, h.url, &w->answer) != 0)
		return failed(w);
	/* Versions of Data Center differ in where it stands. Where it does not, 2xx says
	 * that it was sent. */
	outcome = json_string_value(json_object_get(json_object_get(w->answer.body, "result"),
	    "outcome"));
	if (outcome == NULL)
		outcome = json_string_value(json_object_get(w->answer.body, "outcome"));
	if (outcome != NULL && strcmp(outcome, "SUCCESS") != 0) {
		tell_error("failed", "Bitbucket's ping: %s", outcome);
		return EXIT_BROKE;
	}
	tell_note("Bitbucket's ping: %s", outcome != NULL ? outcome : "sent");
	return EXIT_STOPPED;
}

/* --- what was typed --- */

/* The second words, and what each cannot do without. */
static const struct action {
	const char *name;
	bool needs_url, needs_secret;
	int (*run)(struct work *w);
} actions[] = {
	{ "create", true, true, create },
	{ "list", false, false, list },
	{ "test", true, false, test },
	{ "delete", true, false, delete },
};

/* The rows of command.c let no other word through. */
static const struct action *
find_action(const char *name)
{
	size_t i = 0;

	while (strcmp(actions[i].name, name) != 0)
		check(++i < sizeof(actions) / sizeof(*actions));
	return &actions[i];
}

/* --token-file, else BITBUCKET_TOKEN. NULL, or a malloced sentence. The edge's token is another
 * one and is not looked at: it would go to a stranger. */
static char *
read_token(struct work *w)
{
	const char *value = getenv("BITBUCKET_TOKEN");

	if (w->options->token_file != NULL)
		return config_file_token(w->options->token_file, w->token, sizeof(w->token));
	if (value == NULL || value[0] == '\0' || strlen(value) >= sizeof(w->token))
		return strdup("no token of Bitbucket: give one by --token-file FILE, - for "
			      "standard input, or "
			      "BITBUCKET_TOKEN");
	memcpy(w->token, value, strlen(value) + 1);
	return NULL;
}

/* Everything that can be wrong with the command line, before anything is sent. 0, or an exit
 * code after saying why. */
static int
set_up(struct work *w, const struct action *a)
{
	const struct options *o = w->options;
	const char *why;
	char *error;
	int rc = 0;

	if (a->needs_url && o->url == NULL)
		return usage_error("hook %s wants --url URL, as adit http prints it", a->name);
	if (a->needs_secret && o->secret_file == NULL)
		return usage_error(
		    "hook %s wants --secret-file FILE: without a secret anybody could send events",
		    a->name);
	if (o->dc && o->api == NULL)
		return usage_error("--dc wants --api URL: the address of your Bitbucket");
	w->bitbucket.dc = o->dc;
	w->bitbucket.ca = o->ca;
	why = bitbucket_init(&w->bitbucket, o->api, o->args[2]);
	if (why != NULL)
		return usage_error("%s", why);
	error = read_token(w);
	if (error == NULL && o->secret_file != NULL)
		error = config_file_token(o->secret_file, w->secret, sizeof(w->secret));
	/* Its line breaks would be fields of the request. */
	if (error == NULL && strpbrk(w->token, "\r\n") != NULL)
		error = strdup("the token has several lines");
	if (error != NULL)
		rc = usage_error("%s", error);
	free(error);
	w->bitbucket.token = w->token;
	w->events = o->events != NULL ? o->events : o->dc ? "repo:refs_changed" : "repo:push";
	w->description = o->description != NULL ? o->description : "adit";
	return rc;
}

int
hook_command(const struct options *o)
{
	const struct action *a = find_action(o->args[0]);
	struct work *w;
	int rc;

	if (strcmp(o->args[1], "bitbucket") != 0)
		return usage_error("hook %s %s: only bitbucket is known", a->name, o->args[1]);
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return EXIT_BROKE;
	w->options = o;
	signal(SIGPIPE, SIG_IGN);
	rc = set_up(w, a);
	/* find() compares with --url, create() signs with the secret. */
	check(rc != 0 ||
	      ((!a->needs_url || o->url != NULL) && (!a->needs_secret || w->secret[0] != '\0')));
	if (rc == 0)
		rc = bitbucket_list(&w->bitbucket, &w->list, &w->answer) != 0 ? failed(w)
									      : a->run(w);
	json_decref(w->list);
	bitbucket_answer_fini(&w->answer);
	OPENSSL_cleanse(w, sizeof(*w));
	free(w);
	return rc;
}
