/* SPDX-License-Identifier: Apache-2.0 */
/* An account gives up a name or a port: the store, then the directory, then whoever serves it. */
#include "edge/link/release_message.h"

#include "base/log.h"
#include "edge/ddns/ddns.h"
#include "http/url.h"

#include <stdlib.h>

struct release_message {
	struct store_req req;
	struct errand errand;
	struct session *session; /* NULL: it is over */
	struct worker *worker;
	char key[DIRECTORY_KEY_BYTES]; /* as it was asked for */
};

static void
answer(struct session *s, const char *key, const char *code, const char *text)
{
	struct buf b;

	buf_init(&b, 2048);
	buf_put(&b, S("{\"type\":\"release\",\"name\":"));
	buf_json(&b, slice_str(key));
	buf_printf(&b, ",\"ok\":%s", code == NULL ? "true" : "false");
	if (code != NULL) {
		buf_printf(&b, ",\"code\":\"%s\",\"text\":", code);
		buf_json(&b, slice_str(text));
	}
	buf_putc(&b, '}');
	if (!b.failed)
		carrier_control(&s->carrier, buf_slice(&b));
	buf_fini(&b);
}

/*
 * "Nobody's" and "another's" are told apart, as anybody learns that by asking for the name.
 */
static void
answer_result(struct session *s, const char *key, enum store_result r)
{
	switch (r) {
	case STORE_OK:
		answer(s, key, NULL, "");
		return;
	case STORE_NONE:
		answer(s, key, "unknown-name", "nobody has this name or port");
		return;
	case STORE_TAKEN:
	case STORE_GONE:
		answer(s, key, "name-taken", "this name or port belongs to another account");
		return;
	default:
		answer(s, key, "store", store_result_text(r));
	}
}

/* On the store's thread, in the order of commits: the directory follows the store. */
static void
follow(struct store_req *req)
{
	struct release_message *r = list_of(req->owner, struct release_message, errand);
	struct directory *d = r->worker->edge->directory;
	unsigned at;

	if (req->result == STORE_OK && req->op == STORE_NAME_RELEASE)
		(void)directory_release(d, slice_str(r->key), &at);
	else if (req->result == STORE_OK)
		(void)directory_forget(d, slice_str(r->key), &at);
	errand_end(&r->errand);
}

static void
on_released(struct errand *e)
{
	struct release_message *r = list_of(e, struct release_message, errand);
	struct worker *w = r->worker;
	struct session *s = r->session;

	check(s == NULL || s->release == r);
	if (r->req.result == STORE_OK) {
		log_event(LOG_INFO, "name-released", LOG_Z("account", r->req.account),
		    LOG_Z("name", r->key));
		/*
		 * To all: the link that serves it may have moved since the directory said
		 * where it is.
		 */
		for (unsigned i = 0; i < w->edge->n_workers; i++)
			worker_fence(w->edge->workers[i], r->key);
		if (r->req.op == STORE_NAME_RELEASE)
			ddns_forget(w->edge, &w->errands, r->key);
	}
	if (s != NULL) {
		s->release = NULL;
		answer_result(s, r->key, r->req.result);
	}
	store_req_fini(&r->req);
	free(r);
}

/* "ci" or "tcp:2222" into the request; NULL, or what is wrong. */
static const char *
read_key(struct release_message *r, const char *key)
{
	const char *why = NULL;
	uint64_t port;

	if (!slice_starts(slice_str(key), S("tcp:"))) {
		why = url_name(slice_str(key), r->req.route.name, sizeof(r->req.route.name));
		r->req.op = STORE_NAME_RELEASE;
		snprintf(r->key, sizeof(r->key), "%s", r->req.route.name);
		return why;
	}
	if (!slice_u64(slice_str(key + 4), &port) || port == 0 || port > 65535)
		return "a port is tcp: and a number from 1 to 65535";
	r->req.op = STORE_PORT_RELEASE;
	r->req.route.port = (uint16_t)port;
	snprintf(r->key, sizeof(r->key), "tcp:%u", r->req.route.port);
	return NULL;
}

void
release_message(struct session *s, const json_t *request)
{
	const char *key = json_string_value(json_object_get(request, "name")), *why;
	struct release_message *r = calloc(1, sizeof(*r));

	if (key == NULL)
		key = "";
	why = r == NULL ? "the edge is out of memory" : read_key(r, key);
	if (why == NULL && s->release != NULL)
		why = "one name at a time";
	if (why != NULL) {
		answer(s, strlen(key) < DIRECTORY_KEY_BYTES ? key : "", "bad-name", why);
		free(r);
		return;
	}
	snprintf(r->req.account, sizeof(r->req.account), "%s", s->account);
	r->session = s;
	r->worker = s->worker;
	s->release = r;
	errand_store(&r->errand, &s->worker->errands, s->worker->edge->store, &r->req, follow,
	    on_released);
}

/* The name is given up all the same: the store has been told. */
void
release_abandon(struct session *s)
{
	if (s->release != NULL)
		s->release->session = NULL;
	s->release = NULL;
}
