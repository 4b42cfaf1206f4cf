/* SPDX-License-Identifier: Apache-2.0 */
/* How the formats are read: rows of keys, and the tunnel that is being made of them. */
#ifndef ADIT_AGENT_IMPORT_IMPORT_PRIVATE_H
#define ADIT_AGENT_IMPORT_IMPORT_PRIVATE_H

#include "agent/import/import.h"
#include "conf/yamldoc.h"
#include "tunnel/hello.h"

#include <jansson.h>

/* One tunnel on its way. */
struct draft {
	struct import *im;
	const struct yamldoc_node *node; /* where it stands */
	char label[64], name[64];
	int kind; /* enum tunnel_kind */
	int64_t port, proxy_protocol;
	char origin[300], origin_host[256], origin_ca[512];
	const struct yamldoc_node *host; /* its name of old, an own domain; NULL: none */
	const char *inspect;             /* NULL: not said */
	bool origin_insecure;            /* any certificate of it is taken */
	bool rewrite;                    /* the origin is sent its own address as Host */
	bool skip;                       /* it is switched off where it stands */
	bool refused;                    /* something of it cannot be kept */
	struct buf allow, deny;          /* networks, with commas */
	struct buf comments;             /* lines of adit.yml */
	json_t *policy;                  /* what goes to a file of its own */
	char user[128];                  /* frp: httpUser, until the password is there */
	const char *plugin;              /* frp: its type */
};

/* A key of another program's file. Rows end with one without a key. */
struct import_row {
	const char *key;
	enum {
		IMPORT_TAKE,  /* by `take` */
		IMPORT_INTO,  /* a mapping, by `rows` */
		IMPORT_DROP,  /* said, with the reason */
		IMPORT_SAME,  /* adit does so without being told, or it means nothing to anybody */
		IMPORT_GUARD, /* the tunnel is refused, unless it is empty or false */
	} what;
	const char *why;
	void (*take)(struct draft *d, const struct yamldoc_node *n);
	const struct import_row *rows;
};

/* Each child of map by its row. d->node NULL: it is no tunnel, and an unknown key is only said. */
void import_rows(struct draft *d, const struct import_row *rows, const struct yamldoc_node *map);
/* A note at n, and a comment in the file. Names of keys and reasons alone: a value may be secret. */
void import_warn(struct draft *d, const struct yamldoc_node *n, const char *fmt, ...)
    printf_like(3, 4);
/* The same; the tunnel is left out. */
void import_refuse(struct draft *d, const struct yamldoc_node *n, const char *fmt, ...)
    printf_like(3, 4);
/* Empty, false or null: as if it were not there. */
bool import_nothing(const struct yamldoc_node *n);
/* NULL where there is none. */
const struct yamldoc_node *import_child(const struct yamldoc_node *map, const char *key);

/* label: what the tunnel is called; NULL or "": what its name will be. */
void draft_init(struct draft *d, struct import *im, const struct yamldoc_node *node,
    const char *label);
/* Writes the tunnel, or why not. */
void draft_end(struct draft *d);

/* Each takes a value for the tunnel, or refuses it. */
void draft_origin(struct draft *d, const struct yamldoc_node *n, const char *text);
void draft_host(struct draft *d, const struct yamldoc_node *n, const char *host);
void draft_port(struct draft *d, const struct yamldoc_node *n, const char *text);
void draft_user(struct draft *d, const struct yamldoc_node *n, const char *name,
    const char *password);
void draft_networks(struct draft *d, const struct yamldoc_node *list, struct buf *to);
/* what: "paths" and the like, a list of the policy. */
void draft_add(struct draft *d, const struct yamldoc_node *n, const char *what, const char *text);
/* group: "request_headers" or "response_headers"; value NULL: it is removed. */
void draft_header(struct draft *d, const struct yamldoc_node *n, const char *group,
    const char *name, const char *value);
/* A scalar's text, or "" after refusing. */
const char *draft_text(struct draft *d, const struct yamldoc_node *n);
bool draft_true(const struct yamldoc_node *n);

void import_ngrok(struct import *im, const struct yamldoc_node *root);
void import_cloudflared(struct import *im, const struct yamldoc_node *root);
void import_frp(struct import *im, const struct yamldoc_node *root);

#endif
