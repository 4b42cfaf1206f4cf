/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for two things at once: for what a tool asked, and for a client that changes its mind. */
#include "agent/mcp/mcp_pipe.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Behind a whole line there is room for further ones: cancels among them are seen. */
#define IN_BYTES (2 * (size_t)LIMIT_MCP_LINE_BYTES)

void
mcp_pipe_init(struct mcp_pipe *p, int fd)
{
	*p = (struct mcp_pipe){ .fd = fd };
	buf_init(&p->in, IN_BYTES);
}

void
mcp_pipe_fini(struct mcp_pipe *p)
{
	buf_fini(&p->in);
}

/* What is there now. */
static void
take_in(struct mcp_pipe *p)
{
	char *at = buf_room(&p->in, 16384);
	ssize_t n = at == NULL ? 0 : read(p->fd, at, 16384);

	if (n > 0)
		p->in.n += (size_t)n;
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		p->ended = true;
}

static bool
has_room(const struct mcp_pipe *p)
{
	return !p->ended && IN_BYTES - p->in.n >= 16384;
}

/* The first line that is whole; false: none is. */
static bool
cut_line(struct mcp_pipe *p, struct slice *ret)
{
	struct slice all = buf_slice(&p->in);
	size_t end = slice_find(all, '\n');

	if (end == SIZE_MAX && !(p->ended && all.n > 0))
		return false;
	*ret = slice_head(all, end);
	return true;
}

/* The line that was given last is gone. */
static void
drop_line(struct mcp_pipe *p)
{
	size_t end = slice_find(buf_slice(&p->in), '\n');
	size_t n = end == SIZE_MAX ? p->in.n : end + 1;

	buf_skip(&p->in, n);
	p->seen = p->seen > n ? p->seen - n : 0;
}

bool
mcp_pipe_line(struct mcp_pipe *p, struct slice *ret, bool *ret_long)
{
	bool too_long = false;

	*ret_long = false;
	if (p->in.n > 0 && p->seen > 0)
		drop_line(p);
	while (!cut_line(p, ret)) {
		if (p->ended)
			return false;
		if (p->in.n > LIMIT_MCP_LINE_BYTES) {
			buf_skip(&p->in, p->in.n);
			too_long = true;
		}
		take_in(p);
	}
	if (too_long || ret->n > LIMIT_MCP_LINE_BYTES) {
		*ret = S("");
		*ret_long = true;
	}
	/* From here on: what a call that this line begins may be cancelled by. */
	p->seen = slice_find(buf_slice(&p->in), '\n');
	p->seen = p->seen == SIZE_MAX ? p->in.n : p->seen + 1;
	return true;
}

/* Lines that have come since. They stay, but are nothing to anybody once their call has ended. */
static void
look_for_cancel(struct mcp_pipe *p, struct mcp *m)
{
	struct slice rest = slice_from(buf_slice(&p->in), p->seen);
	size_t end;

	while ((end = slice_find(rest, '\n')) != SIZE_MAX) {
		(void)mcp_cancels(m, slice_head(rest, end));
		rest = slice_from(rest, end + 1);
	}
}

const char *
mcp_pipe_read(struct mcp_pipe *p, struct mcp *m, int fd, int ms, struct buf *out)
{
	const int64_t until = clock_mono_us() + (int64_t)ms * 1000;

	for (;;) {
		struct pollfd both[2] = { { .fd = fd, .events = POLLIN },
			{ .fd = has_room(p) ? p->fd : -1, .events = POLLIN } };
		int64_t left = (until - clock_mono_us()) / 1000;
		char *at;
		ssize_t n;

		if (left <= 0)
			return "it took too long";
		if (poll(both, 2, (int)left) < 0 && errno != EINTR)
			return "it cannot be waited for";
		if (both[1].revents != 0) {
			take_in(p);
			look_for_cancel(p, m);
		}
		if (m->cancelled)
			return "it was cancelled";
		if (both[0].revents == 0)
			continue;
		at = buf_room(out, 8192);
		if (at == NULL)
			return "the answer is too large: ask for less";
		n = read(fd, at, 8192);
		if (n > 0)
			out->n += (size_t)n;
		else if (n == 0)
			return NULL;
		else if (errno != EINTR)
			return "the connection broke";
	}
}
