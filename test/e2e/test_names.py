# SPDX-License-Identifier: Apache-2.0
"""Names of an account: which are reserved, who may give them up, and what becomes of the webhooks that wait."""
import json
import re
import subprocess

from hooks import secret_file, stored
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
