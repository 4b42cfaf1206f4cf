/* SPDX-License-Identifier: Apache-2.0 */
/* Sets the addresses of a name as an agent asks for it, and knocks at its port. */
#include "edge/link/ddns_message.h"

#include "edge/link/ddns_left.h"

#include "base/log.h"
#include "edge/core/ticket.h"
#include "edge/ddns/ddns.h"
#include "hook/ipclass.h"
#include "http/reserved.h"
#include "http/url.h"
#include "net/knock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define SEEN_MAX 4

/* v4, v6 */
enum { N_FAMILIES = 2 };

struct ddns_message {
	struct session *session; /* NULL: it is over */
	struct worker *worker;
	struct sockaddr_storage link; /* its address */
	char account[64], name[64];
	struct dyndns wanted;
	bool or_tunnel;
	uint16_t port;
	struct sockaddr_storage seen[SEEN_MAX];
	size_t n_seen;
	struct errand errand;
	struct store_req claim;
	struct ddns_set set;
	bool was_set;
	struct knock knocks[N_FAMILIES];
	size_t n_knocks; /* under way */
	const char *reach[N_FAMILIES];
};

static const char *
text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static void
say(struct session *s, json_t *answer, const char *name)
{
	char *text;

	json_object_set_new(answer, "type", json_string("ddns"));
	json_object_set_new(answer, "name", json_string(name));
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	if (text != NULL)
		carrier_control(&s->carrier, slice_str(text));
	free(text);
}

static void
message_free(struct ddns_message *m)
{
	check(m->session == NULL && m->n_knocks == 0);
	store_req_fini(&m->claim);
	free(m);
}

static void
refuse(struct ddns_message *m, const char *code, const char *text)
{
	struct session *s = m->session;

	m->session = NULL;
	if (s != NULL) {
		s->ddns = NULL;
		say(s, json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "text", text), m->name);
	}
	message_free(m);
}

/* --- the answer --- */

static void
address(int family, const void *bytes, bool there, char dst[INET6_ADDRSTRLEN])
{
	dst[0] = '\0';
	if (there)
		check(inet_ntop(family, bytes, dst, INET6_ADDRSTRLEN) != NULL);
}

static void
answer(struct ddns_message *m)
{
	const struct records_ask *now = &m->set.ask;
	char v4[INET6_ADDRSTRLEN], v6[INET6_ADDRSTRLEN], link[ADDR_TEXT_BYTES], host[330];
	struct session *s = m->session;
	enum ipclass class = ipclass_sockaddr((const struct sockaddr *)&m->link, sizeof(m->link));

	m->session = NULL;
	if (s == NULL) {
		message_free(m);
		return;
	}
	s->ddns = NULL;
	address(AF_INET, now->now_v4, now->has_v4, v4);
	address(AF_INET6, now->now_v6, now->has_v6, v6);
	(void)addr_split(&m->link, sizeof(m->link), link, sizeof(link));
	snprintf(host, sizeof(host), "%s.%s", m->name, m->worker->edge->domain);
	say(s,
	    json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ok", 1, "host", host,
		"code", dyndns_word(m->set.code), "link", link, "class", ipclass_name(class), "v4",
		v4, "v6", v6, "reach4", m->reach[0], "reach6", m->reach[1]),
	    m->name);
	message_free(m);
}

/* --- is anybody there? --- */

/* As it is dialled: never anybody but this agent's own machine, or the edge would knock for
 * strangers at other people's doors. Of IPv6 a machine has many addresses in its /64. */
static bool
is_known(const struct ddns_message *m, const struct sockaddr_storage *ss)
{
	struct source_key want, have;

	if (!source_key(ss, &want))
		return false;
	if (source_key(&m->link, &have) && memcmp(&want, &have, sizeof(want)) == 0)
		return true;
	for (size_t i = 0; i < m->n_seen; i++)
		if (source_key(&m->seen[i], &have) && memcmp(&want, &have, sizeof(want)) == 0)
			return true;
	return false;
}

static void set_addresses(struct ddns_message *m);

/* All doors have answered, or none was knocked at. */
static void
knocked(struct ddns_message *m)
{
	struct dyndns_family *families[N_FAMILIES] = { &m->wanted.v4, &m->wanted.v6 };

	if (!m->or_tunnel) {
		answer(m);
		return;
	}
	for (size_t i = 0; i < N_FAMILIES; i++)
		if (families[i]->wish == DYNDNS_LEAVE ||
		    (families[i]->wish == DYNDNS_SET && strcmp(m->reach[i], "open") != 0))
			families[i]->wish = DYNDNS_REMOVE;
	set_addresses(m);
}

static void
on_knock(struct ddns_message *m, size_t at, enum knock_result r)
{
	check(m->n_knocks > 0);
	m->reach[at] = knock_text(r);
	if (--m->n_knocks == 0)
		knocked(m);
}

static void
on_knock4(struct knock *k, enum knock_result r)
{
	on_knock(list_of(k, struct ddns_message, knocks[0]), 0, r);
}

static void
on_knock6(struct knock *k, enum knock_result r)
{
	on_knock(list_of(k, struct ddns_message, knocks[1]), 1, r);
}

static bool
sockaddr_of(const struct dyndns_family *f, int family, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (f->wish != DYNDNS_SET)
		return false;
	ret->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&in->sin_addr, f->bytes, 4);
		in->sin_port = htons(port);
	} else {
		memcpy(&in6->sin6_addr, f->bytes, 16);
		in6->sin6_port = htons(port);
	}
	return true;
}

/* The names of the families stay: a set that follows does not change what was knocked at. */
static void
knock(struct ddns_message *m)
{
	const struct dyndns_family *families[N_FAMILIES] = { &m->wanted.v4, &m->wanted.v6 };
	struct sockaddr_storage ss[N_FAMILIES];
	bool go[N_FAMILIES];

	for (size_t i = 0; i < N_FAMILIES; i++) {
		m->reach[i] = "";
		go[i] = m->port != 0 && m->session != NULL &&
			sockaddr_of(families[i], i == 0 ? AF_INET : AF_INET6, m->port, &ss[i]);
		if (go[i] && !is_known(m, &ss[i])) {
			m->reach[i] = "unknown";
			go[i] = false;
		}
		m->n_knocks += go[i];
	}
	m->knocks[0].done = on_knock4;
	m->knocks[1].done = on_knock6;
	for (size_t i = 0; i < N_FAMILIES; i++)
		if (go[i])
			knock_start(&m->knocks[i], m->worker->loop, &ss[i],
			    (int64_t)LIMIT_KNOCK_MS * 1000);
	if (m->n_knocks == 0)
		knocked(m);
}

/* --- the addresses --- */

static void
on_set(struct ddns_set *set)
{
	struct ddns_message *m = list_of(set, struct ddns_message, set);

	switch (set->code) {
	case DYNDNS_GOOD:
	case DYNDNS_NOCHG:
		break;
	case DYNDNS_ABUSE:
		refuse(m, "abuse", "its addresses have changed 60 times in this hour");
		return;
	case DYNDNS_DNSERR:
		refuse(m, "no-zone",
		    "this edge does not serve the DNS of its domain: see dns.mode in aditd.yml(5)");
		return;
	default:
		refuse(m, "store", "the edge cannot use its store now");
		return;
	}
	if (m->or_tunnel)
		answer(m);
	else
		knock(m);
}

static void
set_addresses(struct ddns_message *m)
{
	ddns_set_start(&m->set, m->worker->edge, &m->worker->errands, m->name, m->account,
	    &m->wanted.v4, &m->wanted.v6, on_set);
}

static void
go_on(struct ddns_message *m)
{
	if (m->or_tunnel && m->session != NULL)
		ddns_left_speak(m->session, m->name);
	else if (m->session != NULL) /* whoever left before says nothing of it any more */
		(void)ddns_speak(m->worker->edge->ddns, m->name);
	if (m->or_tunnel)
		knock(m);
	else
		set_addresses(m);
}

/* --- whose name it is --- */

/* On the store's thread, in the order of commits: the directory follows the store. */
static void
follow(struct store_req *req)
{
	struct ddns_message *m = list_of(req->owner, struct ddns_message, errand);

	if (req->result == STORE_OK && directory_load(m->worker->edge->directory,
					   slice_str(m->name), slice_str(m->account), false) != 0)
		req->result = STORE_FULL;
	errand_end(&m->errand);
}

static void
on_claimed(struct errand *e)
{
	struct ddns_message *m = list_of(e, struct ddns_message, errand);

	switch (m->claim.result) {
	case STORE_OK:
		go_on(m);
		return;
	case STORE_TAKEN:
	case STORE_GONE:
		refuse(m, "name-taken", "this name belongs to another account");
		return;
	case STORE_LIMIT:
		refuse(m, "limit", "the account has as many names as it may");
		return;
	default:
		refuse(m, "store", store_result_text(m->claim.result));
	}
}

static void
claim(struct ddns_message *m)
{
	struct edge *e = m->worker->edge;
	const char *why;
	unsigned at;

	if (directory_owns(e->directory, slice_str(m->name), slice_str(m->account))) {
		go_on(m);
		return;
	}
	/* The store would give it back to its owner, which only `aditd name reserve` may do. */
	if (directory_find(e->directory, slice_str(m->name), &at) == DIRECTORY_RELEASED) {
		refuse(m, "name-released",
		    "this name was released; no account can get it by asking");
		return;
	}
	why = reserved_why(slice_str(m->name));
	if (why != NULL) {
		refuse(m, "reserved", why);
		return;
	}
	m->claim.op = STORE_NAME_CLAIM;
	memcpy(m->claim.account, m->account, sizeof(m->claim.account));
	memcpy(m->claim.route.name, m->name, sizeof(m->claim.route.name));
	m->claim.route.per_account_max = (uint32_t)m->worker->settings->limits.names_per_account;
	errand_store(&m->errand, &m->worker->errands, e->store, &m->claim, follow, on_claimed);
}

/* --- the message --- */

/* "link" is what nothing says: the address that the question comes from. */
static bool
read_family(const json_t *message, const char *key, const char *parameter, struct buf *query)
{
	const json_t *v = json_object_get(message, key);
	const char *text = json_string_value(v);

	if (v == NULL) {
		buf_printf(query, "%s=preserve&", parameter);
		return true;
	}
	if (text == NULL || strlen(text) >= INET6_ADDRSTRLEN ||
	    text[strspn(text, "0123456789abcdefABCDEF:.linkno")] != '\0')
		return false;
	buf_printf(query, "%s=%s&", parameter, strcmp(text, "link") == 0 ? "" : text);
	return true;
}

/* "TICKET ADDRESS": what the edge has seen itself, when it was asked for it. */
static void
read_seen(struct ddns_message *m, const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		struct slice address = slice_str(json_string_value(one));
		struct slice ticket = slice_cut(&address, ' ');
		char text[INET6_ADDRSTRLEN];
		struct addr a = { .kind = ADDR_TCP };
		socklen_t len;

		if (m->n_seen == SEEN_MAX)
			return;
		if (slice_z(address, text, sizeof(text)) &&
		    slice_z(address, a.host, sizeof(a.host)) &&
		    ticket_is_good(m->worker->edge, text, ticket) &&
		    addr_sockaddr(&a, false, &m->seen[m->n_seen], &len) == 0)
			m->n_seen++;
	}
}

static const char *
read_message(struct ddns_message *m, const json_t *message)
{
	struct edge *e = m->worker->edge;
	struct slice name = slice_str(text_at(message, "name")), label = edge_name_of(e, name);
	json_int_t port = json_integer_value(json_object_get(message, "port"));
	const char *why;
	struct buf query;
	bool good;

	slice_copy(name, m->name, sizeof(m->name));
	why = url_name(label.n > 0 ? label : name, m->name, sizeof(m->name));
	if (why != NULL)
		return why;
	if (port < 0 || port > 65535)
		return "a port is a number from 1 to 65535";
	m->port = (uint16_t)port;
	m->or_tunnel = json_is_true(json_object_get(message, "or_tunnel"));
	if (m->or_tunnel && m->port == 0)
		return "say at which port the edge shall knock";
	buf_init(&query, 256);
	good = read_family(message, "v4", "myipv4", &query) &&
	       read_family(message, "v6", "myipv6", &query) && !query.failed;
	if (good)
		dyndns_read(&m->wanted, m->worker->settings->ddns_private, buf_slice(&query),
		    S(""));
	buf_fini(&query);
	if (!good)
		return "an address is wanted, \"link\" or \"no\"";
	if (!dyndns_settle(&m->wanted, &m->link) && !m->or_tunnel)
		return "there is no address to set: nobody on the internet can reach this machine; "
		       "a tunnel can";
	read_seen(m, json_object_get(message, "seen"));
	return NULL;
}

void
ddns_message(struct session *s, const json_t *message)
{
	struct ddns_message *m;
	const char *why;

	if (s->ddns != NULL) {
		say(s,
		    json_pack("{s:b, s:s, s:s}", "ok", 0, "code", "busy", "text",
			"one name at a time"),
		    text_at(message, "name"));
		return;
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return; /* whoever asks gives up after a while */
	m->session = s;
	s->ddns = m;
	m->worker = s->worker;
	m->reach[0] = m->reach[1] = "";
	source_ip_sockaddr(&s->ip, &m->link);
	memcpy(m->account, s->account, sizeof(m->account));
	why = read_message(m, message);
	if (why != NULL)
		refuse(m, "bad-request", why);
	else
		claim(m);
}

void
ddns_message_abandon(struct session *s)
{
	struct ddns_message *m = s->ddns;

	s->ddns = NULL;
	if (m == NULL)
		return;
	check(m->session == s);
	m->session = NULL;
	if (m->n_knocks == 0)
		return; /* an errand is under way, and frees it */
	for (size_t i = 0; i < N_FAMILIES; i++)
		knock_cancel(&m->knocks[i]);
	m->n_knocks = 0;
	message_free(m);
}
