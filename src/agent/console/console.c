/* SPDX-License-Identifier: Apache-2.0 */
/* The console on the agent's loop: frames, signals of the terminal, what is typed. */
#include "agent/console/console_private.h"

#include "agent/link/through.h"
#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TICK_US 1000000

int64_t
console_now_ms(const struct console *c)
{
	return loop_now_us(c->client->loop) / 1000;
}

void
console_notice(struct console *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->notice, sizeof(c->notice), fmt, args);
	va_end(args);
	if (c->client != NULL) {
		c->notice_ms = console_now_ms(c);
		console_dirty(c);
	}
}

/* --- frames --- */

void
console_dirty(struct console *c)
{
	int64_t due;

	if (c->client == NULL || c->frame.slot != 0)
		return;
	due = c->frame_us + (int64_t)LIMIT_SCREEN_FRAME_MS * 1000 - loop_now_us(c->client->loop);
	loop_timer_set(c->client->loop, &c->frame, due > 0 ? due : 0);
}

/* As much of the frame as the terminal takes; the rest when it takes more. */
void
console_flush(struct console *c)
{
	while (c->out_at < c->out.n) {
		ssize_t n = write(c->tty.fd, c->out.p + c->out_at, c->out.n - c->out_at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break; /* the terminal has gone: SIGHUP is on its way */
		c->out_at += (size_t)n;
	}
	buf_reset(&c->out);
	c->out_at = 0;
}

/* Grids of the terminal's size; what stands there is not known then. -1 without memory. */
static int
fit(struct console *c)
{
	unsigned columns, lines;

	tty_size(&c->tty, &columns, &lines);
	grid_fini(&c->shown);
	grid_fini(&c->next);
	c->known = false;
	if (grid_init(&c->shown, columns, lines) != 0 || grid_init(&c->next, columns, lines) != 0)
		return -1;
	return 0;
}

static void
on_frame(struct loop_timer *t)
{
	struct console *c = list_of(t, struct console, frame);
	struct grid was = c->shown;
	struct view v;

	/* A frame that has not left is enough. */
	if (!c->tty.taken || c->out_at < c->out.n || c->next.cells == NULL)
		return;
	c->frame_us = loop_now_us(c->client->loop);
	console_look(c, &v);
	view_draw(&v, &c->next);
	paint(c->known ? &c->shown : NULL, &c->next, c->colour, &c->out);
	c->shown = c->next;
	c->next = was;
	c->known = !c->out.failed;
	if (c->out.failed)
		buf_reset(&c->out);
	console_flush(c);
}

/* Once a second: ages grow, and the terminal may be ours again. */
static void
on_tick(struct loop_timer *t)
{
	struct console *c = list_of(t, struct console, tick);

	if (!c->tty.taken && tty_is_ours(&c->tty)) {
		tty_take(&c->tty);
		c->known = false;
	}
	through_ask(c->client);
	console_dirty(c);
	loop_timer_set(c->client->loop, &c->tick, TICK_US);
}

static void
on_rows(struct rows_listener *l)
{
	console_dirty(list_of(l, struct console, listener));
}

/* --- the terminal --- */

static void
on_input(struct loop_io *io, unsigned events)
{
	struct console *c = list_of(io, struct console, input);
	char bytes[512];
	ssize_t n;

	if ((events & LOOP_OUT) != 0 && c->out_at < c->out.n) {
		console_flush(c);
		console_dirty(c);
	}
	/* In the background reading would stop the whole agent. */
	while (c->tty.taken && (n = read(io->fd, bytes, sizeof(bytes))) != 0) {
		struct slice in = slice_of(bytes, n > 0 ? (size_t)n : 0);
		enum key_typed key;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		while ((key = keys_next(&c->keys, &in)) != KEY_NONE)
			console_key(c, key);
		console_dirty(c);
	}
	if (!c->tty.taken)
		return;
	/* The terminal has gone. */
	loop_unwatch(io);
	client_stop(c->client);
}

/* Ctrl-Z, or somebody else's wish: the shell gets its terminal, then we stop. */
static void
suspend(struct console *c)
{
	tty_give_back(&c->tty);
	buf_reset(&c->out);
	c->out_at = 0;
	(void)kill(getpid(), SIGSTOP);
}

/* However we were stopped: the shell has set the terminal as it likes it. */
static void
go_on(struct console *c)
{
	c->known = false;
	c->tty.taken = false;
	if (tty_is_ours(&c->tty))
		tty_take(&c->tty);
	if (fit(c) == 0)
		console_dirty(c);
	loop_again(&c->input, LOOP_IN);
}

static void
on_signal(struct loop_io *io, unsigned events)
{
	struct console *c = list_of(io, struct console, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTSTP)
			suspend(c);
		else if (info.ssi_signo == SIGCONT)
			go_on(c);
		else if (fit(c) == 0)
			console_dirty(c);
	}
}

/* Lines of the log and of libraries: the last one is a notice, all are told at the end. */
static void
on_errors(struct loop_io *io, unsigned events)
{
	struct console *c = list_of(io, struct console, errors);
	char bytes[1024];
	ssize_t n;

	(void)events;
	while ((n = read(io->fd, bytes, sizeof(bytes))) > 0) {
		struct slice s = slice_of(bytes, (size_t)n), line;
		size_t keep = sizeof(c->errors_text) - s.n;

		if (c->n_errors > keep) {
			memmove(c->errors_text, c->errors_text + c->n_errors - keep, keep);
			c->n_errors = keep;
		}
		memcpy(c->errors_text + c->n_errors, s.p, s.n);
		c->n_errors += s.n;
		while (s.n > 0) {
			line = slice_cut(&s, '\n');
			if (line.n > 0)
				console_notice(c, "%.*s", PS(line));
		}
	}
}

/* --- its life --- */

static int
watch(struct console *c)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	c->input = (struct loop_io){ .fd = c->tty.fd, .fn = on_input };
	c->signals = (struct loop_io){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
		.fn = on_signal };
	c->errors = (struct loop_io){ .fd = c->tty.errors, .fn = on_errors };
	if (c->signals.fd < 0 || loop_watch(c->client->loop, &c->signals) != 0 ||
	    loop_watch(c->client->loop, &c->input) != 0)
		return -1;
	return c->errors.fd >= 0 ? loop_watch(c->client->loop, &c->errors) : 0;
}

static void
unwatch(struct console *c)
{
	if (c->client == NULL)
		return;
	loop_unwatch(&c->input);
	loop_unwatch(&c->errors);
	loop_unwatch(&c->signals);
	loop_timer_stop(c->client->loop, &c->frame);
	loop_timer_stop(c->client->loop, &c->tick);
	if (c->signals.fd >= 0)
		close(c->signals.fd);
	c->signals.fd = -1;
	client_unlisten(&c->ear);
	c->client = NULL;
}

/* As agent_guest.begin. */
static char *
on_begin(struct agent_guest *g, struct client *client)
{
	struct console *c = list_of(g, struct console, guest);

	c->client = client;
	c->begun_ms = c->moved_ms = console_now_ms(c);
	check(client->serve->capture != NULL); /* of every agent that has tunnels */
	c->rows = capture_rows(client->serve->capture);
	if (fit(c) != 0 || watch(c) != 0) {
		unwatch(c);
		return strdup("the status screen: out of memory or descriptors; ADIT_PLAIN=1 runs "
			      "without it");
	}
	rows_listen(c->rows, &c->listener);
	c->ear.heard = console_heard;
	client_listen(client, &c->ear);
	tty_take(&c->tty);
	c->begun = true;
	loop_timer_set(client->loop, &c->tick, TICK_US);
	console_dirty(c);
	return NULL;
}

/* What stays on the terminal: why it ended, what was served. */
static void
sum_up(struct console *c, int exit_code)
{
	struct view v;
	struct buf out;

	console_look(c, &v);
	buf_init(&out, 65536);
	(void)exit_code;
	view_summary(&v, &out);
	tty_give_back(&c->tty);
	if (!out.failed && out.n > 0)
		tty_write(&c->tty, buf_slice(&out));
	if (c->n_errors > 0)
		tty_write(&c->tty, slice_of(c->errors_text, c->n_errors));
	buf_fini(&out);
}

/* As agent_guest.end. */
static void
on_end(struct agent_guest *g, int exit_code)
{
	struct console *c = list_of(g, struct console, guest);

	if (tty_is_ours(&c->tty))
		sum_up(c, exit_code);
	rows_unlisten(&c->listener);
	unwatch(c);
	c->rows = NULL;
}

struct console *
console_new(void)
{
	struct console *c = tty_is_wanted() ? calloc(1, sizeof(*c)) : NULL;
	const char *plain = getenv("NO_COLOR");
	sigset_t set;

	if (c == NULL)
		return NULL;
	if (tty_open(&c->tty) != 0) {
		free(c);
		return NULL;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	c->screen = (struct screen){ &console_calls, true };
	c->guest = (struct agent_guest){ on_begin, on_end };
	c->colour = plain == NULL || plain[0] == '\0';
	c->following = true;
	c->signals.fd = -1;
	c->frame.fn = on_frame;
	c->tick.fn = on_tick;
	c->listener.fn = on_rows;
	buf_init(&c->out, LIMIT_SCREEN_OUT_BYTES);
	return c;
}

void
console_free(struct console *c)
{
	if (c == NULL)
		return;
	check(c->client == NULL);
	tty_close(&c->tty);
	grid_fini(&c->shown);
	grid_fini(&c->next);
	buf_fini(&c->out);
	free(c);
}

void
console_tools(struct console *c, struct replay *replay, const char *link)
{
	c->replay = replay;
	c->link = link;
}

struct screen *
console_screen(struct console *c)
{
	return &c->screen;
}

struct agent_guest *
console_guest(struct console *c)
{
	return &c->guest;
}
