/* SPDX-License-Identifier: Apache-2.0 */
/* Joins the command line and aditd.yml to the daemon's settings. */
#include "edge/daemon/options.h"

#include "base/buf.h"
#include "base/limits.h"
#include "edge/daemon/dev.h"
#include "base/sentence.h"
#include "edge/daemon/command_line.h"
#include "base/tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* An address of --https or --http; a bare port is loopback with --dev and
 * everywhere else all addresses. */
static char *
set_addr(const char *option, const char *text, bool dev, struct addr *dst)
{
	struct sockaddr_storage ss;
	socklen_t len;
	const char *why = addr_parse(slice_str(text), dst);

	if (why == NULL && (dst->tls || addr_sockaddr(dst, true, &ss, &len) != 0))
		why = "a port, a numeric address with a port, or unix:/PATH is wanted";
	if (why != NULL)
		return sentence("%s %s: %s", option, text, why);
	/* Who wants others to reach an edge for trying has to say so: *:PORT. */
	if (dev && dst->kind == ADDR_TCP && dst->host[0] == '\0' && text[0] != '*')
		snprintf(dst->host, sizeof(dst->host), "127.0.0.1");
	return NULL;
}

/* Words, as in aditd.yml. */
static char *
set_log(const struct daemon_options *o, struct settings *s)
{
	enum log_level level;

	if (o->log_level != NULL) {
		if (!log_level_parse(slice_str(o->log_level), &level))
			return sentence("--log-level %s: error, warn, info or debug is wanted",
			    o->log_level);
		s->log_level = level;
	}
	if (o->log_format != NULL) {
		s->log_format = strcmp(o->log_format, "json") == 0 ? LOG_JSON : LOG_LOGFMT;
		if (s->log_format == LOG_LOGFMT && strcmp(o->log_format, "logfmt") != 0)
			return sentence("--log-format %s: logfmt or json is wanted", o->log_format);
	}
	if (o->no_access_log)
		s->log_access = false;
	return NULL;
}

/* Whoever wants a certificate for an address has said in the file whom it is to come from. */
static char *
set_ip(const char *text, struct settings *s)
{
	struct addr a = { .kind = ADDR_TCP };
	struct sockaddr_storage ss;
	socklen_t len;

	if (!slice_z(slice_str(text), a.host, sizeof(s->acme.ip)) || text[0] == '\0' ||
	    addr_sockaddr(&a, true, &ss, &len) != 0)
		return sentence("--ip %s: the edge's public address is wanted, such as 203.0.113.9",
		    text);
	if (s->acme.n_cas == 0)
		return sentence("--ip %s: a CA is asked for that certificate: write acme: "
				"{ agree_to_terms: yes } into the configuration",
		    text);
	memcpy(s->acme.ip, a.host, sizeof(s->acme.ip)); /* it fits, with its NUL */
	return NULL;
}

/* NULL, or which option is wrong. */
static char *
override(const struct daemon_options *o, struct settings *s)
{
	bool dev = o->dev != NULL;
	char *error = NULL;
	uint64_t n;

	if (o->https != NULL)
		error = set_addr("--https", o->https, dev, &s->https);
	if (error == NULL && o->http != NULL) {
		s->has_http = true;
		error = set_addr("--http", o->http, dev, &s->http);
	}
	if (error == NULL && o->domain != NULL &&
	    !settings_domain(slice_str(o->domain), s->domain, sizeof(s->domain)))
		error = sentence("--domain %s: this is no domain", o->domain);
	if (error == NULL && o->ip != NULL)
		error = set_ip(o->ip, s);
	if (error == NULL && o->workers != NULL) {
		if (!slice_u64(slice_str(o->workers), &n) || n > LIMIT_WORKERS)
			return sentence("--workers %s: a number from 0 to %d is wanted", o->workers,
			    LIMIT_WORKERS);
		s->workers = (int64_t)n;
	}
	return error != NULL ? error : set_log(o, s);
}

static bool
has_no_file(const struct daemon_options *o)
{
	return strcmp(o->file, COMMAND_LINE_FILE) == 0 && access(o->file, F_OK) != 0;
}

bool
options_alone(const struct daemon_options *o)
{
	return o->dev == NULL && o->ip != NULL && has_no_file(o);
}

/* What a file would say: the CA's key words are those of aditd.yml. */
static struct settings *
ip_settings(const struct daemon_options *o, char **ret_error)
{
	const struct {
		const char *key, *value;
	} members[] = { { "ip", o->ip }, { "email", o->email }, { "directory", o->directory },
		{ "ca_file", o->ca_file } };
	struct settings *s = NULL;
	struct buf text;

	buf_init(&text, LIMIT_CONFIG_BYTES);
	buf_printf(&text, "acme: { agree_to_terms: %s", o->agree ? "yes" : "no");
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (members[i].value == NULL)
			continue;
		buf_printf(&text, ", %s: ", members[i].key);
		buf_json(&text, slice_str(members[i].value));
	}
	buf_put(&text, S(" }\n"));
	if (!o->agree)
		*ret_error =
		    sentence("--ip: a CA gives certificates only to those who agree to its "
			     "terms of service: say --agree-to-terms");
	else if (!text.failed)
		s = settings_parse(buf_slice(&text), "--ip", ret_error);
	buf_fini(&text);
	return s;
}

struct settings *
options_settings(const struct daemon_options *o, const struct slice *text, char **ret_error)
{
	struct settings *s;
	char *error;

	if (o->dev != NULL)
		s = dev_settings(o->dev, o->domain, ret_error);
	else if (options_alone(o))
		s = ip_settings(o, ret_error);
	else if (text != NULL)
		s = settings_parse(*text, o->file, ret_error);
	else
		s = settings_load(o->file, ret_error);
	if (s == NULL)
		return NULL;
	error = override(o, s);
	if (error == NULL)
		return s;
	settings_unref(s);
	*ret_error = error;
	return NULL;
}

bool
options_socket(const struct daemon_options *o, char *dst, size_t cap)
{
	struct settings *s;
	char *error = NULL;

	if (o->dev != NULL)
		return (size_t)snprintf(dst, cap, "%s/control.sock", o->dev) < cap;
	/* One that runs without a file has the socket that a file would not name. */
	s = has_no_file(o) ? settings_new() : settings_load(o->file, &error);
	if (s == NULL) {
		tell_error("failed", "%s", error != NULL ? error : "out of memory");
		free(error);
		return false;
	}
	snprintf(dst, cap, "%s", s->control.path);
	settings_unref(s);
	return true;
}
