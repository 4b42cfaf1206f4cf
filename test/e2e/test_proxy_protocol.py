# SPDX-License-Identifier: Apache-2.0
"""Listeners behind proxies that say by a PROXY header whom they bring."""
import shutil
import socket
import ssl
import struct
import subprocess

import pytest

from http1 import Visitor, Wire
from process import WAIT_S, Process, free_port, until

V1 = b"PROXY TCP4 192.0.2.1 192.0.2.9 4711 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(command=0x21, source="2001:db8::1", port=4711, tlvs=b""):
    body = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, "2001:db8::9") + struct.pack("!HH", port, 443) + tlvs
    return SIGNATURE + bytes([command, 0x21]) + struct.pack("!H", len(body)) + body


def behind(lab, listeners, more="", **kw):
    edge = lab.edge(config=f"http: serve\nproxy_protocol: {{ {listeners} }}\n{more}", **kw)
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web")
    return edge, origin


def plain(edge, header, source=None):
    v = Visitor(edge.http, "web.localhost", None, source=source)
    v.send(header)
    return v


def closed(address, data, source=None):
    """What comes back before the other side ends the connection: nothing, where a header is missing."""
    with socket.create_connection(address, 2 * WAIT_S, source_address=(source, 0) if source else None) as s:
        s.sendall(data)
        s.settimeout(2 * WAIT_S)
        try:
            return s.recv(4096)
        except ConnectionResetError:
            return b""


def test_the_visitor_is_whom_the_header_names(lab):
    edge, origin = behind(lab, "http: [127.0.0.1]")
    for header, who in ((V1, "192.0.2.1"), (v2(), "2001:db8::1"), (v2(tlvs=b"\x05\0\x02id\xea\0\0"), "2001:db8::1"),
                        (v2(command=0x20), "127.0.0.1"), (b"PROXY UNKNOWN\r\n", "127.0.0.1")):
        with plain(edge, header) as v:
            for _ in range(2):  # the header is one of the connection, not of each request
                assert v.ask("GET", "/").status == 200
        got = origin.wait_requests(1)[-1]
        assert got.get("x-forwarded-for") == who
    assert len(origin.requests) == 10
    assert "peer=192.0.2.1:4711" in edge.logged() and "peer=[2001:db8::1]:4711" in edge.logged()


def test_a_header_in_pieces_and_a_request_right_behind_it(lab):
    edge, origin = behind(lab, "http: [127.0.0.1]")
    for header in (V1, v2()):
        whole = header + b"GET /x HTTP/1.1\r\nHost: web.localhost\r\n\r\n"
        with plain(edge, b"") as v:
            v.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(whole)):
                v.send(whole[i:i + 1])
            assert v.response().status == 200
        with plain(edge, whole) as v:
            assert v.response().status == 200
    assert [r.target for r in origin.requests] == ["/x"] * 4


def test_the_header_stands_before_tls(lab):
    """Agents come by the same listener: their proxy says it, too."""
    https = f"127.0.0.1:{free_port()}"
    edge = lab.edge(config="http: serve\nproxy_protocol: { https: [127.0.0.0/8] }\n", listen=(https, None))
    front = lab.keep(Haproxy(lab.folder, https)) if shutil.which("haproxy") else None
    if front is None:
        pytest.skip("no haproxy")
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web", "--edge", front.address)
    context = ssl.create_default_context(cafile=edge.ca)
    host, port = front.address.split(":")
    with socket.create_connection((host, int(port)), 2 * WAIT_S, source_address=("127.0.0.77", 0)) as s:
        with Wire(context.wrap_socket(s, server_hostname="web.localhost")) as v:
            v.send(b"GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
            until(lambda: origin.requests)
    assert origin.requests[0].get("x-forwarded-for") == "127.0.0.77"
    assert origin.requests[0].get("x-forwarded-proto") == "https"
    assert closed(edge.https, b"\x16\x03\x01\0\5hello") == b""


class Haproxy(Process):
    """A TCP proxy that sends version 2, or with `bind` an HTTP proxy that takes it."""

    def __init__(self, folder, to, bind="", mode="tcp"):
        self.address = f"127.0.0.1:{free_port()}"
        path = f"{folder}/haproxy.cfg"
        with open(path, "w") as f:
            f.write(f"defaults\n  mode {mode}\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
                    f"listen a\n  bind {self.address} {bind}\n  server b {to}" + ("\n  http-request set-header X-Seen %[src]\n" if bind else " send-proxy-v2\n"))
        super().__init__(["haproxy", "-q", "-f", path], f"{folder}/haproxy.log", name="haproxy")
        self.expected_code = -15
        host, port = self.address.split(":")

        def listens():
            with socket.socket() as s:
                return s.connect_ex((host, int(port))) == 0
        until(listens, 6 * WAIT_S)

    def close(self):
        self.stop()


def test_tcp_ports_behind_a_proxy(lab):
    edge = lab.edge(config="proxy_protocol: { tcp: [127.0.0.1] }\n")

    def connected(c):
        c.send(c.exactly(5))
    agent = lab.agent(edge, "tcp", lab.origin(connected=connected).address)
    port = int(agent.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), 2 * WAIT_S) as s:
        s.sendall(V1 + b"hello")
        assert s.recv(5, socket.MSG_WAITALL) == b"hello"
    assert closed(("127.0.0.1", port), b"hello") == b""


def test_rules_of_addresses_go_by_the_header(lab):
    edge = lab.edge(config="http: serve\nproxy_protocol: { http: [127.0.0.1] }\nlimits: { visitors_per_address: 3 }\n")
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web", "--allow", "192.0.2.0/24")
    with plain(edge, V1) as v:
        assert v.ask("GET", "/").status == 200
    with plain(edge, v2()) as v:
        assert v.ask("GET", "/").status == 403
    # Connections are counted by it, too: the proxy may bring as many as it likes.
    kept = [plain(edge, V1.replace(b"192.0.2.1 ", b"192.0.2.%d " % i)) for i in range(1, 9)]
    assert all(v.ask("GET", "/").status == 200 for v in kept)
    for v in kept:
        v.close()


def test_who_is_no_such_proxy_or_says_no_header_is_cut(lab):
    edge, origin = behind(lab, "http: [127.0.0.1]", "limits: { head_ms: 60000 }\nlog: { level: debug }\n")
    get = b"GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n"
    assert closed(edge.http, V1 + get, source="127.0.0.2") == b""
    assert closed(edge.http, get) == b""
    assert closed(edge.http, V1.replace(b"TCP4", b"TCP6") + get) == b""
    assert closed(edge.http, v2(command=0x22) + get) == b""
    assert closed(edge.http, b"PROXY ") == b""  # and no more: cut after PROXY_GREETING_MS
    assert not origin.requests
    said = edge.logged()
    assert said.count("event=proxy-refused") == 5, said
    assert 1 <= said.count("level=warn event=proxy-refused") < 5  # a stranger cannot fill the log: one a second
    assert "not one of the proxies" in said and "no PROXY header" in said and "did not come in time" in said


def test_a_stop_cuts_who_has_not_said_his_header(lab):
    edge, _ = behind(lab, "http: [127.0.0.1]")
    with plain(edge, b"PROXY ") as v:
        edge.stop()
        assert not v.more()


def test_mistakes_are_told_with_their_line(lab):
    from lab import ADITD
    path = f"{lab.folder}/a.yml"
    for text, what in (("proxy_protocol: { https: 10.0.0.0/8 }", "a list of networks is wanted"),
                       ("proxy_protocol: { htps: [10.0.0.0/8] }", "https"), ("proxy_protocol: { tcp: [10.0.0.1/8] }", "behind the prefix")):
        with open(path, "w") as f:
            f.write("domain: example.org\n" + text + "\n")
        done = subprocess.run([ADITD, "-n", "-f", path], capture_output=True, text=True, timeout=4 * WAIT_S)
        assert done.returncode != 0 and f"{path}:2:" in done.stderr and what in done.stderr, done.stderr


def test_a_reload_cannot_change_it(lab):
    edge, _ = behind(lab, "http: [127.0.0.1]")
    path = f"{edge.folder}/aditd.yml"
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("http: [127.0.0.1]", "http: [127.0.0.2]"))
    assert "proxy_protocol" in edge.ctl("reload", ok=True) + edge.logged()
    with plain(edge, V1) as v:
        assert v.ask("GET", "/").status == 200


# --- from the agent to the origin ---

def read_v1(c):
    line = b""
    while not line.endswith(b"\r\n"):
        line += c.exactly(1)
    return line


def read_v2(c):
    head = c.exactly(16)
    assert head[:12] == SIGNATURE and head[12] == 0x21
    body = c.exactly(struct.unpack("!H", head[14:])[0])
    n = {0x11: 12, 0x21: 36, 0x00: 0}[head[13]]
    tlvs, at = {}, n
    while at < len(body):
        size = struct.unpack("!H", body[at + 1:at + 3])[0]
        tlvs[body[at]] = body[at + 3:at + 3 + size]
        at += 3 + size
    return body[:n], tlvs


def test_an_origin_is_told_who_the_visitor_is(lab):
    """Each connection has one header, and none is kept for another visitor."""
    said = []

    def connected(c):
        said.append(read_v2(c))
        request = c.read_request()
        c.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(request.target)}\r\n\r\n{request.target}")
        c.more()
    origin = lab.origin(connected=connected)
    edge = lab.edge(config="http: serve\nproxy_protocol: { http: [127.0.0.1] }\n")
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--proxy-protocol", "2")
    until(lambda: said)  # the agent's own look: of nobody
    assert said.pop(0)[0] == b""
    for header, ip in ((V1, socket.inet_pton(socket.AF_INET, "192.0.2.1")), (v2(), None)):
        with plain(edge, header) as v:
            for path in ("/a", "/b"):
                assert v.ask("GET", path).body == path.encode()
                addresses, tlvs = said.pop(0)
                if ip:
                    assert addresses[:4] == ip and addresses[8:10] == struct.pack("!H", 4711)
                else:  # the edge was reached by IPv4: two families are no pair of addresses
                    assert addresses == b""
                assert len(tlvs[5]) >= 16 and 0x20 not in tlvs
    with edge.visitor() as v:
        assert v.ask("GET", "/c").body == b"/c"
        _, tlvs = said.pop(0)
        assert tlvs[2] == b"web.localhost" and tlvs[1] == b"http/1.1" and tlvs[0x20][0] & 1
        assert tlvs[0x20][5:8] == b"\x21\0\x07" and tlvs[0x20][8:] == b"TLSv1.3"
    assert not said and agent.alive()


def test_a_tcp_origin_is_told_and_bytes_follow(lab):
    said = []

    def connected(c):
        said.append(read_v1(c))
        c.send(c.exactly(5))
    edge = lab.edge()
    agent = lab.agent(edge, "tcp", lab.origin(connected=connected).address, "--proxy-protocol", "1")
    with socket.create_connection(("127.0.0.1", int(agent.url.rsplit(":", 1)[1])), 2 * WAIT_S, source_address=("127.0.0.9", 0)) as s:
        port = s.getsockname()[1]
        s.sendall(b"hello")
        assert s.recv(5, socket.MSG_WAITALL) == b"hello"
    assert said[-1].startswith(f"PROXY TCP4 127.0.0.9 127.0.0.1 {port} ".encode()), said


def test_an_origin_behind_tls_gets_the_header_first(lab):
    """HAProxy accepts it in front of TLS; the doctor's own requests begin with one, too."""
    if not shutil.which("haproxy"):
        pytest.skip("no haproxy")
    edge, origin = lab.edge(), lab.origin()
    pem = f"{lab.folder}/both.pem"
    with open(pem, "w") as f:
        for name in ("cert.pem", "key.pem"):
            with open(f"{edge.folder}/{name}") as part:
                f.write(part.read())
    front = lab.keep(Haproxy(lab.folder, origin.address, f"ssl crt {pem} accept-proxy", "http"))
    lab.agent(edge, "http", f"https://{front.address}", "--name", "web", "--origin-insecure", "--proxy-protocol", "2")
    with edge.visitor() as v:
        assert v.ask("GET", "/").body == b"ok"
    assert origin.requests[-1].get("x-seen") == "127.0.0.1"
