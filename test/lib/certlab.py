# SPDX-License-Identifier: Apache-2.0
"""An edge that gets its certificates of a CA: aditd, Pebble, and the DNS in which every name leads to this host."""
import datetime
import json
import os
import re
import socket
import ssl
import subprocess

from acmelab import Pebble, World
from lab import Edge
from process import WAIT_S, free_port, until

DOMAIN = "tunnel.example.org"


def openssl(*argv, text):
    return subprocess.run(["openssl", *argv], input=text, capture_output=True, text=True, check=True, timeout=WAIT_S).stdout


class CertEdge(Edge):
    """`aditd -f` with acme: and no certificates; `more` is appended to acme:, `config` to the file."""

    def __init__(self, folder, https, http, acme, *args, config="", domain=DOMAIN, address="127.0.0.1", **kw):
        self.acme, self.domain, self.ports = acme, domain, (https, http)
        log = os.path.join(folder, "edge.log")
        if os.path.exists(log):  # of an earlier life
            os.rename(log, f"{log}.{len(os.listdir(folder))}")
        super().__init__(folder, *args, config=config, listen=(f"{address}:{https}", f"{address}:{http}"), token="none", **kw)

    def _configure(self, config, https, http):
        self.ready = {"https": https, "http": http, "domain": self.domain, "ca": f"{self.folder}/roots.pem", "token": "",
                      "control": f"{self.folder}/control.sock"}
        path = os.path.join(self.folder, "aditd.yml")
        with open(path, "w") as f:
            f.write((f"domain: {self.domain}\n" if self.domain else "") + f"state_dir: {self.folder}\nuser: root\nlisten:\n  https: {https}\n  http: {http}\n"
                    f"  control: unix:{self.ready['control']}\ntcp_ports: {{ from: 20000, to: 60000, address: 127.0.0.1 }}\nhttp: redirect\n"
                    f"acme: {{ {self.acme} }}\n{config}")
        return path

    def handshake(self, name=DOMAIN, alpn=("http/1.1",), verify=None):
        """The certificate that a name is shown, as PEM; ssl.SSLError where the handshake is refused."""
        context = ssl.create_default_context(cafile=verify) if verify else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(list(alpn))
        with socket.create_connection(self.https, timeout=WAIT_S) as raw, context.wrap_socket(raw, server_hostname=name) as tls:
            return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))

    def names(self, name=DOMAIN):
        return set(re.findall(r"(?:DNS|IP Address):([^,\s]+)", openssl("x509", "-noout", "-ext", "subjectAltName", text=self.handshake(name))))

    def serial(self, name=DOMAIN):
        return openssl("x509", "-noout", "-serial", text=self.handshake(name)).strip().split("=")[1]

    def certs(self):
        return {row["name"]: row for row in json.loads(self.ctl("cert", "list", "--json"))["rows"]}

    def cert(self, name=DOMAIN):
        return json.loads(self.ctl("cert", "show", name, "--json"))

    def wait_cert(self, name=DOMAIN, seconds=6 * WAIT_S, **want):
        """Until it is served, or its row has these members."""
        last = {}

        def there():
            try:
                last.update(self.cert(name))
            except AssertionError:
                return False
            return all(last.get(k) == v for k, v in (want or {"state": "served"}).items())
        try:
            until(there, seconds)
        except AssertionError:
            raise AssertionError(f"{name}: {last}\n{self.logged()[-3000:]}") from None
        if last["state"] == "served":
            until(lambda: self.shows(None if name[0].isdigit() else name.replace("*", "any")), what="it is shown")
        return last

    def shows(self, name):
        try:
            return self.handshake(name)
        except ssl.SSLError:
            return None

    def logged_count(self, event):
        return len(re.findall(rf"event={event}(?= |$)", self.logged(), re.M))


class CertLab:
    """World, CA and edges of one test."""

    def __init__(self, folder):
        self.folder, self.parts, self.n = folder, [], 0
        self.world = World(folder)
        self.parts.append(self.world)
        self.https, self.http = free_port(), free_port()

    def pebble(self, env=None, dns=None, **config):
        """dns: the name server that it asks, in place of the world's."""
        if dns is not None:
            self.world.dns_port = int(dns.rsplit(":", 1)[1])
        self.ca = Pebble(self.folder, self.world, env, **{"httpPort": self.http, "tlsPort": self.https, **config})
        self.parts.append(self.ca)
        return self.ca

    def acme(self, **more):
        """The inside of acme: for this CA."""
        rows = {"directory": self.ca.directory, "ca_file": os.path.join(self.folder, "ca.crt"), "agree_to_terms": "yes", **more}
        return ", ".join(f"{k}: {v}" for k, v in rows.items() if v is not None)

    def edge(self, acme=None, name=None, **kw):
        if name is None:
            name = f"edge{self.n}"
            self.n += 1
        part = CertEdge(os.path.join(self.folder, name), self.https, self.http, acme if acme is not None else self.acme(), **kw)
        self.parts.append(part)
        return part

    def close(self):
        faults = []
        for part in reversed(self.parts):
            try:
                part.stop()
            except AssertionError as e:
                faults.append(str(e))
        assert not faults, "\n".join(faults)


def orders(folder):
    """Milliseconds at which an edge sent newOrder, over all its lives; needs --log-level debug."""
    sent = []
    for name in os.listdir(folder):
        if name.startswith("edge.log"):
            with open(os.path.join(folder, name), errors="replace") as f:
                sent += re.findall(r"^time=(\S+)Z .*event=certificate-request method=POST url=\S+/order-plz", f.read(), re.M)
    return sorted(int(datetime.datetime.fromisoformat(t).timestamp() * 1000) for t in sent)
