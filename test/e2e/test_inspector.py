# SPDX-License-Identifier: Apache-2.0
"""The inspector's API (doc/inspector-api.md) of a real agent: list, live rows, one exchange, its bytes, what is hidden."""
import base64
import http.client
import json
import os
import time
import urllib.parse

import pytest

from origin import Origin, echo
from hooks import secret_file, send
from process import until


def served(lab, *options):
    origin = lab.keep(Origin(echo))
    edge = lab.edge()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0", *options)
    edge.wait_up("web")
    return edge, agent


def ask(agent, method, path, body=None, **headers):
    c = http.client.HTTPConnection(agent.up["web"], timeout=20)
    try:
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        c.request(method, path, body, headers)
        m = c.getresponse()
        return m, m.read()
    finally:
        c.close()


def get(agent, path):
    m, data = ask(agent, "GET", path)
    assert m.status == 200, (m.status, data)
    return json.loads(data)


def post(edge, body, path="/echo?token=s3cret", headers=(), same=True):
    with edge.visitor() as v:
        m = v.ask("POST", path, body, headers)
    assert m.status == 200 and (m.body == body or not same)


def listed(agent, n=1, q=""):
    return until(lambda: (lambda rows: rows if len(rows) >= n and all(r["took_us"] >= 0 for r in rows) else None)(
        get(agent, f"/v1/exchanges?q={q}")["rows"]), 20, "rows")


def test_pages_state_and_list(lab):
    edge, agent = served(lab)
    m, data = ask(agent, "GET", "/")
    assert m.status == 200 and b"<html" in data and "trusted-types 'none'" in m.headers["Content-Security-Policy"]
    state = get(agent, "/v1/state")
    assert state["state"] == "online" and state["tunnels"][0]["name"] == "web" and state["capture"]["on"] is True
    post(edge, b"first")
    post(edge, b"second", "/other?a=1&b")
    rows = listed(agent, 2)
    assert [r["path"] for r in rows] == ["/other", "/echo"]
    assert [r["query"] for r in rows] == ["a=(hidden)&(hidden)", "token=(hidden)"]
    assert rows[0]["state"] == "answered" and rows[0]["status"] == 200 and rows[0]["tx_bytes"] == 6
    assert [r["path"] for r in listed(agent, 1, "path:/oth")] == ["/other"]
    assert [r["path"] for r in listed(agent, 1, "-path:/oth%20status:2xx")] == ["/echo"]
    page = get(agent, "/v1/exchanges?limit=1")
    assert page["more"] is True and page["total"] == 2 and len(page["rows"]) == 1
    older = get(agent, f"/v1/exchanges?before={page['rows'][0]['id']}")
    assert [r["path"] for r in older["rows"]] == ["/echo"] and older["more"] is False
    m, data = ask(agent, "GET", "/v1/exchanges/1")
    assert m.status == 404 and json.loads(data)["code"] == "no-exchange"


def test_one_exchange_and_its_bytes(lab):
    edge, agent = served(lab)
    body = b"<script>" + os.urandom(100_000)
    post(edge, body, headers=["X-Secret: s3cret-value", "Content-Type: text/html"])
    row = listed(agent)[0]
    one = get(agent, f"/v1/exchanges/{row['id']}")
    assert "s3cret" not in json.dumps(one)
    assert one["request"]["line"] == "POST /echo?token=(hidden) HTTP/1.1"
    hidden = [f for f in one["request"]["received"] if f[0].lower() == "x-secret"]
    assert len(hidden) == 1 and hidden[0][2] is True
    assert one["request"]["body"]["bytes"] == one["request"]["body"]["total"] == len(body)
    assert one["response"]["line"].startswith("HTTP/1.1 200") and one["exact"] is True
    for side in ("request", "response"):
        m, data = ask(agent, "GET", f"/v1/exchanges/{row['id']}/{side}/body")
        assert m.status == 200 and data == body
        assert m.headers["Content-Type"] == "application/octet-stream" and m.headers["X-Content-Type-Options"] == "nosniff"
        assert "attachment" in m.headers["Content-Disposition"] and "sandbox" in m.headers["Content-Security-Policy"]
        pieces = get(agent, f"/v1/exchanges/{row['id']}/{side}/pieces")
        assert sum(p[2] for p in pieces) == len(body)
    m, data = ask(agent, "POST", f"/v1/exchanges/{row['id']}/reveal", {"where": "request", "name": "x-secret"})
    assert m.status == 200 and json.loads(data) == {"value": "s3cret-value"}
    m, data = ask(agent, "POST", f"/v1/exchanges/{row['id']}/reveal", {"where": "query", "name": "token"})
    assert json.loads(data) == {"value": "s3cret"}
    m, data = ask(agent, "POST", f"/v1/exchanges/{row['id']}/reveal", {"where": "query", "name": "token"}, Origin="http://evil.example")
    assert m.status == 403


def test_why_it_did_not_build(lab):
    edge = lab.edge()
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web", "--web", "127.0.0.1:0", "--for", "jenkins-bitbucket",
                      "--secret-file", secret_file(edge.folder))
    edge.wait_up("web")
    assert send(edge, 1, secret="another-secret").status == 401
    row = until(lambda: next(iter(get(agent, "/v1/exchanges?q=state:refused")["rows"]), None), 20, "the refused row")
    assert row["verdict"] == "wrong"
    why = get(agent, f"/v1/exchanges/{row['id']}/why")
    assert why["state"] == "bad" and why["advice"] and [(s["name"], s["state"]) for s in why["steps"]] == [("Signature", "failed")]
    assert send(edge, 2).status in (200, 202)
    row = until(lambda: next(iter(get(agent, "/v1/exchanges?q=state:delivered%20repo:acme/web")["rows"]), None), 20, "the delivered row")
    assert row["delivery"] and row["repository"] == "acme/web" and row["branch"] == "main" and row["verdict"] == "ok"
    why = get(agent, f"/v1/exchanges/{row['id']}/why")
    assert why["state"] == "ok" and [s["state"] for s in why["steps"]] == ["ok", "ok", "ok", "ok", "open"]


def test_live(lab):
    edge, agent = served(lab)
    c = http.client.HTTPConnection(agent.up["web"], timeout=20)
    c.request("GET", "/v1/events")
    m = c.getresponse()
    assert m.headers["Content-Type"].startswith("text/event-stream")

    def event():
        name = data = None
        while True:
            line = m.readline().decode().rstrip("\r\n")
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data = json.loads(line[5:])
            elif not line and name:
                return name, data

    assert event()[0] == "state"
    post(edge, b"now")
    while True:
        name, data = event()
        if name == "rows" and data["rows"][-1]["took_us"] >= 0:
            break
    assert data["rows"][-1]["path"] == "/echo"
    c.close()


def test_pinned_outlives_a_clear(lab):
    edge, agent = served(lab)
    body = os.urandom(3_000_000)
    post(edge, body)
    post(edge, b"goes")
    newest, oldest = listed(agent, 2)
    pin = f"/v1/exchanges/{oldest['id']}/pin"
    assert ask(agent, "PUT", pin, {}, Origin="http://evil.example")[0].status == 403
    assert ask(agent, "PUT", pin, {})[0].status == 204
    assert ask(agent, "PUT", pin, {})[0].status == 204
    assert [r["id"] for r in listed(agent, 1, "is:pinned")] == [oldest["id"]]
    assert ask(agent, "PUT", "/v1/exchanges/5/pin", {})[0].status == 404
    follow = http.client.HTTPConnection(agent.up["web"], timeout=20)
    follow.request("GET", "/v1/events")
    events = follow.getresponse()
    assert ask(agent, "DELETE", "/v1/exchanges", {})[0].status == 204
    while events.readline() != b"event: lost\n":
        pass
    follow.close()
    assert [r["id"] for r in get(agent, "/v1/exchanges")["rows"]] == [oldest["id"]]
    assert get(agent, "/v1/state")["counts"]["all"] == 1
    m, data = ask(agent, "GET", f"/v1/exchanges/{oldest['id']}/request/body")
    assert m.status == 200 and data == body
    assert ask(agent, "DELETE", pin, {})[0].status == 204
    assert "pinned" not in get(agent, f"/v1/exchanges/{oldest['id']}")["flags"]


# --- search ---

def search(agent, q):
    """Hits by their ids, and the last line."""
    m, data = ask(agent, "GET", "/v1/search?q=" + urllib.parse.quote(q))
    assert m.status == 200 and m.headers["Content-Type"] == "application/x-ndjson", (m.status, data)
    lines = [json.loads(line) for line in data.splitlines()]
    assert lines[-1]["done"] is True
    hits = [x for x in lines if "row" in x]
    assert len({h["id"] for h in hits}) == len(hits)
    return {h["row"]["path"]: h for h in hits}, lines[-1]


def test_search(lab):
    edge, agent = served(lab)
    post(edge, b"x" * 100_000 + "früh, the Needle in hay, späť".encode() + b"y" * 100_000, "/one", ["X-Event-Key: repo:push"])
    post(edge, b"needle alone", "/two")
    post(edge, b"nothing", "/three?token=needle", ["Authorization: Bearer needle", "X-Event-Key: needle-event"])
    post(edge, b"nothing", "/four?token=needle", ["Authorization: Bearer needle"])
    post(edge, b"nothing", "/needle-path")
    listed(agent, 5)
    hits, last = search(agent, "needle")
    assert set(hits) == {"/one", "/two", "/three", "/needle-path"} and last["scanned"] > 400_000 and last["more"] is False
    assert hits["/one"]["where"] == "request" and hits["/one"]["at"] == 100_000 + len("früh, the ".encode()) and "Needle in hay" in hits["/one"]["excerpt"]
    assert hits["/three"]["where"] == "request-head" and "needle-event" in hits["/three"]["excerpt"] and "Bearer" not in json.dumps(hits["/three"])
    assert hits["/needle-path"]["where"] == "row"
    # All words, fields and negated ones.
    assert set(search(agent, "needle hay")[0]) == {"/one"}
    assert set(search(agent, '"the needle in" früh')[0]) == {"/one"}
    assert set(search(agent, "needle path:/two")[0]) == {"/two"}
    assert set(search(agent, "needle -path:/o -path:/t")[0]) == {"/needle-path"}
    assert set(search(agent, "needle method:GET")[0]) == set() == set(search(agent, "nowhere-at-all")[0])
    for q in ("", "status:200", "-needle", "x" * 129):
        m, data = ask(agent, "GET", "/v1/search?q=" + q)
        assert m.status == 400 and json.loads(data)["code"] == "no-word", q


def test_search_ends(lab):
    """After 500 hits, and when whoever asked has gone."""
    edge, agent = served(lab)
    with edge.visitor() as v:
        for i in range(520):
            assert v.ask("POST", f"/{i}", b"needle").status == 200
    listed(agent, 11, "path:/51")
    hits, last = search(agent, "needle")
    assert len(hits) == 500 and last["more"] is True
    for _ in range(12):
        c = http.client.HTTPConnection(agent.up["web"], timeout=20)
        c.request("GET", "/v1/search?q=needle")
        assert c.getresponse().status in (200, 429)
        c.close()
    until(lambda: ask(agent, "GET", "/v1/search?q=needle")[0].status == 200, what="searches of those who went")


def test_values_that_the_configuration_hides(lab):
    """redact: names of fields, and places in JSON; whatever may hold them and can't be looked through is not shown."""
    origin = lab.keep(Origin(echo))
    edge = lab.edge()
    config = f"{lab.folder}/hides.yml"
    with open(config, "w") as f:
        f.write("inspect: { redact: [/user/mail, /n, X-Owner] }\nweb: { listen: \"127.0.0.1:0\" }\n"
                f"tunnels: {{ web: {{ name: web, origin: \"{origin.address}\" }} }}\n")
    agent = lab.agent(edge, "start", "--all", "-f", config)
    edge.wait_up("web")
    body = b'{"user": {"mail": "s3cret-ann@example.org", "name": "ann"}, "n": 4711, "word": "needle"}'
    post(edge, body, "/json", ["X-Owner: s3cret-owner"])
    post(edge, b"plain s3cret needle", "/plain")
    post(edge, b'{"pad": "' + b"x" * (1 << 20) + b'", "n": "s3cret"}', "/long")
    rows = {r["path"]: r["id"] for r in listed(agent, 3)}
    for side in ("request", "response"):
        m, data = ask(agent, "GET", f"/v1/exchanges/{rows['/json']}/{side}/body")
        assert m.status == 200 and json.loads(data) == {"user": {"mail": "***", "name": "ann"}, "n": "***", "word": "needle"}
        for path in ("/plain", "/long"):
            m, data = ask(agent, "GET", f"/v1/exchanges/{rows[path]}/{side}/body?raw")
            assert m.status == 403 and json.loads(data)["code"] == "hidden" and b"s3cret" not in data
    everything = json.dumps([get(agent, f"/v1/exchanges/{i}") for i in rows.values()] + [search(agent, "needle")[0]])
    assert "s3cret" not in everything and "needle" not in search(agent, "s3cret")[0]
    for form in ("curl", "har", "pytest", "http"):
        m, data = ask(agent, "POST", "/v1/export", {"ids": list(rows.values()), "as": form})
        assert m.status == 200 and b"s3cret" not in data and b"needle" in data, form
    with open(f"{edge.folder}/.local/state/adit/web-token") as f:
        m, data = ask(agent, "GET", "/api/requests/http", Authorization=f"Bearer {f.read().strip()}")
    assert m.status == 200 and len(json.loads(data)["requests"]) == 3
    for one in json.loads(data)["requests"]:
        for side in ("request", "response"):
            assert b"s3cret" not in base64.b64decode(one[side]["raw"]), one


@pytest.mark.slow  # a gibibyte is carried and kept, as fast as it is kept
def test_search_in_a_gibibyte_begins_within_a_second(lab):
    origin = lab.keep(Origin())
    edge = lab.edge()
    config = f"{lab.folder}/big.yml"
    with open(config, "w") as f:
        f.write(f"inspect: {{ size: 2048 }}\nweb: {{ listen: \"127.0.0.1:0\" }}\ntunnels: {{ web: {{ name: web, origin: \"{origin.address}\" }} }}\n")
    agent = lab.agent(edge, "start", "--all", "-f", config)
    edge.wait_up("web")
    body = os.urandom(3 << 19).hex().encode()
    for i in range(345):
        due = time.monotonic() + 0.11
        post(edge, body[:-6] + (b"newest" if i == 344 else b"oldest" if i == 0 else b""), f"/{i}", same=False)
        until(lambda: time.monotonic() >= due and get(agent, "/v1/state")["capture"]["bytes"] > i * len(body), 60)
    kept = get(agent, "/v1/state")["capture"]
    assert kept["bytes"] > 1 << 30 and not any(kept["cut"].values()), kept
    for word, path in (("newest", "/344"), ("oldest", "/0")):
        c = http.client.HTTPConnection(agent.up["web"], timeout=60)
        started = time.monotonic()
        c.request("GET", "/v1/search?q=" + word)
        m = c.getresponse()
        first = next(x for x in map(json.loads, m) if "row" in x)
        took = time.monotonic() - started
        scanned = json.loads(m.read().splitlines()[-1])["scanned"]
        print(f"{word}: first hit after {took * 1000:.0f} ms, {scanned / 2**30:.2f} GiB after {time.monotonic() - started:.2f} s")
        assert first["row"]["path"] == path
        c.close()
