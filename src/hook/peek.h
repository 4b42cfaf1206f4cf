/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a few values out of a JSON text in one pass, without building a tree: a tree of a hostile
 * megabyte is a hundred times as large.  No allocation, bounded depth; stops as soon as everything
 * was found.  Tolerant: whatever stood before a mistake was found, so use it for what is shown and
 * sorted, not for decisions of trust.
 */
#ifndef ADIT_HOOK_PEEK_H
#define ADIT_HOOK_PEEK_H

#include "base/check.h"
#include "base/slice.h"

enum peek_kind {
	PEEK_NONE, /* was not there */
	PEEK_STRING,
	PEEK_NUMBER,
	PEEK_TRUE,
	PEEK_FALSE,
	PEEK_NULL,
	PEEK_OBJECT,
	PEEK_ARRAY,
};

struct peek {
	const char *path;    /* in: member names and array indexes, "push.changes.0.new.name" */
	enum peek_kind kind; /* out, like the rest; of two members with one name the first counts */
	struct slice value;  /* STRING: between the quotes, still escaped; NUMBER: its text */
	uint32_t count;      /* ARRAY: elements, once its end was seen */
	uint8_t
	    matched; /* private: leading parts of path that are the path of the current container */
	bool done;   /* private */
};

/* False when the text is not JSON as far as it was read, or too deep. */
bool peek_json(struct slice json, struct peek *wants, size_t n);

/*
 * Decodes the escapes of a STRING into valid UTF-8, cut at cap - 1 bytes between characters,
 * NUL-terminated; NUL and whatever is no UTF-8 become '?'.  The text of other kinds is copied. ""
 * for PEEK_NONE, PEEK_NULL, objects and arrays.
 */
void peek_text(const struct peek *p, char *dst, size_t cap);

#endif
