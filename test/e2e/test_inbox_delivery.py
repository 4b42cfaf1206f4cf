# SPDX-License-Identifier: Apache-2.0
"""Webhooks on their way through the inbox: verified, stored, answered, delivered."""
import json
import os
import re
import time

import pytest

from hooks import HOOK, number_of, numbers, push_body, push_headers, secret_file, send, stored
from lab import refusing_address
from origin import Origin, ok, silent
from process import until
from test_push import OURS, read, sent_fields

JENKINS = ["--for", "jenkins-bitbucket"]
HOLD_S = 5  # for which nothing is tried at an origin that is starting (src/edge/inbox/attempt.c)


def status(code, *headers, body=b""):
    def behave(c, request):
        c.answer(body, code, headers, "Said")
    return behave


class Inbox:
    """Edge, agent and origin of a tunnel "web" whose webhooks are stored."""

    def __init__(self, lab, origin=None, *options, preset=JENKINS, secrets=()):
        self.lab = lab
        self.origin = origin or lab.origin()
        self.edge = lab.edge()
        self.options = [*preset, "--secret-file", secret_file(self.edge.folder, *secrets), *options]
        self.agent = self.start()

    def start(self, origin=None):
        self.agent = self.lab.agent(self.edge, "http", (origin or self.origin).address, "--name", "web", *self.options)
        self.edge.wait_up("web")
        return self.agent

    def away(self):
        """The agent goes, and the edge knows it."""
        self.agent.kill()
        until(lambda: self.edge.status()["links"] == 0)

    def told(self):
        """How many parked ones somebody was told of."""
        return sum(int(n) for n in re.findall(r"event=inbox-alert-taken parked=(\d+)", self.edge.logged()))

    def said(self, event, **members):
        """Waits for a line of the edge's log; returns it."""
        def find():
            for line in self.edge.logged().splitlines():
                if f"event={event} " in line and all(f"{k}={v}" in line for k, v in members.items()):
                    return line
        return until(find, what=f"{event} {members}")


def test_a_signed_push_is_stored_and_arrives_identical(lab):
    inbox = Inbox(lab)
    body, headers = read(f"{OURS}/bitbucket_push.json")
    with inbox.edge.visitor() as v:
        m = v.ask("POST", HOOK, body, headers)
        assert m.status == 202 and m.get("Content-Type") == "application/json", m
        first = json.loads(m.body)
        assert re.fullmatch(r"[1-9][0-9]*", m.get("adit-delivery")) and first == {"delivery": m.get("adit-delivery"), "duplicate": False}
        # the same connection goes on
        again = v.ask("POST", HOOK, body, headers)
    request = inbox.origin.wait_requests(1)[0]
    assert request.start == f"POST {HOOK} HTTP/1.1" and request.body == body
    fields = [tuple(re.split(r":[ \t]*", h, maxsplit=1)) for h in headers]
    assert sent_fields(request) == [("Host", "web.localhost"), *fields, ("Content-Length", str(len(body)))]
    assert request.get("adit-delivery") == m.get("adit-delivery") and request.get("adit-attempt") == "1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", request.get("adit-received-at"))
    assert request.get("X-Forwarded-Proto") == "https"
    # X-Request-UUID is the same: known again, not delivered again (S-24)
    assert again.status == 202 and json.loads(again.body) == {"delivery": first["delivery"], "duplicate": True}
    inbox.said("delivery", id=first["delivery"], state="delivered")
    assert len(inbox.origin.requests) == 1


@pytest.mark.parametrize("spoil, reason", [
    (lambda h: [x for x in h if not x.startswith("X-Hub")], "missing"),
    (lambda h: [x if not x.startswith("X-Hub") else x[:-1] + ("0" if x[-1] != "0" else "1") for x in h], "wrong"),
    (lambda h: [x if not x.startswith("X-Hub") else "X-Hub-Signature: sha256=zz" for x in h], "malformed"),
])
def test_s24_a_wrong_signature_is_refused_and_the_log_says_why(lab, spoil, reason):
    inbox = Inbox(lab)
    body = push_body(1)
    with inbox.edge.visitor() as v:
        m = v.ask("POST", HOOK, body, spoil(push_headers(body)))
    assert m.status == 401 and m.error == "bad-signature", m
    assert reason.encode() not in m.body.split(b"bad-signature")[0]
    assert f"reason={reason}" in inbox.said("bad-signature")
    assert stored(inbox.edge, 2) > 0
    assert numbers_of(inbox, 1) == [2]


def numbers_of(inbox, n):
    inbox.origin.wait_requests(n)
    return numbers(inbox.origin)


def test_s24_an_altered_body_is_refused(lab):
    inbox = Inbox(lab)
    body = push_body(1)
    with inbox.edge.visitor() as v:
        assert v.ask("POST", HOOK, body + b"\n", push_headers(body)).status == 401
    assert "reason=body-newline" in inbox.said("bad-signature")


def test_two_secrets_are_good_while_one_takes_the_place_of_the_other(lab):
    inbox = Inbox(lab, secrets=("new-one", "old-one"))
    stored(inbox.edge, 1, secret="new-one")
    stored(inbox.edge, 2, secret="old-one", branch="b")
    assert send(inbox.edge, 3, secret="older").status == 401


def test_agent_away_is_stored_and_delivered_in_order_when_it_returns(lab):
    inbox = Inbox(lab)
    inbox.away()
    ids = [stored(inbox.edge, n) for n in range(20)]
    assert ids == sorted(ids) and len(set(ids)) == 20
    assert send(inbox.edge, 99, secret="wrong").status == 401
    inbox.start()
    assert numbers_of(inbox, 20) == list(range(20))


def test_origin_down_is_tried_again_and_at_once_when_the_agent_returns(lab):
    address, keeper = refusing_address()
    lab.keep(keeper)
    dead = type("Dead", (), {"address": address})
    inbox = Inbox(lab, dead)
    stored(inbox.edge, 1)
    inbox.said("delivery", state="queued", reason="refused")
    inbox.away()
    inbox.origin = lab.origin()
    inbox.start()
    assert numbers_of(inbox, 1) == [1]
    assert inbox.origin.requests[0].get("adit-attempt") == "2"


def test_origin_that_fails_is_tried_again_after_a_pause(lab):
    answers = [status(500), ok]
    inbox = Inbox(lab, lab.origin(lambda c, r: answers.pop(0)(c, r)))
    stored(inbox.edge, 1)
    inbox.said("delivery", state="queued", reason="origin-error", status=500)
    assert [r.get("adit-attempt") for r in inbox.origin.wait_requests(2, 20)] == ["1", "2"]
    inbox.said("delivery", state="delivered")


def test_jenkins_getting_ready_holds_the_queue(lab):
    starting = status(503, "X-Jenkins: 2.528.3", body=b"<h1>Please wait while Jenkins is getting ready to work</h1>")
    times = []

    def behave(c, request):
        times.append(time.monotonic())
        (starting if len(times) == 1 else ok)(c, request)
    inbox = Inbox(lab, lab.origin(behave))
    stored(inbox.edge, 1)
    inbox.said("delivery", state="queued", reason="starting")
    # Others are not even tried meanwhile, however long it takes to store them.
    for n in range(2, 6):
        stored(inbox.edge, n, branch=f"b{n}")
    got = inbox.origin.wait_requests(6, 20)
    assert sorted(number_of(r) for r in got) == [1, 1, 2, 3, 4, 5]
    until(lambda: len(times) == 6)
    assert times[1] - times[0] >= HOLD_S, times
    # what was only held counts as no attempt
    assert [r.get("adit-attempt") for r in got if number_of(r) == 1] == ["1", "1"]


@pytest.mark.parametrize("behave, reason, advice", [
    (status(302, f"Location: {HOOK}x/", "X-Jenkins: 2"), "redirect", "Use the address"),
    (status(403, "X-Jenkins: 2", body=b"No valid crumb was included in the request"), "crumb", ""),
    (status(404, "X-Jenkins: 2"), "no-plugin", "Install the plugin"),
])
def test_mistakes_of_the_set_up_are_parked_with_advice(lab, behave, reason, advice):
    inbox = Inbox(lab, lab.origin(behave))
    stored(inbox.edge, 1)
    line = inbox.said("delivery", state="parked", reason=reason)
    assert advice in line
    stored(inbox.edge, 2)  # of the same branch: a parked one holds up nobody
    inbox.origin.wait_requests(2)


def test_order_holds_per_branch_and_branches_do_not_wait_for_each_other(lab):
    def behave(c, r):
        (silent if json.loads(r.body)["push"]["changes"][0]["new"]["name"] == "slow" else ok)(c, r)
    inbox = Inbox(lab, lab.origin(behave))
    stored(inbox.edge, 0, branch="slow")
    stored(inbox.edge, 1, branch="slow")
    for n in range(2, 10):
        stored(inbox.edge, n, branch="fast")
    got = numbers_of(inbox, 9)
    assert [n for n in got if n > 1] == list(range(2, 10)) and 0 in got and 1 not in got


def test_only_the_presets_path_is_let_in(lab):
    inbox = Inbox(lab)
    with inbox.edge.visitor() as v:
        assert v.ask("GET", HOOK).status == 405
    for path in ("/", "/login", "/bitbucket-hook", "//bitbucket-hook/", "/bitbucket-hook/../script"):
        body = push_body(1)
        with inbox.edge.visitor() as v:
            got = v.ask("POST", path, body, push_headers(body))
            assert got.status == 403 and b"is for jenkins-bitbucket and takes POST /bitbucket-hook/ alone" in got.body, path
            assert b"allow:" not in got.body, got.body
    assert "slash" in inbox.said("slash")
    assert inbox.origin.requests == []


@pytest.mark.parametrize("chunked", [False, True])
def test_q07_a_body_above_the_limit_is_refused(lab, chunked):
    inbox = Inbox(lab, None, "--body-max", "1000")
    fits = push_body(1, pad=1000 - len(push_body(1)))
    assert len(fits) == 1000
    for body, want in ((fits, 202), (fits + b" ", 413), (fits + b" " * 100000, 413)):
        with inbox.edge.visitor() as v:
            if chunked:
                head = "\r\n".join([f"POST {HOOK} HTTP/1.1", "Host: web.localhost", *push_headers(body), "Transfer-Encoding: chunked"])
                v.send(head.encode() + b"\r\n\r\n" + b"".join(
                    b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:500], body[500:])) + b"0\r\n\r\n")
                m = v.response()
            else:
                m = v.ask("POST", HOOK, body, push_headers(body))
        assert m.status == want, (len(body), m)
    request = inbox.origin.wait_requests(1)[0]
    assert request.body == fits and request.get("Content-Length") == "1000" and not request.all("Transfer-Encoding")


def test_a_large_body_arrives_whole(lab):
    inbox = Inbox(lab, None, "--body-max", "9000000")
    body = push_body(1, pad=8_000_000)
    with inbox.edge.visitor() as v:
        assert v.ask("POST", HOOK, body, push_headers(body)).status == 202
    assert inbox.origin.wait_requests(1)[0].body == body


def test_expect_continue_is_answered(lab):
    inbox = Inbox(lab)
    body = push_body(1)
    with inbox.edge.visitor() as v:
        v.send("\r\n".join([f"POST {HOOK} HTTP/1.1", "Host: web.localhost", *push_headers(body), "Expect: 100-continue",
                            f"Content-Length: {len(body)}"]).encode() + b"\r\n\r\n")
        assert v.head().status == 100
        v.send(body)
        assert v.response().status == 202
    inbox.origin.wait_requests(1)


# --- relay ---

def test_relay_gives_the_sender_the_origins_answer(lab):
    inbox = Inbox(lab, lab.origin(status(201, "Content-Type: text/x", body=b"built")), "--relay")
    m = send(inbox.edge, 1)
    assert (m.status, m.body, m.get("Content-Type")) == (201, b"built", "text/x")
    assert m.get("adit-delivery")
    inbox.said("delivery", id=m.get("adit-delivery"), state="delivered")
    inbox.away()
    stored(inbox.edge, 2)
    inbox.start()
    assert numbers_of(inbox, 2) == [1, 2]


def test_relay_promises_when_the_origin_fails_or_says_too_much(lab):
    answers = [status(500, body=b"secret trace"), ok, status(200, body=b"x" * 70000)]
    inbox = Inbox(lab, lab.origin(lambda c, r: answers.pop(0)(c, r)), "--relay")
    stored(inbox.edge, 1)
    inbox.origin.wait_requests(2, 20)
    inbox.said("delivery", id="1", state="delivered")
    stored(inbox.edge, 2)
    inbox.said("delivery", id="2", state="delivered")


def test_relay_gives_mistakes_back_and_parks_them(lab):
    inbox = Inbox(lab, lab.origin(status(404, "X-Jenkins: 2", body=b"no")), "--relay")
    m = send(inbox.edge, 1)
    assert m.status == 404 and m.body == b"no"
    inbox.said("delivery", id=m.get("adit-delivery"), state="parked")


def test_relay_promises_after_its_time(lab):
    inbox = Inbox(lab, lab.origin(silent), "--relay")
    m = send(inbox.edge, 1)
    assert m.status == 202, m
    inbox.agent.stop(9) if False else None


# --- handshakes ---

def test_handshakes_are_answered_on_the_spot(lab):
    inbox = Inbox(lab)
    body, headers = read(f"{OURS}/bitbucket_dc_ping.json")
    with inbox.edge.visitor() as v:
        m = v.ask("POST", HOOK, body, headers)
    assert m.status == 200 and not m.all("adit-delivery"), m
    slack = lab.agent(inbox.edge, "http", inbox.origin.address, "--name", "slack", "--store", "--scheme", "slack",
                      "--secret-file", secret_file(inbox.edge.folder, "slack-staple"))
    inbox.edge.wait_up("slack")
    import hashlib
    import hmac
    import time
    body, stamp = b'{"type":"url_verification","challenge":"3eZbrw1aB"}', str(int(time.time()))
    mac = hmac.new(b"slack-staple", b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    for signature, want in ((mac, 200), ("0" * 64, 401)):
        with inbox.edge.visitor("slack.localhost") as v:
            m = v.ask("POST", "/slack", body, ["Content-Type: application/json", f"X-Slack-Request-Timestamp: {stamp}",
                                               f"X-Slack-Signature: v0={signature}"])
        assert m.status == want and (b"3eZbrw1aB" in m.body) == (want == 200), m
    assert slack.alive() and inbox.origin.requests == []


# --- the agent's side ---

def test_up_says_what_to_paste(lab):
    edge, origin = lab.edge(), lab.origin()
    agent = lab.agent(edge, "http", origin.address, "--name", "ci", *JENKINS)
    up = agent.up
    assert up["hook_url"] == agent.url + HOOK and up["mode"] == "store" and up["events"] == "Repository push" and up["next"]
    path = up["secret_file"]
    assert up["secret_made"] and path == f"{edge.folder}/.config/adit/secret-ci" and os.stat(path).st_mode & 0o777 == 0o600
    with open(path) as f:
        secret = f.read().rstrip("\n")
    assert re.fullmatch(r"[A-Za-z0-9]{32}", secret)
    stored(edge, 1, host="ci.localhost", secret=secret)
    origin.wait_requests(1)
    again = lab.agent(edge, "http", origin.address, "--name", "ci", *JENKINS)
    assert again.up["secret_file"] == path and not again.up["secret_made"]
    agent.exits(4)


def test_policies_of_the_command_line_hold(lab):
    """Each protection is seen to work: one that was ignored would fail here."""
    edge, origin = lab.edge(), lab.origin()
    users = os.path.join(edge.folder, "users")
    import subprocess
    from lab import ADIT
    line = subprocess.run([ADIT, "passwd", "rosa"], input="open sesame\n", capture_output=True, text=True, check=True).stdout
    assert line.startswith("rosa:$2b$11$")
    with open(os.open(users, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(line)
    tunnels = {"denied": ["--deny", "127.0.0.0/8"], "alien": ["--allow", "10.0.0.0/8,fd00::/8"], "asks": ["--user-file", users],
               "slow": ["--rate", "1"], "small": ["--body-max", "10"], "fine": ["--allow", "127.0.0.0/8"]}
    for name, options in tunnels.items():
        lab.agent(edge, "http", origin.address, "--name", name, *options)
        edge.wait_up(name)
    assert edge.get(host="denied.localhost").status == 403
    assert edge.get(host="alien.localhost").status == 403
    assert edge.get(host="fine.localhost").status == 200
    assert edge.get(host="asks.localhost").status == 401
    import base64
    for password, want in (("open sesame", 200), ("open", 401)):
        basic = base64.b64encode(f"rosa:{password}".encode()).decode()
        assert edge.get(host="asks.localhost", headers=f"Authorization: Basic {basic}\r\n").status == want
    assert [edge.get(host="slow.localhost").status for _ in range(2)] == [200, 429]
    for n, want in ((10, 200), (11, 413)):
        with edge.visitor("small.localhost") as v:
            assert v.ask("POST", "/", b"x" * n).status == want
