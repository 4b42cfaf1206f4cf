/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the doctor's own by the public way: a push that no job waits for, signed as the
 * sender would sign it. */
#include "agent/doctor/doctor_private.h"

#include "base/clock.h"
#include "base/rand.h"

#include <stdlib.h>

int
doctor_ask(struct doctor *d, const char *method, const char *depth, struct slice body,
    struct slice fields, int64_t timeout_ms, struct fetch_answer *ret)
{
	struct fetch_request req = {
		.method = method,
		.tls_name = d->check.host,
		.host = d->host_header,
		.body = body,
		.insecure =
		    true, /* doctor_look_tls() has judged it; more is to be seen behind it */
		.timeout_ms = timeout_ms,
		.body_max = 65536,
	};
	const char *path = strstr(d->url, "://");
	struct buf all;
	int rc;

	check(d->has_to); /* the stages before have found somebody to call */
	buf_init(&all, 8192);
	if (d->ticket != NULL)
		buf_printf(&all, "adit-probe: %s%s%s\r\n", d->ticket, depth[0] != '\0' ? " " : "",
		    depth);
	if (fields.n == 0)
		buf_put(&all, S("User-Agent: adit-doctor/" ADIT_VERSION "\r\n"));
	buf_put(&all, fields);
	req.fields = buf_slice(&all);
	req.addr.tls = strcmp(d->check.scheme, "https") == 0;
	req.addr.port = addr_split(&d->to, sizeof(d->to), req.addr.host, sizeof(req.addr.host));
	path = path == NULL ? NULL : strchr(path + 3, '/');
	req.target = slice_str(path != NULL ? path : "/");
	/* The token in the query of a generic trigger names a job, which must not start. */
	if (d->preset != NULL && strcmp(d->preset->name, "jenkins-generic") == 0)
		req.target = slice_cut(&req.target, '?');
	rc = fetch(&req, ret);
	buf_fini(&all);
	return rc;
}

/*
 * As the sender would: so a wrong secret shows here, and not with the next push. Without a
 * secret, or where a scheme has no way to sign, the push goes unsigned and the edge says what
 * it thinks of that.
 */
static void
sign(const struct doctor *d, struct buf *fields, struct slice body)
{
	struct slice secret = slice_str(d->secret);
	struct sign_params p = { .secrets = &secret, .n_secrets = 1 };
	struct hook_request req = { .method = S("POST"),
		.path = slice_str(d->check.path),
		.query = S(""),
		.url = slice_str(d->url),
		.body = body,
		.now_ms = clock_wall_ms() };
	const char *scheme = doctor_text_of(d->policy, "scheme");
	struct sign_output *out;

	if (scheme[0] == '\0' && d->preset != NULL && d->preset->scheme != NULL)
		scheme = d->preset->scheme;
	p.scheme = sign_find(slice_str(scheme));
	out = malloc(sizeof(*out));
	if (d->secret[0] != '\0' && p.scheme != NULL && p.scheme->can_sign && out != NULL &&
	    hook_sign(&p, &req, S("adit-doctor"), out)) {
		for (size_t i = 0; i < out->n_fields; i++)
			buf_printf(fields, "%.*s: %.*s\r\n", PS(out->fields[i].name),
			    PS(out->fields[i].value));
	}
	free(out);
}

/* The ping of senders whose receivers would call a push of Bitbucket's an error. False: it has
 * none. id: appears in the body, so that no two probes look like one delivery that was repeated. */
static bool
put_ping(const struct doctor *d, const char *id, struct buf *fields, struct buf *body)
{
	const char *name = d->preset != NULL ? d->preset->name : "";

	if (strcmp(name, "jenkins-github") == 0) {
		buf_printf(body, "{\"zen\":\"adit doctor\",\"adit_probe\":\"%s\"}", id);
		buf_printf(fields,
		    "User-Agent: GitHub-Hookshot/adit\r\nX-GitHub-Event: ping\r\n"
		    "X-GitHub-Delivery: adit-probe-%s\r\n",
		    id);
	} else if (strcmp(name, "jenkins-bitbucket-server") == 0) {
		buf_put(body, S("{\"test\": true}"));
		buf_printf(fields,
		    "User-Agent: adit-doctor/" ADIT_VERSION "\r\nX-Event-Key: diagnostics:ping\r\n"
		    "X-Request-Id: adit-probe-%s\r\n",
		    id);
	} else {
		return false;
	}
	return true;
}

/*
 * A push of a repository that exists nowhere, with no changes in it: receivers read it whole,
 * answer as they would answer a real one, and start nothing. Members are those without which
 * plugins of Jenkins fail (links, owner, scm).
 */
void
doctor_push(const struct doctor *d, struct buf *fields, struct buf *body)
{
	char id[17];

	check(fields->n == 0 && body->n == 0);
	rand_name(id, 16);
	if (!put_ping(d, id, fields, body)) {
		buf_printf(body,
		    "{\"adit_probe\":\"%s\",\"push\":{\"changes\":[]},\"repository\":{\"type\":"
		    "\"repository\",\"name\":\"doctor\",\"full_name\":\"adit-probe/doctor\","
		    "\"scm\":\"git\",\"is_private\":true,\"links\":{"
		    "\"html\":{\"href\":\"https://bitbucket.org/adit-probe/doctor\"},\"self\":{"
		    "\"href\":\"https://api.bitbucket.org/2.0/repositories/adit-probe/doctor\"}},"
		    "\"owner\":{\"nickname\":\"adit\",\"display_name\":\"adit doctor\","
		    "\"type\":\"team\"}},\"actor\":{\"nickname\":\"adit\","
		    "\"display_name\":\"adit doctor\",\"type\":\"user\"}}",
		    id);
		buf_printf(fields,
		    "User-Agent: Bitbucket-Webhooks/2.0\r\nX-Event-Key: repo:push\r\n"
		    "X-Hook-UUID: adit-probe\r\nX-Request-UUID: adit-probe-%s\r\n"
		    "X-Attempt-Number: 1\r\n",
		    id);
	}
	buf_printf(fields, "Content-Type: application/json\r\nX-Adit-Probe: %s\r\n", id);
	sign(d, fields, buf_slice(body));
}
