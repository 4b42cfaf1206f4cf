/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures for whoever scrapes them, as a text: Prometheus' format 0.0.4, or OpenMetrics 1.0 for
 * those who ask for it.  Families come one after another, each with its samples behind it, in the
 * order of the calls; names, labels and units are written as both formats want them.
 *
 * A family is a row of some table: its name has neither "_total" nor "_info" at its end, and ends
 * with its unit where it has one (OpenMetrics 1.0, "Unit").
 */
#ifndef ADIT_HTTP_EXPOSITION_H
#define ADIT_HTTP_EXPOSITION_H

#include "base/buf.h"
#include "base/check.h"

enum exposition_format { EXPOSITION_PROMETHEUS, EXPOSITION_OPENMETRICS };

enum exposition_type {
	EXPOSITION_GAUGE,
	EXPOSITION_COUNTER,   /* samples get "_total" */
	EXPOSITION_INFO,      /* samples get "_info" and have the value 1 */
	EXPOSITION_HISTOGRAM, /* samples get "_bucket", "_sum" and "_count" */
};

struct exposition_family {
	const char *name;
	enum exposition_type type;
	const char *unit; /* "seconds", "bytes"; "": none */
	const char *help;
};

/* Values may be any bytes; those that are not UTF-8 are the caller's affair. */
struct exposition_label {
	const char *name;
	struct slice value;
};

struct exposition {
	struct buf *out; /* the caller's; its failure is looked at once, at the end */
	enum exposition_format format;
	const struct exposition_family *family; /* that samples are written of */
};

/* What the field Accept of a request asks for; empty: nothing. */
enum exposition_format exposition_accept(struct slice accept);
const char *exposition_type_text(enum exposition_format format);

void exposition_begin(struct exposition *e, struct buf *out, enum exposition_format format);
void exposition_family(struct exposition *e, const struct exposition_family *f);
/* A sample of the family. labels NULL with 0 of them. */
void exposition_count(struct exposition *e, const struct exposition_label *labels, size_t n_labels,
    uint64_t value);
void exposition_number(struct exposition *e, const struct exposition_label *labels, size_t n_labels,
    double value);
/*
 * bounds_us: n upper bounds in microseconds, growing; counts: n + 1, each of its own bucket alone,
 * the last one of what is above all bounds.  Told in seconds.
 */
void exposition_histogram(struct exposition *e, const struct exposition_label *labels,
    size_t n_labels, const int64_t *bounds_us, const uint64_t *counts, size_t n, uint64_t sum_us);
void exposition_end(struct exposition *e);

#endif
