# SPDX-License-Identifier: Apache-2.0
"""The operator's listener: links, sessions and roles; requests as by the control socket; metrics and health."""
import http.client
import json
import os
import re
import socket
import subprocess

from lab import ADITD
from process import WAIT_S, free_port, until


class Page:
    """What a page of the dashboard would ask."""

    def __init__(self, edge, token=None):
        self.address, self.token = edge.ready["dashboard"], token

    def ask(self, method, path, body=None, **fields):
        c = http.client.HTTPConnection(self.address, timeout=4 * WAIT_S)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        headers.update({k.replace("_", "-"): v for k, v in fields.items()})
        c.request(method, path, None if body is None else json.dumps(body), headers)
        r = c.getresponse()
        text = r.read()
        c.close()
        self.fields = r.headers
        return r.status, json.loads(text) if r.headers.get_content_type() == "application/json" else text.decode()

    def op(self, op, **members):
        return self.ask("POST", "/v1/ask", {"op": op, **members})


def link(edge, *role):
    url = edge.ctl("dashboard", *role).strip()
    found = re.fullmatch(r"http://(127\.0\.0\.1:\d+)/#t=([\w-]{43})", url)
    assert found and found[1] == edge.ready["dashboard"], url
    return found[2]


def login(edge, *role):
    page = Page(edge)
    status, session = page.ask("POST", "/v1/session", {"code": link(edge, *role)})
    assert status == 200, session
    return Page(edge, session["token"])


def test_a_link_is_good_once(lab):
    edge = lab.edge()
    page, code = Page(edge), link(edge)
    status, session = page.ask("POST", "/v1/session", {"code": code})
    assert status == 200 and session["role"] == "operator" and session["account"] == ""
    status, again = page.ask("POST", "/v1/session", {"code": code})
    assert status == 401 and "aditd dashboard" in again["todo"]
    assert page.op("status")[0] == 401
    mine = Page(edge, session["token"])
    status, now = mine.ask("GET", "/v1/session")
    assert status == 200 and 0 < now.pop("left_ms") <= 12 * 3600 * 1000
    assert now == {"id": session["id"], "role": "operator", "account": ""}
    assert session["id"] in edge.ctl("session", "list")
    assert mine.ask("DELETE", "/v1/session")[0] == 204
    assert mine.op("status")[0] == 401
    other = login(edge)
    edge.ctl("session", "end", other.ask("GET", "/v1/session")[1]["id"])
    assert other.op("status")[0] == 401


def test_its_pages_are_in_the_program_and_no_others(lab):
    edge = lab.edge()
    page = Page(edge)
    for path in ("/", "/dashboard.html", "/dashboard/main.js", "/dashboard/dashboard.css", "/lib/parts.css", "/vendor/vendor.js", "/mark.svg"):
        status, text = page.ask("GET", path)
        assert status == 200 and text, path
        assert "script-src 'self'" in page.fields["Content-Security-Policy"]
        if path.endswith(".js"):
            for name in re.findall(r"""^import .* from "(\.[^"]+)";$""", text, re.M):
                assert page.ask("GET", os.path.normpath(os.path.join(os.path.dirname(path), name)))[0] == 200, name
    assert page.ask("GET", "/inspector.html")[0] == page.ask("GET", "/inspector/main.js")[0] == 404


def test_requests_are_those_of_the_socket(lab):
    edge, agent, origin = lab.web()
    page = login(edge)
    status, answer = page.op("status")
    assert status == 200 and [t["tunnel"] for t in answer["tunnels"]] == ["web"]
    status, made = page.op("token.add", account="ci", label="from the page")
    assert status == 200 and made["token"]
    assert made["id"] in edge.ctl("token", "list", "ci")
    assert page.op("nonsense")[0] == 404
    assert page.ask("POST", "/v1/ask", {"no": "op"})[0] == 400
    assert page.op("inbox.list")[1]["rows"] == []
    assert "op=token.add" in edge.logged() and "event=dashboard" in edge.logged()
    # Somebody who leaves while the edge works for him costs nothing.
    host, port = edge.ready["dashboard"].split(":")
    body = b'{"op":"wait","up":"never","timeout_ms":60000}'
    with socket.create_connection((host, int(port))) as s:
        s.sendall(b"POST /v1/ask HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n"
                  b"Content-Length: %d\r\n\r\n%s" % (port.encode(), page.token.encode(), len(body), body))
    assert page.op("status")[0] == 200


def test_roles(lab):
    edge, agent, origin = lab.web()
    edge.ctl("token", "add", "other")
    auditor, account = login(edge, "auditor"), login(edge, "account", "other")
    assert auditor.op("status")[0] == 200 and auditor.op("inbox.list")[0] == 200 and auditor.op("token.list")[0] == 200
    for op, more in [("token.add", {"account": "x"}), ("stop", {}), ("reload", {}), ("inbox.bytes", {"id": 1}), ("inbox.drop", {"id": 1}),
                     ("inbox.show", {"id": 1, "raw": True}), ("cert.renew", {"name": "x"}), ("dashboard.link", {}), ("name.release", {"name": "web"})]:
        assert auditor.op(op, **more)[0] == 403, op
    names = [r["name"] for r in account.op("name.list")[1]["rows"]]
    assert names == [], "names of another account"
    assert {r["account"] for r in account.op("token.list", account="dev")[1]["rows"]} == {"other"}
    assert account.op("token.add", account="dev")[1]["account"] == "other"
    for op in ("status", "stop", "token.revoke", "dashboard.link", "cert.list", "metrics"):
        assert account.op(op)[0] == 403, op
    assert edge.get().status == 200
    assert "names an account" in edge.ctl("dashboard", "account", ok=False)


def test_metrics_and_health(lab):
    edge, agent, origin = lab.web()
    page = Page(edge)
    status, text = page.ask("GET", "/metrics")
    assert status == 200 and page.fields["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "\nadit_links 1\n" in text and "# EOF" not in text
    status, text = page.ask("GET", "/metrics", Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert status == 200 and page.fields["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n") and "# UNIT adit_request_duration_seconds seconds" in text
    assert page.ask("GET", "/healthz") == (200, "ok\n")
    assert page.ask("GET", "/readyz") == (200, {"ready": True, "why": []})
    assert page.ask("GET", "/metrics", Host="evil.example.com")[0] == 421
    assert page.ask("POST", "/v1/session", {"code": "x"}, Origin="https://evil.example.com")[0] == 403


def test_it_moves_on_where_its_port_is_taken_and_can_be_off(lab):
    one, two = (lab.edge(config="inbox: { keep_days: 1 }\n") for _ in range(2))
    ports = [int(re.search(r"127\.0\.0\.1:(\d+)", e.ctl("dashboard"))[1]) for e in (one, two)]
    assert ports[0] != ports[1] and all(4041 <= p <= 4060 for p in ports)
    port = free_port()
    named = lab.edge(config=f"dashboard: {{ listen: 127.0.0.1:{port}, hosts: [admin.example.com] }}\n")
    named.ready["dashboard"] = f"127.0.0.1:{port}"
    assert Page(named).ask("GET", "/healthz", Host=f"admin.example.com:{port}")[0] == 200
    off = lab.edge(config="dashboard: { listen: off }\n")
    assert "the dashboard is off" in off.ctl("dashboard", ok=False)


def test_the_overview_begins_with_what_is_wrong(lab):
    edge, agent, origin = lab.web()
    page = login(edge)
    status, view = page.op("overview")
    assert status == 200 and view["tunnels"] == {"up": 1, "away": 0, "stopped": 0, "disabled": 0} and view["problems"] == []
    assert "nothing is wrong" in edge.ctl("overview")
    assert edge.get().status == 200
    row, = page.op("tunnel.list")[1]["rows"]
    assert (row["name"], row["account"], row["state"]) == ("web", "dev", "up") and row["who"]
    until(lambda: page.op("tunnel.list")[1]["rows"][0]["requests"] == 1)
    agent.kill()
    until(lambda: page.op("tunnel.list")[1]["rows"][0]["state"] == "away")
    problem, = page.op("overview")[1]["problems"]
    assert problem["code"] == "agent-away" and problem["todo"] and "web" in problem["text"]
    assert "agent-away" in edge.ctl("overview") and "away" in edge.ctl("tunnel", "list")
    assert page.op("tunnel.disconnect", name="web")[0] == 404


def test_an_operator_ends_a_link_and_the_agent_comes_back(lab):
    edge, agent, origin = lab.web()
    before = json.loads(edge.ctl("status", "--json"))["tunnels"][0]["generation"]
    edge.ctl("tunnel", "disconnect", "web")
    until(lambda: [t["generation"] for t in json.loads(edge.ctl("status", "--json"))["tunnels"]] not in ([], [before]))
    assert edge.get().status == 200


def test_accounts_see_their_tunnels_alone(lab):
    edge, agent, origin = lab.web()
    edge.ctl("token", "add", "other")
    edge.ctl("name", "reserve", "theirs", "other")
    page = login(edge, "account", "other")
    assert [r["name"] for r in page.op("tunnel.list", account="dev")[1]["rows"]] == ["theirs"]
    assert page.op("overview")[0] == page.op("refused")[0] == page.op("tunnel.disconnect", name="web")[0] == 403


def test_what_was_refused_is_told(lab):
    from hooks import secret_file
    edge, origin = lab.edge(), lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web", "--for", "jenkins-bitbucket", "--store", "--secret-file", secret_file(edge.folder))
    with edge.visitor() as v:
        answer = v.ask("POST", "/bitbucket-hook/", headers=["User-Agent: Bitbucket-Webhooks/2.0", "X-Event-Key: repo:push"], body=b"{}")
    assert answer.status == 401
    until(lambda: login(edge).op("refused")[1]["rows"])
    row = login(edge, "auditor").op("refused")[1]["rows"][0]
    assert row["tunnel"] == "web" and row["code"] and row["count"] == 1
    assert row["code"] in edge.ctl("refused")


def test_changes_are_in_the_audit_over_a_restart(lab):
    edge = lab.edge()
    page = login(edge)
    assert page.op("token.add", account="ci", label="a secret \u202e")[0] == 200
    assert page.op("token.revoke", id="nothing")[0] == 404
    assert login(edge, "auditor").op("token.revoke", id="x")[0] == 403
    rows = login(edge, "auditor").op("audit")[1]["rows"]
    assert [(r["op"], r["code"]) for r in rows if r["op"] != "dashboard.link"] == [("token.revoke", "forbidden"), ("token.revoke", "none"), ("token.add", "ok")]
    added = next(r for r in rows if r["op"] == "token.add")
    assert added["who"] == f"session {page.ask('GET', '/v1/session')[1]['id']} (operator)" and 'account "ci"' in added["about"]
    assert login(edge, "account", "ci").op("audit")[0] == 403
    said = edge.ctl("audit")
    assert "token.add" in said and "by the command line" in said and "\u202e" not in said
    path = os.path.join(edge.folder, "audit.log")
    assert os.stat(path).st_mode & 0o777 == 0o600
    edge.stop()
    with open(path, "a") as f:
        f.write('{"cut":')
    again = lab.edge(folder=edge.folder)
    assert "token.add" in again.ctl("audit")
    again.ctl("name", "reserve", "behind-the-cut", "ci")
    again.stop()
    assert "behind-the-cut" in lab.edge(folder=edge.folder).ctl("audit")


def test_a_full_audit_makes_room(lab):
    edge = lab.edge()
    path = os.path.join(edge.folder, "audit.log")
    with open(path, "a") as f:
        f.write(('x' * 99 + "\n") * 10486)
    edge.ctl("name", "reserve", "one", "dev")
    assert os.path.getsize(path) < 1000 and os.path.getsize(path + ".1") > 1048576
    assert "name.reserve" in edge.ctl("audit")


def test_the_log_and_the_settings_are_shown(lab):
    edge = lab.edge(config="inbox: { alert_command: 'mail -p hunter2', keep_days: 17 }\nhttp2: no\n")
    said = edge.ctl("config", "show")
    assert "inbox.keep_days: 17\n" in said and "http2: false\n" in said and "limits.idle_ms: " in said
    assert 'inbox.alert_command: "(set, not shown)"' in said and "hunter2" not in said
    log = edge.ctl("log")
    assert "event=ready" in log and log.splitlines()[0] in edge.logged()
    first = json.loads(edge.ctl("log", "--json"))
    edge.ctl("token", "add", "ci")
    edge.ctl("token", "revoke", edge.ctl("token", "list", "ci").split()[0])
    assert "op=token.revoke" in edge.ctl("log") and first["next"] > 0


def test_the_link_says_how_it_is_opened_from_elsewhere(lab):
    """The same port at both ends, so that the link and its Host are right there, too."""
    edge = lab.edge()
    done = subprocess.run([ADITD, "--control", edge.ready["control"], "dashboard"], capture_output=True, text=True, timeout=4 * WAIT_S)
    port = edge.ready["dashboard"].split(":")[1]
    assert done.returncode == 0 and f"ssh -L {port}:127.0.0.1:{port} " in done.stderr, done
