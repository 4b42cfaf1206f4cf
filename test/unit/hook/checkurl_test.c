/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/checkurl.h"

#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define O CHECKURL_OK
#define W CHECKURL_WARNING
#define R CHECKURL_REFUSED

static struct slice
z(const char *text)
{
	return slice_str(text);
}

/* The codes of the findings, in the order in which they are given, one space between. */
static void
codes_of(const struct checkurl *c, char *dst, size_t cap)
{
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < c->n_findings && n < cap; i++)
		n += (size_t)snprintf(dst + n, cap - n, "%s%s", i > 0 ? " " : "",
		    c->findings[i].code);
}

static size_t
words(const char *text)
{
	size_t n = text[0] != '\0';

	for (; *text != '\0'; text++)
		n += *text == ' ';
	return n;
}

/* The same codes in whatever order. */
static bool
same_codes(const struct checkurl *c, const char *want)
{
	struct slice rest = slice_str(want);

	while (rest.n > 0) {
		struct slice code = slice_cut(&rest, ' ');
		bool there = false;

		for (size_t i = 0; i < c->n_findings; i++)
			there = there || slice_eq(slice_str(c->findings[i].code), code);
		if (!there)
			return false;
	}
	return words(want) == c->n_findings;
}

struct row {
	const char *url, *codes;
	enum checkurl_severity cloud, dc;
};

static const struct row rows[] = {
	/* --- as it should be --- */
	{ "https://ci.acme.dev/bitbucket-hook/", "", O, O },
	{ "https://ci.acme.dev:443/bitbucket-hook/", "", O, O },
	{ "https://ci.acme.dev/jenkins/bitbucket-hook/", "", O, O },
	{ "https://CI.Acme.DEV/bitbucket-hook/", "", O, O },
	{ "HTTPS://ci.acme.dev/bitbucket-hook/", "", O, O },
	{ "https://ci.acme.dev/github-webhook/", "", O, O },
	{ "https://ci.acme.dev/bitbucket-server-webhook/trigger", "", O, O },
	{ "https://ci.acme.dev/generic-webhook-trigger/invoke?token=abc", "", O, O },
	{ "https://ci.acme.dev/change_hook/bitbucketcloud", "", O, O },
	{ "https://ci.acme.dev/project/web", "", O, O },
	{ "https://ci.acme.dev/", "path-missing", W, W },
	{ "https://ci.acme.dev", "path-missing", W, W },
	{ "https://ci.acme.dev/hooks/3f2a", "", O, O },
	{ "https://ci.acme.dev/hooks/3f2a?x=%20y", "", O, O },
	{ "https://xn--grubenlampe-x0b.de/bitbucket-hook/", "", O, O },
	{ "https://a.b.c.d.e.f.acme.dev/bitbucket-hook/", "", O, O },
	{ "https://7.acme.dev/", "path-missing", W, W },
	{ "https://acme.co.uk/bitbucket-hook/", "", O, O },
	{ "https://my-ci.acme.dev/bitbucket-hook/", "", O, O },
	{ "https://ci.acme.dev/bitbucket-scmsource-hook/"
	  "notify?server_url=https%3A%2F%2Fgit.acme.dev",
	    "", O, O },
	{ "https://ci.acme.dev/bitbucket-scmsource-hook/notify", "server-url", O, W },
	{ "https://ci.acme.dev/bitbucket-scmsource-hook/notify?x=1", "server-url", O, W },

	/* --- this very machine --- */
	{ "http://localhost:8080/bitbucket-hook/", "port-odd http localhost", R, W },
	{ "http://localhost:8080/bitbucket-hook", "port-odd http localhost slash-missing", R, W },
	{ "http://localhost/", "http localhost", R, W },
	{ "https://localhost/bitbucket-hook/", "localhost", R, W },
	{ "https://LOCALHOST/bitbucket-hook/", "localhost", R, W },
	{ "https://localhost./bitbucket-hook/", "trailing-dot localhost", R, W },
	{ "https://localhost.localdomain/", "localhost", R, W },
	{ "https://jenkins.localhost/", "localhost", R, W },
	{ "localhost:8080", "scheme-missing port-odd localhost", R, R },
	{ "localhost:8080/bitbucket-hook/", "scheme-missing port-odd localhost", R, R },
	{ "localhost", "scheme-missing localhost", R, R },
	{ "//localhost/bitbucket-hook/", "scheme-missing localhost", R, R },
	{ "http://127.0.0.1:8080/bitbucket-hook/", "port-odd http address-loopback", R, W },
	{ "https://127.0.0.1/", "address-loopback", R, W },
	{ "https://127.1/", "address-spelling address-loopback", R, W },
	{ "https://127.0.1/", "address-spelling address-loopback", R, W },
	{ "https://127.255.255.254/", "address-loopback", R, W },
	{ "https://0177.0.0.1/", "address-spelling address-loopback", R, W },
	{ "https://0x7f.0.0.1/", "address-spelling address-loopback", R, W },
	{ "https://0X7F.1/", "address-spelling address-loopback", R, W },
	{ "https://0x7f000001/", "address-spelling address-loopback", R, W },
	{ "https://2130706433/", "address-spelling address-loopback", R, W },
	{ "https://017700000001/", "address-spelling address-loopback", R, W },
	{ "https://127.0.0.1./", "address-spelling address-loopback", R, W },
	{ "https://0000177.0.0.1/", "address-spelling address-loopback", R, W },
	{ "https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", "idn address-loopback", R, W },
	{ "https://127\xe3\x80\x82"
	  "0\xe3\x80\x82"
	  "0\xe3\x80\x82"
	  "1/",
	    "idn address-loopback", R, W },
	{ "https://"
	  "\xef\xbd\x8c\xef\xbd\x8f\xef\xbd\x83\xef\xbd\x81\xef\xbd\x8c\xef\xbd\x88\xef\xbd\x8f\xef"
	  "\xbd\x93\xef\xbd\x94/",
	    "idn localhost", R, W },
	{ "https://[::1]/", "address-loopback", R, W },
	{ "https://[::1]:8080/", "port-odd address-loopback", R, W },
	{ "https://[0:0:0:0:0:0:0:1]/", "address-loopback", R, W },
	{ "https://[0000:0000:0000:0000:0000:0000:0000:0001]/", "address-loopback", R, W },
	{ "https://::1/", "ipv6-brackets address-loopback", R, R },
	{ "https://[::ffff:127.0.0.1]/", "address-loopback", R, W },
	{ "https://[::ffff:7f00:1]/", "address-loopback", R, W },
	{ "https://localtest.me/", "private-dns", R, W },
	{ "https://jenkins.lvh.me/bitbucket-hook/", "private-dns", R, W },
	{ "https://127.0.0.1.nip.io/", "private-dns", R, W },
	{ "https://ci.127-0-0-1.sslip.io/", "private-dns", R, W },
	{ "https://7f000001.nip.io/", "private-dns", R, W },
	{ "https://app-7f000001.nip.io/", "private-dns", R, W },

	/* --- private networks --- */
	{ "https://10.0.0.5/bitbucket-hook/", "address-private", R, O },
	{ "http://10.0.0.5:8080/bitbucket-hook/", "port-odd http address-private", R, O },
	{ "https://10.255.255.255/", "address-private", R, O },
	{ "https://172.16.0.1/", "address-private", R, O },
	{ "https://172.31.255.255/", "address-private", R, O },
	{ "https://172.15.255.255/", "address-bare path-missing", W, W },
	{ "https://172.32.0.1/", "address-bare path-missing", W, W },
	{ "https://192.168.0.1/", "address-private", R, O },
	{ "https://192.168.178.20:8080/", "port-odd address-private", R, O },
	{ "https://192.167.255.255/", "address-bare path-missing", W, W },
	{ "https://192.169.0.1/", "address-bare path-missing", W, W },
	{ "https://192.168.1/", "address-spelling address-private", R, W },
	{ "https://0300.0250.0.1/", "address-spelling address-private", R, W },
	{ "https://0xc0.0xa8.0.1/", "address-spelling address-private", R, W },
	{ "https://0xc0a80001/", "address-spelling address-private", R, W },
	{ "https://3232235521/", "address-spelling address-private", R, W },
	{ "https://10.1/", "address-spelling address-private", R, W },
	{ "https://012.1/", "address-spelling address-private", R, W },
	{ "https://167772161/", "address-spelling address-private", R, W },
	{ "https://100.64.0.1/", "address-cgnat", R, W },
	{ "https://100.127.255.254/", "address-cgnat", R, W },
	{ "https://100.63.255.255/", "address-bare path-missing", W, W },
	{ "https://100.128.0.0/", "address-bare path-missing", W, W },
	{ "https://169.254.1.1/", "address-link-local", R, W },
	{ "http://169.254.169.254/latest/meta-data/", "http address-link-local", R, W },
	{ "https://0xa9fea9fe/", "address-spelling address-link-local", R, W },
	{ "https://10.0.0.1.nip.io/", "private-dns", R, W },
	{ "https://jenkins.192.168.1.5.sslip.io/bitbucket-hook/", "private-dns", R, W },
	{ "https://192-168-1-5.sslip.io/", "private-dns", R, W },
	{ "https://8.8.8.8.nip.io/", "path-missing", W, W },
	{ "https://nip.io/", "path-missing", W, W },

	/* --- other addresses that nobody on the internet has --- */
	{ "https://0.0.0.0/", "address-unspecified", R, R },
	{ "https://0/", "address-spelling address-unspecified", R, R },
	{ "https://0x0/", "address-spelling address-unspecified", R, R },
	{ "https://0.0.0.1/", "address-reserved", R, R },
	{ "https://0.1.2.3/", "address-reserved", R, R },
	{ "https://192.0.0.1/", "address-reserved", R, R },
	{ "https://192.0.0.170/", "address-reserved", R, R },
	{ "https://192.0.2.1/", "address-documentation", R, R },
	{ "https://198.51.100.7/", "address-documentation", R, R },
	{ "https://203.0.113.9/", "address-documentation", R, R },
	{ "https://192.88.99.1/", "address-reserved", R, R },
	{ "https://198.18.0.1/", "address-benchmark", R, W },
	{ "https://198.19.255.255/", "address-benchmark", R, W },
	{ "https://198.20.0.1/", "address-bare path-missing", W, W },
	{ "https://224.0.0.1/", "address-multicast", R, R },
	{ "https://239.255.255.250/", "address-multicast", R, R },
	{ "https://240.0.0.1/", "address-reserved", R, R },
	{ "https://255.255.255.254/", "address-reserved", R, R },
	{ "https://255.255.255.255/", "address-broadcast", R, R },
	{ "https://4294967295/", "address-spelling address-broadcast", R, R },
	{ "https://037777777777/", "address-spelling address-broadcast", R, R },

	/* --- public addresses --- */
	{ "https://8.8.8.8/bitbucket-hook/", "address-bare", W, W },
	{ "https://1.1.1.1:8443/", "address-bare path-missing port-odd", W, W },
	{ "https://134744072/", "address-spelling address-bare path-missing", W, W },
	{ "https://0x08080808/", "address-spelling address-bare path-missing", W, W },
	{ "https://010.8.8.8/", "address-spelling address-bare path-missing", W, W },
	{ "https://223.255.255.255/", "address-bare path-missing", W, W },

	/* --- IPv6 --- */
	{ "https://[2606:4700:4700::1111]/", "address-bare path-missing", W, W },
	{ "https://[2606:4700:4700::1111]:443/", "address-bare path-missing", W, W },
	{ "https://2606:4700:4700::1111/", "ipv6-brackets address-bare", R, R },
	{ "https://[::]/", "address-unspecified", R, R },
	{ "https://[fe80::1]/", "address-link-local", R, W },
	{ "https://[febf:ffff::1]/", "address-link-local", R, W },
	{ "https://[fe80::1%25eth0]/", "ipv6-zone address-link-local", R, R },
	{ "https://[fe80::1%eth0]/", "ipv6-zone address-link-local", R, R },
	{ "https://[fec0::1]/", "address-site-local", R, W },
	{ "https://[fc00::1]/", "address-ula", R, O },
	{ "https://[fd12:3456:789a::1]/", "address-ula", R, O },
	{ "https://[fe00::1]/", "address-reserved", R, R },
	{ "https://[ff02::1]/", "address-multicast", R, R },
	{ "https://[2001:db8::1]/", "address-documentation", R, R },
	{ "https://[3fff::1]/", "address-documentation", R, R },
	{ "https://[3fff:1000::1]/", "address-bare path-missing", W, W },
	{ "https://[2001::1]/", "address-tunnel", R, W },
	{ "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "address-tunnel", R, W },
	{ "https://[2001:2::1]/", "address-benchmark", R, W },
	{ "https://[2001:20::1]/", "address-reserved", R, R },
	{ "https://[2001:200::1]/", "address-bare path-missing", W, W },
	{ "https://[2002:7f00:1::]/", "address-tunnel", R, W },
	{ "https://[2002:c0a8:101::1]/", "address-tunnel", R, W },
	{ "https://[64:ff9b::7f00:1]/", "address-nat64", R, W },
	{ "https://[64:ff9b::127.0.0.1]/", "address-nat64", R, W },
	{ "https://[64:ff9b:1::1]/", "address-nat64", R, W },
	{ "https://[64:ff9b:2::1]/", "address-reserved", R, R },
	{ "https://[100::1]/", "address-reserved", R, R },
	{ "https://[::127.0.0.1]/", "address-reserved", R, R },
	{ "https://[::ffff:0:127.0.0.1]/", "address-reserved", R, R },
	{ "https://[::ffff:10.0.0.1]/", "address-private", R, O },
	{ "https://[::ffff:192.168.1.1]/", "address-private", R, O },
	{ "https://[::ffff:169.254.169.254]/", "address-link-local", R, W },
	{ "https://[::ffff:100.64.0.1]/", "address-cgnat", R, W },
	{ "https://[::ffff:8.8.8.8]/", "address-bare path-missing", W, W },
	{ "https://[::FFFF:0A00:0001]/", "address-private", R, O },
	{ "https://[5f00::1]/", "address-reserved", R, R },
	{ "https://[4000::1]/", "address-reserved", R, R },
	{ "https://[1::1]/", "address-reserved", R, R },
	{ "https://[::1/", "port-invalid single-label host-character", R, R },
	{ "https://[]/", "host-missing", R, R },
	{ "https://[:::]/", "host-character", R, R },
	{ "https://[1:2:3]/", "host-character", R, R },
	{ "https://[12345::1]/", "host-character", R, R },
	{ "https://[127.0.0.1]/", "host-character", R, R },
	{ "https://[::1]x/", "host-character address-loopback", R, R },
	{ "https://[::1]:99999/", "port-invalid address-loopback", R, R },

	/* --- names of one's own network --- */
	{ "https://jenkins/", "single-label", R, W },
	{ "http://jenkins:8080/bitbucket-hook/", "port-odd http single-label", R, W },
	{ "https://ci-server/bitbucket-hook/", "single-label", R, W },
	{ "jenkins:8080", "scheme-missing port-odd single-label", R, R },
	{ "https://jenkins./", "trailing-dot single-label", R, W },
	{ "https://jenkins.local/", "local-name", R, W },
	{ "https://jenkins.lan/", "local-name", R, W },
	{ "https://jenkins.home/", "local-name", R, W },
	{ "https://jenkins.home.arpa/", "local-name", R, W },
	{ "https://jenkins.fritz.box/", "local-name", R, W },
	{ "https://jenkins.acme.internal/", "local-name", R, W },
	{ "https://jenkins.corp/", "local-name", R, W },
	{ "https://jenkins.intranet/", "local-name", R, W },
	{ "https://jenkins.ci.svc.cluster.local/", "local-name", R, W },
	{ "http://host.docker.internal:8080/", "port-odd http local-name", R, W },
	{ "https://ci.localdomain/", "local-name", R, W },
	{ "https://ci.acme.test/", "reserved-name", R, R },
	{ "https://ci.example.com/bitbucket-hook/", "example-name", W, W },
	{ "https://example.org/", "example-name path-missing", W, W },
	{ "https://www.example.net/jenkins/", "example-name path-no-hook", W, W },
	{ "https://ci.acme.dev/jenkins", "path-no-hook", W, W },
	{ "https://ci.acme.dev/jenkins/", "path-no-hook", W, W },
	{ "https://ci.acme.dev/jenkins/login?from=%2Fjenkins%2F", "path-no-hook", W, W },
	{ "https://ci.invalid/", "reserved-name", R, R },
	{ "https://ci.example/", "reserved-name", R, R },
	{ "https://abcdefghij.onion/", "reserved-name", R, R },
	{ "https://1.0.0.10.in-addr.arpa/", "reserved-name", R, R },
	{ "https://notlocal/", "single-label", R, W },
	{ "https://ci.notlocal.dev/", "path-missing", W, W },
	{ "https://myexample.com/", "path-missing", W, W },

	/* --- names that are not one's own --- */
	{ "https://ab12cd34.ngrok.io/bitbucket-hook/", "random-name", W, W },
	{ "https://quick-fox-1.ngrok-free.app/bitbucket-hook/", "random-name", W, W },
	{ "https://some-words-here.trycloudflare.com/", "random-name path-missing", W, W },
	{ "https://abc.loca.lt/bitbucket-hook", "random-name slash-missing", W, W },
	{ "https://abc.serveo.net/", "random-name path-missing", W, W },
	{ "https://abc.lhr.life/", "random-name path-missing", W, W },
	{ "https://smee.io/aBcDeF123456", "relay", W, W },
	{ "https://webhook.site/3f2a", "relay", W, W },

	/* --- scheme --- */
	{ "ci.acme.dev/bitbucket-hook/", "scheme-missing", R, R },
	{ "ci.acme.dev", "scheme-missing", R, R },
	{ "www.acme.dev:443/", "scheme-missing", R, R },
	{ "//ci.acme.dev/bitbucket-hook/", "scheme-missing", R, R },
	{ "://ci.acme.dev/", "scheme-missing", R, R },
	{ "http:/ci.acme.dev/bitbucket-hook/", "scheme-slashes http", R, R },
	{ "https:/ci.acme.dev/", "scheme-slashes", R, R },
	{ "https:ci.acme.dev/", "scheme-slashes", R, R },
	{ "https:///ci.acme.dev/", "scheme-slashes", R, R },
	{ "https//ci.acme.dev/", "scheme-slashes", R, R },
	{ "https;//ci.acme.dev/", "scheme-slashes", R, R },
	{ "http.//ci.acme.dev/", "scheme-missing trailing-dot single-label slash-doubled", R, R },
	{ "https:\\\\ci.acme.dev\\bitbucket-hook\\", "backslash", R, R },
	{ "https://ci.acme.dev\\bitbucket-hook/", "backslash", R, R },
	{ "htps://ci.acme.dev/", "scheme-unknown", R, R },
	{ "hhttps://ci.acme.dev/", "scheme-unknown", R, R },
	{ "ttps://ci.acme.dev/", "scheme-unknown", R, R },
	{ "ftp://ci.acme.dev/", "scheme-unknown", R, R },
	{ "ssh://git@ci.acme.dev/web.git", "scheme-unknown userinfo", R, R },
	{ "git@bitbucket.org:acme/web.git", "scheme-missing userinfo port-invalid", R, R },
	{ "wss://ci.acme.dev/", "scheme-unknown", R, R },
	{ "tcp://ci.acme.dev:22", "scheme-unknown port-odd", R, R },
	{ "file:///etc/passwd", "scheme-unknown single-label", R, R },
	{ "mailto:rosa@acme.dev", "scheme-unknown userinfo", R, R },
	{ "javascript:alert(1)", "scheme-unknown single-label host-character", R, R },
	{ "unix:/run/jenkins.sock", "scheme-unknown single-label", R, R },
	{ "http://ci.acme.dev/bitbucket-hook/", "http", W, O },
	{ "http://ci.acme.dev:80/bitbucket-hook/", "http", W, O },

	/* --- ports --- */
	{ "https://ci.acme.dev:8443/bitbucket-hook/", "port-odd", W, O },
	{ "http://ci.acme.dev:8080/bitbucket-hook/", "port-odd http", W, O },
	{ "https://ci.acme.dev:80/", "port-scheme path-missing", W, W },
	{ "http://ci.acme.dev:443/", "port-scheme path-missing http", W, W },
	{ "https://ci.acme.dev:/", "port-empty path-missing", W, W },
	{ "https://ci.acme.dev:0/", "port-invalid", R, R },
	{ "https://ci.acme.dev:65535/", "path-missing port-odd", W, W },
	{ "https://ci.acme.dev:65536/", "port-invalid", R, R },
	{ "https://ci.acme.dev:99999999999999999999/", "port-invalid", R, R },
	{ "https://ci.acme.dev:-1/", "port-invalid", R, R },
	{ "https://ci.acme.dev:+443/", "port-invalid", R, R },
	{ "https://ci.acme.dev:https/", "port-invalid", R, R },
	{ "https://ci.acme.dev:0443/", "path-missing", W, W },
	{ "https://ci.acme.dev:443:443/", "port-invalid", R, R },

	/* --- user names, fragments --- */
	{ "https://rosa:secret@ci.acme.dev/bitbucket-hook/", "userinfo", R, W },
	{ "https://rosa@ci.acme.dev/bitbucket-hook/", "userinfo", R, W },
	{ "https://@ci.acme.dev/", "userinfo", R, W },
	{ "https://a@b@ci.acme.dev/", "userinfo", R, W },
	{ "https://ci.acme.dev@10.0.0.1/", "userinfo address-private", R, W },
	{ "https://bitbucket.org:x@localhost/", "userinfo localhost", R, W },
	{ "https://ci.acme.dev/bitbucket-hook/#top", "fragment", R, W },
	{ "https://ci.acme.dev/#", "fragment", R, W },
	{ "https://ci.acme.dev#@evil.dev/", "fragment", R, W },
	{ "https://ci.acme.dev?x@evil.dev/", "path-missing", W, W },

	/* --- hosts that are none --- */
	{ "", "empty", R, R },
	{ "   ", "empty", R, R },
	{ "\t\r\n", "empty", R, R },
	{ "https://", "host-missing", R, R },
	{ "https:///", "scheme-slashes host-missing", R, R },
	{ "https://:443/", "host-missing", R, R },
	{ "https://?x", "host-missing", R, R },
	{ "https://./", "host-label", R, R },
	{ "https://../", "host-label", R, R },
	{ "https://ci..acme.dev/", "host-label", R, R },
	{ "https://.acme.dev/", "host-label", R, R },
	{ "https://acme.dev../", "host-label", R, R },
	{ "https://-ci.acme.dev/", "host-label", R, R },
	{ "https://ci-.acme.dev/", "host-label", R, R },
	{ "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.acme.dev/",
	    "host-label", R, R },
	{ "https://my_ci.acme.dev/bitbucket-hook/", "host-underscore", W, W },
	{ "https://ci.acme.dev./bitbucket-hook/", "trailing-dot", W, W },
	{ "https://ci,acme.dev/", "host-character", R, R },
	{ "https://ci.acme.dev;x/", "host-character", R, R },
	{ "https://ci%2eacme.dev/", "host-character", R, R },
	{ "https://127%2e0.0.1/", "host-character", R, R },
	{ "https://ci.acme.dev!/", "host-character", R, R },
	{ "https://ci acme.dev/", "space host-character", R, R },
	{ "https://256.1.1.1/", "host-numeric", R, R },
	{ "https://1.2.3.4.5/", "host-numeric", R, R },
	{ "https://1.2.3.999/", "host-numeric", R, R },
	{ "https://08.8.8.8/", "host-numeric", R, R },
	{ "https://4294967296/", "single-label host-numeric", R, R },
	{ "https://0x100000000/", "single-label host-numeric", R, R },
	{ "https://1.16777216/", "host-numeric", R, R },
	{ "https://ci.7/", "host-numeric", R, R },
	{ "https://$HOST/bitbucket-hook/", "placeholder", R, R },
	{ "https://{host}/bitbucket-hook/", "placeholder", R, R },
	{ "https://<your-host>/bitbucket-hook/", "placeholder", R, R },
	{ "https://YOUR_JENKINS_URL/bitbucket-hook/", "placeholder", R, R },
	{ "https://your-domain.com/bitbucket-hook/", "placeholder", R, R },
	{ "https://gr\xc3\xbc"
	  "be.de/bitbucket-hook/",
	    "idn", W, W },
	{ "https://\xe4\xbe\x8b\xe3\x81\x88.jp/", "idn path-missing", W, W },
	{ "https://ci.acme.dev\xe2\x80\x8b/", "idn path-missing", W, W },

	/* --- bytes --- */
	{ " https://ci.acme.dev/bitbucket-hook/", "space-around", W, W },
	{ "https://ci.acme.dev/bitbucket-hook/ ", "space-around", W, W },
	{ "https://ci.acme.dev/bitbucket-hook/\n", "space-around", W, W },
	{ "\thttps://ci.acme.dev/bitbucket-hook/\r\n", "space-around", W, W },
	{ "\xc2\xa0https://ci.acme.dev/bitbucket-hook/", "space-around", W, W },
	{ "\xef\xbb\xbfhttps://ci.acme.dev/bitbucket-hook/", "space-around", W, W },
	{ "https://ci.acme.dev/bitbucket-hook/\xe2\x80\x8b", "space-around", W, W },
	{ "https://ci.acme.dev/bitbucket hook/", "space", R, R },
	{ "https://ci.acme.dev/bitbucket-hook/ x", "space", R, R },
	{ "https://ci.acme.dev/bitbucket-\nhook/", "control-character", R, R },
	{ "https://ci.acme.dev/\x01", "control-character", R, R },
	{ "https://ci.acme.dev/\x7f", "control-character", R, R },
	{ "https://ci.ac\tme.dev/", "control-character host-character", R, R },
	{ "\"https://ci.acme.dev/bitbucket-hook/\"", "quotes", R, R },
	{ "'https://ci.acme.dev/bitbucket-hook/'", "quotes", R, R },
	{ "<https://ci.acme.dev/bitbucket-hook/>", "quotes", R, R },
	{ "`https://ci.acme.dev/bitbucket-hook/`", "quotes", R, R },
	{ "(https://ci.acme.dev/bitbucket-hook/)", "quotes", R, R },
	{ "[https://ci.acme.dev/bitbucket-hook/]", "quotes", R, R },

	/* --- paths --- */
	{ "https://ci.acme.dev/bitbucket-hook", "slash-missing", W, W },
	{ "https://ci.acme.dev/github-webhook", "slash-missing", W, W },
	{ "https://ci.acme.dev/jenkins/bitbucket-hook", "slash-missing", W, W },
	{ "https://ci.acme.dev/bitbucket-hook?x=1", "slash-missing", W, W },
	{ "https://ci.acme.dev/Bitbucket-Hook/", "path-case", W, W },
	{ "https://ci.acme.dev/BITBUCKET-HOOK", "slash-missing", W, W },
	{ "https://ci.acme.dev//bitbucket-hook/", "slash-doubled", W, W },
	{ "https://ci.acme.dev/bitbucket-hook//", "slash-doubled path-other", W, W },
	{ "https://ci.acme.dev/./bitbucket-hook/", "path-dots", W, W },
	{ "https://ci.acme.dev/x/../bitbucket-hook/", "path-dots", W, W },
	{ "https://ci.acme.dev/%2e%2e/bitbucket-hook/", "path-dots", W, W },
	{ "https://ci.acme.dev/hooks/%zz", "path-encoding", W, W },
	{ "https://ci.acme.dev/hooks/%", "path-encoding", W, W },
	{ "https://ci.acme.dev/hooks/%4", "path-encoding", W, W },
	{ "https://ci.acme.dev/hooks/gr\xc3\xbc"
	  "be",
	    "path-encoding", W, W },
	{ "https://ci.acme.dev/hooks?x=%g0", "path-encoding", W, W },
	{ "https://ci.acme.dev/job/web/build?token=x", "path-no-hook", W, W },
	{ "https://ci.acme.dev/job/web/", "path-no-hook", W, W },
	{ "https://ci.acme.dev/jenkins/job/web/buildWithParameters", "path-no-hook", W, W },
	{ "https://ci.acme.dev/manage", "path-no-hook", W, W },
	{ "https://ci.acme.dev/login?from=%2F", "path-no-hook", W, W },
};

TEST(urls)
{
	size_t n = sizeof(rows) / sizeof(*rows);
	const struct checkurl_params none = { 0 };

	EXPECT(n >= 220);
	for (size_t i = 0; i < n; i++) {
		struct checkurl c;
		char codes[512];

		checkurl_read(z(rows[i].url), &none, &c);
		codes_of(&c, codes, sizeof(codes));
		if (!same_codes(&c, rows[i].codes) || c.cloud != rows[i].cloud ||
		    c.dc != rows[i].dc)
			printf("\"%s\": %s | %s %s (wanted %s | %s %s)\n", rows[i].url, codes,
			    checkurl_severity_name(c.cloud), checkurl_severity_name(c.dc),
			    rows[i].codes, checkurl_severity_name(rows[i].cloud),
			    checkurl_severity_name(rows[i].dc));
		EXPECT(same_codes(&c, rows[i].codes));
		for (size_t k = 1; k < c.n_findings; k++)
			EXPECT(c.findings[k - 1].cloud + c.findings[k - 1].dc >=
			       c.findings[k].cloud + c.findings[k].dc);
		EXPECT_INT(c.cloud, rows[i].cloud);
		EXPECT_INT(c.dc, rows[i].dc);
		/* Every finding has a cause and a remedy, whole and printable. */
		for (size_t k = 0; k < c.n_findings; k++) {
			const struct checkurl_finding *f = &c.findings[k];

			EXPECT(strlen(f->cause) > 10 && strlen(f->cause) + 1 < sizeof(f->cause));
			EXPECT(strlen(f->remedy) > 10 && strlen(f->remedy) + 1 < sizeof(f->remedy));
			for (const char *p = f->cause; *p != '\0'; p++)
				EXPECT(*p >= ' ' && *p <= '~');
			for (const char *p = f->remedy; *p != '\0'; p++)
				EXPECT(*p >= ' ' && *p <= '~');
		}
	}
	printf("note: %zu URLs\n", n);
}

/* What is suggested has no finding that refuses it. */
TEST(suggestions_are_good)
{
	const struct checkurl_params p = { .name = "ci", .edge = "hooks.acme.dev" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct checkurl c, again;
		char codes[512];

		checkurl_read(z(rows[i].url), &p, &c);
		if (c.suggestion[0] == '\0')
			continue;
		EXPECT(strcmp(c.suggestion, rows[i].url) != 0);
		checkurl_read(z(c.suggestion), &p, &again);
		codes_of(&again, codes, sizeof(codes));
		if (again.cloud == R || again.dc == R)
			printf("\"%s\" -> %s: %s\n", rows[i].url, c.suggestion, codes);
		EXPECT(again.cloud != R && again.dc != R);
	}
}

/* What Cloud refuses by a public document, and what we only expect it to refuse. */
TEST(sources)
{
	const struct checkurl_params none = { 0 };
	struct checkurl c;
	size_t n = 0;

	for (size_t i = 0; i < checkurl_codes_n; i++) {
		n += checkurl_codes[i].source != NULL;
		EXPECT(checkurl_codes[i].source == NULL ||
		       (checkurl_codes[i].cloud == R &&
			   strstr(checkurl_codes[i].source, "https://") != NULL));
	}
	EXPECT(n > 20);
	checkurl_read(S("http://localhost:8080/bitbucket-hook/"), &none, &c);
	EXPECT(c.findings[0].source != NULL);
	checkurl_read(S("https://ci.acme.dev/bitbucket-hook/#x"), &none, &c);
	EXPECT_SLICE(z(c.findings[0].code), S("fragment"));
	EXPECT(c.findings[0].source == NULL);
}

/* A command is typed into a shell: nothing of the URL that a shell reads may get into it. */
TEST(commands_are_safe)
{
	static const char *const urls[] = { "https://$(reboot)/", "https://`reboot`/",
		"https://a;reboot/", "https://a|b/", "https://a&b/", "https://a b/", "https://'a'/",
		"https://\"a\"/", "https://-rf/", "https://a>b.local/", "https://a\\b/",
		"https://*.local/", "https://[::1%;reboot]/", "https://a.local;reboot/",
		"https://~root.lan/", "https://!!.lan/", "https://\xc3\xa4;reboot.lan/" };
	const struct checkurl_params none = { 0 };

	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct checkurl c;

		checkurl_read(z(urls[i]), &none, &c);
		EXPECT(strspn(c.command, "abcdefghijklmnopqrstuvwxyz0123456789 :/.-[]") ==
		       strlen(c.command));
		EXPECT(strstr(c.command, "reboot") == NULL || strchr(c.command, ';') == NULL);
		EXPECT(strstr(c.command, " -rf") == NULL);
	}
}

TEST(commands)
{
	static const struct {
		const char *url, *command, *suggestion;
	} want[] = {
		{ "http://localhost:8080/bitbucket-hook/",
		    "adit http 8080 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
		{ "http://localhost:8080", "adit http 8080 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
		{ "localhost:9090/github-webhook", "adit http 9090 --name ci --for jenkins-github",
		    "https://ci.edge.dev/github-webhook/" },
		{ "https://localhost:8443/bitbucket-hook/",
		    "adit http https://localhost:8443 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
		{ "http://192.168.1.5:8080/bitbucket-hook/",
		    "adit http 192.168.1.5:8080 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
		{ "http://jenkins.local:8080/hooks/x", "adit http jenkins.local:8080 --name ci",
		    "https://ci.edge.dev/hooks/x" },
		{ "https://[fd00::5]/bitbucket-hook/",
		    "adit http https://[fd00::5]:443 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
		{ "http://0x7f.1:8080/", "adit http 8080 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
		{ "http://127.0.0.1/bitbucket-hook/",
		    "adit http 80 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
		{ "https://localhost/bitbucket-hook/",
		    "adit http https://localhost --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
		{ "localhost", "adit http 8080 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
		/* a Jenkins that lives below a path */
		{ "http://localhost:8080/jenkins/bitbucket-hook",
		    "adit http 8080 --name ci --for jenkins-bitbucket --context /jenkins",
		    "https://ci.edge.dev/jenkins/bitbucket-hook/" },
		{ "http://jenkins:8080/jenkins/job/web/",
		    "adit http jenkins:8080 --name ci --for jenkins-bitbucket --context /jenkins",
		    "https://ci.edge.dev/jenkins/bitbucket-hook/" },
		{ "http://localhost:8080/Tools/CI/github-webhook",
		    "adit http 8080 --name ci --for jenkins-github --context /Tools/CI",
		    "https://ci.edge.dev/Tools/CI/github-webhook/" },
		{ "http://localhost:8080/;reboot/bitbucket-hook/",
		    "adit http 8080 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/;reboot/bitbucket-hook/" },
		{ "https://ci.acme.dev/jenkins", "",
		    "https://ci.acme.dev/jenkins/bitbucket-hook/" },
		{ "https://ci.acme.dev/jenkins/manage/", "",
		    "https://ci.acme.dev/jenkins/bitbucket-hook/" },
		{ "https://ci.acme.dev/", "", "https://ci.acme.dev/bitbucket-hook/" },
		{ "https://ci.acme.dev\\jenkins\\bitbucket-hook\\", "",
		    "https://ci.acme.dev/jenkins/bitbucket-hook/" },
		{ "https:\\\\ci.acme.dev\\hooks\\3f2a", "", "https://ci.acme.dev/hooks/3f2a" },
		/* the scheme follows the port */
		{ "http://ci.acme.dev:443/hooks/x", "", "https://ci.acme.dev/hooks/x" },
		{ "ci.acme.dev:443/hooks/x", "", "https://ci.acme.dev/hooks/x" },
		{ "ci.acme.dev:8080/hooks/x", "adit http ci.acme.dev:8080 --name ci",
		    "https://ci.edge.dev/hooks/x" },
		{ "http://ci.acme.dev:8080/bitbucket-hook",
		    "adit http ci.acme.dev:8080 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
		/* nothing better is known than what was typed */
		{ "https://ci.acme.dev:8443/bitbucket-hook/", "", "" },
		{ "https://8.8.8.8/generic-webhook-trigger/invoke?token=x", "", "" },
		{ "http://ci.acme.dev/bitbucket-hook", "", "https://ci.acme.dev/bitbucket-hook/" },
		{ "ci.acme.dev:8443/hooks/x", "", "https://ci.acme.dev:8443/hooks/x" },
		{ "https://ci.acme.dev/bitbucket-hook/", "", "" },
		{ "", "adit http 8080 --name ci --for jenkins-bitbucket",
		    "https://ci.edge.dev/bitbucket-hook/" },
	};
	const struct checkurl_params p = { .name = "ci", .edge = "edge.dev" };

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct checkurl c;

		checkurl_read(z(want[i].url), &p, &c);
		EXPECT_SLICE(z(c.command), z(want[i].command));
		EXPECT_SLICE(z(c.suggestion), z(want[i].suggestion));
	}
}

TEST(preset_is_asked_for)
{
	const struct checkurl_params p = { .preset = preset_find(S("jenkins-github")) };
	struct checkurl c;
	char codes[128];

	checkurl_read(S("https://ci.acme.dev/"), &p, &c);
	codes_of(&c, codes, sizeof(codes));
	EXPECT_SLICE(z(codes), S("path-missing"));
	EXPECT_SLICE(z(c.suggestion), S("https://ci.acme.dev/github-webhook/"));
	checkurl_read(S("https://ci.acme.dev/bitbucket-hook/"), &p, &c);
	codes_of(&c, codes, sizeof(codes));
	EXPECT_SLICE(z(codes), S("path-other"));
	checkurl_read(S("https://ci.acme.dev/github-webhook/"), &p, &c);
	EXPECT_INT(c.n_findings, 0);
}

TEST(long_urls)
{
	static char url[LIMIT_CHECKURL_BYTES + 10];
	const struct checkurl_params none = { 0 };
	struct checkurl c;

	memset(url, 'a', sizeof(url));
	memcpy(url, "https://ci.acme.dev/hooks/", 26);
	checkurl_read(slice_of(url, 2000), &none, &c);
	EXPECT_INT(c.n_findings, 0);
	checkurl_read(slice_of(url, 2001), &none, &c);
	EXPECT_SLICE(z(c.findings[0].code), S("long"));
	checkurl_read(slice_of(url, LIMIT_CHECKURL_BYTES), &none, &c);
	EXPECT_INT(c.cloud, W);
	checkurl_read(slice_of(url, sizeof(url)), &none, &c);
	EXPECT_SLICE(z(c.findings[0].code), S("too-long"));
	EXPECT_INT(c.cloud, R);
	/* one host of that length */
	memset(url + 8, 'b', sizeof(url) - 8);
	checkurl_read(slice_of(url, 600), &none, &c);
	EXPECT_SLICE(z(c.findings[0].code), S("host-label"));
	/* a NUL is a control character, not the end */
	checkurl_read(S("https://ci.acme.dev/\0x"), &none, &c);
	EXPECT_SLICE(z(c.findings[0].code), S("control-character"));
}

TEST(resolved_addresses)
{
	const struct checkurl_params none = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct checkurl c;

	checkurl_read(S("https://ci.acme.dev/bitbucket-hook/"), &none, &c);
	in.sin_addr.s_addr = htonl(0x08080808);
	checkurl_address(&c, &none, (struct sockaddr *)&in, sizeof(in), "8.8.8.8");
	EXPECT_INT(c.n_findings, 0);
	in.sin_addr.s_addr = htonl(0x0a000001);
	checkurl_address(&c, &none, (struct sockaddr *)&in, sizeof(in), "10.0.0.1");
	EXPECT_INT(c.n_findings, 1);
	EXPECT_SLICE(z(c.findings[0].code), S("resolves-private"));
	EXPECT_INT(c.cloud, R);
	EXPECT_SLICE(z(c.command),
	    S("adit http https://ci.acme.dev:443 --name jenkins --for jenkins-bitbucket"));
	EXPECT(strstr(c.findings[0].cause, "10.0.0.1") != NULL &&
	       strstr(c.findings[0].remedy, "adit http") != NULL);
}

/* S-12: the classes of addresses, by value. */
static enum ipclass
class_of(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return ipclass_sockaddr((struct sockaddr *)&in, sizeof(in));
	EXPECT_INT(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return ipclass_sockaddr((struct sockaddr *)&in6, sizeof(in6));
}

TEST(s12_only_global_addresses_are_global)
{
	static const char *const global[] = { "1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0",
		"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
		"192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255",
		"203.0.114.0", "223.255.255.255",
		"2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2003::", "2606:4700::1",
		"3ffe::", "::ffff:8.8.8.8" };
	static const char *const other[] = { "0.0.0.0", "0.255.255.255", "10.0.0.0",
		"10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.0", "127.255.255.255",
		"169.254.0.0", "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0",
		"192.0.0.255", "192.0.2.0", "192.0.2.255", "192.88.99.0", "192.168.0.0",
		"192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.0", "203.0.113.255",
		"224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255", "::", "::1", "::2",
		"::127.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:0:0",
		"::ffff:0:8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::8.8.8.8",
		"100::", "100:0:0:1::", "2001::", "2001:1::1", "2001:10::", "2001:20::",
		"2001:1ff:ffff::", "2001:db8::", "2001:db8:ffff::", "2002::", "2002:808:808::",
		"3fff::", "3fff:fff:ffff::", "4000::", "5f00::", "fbff::", "fc00::", "fdff::",
		"fe00::", "fe80::", "febf::", "fec0::", "feff::", "ff00::", "ffff::", "1fff::" };

	for (size_t i = 0; i < sizeof(global) / sizeof(*global); i++) {
		if (class_of(global[i]) != IPCLASS_GLOBAL)
			printf("%s: %s\n", global[i], ipclass_name(class_of(global[i])));
		EXPECT_INT(class_of(global[i]), IPCLASS_GLOBAL);
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		if (class_of(other[i]) == IPCLASS_GLOBAL)
			printf("%s: global\n", other[i]);
		EXPECT(class_of(other[i]) != IPCLASS_GLOBAL);
	}
	struct sockaddr unix_address = { .sa_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(0x08080808) } };

	EXPECT_INT(ipclass_sockaddr(&unix_address, sizeof(unix_address)), IPCLASS_RESERVED);
	EXPECT_INT(ipclass_sockaddr((struct sockaddr *)&in, 4), IPCLASS_RESERVED);
}

/* Our reading of odd spellings is the system's. */
TEST(spellings_agree_with_inet_aton)
{
	static const char *const parts[] = { "0", "1", "08", "010", "0x10", "0X1f", "255", "256",
		"65535", "65536", "16777215", "16777216", "4294967295", "4294967296", "0xffffffff",
		"0x100000000", "00", "0377", "0400", "a", "1a" };
	const size_t k = sizeof(parts) / sizeof(*parts);

	for (size_t n = 1; n <= 5; n++) {
		for (size_t i = 0; i < k * k * k; i++) {
			char text[100] = "";
			struct in_addr a;
			uint32_t v = 0;
			bool plain, ours;
			size_t at = 0, pick = i;

			for (size_t p = 0; p < n; p++, pick /= k)
				at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
				    p > 0 ? "." : "", parts[pick % k]);
			ours = ipclass_parse_v4(z(text), &v, &plain);
			if (ours != (inet_aton(text, &a) == 1) || (ours && ntohl(a.s_addr) != v))
				printf("%s: %d %08x\n", text, ours, v);
			EXPECT(ours == (inet_aton(text, &a) == 1) &&
			       (!ours || ntohl(a.s_addr) == v));
			if (ours && plain)
				EXPECT_INT(inet_pton(AF_INET, text, &a), 1);
		}
	}
}

TEST(codes_are_unique)
{
	for (size_t i = 0; i < checkurl_codes_n; i++) {
		for (size_t k = 0; k < i; k++)
			EXPECT(strcmp(checkurl_codes[i].code, checkurl_codes[k].code) != 0);
	}
}

/* Every code of the table is found somewhere above, so that none is a promise only. */
TEST(every_code_occurs)
{
	static const char *const elsewhere[] = { "too-long", "long", "resolves-private",
		"path-missing" };

	for (size_t i = 0; i < checkurl_codes_n; i++) {
		const char *code = checkurl_codes[i].code;
		bool seen = false;

		for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++) {
			struct slice rest = z(rows[k].codes);

			while (rest.n > 0)
				seen = slice_eq(slice_cut(&rest, ' '), z(code)) || seen;
		}
		for (size_t k = 0; k < 4; k++)
			seen = seen || strcmp(elsewhere[k], code) == 0;
		if (!seen)
			printf("%s is never found\n", code);
		EXPECT(seen);
	}
}

TESTS(TEST_ROW(urls) TEST_ROW(suggestions_are_good) TEST_ROW(sources) TEST_ROW(commands_are_safe)
	TEST_ROW(commands) TEST_ROW(preset_is_asked_for) TEST_ROW(long_urls)
	    TEST_ROW(resolved_addresses) TEST_ROW(s12_only_global_addresses_are_global)
		TEST_ROW(spellings_agree_with_inet_aton) TEST_ROW(codes_are_unique)
		    TEST_ROW(every_code_occurs))
