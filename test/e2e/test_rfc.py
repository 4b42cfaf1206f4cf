# SPDX-License-Identifier: Apache-2.0
"""What RFC 9110 and RFC 9112 demand of whoever stands between a client and a server."""
import email.utils
import json
import ssl
import time

import pytest

from hooks import HOOK, push_body, push_headers, secret_file, send
from http1 import Visitor
from origin import fixed
from test_inbox_delivery import Inbox, status


def dated(m):
    """Date stands there once, in the one form, and is of now."""
    value = m.get("date")
    assert value and abs(email.utils.mktime_tz(email.utils.parsedate_tz(value)) - time.time()) < 3600, m
    assert value == email.utils.formatdate(email.utils.mktime_tz(email.utils.parsedate_tz(value)), usegmt=True), value
    return m


def bare(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"):
    return fixed(raw)


@pytest.fixture(scope="module")
def web(shared_lab):
    return shared_lab.web(shared_lab.origin(bare()))


# --- Date (RFC 9110 6.6.1) ---

def test_an_answer_of_the_origin_without_date_gets_one(web):
    edge, _, _ = web
    assert dated(edge.get()).body == b"ok"


def test_the_origins_own_date_stays(lab):
    edge, _, _ = lab.web(lab.origin(bare(b"HTTP/1.1 200 OK\r\nDATE: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n")))
    assert edge.get().all("date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]


def test_every_answer_of_our_own_has_date(lab):
    inbox = Inbox(lab)
    edge = inbox.edge
    assert dated(send(edge, 1)).status == 202
    assert dated(send(edge, 2, secret="wrong")).status == 401
    assert dated(edge.get()).status == 403
    assert dated(edge.get(host="nobody.localhost")).status == 404
    with edge.visitor() as v:
        v.send("GARBAGE\r\n\r\n")
        assert dated(v.response()).status == 400


def test_a_redirect_has_date(lab):
    edge = lab.edge(config="http: redirect\n")
    lab.agent(edge, "http", lab.origin().address, "--name", "web")
    assert dated(edge.get(tls=False)).status == 308


# --- 401 and 405 say what would be right (15.5.2, 15.5.6) ---

def test_405_has_allow(lab):
    inbox = Inbox(lab)
    with inbox.edge.visitor() as v:
        m = v.ask("PUT", HOOK, b"x")
        assert (m.status, m.get("allow")) == (405, "POST"), m
    with open(f"{inbox.edge.folder}/policy", "w") as f:
        f.write('{"methods": ["GET", "HEAD"]}')
    lab.agent(inbox.edge, "http", inbox.origin.address, "--name", "mine", "--policy", f.name)
    m = inbox.edge.get(host="mine.localhost")
    assert m.status == 200
    with inbox.edge.visitor("mine.localhost") as v:
        assert v.ask("DELETE", "/").get("allow") == "GET, HEAD"


def test_401_has_a_challenge(lab):
    inbox = Inbox(lab)
    m = send(inbox.edge, 1, secret="wrong")
    assert (m.status, m.get("www-authenticate")) == (401, 'Signature realm="adit"')


# --- Max-Forwards (7.6.2) ---

def test_max_forwards_is_counted(web):
    edge, _, origin = web
    n = len(origin.requests)
    for method in ("OPTIONS", "TRACE"):
        with edge.visitor() as v:
            assert v.ask(method, "/", headers=["Max-Forwards: 2"]).body == b"ok"
    with edge.visitor() as v:
        assert v.ask("GET", "/", headers=["Max-Forwards: 0"]).body == b"ok"
    assert [r.get("max-forwards") for r in origin.requests[n:]] == ["1", "1", "0"]
    with edge.visitor() as v:
        m = dated(v.ask("OPTIONS", "/", headers=["Max-Forwards: 0"]))
        assert m.status == 200 and "POST" in m.get("allow") and m.body == b"", m
        m = dated(v.ask("TRACE", "/a?b", headers=["Max-Forwards: 0", "Cookie: secret", "User-Agent: me", "Token: secret"]))
        assert (m.status, m.get("content-type")) == (200, "message/http"), m
        assert m.body == b"TRACE /a?b HTTP/1.1\r\nHost: web.localhost\r\nMax-Forwards: 0\r\nUser-Agent: me\r\n\r\n"
    assert len(origin.requests) == n + 3


# --- Via (7.6.3) ---

def test_via_on_both_ways(lab):
    origin = lab.origin(bare(b"HTTP/1.0 200 OK\r\nVia: 1.1 inner\r\nContent-Length: 0\r\n\r\n"))
    edge, _, _ = lab.web(origin)
    assert edge.get(headers="Via: 1.0 outer\r\n").all("via") == ["1.1 inner", "1.0 adit"]
    assert origin.requests[-1].all("via") == ["1.0 outer", "1.1 adit"]


@pytest.mark.parametrize("said,sent", [("off", None), ("edge-1.example:443", "1.1 edge-1.example:443")])
def test_via_is_a_setting(lab, said, sent):
    edge = lab.edge(config=f"via: {said}\n")
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web")
    edge.wait_up("web")
    assert edge.get().get("via") == sent
    assert origin.requests[-1].get("via") == sent


# --- mode relay: the origin's answer, whole ---

@pytest.mark.parametrize("code,fields", [
    (401, ['WWW-Authenticate: Basic realm="x"', 'WWW-Authenticate: Bearer']), (405, ["Allow: GET"]), (201, ["Location: /there"]),
    (415, ["Accept-Post: text/x"]), (426, ["Upgrade: websocket", "Connection: Upgrade"]), (200, ["Set-Cookie: a=b", "Content-Encoding: x"])])
def test_relay_keeps_the_fields_of_an_answer(lab, code, fields):
    inbox = Inbox(lab, lab.origin(status(code, *fields, body=b"said")), "--relay")
    m = dated(send(inbox.edge, 1))
    assert (m.status, m.body) == (code, b"said") and m.get("adit-delivery") and m.get("via"), m
    for field in fields:
        name, value = field.split(": ")
        assert value in m.all(name), m


def test_relay_keeps_the_rules_of_204(lab):
    inbox = Inbox(lab, lab.origin(bare(b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n")), "--relay")
    with inbox.edge.visitor() as v:
        for number in (1, 2):  # the connection goes on behind the head
            body = push_body(number)
            m = v.ask("POST", HOOK, body, push_headers(body))
            assert m.status == 204 and not m.all("content-length") and not m.all("transfer-encoding") and m.get("x") == "y", m


def test_relay_frames_an_answer_without_length(lab):
    inbox = Inbox(lab, lab.origin(bare(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")), "--relay")
    with inbox.edge.visitor() as v:
        for number in (1, 2):
            body = push_body(number)
            m = v.ask("POST", HOOK, body, push_headers(body))
            assert m.status == 200 and m.body == b"abc" and m.get("content-length") == "3", m


def test_relay_passes_the_largest_answer_to_a_slow_reader(lab):
    inbox = Inbox(lab, lab.origin(status(200, body=b"x" * 65536)), "--relay")
    body = push_body(1)
    with inbox.edge.visitor(rcvbuf=4096) as v:
        m = v.ask("POST", HOOK, body, push_headers(body))
        assert m.status == 200 and m.body == b"x" * 65536


# --- HTTP/1.0 ---

def test_absolute_form_without_host(web):
    edge, _, origin = web
    with edge.visitor() as v:
        v.send("GET https://web.localhost/x?y HTTP/1.0\r\n\r\n")
        assert v.response().body == b"ok" and v.at_end()
    assert origin.requests[-1].target == "/x?y" and origin.requests[-1].get("host") == "web.localhost"
    with edge.visitor() as v:
        v.send("GET https://web.localhost/ HTTP/1.1\r\n\r\n")
        assert v.response().error == "host-missing"


def test_alpn_of_http_1_0(web):
    edge, _, _ = web
    with edge.visitor(alpn=("http/1.0",)) as v:
        assert v.sock.selected_alpn_protocol() == "http/1.0"
        v.send("GET / HTTP/1.0\r\nHost: web.localhost\r\n\r\n")
        m = v.response()
        assert m.body == b"ok" and m.get("connection") == "close" and v.at_end()
    with edge.visitor(alpn=("http/1.0", "http/1.1")) as v:
        assert v.sock.selected_alpn_protocol() == "http/1.1"
    with pytest.raises(ssl.SSLError):
        Visitor(edge.https, "web.localhost", edge.ca, alpn=("h3",))


def test_http_1_0_is_kept_where_both_say_so(lab):
    inbox = Inbox(lab)
    lab.agent(inbox.edge, "http", inbox.origin.address, "--name", "mine")
    for host, path, code in (("mine.localhost", "/", 200), ("web.localhost", "/", 403), ("nobody.localhost", "/", 404)):
        with inbox.edge.visitor(host) as v:
            v.send(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")
            m = v.response()
            assert (m.status, m.get("connection")) == (code, "close") and v.at_end(), m
    for host, path, code in (("mine.localhost", "/", 200), ("nobody.localhost", "/", 404)):
        with inbox.edge.visitor(host) as v:
            for _ in range(2):
                v.send(f"GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: keep-alive\r\n\r\n")
                m = v.response()
                assert (m.status, m.get("connection")) == (code, "keep-alive"), m
    with inbox.edge.visitor() as v:
        for number in (1, 2):
            body = push_body(number)
            head = "\r\n".join([f"POST {HOOK} HTTP/1.0", "Host: web.localhost", "Connection: keep-alive", *push_headers(body)])
            v.send(head.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            m = v.response()
            assert (m.status, m.get("connection")) == (202, "keep-alive"), m


# --- what is stored ---

def test_what_browsers_ask_for_is_no_webhook(lab):
    """Without a preset or methods of its own a stored tunnel takes no GET, HEAD, OPTIONS and TRACE; a policy may say so."""
    edge, origin = lab.edge(), lab.origin()
    for name, policy in (("plain", {"mode": "store", "unsigned": True}),
                         ("named", {"mode": "store", "unsigned": True, "methods": ["GET"]})):
        with open(f"{edge.folder}/{name}", "w") as f:
            json.dump(policy, f)
        lab.agent(edge, "http", origin.address, "--name", name, "--policy", f.name)
    for method in ("GET", "HEAD", "OPTIONS", "TRACE"):
        with edge.visitor("plain.localhost") as v:
            m = v.ask(method, "/")
            assert (m.status, m.get("allow")) == (405, "POST, PUT, PATCH, DELETE"), m
    for method in ("POST", "PUT", "DELETE"):
        with edge.visitor("plain.localhost") as v:
            assert v.ask(method, "/", b"x").status == 202
    with edge.visitor("named.localhost") as v:
        assert v.ask("GET", "/").status == 202
