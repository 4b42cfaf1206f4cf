/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps of a setup share. */
#ifndef ADIT_EDGE_SETUP_SETUP_PRIVATE_H
#define ADIT_EDGE_SETUP_SETUP_PRIVATE_H

#include "base/buf.h"
#include "edge/core/settings.h"
#include "edge/setup/setup.h"

#include <stdint.h>

/* What is written into the file; "" where a line is left out. */
struct setup_wish {
	char domain[256]; /* "": ip in place of it */
	char ip[64];
	char email[256], directory[1024], ca_file[1024];
	char dns_mode[16]; /* "off": without DNS of our own */
	char addresses[LIMIT_SETUP_ADDRESSES][64], dns_listen[LIMIT_SETUP_ADDRESSES][80];
	size_t n_addresses, n_dns_listen;
	char https[128], http[128];
};

struct setup {
	const struct setup_options *o;
	bool asks;      /* somebody sits there */
	bool standard;  /* the file is that of the unit */
	bool wrote;     /* the file is of this run */
	int64_t end_us; /* of all waiting */
	char account[64];
	char token[256];           /* made by this run; "" there was one */
	struct settings *settings; /* as the file has them */
};

/* --- setup_ask.c: questions to whoever sits there; all say false when the input has ended --- */

/* preset: taken for an empty answer, shown in brackets; "" none. */
bool setup_ask(const char *question, const char *preset, char *dst, size_t cap) must_use;
bool setup_ask_yes(const char *question, bool preset, bool *ret) must_use;

/* --- setup_wish.c: what the file is to say --- */

/* From options and questions. False: it was said what is missing. */
bool setup_wish_fill(const struct setup *s, struct setup_wish *w) must_use;
/* The file's text. */
void setup_wish_text(const struct setup_wish *w, struct buf *b);

/* --- setup_child.c: other programs --- */

/*
 * Runs a program, whose words end with NULL, and waits.  out: takes what it prints on standard
 * output (then what it says of errors is not shown), NULL: it prints where we do.  Its exit status;
 * -1 and errno: it could not be started, or a signal ended it.
 */
int setup_child(const char *const *argv, struct buf *out) must_use;
/* The same for this program: aditd -f FILE WORDS..., and --json where its output is taken. */
int setup_self(const struct setup *s, const char *const *words, struct buf *out) must_use;

/* --- setup_dns.c: the records at the provider --- */

/* Prints them, and waits until they are there. False: it was said why not. */
bool setup_dns(struct setup *s) must_use;

/* --- setup_edge.c: the edge that runs --- */

bool setup_edge_runs(const struct setup *s) must_use;
bool setup_start(struct setup *s) must_use;
bool setup_certificate(struct setup *s) must_use;
bool setup_token(struct setup *s) must_use;

/* --- setup.c --- */

/* For people alone: nothing with --json. */
void setup_say(const struct setup *s, const char *fmt, ...) printf_like(2, 3);
/* What the certificate is for: the domain, or the address of an edge without one. */
const char *setup_name(const struct setup *s);
/* A pause of so many ms; false when the time of all waiting is over. */
bool setup_pause(const struct setup *s, int ms) must_use;

#endif
