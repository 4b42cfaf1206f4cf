/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of everything that can be wrong between a webhook and a build. */
#include "hook/doctor.h"

const char *
doctor_stage_name(enum doctor_stage s)
{
	static const char *const names[] = {
		[DOCTOR_HOOK] = "hook",
		[DOCTOR_DNS] = "dns",
		[DOCTOR_TCP] = "tcp",
		[DOCTOR_TLS] = "tls",
		[DOCTOR_EDGE] = "edge",
		[DOCTOR_LINK] = "link",
		[DOCTOR_ORIGIN] = "origin",
		[DOCTOR_INBOX] = "inbox",
		[DOCTOR_JOB] = "job",
	};

	return names[s];
}

const char *
doctor_severity_name(enum doctor_severity s)
{
	static const char *const names[] = {
		[DOCTOR_INFO] = "info",
		[DOCTOR_WARNING] = "warning",
		[DOCTOR_FAILURE] = "failure",
	};

	return names[s];
}

#define F DOCTOR_FAILURE
#define W DOCTOR_WARNING
#define I DOCTOR_INFO

/* clang-format off */
const struct doctor_row doctor_rows[] = {
	/* --- what is written at the sender --- */
	{ "hook-localhost", 1, DOCTOR_HOOK, F,
	    "Bitbucket cannot reach '{host}': that name means Bitbucket's own servers.",
	    "Use {url} in the webhook." },
	{ "hook-private", 2, DOCTOR_HOOK, F,
	    "{host} is {class}: Bitbucket Cloud answers 'Invalid URL'.",
	    "Use {url} in the webhook." },
	{ "hook-url", 3, DOCTOR_HOOK, F,
	    "The webhook's URL is not one that Bitbucket takes: {cause}", "{remedy}" },
	{ "hook-slash", 4, DOCTOR_HOOK, F,
	    "The path {path} lacks its final '/': Jenkins redirects, and the POST is lost.",
	    "Add the final '/' to the webhook's URL: {url}" },
	{ "hook-plugin", 5, DOCTOR_HOOK, F,
	    "No plugin of Jenkins answers {path}; {other} answers.",
	    "Change the webhook's path to {other}, or install the plugin for {path}." },
	{ "hook-server-url", 6, DOCTOR_HOOK, F,
	    "A Data Center calls the branch source plugin without ?server_url=.",
	    "Add ?server_url= and the base URL of your Bitbucket to the webhook's URL." },
	{ "hook-silent", 7, DOCTOR_HOOK, W,
	    "No event has come since the tunnel was made, {since}.",
	    "At Bitbucket look whether the webhook is Active, has this URL, and 'Repository push' "
	    "is ticked." },
	{ "hook-history", 8, DOCTOR_HOOK, I,
	    "Bitbucket keeps its own log of requests only where that is switched on.",
	    "Press 'Enable history' at the webhook to see its side." },

	/* --- the name --- */
	{ "dns-missing", 9, DOCTOR_DNS, F,
	    "{host} does not resolve ({error}): Bitbucket refuses to save it.",
	    "Create the record that the edge names: {host} to {edge}; for a domain of adit's own, "
	    "*.{domain}." },
	{ "dns-elsewhere", 10, DOCTOR_DNS, F,
	    "{host} points to {address}, but the edge is {edge}.",
	    "Change the record to {edge}; remove old ones." },
	{ "dns-ipv6", 11, DOCTOR_DNS, W,
	    "{host} has the IPv6 address {address}, where the edge does not answer.",
	    "Remove the AAAA record, or let the edge listen on IPv6: some senders prefer it." },
	{ "dns-ttl", 12, DOCTOR_DNS, W,
	    "The record of {host} may be kept for {ttl} s, by Java programs until they are "
	    "restarted.",
	    "Lower the TTL to 300 s before the address changes, and restart Java senders "
	    "afterwards." },
	{ "dns-released", 13, DOCTOR_DNS, F,
	    "The name {host} was released on {date} and will never be given to anybody again.",
	    "Remove the webhook at the sender, or give it the new name." },

	/* --- the connection --- */
	{ "tcp-closed", 14, DOCTOR_TCP, F,
	    "Port {port} of {address} is not reachable from outside ({error}).",
	    "Open it in the host's and in the provider's firewall, and look whether another "
	    "program has it." },

	/* --- the certificate --- */
	{ "tls-expired", 15, DOCTOR_TLS, F,
	    "The certificate of {host} is not valid at this time: it is valid from {from} to "
	    "{until}.",
	    "Look why it was not renewed (the edge's log), and whether this machine's clock is "
	    "right." },
	{ "tls-untrusted", 16, DOCTOR_TLS, F,
	    "Bitbucket refuses the certificate of {host}: it is signed by {issuer}, which nobody "
	    "outside knows.",
	    "Use the automatic certificate, or tick 'Skip certificate verification' at the "
	    "webhook." },
	{ "tls-chain", 17, DOCTOR_TLS, F,
	    "The server sends its certificate without the intermediate one; browsers hide that, "
	    "Bitbucket does not.",
	    "Put the whole chain into the certificate file, the server's own certificate first." },
	{ "tls-name", 18, DOCTOR_TLS, F,
	    "The certificate is for {names}, not for {host}.",
	    "Get one for {host}; a wildcard stands for exactly one part of a name." },
	{ "tls-version", 19, DOCTOR_TLS, F,
	    "The server speaks {version} only.", "Offer TLS 1.2 and 1.3." },
	{ "tls-acme", 20, DOCTOR_TLS, F,
	    "No certificate of {host} can be got automatically: {error}.",
	    "Add the record {domain} CAA 0 issue \"{issuer}\", or get one from whoever is "
	    "allowed; after too many tries wait an hour." },

	/* --- the edge --- */
	{ "edge-address", 21, DOCTOR_EDGE, F,
	    "The route's list of addresses refused {address}, which calls itself {agent}; the "
	    "list is {age} old.",
	    "Refresh the list, or take it out and rely on the webhook's secret." },
	{ "edge-login", 22, DOCTOR_EDGE, F,
	    "The route asks for a login ({status}), and webhooks cannot log in.",
	    "Exempt POST {path} from the login; the webhook's secret protects it." },
	{ "edge-too-big", 23, DOCTOR_EDGE, F,
	    "A body of {size} was refused: the route takes {limit}.",
	    "Raise the route's body limit; Bitbucket itself sends up to 256 KB." },
	{ "edge-http", 24, DOCTOR_EDGE, F,
	    "The webhook calls http://; the redirect to https:// drops its body.",
	    "Change the webhook's URL to {url}" },
	{ "edge-unsigned", 25, DOCTOR_EDGE, F,
	    "The events are not signed, but the route has a secret.",
	    "Set the same Secret at the webhook; new ones have none." },
	{ "edge-signature", 26, DOCTOR_EDGE, F, "{reason}",
	    "Type the secret at the webhook again, without white space; if it is right, look for "
	    "a relay that alters bodies." },
	{ "edge-ping", 27, DOCTOR_EDGE, I,
	    "'Test connection' of Data Center is never signed; it was answered here with 200.",
	    "Nothing: real events are checked." },
	{ "edge-duplicate", 28, DOCTOR_EDGE, I,
	    "Attempt {attempt} of an event that is stored already: one is kept.",
	    "Nothing, or look why the first attempt was not answered in time." },
	{ "edge-disk", 29, DOCTOR_EDGE, F,
	    "The inbox cannot store ({error}): senders are answered 503, and Bitbucket tries only "
	    "twice more.",
	    "Make room on the edge's disk; it goes on by itself." },

	/* --- the link --- */
	{ "link-away", 30, DOCTOR_LINK, F,
	    "The agent of {tunnel} is away since {since}; {stored} events wait.",
	    "Start it: adit start {tunnel} (is the machine asleep?). What waits is delivered "
	    "then." },
	{ "link-silent", 31, DOCTOR_LINK, F,
	    "The agent's connection is up, but nothing was heard for {seconds} s.",
	    "It is being replaced; if that happens often, look at the network between agent and "
	    "edge." },
	{ "link-blocked", 32, DOCTOR_LINK, F,
	    "The agent does not reach the edge: {error}; the certificate that it sees is issued "
	    "by {issuer}.",
	    "Your network blocks or opens the connection: use --proxy, or add its CA with --ca." },
	{ "link-two", 33, DOCTOR_LINK, W,
	    "Two agents claim {tunnel}: this one and {address} since {since}.",
	    "Stop one of them; the newer one serves." },
	{ "link-clock", 34, DOCTOR_LINK, W,
	    "This machine's clock is {seconds} s off: signatures with a time (Slack, Stripe) will "
	    "fail.",
	    "Set the clock (timedatectl set-ntp true)." },
	{ "link-refused", 35, DOCTOR_LINK, F,
	    "The edge refuses the agent: {reason}",
	    "Log in anew with a valid token: adit login {edge}" },

	/* --- the local server --- */
	{ "origin-refused", 36, DOCTOR_ORIGIN, F,
	    "Nothing listens on {address}{elsewhere}.",
	    "Start the server, or give the tunnel its right address: adit http HOST:PORT" },
	{ "origin-not-jenkins", 37, DOCTOR_ORIGIN, F,
	    "{address} answers, but it is not Jenkins (Server: {server}).",
	    "Check the port, and whether Jenkins runs under a path like /jenkins." },
	{ "origin-context", 38, DOCTOR_ORIGIN, F,
	    "Jenkins lives under {context}.",
	    "Start the tunnel with --context {context} (in adit.yml: context: {context}), and use "
	    "{url} in the webhook." },
	{ "origin-redirect", 39, DOCTOR_ORIGIN, F,
	    "The server redirects {path} to {location}.",
	    "Add the final '/' to the webhook's URL, or exempt the path from the login." },
	{ "origin-crumb", 40, DOCTOR_ORIGIN, F,
	    "Jenkins answers 403 'No valid crumb': {path} is no webhook of an installed plugin.",
	    "Install the plugin and restart Jenkins; check the final slash, doubled slashes and "
	    "the context path." },
	{ "origin-starting", 41, DOCTOR_ORIGIN, W,
	    "Jenkins is starting; {stored} events wait.",
	    "Nothing: they are delivered as soon as it is up." },
	{ "origin-slow", 42, DOCTOR_ORIGIN, W,
	    "The server took {seconds} s to answer; Bitbucket gives up after 10.",
	    "Use mode store: the edge answers at once and delivers afterwards." },

	/* --- what was stored, and what the server said to it --- */
	{ "inbox-parked", 45, DOCTOR_INBOX, F,
	    "{count} stored events are parked, the newest is delivery {id} ({event}, {date}): {note}",
	    "When that is mended, send it again: adit inbox replay {id}" },
	{ "inbox-dead", 46, DOCTOR_INBOX, F,
	    "{count} stored events were given up, the newest is delivery {id} ({event}, {date}): "
	    "{note}",
	    "When that is mended, send it again: adit inbox replay {id}" },
	{ "inbox-late", 47, DOCTOR_INBOX, F,
	    "{count} stored events wait although the agent is there, the oldest since {since}: {note}",
	    "They are tried again by themselves; adit inbox list --state queued shows them." },
	{ "inbox-left", 48, DOCTOR_INBOX, W,
	    "{count} events from before the last one that was delivered were never delivered; the "
	    "newest is delivery {id} ({event}, {date}): {note}",
	    "Send it again: adit inbox replay {id}; or give it up: adit inbox drop {id}" },

	/* --- the job --- */
	{ "job-none", 43, DOCTOR_JOB, F,
	    "Jenkins said {status}, but no job started for {repository}.",
	    "Check the job's trigger, host, path and case of its repository URL, its branch "
	    "filter, and that it was built once by "
	    "hand; the log recorder com.cloudbees.jenkins.plugins tells more." },
	{ "job-links", 44, DOCTOR_JOB, W,
	    "Jenkins' own URL is {root}: Bitbucket refuses build links to it.",
	    "Set Manage Jenkins, System, Jenkins URL to {url}" },
};
/* clang-format on */
const size_t doctor_rows_n = sizeof(doctor_rows) / sizeof(*doctor_rows);

const struct doctor_row *
doctor_find(struct slice code)
{
	for (size_t i = 0; i < doctor_rows_n; i++) {
		if (slice_eq(slice_str(doctor_rows[i].code), code))
			return &doctor_rows[i];
	}
	return NULL;
}

static void
put_clean(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_putc(out, (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? '?' : s.p[i]);
}

void
doctor_text(const char *template, const struct doctor_value *values, size_t n, struct buf *out)
{
	struct slice rest = slice_str(template);

	while (rest.n > 0) {
		struct slice key;
		size_t i;

		buf_put(out, slice_cut(&rest, '{'));
		if (rest.p == NULL)
			return;
		key = slice_cut(&rest, '}');
		for (i = 0; i < n; i++) {
			if (slice_eq(slice_str(values[i].key), key))
				break;
		}
		put_clean(out, i < n ? values[i].value : key);
	}
}
