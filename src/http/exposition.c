/* SPDX-License-Identifier: Apache-2.0 */
/* Writes figures in the two text formats of Prometheus and OpenMetrics. */
#include "http/exposition.h"

#include <math.h>
#include <stdio.h>

enum exposition_format
exposition_accept(struct slice accept)
{
	while (accept.n > 0) {
		struct slice range = slice_cut(&accept, ',');
		struct slice type = slice_trim(slice_cut(&range, ';'));

		/* Scrapers name what they like best first, and put no q=0 behind it. */
		if (slice_ieq(type, S("application/openmetrics-text")))
			return EXPOSITION_OPENMETRICS;
		if (slice_ieq(type, S("text/plain")))
			return EXPOSITION_PROMETHEUS;
	}
	return EXPOSITION_PROMETHEUS;
}

const char *
exposition_type_text(enum exposition_format format)
{
	return format == EXPOSITION_OPENMETRICS
		   ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		   : "text/plain; version=0.0.4; charset=utf-8";
}

void
exposition_begin(struct exposition *e, struct buf *out, enum exposition_format format)
{
	*e = (struct exposition){ .out = out, .format = format };
}

/* What samples of the family have behind its name. */
static const char *
suffix_of(const struct exposition_family *f)
{
	switch (f->type) {
	case EXPOSITION_GAUGE:
	case EXPOSITION_HISTOGRAM:
		return "";
	case EXPOSITION_COUNTER:
		return "_total";
	case EXPOSITION_INFO:
		return "_info";
	}
	check(!"a type of the enum");
	return "";
}

/* OpenMetrics describes the family, the older format the name of its samples. */
static const char *
described_suffix(const struct exposition *e)
{
	return e->format == EXPOSITION_OPENMETRICS ? "" : suffix_of(e->family);
}

static const char *
type_word(const struct exposition *e)
{
	switch (e->family->type) {
	case EXPOSITION_GAUGE:
		return "gauge";
	case EXPOSITION_COUNTER:
		return "counter";
	case EXPOSITION_HISTOGRAM:
		return "histogram";
	case EXPOSITION_INFO:
		return e->format == EXPOSITION_OPENMETRICS ? "info" : "gauge";
	}
	check(!"a type of the enum");
	return "";
}

/* A value in quotes, or a help text: a line feed would end the line, a quote the value. */
static void
put_escaped(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			buf_put(out, S("\\n"));
		else if (s.p[i] == '\\' || s.p[i] == '"')
			buf_printf(out, "\\%c", s.p[i]);
		else
			buf_putc(out, s.p[i]);
	}
}

void
exposition_family(struct exposition *e, const struct exposition_family *f)
{
	const char *suffix;

	/* The tables are ours: a name that a scraper would refuse is our mistake. */
	check(f->unit[0] == '\0' || slice_ends(slice_str(f->name), slice_str(f->unit)));
	check(f->type != EXPOSITION_HISTOGRAM || slice_eq(slice_str(f->unit), S("seconds")));
	e->family = f;
	suffix = described_suffix(e);
	buf_printf(e->out, "# HELP %s%s %s\n", f->name, suffix, f->help);
	buf_printf(e->out, "# TYPE %s%s %s\n", f->name, suffix, type_word(e));
	if (e->format == EXPOSITION_OPENMETRICS && f->unit[0] != '\0')
		buf_printf(e->out, "# UNIT %s %s\n", f->name, f->unit);
}

/* Name and labels of a sample; le: the bound of a bucket, NULL: none. */
static void
put_name(struct exposition *e, const char *suffix, const struct exposition_label *labels,
    size_t n_labels, const char *le)
{
	struct buf *out = e->out;

	check(e->family != NULL);
	buf_printf(out, "%s%s", e->family->name, suffix);
	if (n_labels == 0 && le == NULL)
		return;
	buf_putc(out, '{');
	for (size_t i = 0; i < n_labels; i++) {
		buf_printf(out, "%s%s=\"", i == 0 ? "" : ",", labels[i].name);
		put_escaped(out, labels[i].value);
		buf_putc(out, '"');
	}
	if (le != NULL)
		buf_printf(out, "%sle=\"%s\"", n_labels == 0 ? "" : ",", le);
	buf_putc(out, '}');
}

void
exposition_count(struct exposition *e, const struct exposition_label *labels, size_t n_labels,
    uint64_t value)
{
	check(e->family->type != EXPOSITION_HISTOGRAM);
	put_name(e, suffix_of(e->family), labels, n_labels, NULL);
	buf_printf(e->out, " %llu\n", (unsigned long long)value);
}

void
exposition_number(struct exposition *e, const struct exposition_label *labels, size_t n_labels,
    double value)
{
	check(e->family->type != EXPOSITION_HISTOGRAM && isfinite(value));
	put_name(e, suffix_of(e->family), labels, n_labels, NULL);
	buf_printf(e->out, " %.15g\n", value);
}

void
exposition_histogram(struct exposition *e, const struct exposition_label *labels, size_t n_labels,
    const int64_t *bounds_us, const uint64_t *counts, size_t n, uint64_t sum_us)
{
	uint64_t so_far = 0;
	char le[32];

	check(e->family->type == EXPOSITION_HISTOGRAM);
	for (size_t i = 0; i <= n; i++) {
		check(i == 0 || i == n || bounds_us[i] > bounds_us[i - 1]);
		so_far += counts[i];
		/* OpenMetrics wants a canonical number: "1.0", never "1". */
		if (i == n)
			snprintf(le, sizeof(le), "+Inf");
		else if (bounds_us[i] % 1000000 == 0)
			snprintf(le, sizeof(le), "%lld.0", (long long)(bounds_us[i] / 1000000));
		else
			snprintf(le, sizeof(le), "%.9g", (double)bounds_us[i] / 1e6);
		put_name(e, "_bucket", labels, n_labels, le);
		buf_printf(e->out, " %llu\n", (unsigned long long)so_far);
	}
	put_name(e, "_sum", labels, n_labels, NULL);
	buf_printf(e->out, " %.15g\n", (double)sum_us / 1e6);
	put_name(e, "_count", labels, n_labels, NULL);
	buf_printf(e->out, " %llu\n", (unsigned long long)so_far);
}

void
exposition_end(struct exposition *e)
{
	if (e->format == EXPOSITION_OPENMETRICS)
		buf_put(e->out, S("# EOF\n"));
}
