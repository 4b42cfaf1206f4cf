# SPDX-License-Identifier: Apache-2.0
"""adit http sink: answers by rules, counts, and is recorded as every origin is."""
import http.client
import json
import os
import subprocess
import time

import pytest

from lab import ADIT
from process import WAIT_S, until

CONFIG = """\
sink:
  - { method: POST, path: /hooks/*, status: 202, headers: ["X-Seen: yes", "Content-Type: text/plain"], body: "taken: 1" }
  - { path: "*.slow", delay_ms: 300, status: 503 }
  - { path: /none, status: 204 }
  - path: /old
    status: 301
    headers: ["Location: /new"]
tunnels:
  web: { origin: "sink:", name: web }
"""


@pytest.fixture
def sink(lab):
    return Sink(lab)


class Sink:
    def __init__(self, lab, config=CONFIG):
        self.edge = lab.edge()
        path = os.path.join(lab.folder, "adit.yml")
        with open(path, "w") as f:
            f.write(config)
        self.agent = lab.agent(self.edge, "start", "--all", "-f", path)
        self.edge.wait_up("web")
        self.web = self.agent.up["web"] if "web" in self.agent.up else self.agent.wait_event("web")["web"]

    def ask(self, method, path, body=b"", headers=""):
        with self.edge.visitor() as v:
            v.send(f"{method} {path} HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)
            return v.response(method) if method == "HEAD" else v.response()

    def api(self, method, path, value=None):
        c = http.client.HTTPConnection(self.web, timeout=WAIT_S)
        c.request(method, path, None if value is None else json.dumps(value), {"Content-Type": "application/json"})
        r = c.getresponse()
        data = json.loads(r.read())
        c.close()
        return r.status, data


def test_rules_of_the_configuration(sink):
    r = sink.ask("POST", "/hooks/a?x=1", b"p" * 100000)
    assert (r.status, r.body, r.get("x-seen"), r.get("content-type")) == (202, b"taken: 1", "yes", "text/plain")
    for method, path in (("GET", "/hooks/a"), ("PUT", "/x"), ("DELETE", "/"), ("PATCH", "/y")):
        r = sink.ask(method, path)
        assert (r.status, r.body) == (200, b""), (method, path)
    assert sink.ask("GET", "/none").status == 204
    r = sink.ask("GET", "/old")
    assert (r.status, r.get("location")) == (301, "/new")
    began = time.monotonic()
    assert sink.ask("GET", "/a.slow").status == 503
    assert time.monotonic() - began >= 0.3
    assert sink.ask("HEAD", "/none.slow").status == 503
    status, said = sink.api("GET", "/v1/sink")
    assert status == 200 and said["on"] and [r["hits"] for r in said["rules"]] == [1, 2, 1, 1]
    assert said["rules"][0] == {"method": "POST", "path": "/hooks/*", "status": 202, "delay_ms": 0, "body": "taken: 1", "hits": 1,
                                "headers": [["X-Seen", "yes"], ["Content-Type", "text/plain"]]}
    assert sink.api("GET", "/v1/state")[1]["sink"] is True
    # What has passed is recorded, bodies too.
    rows = until(lambda: [r for r in sink.api("GET", "/v1/exchanges?q=path:/hooks/a%20method:POST")[1]["rows"] if r["state"] == "answered"])
    assert rows[0]["status"] == 202 and rows[0]["tx_bytes"] == 100000


def test_rules_are_replaced_while_it_runs(sink):
    rules = [{"method": "*", "path": "/*", "status": 418, "delay_ms": 0, "headers": [], "body": "no", "hits": 5}]
    status, said = sink.api("PUT", "/v1/sink", {"rules": rules})
    assert status == 200 and said["rules"][0]["hits"] == 0 and said["rules"][0]["status"] == 418
    for _ in range(3):
        r = sink.ask("POST", "/hooks/x", b"abc")
        assert (r.status, r.body) == (418, b"no")
    assert sink.api("GET", "/v1/sink")[1]["rules"][0]["hits"] == 3
    for wrong, why in (({"rules": [{"status": 99}]}, "Rule 1: status"), ({"rules": [{}, {"path": "x"}]}, "Rule 2: path"), ({}, "a list"),
                       ({"rules": [{"headers": [["Content-Length", "1"]]}]}, "writes Content-Length itself"),
                       ({"rules": [{"headers": [["A", "b\r\nC: d"]]}]}, "on one line"), ({"rules": [{}] * 65}, "at most 64")):
        status, said = sink.api("PUT", "/v1/sink", wrong)
        assert status == 400 and said["code"] == "bad-rule" and why in said["text"], said
    assert sink.ask("GET", "/").status == 418
    assert sink.api("PUT", "/v1/sink", {"rules": []})[1]["rules"] == []
    assert sink.ask("GET", "/").status == 200


def test_many_at_once_and_bodies_in_pieces(sink):
    with sink.edge.visitor() as v:
        for i in range(50):
            v.send("POST /hooks/a HTTP/1.1\r\nHost: web.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            assert v.response().status == 202
    waiting = [sink.edge.visitor() for _ in range(20)]
    for v in waiting:
        v.send("GET /b.slow HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
    assert sink.ask("GET", "/quick").status == 200
    for v in waiting[:10]:
        assert v.response().status == 503
    for v in waiting:
        v.close()


@pytest.mark.parametrize("rule, said", [
    ("{ status: 99 }", "adit.yml:2:5: sink[1]"), ("{ stauts: 200 }", "a rule has method"), ("{ path: x }", "begins with /"),
    ('{ headers: ["x"] }', "headers"), ('{ headers: ["Connection: close"] }', "the agent writes Connection itself"),
    ("{ delay_ms: 60001 }", "from 0 to 60000"), ("5", "a rule is a mapping"), ("{ body: [x] }", "body"),
])
def test_mistakes_have_their_place(lab, rule, said):
    path = os.path.join(lab.folder, "adit.yml")
    with open(path, "w") as f:
        f.write(f"sink:\n  - {rule}\n")
    done = subprocess.run([ADIT, "config", "check", path], capture_output=True, text=True, timeout=WAIT_S)
    assert done.returncode == 2 and "adit.yml:2:" in done.stderr, done
    assert said.split(": sink")[0] in done.stderr, done.stderr


def test_a_sink_on_the_command_line(lab):
    edge = lab.edge()
    agent = lab.agent(edge, "http", "sink:", "--name", "web")
    assert agent.up["origin"] == "sink:"
    edge.wait_up("web")
    assert edge.get("/any/thing").status == 200
