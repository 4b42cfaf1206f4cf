/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a running edge as sentences and columns. */
#include "edge/admin/admin_show.h"

#include "base/date.h"
#include "base/plain.h"
#include "base/slice.h"
#include "base/tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
admin_text_at(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "";
}

/* What operators and agents have named: a column of it, or all with width 0. */
static void
say(const json_t *row, const char *key, size_t width)
{
	struct slice text = slice_str(admin_text_at(row, key));
	struct buf b;

	buf_init(&b, 4 * text.n + width + 1);
	plain_put_column(&b, text, width);
	printf("%.*s", PS(buf_slice(&b)));
	buf_fini(&b);
}

static void
date(const json_t *row, const char *key, char dst[32])
{
	json_int_t ms = json_integer_value(json_object_get(row, key));

	if (ms == 0)
		strcpy(dst, "-");
	else
		date_text(ms, dst);
}

/* The secret is not in it, nor anywhere else: the edge has only its hash. */
void
admin_show_token(const json_t *r)
{
	char made[32], used[32], ends[32];

	date(r, "created_ms", made);
	date(r, "used_ms", used);
	date(r, "expires_ms", ends);
	say(r, "id", 15);
	say(r, "account", 20);
	printf(" %-8s %-25s %-25s %-25s ",
	    json_is_true(json_object_get(r, "revoked")) ? "revoked" : "valid", made, used, ends);
	if (admin_text_at(r, "ddns")[0] != '\0')
		printf("ddns:%s ", admin_text_at(r, "ddns"));
	say(r, "label", 0);
	putchar('\n');
}

void
admin_show_name(const json_t *r)
{
	char made[32];

	date(r, "created_ms", made);
	say(r, "name", 35);
	say(r, "account", 20);
	printf(" %-9s %-25s ",
	    json_is_true(json_object_get(r, "released"))   ? "released"
	    : json_is_true(json_object_get(r, "disabled")) ? "disabled"
							   : "held",
	    made);
	say(r, "key", 0);
	putchar('\n');
}

void
admin_show_domain(const json_t *r)
{
	say(r, "name", 35);
	say(r, "account", 20);
	say(r, "tunnel", 20);
	say(r, "state", 10);
	say(r, "why", 0);
	putchar('\n');
}

void
admin_show_limit(const json_t *r)
{
	printf("%-24s %12lld %-13s %s\n", admin_text_at(r, "name"),
	    (long long)json_integer_value(json_object_get(r, "value")), admin_text_at(r, "unit"),
	    admin_text_at(r, "what"));
}

static void
show_counts(const char *head, const json_t *counts)
{
	const json_t *v;
	const char *key;

	fputs(head, stdout);
	json_object_foreach((json_t *)(uintptr_t)counts, key, v)
		if (json_is_integer(v))
			printf(" %s %lld", key, (long long)json_integer_value(v));
}

/* Counters since the start, then how long deliveries took from received to delivered. */
static void
show_inbox(const json_t *inbox)
{
	const json_t *lag = json_object_get(inbox, "lag"), *v;
	size_t i;

	show_counts("webhooks:", inbox);
	fputs(json_integer_value(json_object_get(inbox, "delivered")) > 0 ? "\ndelivered within:"
									  : "",
	    stdout);
	json_array_foreach(lag, i, v) {
		const json_t *ms = json_object_get(v, "ms");
		long long n = (long long)json_integer_value(json_object_get(v, "n"));

		if (n > 0 && json_is_integer(ms))
			printf(" %lld ms: %lld", (long long)json_integer_value(ms), n);
		else if (n > 0)
			printf(" later: %lld", n);
	}
	putchar('\n');
}

/* The sums of all workers: --json has each of them. */
static void
show_workers(const json_t *rows)
{
	const char *key;
	const json_t *first = json_array_get(rows, 0), *r, *v;
	size_t i;

	printf("%zu workers:", json_array_size(rows));
	json_object_foreach((json_t *)(uintptr_t)first, key, v) {
		long long sum = 0;

		json_array_foreach(rows, i, r)
			sum += (long long)json_integer_value(json_object_get(r, key));
		printf(" %s %lld", key, sum);
	}
	putchar('\n');
}

void
admin_show_status(const json_t *a)
{
	const json_t *rows = json_object_get(a, "workers"), *r;
	size_t i;
	char since[32];

	printf("aditd %s, domain %s, store %s\n", admin_text_at(a, "version"),
	    admin_text_at(a, "domain"), admin_text_at(a, "store"));
	if (admin_text_at(a, "not_reloaded")[0] != '\0')
		printf("THE LAST RELOAD FAILED: %s\n", admin_text_at(a, "not_reloaded"));
	show_workers(rows);
	show_inbox(json_object_get(a, "inbox"));
	if (json_object_get(a, "dns") != NULL) {
		show_counts("dns:", json_object_get(a, "dns"));
		putchar('\n');
	}
	rows = json_object_get(a, "tunnels");
	printf("%zu tunnels up%s\n", json_array_size(rows), json_array_size(rows) > 0 ? ":" : "");
	json_array_foreach(rows, i, r) {
		date(r, "since_ms", since);
		fputs("  ", stdout);
		say(r, "tunnel", 35);
		say(r, "account", 20);
		printf(" since %s\n", since);
	}
}

/*
 * The token alone on standard output, for $(...); the words about it go where people read.
 */
void
admin_show_added(const json_t *a)
{
	const json_t *tsig = json_object_get(a, "tsig");

	puts(admin_text_at(a, "token"));
	/* As nsupdate takes it behind -y. */
	if (tsig != NULL)
		printf("%s:%s:%s\n", admin_text_at(tsig, "algorithm"), admin_text_at(tsig, "name"),
		    admin_text_at(tsig, "secret"));
	tell_note("this is token %s of account %s; it is shown this once and never again",
	    admin_text_at(a, "id"), admin_text_at(a, "account"));
}

void
admin_show_name_held(const json_t *a)
{
	say(a, "name", 0);
	fputs(" is held by ", stdout);
	say(a, "account", 0);
	putchar('\n');
}

void
admin_show_name_disabled(const json_t *a)
{
	say(a, "name", 0);
	fputs(" is disabled: its tunnel has ended, no agent can open it, and visitors are answered "
	      "403.\nWhat is stored for it waits. To switch it on again: aditd name enable ",
	    stdout);
	say(a, "name", 0);
	putchar('\n');
}

void
admin_show_name_enabled(const json_t *a)
{
	say(a, "name", 0);
	fputs(" is enabled. Its agent does not come back by itself: account ", stdout);
	say(a, "account", 0);
	puts(" starts it again.");
}

void
admin_show_text(const json_t *a)
{
	if (admin_text_at(a, "text")[0] == '\0')
		return;
	say(a, "text", 0);
	putchar('\n');
}

void
admin_show_metrics(const json_t *a)
{
	fputs(admin_text_at(a, "text"), stdout);
}

/* The link alone on standard output; what to know of it goes where people read. */
void
admin_show_link(const json_t *a)
{
	const char *socket = admin_text_at(a, "socket"), *url = admin_text_at(a, "url"), *port;

	if (socket[0] != '\0') {
		puts(admin_text_at(a, "code"));
		tell_note(
		    "the dashboard listens on %s: open it through a proxy, with /#t= and this "
		    "code behind its address, within a minute",
		    socket);
		return;
	}
	puts(url);
	/* "http://127.0.0.1:4041/#t=...": by the same port it can be opened as it is. */
	port = strrchr(url, ':');
	port = port == NULL ? "4041" : port + 1;
	tell_note("open it on this machine within a minute; on another one, type there first: ssh "
		  "-L %.*s:127.0.0.1:%.*s THIS-MACHINE",
	    (int)strspn(port, "0123456789"), port, (int)strspn(port, "0123456789"), port);
}

void
admin_show_session(const json_t *r)
{
	say(r, "id", 9);
	say(r, "role", 9);
	say(r, "account", 20);
	printf(" since %lld min, last used %lld min ago\n",
	    (long long)json_integer_value(json_object_get(r, "age_ms")) / 60000,
	    (long long)json_integer_value(json_object_get(r, "idle_ms")) / 60000);
}

static long long
number_at(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

void
admin_show_tunnel(const json_t *r)
{
	char since[32];

	date(r, "since_ms", since);
	say(r, "name", 35);
	say(r, "account", 20);
	say(r, "state", 9);
	printf(" %-25s %lld requests, %lld failed, p50 %lld ms, p99 %lld ms ", since,
	    number_at(r, "requests"), number_at(r, "failed"), number_at(r, "p50_us") / 1000,
	    number_at(r, "p99_us") / 1000);
	say(r, "who", 0);
	putchar('\n');
}

void
admin_show_refused(const json_t *r)
{
	char at[32];

	date(r, "at_ms", at);
	printf("%-25s %6lld ", at, number_at(r, "count"));
	say(r, "code", 16);
	say(r, "tunnel", 35);
	say(r, "peer", 24);
	say(r, "text", 0);
	putchar('\n');
}

void
admin_show_audit(const json_t *r)
{
	char at[32];

	date(r, "at_ms", at);
	printf("%-25s ", at);
	say(r, "code", 12);
	say(r, "op", 20);
	say(r, "who", 32);
	say(r, "about", 0);
	putchar('\n');
}

/* A line of the log is ASCII already. */
void
admin_show_line(const json_t *r)
{
	puts(json_is_string(r) ? json_string_value(r) : "");
}

void
admin_show_setting(const json_t *r)
{
	char *text = json_dumps(json_object_get(r, "value"),
	    JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);

	printf("%s: %s\n", admin_text_at(r, "key"), text == NULL ? "?" : text);
	free(text);
}

static void
show_problems(const json_t *problems)
{
	const json_t *p;
	size_t i;

	if (json_array_size(problems) == 0)
		puts("nothing is wrong");
	json_array_foreach(problems, i, p) {
		printf("%s ", strcmp(admin_text_at(p, "level"), "bad") == 0 ? "BAD " : "warn");
		say(p, "code", 20);
		say(p, "text", 0);
		putchar('\n');
		if (admin_text_at(p, "todo")[0] != '\0') {
			fputs("     -> ", stdout);
			say(p, "todo", 0);
			putchar('\n');
		}
	}
}

void
admin_show_overview(const json_t *a)
{
	const json_t *tunnels = json_object_get(a, "tunnels"), *inbox = json_object_get(a, "inbox");
	const json_t *requests = json_object_get(a, "requests");
	char end[32];

	date(a, "certificate_end_ms", end);
	printf("aditd %s, domain %s: %lld tunnels up, %lld away, %lld stopped, %lld disabled\n",
	    admin_text_at(a, "version"), admin_text_at(a, "domain"), number_at(tunnels, "up"),
	    number_at(tunnels, "away"), number_at(tunnels, "stopped"),
	    number_at(tunnels, "disabled"));
	printf("inbox: %lld wait, %lld parked, %lld given up\n", number_at(inbox, "queued"),
	    number_at(inbox, "parked"), number_at(inbox, "dead"));
	printf("requests: %lld, %lld failed, p50 %lld ms, p99 %lld ms\n",
	    number_at(requests, "all"), number_at(requests, "failed"),
	    number_at(requests, "p50_us") / 1000, number_at(requests, "p99_us") / 1000);
	if (admin_text_at(a, "certificate")[0] != '\0')
		printf("certificate that ends first: %s, %s\n", admin_text_at(a, "certificate"),
		    end);
	show_problems(json_object_get(a, "problems"));
}
