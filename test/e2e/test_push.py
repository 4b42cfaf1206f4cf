# SPDX-License-Identifier: Apache-2.0
"""A webhook arrives as it was sent: that is what the signature in it depends on."""
import glob
import hashlib
import hmac
import os
import re

import pytest

from conftest import ROOT
from origin import echo
from process import until

OURS = os.path.join(ROOT, "test", "fixtures", "webhooks")
SHARED = os.path.join(ROOT, "..", "shared", "fixtures")


def bodies(folder):
    return sorted(p for ext in ("json", "form") for p in glob.glob(f"{folder}/**/*.{ext}", recursive=True)
                  if os.path.exists(os.path.splitext(p)[0] + ".headers"))


def read(path):
    """(body, header lines)"""
    with open(path, "rb") as f:
        body = f.read()
    with open(os.path.splitext(path)[0] + ".headers", encoding="latin-1") as f:
        headers = [line.rstrip("\r\n") for line in f if line.strip() and not line.startswith("#")
                   and not re.match(r"(host|content-length|connection|transfer-encoding):", line, re.I)]
    return body, headers


@pytest.fixture(scope="module")
def web(shared_lab):
    return shared_lab.web(shared_lab.origin(echo))


# What a proxy adds; all else that arrives must be the sender's, in his order and case (RFC 9110 7.6).
ADDED = re.compile(r"(x-forwarded-(for|proto|host|port)|x-real-ip|forwarded|connection|adit-.*)", re.I)


def sent_fields(request):
    return [(n, v) for n, v in request.fields if not ADDED.fullmatch(n) and (n, v) != ("Via", "1.1 adit")]


def push(web, path, target):
    edge, _, origin = web
    body, headers = read(path)
    fields = [tuple(re.split(r":[ \t]*", h, maxsplit=1)) for h in headers]
    n = len(origin.requests)
    with edge.visitor() as v:
        m = v.ask("POST", target, body, headers)
    assert (m.status, m.body) == (200, body), m
    request = origin.wait_requests(n + 1)[n]
    assert request.start == f"POST {target} HTTP/1.1"
    assert request.body == body
    assert sent_fields(request) == [("Host", "web.localhost"), *[(n, v.strip(" \t")) for n, v in fields],
                                    ("Content-Length", str(len(body)))]
    return request


@pytest.mark.parametrize("path", bodies(OURS), ids=lambda p: os.path.basename(p))
def test_fixture_arrives_identical(web, path):
    push(web, path, "/bitbucket-hook/")


@pytest.mark.skipif(not bodies(SHARED), reason="no folder ../shared/fixtures beside the checkout")
def test_shared_fixtures_arrive_identical(web):
    for path in bodies(SHARED):
        push(web, path, "/hook")


def test_signature_still_verifies_at_the_origin(web):
    request = push(web, f"{OURS}/bitbucket_push.json", "/bitbucket-hook/")
    mac = hmac.new(b"correct-horse-battery", request.body, hashlib.sha256).hexdigest()
    assert request.get("X-Hub-Signature") == f"sha256={mac}"
    assert request.get("User-Agent") == "Bitbucket-Webhooks/2.0"


@pytest.mark.parametrize("target", [
    "/", "/bitbucket-hook/", "/bitbucket-hook", "//bitbucket-hook//", "/a%2Fb/c", "/a%2fb", "/%E2%82%AC", "/a/../b", "/a/./b",
    "/a;v=1", "/?", "/?a", "/a?b=c&b=d&&=", "/a?x=%20+%2B", "/a?x=/y?z", "/~:@!$&'()*+,;=", "/" + "p" * 4000,
])
def test_target_arrives_identical(web, target):
    edge, _, origin = web
    n = len(origin.requests)
    with edge.visitor() as v:
        m = v.ask("GET", target)
    assert m.status == 200, m
    assert origin.wait_requests(n + 1)[n].target == target


def test_header_order_case_and_repetition(web):
    edge, _, origin = web
    n = len(origin.requests)
    headers = ["x-LOWER-Upper: 1", "X-B: 2", "Cookie: a=b; c=d", "X-A: 3", "X-B: 4", "accept: */*", "X-Empty:",
               "X-Latin: \xe4\xf6", "User-Agent: odd/1 (x; y)", "Accept-Encoding: gzip, br"]
    with edge.visitor() as v:
        assert v.ask("GET", "/", headers=headers).status == 200
    request = origin.wait_requests(n + 1)[n]
    want = [tuple(x.strip(" ") for x in h.split(":", 1)) for h in headers]
    assert [f for f in sent_fields(request) if f[0] != "Host"] == want


def test_response_arrives_identical(lab):
    head = (b"HTTP/1.1 299 Odd Reason\r\nX-b: 1\r\nServer: o\r\nX-A: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
            b"Content-Length: 3\r\n\r\n\0\xff\n")
    from origin import fixed
    edge, _, _ = lab.web(lab.origin(fixed(head)))
    m = edge.get()
    assert m.start == "HTTP/1.1 299 Odd Reason"
    assert m.body == b"\0\xff\n"
    ours = [f for f in m.fields if f[0].lower() not in ("adit-request-id", "connection", "date", "via")]
    assert ours == [("X-b", "1"), ("Server", "o"), ("X-A", "2"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
                    ("Content-Length", "3")]


def test_s11_forwarded_headers_are_ours(web):
    """A visitor cannot say who it is: every spelling is removed, one of ours is set."""
    edge, _, origin = web
    lies = ["X-Forwarded-For: 6.6.6.6", "x-forwarded-for: 6.6.6.7", "X_Forwarded_For: 6.6.6.8", "X-Real-IP: 6.6.6.9",
            "Forwarded: for=6.6.6.10", "X-Forwarded-Proto: gopher", "X-Forwarded-Host: evil.test", "X-Forwarded-Port: 1",
            "X_REAL_IP: 6.6.6.11", "adit-request-id: mine", "X-Forwarded-Server: evil.test", "X.Forwarded.For: 6.6.6.12",
            "Client-IP: 6.6.6.13", "X-Originating-IP: 6.6.6.14", "X-Scheme: gopher", "X-Remote-Addr: 6.6.6.15", "X~Real~IP: 6.6.6.16"]
    n = len(origin.requests)
    for tls in (True, False):
        with edge.visitor(tls=tls) as v:
            assert v.ask("GET", "/", headers=lies).status == 200
    for request, proto, port in zip(origin.wait_requests(n + 2)[n:], ("https", "http"), (edge.https[1], edge.http[1])):
        head = request.raw_head.decode("latin-1")
        assert "6.6.6." not in head and "evil.test" not in head and "gopher" not in head, head
        assert "mine" not in head, head
        assert request.get("X-Forwarded-For") == "127.0.0.1"
        assert request.get("X-Forwarded-Proto") == proto
        assert request.get("X-Forwarded-Host") == "web.localhost"
        assert request.get("X-Forwarded-Port") == str(port)
        assert f"proto={proto}" in request.get("Forwarded") and "for=127.0.0.1" in request.get("Forwarded")


def test_s11_behind_a_trusted_proxy_the_visitor_is_who_it_names(lab):
    """Rules of addresses, rates and the log go by the visitor, not by the proxy that all of them share."""
    edge = lab.edge(config="trusted_proxies: [127.0.0.0/8]\n")
    origin = lab.origin()
    policy = f"{edge.folder}/policy.json"
    with open(policy, "w") as f:
        f.write('{"allow": ["192.0.2.0/24"], "visitor_rate": 0.001}')
    lab.agent(edge, "http", origin.address, "--name", "web", "--policy", policy)
    edge.wait_up("web")

    def ask(*fields):
        with edge.visitor() as v:
            return v.ask("GET", "/", headers=fields).status
    assert ask("X-Forwarded-For: 192.0.2.1") == 200
    assert ask("X-Forwarded-For: 192.0.2.1, 6.6.6.6") == 403
    assert ask("X-Forwarded-For: 6.6.6.6, 192.0.2.2, 127.0.0.9") == 200
    assert ask("Forwarded: for=192.0.2.3") == 200
    # the proxy itself, and spellings that it let through
    assert ask("X-Real-IP: 192.0.2.4", "X_Forwarded_For: 192.0.2.4") == 403
    assert ask("X-Forwarded-For: unknown") == 403
    # each has a rate of its own
    assert ask("X-Forwarded-For: 192.0.2.1") == 429
    assert ask("X-Forwarded-For: 192.0.2.5", "X-Real-IP: 192.0.2.5") == 200
    request = origin.requests[-1]
    assert request.get("X-Real-IP") is None and request.get("X-Forwarded-For") == "192.0.2.5, 127.0.0.1"
    until(lambda: "peer=192.0.2.5:0" in edge.logged())
