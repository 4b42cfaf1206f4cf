/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders of the capture: the first agent that runs writes into the folder itself, a second one into
 * folder "1" in it, and so on to "9". An id ends with the digit of its folder, and so says where
 * its exchange lies.
 */
#ifndef ADIT_AGENT_CAPTURE_DISK_H
#define ADIT_AGENT_CAPTURE_DISK_H

#include "base/check.h"
#include "base/slice.h"

#define DISK_FOLDERS 10

struct disk {
	int folders[DISK_FOLDERS]; /* descriptors, -1: there is none */
	unsigned own;              /* which of them is ours */
	int lock;                  /* that says so, for as long as it is open */
};

/* NULL, or a malloced sentence; then nothing is open. */
char *disk_open(struct disk *d, const char *path) must_use;
void disk_close(struct disk *d);
/* A segment (0: what is pinned) of the folder in which an exchange lies, for reading; -1: it is gone. */
int disk_file(const struct disk *d, uint64_t id, uint32_t number) must_use;

#endif
