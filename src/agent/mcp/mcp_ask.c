/* SPDX-License-Identifier: Apache-2.0 */
/* One question at a time to the agent on this machine, and commands of this program as children. */
#include "agent/mcp/mcp_tools.h"

#include "net/addr.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ASK_MS 20000
/* The doctor waits for others: DNS, a push, the build. */
#define RUN_MS 180000
#define WORDS_MAX 24

/* --- the agent's server --- */

/* A connected socket, or -1 and errno. The server is on this machine: it takes no time. */
static int
dial(const char *address)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct addr a;
	int fd, rc;

	if (addr_parse(slice_str(address), &a) != NULL) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(a.kind == ADDR_UNIX ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (a.kind == ADDR_UNIX) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", a.path);
		rc = connect(fd, (struct sockaddr *)&un, sizeof(un));
	} else {
		in.sin_port = htons(a.port);
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		rc = connect(fd, (struct sockaddr *)&in, sizeof(in));
	}
	if (rc == 0)
		return fd;
	rc = errno;
	close(fd);
	errno = rc;
	return -1;
}

static bool
send_all(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = slice_from(s, (size_t)n);
	}
	return true;
}

/* HTTP/1.0: the answer ends with the connection, and has no framing of its own. */
static bool
send_request(struct mcp_tools *t, int fd, const char *method, const char *path, const char *body)
{
	bool unix_socket = strncmp(t->address, "unix:", 5) == 0, ok;
	struct buf b;

	buf_init(&b, 2 * (size_t)LIMIT_MCP_LINE_BYTES);
	buf_printf(&b, "%s %s HTTP/1.0\r\nHost: %s\r\n", method, path,
	    unix_socket ? "localhost" : t->address);
	if (t->token[0] != '\0')
		buf_printf(&b, "Authorization: Bearer %s\r\n", t->token);
	if (body != NULL)
		buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
		    strlen(body));
	buf_put(&b, S("\r\n"));
	if (body != NULL)
		buf_put(&b, slice_str(body));
	ok = !b.failed && send_all(fd, buf_slice(&b));
	if (b.p != NULL)
		explicit_bzero(b.p, b.cap);
	buf_fini(&b);
	return ok;
}

/* The head is cut off. False, and why: it is no answer, or one that refuses. */
static bool
cut_head(struct buf *out, char why[512])
{
	struct slice all = buf_slice(out);
	size_t at = 0;
	json_t *error;
	int status;

	while (at + 4 <= all.n && memcmp(all.p + at, "\r\n\r\n", 4) != 0)
		at++;
	if (at + 4 > all.n || !slice_starts(all, S("HTTP/1.")) || all.n < 12) {
		snprintf(why, 512, "what answers there is no agent of adit: see --web");
		return false;
	}
	status = atoi(all.p + 9);
	buf_skip(out, at + 4);
	if (status >= 200 && status < 300)
		return true;
	error = json_loadb(out->n > 0 ? out->p : "", out->n, 0, NULL);
	snprintf(why, 512, "%.300s %.180s",
	    json_object_get(error, "text") != NULL
		? json_string_value(json_object_get(error, "text"))
		: "the agent knows no such request: it may be an older one.",
	    json_object_get(error, "todo") != NULL
		? json_string_value(json_object_get(error, "todo"))
		: "");
	json_decref(error);
	return false;
}

bool
mcp_ask(struct mcp *m, const char *method, const char *path, const char *body, struct buf *out,
    char why[512])
{
	struct mcp_tools *t = m->owner;
	const char *broke;
	int fd = dial(t->address);

	if (fd < 0) {
		snprintf(why, 512,
		    "no agent answers at %s (%s): start one, such as adit start, or name its "
		    "address by adit mcp --web",
		    t->address, strerror(errno));
		return false;
	}
	broke = send_request(t, fd, method, path, body)
		    ? mcp_pipe_read(&t->pipe, m, fd, ASK_MS, out)
		    : "the connection broke";
	close(fd);
	if (broke != NULL) {
		snprintf(why, 512, "the agent at %s: %s", t->address, broke);
		return false;
	}
	return cut_head(out, why);
}

json_t *
mcp_ask_json(struct mcp *m, const char *method, const char *path, const char *body, char why[512])
{
	json_t *made = NULL;
	struct buf out;

	buf_init(&out, 4 * (size_t)LIMIT_MCP_ANSWER_BYTES);
	if (mcp_ask(m, method, path, body, &out, why)) {
		made = json_loadb(out.n > 0 ? out.p : "", out.n, JSON_DECODE_ANY, NULL);
		if (made == NULL)
			snprintf(why, 512, "the agent's answer is no JSON");
	}
	buf_fini(&out);
	return made;
}

/* --- commands of this program --- */

/* In the child. Nothing of it reaches our standard input or output. */
static void
become(const char *const *words, const char *const *passed, int to)
{
	const char *argv[WORDS_MAX] = { "adit" };
	int n = 1, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* The command's words, then options, then what must not be read as one. */
	for (; *words != NULL && strcmp(*words, "--") != 0 && n < WORDS_MAX - 1; words++)
		argv[n++] = *words;
	for (; *passed != NULL && n < WORDS_MAX - 1; passed++)
		argv[n++] = *passed;
	for (; *words != NULL && n < WORDS_MAX - 1; words++)
		argv[n++] = *words;
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(to, STDOUT_FILENO) >= 0 &&
	    dup2(to, STDERR_FILENO) >= 0)
		execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(127);
}

char *
mcp_run(struct mcp *m, const char *const *words, char why[512])
{
	struct mcp_tools *t = m->owner;
	const char *broke;
	struct buf out;
	char *text = NULL;
	int ends[2], status = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		snprintf(why, 512, "no process can be started: %s", strerror(errno));
		return NULL;
	}
	if (pid == 0)
		become(words, t->passed, ends[1]);
	close(ends[1]);
	buf_init(&out, LIMIT_MCP_ANSWER_BYTES);
	broke = mcp_pipe_read(&t->pipe, m, ends[0], RUN_MS, &out);
	close(ends[0]);
	/* Who has closed its output ends by itself. */
	if (broke != NULL)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (broke != NULL)
		snprintf(why, 512, "%s: %s", words[0], broke);
	else if (out.n == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		text = strdup("nothing: there is none");
	else if (out.n == 0)
		snprintf(why, 512, "%s printed nothing", words[0]);
	else
		text = strndup(out.p, out.n);
	buf_fini(&out);
	return text;
}
