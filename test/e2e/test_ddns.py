# SPDX-License-Identifier: Apache-2.0
"""Dynamic DNS: tokens for names, updates as routers send them, and what DNS says then."""
import base64
import json
import os


def ddns_token(edge, account, names, *more):
    return json.loads(edge.ctl("token", "add", account, "--ddns", names, *more, "--json"))


def token_file(edge, text, name="ddns-token"):
    path = os.path.join(edge.folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(text + "\n")
    return path


# --- tokens for names ---

def test_a_token_for_names(lab):
    """Its names are the account's; no agent logs in with it."""
    edge = lab.edge()
    said = ddns_token(edge, "ann", "Home, nas.localhost")
    assert said["ddns"] == "home,nas" and "tsig" not in said
    assert "ddns:home,nas" in edge.ctl("token", "list", "ann")
    assert [row["name"] for row in json.loads(edge.ctl("name", "list", "ann", "--json"))["rows"]] == ["home", "nas"]
    agent = lab.agent(edge, "http", "8080", "--name", "home", token=token_file(edge, said["token"]), up=False)
    refused = agent.wait_event("refused")
    assert refused["code"] == "token-scope" and "dynamic DNS alone" in refused["text"]
    agent.expected_code = 3
    # the names are taken for others, as a tunnel's are
    bob, _ = edge.new_token("bob")
    other = lab.agent(edge, "http", "8080", "--name", "home", token=bob, up=False)
    assert other.wait_event("refused")["code"] == "name-taken"
    other.expected_code = 3


def test_names_that_a_token_cannot_be_for(lab):
    edge = lab.edge()
    ddns_token(edge, "bob", "his")
    for names, want in (("his", "his: "), ("mine,his", "his: "), ("a b", "name"), ("", "NAME"), (",", "name"), ("x.y", "name"),
                        (",".join(f"n{i}" for i in range(17)), "16 names"), ("-x", "name")):
        assert want in edge.ctl("token", "add", "ann", "--ddns", names, ok=False), names
    assert "mine" not in edge.ctl("name", "list")  # all or nothing
    assert "what the token is for" in edge.ctl("token", "add", "ann", "--tsig", ok=False)
    edge.ctl("name", "release", "his")
    assert "his: " in edge.ctl("token", "add", "ann", "--ddns", "his", ok=False)


def test_a_key_is_shown_once_and_outlives_a_restart(lab):
    edge = lab.edge()
    lines = edge.ctl("token", "add", "ann", "--ddns", "home", "--tsig").split("\n")
    assert lines[0].startswith("adit_") and lines[1].startswith("hmac-sha256:" + lines[0][5:17] + ":")
    edge.stop()
    with open(os.path.join(edge.folder, "adit.db"), "rb") as f:
        assert base64.b64decode(lines[1].split(":")[2]) not in f.read()
    again = lab.edge(folder=edge.folder)
    assert "key-lost" not in again.logged()
