/* SPDX-License-Identifier: Apache-2.0 */
/* One tunnel on its way from another program's file to adit.yml. */
#include "agent/import/import_private.h"

#include "http/url.h"
#include "net/addr.h"

#include <stdio.h>
#include <stdlib.h>

void
draft_init(struct draft *d, struct import *im, const struct yamldoc_node *node, const char *label)
{
	*d = (struct draft){ .im = im, .node = node };
	buf_init(&d->allow, 16384);
	buf_init(&d->deny, 16384);
	buf_init(&d->comments, 65536);
	if (label != NULL && strlen(label) >= sizeof(d->label))
		import_refuse(d, node, "its name has more than 63 bytes");
	else if (label != NULL)
		snprintf(d->label, sizeof(d->label), "%s", label);
}

const char *
draft_text(struct draft *d, const struct yamldoc_node *n)
{
	if (n->kind == YAMLDOC_SCALAR && strstr(n->text, "{{") == NULL)
		return n->text;
	import_refuse(d, n,
	    n->kind == YAMLDOC_SCALAR ? "adit fills in no templates: write the value"
				      : "a text is wanted");
	return "";
}

bool
draft_true(const struct yamldoc_node *n)
{
	return n->kind == YAMLDOC_SCALAR && strcmp(n->text, "true") == 0;
}

/* --- the local server --- */

void
draft_origin(struct draft *d, const struct yamldoc_node *n, const char *text)
{
	struct addr parsed;
	const char *why;
	size_t length;

	if (strncmp(text, "tcp://", 6) == 0)
		text += 6;
	if (strlen(text) >= sizeof(d->origin)) {
		import_refuse(d, n, "the address is too long");
		return;
	}
	snprintf(d->origin, sizeof(d->origin), "%s", text);
	length = strlen(d->origin);
	/* A slash alone is no path. */
	if (length > 0 && d->origin[length - 1] == '/' && strncmp(text, "unix:", 5) != 0)
		d->origin[length - 1] = '\0';
	why = addr_parse_origin(slice_str(d->origin), &parsed);
	if (why == NULL && parsed.kind == ADDR_TCP && parsed.port == 0)
		why = "a port is wanted";
	if (why != NULL)
		import_refuse(d, n, "adit cannot dial this: %s", why);
}

/* --- the public side --- */

/* Of others: nothing of such a host can be moved but its first label. */
static bool
is_theirs(struct slice host)
{
	static const char *const zones[] = { ".ngrok.io", ".ngrok.app", ".ngrok.dev",
		".ngrok-free.app", ".ngrok-free.dev", ".ngrok.pizza", ".trycloudflare.com" };

	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++)
		if (slice_ends(host, slice_str(zones[i])))
			return true;
	return false;
}

void
draft_host(struct draft *d, const struct yamldoc_node *n, const char *host)
{
	const char *behind = strstr(host, "://"), *why;
	char canonical[URL_HOST_BYTES], name[64];
	struct slice s = slice_str(behind != NULL ? behind + 3 : host);
	uint16_t port;

	if (slice_ends(s, S("/")))
		s.n--;
	if (s.n == 0)
		return; /* any */
	if (slice_find(s, '*') != SIZE_MAX) {
		import_refuse(d, n, "a tunnel has one name, and no *");
		return;
	}
	if (!url_authority(s, canonical, sizeof(canonical), &port)) {
		import_refuse(d, n, "this is no host name");
		return;
	}
	s = slice_str(canonical);
	why = url_name(slice_head(s, slice_find(s, '.')), name, sizeof(name));
	if (why != NULL) {
		import_refuse(d, n, "its first label cannot be a name: %s", why);
		return;
	}
	for (size_t i = 0; i < d->im->n_tunnels; i++)
		if (strcmp(d->im->names[i], name) == 0) {
			import_refuse(d, n, "another tunnel has the name %s already", name);
			return;
		}
	snprintf(d->name, sizeof(d->name), "%s", name);
	if (slice_find(s, '.') != SIZE_MAX && !is_theirs(s))
		d->host = n;
}

/* "20001", "1.tcp.example.org:20001", "tcp://:20001"; no number, or 0: any. */
void
draft_port(struct draft *d, const struct yamldoc_node *n, const char *text)
{
	const char *colon = strrchr(text, ':');
	struct slice s = slice_str(colon != NULL ? colon + 1 : text);
	uint64_t port;

	if (s.n == 0 || slice_starts(s, S("//")))
		return;
	if (!slice_u64(s, &port) || port > 65535)
		import_refuse(d, n, "a port is wanted");
	else
		d->port = (int64_t)port;
}

/* --- guards that can be kept --- */

static json_t *
policy_of(struct draft *d)
{
	if (d->policy == NULL)
		d->policy = json_object();
	return d->policy;
}

void
draft_add(struct draft *d, const struct yamldoc_node *n, const char *what, const char *text)
{
	json_t *list = json_object_get(policy_of(d), what);

	if (list == NULL) {
		list = json_array();
		json_object_set_new(d->policy, what, list);
	}
	if (json_array_append_new(list, json_string(text)) != 0)
		import_refuse(d, n, "this is no text in UTF-8");
}

void
draft_header(struct draft *d, const struct yamldoc_node *n, const char *group, const char *name,
    const char *value)
{
	const char *member = value != NULL ? "set" : "remove";
	json_t *of = json_object_get(policy_of(d), group), *at;
	int rc;

	if (of == NULL)
		json_object_set_new(d->policy, group, of = json_object());
	at = json_object_get(of, member);
	if (at == NULL)
		json_object_set_new(of, member, at = value != NULL ? json_object() : json_array());
	rc = value != NULL ? json_object_set_new(at, name, json_string(value))
			   : json_array_append_new(at, json_string(name));
	if (rc != 0)
		import_refuse(d, n, "this is no text in UTF-8");
}

void
draft_user(struct draft *d, const struct yamldoc_node *n, const char *name, const char *password)
{
	char line[256] = "";

	if (d->im->hash(name, password, line, sizeof(line)))
		draft_add(d, n, "users", line);
	else
		import_refuse(d, n,
		    "a name without a colon and a password of 1 to 72 bytes are wanted");
	explicit_bzero(line, sizeof(line));
}

void
draft_networks(struct draft *d, const struct yamldoc_node *list, struct buf *to)
{
	const struct yamldoc_node *n = list->kind == YAMLDOC_LIST ? list->first : list;

	for (; n != NULL; n = list->kind == YAMLDOC_LIST ? n->next : NULL) {
		const char *text = draft_text(d, n);

		if (text[strspn(text, "0123456789abcdefABCDEF.:/")] != '\0' || text[0] == '\0')
			import_refuse(d, n, "a network is wanted, such as 192.0.2.0/24");
		if (to->n > 0)
			buf_putc(to, ',');
		buf_put(to, slice_str(text));
	}
	if (to->failed)
		import_refuse(d, list, "too many networks");
}

/* --- the end --- */

static void
put(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "    %s: ", key);
	buf_json(b, slice_str(value)); /* a JSON string is a YAML scalar */
	buf_putc(b, '\n');
}

/* That the old name is another one now, and how it can be kept. */
static void
tell_host(struct draft *d)
{
	const char *behind = d->host != NULL ? strstr(d->host->text, "://") : NULL;

	if (d->host != NULL && d->kind != TUNNEL_TCP)
		import_warn(d, d->host,
		    "it is called %s, below the edge's domain; adit domain add %.200s --tunnel %s "
		    "lets the old name lead to it",
		    d->name, behind != NULL ? behind + 3 : d->host->text, d->name);
}

/* A name for the file of the policy that no other has. */
static void
name_file(struct draft *d, char *dst, size_t cap)
{
	size_t n = d->im->n_files, used = (size_t)snprintf(dst, cap, "policy-%s.json", d->label);

	check(used < cap);
	for (char *p = dst; *p != '\0'; p++)
		if (!((*p | 32) >= 'a' && (*p | 32) <= 'z') && !(*p >= '0' && *p <= '9') &&
		    *p != '-' && *p != '.' && *p != '_')
			*p = '_';
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(d->im->files[i].name, dst) == 0)
			snprintf(dst, cap, "policy-%zu.json", n + 1);
}

/* What only all of its keys can tell. */
static void
settle(struct draft *d)
{
	struct import *im = d->im;
	struct addr parsed;

	if (d->origin[0] == '\0')
		import_refuse(d, d->node, "it has no address of a local server");
	if (im->n_tunnels == LIMIT_TUNNELS_PER_LINK)
		import_refuse(d, d->node, "more than %d tunnels", LIMIT_TUNNELS_PER_LINK);
	if (d->kind != TUNNEL_HTTP && (d->policy != NULL || d->allow.n > 0 || d->deny.n > 0))
		import_refuse(d, d->node,
		    "networks, passwords and the like are for http tunnels: let your firewall do "
		    "it");
	if (d->policy != NULL && !im->beside)
		import_refuse(d, d->node,
		    "passwords, paths, secrets or header fields of it belong in a file of its "
		    "own: say where by -o FILE");
	if (d->rewrite && addr_parse_origin(slice_str(d->origin), &parsed) == NULL &&
	    parsed.kind == ADDR_TCP)
		snprintf(d->origin_host, sizeof(d->origin_host), "%.200s:%u",
		    parsed.host[0] != '\0' ? parsed.host : "localhost", parsed.port);
	if (d->label[0] == '\0')
		snprintf(d->label, sizeof(d->label), "%s", d->name[0] != '\0' ? d->name : "tunnel");
	for (size_t i = 0; i < im->n_tunnels; i++)
		if (strcmp(im->labels[i], d->label) == 0) {
			import_refuse(d, d->node, "another tunnel has its name already");
			break;
		}
	if (d->comments.failed)
		import_refuse(d, d->node, "too much to say of it");
}

static void
write_policy(struct draft *d)
{
	struct import_file *f = &d->im->files[d->im->n_files];

	name_file(d, f->name, sizeof(f->name));
	f->text = json_dumps(d->policy, JSON_INDENT(2));
	if (f->text == NULL) {
		import_refuse(d, d->node, "out of memory");
		return;
	}
	check(f->name[0] != '\0');
	put(&d->im->yml, "policy", f->name);
	d->im->n_files++;
}

static void
write_tunnel(struct draft *d)
{
	static const char *const kinds[] = {
		[TUNNEL_HTTP] = "http", [TUNNEL_TCP] = "tcp", [TUNNEL_TLS] = "tls"
	};
	struct import *im = d->im;
	struct buf *b = &im->yml;
	const bool http = d->kind == TUNNEL_HTTP;

	tell_host(d);
	buf_put(b, S("  "));
	buf_json(b, slice_str(d->label));
	buf_put(b, S(":\n"));
	buf_put(b, buf_slice(&d->comments));
	put(b, "origin", d->origin);
	if (!http)
		put(b, "kind", kinds[d->kind]);
	if (d->name[0] != '\0' && d->kind != TUNNEL_TCP)
		put(b, "name", d->name);
	if (d->port != 0 && d->kind == TUNNEL_TCP)
		buf_printf(b, "    port: %d\n", (int)d->port);
	if (d->origin_host[0] != '\0' && http)
		put(b, "origin_host", d->origin_host);
	if (d->origin_ca[0] != '\0')
		put(b, "origin_ca", d->origin_ca);
	if (d->origin_insecure)
		buf_put(b, S("    origin_insecure: true\n"));
	if (d->proxy_protocol != 0)
		buf_printf(b, "    proxy_protocol: %d\n", (int)d->proxy_protocol);
	if (d->inspect != NULL && http)
		put(b, "inspect", d->inspect);
	if (d->allow.n > 0)
		put(b, "allow", buf_z(&d->allow));
	if (d->deny.n > 0)
		put(b, "deny", buf_z(&d->deny));
	if (d->policy != NULL)
		write_policy(d);
	snprintf(im->names[im->n_tunnels], sizeof(im->names[0]), "%s", d->name);
	snprintf(im->labels[im->n_tunnels], sizeof(im->labels[0]), "%s", d->label);
	im->n_tunnels++;
}

void
draft_end(struct draft *d)
{
	struct import *im = d->im;

	if (!d->skip && !d->refused)
		settle(d);
	if (!d->skip && !d->refused) {
		write_tunnel(d);
	} else {
		buf_put(&im->yml, d->refused ? S("  # not imported: ") : S("  # switched off: "));
		if (d->label[0] != '\0' || d->name[0] != '\0')
			buf_json_ascii(&im->yml,
			    slice_str(d->label[0] != '\0' ? d->label : d->name));
		else
			buf_printf(&im->yml, "line %d", d->node->line);
		buf_putc(&im->yml, '\n');
		buf_put(&im->yml, buf_slice(&d->comments));
	}
	im->n_refused += d->refused ? 1 : 0;
	if (d->policy != NULL)
		json_decref(d->policy);
	buf_fini(&d->allow);
	buf_fini(&d->deny);
	buf_fini(&d->comments);
}
