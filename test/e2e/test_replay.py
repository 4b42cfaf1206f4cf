# SPDX-License-Identifier: Apache-2.0
"""Requests that are sent again by an agent (doc/inspector-api.md, "Sending again"): the bytes, the signature, the order, the ends."""
import base64
import json
import os

from hooks import SECRET, secret_file, send, signed
from origin import Origin, echo, ok, silent
from process import until
from test_inspector import ask, get, listed, served


def reply(agent, method, path, body=None, **headers):
    m, data = ask(agent, method, path, body, **headers)
    return m.status, json.loads(data) if data else None


def ended(agent, n):
    """The row, when it has ended."""
    return until(lambda: (lambda o: o if o["took_us"] >= 0 else None)(get(agent, f"/v1/exchanges/{n}")), 30, f"the end of #{n}")


def again(agent, n, **wish):
    status, said = reply(agent, "POST", f"/v1/exchanges/{n}/replay", wish)
    assert status == 202, said
    return said["ids"]


def code(agent, n, **wish):
    status, said = reply(agent, "POST", f"/v1/exchanges/{n}/replay", wish)
    return status, said["code"]


def heads(origin):
    return [r.raw_head for r in origin.requests]


def test_the_bytes_are_the_same(lab):
    origin = lab.keep(Origin(echo))
    edge = lab.edge()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0")
    edge.wait_up("web")
    binary = os.urandom(3 << 20) + b"\0\r\n0\r\n\r\n"
    with edge.visitor() as v:
        v.ask("POST", "/a?token=s3cret&x", binary, ["X-Odd:  two  spaces ", "X-Odd: again", "Cookie: a=b; c"])
        v.ask("GET", "/b")
        v.send("POST /c HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\n\0\xff\r\n\r\r\n0\r\n\r\n".encode("latin-1"))
        assert v.response().status == 200
        v.ask("POST", "/d")
    rows = listed(agent, 4)[::-1]
    for i, row in enumerate(rows):
        new, = again(agent, row["id"], mode="exact")
        one = ended(agent, new)
        assert (one["status"], one["parent"], one["state"], one["code"]) == (200, row["id"], "answered", ""), one
        assert one["request_id"] and one["request_id"] != row["request_id"]
        assert get(agent, f"/v1/exchanges/{row['id']}")["children"] == [new]
        was, now = origin.requests[i], origin.requests[4 + i]
        assert (now.raw_head, now.body) == (was.raw_head, was.body), row["path"]
        assert ask(agent, "GET", f"/v1/exchanges/{new}/request/body")[1] == was.body
    assert origin.requests[6].get("transfer-encoding") == "chunked"
    assert get(agent, "/v1/state")["counts"]["replays"] == 4
    assert [r["id"] for r in get(agent, "/v1/exchanges?q=is:replay")["rows"]] == [r["id"] for r in get(agent, "/v1/exchanges")["rows"]][:4]
    # What was sent again can be sent again.
    new, = again(agent, get(agent, "/v1/exchanges?q=is:replay%20path:/a")["rows"][0]["id"])
    assert ended(agent, new)["status"] == 200 and origin.requests[-1].body == binary


def hooked(lab, *options, secret=SECRET, behave=ok):
    origin = lab.keep(Origin(behave))
    edge = lab.edge()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0", "--for", "jenkins-bitbucket", "--secret-file",
                      secret_file(edge.folder, secret), *options)
    edge.wait_up("web")
    return origin, edge, agent


def test_signed_anew_and_edited(lab):
    origin, edge, agent = hooked(lab)
    assert send(edge, 1).status in (200, 202)
    row = until(lambda: next(iter(get(agent, "/v1/exchanges?q=state:delivered")["rows"]), None), 20, "the delivered row")
    new, = again(agent, row["id"], mode="signed")
    one = ended(agent, new)
    assert one["status"] == 200 and one["delivery"] is None and one["parent"] == row["id"] and one["event"] == "repo:push"
    now = origin.requests[-1]
    assert now.get("x-hub-signature") == signed(now.body) and now.body == origin.requests[0].body
    assert get(agent, f"/v1/exchanges/{row['id']}")["state"] == "delivered"
    # Edited: another body, the hidden event's own value, and a signature that is right for it.
    body = json.dumps({"push": "ä", "n": 7})
    status, said = reply(agent, "POST", "/v1/send", {
        "tunnel": "web", "method": "POST", "target": "/bitbucket-hook/?a=1", "body": body, "sign": True, "parent": row["id"],
        "headers": [["Content-Type", "application/json"], ["X-Event-Key", None], ["Content-Length", "9999"], ["Transfer-Encoding", "chunked"]]})
    assert status == 202, said
    one = ended(agent, said["ids"][0])
    assert one["status"] == 200 and one["parent"] == row["id"]
    now = origin.requests[-1]
    assert now.body == body.encode() and now.get("x-event-key") == "repo:push" and now.target == "/bitbucket-hook/?a=1"
    assert now.get("x-hub-signature") == signed(now.body) and now.all("content-length") == [str(len(now.body))] and not now.get("transfer-encoding")
    assert now.get("host") == "web.localhost" or now.get("host").startswith("web.localhost:")
    # The secret is in none of the answers.
    assert SECRET not in json.dumps(one) + json.dumps(get(agent, "/v1/state"))


def test_hidden_values_are_filled_in(lab):
    edge, agent = served(lab)
    with edge.visitor() as v:
        v.ask("POST", "/a?token=s3cret&bare&token=two&k=", b"x", ["X-Secret: one", "X-Secret: two"])
    row = listed(agent)[0]
    said = {"tunnel": "web", "method": "PUT", "target": "/n?token=(hidden)&(hidden)&new=1&token=(hidden)", "parent": row["id"],
            "headers": [["X-Secret", None], ["x-secret", None], ["X-New", "(hidden)"]], "body64": base64.b64encode(b"\0\xff").decode(), "times": 3}
    status, answer = reply(agent, "POST", "/v1/send", said)
    assert status == 202 and len(answer["ids"]) == 3, answer
    for n in answer["ids"]:
        assert ended(agent, n)["status"] == 200
        assert ask(agent, "GET", f"/v1/exchanges/{n}/response/body")[1] == b"\0\xff"
    n = answer["ids"][0]
    values = [json.loads(ask(agent, "POST", f"/v1/exchanges/{n}/reveal", {"where": "request", "name": "x-secret", "index": i})[1])["value"] for i in (0, 1)]
    assert values == ["one", "two"]
    assert json.loads(ask(agent, "POST", f"/v1/exchanges/{n}/reveal", {"where": "response", "name": "X-Target"})[1])["value"] == "/n?token=s3cret&bare&new=1&token=two"
    for broken in ({"headers": [["X-Other", None]]}, {"target": "/?other=(hidden)"}, {"headers": [["X A", "b"]]}, {"headers": [["X", "a\r\nB: c"]]}, {"method": "G ET"},
                   {"target": "/a b"}, {"headers": [["Host", "a b"]]}):
        assert reply(agent, "POST", "/v1/send", {**said, **broken})[1]["code"] == "bad-request", broken


def test_onward_in_order_and_many_times(lab):
    origin = lab.keep(Origin(echo))
    edge = lab.edge()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0")
    edge.wait_up("web")
    with edge.visitor() as v:
        for i in range(8):
            v.ask("POST", f"/{i}", b"%d" % i)
    rows = listed(agent, 8)[::-1]
    ids = again(agent, rows[2]["id"], onward=True)
    assert len(ids) == 6 and [ended(agent, n)["parent"] for n in ids] == [r["id"] for r in rows[2:]]
    assert [r.target for r in origin.requests[8:]] == [f"/{i}" for i in range(2, 8)]
    ids = again(agent, rows[0]["id"], times=25, to="web")
    assert len(ids) == 25 and all(ended(agent, n)["status"] == 200 for n in ids)
    assert [r.body for r in origin.requests[14:]] == [b"0"] * 25
    # With its pauses: not at once, and in order.
    ids = again(agent, rows[6]["id"], onward=True, gaps=True)
    assert [ended(agent, n)["path"] for n in ids] == ["/6", "/7"]
    for times in (0, 101, -1):
        assert code(agent, rows[0]["id"], times=times) == (400, "bad-times")
    # 1,000 wait at most.
    origin.behave = silent
    for _ in range(10):
        again(agent, rows[0]["id"], times=100)
    assert code(agent, rows[0]["id"], times=100)[1] == "too-many"


def test_what_cannot_be_sent(lab):
    edge, agent = served(lab)
    with edge.visitor() as v:
        v.ask("POST", "/a", b"x")
        v.ask("POST", "/big", b"y" * ((16 << 20) + 1))
    big, small = listed(agent, 2)
    assert big["path"] == "/big" and code(agent, big["id"]) == (409, "not-exact") == code(agent, big["id"], mode="exact")
    assert code(agent, small["id"], mode="signed") == (409, "no-secret")
    assert code(agent, small["id"], to="nowhere") == (404, "no-target")
    assert code(agent, "1") == (404, "no-exchange") == code(agent, "x")
    for wish in ({"mode": "soon"}, {"mode": 1}, {"times": "two"}, {"onward": "yes"}, {"gaps": 1}):
        assert code(agent, small["id"], **wish) == (400, "bad-question"), wish
    m, data = ask(agent, "POST", f"/v1/exchanges/{small['id']}/replay", ["exact"])
    assert m.status == 400
    assert reply(agent, "POST", f"/v1/exchanges/{small['id']}/replay", {}, Origin="http://evil.example")[0] == 403
    for body in ({}, [], {"method": "GET"}, {"method": "GET", "target": 1}, {"method": "GET", "target": "x"}, {"method": "GET", "target": "/", "headers": {}},
                 {"method": "GET", "target": "/", "headers": [["a"]]}, {"method": "GET", "target": "/", "headers": [[1, "b"]]},
                 {"method": "GET", "target": "/", "headers": [["a", "b"]] * 101}, {"method": "GET", "target": "/", "body": 1},
                 {"method": "GET", "target": "/", "body64": "%%"}, {"method": "GET", "target": "/", "sign": "yes"}, {"method": "GET", "target": "/", "times": "x"},
                 {"method": "GET", "target": "/", "parent": "x"}):
        status, said = reply(agent, "POST", "/v1/send", body)
        assert (status, said["code"]) == (400, "bad-question"), body
    assert reply(agent, "POST", "/v1/send", {"method": "GET", "target": "/", "tunnel": "x"}) [1]["code"] == "no-target"
    assert reply(agent, "POST", "/v1/send", {"method": "GET", "target": "/", "tunnel": "web", "parent": "77"})[1]["code"] in ("no-exchange", "bad-request")


def test_the_origin_is_down_and_comes_back(lab):
    edge = lab.edge()
    origin = lab.keep(Origin(echo))
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0")
    edge.wait_up("web")
    with edge.visitor() as v:
        v.ask("POST", "/a", b"x")
    row = listed(agent)[0]
    origin.close()
    new, = again(agent, row["id"])
    one = ended(agent, new)
    assert (one["status"], one["code"], one["parent"]) == (None, "origin-refused", row["id"])
    lab.keep(Origin(echo, port=origin.port))
    new, = again(agent, row["id"])
    assert ended(agent, new)["status"] == 200


def test_without_the_edge(lab):
    """It goes from the agent to the origin, whatever the link does."""
    edge, agent = served(lab)
    with edge.visitor() as v:
        v.ask("POST", "/a", b"x")
    row = listed(agent)[0]
    edge.stop()
    until(lambda: get(agent, "/v1/state")["state"] != "online", 30, "the link's end")
    new, = again(agent, row["id"])
    assert ended(agent, new)["status"] == 200


def test_the_agent_stops_in_the_middle(lab):
    edge = lab.edge()
    origin = lab.keep(Origin(echo))
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0")
    edge.wait_up("web")
    with edge.visitor() as v:
        v.ask("POST", "/a", b"x" * (1 << 20))
        v.ask("POST", "/b", b"y")
    rows = listed(agent, 2)
    origin.behave = silent
    for row in rows:
        again(agent, row["id"], times=50)
    again(agent, rows[1]["id"], onward=True, gaps=True)
    until(lambda: len(origin.requests) >= 4, 20, "requests of the replays")
    assert agent.stop() in (0, None)


def test_a_value_that_is_never_stored(lab):
    origin = lab.keep(Origin(echo))
    edge = lab.edge()
    path = os.path.join(edge.folder, "never.yml")
    with open(path, "w") as f:
        f.write("inspect: { never_store: [X-Pin] }\nweb: { listen: \"127.0.0.1:0\" }\n"
                f"tunnels: {{ web: {{ origin: \"{origin.address}\", name: web }} }}\n")
    agent = lab.agent(edge, "start", "--all", "-f", path)
    edge.wait_up("web")
    with edge.visitor() as v:
        v.ask("POST", "/a", b"x", ["X-Pin: 1234"])
    assert code(agent, listed(agent)[0]["id"]) == (409, "not-exact")
