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

	check((size_t)s < sizeof(names) / sizeof(*names));
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

	check((size_t)s < sizeof(names) / sizeof(*names));
	return names[s];
}

#define F DOCTOR_FAILURE
#define W DOCTOR_WARNING
#define I DOCTOR_INFO

/* clang-format off */
/*
 * In the order of the way. Numbers are stable and given once: new rows take the next free one,
 * wherever they stand.
 */
const struct doctor_row doctor_rows[] = {
	/* --- what is written at the sender --- */
	{ "hook-localhost", 1, DOCTOR_HOOK, F,
	    "{sender} cannot reach '{host}': that name means the sender's own servers.",
	    "Use {url} in the webhook." },
	{ "hook-trying", 76, DOCTOR_HOOK, W,
	    "Your edge has no public name ({host}), so {sender} cannot reach it either.",
	    "For trying things on this machine that is as it should be; real webhooks need an edge "
	    "with a public name." },
	{ "hook-private", 2, DOCTOR_HOOK, F,
	    "{host} is {class}: {refuses}.",
	    "Use {url} in the webhook." },
	{ "hook-url", 3, DOCTOR_HOOK, F,
	    "{sender} probably does not take the webhook's URL: {cause}", "{remedy}" },
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
	    "At {sender}, check that the webhook is active, that it has this URL, and that {event} is ticked." },
	{ "hook-refused", 75, DOCTOR_HOOK, W,
	    "No event was accepted since the tunnel was made, {since}; the last was refused at {date}.",
	    "The stage edge says why." },
	{ "hook-history", 8, DOCTOR_HOOK, I,
	    "Bitbucket keeps its own log of requests only after you have enabled it.",
	    "Press 'Enable history' at the webhook: then Bitbucket shows what it sends." },

	/* --- the name --- */
	{ "dns-missing", 9, DOCTOR_DNS, F,
	    "{host} does not resolve ({error}), so {sender} cannot call it.",
	    "Add this record to the DNS of {domain}: {record}" },
	{ "dns-silent", 49, DOCTOR_DNS, F,
	    "The name servers gave no answer for {host} ({error}). The fault may be this "
	    "network's; it does not mean that the name is wrong.",
	    "Ask another name server: adit doctor {target} --dns 1.1.1.1:53" },
	{ "dns-elsewhere", 10, DOCTOR_DNS, F,
	    "{host} points to {address}, but the edge is {edge}.",
	    "Change the record to {edge}; remove old ones." },
	{ "dns-ipv6", 11, DOCTOR_DNS, W,
	    "{host} has the IPv6 address {address}, where the edge does not answer.",
	    "Remove the AAAA record, or let the edge listen on IPv6: some senders prefer it." },
	{ "dns-ttl", 12, DOCTOR_DNS, W,
	    "Senders may keep the old address of {host} for {ttl} s; Java programs keep it for 30 s "
	    "more, and until they end where networkaddress.cache.ttl is -1 or a security manager is set.",
	    "Lower the TTL to 300 s before the address changes; restart only those Java senders "
	    "afterwards." },
	{ "dns-released", 13, DOCTOR_DNS, F,
	    "The name {host} was released on {date}, and no other account gets it.",
	    "Remove the webhook at the sender, or give it the new name." },

	/* --- the connection --- */
	{ "tcp-closed", 14, DOCTOR_TCP, F,
	    "Port {port} of {address} is not reachable from this machine ({error}).",
	    "On the edge, check that aditd runs (systemctl status aditd), and open the port in "
	    "the firewalls of the host and of the provider." },

	/* --- the certificate --- */
	{ "tls-expired", 15, DOCTOR_TLS, F,
	    "The certificate of {host} is not valid at this time: it is valid from {from} to "
	    "{until}.",
	    "Find out in the edge's log why nobody renewed it, and check this machine's clock." },
	{ "tls-untrusted", 16, DOCTOR_TLS, F,
	    "The certificate of {host} is signed by {issuer}. {sender} does not know that "
	    "authority.",
	    "Get a certificate of a public authority for the edge, or switch the verification "
	    "of certificates off at the webhook." },
	{ "tls-chain", 17, DOCTOR_TLS, F,
	    "The server sends its certificate without the intermediate one. Browsers find that "
	    "one themselves, other programs do not.",
	    "Put the whole chain into the certificate file, the server's own certificate first." },
	{ "tls-name", 18, DOCTOR_TLS, F,
	    "The certificate is for {names}, not for {host}.",
	    "Get a certificate for {host}. A wildcard (*) stands for exactly one part of a name." },
	{ "tls-version", 19, DOCTOR_TLS, F,
	    "The server speaks neither TLS 1.2 nor TLS 1.3, but {version}.", "Offer TLS 1.2 and 1.3." },
	{ "tls-acme", 20, DOCTOR_TLS, F,
	    "{issuer} may not give out a certificate for {host}: {error}.",
	    "Add the record {domain} CAA 0 issue \"{issuer}\", or get a certificate from an "
	    "authority that the record names. After too many tries, wait an hour." },
	{ "tls-caa", 78, DOCTOR_TLS, W,
	    "No CAA record keeps others from getting a certificate for {host}, such as whoever runs "
	    "the edge.",
	    "Add the record {host}. {record}" },

	/* --- the edge --- */
	{ "edge-address", 21, DOCTOR_EDGE, F,
	    "The tunnel's list of addresses refused {address}, which calls itself {agent}. The "
	    "list is {age} old.",
	    "Refresh the list, or remove it and rely on the webhook's secret." },
	{ "edge-login", 22, DOCTOR_EDGE, F,
	    "The tunnel asks for a login ({status}), and webhooks cannot log in.",
	    "Exempt POST {path} from the login; the webhook's secret protects it." },
	{ "edge-too-big", 23, DOCTOR_EDGE, F,
	    "The edge refused a body of {size}: the tunnel takes {limit}.",
	    "Raise the tunnel's --body-max; Bitbucket sends up to 256 KB." },
	{ "edge-http", 24, DOCTOR_EDGE, F,
	    "The webhook calls http://. The edge redirects it to https://, and the body is lost.",
	    "Change the webhook's URL to {url}" },
	{ "edge-unsigned", 25, DOCTOR_EDGE, F,
	    "The events are not signed, but the tunnel has a secret.",
	    "Set the same secret at the webhook; a new webhook has none." },
	{ "edge-stray", 74, DOCTOR_EDGE, W,
	    "The last request that was refused, at {date} from {address}, {request}, was not signed.",
	    "If that was not your sender, ignore it; else set the same Secret at the webhook." },
	{ "edge-secret", 77, DOCTOR_EDGE, F,
	    "The doctor signed its push: the secret in {file} is not the one that the tunnel checks "
	    "with.",
	    "Give the file that the tunnel was started with, or start the tunnel with this one; the "
	    "webhook needs the same." },
	{ "edge-signature", 26, DOCTOR_EDGE, F, "{reason}",
	    "Type the secret at the webhook again, without white space. If it is right, look for "
	    "a relay that changes bodies." },
	{ "edge-ping", 27, DOCTOR_EDGE, I,
	    "'Test connection' of Data Center is never signed; the edge answered it with 200.",
	    "You need not do anything: the edge checks real events." },
	{ "edge-duplicate", 28, DOCTOR_EDGE, I,
	    "Attempt {attempt} of an event that is stored already: the edge keeps it once.",
	    "You need not do anything. If it happens often, find out why the first attempt was "
	    "not answered in time." },
	{ "edge-disk", 29, DOCTOR_EDGE, F,
	    "The inbox cannot store ({error}): the edge answers senders with 503, and few of them "
	    "try for long (Bitbucket tries twice more).",
	    "Free space on the edge's disk; the edge then stores again by itself." },

	{ "edge-path", 50, DOCTOR_EDGE, F,
	    "The tunnel is for {preset} and lets only its path through: the edge answers {path} "
	    "with 403.",
	    "Use {url} in the webhook{other}" },
	{ "edge-unknown", 73, DOCTOR_EDGE, F,
	    "No tunnel of this edge has the name {host}.",
	    "Check how it is spelled, or open it: adit http 8080 --name NAME" },
	{ "edge-rate", 51, DOCTOR_EDGE, W,
	    "The tunnel got more requests than its rate allows, and the edge answers 429.",
	    "Wait as long as Retry-After says. If it happens often, start the tunnel with a "
	    "higher --rate." },
	{ "edge-busy", 52, DOCTOR_EDGE, F, "The edge takes no requests now ({error}): {what}",
	    "{remedy}" },
	{ "edge-other", 53, DOCTOR_EDGE, F,
	    "The server at {host} is not the edge of this login: it does not know the edge's own "
	    "probe (it answered {status}).",
	    "Check where the name and the port lead (dns and tcp above), and what runs in front "
	    "of the edge." },

	/* --- the link --- */
	{ "link-away", 30, DOCTOR_LINK, F,
	    "The agent of {tunnel} is away{since}{stored}.",
	    "Start it: adit start {tunnel} (is the machine asleep?). Then the edge delivers what "
	    "waits." },
	{ "link-silent", 31, DOCTOR_LINK, F,
	    "The agent's connection is up, but the edge heard nothing for {seconds} s.",
	    "The agent connects again by itself. If that happens often, check the network "
	    "between agent and edge." },
	{ "link-unknown", 54, DOCTOR_LINK, F,
	    "The account of this login has no tunnel called {tunnel}.",
	    "Check how it is spelled (adit status lists them), or open it: adit http 8080 --name "
	    "{tunnel}" },
	{ "link-taken", 55, DOCTOR_LINK, F, "The name {tunnel} belongs to another account.",
	    "Take another name, adit http 8080 --name NAME, or log in as the account that has it." },
	{ "link-disabled", 79, DOCTOR_LINK, F,
	    "The operator of the edge has disabled the name {tunnel}.",
	    "Ask the operator; when the name is enabled again, start the agent: adit start, or adit "
	    "http 8080 --name {tunnel}" },
	{ "link-dns", 56, DOCTOR_LINK, F,
	    "The name of the edge, {host}, does not resolve on this machine: {error}.",
	    "Check how it is spelled, and whether this machine's name server answers. If only a "
	    "proxy leads out of your network, set https_proxy." },
	{ "link-down", 57, DOCTOR_LINK, F,
	    "Nothing accepts connections at the edge, {address}: {error}.",
	    "On the edge, check that aditd runs (systemctl status aditd), on which port, and "
	    "that the firewall lets it through. If only a proxy leads out of your network, set "
	    "https_proxy." },
	{ "link-proxy", 58, DOCTOR_LINK, F,
	    "The proxy {proxy} of your environment does not lead to the edge: {error}.",
	    "Correct https_proxy (or all_proxy), or reach the edge without a proxy: "
	    "no_proxy={host}" },
	{ "link-tls", 59, DOCTOR_LINK, F,
	    "The server at {address} does not speak TLS: {error}.",
	    "Check host and port of the edge, then log in: adit login https://HOST:PORT" },
	{ "link-other", 60, DOCTOR_LINK, F,
	    "The server at {address} speaks TLS, but it is no edge: {error}.",
	    "Check host and port of the edge, then log in: adit login https://HOST:PORT" },
	{ "link-expired", 61, DOCTOR_LINK, F,
	    "The edge's certificate is valid from {from} to {until}; this machine's clock says "
	    "{now}.",
	    "Renew the certificate on the edge, then run there: aditd reload" },
	{ "link-time", 62, DOCTOR_LINK, F,
	    "This machine's clock is {seconds} s off that of the edge, so the edge's certificate "
	    "seems not to be valid.",
	    "Set the clock (timedatectl set-ntp true)." },
	{ "link-name", 63, DOCTOR_LINK, F,
	    "The certificate of the edge is for {names}, not for {host}.",
	    "Log in with a name of the certificate, adit login https://NAME, or give the edge a "
	    "certificate for {host}." },
	{ "link-blocked", 32, DOCTOR_LINK, F,
	    "The certificate that this machine sees at the edge is issued by {issuer}. This "
	    "machine does not trust that authority.",
	    "If it is the authority of your network or of the edge itself, log in with it: adit "
	    "login {edge} --ca FILE. If not, somebody between you and the edge reads along." },
	{ "link-busy", 64, DOCTOR_LINK, F,
	    "The edge does not accept the agent now: {reason}.",
	    "Wait a minute and try again. If it stays so, the edge's log says why." },
	{ "link-two", 33, DOCTOR_LINK, W,
	    "Two agents claim {tunnel}: this one and {address} since {since}.",
	    "Stop one of them; the newer one serves." },
	{ "link-clock", 34, DOCTOR_LINK, W,
	    "This machine's clock is {seconds} s off: signatures with a time (Slack, Stripe) will "
	    "fail.",
	    "Set the clock (timedatectl set-ntp true)." },
	{ "link-refused", 35, DOCTOR_LINK, F,
	    "The edge refuses the token: {reason}.",
	    "Log in again with a valid token: adit login {edge} --token-file FILE" },

	/* --- the local server --- */
	{ "origin-refused", 36, DOCTOR_ORIGIN, F,
	    "Nothing accepts connections on {address}{elsewhere}.",
	    "Start the server, or give the tunnel its right address: adit http HOST:PORT" },
	{ "origin-tls", 65, DOCTOR_ORIGIN, F, "TLS with the local server {address} fails: {error}.",
	    "{remedy}" },
	{ "origin-broke", 66, DOCTOR_ORIGIN, F,
	    "{address} accepts the request, but does not give a whole answer in HTTP/1.1.",
	    "Look in the local server's log for a crash or a limit, and check that this is the "
	    "port of the web server. Beside the server, adit doctor --origin ADDRESS sees more." },
	{ "origin-response", 67, DOCTOR_ORIGIN, F,
	    "{address} does not answer in HTTP/1.1: it is another service.",
	    "Give the tunnel the address of the web server: adit http HOST:PORT; for a service "
	    "that is no web server: adit tcp HOST:PORT" },
	{ "origin-login", 68, DOCTOR_ORIGIN, F,
	    "The server asks for a login for {path} ({status}), and webhooks cannot log in.",
	    "Exempt {path} from the login; the webhook's secret protects it." },
	{ "origin-signature", 69, DOCTOR_ORIGIN, F, "{text}", "{advice}" },
	{ "origin-answer", 70, DOCTOR_ORIGIN, F, "The server answers {path} with {status}: {text}",
	    "{advice}" },
	{ "origin-not-jenkins", 37, DOCTOR_ORIGIN, F,
	    "{address} answers, but it is not Jenkins (Server: {server}).",
	    "Check the port, and whether Jenkins runs under a path like /jenkins." },
	{ "origin-context", 38, DOCTOR_ORIGIN, F,
	    "Jenkins runs under the path {context}.",
	    "Start the tunnel with --context {context} (in adit.yml: context: {context}), and "
	    "use {url} in the webhook." },
	{ "origin-no-context", 71, DOCTOR_ORIGIN, F,
	    "The tunnel was started with --context {context}, but Jenkins does not run there.",
	    "Start the tunnel without --context, and use {url} in the webhook." },
	{ "origin-redirect", 39, DOCTOR_ORIGIN, F,
	    "The server redirects {path} to {location}.",
	    "Add the final '/' to the webhook's URL, or exempt the path from the login." },
	{ "origin-crumb", 40, DOCTOR_ORIGIN, F,
	    "Jenkins answers 403 'No valid crumb': {path} is no webhook of an installed plugin.",
	    "Install the plugin and restart Jenkins; check the final slash, doubled slashes and "
	    "the context path." },
	{ "origin-starting", 41, DOCTOR_ORIGIN, W,
	    "Jenkins is starting; {stored} events wait.",
	    "You need not do anything: the edge delivers them as soon as Jenkins is up." },
	{ "origin-slow", 42, DOCTOR_ORIGIN, W,
	    "The server took {seconds} s to answer; {sender} gives up after {patience}.",
	    "Use mode store: the edge answers at once and delivers afterwards." },

	/* --- what was stored, and what the server said to it --- */
	{ "inbox-parked", 45, DOCTOR_INBOX, F,
	    "{count} stored events are parked. The newest is delivery {id} ({event}, {date}): "
	    "{note}",
	    "Mend that, then send it again: adit inbox replay {id}" },
	{ "inbox-dead", 46, DOCTOR_INBOX, F,
	    "{count} stored events were given up. The newest is delivery {id} ({event}, {date}): "
	    "{note}",
	    "Mend that, then send it again: adit inbox replay {id}" },
	{ "inbox-late", 47, DOCTOR_INBOX, F,
	    "{count} stored events wait although the agent is there. The oldest waits since "
	    "{since}: {note}",
	    "The edge tries them again by itself; adit inbox list --state queued shows them." },
	{ "inbox-left", 48, DOCTOR_INBOX, W,
	    "{count} events are older than the last delivered one and were never delivered. The "
	    "newest is delivery {id} ({event}, {date}): {note}",
	    "Send it again: adit inbox replay {id}; or give it up: adit inbox drop {id}" },

	/* --- the job --- */
	{ "job-none", 43, DOCTOR_JOB, F,
	    "Jenkins said {status}, but no job started for {repository}.",
	    "Check the job's trigger, its branch filter, and host, path and letter case of its "
	    "repository URL. Build it once by hand. The log recorder "
	    "com.cloudbees.jenkins.plugins tells more." },
	{ "job-token", 72, DOCTOR_JOB, W,
	    "Jenkins refuses the user {user} with this token ({status}).",
	    "Make an API token in Jenkins (your user, Security, API Token), and give its file: "
	    "--jenkins-token-file FILE" },
	{ "job-links", 44, DOCTOR_JOB, W,
	    "Jenkins' own URL is {root}: nobody outside can open links to builds.",
	    "Set Manage Jenkins, System, Jenkins URL to {url}" },
};
/* clang-format on */
const size_t doctor_rows_n = sizeof(doctor_rows) / sizeof(*doctor_rows);

/* By the stable code, which scripts and other machines may have stored. */
const struct doctor_row *
doctor_find(struct slice code)
{
	for (size_t i = 0; i < doctor_rows_n; i++) {
		if (slice_eq(slice_str(doctor_rows[i].code), code))
			return &doctor_rows[i];
	}
	return NULL;
}

/* Values come from senders, servers and DNS: a line of the doctor stays one line. */
static void
put_clean(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_putc(out, (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? '?' : s.p[i]);
}

/*
 * A brace that is not closed reaches to the end; a key that nobody knows stays, so that a
 * mistake of ours can be seen.
 */
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
