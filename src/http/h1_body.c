/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies.  The chunked coding is taken byte by byte, its data in slices of the input:
 *
 *	SIZE [EXT_...] SIZE_LF DATA DATA_CR DATA_LF            a chunk, any number of them
 *	SIZE [EXT_...] SIZE_LF { TRAILER ... TRAILER_LF }      the last one, of size 0
 *	TRAILER FINAL_LF ENDED
 */
#include "http/h1_private.h"

enum body {
	NONE, /* the head is not whole yet */
	LENGTH,
	UNTIL_CLOSE,
	SIZE,
	EXT_START,
	EXT_NAME,
	EXT_VALUE_START,
	EXT_VALUE,
	EXT_QUOTED,
	EXT_ESCAPED,
	EXT_QUOTED_END,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER, /* at the start of a trailer field's line, or of the last line */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	FINAL_LF,
	ENDED,
};

/* Where the body's scan begins, by how its end will be known. */
void
h1_body_begin(struct h1 *h)
{
	static const uint8_t first[] = {
		[H1_NO_BODY] = ENDED,
		[H1_LENGTH] = LENGTH,
		[H1_CHUNKED] = SIZE,
		[H1_UNTIL_CLOSE] = UNTIL_CLOSE,
	};

	check(h->body == NONE && h->head.framing < sizeof(first)); /* once a message */
	h->body = first[h->head.framing];
	h->left = h->head.framing == H1_LENGTH ? h->head.length : 0;
}

static enum close_code
move(struct h1 *h, enum body to)
{
	h->body = (uint8_t)to;
	return CLOSE_OK;
}

/* The fault of a byte that does not belong: a CR or LF alone, or another one. */
static enum close_code
odd(char c, enum close_code otherwise)
{
	return c == '\r' || c == '\n' ? CLOSE_BAD_LINE_ENDING : otherwise;
}

/* What field values and quoted strings may hold. */
static bool
is_text(char c)
{
	return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

static unsigned
hex_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* Hex digits, at least one (RFC 9112 7.1). */
static enum close_code
take_size(struct h1 *h, char c)
{
	if (char_is(c, CHAR_HEX)) {
		/* 15 digits cannot overflow, neither here nor in whoever adds them up */
		if (++h->seen > 15)
			return CLOSE_BAD_CHUNK;
		h->left = h->left << 4 | hex_value(c);
		return CLOSE_OK;
	}
	if (h->seen == 0)
		return odd(c, CLOSE_BAD_CHUNK);
	h->seen = 0;
	if (c == ';')
		return move(h, EXT_START);
	return c == '\r' ? move(h, SIZE_LF) : odd(c, CLOSE_BAD_CHUNK);
}

static enum close_code
take_size_lf(struct h1 *h, char c)
{
	h->seen = 0;
	if (c != '\n')
		return CLOSE_BAD_LINE_ENDING;
	h->body_bytes += h->left;
	if (h->body_max != 0 && h->body_bytes > h->body_max)
		return CLOSE_BODY_TOO_LARGE;
	return move(h, h->left > 0 ? DATA : TRAILER);
}

static enum close_code
take_data_cr(struct h1 *h, char c)
{
	return c == '\r' ? move(h, DATA_LF) : CLOSE_BAD_CHUNK;
}

static enum close_code
take_data_lf(struct h1 *h, char c)
{
	return c == '\n' ? move(h, SIZE) : CLOSE_BAD_CHUNK;
}

/*
 * chunk-ext = *( ";" name [ "=" ( token / quoted-string ) ] ) (RFC 9112 7.1.1), all dropped.  The
 * whitespace that its grammar calls bad is refused.
 */
static enum close_code
take_ext_start(struct h1 *h, char c)
{
	return char_is(c, CHAR_TOKEN) ? move(h, EXT_NAME) : odd(c, CLOSE_BAD_CHUNK);
}

static enum close_code
take_ext_end(struct h1 *h, char c)
{
	if (c == ';')
		return move(h, EXT_START);
	return c == '\r' ? move(h, SIZE_LF) : odd(c, CLOSE_BAD_CHUNK);
}

static enum close_code
take_ext_name(struct h1 *h, char c)
{
	if (char_is(c, CHAR_TOKEN))
		return CLOSE_OK;
	return c == '=' ? move(h, EXT_VALUE_START) : take_ext_end(h, c);
}

static enum close_code
take_ext_value_start(struct h1 *h, char c)
{
	if (c == '"')
		return move(h, EXT_QUOTED);
	return char_is(c, CHAR_TOKEN) ? move(h, EXT_VALUE) : odd(c, CLOSE_BAD_CHUNK);
}

static enum close_code
take_ext_value(struct h1 *h, char c)
{
	return char_is(c, CHAR_TOKEN) ? CLOSE_OK : take_ext_end(h, c);
}

static enum close_code
take_ext_quoted(struct h1 *h, char c)
{
	if (c == '"')
		return move(h, EXT_QUOTED_END);
	if (c == '\\')
		return move(h, EXT_ESCAPED);
	return is_text(c) ? CLOSE_OK : odd(c, CLOSE_BAD_CHUNK);
}

static enum close_code
take_ext_escaped(struct h1 *h, char c)
{
	return is_text(c) ? move(h, EXT_QUOTED) : odd(c, CLOSE_BAD_CHUNK);
}

/* Trailers are held to the rules of the head; which of them pass is trailer.c's affair. */
static enum close_code
take_trailer(struct h1 *h, char c)
{
	if (c == '\r')
		return move(h, FINAL_LF);
	if (c == ' ' || c == '\t')
		return CLOSE_OBS_FOLD;
	return char_is(c, CHAR_TOKEN) ? move(h, TRAILER_NAME) : odd(c, CLOSE_BAD_FIELD_NAME);
}

static enum close_code
take_trailer_name(struct h1 *h, char c)
{
	if (char_is(c, CHAR_TOKEN))
		return CLOSE_OK;
	return c == ':' ? move(h, TRAILER_VALUE) : odd(c, CLOSE_BAD_FIELD_NAME);
}

static enum close_code
take_trailer_value(struct h1 *h, char c)
{
	if (c == '\r')
		return move(h, TRAILER_LF);
	return is_text(c) ? CLOSE_OK : odd(c, CLOSE_BAD_FIELD_VALUE);
}

static enum close_code
take_trailer_lf(struct h1 *h, char c)
{
	return c == '\n' ? move(h, TRAILER) : CLOSE_BAD_LINE_ENDING;
}

static enum close_code
take_final_lf(struct h1 *h, char c)
{
	return c == '\n' ? move(h, ENDED) : CLOSE_BAD_LINE_ENDING;
}

/* One row for each state that takes a byte of the coding. */
static enum close_code (*const take[])(struct h1 *, char) = {
	[SIZE] = take_size,
	[EXT_START] = take_ext_start,
	[EXT_NAME] = take_ext_name,
	[EXT_VALUE_START] = take_ext_value_start,
	[EXT_VALUE] = take_ext_value,
	[EXT_QUOTED] = take_ext_quoted,
	[EXT_ESCAPED] = take_ext_escaped,
	[EXT_QUOTED_END] = take_ext_end,
	[SIZE_LF] = take_size_lf,
	[DATA_CR] = take_data_cr,
	[DATA_LF] = take_data_lf,
	[TRAILER] = take_trailer,
	[TRAILER_NAME] = take_trailer_name,
	[TRAILER_VALUE] = take_trailer_value,
	[TRAILER_LF] = take_trailer_lf,
	[FINAL_LF] = take_final_lf,
};

/* Whole lines, without the empty one. */
static enum close_code
keep_trailer(struct h1 *h, char c)
{
	if (h->trailers == NULL || h->body == FINAL_LF || (h->body == TRAILER && c == '\r'))
		return CLOSE_OK;
	buf_putc(h->trailers, c);
	return h->trailers->failed ? CLOSE_OVERLOAD : CLOSE_OK;
}

/* Trailers and extensions are bounded here, since no limit of their own is in the grammar. */
static enum close_code
take_coding(struct h1 *h, char c)
{
	if (h->body >= TRAILER) {
		enum close_code fault = ++h->trailer > LIMIT_TRAILER_BYTES ? CLOSE_TRAILER_TOO_LARGE
									   : keep_trailer(h, c);

		if (fault != CLOSE_OK)
			return fault;
	}
	if (h->body >= EXT_START && h->body <= EXT_QUOTED_END && ++h->seen > LIMIT_CHUNK_EXT_BYTES)
		return CLOSE_BAD_CHUNK;
	return take[h->body](h, c);
}

static enum h1_result
take_data(struct h1 *h, struct slice *in, struct slice *ret_data)
{
	check(h->left > 0 && in->n > 0); /* an empty piece would look like an end */
	*ret_data = slice_head(*in, h->left < in->n ? (size_t)h->left : in->n);
	*in = slice_from(*in, ret_data->n);
	h->left -= ret_data->n;
	return H1_DATA;
}

/* Until there are bytes of the body, or the coding asks for more. */
static enum h1_result
body_chunked(struct h1 *h, struct slice *in, struct slice *ret_data)
{
	while (in->n > 0 && h->body != ENDED) {
		enum close_code fault;

		if (h->body == DATA) {
			take_data(h, in, ret_data);
			if (h->left == 0)
				h->body = DATA_CR;
			return H1_DATA;
		}
		fault = take_coding(h, in->p[0]);
		if (fault != CLOSE_OK)
			return h1_fail(h, fault);
		*in = slice_from(*in, 1);
	}
	return h->body == ENDED ? H1_DONE : H1_MORE;
}

enum h1_result
h1_body(struct h1 *h, struct slice *in, struct slice *ret_data)
{
	if (h->error != CLOSE_OK)
		return H1_BAD;
	check(h->body != NONE);
	if (h->body == LENGTH && h->left == 0)
		h->body = ENDED;
	if (h->body == ENDED)
		return H1_DONE;
	if (in->n == 0)
		return H1_MORE;
	if (h->body == UNTIL_CLOSE)
		h->left = in->n;
	if (h->body == UNTIL_CLOSE || h->body == LENGTH)
		return take_data(h, in, ret_data);
	return body_chunked(h, in, ret_data);
}

/* A body with a length, or in chunks, that is cut short is not a shorter one. */
bool
h1_eof_ok(const struct h1 *h)
{
	return h->error == CLOSE_OK &&
	       (h->body == UNTIL_CLOSE || h->body == ENDED || (h->body == LENGTH && h->left == 0));
}

uint64_t
h1_left(const struct h1 *h)
{
	if (h->body == UNTIL_CLOSE)
		return SIZE_MAX;
	return h->body == LENGTH ? h->left : 0;
}

void
h1_took(struct h1 *h, uint64_t n)
{
	if (h->body == UNTIL_CLOSE)
		return;
	check(h->body == LENGTH && n <= h->left);
	h->left -= n;
}
