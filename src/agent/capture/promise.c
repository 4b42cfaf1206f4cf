/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of exchanges that are going to be sent from here, before their tap has them. */
#include "agent/capture/capture_private.h"
#include "base/clock.h"

uint64_t
capture_promise(struct capture *c, size_t tunnel, const struct capture_row *about)
{
	struct capture_row r = *about;

	check(tunnel < LIMIT_AGENT_TUNNELS);
	r.id = capture_next_id(c);
	r.begun_ms = clock_wall_ms();
	r.took_us = -1;
	r.tunnel = (uint8_t)tunnel;
	r.state = ROW_REPLAY;
	r.name = slice_str(c->tunnels[tunnel].name);
	return rows_put(c->rows, &r) ? r.id : 0;
}

void
capture_unsent(struct capture *c, uint64_t id, struct slice code)
{
	struct capture_row r;

	if (!rows_find(c->rows, id, &r) || r.took_us >= 0)
		return;
	r.state = ROW_FAILED;
	r.took_us = 0;
	r.code = code;
	(void)rows_put(c->rows, &r);
}
