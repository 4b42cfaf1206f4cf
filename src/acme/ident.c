/* SPDX-License-Identifier: Apache-2.0 */
/* Names, wildcards and addresses as a certificate has them. */
#include "acme/ident.h"

#include <arpa/inet.h>
#include <stdio.h>

#define NAME_MAX_BYTES 253 /* of a name in text form (RFC 1035 2.3.4) */

static bool
read_ip(const char *z, struct ident *ret)
{
	ret->ip_n = strchr(z, ':') != NULL ? 16 : 4;
	if (inet_pton(ret->ip_n == 16 ? AF_INET6 : AF_INET, z, ret->ip) != 1)
		return false;
	check(inet_ntop(ret->ip_n == 16 ? AF_INET6 : AF_INET, ret->ip, ret->text, IDENT_BYTES) !=
	      NULL);
	return true;
}

static bool
is_label(struct slice l)
{
	if (l.n == 0 || l.n > 63 || l.p[0] == '-' || l.p[l.n - 1] == '-')
		return false;
	for (size_t i = 0; i < l.n; i++) {
		char c = l.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

/* A last label of digits alone would be read as an address by somebody. */
static const char *
judge_name(struct slice name)
{
	struct slice rest = name, label = name;
	size_t labels = 0;

	while (rest.p != NULL) {
		label = slice_cut(&rest, '.');
		labels++;
		if (!is_label(label))
			return "a label of it is empty, too long or has other characters than a-z, "
			       "0-9 and -";
	}
	if (labels < 2)
		return "it has only one label, and no CA signs that";
	if (strspn(label.p, "0123456789") >= label.n)
		return "its last label is a number";
	return NULL;
}

const char *
ident_read(struct slice s, struct ident *ret)
{
	struct ident id = { .ip_n = 0 };
	const char *why;

	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	if (s.n == 0 || s.n > NAME_MAX_BYTES)
		return s.n == 0 ? "it is empty" : "it is longer than 253 characters";
	if (!slice_z(s, id.text, sizeof(id.text)))
		return "it has a NUL in it";
	if (!read_ip(id.text, &id)) {
		id.ip_n = 0;
		for (char *c = id.text; *c != '\0'; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
		id.wildcard = slice_starts(s, S("*."));
		why = judge_name(slice_str(ident_base(&id)));
		if (why != NULL)
			return why;
	}
	*ret = id;
	return NULL;
}

const char *
ident_type(const struct ident *id)
{
	return id->ip_n > 0 ? "ip" : "dns";
}

const char *
ident_base(const struct ident *id)
{
	return id->wildcard ? id->text + 2 : id->text;
}

bool
ident_eq(const struct ident *a, const struct ident *b)
{
	return a->ip_n == b->ip_n && strcmp(a->text, b->text) == 0;
}

void
ident_reverse(const struct ident *id, char dst[IDENT_REVERSE_BYTES])
{
	size_t n = 0;

	check(id->ip_n == 4 || id->ip_n == 16);
	for (size_t i = id->ip_n; i-- > 0;) {
		int put = id->ip_n == 4
			      ? snprintf(dst + n, IDENT_REVERSE_BYTES - n, "%u.", id->ip[i])
			      : snprintf(dst + n, IDENT_REVERSE_BYTES - n, "%x.%x.",
				    id->ip[i] & 15u, id->ip[i] >> 4);

		n += (size_t)put;
		check(n < IDENT_REVERSE_BYTES);
	}
	snprintf(dst + n, IDENT_REVERSE_BYTES - n, "%s.arpa", id->ip_n == 4 ? "in-addr" : "ip6");
}
