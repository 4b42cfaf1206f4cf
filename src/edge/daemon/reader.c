/* SPDX-License-Identifier: Apache-2.0 */
/* The process that may read keys, and the edge's side of the talk with it (reader.h). */
#include "edge/daemon/reader.h"

#include "base/limits.h"
#include "base/sentence.h"
#include "conf/file.h"
#include "edge/daemon/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* File 0 is the configuration, then certificate and key of each pair. */
struct read_file {
	uint32_t asked; /* the question's number */
	uint32_t i, n;  /* which file, of how many */
	int32_t error;  /* errno: it cannot be opened */
};

struct reader {
	const struct daemon_options *options;
	int fd;
	pid_t pid;
	uint32_t asked;
};

/* --- the process --- */

/*
 * Ordinary files alone, and without waiting: a FIFO or a device in place of a key would
 * hold a reload up.
 */
static int
open_file(const char *path, int32_t *ret_error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	*ret_error = fd < 0 ? errno : 0;
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
		*ret_error = EINVAL;
	}
	return fd;
}

/* False: nobody listens any more. */
static bool
send_file(int to, struct read_file a, const char *path)
{
	int fd = open_file(path, &a.error);
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} c = { 0 };
	struct iovec v = { &a, sizeof(a) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	bool ok;

	check(a.i < a.n);
	if (fd >= 0) {
		m.msg_control = &c;
		m.msg_controllen = sizeof(c);
		c.head.cmsg_len = CMSG_LEN(sizeof(int));
		c.head.cmsg_level = SOL_SOCKET;
		c.head.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	}
	ok = sendmsg(to, &m, MSG_NOSIGNAL) == sizeof(a);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* A configuration with a mistake is sent alone: the edge reads it again and tells the mistake. */
static bool
answer(int to, uint32_t asked, const char *file)
{
	char *error = NULL;
	struct settings *s = settings_load(file, &error);
	size_t n_certs = s == NULL ? 0 : s->n_certs;
	struct read_file a = { .asked = asked, .n = (uint32_t)(1 + 2 * n_certs) };
	bool ok = send_file(to, a, file);

	/*
	 * A file that cannot be opened is an answer, too (error): the edge waits for one
	 * message of each.
	 */
	for (size_t i = 0; ok && i < n_certs; i++) {
		a.i++;
		ok = send_file(to, a, s->certs[i].cert_path);
		a.i++;
		ok = ok && send_file(to, a, s->certs[i].key_path);
	}
	settings_unref(s);
	free(error);
	return ok;
}

/* Until the edge closes its end. No file stays open here, and no key is ever read. */
static void
serve(int fd, const char *file, const struct settings *s)
{
	char *error;
	sigset_t none;
	uint32_t asked;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGHUP, SIG_IGN);
	(void)prctl(PR_SET_NAME, "aditd-reader");
	error = privilege_keep_reading(s);
	free(error);
	if (error != NULL)
		return;
	for (;;) {
		ssize_t n = recv(fd, &asked, sizeof(asked), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(asked) || !answer(fd, asked, file))
			return;
	}
}

struct reader *
reader_start(const struct daemon_options *o, const struct settings *s, char **ret_error)
{
	struct timeval wait = { .tv_sec = LIMIT_READER_MS / 1000 };
	struct reader *r = calloc(1, sizeof(*r));
	int fds[2];

	if (r == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
		*ret_error = sentence("starting the reader of keys: %s", strerror(errno));
		free(r);
		return NULL;
	}
	r->options = o;
	r->pid = fork();
	if (r->pid == 0) {
		/*
		 * Beside standard input, output and error nothing stays open: no listening
		 * socket may outlive the edge here.
		 */
		if (dup2(fds[1], 3) == 3)
			(void)close_range(4, ~0U, 0); /* what the edge has open */
		serve(3, o->file, s);
		_exit(0);
	}
	close(fds[1]);
	r->fd = fds[0];
	if (r->pid > 0 && setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    setsockopt(r->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0)
		return r;
	*ret_error = sentence("starting the reader of keys: %s", strerror(errno));
	reader_stop(r);
	return NULL;
}

void
reader_stop(struct reader *r)
{
	if (r == NULL)
		return;
	close(r->fd);
	/* It reads at most a file more: the end of the socket ends it. */
	if (r->pid > 0)
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(r);
}

/* --- the edge's side --- */

/* A sentence that may be NULL without memory: this is no start. */
static char *
say(const char *what, const char *why)
{
	char *text = NULL;

	return asprintf(&text, "%s: %s", what, why) < 0 ? NULL : text;
}

/* The descriptor, -1 where there is none (a->error); -2 and errno: no answer. Answers to earlier
 * questions, which were given up, are passed over. */
static int
receive(struct reader *r, struct read_file *a)
{
	for (;;) {
		union {
			struct cmsghdr head;
			char bytes[CMSG_SPACE(sizeof(int))];
		} c = { 0 };
		struct iovec v = { a, sizeof(*a) };
		struct msghdr m = { .msg_iov = &v,
			.msg_iovlen = 1,
			.msg_control = &c,
			.msg_controllen = sizeof(c) };
		ssize_t n = recvmsg(r->fd, &m, MSG_CMSG_CLOEXEC);
		int fd = -1;

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(*a)) {
			errno = n < 0 ? errno : ESRCH;
			return -2;
		}
		if (m.msg_controllen > 0 && c.head.cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(&c.head), sizeof(fd));
		if (a->asked == r->asked)
			return fd;
		if (fd >= 0)
			close(fd);
	}
}

static struct settings *
read_settings(struct reader *r, int fd, const struct read_file *a, char **ret_error)
{
	struct slice text = { 0 };
	struct settings *s = NULL;
	char *bytes = fd < 0 ? NULL : file_read_fd(fd, LIMIT_CONFIG_BYTES + 1, &text);

	if (bytes != NULL)
		s = options_settings(r->options, &text, ret_error);
	else
		*ret_error = say(r->options->file, strerror(fd < 0 ? a->error : errno));
	file_free(bytes, text);
	return s;
}

/* The files of all pairs. NULL, or which cannot be read. */
static char *
take_certs(struct reader *r, struct settings *s)
{
	char *error = NULL;

	for (uint32_t i = 0; i < 2 * s->n_certs; i++) {
		const struct tls_cert_files *f = &s->certs[i / 2];
		const char *path = i % 2 == 0 ? f->cert_path : f->key_path;
		struct read_file a = { 0 };
		int fd = receive(r, &a);
		bool ok = fd >= 0 && settings_take_cert(s, i / 2, i % 2 == 1, fd);

		if (!ok && error == NULL)
			error = say(path, strerror(fd == -1 ? a.error : errno));
		if (fd >= 0)
			close(fd);
		if (fd == -2)
			break;
	}
	return error;
}

struct settings *
reader_settings(struct reader *r, char **ret_error)
{
	struct settings *s = NULL;
	struct read_file a = { 0 };
	char *error = NULL;
	int fd = -2;

	r->asked++;
	if (send(r->fd, &r->asked, sizeof(r->asked), MSG_NOSIGNAL) == sizeof(r->asked))
		fd = receive(r, &a);
	if (fd == -2) {
		*ret_error = say("the process that reads configuration and keys does not answer; "
				 "restart aditd",
		    strerror(errno));
		return NULL;
	}
	s = read_settings(r, fd, &a, ret_error);
	if (fd >= 0)
		close(fd);
	if (s == NULL)
		return NULL;
	if (a.n != 1 + 2 * s->n_certs)
		error = say(r->options->file, "it was written while it was read; try again");
	else
		error = take_certs(r, s);
	if (error == NULL)
		return s;
	settings_unref(s);
	*ret_error = error;
	return NULL;
}
