/* SPDX-License-Identifier: Apache-2.0 */
/* A zone for tests, made from rows of text, and messages read back as text. */
#ifndef ADIT_TEST_DNS_LAB_H
#define ADIT_TEST_DNS_LAB_H

#include "base/buf.h"
#include "dns/change.h"
#include "dns/dnsread.h"
#include "dns/rr.h"
#include "dns/zone.h"
#include "unit.h"

#define LAB_ORIGIN "example.org"

struct lab_row {
	const char *name; /* below LAB_ORIGIN; "" is that itself */
	uint16_t type;
	struct slice rdata;
};

/* The bytes of a name; of one use at a time, in four places by turns. */
static inline struct slice
lab_name(const char *text)
{
	static struct dname names[4];
	static unsigned turn;
	struct dname *d = &names[turn++ % 4];

	if (!dname_parse(slice_str(text), d)) {
		EXPECT(!"a name");
		exit(1);
	}
	return dname_slice(d);
}

static inline struct slice
lab_below(const char *name)
{
	char text[600];

	snprintf(text, sizeof(text), "%s%s%s", name, *name == '\0' ? "" : ".", LAB_ORIGIN);
	return lab_name(text);
}

static inline struct zone *
lab_zone(const char *origin, uint32_t serial)
{
	struct zone *z = zone_new(lab_name(origin), lab_name("Ns.example.net"),
	    lab_name("host.example.net"), &(struct zone_times){ 1, 2, 3, 60, 300 }, serial);

	EXPECT(z != NULL);
	return z;
}

static inline void
lab_fill(struct zone *z, const struct lab_row *rows, size_t n)
{
	struct change *c = change_begin(z);

	EXPECT(c != NULL);
	for (size_t i = 0; i < n; i++)
		EXPECT_INT(change_add(c, lab_below(rows[i].name), rows[i].type, 60, rows[i].rdata),
		    CHANGE_OK);
	EXPECT_INT(change_commit(c), CHANGE_MADE);
}

static inline bool
lab_add(struct zone *z, const char *name, uint16_t type, struct slice rdata)
{
	lab_fill(z, &(struct lab_row){ name, type, rdata }, 1);
	return true;
}

static inline const char *
lab_type(uint16_t type)
{
	switch (type) {
#define X(symbol, number, ...)                                                                     \
	case number:                                                                               \
		return #symbol;
		RR_TYPES(X)
#undef X
	}
	return "TYPE";
}

/* "www.example.org A; " for each record of a section. */
static inline void
lab_section(struct dnsread *r, unsigned n, struct buf *out)
{
	while (n-- > 0) {
		char text[DNAME_TEXT_BYTES];
		struct dns_record rr;

		dnsread_record(r, &rr);
		EXPECT(!r->failed);
		if (r->failed)
			return;
		dname_text(dname_slice(&rr.owner), text, sizeof(text));
		buf_printf(out, " %s %s", text, lab_type(rr.type));
	}
}

/*
 * A message as one line: rcode, flags, and the owners and types of each section behind a bar.
 * "0 aa | www.example.org A | |"
 */
static inline const char *
lab_text(struct slice message)
{
	static struct buf out;
	struct dnsread r;
	struct dns_question q;

	buf_fini(&out);
	buf_init(&out, 1 << 20);
	if (!dnsread_begin(&r, message))
		return "no message";
	buf_printf(&out, "%d%s%s", r.flags & DNS_RCODE, r.flags & DNS_AA ? " aa" : "",
	    r.flags & DNS_TC ? " tc" : "");
	if (r.counts[DNS_QUESTION] == 1)
		dnsread_question(&r, &q);
	for (int s = DNS_ANSWER; s < DNS_SECTIONS; s++) {
		buf_printf(&out, " |");
		lab_section(&r, r.counts[s], &out);
	}
	EXPECT(dnsread_done(&r));
	return buf_z(&out);
}

#define EXPECT_TEXT(a, b) EXPECT_SLICE(slice_str(a), slice_str(b))

#endif
