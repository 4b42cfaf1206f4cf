# SPDX-License-Identifier: Apache-2.0
"""The acme-dns API: names for wildcards of foreign domains, as programs of others speak it."""
import json
import os
import shutil
import socketserver
import struct
import subprocess
import threading

import pytest

from acmelab import PEBBLE, Pebble
from dnsd import wire
from http1 import Visitor
from process import WAIT_S, free_port

TXT = ["abcdefghijklmnopqrstuvwxyz0123456789-_ABCD" + c for c in "012345"]


def acme_dns(lab, word="on", mode="challenge", folder=None, more="", **kw):
    port = free_port()
    edge = lab.edge(folder=folder, config=f"dns: {{ listen: [\"127.0.0.1:{port}\"], mode: {mode}, addresses: [127.0.0.1], acme_dns: {word} }}\n"
                    f"http: serve\n{more}", **kw)
    edge.dns = port
    return edge


def dig(edge, name):
    done = subprocess.run(["dig", "@127.0.0.1", "-p", str(edge.dns), "+short", "+time=5", "+tries=1", name, "TXT"],
                          capture_output=True, text=True, timeout=3 * WAIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(line.strip('"') for line in done.stdout.split())


def post(edge, path, body, headers="", source=None):
    text = body if isinstance(body, str) else json.dumps(body)
    with Visitor(edge.http if source else edge.https, "localhost", None if source else edge.ca, source=source) as v:
        v.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {len(text)}\r\n\r\n{text}")
        got = v.response()
        return got.status, json.loads(got.body)


def register(edge, body=""):
    status, said = post(edge, "/register", body)
    assert status == 201, said
    assert said["fulldomain"] == said["subdomain"] + "._acme-challenge.localhost" and len(said["password"]) == 40
    return said


def update(edge, who, txt, **kw):
    return post(edge, "/update", {"subdomain": who["subdomain"], "txt": txt},
                f"X-Api-User: {who['username']}\r\nX-Api-Key: {who['password']}\r\n", **kw)


@pytest.mark.parametrize("mode", ["challenge", "zone"])
def test_the_newest_two_values_stay(lab, mode):
    edge = acme_dns(lab, mode=mode)
    who, other = register(edge), register(edge, {})
    assert who["allowfrom"] == [] and who["subdomain"] != other["subdomain"]
    for i, txt in enumerate(TXT):
        assert update(edge, who, txt) == (200, {"txt": txt})
        assert dig(edge, who["fulldomain"]) == sorted(TXT[max(0, i - 1):i + 1])
    assert update(edge, who, TXT[5]) == (200, {"txt": TXT[5]})  # once more is no third one
    assert dig(edge, who["fulldomain"]) == sorted(TXT[4:])
    assert dig(edge, other["fulldomain"]) == []


def test_who_may(lab):
    edge = acme_dns(lab)
    who, other = register(edge), register(edge)
    for change in ({"username": other["username"]}, {"password": other["password"]}, {"password": ""}, {"password": "x" * 500},
                   {"subdomain": other["subdomain"]}, {"subdomain": "x"}, {"subdomain": "x" * 100}, {"subdomain": ""}):
        assert update(edge, {**who, **change}, TXT[0])[0] == 401, change
    for txt in ("", "short", TXT[0] + "x", TXT[0][:-1] + "!", 5, None):
        assert update(edge, who, txt) == (400, {"error": "bad_txt"})
    for body in ("", "{", "[]", "5", "[" * 4000, "{\"a\":" * 1000):
        assert post(edge, "/update", body, f"X-Api-User: {who['username']}\r\nX-Api-Key: {who['password']}\r\n")[0] in (400, 401), body
    assert dig(edge, who["fulldomain"]) == []


def test_passwords_do_not_travel_in_clear(lab):
    edge = acme_dns(lab)
    assert post(edge, "/register", "", source="127.0.0.1") == (403, {"error": "use_https"})
    who = register(edge)
    assert update(edge, who, TXT[0], source="127.0.0.1") == (403, {"error": "use_https"})
    assert dig(edge, who["fulldomain"]) == []


def test_networks(lab):
    edge = acme_dns(lab, more="dynamic_dns: { plain_http: yes }\n")
    who = register(edge, {"allowfrom": ["127.0.0.0/30", "2001:db8::/32"]})
    assert who["allowfrom"] == ["127.0.0.0/30", "2001:db8::/32"]
    assert update(edge, who, TXT[0])[0] == 200
    assert update(edge, who, TXT[0], source="127.0.0.9")[0] == 401
    for bad in (["x"], ["10.0.0.0/33"], "10.0.0.0/8", [5], ["10.0.0.0/8"] * 9):
        assert post(edge, "/register", {"allowfrom": bad}) == (400, {"error": "invalid_allowfrom_cidr"})


def test_members_in_any_case(lab):
    """As goacmedns writes them, the client in lego, Traefik and cert-manager."""
    edge = acme_dns(lab)
    status, who = post(edge, "/register", {"AllowFrom": ["127.0.0.1"]})
    assert status == 201 and who["allowfrom"] == ["127.0.0.1"]
    assert post(edge, "/update", {"SubDomain": who["subdomain"], "Txt": TXT[0]}, f"X-Api-User: {who['username']}\r\nX-Api-Key: {who['password']}\r\n") \
        == (200, {"txt": TXT[0]})
    assert dig(edge, who["fulldomain"]) == [TXT[0]]


def test_registrations_outlive_a_restart_and_can_be_closed(lab):
    edge = acme_dns(lab)
    who = register(edge, {"allowfrom": ["127.0.0.1"]})
    update(edge, who, TXT[0])
    for word in ("closed", "off"):
        edge.stop()
        os.unlink(f"{edge.folder}/edge.log")  # "ready" is in it
        edge = acme_dns(lab, word, folder=edge.folder)
        assert post(edge, "/register", "") == (404, {"error": "registration_is_off"})
        assert update(edge, who, TXT[1])[0] == (200 if word == "closed" else 404)
        assert TXT[0] in dig(edge, who["fulldomain"])


def test_few_in_an_hour(lab):
    edge = acme_dns(lab)
    for _ in range(10):
        register(edge)
    assert post(edge, "/register", "") == (429, {"error": "too_many_registrations"})


def test_off_where_nothing_is_said(lab):
    assert post(lab.edge(config="http: serve\n"), "/register", "")[0] == 404


# --- programs of others ---

class World(socketserver.ThreadingTCPServer):
    """What a CA asks, over TCP: it follows the CNAME records that a customer has set to the edge's own name server."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, edge):
        self.edge, self.cnames, self.asked = edge, {}, []
        super().__init__(("127.0.0.1", 0), Asked)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, question):
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        kind, name = struct.unpack("!H", question[at + 1:at + 3])[0], ".".join(labels)
        self.asked.append((name, kind))
        rows, target = [], self.cnames.get(name)
        if target is not None and kind == 16:
            rows = [(name, 5, wire(target))] + [(target, 16, bytes([len(t)]) + t.encode()) for t in dig(self.edge, target)]
        return (question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(rows), 0, 0) + question[12:at + 5] +
                b"".join(wire(n) + struct.pack("!HHIH", k, 1, 1, len(d)) + d for n, k, d in rows))

    def close(self):
        self.shutdown()
        self.server_close()


class Asked(socketserver.StreamRequestHandler):
    def handle(self):
        while len(head := self.rfile.read(2)) == 2:
            out = self.server.answer(self.rfile.read(struct.unpack("!H", head)[0]))
            self.wfile.write(struct.pack("!H", len(out)) + out)


LEGO = os.environ.get("LEGO") or shutil.which("lego")


@pytest.mark.skipif(not (PEBBLE and LEGO), reason="NO PEBBLE OR NO LEGO, that lego gets a wildcard by acme-dns is NOT tested: apt install lego, and go install "
                    "github.com/letsencrypt/pebble/v2/cmd/pebble@latest")
def test_lego_gets_a_wildcard_of_a_foreign_domain(lab):
    """Unchanged, twice: the first run registers and says which CNAME is wanted, the second one gets the certificate."""
    edge = acme_dns(lab)
    world = lab.keep(World(edge))
    ca = Pebble(lab.folder, dns_port=world.server_address[1], httpPort=free_port(), tlsPort=free_port())
    ca.close = ca.stop
    lab.keep(ca)
    accounts, port = os.path.join(lab.folder, "acme-dns.json"), edge.https[1]

    def lego():
        return subprocess.run([LEGO, "--server", ca.directory, "--email", "me@customer.test", "--accept-tos", "--path", f"{lab.folder}/lego", "--dns", "acme-dns",
                               "--dns.disable-cp", "--domains", "*.customer.test", "run"], capture_output=True, text=True, timeout=6 * WAIT_S,
                              env={"PATH": os.environ["PATH"], "HOME": lab.folder, "ACME_DNS_API_BASE": f"https://localhost:{port}",
                                   "ACME_DNS_STORAGE_PATH": accounts, "LEGO_CA_CERTIFICATES": f"{lab.folder}/ca.crt", "SSL_CERT_FILE": edge.ca,
                                   "LEGO_DISABLE_CNAME_SUPPORT": "true"})
    done = lego()
    if "unrecognized DNS provider" in done.stdout + done.stderr:
        pytest.skip("THIS LEGO WAS BUILT WITHOUT acme-dns, as Debian's is: that it gets a wildcard is NOT tested; LEGO=/where/another/is")
    assert os.path.exists(accounts), done
    with open(accounts) as f:
        target = json.load(f)["customer.test"]["fulldomain"]
    assert done.returncode != 0 and target in done.stdout + done.stderr, done
    world.cnames["_acme-challenge.customer.test"] = target
    done = lego()
    assert done.returncode == 0, done
    shown = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", f"{lab.folder}/lego/certificates/_.customer.test.crt"],
                           capture_output=True, text=True, check=True).stdout
    assert "DNS:*.customer.test" in shown and ("_acme-challenge.customer.test", 16) in world.asked
