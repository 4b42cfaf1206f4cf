/* SPDX-License-Identifier: Apache-2.0 */
/* aditd inbox ...: what is stored for all accounts, over the control socket. */
#ifndef ADIT_EDGE_ADMIN_ADMIN_INBOX_H
#define ADIT_EDGE_ADMIN_ADMIN_INBOX_H

#include "edge/admin/admin.h"

/* argv: behind "inbox". Exit status as admin_run(). */
int admin_inbox(const struct admin_options *o, int argc, const char *const *argv) must_use;

#endif
