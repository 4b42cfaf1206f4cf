/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as files of other tools: the input is a head and, behind its empty line, a body. What is written as HAR is
 * JSON; a line of Python that holds bytes of the request ends its literal where it must.
 */
#include "agent/replay/script.h"

#include "fuzz/must.h"

#include <jansson.h>

/* Each quote that no backslash precedes opens or closes; a line ends outside of one. */
static void
must_be_closed(struct slice text)
{
	bool inside = false;

	for (size_t i = 0; i < text.n; i++) {
		MUST(text.p[i] == '\n' || (text.p[i] >= ' ' && text.p[i] < 0x7f));
		/* A remark goes to the end of its line. */
		if (text.p[i] == '#' && !inside)
			while (i + 1 < text.n && text.p[i + 1] != '\n')
				i++;
		else if (text.p[i] == '\\')
			i++;
		else if (text.p[i] == '"')
			inside = !inside;
		else if (text.p[i] == '\n')
			MUST(!inside);
	}
	MUST(!inside);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice all = slice_of(data, n);
	const char *end = n == 0 ? NULL : memmem(data, n, "\r\n\r\n", 4);
	size_t head = end == NULL ? n : (size_t)(end - all.p) + 4;
	const struct script_request r = { .id = n,
		.took_us = -1,
		.status = 200,
		.event = slice_head(all, 64),
		.head = slice_head(all, head),
		.body = slice_from(all, head),
		.answer_head = slice_head(all, head),
		.answer_body = slice_from(all, head) };

	for (int f = SCRIPT_CURL; f <= SCRIPT_HTTP; f++) {
		struct buf out;
		json_t *o;

		buf_init(&out, 1 << 24);
		script_begin((enum script_form)f, &out);
		script_put((enum script_form)f, &r, 0, &out);
		script_put((enum script_form)f, &r, 1, &out);
		if (f == SCRIPT_PYTEST) {
			/* The preface has quotes of its own, but whole lines of them. */
			must_be_closed(buf_slice(&out));
		}
		script_end((enum script_form)f, &out);
		MUST(!out.failed);
		MUST(f != SCRIPT_HTTP || out.n % 512 == 0);
		if (f == SCRIPT_HAR) {
			o = json_loadb(out.p, out.n, JSON_ALLOW_NUL, NULL);
			MUST(o != NULL);
			json_decref(o);
		}
		buf_fini(&out);
	}
	return 0;
}
