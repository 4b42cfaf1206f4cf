/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a client: each is answered by one line of JSON-RPC, or by none, and is never more than that. */
#include "agent/mcp/mcp.h"
#include "fuzz/must.h"

static const struct mcp_tool tools[] = {
	{ "reads", "Reads", "Reads.", "{ \"id\": {} }", "[\"id\"]", false, 0 },
	{ "sends", "Sends", "Sends.", "{}", "[]", true, 1 },
	{ NULL },
};

static char *
call(struct mcp *m, const struct mcp_tool *t, const json_t *args, char why[512])
{
	MUST(m->running != NULL && json_is_object(args) && !t->sends);
	MUST(json_object_get(args, "id") != NULL);
	if (json_is_string(json_object_get(args, "id")))
		return strdup("done");
	snprintf(why, 512, "no id");
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice all = slice_of(data, n);
	struct mcp m = { .tools = tools, .call = call };
	struct buf out;

	buf_init(&out, 1 << 22);
	while (all.n > 0) {
		struct slice line = slice_cut(&all, '\n'), answer;
		json_t *made;

		buf_reset(&out);
		(void)mcp_cancels(&m, line);
		mcp_line(&m, line, &out);
		MUST(!out.failed && m.running == NULL);
		if (out.n == 0)
			continue;
		answer = buf_slice(&out);
		MUST(slice_find(answer, '\n') == answer.n - 1);
		made = json_loadb(answer.p, answer.n, 0, NULL);
		MUST(json_is_object(made) && json_object_get(made, "id") != NULL);
		MUST((json_object_get(made, "result") != NULL) !=
		     (json_object_get(made, "error") != NULL));
		json_decref(made);
	}
	buf_fini(&out);
	return 0;
}
