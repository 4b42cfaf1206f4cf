/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the capture's files, written and read. */
#include "agent/capture/segment.h"

#include "base/crc32c.h"
#include "base/limits.h"
#include "base/wire.h"

#include <stddef.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are of this order");

#define FILE_MAGIC "adit-seg"
#define VERSION 1

void
segment_file_head(char *dst, uint32_t number)
{
	uint32_t version = VERSION;

	memcpy(dst, FILE_MAGIC, 8);
	memcpy(dst + 8, &version, 4);
	memcpy(dst + 12, &number, 4);
}

bool
segment_file_head_read(struct slice s, uint32_t *ret_number)
{
	uint32_t version;

	if (s.n < SEGMENT_FILE_BYTES || memcmp(s.p, FILE_MAGIC, 8) != 0)
		return false;
	memcpy(&version, s.p + 8, 4);
	memcpy(ret_number, s.p + 12, 4);
	return version == VERSION;
}

void
segment_seal(char *record)
{
	struct segment_record r;
	uint32_t crc;

	memcpy(&r, record, sizeof(r));
	crc = crc32c(0, slice_of(record + 8, segment_bytes(&r) - 8));
	memcpy(record + 4, &crc, 4);
}

enum segment_found
segment_read(struct slice s, bool checked, struct segment_record *ret, struct slice *ret_payload)
{
	struct segment_record r;

	if (s.n < sizeof(r))
		return SEGMENT_MORE;
	memcpy(&r, s.p, sizeof(r));
	if (r.magic != SEGMENT_MAGIC || r.length > SEGMENT_PAYLOAD_BYTES ||
	    r.type < SEGMENT_BEGIN || r.type > SEGMENT_CLOSED)
		return SEGMENT_TORN;
	if (s.n < segment_bytes(&r))
		return SEGMENT_MORE;
	if (checked && crc32c(0, slice_of(s.p + 8, segment_bytes(&r) - 8)) != r.crc)
		return SEGMENT_TORN;
	*ret = r;
	*ret_payload = slice_of(s.p + sizeof(r), r.length);
	return SEGMENT_WHOLE;
}

/* --- rows --- */

#define ROW_VERSION 1

static const struct {
	size_t at, max;
} texts[] = {
#define TEXT(member, max)                                                                          \
	{                                                                                          \
		offsetof(struct capture_row, member), max                                          \
	}
	TEXT(method, 24),
	TEXT(target, LIMIT_CAPTURE_TARGET_BYTES),
	TEXT(host, 255),
	TEXT(event, 63),
	TEXT(repository, 159),
	TEXT(branch, 159),
	TEXT(provider, 24),
	TEXT(code, 47),
	TEXT(request_id, 36),
	TEXT(client, 47),
	TEXT(name, 63),
#undef TEXT
};

#define N_TEXTS (sizeof(texts) / sizeof(*texts))

static struct slice *
text_of(struct capture_row *row, size_t i)
{
	return (struct slice *)(void *)((char *)row + texts[i].at);
}

size_t
segment_row_write(const struct capture_row *row, char *dst)
{
	struct wire_out w = wire_out(dst, SEGMENT_ROW_BYTES);
	struct capture_row copy = *row;

	wire_put_uint(&w, ROW_VERSION, 1);
	wire_put_uint(&w, row->id, 8);
	wire_put_uint(&w, (uint64_t)row->begun_ms, 8);
	wire_put_uint(&w, (uint64_t)row->took_us, 8);
	wire_put_uint(&w, row->delivery, 8);
	wire_put_uint(&w, row->parent, 8);
	wire_put_uint(&w, row->tx_bytes, 8);
	wire_put_uint(&w, row->rx_bytes, 8);
	wire_put_uint(&w, row->attempt, 4);
	wire_put_uint(&w, row->status, 2);
	wire_put_uint(&w, row->flags, 2);
	wire_put_uint(&w, row->state, 1);
	wire_put_uint(&w, row->kind, 1);
	wire_put_uint(&w, row->verdict, 1);
	for (size_t i = 0; i < N_TEXTS; i++)
		wire_put_vec(&w, slice_head(*text_of(&copy, i), texts[i].max), 2);
	check(!w.failed); /* the sum of all maxima fits */
	return w.n;
}

bool
segment_row_read(struct slice s, struct capture_row *ret)
{
	struct wire_in w = wire_in(s);
	struct capture_row r = { .tunnel = ROW_NO_TUNNEL };

	if (wire_uint(&w, 1) != ROW_VERSION)
		return false;
	r.id = wire_uint(&w, 8);
	r.begun_ms = (int64_t)wire_uint(&w, 8);
	r.took_us = (int64_t)wire_uint(&w, 8);
	r.delivery = wire_uint(&w, 8);
	r.parent = wire_uint(&w, 8);
	r.tx_bytes = wire_uint(&w, 8);
	r.rx_bytes = wire_uint(&w, 8);
	r.attempt = (uint32_t)wire_uint(&w, 4);
	r.status = (uint16_t)wire_uint(&w, 2);
	r.flags = (uint16_t)wire_uint(&w, 2);
	r.state = (uint8_t)wire_uint(&w, 1);
	r.kind = (uint8_t)wire_uint(&w, 1);
	r.verdict = (uint8_t)wire_uint(&w, 1);
	for (size_t i = 0; i < N_TEXTS; i++)
		*text_of(&r, i) = slice_head(wire_vec(&w, 2), texts[i].max);
	if (w.failed)
		return false;
	*ret = r;
	return true;
}

bool
segment_name_read(const char *name, const char *ending, uint32_t *ret_number)
{
	struct slice s = slice_str(name);
	uint64_t number;

	if (s.n < 8 || strcmp(name + 8, ending) != 0 || !slice_u64(slice_head(s, 8), &number) ||
	    number == 0)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}
