# SPDX-License-Identifier: Apache-2.0
"""Names of an account: which are reserved, who may give them up, and what becomes of the webhooks that wait."""
import json
import re
import subprocess

import pytest
from hooks import secret_file, send, stored
from lab import ADIT, refusing_address
from process import WAIT_S, until


def adit(edge, *args, token=None, ok=True):
    done = subprocess.run([ADIT, *args, "--edge", edge.ready["https"], "--ca", edge.ca, "--token-file", token or edge.token],
                          capture_output=True, text=True, timeout=4 * WAIT_S, env={"HOME": edge.folder, "PATH": "/usr/bin:/bin"})
    assert (done.returncode == 0) == ok, (args, done)
    return done.stdout if ok else done.stderr


def away_with(lab, edge, name, n, token=None):
    """A tunnel that stores webhooks, whose agent has gone; n of them wait."""
    agent = lab.agent(edge, "http", "127.0.0.1:9", "--name", name, "--for", "jenkins-bitbucket", "--secret-file",
                      secret_file(edge.folder), token=token or edge.token)
    edge.wait_up(name)
    agent.stop()
    for i in range(n):
        stored(edge, i, host=f"{name}.localhost")


def test_reserved_names_are_for_whom_the_operator_gives_them_to(lab):
    edge = lab.edge()
    agent = lab.agent(edge, "http", "127.0.0.1:9", "--name", "wpad", up=False)
    event = agent.wait_event("refused", name="wpad")
    assert event["code"] == "reserved-name" and "aditd name reserve wpad dev" in event["text"]
    agent.exits(3)
    edge.ctl("name", "reserve", "wpad", "dev")
    assert lab.agent(edge, "http", lab.origin().address, "--name", "wpad").up["name"] == "wpad"
    other = edge.new_token("other")[0]
    agent = lab.agent(edge, "http", "127.0.0.1:9", "--name", "wpad", token=other, up=False)
    assert agent.wait_event("refused")["code"] == "name-taken"
    agent.exits(3)


def test_names_that_adit_does_not_need_are_free(lab):
    edge = lab.edge()
    for name in ("www", "status"):
        assert lab.agent(edge, "http", lab.origin().address, "--name", name).up["name"] == name


def test_an_account_lists_its_names(lab):
    edge = lab.edge()
    other = edge.new_token("other")[0]
    for i in range(70):  # more than one page
        edge.ctl("name", "reserve", f"n{i:02}", "dev")
    edge.ctl("name", "reserve", "theirs", "other")
    assert adit(edge, "name", "list").split() == [f"n{i:02}" for i in range(70)]
    assert [json.loads(x) for x in adit(edge, "name", "list", "--json", token=other).splitlines()] == [{"name": "theirs"}]


def test_an_account_gives_up_a_name(lab):
    edge = lab.edge()
    other = edge.new_token("other")[0]
    edge.ctl("name", "reserve", "theirs", "other")
    serving = lab.agent(edge, "http", lab.origin().address, "--name", "mistake")
    assert edge.get(host="mistake.localhost").status == 200
    said = adit(edge, "name", "release", "Mistake")
    assert "visitors are answered 410" in said and "No webhook that came for it waits in the inbox." in said
    until(lambda: edge.get(host="mistake.localhost").status == 410)
    assert serving.wait_event("replaced")["text"] == "the name was released"
    serving.exits(4)
    assert adit(edge, "name", "list") == ""
    said = json.loads(adit(edge, "name", "release", "mistake", "--json"))  # once more changes nothing
    assert (said["released"], said["waiting"]) == (True, 0)
    for name, code in (("theirs", "name-taken"), ("never-heard", "unknown-name"), ("a.b", "bad-name"), ("tcp:0", "bad-name")):
        assert json.loads(adit(edge, "name", "release", name, "--json", ok=False))["code"] == code
    assert edge.get(host="theirs.localhost").status == 503  # still theirs, without an agent


def test_an_account_gives_up_a_port(lab):
    edge = lab.edge()
    agent = lab.agent(edge, "tcp", "127.0.0.1:9")
    port = int(agent.up["url"].rsplit(":", 1)[1])
    assert adit(edge, "name", "list").split() == [f"tcp:{port}"]
    assert "any account" in adit(edge, "name", "release", f"tcp:{port}")
    assert adit(edge, "name", "list") == ""
    adit(edge, "name", "release", f"tcp:{port}", ok=False)
    assert agent.wait_event("replaced")["text"] == "the port was released"
    agent.exits(4)


def test_a_release_says_what_waits(lab):
    """By the account and by the operator: how many, in which state, and what can be typed about them works."""
    edge = lab.edge()
    away_with(lab, edge, "old", 3)
    lab.agent(edge, "http", refusing_address()[0], "--name", "next", "--for", "jenkins-bitbucket",
              "--secret-file", secret_file(edge.folder))
    said = adit(edge, "name", "release", "old")
    assert "3 webhooks" in said and "3 queued" in said, said
    replay = re.search(r"adit (inbox replay .*--to) OTHER", said)[1].split()
    assert "3 deliveries" in adit(edge, *replay, "next")
    drop = re.search(r"adit (inbox drop .*)", said)[1].split()
    assert "3 deliveries" in adit(edge, *drop)
    said = json.loads(edge.ctl("name", "release", "old", "--json"))
    assert said["name"] == "old" and said["inbox"]["queued"]["n"] == 0 and said["inbox"]["dropped"]["n"] == 3

    away_with(lab, edge, "older", 2)
    said = edge.ctl("name", "release", "older")
    assert "2 webhooks" in said and "2 queued" in said and "aditd name reserve older" in said, said
    drop = re.search(r"aditd (inbox drop .*)", said)[1].split()
    assert "2 deliveries" in edge.ctl(*drop)


def test_a_revoked_token_says_what_waits(lab):
    edge = lab.edge()
    token, first = edge.new_token("ci")
    second = edge.new_token("ci")[1]
    away_with(lab, edge, "web", 2, token=token)
    said = edge.ctl("token", "revoke", first)
    assert "2 webhooks" in said and "another token" in said and "no valid token" not in said, said
    said = edge.ctl("token", "revoke", second)
    assert "2 webhooks" in said and "no valid token" in said and "aditd token add ci" in said, said
    stored(edge, 7)  # as it says
    said = json.loads(edge.ctl("token", "revoke", second, "--json"))
    assert said["account"] == "ci" and said["tokens"] == 0 and said["inbox"]["queued"]["n"] == 3


def answer_of(edge, name):
    got = edge.get(host=f"{name}.localhost")
    return got.status, got.error


def test_an_operator_switches_a_name_off_and_on(lab):
    """At once, over a restart, for its agent with one clear line; other names of the agent's account stay."""
    edge = lab.edge()
    origin = lab.origin().address
    serving = lab.agent(edge, "http", origin, "--name", "web")
    other = lab.agent(edge, "http", origin, "--name", "docs", name="docs")
    assert answer_of(edge, "web")[0] == 200
    said = edge.ctl("name", "disable", "web")
    assert "web is disabled" in said and "aditd name enable web" in said
    assert answer_of(edge, "web") == (403, "name-disabled")
    assert "operator of the edge has disabled this name" in serving.wait_event("replaced")["text"]
    serving.exits(4)
    edge.ctl("name", "disable", "web")  # once more changes nothing
    assert re.search(r"^web .* disabled ", edge.ctl("name", "list"), re.M)
    assert re.search(r"^web .* disabled ", edge.ctl("tunnel", "list"), re.M)
    assert "1 tunnels up, 0 away, 0 stopped, 1 disabled" in edge.ctl("overview")
    assert "name.disable" in edge.ctl("audit")
    status = subprocess.run([ADIT, "status", "web", "--edge", edge.ready["https"], "--ca", edge.ca, "--token-file", edge.token],
                            capture_output=True, text=True, timeout=4 * WAIT_S, env={"HOME": edge.folder, "PATH": "/usr/bin:/bin"})
    assert status.returncode == 1 and "has disabled this name" in status.stdout, status
    stranger = lab.agent(edge, "http", origin, "--name", "web", token=edge.new_token("stranger")[0], up=False, name="stranger")
    assert stranger.wait_event("refused")["code"] == "name-taken"
    stranger.exits(3)
    assert answer_of(edge, "docs")[0] == 200
    other.stop()
    edge.stop()

    edge = lab.edge(folder=edge.folder)
    assert answer_of(edge, "web") == (403, "name-disabled")
    late = lab.agent(edge, "http", origin, "--name", "web", up=False, name="late")
    event = late.wait_event("refused")
    assert event["code"] == "name-disabled" and "operator of the edge has disabled" in event["text"]
    late.exits(3)
    assert edge.ctl("name", "enable", "web").startswith("web is enabled")
    assert answer_of(edge, "web")[0] == 503
    lab.agent(edge, "http", origin, "--name", "web", name="again")
    assert answer_of(edge, "web")[0] == 200


def test_what_a_disabled_name_has_stored_waits(lab):
    """Senders are refused meanwhile; what was stored before is delivered when the name is on and its agent is there."""
    edge = lab.edge()
    away_with(lab, edge, "web", 2)
    edge.ctl("name", "disable", "web")
    assert send(edge, 5, host="web.localhost").status == 403
    assert json.loads(edge.ctl("inbox", "stat", "--json"))["states"]["queued"]["n"] == 2
    edge.ctl("name", "enable", "web")
    lab.agent(edge, "http", lab.origin().address, "--name", "web", "--for", "jenkins-bitbucket", "--secret-file", secret_file(edge.folder))
    until(lambda: json.loads(edge.ctl("inbox", "stat", "--json"))["states"]["delivered"]["n"] == 2, 4 * WAIT_S)


def test_names_that_cannot_be_switched(lab):
    edge = lab.edge()
    for name, code in (("never-heard", "none"), ("tcp:2222", "none"), ("", "invalid")):
        assert f"({code})" in edge.ctl("name", "disable", name, ok=False)
    edge.ctl("name", "reserve", "old", "dev")
    edge.ctl("name", "release", "old")
    assert "(released)" in edge.ctl("name", "disable", "old", ok=False)


def test_a_disabled_name_whose_tls_ends_at_the_other_side(lab):
    """No connection of TLS is passed on, and by http:// it is told why."""
    edge = lab.edge()
    agent = lab.agent(edge, "tls", "127.0.0.1:9", "--name", "raw")
    edge.ctl("name", "disable", "raw")
    agent.wait_event("replaced")
    agent.exits(4)
    with pytest.raises(OSError):
        edge.get(host="raw.localhost")
    got = edge.get(host="raw.localhost", tls=False)
    assert (got.status, got.error) == (403, "name-disabled")
    edge.ctl("name", "enable", "raw")
    assert lab.agent(edge, "tls", "127.0.0.1:9", "--name", "raw", name="again").up["name"] == "raw"
