/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a unit: quoting, and what both kinds of units have (service_unit.h). */
#include "agent/command/service_unit.h"

bool
service_unit_word(struct buf *out, const char *word)
{
	buf_putc(out, '"');
	for (const char *p = word; *p != '\0'; p++) {
		/* A line's end would begin another directive. */
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
		if (*p == '"' || *p == '\\')
			buf_putc(out, '\\');
		else if (*p == '%' || *p == '$')
			buf_putc(out, *p);
		buf_putc(out, *p);
	}
	buf_putc(out, '"');
	return !out->failed;
}

/* A path behind WorkingDirectory= stands without quotes, and $ means nothing there. */
static bool
put_path(struct buf *out, const char *path)
{
	for (const char *p = path; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
		if (*p == '%')
			buf_putc(out, '%');
		buf_putc(out, *p);
	}
	buf_putc(out, '\n');
	return true;
}

static const char service[] =
    "Restart=on-failure\n"
    "RestartSec=5\n"
    "# The configuration is wrong, the edge refused the token, or a newer agent of the account has "
    "taken over.\n"
    "RestartPreventExitStatus=2 3 4\n"
    "# Signs of life come from the agent's loop: when it hangs for so long it is started anew.\n"
    "WatchdogSec=60\n"
    "LimitCORE=0\n"
    "NoNewPrivileges=yes\n";

/* As in etc/system/adit@.service, which says why some are not stricter. */
static const char system_service[] = "CapabilityBoundingSet=\n"
				     "ProtectSystem=full\n"
				     "PrivateUsers=yes\n"
				     "PrivateDevices=yes\n"
				     "PrivateMounts=yes\n"
				     "ProtectProc=invisible\n"
				     "ProcSubset=pid\n"
				     "ProtectKernelTunables=yes\n"
				     "ProtectKernelModules=yes\n"
				     "ProtectKernelLogs=yes\n"
				     "ProtectControlGroups=yes\n"
				     "ProtectClock=yes\n"
				     "ProtectHostname=yes\n"
				     "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK\n"
				     "RestrictNamespaces=yes\n"
				     "RestrictRealtime=yes\n"
				     "RestrictSUIDSGID=yes\n"
				     "LockPersonality=yes\n"
				     "MemoryDenyWriteExecute=yes\n"
				     "SystemCallArchitectures=native\n"
				     "SystemCallFilter=@system-service\n"
				     "SystemCallFilter=~@resources @privileged\n"
				     "SystemCallErrorNumber=EPERM\n"
				     "UMask=0077\n";

bool
service_unit_write(struct buf *out, const struct service_unit *u)
{
	bool system = u->user != NULL, ok;

	buf_printf(out,
	    SERVICE_UNIT_MARK
	    "\n[Unit]\nDescription=adit agent\nDocumentation=man:adit(1) man:adit.yml(5)\n%s\n"
	    "[Service]\nType=notify\n",
	    system ? "After=network-online.target\nWants=network-online.target\n" : "");
	if (system)
		buf_printf(out, "User=%s\n", u->user);
	if (u->folder != NULL) {
		buf_printf(out, "WorkingDirectory=");
		if (!put_path(out, u->folder))
			return false;
	}
	buf_printf(out, "ExecStart=");
	ok = service_unit_word(out, u->program);
	for (int i = 0; ok && i < u->n_words; i++) {
		buf_putc(out, ' ');
		ok = service_unit_word(out, u->words[i]);
	}
	buf_printf(out, "\n%s%s\n[Install]\nWantedBy=%s\n", service, system ? system_service : "",
	    system ? "multi-user.target" : "default.target");
	return ok && !out->failed;
}
