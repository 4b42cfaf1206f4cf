# SPDX-License-Identifier: Apache-2.0
"""What the inspector says of link and tunnels, who may ask, what a restart leaves, and that hostile bytes stand as text."""
import http.client
import json
import os
import subprocess
import threading
import time

import pytest

from hooks import HOOK, push_headers, secret_file
from lab import refusing_address
from origin import Origin, echo
from process import WAIT_S, until
from test_inspector import ask, get, listed, post, served

NOBODY = 65534


def now_ms():
    return time.time() * 1000


def test_online(lab):
    began = now_ms()
    edge, agent = served(lab)
    state = until(lambda: (lambda s: s if "probe" in s else None)(get(agent, "/v1/state")), 2 * WAIT_S, "the edge's question")
    assert state["state"] == "online" and state["account"] and "attempt" not in state and "again_ms" not in state
    probe = state["probe"]
    assert probe["status"] == 200 and probe["us"] > 0 and began - 2000 < probe["at_ms"] <= state["now_ms"] + 2000
    assert began - 2000 < state["since_ms"] <= state["now_ms"]
    web = state["tunnels"][0]
    assert (web["name"], web["kind"], web["state"], web["status"], web["inspect"], web["store"]) == ("web", "http", "online", 200, "on", False)
    assert web["us"] > 0 and not {"scheme", "provider", "hook"} & set(web)
    assert get(agent, "/v1/state")["since_ms"] == state["since_ms"]


def test_status_is_the_newest_answer(lab):
    def teapot(c, request):
        c.answer(b"no", 200 if request.method == "HEAD" else 418, reason="Whatever")
    origin = lab.keep(Origin(teapot))
    edge = lab.edge()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0")
    edge.wait_up("web")
    with edge.visitor() as v:
        assert v.ask("POST", "/", b"x").status == 418
    state = until(lambda: (lambda s: s if s["tunnels"][0].get("status") == 418 else None)(get(agent, "/v1/state")), 2 * WAIT_S, "the answer")
    assert state["probe"]["status"] == 200 and state["tunnels"][0]["us"] > 0


def test_what_a_preset_gives_and_what_is_kept(lab):
    origin = lab.keep(Origin(echo))
    edge = lab.edge()
    config = f"{lab.folder}/two.yml"
    with open(config, "w") as f:
        f.write("web: { listen: \"127.0.0.1:0\" }\n"
                f"tunnels: {{ ci: {{ name: ci, origin: \"{origin.address}\", for: jenkins-bitbucket, context: /jenkins, secret_file: \"{secret_file(edge.folder)}\" }},\n"
                f"  few: {{ name: few, origin: \"{origin.address}\", inspect: heads }},\n"
                f"  off: {{ name: off, origin: \"{origin.address}\", inspect: off }} }}\n")
    agent = lab.agent(edge, "start", "--all", "-f", config)
    for name in ("ci", "few", "off"):
        edge.wait_up(name)
    by = {t["name"]: t for t in get(agent, "/v1/state")["tunnels"]}
    ci = by["ci"]
    assert (ci["scheme"], ci["provider"], ci["hook"], ci["store"], ci["inspect"]) == ("bitbucket", "bitbucket", "/jenkins" + HOOK, True, "on")
    assert by["few"]["inspect"] == "heads" and by["off"]["inspect"] == "off" and "scheme" not in by["few"]


def test_edge_away(lab):
    edge, agent = served(lab)
    up = get(agent, "/v1/state")
    edge.kill()

    def away():
        s = get(agent, "/v1/state")
        return s if s["state"] == "reconnecting" and "again_ms" in s and s["why"] and s["attempt"] >= 2 else None
    state = until(away, 4 * WAIT_S, "a second attempt that failed")
    assert 0 <= state["again_ms"] <= 60_000 and state["since_ms"] >= up["since_ms"]
    assert state["tunnels"][0]["state"] == "unknown" and state["account"] == up["account"]
    # What was told to who follows is the same, and comes by itself.
    c = http.client.HTTPConnection(agent.up["web"], timeout=4 * WAIT_S)
    c.request("GET", "/v1/events")
    m = c.getresponse()
    seen = set()
    while len(seen) < 2:
        line = m.readline()
        if line.startswith(b"data:"):
            told = json.loads(line[5:])
            if "attempt" in told:
                seen.add(told["attempt"])
    c.close()
    m, data = ask(agent, "GET", "/v1/inbox")
    assert m.status == 503 and json.loads(data)["code"] == "edge-away"


class Listening:
    """Answers 204 on a socket that was bound before."""

    def __init__(self, sock):
        self.sock = sock
        sock.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            while True:
                c, _ = self.sock.accept()
                with c:
                    c.settimeout(WAIT_S)
                    try:
                        if c.recv(65536):
                            c.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                    except OSError:
                        pass
        except OSError:
            pass

    def close(self):
        self.sock.close()


def test_origin_that_is_not_there(lab):
    """The page that follows has the edge ask again, so that it sees when the local server comes."""
    address, keeper = refusing_address()
    lab.keep(keeper)
    edge = lab.edge()
    agent = lab.agent(edge, "http", address, "--name", "web", "--web", "127.0.0.1:0")
    state = until(lambda: (lambda s: s if s["state"] == "failing" else None)(get(agent, "/v1/state")), 2 * WAIT_S, "failing")
    assert "probe" not in state and "local server" in state["why"]
    assert state["tunnels"][0]["state"] == "failing" and state["tunnels"][0]["why"] and "status" not in state["tunnels"][0]
    c = http.client.HTTPConnection(agent.up["web"], timeout=4 * WAIT_S)
    c.request("GET", "/v1/events")
    m = c.getresponse()
    lab.keep(Listening(keeper))
    told = {}
    while "probe" not in told or told["state"] != "online":
        line = m.readline()
        if line.startswith(b"data:"):
            told = json.loads(line[5:])
    c.close()
    assert told["tunnels"][0]["status"] == 204


def test_history_after_a_restart(lab):
    edge, agent = served(lab)
    body = os.urandom(50_000)
    post(edge, body, headers=["X-Secret: s3cret-value"])
    before = listed(agent)[0]
    agent.stop()
    agent = lab.agent(edge, "http", agent.argv[2], "--name", "web", "--web", "127.0.0.1:0")
    edge.wait_up("web")
    after = listed(agent)[0]
    same = ("id", "at_ms", "status", "took_us", "method", "path", "query", "host", "tx_bytes", "rx_bytes", "state", "tunnel")
    assert {k: after[k] for k in same} == {k: before[k] for k in same}
    m, data = ask(agent, "GET", f"/v1/exchanges/{before['id']}/request/body")
    assert m.status == 200 and data == body
    assert "s3cret" not in json.dumps(get(agent, f"/v1/exchanges/{before['id']}"))
    assert get(agent, "/v1/state")["counts"]["all"] == 1
    post(edge, b"newer", "/newer")
    rows = listed(agent, 2)
    assert [r["path"] for r in rows] == ["/newer", "/echo"] and int(rows[0]["id"]) > int(before["id"])


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: needs root")
def test_another_user_is_refused(lab):
    edge, agent = served(lab)
    post(edge, b"body of ours", "/ours")
    row = listed(agent)[0]

    def other(*argv):
        done = subprocess.run(["curl", "-sS", "-i", "--max-time", str(WAIT_S), *argv], capture_output=True, timeout=2 * WAIT_S, check=True,
                              preexec_fn=lambda: (os.setgroups([]), os.setgid(NOBODY), os.setuid(NOBODY)))
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        return int(head.split()[1]), body
    at = f"http://{agent.up['web']}"
    token = f"{edge.folder}/.local/state/adit/web-token"
    assert os.stat(token).st_mode & 0o077 == 0
    with open(token) as f:
        token = f.read().strip()
    one = f"/v1/exchanges/{row['id']}"
    for path in ("/v1/state", "/v1/exchanges", one, one + "/request/body", "/v1/events", "/metrics", "/"):
        # A token that another user has is one that has got out.
        for words in ((), ("-H", "Authorization: Bearer " + "0" * 32), ("-H", "Authorization: Bearer " + token)):
            status, body = other(at + path, *words)
            assert status == 403 and json.loads(body)["code"] == "other-user" and b"ours" not in body, (path, body)
    status, body = other("-X", "DELETE", "-H", "Content-Type: application/json", "-d", "{}", at + "/v1/exchanges")
    assert status == 403 and get(agent, "/v1/exchanges")["total"] == 1


EVIL = '"><script>alert(1)</script>\u202e'


def test_hostile_bytes_stand_as_text(lab):
    """Names, heads and bodies of anybody are values of JSON, or bytes that no browser takes for a page."""
    origin = lab.keep(Origin(echo))
    edge = lab.edge()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0", "--for", "jenkins-bitbucket",
                      "--secret-file", secret_file(edge.folder))
    edge.wait_up("web")
    body = json.dumps({"push": {"changes": [{"new": {"type": "branch", "name": EVIL}}]}, "repository": {"full_name": EVIL},
                       "actor": {"display_name": EVIL}}).encode()
    with edge.visitor(tls=False) as v:
        assert v.ask("POST", HOOK, body, [*push_headers(body), "X-Evil: </script><script>alert(2)</script>"]).status in (200, 202)
    with edge.visitor(tls=False) as v:
        refused = v.ask("POST", "/%3Cscript%3E/%00%ff<b>", b"\xff\x00<b>", ["Content-Type: text/html", "X-Bytes: \xff\xfe"])
    assert refused.status in (400, 403)
    row = until(lambda: next((r for r in get(agent, "/v1/exchanges")["rows"] if r["repository"] and r["took_us"] >= 0), None), 2 * WAIT_S, "the row")
    # What would turn the direction of the text is not even shown.
    assert row["repository"] == EVIL.replace("\u202e", "?") == row["branch"]
    for path in ("/v1/exchanges", f"/v1/exchanges/{row['id']}", f"/v1/exchanges/{row['id']}/why", "/v1/state", "/v1/inbox", "/v1/search?q=script"):
        m, data = ask(agent, "GET", path)
        assert m.status == 200 and m.headers["Content-Type"] in ("application/json", "application/x-ndjson") and m.headers["X-Content-Type-Options"] == "nosniff", path
        for line in data.decode("utf-8").splitlines():
            json.loads(line)
    fields = get(agent, f"/v1/exchanges/{row['id']}")["request"]["received"]
    assert any(f[0].lower() == "x-evil" for f in fields)
    m, data = ask(agent, "GET", f"/v1/exchanges/{row['id']}/request/body")
    assert data == body and m.headers["Content-Type"] == "application/octet-stream" and "attachment" in m.headers["Content-Disposition"]
    assert [r["id"] for r in get(agent, "/v1/exchanges?q=%22%3Cscript%3E%22")["rows"]].count(row["id"]) == 1
