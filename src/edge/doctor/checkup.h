/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aditd doctor: is what the configuration counts on so, as the world sees it? The delegation of the
 * zone, the name server over both transports, the addresses, CAA, the ports that CAs look at; and by
 * which ways a CA can be shown that the domain is ours. One sentence for each, with what to type.
 *
 * It asks from this machine: a firewall in front of it is seen only as far as the way out and back
 * leads through it.
 */
#ifndef ADIT_EDGE_DOCTOR_CHECKUP_H
#define ADIT_EDGE_DOCTOR_CHECKUP_H

#include "base/buf.h"
#include "edge/core/settings.h"

#define CHECKUP_ROWS 16

enum checkup_state { CHECKUP_OK, CHECKUP_SKIPPED, CHECKUP_WARNING, CHECKUP_BAD };

struct checkup_row {
	const char *name;
	enum checkup_state state;
	char text[1200];
};

struct checkup {
	size_t n;
	struct checkup_row rows[CHECKUP_ROWS];
};

/*
 * resolver: "ADDRESS" or "ADDRESS:PORT" to ask in place of the system's; its port counts for all name
 * servers that are asked, so that tests need no port 53. NULL: of /etc/resolv.conf. False and a
 * malloced sentence where there is none. Takes seconds.
 */
bool checkup_run(struct checkup *c, const struct settings *s, const char *resolver,
    char **ret_error) must_use;
/* Nothing is BAD. */
bool checkup_is_good(const struct checkup *c);
void checkup_text(const struct checkup *c, struct buf *b);
void checkup_json(const struct checkup *c, struct buf *b);

#endif
