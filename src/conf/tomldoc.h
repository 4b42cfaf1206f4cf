/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TOML 1.0 file as the tree that yamldoc.h describes: tables are mappings, arrays lists, and every
 * other value the text of a scalar.  It is the part of TOML that configuration needs: texts over
 * several lines, dates and control characters are refused, and so is what TOML itself refuses: a
 * key or a table twice, and adding to an array or to a table in braces.
 */
#ifndef ADIT_CONF_TOMLDOC_H
#define ADIT_CONF_TOMLDOC_H

#include "conf/yamldoc.h"

/* False and *ret_error. doc is to be yamldoc_fini()ed in either case. */
bool tomldoc_parse(struct yamldoc *doc, struct slice text,
    struct yamldoc_error *ret_error) must_use;
/* True when text rather looks like TOML than like YAML: its first line that is no comment is a
 * [table] or key = value. */
bool tomldoc_looks(struct slice text);

#endif
