# SPDX-License-Identifier: Apache-2.0
"""aditd gets its certificates of Pebble: what is asked for is served, whatever the CA does meanwhile, and whoever is killed."""
import base64
import concurrent.futures
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time

import pytest

from acmelab import CHALLTESTSRV, PEBBLE, ask
from certlab import DOMAIN, CertEdge, CertLab, orders
from dnsd import Internet
from fakeca import FakeCA
from lab import ADITD
from process import WAIT_S, free_port, until

pytestmark = pytest.mark.skipif(not (PEBBLE and CHALLTESTSRV), reason="NO PEBBLE, certificates of CAs are NOT tested: go install "
                                "github.com/letsencrypt/pebble/v2/cmd/pebble@latest, and the same for .../cmd/pebble-challtestsrv")


@pytest.fixture
def certlab():
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        made = CertLab(folder)
        yield made
        made.close()


def set_window(ca, pem, body):
    status, _, text = ask("POST", f"https://127.0.0.1:{ca.management}/set-renewal-info/", json.dumps({"Certificate": pem, "ARIResponse": body}))
    assert status == 200, text


def test_the_domain_by_http_01_and_a_restart(certlab):
    certlab.pebble()
    acme = certlab.acme(challenges="[http-01]")
    edge = certlab.edge(acme, name="edge")
    shown = edge.wait_cert()
    assert edge.names() == {DOMAIN} and shown["ways"] == ["http-01"] and "Pebble" in shown["issuer"]
    serial = edge.serial()
    edge.stop()
    edge = certlab.edge(acme, name="edge")
    assert edge.serial() == serial  # at once, and no new order
    assert edge.cert()["state"] == "served" and edge.logged_count("certificate-order") == 0


def test_the_domain_by_tls_alpn_01_while_visitors_see_what_they_always_see(certlab):
    certlab.pebble()
    edge = certlab.edge(certlab.acme(challenges="[tls-alpn-01]"))
    with pytest.raises(ssl.SSLError):
        edge.handshake("other.example.org")
    edge.wait_cert()
    assert edge.names() == {DOMAIN}
    for name, alpn in (("other.example.org", ("http/1.1",)), (DOMAIN, ("acme-tls/1",))):  # no certificate; no challenge any more
        with pytest.raises(ssl.SSLError):
            edge.handshake(name, alpn)
    assert edge.handshake(DOMAIN, ("adit/1",)) == edge.handshake()


def test_an_address(certlab):
    certlab.pebble()
    edge = certlab.edge(certlab.acme(ip="127.0.0.1"))
    edge.wait_cert("127.0.0.1")
    edge.wait_cert()
    assert edge.names(None) == {"127.0.0.1"} and edge.names() == {DOMAIN}
    begin, end = (edge.cert("127.0.0.1")[k] for k in ("begin_ms", "end_ms"))
    assert end - begin < 7 * 86400000  # profile shortlived


def test_the_wildcard_by_our_own_dns(certlab):
    port = free_port()
    certlab.pebble(dns=f"127.0.0.1:{port}")
    edge = certlab.edge(config=f"dns: {{ listen: [\"127.0.0.1:{port}\"], mode: zone, addresses: [127.0.0.1] }}\n")
    edge.wait_cert(f"*.{DOMAIN}")
    assert edge.names() == {DOMAIN, f"*.{DOMAIN}"} and edge.handshake(f"any.{DOMAIN}") == edge.handshake()
    assert edge.cert(f"*.{DOMAIN}")["ways"] == ["dns-01"]


def test_tunnels_where_no_wildcard_covers_them(certlab, lab):
    certlab.pebble()
    edge = certlab.edge(certlab.acme(ip="127.0.0.1"))
    edge.wait_cert("127.0.0.1")
    with open(edge.ca, "w") as f:
        f.write(certlab.ca.root())
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web", token=edge.new_token("dev")[0])
    edge.wait_cert(f"web.{DOMAIN}")
    got = edge.get(host=f"web.{DOMAIN}")
    assert got.status == 200 and edge.names(f"web.{DOMAIN}") == {f"web.{DOMAIN}"}
    ends = lab.agent(edge, "tls", lab.origin().address, "--name", "secret", token=edge.new_token("dev")[0])
    assert set(edge.certs()) == {"127.0.0.1", DOMAIN, f"web.{DOMAIN}"}  # its certificate is the agent's own
    ends.stop()
    agent.stop()


@pytest.mark.slow  # a second order for the same names waits a minute
def test_a_standing_record(certlab):
    """The log says which record is to be written; it was there before the second attempt."""
    certlab.pebble()
    edge = certlab.edge(certlab.acme(challenges="[dns-persist-01]"))
    edge.wait_cert(state="failed")
    where, text = re.search(r'kind=dns-persist-01 where=(\S+) text="([^\n]*)"$', edge.logged(), re.M).groups()
    certlab.world.manage("set-txt", host=where + ".", value=text.replace('\\"', '"'))
    edge.ctl("cert", "renew", DOMAIN)
    edge.wait_cert(seconds=90 + WAIT_S)


def test_no_domain_at_all(certlab, lab):
    """The edge's address is all there is: one tunnel is served there, and a second one is refused."""
    certlab.pebble()
    edge = certlab.edge(certlab.acme(ip="127.0.0.1"), domain=None)
    edge.wait_cert("127.0.0.1")
    assert list(edge.certs()) == ["127.0.0.1"]
    with open(edge.ca, "w") as f:
        f.write(certlab.ca.root())
    token = edge.new_token("dev")[0]
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web", token=token)
    assert agent.url == f"https://127.0.0.1:{certlab.https}"
    assert edge.get(host="127.0.0.1").status == 200
    assert edge.get(host=f"127.0.0.1:{certlab.http}", tls=False).get("Location").startswith("https://127.0.0.1")
    other = lab.agent(edge, "http", lab.origin().address, "--name", "other", token=token, up=False)
    assert "default_tunnel" in other.wait_event("refused")["text"]
    other.exits(3)
    assert edge.get(host="127.0.0.1").status == 200
    agent.stop()


# --- a look before the CA ---

def seen_through(lab, *zones):
    """A resolver that knows the edge's address, and the line for aditd.yml."""
    net = lab.keep(Internet(*zones))
    net.set(DOMAIN, "A", "127.0.0.1")
    return net, f"resolver: {net.address}\n"


@pytest.mark.parametrize("delegated", [True, False])
def test_a_record_is_looked_for_where_the_dns_leads(certlab, lab, delegated):
    """The CA asks the edge itself here, so that it gives a certificate also where the world would not find the record."""
    net, config = seen_through(lab, *([] if delegated else [DOMAIN]))
    port = int(net.address.split(":")[1])
    if delegated:
        net.set(f"_acme-challenge.{DOMAIN}", "NS", f"ns.{DOMAIN}")
        net.set(f"ns.{DOMAIN}", "A", "127.0.0.9")
    certlab.pebble()
    certlab.ca.stop()
    certlab.ca.argv[-1] = f"127.0.0.9:{port}"
    certlab.ca.start()
    edge = certlab.edge(config=f"{config}dns: {{ listen: [\"127.0.0.9:{port}\"], addresses: [127.0.0.1] }}\n")
    edge.wait_cert(f"*.{DOMAIN}")
    said = edge.cert(f"*.{DOMAIN}")["unseen"]
    if delegated:
        assert said == "" and edge.logged_count("certificate-unseen") == 0
        return
    assert f"name servers of {DOMAIN} (127.0.0.2:{port})" in said and f"_acme-challenge.{DOMAIN}" in said and "aditd dns-plan" in said
    assert edge.logged_count("certificate-unseen") == 2 and said in edge.ctl("cert", "show", f"*.{DOMAIN}")  # wildcard and domain


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01"])
@pytest.mark.parametrize("leads_here", [True, False])
def test_a_name_is_looked_at_where_it_leads(certlab, lab, kind, leads_here):
    _, config = seen_through(lab)
    certlab.pebble()
    ports = (certlab.https, certlab.http) if leads_here else (certlab.ca.port, certlab.world.web.server_address[1])
    edge = certlab.edge(certlab.acme(challenges=f"[{kind}]"), config=config, env={"ADIT_CERT_PORTS": "%d:%d" % ports})
    edge.wait_cert()
    said = edge.cert()["unseen"]
    if leads_here:
        assert said == "" and edge.logged_count("certificate-unseen") == 0
        return
    port, came = (ports[1], "status 404 came") if kind == "http-01" else (ports[0], "acme-tls/1")
    assert f"{DOMAIN} port {port}" in said and came in said and "aditd doctor" in said
    assert edge.logged_count("certificate-unseen") == 1 and said in edge.ctl("cert", "show", DOMAIN)


# --- what a CA does ---

def test_half_of_the_nonces_are_refused(certlab):
    certlab.pebble({"PEBBLE_WFE_NONCEREJECT": "50"})
    certlab.edge().wait_cert()


def test_profiles(certlab):
    certlab.pebble()
    edge = certlab.edge(certlab.acme(profile="shortlived"), name="a")
    row = edge.wait_cert()
    assert row["end_ms"] - row["begin_ms"] < 7 * 86400000
    edge.stop()
    edge = certlab.edge(certlab.acme(profile="nosuch"), name="b")
    row = edge.wait_cert(state="failed")
    assert "no profile nosuch" in row["problem"] and f"aditd cert renew {DOMAIN}" in row["remedy"]
    assert "nosuch" in edge.ctl("cert", "list") and "what to do" in edge.ctl("cert", "show", DOMAIN)


def test_external_account(certlab):
    key = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    certlab.pebble(externalAccountBindingRequired=True, externalAccountMACKeys={"kid-1": key})
    edge = certlab.edge(name="a")
    assert "eab: {key_id:, hmac_file:}" in edge.wait_cert(state="failed")["problem"]
    edge.stop()
    path = os.path.join(certlab.folder, "hmac")
    with open(path, "w") as f:
        f.write(key + "\n")
    certlab.edge(certlab.acme(eab=f"{{ key_id: kid-1, hmac_file: {path} }}"), name="a").ctl("cert", "renew", DOMAIN)
    certlab.parts[-1].wait_cert()


def test_authorities_of_the_ca_that_cannot_be_read(certlab, lab):
    """One sentence at -n, at a start and at a reload; as a problem of the certificate where the file goes later."""
    certlab.pebble()
    os.chmod(certlab.folder, 0o755)
    trust, config = os.path.join(certlab.folder, "trust.pem"), "user: nobody\n" if os.geteuid() == 0 else ""
    shutil.copy(os.path.join(certlab.folder, "ca.crt"), trust)
    edge = certlab.edge(certlab.acme(ca_file=trust, ip="127.0.0.1"))
    for name in (DOMAIN, "127.0.0.1"):
        edge.wait_cert(name)
        until(lambda: edge.cert(name)["window"]["start_ms"] > 0)  # what the CA was asked is over
    with open(edge.ca, "w") as f:
        f.write(certlab.ca.root())
    edge.ctl("reload")
    os.unlink(trust)
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web", token=edge.new_token("dev")[0])
    problem = edge.wait_cert(f"web.{DOMAIN}", state="failed")["problem"]
    assert f"cannot read the CA certificates of {trust}" in problem and edge.names() == {DOMAIN}
    agent.stop()
    said = edge.ctl("reload", ok=False)
    assert re.search(r"aditd\.yml:\d+:\d+: acme: ca_file: .*No such file.*chmod a\+r", said), said
    path = f"{edge.folder}/second.yml"
    with open(path, "w") as f:
        f.write(f"domain: {DOMAIN}\nstate_dir: {edge.folder}/second\n{config}listen:\n  https: 127.0.0.1:{free_port()}\n"
                f"  control: unix:{edge.folder}/second/control\nacme:\n  agree_to_terms: yes\n  ca_file: {trust}\n")
    for broken in ("missing", "unreadable"):
        if broken == "unreadable":
            shutil.copy(os.path.join(certlab.folder, "ca.crt"), trust)
            os.chmod(trust, 0o600 if config else 0)
        for check in (["-n"], []):
            done = subprocess.run([ADITD, *check, "-f", path], capture_output=True, text=True, timeout=WAIT_S)
            assert done.returncode == 1 and re.search(rf"second\.yml:\d+:12: acme: ca_file: .*{trust}", done.stderr), (broken, check, done)


@pytest.mark.slow  # a second order for the same names waits a minute
def test_an_account_that_the_ca_has_lost(certlab):
    """Pebble forgets all at a restart: the next certificate is of a new account with the same key."""
    certlab.pebble()
    edge = certlab.edge()
    edge.wait_cert()
    certlab.ca.stop()
    certlab.ca.start()
    serial = edge.serial()
    edge.ctl("cert", "renew", DOMAIN)
    until(lambda: edge.serial() != serial, 90 + WAIT_S)


@pytest.mark.slow  # a second order for the same names waits a minute
def test_a_window_in_the_past_renews_and_a_malformed_one_does_not(certlab):
    certlab.pebble()
    acme = certlab.acme()
    edge = certlab.edge(acme, name="edge")
    edge.wait_cert()
    until(lambda: edge.cert()["window"]["start_ms"] > 0, what="the CA's window")
    serial, pem = edge.serial(), edge.handshake()
    for body in ("{}", "garbage"):
        set_window(certlab.ca, pem, body)
        edge.stop()
        edge = certlab.edge(acme, name="edge")
        until(lambda: edge.logged_count("certificate-window") > 0)
        assert edge.serial() == serial and edge.cert()["window"]["start_ms"] > 0
    set_window(certlab.ca, pem, json.dumps({"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"},
                                            "explanationURL": "https://ca.test/why"}))
    edge.stop()
    edge = certlab.edge(acme, name="edge")
    until(lambda: edge.logged_count("certificate-order") == 1, 70 + WAIT_S)
    until(lambda: edge.serial() != serial)
    assert "why=https://ca.test/why" in edge.logged()
    row = edge.wait_cert()
    assert row["window"]["why"] == "" and edge.logged_count("certificate-order") == 1  # the window was of the other one


@pytest.mark.slow  # a second order for the same names waits a minute
def test_revoked_and_another_key_for_the_account(certlab):
    certlab.pebble()
    edge = certlab.edge()
    edge.wait_cert()
    serial = edge.serial()
    assert "another key" in edge.ctl("cert", "rollover")
    assert "is revoked" in edge.ctl("cert", "revoke", DOMAIN, "--reason", "1")
    status = json.loads(ask("GET", f"https://127.0.0.1:{certlab.ca.management}/cert-status-by-serial/{serial.lower()}")[2])
    assert status["Status"] == "Revoked"
    until(lambda: edge.serial() != serial, 70 + WAIT_S)
    assert "no certificate" in edge.ctl("cert", "show", "no.example.org", ok=False)


@pytest.mark.parametrize("at", range(1, 8))
def test_a_change_of_the_key_that_was_cut_short_goes_on(certlab, at):
    """Whatever step it was killed at: the next life goes on with it, and nothing waits for it for ever."""
    certlab.pebble()
    edge = certlab.edge(name="edge")
    edge.wait_cert()
    edge.stop()
    try:
        edge = certlab.edge(name="edge", env={"ADIT_CERT_KILL": str(at)})
    except AssertionError:
        pass  # before anybody could see that it was ready
    else:
        subprocess.run([ADITD, "--control", edge.ready["control"], "cert", "rollover"], capture_output=True, timeout=6 * WAIT_S)
        edge.expected_code = -signal.SIGKILL
        edge.child.kill()  # where there were fewer steps
        edge.stop()
    edge = certlab.edge(name="edge")

    def rolls():
        done = subprocess.run([ADITD, "--control", edge.ready["control"], "cert", "rollover"], capture_output=True, text=True, timeout=6 * WAIT_S)
        return done.returncode == 0 and "another key" in done.stdout
    until(rolls, 6 * WAIT_S)
    assert "is revoked" in edge.ctl("cert", "revoke", DOMAIN)


# --- kill -9 ---

def one_life_and_another(certlab, at):
    """Killed at that step, and started again: a certificate whose key matches, and no two orders within a minute. False: there is no such step."""
    domain, address = f"k{at}.example.org", f"127.0.1.{at}"
    certlab.world.manage("add-a", host=domain + ".", addresses=[address])
    folder = os.path.join(certlab.folder, f"k{at}")

    def life(**kw):
        return CertEdge(folder, certlab.https, certlab.http, certlab.acme(), "--log-level", "debug", config="workers: 1\n", domain=domain,
                        address=address, **kw)

    def ended(edge):
        served = edge.logged_count("certificate") == 1 and edge.logged_count("certificate-window") == 1
        return "served" if served and edge.alive() else not edge.alive()
    try:
        first = life(env={"ADIT_CERT_KILL": str(at)})
    except AssertionError:
        first = None  # before anybody could see that it was ready
    killed = first is None or until(lambda: ended(first), 120, f"{folder}: {first.logged()[-2000:]}") != "served"
    if first is not None:
        first.expected_code = -signal.SIGKILL if killed else 0
        first.stop()
    second = life()
    try:
        until(lambda: second.shows(domain), 120, f"a certificate after a kill at {at}")
        second.handshake(domain, verify=certlab.roots)
        sent = orders(folder)
        assert sent and all(b - a >= 59000 for a, b in zip(sent, sent[1:])), (at, sent)
    finally:
        second.stop()
    return killed


@pytest.mark.slow  # a kill between newOrder and its answer waits a minute for another one
def test_killed_between_any_two_steps(certlab):
    certlab.pebble()
    certlab.roots = os.path.join(certlab.folder, "roots.pem")
    with open(certlab.roots, "w") as f:
        f.write(certlab.ca.root())
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        killed = list(pool.map(lambda at: one_life_and_another(certlab, at), range(1, 81)))
    assert killed.index(False) > 30 and not any(killed[killed.index(False):])  # steps ended before the range did


# --- a CA that is worse than Pebble ---

@pytest.fixture
def fake(certlab):
    made = FakeCA(certlab.folder)
    certlab.parts.append(made)
    return made


def self_signed(folder, *names):
    """Certificate and key in files that certificates: takes; the line for aditd.yml."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=by hand", "-days", "80",
                    "-addext", "subjectAltName=IP:127.0.0.1," + ",".join(f"DNS:{n}" for n in names), "-keyout", f"{folder}/hand.key", "-out", f"{folder}/hand.pem"],
                   check=True, capture_output=True, timeout=WAIT_S)
    return f"certificates:\n  - cert: {folder}/hand.pem\n    key: {folder}/hand.key\n"


def fake_edge(certlab, fake, more="", **kw):
    return certlab.edge(f"directory: {fake.directory}, ca_file: {certlab.folder}/fake.crt, agree_to_terms: yes{more}", **kw)


def test_a_limit_of_the_ca_is_waited_for(certlab, fake):
    limited = json.dumps({"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many certificates"}).encode()
    fake.fault = lambda path: (429, {"Retry-After": "86400"}, limited) if path == "/neworder" else None
    edge = fake_edge(certlab, fake, name="edge")
    row = edge.wait_cert(state="failed")
    assert 86000 < row["next_ms"] / 1000 - time.time() < 87000 and "too many certificates" in row["problem"]
    assert fake.asked.count("/neworder") == 1
    edge.stop()
    fake.fault = lambda path: None
    edge = fake_edge(certlab, fake, name="edge")  # over a restart, too
    assert edge.wait_cert(state="failed")["next_ms"] == row["next_ms"] and fake.asked.count("/neworder") == 1


@pytest.mark.parametrize("fault", [(200, {}, b"<html>"), (200, {}, b"{" * 300000), (500, {}, b""), (302, {"Location": "https://x.test/"}, b"")])
def test_garbage(certlab, fake, fault):
    fake.fault = lambda path: fault if path == "/dir" else None
    edge = fake_edge(certlab, fake, name="edge")
    until(lambda: edge.cert()["state"] == "failed" or fake.asked.count("/dir") > 1, what="it is refused, or asked for again")
    assert edge.alive()


def test_it_hangs_and_the_edge_stops_in_order(certlab, fake):
    fake.fault = lambda path: "hang" if path == "/account" else None
    edge = fake_edge(certlab, fake)
    until(lambda: "/account" in fake.asked)
    assert edge.cert()["state"] == "ordering"
    edge.stop()


def test_processing_for_long_and_renewals_that_fail_touch_nothing(certlab, fake):
    fake.processing = 5
    edge = fake_edge(certlab, fake)
    edge.wait_cert()
    serial = edge.serial()
    fake.fault = lambda path: (500, {}, b"") if path != "/nonce" else None
    edge.ctl("cert", "renew", DOMAIN)
    edge.ctl("reload")
    assert edge.serial() == serial


def test_from_files_to_a_ca_by_a_reload(certlab, fake, lab):
    """Tunnels that are up get certificates of their own then, not when their agents connect the next time."""
    files = self_signed(certlab.folder, DOMAIN, f"*.{DOMAIN}")
    edge = fake_edge(certlab, fake, config=files)
    shutil.copy(f"{certlab.folder}/hand.pem", edge.ca)
    agent = lab.agent(edge, "http", lab.origin().address, "--name", "web", token=edge.new_token("dev")[0])
    assert edge.certs() == {}
    path = f"{edge.folder}/aditd.yml"
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace(files, ""))
    edge.ctl("reload")
    edge.wait_cert()
    edge.wait_cert(f"web.{DOMAIN}")
    assert edge.names(f"web.{DOMAIN}") == {f"web.{DOMAIN}"} and edge.logged_count("link-down") == 0
    agent.stop()


# --- many handshakes ---

def test_handshakes_while_certificates_are_swapped(certlab, fake):
    """Every handshake sees one of the certificates whole, while the table of them changes all the time."""
    edge = fake_edge(certlab, fake, config="log: { access: false }\n")
    edge.wait_cert()
    stop, done, swaps = threading.Event(), [], []

    def shake():
        while not stop.is_set():
            edge.handshake()
            done.append(1)

    def swap():
        while not stop.is_set():
            edge.ctl("reload")
            swaps.append(1)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        work = [pool.submit(shake) for _ in range(4)] + [pool.submit(swap)]
        until(lambda: len(done) >= 1000 and len(swaps) >= 50, 60)
        stop.set()
        for w in work:
            w.result()


def test_handshakes_by_openssl_while_certificates_are_swapped(certlab, fake):
    """As many as the machine gives: s_time ends at the first one that fails, and counts none after it."""
    edge = fake_edge(certlab, fake, config="log: { access: false }\n")
    edge.wait_cert()
    load = [subprocess.Popen(["openssl", "s_time", "-connect", f"127.0.0.1:{certlab.https}", "-new", "-time", "3"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    swaps = 0
    while any(p.poll() is None for p in load):
        edge.ctl("reload")
        swaps += 1
    said = [p.communicate(timeout=WAIT_S)[0] for p in load]
    done = [re.search(r"(\d+) connections in (\d+) real seconds", text) for text in said]
    assert all(p.returncode == 0 for p in load) and all(done) and not any("error" in text.lower() for text in said), said
    print(f"{sum(int(m[1]) for m in done)} handshakes in {done[0][2]} s, {swaps} swaps")
    assert swaps > 3 and all(int(m[1]) > 0 for m in done)


@pytest.mark.slow  # until a quarter of the life is left
def test_people_are_told_of_what_ends_soon(certlab):
    certlab.pebble(profiles={"short": {"description": "a minute", "validityPeriod": 60}})
    told = os.path.join(certlab.folder, "told")
    edge = certlab.edge(certlab.acme(profile="short"), config=f"inbox: {{ alert_command: \"cat >> {told}\" }}\n")
    edge.wait_cert()
    certlab.ca.stop()
    until(lambda: os.path.exists(told) and open(told).read(), 140)
    certlab.ca.start()
    said = json.loads(open(told).read())
    assert said["event"] == "certificate" and said["name"] == DOMAIN and f"aditd cert show {DOMAIN}" in said["text"]


@pytest.mark.slow  # half of a life of 160 seconds
def test_a_renewal_by_itself(certlab):
    certlab.pebble(profiles={"short": {"description": "two minutes and a half", "validityPeriod": 160}})
    edge = certlab.edge(certlab.acme(profile="short"))
    edge.wait_cert()
    serial, begin = edge.serial(), time.monotonic()
    until(lambda: edge.serial() != serial, 170)
    assert 55 < time.monotonic() - begin < 155 and edge.logged_count("certificate-order") == 2 and edge.logged_count("certificate-failed") == 0
