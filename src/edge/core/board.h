/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA wants to see before it believes that a name is ours (RFC 8555 section 8), for all
 * threads of the edge: who gets certificates puts notes up, and whoever meets the CA reads them.
 *
 *	DNS    _acme-challenge.NAME    the name server   text: the value of a TXT record
 *	ALPN   NAME of the handshake   the acceptor      cert and key (RFC 8737)
 *	HTTP   the token               visitors          text: the body
 *
 * It is empty nearly always, and then costs a visitor one load.
 */
#ifndef ADIT_EDGE_CORE_BOARD_H
#define ADIT_EDGE_CORE_BOARD_H

#include "base/buf.h"
#include "base/check.h"
#include "base/slice.h"

#include <stdatomic.h>

struct board;

enum board_kind { BOARD_DNS, BOARD_ALPN, BOARD_HTTP };

struct board_note {
	enum board_kind kind;
	const char *where; /* names in lower case, without a dot at the end */
	const char *text;
	struct slice cert, key; /* DER */
};

/* NULL without memory. */
struct board *board_new(void) must_use;
void board_free(struct board *b);

/* --- who puts them up --- */

/* Copied; one that is there is not put up twice.  False: no memory, or LIMIT_BOARD_NOTES are there. */
bool board_show(struct board *b, const struct board_note *note) must_use;
/* text: of DNS, where several are at one name, that one; else NULL. Harmless where there is none. */
void board_hide(struct board *b, enum board_kind kind, const char *where, const char *text);
/* How many DNS notes were put up or taken down so far, and up to which of these changes the name server
 * answers with them. */
uint64_t board_dns_version(struct board *b);
uint64_t board_told_version(struct board *b);

/* --- who reads them --- */

/* Without a lock: nothing is up. */
bool board_is_empty(const struct board *b);
/* The body for a token, with a NUL; false: there is none, or it does not fit. */
bool board_http(struct board *b, struct slice token, char *dst, size_t cap);
/* Appends certificate and key for a server name; false: there are none, or no memory. */
bool board_alpn(struct board *b, const char *server_name, struct buf *cert, struct buf *key);
/* Each DNS note; under the lock, so each() calls nothing of the board.  Returns their version. */
uint64_t board_each_dns(struct board *b,
    void (*each)(void *arg, const char *where, const char *text), void *arg);
/* The name server's: told after each change of a DNS note, on the thread that made it.  Set before
 * there are threads. */
void board_watch(struct board *b, void (*changed)(void *arg), void *arg);
/* It answers with all notes of that version. */
void board_told(struct board *b, uint64_t version);

#endif
