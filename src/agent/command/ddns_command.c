/* SPDX-License-Identifier: Apache-2.0 */
/* `adit ddns`: its options, and configurations for programs and routers of others. */
#include "agent/command/ddns_command.h"

#include "agent/command/command.h"
#include "agent/command/ddns_keep.h"
#include "agent/core/exit_code.h"
#include "agent/core/lines.h"
#include "agent/link/agent.h"
#include "base/tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- show --- */

/* HOST[:PORT] of the edge as other programs want it: without a scheme, and 443 is not written. */
static const char *
host_of(const char *edge, char dst[300])
{
	const char *host = strstr(edge, "://");
	size_t n;

	snprintf(dst, 300, "%s", host != NULL ? host + 3 : edge);
	n = strlen(dst);
	while (n > 0 && dst[n - 1] == '/')
		dst[--n] = '\0';
	if (n > 4 && strcmp(dst + n - 4, ":443") == 0)
		dst[n - 4] = '\0';
	return dst;
}

/* The domain of the edge without its port: names are below it. */
static void
full_name(const char *name, const char *host, char dst[600])
{
	int n = (int)strcspn(host, ":");

	if (strchr(name, '.') != NULL)
		snprintf(dst, 600, "%s", name);
	else
		snprintf(dst, 600, "%s.%.*s", name, n, host);
}

static int
show(const char *name, const struct options *o)
{
	struct login l;
	char host[300], full[600];
	int rc = login_open(&l, o);

	if (rc != 0)
		return rc;
	host_of(l.edge, host);
	full_name(name, host, full);
	printf("%s, set by another program or a router\n\n"
	       "Make a token for it on the edge, which is good for this name alone (ACCOUNT is "
	       "yours):\n\n"
	       "    aditd token add ACCOUNT --ddns %s\n\n",
	    full, name);
	printf("ddclient 3.11 and newer, /etc/ddclient.conf:\n\n"
	       "    protocol=dyndns2\n    server=%s\n    ssl=yes\n"
	       "    usev4=webv4, webv4=https://%s/checkip\n"
	       "    login=ACCOUNT\n    password='TOKEN'\n    %s\n\n"
	       "ddclient 3.10 (Debian 12): the same with\n\n"
	       "    use=web, web=https://%s/checkip\n\n",
	    host, host, full, host);
	printf("inadyn, /etc/inadyn.conf:\n\n"
	       "    custom adit {\n        username = ACCOUNT\n        password = TOKEN\n"
	       "        hostname = %s\n        ddns-server = \"%s\"\n"
	       "        ddns-path = \"/nic/update?hostname=%%h&myip=%%i\"\n"
	       "        checkip-server = \"%s\"\n        checkip-path = \"/checkip\"\n    }\n\n"
	       "    For IPv6, too: allow-ipv6 = true, above it.\n\n",
	    full, host, host);
	printf("FRITZ!Box, Internet > Permit Access > DynDNS, user-defined:\n\n"
	       "    Update URL   https://%s/nic/update?hostname=<domain>&myip=<ipaddr>&myipv6="
	       "<ip6addr>&ip6lanprefix=<ip6lanprefix>\n"
	       "    Domain name  %s\n    User name    ACCOUNT\n    Password     TOKEN\n\n"
	       "    The IPv6 address of a machine behind it: write &iid=::1:2:3:4 behind the URL, "
	       "with the last\n    64 bits of that machine's address, and leave &myipv6=<ip6addr> "
	       "out.\n\n",
	    host, full);
	printf("OpenWrt, ddns-scripts, /etc/config/ddns:\n\n"
	       "    config service 'adit'\n        option enabled '1'\n"
	       "        option lookup_host '%s'\n        option domain '%s'\n"
	       "        option username 'ACCOUNT'\n        option password 'TOKEN'\n"
	       "        option use_https '1'\n        option cacert '/etc/ssl/certs'\n"
	       "        option update_url "
	       "'https://[USERNAME]:[PASSWORD]@%s/nic/update?hostname=[DOMAIN]&myip=[IP]'\n\n"
	       "    One section for each family; that of IPv6 with option use_ipv6 '1'.\n\n",
	    full, full, host);
	printf("UniFi, Settings > Internet > Dynamic DNS, service \"custom\":\n\n"
	       "    Hostname  %s\n    Username  ACCOUNT\n    Password  TOKEN\n"
	       "    Server    %s/nic/update?hostname=%%h&myip=%%i\n\n"
	       "nsupdate, with a token made with --tsig, whose second line is the KEY:\n\n"
	       "    nsupdate -y KEY\n    > update delete %s A\n"
	       "    > update add %s 60 A 203.0.113.9\n    > send\n",
	    full, host, full, full);
	login_close(&l);
	return fflush(stdout) == 0 ? EXIT_STOPPED : EXIT_BROKE;
}

/* --- keep --- */

/* Names of the command line, then those of --host. NULL, or what is wrong. */
static const char *
read_names(struct ddns_keep *k, const struct options *o, char (*rooms)[64])
{
	for (int i = 0; i < o->n_args; i++)
		if (!ddns_keep_name(&k->names[k->n_names++], o->args[i], false, NULL))
			return o->args[i];
	for (size_t i = 0; i < OPTIONS_HOSTS && o->hosts[i] != NULL; i++)
		if (!ddns_keep_name(&k->names[k->n_names++], o->hosts[i], true, rooms[i]))
			return o->hosts[i];
	return NULL;
}

static int
keep(struct ddns_keep *k, const struct options *o)
{
	struct lines lines;
	int rc = login_open(&k->login, o);

	if (rc != 0)
		return rc;
	lines_init(&lines, STDOUT_FILENO, o->json ? LINES_JSON : LINES_PLAIN, false);
	rc = agent_run(
	    &(struct agent_params){
		.edge = k->login.edge,
		.ca = k->login.ca,
		.token = k->login.token,
		.screen = &lines.screen,
		.talk = ddns_keep_talk,
		.changed = ddns_keep_changed,
		.ended = ddns_keep_ended,
		.talk_owner = k,
	    },
	    NULL);
	lines_fini(&lines);
	login_close(&k->login);
	return rc;
}

int
ddns_command(const struct options *o)
{
	struct ddns_keep k = { .or_tunnel = o->or_tunnel };
	char rooms[OPTIONS_HOSTS][64];
	const char *wrong;
	uint64_t port = 0;
	int rc;

	if (strcmp(o->args[0], "show") == 0)
		return o->n_args == 2 ? show(o->args[1], o)
				      : usage_error("say which name: adit ddns show NAME");
	if (o->ddns_port != NULL && slice_u64(slice_str(o->ddns_port), &port))
		k.port = (uint16_t)port;
	if (o->or_tunnel && k.port == 0)
		return usage_error("--or-tunnel needs --port: the edge knocks there");
	k.names = calloc((size_t)o->n_args + OPTIONS_HOSTS, sizeof(*k.names));
	if (k.names == NULL)
		return EXIT_BROKE;
	wrong = read_names(&k, o, rooms);
	rc = wrong == NULL ? keep(&k, o)
			   : usage_error("--host %s: write NAME=::1:2:3:4, the last 64 bits of an "
					 "IPv6 address",
				 wrong);
	free(k.names);
	return rc;
}
