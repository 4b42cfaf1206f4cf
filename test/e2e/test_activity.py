# SPDX-License-Identifier: Apache-2.0
"""What the edge tells an agent of its own work: what it refused, what it stored, what became of it."""
import base64
import json
import socket

import pytest

from hooks import HOOK, push_body, push_headers, secret_file, send, stored
from lab import SANITIZED, refusing_address
from process import WAIT_S, until
from test_inbox_delivery import status
from test_passwords import hashed, users

LOUD = ["--log-level", "debug"]  # requests, and activity, without a terminal, too
JENKINS = ["--for", "jenkins-bitbucket"]


def told(agent, start=0):
    """Rows of activity that this agent has printed."""
    rows = []
    with agent.changed:
        lines = list(agent.lines[start:])
    for line in lines:
        said = json.loads(line) if line else {}
        if said.get("event") == "activity" and "row" in said:
            rows.append({**said["row"], "name": said["name"]})
    return rows


def row(agent, **members):
    """Waits for a row of these members; returns it."""
    return until(lambda: next((r for r in told(agent) if all(r.get(k) == v for k, v in members.items())), None), 2 * WAIT_S,
                 f"{members}\n{agent.everything()}")


def figures(agent, name="web"):
    """What it was told last of a tunnel's inbox."""
    with agent.changed:
        lines = [line for line in agent.lines if line]
    said = [json.loads(line) for line in lines]
    return [s for s in said if s.get("event") == "inbox" and s["name"] == name][-1:] or [None]


def web(lab, *options, origin=None, edge=None, name="web", token=None):
    edge = edge or lab.edge()
    origin = origin or lab.origin()
    agent = lab.agent(edge, "http", origin.address, "--name", name, *options, *LOUD, token=token)
    edge.wait_up(name)
    return edge, agent, origin


def hooks(lab, *options, **kw):
    edge = kw.pop("edge", None) or lab.edge()
    return web(lab, *JENKINS, "--secret-file", secret_file(edge.folder), *options, edge=edge, **kw)


def post(edge, body=b"x", path="/a?token=secret", fields=(), host="web.localhost"):
    with edge.visitor(host, tls=False) as v:
        return v.ask("POST", path, body, list(fields))


# --- refusals ---

@pytest.mark.parametrize("options, policy, code, number", [
    (["--deny", "127.0.0.0/8"], "deny", "forbidden", 403),
    (["--allow", "192.0.2.0/24"], "allow", "forbidden", 403),
    (["--body-max", "3"], "body_max", "body-too-large", 413),
])
def test_the_row_of_the_policy_that_refused_is_named(lab, options, policy, code, number):
    edge, agent, origin = web(lab, *options)
    m = post(edge, b"four")
    assert m.status == number, m
    r = row(agent, what="refused", code=code)
    assert (r["policy"], r["status"], r["method"], r["path"], r["bytes"]) == (policy, number, "POST", "/a", 4), r
    assert r["request"] == m.get("adit-request-id") and r["peer"].startswith("127.0.0.1:") and r["took_us"] >= 0, r
    assert r["text"] and r["at_ms"] > 0 and "secret" not in json.dumps(r), r
    assert not origin.requests


@pytest.mark.parametrize("policy, member, code, path, method", [
    ({"paths": ["/b/*"]}, "paths", "forbidden", "/a", "POST"),
    ({"methods": ["PUT"]}, "methods", "method-not-allowed", "/a", "POST"),
])
def test_paths_and_methods(lab, policy, member, code, path, method):
    edge = lab.edge()
    with open(f"{edge.folder}/policy.json", "w") as f:
        json.dump(policy, f)
    edge, agent, origin = web(lab, "--policy", f"{edge.folder}/policy.json", edge=edge)
    post(edge, path=path)
    r = row(agent, what="refused", code=code)
    assert (r["policy"], r["path"], r["method"]) == (member, path, method), r
    assert not origin.requests


@pytest.mark.parametrize("path, text", [("/a", "This tunnel does not take this path."), (HOOK.rstrip("/"), "final slash")])
def test_a_preset_takes_its_own_path(lab, path, text):
    edge, agent, origin = hooks(lab)
    assert post(edge, path=path).status == 403
    r = row(agent, what="refused", code="forbidden")
    assert (r["policy"], r["path"]) == ("preset", path) and text in r["text"], r


def test_rate_and_password(lab):
    edge = lab.edge()
    with open(f"{edge.folder}/policy.json", "w") as f:
        json.dump({"rate": 0.01}, f)
    edge, agent, origin = web(lab, "--policy", f"{edge.folder}/policy.json", edge=edge)
    assert post(edge).status == 200 and post(edge).status == 429
    assert row(agent, code="rate-limited")["policy"] == "rate"
    edge, agent, origin = web(lab, "--user-file", users(edge, "ann", "ann:" + hashed("open")), edge=edge, name="ann")
    assert post(edge, host="ann.localhost").status == 401
    assert row(agent, code="unauthorized")["text"] == "No user name and password were sent."
    assert post(edge, host="ann.localhost", fields=["Authorization: Basic " + base64.b64encode(b"ann:shut").decode()]).status == 401
    r = row(agent, text="The user name or the password is wrong.")
    assert (r["policy"], r["path"], r["name"]) == ("users", "/a", "ann") and "Authorization" not in json.dumps(r), r


@pytest.mark.parametrize("fields, verdict", [
    (lambda body: push_headers(body)[:-1], "missing"),
    (lambda body: push_headers(body, secret="another-secret"), "wrong"),
    (lambda body: push_headers(body + b"\n"), "altered"),
])
def test_a_signature_is_judged_for_the_owner(lab, fields, verdict):
    edge, agent, origin = hooks(lab)
    body = push_body(7, "topic")
    assert post(edge, body, HOOK, fields(body)).status == 401
    r = row(agent, what="refused", code="bad-signature")
    assert r["verdict"] == verdict and r["policy"] == "scheme" and r["text"], r
    assert (r["event"], r["repository"], r["branch"], r["provider"]) == ("repo:push", "acme/web", "topic", "bitbucket"), r
    assert r["bytes"] == len(body) and r["status"] == 401 and "state" not in r, r


def test_a_signature_of_another_time(lab):
    edge = lab.edge()
    edge, agent, origin = web(lab, "--scheme", "stripe", "--secret-file", secret_file(edge.folder, "whsec_x"), edge=edge)
    assert post(edge, b"{}", "/", ["Stripe-Signature: t=1,v1=" + "0" * 64]).status == 401
    assert row(agent, code="bad-signature")["verdict"] in ("clock", "wrong")


def test_faults_of_http_and_what_the_edge_answers_itself(lab):
    edge, agent, origin = hooks(lab)
    with edge.visitor(tls=False) as v:
        v.send(f"POST {HOOK} HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert v.response().status == 400
    assert row(agent, code="bad-chunk")["path"] == HOOK
    body = b'{"test": true}'
    assert post(edge, body, HOOK, ["X-Event-Key: diagnostics:ping", "Content-Type: application/json"]).status == 200
    r = row(agent, code="handshake")
    assert r["what"] == "refused" and r["status"] == 200 and r["event"] == "diagnostics:ping", r
    assert not origin.requests


def test_a_body_that_breaks_on_its_way_through(lab):
    edge, agent, origin = web(lab)
    with edge.visitor(tls=False) as v:
        v.send("POST /up HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")
        assert v.response().status == 400
    assert row(agent, code="bad-chunk")["request"]


def test_origin_faults_are_no_news(lab):
    address, keeper = refusing_address()
    edge = lab.edge()
    agent = lab.agent(edge, "http", address, "--name", "web", *LOUD)
    assert edge.get().status == 502
    lab.agent(edge, "http", lab.origin().address, "--name", "two", "--deny", "127.0.0.0/8", *LOUD)
    agent.wait_event("request", outcome="origin-refused")
    assert not told(agent)
    keeper.close()


# --- deliveries ---

def states(agent, number):
    return [r.get("state") for r in told(agent) if r.get("id") == number and r["what"] == "state"]


def test_a_delivery_that_arrives(lab):
    edge, agent, origin = hooks(lab)
    number = stored(edge, 3, branch="release")
    r = row(agent, what="stored", id=number)
    assert (r["verdict"], r["policy"], r["state"], r["status"]) == ("ok", "scheme", "queued", 202), r
    assert (r["event"], r["repository"], r["branch"], r["provider"]) == ("repo:push", "acme/web", "release", "bitbucket"), r
    assert r["method"] == "POST" and r["path"] == HOOK and len(r["request"]) == 16 and r["bytes"] > 100, r
    leased = row(agent, what="state", id=number, state="leased")
    assert leased["attempt"] == 1 and leased["request"] == f"d{number}-1", leased
    done = row(agent, what="state", id=number, state="delivered")
    assert (done["status"], done["attempt"], done["branch"]) == (200, 1, "release") and done["took_us"] >= 0, done
    rows = [(r["what"], r.get("state")) for r in told(agent) if r.get("id") == number]
    assert rows == [("stored", "queued"), ("state", "leased"), ("state", "delivered")]


def test_retried_parked_replayed_dropped(lab):
    answers = [500, 404, 404, 404]

    def behave(c, request):
        c.answer(b"", answers.pop(0))
    edge, agent, origin = hooks(lab, origin=lab.origin(behave))
    number = stored(edge, 1)
    r = row(agent, id=number, state="retrying")
    assert r["status"] == 500 and r["attempt"] == 1 and r["due_ms"] > r["at_ms"] and r["code"], r
    edge.ctl("inbox", "drop", str(number))
    row(agent, id=number, state="dropped", text="Dropped by hand.")
    edge.ctl("inbox", "replay", str(number))
    row(agent, id=number, state="queued", text="Replayed by hand.")
    r = row(agent, id=number, state="parked")
    assert r["status"] == 404 and r["attempt"] == 2 and r["text"], r
    until(lambda: figures(agent)[0] and figures(agent)[0]["parked"] == 1, what="figures")
    assert figures(agent)[0] == {"event": "inbox", "name": "web", "queued": 0, "parked": 1, "dead": 0, "oldest_ms": 0}
    other = stored(edge, 2)
    row(agent, id=other, state="parked")
    edge.ctl("inbox", "drop", "--state", "parked")
    row(agent, id=number, state="dropped", attempt=None)
    row(agent, id=other, state="dropped")
    until(lambda: figures(agent)[0]["parked"] == 0, what="figures")


def test_duplicates_and_pushes_that_newer_ones_replace(lab):
    edge, agent, origin = hooks(lab, "--coalesce", origin=lab.origin(status(500)))
    first = stored(edge, 1, request_uuid="one")
    row(agent, id=first, state="retrying")
    second, third = stored(edge, 2), stored(edge, 3)
    r = row(agent, id=second, state="dropped")
    assert r["text"] == "A newer push of the branch took its place.", r
    assert send(edge, 1, request_uuid="one").status == 202
    r = row(agent, what="stored", code="duplicate")
    assert r["id"] == first and third > second, r


def test_relayed_and_copied(lab):
    edge = lab.edge()
    token, _ = edge.new_token("dev")
    _, second, _ = web(lab, "--store", "--unsigned", edge=edge, name="two", token=token)
    _, agent, _ = hooks(lab, "--relay", "--fan-out", "two", edge=edge, token=token)
    assert send(edge, 1).status == 200
    r = row(agent, what="stored")
    assert r["state"] == "leased" and "status" not in r, r
    row(agent, id=r["id"], state="delivered")
    copy = row(second, what="stored")
    assert copy["id"] != r["id"] and copy["event"] == "repo:push" and copy["name"] == "two", copy
    row(second, id=copy["id"], state="delivered")
    assert not [x for x in told(second) if x.get("id") == r["id"]]


def test_what_waits_is_told_when_the_agent_comes(lab):
    edge, agent, origin = hooks(lab)
    agent.kill()
    until(lambda: edge.status()["links"] == 0)
    first = [stored(edge, n) for n in range(3)][0]
    address, keeper = refusing_address()
    agent = lab.agent(edge, "http", address, "--name", "web", *JENKINS, "--secret-file", secret_file(edge.folder), *LOUD)
    until(lambda: figures(agent)[0] and figures(agent)[0]["queued"] == 3, what="figures")
    assert figures(agent)[0]["oldest_ms"] > 0
    row(agent, id=first, state="retrying", code="refused")
    keeper.close()


# --- links ---

def test_each_link_is_told_of_its_own_tunnels(lab):
    edge = lab.edge()
    _, one, _ = web(lab, "--deny", "127.0.0.0/8", edge=edge, name="one")
    _, two, _ = web(lab, "--deny", "127.0.0.0/8", edge=edge, name="two")
    for name in ("one", "two", "two"):
        assert post(edge, host=f"{name}.localhost").status == 403
    until(lambda: len(told(one)) == 1 and len(told(two)) == 2, what="rows")
    assert {r["name"] for r in told(two)} == {"two"}


def test_a_tunnel_that_was_taken_over_is_told_to_its_new_link(lab):
    edge, old, _ = hooks(lab)
    stored(edge, 1)
    row(old, state="delivered")
    _, new, _ = hooks(lab, edge=edge)
    old.exits(4)
    number = stored(edge, 2)
    row(new, id=number, state="delivered")
    assert post(edge, path=HOOK).status == 401
    row(new, what="refused")
    assert not [r for r in told(old) if r.get("id") == number or r["what"] == "refused"]


def test_ten_thousand_refusals_are_counted_and_the_link_lives(lab):
    edge, agent, origin = web(lab, "--deny", "127.0.0.2/32", "--body-max", "3")
    with edge.visitor(tls=False) as v:
        v.send("GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        assert v.response().status == 200
        before = edge.rss_kb()
        for _ in range(100):
            with edge.visitor(tls=False) as bad:
                bad.send(b"POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 4\r\n\r\nfour")
                assert bad.response().status == 413
    for _ in range(100):
        socks = []
        for _ in range(99):
            s = socket.create_connection(edge.http)
            s.sendall(b"POST / HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 4\r\n\r\nfour")
            socks.append(s)
        for s in socks:
            assert b" 413 " in s.recv(64)
            s.close()

    def counted():
        with agent.changed:
            lost = sum(json.loads(line).get("lost", 0) for line in agent.lines if line and '"lost":' in line)
        return len(told(agent)) + lost
    until(lambda: counted() == 10000, 4 * WAIT_S, "all of them are told or counted")
    assert SANITIZED or edge.rss_kb() - before < 8192  # a sanitizer holds back what was freed
    assert edge.get().status == 200 and edge.status()["links"] == 1
    assert len([line for line in agent.lines if line and '"event":"down"' in line]) == 0
