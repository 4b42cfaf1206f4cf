/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything of the hook room that reads bytes from outside.  The first byte of an input chooses
 * what: 0 signatures, 1 events and handshakes, 2 URLs and addresses, 3 paths and answers.  Oracles
 * beyond "does not crash": nothing is accepted that was not signed, what was signed is accepted,
 * texts are bounded UTF-8, two readings agree.
 */
#include "hook/checkurl.h"
#include "hook/doctor.h"
#include "hook/event.h"
#include "hook/handshake.h"
#include "hook/peek.h"

#include "base/check.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define FIELDS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct slice secrets[] = { S("correct-horse-battery"),
	S("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="),
	S("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="), S("miner:lamp"), S("") };
#define SECRETS (sizeof(secrets) / sizeof(*secrets))

static void
check_text(const char *text, size_t cap)
{
	struct slice s = slice_of(text, strnlen(text, cap));

	check(s.n < cap);
	while (s.n > 0) {
		size_t step = utf8_next(s);

		check(step > 0);
		s = slice_from(s, step);
	}
}

/* "method path?query" and a line, then fields up to an empty line, then the body. */
static void
read_request(struct slice in, struct hook_request *req, struct hook_field *fields)
{
	struct slice first = slice_cut(&in, '\n'), target;

	*req = (struct hook_request){ .fields = fields, .now_ms = 1790000000000 };
	req->method = slice_cut(&first, ' ');
	target = first;
	req->url = target;
	req->path = slice_cut(&target, '?');
	req->query = target;
	while (in.p != NULL && req->n_fields < FIELDS) {
		struct slice line = slice_cut(&in, '\n'), name;

		if (line.n == 0)
			break;
		name = slice_cut(&line, ':');
		fields[req->n_fields++] = (struct hook_field){ name, slice_trim(line) };
	}
	req->body = in;
}

/*
 * A stranger, who has no secret: whatever verifies must have been in the corpus already, so a
 * signature that is good is checked by changing the body, which must make it bad.
 */
static void
fuzz_sign(struct slice in, uint8_t which)
{
	const struct sign_scheme *s = &sign_schemes[which % sign_schemes_n];
	struct sign_params p = { .scheme = s,
		.secrets = secrets,
		.n_secrets = SECRETS,
		.header = S("X-Mine"),
		.prefix = S("v="),
		.allow_sha1 = which & 0x80 };
	struct hook_field fields[FIELDS];
	struct hook_request req;
	struct sign_verdict v, again;
	struct sign_output out, later;
	struct handshake h;
	bool ok;

	read_request(in, &req, fields);
	ok = hook_verify(&p, &req, &v);
	check(ok == (v.reason == SIGN_OK));
	check_text(v.text, sizeof(v.text));
	check(hook_verify(&p, &req, &again) == ok && again.reason == v.reason);
	sign_explain(&p, &req, &again);
	check_text(again.text, sizeof(again.text));
	if (handshake_read(&req, &p, &v, &h) == HANDSHAKE_ANSWER)
		check(h.body_n <= sizeof(h.body) &&
		      (ok || v.reason == SIGN_PING || strcmp(h.name, "meta") == 0));
	/* only what its sender has signed is signed again, and then it is good */
	if (hook_sign_again(&p, &req, &out))
		check(ok || v.reason == SIGN_SKEW);
	p.secrets = &secrets[which % SECRETS];
	p.n_secrets = 1;
	if (hook_sign(&p, &req, S("msg_1"), &out)) {
		req.fields = out.fields;
		req.n_fields = out.n_fields;
		check(hook_verify(&p, &req, &v));
		req.now_ms += 86400000;
		if (hook_sign_again(&p, &req, &later)) {
			req.fields = later.fields;
			req.n_fields = later.n_fields;
			check(hook_verify(&p, &req, &v));
		} else {
			check(sign_again_fault(&p) != NULL);
		}
	}
}

static void
fuzz_event(struct slice in, uint8_t which)
{
	struct hook_field fields[FIELDS];
	struct hook_request req;
	struct peek w[] = { { .path = "a.0.b" }, { .path = "push.changes" }, { .path = "x" } };
	struct event e, again;

	read_request(in, &req, fields);
	event_read(&req, which % 9 == 8 ? event_guess(&req) : (enum event_sender)(which % 8), &e);
	check_text(e.key, sizeof(e.key));
	check_text(e.delivery, sizeof(e.delivery));
	check_text(e.dedupe, sizeof(e.dedupe));
	check_text(e.repository, sizeof(e.repository));
	check_text(e.branch, sizeof(e.branch));
	check_text(e.actor, sizeof(e.actor));
	check_text(e.order, sizeof(e.order));
	check_text(e.summary, sizeof(e.summary));
	event_read(&req, e.sender, &again);
	check(memcmp(e.dedupe, again.dedupe, sizeof(e.dedupe)) == 0 &&
	      strcmp(e.order, again.order) == 0);
	peek_json(req.body, w, 3);
	for (size_t i = 0; i < 3; i++) {
		char text[40];

		check(w[i].value.n <= req.body.n);
		peek_text(&w[i], text, sizeof(text));
		check_text(text, sizeof(text));
	}
}

static void
fuzz_url(struct slice in, uint8_t which)
{
	const struct checkurl_params p = { .preset = which < presets_n ? &presets[which] : NULL };
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	char text[64];
	struct checkurl c;
	struct in_addr a;
	uint32_t v4;
	bool plain;

	checkurl_read(in, &p, &c);
	check(c.n_findings <= CHECKURL_FINDINGS);
	check_text(c.host, sizeof(c.host));
	check_text(c.path, sizeof(c.path));
	check_text(c.suggestion, sizeof(c.suggestion));
	check_text(c.command, sizeof(c.command));
	check(strspn(c.command,
		  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 :/.-_[]") ==
	      strlen(c.command));
	for (size_t i = 0; i < c.n_findings; i++) {
		check_text(c.findings[i].cause, sizeof(c.findings[i].cause));
		check_text(c.findings[i].remedy, sizeof(c.findings[i].remedy));
		check(c.findings[i].remedy[0] != '\0');
	}
	memcpy(&sa.sin6_addr, in.p, in.n < 16 ? in.n : 16);
	checkurl_address(&c, &p, (struct sockaddr *)&sa, sizeof(sa), "address");
	/* Whatever the system takes for an IPv4 address is one here too, with the same value. */
	if (slice_z(in, text, sizeof(text)) &&
	    strspn(text, "0123456789abcdefABCDEFxX.") == strlen(text) && inet_aton(text, &a) == 1)
		check(ipclass_parse_v4(in, &v4, &plain) && v4 == ntohl(a.s_addr));
}

static void
fuzz_rest(struct slice in, uint8_t which)
{
	struct slice rest = in, path = slice_cut(&rest, '\n'), location = slice_cut(&rest, '\n');
	const struct preset *p = &presets[which % presets_n];
	struct preset_answer a = {
		.status = which * 5, .path = path, .location = location, .body = rest
	};
	struct preset_judgement j = preset_judge(p, &a);
	const struct doctor_value v = { "host", in };
	char template[200];
	struct buf b;

	check(j.code != NULL && j.text != NULL && j.advice != NULL);
	check(j.class != RESULT_DONE || (a.status >= 200 && a.status < 300));
	/* What a storing preset lets through is plain. */
	if (p->mode == PRESET_STORE && preset_access(p, S("POST"), path) == PRESET_ALLOWED) {
		check(path.p[0] == '/' && memmem(path.p, path.n, "..;", 3) == NULL &&
		      memmem(path.p, path.n, "/../", 4) == NULL &&
		      slice_find(path, '\\') == SIZE_MAX &&
		      memmem(path.p, path.n, "//", 2) == NULL);
	}
	preset_of_path(path);
	check(result_retry_after(in, 1790000000000) >= -1);
	check(result_next((int64_t)which * 20000000, RESULT_RETRY, result_retry_after(in, 0),
		  which * 0x9E3779B97F4A7C15u)
		  .delay_ms >= 0);
	hook_copy(in, template, sizeof(template));
	check_text(template, sizeof(template));
	buf_init(&b, 4096);
	doctor_text(template, &v, 1, &b);
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const targets[])(struct slice, uint8_t) = { fuzz_sign, fuzz_event, fuzz_url,
		fuzz_rest };

	if (n >= 2)
		targets[data[0] % 4](slice_of(data + 2, n - 2), data[1]);
	return 0;
}
