/* SPDX-License-Identifier: Apache-2.0 */
/* How a row is packed into its cell and its text, and taken out again. */
#include "agent/capture/rows_private.h"

#include <stddef.h>

/* Every text of a row. word: index in the cell's words, -1: it is never one of them. */
static const struct field {
	size_t at; /* of its slice in struct capture_row */
	size_t max;
	int word;
} fields[] = {
	{ offsetof(struct capture_row, method), 24, 0 },
	{ offsetof(struct capture_row, host), 255, 1 },
	{ offsetof(struct capture_row, event), 63, 2 },
	{ offsetof(struct capture_row, provider), 24, 3 },
	{ offsetof(struct capture_row, code), 47, 4 },
	{ offsetof(struct capture_row, name), 63, 5 },
	{ offsetof(struct capture_row, target), LIMIT_CAPTURE_TARGET_BYTES, -1 },
	{ offsetof(struct capture_row, repository), 159, -1 },
	{ offsetof(struct capture_row, branch), 159, -1 },
	{ offsetof(struct capture_row, request_id), 36, -1 },
	{ offsetof(struct capture_row, client), 47, -1 },
};

#define N_FIELDS (sizeof(fields) / sizeof(*fields))
/* Tags behind those of the fields: numbers that few rows have. */
#define TAG_DELIVERY N_FIELDS
#define TAG_PARENT (N_FIELDS + 1)

#define MOST(bits) (((uint64_t)1 << (bits)) - 1)
/* The mask tells the compiler what at_most() has seen to. */
#define AT_MOST(value, bits) (at_most((uint64_t)(value), MOST(bits)) & MOST(bits))
#define TOOK_RUNS MOST(40)

static struct slice *
text_of(struct capture_row *row, size_t i)
{
	return (struct slice *)(void *)((char *)row + fields[i].at);
}

static uint64_t
at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

void
pack_numbers(struct cell *c, const struct capture_row *row)
{
	c->id = row->id;
	c->changed = row->changed;
	c->at = row->at;
	c->tx = AT_MOST(row->tx_bytes, 44);
	c->rx = AT_MOST(row->rx_bytes, 44);
	c->attempt = AT_MOST(row->attempt, 20);
	c->status = AT_MOST(row->status, 10);
	c->kind = AT_MOST(row->kind, 5);
	c->verdict = AT_MOST(row->verdict, 5);
	c->took = at_most((uint64_t)row->took_us, row->took_us < 0 ? TOOK_RUNS : TOOK_RUNS - 1) &
		  TOOK_RUNS;
	c->state = AT_MOST(row->state, 6);
	c->flags = row->flags & MOST(10);
	c->tunnel = row->tunnel;
	c->begun_ms = AT_MOST(row->begun_ms < 0 ? 0 : row->begun_ms, 44);
}

/* The number of a word, which is added where it is new; 0: it is too long, or there are too many. */
static uint16_t
word_number(struct words *w, struct slice text)
{
	uint64_t hash;
	struct word *word;

	if (text.n == 0 || text.n > ROW_WORD_BYTES)
		return 0;
	hash = map_hash(text);
	for (struct map_node *n = map_first(&w->map, hash); n != NULL; n = map_next_same(n)) {
		word = map_of(n, struct word, node);
		if (slice_eq(slice_of(word->text, word->n), text))
			return (uint16_t)(word - w->list);
	}
	if (w->n == w->max)
		return 0;
	word = &w->list[w->n];
	word->n = (uint8_t)text.n;
	memcpy(word->text, text.p, text.n);
	if (map_put(&w->map, &word->node, hash) != 0)
		return 0;
	return (uint16_t)w->n++;
}

static size_t
put(char *dst, size_t tag, struct slice s)
{
	dst[0] = (char)tag;
	dst[1] = (char)(s.n >> 8);
	dst[2] = (char)s.n;
	memcpy(dst + 3, s.p, s.n);
	return 3 + s.n;
}

size_t
pack_text(struct cell *c, struct words *w, const struct capture_row *row, char dst[PACK_BYTES])
{
	struct capture_row copy = *row;
	size_t n = 0;

	for (size_t i = 0; i < N_FIELDS; i++) {
		struct slice s = slice_head(*text_of(&copy, i), fields[i].max);

		if (fields[i].word >= 0)
			c->words[fields[i].word] = word_number(w, s);
		if (s.n > 0 && (fields[i].word < 0 || c->words[fields[i].word] == 0))
			n += put(dst + n, i, s);
	}
	if (row->delivery != 0)
		n += put(dst + n, TAG_DELIVERY, slice_of(&row->delivery, 8));
	if (row->parent != 0)
		n += put(dst + n, TAG_PARENT, slice_of(&row->parent, 8));
	check(n <= PACK_BYTES); /* the fields' maxima, and two numbers */
	return n;
}

void
unpack(const struct cell *c, const struct words *w, struct slice text, struct capture_row *ret)
{
	*ret = (struct capture_row){
		.id = c->id,
		.changed = c->changed,
		.begun_ms = (int64_t)c->begun_ms,
		.took_us = c->took == TOOK_RUNS ? -1 : (int64_t)c->took,
		.tx_bytes = c->tx,
		.rx_bytes = c->rx,
		.at = c->at,
		.attempt = c->attempt,
		.status = c->status,
		.flags = c->flags,
		.state = c->state,
		.kind = c->kind,
		.verdict = c->verdict,
		.tunnel = c->tunnel,
	};
	for (size_t i = 0; i < N_FIELDS; i++) {
		const struct word *word;

		if (fields[i].word < 0 || c->words[fields[i].word] == 0)
			continue;
		word = &w->list[c->words[fields[i].word]];
		*text_of(ret, i) = slice_of(word->text, word->n);
	}
	while (text.n >= 3) {
		size_t tag = (unsigned char)text.p[0];
		size_t n = (size_t)(unsigned char)text.p[1] << 8 | (unsigned char)text.p[2];
		struct slice s = slice_head(slice_from(text, 3), n);

		check(s.n == n); /* pack_text() wrote it */
		if (tag < N_FIELDS)
			*text_of(ret, tag) = s;
		else
			memcpy(tag == TAG_DELIVERY ? &ret->delivery : &ret->parent, s.p, 8);
		text = slice_from(text, 3 + n);
	}
}
