/* SPDX-License-Identifier: Apache-2.0 */
/* The console, for its own files: the loop's side, what is told, what is looked up for a frame, keys. */
#ifndef ADIT_AGENT_CONSOLE_CONSOLE_PRIVATE_H
#define ADIT_AGENT_CONSOLE_CONSOLE_PRIVATE_H

#include "agent/console/console.h"
#include "agent/console/keys.h"
#include "agent/console/paint.h"
#include "agent/console/sieve.h"
#include "agent/console/tty.h"
#include "agent/console/view.h"

/* How long a notice stands. */
#define CONSOLE_NOTICE_MS 20000
/* The end of what was written to standard error meanwhile. */
#define CONSOLE_ERRORS_BYTES 8192

/* What is known of a tunnel beside what serve knows. */
struct console_tunnel {
	char code[32];   /* of the last question through it, "": none has come back */
	char why[256];   /* the edge's sentence when it refused it */
	unsigned status; /* of the local server's last answer */
	int64_t us;      /* that it took */
	int64_t at_ms;   /* when it came, on the loop's clock */
};

struct console {
	struct screen screen;
	struct agent_guest guest;
	struct tty tty;
	struct client_ear ear;
	struct client *client; /* between begin and end */
	struct loop_io input, signals, errors;
	struct loop_timer frame, tick;
	struct rows *rows;     /* the capture's */
	struct replay *replay; /* NULL: nothing is sent again */
	const char *link;      /* of the inspector; NULL or "": there is none */
	struct rows_listener listener;
	bool colour;
	/* The picture that stands there, where it is known, and the next one. */
	struct grid shown, next;
	bool known;
	struct buf out; /* bytes of a frame, of which out_at have left */
	size_t out_at;
	int64_t frame_us; /* when the last one was made */
	bool begun;       /* the terminal was taken at least once */
	bool mouse;

	/* what was told */
	struct console_tunnel tunnels[LIMIT_AGENT_TUNNELS];
	char notice[256], why[256], refused[256];
	int64_t notice_ms, again_ms; /* on the loop's clock */
	int64_t moved_ms;            /* when the link came or went */
	int64_t begun_ms;
	bool was_up;
	size_t n_open;
	char errors_text[CONSOLE_ERRORS_BYTES];
	size_t n_errors;

	/* what is looked at */
	struct key_reader keys;
	enum view_page page;
	struct sieve sieve;
	bool typing, following;
	uint64_t top, selected; /* ids, 0: none */
	size_t scroll;
	/* of the last frame */
	struct capture_row rows_shown[LIMIT_SCREEN_LINES];
	uint64_t ids[LIMIT_SCREEN_LINES];
	size_t n_ids, room;
	unsigned list_line;
	struct view_tunnel views[LIMIT_AGENT_TUNNELS];
};

/* A frame is due, at once or when the last one is old enough. */
void console_dirty(struct console *c);
/* What is in `out` goes to the terminal, now or when it takes more. */
void console_flush(struct console *c);
int64_t console_now_ms(const struct console *c);
void console_notice(struct console *c, const char *fmt, ...) printf_like(2, 3);

/* --- console_told.c --- */
extern const struct screen_calls console_calls;
/* A message of the edge that is not about tunnels: the answer to a question of ours. */
void console_heard(struct client_ear *e, struct client *client, struct slice json);
/* By its label; SIZE_MAX: there is none. */
size_t console_find(const struct console *c, const char *label);

/* --- console_look.c --- */
/* What is so now; strings and rows until the caller returns to the loop. */
void console_look(struct console *c, struct view *ret);
/* The next older or newer row that the filter lets through, of those that are looked at at all. */
bool console_older(const struct console *c, uint64_t id, struct capture_row *ret);
bool console_newer(const struct console *c, uint64_t id, struct capture_row *ret);

/* --- console_keys.c --- */
void console_key(struct console *c, enum key_typed key);

#endif
