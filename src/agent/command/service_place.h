/* SPDX-License-Identifier: Apache-2.0 */
/* Where a service's unit is, whose it is, and systemctl, which is asked about it. */
#ifndef ADIT_AGENT_COMMAND_SERVICE_PLACE_H
#define ADIT_AGENT_COMMAND_SERVICE_PLACE_H

#include "agent/core/options.h"

#define SERVICE_UNIT "adit.service"

struct service_place {
	bool system;      /* a unit of the system, which root writes; else of systemctl --user */
	bool dry;         /* nothing is done, all is printed */
	char user[64];    /* whose tunnels they are */
	char folder[512]; /* of the unit */
	char path[544];   /* the unit itself */
	char config[512]; /* adit.yml of that user */
	bool lingers;     /* units of this user run without a login, too */
};

/* From the options. 0, or an exit code after saying why. */
int service_place_find(struct service_place *p, const struct options *o) must_use;
/* 0 where a systemd answers; else an exit code after saying what to do without. */
int service_place_systemd(const struct service_place *p) must_use;

/*
 * Runs systemctl with these words, which NULL ends; with `dry` it is printed alone.  Its exit code, or
 * -1 when there is none.
 */
int service_systemctl(const struct service_place *p, const char *const *words) must_use;
/* The first line that it says, whatever its exit code. */
void service_ask(const struct service_place *p, const char *const *words, char *dst, size_t cap);

#endif
