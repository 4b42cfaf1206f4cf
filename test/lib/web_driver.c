/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library src/web as a program, for end-to-end tests:
 *
 *	web_driver [--ui] [--any-peer] [--no-netlink] [--token TOKEN] [--host NAME] ADDRESS ...
 *
 * prints {"listens":["127.0.0.1:PORT",...]}, serves test/fixtures/pages (or src/web/ui) and a few rows, and ends gracefully by SIGTERM.
 */
#include "web/server.h"
#include "web/stream.h"

#include <err.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HOSTS 8

extern const struct web_assets lab_pages;

static struct loop *loop;
static struct web_server *server;
static struct loop_timer ending;
static struct loop_mail stop_mail;
static uint64_t n_ticks, n_lost, n_changes;

/* --- handlers --- */

static void
who(struct web_request *r)
{
	web_json(r, 200,
	    json_pack("{s:b, s:I, s:b, s:s, s:I, s:I}", "known", r->peer->known, "uid",
		(json_int_t)r->peer->uid, "local", r->peer->local, "address", r->peer->text, "lost",
		(json_int_t)n_lost, "changes", (json_int_t)n_changes));
}

static void
echo(struct web_request *r)
{
	web_json(r, 200, json_pack("{s:O?}", "got", r->json));
}

static void
change(struct web_request *r)
{
	n_changes++;
	web_empty(r, 204);
}

static void
take(struct web_request *r)
{
	web_json(r, 200, json_pack("{s:I}", "bytes", (json_int_t)r->body.n));
}

/* A download of ?n=N bytes, which are never all in memory. */
struct download {
	uint64_t at, n;
};

static void
download_gone(struct web_request *r)
{
	free(r->job);
}

static void
download_more(struct web_request *r)
{
	static char block[32768];
	struct download *d = r->job;

	while (d->at < d->n && web_body_room(r) > 0)
		d->at += web_body_write(r,
		    slice_of(block,
			d->n - d->at < sizeof(block) ? (size_t)(d->n - d->at) : sizeof(block)));
	if (d->at < d->n)
		return;
	free(d);
	web_body_end(r);
}

static void
download(struct web_request *r)
{
	struct download *d = calloc(1, sizeof(*d));

	if (d == NULL || !web_query_u64(r, S("n"), &d->n)) {
		free(d);
		web_error(r, 400, "bad-number", "n is no number.", "Send digits.");
		return;
	}
	r->job = d;
	r->gone = download_gone;
	r->more = download_more;
	web_untrusted(r, S("zeros.bin"));
	web_body_begin(r, 200, "", d->n);
}

/* Ten events a second, each with its number and, on request, much beside. */
struct ticker {
	struct loop_timer timer;
	struct web_request *request;
	uint64_t bytes;
};

static void
on_tick(struct loop_timer *t)
{
	struct ticker *k = list_of(t, struct ticker, timer);

	n_lost += !web_stream_event(k->request, "tick",
	    json_pack("{s:I, s:o}", "n", (json_int_t)++n_ticks, "pad",
		json_sprintf("%0*d", (int)k->bytes + 1, 0)));
	loop_timer_set(loop, t, k->bytes > 0 ? 1000 : 100000);
}

static void
ticker_gone(struct web_request *r)
{
	struct ticker *k = r->job;

	loop_timer_stop(loop, &k->timer);
	free(k);
}

static void
ticker_more(struct web_request *r)
{
	(void)web_stream_event(r, "snapshot", json_pack("{s:I}", "n", (json_int_t)n_ticks));
}

static void
events(struct web_request *r)
{
	struct ticker *k = calloc(1, sizeof(*k));

	if (k == NULL || !web_query_u64(r, S("bytes"), &k->bytes) || k->bytes > 60000) {
		free(k);
		web_error(r, 400, "bad-number", "bytes is no number, or too large.", "Send less.");
		return;
	}
	k->request = r;
	k->timer.fn = on_tick;
	r->job = k;
	r->gone = ticker_gone;
	r->more = ticker_more;
	web_stream_begin(r);
	loop_timer_set(loop, &k->timer, 1000);
}

static const struct web_route rows[] = {
	{ .method = "GET", .pattern = "/healthz", .right = WEB_OPEN, .handle = who },
	{ .method = "GET", .pattern = "/v1/who", .right = WEB_READ, .handle = who },
	{ .method = "POST",
	    .pattern = "/v1/echo",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = echo },
	{ .method = "POST", .pattern = "/v1/change", .right = WEB_WRITE, .handle = change },
	{ .method = "POST",
	    .pattern = "/v1/import",
	    .right = WEB_WRITE,
	    .body = WEB_BYTES,
	    .body_max = 16 << 20,
	    .handle = take },
	{ .method = "GET", .pattern = "/v1/download", .right = WEB_READ, .handle = download },
	{ .method = "GET", .pattern = "/v1/events", .right = WEB_READ, .handle = events },
};

/* --- the end --- */

static void
on_ending(struct loop_timer *t)
{
	if (web_server_is_idle(server))
		loop_stop(loop);
	else
		loop_timer_set(loop, t, 10000);
}

static void
on_stop(struct loop *l, struct loop_mail *m)
{
	(void)m;
	web_server_stop(server);
	ending.fn = on_ending;
	loop_timer_set(l, &ending, 0);
}

static void
on_stopped(struct loop *l, struct loop_mail *m)
{
	(void)m;
	loop_stop(l);
}

static void *
wait_for_signal(void *arg)
{
	sigset_t *set = arg;
	int sig;

	sigwait(set, &sig);
	stop_mail.fn = on_stop;
	loop_post(loop, &stop_mail);
	return NULL;
}

/* As RestrictAddressFamilies= without AF_NETLINK has it: socket() of that family fails. */
static void
forbid_netlink(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		err(1, "seccomp");
}

static void
listen_at(const char *text, const char *separator)
{
	struct addr a, at;
	char shown[300];
	const char *why = addr_parse(slice_str(text), &a);

	if (why != NULL)
		errx(1, "%s: %s", text, why);
	if (web_server_listen(server, &a, &at) != 0)
		err(1, "%s", text);
	addr_text(&at, shown, sizeof(shown));
	printf("%s\"%s\"", separator, shown);
}

int
main(int argc, char **argv)
{
	static const char *hosts[HOSTS];
	struct web_config config = {
		.routes = rows,
		.n_routes = sizeof(rows) / sizeof(*rows),
		.assets = &lab_pages,
		.index = "/index.html",
		.rules = { .hosts = hosts,
		    .token_todo = "Open the address that web_driver printed." },
	};
	sigset_t set;
	pthread_t thread;
	int i;

	for (i = 1; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--ui") == 0) {
			config.assets = &web_inspector;
			config.index = "/inspector.html";
		} else if (strcmp(argv[i], "--any-peer") == 0)
			config.rules.peers = WEB_PEERS_ANY;
		else if (strcmp(argv[i], "--no-netlink") == 0)
			forbid_netlink();
		else if (strcmp(argv[i], "--token") == 0)
			config.rules.token = argv[++i];
		else if (strcmp(argv[i], "--host") == 0 && config.rules.n_hosts < HOSTS)
			hosts[config.rules.n_hosts++] = argv[++i];
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	loop = config.loop = loop_new();
	server = loop == NULL ? NULL : web_server_new(&config);
	if (server == NULL || pthread_create(&thread, NULL, wait_for_signal, &set) != 0)
		err(1, "start");
	printf("{\"listens\":[");
	for (int k = i; k < argc; k++)
		listen_at(argv[k], k == i ? "" : ",");
	printf("]}\n");
	fflush(stdout);
	loop_run(loop);
	pthread_join(thread, NULL);
	/* One turn more, for the graveyard. */
	web_server_free(server);
	stop_mail.fn = on_stopped;
	loop_post(loop, &stop_mail);
	loop_run(loop);
	loop_free(loop);
	return 0;
}
