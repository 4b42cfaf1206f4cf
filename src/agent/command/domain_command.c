/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for an own domain, says which records to set for it, lists them, or gives one up. */
#include "agent/command/domain_command.h"

#include "agent/core/exit_code.h"
#include "agent/core/login.h"
#include "agent/link/agent.h"
#include "base/plain.h"
#include "base/tell.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* For one answer: before that of "add" the edge looks at the DNS. */
#define ANSWER_US ((int64_t)LIMIT_DOMAIN_PROOF_MS * 1000 + 10000000)

enum domain_talk {
	/* The link is made.  The edge's welcome leaves it. */
	TALK_LINK,
	/* The edge is asked.  The last answer leaves it. */
	TALK_ASKED,
	/* All is printed. */
	TALK_DONE,
};

struct talk {
	const struct options *options;
	struct client *client; /* NULL until the first call of on_talk() */
	const char *op;        /* add, list, remove */
	const char *name;      /* NULL: they are listed */
	enum domain_talk state;
};

/* The only writer of the state. */
static void
move(struct talk *t, enum domain_talk to)
{
	static const unsigned predecessors[] = {
		[TALK_LINK] = 0,                                 /* born in it */
		[TALK_ASKED] = 1 << TALK_LINK | 1 << TALK_ASKED, /* the next page of a list */
		[TALK_DONE] = 1 << TALK_ASKED,
	};

	check(predecessors[to] & 1u << t->state);
	t->state = to;
}

/* Says it at once and once: what is in client->why, agent_run() would say at the end. */
static void
fail(struct talk *t, const char *code, const char *why)
{
	tell_error(code, "%s", why);
	t->client->why[0] = '\0'; /* it is told */
	client_finish(t->client, EXIT_BROKE);
}

static void
put_member(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, ",\"%s\":", key);
	buf_json(b, slice_str(value));
}

/* after: of a list, the name behind which its next page begins. */
static void
ask(struct talk *t, const char *after)
{
	struct buf b;

	move(t, TALK_ASKED);
	buf_init(&b, 4096);
	buf_printf(&b, "{\"type\":\"domain\",\"op\":\"%s\"", t->op);
	if (t->name != NULL)
		put_member(&b, "name", t->name);
	else
		put_member(&b, "after", after);
	if (t->options->tunnel != NULL)
		put_member(&b, "tunnel", t->options->tunnel);
	buf_putc(&b, '}');
	client_say(t->client, buf_slice(&b));
	buf_fini(&b);
	client_later(t->client, ANSWER_US);
}

/* What was not written, as the disk is full, is no success. */
static void
finish(struct talk *t)
{
	move(t, TALK_DONE);
	client_finish(t->client, fflush(stdout) == 0 ? EXIT_STOPPED : EXIT_BROKE);
}

/* --- what is printed --- */

static const char *
text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

/* An edge may send what it likes; a terminal gets plain text. */
static void print(const char *format, ...) printf_like(1, 2);

static void
print(const char *format, ...)
{
	char line[2048];
	struct buf b;
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	buf_init(&b, 4 * sizeof(line));
	plain_put(&b, slice_str(line));
	printf("%.*s\n", PS(buf_slice(&b)));
	buf_fini(&b);
}

static void
print_json(const json_t *o)
{
	json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
}

/* The CNAME, and what stands in for it where none may be (RFC 1034 3.6.2). */
static void
print_records(const json_t *domain)
{
	const json_t *all = json_object_get(domain, "records"), *cname = json_array_get(all, 0),
		     *txt = json_array_get(all, 1);

	/* An edge without a domain has no name that a CNAME could lead to. */
	if (strcmp(text_at(cname, "type"), "CNAME") != 0) {
		print("Set these records where the DNS of the domain is kept:");
		print("  %s. %s %s", text_at(cname, "name"), text_at(cname, "type"),
		    text_at(cname, "value"));
		print("  %s. TXT \"%s\"", text_at(txt, "name"), text_at(txt, "value"));
		return;
	}
	print("Set this record where the DNS of the domain is kept:");
	print("  %s. CNAME %s.", text_at(cname, "name"), text_at(cname, "value"));
	print("At the top of a zone, where no CNAME may stand, set these in its place:");
	print("  %s. A and AAAA, the addresses of %s", text_at(cname, "name"),
	    text_at(cname, "value"));
	print("  %s. TXT \"%s\"", text_at(txt, "name"), text_at(txt, "value"));
}

/* What https:// lacks, if anything. */
static void
print_certificate(const json_t *domain)
{
	const json_t *c = json_object_get(domain, "certificate");
	const char *state = text_at(c, "state"), *problem = text_at(c, "problem");

	if (problem[0] != '\0')
		print("  certificate: %s; %s", state, problem);
	else if (c != NULL && json_integer_value(json_object_get(c, "end_ms")) == 0 &&
		 strcmp(state, "file") != 0)
		print("  certificate: %s; https:// works as soon as it is here", state);
}

static void
print_added(const struct talk *t, const json_t *domain)
{
	const char *state = text_at(domain, "state"), *name = text_at(domain, "name");

	if (t->options->json) {
		print_json(domain);
		return;
	}
	if (strcmp(state, "proven") == 0) {
		print("%s leads to the tunnel %s now: %s", name, text_at(domain, "tunnel"),
		    text_at(domain, "url"));
		print_certificate(domain);
		return;
	}
	print("%s is noted, but not served yet: %s.", name, text_at(domain, "why"));
	print_records(domain);
	print("The edge looks again by itself; to let it look at once: adit domain add %s", name);
}

/* Of a domain that is not served, the next line says why and what to do. */
static void
print_row(const struct talk *t, const json_t *domain)
{
	const json_t *cname = json_array_get(json_object_get(domain, "records"), 0);

	if (t->options->json) {
		print_json(domain);
		return;
	}
	print("%-35s %-20s %s", text_at(domain, "name"), text_at(domain, "tunnel"),
	    text_at(domain, "state"));
	if (text_at(domain, "why")[0] != '\0')
		print("  %s; set %s. %s %s, then: adit domain add %s", text_at(domain, "why"),
		    text_at(cname, "name"), text_at(cname, "type"), text_at(cname, "value"),
		    text_at(cname, "name"));
	print_certificate(domain);
}

/* --- answers --- */

/* A page without a row ends the list, whatever `more` says. */
static void
take_rows(struct talk *t, const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "rows"), *row;
	const char *last = "";
	size_t i;

	json_array_foreach(rows, i, row) {
		print_row(t, row);
		last = text_at(row, "name");
	}
	if (json_is_true(json_object_get(answer, "more")) && last[0] != '\0')
		ask(t, last);
	else
		finish(t);
}

static void
print_removed(const struct talk *t)
{
	if (t->options->json)
		printf("{\"removed\":true}\n");
	else
		print("%s is given up: visitors who come by it are not served any more. Remove its "
		      "DNS records.",
		    t->name);
}

static void
take_answer(struct talk *t, const json_t *answer)
{
	const char *code = text_at(answer, "code"), *text = text_at(answer, "text");

	check(t->state == TALK_ASKED);
	if (!json_is_true(json_object_get(answer, "ok"))) {
		fail(t, code[0] != '\0' ? code : "failed", text[0] != '\0' ? text : "refused");
		return;
	}
	if (strcmp(t->op, "list") == 0) {
		take_rows(t, answer);
		return;
	}
	if (strcmp(t->op, "add") == 0)
		print_added(t, json_object_get(answer, "domain"));
	else
		print_removed(t);
	finish(t);
}

/* As struct client.talk. An empty message is the welcome, or, once something was asked, the end
 * of the time for its answer. */
static void
on_talk(struct client *c, struct slice json, void *owner)
{
	struct talk *t = owner;
	const char *type;
	json_t *o;

	check(t->client == NULL || t->client == c);
	t->client = c;
	if (json.n == 0) {
		if (t->state == TALK_LINK)
			ask(t, "");
		else
			fail(t, "failed",
			    "the edge did not answer the question: it may be older than this "
			    "program, and know no own domains");
		return;
	}
	o = json_loadb(json.p, json.n, 0, NULL);
	type = text_at(o, "type");
	if (t->state == TALK_ASKED && strcmp(type, "domain") == 0)
		take_answer(t, o);
	json_decref(o);
}

int
domain_command(const struct options *o)
{
	struct talk t = { .options = o, .op = o->args[0], .name = o->args[1] };
	struct login e;
	int rc = login_open(&e, o);

	if (rc != 0)
		return rc;
	rc = agent_talk(&e, on_talk, &t);
	login_close(&e);
	return rc;
}
