/* SPDX-License-Identifier: Apache-2.0 */
/* `adit check-url`: looks at a URL, asks DNS and the server, and prints what it found. */
#include "agent/command/checkurl_command.h"

#include "agent/command/checkurl_probe.h"
#include "agent/core/config_file.h"
#include "agent/core/exit_code.h"
#include "base/plain.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* What `adit check-url` holds while it runs. */
struct job {
	struct checkurl_job url;
	struct config config; /* of the login, for remedies; empty: there is none */
	char edge[256];       /* its edge's host; params.edge points to it */
};

/* --connect: where the URL's server is called, whatever DNS says. 0, or an exit
 * code after saying why. */
static int
use_connect(struct job *j)
{
	const char *text = j->url.options->connect, *why;

	if (text == NULL)
		return 0;
	why = addr_parse(slice_str(text), &j->url.connect);
	if (why != NULL || j->url.connect.kind != ADDR_TCP)
		return usage_error("--connect %s: %s", text,
		    why != NULL ? why : "HOST:PORT is wanted");
	return 0;
}

/* --- what is printed --- */

/* For qsort(): the worst first, both products counted together; what is equally
 * bad in any order. */
static int
by_severity(const void *a, const void *b)
{
	const struct checkurl_finding *x = a, *y = b;
	int diff = (int)(y->cloud + y->dc) - (int)(x->cloud + x->dc);

	return diff;
}

/* Cloud refuses it, and a public document says that it does. */
static const char *
source_of(const struct checkurl *c)
{
	for (size_t i = 0; i < c->n_findings; i++)
		if (c->findings[i].cloud == CHECKURL_REFUSED && c->findings[i].source != NULL)
			return c->findings[i].source;
	return NULL;
}

/* sourced: Bitbucket's own documents say that it refuses such a URL. Else its refusal is our
 * expectation, and told as one. */
static const char *
verdict_text(enum checkurl_severity s, bool sourced)
{
	switch (s) {
	case CHECKURL_OK:
		return "accepts it";
	case CHECKURL_WARNING:
		return "saves it, but hooks may not arrive";
	case CHECKURL_REFUSED:
		break;
	}
	return sourced ? "refuses it: \"Invalid URL\"" : "is expected to refuse it";
}

/* Each document once, below all that leans on it. */
static void
write_sources(const struct checkurl *c, struct buf *b)
{
	for (size_t i = 0; i < c->n_findings; i++) {
		const char *source = c->findings[i].source;
		bool new = source != NULL;

		for (size_t k = 0; k < i && new; k++)
			new = c->findings[k].source != source;
		if (new)
			buf_printf(b, "source: %s\n", source);
	}
}

/* For people: the URL, a verdict of each product, then cause and remedy of each finding, then
 * what to type. The URL is what somebody pasted, so no byte of it may steer a terminal. */
static void
write_text(const struct job *j, struct buf *b)
{
	const struct checkurl *c = &j->url.check;

	plain_put(b, slice_str(j->url.options->args[0]));
	buf_printf(b, "\nBitbucket Cloud %s\nBitbucket Data Center %s\n",
	    verdict_text(c->cloud, source_of(c) != NULL), verdict_text(c->dc, false));
	for (size_t i = 0; i < c->n_findings; i++) {
		const struct checkurl_finding *f = &c->findings[i];
		enum checkurl_severity worst = f->cloud > f->dc ? f->cloud : f->dc;

		buf_printf(b, "%s %s: ", checkurl_severity_name(worst), f->code);
		plain_put(b, slice_str(f->cause));
		buf_putc(b, ' ');
		plain_put(b, slice_str(f->remedy));
		buf_putc(b, '\n');
	}
	/* What Bitbucket's validator does is not all known: where we find nothing,
	 * it may still refuse. */
	if (c->n_findings == 0 && j->url.probed)
		buf_printf(b,
		    "ok: it was reached at %s. If Bitbucket says \"Invalid URL\" all the same, it "
		    "is "
		    "Bitbucket's own validator.\n",
		    j->url.reached);
	else if (c->n_findings == 0)
		buf_put(b, S("ok: nothing is wrong with its text; without --no-probe it is called, "
			     "too.\n"));
	write_sources(c, b);
	if (c->command[0] != '\0')
		buf_printf(b, "type: %s\n", c->command);
	if (c->suggestion[0] != '\0') {
		buf_put(b, S("then: "));
		plain_put(b, slice_str(c->suggestion));
		buf_putc(b, '\n');
	}
}

/* "key":value, in ASCII: names may hold what a terminal would draw as something else. */
static void
put_member(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":", key);
	buf_json_ascii(b, slice_str(value));
}

/* The same for scripts, on one line (adit-check-url.1). */
static void
write_json(const struct job *j, enum checkurl_severity verdict, struct buf *b)
{
	const struct checkurl *c = &j->url.check;

	buf_putc(b, '{');
	put_member(b, "url", j->url.options->args[0]);
	buf_printf(b,
	    ",\"verdict\":\"%s\",\"cloud\":\"%s\",\"dc\":\"%s\",\"probed\":%s,\"findings\":[",
	    checkurl_severity_name(verdict), checkurl_severity_name(c->cloud),
	    checkurl_severity_name(c->dc), j->url.probed ? "true" : "false");
	for (size_t i = 0; i < c->n_findings; i++) {
		const struct checkurl_finding *f = &c->findings[i];

		buf_printf(b, "%s{\"code\":\"%s\",\"cloud\":\"%s\",\"dc\":\"%s\",",
		    i > 0 ? "," : "", f->code, checkurl_severity_name(f->cloud),
		    checkurl_severity_name(f->dc));
		put_member(b, "cause", f->cause);
		buf_putc(b, ',');
		put_member(b, "remedy", f->remedy);
		if (f->source != NULL) {
			buf_putc(b, ',');
			put_member(b, "source", f->source);
		}
		buf_putc(b, '}');
	}
	buf_put(b, S("],"));
	put_member(b, "suggestion", c->suggestion);
	buf_putc(b, ',');
	put_member(b, "command", c->command);
	buf_putc(b, ',');
	put_member(b, "reached", j->url.reached);
	buf_put(b, S("}\n"));
}

/* Where somebody is logged in, remedies name that edge. Without a login, or with a file that
 * cannot be read, they are told for any edge: a URL can be looked at all the same. */
static void
use_login(struct job *j)
{
	char path[512], url[300];
	struct addr edge;
	char *error = NULL;
	bool missing;

	if (j->url.options->file != NULL)
		snprintf(path, sizeof(path), "%s", j->url.options->file);
	else if (!config_file_path(path, sizeof(path)))
		return;
	error = config_file_read(path, &j->config, &missing);
	free(error);
	if (error == NULL && j->config.edge != NULL &&
	    addr_parse(slice_str(j->config.edge), &edge) == NULL && edge.kind == ADDR_TCP) {
		snprintf(j->edge, sizeof(j->edge), "%s", edge.host);
		j->url.params.edge = j->edge;
		j->url.params.port = edge.port;
		snprintf(url, sizeof(url), "https://jenkins.%.255s/", j->edge);
		j->url.params.trying = checkurl_is_for_trying(url);
	}
}

int
checkurl_command(const struct options *o)
{
	struct job *j = calloc(1, sizeof(*j));
	enum checkurl_severity verdict;
	struct buf out;

	if (j == NULL)
		return EXIT_BROKE;
	j->url.options = o;
	if (o->side != NULL && strcmp(o->side, "cloud") != 0 && strcmp(o->side, "dc") != 0) {
		free(j);
		return usage_error("--for %s: cloud or dc is wanted", o->side);
	}
	if (use_connect(j) != 0) {
		free(j);
		return EXIT_USAGE;
	}
	/* A server that hangs up while it is asked is a finding, not our end. */
	signal(SIGPIPE, SIG_IGN);
	use_login(j);
	checkurl_read(slice_str(o->args[0]), &j->url.params, &j->url.check);
	if (!o->no_probe)
		checkurl_probe(&j->url);
	qsort(j->url.check.findings, j->url.check.n_findings, sizeof(*j->url.check.findings),
	    by_severity);
	verdict =
	    o->side != NULL && strcmp(o->side, "dc") == 0 ? j->url.check.dc : j->url.check.cloud;
	buf_init(&out, 65536);
	if (o->json)
		write_json(j, verdict, &out);
	else
		write_text(j, &out);
	fwrite(out.p, 1, out.n, stdout);
	buf_fini(&out);
	config_fini(&j->config);
	free(j);
	/* 0, 1 and 2 are good, doubtful and refused, as adit-check-url(1) promises. */
	return (int)verdict;
}
