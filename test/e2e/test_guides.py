# SPDX-License-Identifier: Apache-2.0
"""Every command of the guides in doc/ is run: against an edge, a Jenkins and a Bitbucket of the test, in the order of the text.

A block of ```sh has one command a line; each must be known to HANDLERS. Only addresses and ports are replaced.
Blocks behind a comment "needs a host" are not run; that what they use exists is looked at.
"""
import glob
import json
import os
import re
import shlex
import subprocess

import pytest

from bitbucket import Bitbucket
from conftest import ROOT
from doctor_lab import DOMAIN, HOST, PUBLIC, Town
from jenkins import Jenkins, job
from lab import ADIT, ADITD
from process import WAIT_S, Process, until

GUIDES = ["bitbucket-jenkins", "invalid-url", "tunnel-or-ddns", "from-ngrok", "edge-on-a-small-server"]


def blocks(text):
    """(language, lines, needs a host)"""
    for m in re.finditer(r"(<!-- needs a host[^>]*-->\n)?```(\w+)\n(.*?)```", text, re.S):
        yield m[2], m[3].splitlines(), bool(m[1])


class Reader:
    """Somebody who types what a guide says."""

    def __init__(self, lab):
        self.lab = lab
        self.town = Town(lab, Jenkins({"web": job()}))
        self.town.dns.names["tunnel.example.org"] = [PUBLIC]
        self.cloud = lab.keep(Bitbucket(repository="team/app"))
        self.dc = lab.keep(Bitbucket(dc=True, repository="TEAM/app"))
        self.cwd = os.path.join(lab.folder, "cwd")
        os.makedirs(self.cwd)
        self.put("token.txt", open(self.town.edge.token).read())
        self.put("bitbucket-token.txt", "good-token\n")
        self.put("api-token.txt", "11apitoken\n")
        self.env = {"PATH": "/usr/bin:/bin", "HOME": self.town.home, "no_proxy": "*"}
        self.here = ["--dns", self.town.dns.address, "--connect", "127.0.0.1:%d" % self.town.edge.https[1]]
        self.agents = []
        self.dev_edge = None

    def put(self, name, text):
        with open(os.path.join(self.cwd, name), "w") as f:
            f.write(text)

    def translate(self, word):
        """Only where it is; never what it says."""
        word = word.replace("https://tunnel.example.org", "https://" + self.town.edge.ready["https"])
        word = word.replace("tunnel.example.org", DOMAIN)
        if word == "8080":
            return str(self.town.jenkins.port)
        return os.path.join(self.town.home, word[2:]) if word.startswith("~/") else word

    def run(self, argv, codes=(0,)):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=6 * WAIT_S, env=self.env, cwd=self.cwd)
        assert done.returncode in codes, f"{shlex.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def type(self, line):
        line = line.removeprefix("sudo ")
        words = shlex.split(line)
        for prefix, handler in HANDLERS:
            if line.startswith(prefix):
                return handler(self, [self.translate(w) for w in words], line)
        raise AssertionError(f"no test runs this command: {line}")

    # --- one method for each kind of command ---

    def login(self, words, line):
        self.run([ADIT, *words[1:], "--ca", self.town.edge.ca])  # a real edge needs no --ca

    def dev(self, words, line):
        assert words[1:] == ["--dev", "try", "--https", "127.0.0.1:8443"]
        self.dev_edge = Process([ADITD, "--dev", os.path.join(self.cwd, "try"), "--https", "127.0.0.1:0"],
                                os.path.join(self.lab.folder, "guide-dev.log"), self.env, "aditd")
        ready, _ = self.dev_edge.wait_line(lambda x: x.startswith("{"), 4 * WAIT_S)
        self.dev_port = json.loads(ready)["https"].rsplit(":", 1)[1]

    def login_at_dev(self, words, line):
        """Beside the login of the other steps."""
        home = os.path.join(self.lab.folder, "dev-home")
        os.makedirs(home)
        self.run(["/usr/bin/env", "HOME=" + home, ADIT, *[w.replace("8443", self.dev_port) for w in words[1:]]])

    def chmod(self, words, line):
        self.run(words)

    def serve(self, words, line):
        self.log_in_quietly()
        for old in self.agents:
            old.stop()
        self.agents.clear()
        agent = Process([ADIT, *words[1:]], os.path.join(self.lab.folder, "guide-agent.log"), self.env, "adit")
        self.agents.append(agent)
        agent.wait_line(lambda x: " -> " in x, 4 * WAIT_S)

    def start(self, words, line):
        with open(os.path.join(self.town.home, ".config", "adit", "adit.yml"), "a") as f:
            f.write("\n".join(self.yaml).replace("8080", str(self.town.jenkins.port)) + "\n")
        self.serve(words, line)

    def log_in_quietly(self):
        if not os.path.exists(os.path.join(self.town.home, ".config", "adit", "adit.yml")):
            self.run([ADIT, "login", "https://" + self.town.edge.ready["https"], "--ca", self.town.edge.ca, "--token-file",
                      self.town.edge.token])

    def check_url(self, words, line):
        here = [] if "--no-probe" in words else [*self.here, "--ca", self.town.edge.ca]
        if here and not self.agents:  # a URL is called where its tunnel is up
            self.serve(["adit", "http", str(self.town.jenkins.port), "--name", "jenkins", "--for", "jenkins-bitbucket"], "")
        out = self.run([ADIT, *words[1:], *here], (0, 1, 2) if "--no-probe" in words else (0,))
        assert json.loads(out) if "--json" in words else "Bitbucket Cloud" in out

    def doctor(self, words, line):
        self.log_in_quietly()
        if not self.agents:
            self.serve(["adit", "http", str(self.town.jenkins.port), "--name", "jenkins", "--for", "jenkins-bitbucket"], "")
        out = self.run([ADIT, *words[1:], *self.here])
        assert "Nothing fails" in out, out

    def hook(self, words, line):
        dc = "--dc" in words
        words = [w for w in words[1:] if not w.startswith("https://bitbucket.example.com")]
        words = [w for w in words if w != "--api"]
        secret = next((words[i + 1] for i, w in enumerate(words) if w == "--secret-file"), None)
        if secret and not os.path.exists(secret):
            self.serve(["adit", "http", str(self.town.jenkins.port), "--name", "jenkins", "--for", "jenkins-bitbucket"], "")
        if words[1] == "delete":  # the webhook of before is there
            self.run([ADIT, "hook", "create", *words[2:], "--secret-file", self.town.edge.token, "--api", self.cloud.api])
        self.run([ADIT, *words, "--api", (self.dc if dc else self.cloud).api])

    def edge_check(self, words, line):
        path = os.path.join(self.lab.folder, "guide-aditd.yml")
        cert, key = self.town.pki.leaf("*.tunnel.example.org")
        text = "\n".join(self.yaml)
        for old, new in (("/etc/ssl/tunnel/fullchain.pem", cert), ("/etc/ssl/tunnel/privkey.pem", key),
                         ("/var/lib/aditd", os.path.join(self.lab.folder, "guide-state")), ("https: 443", "https: 127.0.0.1:0"),
                         ("http: 80", f"http: 127.0.0.1:0\n  control: unix:{self.lab.folder}/guide.sock")):
            assert old in text, old
            text = text.replace(old, new)
        with open(path, "w") as f:
            f.write(text + "\nuser: root\n")  # no user is made for a test
        if words[1] == "-n":
            self.run([ADITD, "-n", "-f", path])
            return
        edge = Process([ADITD, "-f", path], os.path.join(self.lab.folder, "guide-edge.log"), self.env, "aditd")
        until(lambda: "event=ready" in edge.logged() or not edge.alive(), 4 * WAIT_S)
        edge.stop()

    def control(self, words, line):
        if words[1] == "-T":
            assert "head of a request" in self.run([ADITD, "-T"])
            return
        self.run([ADITD, "--control", self.town.edge.ready["control"], *words[1:]])

    def close(self):
        for agent in self.agents:
            agent.stop()
        if self.dev_edge:
            self.dev_edge.stop()


HANDLERS = [
    ("chmod 600 ", Reader.chmod),
    ("adit login https://localhost:8443 ", Reader.login_at_dev),
    ("adit login ", Reader.login),
    ("adit http ", Reader.serve),
    ("adit tcp ", Reader.serve),
    ("adit start ", Reader.start),
    ("adit check-url ", Reader.check_url),
    ("adit doctor ", Reader.doctor),
    ("adit hook ", Reader.hook),
    ("aditd -n -f ", Reader.edge_check),
    ("aditd -f ", Reader.edge_check),
    ("aditd --dev ", Reader.dev),
    ("aditd ", Reader.control),
]


@pytest.mark.parametrize("name", GUIDES)
def test_guide(lab, name):
    with open(os.path.join(ROOT, "doc", name + ".md"), encoding="utf-8") as f:
        text = f.read()
    reader = Reader(lab)
    n = 0
    try:
        reader.yaml = []
        for language, lines, host in blocks(text):
            if language == "yaml":
                reader.yaml = lines
            elif host:
                look_at_host_commands(lines)
            else:
                assert language == "sh", language
                for line in lines:
                    reader.type(line)
                    n += 1
    finally:
        reader.close()
    assert n >= 3


def look_at_host_commands(lines):
    """Commands that only a real host can run: what they name is there."""
    known = {"make deps": "Makefile", "make build": "Makefile", "sudo make install": "Makefile",
             "sudo apt install ./build/packages/aditd_*.deb": "debian/control", "sudo aditd setup office": "src/edge/setup/setup.c",
             "sudo systemctl enable --now aditd": "etc/system/aditd.service", "sudo systemctl reload aditd": "etc/system/aditd.service",
             "sudo chgrp -R aditd /etc/ssl/tunnel": "etc/sysusers.conf", "sudo chmod -R g+rX /etc/ssl/tunnel": "etc/sysusers.conf",
             "sudo systemctl enable --now adit@$USER": "etc/system/adit@.service",
             "systemctl --user enable --now adit": "etc/user/adit.service"}
    for line in lines:
        assert line in known, line
        assert os.path.exists(os.path.join(ROOT, known[line]))
    with open(os.path.join(ROOT, "Makefile")) as f:
        makefile = f.read()
    assert re.search(r"^build:", makefile, re.M) and re.search(r"^deps:", makefile, re.M) and re.search(r"^install:", makefile, re.M)


def test_links_lead_somewhere():
    for path in glob.glob(os.path.join(ROOT, "doc", "*.md")):
        with open(path, encoding="utf-8") as f:
            for target in re.findall(r"\]\(([^)#:]+)\)", f.read()):
                assert os.path.exists(os.path.join(ROOT, "doc", target)), (path, target)


def test_options_of_tables():
    """Commands in running text and tables use only options that there are."""
    helps = {}
    for path in glob.glob(os.path.join(ROOT, "doc", "*.md")):
        with open(path, encoding="utf-8") as f:
            found = re.findall(r"`(adit [a-z-]+[^`]*)`", f.read())
        for command in found:
            words = command.replace("…", "x").split()
            if words[1] not in helps:
                helps[words[1]] = subprocess.run([ADIT, "help", words[1]], capture_output=True, text=True, timeout=WAIT_S)
            assert helps[words[1]].returncode == 0, command
            for option in (w for w in words if w.startswith("--")):
                assert re.search(rf"^  {option}\b", helps[words[1]].stdout, re.M), command
