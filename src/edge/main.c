/* SPDX-License-Identifier: Apache-2.0 */
/* aditd's command line: which of its commands, with which options. */
#include "base/limits.h"
#include "edge/admin.h"
#include "edge/daemon.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_FILE "/etc/aditd.yml"

enum {
	OPT_HTTPS = 256,
	OPT_HTTP,
	OPT_DOMAIN,
	OPT_WORKERS,
	OPT_LOG_LEVEL,
	OPT_LOG_FORMAT,
	OPT_NO_ACCESS_LOG,
	OPT_DEV,
	OPT_CONTROL,
	OPT_LABEL,
	OPT_DAYS,
	OPT_TIMEOUT,
	OPT_JSON,
	OPT_ACCOUNT,
	OPT_TUNNEL,
	OPT_EVENT,
	OPT_REPOSITORY,
	OPT_STATE,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_LIMIT,
	OPT_TO,
	OPT_RAW,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "check", no_argument, NULL, 'n' },
	{ "limits", no_argument, NULL, 'T' },
	{ "file", required_argument, NULL, 'f' },
	{ "dev", required_argument, NULL, OPT_DEV },
	{ "https", required_argument, NULL, OPT_HTTPS },
	{ "http", required_argument, NULL, OPT_HTTP },
	{ "domain", required_argument, NULL, OPT_DOMAIN },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "no-access-log", no_argument, NULL, OPT_NO_ACCESS_LOG },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "label", required_argument, NULL, OPT_LABEL },
	{ "days", required_argument, NULL, OPT_DAYS },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "account", required_argument, NULL, OPT_ACCOUNT },
	{ "tunnel", required_argument, NULL, OPT_TUNNEL },
	{ "event", required_argument, NULL, OPT_EVENT },
	{ "repository", required_argument, NULL, OPT_REPOSITORY },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "since", required_argument, NULL, OPT_SINCE },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "to", required_argument, NULL, OPT_TO },
	{ "raw", no_argument, NULL, OPT_RAW },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
    "aditd " ADIT_VERSION ": the edge of adit; see aditd(8)\n"
    "\n"
    "  aditd [-f FILE]           run by FILE, " DEFAULT_FILE " unless given\n"
    "  aditd -n [-f FILE]        check configuration and certificates\n"
    "  aditd -T                  print all limits\n"
    "  aditd --dev DIR           everything on loopback, own CA and one token in DIR\n"
    "\n"
    "  --https ADDR, --http ADDR   listen here: PORT, HOST:PORT or unix:/PATH\n"
    "  --domain NAME               tunnels are reached at https://TUNNEL.NAME\n"
    "  --workers N                 threads, 0 for one a processor\n"
    "  --log-level LEVEL           error, warn, info or debug\n"
    "  --log-format FORMAT         logfmt or json\n"
    "  --no-access-log             no line for each request\n"
    "\n"
    "To a running aditd (by --dev DIR, -f FILE or --control PATH; --json for scripts):\n"
    "  token add ACCOUNT [--label TEXT] [--days N], token list [ACCOUNT], token revoke ID\n"
    "  name reserve NAME ACCOUNT, name release NAME, name list [ACCOUNT]\n"
    "  port release PORT, status, limits, wait up NAME [--timeout SECONDS], reload, stop\n"
    "  inbox list|export|tail [FILTER] [--limit N], inbox show ID [--raw], inbox stat\n"
    "  inbox replay ID ...|--state S [FILTER] [--to TUNNEL], inbox drop ID ...|--state S [FILTER]\n"
    "    FILTER: --state S,... --account A --tunnel T --event E --repository R --since TIME "
    "--until TIME\n";

struct command_line {
	struct daemon_options daemon;
	struct admin_options admin;
	bool check, limits, done;
};

static void
print_limits(void)
{
	for (size_t i = 0; i < limits_n; i++)
		printf("%-24s %12lld %-13s %s\n", limits_table[i].name, limits_table[i].value,
		    limits_table[i].unit, limits_table[i].what);
}

static bool
take_inbox_option(struct inboxtalk_options *o, int opt)
{
	switch (opt) {
	case OPT_ACCOUNT:
		o->account = optarg;
		break;
	case OPT_TUNNEL:
		o->tunnel = optarg;
		break;
	case OPT_EVENT:
		o->event = optarg;
		break;
	case OPT_REPOSITORY:
		o->repository = optarg;
		break;
	case OPT_STATE:
		o->states = optarg;
		break;
	case OPT_SINCE:
		o->since = optarg;
		break;
	case OPT_UNTIL:
		o->until = optarg;
		break;
	case OPT_LIMIT:
		o->limit = optarg;
		break;
	case OPT_TO:
		o->to = optarg;
		break;
	case OPT_RAW:
		o->raw = true;
		break;
	default:
		return false;
	}
	return true;
}

/* False: an option that does not exist; getopt has told. */
static bool
take_option(struct command_line *cl, int opt)
{
	switch (opt) {
	case 'n':
		cl->check = true;
		break;
	case 'T':
		cl->limits = true;
		break;
	case 'f':
		cl->daemon.file = optarg;
		break;
	case OPT_DEV:
		cl->daemon.dev = optarg;
		break;
	case OPT_HTTPS:
		cl->daemon.https = optarg;
		break;
	case OPT_HTTP:
		cl->daemon.http = optarg;
		break;
	case OPT_DOMAIN:
		cl->daemon.domain = optarg;
		break;
	case OPT_WORKERS:
		cl->daemon.workers = optarg;
		break;
	case OPT_LOG_LEVEL:
		cl->daemon.log_level = optarg;
		break;
	case OPT_LOG_FORMAT:
		cl->daemon.log_format = optarg;
		break;
	case OPT_NO_ACCESS_LOG:
		cl->daemon.no_access_log = true;
		break;
	case OPT_CONTROL:
		cl->admin.socket = optarg;
		break;
	case OPT_LABEL:
		cl->admin.label = optarg;
		break;
	case OPT_DAYS:
		cl->admin.days = optarg;
		break;
	case OPT_TIMEOUT:
		cl->admin.timeout = optarg;
		break;
	case OPT_JSON:
		cl->admin.json = true;
		break;
	case OPT_VERSION:
		puts("aditd " ADIT_VERSION);
		cl->done = true;
		break;
	case OPT_HELP:
		fputs(help, stdout);
		cl->done = true;
		break;
	default:
		return take_inbox_option(&cl->admin.inbox, opt);
	}
	return true;
}

static int
administer(struct command_line *cl, int argc, char **argv)
{
	char path[200];

	if (!admin_knows(argv[0])) {
		fprintf(stderr, "aditd: \"%s\" is no command; --help lists them\n", argv[0]);
		return 2;
	}
	if (cl->admin.socket == NULL) {
		if (!options_socket(&cl->daemon, path, sizeof(path)))
			return 1;
		cl->admin.socket = path;
	}
	return admin_run(&cl->admin, argc, argv);
}

int
main(int argc, char **argv)
{
	struct command_line cl = { .daemon = { .file = DEFAULT_FILE } };
	int opt;

	while ((opt = getopt_long(argc, argv, "nTf:", long_options, NULL)) != -1) {
		if (!take_option(&cl, opt))
			return 2;
		if (cl.done)
			return 0;
	}
	if (cl.limits) {
		print_limits();
		return 0;
	}
	if (optind < argc)
		return administer(&cl, argc - optind, argv + optind);
	if (cl.check)
		return options_check(&cl.daemon);
	return daemon_run(&cl.daemon);
}
