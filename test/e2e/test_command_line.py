# SPDX-License-Identifier: Apache-2.0
"""Both command lines: help and version behind every word, mistakes in one form, errors as JSON where asked."""
import json
import re
import subprocess

import pytest

from lab import ADIT, ADITD
from process import WAIT_S


def run(program, *args):
    done = subprocess.run([program, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=2 * WAIT_S,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    return done.returncode, done.stdout, done.stderr


def commands(program):
    """The words of every command, as help lists them."""
    _, out, _ = run(program, "help")
    rows = [line.split() for line in out.splitlines() if re.match(r"  [a-z]", line)]
    two = {"domain", "inbox", "hook", "token", "name", "port", "cert", "wait", "config", "session", "tunnel", "service"}
    return [tuple(r[:2]) if r[0] in two else (r[0],) for r in rows]


@pytest.mark.parametrize("program", [ADIT, ADITD], ids=["adit", "aditd"])
def test_help_and_version_everywhere(program):
    for ask in (("help",), ("--help",), ("-h",)):
        code, out, err = run(program, *ask)
        assert code == 0 and "usage: " in out and err == "", ask
    for ask in (("version",), ("--version",)):
        code, out, err = run(program, *ask)
        assert code == 0 and re.match(r"aditd? \d+\.\d+\.\d+", out) and err == "", ask
    rows = commands(program)
    assert len(rows) > 15
    for words in rows:
        if words[0] in ("help", "version"):
            continue
        wanted = " ".join(words)
        for ask in ((*words, "-h"), (*words, "--help"), ("help", *words)):
            code, out, err = run(program, *ask)
            assert code == 0 and re.search(rf"^usage: aditd? {wanted} \[OPTION", out) and err == "", ask
        code, out, _ = run(program, *words, "--version")
        assert code == 0 and re.match(r"aditd? \d", out), words
        code, out, _ = run(program, "help", words[0])
        assert code == 0 and wanted in out


@pytest.mark.parametrize("program, args, said", [
    (ADIT, ["inbox"], "list, show, replay, drop, export, tail, stat"),
    (ADIT, ["inbox"], "say what to do: adit inbox list, show"),
    (ADIT, ["stop"], "press Ctrl-C there"),
    (ADIT, ["status", "--quiet"], "--quiet is no option of this command"),
    (ADIT, ["inbox", "lsit"], 'did you mean "list"'),
    (ADIT, ["inbox", "list", "--to", "x"], "--to is no option of this command"),
    (ADIT, ["inbox", "show"], "an argument is missing"),
    (ADIT, ["inbox", "list", "--limit", "0"], "a number from 1"),
    (ADIT, ["hook", "lst", "bitbucket", "a/b"], "create, list, test, delete"),
    (ADIT, ["hook", "list", "bitbucket", "a/b", "--url", "x"], "--url is no option of this command"),
    (ADIT, ["doctor", "web", "--patience", "x"], "--patience x: a number from 1 to 120"),
    (ADIT, ["doctor", "web", "--patience", "0"], "a number from 1 to 120"),
    (ADIT, ["--json", "http", "8080"], "the command comes first"),
    (ADIT, ["help", "htpp"], 'did you mean "http"'),
    (ADIT, ["help", "http", "x"], "no second word"),
    (ADITD, ["-T", "extra"], 'unknown command "extra"'),
    (ADITD, ["-T", "status"], "--limits is no option of this command"),
    (ADITD, ["toke", "list"], 'did you mean "token"'),
    (ADITD, ["token"], "add, list, revoke"),
    (ADITD, ["token", "remove", "x"], "add, list, revoke"),
    (ADITD, ["token", "add"], "an argument is missing"),
    (ADITD, ["status", "x"], "too many arguments"),
    (ADITD, ["wait", "up", "web", "--label", "x"], "--label is no option of this command"),
    (ADITD, ["wait", "up", "web", "--timeout", "long"], "a number from 0"),
    (ADITD, ["--workers", "many"], "a number from 0 to 64"),
    (ADITD, ["--label", "x"], "it belongs to a command"),
    (ADITD, ["--nonsense"], "unknown option --nonsense"),
    (ADITD, ["--domian", "x"], "did you mean --domain"),
    (ADITD, ["-f"], "--file wants a value"),
    (ADITD, ["help", "nothing"], 'unknown command "nothing"'),
])
def test_mistakes_have_one_form(program, args, said):
    """Exit code 2, one line on standard error; with --json an object with the same text."""
    code, out, err = run(program, *args)
    assert code == 2 and out == "" and said in err and err.count("\n") == 1, (code, out, err)
    if args[0] in ("--json", "help"):  # help takes none
        return
    code, out, err = run(program, *args, "--json")
    if args == ["-f"]:
        return  # it takes --json for its value
    wrong = json.loads(err)
    assert code == 2 and out == "" and err.count("\n") == 1, (code, out, err)
    assert (wrong["event"], wrong["code"]) == ("error", "usage") and said in wrong["text"], wrong


def test_errors_of_the_edge_are_objects_too(lab):
    edge = lab.edge()
    ctl = ["--control", edge.ready["control"]]
    link = ["--edge", edge.ready["https"], "--ca", edge.ca, "--token-file", edge.token]
    for program, args, code, exits in [
        (ADITD, [*ctl, "name", "release", "never-heard", "--json"], "none", 1),
        (ADITD, ["--control", lab.folder + "/none", "status", "--json"], "no-edge", 1),
        (ADITD, [*ctl, "inbox", "show", "77", "--json"], "none", 1),
        (ADIT, ["inbox", "show", "77", "--json", *link], "none", 1),
        (ADITD, ["-n", "-f", lab.folder + "/none.yml", "--json"], "failed", 1),
        (ADIT, ["inbox", "list", "--json", "--edge", "https://localhost:1", *link[2:]], "failed", 1),
    ]:
        got, out, err = run(program, *args)
        wrong = json.loads(err)
        assert (got, out, wrong["event"], wrong["code"]) == (exits, "", "error", code), (args, got, out, err)
        assert wrong["text"], args
    got, out, err = run(ADITD, *ctl, "token", "add", "ci", "--json")
    assert got == 0 and json.loads(out)["token"].startswith("adit_") and err == ""


def test_short_and_long_forms(lab):
    path = lab.folder + "/aditd.yml"
    with open(path, "w") as f:
        f.write("domain: example.org\nlisten: { htps: 1 }\n")
    said = {run(ADITD, "-n", *form)[2] for form in (["-f", path], ["-f" + path], ["--file", path], [f"--file={path}"])}
    assert len(said) == 1 and "htps" in said.pop()


def test_the_manual_names_every_scheme():
    import os

    from conftest import ROOT
    listed = re.findall(r"^  ([a-z-]+) ", run(ADIT, "help", "http")[1].split("Schemes of --scheme:")[1], re.M)
    with open(os.path.join(ROOT, "man/adit-policy.5"), encoding="utf-8") as f:
        named, = re.findall(r"^One of (.*)\.$", f.read(), re.M)
    assert len(listed) == 21 and re.split(r", | and ", named) == listed
