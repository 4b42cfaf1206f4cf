# SPDX-License-Identifier: Apache-2.0
"""What people are told to do can be done: every command, option and key in a sentence of the programs is one that the real parsers take."""
import glob
import os
import re
import shlex
import subprocess

import pytest

from conftest import ROOT
from lab import ADIT, ADITD
from process import WAIT_S

# Texts that tell people what to do. Usage texts and logs are not among them.
FILES = ["src/hook/doctor.c", "src/hook/preset.c", "src/hook/preset_judge.c", "src/hook/checkurl.c", "src/hook/checkurl_private.h",
         "src/hook/checkurl_split.c", "src/hook/checkurl_host.c", "src/http/close.h", "src/agent/core/policy_text.c",
         "src/agent/command/hook_command.c", "src/agent/command/status_command.c",
         *sorted(glob.glob("src/agent/command/checkurl_*.c", root_dir=ROOT)),
         *sorted(glob.glob("src/agent/doctor/doctor_*.c", root_dir=ROOT))]
# Options of other programs that our sentences may name.
FOREIGN = {"--prefix"}
# What stands in a command for something of the reader's own; printf's and the doctor's own places, too.
PLACES = [(r"\{(tunnel|target)\}", "jenkins"), (r"\{id\}", "7"), (r"\{edge\}", "https://hooks.adit-lab.net"), (r"\{\w+\}", "x"),
          (r"%[0-9.*l]*[sudc]", "x"), (r"\bHOST:PORT\b", "h.adit-lab.net:443"), (r"https://NAME\b", "https://h.adit-lab.net"),
          (r"\bADDRESS\b", "8080"), (r"\bPORT\b", "8080"),
          (r"\bURL\b", "https://h.adit-lab.net/"), (r"\b(NAME|FILE|OTHER)\b", "x")]


def texts():
    """(file, sentence): string literals, those that stand side by side as one."""
    for path in FILES:
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            source = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        source = re.sub(r"\\\n", "\n", source)
        for m in re.finditer(r'"(?:[^"\\\n]|\\.)*"(?:\s*(?:ADIT_VERSION\s*)?"(?:[^"\\\n]|\\.)*")*', source):
            whole = "".join(x[1:-1] for x in re.findall(r'"(?:[^"\\\n]|\\.)*"', m.group()))
            yield path, whole.replace('\\"', '"')


def fill(text):
    for pattern, value in PLACES:
        text = re.sub(pattern, value, text)
    return text


def run(program, *words):
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=4 * WAIT_S,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})


def help_of(command):
    done = run(ADIT, "help", command)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


COMMANDS = re.findall(r"^  ([a-z][a-z-]+) ", run(ADIT, "help").stdout, re.M)
OPTIONS = {c: set(re.findall(r"^  (-[-a-z]+)", help_of(c), re.M)) for c in COMMANDS}


def commands_in(text):
    """"adit http 8080 --name NAME" of a sentence, up to where prose goes on."""
    for m in re.finditer(r"\badit ([a-z][a-z-]+)", text):
        if m.group(1) not in COMMANDS:
            continue
        words = [m.group(1)]
        for word in text[m.end():].split():
            bare = word.rstrip(".,;:)`'")
            last = bare != word
            plain = re.fullmatch(r"(--?[a-z-]+|[A-Z:]+|https?://\S+|\d[\w.]*|\{\w+\}|%\S+|[a-z-]+:\S+|unix:\S+)", bare)
            if not plain and not (len(words) == 1 and m.group(1) in ("inbox", "hook")) and not words[-1].startswith("--"):
                break
            words.append(bare)
            if last:
                break
        yield words


def test_there_are_some():
    found = [w for _, text in texts() for w in commands_in(text)]
    assert len(found) > 25 and ["inbox", "replay", "{id}"] in found and any(w[0] == "login" for w in found), found


def test_every_command_is_taken():
    """The words of each, places filled in, behind the real parser: it knows the command, each option, and that it has a value."""
    seen = set()
    for path, text in texts():
        for words in commands_in(text):
            filled = shlex.split(fill(" ".join(words)))
            if tuple(filled) in seen:
                continue
            seen.add(tuple(filled))
            done = run(ADIT, *filled, "--help")
            assert done.returncode == 0, (path, words, filled, done.stderr)
    assert len(seen) > 12


def test_nobody_is_sent_to_a_command_that_is_none():
    """A word behind "adit" that looks like a command is one."""
    prose = {"prints", "that", "itself", "is", "may", "doctor's", "was", "does", "comes", "cannot", "shows", "and", "of", "has"}
    for path, text in texts():
        for word in re.findall(r"(?:^|[ `:(])adit ([a-z][a-z'-]+)", text):
            assert word in COMMANDS or word in prose, (path, word, text)


def test_every_option_exists():
    everywhere = set().union(*OPTIONS.values()) | FOREIGN
    aditd = run(ADITD, "--help")
    everywhere |= set(re.findall(r"(--[a-z][a-z-]+)", aditd.stdout + aditd.stderr))
    n = 0
    for path, text in texts():
        for option in re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", text):
            n += 1
            assert option in everywhere, (path, option, text)
    assert n > 15


def test_every_key_of_adit_yml(tmp_path):
    """"in adit.yml: KEY: VALUE", "see KEY: in adit.yml": a file with that key is taken by the parser."""
    keys = set()
    for _, text in texts():
        keys |= set(re.findall(r"adit\.yml: ([a-z_]+): ", text)) | set(re.findall(r"([a-z_]+): in adit\.yml", text))
    assert "context" in keys and "allow" in keys
    values = {"context": "/jenkins", "allow": "192.0.2.0/24"}
    for key in keys:
        path = tmp_path / (key + ".yml")
        path.write_text(f"edge: https://h.adit-lab.net\ntoken: adit_{'x' * 43}\n"
                        f"tunnels:\n  x:\n    origin: 8080\n    for: jenkins-bitbucket\n    {key}: {values.get(key, 'x')}\n")
        path.chmod(0o600)
        done = run(ADIT, "start", "nothing", "-f", str(path))
        assert 'has no tunnel "nothing"' in done.stderr, (key, done.stderr)


def test_every_key_of_a_policy(tmp_path):
    """"see KEY in the tunnel's policy": the parser knows the key, whatever it thinks of the value."""
    keys = {k for _, text in texts() for k in re.findall(r"see ([a-z_]+) in the tunnel's policy", text)}
    assert keys

    def refusal(key):
        path = tmp_path / "policy.json"
        path.write_text('{"%s": {"no": "value"}}' % key)
        path.chmod(0o600)
        done = run(ADIT, "http", "8080", "--edge", "https://127.0.0.1:1", "--token-file", str(token), "--policy", str(path))
        assert done.returncode == 2, (key, done.stderr)
        return done.stderr.replace(key, "KEY")
    token = tmp_path / "token"
    token.write_text("adit_" + "x" * 43 + "\n")
    token.chmod(0o600)
    for key in keys:
        assert refusal(key) != refusal("nothing_of_that_kind"), refusal(key)


def test_every_request_to_aditd():
    """What an operator is told to type at the edge: without a daemon it fails at the socket, not at the words."""
    asked = {m for _, text in texts() for m in re.findall(r"\baditd (reload|status|(?:wait|name|token|inbox) [a-z]+)\b", text)}
    assert {"reload", "name enable"} <= asked
    for words in asked:
        done = run(ADITD, "--control", "unix:/nonexistent/adit.sock", *words.split(), *(["1"] if " " in words else []))
        assert done.returncode == 1 and "No such file" in done.stderr, (words, done.stderr)


@pytest.mark.parametrize("url", ["http://localhost:8080/jenkins/bitbucket-hook", "http://127.0.0.1", "https://jenkins.local:8443/", "localhost",
                                 "http://10.0.0.7:8080/jenkins/job/web", "http://ci.adit-lab.net:8080/github-webhook"])
def test_what_check_url_says_to_type(url):
    done = run(ADIT, "check-url", "--no-probe", url)
    command = next(x for x in done.stdout.splitlines() if x.startswith("type: "))[len("type: adit "):]
    assert run(ADIT, *shlex.split(command), "--help").returncode == 0, command
