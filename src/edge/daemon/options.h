/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that the command line and the configuration file make together. */
#ifndef ADIT_EDGE_DAEMON_OPTIONS_H
#define ADIT_EDGE_DAEMON_OPTIONS_H

#include "edge/core/settings.h"

struct daemon_options {
	const char *file; /* aditd.yml; NULL with dev */
	const char *dev;  /* folder of --dev */
	const char *https, *http, *domain, *ip, *workers, *log_level,
	    *log_format; /* NULL: not given */
	bool no_access_log;
	const char *email, *directory,
	    *ca_file; /* of the CA, where there is no file (options_alone()) */
	bool agree;   /* to its terms */
};

/*
 * NULL and a malloced sentence. With dev its certificates are made.  text: what is in the file,
 * where somebody else has read it; NULL: it is read.
 */
struct settings *options_settings(const struct daemon_options *o, const struct slice *text,
    char **ret_error) must_use;
/* --ip stands in place of a configuration: there is none, and none was named. */
bool options_alone(const struct daemon_options *o);
/* Path of the control socket, for the subcommands; false: told on stderr. */
bool options_socket(const struct daemon_options *o, char *dst, size_t cap) must_use;

#endif
