# SPDX-License-Identifier: Apache-2.0
"""W3C Trace Context: passed on as it came, kept with stored webhooks, begun only where the operator wants it."""
import re

import pytest

from hooks import HOOK, push_body, push_headers, secret_file
from process import until

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{ID}-00f067aa0ba902b7-01"
STATE = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"


def logged(edge, **members):
    return until(lambda: next((line for line in edge.logged().splitlines()
                               if "event=request" in line and all(f" {k}={v}" in line for k, v in members.items())), None), what=str(members))


def test_it_passes_as_it_came(lab):
    edge, agent, origin = lab.web()
    assert edge.get("/a", headers=f"traceparent: {PARENT}\r\ntracestate: {STATE}\r\n").status == 200
    assert origin.requests[0].get("traceparent") == PARENT and origin.requests[0].get("tracestate") == STATE
    logged(edge, path="/a", trace=ID)
    assert edge.get("/b", headers="traceparent: what\r\ntracestate: x=1\r\n").status == 200
    assert origin.requests[1].get("traceparent") == "what"
    assert edge.get("/c").status == 200
    assert origin.requests[2].get("traceparent") is None and " trace=" not in logged(edge, path="/c")


@pytest.mark.parametrize("headers", ["", "traceparent: what\r\ntracestate: x=1\r\n", f"traceparent: {PARENT}\r\ntraceparent: {PARENT}\r\n"])
def test_it_begins_here_where_the_operator_wants_it(lab, headers):
    edge = lab.edge(config="trace: yes\n")
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web")
    edge.wait_up("web")
    assert edge.get("/a", headers=f"traceparent: {PARENT}\r\ntracestate: {STATE}\r\n").status == 200
    assert origin.requests[0].get("traceparent") == PARENT and origin.requests[0].get("tracestate") == STATE
    for _ in range(2):
        assert edge.get("/b", headers=headers).status == 200
    made = [r.get("traceparent") for r in origin.requests[1:]]
    found = [re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-01", m) for m in made]
    assert all(found) and found[0][1] != found[1][1] and origin.requests[1].get("tracestate") is None
    logged(edge, path="/b", trace=found[0][1])


@pytest.mark.parametrize("trace", ["no", "yes"])
def test_a_stored_webhook_keeps_it_for_each_attempt(lab, trace):
    answers = [500, 200]
    origin = lab.origin(lambda c, request: c.answer(b"", answers.pop(0)))
    edge = lab.edge(config=f"trace: {trace}\n")
    lab.agent(edge, "http", origin.address, "--name", "web", "--for", "jenkins-bitbucket", "--secret-file", secret_file(edge.folder))
    edge.wait_up("web")
    body = push_body(1)
    fields = [f"traceparent: {PARENT}", f"tracestate: {STATE}"]
    with edge.visitor(tls=False) as v:
        assert v.ask("POST", HOOK, body, push_headers(body) + fields).status == 202
    origin.wait_requests(2, 60)
    assert [r.get("traceparent") for r in origin.requests] == [PARENT, PARENT]
    assert [r.get("tracestate") for r in origin.requests] == [STATE, STATE]
