# SPDX-License-Identifier: Apache-2.0
"""The edge as a name server, asked by the programs that people and other servers ask with."""
import contextlib
import os
import shutil
import socket
import struct
import subprocess

import pytest

from dnswire import AA, QR, TC, TYPES, Asker, Message, question
from lab import ADITD
from process import WAIT_S, free_port, until

DOMAIN = "localhost"
CHALLENGE = "_acme-challenge." + DOMAIN


def needs(*programs):
    return pytest.mark.skipif(not all(shutil.which(p) for p in programs), reason=f"no {' or '.join(programs)}")


def run(argv, text=None, code=0):
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=3 * WAIT_S)
    assert code is None or done.returncode == code, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def name_server(lab, more="", address="127.0.0.1", **kw):
    """An edge with `dns: {listen: [...]` and more of that mapping; its port is edge.dns."""
    port = free_port()
    edge = lab.edge(config=f"dns: {{ listen: [\"{address}:{port}\"]{', ' if more else ''}{more} }}\n", **kw)
    edge.dns = port
    return edge


@contextlib.contextmanager
def asking(edge, patience_s=5):
    asker = Asker(edge.dns, patience_s)
    try:
        yield asker
    finally:
        asker.close()


def said(asker, name, kind, tcp=False, ident=7):
    answer = asker.ask(question(name, TYPES[kind], ident), tcp)
    assert answer is not None, f"no answer for {name} {kind}"
    return Message(answer)


def connect(edge, source="127.0.0.1"):
    s = socket.socket()
    s.settimeout(WAIT_S)
    s.bind((source, 0))
    s.connect(("127.0.0.1", edge.dns))
    return s


def framed(message):
    return struct.pack("!H", len(message)) + message


def take(s):
    """One message; None at the end of the connection."""
    data = b""
    while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
        more = s.recv(65537)
        if not more:
            return None
        data += more
    return Message(data[2:])


@needs("dig", "drill", "kdig")
def test_programs_ask(lab):
    edge = name_server(lab, "addresses: [192.0.2.7]")
    at = ["@127.0.0.1", "-p", str(edge.dns)]
    for argv in (["dig", *at, "+short"], ["kdig", *at, "+short"], ["dig", *at, "+short", "+tcp"], ["kdig", *at, "+short", "+tcp", "+edns"]):
        assert run([*argv, CHALLENGE, "NS"]).split() == [f"ns.{DOMAIN}."], argv
    assert f"ns.{DOMAIN}. hostmaster.{DOMAIN}." in run(["drill", "-p", str(edge.dns), CHALLENGE, "@127.0.0.1", "SOA"])
    assert "status: REFUSED" in run(["dig", *at, DOMAIN, "A"])
    assert "status: REFUSED" in run(["dig", *at, "version.bind", "TXT", "CH"])
    assert "status: BADVERS" in run(["dig", *at, "+edns=1", "+noednsnegotiation", CHALLENGE])
    assert "status: NXDOMAIN" in run(["dig", *at, "x." + CHALLENGE, "TXT"])
    assert "status: NOERROR" in run(["dig", *at, CHALLENGE, "TXT"])
    assert "Transfer failed" in run(["dig", *at, "AXFR", CHALLENGE], code=None)


def test_the_challenge_zone(lab):
    edge = name_server(lab)
    with asking(edge) as asker:
        for tcp in (False, True):
            m = said(asker, CHALLENGE.upper(), "SOA", tcp)
            assert m.rcode == 0 and m.flags & AA and m.flags & QR and len(m.sections[0]) == 1
            m = said(asker, CHALLENGE, "TXT", tcp)
            assert m.rcode == 0 and not m.sections[0] and m.sections[1][0][1] == TYPES["SOA"]
            assert said(asker, DOMAIN, "A", tcp).rcode == 5


def test_answers_come_from_the_address_that_was_asked(lab):
    """A host has several addresses, and the socket is bound to all of them."""
    port = free_port()
    edge = lab.edge(config=f"dns: {{ listen: [{port}] }}\n")
    for family, address in ((socket.AF_INET, "127.0.0.3"), (socket.AF_INET, "127.9.9.9"), (socket.AF_INET6, "::1")):
        if family == socket.AF_INET6 and not os.path.exists("/proc/net/if_inet6"):
            continue
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(WAIT_S)
            s.sendto(question(CHALLENGE, TYPES["NS"]), (address, port))
            answer, source = s.recvfrom(4096)
            assert Message(answer).rcode == 0 and source[0] == address
    edge.stop()


def test_pipelined_questions_and_halves(lab):
    """Many questions in one write, one question byte by byte, and both sides of RFC 7766 6.2.1."""
    edge = name_server(lab)
    with connect(edge) as s:
        s.sendall(b"".join(framed(question(CHALLENGE, TYPES["NS"], i)) for i in range(300)))
        assert sorted(take_all(s, 300)) == list(range(300))
        for byte in framed(question(CHALLENGE, TYPES["NS"], 4711)):
            s.sendall(bytes([byte]))
        assert take_all(s, 1) == [4711]
        s.sendall(framed(question(CHALLENGE, TYPES["NS"], 1)) + framed(question(CHALLENGE, TYPES["NS"], 2))[:9])
        s.shutdown(socket.SHUT_WR)
        assert take_all(s, 1) == [1]
        assert take(s) is None


def take_all(s, n):
    """The idents of the next n messages, however they come."""
    data, idents = b"", []
    while len(idents) < n:
        while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
            more = s.recv(65536)
            assert more, f"the connection ended after {len(idents)} of {n}"
            data += more
        end = 2 + struct.unpack("!H", data[:2])[0]
        idents.append(Message(data[2:end]).ident)
        data = data[end:]
    assert not data
    return idents


def test_bad_configuration_is_told(tmp_path):
    """One sentence with line and column, and what to write."""
    secret = tmp_path / "secret"
    secret.write_text("!\n")
    secret.chmod(0o600)
    cases = [
        ("dns: { mode: zone }", '"listen" is missing'), ("dns: { listen: [unix:/x] }", "numeric address"),
        ("dns: { listen: [ns.example.org:53] }", "numeric address"), ("dns: { listn: [53] }", 'did you mean "listen"'),
        ("dns: { listen: [53], mode: whole }", "challenge"), ("dns: { listen: [53], mode: zone }", '"addresses" is missing'),
        ("dns: { listen: [53], addresses: [192.0.2.1:53] }", "without a port"), ("dns: { listen: [53], addresses: [192.0.2.1, 192.0.2.1] }", "twice"),
        ("dns: { listen: [53], name_server: _x }", "name server"), ("dns: { listen: [53], caa: [\"a b\"] }", "domain of a CA"),
        ("dns: { listen: [53], keys: [{ name: k }] }", "secret_file"), ("dns: { listen: [53], keys: [{ name: k, secret_file: x, algorithm: md5 }] }", "hmac-sha256"),
        ("dns: { listen: [53], keys: [{ name: k, secret_file: x, names: [a..b] }] }", "such as home"),
        ("dns: { listen: [53], mode: zone, addresses: [192.0.2.1], secondaries: [{ address: 192.0.2.2, key: k }] }", "no key k"),
        ("dns: { listen: [53], keys: [{ name: k, secret_file: secret }, { name: k, secret_file: secret }] }", "two keys"),
    ]
    made = subprocess.run([ADITD, "-n", "--dev", str(tmp_path / "dev")], capture_output=True, text=True, timeout=4 * WAIT_S)
    assert made.returncode == 0, made.stderr
    path = tmp_path / "aditd.yml"
    for text, sign in cases:
        path.write_text(f"domain: localhost\ncertificates: [{{ cert: dev/cert.pem, key: dev/key.pem }}]\nuser: root\nlisten: {{ https: 127.0.0.1:0 }}\n{text}\nstate_dir: {tmp_path}/dev\n")
        done = subprocess.run([ADITD, "-n", "-f", str(path)], capture_output=True, text=True, timeout=4 * WAIT_S)
        assert done.returncode == 1 and f"{path}:" in done.stderr and sign in done.stderr, (text, done.stderr)
        assert done.stderr.count("\n") == 1, done.stderr
    path.write_text(path.read_text().replace(text, "dns: { listen: [127.0.0.1:0], keys: [{ name: k, secret_file: secret }] }"))
    assert "openssl rand" in run([ADITD, "-n", "-f", str(path)], code=1)
    secret.write_text("c2VjcmV0\n")
    secret.chmod(0o644)
    assert "chmod 600" in run([ADITD, "-n", "-f", str(path)], code=1)
    secret.chmod(0o600)
    assert "fine" in run([ADITD, "-n", "-f", str(path)])


def asks_and_never_reads(edge):
    """A connection whose answers fill all buffers on the way, until the edge reads no further question."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", edge.dns))
    s.settimeout(1)
    questions = framed(question(CHALLENGE, TYPES["SOA"])) * 1000
    with contextlib.suppress(TimeoutError):
        while True:
            s.sendall(questions)
    return s


def test_slow_readers_and_silence_are_cut(lab):
    """Who says half a question or nothing, or takes no answers, loses his connection; others are answered meanwhile."""
    edge = name_server(lab)
    idle_fds = edge.n_fds()
    with connect(edge) as silent, connect(edge) as half, asks_and_never_reads(edge):
        half.sendall(b"\0\x40ab")
        with asking(edge) as asker:
            assert said(asker, CHALLENGE, "NS", tcp=True).rcode == 0
        assert silent.recv(1) == b"" and half.recv(1) == b""
        until(lambda: edge.n_fds() == idle_fds, 3 * WAIT_S, "the slow reader's connection is closed")


def test_connections_have_a_ceiling(lab):
    """256 of them, of which one address has 64: who fills them loses his own, and others come in."""
    edge = name_server(lab)
    with contextlib.ExitStack() as stack:
        flood = [stack.enter_context(connect(edge, f"127.0.{i % 3}.1")) for i in range(300)]
        assert flood
        with connect(edge, "127.1.0.1") as s:
            s.sendall(framed(question(CHALLENGE, TYPES["NS"], 3)))
            assert take(s).ident == 3
        many = [stack.enter_context(connect(edge, "127.0.7.7")) for _ in range(70)]
        closed = 0
        for s in many:
            s.settimeout(0.05)
            with contextlib.suppress(TimeoutError, ConnectionError):
                closed += s.recv(1) == b""
        assert closed >= 6
    until(lambda: edge.n_fds() < 60, what="the connections are gone")


def test_equal_answers_to_a_network_are_limited(lab):
    """50 a second over UDP: past that, half is silence and half says "come by TCP", where all is answered."""
    edge = name_server(lab)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: which address of ours would be used
            source = probe.getsockname()[0]
        except OSError:
            source = "127.0.0.1"
    if source.startswith("127."):
        pytest.skip("this machine has no address but loopback's, which is not limited")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((source, 0))
        s.settimeout(0.5)
        got = []
        for i in range(400):
            s.sendto(question(CHALLENGE, TYPES["NS"], i), ("127.0.0.1", edge.dns))
        with contextlib.suppress(TimeoutError):
            while True:
                got.append(Message(s.recv(4096)))
        whole = [m for m in got if not m.flags & TC]
        cut = [m for m in got if m.flags & TC]
        assert 50 <= len(whole) <= 150 and len(cut) >= 50 and len(got) < 300, (len(whole), len(cut))
        assert all(not m.sections[0] for m in cut)
    with connect(edge, source) as s:
        s.sendall(b"".join(framed(question(CHALLENGE, TYPES["NS"], i)) for i in range(200)))
        assert len(take_all(s, 200)) == 200
