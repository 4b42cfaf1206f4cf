/* SPDX-License-Identifier: Apache-2.0 */
/* Domain names in their wire form: made from text, printed, compared. */
#include "dns/dname.h"

void
dname_set(struct dname *d, struct slice name)
{
	check(name.n > 0 && name.n <= DNAME_BYTES);
	memcpy(d->p, name.p, name.n);
	d->n = (uint8_t)name.n;
}

void
dname_set_lower(struct dname *d, struct slice name)
{
	check(name.n > 0 && name.n <= DNAME_BYTES);
	for (size_t i = 0; i < name.n; i++)
		d->p[i] = dname_fold((unsigned char)name.p[i]);
	d->n = (uint8_t)name.n;
}

/*
 * One character of a zone file's name, escapes undone: its byte, '.' apart as -1, -2 for a fault.
 */
static int
next_char(struct slice *text)
{
	int c = (unsigned char)text->p[0], n = 0;

	*text = slice_from(*text, 1);
	if (c == '.')
		return -1;
	if (c != '\\')
		return c;
	if (text->n == 0)
		return -2;
	c = (unsigned char)text->p[0];
	if (c < '0' || c > '9') {
		*text = slice_from(*text, 1);
		return c;
	}
	for (size_t i = 0; i < 3; i++) {
		if (i >= text->n || text->p[i] < '0' || text->p[i] > '9')
			return -2;
		n = n * 10 + (text->p[i] - '0');
	}
	*text = slice_from(*text, 3);
	return n > 255 ? -2 : n;
}

bool
dname_parse(struct slice text, struct dname *ret_name)
{
	struct dname d = { .n = 1 }; /* one ahead: the length byte of the label under way */
	size_t label = 0;

	if (slice_eq(text, S(".")))
		text = S("");
	else if (text.n == 0)
		return false;
	while (text.n > 0) {
		int c = next_char(&text);
		size_t n = d.n - label - 1;

		/* Behind this byte there must be room for the root label. */
		if (c == -2 || d.n == DNAME_BYTES || (c == -1 ? n == 0 : n == DNAME_LABEL_BYTES))
			return false;
		if (c == -1) {
			d.p[label] = (unsigned char)n;
			label = d.n++;
		} else {
			d.p[d.n++] = (unsigned char)c;
		}
	}
	if (d.n - label > 1) { /* the text had no last dot */
		if (d.n == DNAME_BYTES)
			return false;
		d.p[label] = (unsigned char)(d.n - label - 1);
		label = d.n++;
	}
	d.p[label] = 0;
	*ret_name = d;
	return true;
}

void
dname_text(struct slice name, char *dst, size_t cap)
{
	const unsigned char *p = (const unsigned char *)name.p;
	char *at = dst;

	check(cap >= DNAME_TEXT_BYTES && name.n > 0);
	if (p[0] == 0)
		*at++ = '.';
	for (size_t i = 0; p[i] != 0; i += 1u + p[i]) {
		if (i > 0)
			*at++ = '.';
		for (size_t k = 1; k <= p[i]; k++) {
			unsigned char c = p[i + k];

			if (c > 0x20 && c < 0x7f && strchr(".\\\"();@$", c) == NULL) {
				*at++ = (char)c;
				continue;
			}
			*at++ = '\\';
			*at++ = (char)('0' + c / 100);
			*at++ = (char)('0' + c / 10 % 10);
			*at++ = (char)('0' + c % 10);
		}
	}
	*at = '\0';
}

unsigned
dname_labels(struct slice name)
{
	const unsigned char *p = (const unsigned char *)name.p;
	unsigned n = 0;

	for (; *p != 0; p += 1 + *p)
		n++;
	return n;
}

struct slice
dname_skip(struct slice name, unsigned n)
{
	while (n-- > 0) {
		check(name.p[0] != 0);
		name = slice_from(name, 1u + (unsigned char)name.p[0]);
	}
	return name;
}

bool
dname_eq(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (dname_fold((unsigned char)a.p[i]) != dname_fold((unsigned char)b.p[i]))
			return false;
	return true;
}

bool
dname_in(struct slice name, struct slice zone)
{
	unsigned n = dname_labels(name), z = dname_labels(zone);

	/* By labels and not by bytes: the end of a label may look like a name. */
	return n >= z && dname_eq(dname_skip(name, n - z), zone);
}

bool
dname_is_wild(struct slice name)
{
	return name.p[0] == 1 && name.p[1] == '*';
}

bool
dname_wild(struct slice name, struct dname *ret_wild)
{
	if (name.n + 2 > DNAME_BYTES)
		return false;
	ret_wild->p[0] = 1;
	ret_wild->p[1] = '*';
	memcpy(ret_wild->p + 2, name.p, name.n);
	ret_wild->n = (uint8_t)(name.n + 2);
	return true;
}
