/* SPDX-License-Identifier: Apache-2.0 */
/* Birth, thread and end of the name server. */
#include "edge/dns/name_server.h"

#include "base/log.h"
#include "edge/dns/name_server_private.h"

#include <errno.h>
#include <stdlib.h>

/* --- orders, a bit each: they need no memory --- */

enum { ORDER_STOP = 1 };

static void
close_sockets(struct name_server *ns)
{
	for (size_t i = 0; i < ns->n_ports; i++) {
		dns_udp_close(&ns->udp[i]);
		listener_close(&ns->tcp[i]);
	}
}

/* The thread ends when the store has answered all that it was asked. */
static void
on_home(struct errands *home)
{
	struct name_server *ns = list_of(home, struct name_server, home);

	if (ns->stopping && home->n_pending == 0)
		loop_stop(ns->loop);
}

static void
on_orders(struct loop *loop, struct loop_mail *m)
{
	struct name_server *ns = list_of(m, struct name_server, orders_mail);
	unsigned orders = atomic_exchange(&ns->orders, 0);

	check(ns->loop == loop && orders != 0); /* only the first of some orders posts */
	if (orders & ORDER_STOP) {
		ns->stopping = true;
		dns_notify_stop(ns);
		dns_work_stop(ns);
		close_sockets(ns);
		dns_tcp_end(ns);
		on_home(&ns->home);
	}
}

static void
give_order(struct name_server *ns, unsigned order)
{
	if (atomic_fetch_or(&ns->orders, order) == 0)
		loop_post(ns->loop, &ns->orders_mail);
}

/* --- life --- */

/* What is taken over is marked as taken, so that the caller closes the rest. */
static int
open_sockets(struct name_server *ns, struct name_server_socket *sockets, size_t n)
{
	check(n <= SETTINGS_DNS_LISTEN);
	for (; ns->n_ports < n; ns->n_ports++) {
		struct name_server_socket *from = &sockets[ns->n_ports];
		int udp = from->udp, tcp = from->tcp;

		from->udp = from->tcp = -1;
		ns->udp[ns->n_ports].io.fd = -1;
		listener_init(&ns->tcp[ns->n_ports]);
		if (dns_udp_open(ns, &ns->udp[ns->n_ports], udp) != 0) {
			loop_close(udp);
			loop_close(tcp);
			return -1;
		}
		if (dns_tcp_open(ns, &ns->tcp[ns->n_ports], tcp) != 0) {
			dns_udp_close(&ns->udp[ns->n_ports]);
			return -1;
		}
	}
	return 0;
}

struct name_server *
name_server_new(struct edge *e, const struct settings *s, struct name_server_socket *sockets,
    size_t n)
{
	struct name_server *ns = calloc(1, sizeof(*ns));
	int error;

	if (ns == NULL)
		return NULL;
	ns->edge = e;
	ns->settings = s;
	ns->orders_mail.fn = on_orders;
	ns->authority.rules = &dns_keys_rules;
	ns->authority.arg = ns;
	dns_tcp_init(ns);
	map_init(&ns->quotas);
	errno = ENOMEM;
	ns->room = calloc(1, sizeof(*ns->room));
	if (ns->room != NULL && (ns->loop = loop_new()) != NULL && dns_keys_init(ns) &&
	    dns_zone_init(ns, dns_own_serial(ns)) && dns_own_load(ns) &&
	    open_sockets(ns, sockets, n) == 0 && dns_notify_init(ns)) {
		ns->home = (struct errands){ .loop = ns->loop, .came_home = on_home };
		atomic_store(&ns->counters.serial, zone_serial(ns->zone));
		dns_board_init(ns);
		dns_board_take(ns);
		dns_notify_all(ns);
		return ns;
	}
	error = errno;
	name_server_free(ns);
	errno = error;
	return NULL;
}

void
name_server_counters(const struct name_server *ns,
    void (*each)(void *arg, const char *name, uint64_t n), void *arg)
{
#define X(member, what)                                                                            \
	each(arg, #member, atomic_load_explicit(&ns->counters.member, memory_order_relaxed));
	NAME_SERVER_COUNTERS(X)
#undef X
}

static void *
run(void *arg)
{
	struct name_server *ns = arg;

	loop_run(ns->loop);
	return NULL;
}

int
name_server_start(struct name_server *ns)
{
	int error;

	check(!ns->started);
	error = pthread_create(&ns->thread, NULL, run, ns);
	if (error != 0) {
		errno = error;
		return -1;
	}
	ns->started = true;
	return 0;
}

void
name_server_stop(struct name_server *ns)
{
	if (ns == NULL || !ns->started)
		return;
	give_order(ns, ORDER_STOP);
	pthread_join(ns->thread, NULL);
	ns->started = false;
}

void
name_server_free(struct name_server *ns)
{
	if (ns == NULL)
		return;
	check(!ns->started && list_empty(&ns->list)); /* name_server_stop() ended them */
	dns_board_fini(ns);
	dns_notify_fini(ns);
	close_sockets(ns);
	dns_tcp_fini(ns);
	dns_zone_fini(ns);
	dns_keys_fini(ns);
	dns_quota_fini(ns);
	rrl_fini(&ns->rrl);
	free(ns->room);
	if (ns->loop != NULL)
		loop_free(ns->loop);
	free(ns);
}
