# SPDX-License-Identifier: Apache-2.0
"""Every command of doc/dynamic-dns.md is run, in the order of the text, against an edge that serves the zone of localhost."""
import os
import re
import shlex
import subprocess

from conftest import ROOT
from lab import ADIT, ADITD
from process import WAIT_S, Process, free_port

GUIDE = os.path.join(ROOT, "doc", "dynamic-dns.md")


class Reader:
    def __init__(self, lab):
        with open(GUIDE, encoding="utf-8") as f:
            self.text = f.read()
        self.lab, self.dns, self.token, self.n = lab, free_port(), None, 0
        yaml, = re.findall(r"```yaml\n(.*?)```", self.text, re.S)
        for old, new in (("[53]", f"[\"127.0.0.1:{self.dns}\"]"), ("203.0.113.5", "127.0.0.1"), ("mode: zone\n", "mode: zone\n  acme_dns: on\n")):
            assert old in yaml, old
            yaml = yaml.replace(old, new)
        self.edge = lab.edge(config=yaml + "dynamic_dns: { private: yes }\nhttp: serve\n")
        self.alice, _ = self.edge.new_token("alice")

    def translate(self, line):
        line = line.removeprefix("sudo ").replace("https://tunnel.example.org", "https://localhost:%d" % self.edge.https[1])
        return shlex.split(line.replace("tunnel.example.org", "localhost").replace("TOKEN", self.token or ""))

    def run(self, argv):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=4 * WAIT_S)
        assert done.returncode == 0, f"{shlex.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def login(self):
        return ["--edge", "https://localhost:%d" % self.edge.https[1], "--ca", self.edge.ca, "--token-file", self.alice]

    def type(self, line):
        words = self.translate(line)
        self.n += 1
        if words[:3] == ["adit", "ddns", "show"]:
            assert "home.localhost" in self.run([ADIT, *words[1:], *self.login()])
        elif words[:2] == ["adit", "ddns"]:
            agent = Process([ADIT, *words[1:], *self.login()], f"{self.lab.folder}/guide-{self.n}.log", None, "adit")
            agent.wait_line(lambda x: x.startswith("home.localhost is at ") or x.startswith("home.localhost leads "), 4 * WAIT_S)
            agent.stop()
        elif words[:3] == ["aditd", "token", "add"]:
            said = self.run([ADITD, "--control", self.edge.ready["control"], *words[1:]]).split("\n")
            assert said[1].startswith("hmac-sha256:") if "--tsig" in words else said[1:] == [""]
            self.token = self.token or said[0]
        elif words[0] == "curl":
            said = self.run(["curl", "-sS", "--fail", "--cacert", self.edge.ca, *words[1:]])
            assert re.match(r"127\.0\.0\.1\n$|::1\n$|good 198\.41\.0\.4\n$|\{\"username\"", said), said
        elif words[0] == "dig":
            assert self.run(["dig", "@127.0.0.1", "-p", str(self.dns), *words[1:]]) == "198.41.0.4\n"
        else:
            raise AssertionError(f"no test runs this command: {line}")


def test_the_guide(lab):
    reader = Reader(lab)
    for block in re.findall(r"```sh\n(.*?)```", reader.text, re.S):
        for line in block.splitlines():
            reader.type(line)
    assert reader.n >= 9


def test_each_return_code_is_told():
    with open(GUIDE, encoding="utf-8") as f:
        text = f.read()
    with open(os.path.join(ROOT, "src/hook/dyndns.h"), encoding="utf-8") as f:
        codes = re.findall(r'X\([A-Z_]+, "([^"]+)", \d+\)', f.read())
    assert len(codes) == 11
    for code in codes:
        assert f"`{code}`" in text, code
