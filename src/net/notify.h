/* SPDX-License-Identifier: Apache-2.0 */
/* What a service tells its supervisor: systemd's sd_notify(3), which is one datagram. */
#ifndef ADIT_NET_NOTIFY_H
#define ADIT_NET_NOTIFY_H

#include "base/check.h"

/*
 * Sends "READY=1", "STATUS=..." and the like to the socket that NOTIFY_SOCKET names; without one,
 * nothing is sent.  0, or -1 and errno; a service goes on in either case.
 */
int notify(const char *state);

#endif
