# SPDX-License-Identifier: Apache-2.0
"""adit hook: webhooks at Bitbucket Cloud and Data Center by their REST APIs, against strict doubles."""
import json
import os
import shutil
import subprocess

import pytest

from bitbucket import Bitbucket
from conftest import ROOT
from lab import ADIT, refusing_address
from process import WAIT_S, Process, free_port, until

URL = "https://jenkins.hooks.example.org/bitbucket-hook/"


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)
    return path


class Side:
    """Cloud or Data Center, with a token and a secret in files."""

    def __init__(self, lab, dc, **kw):
        self.lab = lab
        self.double = lab.keep(Bitbucket(dc=dc, **kw))
        self.token = write(lab.folder, "token", "good-token\n")
        self.secret = write(lab.folder, "secret", "correct-horse-battery\n")
        self.dc = dc

    def hook(self, action, *args, token=None, api=None, repository="acme/web", env=None, secret=True):
        argv = [ADIT, "hook", action, "bitbucket", repository, "--json", "--api", api or self.double.api, *args]
        if token is not False:
            argv += ["--token-file", token or self.token]
        if self.dc:
            argv.append("--dc")
        if action == "create" and secret:
            argv += ["--secret-file", self.secret]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=4 * WAIT_S,
                              env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "no_proxy": "*", **(env or {})})
        said = [json.loads(line) for line in done.stdout.splitlines()]
        assert "good-token" not in done.stdout + done.stderr and "correct-horse" not in done.stdout + done.stderr
        return done.returncode, said, done.stderr


@pytest.fixture(params=[False, True], ids=["cloud", "dc"])
def side(request, lab):
    return Side(lab, request.param)


def test_create_is_idempotent(side):
    code, said, err = side.hook("create", "--url", URL)
    assert (code, said[0]["result"], said[0]["active"], said[0]["secret"]) == (0, "created", True, True), err
    code, again, err = side.hook("create", "--url", URL, "--description", "new")
    assert (code, again[0]["result"], again[0]["id"], again[0]["description"]) == (0, "updated", said[0]["id"], "new"), err
    assert len(side.double.hooks) == 1
    stored = side.double.hooks[0]
    assert (stored["configuration"]["secret"] if side.dc else stored["secret"]) == "correct-horse-battery"
    assert stored["events"] == (["repo:refs_changed"] if side.dc else ["repo:push"])
    assert stored["sslVerificationRequired"] is True if side.dc else stored["skip_cert_verification"] is False


@pytest.mark.parametrize("path, words", [
    ("/bitbucket-hook/", "Jenkins, plugin Bitbucket"), ("/jenkins/bitbucket-scmsource-hook/notify", "Bitbucket endpoints")])
def test_what_to_do_next(lab, path, words):
    """The secret is wanted at Bitbucket and at the receiver: it is told where."""
    side = Side(lab, False)
    done = subprocess.run([ADIT, "hook", "create", "bitbucket", "acme/web", "--api", side.double.api, "--token-file", side.token,
                           "--secret-file", side.secret, "--url", "https://ci.adit-lab.net" + path], capture_output=True, text=True,
                          timeout=4 * WAIT_S, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "no_proxy": "*"})
    said = next(x for x in done.stdout.splitlines() if x.startswith("then ("))
    assert done.returncode == 0 and words in said and "same secret" in said and "correct-horse" not in done.stdout


def test_list_test_delete(side):
    assert side.hook("create", "--url", URL)[0] == 0
    assert side.hook("create", "--url", URL + "?b", "--no-verify")[0] == 0
    code, said, _ = side.hook("list")
    assert code == 0 and [h["url"] for h in said] == [URL, URL + "?b"]
    code, said, err = side.hook("test", "--url", URL)
    assert code == 0 and said[0]["url"] == URL
    if side.dc:
        assert side.double.tested == [{"webhookId": said[0]["id"], "url": URL}] and "SUCCESS" in err
    else:
        assert "adit doctor" in err
    code, said, _ = side.hook("delete", "--url", URL)
    assert code == 0 and said[0]["result"] == "deleted" and [h["url"] for h in side.double.hooks] == [URL + "?b"]
    code, said, err = side.hook("delete", "--url", URL)  # there is none now, which is told and no success
    wrong = json.loads(err)
    assert (code, said, wrong["event"], wrong["code"]) == (1, [], "error", "no-such-hook")
    assert URL in wrong["text"] and len(side.double.hooks) == 1
    code, _, err = side.hook("test", "--url", URL)
    assert code == 1 and "hook create" in err


def test_inactive_or_without_pushes(side):
    assert side.hook("create", "--url", URL)[0] == 0
    side.double.hooks[0]["active"] = False
    code, _, err = side.hook("test", "--url", URL)
    assert code == 1 and "not active" in err
    assert side.hook("create", "--url", URL, "--events", "pr:opened" if side.dc else "pullrequest:created, issue:created")[0] == 0
    code, _, err = side.hook("test", "--url", URL)
    assert code == 1 and "not called for pushes" in err


def test_pages(side):
    for i in range(23):
        assert side.hook("create", "--url", f"{URL}?{i}")[0] == 0
    code, said, _ = side.hook("list")
    assert code == 0 and len(said) == 23
    assert side.hook("create", "--url", f"{URL}?22")[1][0]["result"] == "updated"


@pytest.mark.parametrize("args, kw, code, said", [
    (["--url", "http://localhost:8080/bitbucket-hook/"], {}, 1, "Invalid URL"),
    (["--url", URL, "--events", "repo:pushed"], {}, 1, "Invalid event: repo:pushed"),
    (["--url", URL], {"token": "bad-token"}, 3, "does not know the token"),
    (["--url", URL], {"token": "read-token"}, 3, "webhook"),
    (["--url", URL], {"repository": "acme/other"}, 1, "no such repository"),
])
def test_refusals(lab, args, kw, code, said):
    side = Side(lab, False)
    if "token" in kw:
        kw = {"token": write(lab.folder, "t", kw["token"] + "\n")}
    got, out, err = side.hook("create", *args, **kw)
    assert got == code and said in err and out == [], (got, err)
    assert json.loads(err)["code"] == ("refused" if code == 3 else "failed")


@pytest.mark.parametrize("kw, args, code, said", [
    ({"token": "bad"}, [], 3, "does not know the token"),
    ({"token": "read-token"}, [], 3, "not permitted"),
    ({"repository": "ACME/nothing"}, [], 1, "does not exist"),
    ({}, ["--events", "repo:push"], 1, "events: Invalid event: repo:push"),
])
def test_refusals_of_data_center(lab, kw, args, code, said):
    side = Side(lab, True)
    if "token" in kw:
        kw = {"token": write(lab.folder, "t", kw["token"] + "\n")}
    got, _, err = side.hook("create", "--url", URL, *args, **kw)
    assert got == code and said in err, (got, err)


@pytest.mark.parametrize("action", ["create", "list"])
def test_a_server_that_is_not_bitbucket(side, action):
    """It says 200 and no JSON."""
    other = side.lab.origin()
    code, said, err = side.hook(action, *(["--url", URL] if action == "create" else []), api="http://" + other.address)
    assert (code, said) == (1, []) and "is not the API of Bitbucket" in err and "is --api right" in err, err


def test_mistakes(lab):
    side = Side(lab, False)
    address, keeper = refusing_address()
    for action, args, kw, code, said in [
        ("create", [], {}, 2, "--url"),
        ("create", ["--url", URL], {"secret": False}, 2, "--secret-file"),
        ("list", [], {"repository": "acme"}, 2, "WORKSPACE/REPO"),
        ("list", [], {"repository": "acme/../x"}, 2, "WORKSPACE/REPO"),
        ("lst", [], {}, 2, "list"),
        ("list", [], {"token": False}, 2, "BITBUCKET_TOKEN"),
        ("list", [], {"api": "http://bitbucket.example.com"}, 2, "https://"),
        ("list", [], {"api": "ftp://bitbucket.example.com"}, 2, "https://"),
        ("list", [], {"api": f"http://{address}"}, 1, "refused"),
        ("list", ["--token", "x"], {}, 2, "--token-file"),
    ]:
        got, _, err = side.hook(action, *args, **kw)
        assert got == code and said in err, (action, args, kw, got, err)
    keeper.close()
    assert side.hook("list", token=False, env={"BITBUCKET_TOKEN": "good-token"})[0] == 0


def test_token_goes_to_the_api_alone(lab):
    """A next page on another host is not followed."""
    side = Side(lab, False)
    thief = lab.origin()
    side.double.behave = lambda c, request: c.answer(json.dumps(
        {"values": [], "next": f"http://{thief.address}/2.0/repositories/acme/web/hooks?page=2"}).encode())
    assert side.hook("list")[:2] == (0, [])
    side.double.behave = lambda c, request: c.answer(b"", 302, [f"Location: http://{thief.address}/"])
    code, _, err = side.hook("list")
    assert code == 1 and "redirects" in err
    assert thief.n_connections == 0


PRISM = os.environ.get("PRISM") or os.path.join(ROOT, "build", "npm-prism", "node_modules", ".bin", "prism")


@pytest.mark.skipif(not os.path.exists(PRISM), reason="no Prism: copy test/lib/npm-prism to build/ and npm ci there, or PRISM=its path")
def test_against_prism(lab):
    """Requests keep to an OpenAPI description of the documented API, as a validator of others reads it."""
    port = free_port()
    prism = Process([shutil.which("node"), PRISM, "mock", "--errors", "-p", str(port), "-h", "127.0.0.1",
                     os.path.join(ROOT, "test", "lib", "bitbucket-openapi.yml")], os.path.join(lab.folder, "prism.log"), name="prism")
    lab.keep(Stopped(prism))
    until(lambda: "listening" in "\n".join(x or "" for x in prism.lines), 6 * WAIT_S)
    side = Side(lab, False)
    code, said, err = side.hook("create", "--url", URL, api=f"http://127.0.0.1:{port}")
    assert code == 0 and said[0]["result"] in ("created", "updated"), err
    assert side.hook("list", api=f"http://127.0.0.1:{port}")[0] == 0


class Stopped:
    def __init__(self, process):
        self.process = process

    def close(self):
        self.process.kill()
