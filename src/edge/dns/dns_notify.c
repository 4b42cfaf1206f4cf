/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secondaries are told of each new serial (RFC 1996), over UDP and from the socket that they know as
 * ours, again and again until they answer. One message to each is under way at a time: changes that
 * come meanwhile are one more.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "dns/notify.h"
#include "edge/dns/name_server_private.h"

#include <stdlib.h>

struct dns_secondary {
	struct name_server *ns;
	struct sockaddr_storage at;
	socklen_t at_len;
	char text[ADDR_TEXT_BYTES];
	const struct tsig_key *key;
	struct notify notify; /* the one that is under way */
	unsigned char bytes[NOTIFY_BYTES];
	size_t n;
	unsigned tries; /* 0: none is under way */
	bool again;
	struct loop_timer timer;
};

static void
end(struct dns_secondary *s)
{
	check(s->tries > 0);
	s->tries = 0;
	tsig_key_wipe(&s->notify.talk.key);
	loop_timer_stop(s->ns->loop, &s->timer);
}

/* By the first socket whose family reaches it. */
static void
send_to(struct dns_secondary *s)
{
	struct udp_message m = { .bytes = s->bytes, .n = s->n };

	for (size_t i = 0; i < s->ns->n_ports; i++) {
		int fd = s->ns->udp[i].io.fd;

		udp_address(fd, &m, &s->at, s->at_len);
		if (udp_send(fd, &m, 1) == 1)
			return;
	}
}

/* A new message each time: the time in it would soon be too old to be believed (RFC 8945 5.2.3). */
static void
tell(struct dns_secondary *s)
{
	s->n = notify_write(&s->notify, s->ns->zone, (uint16_t)rand_u64(), s->key,
	    clock_wall_ms() / 1000, s->bytes);
	if (s->n > 0)
		send_to(s);
	loop_timer_set(s->ns->loop, &s->timer, ((int64_t)LIMIT_DNS_NOTIFY_MS * 1000) << s->tries);
	s->tries++;
}

static void
begin(struct dns_secondary *s)
{
	s->again = s->tries > 0;
	if (!s->again)
		tell(s);
}

static void
on_timer(struct loop_timer *t)
{
	struct dns_secondary *s = list_of(t, struct dns_secondary, timer);
	unsigned tries = s->again ? 0 : s->tries;

	end(s);
	if (tries == LIMIT_DNS_NOTIFY_TRIES) {
		log_event(LOG_WARN, "dns-secondary-silent", LOG_Z("secondary", s->text));
		return;
	}
	s->tries = tries;
	s->again = false;
	tell(s);
}

void
dns_notify_all(struct name_server *ns)
{
	for (size_t i = 0; i < ns->n_secondaries && !ns->stopping; i++)
		begin(&ns->secondaries[i]);
}

void
dns_notify_heard(struct name_server *ns, const struct udp_message *m, int64_t now_s)
{
	for (size_t i = 0; i < ns->n_secondaries; i++) {
		struct dns_secondary *s = &ns->secondaries[i];
		enum notify_reply r =
		    s->tries == 0 ? NOTIFY_FOREIGN
				  : notify_judge(&s->notify, slice_of(m->bytes, m->n), now_s);

		if (r == NOTIFY_FOREIGN)
			continue;
		if (r == NOTIFY_TAKEN)
			counter_add(&ns->counters.notified, 1);
		else
			log_event(LOG_WARN, "dns-secondary-refuses", LOG_Z("secondary", s->text));
		end(s);
		if (s->again)
			begin(s);
		return;
	}
}

/* --- life --- */

static const struct tsig_key *
key_of(const struct name_server *ns, const char *name)
{
	for (size_t i = 0; i < ns->n_keys; i++)
		if (strcmp(ns->settings->dns.keys[i].name, name) == 0)
			return &ns->keys[i].tsig;
	return NULL;
}

bool
dns_notify_init(struct name_server *ns)
{
	const struct settings_dns *d = &ns->settings->dns;

	ns->secondaries = calloc(d->n_secondaries + 1, sizeof(*ns->secondaries));
	if (ns->secondaries == NULL)
		return false;
	for (; ns->n_secondaries < d->n_secondaries; ns->n_secondaries++) {
		const struct settings_dns_secondary *from = &d->secondaries[ns->n_secondaries];
		struct dns_secondary *s = &ns->secondaries[ns->n_secondaries];

		s->ns = ns;
		s->timer.fn = on_timer;
		s->key = key_of(ns, from->key);
		check(s->key != NULL); /* settings have looked */
		check(addr_sockaddr(&from->address, false, &s->at, &s->at_len) == 0);
		addr_text(&from->address, s->text, sizeof(s->text));
	}
	return true;
}

void
dns_notify_stop(struct name_server *ns)
{
	for (size_t i = 0; i < ns->n_secondaries; i++)
		if (ns->secondaries[i].tries > 0)
			end(&ns->secondaries[i]);
}

void
dns_notify_fini(struct name_server *ns)
{
	if (!ns->started && ns->loop != NULL)
		dns_notify_stop(ns);
	free(ns->secondaries);
}
