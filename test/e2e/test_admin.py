# SPDX-License-Identifier: Apache-2.0
"""What operators and scripts see: the ready line, status, tokens, names, reload, exit codes."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from conftest import ROOT
from lab import ADIT, ADITD, Edge
from process import WAIT_S, until


def run(*argv, **kw):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=4 * WAIT_S, **kw)


def test_ready_line(lab):
    edge = lab.edge()
    assert sorted(edge.ready) == ["ca", "control", "dashboard", "domain", "http", "https", "token"]
    assert edge.ready["domain"] == "localhost"
    assert edge.https[0] == edge.http[0] == "127.0.0.1"
    for what in ("ca", "token"):
        assert os.path.isfile(edge.ready[what])
    assert edge.n_lines() == 1


def test_unix_listeners(lab):
    """Every listener takes unix:PATH: tests and neighbours need no port."""
    folder = lab.folder + "/u"
    edge = Edge(folder, "--https", f"unix:{folder}/s.sock", "--http", f"unix:{folder}/p.sock")
    lab.parts.append(edge)
    assert edge.ready["https"] == f"unix:{folder}/s.sock"
    origin = lab.origin(unix=True)
    lab.agent(edge, "http", origin.address, "--name", "web")
    assert edge.get().body == b"ok" and edge.get(tls=False).body == b"ok"


def test_curl_is_content_with_the_certificate(lab):
    edge, _, _ = lab.web()
    port = edge.https[1]
    done = run("curl", "-sS", "--max-time", "10", "--cacert", edge.ca, "--resolve", f"web.localhost:{port}:127.0.0.1",
               f"https://web.localhost:{port}/")
    assert (done.returncode, done.stdout) == (0, "ok"), done
    other = lab.edge()
    done = run("curl", "-sS", "--max-time", "10", "--cacert", other.ca, "--resolve", f"web.localhost:{port}:127.0.0.1",
               f"https://web.localhost:{port}/")
    assert done.returncode == 60, done  # another folder's CA does not vouch for this one


def test_visitors_get_tls_1_2_and_1_3_and_nothing_older(lab):
    import ssl
    edge, _, _ = lab.web()
    with edge.visitor(max_version=ssl.TLSVersion.TLSv1_2) as v:
        assert v.sock.version() == "TLSv1.2" and v.ask("GET", "/").body == b"ok"
    with edge.visitor() as v:
        assert v.sock.version() == "TLSv1.3" and v.sock.selected_alpn_protocol() == "http/1.1"
    with edge.visitor(alpn=()) as v:
        assert v.ask("GET", "/").body == b"ok"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        edge.visitor(alpn=("ftp",))
    done = run("openssl", "s_client", "-connect", "%s:%d" % edge.https, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", input="")
    assert "Cipher is (NONE)" in done.stdout or done.returncode != 0


def test_status_counts_visitors_of_tcp_tunnels(lab):
    """In the word of the command line: adit tcp."""
    edge = lab.edge()
    agent = lab.agent(edge, "tcp", lab.origin(connected=lambda c: c.rest()).address)
    port = int(agent.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S):
        until(lambda: edge.status()["streams"] == 1)
        assert re.search(r" tcp 1 tcp_total 1 ", edge.ctl("status")) and "streams" not in edge.ctl("status")


def test_status_counts(lab):
    edge, _, origin = lab.web()
    status = edge.status()
    assert status["links"] == 1 and status["streams"] == 0
    v = lab.keep(edge.visitor())
    v.ask("GET", "/")
    assert edge.status()["visitors"] == 1
    v.close()
    edge.nothing_left(links=1)
    said = edge.ctl("status")
    assert "web" in said and not re.search(r"^worker \d", said, re.M)
    assert len(re.findall(r"^\d+ workers: links 1 .* requests 1 ", said, re.M)) == 1, said


def test_wait_up_waits(lab):
    edge = lab.edge()
    waiting = subprocess.Popen([ADITD, "--control", edge.ready["control"], "wait", "up", "web"])
    try:
        lab.agent(edge, "http", lab.origin().address, "--name", "web")
        assert waiting.wait(2 * WAIT_S) == 0
    finally:
        waiting.kill()
        waiting.wait()


def test_tokens_and_names(lab):
    edge, agent, _ = lab.web()
    path, token_id = edge.new_token("ci")
    listed = edge.ctl("token", "list")
    assert "ci" in listed and token_id in listed
    with open(path) as f:
        assert f.read().strip().split("_", 2)[2] not in listed
    edge.ctl("name", "reserve", "kept", "ci")
    assert "kept" in edge.ctl("name", "list") and "web" in edge.ctl("name", "list")
    edge.ctl("token", "revoke", token_id)
    other = lab.agent(edge, "http", "8080", "--name", "kept", token=path, up=False)
    other.exits(3)
    edge.ctl("token", "revoke", "nonsense", ok=False)
    edge.ctl("name", "release", "never-heard", ok=False)
    edge.ctl("nonsense", ok=False)


@pytest.mark.parametrize("name", ["WPAD", "edge", "_acme-challenge", "a.b", "-a", "a-", "a_b", "x" * 64, "xn--a", "123", "ä", "..", "a/b"])
def test_s02_names_that_nobody_gets(shared_lab, name):
    edge = getattr(shared_lab, "names_edge", None) or shared_lab.edge()
    shared_lab.names_edge = edge
    done = run(ADIT, "http", "8080", "--name", name, "--json", "--edge", edge.ready["https"], "--ca", edge.ca,
               "--token-file", edge.token, env={**os.environ, "HOME": edge.folder})
    assert done.returncode != 0, done


def test_reload_keeps_connections(lab):
    """SIGHUP: a new certificate for new visitors; who is here stays."""
    edge, agent, _ = lab.web()
    with edge.visitor() as v:
        assert v.ask("GET", "/").body == b"ok"
        for _ in range(3):
            edge.signal(signal.SIGHUP)
            assert v.ask("GET", "/").body == b"ok"
        assert edge.get().body == b"ok"
    assert edge.status()["links"] == 1 and agent.n_lines() == 1


def test_control_socket_survives_nonsense(lab):
    edge = lab.edge()
    for data in (b"", b"\n", b"{", b"\0" * 1000, b"[]\n", b'{"op":5}\n', b'{"command":["status"]' * 10, b"x" * 400000):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(WAIT_S)
            s.connect(edge.ready["control"])
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass
    assert edge.status()["links"] == 0


def test_check_of_a_configuration(lab):
    """-n: right, or file, line and column of what is wrong."""
    path = lab.folder + "/aditd.yml"
    with open(path, "w") as f:
        f.write(f"domain: example.org\nstate_dir: {lab.folder}\nlisten:\n  https: 127.0.0.1:0\n")
    done = run(ADITD, "-n", "-f", path)
    with open(path, "w") as f:
        f.write("domain: example.org\nlisten:\n  htps: 127.0.0.1:0\n")
    done = run(ADITD, "-n", "-f", path)
    assert done.returncode != 0 and re.search(r"aditd\.yml:3:3: .*htps.*https", done.stderr), done


def test_limits_are_printed():
    done = run(ADITD, "-T")
    assert done.returncode == 0
    for row in ("HEAD_BYTES", "LINK_RX_BYTES_MAX", "VISITORS"):
        assert row in done.stdout


def test_usage_and_versions():
    for program in (ADIT, ADITD):
        done = run(program, "--nonsense")
        assert done.returncode not in (0, -6, -11) and done.stderr, done
    done = run(ADIT, "version")
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout)
    done = run(ADIT, "htp", "8080")
    assert done.returncode != 0 and "http" in done.stderr  # did you mean


def test_proxies_from_the_environment(lab):
    """HTTP CONNECT and SOCKS5 on the way to the edge."""
    proxy = pytest.importorskip("proxies")
    edge = lab.edge()
    origin = lab.origin()
    for kind in ("http", "socks5"):
        p = lab.keep(proxy.Proxy(kind, edge.https))
        agent = lab.agent(edge, "http", origin.address, "--name", "web", "--edge", f"https://edge.test:{edge.https[1]}",
                          env={"https_proxy": f"{kind}://user:pass@{p.address}", "no_proxy": ""}, up=False, name=kind)
        until(lambda: p.asked or not agent.alive(), what="the proxy is asked")
        assert p.asked == [("edge.test", edge.https[1], "user:pass")], p.asked
        agent.kill()


def test_http_listener_redirects_when_told(lab):
    edge = lab.edge(config="http: redirect\n")
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web")
    m = edge.get("/a%2Fb?c=d", tls=False)
    assert m.status == 308 and m.get("location") == f"https://web.localhost:{edge.https[1]}/a%2Fb?c=d", m
    assert not origin.requests


def test_the_manuals_name_every_option():
    """Of adit each command's help says which manual that is."""
    words = set(re.findall(r"^  ([a-z-]+) ", run(ADIT, "help").stdout, re.M)) - {"help", "version"}
    assert {"http", "inbox", "doctor", "check-url", "hook"} < words
    asked = [(ADITD, "--help"), *((ADIT, "help", word) for word in sorted(words))]
    for ask in asked:
        said = run(*ask).stdout
        page, section = ("aditd", "8") if ask[0] == ADITD else re.search(r"^Manual: (adit[a-z-]*)\(([1-8])\)$", said, re.M).groups()
        text = manual(page, section)
        text += manual("adit", "1") if page.startswith("adit-") else ""  # the options of the edge and the output
        text += manual("adit-inbox", "1") if page == "aditd" else ""
        for option in set(re.findall(r"^  (--[a-z][a-z0-9-]+)", said, re.M)) - {"--help"}:
            assert re.search(rf"{option[1:]}\b", text), f"man/{page}.{section} does not name {option} of {ask[1:]}"


def manual(page, section):
    with open(os.path.join(ROOT, "man", f"{page}.{section}")) as f:
        return f.read().replace("\\-", "-")


def test_status_is_json(lab):
    edge = lab.edge()
    assert isinstance(json.loads(edge.ctl("status", "--json")), dict)
