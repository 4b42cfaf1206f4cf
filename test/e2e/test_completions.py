# SPDX-License-Identifier: Apache-2.0
"""Completions are made from the rows of commands and options. The real shells read them, and are asked as people ask: Tab."""
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time

import pytest

from lab import ADIT, ADITD
from process import WAIT_S

CONFIG = "tunnels:\n  jenkins: { origin: 8080, name: ci }\n  web: { origin: 8081 }\n  '$(touch ran)': { origin: 8082 }\n"


@pytest.fixture
def place(lab):
    """A home with the programs in bin, a configuration, and the scripts of all shells."""
    os.makedirs(f"{lab.folder}/bin")
    os.makedirs(f"{lab.folder}/.config/adit")
    for name, program in (("adit", ADIT), ("aditd", ADITD)):
        os.symlink(os.path.abspath(program), f"{lab.folder}/bin/{name}")
        for shell in ("bash", "zsh", "fish"):
            with open(f"{lab.folder}/{name}.{shell}", "w") as f:
                subprocess.run([program, "completions", shell], stdout=f, check=True, timeout=WAIT_S)
    with open(f"{lab.folder}/.config/adit/adit.yml", "w") as f:
        f.write(CONFIG)
    with open(f"{lab.folder}/my-ca.pem", "w"):
        pass
    os.makedirs(f"{lab.folder}/my-folder")
    return lab.folder


def environment(place):
    return {"PATH": f"{place}/bin:/usr/bin:/bin", "HOME": place, "TERM": "dumb", "LC_ALL": "C.UTF-8"}


def in_bash(place, *words):
    script = '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _$1 $1; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script, f"{place}/{words[0]}.bash", *words], capture_output=True, text=True,
                          timeout=2 * WAIT_S, cwd=place, env=environment(place))
    assert done.stderr == "", done.stderr
    return done.stdout.split()


def in_fish(place, *words):
    line = " ".join(words)
    done = subprocess.run(["fish", "--no-config", "-c", f"source {place}/{words[0]}.fish; complete -C '{line}'"], capture_output=True,
                          text=True, timeout=4 * WAIT_S, cwd=place, env=environment(place))
    assert done.stderr == "", done.stderr
    return [said.split("\t")[0] for said in done.stdout.splitlines()]


def typed(argv, place, lines, until):
    """What a terminal shows: each line is typed when the one before has been answered by its mark."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 200, 0, 0))
        os.chdir(place)
        os.execvpe(argv[0], argv, environment(place))
    said, end = "", time.monotonic() + 4 * WAIT_S
    try:
        for line, mark in zip(lines, until):
            start = len(said)
            os.write(fd, line.encode())
            while not re.search(mark, said[start:]) and time.monotonic() < end:
                if select.select([fd], [], [], 0.2)[0]:
                    said += os.read(fd, 65536).decode(errors="replace")
            assert re.search(mark, said[start:]), f"no {mark} after {line!r}: {said[start:]!r}"
    finally:
        os.close(fd)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return said


def in_zsh(place, line, *wanted):
    """zsh completes in a line alone: Tab shows all that there is."""
    with open(f"{place}/.zshrc", "w") as f:
        f.write(f"PS1='> '; autoload -Uz compinit; compinit -u -d {place}/dump; . {place}/adit.zsh; . {place}/aditd.zsh\n"
                "LISTMAX=1000; setopt nolistambiguous nobeep nolistbeep; unsetopt promptsp automenu; echo rea''dy\n")
    all_of = "".join(f"(?=[\\s\\S]*{re.escape(w)})" for w in wanted)
    return typed(["zsh", "-i"], place, ["", line + "\t"], ["ready[\\s\\S]*> ", all_of])


SHELLS = {"bash": in_bash, "fish": in_fish}


@pytest.mark.parametrize("shell", SHELLS)
def test_words_options_and_values(place, shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell.upper()} IS NOT INSTALLED: tools/deps test")

    def offered(*words):
        return SHELLS[shell](place, *words)

    assert {"http", "login", "inbox", "doctor", "completions"} <= set(offered("adit", ""))
    assert offered("adit", "lo") == ["login"]
    assert {"list", "replay"} <= set(offered("adit", "inbox", ""))
    assert offered("adit", "inbox", "rep") == ["replay"]
    assert offered("adit", "version", "") == []
    assert "--fan-out" in offered("adit", "http", "8080", "--f")
    assert "--state" not in offered("adit", "http", "--") and "--state" in offered("adit", "inbox", "list", "--")
    assert offered("adit", "http", "--inspect", "") in (["on", "heads", "off"], ["heads", "off", "on"])
    assert "jenkins-bitbucket" in offered("adit", "http", "--for", "jenk")
    assert set(offered("adit", "http", "--name", "")) == {"jenkins", "ci", "web"}
    assert offered("adit", "start", "we") == ["web"]
    assert offered("adit", "http", "--ca", "my-c") == ["my-ca.pem"]
    assert offered("adit", "ngrok-link", "my-") in (["my-folder"], ["my-folder/"])
    assert offered("adit", "http", "--edge", "my-") == []
    assert set(offered("adit", "completions", "")) == {"bash", "zsh", "fish", "tunnels"}
    assert offered("adit", "inbox", "--tunnel", "x", "sho") == ["show"]
    assert {"token", "status", "reload", "help"} <= set(offered("aditd", ""))
    assert offered("aditd", "wait", "") == ["up"]
    assert {"--label", "--days"} <= set(offered("aditd", "token", "add", "--"))
    assert offered("aditd", "-f", "my-c") == ["my-ca.pem"]
    assert "--workers" in offered("aditd", "--w")
    assert not os.path.exists(f"{place}/ran"), "a name of the configuration was run by the shell"


def test_bash_makes_three_words_of_an_option_with_its_value(place):
    assert in_bash(place, "adit", "http", "--inspect", "=", "h") == ["heads"]
    assert in_bash(place, "adit", "http", "--inspect", "=") == ["on", "heads", "off"]


def test_tab_in_bash(place):
    said = typed(["bash", "--norc", "--noprofile", "-i"], place,
                 ["bind 'set bell-style none'; PS1='> '; . ./adit.bash; echo rea''dy\n", "adit inb\tli\t--lim\t"], ["ready", "--limit "])
    assert "adit inbox list --limit " in re.sub(r"\x1b\[[0-9?]*[a-z]", "", said).replace("\a", "")


@pytest.mark.skipif(not shutil.which("zsh"), reason="ZSH IS NOT INSTALLED: tools/deps test")
def test_words_options_and_values_in_zsh(place):
    for name in ("adit", "aditd"):
        subprocess.run(["zsh", "-n", f"{place}/{name}.zsh"], check=True, timeout=2 * WAIT_S)
    in_zsh(place, "adit ", "give a local HTTP server a public name", "doctor")
    in_zsh(place, "adit inbox ", "send webhooks again", "replay")
    assert "--state" not in in_zsh(place, "adit http --", "--fan-out", "public name; without it")
    in_zsh(place, "adit start ", "jenkins", "web", "ci")
    in_zsh(place, "adit http --inspect ", "heads", "off")
    in_zsh(place, "adit http --ca ", "my-ca.pem", "my-folder")
    in_zsh(place, "aditd --", "--workers", "no line for each request")
    in_zsh(place, "aditd token add --", "--label", "what the token is for")
    assert not os.path.exists(f"{place}/ran"), "a name of the configuration was run by the shell"


@pytest.mark.parametrize("program", [ADIT, ADITD], ids=["adit", "aditd"])
def test_all_shells_know_every_option_of_help(program):
    """One that a row adds is in all scripts without another line of ours."""
    listed = subprocess.run([program, "help"], capture_output=True, text=True, timeout=WAIT_S).stdout
    words = {line.split()[0] for line in listed.splitlines() if re.match(r"  [a-z]", line)}
    options = set()
    for word in words:
        options |= set(re.findall(r"^  (--[a-z0-9-]+)", subprocess.run([program, "help", word], capture_output=True, text=True,
                                                                       timeout=WAIT_S).stdout, re.M))
    assert len(words) > 10 and len(options) > 15
    for shell in ("bash", "zsh", "fish"):
        script = subprocess.run([program, "completions", shell], capture_output=True, text=True, timeout=WAIT_S, check=True).stdout
        for word in words:
            assert word in script, (shell, word)
        for option in options:
            assert (f"-l {option[2:]} " if shell == "fish" else option) in script, (shell, option)


def test_unknown_shell():
    for program in (ADIT, ADITD):
        done = subprocess.run([program, "completions", "csh"], capture_output=True, text=True, timeout=WAIT_S)
        assert done.returncode == 2 and "bash, zsh" in done.stderr
