/* SPDX-License-Identifier: Apache-2.0 */
/* Reads HAR, .http files and tars of them, and asks the agent to send each request. */
#include "agent/command/replay_command.h"

#include "agent/command/mcp_command.h"
#include "agent/core/exit_code.h"
#include "agent/mcp/mcp_tools.h"
#include "agent/replay/unpack.h"
#include "base/plain.h"
#include "base/tell.h"
#include "base/text.h"
#include "conf/file.h"

#include <dirent.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (16 << 20)
#define FILES_MAX 10000

struct sender {
	const struct options *options;
	struct mcp mcp;
	struct mcp_tools tools;
	char tunnel[128];
	size_t n, n_failed;
};

/* The only tunnel of HTTP that the agent has, where none is named. False: it was told what is wrong. */
static bool
find_tunnel(struct sender *s)
{
	char why[512];
	json_t *state, *list;
	size_t n = 0;

	if (s->options->to != NULL) {
		snprintf(s->tunnel, sizeof(s->tunnel), "%s", s->options->to);
		return true;
	}
	state = mcp_ask_json(&s->mcp, "GET", "/v1/state", NULL, why);
	if (state == NULL) {
		tell_error("failed", "%s", why);
		return false;
	}
	list = json_object_get(state, "tunnels");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *t = json_array_get(list, i);
		const char *kind = json_string_value(json_object_get(t, "kind"));
		const char *name = json_string_value(json_object_get(t, "name"));

		if (kind == NULL || name == NULL || strcmp(kind, "http") != 0)
			continue;
		n++;
		snprintf(s->tunnel, sizeof(s->tunnel), "%s", name);
	}
	json_decref(state);
	if (n == 1)
		return true;
	tell_error("failed", n == 0 ? "the agent has no tunnel of HTTP"
				    : "the agent has several tunnels: name one by --to");
	return false;
}

/* {"tunnel","method","target","headers","body64","sign"} of a head that the parser took. NULL without memory. */
static char *
question(const struct sender *s, const struct unpacked *u)
{
	struct slice rest = buf_slice(&u->head), line = slice_cut(&rest, '\n');
	struct slice method = slice_cut(&line, ' '), target = slice_cut(&line, ' ');
	char *body = malloc(4 * ((u->body.n + 2) / 3) + 1), *text;
	json_t *headers = json_array(), *o;

	if (body == NULL) {
		json_decref(headers);
		return NULL;
	}
	text_base64(u->body.p, u->body.n, body);
	while (rest.n > 0) {
		struct slice value = slice_cut(&rest, '\n'), name;

		if (slice_ends(value, S("\r")))
			value.n--;
		name = slice_cut(&value, ':');
		if (name.n == 0)
			break;
		value = slice_trim(value);
		json_array_append_new(headers, json_pack("[o,o]", json_stringn(name.p, name.n),
						   json_stringn(value.p, value.n)));
	}
	o = json_pack("{s:s,s:o,s:o,s:o,s:s,s:b}", "tunnel", s->tunnel, "method",
	    json_stringn(method.p, method.n), "target", json_stringn(target.p, target.n), "headers",
	    headers, "body64", body, "sign", s->options->sign);
	text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	json_decref(o);
	free(body);
	return text;
}

/* False: it was told that it could not be sent. */
static void
send_one(struct sender *s, const struct unpacked *u, const char *file)
{
	struct slice head = buf_slice(&u->head), line = slice_cut(&head, '\n');
	char why[512] = "it cannot be written as JSON: a header is no text";
	const char *id = "";
	char *body = NULL;
	json_t *answer = NULL;
	struct buf shown;

	s->n++;
	line = slice_head(line, line.n < sizeof(" HTTP/1.1") ? 0 : line.n - sizeof(" HTTP/1.1"));
	buf_init(&shown, 4 * line.n + 1);
	plain_put(&shown, line);
	if (!s->options->dry_run) {
		body = question(s, u);
		if (body != NULL)
			answer = mcp_ask_json(&s->mcp, "POST", "/v1/send", body, why);
		id = json_string_value(json_array_get(json_object_get(answer, "ids"), 0));
	}
	if (s->options->dry_run) {
		printf("%s: %.*s, %zu bytes\n", file, PS(buf_slice(&shown)), u->body.n);
	} else if (id != NULL) {
		printf("%s: %.*s, sent as #%s\n", file, PS(buf_slice(&shown)), id);
	} else {
		tell_error("failed", "%s: %.*s: %s", file, PS(buf_slice(&shown)), why);
		s->n_failed++;
	}
	json_decref(answer);
	free(body);
	buf_fini(&shown);
}

/* False: it was told that it cannot be read. */
static bool
send_file(struct sender *s, const char *path)
{
	struct slice bytes = S("");
	char why[160] = "It cannot be read, or has more than 16 MiB.";
	char *p = file_read(path, FILE_BYTES_MAX, &bytes, NULL);
	struct unpack *u = p == NULL ? NULL : unpack_new(bytes, why, sizeof(why));
	struct unpacked one;
	bool ok = u != NULL;

	if (!ok)
		tell_error("failed", "%s: %s", path, why);
	while (u != NULL && unpack_next(u, &one)) {
		if (one.note[0] != '\0')
			tell_note("%s: %s", path, one.note);
		if (one.head.n > 0)
			send_one(s, &one, path);
		unpacked_fini(&one);
	}
	unpack_free(u);
	if (p != NULL)
		file_free(p, bytes);
	return ok;
}

static int
is_request(const struct dirent *d)
{
	struct slice name = slice_str(d->d_name);

	return slice_ends(name, S(".http")) || slice_ends(name, S(".har"));
}

/* In the order of their names. */
static bool
send_folder(struct sender *s, const char *folder)
{
	struct dirent **list = NULL;
	int n = scandir(folder, &list, is_request, alphasort);
	bool ok = n > 0;

	if (n <= 0)
		tell_error("failed", "%s: there is no .http or .har file in it", folder);
	for (int i = 0; i < n; i++) {
		char path[4096];
		int len = snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);

		if (len > 0 && (size_t)len < sizeof(path) && i < FILES_MAX)
			ok = send_file(s, path) && ok;
		free(list[i]);
	}
	free(list);
	return ok;
}

int
replay_command(const struct options *o)
{
	struct sender s = { .options = o, .mcp = { .owner = NULL } };
	struct stat st;
	int rc = EXIT_BROKE;
	bool ok;

	s.mcp.owner = &s.tools;
	if (stat(o->args[0], &st) != 0)
		return usage_error("%s: there is no such file", o->args[0]);
	if (!mcp_find_agent(&s.tools, o->web))
		return usage_error("--web %s: an address of this machine is wanted",
		    s.tools.address);
	mcp_pipe_init(&s.tools.pipe, -1);
	if (o->dry_run || find_tunnel(&s)) {
		ok = S_ISDIR(st.st_mode) ? send_folder(&s, o->args[0]) : send_file(&s, o->args[0]);
		rc = !ok && s.n == 0         ? EXIT_USAGE
		     : !ok || s.n_failed > 0 ? EXIT_BROKE
					     : EXIT_STOPPED;
	}
	mcp_pipe_fini(&s.tools.pipe);
	OPENSSL_cleanse(s.tools.token, sizeof(s.tools.token));
	return rc;
}
