/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aditd setup: from a bare server to the line that is typed on the laptop.  It asks, or takes
 * options; writes the configuration; says which DNS records are wanted and waits for them; starts
 * the edge; waits for its certificate; makes the first token.  Each step first looks whether it is
 * done already, so that a second run goes on where an earlier one has ended.
 *
 * Whatever it does could be typed, and much of it is: other commands of aditd, and systemctl, which
 * run as its children.
 */
#ifndef ADIT_EDGE_SETUP_SETUP_H
#define ADIT_EDGE_SETUP_SETUP_H

#include "base/check.h"
#include "base/limits.h"

#include <stdbool.h>

/* The command line; strings are NULL where nothing was said. */
struct setup_options {
	const char *file;        /* the configuration */
	const char *domain, *ip; /* of both one at least */
	const char *https, *http;
	const char *email, *directory, *ca_file;
	const char *dns_mode;                              /* challenge, zone or off */
	const char *addresses[LIMIT_SETUP_ADDRESSES + 1];  /* public ones; ends with NULL */
	const char *dns_listen[LIMIT_SETUP_ADDRESSES + 1]; /* where the edge answers DNS */
	const char *resolver; /* asked about the records: ADDRESS or ADDRESS:PORT */
	const char *account;  /* of the first token */
	const char *wait;     /* seconds */
	bool agree, yes, no_dns_check, dry_run;
	bool json; /* one object at the end, and no questions */
};

/* standard: the file that the unit of systemd starts aditd with. Exit status. */
int setup_run(const struct setup_options *o, const char *standard) must_use;

#endif
