# SPDX-License-Identifier: Apache-2.0
"""The inspector asks the edge over the link that runs for its inbox, and has the doctor look."""
import json

from hooks import secret_file, send
from origin import Origin
from process import until
from test_inspector import ask, get


def refuses(c, request):
    c.answer(b"no", 404, reason="Not Found")


def test_list_show_drop_and_replay(lab):
    edge = lab.edge()
    origin = lab.keep(Origin(refuses))
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0", "--for", "jenkins-bitbucket",
                      "--secret-file", secret_file(edge.folder))
    edge.wait_up("web")
    for n in (1, 2, 3):
        assert send(edge, n).status in (200, 202)
    def parked(n=3):
        box = get(agent, "/v1/inbox?state=parked")
        return box if len(box["rows"]) == n and all(r["verdict"] == "ok" for r in box["rows"]) else None
    box = until(parked, what="parked deliveries")
    assert box["counts"]["parked"] == 3 and box["counts"]["queued"] == 0 and box["more"] is False
    assert (box["keeps_days"], box["keeps_failed_days"]) == (30, 90)
    one = box["rows"][0]
    assert one["tunnel"] == "web" and one["event"] == "repo:push" and one["repository"] == "acme/web" and one["branch"] == "main"
    assert one["attempts"] >= 1 and one["status"] == 404 and one["bytes"] > 100 and one["verdict"] == "ok" and one["row"]
    assert int(one["number"]) > int(box["rows"][1]["number"])
    page = get(agent, f"/v1/inbox?limit=1&before={one['number']}")
    assert [r["number"] for r in page["rows"]] == [box["rows"][1]["number"]] and page["more"] is True
    assert get(agent, "/v1/inbox?state=delivered")["rows"] == [] == get(agent, "/v1/inbox?tunnel=other")["rows"]
    whole = get(agent, f"/v1/inbox/{one['number']}")
    assert json.loads(whole["body"])["repository"]["full_name"] == "acme/web"
    names = {h[0].lower(): h for h in whole["headers"]}
    assert names["x-event-key"][1] == "repo:push" and names["x-hub-signature"][2] is True
    assert whole["attempts_list"][0]["status"] == 404 and whole["attempts_list"][0]["n"] == 1
    assert ask(agent, "POST", f"/v1/inbox/{one['number']}/drop", {}, Origin="http://evil.example")[0].status == 403
    m, data = ask(agent, "POST", f"/v1/inbox/{one['number']}/drop", {})
    assert m.status == 202 and json.loads(data) == {}
    until(lambda: parked(2), what="one less")
    assert [r["number"] for r in get(agent, "/v1/inbox?state=dropped")["rows"]] == [one["number"]]
    second = box["rows"][1]["number"]
    assert ask(agent, "POST", f"/v1/inbox/{second}/replay", {})[0].status == 202
    until(lambda: any(r["number"] == second and r["attempts"] > 1 for r in get(agent, "/v1/inbox")["rows"]) or
          len(get(agent, f"/v1/inbox/{second}")["attempts_list"]) > 1, what="a second attempt")
    for path in ("/v1/inbox/999999", "/v1/inbox/none"):
        m, data = ask(agent, "GET", path)
        assert m.status == 404 and json.loads(data)["code"] == "no-delivery", data
    assert ask(agent, "GET", "/v1/inbox?state=nonsense")[0].status == 400
    edge.stop()
    m, data = until(lambda: (lambda a: a if a[0].status == 503 else None)(ask(agent, "GET", "/v1/inbox")), what="no edge")
    assert json.loads(data)["code"] == "edge-away"


def test_doctor(lab):
    edge = lab.edge()
    origin = lab.keep(Origin())
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0")
    edge.wait_up("web")
    m, data = ask(agent, "POST", "/v1/doctor", {"tunnel": "web"})
    report = json.loads(data)
    assert m.status == 200, report
    steps = {s["name"]: s for s in report["steps"]}
    assert steps["link"]["state"] in ("ok", "wait") and steps["origin"]["text"], steps
    assert report["state"] in ("ok", "wait", "bad") and report["title"] and report["took_us"] > 0
    assert all(s["state"] in ("ok", "failed", "wait", "none") for s in report["steps"])
    assert any(s["advice"] for s in report["steps"] if s["state"] == "failed") == (report["state"] == "bad"), report
    for body in ({"tunnel": "other"}, {"tunnel": "--help"}, {}):
        m, data = ask(agent, "POST", "/v1/doctor", body)
        assert m.status == 404 and json.loads(data)["code"] == "no-tunnel"
    assert ask(agent, "POST", "/v1/doctor", {"tunnel": "web"}, Origin="http://evil.example")[0].status == 403
