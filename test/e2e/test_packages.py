# SPDX-License-Identifier: Apache-2.0
"""What packages bring besides programs and manuals: an example, the words that Debian wants. Nothing is built
here; `make packages-check` builds."""
import os
import re
import subprocess

from conftest import ROOT
from lab import ADIT, ADITD
from process import WAIT_S


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
