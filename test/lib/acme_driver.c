/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library acme at the hands of a test: says each step in a line of JSON on standard output, and
 * reads what came of it from standard input, so that the test has the network, the clock and the
 * kill. It keeps ca.json and cert.json in the folder that it is started in.
 *
 *	acme_driver '{"directory":, "do": "issue|register|rollover|revoke|deactivate|renewal", ...}'
 *
 * Every line that is read has the time as "now"; of an answer "status", "nonce", "location",
 * "retry_after", "link", "body" and "why"; of a challenge that cannot be shown "unpublishable".
 */
#include "acme/acme.h"

#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static json_t *args;
static int64_t now_s;

static struct slice
text(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_string(v) ? slice_of(json_string_value(v), json_string_length(v)) : S("");
}

static const char *
arg(const char *name)
{
	return json_string_value(json_object_get(args, name));
}

static void
end(const char *why)
{
	fprintf(stderr, "acme_driver: %s\n", why);
	exit(1);
}

/* The next line of the test. It ends where the test does. */
static json_t *
hear(void)
{
	static char *line;
	static size_t cap;
	ssize_t n = getline(&line, &cap, stdin);
	json_t *o;

	if (n < 0)
		exit(2);
	o = json_loadb(line, (size_t)n, 0, NULL);
	if (o == NULL)
		end("not JSON");
	now_s = json_integer_value(json_object_get(o, "now"));
	return o;
}

static json_t *
say(json_t *o)
{
	char *z = json_dumps(o, JSON_COMPACT);

	printf("%s\n", z);
	fflush(stdout);
	free(z);
	json_decref(o);
	return hear();
}

/* --- what is stored --- */

static char *
read_file(const char *name)
{
	FILE *f = fopen(name, "rb");
	char *z = calloc(1, ACME_SAVED_BYTES);

	if (f != NULL) {
		if (fread(z, 1, ACME_SAVED_BYTES - 1, f) == 0)
			z[0] = '\0';
		fclose(f);
	}
	return z;
}

/* Renamed into place: whoever is killed leaves the old text or the new one. */
static void
write_file(const char *name, char *z)
{
	char new[64];
	FILE *f;

	snprintf(new, sizeof(new), "%s.new", name);
	f = fopen(new, "wb");
	if (z == NULL || f == NULL || fputs(z, f) < 0 || fclose(f) != 0 || rename(new, name) != 0)
		end("cannot write");
	free(z);
}

static void
store(struct ca *ca, struct acme *a, const struct acme_step *s)
{
	uint64_t version;

	if (s->store.ca) {
		write_file("ca.json", ca_save(ca, &version));
		ca_stored(ca, version);
	}
	if (s->store.own) {
		write_file("cert.json", acme_save(a, &version));
		acme_stored(a, version);
	}
	json_decref(say(json_pack("{s:s, s:b, s:b}", "step", "store", "ca", s->store.ca, "own",
	    s->store.own)));
}

/* --- cases --- */

static struct acme *
begin_issue(struct ca *ca)
{
	struct slice names[LIMIT_ACME_NAMES];
	unsigned can[LIMIT_ACME_NAMES];
	json_t *rows = json_object_get(args, "names"), *row;
	char why[ACME_WHY_BYTES], *saved = read_file("cert.json");
	struct acme *a = NULL;
	size_t i;

	if (saved[0] != '\0' && (a = acme_load(ca, slice_str(saved))) == NULL)
		end("cert.json cannot be read");
	free(saved);
	json_array_foreach(rows, i, row) {
		names[i] = slice_str(json_string_value(json_array_get(row, 0)));
		can[i] = (unsigned)json_integer_value(json_array_get(row, 1));
	}
	if (a == NULL)
		a = acme_issue(ca,
		    &(struct acme_wish){ names, can, json_array_size(rows), arg("profile"),
			json_is_true(json_object_get(args, "profile_must")), arg("replaces"),
			arg("issuer") },
		    why);
	if (a == NULL)
		end(why);
	return a;
}

static struct acme *
begin_revoke(struct ca *ca)
{
	char der[8192];
	ptrdiff_t n = text_unbase64(text(args, "cert"), false, true, der, sizeof(der));

	return n < 0 ? NULL
		     : acme_revoke(ca, slice_of(der, (size_t)n),
			   (int)json_integer_value(json_object_get(args, "reason")),
			   text(args, "key"));
}

static struct acme *
begin(struct ca *ca)
{
	const char *what = arg("do");

	if (strcmp(what, "issue") == 0)
		return begin_issue(ca);
	if (strcmp(what, "register") == 0)
		return acme_register(ca);
	if (strcmp(what, "rollover") == 0)
		return acme_rollover(ca);
	if (strcmp(what, "revoke") == 0)
		return begin_revoke(ca);
	if (strcmp(what, "deactivate") == 0)
		return acme_deactivate(ca, arg("url") != NULL ? arg("url") : ca_account(ca));
	return acme_ask_renewal(ca, arg("id"));
}

/* --- steps --- */

static void
send_one(struct acme *a, const struct acme_request *r)
{
	json_t *o = say(json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s#, s:s}", "step", "send",
	    "method", r->method, "url", r->url, "type", r->content_type, "accept", r->accept,
	    "body", r->body.p == NULL ? "" : r->body.p, r->body.n, "at", acme_at(a)));
	struct acme_answer ans = {
		.status = (int)json_integer_value(json_object_get(o, "status")),
		.why = json_string_value(json_object_get(o, "why")),
		.nonce = text(o, "nonce"),
		.location = text(o, "location"),
		.retry_after = text(o, "retry_after"),
		.link = text(o, "link"),
		.body = text(o, "body"),
	};

	acme_answer(a, &ans, now_s);
	json_decref(o);
}

static void
publish(struct acme *a, const struct challenge *c)
{
	char cert[8192], key[8192];
	json_t *o;

	text_base64(c->cert.p, c->cert.n, cert);
	text_base64(c->key.p, c->key.n, key);
	o = say(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "step", "publish", "kind",
	    challenge_word(c->kind), "name", c->ident.text, "where", c->where, "text", c->text,
	    "token", c->token, "cert", cert, "key", key));
	if (text(o, "unpublishable").n > 0)
		acme_unpublishable(a, json_string_value(json_object_get(o, "unpublishable")));
	else
		acme_published(a);
	json_decref(o);
}

static json_t *
outcome(struct acme *a, struct ca *ca, const struct acme_step *s)
{
	struct acme_certificate c;

	if (s->what == ACME_FAILED)
		return json_pack("{s:s, s:i, s:I, s:s}", "step", "failed", "blame",
		    (int)s->failure->blame, "retry_at", (json_int_t)s->failure->retry_at_s, "text",
		    s->failure->text);
	if (s->what == ACME_DONE) {
		const struct renewal_window *w = acme_window(a);

		return json_pack("{s:s, s:I, s:I, s:s, s:I, s:s}", "step", "done", "start",
		    (json_int_t)w->start_s, "end", (json_int_t)w->end_s, "why", w->why, "again",
		    (json_int_t)w->ask_again_s, "account", ca_account(ca));
	}
	acme_certificate(a, &c);
	return json_pack("{s:s, s:s#, s:s#, s:s, s:s, s:I, s:I}", "step", "ready", "chain",
	    c.chain.p, c.chain.n, "key", c.key.p, c.key.n, "id", c.facts.id, "issuer",
	    c.facts.issuer, "not_before", (json_int_t)c.facts.not_before_s, "not_after",
	    (json_int_t)c.facts.not_after_s);
}

static void
run(struct ca *ca, struct acme *a)
{
	for (;;) {
		struct acme_step s = acme_next(a, now_s);

		if (s.what == ACME_STORE)
			store(ca, a, &s);
		else if (s.what == ACME_SEND)
			send_one(a, &s.request);
		else if (s.what == ACME_PUBLISH)
			publish(a, s.challenge);
		else if (s.what == ACME_WAIT)
			json_decref(say(json_pack("{s:s, s:I}", "step", "wait", "until",
			    (json_int_t)s.until_s)));
		else
			json_decref(say(outcome(a, ca, &s)));
		if (s.what >= ACME_READY)
			return;
	}
}

int
main(int argc, char **argv)
{
	char hmac[256], *saved = read_file("ca.json");
	struct ca_options o = { 0 };
	const char *why;
	struct acme *a;
	struct ca *ca;
	ptrdiff_t n;

	args = argc == 2 ? json_loads(argv[1], 0, NULL) : NULL;
	if (args == NULL || arg("directory") == NULL || arg("do") == NULL)
		end("one argument: JSON with directory and do");
	n = text_unbase64(text(args, "eab_hmac"), true, false, hmac, sizeof(hmac));
	o = (struct ca_options){ arg("directory"), arg("email"),
		!json_is_false(json_object_get(args, "agree")), arg("eab_key_id"),
		slice_of(hmac, n > 0 ? (size_t)n : 0) };
	ca = ca_new(&o, slice_str(saved), &why);
	if (ca == NULL)
		end(why);
	free(saved);
	json_decref(say(json_pack("{s:s}", "step", "begin")));
	a = begin(ca);
	if (a == NULL)
		end("no case");
	run(ca, a);
	acme_free(a);
	ca_free(ca);
	json_decref(args);
	return 0;
}
