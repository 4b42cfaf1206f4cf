/* SPDX-License-Identifier: Apache-2.0 */
/* The options of all sub-commands: rows that parse them and print them in help. */
#ifndef ADIT_AGENT_CORE_OPTIONS_H
#define ADIT_AGENT_CORE_OPTIONS_H

#include "agent/core/policy_text.h"
#include "base/check.h"
#include "base/limits.h"
#include "conf/args.h"

#include <stdbool.h>
#include <stdio.h>

/* Which rows a sub-command takes. */
enum option_group {
	OPTIONS_LINK = 1 << 0,   /* reaching the edge */
	OPTIONS_SCREEN = 1 << 1, /* what is printed */
	OPTIONS_ORIGIN = 1 << 2, /* an HTTP origin */
	OPTIONS_NAME = 1 << 3,
	OPTIONS_PORT = 1 << 4,
	OPTIONS_START = 1 << 5,
	OPTIONS_FILE = 1 << 6,
	OPTIONS_POLICY = 1 << 7, /* who may ask, and what happens with webhooks */
	OPTIONS_FILTER = 1 << 8, /* which deliveries of the inbox */
	OPTIONS_LIST = 1 << 9,
	OPTIONS_REPLAY = 1 << 10,
	OPTIONS_RAW = 1 << 11,
	OPTIONS_CHECKURL = 1 << 12,
	OPTIONS_DOCTOR = 1 << 13,
	OPTIONS_HOOK = 1 << 14,
	OPTIONS_PROBE = 1 << 15, /* how other servers are looked at */
	OPTIONS_HOOK_URL = 1 << 16,
	OPTIONS_HOOK_CREATE = 1 << 17,
	OPTIONS_STAT = 1 << 18,
	OPTIONS_REQUESTS = 1 << 20, /* requests are printed */
	OPTIONS_CONNECT = 1 << 21,  /* how the local server is connected to */
	OPTIONS_ACME = 1 << 22,     /* certificates of this agent's own */
	OPTIONS_DOMAIN = 1 << 23,   /* an own domain */
	OPTIONS_DDNS = 1 << 24,     /* addresses of names */
	OPTIONS_SERVICE = 1 << 25,  /* a unit of systemd */
	OPTIONS_DRY = 1 << 26,
	OPTIONS_MCP = 1 << 28,
	OPTIONS_SEND = 1 << 29,   /* requests of files */
	OPTIONS_IMPORT = 1 << 27, /* a file of another program */
	OPTIONS_COMMON = 1 << 19, /* of every command, without being named */
};

#define OPTIONS_HOSTS 16 /* of --host */

/* What was typed; NULL and false: not given. Strings are argv's. */
struct options {
	const char *edge, *ca, *token_file, *log_level, *file;
	const char *name, *port, *origin_host, *origin_ca, *origin_silent, *proxy_protocol;
	/* policy */
	const char *preset, *context, *scheme, *allow, *deny, *user_file, *policy_file, *body_max,
	    *rate, *fan_out, *http2;
	const char *secret_files[POLICY_SECRET_FILES + 1]; /* ends with NULL */
	bool store, relay, coalesce, resign, unsigned_ok;
	/* certificates */
	const char *acme_directory, *acme_ca_file, *acme_email;
	bool tls_at_agent, agree;
	const char *inspect; /* what is kept of exchanges */
	/* inbox */
	const char *state, *event, *tunnel, *repository, *since, *until, *to, *limit;
	bool raw;
	/* check-url, doctor, hook */
	const char *side, *dns, *connect, *report, *jenkins_user, *jenkins_token, *patience,
	    *origin, *secret_file;
	const char *url, *api, *events, *description;
	bool no_probe, dc, no_verify;
	const char *ddns_port;
	const char *hosts[OPTIONS_HOSTS + 1]; /* ends with NULL */
	const char *web;
	const char *from, *output; /* config import */
	bool force;
	bool allow_replay; /* mcp */
	bool sign;         /* replay */
	bool or_tunnel, listing, dotfiles;
	bool quiet;
	bool system, dry_run;
	const char *user;
	const char *log;
	bool origin_insecure, json, all, help, version;
	const char *args[LIMIT_TUNNELS_PER_LINK + 1]; /* what is no option */
	int n_args;
};

/*
 * argv: behind the sub-command's name.  groups: enum option_group together.  NULL, or a sentence in
 * `why`.
 * "--name=x" and "--name x"; "--" ends the options.
 */
const char *options_parse(struct options *o, unsigned groups, int argc, char **argv, char *why,
    size_t why_cap) must_use;
/* Where the command was known only behind its options: what was parsed with
 * `groups` must be `allowed`. */
const char *options_allow(struct options *o, unsigned groups, unsigned allowed, char *why,
    size_t why_cap) must_use;
/* All of them. */
const struct args_row *options_rows(size_t *ret_n);
/* One line per option of the groups. */
void options_help(FILE *f, unsigned groups);

/* The version of --proxy-protocol, 0: not given. */
int options_proxy_protocol(const struct options *o);

#endif
