# SPDX-License-Identifier: Apache-2.0
"""The library acme in its test program, Pebble as the CA, and a world in which challenges are seen."""
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

from lab import ADITD
from process import WAIT_S, Process, free_port, until

DRIVER = os.path.join(os.path.dirname(ADITD), "test", "acme_driver")
GO_BIN = [os.path.expanduser("~/go/bin"), "/usr/local/bin"]
DNS, ALPN, HTTP, PERSIST = 1, 2, 4, 8


def find(name):
    return os.environ.get(name.upper().replace("-", "_")) or shutil.which(name) or shutil.which(name, path=os.pathsep.join(GO_BIN))


PEBBLE, CHALLTESTSRV = find("pebble"), find("pebble-challtestsrv")
UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname, UNVERIFIED.verify_mode = False, ssl.CERT_NONE


def ask(method, url, body=None, fields=None):
    """One request: status, fields (http.client's), text."""
    u = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if u.scheme == "https" else http.client.HTTPConnection
    more = {"context": UNVERIFIED} if u.scheme == "https" else {}
    conn = kind(u.hostname, u.port, timeout=WAIT_S, **more)
    try:
        conn.request(method, u.path + ("?" + u.query if u.query else ""), body, {"User-Agent": "adit-test", **(fields or {})})
        r = conn.getresponse()
        return r.status, r.headers, r.read().decode("utf-8", "replace")
    finally:
        conn.close()


class World:
    """What the CA can see: TXT records of challtestsrv, a web server, a TLS server for acme-tls/1."""

    def __init__(self, folder):
        self.folder, self.pages, self.shown = folder, {}, []
        self.dns_port, self.management = free_port(), free_port()
        self.dns = Process([CHALLTESTSRV, "-management", f"127.0.0.1:{self.management}", "-dnsserver", f"127.0.0.1:{self.dns_port}",
                            "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", ""],
                           os.path.join(folder, "challtestsrv.log"))
        until(self._dns_is_up, 3 * WAIT_S, "challtestsrv answers")
        pages = self.pages

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = pages.get(self.path)
                self.send_response(200 if page else 404)
                self.end_headers()
                self.wfile.write((page or "").encode())

            def log_message(self, *args):
                pass

        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.web.serve_forever, daemon=True).start()
        self.alpn = socket.create_server(("127.0.0.1", 0))
        self.alpn_context = None
        self.names_asked = []
        threading.Thread(target=self._serve_alpn, daemon=True).start()

    def _dns_is_up(self):
        try:
            self.manage("clear-txt", host="example.org.")
        except OSError:
            return False
        return True

    def _serve_alpn(self):
        while True:
            try:
                conn, _ = self.alpn.accept()
            except OSError:
                return
            try:
                conn.settimeout(WAIT_S)
                self.alpn_context.wrap_socket(conn, server_side=True).close()
            except (OSError, AttributeError):
                conn.close()

    def manage(self, what, **members):
        status, _, _ = ask("POST", f"http://127.0.0.1:{self.management}/{what}", json.dumps(members))
        assert status == 200, what

    def show(self, step):
        self.shown.append((step["kind"], step["name"]))
        if step["kind"] in ("dns-01", "dns-persist-01"):
            self.manage("set-txt", host=step["where"] + ".", value=step["text"])
        elif step["kind"] == "http-01":
            self.pages[step["where"]] = step["text"]
        else:
            self._show_alpn(step)

    def _show_alpn(self, step):
        pem = os.path.join(self.folder, "alpn.pem")
        with open(pem, "w") as f:
            for word, b64 in (("CERTIFICATE", step["cert"]), ("PRIVATE KEY", step["key"])):
                f.write(f"-----BEGIN {word}-----\n{b64}\n-----END {word}-----\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        context.set_alpn_protocols(["acme-tls/1"])
        context.sni_callback = lambda _sock, name, _context: self.names_asked.append(name)
        self.alpn_context = context

    def stop(self):
        self.web.shutdown()
        self.web.server_close()
        self.alpn.close()
        self.dns.stop()


class Pebble:
    """A CA of its own, with the knobs of its environment and configuration."""

    def __init__(self, folder, world=None, env=None, dns_port=None, **config):
        self.folder, self.port, self.management = folder, free_port(), free_port()
        cert, key = (os.path.join(folder, n) for n in ("ca.crt", "ca.key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                        "-subj", "/CN=pebble", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True, timeout=WAIT_S)
        path = os.path.join(folder, "pebble.json")
        settings = {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}", "certificate": cert,
                    "privateKey": key, "httpPort": config.get("httpPort") or world.web.server_address[1],
                    "tlsPort": config.get("tlsPort") or world.alpn.getsockname()[1], "ocspResponderURL": "",
                    "externalAccountBindingRequired": False, "retryAfter": {"authz": 1, "order": 1}, "keyAlgorithm": "ecdsa",
                    "profiles": {"default": {"description": "the usual one", "validityPeriod": 7776000},
                                 "shortlived": {"description": "six days", "validityPeriod": 518400}}, **config}
        with open(path, "w") as f:
            json.dump({"pebble": settings}, f)
        self.env = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0", **(env or {})}
        self.argv = [PEBBLE, "-config", path, "-strict", "-dnsserver", f"127.0.0.1:{dns_port or world.dns_port}"]
        self.start()

    def start(self):
        self.process = Process(self.argv, os.path.join(self.folder, "pebble.log"), env=self.env)
        self.process.expected_code = -signal.SIGTERM
        self.directory = f"https://127.0.0.1:{self.port}/dir"
        until(self._answers, 3 * WAIT_S, "pebble answers")

    def _answers(self):
        try:
            return ask("GET", self.directory)[0] == 200
        except OSError:
            return False

    def stop(self):
        self.process.stop()

    def root(self, i=0):
        return ask("GET", f"https://127.0.0.1:{self.management}/roots/{i}")[2]


class Client:
    """The library with a folder of its own: each run() is a life of the process, which may be killed at a step."""

    def __init__(self, folder, directory, world, **args):
        self.folder, self.world, self.ahead_s = folder, world, 0
        self.args = {"directory": directory, "do": "issue", **args}
        self.requests = []
        os.makedirs(folder, exist_ok=True)

    def now(self):
        return int(time.time()) + self.ahead_s

    def _send(self, step):
        self.requests.append((step["at"], step["method"], step["url"], self.now()))
        fields = {**({"Content-Type": step["type"]} if step.get("type") else {}), **({"Accept": step["accept"]} if step.get("accept") else {})}
        try:
            status, got, body = ask(step["method"], step["url"], step["body"] if step.get("type") else None, fields)
        except OSError as e:
            return {"status": 0, "why": str(e)}
        return {"status": status, "nonce": got.get("Replay-Nonce", ""), "location": got.get("Location", ""), "retry_after": got.get("Retry-After", ""),
                "link": ", ".join(got.get_all("Link") or []), "body": body}

    def _do(self, step):
        if step["step"] == "send":
            return self._send(step)
        if step["step"] == "publish":
            self.world.show(step)
        elif step["step"] == "wait":
            # The library's clock needs no time, but the CA does: half an hour of questions is half a minute for it.
            left_s = max(0, step["until"] - self.now())
            threading.Event().wait(min(0.5, 0.02 * left_s) * WAIT_S / 10)
            self.ahead_s += left_s
        return {}

    def run(self, kill_at=None, kill_after=None, **more):
        """The steps of one life. kill_at: SIGKILL at that step's number, before it is done; kill_after: behind it, before the library hears of it."""
        steps = []
        child = subprocess.Popen([DRIVER, json.dumps({**self.args, **more})], cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        try:
            for line in child.stdout:
                step = json.loads(line)
                steps.append(step)
                if kill_at == len(steps):
                    break
                answer = self._do(step)
                if kill_after == len(steps):
                    break
                child.stdin.write(json.dumps({**answer, "now": self.now()}) + "\n")
                child.stdin.flush()
            if kill_at == len(steps) or kill_after == len(steps):
                child.send_signal(signal.SIGKILL)
            child.stdin.close()
            code = child.wait(WAIT_S)
            assert code in (0, -signal.SIGKILL), child.stderr.read()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        return steps

    def last(self, **more):
        return self.run(**more)[-1]

    def orders(self):
        return [now for at, method, url, now in self.requests if at == "order" and "order-plz" in url]
