/* SPDX-License-Identifier: Apache-2.0 */
/* `adit status`: asks the edge what is online and prints a table. */
#include "agent/command/status_command.h"

#include "agent/link/agent.h"
#include "agent/doctor/doctor_private.h"
#include "agent/core/exit_code.h"
#include "agent/core/login.h"
#include "base/plain.h"
#include "base/tell.h"
#include "http/close.h"

#include <stdlib.h>

/* For one answer of the edge: its own wait for a local server, and the way. */
#define ANSWER_US ((LIMIT_PROBE_MS + 5000) * 1000LL)
/* All that is said of one name: lines with bounded members, and JSON with the edge's policy. */
#define OUT_BYTES 16384
/* What the edge forgives of a link's messages at once, and how fast it forgives more (protocol.txt
 * 8): each counts 64. */
#define BURST (LIMIT_LINK_GLITCHES / 64 / 2)
#define PAUSE_US (1000000LL * 64 / LIMIT_LINK_GLITCHES_RATE + 5000)

enum status_state {
	/* The link is made.  The edge's welcome leaves it. */
	STATUS_LINK,
	/* No name was given: the edge is asked which there are.  The last page leaves it. */
	STATUS_NAMES,
	/* The edge is asked about one name.  Its answer leaves it. */
	STATUS_PROBE,
	/* Too many questions in a row would count against the link.  The timer leaves it. */
	STATUS_PAUSE,
	/* All names were asked about. */
	STATUS_DONE,
};

/* One run: names are listed page by page where none was given, then the edge is asked about one
 * after the other, and each answer is printed as it comes. */
struct status {
	const struct options *options;
	struct client *client; /* NULL until the first call of on_talk() */
	struct buf names;      /* each with its NUL */
	size_t at;             /* of the name that is asked about */
	enum status_state state;
	size_t n_asked, n_bad; /* names; those that are not as they should be */
	struct buf out;        /* of one name */
};

/* clang-format off */
static const unsigned predecessors[] = {
	[STATUS_LINK] = 0, /* born in it */
	[STATUS_NAMES] = 1 << STATUS_LINK | 1 << STATUS_NAMES, /* NAMES: the next page */
	[STATUS_PROBE] = 1 << STATUS_LINK | 1 << STATUS_NAMES | 1 << STATUS_PROBE |
	    1 << STATUS_PAUSE,
	[STATUS_PAUSE] = 1 << STATUS_PROBE,
	[STATUS_DONE] = 1 << STATUS_LINK | 1 << STATUS_NAMES | 1 << STATUS_PROBE,
};
/* clang-format on */

/* The only writer of the state. */
static void
move(struct status *s, enum status_state to)
{
	check(predecessors[to] & 1u << s->state);
	s->state = to;
}

/* --- what is printed of one name --- */

/*
 * What an answer says in one word: the edge's own ("up", "away", "unknown" ...), or what a probe
 * makes of it ("online", "failing"), or "off" for a tunnel that was stopped on purpose.
 * *ret_code: of the probe, "" where none was made.
 */
static const char *
judge(const json_t *o, const char **ret_code)
{
	const char *state = doctor_text_of(o, "state");

	*ret_code = doctor_text_of(json_object_get(o, "origin"), "probe");
	if (strcmp(state, "away") == 0 && json_is_true(json_object_get(o, "stopped")))
		return "off";
	if (strcmp(state, "up") != 0 || (*ret_code)[0] == '\0')
		return state;
	return strcmp(*ret_code, "ok") == 0 ? "online" : "failing";
}

/* A TCP tunnel is not probed: connecting and saying nothing proves nothing, and
 * looks like a scan. */
static bool
is_good(const struct status *s, const char *state)
{
	/* One that was stopped is missed only by who asks for it by its name. */
	if (strcmp(state, "off") == 0)
		return s->options->n_args == 0;
	return strcmp(state, "online") == 0 || strcmp(state, "up") == 0;
}

/* When it went away, as far as the edge remembers, else when it came last. */
static int64_t
since_of(const json_t *o, const char *state)
{
	size_t i;
	json_t *note;

	json_array_foreach(json_object_get(o, "notes"), i, note) {
		if ((strcmp(state, "away") == 0 || strcmp(state, "off") == 0) &&
		    strcmp(doctor_text_of(note, "code"), "down") == 0)
			return doctor_number_of(note, "at_ms");
	}
	return doctor_number_of(o, "since_ms");
}

/* Who serves the name and since when, or why nobody does and what to do. */
static void
put_agent(struct buf *b, const json_t *o, const char *state)
{
	const json_t *link = json_object_get(o, "link");
	char since[32];

	doctor_date(since_of(o, state), since);
	if (link == NULL) {
		if (strcmp(state, "away") == 0)
			buf_printf(b,
			    "  agent   none since %s; run adit http or adit start on the machine "
			    "of the server\n",
			    since_of(o, state) > 0 ? since : "the edge was started");
		else if (strcmp(state, "off") == 0)
			buf_printf(b,
			    "  agent   stopped at %s; adit http or adit start on the machine of "
			    "the server starts it again\n",
			    since);
		else if (strcmp(state, "unknown") == 0)
			buf_put(b, S("  agent   none: nobody has this name\n"));
		else if (strcmp(state, "other") == 0)
			buf_put(b, S("  agent   the name belongs to another account\n"));
		else if (strcmp(state, "disabled") == 0)
			buf_put(b, S("  agent   none: the operator of the edge has disabled this "
				     "name\n"));
		else if (strcmp(state, "released") == 0)
			buf_put(b, S("  agent   none: the name was given up\n"));
		return;
	}
	buf_put(b, S("  agent   "));
	plain_put(b, slice_str(doctor_text_of(link, "agent")));
	buf_put(b, S(" on "));
	plain_put(b, slice_str(doctor_text_of(link, "who")));
	buf_printf(b, ", since %s", since);
	if (doctor_number_of(link, "rtt_us") > 0) /* else: not measured yet */
		buf_printf(b, ", round trip %.1f ms",
		    (double)doctor_number_of(link, "rtt_us") / 1000);
	buf_putc(b, '\n');
}

/* What the edge's own request through the tunnel found; nothing where it made none. */
static void
put_server(struct buf *b, const json_t *o, const char *code)
{
	const json_t *origin = json_object_get(o, "origin");
	const struct close_row *row = close_find(slice_str(code));

	if (code[0] == '\0')
		return;
	if (strcmp(code, "ok") == 0) {
		buf_printf(b, "  server  answers %d in %.1f ms\n",
		    (int)doctor_number_of(origin, "status"),
		    (double)doctor_number_of(origin, "us") / 1000);
		return;
	}
	buf_put(b, S("  server  "));
	plain_put(b, slice_str(code));
	if (row != NULL)
		buf_printf(b, ": %s %s", row->what, row->remedy);
	buf_putc(b, '\n');
}

/* Where anybody can have something stored, that is said each time. */
static void
put_policy(struct buf *b, const json_t *policy)
{
	if (policy == NULL || strcmp(doctor_text_of(policy, "mode"), "pass") == 0 ||
	    doctor_text_of(policy, "scheme")[0] != '\0' ||
	    doctor_text_of(policy, "preset")[0] != '\0')
		return;
	buf_put(b, S("  stores  whatever anybody sends: no signature is checked\n"));
}

/* Nothing that the edge knows of requests, and does with them, is there then. */
static void
put_tls(struct buf *b, const json_t *o)
{
	if (strcmp(doctor_text_of(o, "kind"), "tls") == 0)
		buf_put(b,
		    S("  tls     TLS ends at the other side: policies, passwords, the inbox and "
		      "error pages are off\n"));
}

/* Own domains that lead to it, a line each. */
static void
put_domains(struct buf *b, const json_t *domains)
{
	const json_t *d;
	size_t i;

	json_array_foreach(domains, i, d) {
		const char *state = doctor_text_of(d, "state");

		buf_put(b, S("  domain  "));
		plain_put(b, slice_str(doctor_text_of(d, "name")));
		if (strcmp(state, "served") != 0) {
			buf_put(b, S(": "));
			plain_put(b, slice_str(state));
			buf_put(b, S("; adit domain list says what is missing"));
		}
		buf_putc(b, '\n');
	}
}

/* How many webhooks are in which unfinished state; no line where none is. */
static void
put_inbox(struct buf *b, const json_t *inbox)
{
	static const char *const states[] = { "received", "queued", "leased", "parked", "dead" };
	char since[32];
	bool any = false;

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		int64_t n = doctor_number_of(inbox, states[i]);

		if (n == 0)
			continue;
		buf_printf(b, "%s%lld %s", any ? ", " : "  inbox   ", (long long)n, states[i]);
		any = true;
	}
	if (!any)
		return;
	doctor_date(doctor_number_of(inbox, "oldest_ms"), since);
	if (doctor_number_of(inbox, "oldest_ms") != 0)
		buf_printf(b, "; the oldest waits since %s", since);
	buf_putc(b, '\n');
}

/* The same for scripts, on one line (adit.1): what the edge said, and our word for it. */
static void
put_json(struct buf *b, const json_t *o, const char *state, const char *code)
{
	static const char *const copied[] = { "name", "url", "kind", "link", "origin", "policy",
		"inbox", "domains" };
	json_t *row = json_pack("{s:s, s:s, s:I}", "state", state, "probe", code, "since_ms",
	    (json_int_t)since_of(o, state));
	char *text;

	for (size_t i = 0; row != NULL && i < sizeof(copied) / sizeof(*copied); i++)
		if (json_object_get(o, copied[i]) != NULL)
			json_object_set(row, copied[i], json_object_get(o, copied[i]));
	text = row == NULL ? NULL : json_dumps(row, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(row);
	if (text != NULL)
		buf_printf(b, "%s\n", text);
	free(text);
}

static void
show(struct status *s, const json_t *o)
{
	const char *code, *state = judge(o, &code);
	struct buf *b = &s->out;

	s->n_bad += !is_good(s, state);
	buf_reset(b);
	if (s->options->json) {
		put_json(b, o, state, code);
	} else {
		plain_put(b, slice_str(doctor_text_of(o, "name")));
		buf_putc(b, ' ');
		plain_put(b, slice_str(state));
		buf_putc(b, ' ');
		plain_put(b, slice_str(doctor_text_of(o, "url")));
		buf_putc(b, '\n');
		put_agent(b, o, state);
		put_server(b, o, code);
		put_tls(b, o);
		put_policy(b, json_object_get(o, "policy"));
		put_domains(b, json_object_get(o, "domains"));
		put_inbox(b, json_object_get(o, "inbox"));
	}
	fwrite(b->p, 1, b->n, stdout);
	fflush(stdout);
}

/* --- what is asked --- */

/* NULL: no name is left. */
static const char *
name_at(const struct status *s)
{
	/* Names end with their NUL, and one is stepped over at a time. */
	check(s->at <= s->names.n);
	return s->at < s->names.n ? s->names.p + s->at : NULL;
}

static void
add_name(struct status *s, const char *name)
{
	buf_put(&s->names, slice_of(name, strlen(name) + 1));
}

/* A question about one name. "through": the edge makes a request to the local server first. */
static void
say(struct status *s, const char *type, const char *member, const char *value)
{
	struct buf b;

	buf_init(&b, 2048);
	buf_printf(&b, "{\"type\":\"%s\",\"through\":true,\"%s\":", type, member);
	buf_json(&b, slice_str(value));
	buf_putc(&b, '}');
	client_say(s->client, buf_slice(&b));
	buf_fini(&b);
	client_later(s->client, ANSWER_US);
}

/* agent_run() says why at its end. */
static void
fail(struct status *s, const char *why)
{
	snprintf(s->client->why, sizeof(s->client->why), "%s", why);
	client_finish(s->client, EXIT_BROKE);
}

/* after: the last name of the page before, "": from the first one on. */
static void
ask_names(struct status *s, const char *after)
{
	move(s, STATUS_NAMES);
	say(s, "names", "after", after);
}

/* About the next name; behind the last one the link is closed. */
static void
ask(struct status *s)
{
	if (name_at(s) != NULL) {
		move(s, STATUS_PROBE);
		say(s, "probe", "name", name_at(s));
	} else {
		move(s, STATUS_DONE);
		client_finish(s->client, EXIT_STOPPED);
	}
}

/* A page of names. One without a name ends the list, or an edge could keep us asking for ever. */
static void
take_names(struct status *s, const json_t *o)
{
	const char *last = "";
	size_t i;
	json_t *name;

	check(s->state == STATUS_NAMES && s->at == 0);
	json_array_foreach(json_object_get(o, "names"), i, name) {
		if (json_is_string(name))
			add_name(s, last = json_string_value(name));
	}
	if (s->names.failed) {
		fail(s, "the account has more names than are shown at once: name some");
		return;
	}
	if (json_is_true(json_object_get(o, "more")) && last[0] != '\0')
		ask_names(s, last);
	else
		ask(s);
}

static void
take_probe(struct status *s, const json_t *o)
{
	show(s, o);
	s->at += strlen(name_at(s)) + 1;
	/* Past the burst at the pace at which the edge forgives. */
	if (++s->n_asked < BURST || name_at(s) == NULL) {
		ask(s);
	} else {
		move(s, STATUS_PAUSE);
		client_later(s->client, PAUSE_US);
	}
}

/* The welcome, the end of a pause, or, while an answer is due, the end of the time for it. */
static void
on_time(struct status *s)
{
	switch (s->state) {
	case STATUS_LINK:
		if (s->options->n_args == 0)
			ask_names(s, "");
		else
			ask(s);
		break;
	case STATUS_PAUSE:
		ask(s);
		break;
	case STATUS_NAMES:
	case STATUS_PROBE:
		fail(s, "the edge did not answer the question: it may be older than this program");
		break;
	case STATUS_DONE:
		break;
	}
}

/* As struct client.talk. What nobody has asked for just now is passed over. */
static void
on_talk(struct client *c, struct slice json, void *owner)
{
	struct status *s = owner;
	const char *type;
	json_t *o;

	check(s->client == NULL || s->client == c);
	s->client = c;
	if (json.n == 0) {
		on_time(s);
		return;
	}
	o = json_loadb(json.p, json.n, 0, NULL);
	type = doctor_text_of(o, "type");
	if (s->state == STATUS_NAMES && strcmp(type, "names") == 0)
		take_names(s, o);
	else if (s->state == STATUS_PROBE && strcmp(type, "probe") == 0)
		take_probe(s, o);
	json_decref(o);
}

/* A tunnel's key in the configuration stands for its name. */
static const char *
name_of(const struct config *c, const char *arg)
{
	for (size_t i = 0; i < c->n_tunnels; i++)
		if (c->tunnels[i].label != NULL && c->tunnels[i].name != NULL &&
		    strcmp(c->tunnels[i].label, arg) == 0)
			return c->tunnels[i].name;
	return arg;
}

int
status_command(const struct options *o)
{
	struct status s = { .options = o };
	struct login e;

	if (login_open(&e, o) != 0)
		return EXIT_USAGE;
	buf_init(&s.names, LIMIT_STATUS_BYTES);
	buf_init(&s.out, OUT_BYTES);
	for (int i = 0; i < o->n_args; i++)
		add_name(&s, name_of(&e.config, o->args[i]));
	/* Whether all was asked says more than how the link ended. */
	(void)agent_talk(&e, on_talk, &s);
	if (s.state == STATUS_DONE && s.names.n == 0)
		tell_note("this account has no tunnel yet: adit http 8080 opens one");
	login_close(&e);
	buf_fini(&s.names);
	buf_fini(&s.out);
	return s.state != STATUS_DONE ? EXIT_USAGE : s.n_bad > 0 ? 1 : 0;
}
