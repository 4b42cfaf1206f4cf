# SPDX-License-Identifier: Apache-2.0
"""A laboratory: edge, agents and origins of one test, all on loopback, taken down and looked at in the end."""
import json
import os
import socket
import subprocess

from http1 import Visitor
from origin import Origin
from process import WAIT_S, Process, free_port, until

ADIT = os.environ.get("ADIT", "build/adit")
ADITD = os.environ.get("ADITD", "build/aditd")
SANITIZED = any(s in ADITD for s in ("asan", "ubsan", "tsan"))


def split(address):
    """"127.0.0.1:80" or "unix:/path" as Python's sockets want it."""
    if address.startswith("unix:"):
        return address[5:]
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


def refusing_address():
    """An address on which nothing listens, held so that nothing else can. Returns (text, keeper)."""
    keeper = socket.socket()
    keeper.bind(("127.0.0.1", 0))
    return "127.0.0.1:%d" % keeper.getsockname()[1], keeper


class Edge(Process):
    """`aditd --dev FOLDER`; with config (text of aditd.yml), `aditd -f` with the certificates of such a folder."""

    def __init__(self, folder, *args, config=None, env=None, prefix=(), listen=(None, None), token=None):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        argv = [*prefix, ADITD]
        if config is None:
            argv += ["--dev", self.folder]
        else:
            argv += ["-f", self._configure(config, *listen)]
        super().__init__([*argv, *args], os.path.join(self.folder, "edge.log"), env, "aditd")
        if config is None:
            line, _ = self.wait_line(lambda text: text.startswith("{"), 4 * WAIT_S)
            self.ready = json.loads(line)
        else:
            until(lambda: not self.alive() or "event=ready" in self.logged() or '"event":"ready"' in self.logged(), 4 * WAIT_S)
            assert self.alive(), self.everything()
        self.https, self.http = split(self.ready["https"]), split(self.ready["http"])
        self.ca, self.token = self.ready["ca"], self.ready["token"]
        if config is not None:
            self.token = token or self.new_token("dev")[0]

    def _configure(self, config, https, http):
        if not os.path.exists(f"{self.folder}/web.pem"):
            self._certify()
        self.ready = {"https": https or f"127.0.0.1:{free_port()}", "http": http or f"127.0.0.1:{free_port()}", "domain": "localhost",
                      "ca": f"{self.folder}/ca.pem", "token": "", "control": f"{self.folder}/control.sock"}
        path = os.path.join(self.folder, "aditd.yml")
        with open(path, "w") as f:
            f.write(f"domain: localhost\nstate_dir: {self.folder}\nlisten:\n  https: {self.ready['https']}\n"
                    f"  http: {self.ready['http']}\n  control: unix:{self.ready['control']}\n"
                    f"certificates:\n  - cert: {self.folder}/web.pem\n    key: {self.folder}/web.key\n"
                    "tcp_ports: { from: 20000, to: 60000, address: 127.0.0.1 }\n"
                    + ("" if "http:" in config else "http: serve\n") + ("" if "user:" in config else "user: root\n") + config)
        return path

    def _certify(self):
        made = subprocess.run([ADITD, "-n", "--dev", self.folder], capture_output=True, text=True, timeout=4 * WAIT_S)
        assert made.returncode == 0, made.stdout + made.stderr
        # What --dev makes on demand by SNI stands in a file here: clients take no wildcard of a top-level domain.
        names = ",".join(f"DNS:{n}localhost" for n in ("", "web.", "fake.", "mine.", "no.")) + ",IP:127.0.0.1,IP:10.77.0.1"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=localhost", "-days", "800", "-addext", f"subjectAltName={names}", "-addext",
                        "basicConstraints=critical,CA:FALSE", "-CA", f"{self.folder}/ca.pem", "-CAkey", f"{self.folder}/ca.key",
                        "-keyout", f"{self.folder}/web.key", "-out", f"{self.folder}/web.pem"], check=True, capture_output=True)

    def ctl(self, *args, ok=True):
        """An administrator's command over the control socket; returns its standard output."""
        done = subprocess.run([ADITD, "--control", self.ready["control"], *args], capture_output=True, text=True,
                              timeout=4 * WAIT_S)
        if ok:
            assert done.returncode == 0, f"aditd {' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}"
            return done.stdout
        assert done.returncode != 0, f"aditd {' '.join(args)} went well, but must not"
        return done.stdout + done.stderr

    def status(self):
        """Links, visitors and streams (exchanges and byte streams) that are alive, of all workers."""
        said = json.loads(self.ctl("status", "--json"))

        def total(*counters):
            return sum(worker[c] for worker in said["workers"] for c in counters)
        return {"links": total("links"), "visitors": total("visitors"), "streams": total("exchanges", "tcp"), "all": said}

    def wait_up(self, name, seconds=30):
        self.ctl("wait", "up", name, "--timeout", str(seconds))

    def new_token(self, account):
        """A token of a (new) account, as a file for --token-file."""
        said = json.loads(self.ctl("token", "add", account, "--json"))
        path = os.path.join(self.folder, f"token-{said['id']}")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(said["token"] + "\n")
        return path, said["id"]

    def visitor(self, host="web.localhost", tls=True, **kw):
        return Visitor(self.https if tls else self.http, host, self.ca if tls else None, **kw)

    def get(self, path="/", host="web.localhost", tls=True, headers="", **kw):
        """One GET on a connection of its own."""
        with self.visitor(host, tls, **kw) as v:
            v.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")
            return v.response()

    def nothing_left(self, links=None):
        """Waits until no visitor and no stream is alive, and as many links as are said."""
        last = {}

        def idle():
            last.update(self.status())
            return last["visitors"] == 0 and last["streams"] == 0 and links in (None, last["links"])
        try:
            until(idle)
        except AssertionError:
            raise AssertionError(f"something was left behind: {last}\n{self.logged()[-3000:]}") from None


class Agent(Process):
    """`adit http|tcp ORIGIN ...`; waits until the tunnel is up unless up=False."""

    def __init__(self, edge, *args, token=None, up=True, env=None, name="agent", prefix=()):
        log = os.path.join(edge.folder, f"{name}-{len(os.listdir(edge.folder))}.log")
        argv = [*prefix, ADIT, *args, "--json", "--token-file", token or edge.token]
        for option, value in (("--edge", edge.ready["https"]), ("--ca", edge.ca)):
            if option not in args:
                argv += [option, value]
        super().__init__(argv, log, {"HOME": edge.folder, "XDG_STATE_HOME": "", "no_proxy": "*", **(env or {})}, name)
        if up:
            self.up = self.wait_event("up", 2 * WAIT_S)
            self.url = self.up["url"]

    @property
    def host(self):
        return self.url.split("://", 1)[1].split("/")[0].rsplit(":", 1)[0]


class Lab:
    """What a test starts through it is ended and judged in the reverse order."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.parts = []
        self.n_edges = 0

    def edge(self, *args, folder=None, **kw):
        if folder is None:
            folder = os.path.join(self.folder, f"edge{self.n_edges}")
            self.n_edges += 1
        part = Edge(folder, *args, **kw)
        self.parts.append(part)
        return part

    def agent(self, edge, *args, **kw):
        part = Agent(edge, *args, **kw)
        self.parts.append(part)
        return part

    def origin(self, *args, **kw):
        part = Origin(*args, **kw)
        self.parts.append(part)
        return part

    def keep(self, part):
        """Anything with close()."""
        self.parts.append(part)
        return part

    def web(self, origin=None, *edge_args):
        """The usual: an edge, an agent of the name "web", an origin. Returns all three."""
        origin = origin or self.origin()
        edge = self.edge(*edge_args)
        agent = self.agent(edge, "http", origin.address, "--name", "web")
        return edge, agent, origin

    def close(self, judge):
        faults = []
        for part in self.parts:
            if isinstance(part, Edge) and judge and part.alive():
                try:
                    part.nothing_left()
                except AssertionError as e:
                    faults.append(str(e))
        for part in reversed(self.parts):
            try:
                part.stop() if isinstance(part, Process) else part.close()
            except AssertionError as e:
                faults.append(str(e))
        assert not faults, "\n".join(faults)
