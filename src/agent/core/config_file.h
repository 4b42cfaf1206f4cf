/* SPDX-License-Identifier: Apache-2.0 */
/* The files that hold the agent's configuration and its token: where they are, who may read them,
 * how a login is stored. */
#ifndef ADIT_AGENT_CORE_CONFIG_FILE_H
#define ADIT_AGENT_CORE_CONFIG_FILE_H

#include "agent/core/config.h"

/* $XDG_CONFIG_HOME/adit/adit.yml or $HOME/.config/adit/adit.yml. False when neither is
 * set, or too long. */
bool config_file_path(char *dst, size_t cap) must_use;

/* Where the agent keeps what is no configuration: $STATE_DIRECTORY of systemd, else
 * $XDG_STATE_HOME/adit, else $HOME/.local/state/adit. False when none is set or too long, and when there is no such
 * home: /nonexistent, where daemons live, is not made. */
bool config_state_folder(char *dst, size_t cap) must_use;

/*
 * Reads a file; paths in it are made relative to its folder.  NULL, or a malloced sentence
 * ("file:3:5: ..."); *ret_c is to be config_fini()ed in either case.  A file that holds a token and
 * may be read by others is refused. *ret_missing (may be NULL): the file does not exist.
 */
char *config_file_read(const char *path, struct config *ret_c, bool *ret_missing) must_use;

/* Writes a file of mode 0600 whole and to the disk, or leaves it as it was; makes its folders. NULL or a
 * malloced sentence on what went wrong. */
char *config_file_replace(const char *path, struct slice text) must_use;

/*
 * Stores edge, ca (NULL: none) and token in the file, mode 0600, whole or not at all; tunnels and
 * comments that are there stay. NULL or a malloced sentence.
 */
char *config_file_save_login(const char *path, const char *edge, const char *ca,
    const char *token) must_use;

/*
 * A token, or another secret on one line, from a file that only its owner may read, or from
 * standard input for "-", without the line's end. dst is written on success alone. NULL, or a
 * malloced sentence, also where the file is empty.
 */
char *config_file_token(const char *path, char *dst, size_t cap) must_use;

#endif
