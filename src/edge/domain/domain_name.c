/* SPDX-License-Identifier: Apache-2.0 */
/* Judges the names of own domains: legal, somebody's, and not ours. */
#include "edge/domain/domain_name.h"

#include <libpsl.h>
#include <stdarg.h>
#include <stdio.h>

static bool refuse(char *why, size_t cap, const char *fmt, ...) printf_like(3, 4);

static bool
refuse(char *why, size_t cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, cap, fmt, ap);
	va_end(ap);
	return false;
}

static bool
is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* "example.org" and whatever ends with ".example.org". */
static bool
is_in(struct slice host, struct slice zone)
{
	return slice_eq(host, zone) ||
	       (host.n > zone.n && slice_ends(host, zone) && host.p[host.n - zone.n - 1] == '.');
}

/* url_authority() takes addresses, too: four numbers, or what stands in brackets. */
static bool
is_address(const char *host)
{
	return host[0] == '[' || host[strspn(host, "0123456789.")] == '\0';
}

bool
domain_name(struct slice text, const char *zone, char dst[URL_HOST_BYTES], char *why, size_t cap)
{
	uint16_t port = 0;
	struct slice host;

	if (!is_ascii(text))
		return refuse(why, cap,
		    "write the domain in ASCII letters, as the DNS has it: xn--bcher-kva.example, "
		    "not b\xc3\xbc"
		    "cher.example (idn2 NAME prints that form)");
	if (slice_starts(text, S("*.")))
		return refuse(why, cap,
		    "a wildcard cannot be an own domain: name each host, such as hook%.*s",
		    PS(slice_head(slice_from(text, 1), 200)));
	if (!url_authority(text, dst, URL_HOST_BYTES, &port) || slice_find(text, ':') != SIZE_MAX)
		return refuse(why, cap,
		    "\"%.*s\" is no domain: write a host name alone, such as hook.example.com",
		    PS(slice_head(text, 200)));
	if (is_address(dst))
		return refuse(why, cap,
		    "%s is an address: an own domain is a host name, such as hook.example.com",
		    dst);
	host = slice_str(dst);
	if (is_in(host, slice_str(zone)))
		return refuse(why, cap,
		    "%s belongs to this edge, whose names are tunnels: adit http ADDRESS --name "
		    "NAME "
		    "gives you one",
		    dst);
	/* Also a name of one label. What is registered below such a suffix has many owners. */
	if (psl_is_public_suffix(psl_builtin(), dst))
		return refuse(why, cap,
		    "%s is a public suffix, below which other people have their domains: name one "
		    "of yours, such as hook.example.%s",
		    dst, dst);
	return true;
}
