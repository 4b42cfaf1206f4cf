/* SPDX-License-Identifier: Apache-2.0 */
/* Listening for visitors, links and administrators (sockets.h). */
#include "edge/daemon/sockets.h"

#include "base/sentence.h"
#include "net/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* -1 and *ret_error. */
static int
listen_on(const struct addr *a, bool share, const char *key, struct addr *ret_bound,
    char **ret_error)
{
	char text[ADDR_TEXT_BYTES + 256];
	int fd = addr_listen(a, share, ret_bound);

	if (fd >= 0)
		return fd;
	addr_text(a, text, sizeof(text));
	*ret_error = sentence("%s: %s: %s%s", key, text, strerror(errno),
	    errno == EACCES ? "; ports below 1024 need root or CAP_NET_BIND_SERVICE" : "");
	return -1;
}

/* A socket that only this user may connect to: it is born so, since a chmod would follow a link that
 * somebody has put there meanwhile. */
static char *
listen_control(struct sockets *k, const struct settings *s)
{
	mode_t old = umask(0177);
	char *error = NULL;

	k->control_fd = listen_on(&s->control, false, "control socket", NULL, &error);
	umask(old);
	return error;
}

/* Plain HTTP: each worker has a socket of its own on the same port; a Unix socket
 * is the first worker's. */
static char *
listen_http(struct sockets *k, const struct settings *s, unsigned n_workers)
{
	bool share = s->http.kind == ADDR_TCP && n_workers > 1;
	struct addr at = s->http;
	char *error = NULL;

	for (unsigned i = 0; s->has_http && i < n_workers && (i == 0 || share); i++) {
		k->http_fds[i] = listen_on(&at, share, "listen.http", &k->http, &error);
		if (error != NULL)
			break;
		/* Port 0 was asked for: the others share the one that the first has got. */
		at.port = k->http.port;
	}
	return error;
}

/*
 * Both transports on the same port. What a resolver of this machine has (systemd-resolved:
 * 127.0.0.53) is in the way of "all addresses".
 */
static char *
listen_dns(struct sockets *k, const struct settings *s)
{
	char text[ADDR_TEXT_BYTES + 256], *error = NULL;

	for (size_t i = 0; i < s->dns.n_listen && error == NULL; i++) {
		struct addr at = s->dns.listen[i];

		k->dns[i].tcp = listen_on(&at, false, "dns.listen", NULL, &error);
		if (error == NULL && (k->dns[i].udp = udp_open(&at, NULL)) < 0) {
			addr_text(&at, text, sizeof(text));
			error = sentence("dns.listen: %s: %s", text, strerror(errno));
		}
		if (error != NULL && errno == EADDRINUSE && at.host[0] == '\0') {
			char *longer =
			    sentence("%s; if another program answers DNS on this machine, "
				     "name the public address: dns.listen: "
				     "[203.0.113.5:%u]",
				error, at.port);

			free(error);
			error = longer;
		}
	}
	return error;
}

void
sockets_init(struct sockets *k)
{
	*k = (struct sockets){ .https_fd = -1, .control_fd = -1 };
	for (int i = 0; i < LIMIT_WORKERS; i++)
		k->http_fds[i] = -1;
	for (int i = 0; i < SETTINGS_DNS_LISTEN; i++)
		k->dns[i] = (struct name_server_socket){ -1, -1 };
}

/* The first fault is the one that is told. */
char *
sockets_open(struct sockets *k, const struct settings *s, unsigned n_workers)
{
	char *error = NULL;

	check(n_workers > 0 && n_workers <= LIMIT_WORKERS);
	check(k->https_fd < 0 &&
	      k->control_fd < 0); /* sockets_init() was called, and nothing since */
	k->https_fd = listen_on(&s->https, false, "listen.https", &k->https, &error);
	if (error == NULL)
		error = listen_http(k, s, n_workers);
	if (error == NULL)
		error = listen_dns(k, s);
	return error != NULL ? error : listen_control(k, s);
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
sockets_close(struct sockets *k)
{
	close_fd(&k->https_fd);
	close_fd(&k->control_fd);
	for (int i = 0; i < LIMIT_WORKERS; i++)
		close_fd(&k->http_fds[i]);
	for (int i = 0; i < SETTINGS_DNS_LISTEN; i++) {
		close_fd(&k->dns[i].udp);
		close_fd(&k->dns[i].tcp);
	}
}
