/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA asks of a tunnel whose TLS ends here, by which it sees that the name is ours; no origin
 * is asked.  A handshake that offers acme-tls/1 alone is answered with the challenge's certificate and
 * then ended (RFC 8737 3); a request for /.well-known/acme-challenge/ with the text of its token (RFC
 * 8555 8.3), any other with 404.
 */
#ifndef ADIT_AGENT_SERVE_CHALLENGE_STREAM_H
#define ADIT_AGENT_SERVE_CHALLENGE_STREAM_H

#include "agent/serve/serve.h"

/* Takes the stream. -1 without memory or descriptors; it is the caller's then. */
int challenge_tls_open(struct serve *s, struct carrier *c, struct stream *stream,
    struct agent_tunnel *t) must_use;
int challenge_http_open(struct serve *s, struct carrier *c, struct stream *stream,
    struct agent_tunnel *t) must_use;

#endif
