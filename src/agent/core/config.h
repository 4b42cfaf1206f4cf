/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's configuration: adit.yml (adit.yml(5)), read by rows of a schema, so that every
 * mistake is reported with file, line and column.
 *
 *	edge: https://edge.example.org
 *	token: adit_...
 *	tunnels:
 *	  jenkins: { origin: 8080, name: jenkins }
 */
#ifndef ADIT_AGENT_CORE_CONFIG_H
#define ADIT_AGENT_CORE_CONFIG_H

#include "agent/core/policy_text.h"
#include "agent/core/sink_rule.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/slice.h"
#include "tunnel/hello.h"

/* A tunnel as people wrote it, on the command line or in the file. */
struct config_tunnel {
	char *label;             /* its key in the file; NULL on the command line */
	int64_t kind;            /* enum tunnel_kind */
	char *name;              /* public name wanted, NULL: any */
	int64_t port;            /* public port wanted, 0: any */
	char *origin;            /* address */
	char *origin_host;       /* Host that the origin is sent, NULL: the visitor's */
	char *origin_ca;         /* PEM file, NULL: the system's */
	bool origin_insecure;    /* any certificate of it is taken */
	int64_t proxy_protocol;  /* version of the header that it wants in front, 0: none */
	char *domains;           /* own ones, with commas between them; NULL: none */
	bool listing, dotfiles;  /* of file:///DIR: folders as pages; names that begin with a dot */
	bool tls_at_agent;       /* http: the TLS of visitors ends here, and not at the edge */
	int64_t origin_silent_s; /* how long it may be silent, 0: as the edge says */
	int64_t inspect;         /* what is kept of what passes: on, heads, off */
	struct policy_text policy;
	int line; /* where it stands in the file; 0: not there */
};

/* Where certificates come from for tunnels whose TLS ends here. */
struct config_acme {
	char *directory; /* https URL, or a word; NULL: letsencrypt */
	char *ca_file;   /* PEM file to trust for it, NULL: the system's */
	char *email;     /* NULL: none is told */
	bool agree;      /* its terms were read */
};

/* What the agent keeps of exchanges on the disk. */
struct config_inspect {
	int64_t megabytes, days;    /* 0: the default */
	char *redact, *never_store; /* names with commas between them; NULL: none */
};
#define CONFIG_INSPECT_MEGABYTES 512
#define CONFIG_INSPECT_DAYS 7
/* The agent's own web server: inspector, and the API of other agents. */
struct config_web {
	char *listen; /* address, or "off"; NULL: 127.0.0.1:4040, or the next free port */
	char *hosts;  /* names besides localhost that it is asked by, commas between; NULL: none */
	int64_t api;  /* enum config_web_api */
};
#define CONFIG_WEB_HOSTS 16
/* Who may use /api/: who is known by the machine, only whoever has the token, nobody. */
enum config_web_api { CONFIG_API_DEFAULT, CONFIG_API_OPEN, CONFIG_API_TOKEN, CONFIG_API_OFF };

/* The file as it was read; NULL and 0 are what it does not say. */
struct config {
	char *edge, *ca, *token, *token_file;
	struct config_acme acme;
	struct config_inspect inspect;
	struct config_web web;
	struct sink_rules *sink; /* what sink: answers; NULL: none */
	size_t n_tunnels;
	struct config_tunnel tunnels[LIMIT_TUNNELS_PER_LINK];
};

/* All strings are owned by the config; the token is wiped. */
void config_fini(struct config *c);

/* The strings of one, which is zeroed. */
void config_tunnel_fini(struct config_tunnel *t);

/*
 * path: for messages, and the folder that paths in the text are relative to.  NULL, or a malloced
 * sentence ("adit.yml:3:5: ..."); *ret_c is to be config_fini()ed in either case.
 */
char *config_parse(struct slice text, const char *path, struct config *ret_c) must_use;

#endif
