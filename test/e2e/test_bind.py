# SPDX-License-Identifier: Apache-2.0
"""Tunnels that come and go while their link is up (doc/protocol.txt 3), from the agent's end and from the edge's."""
import json
import socket
import struct

import pytest

from hostile import CONTROL, DATA, FIN, RST, WINDOW, FakeAgent, frame

PROTOCOL = 1
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


class Binder(FakeAgent):
    """An agent that has said that it knows "bind"."""

    def __init__(self, edge, tunnels=(), token=None, **more):
        super().__init__(edge, hello=False, token=token)
        self.control(type="hello", protocol=1, agent="fake/1", token=self.token, bind=True, tunnels=list(tunnels), **more)
        self.welcome = self.wait_control("welcome")
        assert self.welcome["bind"] is True

    def bind(self, *tunnels):
        self.control(type="bind", tunnels=[{"kind": "http", **t} for t in tunnels])
        return self.wait_control("bound")["tunnels"]


@pytest.fixture
def edge(lab):
    return lab.edge()


def answer(agent, tunnel):
    """Takes the next stream, which must be of this tunnel, and answers it."""
    while True:
        kind, flags, stream, payload = agent.take_frame()
        if kind == DATA and flags & 1:
            break
    assert payload[10:14] == struct.pack("!BBH", 1, 2, tunnel), payload[:32]
    agent.put(DATA, FIN, stream, HEAD + b"ok")
    return stream


def test_a_tunnel_more(edge):
    agent = Binder(edge)
    assert agent.welcome["tunnels"] == []
    row, = agent.bind({"id": 7, "name": "late"})
    assert row["id"] == 7 and row["name"] == "late" and row["url"].startswith("https://late.localhost")
    edge.wait_up("late")
    with edge.visitor("late.localhost") as v:
        v.send("GET / HTTP/1.1\r\nHost: late.localhost\r\n\r\n")
        answer(agent, 7)
        assert v.response().body == b"ok"
    port, named = agent.bind({"id": 8, "kind": "tcp"}, {"id": 9, "key": "k"})
    assert port["url"].startswith("tcp://") and named["name"]
    agent.close()
    edge.nothing_left(0)


def test_probe_is_told_as_after_a_welcome(edge):
    agent = Binder(edge, probe=True)
    row, = agent.bind({"id": 1, "name": "late"})
    assert row["probe"] is True
    answer(agent, 1)
    told = agent.wait_control("probed")
    assert (told["id"], told["probe"], told["status"]) == (1, "ok", 200)
    agent.close()


def test_unbind_ends_streams_in_order(edge):
    """Visitors of a tunnel that was given up get their answer; the next one is told that it is away."""
    agent = Binder(edge, [{"id": 1, "kind": "http", "name": "a"}, {"id": 2, "kind": "http", "name": "b"}])
    with edge.visitor("a.localhost") as v:
        v.send("GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n")
        _, _, stream, _ = agent.wait(DATA)
        agent.control(type="unbind", id=1)
        agent.control(type="names", after="")
        agent.wait_control("names")
        assert edge.get(host="a.localhost").error == "agent-away"
        agent.put(DATA, 0, stream, HEAD)
        agent.put(DATA, FIN, stream, b"ok")
        assert v.response().body == b"ok"
    assert edge.status()["links"] == 1
    # The other one is served, and the name may come back at once, by this link or another.
    with edge.visitor("b.localhost") as v:
        v.send("GET / HTTP/1.1\r\nHost: b.localhost\r\n\r\n")
        answer(agent, 2)
        assert v.response().status == 200
    agent.control(type="unbind", id=2)
    agent.control(type="unbind", id=2)
    agent.control(type="unbind", id=99)
    assert "error" not in agent.bind({"id": 3, "name": "a"})[0]
    agent.control(type="unbind", id=3)
    other = Binder(edge)
    assert "error" not in other.bind({"id": 1, "name": "a"})[0]
    agent.close()
    other.close()
    edge.nothing_left(0)


def test_refusals_concern_one_tunnel_each(edge):
    stranger, _ = edge.new_token("stranger")
    theirs = Binder(edge, token=stranger)
    assert "error" not in theirs.bind({"id": 1, "name": "theirs"})[0]
    agent = Binder(edge, [{"id": 1, "kind": "http", "name": "mine"}])
    rows = agent.bind({"id": 1, "name": "twice"}, {"id": 2, "name": "theirs"}, {"id": 3, "name": "mine"},
                      {"id": 4, "name": "wpad"}, {"id": 5, "name": "-"}, {"id": 6, "name": "good"},
                      {"id": 7, "name": "bad", "policy": {"mode": "nonsense"}})
    assert [r.get("error") for r in rows] == ["id-twice", "name-taken", "name-twice", "reserved-name", "bad-name", None,
                                              "bad-policy"]
    theirs.close()
    agent.close()


def test_sixty_four_tunnels_and_no_more(edge):
    agent = Binder(edge, [{"id": i, "kind": "http", "name": f"n{i}"} for i in range(1, 3)])
    rows = agent.bind(*({"id": i, "name": f"n{i}"} for i in range(3, 65)))
    assert not any("error" in r for r in rows)
    row, = agent.bind({"id": 65, "name": "n65"})
    assert row["error"] == "limit"
    # A place is free again, however often.
    for i in range(66, 80):
        agent.control(type="unbind", id=i - 1 if i > 66 else 64)
        assert "error" not in agent.bind({"id": i, "name": f"again{i}"})[0]
    assert agent.bind({"id": 99, "name": "n99"})[0]["error"] == "limit"
    agent.close()
    edge.nothing_left(0)


def test_quota_of_names(lab):
    edge = lab.edge(config="limits: { names_per_account: 2 }\n")
    agent = Binder(edge)
    rows = agent.bind(*({"id": i, "name": f"n{i}"} for i in (1, 2, 3)))
    assert sorted(r.get("error", "") for r in rows) == ["", "", "limit"]
    agent.close()


def test_takeover_of_what_came_later(edge):
    older, newer = Binder(edge), Binder(edge)
    older.bind({"id": 1, "name": "a"}, {"id": 2, "name": "b"})
    assert "error" not in newer.bind({"id": 5, "name": "a"})[0]
    assert older.wait_control("replaced")["id"] == 1
    # An older process takes nothing back.
    assert older.bind({"id": 3, "name": "a"})[0]["error"] == "replaced"
    older.close()
    newer.close()


@pytest.mark.parametrize("second", ["bind", "unbind"])
def test_one_bind_at_a_time(edge, second):
    """A second bind before the answer is a fault; what is not served is not given up."""
    agent = Binder(edge)
    more = {"type": second, "id": 1, "tunnels": [{"id": 2, "kind": "http", "name": "two"}]}
    agent.send(b"".join(frame(CONTROL, 0, 0, json.dumps(m).encode()) for m in (
        {"type": "bind", "tunnels": [{"id": 1, "kind": "http", "name": "one"}]}, more)))
    if second == "bind":
        assert agent.end() == PROTOCOL
    else:
        assert "error" not in agent.wait_control("bound")["tunnels"][0]
        agent.close()
    edge.nothing_left(0)


@pytest.mark.parametrize("message", [{"type": "bind"}, {"type": "bind", "tunnels": [{"id": 0, "kind": "http"}]},
                                     {"type": "bind", "tunnels": [{"id": 1, "kind": "udp"}]},
                                     {"type": "bind", "tunnels": [{"id": i, "kind": "http"} for i in range(1, 66)]}])
def test_malformed_bind_ends_the_link(edge, message):
    agent = Binder(edge)
    agent.control(**message)
    assert agent.end() == PROTOCOL
    edge.nothing_left(0)


def test_who_has_not_said_that_it_knows_bind(edge):
    agent = FakeAgent(edge)
    agent.wait_control("welcome")
    agent.control(type="bind", tunnels=[])
    assert agent.end() == PROTOCOL


def test_the_end_of_a_link_in_mid_claim(edge):
    """The store's answer comes to nobody; the name is the account's, and the next link has it."""
    for n in range(8):
        agent = Binder(edge)
        agent.control(type="bind", tunnels=[{"id": i, "kind": "http", "name": f"m{n}-{i}"} for i in range(1, 9)])
        agent.close()
    edge.nothing_left(0)
    agent = Binder(edge)
    assert not any("error" in r for r in agent.bind(*({"id": i, "name": f"m7-{i}"} for i in range(1, 9))))
    agent.close()


def test_a_reset_of_the_rest(edge):
    """A tunnel that was given up resets nothing, and its late frames are ordinary."""
    agent = Binder(edge, [{"id": 1, "kind": "tcp"}])
    port = int(agent.welcome["tunnels"][0]["url"].rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as s:
        _, _, stream, _ = agent.wait(DATA)
        agent.control(type="unbind", id=1)
        s.sendall(b"ping")
        while True:
            kind, _, of, payload = agent.take_frame()
            assert (kind, of) != (RST, stream)
            if kind == DATA and payload == b"ping":
                break
        agent.put(DATA, FIN, stream, b"pong")
        agent.put(WINDOW, 0, stream, struct.pack("!I", 4096))
        assert s.recv(16) == b"pong"
    agent.close()
    edge.nothing_left(0)
