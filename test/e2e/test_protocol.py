# SPDX-License-Identifier: Apache-2.0
"""The other end of a link is a stranger's program: what it sends wrongly ends its link, and nothing else."""
import struct

import pytest

from hostile import ACK, CONTROL, DATA, FIN, GOAWAY, PING, RST, SYN, WINDOW, FakeAgent, FakeEdge, frame, opening, syn

PROTOCOL = 1
TUNNEL = {"id": 1, "kind": "http", "name": "fake"}


@pytest.fixture(scope="module")
def web(shared_lab):
    return shared_lab.web()


def still_serves(web):
    edge, agent, _ = web
    assert agent.alive() and edge.alive()
    assert edge.get().body == b"ok"


def test_a_stranger_can_write_an_agent(web):
    """HELLO, WELCOME, a stream that is opened, answered and ended: with nothing but the text of the protocol."""
    edge = web[0]
    with FakeAgent(edge, [TUNNEL]) as link:
        welcome = link.wait_control("welcome")
        assert welcome["tunnels"][0]["name"] == "fake" and welcome["protocol"] == 1
        with edge.visitor("fake.localhost") as v:
            v.request("GET", "/path?q", headers=["X-A: b"])
            kind, flags, stream, payload = link.wait(DATA)
            assert flags == SYN | FIN and stream == 1
            data = payload[10 + struct.unpack("!H", payload[8:10])[0]:]
            who = b"%s:%d" % (v.sock.getsockname()[0].encode(), v.sock.getsockname()[1])
            assert bytes([4, len(who)]) + who in payload[10:-len(data)]
            assert data.startswith(b"GET /path?q HTTP/1.1\r\n") and b"X-A: b\r\n" in data and data.endswith(b"\r\n\r\n")
            link.put(DATA, 0, stream, b"HTTP/1.1 200 OK\r\nX-C: d\r\n\r\n")
            link.put(DATA, FIN, stream, b"hello")
            m = v.response()
            assert (m.status, m.get("x-c"), m.body) == (200, "d", b"hello")
    still_serves(web)


def test_r06_later_versions_are_understood(web):
    """Members, types and tags of a later version are skipped."""
    edge = web[0]
    with FakeAgent(edge, hello=False) as link:
        link.control(type="hello", protocol=9, agent="later/9", token=link.token, tunnels=[{**TUNNEL, "colour": "blue"}],
                     resume={"a": [1, 2]})
        assert link.wait_control("welcome")["protocol"] == 1
        link.control(type="something-new", data=[1])
        link.put(9, 5, 77, b"a frame of a later version")
        link.put(PING, 0, 0, b"12345678")
        assert link.wait(PING)[3] == b"12345678"
    still_serves(web)


def test_s22_messages_behind_the_welcome_are_no_deeper_than_it(web):
    """What nests eight deep is read, and ignored; nine deep ends the link, before a parser recurses."""
    edge = web[0]
    for depth, ends in ((8, False), (9, True), (20000, True)):
        with FakeAgent(edge) as link:
            link.wait_control("welcome")
            link.put(CONTROL, 0, 0, b'{"type":"x","a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}")
            link.put(PING, 0, 0, b"12345678")
            if ends:
                assert link.wait(GOAWAY)
            else:
                assert link.wait(PING)[3] == b"12345678"
    still_serves(web)


BAD_FRAMES = {
    "unknown flags": frame(DATA, 8, 1, b"x"),
    "huge length": struct.pack("!II", 0xffffff << 8 | DATA << 4, 1),
    "huge control": struct.pack("!II", 0xffffff << 8 | CONTROL << 4, 0),
    "data on stream 0": frame(DATA, 0, 0, b"x"),
    "data of a stream that was never opened": frame(DATA, 0, 77, b"x"),
    "an agent opens a stream": frame(DATA, SYN, 1, syn(1)),
    "rst too short": frame(RST, 0, 1, b"x"),
    "window too long": frame(WINDOW, 0, 1, b"12345"),
    "ping too short": frame(PING, 0, 0, b"1234"),
    "ping of a stream": frame(PING, 0, 5, b"12345678"),
    "goaway too short": frame(GOAWAY, 0, 0, b"1234"),
    "control of nothing": frame(CONTROL, 0, 0, b""),
    "control is not JSON": frame(CONTROL, 0, 0, b"{not json"),
    "control is no object": frame(CONTROL, 0, 0, b"[1,2]"),
    "control in a stream": frame(CONTROL, 0, 3, b"{}"),
    "http spoken to the link": b"GET / HTTP/1.1\r\nHost: fake.localhost\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_bad_frames_end_the_link(web, name):
    edge = web[0]
    with FakeAgent(edge, [TUNNEL]) as link:
        link.wait_control("welcome")
        link.send(BAD_FRAMES[name])
        assert link.end() in (PROTOCOL, None)
    still_serves(web)


@pytest.mark.parametrize("hello", [
    {"type": "hello"}, {"type": "welcome", "protocol": 1}, {"type": 5},
    {"type": "hello", "protocol": 1, "agent": "a", "token": 5, "tunnels": []},
    {"type": "hello", "protocol": 0, "agent": "a", "token": "x", "tunnels": []},
    {"type": "hello", "protocol": 1, "agent": "a", "token": "x" * 5000, "tunnels": []},
    {"type": "hello", "protocol": 1, "agent": "a", "token": "x", "tunnels": [{}] * 1000},
    {"type": "hello", "protocol": 1, "agent": "a", "token": "x", "tunnels": {"id": 1}},
    {"type": "hello", "protocol": 1, "agent": "a\nb", "token": "x", "tunnels": [{"id": -1, "kind": "ftp"}]},
], ids=repr)
def test_bad_hellos_are_refused(web, hello):
    edge = web[0]
    with FakeAgent(edge, hello=hello) as link:
        link.end()
        kinds = [got[0] for got in link.seen]
        assert not any(b'"welcome"' in got[3] for got in link.seen if got[0] == CONTROL), kinds
    still_serves(web)


@pytest.mark.slow
def test_s14_hello_that_never_comes(web):
    edge = web[0]
    with FakeAgent(edge, hello=False) as link:
        link.end()
    still_serves(web)


def test_flow_control_is_enforced(web):
    """More bytes than credit was given for end the link; the visitor that asked is told."""
    edge = web[0]
    with FakeAgent(edge, [TUNNEL]) as link:
        link.wait_control("welcome")
        with edge.visitor("fake.localhost", rcvbuf=4096) as v:
            v.request("GET", "/")
            stream = link.wait(DATA)[2]
            link.put(DATA, 0, stream, b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                for _ in range(4000):  # 64 MB without asking
                    link.put(DATA, 0, stream, b"x" * 16384)
            except OSError:
                pass
            code = link.end()
        assert code in (2, PROTOCOL, None)
    assert edge.rss_kb() < 64 * 1024
    still_serves(web)


def test_answers_that_are_no_http_from_an_agent(web):
    """The edge parses what an agent sends with the same strictness: nothing odd reaches a visitor."""
    edge = web[0]
    bad = [b"garbage", b"HTTP/1.1 200 OK\nX: 1\n\n", b"HTTP/1.1 200 OK\r\nA\r\n\r\n", b"HTTP/1.1 200 OK\r\n A: b\r\n\r\n", b"",
           b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000, b"HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"]
    with FakeAgent(edge, [TUNNEL]) as link:
        link.wait_control("welcome")
        for i, data in enumerate(bad):
            with edge.visitor("fake.localhost") as v:
                v.request("GET", f"/{i}")
                stream = link.wait(DATA)[2]
                for at in range(0, len(data), 16000):
                    link.put(DATA, 0, stream, data[at:at + 16000])
                link.put(DATA, FIN, stream)
                m = v.response()
                assert m.status == 502, (data[:40], m)
    still_serves(web)


def test_s17_floods_of_an_agent_are_bounded(web):
    """Ten thousand PINGs, RSTs, WINDOWs of streams long gone: answered or ended, memory stays."""
    edge = web[0]
    before = edge.rss_kb()
    for data in (frame(PING, 0, 0, b"12345678") * 10000, frame(CONTROL, 0, 0, b'{"type":"x"}') * 10000,
                 frame(RST, 0, 1, b"\0\0\0\1") * 10000, frame(PING, ACK, 0, b"12345678") * 10000):
        with FakeAgent(edge, [TUNNEL]) as link:
            link.wait_control("welcome")
            try:
                link.send(data)
            except OSError:
                pass
    still_serves(web)
    assert edge.rss_kb() < before + 8192


def test_s13_an_edge_cannot_make_the_agent_misbehave(lab):
    """Bad frames from a hostile edge end the link; the agent lives and dials again."""
    edge = lab.edge()
    fake = lab.keep(FakeEdge(edge.folder))
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web", "--edge", fake.address, up=False)
    for bad in (frame(DATA, SYN, 1, b""), frame(DATA, SYN, 2, b"\0" * 8 + opening(1)), frame(DATA, SYN, 1, b"\0" * 8 + b"\xff\xff"),
                frame(DATA, 0, 5, b"x")):
        link = fake.accept()
        link.welcome([{"id": 1, "name": "web", "url": "https://web.localhost"}])
        link.send(bad)
        link.end()
        assert agent.alive()
