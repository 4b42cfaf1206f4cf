/* SPDX-License-Identifier: Apache-2.0 */
/* AXFR and IXFR as a cursor over records, and messages filled from it. */
#include "dns/transfer.h"

#include "base/limits.h"
#include "dns/rr.h"

#include <stdlib.h>

/* A set may be as large as LIMIT_DNS_SET_BYTES; names, TSIG and OPT come on top. */
_Static_assert(TRANSFER_BYTES_MIN >= LIMIT_DNS_SET_BYTES + 2048, "any record fits");

/* The parts that follow one another; of IXFR those of each change come again and again. */
enum part {
	PART_FIRST_SOA,
	PART_SETS,
	PART_OLD_SOA,
	PART_GONE,
	PART_NEW_SOA,
	PART_COME,
	PART_LAST_SOA,
	PART_END,
};

struct cursor {
	enum part part;
	size_t edition;     /* which change, of IXFR */
	size_t set, record; /* of this part: which set, and where in it */
};

struct transfer {
	struct cursor at;
	struct rrset *soa;
	struct zone_image *image;       /* of AXFR */
	struct zone_edition **editions; /* of IXFR */
	size_t n_editions;
	struct transfer_request rq; /* its talk is the one below, or NULL */
	struct tsig_talk talk;
	bool sent_any;
};

/* Holds the changes since then; false without memory. */
static bool
hold_editions(struct transfer *t, struct zone_edition *first)
{
	size_t n = 0;

	for (struct zone_edition *e = first; e != NULL; e = e->next)
		n++;
	if ((t->editions = calloc(n, sizeof(struct zone_edition *))) == NULL)
		return false;
	for (struct zone_edition *e = first; e != NULL; e = e->next)
		t->editions[t->n_editions++] = zone_edition_ref(e);
	return true;
}

/* What kind of answer it will be, and all that it needs; false without memory. */
static bool
choose(struct transfer *t, struct zone *z)
{
	struct zone_edition *first;

	if (t->rq.incremental && !zone_serial_newer(zone_serial(z), t->rq.serial))
		return true; /* the SOA alone */
	first = t->rq.incremental ? zone_edition_since(z, t->rq.serial) : NULL;
	if (first != NULL)
		return hold_editions(t, first);
	return (t->image = zone_image_ref(z)) != NULL;
}

struct transfer *
transfer_new(struct zone *z, const struct transfer_request *rq)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->rq = *rq;
	if (rq->talk != NULL) {
		t->talk = *rq->talk;
		t->rq.talk = &t->talk;
	}
	t->soa = rrset_ref(zone_soa(z));
	if (choose(t, z))
		return t;
	transfer_free(t);
	return NULL;
}

void
transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_editions; i++)
		zone_edition_unref(t->editions[i]);
	free(t->editions);
	zone_image_unref(t->image);
	rrset_unref(t->soa);
	tsig_key_wipe(&t->talk.key);
	free(t);
}

/* --- the cursor --- */

/* How many sets the part has where the cursor stands. */
static size_t
n_sets(const struct transfer *t)
{
	switch (t->at.part) {
	case PART_FIRST_SOA:
	case PART_OLD_SOA:
	case PART_NEW_SOA:
	case PART_LAST_SOA:
		return 1;
	case PART_SETS:
		return t->image->n;
	case PART_GONE:
	case PART_COME:
		return t->editions[t->at.edition]->n - 1; /* the first pair is the SOA's */
	case PART_END:
		break;
	}
	return 0;
}

/* The set there, which may be NULL, and the one whose records are not to be told again. */
static const struct rrset *
set_there(const struct transfer *t, const struct rrset **ret_except)
{
	const struct zone_pair *pairs =
	    t->n_editions == 0 ? NULL : t->editions[t->at.edition]->pairs;
	const struct zone_pair *pair = pairs == NULL ? NULL : &pairs[t->at.set + 1];

	*ret_except = NULL;
	switch (t->at.part) {
	case PART_FIRST_SOA:
	case PART_LAST_SOA:
		return t->soa;
	case PART_SETS:
		return t->image->sets[t->at.set];
	case PART_OLD_SOA:
		return pairs[0].was;
	case PART_NEW_SOA:
		return pairs[0].is;
	case PART_GONE:
		*ret_except = pair->is;
		return pair->was;
	case PART_COME:
		*ret_except = pair->was;
		return pair->is;
	case PART_END:
		break;
	}
	return NULL;
}

static void
next_part(struct transfer *t)
{
	struct cursor *at = &t->at;

	at->set = at->record = 0;
	switch (at->part) {
	case PART_FIRST_SOA:
		at->part = t->image != NULL    ? PART_SETS
			   : t->n_editions > 0 ? PART_OLD_SOA
					       : PART_END;
		return;
	case PART_COME:
		at->part = at->edition + 1 < t->n_editions ? PART_OLD_SOA : PART_LAST_SOA;
		at->edition += at->part == PART_OLD_SOA;
		return;
	case PART_SETS:
		at->part = PART_LAST_SOA;
		return;
	case PART_OLD_SOA:
	case PART_GONE:
	case PART_NEW_SOA:
	case PART_LAST_SOA:
		at->part++;
		return;
	case PART_END:
		return;
	}
}

static bool
may_see(const struct transfer *t, const struct rrset *s)
{
	struct slice key = t->rq.talk == NULL ? S("") : dname_slice(&t->talk.key.name);

	return s->type == RR_SOA || t->rq.may_see == NULL ||
	       t->rq.may_see(t->rq.arg, key, rrset_owner(s));
}

static bool
next_record(struct transfer *t, const struct rrset **ret_set, struct slice *ret_rdata)
{
	while (t->at.part != PART_END) {
		const struct rrset *except, *s;

		if (t->at.set == n_sets(t)) {
			next_part(t);
			continue;
		}
		s = set_there(t, &except);
		if (s == NULL || (t->at.record == 0 && !may_see(t, s)) ||
		    !rrset_next(s, &t->at.record, ret_rdata)) {
			t->at.set++;
			t->at.record = 0;
			continue;
		}
		if (except != NULL && except->ttl == s->ttl && rrset_has(except, *ret_rdata))
			continue;
		*ret_set = s;
		return true;
	}
	return false;
}

/* --- messages --- */

/* False: the last record does not fit, and the cursor stands before it again. */
static bool
fill(struct transfer *t, struct dnswrite *w)
{
	struct cursor before = t->at;
	struct dnswrite_mark m = dnswrite_mark(w);
	const struct rrset *s;
	struct slice rdata;

	while (next_record(t, &s, &rdata)) {
		dnswrite_record(w, DNS_ANSWER, rrset_owner(s), s->type, RR_CLASS_IN, s->ttl, rdata);
		if (w->full) {
			check(m.counts[DNS_ANSWER] > 0); /* TRANSFER_BYTES_MIN */
			dnswrite_back(w, &m);
			t->at = before;
			return false;
		}
		before = t->at;
		m = dnswrite_mark(w);
	}
	return true;
}

enum transfer_step
transfer_next(struct transfer *t, void *buf, size_t cap, int64_t now_s, size_t *ret_n)
{
	struct dnswrite w;
	bool last;

	check(cap >= TRANSFER_BYTES_MIN && t->at.part != PART_END);
	dnswrite_begin(&w, buf, cap < DNS_MESSAGE_BYTES ? cap : DNS_MESSAGE_BYTES,
	    t->rq.talk == NULL ? 0 : tsig_bytes(&t->talk.key), t->rq.id, t->rq.flags);
	if (!t->sent_any) /* later ones may do without (RFC 5936 2.2.1) */
		dnswrite_question(&w, &t->rq.question);
	t->sent_any = true;
	last = fill(t, &w);
	dnswrite_release(&w);
	if (t->rq.talk != NULL && !tsig_sign(&t->talk, &w, now_s))
		return TRANSFER_FAIL;
	*ret_n = w.n;
	return last ? TRANSFER_LAST : TRANSFER_MORE;
}
