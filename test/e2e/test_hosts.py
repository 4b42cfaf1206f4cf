# SPDX-License-Identifier: Apache-2.0
"""One canonical authority, and routing, policy and authentication all read it (S-06, S-07)."""
import pytest

from origin import ok


@pytest.fixture(scope="module")
def two(shared_lab):
    """Two tunnels with an origin each."""
    edge = shared_lab.edge()
    a, b = shared_lab.origin(ok), shared_lab.origin(ok)
    shared_lab.agent(edge, "http", a.address, "--name", "aa")
    shared_lab.agent(edge, "http", b.address, "--name", "bb")
    return edge, a, b


def raw(edge, text, host="aa.localhost", tls=True):
    with edge.visitor(host, tls=tls) as v:
        v.send(text)
        return v.response()


@pytest.mark.parametrize("host", ["aa.localhost", "AA.LocalHost", "aa.localhost.", "aa.localhost:443", "Aa.localhost.:8443"])
def test_s06_spellings_of_one_host(two, host):
    edge, a, b = two
    n, other = len(a.requests), len(b.requests)
    assert raw(edge, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").status == 200
    assert (len(a.requests), len(b.requests)) == (n + 1, other)


@pytest.mark.parametrize("text,status", [
    ("GET / HTTP/1.1\r\nHost: aa.localhost\r\nHost: bb.localhost\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: aa.localhost\r\nHost: aa.localhost\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: aa.localhost,bb.localhost\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: user@aa.localhost\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: aa.localhost:99999\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: aa.localhost:x\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: aa..localhost\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: aa.localhost/x\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: %61a.localhost\r\n\r\n", 400),
    ("GET http://user@aa.localhost/ HTTP/1.1\r\nHost: aa.localhost\r\n\r\n", 400),
    ("CONNECT aa.localhost:443 HTTP/1.1\r\nHost: aa.localhost:443\r\n\r\n", None),
], ids=repr)
def test_s06_ambiguous_hosts_reach_nobody(two, text, status):
    edge, a, b = two
    before = len(a.requests), len(b.requests)
    m = raw(edge, text, tls=False)
    assert m.status == status or status is None and 400 <= m.status < 600, m
    assert (len(a.requests), len(b.requests)) == before


def test_s06_absolute_form(two):
    """The authority of the target counts and becomes the Host (RFC 9112 3.2.2); the origin gets origin-form."""
    edge, a, _ = two
    n = len(a.requests)
    m = raw(edge, "GET http://aa.localhost/x?y HTTP/1.1\r\nHost: aa.localhost\r\n\r\n", tls=False)
    assert m.status == 200
    assert a.requests[n].target == "/x?y" and a.requests[n].get("host") == "aa.localhost"


def test_s06_absolute_form_that_contradicts_host(two):
    """RFC 9112 3.2.2 would let the target win; whoever sends two names means mischief, so nobody gets it."""
    edge, a, b = two
    before = len(a.requests), len(b.requests)
    m = raw(edge, "GET http://bb.localhost/ HTTP/1.1\r\nHost: aa.localhost\r\n\r\n", tls=False)
    assert (m.status, m.error) == (400, "bad-host")
    assert (len(a.requests), len(b.requests)) == before


def test_s06_sni_and_host_must_agree(two):
    """A connection whose SNI named one tunnel does not serve another one."""
    edge, a, b = two
    before = len(a.requests), len(b.requests)
    m = raw(edge, "GET / HTTP/1.1\r\nHost: bb.localhost\r\n\r\n", host="aa.localhost")
    assert m.status == 421, m
    assert (len(a.requests), len(b.requests)) == before


def test_s06_forwarded_host_does_not_route(two):
    edge, a, b = two
    n, other = len(a.requests), len(b.requests)
    m = raw(edge, "GET / HTTP/1.1\r\nHost: aa.localhost\r\nX-Forwarded-Host: bb.localhost\r\nForwarded: host=bb.localhost\r\n"
                  "X-Host: bb.localhost\r\nX-Original-Host: bb.localhost\r\n\r\n")
    assert m.status == 200
    assert (len(a.requests), len(b.requests)) == (n + 1, other)
    assert a.requests[n].get("x-forwarded-host") == "aa.localhost"


def test_s06_one_connection_many_hosts_in_plain_http(two):
    """Each request is routed by its own Host."""
    edge, a, b = two
    n, other = len(a.requests), len(b.requests)
    with edge.visitor(tls=False) as v:
        for i in range(6):
            assert v.ask("GET", f"/{i}", host=("aa.localhost", "bb.localhost")[i % 2]).status == 200
    assert [r.target for r in a.requests[n:]] == ["/0", "/2", "/4"]
    assert [r.target for r in b.requests[other:]] == ["/1", "/3", "/5"]


@pytest.mark.parametrize("twice", ["Authorization: Basic YTpi\r\nAuthorization: Basic Yjpj",
                                   "Authorization: Basic YTpi\r\nauthorization: Basic YTpi"])
def test_s07_authorization_twice_is_refused(two, twice):
    edge, a, _ = two
    n = len(a.requests)
    m = raw(edge, f"GET / HTTP/1.1\r\nHost: aa.localhost\r\n{twice}\r\n\r\n")
    assert (m.status, m.error) == (400, "duplicate-authorization")
    assert len(a.requests) == n


def test_s07_credentials_pass_to_the_tunnel_they_were_sent_to(two):
    """Matrix of credentials and tunnels: what is sent to one never shows at the other."""
    edge, a, b = two
    credentials = ["Authorization: Bearer t", "Proxy-Authorization: Basic YTpi", "Cookie: s=1"]
    n, other = len(a.requests), len(b.requests)
    for line in credentials:
        assert raw(edge, f"GET /?token=q HTTP/1.1\r\nHost: aa.localhost\r\n{line}\r\n\r\n").status == 200
    got = a.requests[n:]
    assert len(got) == 3 and len(b.requests) == other
    assert got[0].get("authorization") == "Bearer t" and got[2].get("cookie") == "s=1"
    assert not got[1].all("proxy-authorization")  # hop by hop: it was for us (RFC 9110 11.7.1)
