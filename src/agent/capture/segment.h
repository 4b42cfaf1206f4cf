/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the capture: segments, to whose end records are written and of which nothing is ever
 * changed, and for each its index.  Numbers are of this machine's order (little endian).
 *
 *	file     "adit-seg" (8), version 1 (4), number of the segment (4), records ...
 *	record   magic (4), crc32c of all that follows (4), length of the payload (4), type (1),
 *	         side (1), tunnel (2), id of the exchange (8), wall clock in us (8),
 *	         place of the exchange's record before this one (8), payload
 *
 * A place is number of the segment << 32 | offset in it; 0 is none.  So an exchange is read from its last
 * record to its first, wherever they are; the list knows where the last one is.
 *
 * An index (.idx) has the same form: copies of the records that rows are made of, in which `back` is
 * the record's own place; the last one is of type CLOSED, or the index is not whole.
 *
 * Without I/O. What is read may be anybody's bytes.
 */
#ifndef ADIT_AGENT_CAPTURE_SEGMENT_H
#define ADIT_AGENT_CAPTURE_SEGMENT_H

#include "agent/capture/row.h"

#define SEGMENT_MAGIC 0x52646441u /* "AddR" */
#define SEGMENT_FILE_BYTES 16
#define SEGMENT_RECORD_BYTES 40
/* Of a payload: a record never spans two blocks of the writer. */
#define SEGMENT_PAYLOAD_BYTES (65536 - SEGMENT_RECORD_BYTES)

enum segment_type {
	SEGMENT_BEGIN = 1, /* a row, as the exchange began */
	SEGMENT_HEAD,
	SEGMENT_BODY,
	SEGMENT_TRAILERS,
	SEGMENT_END,    /* a row, as the exchange ended */
	SEGMENT_ROW,    /* a row that changed later, or that has no exchange */
	SEGMENT_CLOSED, /* of an index: it is whole */
};

/* Of `side`. */
enum {
	SEGMENT_RESPONSE = 1, /* else of the request */
	SEGMENT_SENT = 2,     /* a head as it was written anew, else as it came */
	SEGMENT_UNPINNED = 8, /* a row that is no longer pinned, though it lies there */
	SEGMENT_WEBHOOK = 4,  /* the head of a request that names an event */
};

struct segment_record {
	uint32_t magic, crc, length;
	uint8_t type, side;
	uint16_t tunnel;
	uint64_t id;
	int64_t at_us;
	uint64_t back;
};
_Static_assert(sizeof(struct segment_record) == SEGMENT_RECORD_BYTES, "it is written as it is");

/* dst: SEGMENT_FILE_BYTES. */
void segment_file_head(char *dst, uint32_t number);
/* False where this is no segment, or of another version. */
bool segment_file_head_read(struct slice s, uint32_t *ret_number);
/* Sets the crc of a record that lies in memory with its payload behind it. */
void segment_seal(char *record);

enum segment_found {
	SEGMENT_WHOLE, /* *ret and *ret_payload are a good record */
	SEGMENT_MORE,  /* it goes on behind the bytes that are there */
	SEGMENT_TORN,  /* this is none */
};
/* Looks at the record at the front of s. `checked`: false where crc is not to be looked at. */
enum segment_found segment_read(struct slice s, bool checked, struct segment_record *ret,
    struct slice *ret_payload);
static inline size_t
segment_bytes(const struct segment_record *r)
{
	return SEGMENT_RECORD_BYTES + (size_t)r->length;
}

/* A row as payload; dst: SEGMENT_ROW_BYTES. `changed` and `at` are not in it. */
#define SEGMENT_ROW_BYTES 2048
size_t segment_row_write(const struct capture_row *row, char *dst);
/* Slices point into s. False where it is none. */
bool segment_row_read(struct slice s, struct capture_row *ret);

/* The place of a segment's byte. */
static inline uint64_t
segment_place(uint32_t number, uint32_t offset)
{
	return (uint64_t)number << 32 | offset;
}
/* "00000012.seg": the number; false for every other name. */
bool segment_name_read(const char *name, const char *ending, uint32_t *ret_number);

#endif
