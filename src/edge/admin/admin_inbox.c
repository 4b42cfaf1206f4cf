/* SPDX-License-Identifier: Apache-2.0 */
/* `aditd inbox`: carries the talk of hook/inboxtalk over the control socket. */
#include "edge/admin/admin_inbox.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/tell.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TAIL_SECONDS 1
#define OUT_BYTES (4 * LIMIT_INBOX_BODY_BYTES)

/* On the control socket the requests of the inbox have a name before theirs. */
static json_t *
envelope(json_t *request)
{
	json_t *copy = json_deep_copy(request);
	char op[32];

	snprintf(op, sizeof(op), "inbox.%s", json_string_value(json_object_get(request, "op")));
	json_object_set_new(copy, "op", json_string(op));
	return copy;
}

static int
converse(struct inboxtalk *t, int fd)
{
	enum inboxtalk_step step = INBOXTALK_ASK;
	struct buf out;
	int rc = 0;

	buf_init(&out, OUT_BYTES);
	while (step == INBOXTALK_ASK || step == INBOXTALK_WAIT) {
		json_t *answer;

		if (step == INBOXTALK_WAIT)
			sleep(TAIL_SECONDS);
		answer = admin_ask(fd, envelope(t->request));
		step = answer == NULL ? INBOXTALK_DONE : inboxtalk_next(t, answer, &out);
		if (answer == NULL || !tell_answer(&out) || step == INBOXTALK_FAILED)
			rc = 1;
		if (rc != 0 && step != INBOXTALK_FAILED)
			step = INBOXTALK_DONE;
		json_decref(answer);
	}
	if (step == INBOXTALK_FAILED)
		tell_error(t->code, "%s", t->why);
	buf_fini(&out);
	return rc;
}

int
admin_inbox(const struct admin_options *o, int argc, const char *const *argv)
{
	struct inboxtalk_options options = o->inbox;
	struct inboxtalk t;
	int fd, rc = 2;

	options.json = o->json;
	if (inboxtalk_start(&t, &options, argc, argv, clock_wall_ms()) == INBOXTALK_FAILED) {
		tell_usage("%s", t.why);
	} else {
		fd = admin_dial(o);
		rc = fd < 0 ? 1 : converse(&t, fd);
		if (fd >= 0)
			close(fd);
	}
	inboxtalk_fini(&t);
	return rc;
}
