/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of one zone and what strangers, and holders of a key, send it: parts of one byte of
 * choices, a length in two bytes, a message. Held to:
 *
 *	- an answer is a message, has the request's id and question, and keeps to its size
 *	- what a key signs is answered with its signature
 *	- a zone that was not changed has its serial, one that was has the next one
 *	- what was, and the increments since then, are what is now
 */
#include "dns/authority.h"
#include "dns/notify.h"
#include "dns/rr.h"
#include "fuzz/must.h"

#define NOW 1700000000

enum choice { TCP = 1, SIGN = 2, STORED = 4, LATE = 8, NOTIFY = 16 };

static const struct tsig_key key = {
	.name = { 5, "\3key" }, .algorithm = TSIG_SHA256, .n = 6, .secret = "secret"
};

static bool
find_key(void *arg, struct slice name, struct tsig_key *ret)
{
	(void)arg;
	if (!dname_eq(name, dname_slice(&key.name)))
		return false;
	*ret = key;
	return true;
}

static bool
may_change(void *arg, const struct authority_asker *by, struct slice name, uint16_t type)
{
	(void)arg;
	MUST(by->key.n > 0 && dname_in(name, S("\7example\0")));
	return type != 99;
}

static enum authority_share
may_transfer(void *arg, const struct authority_asker *by, const struct zone *z)
{
	(void)arg;
	(void)z;
	return by->key.n == 0 ? AUTHORITY_SOME : AUTHORITY_ALL;
}

static bool
may_see(void *arg, struct slice by, struct slice name)
{
	(void)arg;
	(void)by;
	return name.n % 2 == 0;
}

static const struct authority_rules rules = { find_key, may_transfer, may_see, may_change };

static struct zone *
make_zone(void)
{
	static const struct {
		struct slice name;
		uint16_t type;
		struct slice rdata;
	} rows[] = {
		{ S("\7example\0"), RR_NS, S("\2ns\7example\0") },
		{ S("\2ns\7example\0"), RR_A, S("\1\1\1\1") },
		{ S("\1*\7example\0"), RR_TXT, S("\1x") },
		{ S("\1a\1b\7example\0"), RR_AAAA, S("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1") },
		{ S("\1c\7example\0"), RR_CNAME, S("\1a\1b\7example\0") },
		{ S("\1d\7example\0"), RR_NS, S("\2ns\1d\7example\0") },
		{ S("\2ns\1d\7example\0"), RR_A, S("\1\1\1\2") },
		{ S("\1*\1e\7example\0"), RR_CNAME, S("\1f\1e\7example\0") },
		{ S("\1t\7example\0"), RR_TXT, S("\4text") },
	};
	struct zone *z = zone_new(S("\7example\0"), S("\2ns\7example\0"), S("\1h\0"),
	    &(struct zone_times){ 1, 2, 3, 60, 300 }, UINT32_MAX - 3);
	struct change *c = change_begin(z);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		MUST(change_add(c, rows[i].name, rows[i].type, 60, rows[i].rdata) == CHANGE_OK);
	MUST(change_commit(c) == CHANGE_MADE);
	return z;
}

/* --- a zone as a number: the sum of its records --- */

static uint64_t
hash_record(struct slice owner, uint16_t type, uint32_t ttl, struct slice rdata)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ type ^ (uint64_t)ttl << 20;

	for (size_t i = 0; i < owner.n; i++)
		h = (h ^ (unsigned char)owner.p[i]) * UINT64_C(1099511628211);
	for (size_t i = 0; i < rdata.n; i++)
		h = (h ^ (unsigned char)rdata.p[i]) * UINT64_C(1099511628211);
	return h;
}

static uint64_t
sum_zone(struct zone *z)
{
	struct zone_image *image = zone_image_ref(z);
	uint64_t sum = 0;

	for (size_t i = 0; i < image->n; i++) {
		const struct rrset *s = image->sets[i];
		struct slice r;

		for (size_t at = 0; rrset_next(s, &at, &r);)
			sum += hash_record(rrset_owner(s), s->type, s->ttl, r);
	}
	zone_image_unref(image);
	return sum;
}

/* What the increments since that serial add to such a sum; the SOAs tell which half they are in. */
static uint64_t
sum_increments(struct zone *z, uint32_t serial)
{
	static unsigned char out[DNS_MESSAGE_BYTES], rdata[DNS_MESSAGE_BYTES];
	struct transfer_request rq = { .question = { { 9, "\7example" }, RR_IXFR, RR_CLASS_IN },
		.incremental = true,
		.serial = serial };
	struct transfer *t = transfer_new(z, &rq);
	enum transfer_step step = TRANSFER_MORE;
	unsigned n_soa = 0;
	uint64_t sum = 0;

	while (step == TRANSFER_MORE) {
		struct dnsread r;
		size_t n;

		step = transfer_next(t, out, sizeof(out), NOW, &n);
		MUST(step != TRANSFER_FAIL && dnsread_begin(&r, slice_of(out, n)));
		if (r.counts[DNS_QUESTION] > 0) {
			struct dns_question q;

			dnsread_question(&r, &q);
		}
		for (unsigned i = r.counts[DNS_ANSWER]; i > 0; i--) {
			struct dns_record rr;
			ptrdiff_t rdata_n;
			uint64_t hash;

			dnsread_record(&r, &rr);
			rdata_n = dnsread_rdata(&r, &rr, rdata, sizeof(rdata));
			MUST(rdata_n >= 0);
			hash = hash_record(dname_slice(&rr.owner), rr.type, rr.ttl,
			    slice_of(rdata, (size_t)rdata_n));
			if (rr.type == RR_SOA)
				n_soa++;
			else
				sum += n_soa % 2 == 0 ? -hash : hash;
		}
		MUST(dnsread_done(&r));
	}
	transfer_free(t);
	return sum;
}

/* --- one message --- */

/* Signs what came as it stands; false: it has no header. */
static bool
sign(unsigned char *buf, size_t cap, size_t *n, struct tsig_talk *talk)
{
	struct dnswrite w = { .p = buf, .n = *n, .cap = cap };

	*talk = (struct tsig_talk){ .key = key };
	if (*n < DNS_HEADER_BYTES || (buf[10] == 0xff && buf[11] == 0xff))
		return false;
	MUST(tsig_sign(talk, &w, NOW));
	*n = w.n;
	return true;
}

static void
judge_reply(struct slice request, struct slice reply, struct tsig_talk *talk, bool tcp)
{
	struct dnsread r, asked;
	struct dns_question q, p;
	struct dns_record rr = { 0 };
	struct tsig sig;
	bool has_sig = false;

	MUST(tcp || reply.n <= LIMIT_DNS_UDP_BYTES);
	MUST(dnsread_begin(&r, reply) && dnsread_begin(&asked, request));
	MUST(r.id == asked.id && (r.flags & DNS_QR) != 0 && (r.flags & DNS_RA) == 0);
	MUST(r.counts[DNS_QUESTION] <= 1);
	if (r.counts[DNS_QUESTION] == 1) {
		dnsread_question(&asked, &p);
		dnsread_question(&r, &q);
		MUST(slice_eq(dname_slice(&p.name), dname_slice(&q.name)));
		MUST(p.type == q.type && p.class == q.class);
	}
	for (int i = r.counts[1] + r.counts[2] + r.counts[3]; i > 0; i--) {
		dnsread_record(&r, &rr);
		has_sig = has_sig || rr.type == RR_TSIG;
	}
	MUST(dnsread_done(&r));
	if (talk == NULL || !has_sig)
		return;
	MUST(tsig_read(&r, &rr, &sig));
	if (sig.error != TSIG_BADKEY && sig.error != TSIG_BADSIG)
		MUST(tsig_verify(talk, reply, &sig, NOW) == TSIG_OK);
}

static size_t
run_transfer(struct transfer *t, unsigned char *reply, size_t cap)
{
	enum transfer_step step;
	size_t n;

	do {
		step = transfer_next(t, reply, cap, NOW, &n);
		MUST(step != TRANSFER_FAIL && n <= cap);
	} while (step == TRANSFER_MORE);
	transfer_free(t);
	return n;
}

static void
serve(struct authority *a, unsigned choice, struct slice message)
{
	static unsigned char request[2 * DNS_MESSAGE_BYTES], reply[DNS_MESSAGE_BYTES];
	struct zone *z = a->zones.of[0];
	uint32_t serial = zone_serial(z);
	uint64_t before = sum_zone(z);
	bool tcp = (choice & TCP) != 0, signs, changed = false;
	size_t n = message.n;
	struct tsig_talk talk;
	struct authority_said said;

	memcpy(request, message.p, n);
	signs = (choice & SIGN) != 0 && sign(request, sizeof(request), &n, &talk);
	struct authority_ask ask = { .request = slice_of(request, n),
		.tcp = tcp,
		.now_s = NOW + ((choice & LATE) != 0 ? 1000 : 0),
		.reply = reply,
		.cap = tcp ? sizeof(reply) : LIMIT_DNS_UDP_BYTES };

	switch (authority_answer(a, &ask, &said)) {
	case AUTHORITY_DROP:
		MUST(n < DNS_HEADER_BYTES || n > DNS_MESSAGE_BYTES || (request[2] & 0x80) != 0);
		break;
	case AUTHORITY_REPLY:
		judge_reply(ask.request, slice_of(reply, said.reply_n),
		    signs && (choice & LATE) == 0 ? &talk : NULL, tcp);
		break;
	case AUTHORITY_TRANSFER:
		MUST(tcp);
		MUST(run_transfer(said.transfer, reply, sizeof(reply)) > DNS_HEADER_BYTES);
		break;
	case AUTHORITY_UPDATE:
		MUST(zone_is_open(z) && zone_serial(z) == serial && sum_zone(z) == before);
		n = authority_settle(said.update, (choice & STORED) != 0, NOW, reply, ask.cap,
		    &changed);
		judge_reply(ask.request, slice_of(reply, n), signs ? &talk : NULL, tcp);
		break;
	case AUTHORITY_LATER:
		MUST(false); /* one after another */
	}
	MUST(!zone_is_open(z));
	MUST(changed == (zone_serial(z) != serial));
	MUST(changed ? zone_serial_newer(zone_serial(z), serial) : sum_zone(z) == before);
}

static void
judge_as_notify(const struct zone *z, bool with_key, struct slice message)
{
	unsigned char buf[NOTIFY_BYTES];
	struct notify n;

	MUST(notify_write(&n, z, 0x1234, with_key ? &key : NULL, NOW, buf) > 0);
	/* Nobody signs an answer by chance. */
	MUST(notify_judge(&n, message, NOW) == NOTIFY_FOREIGN || !with_key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct authority a = { .rules = &rules };
	struct zone *z = make_zone();
	struct slice in = slice_of(data, n);
	uint32_t serial = zone_serial(z);
	uint64_t before = sum_zone(z);

	MUST(zones_add(&a.zones, z));
	while (in.n >= 3) {
		unsigned choice = (unsigned char)in.p[0];
		size_t want = (size_t)(unsigned char)in.p[1] << 8 | (unsigned char)in.p[2];
		struct slice message = slice_head(slice_from(in, 3), want);

		in = slice_from(in, 3 + want);
		if ((choice & NOTIFY) != 0)
			judge_as_notify(z, (choice & SIGN) != 0, message);
		else
			serve(&a, choice, message);
	}
	if (zone_edition_since(z, serial) != NULL || zone_serial(z) == serial)
		MUST(before + sum_increments(z, serial) == sum_zone(z));
	zone_free(z);
	return 0;
}
