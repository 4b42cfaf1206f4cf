# SPDX-License-Identifier: Apache-2.0
"""What packages bring besides programs and manuals: completions, an example, the words that Debian wants. Nothing is built
here; `make packages-check` builds."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT
from lab import ADIT, ADITD
from process import WAIT_S


def complete(folder, *words):
    """What bash offers for the last of these words."""
    path = os.path.join(folder, "bin")
    os.makedirs(path, exist_ok=True)
    for name, program in (("adit", ADIT), ("aditd", ADITD)):
        if not os.path.lexists(os.path.join(path, name)):
            os.symlink(os.path.abspath(program), os.path.join(path, name))
    script = '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _adit; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script, os.path.join(ROOT, "etc/completions/adit.bash"), *words], capture_output=True, text=True,
                          timeout=2 * WAIT_S, cwd=folder, env={"PATH": f"{path}:/usr/bin:/bin"})
    return done.stdout.split()


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_bash_completes_what_the_program_knows(lab):
    def offered(*words):
        return complete(lab.folder, *words)

    assert {"http", "login", "inbox", "doctor"} <= set(offered("adit", ""))
    assert offered("adit", "lo") == ["login"]
    assert {"list", "replay"} <= set(offered("adit", "inbox", ""))
    assert offered("adit", "version", "") == []
    assert "--fan-out" in offered("adit", "http", "8080", "--f")
    assert "--state" not in offered("adit", "http", "--")
    assert {"token", "status", "reload"} <= set(offered("aditd", ""))
    assert offered("aditd", "wait", "") == ["up"]
    assert {"--label", "--days"} <= set(offered("aditd", "token", "add", "--"))
    with open(os.path.join(lab.folder, "my-ca.pem"), "w"):
        pass
    assert offered("adit", "http", "--ca", "my-") == ["my-ca.pem"]
    assert offered("aditd", "-f", "my-") == ["my-ca.pem"]
    assert offered("adit", "http", "--name", "my-") == []


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh")
def test_zsh_can_read_its_completions():
    subprocess.run(["zsh", "-n", os.path.join(ROOT, "etc/completions/adit.zsh")], check=True, timeout=2 * WAIT_S)


def test_the_example_is_a_configuration(lab):
    """As it is, and with every line that it only shows: what is wrong then is that there is no certificate."""
    with open(os.path.join(ROOT, "etc/aditd.yml")) as f:
        text = f.read()
    for name, body in (("as-it-is", text), ("all", re.sub(r"^#(?=[a-z ])(?! )|^#(?=  )", "", text, flags=re.M))):
        path = os.path.join(lab.folder, name + ".yml")
        with open(path, "w") as f:
            f.write(re.sub(r"^user: .*\n", "", body, flags=re.M) + "user: root\n")  # aditd may not be a user here
        done = subprocess.run([ADITD, "-n", "-f", path], capture_output=True, text=True, timeout=2 * WAIT_S)
        assert done.returncode == 1 and "fullchain.pem" in done.stderr, done.stderr
    assert "\ninbox:\n" in body


def test_debian_is_told_the_version_of_the_makefile():
    with open(os.path.join(ROOT, "Makefile")) as f:
        version, = re.findall(r"^VERSION *= *(\S+)$", f.read(), re.M)
    with open(os.path.join(ROOT, "debian/changelog")) as f:
        assert f.readline().startswith(f"adit ({version}) ")


def test_every_manual_belongs_to_a_package():
    wanted = set()
    for package in ("adit", "aditd"):
        with open(os.path.join(ROOT, f"debian/{package}.manpages")) as f:
            for line in f:
                pattern = line.strip().rpartition("/")[2].replace(".", r"\.").replace("*", ".*")
                hits = {m for m in os.listdir(os.path.join(ROOT, "man")) if re.fullmatch(pattern, m)}
                assert hits, line
                wanted |= hits
    assert wanted == set(os.listdir(os.path.join(ROOT, "man")))


def test_documents_of_packages_exist():
    for name in ("adit.docs", "aditd.docs", "aditd.examples"):
        with open(os.path.join(ROOT, "debian", name)) as f:
            for line in f:
                assert os.path.exists(os.path.join(ROOT, line.strip())), line


def test_packages_are_built_with_what_the_makefile_wants():
    listed = subprocess.run([os.path.join(ROOT, "tools/deps"), "--list", "build"], capture_output=True, text=True, check=True).stdout.split()
    with open(os.path.join(ROOT, "debian/control")) as f:
        declared = set(re.findall(r"[a-z0-9.+-]+-dev", f.read().split("\n\n")[0]))
    assert {p for p in listed if p.endswith("-dev")} - {"libc6-dev"} <= declared  # build-essential has that one
