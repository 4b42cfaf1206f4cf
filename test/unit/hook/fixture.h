/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files of test/fixtures/webhooks and of folders of that shape; for unit tests only. */
#ifndef ADIT_TEST_HOOK_FIXTURE_H
#define ADIT_TEST_HOOK_FIXTURE_H

#include "hook/hook.h"

#include <stdio.h>
#include <stdlib.h>

#define FIXTURES "test/fixtures"
#define SHARED "../shared/fixtures"
#define FIXTURE_FIELDS 40

/* The bytes of a file, malloced; p is NULL when it is not there. */
static inline struct slice
fixture_bytes(const char *folder, const char *name)
{
	char path[512];
	FILE *f;
	char *p;
	long n;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return (struct slice){ NULL, 0 };
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	p = malloc((size_t)n + 1);
	if (p == NULL || fread(p, 1, (size_t)n, f) != (size_t)n)
		abort();
	fclose(f);
	return slice_of(p, (size_t)n);
}

static inline void
fixture_free(struct slice s)
{
	void *p;

	memcpy(&p, &s.p, sizeof(p)); /* slices are const, this memory is ours */
	free(p);
}

struct fixture {
	struct hook_request req;
	struct hook_field fields[FIXTURE_FIELDS];
	struct slice head, body;
};

/* "Name: value" lines into fields. */
static inline void
fixture_fields(struct fixture *f, struct slice lines)
{
	while (lines.n > 0 && f->req.n_fields < FIXTURE_FIELDS) {
		struct slice line = slice_cut(&lines, '\n'), name = slice_cut(&line, ':');

		if (name.n > 0)
			f->fields[f->req.n_fields++] =
			    (struct hook_field){ name, slice_trim(line) };
	}
}

/* folder/name.json or .form, with its .headers. False when it is not there. */
static inline bool
fixture_load(struct fixture *f, const char *folder, const char *name)
{
	char file[256];

	*f = (struct fixture){ 0 };
	snprintf(file, sizeof(file), "%s.json", name);
	f->body = fixture_bytes(folder, file);
	snprintf(file, sizeof(file), "%s.form", name);
	if (f->body.p == NULL)
		f->body = fixture_bytes(folder, file);
	snprintf(file, sizeof(file), "%s.headers", name);
	f->head = fixture_bytes(folder, file);
	f->req.method = S("POST");
	f->req.path = S("/");
	f->req.fields = f->fields;
	f->req.body = f->body;
	f->req.now_ms = 1790000000000;
	fixture_fields(f, f->head);
	return f->body.p != NULL;
}

static inline void
fixture_unload(struct fixture *f)
{
	fixture_free(f->body);
	fixture_free(f->head);
}

#endif
