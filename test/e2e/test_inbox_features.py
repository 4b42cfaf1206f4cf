# SPDX-License-Identifier: Apache-2.0
"""What a route may do with its stored webhooks: newer pushes in the place of older ones, copies, signatures of now, alerts."""
import hashlib
import hmac
import json
import os
import shutil
import ssl
import subprocess
import time

import pytest

from certs import Authority
from hooks import HOOK, SECRET, number_of, numbers, push_body, push_headers, secret_file, send, stored
from lab import ADIT, SANITIZED
from origin import Origin, ok, silent
from process import WAIT_S, until
from test_inbox_commands import Operator, rows
from test_inbox_delivery import JENKINS, Inbox, status
from test_inbox_judges import has, node


def post(inbox, path, body, headers):
    with inbox.edge.visitor(tls=False) as v:
        m = v.ask("POST", path, body, headers)
    assert m.status == 202, m
    return json.loads(m.body)


def change(inbox, number, new=None, old=None):
    """A push of Bitbucket's with one change; new None: a deletion."""
    body = json.dumps({"number": number, "push": {"changes": [{"new": new, "old": old}]},
                       "repository": {"full_name": "acme/web"}}).encode()
    return int(post(inbox, HOOK, body, push_headers(body))["delivery"])


# --- coalescing ---

def waiting(lab, *options):
    """An inbox whose agent is away while several things happen on and around a branch; returns it and the ids."""
    inbox = Inbox(lab, None, *options)
    inbox.away()
    ids = {n: stored(inbox.edge, n) for n in (1, 2)}
    ids[3] = change(inbox, 3, {"type": "tag", "name": "main"})
    ids[4] = stored(inbox.edge, 4, branch="dev")
    ids[5] = stored(inbox.edge, 5, repository="acme/tools")
    ids[6] = change(inbox, 6, None, {"type": "branch", "name": "main"})
    body = push_body(7)
    ids[7] = int(post(inbox, HOOK, body, push_headers(body, event="repo:commit_status_created"))["delivery"])
    ids[8] = stored(inbox.edge, 8)
    return inbox, ids


def test_a_newer_push_of_a_branch_takes_the_place_of_older_ones(lab):
    inbox, ids = waiting(lab, "--coalesce")
    me = Operator(inbox.edge)
    dropped = rows(me.run("list", "--state", "dropped", "--json"))
    assert sorted(r["id"] for r in dropped) == [ids[1], ids[2]]
    notes = {r["id"]: r["note"] for r in dropped}
    assert str(ids[8]) in notes[ids[2]] and str(ids[2]) in notes[ids[1]] and "newer push" in notes[ids[1]]
    assert f"delivery {ids[8]}" in me.run("show", str(ids[2]))
    assert inbox.edge.status()["all"]["inbox"]["coalesced"] == 2
    inbox.start()
    inbox.origin.wait_requests(6)
    inbox.said("delivery", id=ids[8], state="delivered")
    # what was no older push of this branch has come, in its order
    assert sorted(numbers(inbox.origin)) == [3, 4, 5, 6, 7, 8]
    assert [n for n in numbers(inbox.origin) if n not in (4, 5)] == [3, 6, 7, 8]


def test_without_coalesce_every_push_arrives(lab):
    inbox, ids = waiting(lab)
    inbox.start()
    inbox.origin.wait_requests(8)
    assert sorted(numbers(inbox.origin)) == list(range(1, 9))
    assert rows(Operator(inbox.edge).run("list", "--state", "dropped", "--json")) == []


def test_what_was_tried_is_not_coalesced_away(lab):
    inbox = Inbox(lab, lab.origin(status(500)), "--coalesce")
    first = stored(inbox.edge, 1)
    inbox.said("delivery", id=first, state="queued", status=500)
    second, third = stored(inbox.edge, 2), stored(inbox.edge, 3)
    states = {r["id"]: r["state"] for r in rows(Operator(inbox.edge).run("list", "--json"))}
    assert states == {first: "queued", second: "dropped", third: "queued"}


def test_what_was_replaced_and_is_sent_again_stays_replaced(lab):
    inbox = Inbox(lab, None, "--coalesce")
    inbox.away()
    body, newer = push_body(1), push_body(2)
    first = post(inbox, HOOK, body, push_headers(body, request_uuid="a"))
    post(inbox, HOOK, newer, push_headers(newer, request_uuid="b"))
    again = post(inbox, HOOK, body, push_headers(body, request_uuid="a"))
    assert again == {"delivery": first["delivery"], "duplicate": True, "why": "a newer push of the branch has taken its place"}
    inbox.start()
    inbox.origin.wait_requests(1)
    assert numbers(inbox.origin) == [2]


def test_what_the_origin_has_got_is_not_coalesced_away(lab):
    """Nobody saw an answer, so no attempt is counted; the origin may be at work all the same."""
    inbox = Inbox(lab, lab.origin(silent), "--coalesce")
    ids = [stored(inbox.edge, 1)]
    inbox.origin.wait_requests(1)
    inbox.away()
    inbox.said("delivery", id=ids[0], state="queued", reason="away")
    ids += [stored(inbox.edge, 2), stored(inbox.edge, 3)]
    states = {r["id"]: (r["state"], r["note"]) for r in rows(Operator(inbox.edge).run("list", "--json"))}
    assert [states[i][0] for i in ids] == ["queued", "dropped", "queued"]
    assert states[ids[1]][1] == f"A newer push of the branch took its place: delivery {ids[2]}."


# --- a second time ---

def test_what_was_parked_is_delivered_when_it_is_sent_again(lab):
    """Somebody has mended the server and presses "resend": the sender's id is the same."""
    inbox = Inbox(lab, lab.origin(status(404, "X-Jenkins: 2")))
    first = stored(inbox.edge, 1, request_uuid="a")
    inbox.said("delivery", id=first, state="parked")
    until(lambda: json.loads(Operator(inbox.edge).run("stat", "--json"))["states"]["parked"]["n"] == 1)
    inbox.origin.behave = ok
    m = send(inbox.edge, 1, request_uuid="a")
    second = int(m.get("adit-delivery"))
    assert json.loads(m.body) == {"delivery": str(second), "duplicate": False} and second != first
    inbox.said("delivery", id=second, state="delivered")
    row = [r for r in rows(Operator(inbox.edge).run("list", "--state", "parked", "--json")) if r["id"] == first][0]
    assert row["note"].endswith(f"It was sent again: delivery {second}.")
    # what has arrived is not delivered twice; another body under the same id is another webhook
    assert json.loads(send(inbox.edge, 1, request_uuid="a").body) == {"delivery": str(second), "duplicate": True}
    m = send(inbox.edge, 2, request_uuid="a")
    assert json.loads(m.body)["duplicate"] is False
    inbox.said("delivery", id=int(m.get("adit-delivery")), state="delivered")
    assert numbers(inbox.origin) == [1, 1, 2]


# --- fan-out ---

class Fan(Inbox):
    """Tunnels "web" and others; what is sent to web is stored for all of them."""

    def __init__(self, lab, *others, config=None, **kw):
        self.lab = lab
        self.origin = lab.origin()
        self.edge = lab.edge(config=config, **kw)
        self.others = {n: lab.origin() for n in others}
        self.agents = {n: lab.agent(self.edge, "http", o.address, "--name", n) for n, o in self.others.items()}
        self.options = [*JENKINS, "--secret-file", secret_file(lab.folder), "--fan-out", ",".join(others)]
        self.agent = self.start()

    def put(self, number):
        body = push_body(number)
        return post(self, HOOK, body, push_headers(body))


def test_one_hook_is_stored_for_several_tunnels(lab):
    fan = Fan(lab, "fake", "mine")
    said = fan.put(1)
    ids = [said["delivery"], *said["copies"]]
    assert len(set(ids)) == 3 and said["duplicate"] is False
    for origin, id in zip((fan.origin, fan.others["fake"], fan.others["mine"]), ids):
        request = origin.wait_requests(1)[0]
        assert request.get("adit-delivery") == id and request.body == push_body(1) and request.get("X-Hub-Signature")
    # each has its own state, attempts and order: one origin that refuses holds up no other
    fan.others["fake"].behave = status(404, "X-Jenkins: 2")
    copies = [fan.put(n)["copies"] for n in (2, 3)]
    fan.origin.wait_requests(3)
    fan.others["mine"].wait_requests(3)
    for fake, mine in copies:
        fan.said("delivery", id=fake, tunnel="fake", state="parked")
        fan.said("delivery", id=mine, tunnel="mine", state="delivered")
    assert numbers(fan.origin) == [1, 2, 3] and numbers(fan.others["mine"]) == [1, 2, 3]
    assert fan.edge.status()["all"]["inbox"]["stored"] == 9


def test_coalesce_of_the_source_drops_nothing_of_a_target(lab):
    fan = Fan(lab, "fake")
    fan.agent.kill()
    fan.agents["fake"].kill()
    until(lambda: fan.edge.status()["links"] == 0)
    fan.options.append("--coalesce")
    fan.start()
    fan.agent.kill()
    until(lambda: fan.edge.status()["links"] == 0)
    copies = [int(fan.put(n)["copies"][0]) for n in (1, 2, 3)]
    states = {r["id"]: r["state"] for r in rows(Operator(fan.edge).run("list", "--json"))}
    assert [states.pop(i) for i in copies] == ["queued"] * 3
    assert sorted(states.values()) == ["dropped", "dropped", "queued"]
    lab.agent(fan.edge, "http", fan.others["fake"].address, "--name", "fake")
    fan.others["fake"].wait_requests(3)
    assert numbers(fan.others["fake"]) == [1, 2, 3]


def test_copies_wait_for_their_own_tunnel_and_a_repeat_is_one_for_all(lab):
    fan = Fan(lab, "fake")
    fan.agents["fake"].kill()
    until(lambda: fan.edge.status()["links"] == 1)
    body = push_body(1)
    headers = push_headers(body)
    first = post(fan, HOOK, body, headers)
    again = post(fan, HOOK, body, headers)
    assert again == {"delivery": first["delivery"], "duplicate": True}
    assert fan.origin.wait_requests(1)
    lab.agent(fan.edge, "http", fan.others["fake"].address, "--name", "fake")
    assert fan.others["fake"].wait_requests(1)[0].get("adit-delivery") == first["copies"][0]
    assert len(rows(Operator(fan.edge).run("list", "--json"))) == 2


def test_tunnels_of_one_configuration_may_name_each_other(lab):
    edge, origins = lab.edge(), [lab.origin(), lab.origin()]
    path = os.path.join(lab.folder, "adit.yml")
    with open(path, "w") as f:
        f.write(f"tunnels:\n  web: {{ origin: '{origins[0].address}', name: web, store: true, unsigned: true, fan_out: mine }}\n"
                f"  mine: {{ origin: '{origins[1].address}', name: mine, store: true, unsigned: true, coalesce: true }}\n")
    lab.agent(edge, "start", "--all", "-f", path)
    edge.wait_up("web")
    edge.wait_up("mine")
    with edge.visitor(tls=False) as v:
        assert len(json.loads(v.ask("POST", "/x", b"{}", []).body)["copies"]) == 1
    assert origins[0].wait_requests(1) and origins[1].wait_requests(1)


@pytest.mark.parametrize("to, why", [("nobody", "nobody is not another HTTP tunnel"), ("theirs", "theirs is not another HTTP tunnel"),
                                     ("web", "web is not another HTTP tunnel")])
def test_names_of_others_are_refused_at_login(lab, to, why):
    edge, origin = lab.edge(), lab.origin()
    theirs, _ = edge.new_token("somebody-else")
    lab.agent(edge, "http", origin.address, "--name", "theirs", token=theirs)
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--store", "--unsigned", "--fan-out", to, up=False)
    assert why in agent.wait_event("refused", code="bad-policy")["text"]
    until(lambda: not agent.alive())
    lab.parts.remove(agent)
    assert "tunnel=web" not in edge.logged()


def test_copies_that_have_no_room_are_stored_nowhere(lab):
    fan = Fan(lab, "mine", config="inbox: { account_bytes: 30000 }\n")
    fan.agent.kill()
    fan.agents["mine"].kill()
    until(lambda: fan.edge.status()["links"] == 0)
    stored(fan.edge, 1, pad=10000)
    # one would fit, two do not
    assert send(fan.edge, 2, pad=8000).status == 503
    states = json.loads(Operator(fan.edge).run("stat", "--json"))["states"]
    assert states["queued"]["n"] == 2
    stored(fan.edge, 3, pad=10)


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.skipif(SANITIZED, reason="sanitizers do not go with strace")
def test_copies_on_a_full_disk_are_503_and_stored_nowhere(lab):
    folder = os.path.join(lab.folder, "edge")
    strace = ["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", "inject=pwrite64:error=ENOSPC:when=400+"]
    fan = Fan(lab, "mine", folder=folder, prefix=strace)
    good = 0
    while (m := send(fan.edge, good)).status == 202:
        good += 1
        assert good < 1000
    assert m.status == 503 and m.error == "store-full"
    # what an origin got is not all: settling what was delivered may fail, too
    states = json.loads(Operator(fan.edge).run("stat", "--json"))["states"]
    assert sum(s["n"] for s in states.values()) == 2 * good
    fan.edge.kill()
    lab.parts.remove(fan.edge)
    fan.edge = lab.edge(folder=folder)
    lab.agent(fan.edge, "http", fan.others["mine"].address, "--name", "mine")
    fan.start()
    until(lambda: sorted(set(numbers(fan.origin))) == sorted(set(numbers(fan.others["mine"]))) == list(range(good)))


# --- signatures of now ---

KEY = bytes(range(32))
STALE_S = 200  # the edge takes up to 300 s; from 150 s on a delivery is signed anew


def mac(key, text, form="hex"):
    made = hmac.new(key, text, hashlib.sha256)
    if form == "hex":
        return made.hexdigest()
    import base64
    return base64.b64encode(made.digest()).decode()


def stripe_fields(t, body, key=b"whsec_judge"):
    return [f"Stripe-Signature: t={t},v1={mac(key, b'%d.' % t + body)},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"]


def standard_fields(t, body, id="msg_1"):
    return [f"webhook-id: {id}", f"webhook-timestamp: {t}", f"webhook-signature: v1,{mac(KEY, f'{id}.{t}.'.encode() + body, 'base64')}"]


def slack_fields(t, body):
    return [f"X-Slack-Request-Timestamp: {t}", f"X-Slack-Signature: v0={mac(b'slack', f'v0:{t}:'.encode() + body)}"]


def paddle_fields(t, body):
    return [f"Paddle-Signature: ts={t};h1={mac(b'paddle', f'{t}:'.encode() + body)}"]


SCHEMES = {"stripe": ("whsec_judge", stripe_fields), "slack": ("slack", slack_fields), "paddle": ("paddle", paddle_fields),
           "standard-webhooks": ("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", standard_fields)}
BODY = b'{"id":"evt_1",  "object":"event","type":"charge.succeeded"}\n'
PLAIN = ["Content-Type: application/json", "x-ODD-case:  two  blanks ", "Accept: */*"]


def delivered(lab, scheme, age_s, *options):
    """One webhook of that age through an inbox; returns the request at the origin and the fields that were sent."""
    secret, fields = SCHEMES[scheme]
    inbox = Inbox(lab, None, *options, preset=["--store", "--scheme", scheme], secrets=(secret,))
    sent = fields(int(time.time()) - age_s, BODY)
    post(inbox, "/hook?a=%2F", BODY, [PLAIN[0], *sent, *PLAIN[1:]])
    return inbox.origin.wait_requests(1)[0], dict(f.split(": ", 1) for f in sent), secret


def time_of(request, scheme):
    """The timestamp of a request whose signature is good by the test's own computation."""
    at = {"stripe": lambda: request.get("Stripe-Signature").split(",")[0][2:], "slack": lambda: request.get("X-Slack-Request-Timestamp"),
          "paddle": lambda: request.get("Paddle-Signature").split(";")[0][3:],
          "standard-webhooks": lambda: request.get("webhook-timestamp")}[scheme]()
    for line in SCHEMES[scheme][1](int(at), request.body):
        name, value = line.split(": ", 1)
        assert request.all(name) == [value] or request.all(name) == [value.rsplit(",v0=", 1)[0]]
    return int(at)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_s24_what_would_be_stale_is_signed_anew(lab, scheme):
    request, sent, secret = delivered(lab, scheme, STALE_S, "--resign")
    assert abs(time_of(request, scheme) - time.time()) < 60
    assert request.body == BODY and request.target == "/hook?a=%2F"
    # the other fields are as they came, in their order
    ours = [f"{n}: {v}" for n, v in request.fields if n in ("Content-Type", "x-ODD-case", "Accept")]
    assert ours == ["Content-Type: application/json", "x-ODD-case: two  blanks", "Accept: */*"]
    names = [n for n, _ in request.fields]
    assert names[names.index("Content-Type") + 1:names.index("x-ODD-case")] == list(sent)
    judge(request, scheme, secret)


def judge(request, scheme, secret):
    """By the senders' own libraries, which allow a minute here."""
    if scheme == "stripe" and has("stripe"):
        done = node("""require("stripe")("sk_test_x").webhooks.constructEvent(process.argv[1], process.argv[2], process.argv[3], 60);""",
                    request.body.decode(), request.get("Stripe-Signature"), secret)
        assert done.returncode == 0, done.stderr
    if scheme == "standard-webhooks" and has("standardwebhooks"):
        done = node("""new (require("standardwebhooks").Webhook)(process.argv[1]).verify(process.argv[2], JSON.parse(process.argv[3]));""",
                    secret, request.body.decode(), json.dumps({n.lower(): v for n, v in request.fields}))
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("age_s, options", [(STALE_S, []), (60, ["--resign"])])
def test_s24_without_need_or_leave_the_signature_stays(lab, age_s, options):
    request, sent, _ = delivered(lab, "stripe", age_s, *options)
    assert request.get("Stripe-Signature") == sent["Stripe-Signature"]


def test_s24_what_the_sender_did_not_sign_is_not_signed(lab):
    """A tunnel that signs anew gets a copy of what another tunnel took without looking."""
    edge, origins = lab.edge(), {n: lab.origin() for n in ("mine", "web")}
    lab.agent(edge, "http", origins["mine"].address, "--name", "mine", "--store", "--scheme", "stripe", "--resign",
              "--secret-file", secret_file(edge.folder, "whsec_judge"))
    lab.agent(edge, "http", origins["web"].address, "--name", "web", "--store", "--unsigned", "--fan-out", "mine")
    forged = stripe_fields(int(time.time()) - 3600, BODY, b"guess")
    good = stripe_fields(int(time.time()) - 3600, BODY)
    other = BODY.replace(b"evt_1", b"evt_2")
    with edge.visitor(tls=False) as v:
        assert v.ask("POST", "/x", other, forged).status == v.ask("POST", "/x", BODY, good).status == 202
    requests = origins["mine"].wait_requests(2)
    at = {r.body: r for r in requests}
    assert f"Stripe-Signature: {at[other].get('Stripe-Signature')}" == forged[0]
    assert abs(time_of(at[BODY], "stripe") - time.time()) < 60


@pytest.mark.parametrize("scheme, secret, why", [("bitbucket", SECRET, "this scheme signs no time"),
                                                 ("standard-webhooks", "whpk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "public key (v1a)")])
def test_resign_is_refused_where_it_cannot_be(lab, scheme, secret, why):
    edge = lab.edge()
    agent = lab.agent(edge, "http", "127.0.0.1:9", "--store", "--scheme", scheme, "--resign",
                      "--secret-file", secret_file(edge.folder, secret), up=False)
    until(lambda: not agent.alive())
    lab.parts.remove(agent)
    assert why in agent.everything()


# --- alerts ---

def alerting(lab, url, env=None, origin=None, more=""):
    inbox = Inbox.__new__(Inbox)
    inbox.lab, inbox.origin = lab, origin or lab.origin(status(404, "X-Jenkins: 2"))
    inbox.edge = lab.edge(config=f"http: serve\ninbox: {{ alert_url: '{url}', alert_pause_s: 1{more} }}\n", env=env)
    inbox.options = [*JENKINS, "--secret-file", secret_file(lab.folder)]
    inbox.agent = inbox.start()
    return inbox


def test_an_alert_is_posted_when_something_is_parked(lab):
    people = lab.origin()
    inbox = alerting(lab, f"http://{people.address}/services/T0/secret-of-the-url")
    ids = [stored(inbox.edge, n) for n in range(3)]

    def told():
        return [json.loads(r.body) for r in list(people.requests)]
    until(lambda: sum(a["parked"] for a in told()) == len(ids))
    first = people.requests[0]
    assert first.start == "POST /services/T0/secret-of-the-url HTTP/1.1" and first.get("Host") == people.address
    assert first.get("Content-Type") == "application/json"
    for a in told():
        assert a["event"] == "parked" and a["domain"] == "localhost" and a["late_s"] == 0
        assert a["text"].startswith("adit at localhost: ") and "parked" in a["text"] and "\n" not in a["text"]
        # nothing of the webhooks themselves
        assert not any(word in json.dumps(a) for word in (SECRET, "acme", "X-Hub", HOOK))
    assert "secret-of-the-url" not in inbox.edge.logged() and "alert-failed" not in inbox.edge.logged()


def test_an_alert_is_tried_a_few_times(lab):
    answers = [status(500), status(503), ok]
    people = lab.origin(lambda c, r: answers.pop(0)(c, r))
    inbox = alerting(lab, f"http://{people.address}/x")
    stored(inbox.edge, 1)
    requests = people.wait_requests(3)
    assert len({r.body for r in requests}) == 1 and json.loads(requests[0].body)["parked"] == 1
    assert "alert-failed" not in inbox.edge.logged()


@pytest.mark.parametrize("behave, tries", [(status(404), 1), (status(302, "Location: http://127.0.0.1:9/"), 1), (status(500), 3)])
def test_an_alert_that_nobody_takes_is_told_and_does_no_harm(lab, behave, tries):
    people = lab.origin(behave)
    inbox = alerting(lab, f"http://{people.address}/secret-of-the-url")
    stored(inbox.edge, 1)
    line = inbox.said("alert-failed")
    assert f"host={people.address}" in line and f"tries={tries}" in line
    assert "secret-of-the-url" not in inbox.edge.logged() and "inbox-alert-taken" not in inbox.edge.logged()
    # nobody knows yet: it is told again after the pause, with what came since
    stored(inbox.edge, 2)
    people.wait_requests(tries + 1)
    people.behave = ok
    until(lambda: inbox.told() == 2)


class TlsOrigin(Origin):
    def __init__(self, files):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*files)
        super().__init__()

    def _serve(self, sock):
        try:
            sock = self.context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        super()._serve(sock)


@pytest.mark.parametrize("known", [True, False])
def test_an_alert_goes_only_to_whom_the_certificate_says(lab, known):
    authority = Authority(lab.folder)
    people = lab.keep(TlsOrigin(authority.leaf("localhost")))
    inbox = alerting(lab, f"https://localhost:{people.port}/x", {"SSL_CERT_FILE": authority.ca} if known else None)
    stored(inbox.edge, 1)
    if known:
        assert json.loads(people.wait_requests(1)[0].body)["parked"] == 1
    else:
        assert "certificate" in inbox.said("alert-failed")
        assert people.requests == []


def test_a_silent_receiver_holds_up_neither_webhooks_nor_the_stop(lab):
    def never(c, r):
        c.rest()
    people = lab.origin(never)
    inbox = alerting(lab, f"http://{people.address}/x")
    stored(inbox.edge, 1)
    people.wait_requests(1)
    for n in range(2, 6):
        stored(inbox.edge, n)
    inbox.edge.ctl("status")
    before = time.monotonic()
    inbox.edge.stop()
    assert time.monotonic() - before < 8


def test_storing_what_nobody_signs_is_said_and_shown(lab):
    """Refused until its owner says so; then the agent's first lines and every status tell of it."""
    edge, origin = lab.edge(), lab.origin()
    base = [ADIT, "http", origin.address, "--name", "web", "--edge", "%s:%d" % edge.https, "--ca", edge.ca, "--token-file", edge.token]
    done = subprocess.run([*base, "--store"], capture_output=True, text=True, timeout=4 * WAIT_S)
    assert done.returncode == 2 and "--scheme NAME and --secret-file FILE, or --unsigned" in done.stderr, done.stderr
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--store", "--unsigned")
    assert agent.up["unsigned"] is True
    said = subprocess.run([ADIT, "status", *base[5:]], capture_output=True, text=True, timeout=4 * WAIT_S)
    assert "no signature is checked" in said.stdout, said.stdout + said.stderr
    with edge.visitor(tls=False) as v:
        assert v.ask("POST", "/x", b"{}", []).status == 202
