/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the edge, waits for its certificate, and makes the first token: by its own commands. */
#include "edge/setup/setup_private.h"

#include "base/tell.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a command of aditd answers; NULL where it fails, as it does while no edge runs. */
static json_t *
ask(const struct setup *s, const char *const *words)
{
	struct buf b;
	json_t *answer = NULL;
	int status;

	buf_init(&b, LIMIT_SETUP_ANSWER_BYTES);
	status = setup_self(s, words, &b);
	if (status == 0 && b.n > 0)
		answer = json_loadb(b.p, b.n, JSON_DISABLE_EOF_CHECK, NULL);
	buf_fini(&b);
	return answer;
}

bool
setup_edge_runs(const struct setup *s)
{
	static const char *const words[] = { "status", NULL };
	json_t *answer = ask(s, words);

	json_decref(answer);
	return answer != NULL;
}

/* --- start --- */

static bool
has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

static bool
systemctl(const char *verb)
{
	const char *const argv[] = { "systemctl", "--quiet", verb, "aditd", NULL };
	int status = setup_child(argv, NULL);

	if (status == 0)
		return true;
	if (status < 0)
		tell_error("failed", "systemctl: %s", strerror(errno));
	else
		tell_error("failed", "systemctl %s aditd failed: journalctl -u aditd says why",
		    verb);
	return false;
}

static bool
wait_until_it_runs(const struct setup *s)
{
	while (!setup_edge_runs(s))
		if (!setup_pause(s, LIMIT_SETUP_EDGE_MS)) {
			tell_error("no-edge",
			    "no edge answers: start it, and type aditd setup again");
			return false;
		}
	return true;
}

bool
setup_start(struct setup *s)
{
	bool runs = setup_edge_runs(s);

	if (runs && !s->wrote)
		return true;
	if (s->standard && has_systemd()) {
		setup_say(s, "systemctl enable aditd; systemctl restart aditd\n");
		return systemctl("enable") && systemctl("restart") && wait_until_it_runs(s);
	}
	if (runs) {
		tell_error("failed",
		    "an edge runs with another configuration: stop it, and type aditd setup again");
		return false;
	}
	setup_say(s,
	    "There is no systemd here. Start the edge in another terminal, and leave it "
	    "running:\n  aditd%s%s\n",
	    s->standard ? "" : " -f ", s->standard ? "" : s->o->file);
	return wait_until_it_runs(s);
}

/* --- certificate --- */

/* The certificate of the domain, by either of its names. */
static json_t *
find_row(json_t *answer, const char *domain)
{
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(answer, "rows"), i, row) {
		const char *name = json_string_value(json_object_get(row, "name"));

		if (name != NULL && strncmp(name, "*.", 2) == 0)
			name += 2;
		if (name != NULL && strcmp(name, domain) == 0)
			return row;
	}
	return NULL;
}

static const char *
member(json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text == NULL ? "" : text;
}

/* A failure of an earlier run is not waited out: what was wrong is repaired by now. */
static void
try_again(const struct setup *s, json_t *row)
{
	const char *words[] = { "cert", "renew", member(row, "name"), NULL };

	json_decref(ask(s, words));
}

/* What the world sees of this edge often says why. */
static void
show_checkup(const struct setup *s)
{
	const char *words[] = { "doctor", s->o->resolver != NULL ? "--resolver" : NULL,
		s->o->resolver, NULL };

	if (!s->o->json)
		(void)!setup_self(s, words, NULL);
}

bool
setup_certificate(struct setup *s)
{
	static const char *const words[] = { "cert", "list", NULL };
	char problem[1024] = "";
	bool first = true;

	if (s->settings->acme.n_cas == 0)
		return true; /* the operator brings his own */
	for (;;) {
		json_t *answer = ask(s, words), *row = find_row(answer, setup_name(s));
		const char *state = member(row, "state"), *now = member(row, "problem");
		bool served = strcmp(state, "served") == 0 || strcmp(state, "failing") == 0;

		if (!served && now[0] != '\0' && first)
			try_again(s, row);
		else if (!served && now[0] != '\0' && strcmp(now, problem) != 0)
			setup_say(s, "No certificate yet: %s\n", now);
		if (!first)
			snprintf(problem, sizeof(problem), "%s", now);
		else if (!served)
			setup_say(s, "Waiting for a certificate for %s.\n", setup_name(s));
		first = false;
		json_decref(answer);
		if (served)
			return true;
		if (!setup_pause(s, LIMIT_SETUP_EDGE_MS))
			break;
	}
	show_checkup(s);
	tell_error("no-certificate",
	    "no certificate for %s came in time%s%s; the edge goes on trying: "
	    "aditd cert list says how it is, and aditd setup goes on here",
	    setup_name(s), problem[0] != '\0' ? ": " : "", problem);
	return false;
}

/* --- token --- */

bool
setup_token(struct setup *s)
{
	const char *list[] = { "token", "list", s->account, NULL };
	const char *add[] = { "token", "add", s->account, "--label", "aditd setup", NULL };
	json_t *answer = ask(s, list);
	bool has = json_array_size(json_object_get(answer, "rows")) > 0;

	json_decref(answer);
	if (has)
		return true;
	answer = ask(s, add);
	snprintf(s->token, sizeof(s->token), "%s", member(answer, "token"));
	json_decref(answer);
	if (s->token[0] != '\0')
		return true;
	tell_error("failed", "no token was made: aditd token add %s says why", s->account);
	return false;
}
