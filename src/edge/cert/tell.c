/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as people see them, through the control socket. */
#include "edge/cert/cert_private.h"

#include <stdio.h>

static const char *
state_word(const struct cert *c, int64_t now_s)
{
	/* Also while what came is on its way to the disk: it is shown behind that. */
	if (c->state == CERT_ORDERS || (c->state == CERT_KEEPS && c->drive != NULL))
		return "ordering";
	if (c->row.live.chain == NULL)
		return c->row.failures > 0 ? "failed" : "wanted";
	if (c->row.live.facts.not_after_s <= now_s)
		return "expired";
	return c->row.failures > 0 ? "failing" : "served";
}

/* 0: none is planned. */
static json_int_t
next_ms(const struct cert *c)
{
	int64_t due_s = cert_due_s(c), now_s = certs_now_s();

	if (due_s == INT64_MAX)
		return 0;
	return (json_int_t)(due_s < now_s ? now_s : due_s) * 1000;
}

/* What to type, where something helps; what the problem is says the sentence before it. */
static void
remedy(const struct cert *c, char *dst, size_t cap)
{
	if (c->row.problem[0] == '\0' || !cert_is_wanted(c))
		dst[0] = '\0';
	else
		snprintf(dst, cap,
		    "once that is repaired, to try again at once: aditd cert renew %s",
		    c->row.names[0]);
}

static json_t *
row_json(const struct cert *c)
{
	const struct chain_facts *f = &c->row.live.facts;
	const struct renewal_window *w = &c->row.live.window;
	const char *problem = c->paused
				  ? "its own domain is suspended: it is renewed again when the "
				    "domain is proven; see aditd domain list"
				  : c->row.problem;
	char again[IDENT_BYTES + 80];

	remedy(c, again, sizeof(again));
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:{s:I, s:I, s:s}, s:s, s:s}", "name",
	    c->row.names[0], "account", c->row.account, "state", state_word(c, certs_now_s()),
	    "issuer", f->issuer, "begin_ms", (json_int_t)f->not_before_s * 1000, "end_ms",
	    (json_int_t)f->not_after_s * 1000, "next_ms", next_ms(c), "window", "start_ms",
	    (json_int_t)w->start_s * 1000, "end_ms", (json_int_t)w->end_s * 1000, "why", w->why,
	    "problem", problem, "remedy", again);
}

json_t *
certs_list(const struct certs *all, const char *after, bool *ret_more)
{
	json_t *rows = json_array();
	size_t n = 0;

	*ret_more = false;
	for (const struct cert *c = all->first; c != NULL && !*ret_more; c = c->next) {
		if (strcmp(c->row.names[0], after) <= 0)
			continue;
		if (n++ == LIMIT_CERT_SHOWN)
			*ret_more = true;
		else
			json_array_append_new(rows, row_json(c));
	}
	return rows;
}

bool
certs_any(const struct certs *all)
{
	for (const struct cert *c = all == NULL ? NULL : all->first; c != NULL; c = c->next)
		if (c->row.live.chain != NULL && c->row.live.facts.not_after_s > certs_now_s())
			return true;
	return false;
}

/* The account's URL is what a CAA record or a standing one names (RFC 8657). */
static const char *
account_url(const struct cert *c)
{
	const char *directory = c->row.live.chain != NULL ? c->row.live.ca : c->row.pending.ca;

	for (const struct registration *r = c->all->registrations.list; r != NULL; r = r->next)
		if (strcmp(r->directory, directory) == 0 && r->ca != NULL)
			return ca_account(r->ca);
	return "";
}

json_t *
certs_show(const struct certs *all, const char *name)
{
	const struct cert *c = certs_find(all, name);
	json_t *o, *names = json_array(), *ways = json_array();

	if (c == NULL) {
		json_decref(names);
		json_decref(ways);
		return NULL;
	}
	for (size_t i = 0; i < c->row.n_names; i++)
		json_array_append_new(names, json_string(c->row.names[i]));
	for (enum challenge_kind k = 0; k < CHALLENGE_KINDS; k++)
		if (cert_can(c, c->row.names[0]) & CHALLENGE_CAN(k))
			json_array_append_new(ways, json_string(challenge_word(k)));
	o = row_json(c);
	json_object_set_new(o, "names", names);
	json_object_set_new(o, "ways", ways);
	json_object_set_new(o, "ca",
	    json_string(c->row.live.chain != NULL ? c->row.live.ca : c->row.pending.ca));
	json_object_set_new(o, "account_url", json_string(account_url(c)));
	json_object_set_new(o, "failures", json_integer(c->row.failures));
	json_object_set_new(o, "failed_ms", json_integer((json_int_t)c->row.failed_s * 1000));
	json_object_set_new(o, "at",
	    json_string(c->state == CERT_ORDERS ? acme_at(drive_case(c->drive)) : ""));
	json_object_set_new(o, "unseen", json_string(c->unseen));
	json_object_set_new(o, "wanted", json_boolean(cert_is_wanted(c)));
	return o;
}
