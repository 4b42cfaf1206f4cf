/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that want an answer of a certain form at once and are no events: the edge answers them
 * itself and stores nothing.
 *
 *	Slack        POST {"type":"url_verification","challenge":"..."}
 *	             signed; the challenge comes back
 *	Zoom         POST {"event":"endpoint.url_validation",...}
 *	             signed; HMAC of plainToken comes back
 *	Meta         GET ?hub.mode=subscribe&hub.verify_token=&hub.challenge=
 *	             token is one of the secrets
 *	Data Center  POST {"test": true}, X-Event-Key: diagnostics:ping
 *	             never signed; 200
 *
 * GitHub's ping is an ordinary, signed event and goes to the origin. What is echoed is text/plain
 * or JSON of a bounded length and alphabet, only after its signature or token was good.
 */
#ifndef ADIT_HOOK_HANDSHAKE_H
#define ADIT_HOOK_HANDSHAKE_H

#include "hook/sign.h"

enum handshake_result {
	HANDSHAKE_NONE,   /* no handshake: go on with the request */
	HANDSHAKE_ANSWER, /* send *ret, store nothing */
};

struct handshake {
	uint16_t status;          /* 200, or 403 for a wrong verify token */
	const char *name;         /* "slack", "zoom", "meta", "bitbucket-dc-ping": for the log */
	const char *content_type; /* send X-Content-Type-Options: nosniff with it */
	char body[1024];
	size_t body_n;
};

/* v: what hook_verify() said about req with p; NULL for a route without a scheme: there
 * nothing is a handshake. */
enum handshake_result handshake_read(const struct hook_request *req, const struct sign_params *p,
    const struct sign_verdict *v, struct handshake *ret) must_use;

#endif
