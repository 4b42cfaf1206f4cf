# SPDX-License-Identifier: Apache-2.0
"""A CA that does what Pebble does not: it limits, talks garbage, hangs, and works on an order for as long as it is told."""
import base64
import http.server
import itertools
import json
import os
import ssl
import subprocess
import threading

from process import WAIT_S


def unpack(body):
    jws = json.loads(body)
    pad = lambda s: s + "=" * (-len(s) % 4)  # noqa: E731
    payload = base64.urlsafe_b64decode(pad(jws["payload"]))
    return json.loads(payload) if payload else None


class FakeCA:
    """`fault(path)` may give (status, fields, body) or "hang"; else it answers as a CA does. Names are proven as soon as they are asked for."""

    def __init__(self, folder, processing=0):
        self.folder, self.processing, self.asked, self.n = folder, processing, [], 0
        self.fault = lambda path: None
        self.over = threading.Event()
        self.dated = None  # "-2d": certificates begin then (faketime)
        self.orders, self.numbers, self.serials = {}, itertools.count(1), itertools.count(4096)
        self._keys()
        ca = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                self.serve(None)

            def do_GET(self):
                self.serve(None)

            def do_POST(self):
                self.serve(self.rfile.read(int(self.headers["Content-Length"])))

            def serve(self, body):
                ca.asked.append(self.path)
                said = ca.fault(self.path)
                if said == "hang":
                    ca.over.wait(600)
                    return
                status, fields, text = said or ca.answer(self.path, body)
                self.send_response(status)
                ca.n += 1
                for k, v in {"Replay-Nonce": f"nonce{ca.n:020}", "Content-Length": str(len(text)), **fields}.items():
                    self.send_header(k, v)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/fake.crt", f"{folder}/fake.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"https://127.0.0.1:{self.server.server_address[1]}"
        self.directory = self.base + "/dir"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _run(self, *argv):
        return subprocess.run(argv, check=True, capture_output=True, timeout=WAIT_S).stdout

    def _keys(self):
        """One certificate is server and root, in one."""
        self._run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{self.folder}/fake.key", "-out",
                      f"{self.folder}/fake.crt", "-subj", "/CN=fake CA", "-days", "30", "-addext", "subjectAltName=IP:127.0.0.1")

    def sign(self, csr, names):
        serial = next(self.serials)
        path = os.path.join(self.folder, f"order{serial}")
        with open(path + ".csr", "wb") as f:
            f.write(base64.urlsafe_b64decode(csr + "=" * (-len(csr) % 4)))
        with open(path + ".ext", "w") as f:
            f.write("subjectAltName=" + ",".join("DNS:" + n for n in names) + "\nauthorityKeyIdentifier=keyid\n")
        leaf = self._run(*(["faketime", "-f", self.dated] if self.dated else []), "openssl", "x509", "-req", "-inform", "DER", "-in", path + ".csr", "-CA", f"{self.folder}/fake.crt", "-CAkey", f"{self.folder}/fake.key",
                             "-days", "20", "-extfile", path + ".ext", "-set_serial", str(serial))
        with open(f"{self.folder}/fake.crt", "rb") as f:
            return leaf + f.read()

    def answer(self, path, body):
        def doc(status, o, **fields):
            return status, {"Content-Type": "application/json", **fields}, json.dumps(o).encode()
        payload = unpack(body) if body else None
        what, _, at = path[1:].partition("/")
        if what == "dir":
            return doc(200, {"newNonce": self.base + "/nonce", "newAccount": self.base + "/account", "newOrder": self.base + "/neworder",
                             "revokeCert": self.base + "/revoke", "keyChange": self.base + "/change", "meta": {}})
        if what == "nonce":
            return 200, {}, b""
        if what == "account":
            return doc(201, {"status": "valid"}, Location=self.base + "/acct/1")
        if what == "neworder":
            at = str(next(self.numbers))  # orders come at the same time
            self.orders[at] = {"status": "ready", "identifiers": payload["identifiers"], "authorizations": [f"{self.base}/authz/{at}"],
                               "finalize": f"{self.base}/finalize/{at}"}
            return doc(201, self.orders[at], Location=f"{self.base}/order/{at}")
        if what == "authz":
            return doc(200, {"status": "valid", "identifier": self.orders[at]["identifiers"][0], "challenges": []})
        if what == "finalize":
            self.orders[at].update(status="processing", csr=payload["csr"], left=self.processing)
        if what in ("finalize", "order"):
            order = self.orders[at]
            if order["status"] == "processing" and order["left"] <= 0:
                order.update(status="valid", certificate=f"{self.base}/cert/{at}")
            elif order["status"] == "processing":
                order["left"] -= 1
            shown = {k: v for k, v in order.items() if k not in ("csr", "left")}
            return doc(200, shown, Location=f"{self.base}/order/{at}", **{"Retry-After": "1"})
        if what == "cert":
            order = self.orders[at]
            return 200, {"Content-Type": "application/pem-certificate-chain"}, self.sign(order["csr"], [i["value"] for i in order["identifiers"]])
        return doc(404, {"type": "urn:ietf:params:acme:error:malformed", "detail": "no such thing"})

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
