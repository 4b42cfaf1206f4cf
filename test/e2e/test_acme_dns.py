# SPDX-License-Identifier: Apache-2.0
"""The acme-dns API: names for wildcards of foreign domains, as programs of others speak it."""
import json
import os
import subprocess

import pytest

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
