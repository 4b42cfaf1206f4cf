/* SPDX-License-Identifier: Apache-2.0 */
/* Questions over UDP, many with each system call. */
#include "edge/dns/name_server_private.h"

#include "base/clock.h"

/* Then TCP and mail have their turn, though more questions wait. */
#define BATCHES_PER_EVENT 8

/*
 * No forger gains by this machine's own questions, and a resolver on it asks for a whole network.
 */
static bool
is_loopback(const unsigned char ip[16])
{
	static const unsigned char v4[12] = { [10] = 0xff, [11] = 0xff }, v6[16] = { [15] = 1 };

	return memcmp(ip, v6, 16) == 0 || (memcmp(ip, v4, 12) == 0 && ip[12] == 127);
}

/* The bytes of the answer that may go out, 0: none. */
static size_t
limit_rate(struct name_server *ns, const struct authority_ask *ask,
    const struct authority_said *said, const struct source_ip *ip)
{
	if (said->is_signed || is_loopback(ip->bytes))
		return said->reply_n;
	switch (rrl_judge(&ns->rrl, ip->bytes, said->rcode, said->about, loop_now_us(ns->loop))) {
	case RRL_SEND:
		return said->reply_n;
	case RRL_SLIP:
		counter_add(&ns->counters.limited, 1);
		return authority_slip(ask);
	case RRL_DROP:
		break;
	}
	counter_add(&ns->counters.limited, 1);
	return 0;
}

/* Bytes of an answer in `reply`, 0: none. */
static size_t
answer(struct name_server *ns, struct dns_port *p, const struct udp_message *m, int64_t now_s,
    unsigned char *reply)
{
	struct source_ip ip;
	struct authority_ask ask = { .request = slice_of(m->bytes, m->n),
		.address = &m->peer,
		.now_s = now_s,
		.reply = reply,
		.cap = LIMIT_DNS_UDP_BYTES };
	struct authority_said said;

	switch (authority_answer(&ns->authority, &ask, &said)) {
	case AUTHORITY_DROP:
		dns_notify_heard(ns, m, now_s);
		return 0;
	case AUTHORITY_LATER:
		dns_work_later(ns, p, m);
		return 0;
	case AUTHORITY_REPLY:
		source_ip_of(&m->peer, &ip);
		return limit_rate(ns, &ask, &said, &ip);
	case AUTHORITY_UPDATE:
		dns_work_update(ns, said.update, &(struct dns_asker){ .port = p, .to = *m });
		return 0;
	case AUTHORITY_TRANSFER:
		break;
	}
	check(said.transfer == NULL); /* the library gives transfers to TCP alone */
	return 0;
}

static void
serve_batch(struct name_server *ns, struct dns_port *p, size_t n)
{
	struct dns_room *room = ns->room;
	int64_t now_s = clock_wall_ms() / 1000;
	size_t n_out = 0;

	counter_add(&ns->counters.udp, n);
	for (size_t i = 0; i < n; i++) {
		struct udp_message *out = &room->out[n_out];
		unsigned char *reply = room->replies[n_out];
		size_t bytes = answer(ns, p, &room->in[i], now_s, reply);

		if (bytes == 0)
			continue;
		out->peer = room->in[i].peer;
		out->peer_len = room->in[i].peer_len;
		out->control_n = room->in[i].control_n;
		memcpy(out->control, room->in[i].control, sizeof(out->control));
		out->bytes = reply;
		out->n = bytes;
		n_out++;
	}
	if (n_out > 0)
		(void)udp_send(p->io.fd, room->out, n_out);
}

void
dns_udp_again(struct dns_port *p, struct udp_message *m)
{
	unsigned char reply[LIMIT_DNS_UDP_BYTES];
	size_t n = answer(p->ns, p, m, clock_wall_ms() / 1000, reply);

	if (n == 0)
		return;
	m->bytes = reply;
	m->n = n;
	(void)udp_send(p->io.fd, m, 1);
}

static void
on_io(struct loop_io *io, unsigned events)
{
	struct dns_port *p = list_of(io, struct dns_port, io);
	struct name_server *ns = p->ns;

	if (!(events & LOOP_IN))
		return;
	check(ns->loop == io->loop);
	for (int i = 0; i < BATCHES_PER_EVENT; i++) {
		size_t n = 0;

		for (size_t k = 0; k < UDP_BATCH; k++) {
			ns->room->in[k].bytes = ns->room->requests[k];
			ns->room->in[k].n = NAME_SERVER_REQUEST_BYTES;
		}
		switch (udp_recv(io->fd, ns->room->in, UDP_BATCH, &n)) {
		case IO_OK:
			serve_batch(ns, p, n);
			break;
		case IO_WAIT:
		case IO_EOF:
			return;
		case IO_FAIL:
			break; /* of an earlier answer, whose asker has gone */
		}
	}
	loop_again(io, LOOP_IN);
}

int
dns_udp_open(struct name_server *ns, struct dns_port *p, int fd)
{
	check(fd >= 0 && p->io.fd < 0);
	p->io = (struct loop_io){ .fd = fd, .fn = on_io };
	p->ns = ns;
	return loop_watch(ns->loop, &p->io);
}

void
dns_udp_close(struct dns_port *p)
{
	if (p->io.fd < 0)
		return;
	loop_unwatch(&p->io);
	loop_close(p->io.fd);
	p->io.fd = -1;
}
