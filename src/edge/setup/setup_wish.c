/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration is to say: from the command line, and from questions. */
#include "edge/setup/setup_private.h"

#include "base/tell.h"
#include "hook/ipclass.h"
#include "net/own_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* What was said, or the preset; false: it is too long. */
static bool
take(const char *option, const char *said, const char *preset, char *dst, size_t cap)
{
	if ((size_t)snprintf(dst, cap, "%s", said != NULL ? said : preset) < cap)
		return true;
	tell_usage("%s: it is too long", option);
	return false;
}

static bool
want_domain(const struct setup *s, struct setup_wish *w)
{
	char answer[256];

	if (s->o->domain != NULL) {
		if (settings_domain(slice_str(s->o->domain), w->domain, sizeof(w->domain)))
			return true;
		tell_usage("--domain %s: this is no domain", s->o->domain);
		return false;
	}
	if (s->o->ip != NULL)
		return true;
	if (!s->asks) {
		tell_usage("say --domain NAME: tunnels get names below it, such as "
			   "jenkins.NAME; or --ip ADDRESS, for an edge without a domain");
		return false;
	}
	for (;;) {
		if (!setup_ask(
			"Domain below which tunnels get their names, such as "
			"tunnel.example.org; nothing for one tunnel at this server's address",
			"", answer, sizeof(answer)))
			return false;
		if (answer[0] == '\0')
			return true;
		if (settings_domain(slice_str(answer), w->domain, sizeof(w->domain)))
			return true;
		printf(
		    "This is no domain. A domain is letters, digits and hyphens between dots.\n");
	}
}

/* --- addresses --- */

static bool
is_public(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return ipclass_sockaddr((struct sockaddr *)&v4, sizeof(v4)) == IPCLASS_GLOBAL;
	return inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 &&
	       ipclass_sockaddr((struct sockaddr *)&v6, sizeof(v6)) == IPCLASS_GLOBAL;
}

static bool
is_number(const char *text)
{
	unsigned char any[16];

	return inet_pton(AF_INET, text, any) == 1 || inet_pton(AF_INET6, text, any) == 1;
}

/* The machine's own ones, by its routes. */
static size_t
own_addresses(char dst[2][64])
{
	size_t n = 0;

	if (own_address(AF_INET, dst[n], sizeof(dst[n])))
		n++;
	if (own_address(AF_INET6, dst[n], sizeof(dst[n])) && is_public(dst[n]))
		n++;
	return n;
}

static bool
add_address(struct setup_wish *w, const char *text)
{
	if (!is_number(text)) {
		tell_usage("--address %s: a numeric address is wanted, such as 203.0.113.5", text);
		return false;
	}
	snprintf(w->addresses[w->n_addresses++], sizeof(w->addresses[0]), "%s", text);
	return true;
}

/* Behind NAT the machine does not have the address by which others reach it. */
static bool
want_addresses(const struct setup *s, struct setup_wish *w)
{
	char own[2][64], answer[64];
	size_t n_own = own_addresses(own);

	for (size_t i = 0; s->o->addresses[i] != NULL; i++)
		if (!add_address(w, s->o->addresses[i]))
			return false;
	for (size_t i = 0; i < n_own && s->o->addresses[0] == NULL; i++)
		if (is_public(own[i]) && !add_address(w, own[i]))
			return false;
	if (w->n_addresses > 0)
		return true;
	if (!s->asks) {
		tell_usage("say --address ADDRESS: the public address of this server; the server "
			   "itself has %s, which nobody reaches from the internet",
		    n_own > 0 ? own[0] : "none");
		return false;
	}
	do {
		if (!setup_ask("Public address of this server", "", answer, sizeof(answer)))
			return false;
		if (!is_number(answer))
			printf("A numeric address is wanted, such as 203.0.113.5.\n");
	} while (!is_number(answer));
	return add_address(w, answer);
}

/*
 * Not port 53 of all addresses: on many machines a resolver of the system has one of 127.0.0.0/8.
 * The addresses that the machine itself has, be they public or behind NAT.
 */
static void
want_dns_listen(const struct setup *s, struct setup_wish *w)
{
	char own[2][64];
	size_t n_own = own_addresses(own);

	for (size_t i = 0; s->o->dns_listen[i] != NULL; i++)
		snprintf(w->dns_listen[w->n_dns_listen++], sizeof(w->dns_listen[0]), "%s",
		    s->o->dns_listen[i]);
	for (size_t i = 0; i < n_own && s->o->dns_listen[0] == NULL; i++)
		snprintf(w->dns_listen[w->n_dns_listen++], sizeof(w->dns_listen[0]),
		    strchr(own[i], ':') != NULL ? "[%s]:53" : "%s:53", own[i]);
	if (w->n_dns_listen == 0)
		snprintf(w->dns_listen[w->n_dns_listen++], sizeof(w->dns_listen[0]), "53");
}

/* --- the CA and DNS --- */

static bool
want_terms(const struct setup *s, const struct setup_wish *w)
{
	char question[1200];
	bool agree = s->o->agree;

	snprintf(question, sizeof(question),
	    "Do you agree to the terms of service of the certification authority (%s)",
	    w->directory);
	if (!agree && s->asks && !setup_ask_yes(question, false, &agree))
		return false;
	if (agree)
		return true;
	tell_usage("a certification authority gives certificates only to those who agree to its "
		   "terms of service: say --agree-to-terms");
	return false;
}

static bool
want_ca(const struct setup *s, struct setup_wish *w)
{
	if (!take("--directory", s->o->directory, "letsencrypt", w->directory,
		sizeof(w->directory)) ||
	    !take("--ca-file", s->o->ca_file, "", w->ca_file, sizeof(w->ca_file)))
		return false;
	if (s->o->email == NULL && s->asks &&
	    !setup_ask("Your mail address for the certification authority, or nothing", "",
		w->email, sizeof(w->email)))
		return false;
	if (s->o->email != NULL && !take("--email", s->o->email, "", w->email, sizeof(w->email)))
		return false;
	return want_terms(s, w);
}

/* Without a domain there is nothing to delegate, and one address has the certificate. */
static bool
want_ip(const struct setup *s, struct setup_wish *w)
{
	snprintf(w->dns_mode, sizeof(w->dns_mode), "off");
	if (s->o->ip == NULL && !want_addresses(s, w))
		return false;
	return take("--ip", s->o->ip, w->addresses[0], w->ip, sizeof(w->ip));
}

static bool
want_dns(const struct setup *s, struct setup_wish *w)
{
	static const char *const modes[] = { "challenge", "zone", "off" };
	bool yes = true;

	if (w->domain[0] == '\0')
		return want_ip(s, w);
	if (s->o->dns_mode == NULL && s->asks &&
	    !setup_ask_yes("May this server answer DNS for the certificate of *.DOMAIN? It is the "
			   "way to one certificate for all names, and wants two more records",
		true, &yes))
		return false;
	snprintf(w->dns_mode, sizeof(w->dns_mode), "%.15s",
	    s->o->dns_mode != NULL ? s->o->dns_mode
	    : yes                  ? "challenge"
				   : "off");
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(w->dns_mode, modes[i]) == 0) {
			if (i < 2)
				want_dns_listen(s, w);
			return want_addresses(s, w);
		}
	tell_usage("--dns-mode %s: challenge, zone or off is wanted", s->o->dns_mode);
	return false;
}

bool
setup_wish_fill(const struct setup *s, struct setup_wish *w)
{
	*w = (struct setup_wish){ 0 };
	/* Beside a domain, too, an address may have a certificate. */
	if (s->o->ip != NULL && !take("--ip", s->o->ip, "", w->ip, sizeof(w->ip)))
		return false;
	return want_domain(s, w) && want_ca(s, w) && want_dns(s, w) &&
	       take("--https", s->o->https, "443", w->https, sizeof(w->https)) &&
	       take("--http", s->o->http, "80", w->http, sizeof(w->http));
}

/* --- the text --- */

/* A string of JSON is one of YAML, too. */
static void
put(struct buf *b, const char *key, const char *value)
{
	if (value[0] == '\0')
		return;
	buf_printf(b, "%s: ", key);
	buf_json(b, slice_str(value));
	buf_putc(b, '\n');
}

static void
put_list(struct buf *b, const char *key, const char *first, size_t stride, size_t n)
{
	buf_printf(b, "%s: [", key);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_put(b, S(", "));
		buf_json(b, slice_str(first + i * stride));
	}
	buf_put(b, S("]\n"));
}

void
setup_wish_text(const struct setup_wish *w, struct buf *b)
{
	buf_put(b, S("# Written by aditd setup; aditd.yml(5) has every key. Change it as you like, "
		     "and then type:\n"
		     "#   aditd -n && systemctl restart aditd\n"));
	put(b, "domain", w->domain);
	buf_put(b, S("listen:\n"));
	put(b, "  https", w->https);
	if (strcmp(w->http, "off") != 0)
		put(b, "  http", w->http);
	buf_put(b, S("acme:\n"));
	put(b, "  directory", w->directory);
	put(b, "  ca_file", w->ca_file);
	put(b, "  ip", w->ip);
	put(b, "  email", w->email);
	buf_put(b, S("  agree_to_terms: yes\n"));
	if (strcmp(w->dns_mode, "off") == 0)
		return;
	buf_put(b, S("dns:\n"));
	put(b, "  mode", w->dns_mode);
	put_list(b, "  listen", w->dns_listen[0], sizeof(w->dns_listen[0]), w->n_dns_listen);
	put_list(b, "  addresses", w->addresses[0], sizeof(w->addresses[0]), w->n_addresses);
}
