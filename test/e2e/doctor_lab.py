# SPDX-License-Identifier: Apache-2.0
"""An edge with a public name (in its own eyes), a Jenkins, an agent, a name server: what a doctor walks through."""
import hashlib
import hmac
import json
import os
import subprocess

from certs import Authority
from conftest import ROOT
from dnsd import NameServer
from http1 import Visitor
from jenkins import Jenkins
from lab import ADIT, Edge
from process import WAIT_S

DOMAIN = "hooks.adit-lab.net"
HOST = "jenkins." + DOMAIN
PUBLIC = "203.0.114.9"
SECRET = "correct-horse-battery"
PUSH = os.path.join(ROOT, "test", "fixtures", "webhooks", "bitbucket_push")


class PublicEdge(Edge):
    """Listens on loopback, but names itself *.hooks.adit-lab.net on port 443, with a certificate for it."""

    def __init__(self, folder, pki, http="serve"):
        self.pki = pki
        super().__init__(folder, config=f"public_port: 443\nhttp: {http}\n")

    def _configure(self, *args):
        path = super()._configure(*args)
        cert, key = self.pki.leaf("*." + DOMAIN)
        with open(path) as f:
            text = f.read()
        text = text.replace("domain: localhost", f"domain: {DOMAIN}")
        # Behind the development one, which agents see that call an address.
        text = text.replace("tcp_ports:", f"  - cert: {cert}\n    key: {key}\ntcp_ports:")
        with open(path, "w") as f:
            f.write(text)
        with open(self.ready["ca"]) as f:
            ours = f.read()
        with open(self.pki.ca) as f:
            ours += f.read()
        self.ready["ca"] = self.pki.write("both.pem", ours.encode())
        return path


class Town:
    def __init__(self, lab, jenkins=None, http="serve", names=None):
        self.lab = lab
        self.pki = Authority(lab.folder)
        self.edge = PublicEdge(os.path.join(lab.folder, "edge"), self.pki, http)
        lab.parts.append(self.edge)
        self.jenkins = lab.keep(jenkins or Jenkins())
        self.dns = lab.keep(NameServer({HOST: [PUBLIC]} if names is None else names))
        self.home = os.path.join(lab.folder, "home")
        os.makedirs(self.home, exist_ok=True)
        self.secret = self.file("webhook-secret", SECRET)
        self.agent = None

    def file(self, name, text):
        path = os.path.join(self.lab.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text + "\n")
        return path

    def connect(self, *args, address=None, name="jenkins", preset="jenkins-bitbucket", secret=True, **kw):
        """An agent that is up."""
        argv = ["http", address or self.jenkins.address, "--name", name]
        if preset:
            argv += ["--for", preset]
        if secret and preset:
            argv += ["--secret-file", self.secret]
        self.agent = self.lab.agent(self.edge, *argv, *args, **kw)
        return self.agent

    def login(self, edge=None, token=None, ca=None):
        return ["--edge", edge or self.edge.ready["https"], "--ca", ca or self.edge.ca, "--token-file", token or self.edge.token]

    def doctor(self, target="jenkins", *args, login=None, connect=True, dns=True, origin=True, secret=True, timeout=60):
        """(exit code, what it says)"""
        argv = [ADIT, "doctor", target, "--json", *(self.login() if login is None else login), *args]
        if dns:
            argv += ["--dns", self.dns.address]
        if connect:
            argv += ["--connect", "127.0.0.1:%d" % self.edge.https[1] if connect is True else connect]
        if origin:
            argv += ["--origin", self.jenkins.address if origin is True else origin]
        if secret:
            argv += ["--secret-file", self.secret if secret is True else secret]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout + WAIT_S,
                              env={"PATH": "/usr/bin:/bin", "HOME": self.home, "no_proxy": "*"})
        for hidden in (SECRET, "11apitoken"):
            assert hidden not in done.stdout + done.stderr
        assert done.returncode in (0, 1), (done.returncode, done.stderr)
        said = json.loads(done.stdout)
        said["codes"] = {f["code"]: f for f in said["findings"]}
        said["by_stage"] = {s["stage"]: s for s in said["stages"]}
        assert said["ok"] == (done.returncode == 0)
        return done.returncode, said

    def push(self, path="/bitbucket-hook/", secret=SECRET, body=None, headers=None, tls=True, host=HOST, extra=()):
        """What Bitbucket sends; the answer."""
        if body is None:
            with open(PUSH + ".json", "rb") as f:
                body = f.read()
        if headers is None:
            with open(PUSH + ".headers", encoding="latin-1") as f:
                headers = [x.rstrip("\n") for x in f if x.strip() and not x.lower().startswith("x-hub-signature")]
        if secret:
            headers = [*headers, "X-Hub-Signature: sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()]
        with Visitor(self.edge.https if tls else self.edge.http, host, self.edge.ca if tls else None) as v:
            return v.ask("POST", path, body, [*headers, *extra])


def repository():
    with open(PUSH + ".json") as f:
        return json.load(f)["repository"]["full_name"]
