# SPDX-License-Identifier: Apache-2.0
"""Tunnels whose TLS ends at the other end: the edge looks at a ClientHello, and passes every byte on."""
import hashlib
import json
import os
import socket
import ssl
import subprocess
import threading

from certs import Authority, TlsServer
from lab import ADIT, refusing_address
from process import WAIT_S, until
from trickle import Trickle

ALERT_INTERNAL = bytes.fromhex("15030300020250")


class Tls(TlsServer):
    """A local TLS server with a certificate of its own for a name."""

    def __init__(self, folder, *names, answer=b"far end", **kw):
        self.authority = Authority(folder)
        super().__init__(self.authority.leaf(*(names or ("web.localhost",))), b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (len(answer), answer), **kw)


def passing(lab, *args, edge=None, **kw):
    edge = edge or lab.edge()
    origin = lab.keep(Tls(lab.folder))
    agent = lab.agent(edge, "tls", origin.address, "--name", "web", *args, **kw)
    return edge, agent, origin


def curl(edge, ca, *args, host="web.localhost", path="/"):
    port = edge.https[1]
    return subprocess.run(["curl", "-sS", "--cacert", ca, "--resolve", f"{host}:{port}:127.0.0.1", *args, f"https://{host}:{port}{path}"],
                          capture_output=True, text=True, timeout=8 * WAIT_S, env={**os.environ, "no_proxy": "*"})


def hello(host, alpn=(), **kw):
    """The bytes of a ClientHello."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if alpn:
        context.set_alpn_protocols(list(alpn))
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=host, **kw)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def said(edge, data):
    """What the edge answers to these bytes, up to its end."""
    with socket.create_connection(edge.https, 2 * WAIT_S) as s:
        s.sendall(data)
        s.settimeout(2 * WAIT_S)
        got = b""
        while True:
            try:
                more = s.recv(4096)
            except ConnectionResetError:
                return got + b"reset"
            if not more:
                return got
            got += more


def test_curl_reaches_the_certificate_at_the_other_end(lab):
    edge, agent, origin = passing(lab)
    assert agent.url == f"https://web.localhost:{edge.https[1]}"
    done = curl(edge, origin.authority.ca)
    assert (done.returncode, done.stdout) == (0, "far end"), done
    # The control: by the edge's own certificates it is not trusted, as it is none of them.
    assert curl(edge, edge.ca).returncode == 60
    status = edge.status()["all"]
    assert sum(w["tls_total"] for w in status["workers"]) == 2
    until(lambda: edge.logged().count("event=stream") == 2)


def test_the_agent_is_away(lab):
    edge, agent, origin = passing(lab)
    agent.stop()
    until(lambda: "event=tunnel-down" in edge.logged() or edge.status()["links"] == 0)
    assert said(edge, hello("web.localhost")) == ALERT_INTERNAL
    done = curl(edge, origin.authority.ca)
    assert done.returncode == 35 and "internal error" in done.stderr, done
    assert "event=tls-refused name=web.localhost" in edge.logged()


def large_hello(host, bytes_of_shares=1216):
    """A hello as browsers send it now: GREASE, an ECH that means nothing, and a key share of ML-KEM's size."""
    return with_extensions(hello(host), ext(0x0A0A, b"") + ext(0xFE0D, bytes(100)) + ext(0x3A3A, bytes(bytes_of_shares)))


def ext(kind, value):
    return kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def message_of(record):
    return record[5:]


def with_extensions(record, more):
    body = message_of(record)[4:]
    at = 34
    at += 1 + body[at]
    at += 2 + int.from_bytes(body[at:at + 2], "big")
    at += 1 + body[at]
    extensions = more + body[at + 2:]
    body = body[:at] + len(extensions).to_bytes(2, "big") + extensions
    return records(b"\x01" + len(body).to_bytes(3, "big") + body, 16384)


def records(message, size):
    return b"".join(b"\x16\x03\x01" + len(message[i:i + size]).to_bytes(2, "big") + message[i:i + size]
                    for i in range(0, len(message), size))


class Swallow:
    """A local server that keeps all bytes of its connections, and answers each with a few when enough have come."""

    def __init__(self, lab):
        self.got = []

        def connected(c):
            self.got.append(bytearray())
            mine, told = self.got[-1], False
            while c.more():
                mine += c.take(len(c.buffer))
                if len(mine) >= self.enough and not told:
                    c.send(b"enough")
                    told = True
        self.enough = 0
        self.address = lab.origin(connected=connected).address


def test_every_byte_of_a_hello_arrives_however_it_is_cut(lab):
    edge = lab.edge()
    origin = Swallow(lab)
    lab.agent(edge, "tls", origin.address, "--name", "web")
    whole = large_hello("web.localhost")
    assert 1700 < len(whole) < 2200
    for data, step in ((whole, len(whole)), (whole, 1), (records(message_of(whole), 100), 7), (records(message_of(whole), 1), 3000),
                       (large_hello("web.localhost", 13000), 1400)):
        origin.enough = len(data) + 4
        with socket.create_connection(edge.https, 2 * WAIT_S) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(data), step):
                s.sendall(data[i:i + step])
            s.sendall(b"more")
            assert s.recv(6, socket.MSG_WAITALL) == b"enough"
        assert bytes(origin.got[-1]) == data + b"more"


def test_openssl_in_single_bytes(lab):
    """A whole handshake of another program, whose hello of 1,800 bytes comes one byte at a time."""
    edge, _, origin = passing(lab)
    client, out, into = ssl.create_default_context(cafile=origin.authority.ca), ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client.wrap_bio(into, out, server_hostname="web.localhost")
    with socket.create_connection(edge.https, 2 * WAIT_S) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def step(fn, *args):
            while True:
                waits = False
                try:
                    done = fn(*args)
                except ssl.SSLWantReadError:
                    done, waits = None, True
                for byte in out.read():
                    s.sendall(bytes([byte]))
                if done is not None or not waits:
                    return done
                into.write(s.recv(65536))
        step(tls.do_handshake)
        step(tls.write, b"GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        assert b"200 OK" in step(tls.read, 65536)


def s_client(lab, edge, ca, host="web.localhost"):
    """`openssl s_client` asks for "/" behind a hello of 1,800 octets and more, which comes one octet at a time."""
    trickle = lab.keep(Trickle(edge.https))
    groups = subprocess.run(["openssl", "list", "-tls-groups"], capture_output=True, text=True).stdout
    more = ["-groups", "X25519MLKEM768:X25519"] if "X25519MLKEM768" in groups else []
    # Before OpenSSL 3.5 no key share is as large: names of protocols that nobody speaks take its place.
    alpn = ",".join([f"{n:02}" + "x" * 198 for n in range(1 if more else 8)] + ["http/1.1"])
    done = subprocess.run(["openssl", "s_client", "-connect", trickle.address, "-servername", host, "-CAfile", ca, "-verify_hostname", host,
                           "-verify_return_error", "-alpn", alpn, *more, "-quiet", "-ign_eof"],
                          input=b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host.encode(), capture_output=True,
                          timeout=8 * WAIT_S)
    said_first = bytes(trickle.first[-1])
    assert said_first[:1] == b"\x16" and said_first[5:6] == b"\x01"
    assert len(trickle.first) == 1 and int.from_bytes(said_first[3:5], "big") >= 1800 and host.encode() in said_first
    # A certificate that is not trusted, or an alert, would leave nothing here.
    assert done.stdout, done
    return done.stdout


def test_openssl_s_client_in_single_octets(lab):
    edge, _, origin = passing(lab)
    assert s_client(lab, edge, origin.authority.ca).endswith(b"far end")
    assert origin.n == 1


def test_versions_and_protocols_are_the_origins_affair(lab):
    edge = lab.edge()
    origin = lab.keep(Tls(lab.folder, old=True))
    lab.agent(edge, "tls", origin.address, "--name", "web")
    done = curl(edge, origin.authority.ca, "--tlsv1.1", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")
    assert (done.returncode, done.stdout) == (0, "far end"), done
    # An edge that answered by itself would refuse both.
    for alpn in ("h2", "acme-tls/1", "adit/1", "imap"):
        with socket.create_connection(edge.https, 2 * WAIT_S) as s:
            s.settimeout(2 * WAIT_S)
            s.sendall(hello("web.localhost", [alpn]))
            got = s.recv(len(ALERT_INTERNAL))  # its hello, or that it knows none of this
        assert got and got != ALERT_INTERNAL, alpn


def test_who_asks_for_no_such_name_is_none_of_its_visitors(lab):
    edge, _, origin = passing(lab)
    lab.agent(edge, "http", lab.origin().address, "--name", "other")
    assert edge.get(host="other.localhost").body == b"ok"
    context = ssl.create_default_context(cafile=edge.ca)
    # No name, or another one, in TLS and this one inside of it: that would be read at the edge.
    with socket.create_connection(edge.https, 2 * WAIT_S) as s, context.wrap_socket(s, server_hostname="127.0.0.1") as t:
        t.sendall(b"GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        assert b" 421 " in t.recv(65536)
    with edge.visitor("other.localhost") as v:
        assert v.ask("GET", "/", host="web.localhost").status == 421
    assert origin.n == 0
    # What is malformed gets OpenSSL's own alert, and a name that is none its own.
    assert said(edge, records(b"\x01\0\0\x02\x03\x03", 16384))[:1] == b"\x15"
    illegal = with_extensions(hello(None), ext(0, b"\0\x06\0\0\x03a/b"))
    assert said(edge, illegal)[-2:] == b"\x02\x70"


def test_port_80_leads_to_https_and_a_ca_to_the_agent(lab):
    edge, agent, _ = passing(lab, edge=lab.edge(config=""))
    got = edge.get("/page?q=1", tls=False)
    assert got.status == 308 and got.get("location") == f"https://web.localhost:{edge.https[1]}/page?q=1"
    got = edge.get("/.well-known/acme-challenge/token", tls=False)
    assert got.status == 404 and b"no CA" in got.body
    agent.stop()
    until(lambda: edge.status()["links"] == 0)
    assert edge.get("/page", tls=False).status == 308
    assert edge.get("/.well-known/acme-challenge/token", tls=False).status == 503


def test_the_kind_of_a_name_outlives_the_edge(lab):
    """An edge that has only just begun must not answer for a name whose agent is not there yet."""
    edge, agent, _ = passing(lab)
    agent.stop()
    edge.stop()
    again = lab.edge(folder=edge.folder)
    assert said(again, hello("web.localhost")) == ALERT_INTERNAL
    assert again.get("/", tls=False).status == 308
    # The control: as soon as the name is an HTTP one again, the edge answers.
    lab.agent(again, "http", lab.origin().address, "--name", "web")
    assert again.get().status == 200


def test_a_newer_agent_may_change_the_kind(lab):
    edge = lab.edge()
    old = lab.agent(edge, "http", lab.origin().address, "--name", "web")
    assert edge.get().body == b"ok"
    _, _, origin = passing(lab, edge=edge)
    old.exits(4)
    done = curl(edge, origin.authority.ca)
    assert done.stdout == "far end", done
    assert edge.status()["links"] == 1


def test_what_needs_http_is_refused_with_a_sentence(lab):
    edge = lab.edge()
    for more in (["--store"], ["--for", "jenkins"], ["--user-file", "/x"], ["--origin-host", "x"]):
        done = subprocess.run([*adit(edge, "tls", "8443"), *more], capture_output=True, text=True, timeout=4 * WAIT_S)
        assert done.returncode == 2 and "requests" in done.stderr, done.stderr
    done = subprocess.run(adit(edge, "tls", "https://127.0.0.1:8443"), capture_output=True, text=True, timeout=4 * WAIT_S)
    assert done.returncode == 2 and "write HOST:PORT" in done.stderr
    path = os.path.join(lab.folder, "adit.yml")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("tunnels:\n  v: { kind: tls, origin: 8443, name: v, store: true }\n")
    done = subprocess.run([*adit(edge, "start", "v"), "-f", path], capture_output=True, text=True, timeout=4 * WAIT_S)
    assert done.returncode == 2 and f"{path}:2:3" in done.stderr and "for kind: http" in done.stderr


def adit(edge, *args):
    return [ADIT, *args, "--edge", edge.ready["https"], "--ca", edge.ca, "--token-file", edge.token]


def test_the_header_of_proxy_stands_before_tls(lab):
    edge = lab.edge()
    origin = Swallow(lab)
    lab.agent(edge, "tls", origin.address, "--name", "web", "--proxy-protocol", "2")
    for alpn, tlv in ((["h2", "http/1.1"], b""), (["h2"], b"\x01\0\2h2")):
        data = hello("web.localhost", alpn)
        origin.enough = len(data) + 28
        with socket.create_connection(edge.https, 2 * WAIT_S) as s:
            s.sendall(data)
            assert s.recv(6, socket.MSG_WAITALL) == b"enough"
            us = s.getsockname()
        got = bytes(origin.got[-1])
        assert got.startswith(b"\r\n\r\n\0\r\nQUIT\n\x21\x11") and got.endswith(data)
        assert got[16:20] == bytes([127, 0, 0, 1]) and int.from_bytes(got[24:26], "big") == us[1]
        header = got[:len(got) - len(data)]
        assert b"\x02\0\x0dweb.localhost" in header and b"\x20" not in header[28:29]
        assert (b"\x01\0\2h2" in header) == bool(tlv)


def test_each_direction_ends_for_itself_and_much_passes(lab):
    """64 MiB both ways at once, then the end of one direction while the other goes on."""
    edge = lab.edge()

    def connected(c):
        first = c.exactly(len(hello_bytes))
        c.send(first)
        while c.more():
            c.send(c.take(len(c.buffer)))
        c.send(b"the end")
    hello_bytes = hello("web.localhost")
    lab.agent(edge, "tls", lab.origin(connected=connected).address, "--name", "web")
    block = os.urandom(1 << 20)
    with socket.create_connection(edge.https, 4 * WAIT_S) as s:
        s.sendall(hello_bytes)
        got = hashlib.sha256()
        sent = hashlib.sha256(hello_bytes)
        writer = threading.Thread(target=lambda: ([s.sendall(block) for _ in range(64)], s.shutdown(socket.SHUT_WR)))
        writer.start()
        tail = b""
        while more := s.recv(1 << 20):
            got.update(more)
            tail = (tail + more)[-7:]
        writer.join()
        for _ in range(64):
            sent.update(block)
        sent.update(b"the end")
        assert tail == b"the end" and got.digest() == sent.digest()


def test_an_origin_that_refuses_is_an_alert(lab):
    edge = lab.edge()
    address, keeper = refusing_address()
    lab.agent(edge, "tls", address, "--name", "web")
    assert said(edge, hello("web.localhost")) == ALERT_INTERNAL
    keeper.close()


def test_status_says_where_tls_ends(lab):
    edge, _, _ = passing(lab)
    done = subprocess.run(adit(edge, "status"), capture_output=True, text=True, timeout=4 * WAIT_S)
    assert done.returncode == 0 and "TLS ends at the other side" in done.stdout and "inbox" in done.stdout, done.stdout
    said_json = subprocess.run([*adit(edge, "status"), "--json"], capture_output=True, text=True, timeout=4 * WAIT_S).stdout
    assert json.loads(said_json)["kind"] == "tls"
