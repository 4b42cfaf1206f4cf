/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of another tunnel program, made an adit.yml: ngrok.yml of both versions,
 * cloudflared's config.yml, frpc.toml (also as YAML or JSON).  Rows say what becomes of each key
 * (import_private.h).  A tunnel that would lose what keeps people out is refused, and so is one with
 * a key that is in no row: it might be such a guard.  Whatever else has no counterpart is a comment
 * with its reason, and a note with its place.  Tokens of other edges are never copied.
 *
 * Nothing is read or written here: bytes come in, texts come out.
 */
#ifndef ADIT_AGENT_IMPORT_IMPORT_H
#define ADIT_AGENT_IMPORT_IMPORT_H

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"

enum import_from { IMPORT_ANY, IMPORT_NGROK, IMPORT_CLOUDFLARED, IMPORT_FRP };

/* A policy (adit-policy(5)) that stands in a file of its own, beside adit.yml. */
struct import_file {
	char name[96];
	char *text; /* malloced; holds hashes and secrets */
};

/* What was found: a line of notes begins with one of them. */
#define IMPORT_WARNED '-'
#define IMPORT_REFUSED '!'

struct import {
	/* Set by the caller. path: for messages. hash: a line "name:hash" for a password into dst, or
	 * false. beside: there is a folder for files. */
	const char *path;
	enum import_from from;
	bool (*hash)(const char *name, const char *password, char *dst, size_t cap);
	bool beside;
	/* What came out. */
	struct buf yml;
	struct buf notes; /* lines, each with its mark in front and "path:3:5: " behind that */
	size_t n_tunnels, n_refused;
	size_t n_files;
	struct import_file files[LIMIT_TUNNELS_PER_LINK];
	/* Names and labels that are taken already. */
	char names[LIMIT_TUNNELS_PER_LINK][64], labels[LIMIT_TUNNELS_PER_LINK][64];
	char listen[64]; /* of the web interface; "": not said */
	char why[600];   /* where nothing could be made of it */
};

/* False, and im->why. im is to be import_fini()ed in either case. */
bool import_run(struct import *im, struct slice text) must_use;
void import_fini(struct import *im);

/* The word of --from. False for another one. */
bool import_from_word(const char *word, enum import_from *ret) must_use;

#endif
