/* SPDX-License-Identifier: Apache-2.0 */
/* Asks of other threads for the records of a name. */
#include "edge/dns/records.h"

#include "dns/rr.h"
#include "edge/dns/dns_put.h"
#include "edge/dns/name_server_private.h"

#include <stdio.h>

const char *
records_result_text(enum records_result r)
{
	static const char *const texts[] = {
		[RECORDS_DONE] = "done",
		[RECORDS_SAME] = "all was so already",
		[RECORDS_OUTSIDE] =
		    "this edge does not serve the DNS of that name: see dns.mode in "
		    "aditd.yml(5)",
		[RECORDS_RESERVED] = "that name is the edge's own",
		[RECORDS_BAD] = "this is no name, or a value that no record can hold",
		[RECORDS_FULL] = "the zone has no room for it",
		[RECORDS_FAILED] = "it could not be stored",
	};

	check(r <= RECORDS_FAILED);
	return texts[r];
}

/* --- staging --- */

static enum records_result
result_of(enum change_result r)
{
	switch (r) {
	case CHANGE_OK:
		return RECORDS_DONE;
	case CHANGE_OUTSIDE:
		return RECORDS_OUTSIDE;
	case CHANGE_LARGE:
		return RECORDS_FULL;
	case CHANGE_TYPE:
	case CHANGE_RDATA:
	case CHANGE_CNAME:
		return RECORDS_BAD;
	case CHANGE_NOMEM:
		break;
	}
	return RECORDS_FAILED;
}

static enum change_result
stage_address(struct change *c, struct slice name, uint16_t type, size_t n,
    const struct records_address *a)
{
	enum change_result r = CHANGE_OK;

	if (a->wish == RECORDS_LEAVE)
		return CHANGE_OK;
	r = change_del_set(c, name, type);
	if (r == CHANGE_OK && a->wish == RECORDS_SET)
		r = change_add(c, name, type, DNS_NAME_TTL, slice_of(a->ip, n));
	return r;
}

static enum change_result
add_text(struct change *c, struct slice name, const char text[RECORDS_TXT_BYTES])
{
	unsigned char rdata[RECORDS_TXT_BYTES];
	size_t n = strnlen(text, RECORDS_TXT_BYTES);

	if (n == RECORDS_TXT_BYTES)
		return CHANGE_RDATA;
	rdata[0] = (unsigned char)n;
	memcpy(rdata + 1, text, n);
	return change_add(c, name, RR_TXT, DNS_NAME_TTL, slice_of(rdata, n + 1));
}

static enum change_result
stage_texts(struct change *c, struct slice name, const struct records_ask *ask)
{
	enum change_result r = change_del_set(c, name, RR_TXT);

	for (size_t i = 0; r == CHANGE_OK && i < ask->n_txt; i++)
		r = add_text(c, name, ask->txt[i]);
	return r;
}

/* The oldest stand first. */
static enum change_result
stage_newest(struct change *c, struct slice name, const struct records_ask *ask)
{
	enum change_result r = add_text(c, name, ask->txt[0]);
	const struct rrset *s;

	while (r == CHANGE_OK && (s = change_set(c, name, RR_TXT))->n > RECORDS_TXT_NEWEST) {
		unsigned char oldest[LIMIT_DNS_SET_BYTES];
		struct slice rdata;
		size_t at = 0;

		check(rrset_next(s, &at, &rdata) && rdata.n <= sizeof(oldest));
		memcpy(oldest, rdata.p, rdata.n); /* the set goes with it */
		r = change_del(c, name, RR_TXT, slice_of(oldest, rdata.n));
	}
	return r;
}

/* The zone's own names, and that of the edge's own challenges. */
static bool
is_reserved(const struct name_server *ns, struct slice name)
{
	if (dname_labels(name) == dname_labels(dname_slice(&ns->domain)) + 1 && name.p[1] == '_')
		return true;
	return dname_eq(name, dname_slice(&ns->domain)) || dname_is_wild(name) ||
	       dname_eq(name, zone_origin(ns->zone)) ||
	       dname_eq(name, dname_slice(&ns->name_server));
}

enum records_result
records_stage(struct name_server *ns, struct records_ask *ask, const struct dname *name)
{
	struct slice at = dname_slice(name);
	struct change *c = ns->work.own;
	enum change_result r = CHANGE_OK;

	if (is_reserved(ns, at))
		return RECORDS_RESERVED;
	if (ask->n_txt > RECORDS_TXT || (ask->op == RECORDS_TXT_ADD && ask->n_txt != 1))
		return RECORDS_BAD;
	switch (ask->op) {
	case RECORDS_READ:
		break;
	case RECORDS_ADDRESSES:
		r = stage_address(c, at, RR_A, 4, &ask->v4);
		if (r == CHANGE_OK)
			r = stage_address(c, at, RR_AAAA, 16, &ask->v6);
		break;
	case RECORDS_TXT_SET:
		r = stage_texts(c, at, ask);
		break;
	case RECORDS_TXT_ADD:
		r = stage_newest(c, at, ask);
		break;
	case RECORDS_CLEAR:
		r = change_del_name(c, at);
		break;
	}
	return result_of(r);
}

/* --- the answer --- */

static void
copy_texts(struct records_ask *ask, const struct rrset *s)
{
	struct slice rdata;

	for (size_t at = 0; s != NULL && rrset_next(s, &at, &rdata);) {
		size_t n = rdata.n > 0 ? (unsigned char)rdata.p[0] : 0;

		/* Of several strings the first: those of an ask have one. */
		if (ask->n_now_txt == RECORDS_TXT || n + 1 > rdata.n)
			return;
		memcpy(ask->now_txt[ask->n_now_txt], rdata.p + 1, n);
		ask->now_txt[ask->n_now_txt++][n] = '\0';
	}
}

static void
fill_in(const struct name_server *ns, struct records_ask *ask)
{
	const struct zone_node *node = NULL;
	struct dname name;
	struct slice rdata;
	const struct rrset *s;
	size_t at = 0;

	if (dns_zone_long(ns, ask->name, &name))
		node = zone_node_of(ns->own, dname_slice(&name));
	if (node == NULL)
		return;
	s = zone_set(node, RR_A);
	ask->has_v4 = s != NULL && rrset_next(s, &at, &rdata) && rdata.n == 4;
	if (ask->has_v4)
		memcpy(ask->now_v4, rdata.p, 4);
	s = zone_set(node, RR_AAAA);
	at = 0;
	ask->has_v6 = s != NULL && rrset_next(s, &at, &rdata) && rdata.n == 16;
	if (ask->has_v6)
		memcpy(ask->now_v6, rdata.p, 16);
	copy_texts(ask, zone_set(node, RR_TXT));
}

void
records_end(struct name_server *ns, struct records_ask *ask, enum records_result result)
{
	ask->result = result;
	ask->has_v4 = ask->has_v6 = false;
	ask->n_now_txt = 0;
	fill_in(ns, ask);
	errand_end(&ask->errand);
}

/* --- the way here --- */

static void
on_mail(struct loop *loop, struct loop_mail *m)
{
	struct records_ask *ask = list_of(m, struct records_ask, mail);
	struct name_server *ns = ask->ns;

	check(ns->loop == loop);
	if (ns->stopping)
		records_end(ns, ask, RECORDS_FAILED);
	else
		dns_work_ask(ns, ask);
}

void
records_ask(struct name_server *ns, struct records_ask *ask, struct errands *home,
    void (*back)(struct errand *e))
{
	errand_begin(&ask->errand, home, back);
	ask->ns = ns;
	ask->mail.fn = on_mail;
	loop_post(ns->loop, &ask->mail);
}
