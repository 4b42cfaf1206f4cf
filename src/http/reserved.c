/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of reserved names: adit's own, and those that programs look up by themselves in the
 * domain that they are in, so that whoever holds one steers the programs of all others there.
 */
#include "http/reserved.h"

const struct reserved_name reserved_names[] = {
	{ "adit", "for the edge's own use" },
	{ "edge", "for the edge's own host name" },
	{ "autoconfig", "mail programs look there for their settings" },
	{ "autodiscover", "mail programs look there for their settings" },
	{ "isatap", "Windows looks there for a router" },
	{ "localhost", "it means this machine" },
	{ "mta-sts", "mail servers look there for a policy" },
	{ "openpgpkey", "mail programs look there for keys" },
	{ "wpad", "browsers look there for a proxy" },
};
const size_t reserved_names_n = sizeof(reserved_names) / sizeof(*reserved_names);

const char *
reserved_why(struct slice name)
{
	for (size_t i = 0; i < reserved_names_n; i++)
		if (slice_eq(name, slice_str(reserved_names[i].name)))
			return reserved_names[i].why;
	return NULL;
}
